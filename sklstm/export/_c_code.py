"""C code that does not depend on the parameters of a network: arithmetic, products, cells.

The code is for a network named "net". ``named`` replaces the name.
"""

from __future__ import annotations

import re

TYPES = """\
/* All numbers are float. Define NET_DOUBLE before the first include, and they are double. */
#ifdef NET_DOUBLE
typedef double net_real;
#else
typedef float net_real;
#endif
"""

# The polynomial is the one of _kernels/simd.h.
FUNCTIONS = """\
#ifdef NET_DOUBLE
static inline double net_exp(double x) { return exp(x); }
static inline double net_tanh(double x) { return tanh(x); }
#else
typedef char net_needs_floats_of_32_bits[sizeof(float) == 4 ? 1 : -1];

/* exp(x) = power (1 + m), with power = 2^k. Beyond +-87.3 as at +-87.3; NaN stays NaN. */
static inline float net_exp_parts(float x, float *power)
{
    const float limit = 87.3f;
    float r, q;
    uint32_t bits;
    int k;
    if (!(x > -limit && x < limit)) {
        if (x != x) {
            *power = x;
            return x;
        }
        x = x < 0 ? -limit : limit;
    }
    k = (int)(x * 1.44269504f + (x < 0 ? -0.5f : 0.5f));
    r = x - (float)k * 0.693359375f; /* k ln 2, in two parts */
    r = r + (float)k * 2.12194440e-4f;
    q = 0.00836659803f + r * 0.00139464736f;
    q = 0.0416662818f + r * q;
    q = 0.166665429f + r * q;
    q = 0.500000006f + r * q;
    bits = (uint32_t)(k + 127) << 23;
    memcpy(power, &bits, sizeof bits);
    return r + r * r * q;
}

static inline float net_exp(float x)
{
    float power;
    const float m = net_exp_parts(x, &power);
    return power + power * m;
}

/* (e^2x - 1) / (e^2x + 1), from e^2x - 1 so that a small x keeps its digits */
static inline float net_tanh(float x)
{
    float power, e;
    const float m = net_exp_parts(x + x, &power);
    e = (power - 1.0f) + power * m;
    return e / (e + 2.0f);
}
#endif

static inline net_real net_sigmoid(net_real x) { return 1 / (1 + net_exp(-x)); }
"""

SOFTPLUS = """\
/* log(1 + e^x) */
static inline net_real net_softplus(net_real x)
{
#ifdef NET_DOUBLE
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
#else
    return x > 0 ? x + log1pf(net_exp(-x)) : log1pf(net_exp(x));
#endif
}
"""

TILE = 8  # rows whose weights are stored together


def product(int8: bool) -> str:
    """The C function of the product of weights and sources."""
    sums = "abcdefgh"
    scale = "const net_real *scale, " if int8 else ""
    times = "scale[j{}] * " if int8 else ""
    of = "scale (int8 weights x)" if int8 else "weights x"
    add = [f"            {s} += v * (net_real)w[{i}];" for i, s in enumerate(sums)]
    write = [
        f"        out[j{at}] = bias[j{at}] + {times.format(at)}{s};"
        for at, s in zip(["", *(f" + {i}" for i in range(1, TILE))], sums, strict=True)
    ]
    return f"""\
/* out = bias + {of}: n_rows sums over n sources.
 * The weights of {TILE} rows lie together, source by source, so that a source is loaded once for
 * {TILE} sums. Rows that are left over follow one by one. */
static inline void net_product(const net_weight *w, {scale}const net_real *bias,
                               int n_rows, const net_real *x, int n, net_real *out)
{{
    const int n_whole = n_rows - n_rows % {TILE};
    int j, k;
    for (j = 0; j < n_whole; j += {TILE}) {{
        net_real {", ".join(f"{s} = 0" for s in sums)};
        for (k = 0; k < n; k++, w += {TILE}) {{
            const net_real v = x[k];
{chr(10).join(add)}
        }}
{chr(10).join(write)}
    }}
    for (j = n_whole; j < n_rows; j++) {{
        net_real a = 0;
        for (k = 0; k < n; k++) a += x[k] * (net_real)*w++;
        out[j] = bias[j] + {times.format("")}a;
    }}
}}
"""


_CELLS_HEAD = """\
/* One step of the cells of a layer. z are the sums of its rows: {rows}.
 * s are the states, y the outputs{fed}. A block has {size}. */
static inline void net_cells(const net_real *z, {peephole}int n_blocks,
                             net_real *s, net_real *y)
{{
    const int n_cells = n_blocks * NET_BLOCK_SIZE;
    int j, c;
    for (j = 0; j < n_blocks; j++) {{
        const int first = j * NET_BLOCK_SIZE, stop = first + NET_BLOCK_SIZE;
"""

_STEPS = {
    "forget": """\
        const net_real i = net_sigmoid(z[j]);
        const net_real f = net_sigmoid(z[n_blocks + j]);
        const net_real o = net_sigmoid(z[2 * n_blocks + n_cells + j]);
        for (c = first; c < stop; c++) {
            s[c] = f * s[c] + i * net_tanh(z[2 * n_blocks + c]);
            y[c] = o * net_tanh(s[c]);
        }
""",
    "1997": """\
        const net_real i = net_sigmoid(z[j]);
        const net_real o = net_sigmoid(z[n_blocks + n_cells + j]);
        for (c = first; c < stop; c++) {
            s[c] = s[c] + i * 2 * net_tanh(z[n_blocks + c] / 2);
            y[c] = o * net_tanh(s[c] / 2);
        }
        y[n_cells + j] = i;
        y[n_cells + n_blocks + j] = o;
""",
    "coupled": """\
        const net_real i = net_sigmoid(z[j]);
        const net_real o = net_sigmoid(z[n_blocks + n_cells + j]);
        for (c = first; c < stop; c++) {
            s[c] = (1 - i) * s[c] + i * net_tanh(z[n_blocks + c]);
            y[c] = o * net_tanh(s[c]);
        }
""",
    "peephole": """\
        net_real i = z[j], f = z[n_blocks + j], o = z[2 * n_blocks + n_cells + j];
        for (c = first; c < stop; c++) {
            i += p[c] * s[c];
            f += p[n_cells + c] * s[c];
        }
        i = net_sigmoid(i);
        f = net_sigmoid(f);
        for (c = first; c < stop; c++) {
            s[c] = f * s[c] + i * net_tanh(z[2 * n_blocks + c]);
            o += p[2 * n_cells + c] * s[c];
        }
        o = net_sigmoid(o);
        for (c = first; c < stop; c++) y[c] = o * net_tanh(s[c]);
""",
}


def cells(cell: str, block_size: int) -> str:
    """One step of the cells of a layer."""
    forget = "forget gates, " if cell in ("forget", "peephole") else ""
    head = _CELLS_HEAD.format(
        rows=f"input gates, {forget}cells, output gates",
        fed=", followed by the input and output gates" if cell == "1997" else "",
        size="one cell" if block_size == 1 else f"{block_size} cells",
        peephole="const net_real *p, " if cell == "peephole" else "",
    )
    return head + _STEPS[cell] + "    }\n}\n"


def named(code: str, name: str) -> str:
    """Code for the network ``name``."""
    code = re.sub(r"\bnet_", f"{name}_", code)
    return re.sub(r"\bNET_", f"{name.upper()}_", code)

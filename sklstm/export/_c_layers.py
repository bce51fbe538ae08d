"""The layers of a network in C: their constants, their state, and a step through all of them."""

from __future__ import annotations

from math import ceil

import numpy as np

from sklstm._topology import LayerShape
from sklstm.export._c_categories import in_int8
from sklstm.export._c_code import TILE, TYPES
from sklstm.export._c_network import Network
from sklstm.export._c_outputs import Head
from sklstm.export._c_text import Constant
from sklstm.export._model import in_units_of_y

POOLED = {"max": "the highest output of each cell so far", "mean": "the mean output of each cell"}


# ------------------------------------------------------------------------------------ constants


def constants_of(network: Network, head: Head, int8: bool) -> list[Constant]:
    """All constants of a network."""
    found = []
    layers = network.topology.layers(network.vector)
    for k, layer in enumerate(layers):
        matrix = np.hstack([layer["input"], layer["recurrent"]])
        found += _sums(str(k), f"A parameter of layer {k}", matrix, layer["bias"], int8)
        if "peephole" in layer:
            found.append(Constant(f"p{k}", layer["peephole"], f"A peephole of layer {k}"))
    weights, bias = in_units_of_y(network.estimator)
    found += _sums("_out", "A parameter of the output layer", weights, bias, int8)
    if network.categories is not None:
        found += network.categories.constants(int8)
    for stage in network.stages:
        found += stage.constants
    return found + head.constants


def _sums(
    name: str, what: str, weights: np.ndarray, bias: np.ndarray, int8: bool
) -> list[Constant]:
    """The constants of one product: weights, their scales if they are int8, biases."""
    if not int8:
        return [Constant(f"w{name}", _tiled(weights), what, True), Constant(f"b{name}", bias, what)]
    scale, rounded = in_int8(weights)
    return [
        Constant(f"w{name}", _tiled(rounded), what, True),
        Constant(f"scale{name}", scale, what),
        Constant(f"b{name}", bias, what),
    ]


def _tiled(weights: np.ndarray) -> np.ndarray:
    """Weights (rows, sources) in the order in which ``product`` reads them."""
    n_rows, n_sources = weights.shape
    whole = n_rows - n_rows % TILE
    tiles = weights[:whole].reshape(-1, TILE, n_sources).transpose(0, 2, 1)
    return np.concatenate([tiles.ravel(), weights[whole:].ravel()])


def _product(name: str, n_rows: int, x: str, n: int, out: str, int8: bool) -> str:
    scale = f"net_scale{name}, " if int8 else ""
    return f"    net_product(net_w{name}, {scale}net_b{name}, {n_rows}, {x}, {n}, {out});\n"


# ------------------------------------------------------------------------------------ interface


def interface(network: Network, head: Head, int8: bool) -> str:
    """Includes, types, sizes, and the state."""
    sizes = {"FEATURES": network.n_features} | head.sizes
    macros = "".join(f"#define NET_{name} {size}\n" for name, size in sizes.items())
    return f"""\
#ifndef NET_H
#define NET_H

#include <math.h>
#include <stdint.h>
#include <string.h>

{TYPES}
#define NET_R(x) ((net_real)(x))
typedef {"int8_t" if int8 else "net_real"} net_weight;

{macros}#define NET_BLOCK_SIZE {network.topology.block_size}

{_memory(network)}{_state(network)}"""


def _memory(network: Network) -> str:
    """The struct of the memory of the steps before the network."""
    if not remembers(network):
        return ""
    lines = [
        f"    {kind} {name}[{size}];\n"
        for kind, arrays in (("net_real", "memory"), ("uint32_t", "counts"))
        for stage in network.stages
        for name, size in getattr(stage, arrays).items()
    ]
    return f"typedef struct {{\n{''.join(lines)}}} net_memory;\n\n"


def _state(network: Network) -> str:
    lines = []
    for k, layer in enumerate(network.topology.stack):
        n, fed = layer.n_features, layer.n_recurrent
        cells = "cell outputs" if fed == layer.n_cells else "cell outputs and gates"
        lines += [
            f"    net_real a{k}[{n + fed}]; /* layer {k}: {n} inputs, then {fed} {cells} */\n",
            f"    net_real s{k}[{layer.n_cells}]; /* its cell states */\n",
        ]
    pooling = network.topology.pooling
    if pooling != "last":
        lines.append(f"    net_real pooled[{network.topology.n_read}]; /* {POOLED[pooling]} */\n")
    if remembers(network):
        lines.append("    net_memory memory; /* of the steps before the network */\n")
    if pooling == "mean":
        lines.append("    uint32_t n_steps;\n")
    head = "/* All that changes: one for each sequence or stream. */\ntypedef struct {\n"
    return head + "".join(lines) + "} net_state;\n"


def remembers(network: Network) -> bool:
    """True if a step before the network needs memory of earlier time steps."""
    return any(stage.remembers for stage in network.stages)


def state_bytes(network: Network, size: int) -> int:
    """The size of a state in bytes, for real numbers of ``size`` bytes that are aligned to it."""
    reals = sum(
        layer.n_features + layer.n_recurrent + layer.n_cells for layer in network.topology.stack
    )
    reals += sum(sum(stage.memory.values()) for stage in network.stages)
    counts = sum(sum(stage.counts.values()) for stage in network.stages)
    if network.topology.pooling != "last":
        reals += network.topology.n_read
    n_steps = 1 if network.topology.pooling == "mean" else 0
    return size * (reals + ceil(4 * counts / size) + ceil(4 * n_steps / size))


def scratch(network: Network) -> int:
    """Numbers on the stack during a step: net inputs, and features and memory of earlier steps."""
    sums = max(layer.n_rows for layer in network.topology.stack)
    memories = (part for stage in network.stages for part in (stage.memory, stage.counts))
    kept = sum(sum(sizes.values()) for sizes in memories)
    return sums + sum(stage.n_out for stage in network.stages) + kept


# ------------------------------------------------------------------------------------- functions


def reset(network: Network) -> str:
    lines, counter = "".join(stage.reset for stage in network.stages), ""
    if network.topology.pooling == "max":
        n = network.topology.n_read
        lines += f"    for (k = 0; k < {n}; k++) state->pooled[k] = -1; /* lower than any */\n"
    if lines:
        counter = "    int k;\n"
    return f"""\
/* Forget all steps. Call it before the first one. */
static inline void net_reset(net_state *state)
{{
{counter}    memset(state, 0, sizeof *state);
{lines}}}
"""


def step(network: Network, int8: bool) -> str:
    body, x = _before(network)
    body += _checks(network, x)
    if remembers(network):
        body += "    state->memory = memory;\n"
    body += _inputs(network, x)
    stack = network.topology.stack
    for k, layer in enumerate(stack):
        body += _layer(k, layer, stack[k - 1] if k else None, int8)
        if k == 0 and network.categories is not None:
            body += network.categories.additions(x)
        body += _cells(k, layer)
    body += _pooling(network)

    memory = "    net_memory memory = state->memory;\n" if remembers(network) else ""
    features = "".join(f"    net_real x{s.number}[{s.n_out}];\n" for s in network.stages)
    sums = f"    net_real z[{max(layer.n_rows for layer in stack)}];\n"
    counter = "    int k;\n" if "(k = " in body else ""
    return f"""\
/* Feed the features of a time step. Returns 1; or 0 if one is {_refused(network)}:
 * then the state is as it was. */
static inline int net_step(net_state *state, const net_real *x)
{{
{memory}{features}{sums}{counter}{body}    return 1;
}}
"""


def _refused(network: Network) -> str:
    """A description of invalid features."""
    filled = any(stage.title == "SequenceImputer" for stage in network.stages)
    words = "infinite" if filled else "NaN or infinite"
    return words if network.categories is None else f"{words}, or no code where one has to be"


def _before(network: Network) -> tuple[str, str]:
    """The calls of the stages, and the name of the last result."""
    lines, x = "", "x"
    if remembers(network):
        lines = """\
    for (k = 0; k < NET_FEATURES; k++) { /* infinite; NaN may be filled in */
        if (x[k] == x[k] && !(x[k] - x[k] == 0)) return 0;
    }
"""
    for stage in network.stages:
        memory = "&memory, " if stage.remembers else ""
        lines += f"    net_before_{stage.number}({memory}{x}, x{stage.number});\n"
        x = f"x{stage.number}"
    return lines, x


def _checks(network: Network, x: str) -> str:
    """The C code that checks all features."""
    text = "".join(
        f"""\
    for (k = {start}; k < {stop}; k++) {{
        if (!({x}[k] - {x}[k] == 0)) return 0;
    }}
"""
        for start, stop in _runs(network.numbers)
    )
    return text if network.categories is None else text + network.categories.checks(x)


def _inputs(network: Network, x: str) -> str:
    """The C code that copies the numeric features to the inputs of layer 0."""
    text, to = "", 0
    for start, stop in _runs(network.numbers):
        source = "k" if start == to else f"{start - to} + k"
        text += f"    for (k = {to}; k < {to + stop - start}; k++) state->a0[k] = {x}[{source}];\n"
        to += stop - start
    return text


def _runs(numbers: np.ndarray) -> list[tuple[int, int]]:
    """Increasing integers as ranges."""
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return [(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]


def _layer(k: int, layer: LayerShape, below: LayerShape | None, int8: bool) -> str:
    text, n = "", layer.n_features
    if below is not None:
        cells = f"state->a{k - 1}[{below.n_features} + k]"
        text = f"    for (k = 0; k < {n}; k++) state->a{k}[k] = {cells};\n"
    sources = n + layer.n_recurrent
    return text + _product(str(k), layer.n_rows, f"state->a{k}", sources, "z", int8)


def _cells(k: int, layer: LayerShape) -> str:
    peepholes = f"net_p{k}, " if layer.has_peepholes else ""
    at = f"state->s{k}, state->a{k} + {layer.n_features}"
    return f"    net_cells(z, {peepholes}{layer.n_blocks}, {at});\n"


def _pooling(network: Network) -> str:
    last, n = len(network.topology.stack) - 1, network.topology.stack[-1].n_features
    loop = f"    for (k = 0; k < {network.topology.n_read}; k++) {{\n"
    cell = f"        const net_real y = state->a{last}[{n} + k];\n"
    if network.topology.pooling == "max":
        return f"{loop}{cell}        if (y > state->pooled[k]) state->pooled[k] = y;\n    }}\n"
    if network.topology.pooling == "mean":
        return f"""\
    if (state->n_steps < UINT32_MAX) state->n_steps++;
{loop}{cell}        state->pooled[k] += (y - state->pooled[k]) / (net_real)state->n_steps;
    }}
"""
    return ""


def raw_outputs(network: Network, head: Head, int8: bool) -> str:
    topology = network.topology
    last = topology.stack[-1]
    cells = "state->pooled"
    if topology.pooling == "last":
        cells = f"state->a{len(topology.stack) - 1} + {last.n_features}"
    product = _product("_out", topology.n_outputs, cells, topology.n_read, "values", int8)
    return f"""\
/* {head.about_raw}. */
static inline void net_{head.raw}(const net_state *state, net_real *values)
{{
{product}}}
"""

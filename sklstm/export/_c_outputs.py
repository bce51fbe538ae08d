"""Predictions from raw outputs in C: classes, labels of an indicator, numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._label_outputs import Labels
from sklstm._number_losses import LOSSES
from sklstm._number_outputs import Numbers
from sklstm.export._c_text import Constant, integer, string, table


@dataclass(frozen=True)
class Head:
    """The prediction functions of a header.

    Attributes
    ----------
    title : str
        Description of the prediction.
    sizes : dict
        Sizes that users need, as macros: name to number.
    use : str
        The call that predicts, for the banner.
    raw : str
        Name of the function of raw outputs, after "net_".
    about_raw : str
        Description of the raw outputs.
    tables : dict
        Constants: name to numbers.
    code : str
    """

    title: str
    sizes: dict[str, int]
    use: str
    raw: str
    about_raw: str
    tables: dict[str, np.ndarray]
    code: str

    @property
    def constants(self) -> list[Constant]:
        return [Constant(name, values, f"{name}_") for name, values in self.tables.items()]


def head_of(outputs: Any) -> Head:
    """The prediction functions for the outputs of a fitted estimator."""
    if isinstance(outputs, Numbers):
        return _one_number(outputs) if outputs.n_raw == 1 else _several_numbers(outputs)
    return _labels(outputs) if outputs.multilabel else _classes(outputs)


# --------------------------------------------------------------------------------------- labels

_TWO = """\
/* The number of the predicted class: 0 or 1, see net_label. */
static inline int net_predict(const net_state *state)
{
    net_real value;
    net_decision(state, &value);
    return value > 0;
}

/* The probabilities of both classes. */
static inline void net_predict_proba(const net_state *state, net_real *probabilities)
{
    net_real value;
    net_decision(state, &value);
    probabilities[0] = net_sigmoid(-value);
    probabilities[1] = net_sigmoid(value);
}
"""

_MANY = """\
/* The number of the predicted class, from 0, see net_label. */
static inline int net_predict(const net_state *state)
{
    net_real values[NET_CLASSES];
    int k, best = 0;
    net_decision(state, values);
    for (k = 1; k < NET_CLASSES; k++) {
        if (values[k] > values[best]) best = k;
    }
    return best;
}

/* The probabilities of the NET_CLASSES classes. */
static inline void net_predict_proba(const net_state *state, net_real *probabilities)
{
    net_real highest, sum = 0;
    int k;
    net_decision(state, probabilities);
    highest = probabilities[0];
    for (k = 1; k < NET_CLASSES; k++) {
        if (probabilities[k] > highest) highest = probabilities[k];
    }
    for (k = 0; k < NET_CLASSES; k++) {
        probabilities[k] = net_exp(probabilities[k] - highest);
        sum += probabilities[k];
    }
    for (k = 0; k < NET_CLASSES; k++) probabilities[k] /= sum;
}
"""

_EACH = """\
/* For each of the NET_LABELS labels 1 if it holds, else 0. */
static inline void net_predict(const net_state *state, unsigned char *labels)
{
    net_real values[NET_LABELS];
    int k;
    net_decision(state, values);
    for (k = 0; k < NET_LABELS; k++) labels[k] = values[k] > 0;
}

/* The probability of each of the NET_LABELS labels. */
static inline void net_predict_proba(const net_state *state, net_real *probabilities)
{
    int k;
    net_decision(state, probabilities);
    for (k = 0; k < NET_LABELS; k++) probabilities[k] = net_sigmoid(probabilities[k]);
}
"""


def _classes(outputs: Labels) -> Head:
    n = len(outputs.classes)
    about = (
        "one raw output, above 0 for class 1"
        if n == 2
        else ("a raw output for each class, the highest for the predicted one")
    )
    code = (_TWO if n == 2 else _MANY) + "\n" + _names(outputs.classes, "class")
    sizes, use = {"CLASSES": n}, "int k = net_predict(&state);"
    return Head(f"{n} classes", sizes, use, "decision", f"decision_function: {about}", {}, code)


def _labels(outputs: Labels) -> Head:
    n = outputs.n_raw
    about = "decision_function: a raw output for each label, above 0 if it holds"
    code = _EACH + "\n" + _names(outputs.classes, "label")
    use = "net_predict(&state, labels);"
    return Head(
        f"{n} labels of which each may hold", {"LABELS": n}, use, "decision", about, {}, code
    )


def _names(classes: np.ndarray, what: str) -> str:
    """The C function that returns the label of a class, as a string or a number."""
    values = classes.tolist()
    if all(isinstance(value, str) for value in values):
        kind, given, entries = "char *const", "const char *", [string(value) for value in values]
    elif all(isinstance(value, int) for value in values):
        small = all(-(2**31) <= value < 2**31 for value in values)
        kind = "int32_t" if small else "uint64_t" if max(values) >= 2**63 else "int64_t"
        given, entries = f"{kind} ", [integer(int(value)) for value in values]
    else:  # integers, like all labels
        kind, given, entries = "double", "double ", [repr(float(value)) for value in values]
    names = table(f"{kind} names", entries).rstrip().replace("\n", "\n    ")
    return f"""\
/* What {what} number k was in training, 0 <= k < {len(values)}. */
static inline {given}net_label(int k)
{{
    {names}
    return names[k];
}}
"""


# -------------------------------------------------------------------------------------- numbers

_SOFTPLUS = """\
/* log(1 + e^x) */
static inline net_real net_softplus(net_real x)
{
#ifdef NET_DOUBLE
    return (x > 0 ? x : 0) + log1p(exp(x > 0 ? -x : x));
#else
    return (x > 0 ? x : 0) + log1pf(net_exp(x > 0 ? -x : x));
#endif
}

"""

# The middle quantile is an output. Each next one is the softplus of its output away from it.
_IN_ORDER = """\
    for (k = 0; k < NET_OUTPUTS; k++) {
        net_real *v = values + k * NET_QUANTILES;
        int q;
        for (q = @M + 1; q < NET_QUANTILES; q++) v[q] = v[q - 1] + net_softplus(v[q]);
        for (q = @M - 1; q >= 0; q--) v[q] = v[q + 1] - net_softplus(v[q]);
    }
"""
_STILL_IN_ORDER = """\
    for (k = 1; k < NET_OUTPUTS * NET_QUANTILES; k++) { /* rounding may not keep the order */
        if (k % NET_QUANTILES && values[k] < values[k - 1]) values[k] = values[k - 1];
    }
"""
_LINKS = {"logistic": "net_sigmoid({})", "tanh": "net_tanh({})", "exp": "net_exp({})"}
_RAW = "Outputs before their function"


def _value(outputs: Numbers, of: str, at: str) -> str:
    """A raw output as a number in its unit."""
    value = _LINKS.get(LOSSES[outputs.loss].link or outputs.activation, "{}").format(of)
    return f"{value} * net_y_scale[{at}] + net_y_mean[{at}]" if _units(outputs) else value


def _units(outputs: Numbers) -> dict[str, np.ndarray]:
    """Mean and scale of each output, or nothing where the output layer has them in it."""
    if not isinstance(outputs.quantile, tuple):
        return {}
    parts = {"y_mean": outputs.mean, "y_scale": outputs.scale}
    return {name: np.full(outputs.n_outputs, part, float) for name, part in parts.items()}


def _one_number(outputs: Numbers) -> Head:
    code = f"""\
/* The predicted number. */
static inline net_real net_predict(const net_state *state)
{{
    net_real y;
    net_raw(state, &y);
    return {_value(outputs, "y", "0")};
}}
"""
    use = "net_real y = net_predict(&state);"
    return Head("one number", {"OUTPUTS": 1}, use, "raw", _RAW, _units(outputs), code)


def _several_numbers(outputs: Numbers) -> Head:
    n, n_quantiles = outputs.n_outputs, outputs.n_raw // outputs.n_outputs
    sizes, title, about, size = {"OUTPUTS": n}, f"{n} numbers", "numbers", "NET_OUTPUTS"
    if n_quantiles > 1:
        sizes["QUANTILES"] = n_quantiles
        title = f"{n_quantiles} quantiles" + (f" of each of {n} numbers" if n > 1 else "")
        about = "quantiles, of one output after the other"
        size = "NET_OUTPUTS * NET_QUANTILES"
    in_order = _IN_ORDER.replace("@M", str(n_quantiles // 2)) if n_quantiles > 1 else ""
    value = _value(outputs, "values[k]", "k" if n_quantiles == 1 else "k / NET_QUANTILES")
    change = (
        "" if value == "values[k]" else (f"    for (k = 0; k < {size}; k++) values[k] = {value};\n")
    )
    still = _STILL_IN_ORDER if n_quantiles > 1 and change else ""
    body = in_order + change + still
    counter = "    int k;\n" if body else ""
    code = f"""\
{_SOFTPLUS if n_quantiles > 1 else ""}/* The predicted {about}: {size} values. */
static inline void net_predict(const net_state *state, net_real *values)
{{
{counter}    net_raw(state, values);
{body}}}
"""
    use = "net_predict(&state, values);"
    return Head(title, sizes, use, "raw", _RAW, _units(outputs), code)

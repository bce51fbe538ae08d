"""The steps of a pipeline before the network, as C code for one time step.

A ``Stage`` reads the features of a step and writes new ones. Its memory of earlier steps is in a
struct. ``NAME_step`` keeps the new struct only if the step is valid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklstm.export._c_text import Constant
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)


@dataclass(frozen=True)
class Stage:
    """A transformer as a function of C.

    Attributes
    ----------
    title : str
        Name of its class.
    number : int
        Its place in the pipeline, a suffix of its names in C.
    n_in, n_out : int
        Numbers of features of a step before and after.
    body : str
        Body of the function from ``x`` and the memory ``m`` to ``out``.
    tables : dict
        Constants: name to numbers.
    memory : dict
        Arrays of real numbers that are kept from step to step: name to size.
    counts : dict
        Arrays of integers that are kept from step to step: name to size.
    reset : str
        Code that sets initial values other than 0.
    """

    title: str
    number: int
    n_in: int
    n_out: int
    body: str
    tables: dict[str, np.ndarray] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reset: str = ""

    @property
    def remembers(self) -> bool:
        return bool(self.memory or self.counts)

    @property
    def constants(self) -> list[Constant]:
        return [
            Constant(name, values, f"A number that {self.title} has learned")
            for name, values in self.tables.items()
        ]

    @property
    def function(self) -> str:
        memory = "net_memory *m, " if self.remembers else ""
        return f"""\
/* {self.title}: {self.n_in} features of a step to {self.n_out}. */
static inline void net_before_{self.number}({memory}const net_real *x, net_real *out)
{{
    int k;
{self.body}}}
"""


def scaling(scaler: SequenceScaler, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale of each feature, float64: 0 and 1 if they are switched off."""
    check_is_fitted(scaler)
    unknown = ~np.isfinite(scaler.mean_)
    if unknown.any():
        raise ValueError(
            f"Step {name!r} of the pipeline, SequenceScaler, has no mean for feature "
            f"{int(unknown.argmax())}, which had no value in training. Leave the feature out and "
            "fit again."
        )
    mean = scaler.mean_ if scaler.with_mean else np.zeros_like(scaler.mean_)
    scale = scaler.scale_ if scaler.with_std else np.ones_like(scaler.scale_)
    return mean, scale


def scaler_stage(scaler: SequenceScaler, name: str, number: int) -> Stage:
    """The mean in two parts, so that a large mean costs no digits of x."""
    mean, scale = scaling(scaler, name)
    n = len(mean)
    with np.errstate(over="ignore"):  # an infinite result is an error below
        high = mean.astype(np.float32).astype(np.float64)
        factor = 1 / scale
    tables, parts = {f"factor_{number}": factor}, {}
    if mean.any():
        parts[f"mean_{number}"] = high
    if (mean != high).any():
        parts[f"mean_low_{number}"] = mean - high
    centred = " - ".join(["x[k]", *(f"net_{part}[k]" for part in parts)])
    body = f"    for (k = 0; k < {n}; k++) out[k] = ({centred}) * net_factor_{number}[k];\n"
    return Stage("SequenceScaler", number, n, n, body, tables | parts)


def differences_stage(differences: SequenceDifferences, name: str, number: int) -> Stage:
    n, order, keep = differences._n_step_features, int(differences.order), bool(differences.keep)
    kept = "        out[k] = d;\n" if keep else ""
    body = f"""\
    for (k = 0; k < {n}; k++) {{
        net_real d = x[k];
        int o;
{kept}        for (o = 0; o < {order}; o++) {{
            const net_real before = m->before_{number}[o * {n} + k];
            m->before_{number}[o * {n} + k] = d;
            d = m->started_{number}[0] ? d - before : 0;
            out[{f"(o + 1) * {n}" if keep else f"o * {n}"} + k] = d;
        }}
    }}
    m->started_{number}[0] = 1;
"""
    n_out, memory = (order + keep) * n, {f"before_{number}": order * n}
    counts = {f"started_{number}": 1}
    return Stage("SequenceDifferences", number, n, n_out, body, {}, memory, counts)


def context_stage(context: SequenceContext, name: str, number: int) -> Stage:
    n, before = context._n_step_features, int(context.before)
    if context.after:
        raise ValueError(
            f"Step {name!r} of the pipeline, SequenceContext(after={context.after}), needs future "
            "steps, but the C code processes one step at a time. Use after=0 and fit again."
        )
    if before == 0:
        body = f"    for (k = 0; k < {n}; k++) out[k] = x[k];\n"
        return Stage("SequenceContext", number, n, n, body)
    relative = " - x[k]" if context.relative else ""
    body = f"""\
    for (k = 0; k < {n}; k++) {{
        int b;
        out[k] = x[k];
        for (b = 0; b < {before}; b++) {{
            if (!m->started_{number}[0]) m->before_{number}[b * {n} + k] = x[k];
            out[(b + 1) * {n} + k] = m->before_{number}[b * {n} + k]{relative};
        }}
        for (b = 1; b < {before}; b++) {{
            m->before_{number}[(b - 1) * {n} + k] = m->before_{number}[b * {n} + k];
        }}
        m->before_{number}[{(before - 1) * n} + k] = x[k];
    }}
    m->started_{number}[0] = 1;
"""
    n_out, memory = (1 + before) * n, {f"before_{number}": before * n}
    counts = {f"started_{number}": 1}
    return Stage("SequenceContext", number, n, n_out, body, {}, memory, counts)


def imputer_stage(imputer: SequenceImputer, name: str, number: int) -> Stage:
    if imputer.strategy == "linear":
        raise ValueError(
            f"Step {name!r} of the pipeline, SequenceImputer(strategy='linear'), needs future "
            "steps, but the C code processes one step at a time. Use strategy='forward' and fit "
            "again."
        )
    n = n_out = imputer._n_step_features
    codes = imputer._categorical
    fill = imputer.statistics_.copy()
    fill[codes] = 0.0  # codes are not filled in
    memory, counts, reset = {}, {}, ""
    lines = ["const int missing = x[k] != x[k];"]
    if imputer.strategy == "forward":
        memory[f"last_{number}"] = n
        last = f"m->last_{number}[k]"
        first = f"state->memory.last_{number}[k] = net_fill_{number}[k];"
        reset = f"    for (k = 0; k < {n}; k++) {first}\n"
        lines += [f"if (!missing) {last} = x[k];", f"out[k] = {last};"]
    else:
        lines += [f"out[k] = missing ? net_fill_{number}[k] : x[k];"]
    if imputer.add_indicator:
        lines += [f"out[{n_out} + k] = (net_real)missing;"]
        n_out += n
    if imputer.add_elapsed:
        counts[f"elapsed_{number}"] = n
        elapsed = f"m->elapsed_{number}[k]"
        lines += [
            f"if (!missing) {elapsed} = 0;",
            f"else if ({elapsed} < UINT32_MAX) {elapsed}++;",
            f"out[{n_out} + k] = (net_real){elapsed};",
        ]
        n_out += n
    body = "".join(f"        {line}\n" for line in lines)
    body = f"    for (k = 0; k < {n}; k++) {{\n{body}    }}\n"
    body += "".join(f"    out[{k}] = x[{k}]; /* a code */\n" for k in codes)
    tables = {f"fill_{number}": fill}
    return Stage("SequenceImputer", number, n, n_out, body, tables, memory, counts, reset)


def encoder_stage(encoder: SequenceEncoder, name: str, number: int) -> Stage:
    raise ValueError(
        f"Step {name!r} of the pipeline, SequenceEncoder, reads Python objects. Export the other "
        "steps by to_c(pipeline[1:]), and pass the codes that its transform returns to NAME_step."
    )


STAGES: dict[type, Callable[[Any, str, int], Stage]] = {
    SequenceScaler: scaler_stage,
    SequenceDifferences: differences_stage,
    SequenceContext: context_stage,
    SequenceImputer: imputer_stage,
    SequenceEncoder: encoder_stage,
}


def stage_of(name: str, transformer: Any, number: int) -> Stage:
    """The transformer ``number`` of a pipeline as C, or an error that names the step."""
    stage = STAGES.get(type(transformer))  # a subclass may compute something else
    if stage is not None:
        check_is_fitted(transformer)
        return stage(transformer, name, number)
    raise ValueError(
        f"Step {name!r} of the pipeline, {type(transformer).__name__}, cannot be converted to C; "
        "SequenceScaler, SequenceImputer (but 'linear'), SequenceDifferences and "
        "SequenceContext(after=0) have one. Export the estimator alone, to_c(pipeline[-1]), and "
        "do what the step does before NAME_step."
    )

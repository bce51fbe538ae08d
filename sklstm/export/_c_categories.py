"""Categorical features in C: a code selects a row of weights that is added to the net inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm.export._c_text import Constant

LARGEST = 2**24  # float32 has gaps between larger integers


@dataclass(frozen=True)
class CategoricalFeature:
    """The rows of the table for the codes of a feature.

    Attributes
    ----------
    feature : int
        Number of the feature.
    codes : ndarray
        Codes of 0 and more, sorted. The first one has the row ``first``.
    first : int
    missing : int
        The row of NaN, -1 if training had no missing code.
    labels : list or None
        Labels of the codes, if the training data were data frames.
    """

    feature: int
    codes: np.ndarray
    first: int
    missing: int
    labels: list[str] | None

    @property
    def has_gaps(self) -> bool:
        return len(self.codes) > 0 and self.codes[-1] - self.codes[0] >= len(self.codes)

    @property
    def constants(self) -> list[Constant]:
        if not self.has_gaps:
            return []
        return [Constant(f"codes_{self.feature}", self.codes, "A code")]

    @property
    def function(self) -> str:
        """The C function from a code to its row."""
        n = len(self.codes)
        if n == 0:
            found = "    return -1;\n"
        elif self.has_gaps:
            found = _SEARCH.format(n=n, feature=self.feature, first=self.first)
        else:
            low, shift = int(self.codes[0]), self.first - int(self.codes[0])
            row = f"(int32_t)code + {shift}" if shift >= 0 else f"(int32_t)code - {-shift}"
            found = f"    return code >= {low} && code <= {low + n - 1} ? {row} : -1;\n"
        return f"""\
/* The row of net_categories for a code of feature {self.feature}, -1 if it was not seen. */
static inline int32_t net_category_{self.feature}(net_real code)
{{
    if (code != code) return {self.missing}; /* missing */
{found}}}
"""


_SEARCH = """\
    int32_t low = 0, high = {n};
    while (low < high) {{
        const int32_t middle = low + (high - low) / 2;
        if (net_codes_{feature}[middle] < code) low = middle + 1;
        else high = middle;
    }}
    return low < {n} && !(net_codes_{feature}[low] > code) ? low + {first} : -1;
"""

_WHOLE = """\
/* Whether a code is a whole number, or missing. */
static inline int net_is_code(net_real code)
{
#ifdef NET_DOUBLE
    return code != code || code - floor(code) == 0;
#else
    return code != code || code - floorf(code) == 0;
#endif
}
"""

_ADD = """\
/* Add the weights of a category to the sums. */
static inline void net_add_category(int32_t row, net_real *z)
{{
    const net_weight *w;
    int j;
    if (row < 0) return;
    w = net_categories + row * {n_rows};
    for (j = 0; j < {n_rows}; j++) z[j] += {scale}(net_real)w[j];
}}
"""


@dataclass(frozen=True)
class Categories:
    """All categorical features of a network, and their table (categories, rows of layer 0)."""

    features: list[CategoricalFeature]
    table: np.ndarray

    def constants(self, int8: bool) -> list[Constant]:
        what = "A weight of a category"
        found = [constant for feature in self.features for constant in feature.constants]
        if not int8:
            return [*found, Constant("categories", self.table, what, True)]
        scale, rounded = in_int8(self.table)
        return [
            *found,
            Constant("categories", rounded, what, True),
            Constant("category_scale", scale, what),
        ]

    def functions(self, int8: bool) -> list[str]:
        scale = "net_category_scale[row] * " if int8 else ""
        add = _ADD.format(n_rows=self.table.shape[1], scale=scale)
        return [_WHOLE, *(feature.function for feature in self.features), add]

    def checks(self, x: str) -> str:
        """The C expression that checks the codes of a step."""
        return "".join(
            f"    if (!net_is_code({x}[{f.feature}])) return 0;\n" for f in self.features
        )

    def additions(self, x: str) -> str:
        """The C code that adds the rows to the net inputs of layer 0."""
        return "".join(
            f"    net_add_category(net_category_{f.feature}({x}[{f.feature}]), z);\n"
            for f in self.features
        )


def in_int8(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A scale per row of weights, and the weights divided by it."""
    scale = np.abs(weights).max(axis=1, initial=0.0) / 127
    scale[scale == 0] = 1.0
    return scale, np.clip(np.rint(weights / scale[:, np.newaxis]), -127, 127).astype(np.int8)


def categories_of(estimator: BaseLSTM, vector: np.ndarray) -> Categories | None:
    """The categories of a fitted estimator, ordered by code, or None if it has none."""
    known = estimator._categories
    if known is None:
        return None
    features, rows, first = [], [], 0
    for feature, codes in zip(known.features, known.codes, strict=True):
        order = np.argsort(codes)  # NaN is last
        there = codes[order][~np.isnan(codes[order])]
        if len(there) and there[-1] > LARGEST:
            raise ValueError(
                f"Feature {feature} has the code {there[-1]:.0f}, but float has gaps between "
                f"integers above {LARGEST}. Number the categories from 0, as SequenceEncoder does."
            )
        missing = first + len(there) if len(there) < len(codes) else -1
        labels = _labels(estimator, len(features), there)
        features.append(CategoricalFeature(int(feature), there, first, missing, labels))
        rows.append(first + order)
        first += len(codes)
    table = estimator._topology.table(vector)[np.concatenate(rows)]
    if first == 0:  # C has no empty arrays
        table = np.zeros((1, table.shape[1]))
    return Categories(features, table)


def _labels(estimator: Any, number: int, codes: np.ndarray) -> list[str] | None:
    if estimator._labels is None:
        return None
    return [str(label) for label in estimator._labels[number][codes.astype(np.intp)]]

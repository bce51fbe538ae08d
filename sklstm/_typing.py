"""Types of parameters and results that the public face of the package has in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

Cell: TypeAlias = Literal["forget", "1997", "peephole", "coupled"]
Gradient: TypeAlias = Literal["auto", "truncated", "full"]
Pooling: TypeAlias = Literal["last", "max", "mean"]
Solver: TypeAlias = Literal["adam", "sgd"]
LearningRate: TypeAlias = Literal["constant", "invscaling", "adaptive"]
Bias: TypeAlias = Literal["all", "hidden", "gates"]
Loss: TypeAlias = Literal["squared_error", "absolute_error", "quantile", "poisson"]
OutActivation: TypeAlias = Literal["identity", "logistic", "tanh"]

GateBias: TypeAlias = dict[str, Any] | Literal["auto"] | None
Features: TypeAlias = Sequence[int] | Sequence[str] | Sequence[bool] | np.ndarray | None
Categorical: TypeAlias = Features | Literal["from_dtype"]
RandomState: TypeAlias = int | np.random.RandomState | None
Scoring: TypeAlias = str | Callable[..., float] | None
ClassWeight: TypeAlias = Mapping[Any, float] | Literal["balanced"] | None

# One array for sequences of equal length, a list of arrays for others.
PerStep: TypeAlias = np.ndarray | list[np.ndarray]

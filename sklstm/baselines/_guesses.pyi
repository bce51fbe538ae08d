from typing import Self

import numpy as np

from sklstm.baselines._entries import Steps

ACTIVATIONS: dict[str, int]

class Guesses:
    def __new__(
        cls,
        places: np.ndarray,
        *,
        n_features: int,
        n_hidden: int,
        n_outputs: int,
        out_activation: str,
    ) -> Self: ...
    def search(
        self,
        candidates: np.ndarray,
        steps: Steps,
        targets: np.ndarray,
        weights: np.ndarray,
        *,
        per_step: bool,
        tolerance: float,
    ) -> tuple[int, int, int]: ...
    def output(
        self, vector: np.ndarray, steps: Steps, out: np.ndarray, *, per_step: bool
    ) -> None: ...

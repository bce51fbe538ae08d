from typing import Self

import numpy as np

from sklstm.baselines._entries import Steps

GRADIENTS: dict[str, int]
ACTIVATIONS: dict[str, int]

class Recurrent:
    @property
    def gradient_vector(self) -> np.ndarray: ...
    def __new__(
        cls,
        vector: np.ndarray,
        *,
        n_features: int,
        n_hidden: int,
        n_outputs: int,
        fully: bool,
        shortcuts: bool,
        bias: bool,
        out_activation: str,
    ) -> Self: ...
    def learn(
        self,
        steps: Steps,
        targets: np.ndarray,
        weights: np.ndarray,
        order: np.ndarray,
        *,
        per_step: bool,
        gradient: str,
        rate: float,
        every_step: bool,
    ) -> float: ...
    def gradient(
        self,
        steps: Steps,
        targets: np.ndarray,
        weights: np.ndarray,
        order: np.ndarray,
        *,
        per_step: bool,
        gradient: str,
    ) -> float: ...
    def output(self, steps: Steps, out: np.ndarray, *, per_step: bool) -> None: ...

from typing import Self

import numpy as np

from sklstm.baselines._entries import Steps

ACTIVATIONS: dict[str, int]

class Chunker:
    @property
    def n_surprises(self) -> int: ...
    def __new__(
        cls,
        vector: np.ndarray,
        *,
        n_features: int,
        n_hidden: int,
        n_outputs: int,
        shared: bool,
        bias: bool,
        out_activation: str,
        n_steps: int,
        threshold: float,
        chunker_shortcuts: bool,
    ) -> Self: ...
    def learn(
        self,
        steps: Steps,
        targets: np.ndarray,
        weights: np.ndarray,
        order: np.ndarray,
        *,
        per_step: bool,
        rate: float,
    ) -> float: ...
    def gradient(
        self,
        steps: Steps,
        targets: np.ndarray,
        weights: np.ndarray,
        sequence: int,
        step: int,
        *,
        per_step: bool,
    ) -> list[np.ndarray]: ...
    def output(self, steps: Steps, out: np.ndarray, *, per_step: bool) -> None: ...

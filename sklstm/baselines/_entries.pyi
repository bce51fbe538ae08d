from typing import Any, Self

import numpy as np

class Steps:
    n_steps: int
    width: int

    def __new__(
        cls, first: np.ndarray, index: np.ndarray, value: np.ndarray, offsets: np.ndarray
    ) -> Self: ...
    def __len__(self) -> int: ...
    @staticmethod
    def dense(values: np.ndarray, offsets: np.ndarray) -> Steps: ...
    @staticmethod
    def one_hot(symbols: Any, offsets: np.ndarray) -> Steps: ...

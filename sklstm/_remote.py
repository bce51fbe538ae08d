"""Interface of sequences that other processes hold.

Estimators read such an X, and train and predict as usual. The processes that hold the steps do what
needs them. ``distributed`` implements this interface.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class RemoteX:
    """An X whose steps are in other processes."""

    def read(self, estimator: Any, **arguments: Any) -> RemoteSequences:
        """`_sequences.read_sequences` with these arguments, where the steps are."""
        raise NotImplementedError

    def take(self, numbers: np.ndarray) -> RemoteX:
        """The sequences of these numbers."""
        raise NotImplementedError


class RemoteSequences:
    """The sizes of sequences whose steps are in other processes; see ``_sequences.Sequences``.

    Attributes
    ----------
    offsets : ndarray of shape (n + 1,), int64
        First step of each sequence, and the number of all steps.
    n_features : int
        Number of numeric features.
    dtype : dtype
        Precision in which they are read.
    """

    container = "list"
    equally_long = False

    offsets: np.ndarray
    n_features: int
    dtype: np.dtype

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence, (n,) int64."""
        return np.diff(self.offsets)

    @property
    def n_steps(self) -> int:
        """Number of all steps."""
        return int(self.offsets[-1])

    @property
    def values(self) -> np.ndarray:
        raise TypeError(
            "The steps of these sequences are on the workers. Only fit and predict of "
            "LSTMClassifier and LSTMRegressor can use them there."
        )

    def largest(self) -> float:
        """Largest absolute value."""
        raise NotImplementedError

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each feature."""
        raise NotImplementedError

    def take(self, rows: np.ndarray) -> RemoteSequences:
        """The selected sequences."""
        raise NotImplementedError

    def output(self, network: Any) -> np.ndarray:
        """Raw outputs, as `Network.output`."""
        raise NotImplementedError

    def trainer(
        self,
        network: Any,
        targets: np.ndarray,
        weights: np.ndarray,
        sequence_weights: np.ndarray,
        **settings: Any,
    ) -> Any:
        """A trainer of ``network``, as `Network.trainer` with the same arguments."""
        raise NotImplementedError

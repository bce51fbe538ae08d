"""Base class of the transformers of sequences, and their streams."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklstm._containers import chosen_features, frame_of, is_frame
from sklstm._links import Linked
from sklstm._lists import lists_of
from sklstm._restored import check, check_input, check_places, require_int, restoring
from sklstm._sequences import Sequences, read_sequences, unpack_steps
from sklstm._sklearn import CallbackSupportMixin, Interval, StrOptions, _wrap_data_with_container
from sklstm._snapshots import snapshot
from sklstm._time_step import read_rows, read_step, refused

# Types that `categorical_features` may have. `chosen_features` checks the values.
CATEGORICAL: list = ["array-like", StrOptions({"from_dtype"}), None]


class _Transform:
    """``transform`` and ``fit_transform`` outside of the classes that scikit-learn wraps.

    The wrapper of ``set_output`` would convert every result to a data frame. Lists and 3-D arrays
    must keep their container type.
    """

    def transform(self, X: Any) -> Any:
        """Transform ``X``.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Sequences of any length, or a table with the columns of ``fit``.

        Returns
        -------
        X_transformed : array or list
            The same container type as ``X``, float32 if ``X`` is, else float64.

        Raises
        ------
        ValueError
            If ``X`` is not valid or does not match ``fit``. The message names the sequence and the
            step.
        sklearn.exceptions.NotFittedError
            If the transformer is not fitted.
        """
        now = snapshot(self)
        sequences = now._read_fitted(X)
        transformed = as_given(now._transformed(sequences), sequences)
        if sequences.container != "rows":
            return transformed
        return _wrap_data_with_container("transform", transformed, X, now)

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Fit to ``X`` and transform it.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Sequences, in which NaN is a missing value.
        y : None
            Ignored.
        **fit_params : dict
            Further arguments of ``fit``, such as ``sample_weight``.

        Returns
        -------
        X_transformed : array or list
            The same container type as ``X``, float32 if ``X`` is, else float64.

        Raises
        ------
        ValueError
            If ``X`` is not valid. The message names the sequence and the step.
        """
        return self.fit(X, y, **fit_params).transform(X)


class SequenceTransformer(
    _Transform, Linked, CallbackSupportMixin, TransformerMixin, BaseEstimator
):
    """Base class of transformers that work on time steps.

    NaN is allowed as a missing value. A subclass defines ``_transformed`` for packed sequences and
    ``_step`` for one step of a stream. Its ``fit`` sets ``_n_step_features``, the number of
    features of a step.
    """

    _parameter_constraints: ClassVar[dict] = {
        "features_per_step": [Interval(Integral, 1, None, closed="left")],
    }

    def _transformed(self, sequences: Sequences) -> np.ndarray:
        """Transformed steps (N, F'), in a new array."""
        raise NotImplementedError

    def _step(self, row: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]:
        """Transform the next step (F,) of a stream: the result (F',), and the new memory.

        ``memory`` is that of the step before, None at the first step. Do not change the arguments
        in place.
        """
        raise NotImplementedError

    def _check_memory(self, memory: Any) -> None:
        """Raise an error for a memory that ``_step`` cannot have returned."""
        check(memory is None, "memory", memory, "None")

    def stream(self) -> TransformStream:
        """Transform a stream, one time step at a time.

        Use :func:`sklstm.stream` for a stream of a whole pipeline.

        Returns
        -------
        stream : TransformStream
            Its method ``step(x)`` takes the features of a time step and returns them transformed.
            Call ``reset()`` before another sequence. After a ``partial_fit`` of the transformer,
            the next step uses the new statistics.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the transformer is not fitted.
        """
        check_is_fitted(self)
        return TransformStream(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        with restoring(self):
            super().__setstate__(state)
            if hasattr(self, "_sequence_input"):  # fitted
                self._check_restored()

    def _check_restored(self) -> None:
        """Raise an error if attributes contradict each other: they come from a file."""
        n_features = self._n_step_features
        require_int("_n_step_features", n_features, 1)
        check_input(self, n_features)
        if hasattr(self, "_categorical"):
            check_places("_categorical", self._categorical, n_features)

    def _codes_in(self, sequences: Sequences, X: Any) -> np.ndarray:
        """Numbers of the features that ``categorical_features`` selects."""
        names = None
        if sequences.container != "rows" and hasattr(self, "feature_names_in_"):
            names = list(self.feature_names_in_)
        n_features = sequences.n_features
        return chosen_features(self.categorical_features, n_features, names, frame_of(X))

    def _read(self, X: Any, reset: bool = True) -> Sequences:
        return read_sequences(
            self, X, reset=reset, features_per_step=self.features_per_step, allow_nan=True
        )

    def _read_fitted(self, X: Any) -> Sequences:
        check_is_fitted(self)
        sequences = self._read(X, reset=False)
        if sequences.n_features != self._n_step_features:
            raise ValueError(
                f"features_per_step={self.features_per_step} differs from its value in fit, where "
                f"a step had {self._n_step_features} features: set it back or fit again."
            )
        return sequences

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class TransformStream:
    """A fitted transformer on a stream of time steps.

    Attributes
    ----------
    memory : ndarray or None
        State after the steps so far. A step replaces it and never changes it in place: assign an
        earlier one to undo steps.
    """

    def __init__(self, transformer: SequenceTransformer) -> None:
        self._transformer = transformer
        self.memory = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        with restoring(self):
            vars(self).update(state)
            transformer = self._transformer
            good = hasattr(transformer, "_check_memory") and self.n_features > 0
            check(good, "_transformer", transformer, "a fitted transformer of sequences")
            transformer._check_memory(self.memory)

    @property
    def n_features(self) -> int:
        """Number of features of a step before the transformation."""
        return self._transformer._n_step_features

    def step(self, x: Any) -> np.ndarray:
        """Transform the next time step.

        Parameters
        ----------
        x : array-like of shape (F,)
            Features of the step: finite, or NaN for missing values.

        Returns
        -------
        row : ndarray of shape (F',)
            The transformed features, float32 if ``x`` is, else float64.

        Raises
        ------
        ValueError
            If ``x`` does not have F values, or a value is infinite.
        """
        now = snapshot(self._transformer)
        row = read_step(x, now._n_step_features)
        infinite = np.isinf(row)
        if infinite.any():
            raise refused(row, infinite)
        transformed, self.memory = now._step(row, self.memory)
        return transformed

    def rows(self, X: Any) -> Iterable:
        """Split a block of steps into single steps.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Features of the steps.

        Returns
        -------
        rows : iterable
            One per step, as ``step`` takes it.
        """
        return read_rows(X, self.n_features)

    def reset(self) -> TransformStream:
        """Forget the steps so far. Call it before another sequence.

        Returns
        -------
        self : TransformStream
            The stream.
        """
        self.memory = None
        return self


def for_inverse(transformer: Any, X: Any) -> Any:
    """A snapshot of ``transformer`` that reads its own results, without names if ``X`` has none."""
    now = snapshot(transformer)
    lists = lists_of(X, "X")
    named = is_frame(X) or frame_of(X) is not None if lists is None else lists.names is not None
    if not named:
        vars(now).pop("feature_names_in_", None)
    return now


def as_given(values: np.ndarray, sequences: Sequences) -> Any:
    """Steps (N, F') in the container of X. Steps of a table are side by side."""
    if sequences.container == "rows":
        return values.reshape(len(sequences), -1)
    return unpack_steps(values, sequences)

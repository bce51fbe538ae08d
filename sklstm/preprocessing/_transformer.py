"""What transformers of sequences share: X in all its forms, the same form out, and a stream."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklstm._containers import chosen_features, frame_of, is_frame
from sklstm._links import Linked
from sklstm._restored import check, check_input, check_places, require_int, restoring
from sklstm._sequences import Sequences, read_sequences, unpack_steps
from sklstm._sklearn import CallbackSupportMixin, Interval, StrOptions, _wrap_data_with_container
from sklstm._snapshots import snapshot
from sklstm._time_step import read_rows, read_step, refused

# What `categorical_features` may be; `chosen_features` looks closer.
CATEGORICAL: list = ["array-like", StrOptions({"from_dtype"}), None]


class _Transform:
    """``transform`` and ``fit_transform`` outside the classes that scikit-learn instruments.

    Its ``set_output`` would make a data frame of everything that they return; lists and 3-D arrays
    have to stay what they are.
    """

    def transform(self, X: Any) -> Any:
        """Transform ``X``.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
            Sequences of any length, or a table of the width that was fitted.

        Returns
        -------
        X_transformed : array or list
            In the container of ``X``, and a table if ``X`` is one; float32 if ``X`` is, else
            float64.
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
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
        y : None
            Ignored.
        **fit_params : dict
            As in ``fit``.

        Returns
        -------
        X_transformed : array or list
            As in ``transform``.
        """
        return self.fit(X, y, **fit_params).transform(X)


class SequenceTransformer(
    _Transform, Linked, CallbackSupportMixin, TransformerMixin, BaseEstimator
):
    """A transformer of sequences step by step, whose steps may depend on those around them.

    NaN is a missing value and allowed. A subclass says what becomes of packed sequences
    (`_transformed`) and of one step of a stream (`_step`), and keeps the features of a step of its
    fit as ``_n_step_features``.
    """

    _parameter_constraints: ClassVar[dict] = {
        "features_per_step": [Interval(Integral, 1, None, closed="left")],
    }

    def _transformed(self, sequences: Sequences) -> np.ndarray:
        """Transformed steps (N, F'), in an array of their own."""
        raise NotImplementedError

    def _step(self, row: np.ndarray, memory: Any) -> tuple[np.ndarray, Any]:
        """The next step (F,) of a stream transformed, (F',), and what to keep for the steps after.

        ``memory`` is what the step before kept, None at the first. Neither is written to.
        """
        raise NotImplementedError

    def _check_memory(self, memory: Any) -> None:
        """Raise an error for what `_step` cannot have kept."""
        check(memory is None, "memory", memory, "None")

    def stream(self) -> TransformStream:
        """This transformer on a stream: one time step after the other.

        :func:`sklstm.stream` makes a stream of a whole pipeline.

        Returns
        -------
        stream : TransformStream
            With ``step(x)``, which takes the features of a time step and returns them transformed,
            and ``reset()``, to call before another sequence. If the transformer learns meanwhile,
            that takes effect at the next step.
        """
        check_is_fitted(self)
        return TransformStream(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        with restoring(self):
            super().__setstate__(state)
            if hasattr(self, "_sequence_input"):  # is fitted
                self._check_restored()

    def _check_restored(self) -> None:
        """Raise an error where attributes do not belong together: they come from a file."""
        n_features = self._n_step_features
        require_int("_n_step_features", n_features, 1)
        check_input(self, n_features)
        if hasattr(self, "_categorical"):
            check_places("_categorical", self._categorical, n_features)

    def _codes_in(self, sequences: Sequences, X: Any) -> np.ndarray:
        """Numbers of the features that ``categorical_features`` says hold codes."""
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
                f"features_per_step={self.features_per_step} is not the value of the fit, where a "
                f"step had {self._n_step_features} features: set it back or fit again."
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
        What is kept of the steps so far. A step puts another one in its place and never writes to
        it, so that a step is undone by putting the earlier one back.
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
        """Features of a step as it is passed."""
        return self._transformer._n_step_features

    def step(self, x: Any) -> np.ndarray:
        """The features ``x`` (F,) of the next time step, transformed; float32 stays float32.

        Values are finite, or NaN where they are missing, which is transformed as in a sequence.
        """
        now = snapshot(self._transformer)
        row = read_step(x, now._n_step_features)
        infinite = np.isinf(row)
        if infinite.any():
            raise refused(row, infinite)
        transformed, self.memory = now._step(row, self.memory)
        return transformed

    def rows(self, X: Any) -> Iterable:
        """The steps of a block ``X`` (T, F), each as `step` takes it."""
        return read_rows(X, self.n_features)

    def reset(self) -> TransformStream:
        """Forget the steps so far."""
        self.memory = None
        return self


def for_inverse(transformer: Any, X: Any) -> Any:
    """A snapshot of ``transformer`` to read its own results: without names if ``X`` has none."""
    now = snapshot(transformer)
    if not is_frame(X) and frame_of(X) is None:
        vars(now).pop("feature_names_in_", None)
    return now


def as_given(values: np.ndarray, sequences: Sequences) -> Any:
    """Steps (N, F') in the container that X had, side by side if it was a table."""
    if sequences.container == "rows":
        return values.reshape(len(sequences), -1)
    return unpack_steps(values, sequences)

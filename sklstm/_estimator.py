"""What every estimator of sequences shares, whatever it is that learns: X, outputs, containers."""

from __future__ import annotations

import warnings
from operator import is_
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from sklstm._isa import kernels
from sklstm._links import Linked
from sklstm._outputs import Given, Outputs
from sklstm._persistence import Portable
from sklstm._sequences import Sequences, Split, learn_names, read_sequences, unpack_steps
from sklstm._sklearn import CallbackSupportMixin
from sklstm._snapshots import snapshot
from sklstm._targets import Examples, Rows
from sklstm._training import End

SEEDS = np.iinfo(np.int32).max


class SequenceEstimator(Linked, CallbackSupportMixin, Portable, BaseEstimator):
    """An estimator whose learned numbers are the vector ``parameters_`` of a net of ``_shape``.

    ``_shape`` says what the net looks like: what the parameters decide (`_parameter_shape`), and
    ``n_features`` and ``n_outputs``, which the data decide.
    """

    _parameter_constraints: dict[str, list]
    _dtype: Any = None  # of the first X; None: that of X

    def _set_parameters(self, given: dict[str, Any]) -> None:
        """What ``__init__`` was given, as attributes."""
        vars(self).update((name, given[name]) for name in self._parameter_constraints)

    def __sklearn_is_fitted__(self) -> bool:
        return "parameters_" in vars(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # ------------------------------------------------------------------- what subclasses decide

    def _parameter_shape(self) -> dict[str, Any]:
        """The part of ``_shape`` that the parameters decide, as plain scalars."""
        raise NotImplementedError

    _kind: type[Outputs]  # that the outputs are of

    def _outputs_now(self) -> Outputs:
        """What the outputs mean, from the fitted attributes."""
        raise NotImplementedError

    def _learn_outputs(self, given: Given, classes: Any) -> None:
        """Set the fitted attributes that say what outputs there are, as y has them.

        ``classes`` are those named in partial_fit, or None.
        """
        raise NotImplementedError

    def _check_outputs(self, classes: Any) -> None:
        """What the parameters and ``classes`` ask for must be the outputs there are."""
        raise NotImplementedError

    def _draw_parameters(
        self, shape: dict[str, Any], sequences: Sequences, expected_length: float | None = None
    ) -> None:
        """Initial parameters and records, for ``n_outputs_``: a net that has learned nothing."""
        raise NotImplementedError

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        """Outputs before their activation function, a row per sequence or step.

        ``owner`` is the estimator that this is a snapshot of, which may keep work arrays.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------------- steps of a method

    def _check_parameters(self) -> dict[str, Any]:
        """The shape that the parameters ask for; constraints are tested when they change."""
        values = tuple(map(vars(self).get, self._parameter_constraints))
        known = getattr(self, "_validated", ())
        if len(values) != len(known) or not all(map(is_, values, known)):
            if not get_config()["skip_parameter_validation"]:
                self._validate_params()
            self._validated = values
        return self._parameter_shape()

    # What takes categorical features out of X: in the first X to learn from, in others, and in X
    # to predict from
    _split_first: Split | None = None
    _split_more: Split | None = None
    _split_known: Split | None = None

    def _read(self, X: Any, shape: dict[str, Any], fresh: bool) -> Rows:
        """X to learn from."""
        if fresh:
            sequences = read_sequences(
                self,
                X,
                reset=True,
                dtype=self._dtype,
                features_per_step=self.features_per_step,
                split=self._split_first,
            )
            return Rows(sequences, self.return_sequences)
        self._check_shape(shape)
        known = self._n_step_features
        if self._sequence_input == "table" and self.features_per_step != known:
            raise ValueError(
                f"features_per_step is now {self.features_per_step!r}, but the parameters to go on "
                f"from were made with {known}. Set it back, or start anew: fit, warm_start=False."
            )
        sequences = self._read_fitted(X, self._split_more)
        if self._sequence_input == "initialized":
            learn_names(self, X)
        return Rows(sequences, self.return_sequences)

    def _examples(
        self,
        y: Any,
        sample_weight: Any,
        rows: Rows,
        *,
        fresh: bool = False,
        classes: Any = None,
        suffix: str = "",
    ) -> Examples:
        """Targets and weights, read; if ``fresh``, what outputs there are is learned from them."""
        given = self._kind.read(y, sample_weight, rows, suffix)
        if fresh:
            self._learn_outputs(given, classes)
        else:
            self._check_outputs(classes)
        return self._outputs_now().examples(given)

    def _check_shape(self, shape: dict[str, Any]) -> None:
        """The parameters must ask for the net that there is."""
        for name, value in shape.items():
            if value != self._shape.get(name, value):
                raise ValueError(
                    f"{name} is now {value!r}, but the parameters to go on from were made with "
                    f"{self._shape[name]!r}. Set it back, or start anew: fit, warm_start=False."
                )

    @property
    def _n_step_features(self) -> int:
        """Features of a step of the X that was fitted."""
        return self._shape["n_features"] + len(self._shape.get("cardinalities", ()))

    def _read_fitted(self, X: Any, split: Split | None = None) -> Sequences:
        """X to predict from or, with `_split_more`, to learn from."""
        return read_sequences(
            self,
            X,
            reset=False,
            dtype=self.parameters_.dtype,
            features_per_step=self._n_step_features,
            split=split or self._split_known,
        )

    def _initialize(self, n_features: int, expected_length: float | None = None) -> None:
        """Draw parameters for sequences; the subclass has said what outputs there are."""
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.n_features_in_ = n_features
        self._sequence_input = "initialized"  # as "sequences", whose names are not known yet
        none = Sequences(np.empty((0, n_features)), np.zeros(1, dtype=np.int64), "array")
        if self._split_known is not None:
            none, _ = self._split_known(none, None)
        self._draw_parameters(self._parameter_shape(), none, expected_length)

    def _require_an_epoch(self, fresh: bool, end: End) -> None:
        """A new fit that Ctrl-C ends before its first epoch has: what was there is worth more."""
        if fresh and end is End.INTERRUPTED and self.n_iter_ == 0:
            raise KeyboardInterrupt

    def _warn_if_interrupted(self, end: End, stacklevel: int = 3):
        if end is End.INTERRUPTED:
            warnings.warn(
                "Training interrupted by user: what was learned until then is kept.",
                stacklevel=stacklevel,
            )
        return self

    # ----------------------------------------------------------------------------------- output

    def _run(self, X: Any) -> tuple[Any, np.ndarray, Sequences]:
        """A snapshot, its raw outputs, a row per sequence or step, and the sequences of them."""
        self._check_fitted()
        now = snapshot(self)
        sequences = now._read_fitted(X)
        raw = now._raw_outputs(sequences, owner=self)
        if not kernels[raw.dtype].all_finite(raw):
            warnings.warn(
                "Some outputs are not finite: the parameters or the values of X are too large.",
                RuntimeWarning,
                stacklevel=3,
            )
        return now, raw, sequences

    def _check_fitted(self) -> None:
        if "parameters_" not in vars(self):
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit', "
                "'partial_fit' or 'initialize' with appropriate arguments first."
            )

    def _in_container(self, values: np.ndarray, sequences: Sequences) -> Any:
        return unpack_steps(values, sequences) if self.return_sequences else values

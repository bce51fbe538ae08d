"""Base class of every estimator of sequences: reading X and y, checks, predictions."""

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
    """Estimator whose learned numbers are one vector ``parameters_``.

    ``_shape`` describes the network: the entries of ``_parameter_shape``, which depend on the
    hyper-parameters, and ``n_features`` and ``n_outputs``, which depend on the data.
    """

    _parameter_constraints: dict[str, list]
    _dtype: Any = None  # precision of the parameters; None: the precision of the first X

    def _set_parameters(self, given: dict[str, Any]) -> None:
        """Store the arguments of ``__init__`` as attributes."""
        vars(self).update((name, given[name]) for name in self._parameter_constraints)

    def __sklearn_is_fitted__(self) -> bool:
        return "parameters_" in vars(self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # ------------------------------------------------------------------- what subclasses decide

    def _parameter_shape(self) -> dict[str, Any]:
        """The part of ``_shape`` that depends on hyper-parameters, as plain scalars."""
        raise NotImplementedError

    _kind: type[Outputs]  # class of the outputs

    def _outputs_now(self) -> Outputs:
        """The meaning of the outputs, from the fitted attributes."""
        raise NotImplementedError

    def _learn_outputs(self, given: Given, classes: Any) -> None:
        """Set the fitted attributes that describe the outputs.

        ``classes`` is the argument of ``partial_fit``, or None to learn them from y.
        """
        raise NotImplementedError

    def _check_outputs(self, classes: Any) -> None:
        """Raise an error if hyper-parameters or ``classes`` do not match the fitted outputs."""
        raise NotImplementedError

    def _draw_parameters(
        self, shape: dict[str, Any], sequences: Sequences, expected_length: float | None = None
    ) -> None:
        """Draw initial parameters for ``n_outputs_`` outputs and clear the training records."""
        raise NotImplementedError

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        """Outputs before their activation function, one row per sequence or step.

        ``owner`` is the estimator of which ``self`` is a snapshot; it may keep work arrays.
        """
        raise NotImplementedError

    # ------------------------------------------------------------------------- steps of a method

    def _check_parameters(self) -> dict[str, Any]:
        """The shape that the hyper-parameters ask for, after validating changed values."""
        values = tuple(map(vars(self).get, self._parameter_constraints))
        known = getattr(self, "_validated", ())
        if len(values) != len(known) or not all(map(is_, values, known)):
            if not get_config()["skip_parameter_validation"]:
                self._validate_params()
            self._validated = values
        return self._parameter_shape()

    # Functions that separate categorical features: for the first training data, for more training
    # data, and for prediction
    _split_first: Split | None = None
    _split_more: Split | None = None
    _split_known: Split | None = None

    def _read(self, X: Any, shape: dict[str, Any], fresh: bool) -> Rows:
        """Read X for training."""
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
                f"features_per_step is {self.features_per_step!r}, but the model was fitted with "
                f"{known}. Set it back, or call fit with warm_start=False."
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
        """Read targets and weights; with ``fresh``, learn the outputs from them."""
        given = self._kind.read(y, sample_weight, rows, suffix)
        if fresh:
            self._learn_outputs(given, classes)
        else:
            self._check_outputs(classes)
        return self._outputs_now().examples(given)

    def _check_shape(self, shape: dict[str, Any]) -> None:
        """Raise an error if hyper-parameters ask for another network than the fitted one."""
        for name, value in shape.items():
            if value != self._shape.get(name, value):
                raise ValueError(
                    f"{name} is {value!r}, but the model was fitted with {self._shape[name]!r}. "
                    "Set it back, or call fit with warm_start=False."
                )

    @property
    def _n_step_features(self) -> int:
        """Number of features per step of the fitted X."""
        return self._shape["n_features"] + len(self._shape.get("cardinalities", ()))

    def _read_fitted(self, X: Any, split: Split | None = None) -> Sequences:
        """Read X for prediction or, with ``_split_more``, for more training."""
        return read_sequences(
            self,
            X,
            reset=False,
            dtype=self.parameters_.dtype,
            features_per_step=self._n_step_features,
            split=split or self._split_known,
        )

    def _initialize(self, n_features: int, expected_length: float | None = None) -> None:
        """Draw parameters, after the subclass has set the outputs."""
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self.n_features_in_ = n_features
        self._sequence_input = "initialized"  # as "sequences", but names are not known yet
        none = Sequences(np.empty((0, n_features)), np.zeros(1, dtype=np.int64), "array")
        if self._split_known is not None:
            none, _ = self._split_known(none, None)
        self._draw_parameters(self._parameter_shape(), none, expected_length)

    def _require_an_epoch(self, fresh: bool, end: End) -> None:
        """Re-raise Ctrl-C in the first epoch of a new fit, so that the old model is kept."""
        if fresh and end is End.INTERRUPTED and self.n_iter_ == 0:
            raise KeyboardInterrupt

    def _warn_if_interrupted(self, end: End, stacklevel: int = 3):
        if end is End.INTERRUPTED:
            warnings.warn(
                "Training interrupted by user: the parameters learned so far are kept.",
                stacklevel=stacklevel,
            )
        return self

    # ----------------------------------------------------------------------------------- output

    def _run(self, X: Any) -> tuple[Any, np.ndarray, Sequences]:
        """A snapshot of the estimator, its raw outputs (one row each), and the packed X."""
        self._check_fitted()
        now = snapshot(self)
        sequences = now._read_fitted(X)
        raw = now._raw_outputs(sequences, owner=self)
        if not kernels[raw.dtype].all_finite(raw):
            warnings.warn(
                "Some outputs are not finite, because the parameters or the values of X are too "
                "large. Standardise X with SequenceScaler, or fit with a lower learning_rate_init.",
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

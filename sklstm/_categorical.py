"""Part of an estimator that separates categorical features from X and stores their categories."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._categories import Categories, told
from sklstm._containers import (
    check_names,
    chosen_features,
    first_frame,
    is_category,
    is_frame,
    members,
    refuse_container,
)
from sklstm._estimator import SequenceEstimator
from sklstm._labelled import code_columns, has_frames, named
from sklstm._sequences import Sequences
from sklstm._targets import Rows
from sklstm._topology import topology


class CategoricalInput(SequenceEstimator):
    """Mixin of estimators with the parameter ``categorical_features``.

    ``_codes`` contains the codes of each categorical feature. With "from_dtype", ``_labels``
    contains the label of each code, else it is None.
    """

    is_categorical_: np.ndarray | None = None
    _codes: list[np.ndarray]
    _labels: list[np.ndarray] | None = None

    @property
    def categories_(self) -> list[np.ndarray] | None:
        """Categories of each categorical feature, or None if there are none."""
        if self.is_categorical_ is None:
            return None
        if self._labels is None:
            return self._codes
        return [
            named(codes, labels) for codes, labels in zip(self._codes, self._labels, strict=True)
        ]

    @property
    def _categories(self) -> Categories | None:
        if self.is_categorical_ is None:
            return None
        features = np.flatnonzero(self.is_categorical_)
        return Categories(features, tuple(self._codes), self._labels)

    @property
    def _cardinalities(self) -> tuple[int, ...]:
        return () if self.is_categorical_ is None else tuple(map(len, self._codes))

    # ------------------------------------------------------------------------------------ reading

    def _read(self, X: Any, shape: dict[str, Any], fresh: bool) -> Rows:
        if fresh:
            self.is_categorical_ = self._labels = None
        by_type = isinstance(self.categorical_features, str)
        if by_type and is_frame(X) and any(map(is_category, getattr(X, "dtypes", ()))):
            raise ValueError(
                'categorical_features="from_dtype" needs a list of data frames, one for each '
                "sequence, but X is a table whose columns are steps. Convert its categories to "
                "codes, and pass the numbers of these features as categorical_features."
            )
        if by_type and has_frames(X) and (fresh or self._labels is not None):
            frame = first_frame(members(X), "X")
            features = chosen_features("from_dtype", frame.shape[1], None, frame)
            if fresh:
                self._labels = [np.empty(0, dtype=object) for _ in features]
                self._choose(features, frame.shape[1])
            else:
                check_names(self, frame, reset=False)
                self._refuse_others(features)
            if len(features) > 0:
                X, self._labels = code_columns(X, features, self._labels, learn=True)
        return super()._read(X, shape, fresh)

    def _read_fitted(self, X: Any, split: Any = None) -> Sequences:
        return super()._read_fitted(self._coded(X) if split is None else X, split)

    def _coded(self, X: Any) -> Any:
        """X with codes instead of the labels of categorical columns."""
        if not self._labels:
            return X
        refuse_container(X, "X")
        if not has_frames(X):
            raise ValueError(
                "X must be a list of data frames, as in fit, because categorical_features="
                '"from_dtype" found its categories in their columns.'
            )
        check_names(self, first_frame(members(X), "X"), reset=False)
        features = np.flatnonzero(self.is_categorical_)
        return code_columns(X, features, self._labels, learn=False)[0]

    def _split_first(self, sequences: Sequences, frame: Any) -> tuple[Sequences, Any]:
        """Learn the categorical features and their categories, and separate them from the rest."""
        if self._labels is None:
            self._choose(self._chosen(sequences, frame), sequences.n_features)
        known = self._categories
        if known is not None:
            self._codes = list(known.grown(sequences).codes)
        return self._split_known(sequences, frame)

    def _split_more(self, sequences: Sequences, frame: Any) -> tuple[Sequences, Any]:
        """Separate categorical features, and add categories that are new."""
        self._check_chosen(sequences, frame)
        known = self._categories
        if known is not None:
            grown = known.grown(sequences)
            if grown.cardinalities != known.cardinalities:
                self._grow(grown)
        return self._split_known(sequences, frame)

    def _split_known(self, sequences: Sequences, frame: Any) -> tuple[Sequences, Any]:
        known = self._categories
        if known is None:
            return sequences, None
        return known.split(sequences), known.left(sequences.n_features)

    # --------------------------------------------------------------------------------- categories

    def _chosen(self, sequences: Sequences, frame: Any) -> np.ndarray:
        names = None if frame is None else list(frame.columns)
        return chosen_features(self.categorical_features, sequences.n_features, names, frame)

    def _choose(self, features: np.ndarray, n_features: int) -> None:
        """Mark these features as categorical, without categories so far."""
        self.is_categorical_, self._codes = None, []
        if len(features) > 0:
            self.is_categorical_ = np.isin(np.arange(n_features), features)
            self._codes = [np.empty(0) for _ in features]

    def _check_chosen(self, sequences: Sequences, frame: Any) -> None:
        """Raise an error if the parameter selects other features than the fitted ones."""
        by_type = isinstance(self.categorical_features, str)
        if by_type and self._labels is not None and frame is not None:
            return  # the column types were checked before the labels became codes
        if self._labels and not by_type:
            raise ValueError(
                f"categorical_features is {self.categorical_features!r}, but the model was fitted "
                'with "from_dtype" on data frames. Set it back, or call fit with warm_start=False.'
            )
        self._refuse_others(self._chosen(sequences, frame))

    def _refuse_others(self, now: np.ndarray) -> None:
        """Raise an error if these are not the fitted categorical features."""
        then = np.flatnonzero([] if self.is_categorical_ is None else self.is_categorical_)
        if not np.array_equal(now, then):
            raise ValueError(
                f"categorical_features={self.categorical_features!r} selects the features "
                f"{now.tolist()}, but the model was fitted with {then.tolist()}. Set it back, or "
                "call fit with warm_start=False."
            )

    def _grow(self, grown: Categories) -> None:
        """Add categories with weights of zero, so that outputs do not change yet."""
        net, cardinalities = topology(**self._shape), grown.cardinalities
        self._codes = list(grown.codes)
        if "parameters_" not in vars(self):  # a copy that only reads, see distributed
            return
        self.parameters_ = net.grown(self.parameters_, cardinalities)
        self._solver_state = {
            name: net.grown(value, cardinalities) if isinstance(value, np.ndarray) else value
            for name, value in self._solver_state.items()
        }
        self._shape = self._shape | {"cardinalities": cardinalities}

    def _initialize_categories(self, n_features: int, categories: Any) -> None:
        """Set the categories that the user passed to ``initialize``."""
        features = chosen_features(self.categorical_features, n_features, None)
        self._labels = None
        self._choose(features, n_features)
        codes = told(categories, len(features))
        if len(features) > 0:
            self._codes = list(codes)

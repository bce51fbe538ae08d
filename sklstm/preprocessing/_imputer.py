"""SequenceImputer: missing values of sequences.

The code works on indices of packed steps, (N, F). ``maximum.accumulate`` of the indices of values
finds the value before a missing one. ``minimum.accumulate``, backward, finds the one after. If the
sequence has none, the result is the index just before or just after the sequence.
"""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np

from sklstm._callbacks import one_task
from sklstm._restored import require_array
from sklstm._sequences import Sequences
from sklstm._sklearn import Interval, StrOptions, _fit_context
from sklstm._snapshots import revised
from sklstm._typing import Categorical
from sklstm.preprocessing._statistics import Moments, medians, weighted_steps
from sklstm.preprocessing._step_features import QUIET, StepFeatures
from sklstm.preprocessing._transformer import CATEGORICAL, TransformStream


class _Number(Interval):
    """Numbers in an interval, without True and False."""

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, bool) and super().is_satisfied_by(val)


class SequenceImputer(StepFeatures):
    """Fill in missing values (NaN) of each feature.

    Optional extra features mark missing values and count the steps since the last value.

    Parameters
    ----------
    strategy : {"forward", "linear", "mean", "median", "constant"}, default="forward"
        How missing values are filled in:

        - "forward" : the last value before, in the same sequence. The training mean if there is
          none yet.
        - "linear" : linear interpolation between the values before and after. Before the first and
          after the last value of a sequence the nearest value is used, and the training mean if the
          sequence has no value. It uses future steps: do not use it for streams or for forecasts
          at every step.
        - "mean", "median" : mean or median of the feature over all steps of the training sequences.
        - "constant" : ``fill_value``.
    fill_value : float, default=0.0
        Value that "constant" fills in, in the unit of the feature. Ignored by other strategies.
    add_indicator : bool, default=False
        Add an indicator per feature: 1 where its value is missing, 0 elsewhere. Set it if it
        matters when something is measured.
    add_elapsed : bool, default=False
        Add a count per feature: the number of steps since its last value, 0 where it has one.
        Before the first value the count is 1, 2, 3, as if there had been a value just before the
        sequence. Set it if the age of a value matters.
    categorical_features : array-like of int, str or bool, "from_dtype", default=None
        Features that hold codes of categories, in the forms that
        :class:`~sklstm.preprocessing.SequenceScaler` takes. They are not changed, because the
        estimators treat a missing code as a category. With None all features are filled in.
    features_per_step : int, default=1
        For 2-D ``X`` only: number of columns of one time step. With ``add_indicator`` or
        ``add_elapsed`` each step of the result has twice as many, with both three times. Pass that
        number to the estimators that follow.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features,), float64
        Values that are used where the sequence itself provides none: the median with "median",
        ``fill_value`` with "constant", else the mean. Mean and median are 0 for a feature without
        any value in training. NaN for categorical features.
    n_features_in_ : int
        Number of features of a step, or of columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceScaler : Standardise features. It ignores missing values and keeps them.
    from_padded : Remove NaN that pads short sequences.
    sklstm.stream : Use a fitted pipeline on a stream.

    Notes
    -----
    Only ``statistics_`` comes from the training sequences. All other values come from the sequence
    itself. Only "linear" uses later steps of it.

    With ``add_indicator`` or ``add_elapsed`` every feature gets one, even if it has no missing
    values in training. So the number of features is the same in all folds of a cross-validation.
    Features are ordered by kind: all values, all indicators, all counts. Those of a feature "a" are
    named "a", "a_missing" and "a_elapsed". If values are missing at random, the extra features are
    noise and cost accuracy.

    Put the imputer before the scaler, so that the counts are standardised too. Only NaN is a
    missing value; infinity raises an error. In an array that is padded with NaN, the padding would
    be filled in: convert it by ``from_padded(X, allow_nan=True)`` first.

    ``set_output`` affects tables only. Lists and 3-D arrays keep their container type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import SequenceImputer
    >>> nan = np.nan
    >>> X = [np.array([[nan], [1.0], [nan], [nan], [4.0]]), np.array([[7.0], [nan]])]
    >>> imputer = SequenceImputer(add_indicator=True, add_elapsed=True).fit(X)
    >>> imputer.statistics_
    array([4.])
    >>> imputer.transform(X)[0]
    array([[4., 1., 1.],
           [1., 0., 0.],
           [1., 1., 1.],
           [1., 1., 2.],
           [4., 0., 0.]])
    >>> imputer.get_feature_names_out()
    array(['x0', 'x0_missing', 'x0_elapsed'], dtype=object)
    >>> SequenceImputer("linear").fit_transform(X)[0].ravel()
    array([1., 1., 2., 3., 4.])

    In a pipeline, put it before the scaler:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.preprocessing import SequenceScaler
    >>> lstm = LSTMClassifier(4, random_state=0)
    >>> model = make_pipeline(SequenceImputer(), SequenceScaler(), lstm).fit(X, ["up", "down"])
    """

    _parameter_constraints: ClassVar[dict] = {
        "strategy": [StrOptions({"forward", "linear", "mean", "median", "constant"})],
        "fill_value": [_Number(Real, None, None, closed="neither")],
        "add_indicator": ["boolean"],
        "add_elapsed": ["boolean"],
        "categorical_features": CATEGORICAL,
        **StepFeatures._parameter_constraints,
    }

    def __init__(
        self,
        strategy: Literal["forward", "linear", "mean", "median", "constant"] = "forward",
        *,
        fill_value: float = 0.0,
        add_indicator: bool = False,
        add_elapsed: bool = False,
        categorical_features: Categorical = None,
        features_per_step: int = 1,
    ) -> None:
        self.strategy = strategy
        self.fill_value = fill_value
        self.add_indicator = add_indicator
        self.add_elapsed = add_elapsed
        self.categorical_features = categorical_features
        self.features_per_step = features_per_step

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn ``statistics_`` from the training sequences.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Sequences, in which NaN is a missing value.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            One weight per sequence, which applies to all its steps. None weights all steps equally.

        Returns
        -------
        self : SequenceImputer
            The fitted transformer.

        Raises
        ------
        ValueError
            If ``X`` or a weight is not valid. The message names the sequence and the step.
        """
        with one_task(self, X, y, sample_weight), revised(self) as draft:
            sequences = draft._read(X)
            draft._n_step_features = sequences.n_features
            draft.statistics_ = draft._statistics(*weighted_steps(sequences, sample_weight))
            draft._categorical = draft._codes_in(sequences, X)
            draft.statistics_[draft._categorical] = np.nan
        return self

    def _statistics(self, values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
        n_features = values.shape[1]
        if self.strategy == "constant":
            return np.full(n_features, float(self.fill_value))
        if self.strategy == "median":
            return medians(values, weights)
        with np.errstate(**QUIET):  # the variances may overflow, but only the mean is used
            return Moments.of_nothing(n_features).with_steps(values, weights).mean

    def stream(self) -> TransformStream:
        """Transform a stream, one time step at a time.

        Use :func:`sklstm.stream` for a stream of a whole pipeline.

        Returns
        -------
        stream : TransformStream
            Its method ``step(x)`` takes the features of a time step, with NaN for missing values,
            and returns them transformed. Call ``reset()`` before another sequence.

        Raises
        ------
        ValueError
            If ``strategy`` is "linear".
        sklearn.exceptions.NotFittedError
            If the imputer is not fitted.
        """
        if self.strategy == "linear":
            raise ValueError(
                "SequenceImputer(strategy='linear') has no stream: it needs future steps. Use "
                "strategy='forward' and fit again."
            )
        return super().stream()

    def _suffixes(self) -> list[str]:
        added = {"_missing": self.add_indicator, "_elapsed": self.add_elapsed}
        return ["", *(suffix for suffix, wanted in added.items() if wanted)]

    def _n_blocks(self) -> int:
        return len(self._suffixes())

    def _transformed(self, sequences: Sequences) -> np.ndarray:
        values, offsets = sequences.values, sequences.offsets
        missing = np.isnan(values)
        steps = np.arange(len(values))[:, np.newaxis]
        first = np.repeat(offsets[:-1], sequences.lengths)[:, np.newaxis]
        before = np.maximum.accumulate(np.where(missing, first - 1, steps), axis=0)
        if self.strategy == "forward":
            known, filled = before >= first, np.take_along_axis(values, before, axis=0)
        elif self.strategy == "linear":
            end = np.repeat(offsets[1:], sequences.lengths)[:, np.newaxis]
            places = np.where(missing, end, steps)
            after = np.minimum.accumulate(places[::-1], axis=0)[::-1]
            known, filled = _lines(values, before, after, first, end)
        else:
            known, filled = ~missing, values
        wide = np.empty((len(values), len(self._suffixes()), values.shape[1]), values.dtype)
        wide[:, 0] = np.where(known, filled, self._fill(values.dtype))
        wide[:, 0, self._categorical] = values[:, self._categorical]
        if self.add_indicator:
            wide[:, 1] = missing
        if self.add_elapsed:
            wide[:, -1] = steps - before
        return wide.reshape(len(values), -1)

    def _check_restored(self) -> None:
        super()._check_restored()
        require_array("statistics_", self.statistics_, (self._n_step_features,), "f")

    def _check_memory(self, memory: Any) -> None:
        if memory is not None:
            last, elapsed = memory
            require_array("memory", last, (self._n_step_features,), "f")
            require_array("memory", elapsed, (self._n_step_features,), "i")

    def _step(self, row: np.ndarray, memory: Any) -> tuple[np.ndarray, tuple]:
        """``memory``: last value of each feature, NaN before the first, and the steps since."""
        last, elapsed = memory or (np.full(row.shape, np.nan, row.dtype), np.zeros(row.shape, int))
        missing = np.isnan(row)
        last, elapsed = np.where(missing, last, row), np.where(missing, elapsed + 1, 0)
        filled = last if self.strategy == "forward" else row
        blocks = [np.where(np.isnan(filled), self._fill(row.dtype), filled)]
        blocks[0][self._categorical] = row[self._categorical]
        if self.add_indicator:
            blocks.append(missing)
        if self.add_elapsed:
            blocks.append(elapsed)
        return np.concatenate(blocks, dtype=row.dtype), (last, elapsed)

    def _fill(self, dtype: Any) -> np.ndarray:
        """Statistics (F,). A value that is too large for the dtype becomes infinite."""
        with np.errstate(**QUIET):
            return self.statistics_.astype(dtype)


def _lines(
    values: np.ndarray,  # (N, F), NaN where missing
    before: np.ndarray,  # (N, F), place of the last value up to each step
    after: np.ndarray,  # (N, F), place of the next value from each step on
    first: np.ndarray,  # (N, 1), where the sequence of each step begins
    end: np.ndarray,  # (N, 1), index after its last step
) -> tuple[np.ndarray, np.ndarray]:
    """True where the sequence has a value (N, F), and the linear interpolation at each step."""
    left = np.where(before >= first, before, after)
    right = np.where(after < end, after, before)
    known = left < end
    start, stop = (
        np.take_along_axis(values, np.where(known, place, 0), axis=0).astype(np.float64)
        for place in (left, right)
    )
    share = (np.arange(len(values))[:, np.newaxis] - left) / np.maximum(right - left, 1)
    with np.errstate(**QUIET):
        return known, start + (stop - start) * share

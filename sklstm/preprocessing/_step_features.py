"""SequenceDifferences and SequenceContext: features of a step from the steps around it.

The steps of all sequences are packed, (N, F). The result is (N, B, F), with a block for each kind
of feature. A block is computed from the block before it, shifted by one step over all sequences at
once. Values that were shifted in from another sequence are then overwritten.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklstm._callbacks import one_task
from sklstm._memory import memory
from sklstm._restored import check, require_int
from sklstm._sequences import Sequences
from sklstm._sklearn import Interval, _check_feature_names_in, _fit_context
from sklstm._snapshots import revised
from sklstm.preprocessing._transformer import SequenceTransformer, TransformStream

# A difference that overflows is infinite. The estimator raises an error that names its place.
QUIET = {"over": "ignore", "invalid": "ignore"}


class StepFeatures(SequenceTransformer):
    """Base of transformers that compute features of a step from several steps, without learning."""

    _sizes: ClassVar[tuple[str, ...]] = ()  # parameters that set the number of blocks

    def _suffixes(self) -> list[str]:
        """The suffix that each block adds to the names of the features."""
        raise NotImplementedError

    def _n_blocks(self) -> int:
        """The number of ``_suffixes``."""
        raise NotImplementedError

    def _blocks(self, values: np.ndarray, n_blocks: int) -> np.ndarray:
        """An empty array (N, B, F) for ``values`` (N, F), or an error that names the parameters."""
        for name in self._sizes:  # may have been set after fit, or come from a file
            require_int(name, getattr(self, name), below=np.inf)
        try:
            if n_blocks * values.nbytes > memory():
                raise MemoryError
            return np.empty((len(values), n_blocks, values.shape[1]), values.dtype)
        except (MemoryError, OverflowError, ValueError):  # the last two: the size overflows
            sizes = ", ".join(f"{name}={getattr(self, name)}" for name in self._sizes)
            raise MemoryError(
                f"{type(self).__name__}({sizes}) needs more memory than there is for "
                f"{len(values)} time steps of {values.shape[1]} features. Decrease "
                f"{' or '.join(self._sizes)}."
            ) from None

    def _check_memory(self, memory: Any) -> None:
        rows = isinstance(memory, np.ndarray) and memory.ndim == 2 and memory.dtype.kind == "f"
        fits = rows and memory.shape[1] == self._n_step_features
        of = f"None or rows of {self._n_step_features} numbers"
        check(memory is None or fits, "memory", memory, of)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Read the number and the names of the features from ``X``. Nothing else is learned.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, n_columns)
            Sequences, in which NaN is a missing value.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If ``X`` is not valid. The message names the sequence and the step.
        """
        with one_task(self, X, y), revised(self) as draft:
            draft._n_step_features = draft._read(X).n_features
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features after the transformation.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step, or of the columns of a table. None takes the names of
            ``fit``, or "x0", "x1", ... if there were none.

        Returns
        -------
        names : ndarray of str objects
            Names of the features of a step, or of all columns if a table was fitted.

        Raises
        ------
        ValueError
            If ``input_features`` does not match the features of ``fit``.
        sklearn.exceptions.NotFittedError
            If the transformer is not fitted.
        """
        check_is_fitted(self)
        steps = _check_feature_names_in(self, input_features).reshape(-1, self._n_step_features)
        suffixes = self._suffixes()
        names = [name + suffix for step in steps for suffix in suffixes for name in step]
        return np.array(names, dtype=object)


class SequenceDifferences(StepFeatures):
    """Add the differences between consecutive steps to the features of each step.

    A step ``x(t)`` becomes ``x(t), x(t) - x(t-1)``. The differences of the first step of a sequence
    are 0. Use it if changes matter more than levels.

    Parameters
    ----------
    order : int, default=1
        Largest order of the differences. With 2, differences of differences are added:
        ``x(t) - 2 x(t-1) + x(t-2)``.
    keep : bool, default=True
        Keep the features themselves. Set it to False to return the differences only.
    features_per_step : int, default=1
        For 2-D ``X`` only: number of columns of one time step. Each step of the result has more:
        pass ``features_per_step * (order + 1)`` to the estimators that follow, or
        ``features_per_step * order`` with ``keep=False``.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a step, or of columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceContext : Add the values of the steps around each step.
    sklstm.stream : Use a fitted pipeline on a stream.

    Notes
    -----
    All orders are computed as if the first step were repeated before the sequence. So the second
    difference of step 1 equals its first difference, and the second difference of step 0 is 0.

    Features are ordered by the order of difference: all features, their first differences, their
    second differences. The differences of a feature "a" are named "a_diff1", "a_diff2".

    NaN stays NaN, and a difference is NaN if one of its values is. A difference that is too large
    for the dtype of ``X`` is infinite. The LSTM estimators raise an error for both.

    ``set_output`` affects tables only. Lists and 3-D arrays keep their container type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import SequenceDifferences
    >>> X = [np.array([[1.0], [4.0], [6.0]]), np.array([[9.0], [8.0]])]
    >>> differences = SequenceDifferences(order=2).fit(X)
    >>> differences.transform(X)[0]
    array([[ 1.,  0.,  0.],
           [ 4.,  3.,  3.],
           [ 6.,  2., -1.]])
    >>> differences.get_feature_names_out()
    array(['x0', 'x0_diff1', 'x0_diff2'], dtype=object)

    In a pipeline, put them before the scaler:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.preprocessing import SequenceScaler
    >>> lstm = LSTMClassifier(4, random_state=0)
    >>> model = make_pipeline(SequenceDifferences(), SequenceScaler(), lstm).fit(X, ["up", "down"])
    """

    _parameter_constraints: ClassVar[dict] = {
        "order": [Interval(Integral, 1, None, closed="left")],
        "keep": ["boolean"],
        **StepFeatures._parameter_constraints,
    }

    _sizes = ("order",)

    def __init__(self, order: int = 1, *, keep: bool = True, features_per_step: int = 1) -> None:
        self.order = order
        self.keep = keep
        self.features_per_step = features_per_step

    def _suffixes(self) -> list[str]:
        differences = [f"_diff{k}" for k in range(1, self.order + 1)]
        return ["", *differences] if self.keep else differences

    def _n_blocks(self) -> int:
        return int(self.order) + bool(self.keep)

    def _transformed(self, sequences: Sequences) -> np.ndarray:
        values, first_steps = sequences.values, sequences.offsets[:-1]
        wide = self._blocks(values, self._n_blocks())
        if self.keep:
            wide[:, 0] = values
        below = values
        with np.errstate(**QUIET):
            for block in np.moveaxis(wide[:, bool(self.keep) :], 1, 0):
                np.subtract(below[1:], below[:-1], out=block[1:])
                block[first_steps] = 0
                below = block
        return wide.reshape(len(values), -1)

    def _step(self, row: np.ndarray, memory: Any) -> tuple[np.ndarray, np.ndarray]:
        """``memory`` (order, F): the step before and its differences, except for the last order."""
        if memory is None:  # the differences of the first step are 0, even for NaN
            (orders,), memory = self._blocks(row[np.newaxis], int(self.order) + 1), ()
            orders[1:] = 0
        else:
            orders = np.empty((len(memory) + 1, len(row)), np.result_type(row, memory))
        orders[0] = row
        with np.errstate(**QUIET):
            for k, before in enumerate(memory):
                np.subtract(orders[k], before, out=orders[k + 1])
        return orders[0 if self.keep else 1 :].flatten(), orders[:-1]


class SequenceContext(StepFeatures):
    """Add the values of the steps around each step to the features of that step.

    A step ``x(t)`` becomes ``x(t), x(t-before), ..., x(t-1), x(t+1), ..., x(t+after)``. Before the
    first step of a sequence the first step is repeated, and after the last step the last one.

    Parameters
    ----------
    before : int, default=2
        Number of steps before each step.
    after : int, default=2
        Number of steps after each step. Use 0 for streams and for forecasts at every step, because
        future steps are unknown there.
    relative : bool, default=True
        Add the other values relative to the step, ``x(t+k) - x(t)``. Set it to False to add them
        unchanged.
    features_per_step : int, default=1
        For 2-D ``X`` only: number of columns of one time step. Each step of the result has more:
        pass ``features_per_step * (1 + before + after)`` to the estimators that follow.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a step, or of columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceDifferences : Add the differences between consecutive steps.
    sklstm.stream : Use a fitted pipeline on a stream.

    Notes
    -----
    Features are ordered by step: all features of the step itself, then those of the other steps in
    the order of time. The values of a feature "a" are named "a_before2", "a_before1", "a_after1",
    "a_after2".

    NaN stays NaN, and values relative to NaN are NaN. A relative value that is too large for the
    dtype of ``X`` is infinite. The LSTM estimators raise an error for both. In an array that is
    padded with NaN, the last steps would include the padding: convert it by
    :func:`~sklstm.preprocessing.from_padded` first.

    ``set_output`` affects tables only. Lists and 3-D arrays keep their container type.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import SequenceContext
    >>> X = [np.array([[1.0], [4.0], [6.0]]), np.array([[9.0], [8.0]])]
    >>> context = SequenceContext(before=1, after=1).fit(X)
    >>> context.transform(X)[0]
    array([[ 1.,  0.,  3.],
           [ 4., -3.,  2.],
           [ 6., -2.,  0.]])
    >>> context.get_feature_names_out()
    array(['x0', 'x0_before1', 'x0_after1'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        "before": [Interval(Integral, 0, None, closed="left")],
        "after": [Interval(Integral, 0, None, closed="left")],
        "relative": ["boolean"],
        **StepFeatures._parameter_constraints,
    }

    _sizes = ("before", "after")

    def __init__(
        self, before: int = 2, after: int = 2, *, relative: bool = True, features_per_step: int = 1
    ) -> None:
        self.before = before
        self.after = after
        self.relative = relative
        self.features_per_step = features_per_step

    def stream(self) -> TransformStream:
        """Transform a stream, one time step at a time.

        Use :func:`sklstm.stream` for a stream of a whole pipeline.

        Returns
        -------
        stream : TransformStream
            Its method ``step(x)`` takes the features of a time step and returns them transformed.
            Call ``reset()`` before another sequence.

        Raises
        ------
        ValueError
            If ``after`` is not 0.
        sklearn.exceptions.NotFittedError
            If the transformer is not fitted.
        """
        if self.after > 0:
            raise ValueError(
                f"SequenceContext(after={self.after}) has no stream: it needs future steps. Use "
                "after=0 and fit again."
            )
        return super().stream()

    def _suffixes(self) -> list[str]:
        earlier = [f"_before{k}" for k in range(self.before, 0, -1)]
        return ["", *earlier, *(f"_after{k}" for k in range(1, self.after + 1))]

    def _n_blocks(self) -> int:
        return int(self.before) + 1 + int(self.after)

    def _transformed(self, sequences: Sequences) -> np.ndarray:
        values, offsets = sequences.values, sequences.offsets
        first_steps, last_steps = offsets[:-1], offsets[1:] - 1
        wide = self._blocks(values, self._n_blocks())
        blocks = np.moveaxis(wide, 1, 0)
        blocks[0] = values
        nearer = values
        for block in blocks[self.before : 0 : -1]:
            np.positive(nearer[:-1], out=block[1:])  # an assignment would copy the array first
            block[first_steps] = values[first_steps]
            nearer = block
        nearer = values
        for block in blocks[self.before + 1 :]:
            np.positive(nearer[1:], out=block[:-1])
            block[last_steps] = values[last_steps]
            nearer = block
        if self.relative:
            with np.errstate(**QUIET):
                blocks[1:] -= values
        return wide.reshape(len(values), -1)

    def _step(self, row: np.ndarray, memory: Any) -> tuple[np.ndarray, np.ndarray]:
        """``memory`` (before, F): the last steps."""
        if memory is None:  # the first step is repeated
            (memory,) = self._blocks(row[np.newaxis], int(self.before))
            memory[:] = row
        steps = np.concatenate([memory, row[np.newaxis]])
        with np.errstate(**QUIET):
            others = steps[:-1] - row if self.relative else steps[:-1]
        return np.concatenate([row, others.ravel()]), steps[1:]

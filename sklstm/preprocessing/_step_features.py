"""Further features of each step, made of the steps around it.

The steps of all sequences lie one after the other, (N, F). The result is (N, B, F), with a block
for each kind of feature. A block is made from the one before it, moved by one step over all
sequences at once; what was taken from another sequence is then overwritten.
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

# A difference that overflows is infinite, which the estimator after this one refuses by its place.
QUIET = {"over": "ignore", "invalid": "ignore"}


class StepFeatures(SequenceTransformer):
    """Transformer that makes features of a step from several steps. This ``fit`` learns nothing."""

    _sizes: ClassVar[tuple[str, ...]] = ()  # parameters that say how many blocks there are

    def _suffixes(self) -> list[str]:
        """What each block adds to the names of the features."""
        raise NotImplementedError

    def _n_blocks(self) -> int:
        """How many `_suffixes` there are."""
        raise NotImplementedError

    def _blocks(self, values: np.ndarray, n_blocks: int) -> np.ndarray:
        """Room (N, B, F) for ``values`` (N, F), or an error that names what asks for too much."""
        for name in self._sizes:  # checked in fit, but may have been set since, or come from a file
            require_int(name, getattr(self, name), below=np.inf)
        try:
            if n_blocks * values.nbytes > memory():
                raise MemoryError
            return np.empty((len(values), n_blocks, values.shape[1]), values.dtype)
        except (MemoryError, OverflowError, ValueError):  # the latter: more than can be counted
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
        """Take the number and the names of the features from ``X``.

        Parameters
        ----------
        X : array-like of shape (n, T, F), list of (T_i, F) arrays, or (n, n_columns)
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        with one_task(self, X, y), revised(self) as draft:
            draft._n_step_features = draft._read(X).n_features
        return self

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the features after the transformation.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features of a step, or of the columns of a table. None takes those of the
            fit, or "x0", "x1", ... if there were none.

        Returns
        -------
        names : ndarray of str objects
            Those of the features of a step, or of all columns if a table was fitted.
        """
        check_is_fitted(self)
        steps = _check_feature_names_in(self, input_features).reshape(-1, self._n_step_features)
        suffixes = self._suffixes()
        names = [name + suffix for step in steps for suffix in suffixes for name in step]
        return np.array(names, dtype=object)


class SequenceDifferences(StepFeatures):
    """Add the differences between consecutive steps to the features of each step.

    A step ``x(t)`` becomes ``x(t), x(t) - x(t-1)``. The first step of a sequence has differences
    of 0.

    Parameters
    ----------
    order : int, default=1
        Differences up to this order: with 2, the differences between consecutive differences
        follow, ``x(t) - 2 x(t-1) + x(t-2)``.
    keep : bool, default=True
        Keep the features themselves. False leaves the differences only.
    features_per_step : int, default=1
        For 2-D ``X`` only: columns that make one time step. Each step of the result has more: pass
        ``features_per_step * (order + 1)`` to the estimators that follow, or
        ``features_per_step * order`` with ``keep=False``.

    Attributes
    ----------
    n_features_in_ : int
        Features of a step, or columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceContext : The values of the steps around each step.
    sklstm.stream : Use a fitted pipeline on a stream.

    Notes
    -----
    Every order is computed as if the first step had been repeated before the sequence began. So the
    second difference of step 1 is its first difference, and that of step 0 is 0.

    Features come order by order: all features, their first differences, their second ones. The
    differences of a feature "a" are named "a_diff1", "a_diff2".

    NaN is passed on, and the differences to and from it are NaN. A difference that is too large for
    the precision of ``X`` is infinite. Estimators that follow raise an error for both.

    Lists and 3-D arrays stay what they are under ``set_output``; tables follow it.

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

    In a pipeline, they stand before the scaler:

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
        """``memory`` (order, F): the step before and its differences, without the last of them."""
        if memory is None:  # differences of 0, also those of NaN
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
    first step of a sequence and after the last one, these are repeated.

    Parameters
    ----------
    before : int, default=2
        Steps before each step.
    after : int, default=2
        Steps after each step. Use 0 for a stream, which has not seen them yet.
    relative : bool, default=True
        Add the other values relative to the step, ``x(t+k) - x(t)``. False adds them as they are.
    features_per_step : int, default=1
        For 2-D ``X`` only: columns that make one time step. Each step of the result has more: pass
        ``features_per_step * (1 + before + after)`` to the estimators that follow.

    Attributes
    ----------
    n_features_in_ : int
        Features of a step, or columns if ``X`` was a table.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names, if ``X`` was a data frame or a list of data frames.

    See Also
    --------
    SequenceDifferences : Differences between consecutive steps.
    sklstm.stream : Use a fitted pipeline on a stream.

    Notes
    -----
    Features come step by step: all features of the step itself, then those of the other steps in
    the order of time. The values of a feature "a" are named "a_before2", "a_before1", "a_after1",
    "a_after2".

    NaN is passed on, and what is relative to it is NaN. A relative value that is too large for the
    precision of ``X`` is infinite. Estimators that follow raise an error for both. In an array that
    is padded with NaN, the last steps would see the padding: make a list of it with
    :func:`~sklstm.preprocessing.from_padded` first.

    Lists and 3-D arrays stay what they are under ``set_output``; tables follow it.

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
        """This transformer on a stream: one time step after the other.

        :func:`sklstm.stream` makes a stream of a whole pipeline.

        Returns
        -------
        stream : TransformStream
            With ``step(x)``, which takes the features of a time step and returns them transformed,
            and ``reset()``, to call before another sequence.

        Raises
        ------
        ValueError
            If ``after`` is not 0.
        """
        if self.after > 0:
            raise ValueError(
                f"SequenceContext(after={self.after}) has no stream: it sees steps that have not "
                "come yet. Use after=0 and fit again."
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
            np.positive(nearer[:-1], out=block[1:])  # an assignment would make a copy first
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
        """``memory`` (before, F): the steps before."""
        if memory is None:  # the first step is repeated
            (memory,) = self._blocks(row[np.newaxis], int(self.before))
            memory[:] = row
        steps = np.concatenate([memory, row[np.newaxis]])
        with np.errstate(**QUIET):
            others = steps[:-1] - row if self.relative else steps[:-1]
        return np.concatenate([row, others.ravel()]), steps[1:]

"""RelativeRegressor: learns and predicts relative to the last value of a sequence."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklstm._callbacks import watched
from sklstm._links import Linked
from sklstm._number_losses import LOSSES, goal_of
from sklstm._parameters import positive_int, setting_of
from sklstm._regressor import LSTMRegressor
from sklstm._restored import check, check_input, check_places, require_int, restoring
from sklstm._sequences import called, read_sequences, unpack_steps
from sklstm._sklearn import CallbackSupportMixin, HasMethods, InvalidParameterError, _fit_context
from sklstm._snapshots import revised, snapshot
from sklstm._targets import Rows, read_regression, read_weights
from sklstm._typing import PerStep
from sklstm.compose._columns import features_of_outputs
from sklstm.compose._now import relative_steps, values_now, warn_if_apart
from sklstm.preprocessing._transformer import as_given


def _learns_in_parts(model: RelativeRegressor) -> bool:
    return hasattr(getattr(model, "regressor_", model.regressor), "partial_fit")


class RelativeRegressor(
    Linked, CallbackSupportMixin, MetaEstimatorMixin, RegressorMixin, BaseEstimator
):
    """Forecast relative to the last value of each sequence.

    The last value is subtracted from ``X`` and ``y`` before training and added to the predictions.
    The regressor inside then learns changes instead of levels, so it can predict levels that did
    not occur in training. Use it for series that wander or grow. It does not help if the last value
    says little about the target, for example if the series returns to a fixed mean within a few
    steps.

    Parameters
    ----------
    regressor : estimator
        Regressor that is trained on the relative sequences and targets: an
        :class:`~sklstm.LSTMRegressor`, a pipeline that ends with one, or any other regressor that
        accepts the same ``X``. It receives arrays or lists of arrays without column names. Put
        scalers inside, as in ``make_pipeline(SequenceScaler(), LSTMRegressor())``, so that ``X``
        and ``y`` have the same units outside.
    columns : int, str or list of them, default=None
        Feature of ``X`` that ``y`` continues. Pass its number, or its name if ``X`` is a list of
        data frames. A list has one entry per output of ``y``. A single feature applies to all
        outputs, as in a forecast of several steps. None works only if ``X`` has one feature. All
        other features are passed on unchanged.

    Attributes
    ----------
    regressor_ : estimator
        The fitted clone of ``regressor``.
    columns_ : ndarray of shape (n_outputs,)
        Number of the feature that each output is relative to.
    n_features_in_ : int
        Number of columns if ``X`` is a 2-D table, else number of features per step.
    feature_names_in_ : ndarray of str
        Column names. Set only if ``X`` is a data frame or a list of data frames whose column names
        are all strings.

    See Also
    --------
    sklstm.preprocessing.sliding_windows : Windows of a series and the values that follow them.
    sklearn.compose.TransformedTargetRegressor : Transforms all targets in one way.

    Notes
    -----
    Let x be the features in ``columns`` and T the last step of a sequence. The regressor is trained
    on x(t) - x(T) for all steps t, and on y - x(T). x(T) is added to its predictions.

    If the regressor has ``return_sequences=True``, there is a target at each step. y(t) is then
    relative to x(t), and x(t) is relative to x(t - 1), because a step must not contain later
    values. The first step is 0. An LSTM can sum such differences.

    If predictions have one axis more than ``y``, for example with several quantiles, x(T) is added
    along it. Predictions are float64, because a level may need more digits than float32 has.

    ``return_sequences`` and, for tables, ``features_per_step`` are read from the parameters of
    ``regressor``. In a pipeline they are read from the first step that has them.

    ``fit`` trains a new clone, so ``warm_start`` of the regressor has no effect. To continue
    training, use ``partial_fit``.

    Examples
    --------
    A series that grows beyond its values in training:

    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.compose import RelativeRegressor
    >>> from sklstm.preprocessing import SequenceScaler, sliding_windows
    >>> t = np.arange(300)
    >>> X, y = sliding_windows(0.3 * t + 5 * np.sin(0.5 * t), width=20, horizon=[1, 2, 3])
    >>> lstm = make_pipeline(SequenceScaler(), LSTMRegressor(16, random_state=0))
    >>> model = RelativeRegressor(lstm).fit(X[:200], y[:200])
    >>> model.score(X[200:], y[200:]) > 0.9
    True
    >>> lstm.fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.9
    False
    """

    _parameter_constraints: ClassVar[dict] = {
        "regressor": [HasMethods(["fit", "predict"])],
        "columns": [Integral, str, "array-like", None],
    }

    def __init__(self, regressor: Any, *, columns: Any = None) -> None:
        self.regressor = regressor
        self.columns = columns

    def __sklearn_is_fitted__(self) -> bool:
        return "regressor_" in vars(self)

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.regressor)
        tags.input_tags.three_d_array = inner.input_tags.three_d_array
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.non_deterministic = inner.non_deterministic
        tags.regressor_tags.poor_score = True  # on data whose level determines y
        return tags

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the requested metadata for scikit-learn's metadata routing.

        Returns
        -------
        routing : MetadataRouter
            Metadata that ``fit`` and ``partial_fit`` of the regressor request.
        """
        methods = MethodMapping().add(caller="fit", callee="fit")
        methods.add(caller="partial_fit", callee="partial_fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(regressor=self.regressor, method_mapping=methods)

    # --------------------------------------------------------------------------------- learning

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Train a clone of the regressor on relative sequences and targets.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array-like of shape (n,) or (n, n_outputs)
            Values to predict, in the units of ``X``. With ``return_sequences=True`` of the
            regressor, one row per step.
        **fit_params : dict
            Arguments of the regressor's ``fit``, such as ``sample_weight``. ``X_val`` and ``y_val``
            are made relative first, including ``step__X_val`` and ``step__y_val`` of a pipeline.
            All other arguments are passed unchanged.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If ``columns`` does not match ``X`` and ``y``, or if ``X`` or ``y`` is invalid. The
            estimator is then unchanged.

        Warns
        -----
        UserWarning
            If ``y`` looks unlike the feature that it should continue.
        """
        with watched(self, X, y) as watch, revised(self) as draft:
            rows = draft._start(X)
            targets = _read_targets(y, rows)
            draft.columns_ = draft._columns_for(rows, targets)
            warn_if_apart(rows, targets, draft.columns_)
            if watch is None:
                draft._teach("fit", rows, targets, fit_params)
            else:
                watch.begin(1)
                with watch.lent_to(draft.regressor_):
                    draft._teach("fit", rows, targets, fit_params)
        return self

    @available_if(_learns_in_parts)
    @_fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Continue training on relative sequences and targets.

        Available only if the regressor has ``partial_fit``.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array-like of shape (n,) or (n, n_outputs)
            Values to predict, as in ``fit``.
        **fit_params : dict
            Arguments of the regressor's ``partial_fit``.

        Returns
        -------
        self : object
            The estimator, trained further.
        """
        with revised(self) as draft:
            first = not draft.__sklearn_is_fitted__()
            rows = draft._start(X) if first else draft._read(X)
            targets = _read_targets(y, rows)
            columns = draft._columns_for(rows, targets)
            if first:
                draft.columns_ = columns
            elif not np.array_equal(columns, draft.columns_):
                raise ValueError(
                    f"y and columns={draft.columns!r} make outputs of the features "
                    f"{columns.tolist()}, but the regressor was trained with the features "
                    f"{draft.columns_.tolist()}. Pass the same outputs, or call fit."
                )
            draft._teach("partial_fit", rows, targets, fit_params)
        return self

    # ------------------------------------------------------------------------------- predicting

    def predict(self, X: Any) -> PerStep:
        """Predict in the units of ``y``.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        values : ndarray of shape (n,) or (n, n_outputs), float64
            Predictions. With ``return_sequences=True`` of the regressor, one row per step in the
            container type of ``X``. If the regressor predicts several values per output, such as
            quantiles, they are on the last axis.
        """
        check_is_fitted(self)
        now = snapshot(self)
        rows = now._read(X)
        return _in_container(now._values(rows), rows)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R² of the predictions in the units of ``y``.

        If the regressor is an :class:`~sklstm.LSTMRegressor` with another loss than the squared
        error, the score is D² of that loss.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array-like of shape (n,) or (n, n_outputs)
            True values, as in ``fit``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, or of steps in the container type of ``y``. None is 1.

        Returns
        -------
        score : float
            Mean score over outputs, at most 1. With ``return_sequences=True`` of the regressor, it
            is computed over all steps with a target.
        """
        check_is_fitted(self)
        now = snapshot(self)
        rows = now._read(X)
        weights = read_weights(sample_weight, rows)
        targets, weights = read_regression(y, weights, rows, np.float64, column_warning=False)
        if targets.shape[1] != len(now.columns_):
            raise ValueError(
                f"y has {targets.shape[1]} outputs per row, but {type(self).__name__} predicts "
                f"{len(now.columns_)}."
            )
        values, end = now._values(rows), _end_of(now.regressor_)
        loss, quantile = goal_of(end) if isinstance(end, LSTMRegressor) else ("squared_error", None)
        if loss != "quantile":
            if values.size != targets.size:
                raise ValueError(
                    f"R² needs one prediction for each target, but the regressor predicts "
                    f"{values.shape[-1]}, such as quantiles. Pass a metric for them as scoring, or "
                    "compute it from predict(X)."
                )
            values = values.reshape(targets.shape)
        return LOSSES[loss].score(values, targets, weights, np.atleast_1d(quantile))

    # ---------------------------------------------------------------------------------- private

    def _start(self, X: Any) -> Rows:
        """Make a new clone, and learn the form of X."""
        if is_classifier(self.regressor):
            raise InvalidParameterError(
                f"The 'regressor' parameter of {type(self).__name__} must predict numbers, but "
                f"{type(self.regressor).__name__} is a classifier."
            )
        self.regressor_ = clone(self.regressor)
        end = _end_of(self.regressor_)
        if isinstance(end, LSTMRegressor) and np.isfinite(LOSSES[goal_of(end)[0]].lowest):
            raise ValueError(
                f"loss={end.loss!r} needs values that are never negative, but values relative to "
                "the last one can be negative. Choose another loss, or use the LSTMRegressor "
                "without RelativeRegressor."
            )
        self._features_per_step = positive_int(
            setting_of(self.regressor_, "features_per_step", 1), "features_per_step of regressor"
        )
        self._per_step = bool(setting_of(self.regressor_, "return_sequences", False))
        return self._read(X, reset=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        with restoring(self):
            super().__setstate__(state)
            if not self.__sklearn_is_fitted__():
                return
            require_int("_features_per_step", self._features_per_step, 1)
            is_table = self._sequence_input == "table"
            width = self._features_per_step if is_table else self.n_features_in_
            check_input(self, width)
            check_places("columns_", self.columns_, width)
            check(isinstance(self._per_step, bool), "_per_step", self._per_step, "True or False")

    def _read(self, X: Any, reset: bool = False) -> Rows:
        sequences = read_sequences(self, X, reset=reset, features_per_step=self._features_per_step)
        return Rows(sequences, self._per_step)

    def _columns_for(self, rows: Rows, targets: np.ndarray) -> np.ndarray:
        names = None
        if self._sequence_input != "table" and hasattr(self, "feature_names_in_"):
            names = self.feature_names_in_.tolist()
        return features_of_outputs(self.columns, targets.shape[1], rows.sequences.n_features, names)

    def _teach(self, method: str, rows: Rows, targets: np.ndarray, params: dict) -> None:
        params = self._with_relative_validation(params)
        if get_config()["enable_metadata_routing"]:
            params = process_routing(self, method, **params)["regressor"][method]
        X, y = self._relative(rows), self._relative_targets(rows, targets)
        getattr(self.regressor_, method)(X, y, **params)

    def _with_relative_validation(self, params: dict) -> dict:
        """``params`` with relative validation data, including those of pipeline steps."""
        relative = dict(params)
        for name in params:
            step, dunder, argument = name.rpartition("__")
            if argument != "X_val" or params[name] is None:
                continue
            with called(name):
                rows = self._read(params[name])
            relative[name] = self._relative(rows)
            of_y = f"{step}{dunder}y_val"
            if params.get(of_y) is not None:
                targets = _read_targets(params[of_y], rows, of_y)
                relative[of_y] = self._relative_targets(rows, targets)
        return relative

    def _relative(self, rows: Rows) -> Any:
        """X as the regressor receives it."""
        sequences = relative_steps(rows, self.columns_)
        return as_given(sequences.values, sequences)

    def _relative_targets(self, rows: Rows, targets: np.ndarray) -> Any:
        with np.errstate(over="ignore"):  # the regressor raises an error that names the place
            relative = targets - values_now(rows, self.columns_)
        return _in_container(relative[:, 0] if relative.shape[1] == 1 else relative, rows)

    def _values(self, rows: Rows) -> np.ndarray:
        """Predictions in the units of y, a row per sequence or step."""
        if getattr(_end_of(self.regressor_), "return_sequences", self._per_step) != self._per_step:
            raise ValueError(
                "return_sequences of regressor_ was changed after fit, but it decides how X is "
                "made relative. Set it back, or call fit again."
            )
        now = values_now(rows, self.columns_)
        now = now[:, 0] if now.shape[1] == 1 else now
        values = _packed(self.regressor_.predict(self._relative(rows)), rows)
        if values.shape[: now.ndim] != now.shape or values.ndim > now.ndim + 1:
            raise ValueError(
                f"{type(self.regressor_).__name__}.predict returned an array of shape "
                f"{values.shape}, expected {now.shape} or one axis more."
            )
        return values + now.reshape(now.shape + (1,) * (values.ndim - now.ndim))


def _read_targets(y: Any, rows: Rows, name: str = "y") -> np.ndarray:
    """y as numbers (rows, K) in float64, because differences may need more digits than X has."""
    return read_regression(y, np.ones(len(rows)), rows, np.float64, name=name)[0]


def _in_container(values: np.ndarray, rows: Rows) -> Any:
    return unpack_steps(values, rows.sequences) if rows.per_step else values


def _packed(predictions: Any, rows: Rows) -> np.ndarray:
    """The inverse of ``_in_container``."""
    if rows.per_step and not rows.sequences.equally_long:
        return np.concatenate(list(predictions))
    values = np.asarray(predictions)
    return values.reshape(-1, *values.shape[2:]) if rows.per_step else values


def _end_of(regressor: Any) -> Any:
    """The last step of a pipeline, or the regressor itself."""
    while hasattr(regressor, "steps"):
        regressor = regressor.steps[-1][1]
    return regressor

"""LearningCurve: losses and scores epoch by epoch, in rows and drawn."""

from __future__ import annotations

from math import nan
from typing import Any

from sklstm._estimator import SequenceEstimator
from sklstm._parameters import flag
from sklstm.callback._live_picture import LivePicture
from sklstm.callback._needed import require_callbacks

COLUMNS = ("epoch", "loss", "validation_loss", "validation_score")


class LearningCurve:
    """Callback that keeps losses and scores of every epoch, and shows them in a notebook.

    `loss_curve_` and its companions have the same numbers after `fit`. This has them while `fit`
    runs, and still has them if it fails.

    Parameters
    ----------
    live : bool, default=True
        Whether to draw the curve while `fit` runs. This happens in notebooks (where IPython and
        matplotlib are installed), about once a second; elsewhere nothing is drawn.

    Attributes
    ----------
    rows_ : list of dict
        One per epoch of the last `fit`, with `epoch` (the first is 1), `loss`, `validation_loss`
        and `validation_score`. The latter two are NaN without `early_stopping`.

    See Also
    --------
    sklearn.callback.ScoringMonitor : Any scores, computed on the training data.
    Checkpoint : The estimator of every epoch in a file.

    Notes
    -----
    It is for the estimators that have a loss: the LSTMs and the baselines. In a pipeline, set it on
    that step. In a search it has the rows of the fit that was begun last; worker processes have
    copies whose rows stay with them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.callback import LearningCurve
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> curve = LearningCurve()
    >>> model = LSTMRegressor(8, max_iter=5, early_stopping=True, random_state=0)
    >>> model = model.set_callbacks(curve).fit(X, X[:, -1, 0])
    >>> [row["epoch"] for row in curve.rows_]
    [1, 2, 3, 4, 5]
    >>> [row["validation_score"] for row in curve.rows_] == model.validation_scores_
    True
    """

    def __init__(self, *, live: bool = True) -> None:
        require_callbacks("LearningCurve")
        self.live = flag(live, "live")
        self.rows_: list[dict[str, float]] = []
        self._fit = self._picture = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_fit": None, "_picture": None}

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin new rows; called before a fit.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the fit.

        Raises
        ------
        TypeError
            If it has no loss.
        """
        if not isinstance(estimator, SequenceEstimator):
            raise TypeError(
                "LearningCurve shows losses of LSTMs and of the baselines, which "
                f"{type(estimator).__name__} has not: in a pipeline or a search, set it on the "
                "LSTM, such as model[-1].set_callbacks(curve)."
            )
        self._fit, self.rows_ = context, []
        self._picture = LivePicture.in_notebook(self.plot) if self.live else None

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing; called before a fit and before each epoch.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the fit or the epoch.
        """

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> None:
        """Add a row; called after each epoch and after a fit.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the epoch or the fit.
        fitted_estimator : estimator
            A copy as if `fit` had ended there.
        """
        if context.task_name != "epoch" or context.parent is not self._fit:
            return
        losses, scores = (
            getattr(fitted_estimator, name, None) or [nan]
            for name in ("validation_loss_curve_", "validation_scores_")
        )
        loss = getattr(fitted_estimator, "loss_", nan)
        row = (fitted_estimator.n_iter_, loss, losses[-1], scores[-1])
        self.rows_.append(dict(zip(COLUMNS, row, strict=True)))
        if self._picture is not None:
            self._picture.refresh()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Draw the last picture; called after a fit, also if it has failed.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the fit.
        """
        if context is self._fit:
            picture, self._fit, self._picture = self._picture, None, None
            if picture is not None and self.rows_:
                picture.draw()

    def to_frame(self) -> Any:
        """The rows as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            With `epoch` as the index.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                f"LearningCurve.to_frame needs pandas, which cannot be imported ({error}): "
                "pip install pandas. The attribute rows_ needs nothing."
            ) from error

        return pd.DataFrame(self.rows_, columns=COLUMNS).set_index("epoch")

    def plot(self, ax: Any = None) -> Any:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : sklstm.inspection.LossCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are no rows yet.
        """
        from sklstm.inspection import LossCurveDisplay
        from sklstm.inspection._loss_curve_display import best_epoch

        if not self.rows_:
            raise ValueError("There are no rows yet: set this callback on an LSTM and call fit.")
        _, loss, validation_loss, scores = zip(*(row.values() for row in self.rows_), strict=True)
        if scores[-1] != scores[-1]:  # NaN: nothing was held out
            return LossCurveDisplay(loss).plot(ax)
        best = best_epoch(scores, validation_loss)
        return LossCurveDisplay(loss, scores, validation_loss, best_epoch=best).plot(ax)

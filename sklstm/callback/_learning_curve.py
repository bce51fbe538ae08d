"""LearningCurve: records and draws losses and scores epoch by epoch."""

from __future__ import annotations

from math import nan
from typing import Any

from sklstm._estimator import SequenceEstimator
from sklstm._parameters import flag
from sklstm.callback._live_picture import LivePicture
from sklstm.callback._needed import require_callbacks

COLUMNS = ("epoch", "loss", "validation_loss", "validation_score")


class LearningCurve:
    """Callback that records losses and scores of every epoch and draws them in a notebook.

    After ``fit``, ``loss_curve_`` and ``validation_scores_`` of the estimator have the same
    numbers. The callback has them during ``fit`` too, and keeps them if ``fit`` fails.

    Parameters
    ----------
    live : bool, default=True
        If True, the curve is drawn about once a second during ``fit``. This works in notebooks
        with IPython and matplotlib; elsewhere nothing is drawn. Set it to False to only record.

    Attributes
    ----------
    rows_ : list of dict
        One dict per epoch of the last ``fit``, with the keys "epoch" (from 1), "loss",
        "validation_loss" and "validation_score". The last two are NaN without ``early_stopping``.

    Raises
    ------
    ImportError
        If scikit-learn is older than 1.9.
    ValueError
        If ``live`` is not a bool.

    See Also
    --------
    sklearn.callback.ScoringMonitor : Records any scores on the training data.
    Checkpoint : Saves the estimator of every epoch to a file.

    Notes
    -----
    It works with estimators that have a loss: the LSTMs and the baselines. In a pipeline, set it on
    that step. In a search it has the rows of the fit that began last. Worker processes have their
    own copies, so their rows are not visible here.

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
        """Clear the rows; called before a fit.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the fit.

        Raises
        ------
        TypeError
            If the estimator has no loss.
        """
        if not isinstance(estimator, SequenceEstimator):
            raise TypeError(
                "LearningCurve records the losses of LSTMs and of the baselines, but "
                f"{type(estimator).__name__} has no loss. In a pipeline or a search, set it on the "
                "LSTM, for example with model[-1].set_callbacks(curve)."
            )
        self._fit, self.rows_ = context, []
        self._picture = LivePicture.in_notebook(self.plot) if self.live else None

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing; called before a fit and before each epoch.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the fit or the epoch.
        """

    def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> None:
        """Add a row; called after each epoch and after a fit.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the epoch or the fit.
        fitted_estimator : estimator
            A copy with the fitted attributes it would have if ``fit`` ended now.
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
        """Draw the last picture; called after a fit, even if it failed.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the fit.
        """
        if context is self._fit:
            picture, self._fit, self._picture = self._picture, None, None
            if picture is not None and self.rows_:
                picture.draw()

    def to_frame(self) -> Any:
        """Return the rows as a data frame.

        Returns
        -------
        frame : pandas.DataFrame
            One row per epoch. The index is the epoch, and the columns are "loss",
            "validation_loss" and "validation_score".

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                f"LearningCurve.to_frame needs pandas, which cannot be imported ({error}). Run "
                "pip install pandas, or use the attribute rows_, a list of dicts."
            ) from error

        return pd.DataFrame(self.rows_, columns=COLUMNS).set_index("epoch")

    def plot(self, ax: Any = None) -> Any:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates a new figure.

        Returns
        -------
        display : sklstm.inspection.LossCurveDisplay
            Object with the axes and lines of the plot.

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
            raise ValueError(
                "LearningCurve has no rows yet: set it on an LSTM with set_callbacks and call fit."
            )
        _, loss, validation_loss, scores = zip(*(row.values() for row in self.rows_), strict=True)
        if scores[-1] != scores[-1]:  # NaN: nothing was held out
            return LossCurveDisplay(loss).plot(ax)
        best = best_epoch(scores, validation_loss)
        return LossCurveDisplay(loss, scores, validation_loss, best_epoch=best).plot(ax)

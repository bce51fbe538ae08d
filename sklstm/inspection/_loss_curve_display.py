"""LossCurveDisplay: losses and validation scores over epochs, and the epoch that was kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklstm._estimator import SequenceEstimator
from sklstm.inspection._drawing import legend_beside, one_axes
from sklstm.inspection._fitted_lstm import last_of, no_lstm


class LossCurveDisplay:
    """Training loss over epochs, with validation scores and the best epoch if there are any.

    Draw it to see whether training has converged, and whether the model overfits: then the training
    loss falls while the validation score does not improve. Use :meth:`from_estimator` for the
    records of a fitted model.

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Training loss of each epoch: ``loss_curve_`` of an estimator.
    validation_scores : array-like of shape (n_scores,), default=None
        Score on validation data after each of the last epochs: ``validation_scores_``. None draws
        no second axis.
    validation_loss : array-like of shape (n_scores,), default=None
        Loss on validation data after each of the last epochs: ``validation_loss_curve_``. None
        draws no such line.
    best_epoch : int, default=None
        Epoch whose parameters were kept; the first epoch is 1. None marks no epoch.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes that hold the losses.
    validation_ax_ : matplotlib Axes or None
        The same place with the scale of the scores, on the right.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of matplotlib Line2D
        Training loss, validation scores, validation loss, in this order.
    best_line_ : matplotlib Line2D or None
        Vertical line at the best epoch.

    See Also
    --------
    sklstm.callback.LearningCurve : The same curves while training runs.

    Examples
    --------
    >>> from sklstm.inspection import LossCurveDisplay
    >>> display = LossCurveDisplay([0.9, 0.5, 0.3], [0.6, 0.8, 0.7], best_epoch=2)
    >>> display = display.plot()  # doctest: +SKIP
    """

    def __init__(
        self,
        loss: Sequence[float],
        validation_scores: Sequence[float] | None = None,
        validation_loss: Sequence[float] | None = None,
        *,
        best_epoch: int | None = None,
    ) -> None:
        self.loss = loss
        self.validation_scores = validation_scores
        self.validation_loss = validation_loss
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None) -> LossCurveDisplay:
        """Draw the records of a fitted model.

        Parameters
        ----------
        estimator : estimator or Pipeline
            A fitted LSTM or baseline, or a fitted pipeline that ends with one. After a fit with
            ``early_stopping=True`` there are validation scores, and the best epoch is marked.
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure. Its layout should be "constrained", so that
            it makes room for the legend.

        Returns
        -------
        display : LossCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator keeps no loss curve, or ``ax`` is not one Axes.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted, or is initialised but has made no epoch yet.
        ImportError
            If Matplotlib is not installed.
        """
        last = last_of(estimator)
        loss = getattr(last, "loss_curve_", None)
        if loss is None or isinstance(last, type):
            if not hasattr(last, "partial_fit") or isinstance(last, type):
                raise no_lstm(estimator, "an LSTM or a baseline", SequenceEstimator)
            check_is_fitted(last)
            raise TypeError(f"{type(last).__name__} keeps no loss curve (loss_curve_).")
        if not len(loss):
            raise NotFittedError(
                f"This {type(last).__name__} has no loss curve: it has made no epoch yet. Call "
                "fit or partial_fit first."
            )
        scores = getattr(last, "validation_scores_", None)
        losses = getattr(last, "validation_loss_curve_", None)
        best = None
        if scores is not None:
            # After a warm start, the epochs of earlier calls of fit do not count.
            of_fit = min(getattr(last, "n_iter_", len(scores)), len(scores))
            best = best_epoch(scores, losses, of_fit)
            best = None if best is None else len(loss) - len(scores) + best
        return cls(loss, scores, losses, best_epoch=best).plot(ax)

    def plot(self, ax: Any = None, **line_kwargs: Any) -> LossCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        **line_kwargs : dict
            Options of the line of the training loss, such as ``color``.

        Returns
        -------
        self : LossCurveDisplay
            The display.

        Raises
        ------
        TypeError
            If ``ax`` is not one Axes.
        ImportError
            If Matplotlib is not installed.
        """
        ax = one_axes(ax)
        epochs = np.arange(1, len(self.loss) + 1)
        self.lines_ = ax.plot(epochs, self.loss, **({"label": "Training loss"} | line_kwargs))
        self.validation_ax_ = self.best_line_ = None
        if self.validation_scores is not None:
            self.validation_ax_ = ax.twinx()
            # After a warm start there may be fewer scores than epochs: the last ones.
            self.lines_ += self.validation_ax_.plot(
                epochs[len(epochs) - len(self.validation_scores) :],
                self.validation_scores,
                color="C1",
                label="Validation score",
            )
            self.validation_ax_.set_ylabel("Validation score")
        if self.validation_loss is not None:
            some = epochs[len(epochs) - len(self.validation_loss) :]
            self.lines_ += ax.plot(some, self.validation_loss, "C2", label="Validation loss")
        if self.best_epoch is not None:
            self.best_line_ = ax.axvline(
                self.best_epoch, color="0.4", linestyle="--", label=f"Best epoch: {self.best_epoch}"
            )
        many = self.validation_loss is not None
        ax.set(xlabel="Epoch", ylabel="Loss" if many else "Training loss")
        ax.xaxis.get_major_locator().set_params(integer=True)
        shown = self.lines_ if self.best_line_ is None else [*self.lines_, self.best_line_]
        if len(shown) > 1:
            legend_beside(ax, shown)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def best_epoch(scores: Any, losses: Any, last: int | None = None) -> int | None:
    """The epoch that early stopping keeps, the first of all epochs being 1.

    That is the highest score; the lower loss breaks ties, and then the earlier epoch. Only the
    ``last`` epochs count. None if no score is a number.
    """
    scores = np.asarray(scores, dtype=float)
    losses = np.zeros_like(scores) if losses is None else np.asarray(losses, dtype=float)
    start = 0 if last is None else len(scores) - last
    best, at = (-np.inf, -np.inf), None
    for epoch in range(start, len(scores)):
        if (scores[epoch], -losses[epoch]) > best:
            best, at = (scores[epoch], -losses[epoch]), epoch + 1
    return at

"""Checkpoint: estimators that are saved while they are being fitted."""

from __future__ import annotations

import os
from copy import copy
from pathlib import Path
from pickle import PicklingError
from typing import Any

import joblib

from sklstm._base import BaseLSTM
from sklstm._files import remove_leftovers, replace_file
from sklstm._parameters import positive_int
from sklstm.callback._needed import require_callbacks


class Checkpoint:
    """Callback that saves the estimator while `fit` runs, so that a killed process loses little.

    The file holds the estimator as if `fit` had ended at that epoch. `joblib.load(path)` returns
    it; with `warm_start=True`, its `fit` goes on with the training that was cut off, up to
    `max_iter` epochs in all, and has the same bits in the end as if it had never stopped.

    Parameters
    ----------
    path : str or path-like
        The file. It is replaced as a whole: after a kill at any moment, it is the last one that
        was complete.
    every : int, default=1
        Epochs from one saving to the next. The last epoch of a `fit` is saved in any case. Training
        waits until a file is on the disk: choose more than 1 if epochs are short.

    See Also
    --------
    LearningCurve : Losses and scores of every epoch.

    Notes
    -----
    It is for :class:`~sklstm.LSTMClassifier` and :class:`~sklstm.LSTMRegressor`; in a pipeline, set
    it on that step. All fits of a search write to the same file, the last one last.

    To go on, `fit` needs the same data and parameters. A saved estimator whose parameters were
    moved since, by `partial_fit` or a stream, begins a new training from these instead, as any
    `warm_start` does. Training that had ended is not continued: `fit` then returns the same model
    again, unless `max_iter` is now larger.

    Callbacks are not saved along. Load files only from those you trust. A kill while a file is
    being written leaves a `.part` beside it; the next `fit` with this path removes those older than
    a minute.

    Examples
    --------
    A script that can be killed and started again:

    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import joblib
    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.callback import Checkpoint
    >>> X = np.random.default_rng(0).normal(size=(60, 10, 2))
    >>> y = (X[:, 7, 0] > 0).astype(int)
    >>> path = Path(mkdtemp(), "model.joblib")
    >>> if path.exists():
    ...     model = joblib.load(path)
    ... else:
    ...     model = LSTMClassifier(8, max_iter=20, warm_start=True, random_state=0)
    >>> model = model.set_callbacks(Checkpoint(path, every=5)).fit(X, y)
    >>> saved = joblib.load(path)
    >>> saved.n_iter_, bool((saved.parameters_ == model.parameters_).all())
    (20, True)
    """

    def __init__(self, path: str | os.PathLike, every: int = 1) -> None:
        require_callbacks("Checkpoint")
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"path must be a str or os.PathLike, got {path!r}.")
        self.path = Path(path)
        self.every = positive_int(every, "every")
        self._unsaved: dict[Any, BaseLSTM] = {}  # by the context of their fit

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_unsaved": {}}

    def setup(self, estimator: Any, context: Any) -> None:
        """Check that this estimator can be saved here; called before a fit.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the fit.

        Raises
        ------
        TypeError
            If it is no LSTM.
        FileNotFoundError
            If the path is not that of a file in a directory that exists.
        """
        if not isinstance(estimator, BaseLSTM):
            raise TypeError(
                f"Checkpoint saves LSTMClassifier and LSTMRegressor, not {type(estimator).__name__}"
                ": in a pipeline or a search, set it on the LSTM."
            )
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"Checkpoint cannot write {str(self.path)!r}: it must be a file in a directory "
                "that exists."
            )
        remove_leftovers(self.path)

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
        """Save; called after each epoch and after a fit.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the epoch or the fit.
        fitted_estimator : estimator
            A copy as if `fit` had ended there.
        """
        if context.task_name == "epoch":
            self._unsaved[context.parent] = fitted_estimator
            if fitted_estimator.n_iter_ % self.every == 0:
                self._save(context.parent)
        else:
            self._save(context)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Forget what was not saved; called after a fit, also if it has failed.

        Parameters
        ----------
        estimator : estimator
            That is fitted.
        context : CallbackContext
            Of the fit.
        """
        self._unsaved.pop(context, None)

    def _save(self, fit: Any) -> None:
        """Save what was learned in this fit, if it is not saved yet."""
        estimator = self._unsaved.pop(fit, None)
        if estimator is not None:
            estimator = copy(estimator).set_callbacks()
            vars(estimator).pop("_parent_callback_ctx", None)  # of the search around it
            try:
                replace_file(self.path, lambda file: joblib.dump(estimator, file))
            except (PicklingError, AttributeError, TypeError) as error:
                raise TypeError(
                    f"Checkpoint cannot pickle this {type(estimator).__name__}: {error}. Are all "
                    "of its parameters values, or functions of a module?"
                ) from error

"""Checkpoint: saves an estimator while it is being fitted."""

from __future__ import annotations

import os
from copy import copy
from errno import EIO
from pathlib import Path
from pickle import PicklingError
from typing import Any

import joblib

from sklstm._base import BaseLSTM
from sklstm._files import check_writable, remove_leftovers, replace_file
from sklstm._parameters import positive_int
from sklstm.callback._needed import require_callbacks


class Checkpoint:
    """Callback that saves the estimator during ``fit``, so that a killed process can resume.

    The file contains the estimator as if ``fit`` had ended at that epoch. ``joblib.load(path)``
    returns it. With ``warm_start=True``, its ``fit`` continues the interrupted training up to
    ``max_iter`` epochs in total. The result is bit-identical to training without interruption.

    Parameters
    ----------
    path : str or path-like
        File to write, in a directory that exists. It is replaced in one step, so it is always
        complete, even after a kill.
    every : int, default=1
        Number of epochs between two savings. The last epoch of a ``fit`` is always saved. Training
        waits until the file is on the disk, so increase it if epochs are short.

    Raises
    ------
    ImportError
        If scikit-learn is older than 1.9.
    TypeError
        If ``path`` is not a str or path-like.
    ValueError
        If ``every`` is not an int of 1 or more.

    See Also
    --------
    LearningCurve : Losses and scores of every epoch.

    Notes
    -----
    It works with :class:`~sklstm.LSTMClassifier` and :class:`~sklstm.LSTMRegressor`. In a pipeline,
    set it on that step. In a search, all fits write to the same file, and the last one remains.

    To resume, call ``fit`` with the same data and parameters. If ``partial_fit`` or a stream has
    changed the parameters since, ``fit`` starts a new training from the changed parameters, as
    ``warm_start`` always does. If training had already ended, ``fit`` trains nothing and issues a
    warning; increase ``max_iter`` to continue.

    Callbacks are not saved. Loading a file runs code that it contains, so load only files that you
    trust. A kill during writing leaves a file that ends with ``.part``. The next ``fit`` with this
    path removes such files if they are older than a minute.

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
        """Check that the estimator can be saved; called before a fit.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the fit.

        Raises
        ------
        TypeError
            If the estimator is not an LSTM.
        FileNotFoundError
            If the path is a directory, or its directory does not exist.
        OSError
            If the path cannot be written. The message names the path and the reason.
        """
        if not isinstance(estimator, BaseLSTM):
            raise TypeError(
                f"Checkpoint saves LSTMClassifier and LSTMRegressor, got {type(estimator).__name__}"
                ". In a pipeline or a search, set it on the LSTM."
            )
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"Checkpoint cannot write {str(self.path)!r}: path must be a file in a directory "
                "that exists. Create the directory, or choose another path."
            )
        try:
            remove_leftovers(self.path)
            check_writable(self.path)
        except OSError as error:
            raise self._cannot_write(error) from error

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
        """Save the estimator; called after each epoch and after a fit.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the epoch or the fit.
        fitted_estimator : estimator
            A copy with the fitted attributes it would have if ``fit`` ended now.

        Raises
        ------
        OSError
            If the file cannot be written. The message names the path and the reason.
        TypeError
            If the estimator cannot be pickled.
        """
        if context.task_name == "epoch":
            self._unsaved[context.parent] = fitted_estimator
            if fitted_estimator.n_iter_ % self.every == 0:
                self._save(context.parent)
        else:
            self._save(context)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Drop the estimator that was not saved; called after a fit, even if it failed.

        Parameters
        ----------
        estimator : estimator
            The estimator that is being fitted.
        context : CallbackContext
            Context of the fit.
        """
        self._unsaved.pop(context, None)

    def _save(self, fit: Any) -> None:
        """Save the last epoch of this fit, unless it is saved already."""
        estimator = self._unsaved.pop(fit, None)
        if estimator is not None:
            estimator = copy(estimator).set_callbacks()
            vars(estimator).pop("_parent_callback_ctx", None)  # belongs to the search around it
            try:
                replace_file(self.path, lambda file: joblib.dump(estimator, file))
            except (PicklingError, AttributeError, TypeError) as error:
                raise TypeError(
                    f"Checkpoint cannot pickle this {type(estimator).__name__}: {error}. Use only "
                    "parameters that can be pickled: values, or functions defined in a module."
                ) from error
            except OSError as error:
                raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> OSError:
        """The same error, with the path and a remedy."""
        reason = error.strerror or str(error)
        return OSError(
            error.errno or EIO,
            f"Checkpoint cannot write the file: {reason}. Choose a path that you can write to, on "
            "a disk with free space",
            str(self.path),
        )

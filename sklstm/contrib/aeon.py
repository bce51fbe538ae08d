"""A classifier and a regressor for aeon. Its series have shape (channels, time points)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._numbers import filled
from sklstm.contrib._series import classifier_for, regressor_for

try:
    from aeon.classification.base import BaseClassifier
    from aeon.regression.base import BaseRegressor
except ImportError as error:
    raise ImportError(
        f"sklstm.contrib.aeon needs aeon ({error}): pip install 'sklstm[aeon]'."
    ) from error

__all__ = ["AeonClassifier", "AeonRegressor"]

TAGS = {
    "X_inner_type": ["np-list", "numpy3D"],
    "capability:multivariate": True,
    "capability:unequal_length": True,
    "algorithm_type": "deeplearning",
}


def as_sequences(X: Any) -> Any:
    """Convert a collection of aeon to sequences of shape (steps, features)."""
    if isinstance(X, np.ndarray):
        return np.ascontiguousarray(filled(X).transpose(0, 2, 1))
    return [np.ascontiguousarray(filled(x).T) for x in X]


class AeonClassifier(BaseClassifier):
    """Use an LSTM as a classifier of aeon.

    Series may be multivariate and of unequal length.

    Parameters
    ----------
    estimator : estimator, default=None
        An :class:`~sklstm.LSTMClassifier`, or a pipeline that ends with one. None is a pipeline of
        a :class:`~sklstm.preprocessing.SequenceScaler` and the LSTM with its defaults. Pass your
        own to change hyper-parameters.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.contrib.aeon import AeonClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(2, 8 + k % 5)) for k in range(60)]  # channels, time points
    >>> y = np.array(["up" if x[0, 3] > 0 else "down" for x in X])
    >>> model = AeonClassifier(LSTMClassifier(8, random_state=0)).fit(X, y)
    >>> model.predict(X).shape, model.predict_proba(X).shape
    ((60,), (60, 2))
    """

    _tags: ClassVar[dict] = TAGS

    def __init__(self, estimator=None):
        self.estimator = estimator
        super().__init__()

    def _fit(self, X, y):
        self.estimator_ = classifier_for(self.estimator).fit(as_sequences(X), y)
        return self

    def _predict(self, X):
        return self.estimator_.predict(as_sequences(X))

    def _predict_proba(self, X):
        return self.estimator_.predict_proba(as_sequences(X))

    @classmethod
    def _get_test_params(cls, parameter_set="default"):
        return {"estimator": LSTMClassifier(3, max_iter=2, random_state=0)}


class AeonRegressor(BaseRegressor):
    """Use an LSTM as a regressor of aeon.

    Series may be multivariate and of unequal length.

    Parameters
    ----------
    estimator : estimator, default=None
        An :class:`~sklstm.LSTMRegressor`, or a pipeline that ends with one. It must predict one
        number, so ``quantile`` must not be a list. None is a pipeline of a
        :class:`~sklstm.preprocessing.SequenceScaler` and the LSTM with its defaults. Pass your own
        to change hyper-parameters.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone of ``estimator``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.contrib.aeon import AeonRegressor
    >>> X = np.random.default_rng(0).normal(size=(60, 2, 10))  # cases, channels, time points
    >>> model = AeonRegressor(LSTMRegressor(8, random_state=0)).fit(X, X[:, 0, 7])
    >>> model.predict(X).shape
    (60,)
    """

    _tags: ClassVar[dict] = TAGS

    def __init__(self, estimator=None):
        self.estimator = estimator
        super().__init__()

    def _fit(self, X, y):
        self.estimator_ = regressor_for(self.estimator).fit(as_sequences(X), y)
        return self

    def _predict(self, X):
        return self.estimator_.predict(as_sequences(X))

    @classmethod
    def _get_test_params(cls, parameter_set="default"):
        return {"estimator": LSTMRegressor(3, max_iter=2, random_state=0)}

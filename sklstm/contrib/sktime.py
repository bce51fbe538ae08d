"""A classifier and a regressor for sktime. Its collections are lists of data frames."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.contrib._series import classifier_for, regressor_for

try:
    from sktime.classification.base import BaseClassifier
    from sktime.regression.base import BaseRegressor
except ImportError as error:
    raise ImportError(
        f"sklstm.contrib.sktime needs sktime ({error}): pip install 'sklstm[sktime]'."
    ) from error

__all__ = ["SktimeClassifier", "SktimeRegressor"]

TAGS = {
    "authors": "sklstm developers",
    "maintainers": "sklstm developers",
    "X_inner_mtype": "df-list",
    "y_inner_mtype": "numpy1D",
    "capability:multivariate": True,
    "capability:unequal_length": True,
}


def as_sequences(X: list) -> list[np.ndarray]:
    """Convert data frames of shape (time points, variables) to arrays (steps, features)."""
    return [np.ascontiguousarray(frame.to_numpy(dtype=float)) for frame in X]


class SktimeClassifier(BaseClassifier):
    """Use an LSTM as a classifier of sktime.

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
    >>> import pandas as pd
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.contrib.sktime import SktimeClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [pd.DataFrame(rng.normal(size=(8 + k % 5, 2))) for k in range(60)]
    >>> y = np.array(["up" if x.iloc[3, 0] > 0 else "down" for x in X])
    >>> model = SktimeClassifier(LSTMClassifier(8, random_state=0)).fit(X, y)
    >>> model.predict(X).shape, model.predict_proba(X).shape
    ((60,), (60, 2))
    """

    _tags: ClassVar[dict] = TAGS | {"capability:predict_proba": True}

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
    def get_test_params(cls, parameter_set="default"):
        """Return parameters for the estimator checks of sktime.

        Parameters
        ----------
        parameter_set : str, default="default"
            Ignored: there is only one set.

        Returns
        -------
        params : list of dict
            Parameters of the constructor, one dict per test instance.
        """
        small = {"max_iter": 2, "random_state": 0}
        return [
            {"estimator": LSTMClassifier(3, **small)},
            {"estimator": LSTMClassifier(2, cell="1997", **small)},
        ]


class SktimeRegressor(BaseRegressor):
    """Use an LSTM as a regressor of sktime.

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
    >>> import pandas as pd
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.contrib.sktime import SktimeRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [pd.DataFrame(rng.normal(size=(8 + k % 5, 2))) for k in range(60)]
    >>> y = np.array([x.iloc[3, 0] for x in X])
    >>> model = SktimeRegressor(LSTMRegressor(8, random_state=0)).fit(X, y)
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
    def get_test_params(cls, parameter_set="default"):
        """Return parameters for the estimator checks of sktime.

        Parameters
        ----------
        parameter_set : str, default="default"
            Ignored: there is only one set.

        Returns
        -------
        params : list of dict
            Parameters of the constructor, one dict per test instance.
        """
        small = {"max_iter": 2, "random_state": 0}
        return [
            {"estimator": LSTMRegressor(3, **small)},
            {"estimator": LSTMRegressor(2, cell="1997", **small)},
        ]

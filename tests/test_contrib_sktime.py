"""sktime's own checks, and the same predictions as without the adapter."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("sktime")

import pandas as pd
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sktime.utils import check_estimator

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.contrib.sktime import SktimeClassifier, SktimeRegressor
from sklstm.preprocessing import SequenceScaler

rng = np.random.default_rng(0)
X = [pd.DataFrame(rng.normal(size=(6 + k % 4, 2)), columns=["a", "b"]) for k in range(30)]
labels = np.array(["up" if x.iloc[3, 0] > 0 else "down" for x in X])
numbers = np.array([x.iloc[3, 0] for x in X])
CASES = [(SktimeClassifier, LSTMClassifier, labels), (SktimeRegressor, LSTMRegressor, numbers)]
small = {"max_iter": 3, "random_state": 0}


@pytest.mark.parametrize("adapter", [SktimeClassifier, SktimeRegressor])
def test_all_checks_of_sktime_pass(adapter):
    found = check_estimator(adapter, raise_exceptions=True, verbose=False)
    assert len(found) > 100
    assert set(found.values()) == {"PASSED"}


@pytest.mark.parametrize(("adapter", "make", "y"), CASES)
def test_frames_are_sequences_of_rows(adapter, make, y):
    plain = make(4, **small)
    model = adapter(plain).fit(X, y)
    steps = [x.to_numpy() for x in X]
    expected = make(4, **small).fit(steps, y)
    assert_array_equal(model.predict(X), expected.predict(steps))
    if adapter is SktimeClassifier:
        assert_array_equal(model.predict_proba(X), expected.predict_proba(steps))
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert not plain.__sklearn_is_fitted__()
    panel = pd.concat(X, keys=range(len(X)), names=["instance", "time"])
    assert_array_equal(adapter(plain).fit(panel, y).predict(panel), model.predict(X))
    cube = np.stack([x[:6].to_numpy().T for x in X])  # variables before time points
    same = adapter(plain).fit([x[:6] for x in X], y).predict([x[:6] for x in X])
    assert_array_equal(adapter(plain).fit(cube, y).predict(cube), same)


@pytest.mark.parametrize(("adapter", "make", "y"), CASES)
def test_the_default_is_scaled(adapter, make, y):
    model = adapter().fit(X, y)
    (_, scaler), (_, lstm) = model.estimator_.steps
    assert isinstance(scaler, SequenceScaler)
    assert lstm.get_params() == make().get_params()
    assert_array_equal(model.predict(X), model.estimator_.predict([x.to_numpy() for x in X]))


def test_estimators_of_the_other_kind_are_refused():
    for adapter, other, y in (
        (SktimeClassifier, LSTMRegressor, labels),
        (SktimeClassifier, LSTMRegressor, np.arange(30) % 2),
        (SktimeRegressor, LSTMClassifier, numbers.round()),
    ):
        right = adapter.__name__.removeprefix("Sktime")
        for estimator in (
            other(3),
            make_pipeline(SequenceScaler(), other(3)),
            make_pipeline(SequenceScaler(), make_pipeline(other(3))),
            other,
            SequenceScaler(),
            3,
        ):
            message = f"estimator must be an LSTM{right}, a pipeline that ends in one, or None, got"
            with pytest.raises(TypeError, match=message):
                adapter(estimator).fit(X, y)


def test_several_quantiles_are_refused():
    for quantile in ([0.1, 0.9], [0.5]):
        lstm = LSTMRegressor(3, loss="quantile", quantile=quantile, max_iter=2)
        pipeline = make_pipeline(SequenceScaler(), lstm)
        search = GridSearchCV(pipeline, {"lstmregressor__alpha": [0.0]}, cv=2)
        for estimator in (lstm, pipeline, search, RelativeRegressor(lstm)):
            with pytest.raises(
                ValueError, match=r"estimator has quantile=.*set quantile to a number"
            ):
                SktimeRegressor(estimator).fit(X, numbers)
    one = LSTMRegressor(3, loss="quantile", quantile=0.9, **small)
    assert SktimeRegressor(one).fit(X, numbers).predict(X).shape == (30,)

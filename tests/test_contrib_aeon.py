"""aeon's own checks, and the same predictions as without the adapter."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("aeon")

from aeon.classification.compose import ClassifierPipeline
from aeon.datasets import load_unit_test
from aeon.regression.compose import RegressorPipeline
from aeon.testing.estimator_checking import check_estimator
from aeon.transformations.collection import Normalizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.contrib.aeon import AeonClassifier, AeonRegressor
from sklstm.preprocessing import SequenceScaler

rng = np.random.default_rng(0)
X = [rng.normal(size=(2, 6 + k % 4)) for k in range(30)]  # channels, time points
labels = np.array(["up" if x[0, 3] > 0 else "down" for x in X])
numbers = np.array([x[0, 3] for x in X])
CASES = [(AeonClassifier, LSTMClassifier, labels), (AeonRegressor, LSTMRegressor, numbers)]
small = {"max_iter": 3, "random_state": 0}


@pytest.mark.parametrize("adapter", [AeonClassifier, AeonRegressor])
def test_all_checks_of_aeon_pass(adapter):
    found = check_estimator(adapter, raise_exceptions=True, verbose=False)
    assert len(found) >= 26
    assert set(found.values()) == {"PASSED"}


@pytest.mark.parametrize(("adapter", "make", "y"), CASES)
def test_series_are_sequences_of_time_points(adapter, make, y):
    plain = make(4, **small)
    for series in (X, [x[:, :6] for x in X], np.stack([x[:, :6] for x in X])):
        model = adapter(plain).fit(series, y)
        steps = [x.T for x in series]
        expected = make(4, **small).fit(steps, y)
        assert_array_equal(model.predict(series), expected.predict(steps))
        if adapter is AeonClassifier:
            assert_array_equal(model.predict_proba(series), expected.predict_proba(steps))
        loaded = pickle.loads(pickle.dumps(model))
        assert_array_equal(loaded.predict(series), model.predict(series))
    assert not plain.__sklearn_is_fitted__()


@pytest.mark.parametrize(("adapter", "make", "y"), CASES)
def test_what_a_mask_hides_is_missing(adapter, make, y):
    cut = np.stack([x[:, :6] for x in X])
    hidden = np.ma.array(cut)
    hidden[3, 1, 2] = np.ma.masked
    model = adapter(make(4, **small)).fit(np.ma.array(cut), y)
    for method, given in ((model.predict, ()), (model.fit, (y,))):  # aeon forgets before it fits
        for series in (hidden, list(hidden)):
            with pytest.raises(ValueError, match=r"NaN|missing values"):
                method(series, *given)


@pytest.mark.parametrize(("adapter", "make", "y"), CASES)
def test_the_default_is_scaled(adapter, make, y):
    steps = [x.T for x in X]
    model = adapter().fit(X, y)
    (_, scaler), (_, lstm) = model.estimator_.steps
    assert isinstance(scaler, SequenceScaler)
    assert lstm.get_params() == make().get_params()
    assert_array_equal(model.predict(X), model.estimator_.predict(steps))


def test_pipelines_of_aeon_take_unequal_lengths():
    parts = Normalizer(), AeonClassifier(LSTMClassifier(4, **small))
    assert ClassifierPipeline(*parts).fit(X, labels).predict(X).shape == (30,)
    parts = Normalizer(), AeonRegressor(LSTMRegressor(4, **small))
    assert RegressorPipeline(*parts).fit(X, numbers).predict(X).shape == (30,)


def test_parameters_of_the_lstm_are_searched():
    data, y = load_unit_test()
    inside = make_pipeline(SequenceScaler(), LSTMClassifier(4, **small))
    grid = {"estimator__lstmclassifier__hidden_layer_sizes": [2, 3]}
    search = GridSearchCV(AeonClassifier(inside), grid, cv=2).fit(data, y)
    lstm = search.best_estimator_.estimator_[-1]
    assert lstm.hidden_layer_sizes in (2, 3)


def test_estimators_of_the_other_kind_are_refused():
    for adapter, other, y in (
        (AeonClassifier, LSTMRegressor, labels),
        (AeonClassifier, LSTMRegressor, np.arange(30) % 2),
        (AeonRegressor, LSTMClassifier, numbers.round()),
    ):
        right = adapter.__name__.removeprefix("Aeon")
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
                AeonRegressor(estimator).fit(X, numbers)
    one = LSTMRegressor(3, loss="quantile", quantile=0.9, **small)
    assert AeonRegressor(one).fit(X, numbers).predict(X).shape == (30,)

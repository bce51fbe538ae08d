"""What is saved predicts the same, goes on learning the same, and says who wrote it."""

import copy
import io
import pickle
from itertools import islice

import joblib
import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from problems import cube, labels, numbers, sequences, step_numbers
from sklearn.base import clone

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor, _persistence
from sklstm._persistence import VersionWarning

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

SMALL = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0, "batch_size": 8, "n_jobs": 1}


def by_pickle(model, tmp_path):
    return pickle.loads(pickle.dumps(model))


def by_joblib(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib")


def by_memory_map(model, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    return joblib.load(tmp_path / "model.joblib", mmap_mode="r")


def by_skops(model, tmp_path):
    saved = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=saved)
    assert untrusted == [f"{type(model).__module__}.{type(model).__name__}"]
    return skops.io.loads(saved, trusted=untrusted)


def by_copy(model, tmp_path):
    return copy.deepcopy(model)


WAYS = [by_pickle, by_joblib, by_memory_map, by_skops, by_copy]


def models():
    """Fitted models of different kinds, the X they take, and the y that they go on with."""
    X = sequences()
    early = {"early_stopping": True, "validation_fraction": 0.25}
    yield LSTMClassifier(**SMALL).fit(X, labels(names=["a", "b"])), X, labels(names=["a", "b"])
    yield LSTMClassifier(**SMALL, cell="1997").fit(X, labels(n_classes=3)), X, labels(n_classes=3)
    yield LSTMClassifier(**SMALL, solver="sgd").fit(X, np.eye(24, 3, dtype=int)), X, np.eye(24, 3)
    yield LSTMRegressor(**SMALL, **early).fit(X, numbers(X)), X, numbers(X)
    yield LSTMRegressor(**SMALL, cell="peephole").fit(X, numbers(X, 2)), X, numbers(X, 2)
    y = step_numbers(X)
    yield LSTMRegressor(**SMALL, return_sequences=True).fit(X, y), X, y
    table = np.random.default_rng(0).normal(size=(24, 6)).astype(np.float32)
    yield LSTMRegressor(**SMALL, features_per_step=2).fit(table, numbers(X)), table, numbers(X)


@pytest.fixture(params=range(7))
def saved(request):
    return next(islice(models(), request.param, None))


def predictions(model, X):
    ours = model.predict_proba(X) if isinstance(model, LSTMClassifier) else model.predict(X)
    return np.concatenate(ours) if isinstance(ours, list) else ours


@pytest.mark.parametrize("way", WAYS)
def test_a_loaded_model_predicts_the_same_bits(saved, way, tmp_path):
    model, X, _ = saved
    loaded = way(model, tmp_path)
    assert_array_equal(predictions(loaded, X), predictions(model, X))
    assert_array_equal(loaded.parameters_, model.parameters_)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("call", ["partial_fit", "fit"])
def test_a_loaded_model_goes_on_learning_as_if_never_saved(saved, way, call, tmp_path):
    model, X, y = saved
    model.set_params(warm_start=True)
    if call == "partial_fit":
        model.set_params(early_stopping=False)
    loaded = way(model, tmp_path)
    getattr(loaded, call)(X, y)
    getattr(model, call)(X, y)
    assert_array_equal(loaded.parameters_, model.parameters_)
    assert loaded.loss_curve_ == model.loss_curve_
    assert loaded.t_ == model.t_


@pytest.mark.parametrize("way", WAYS)
def test_views_of_a_loaded_model_are_its_parameters(way, tmp_path):
    X = sequences()
    model = LSTMRegressor(**SMALL, normalize_y=False).fit(X, numbers(X))
    loaded = way(model, tmp_path)
    if way is by_memory_map:
        with pytest.raises(ValueError, match="read-only"):
            loaded.output_bias_[:] = 1
        loaded.partial_fit(X, numbers(X))  # trains a copy
    loaded.output_weights_[:] = 0
    loaded.output_bias_[:] = 5
    assert_array_equal(loaded.predict(X), np.full(24, 5.0))
    assert (model.output_bias_ != 5).all()


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_training_never_writes_into_the_file(mode, tmp_path):
    X = sequences()
    model = LSTMRegressor(**SMALL).fit(X, numbers(X))
    joblib.dump(model, tmp_path / "model.joblib")
    before = (tmp_path / "model.joblib").read_bytes()
    loaded = joblib.load(tmp_path / "model.joblib", mmap_mode=mode)
    loaded.partial_fit(X, numbers(X))
    del loaded
    assert (tmp_path / "model.joblib").read_bytes() == before


def test_a_pickle_holds_arrays_and_scalars_only(saved):
    model, *_ = saved
    allowed = (np.ndarray, int, float, str, bool, type(None))

    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, (list, tuple)):
            return all(map(plain, value))
        return isinstance(value, allowed) and not (
            isinstance(value, np.ndarray) and value.dtype == object
        )

    state = model.__getstate__()
    assert [name for name, value in state.items() if not plain(value)] == []
    assert "_validated" not in state


@pytest.mark.parametrize("version", ["0.0.1", "99.0"])
def test_a_model_of_another_version_says_so(version, monkeypatch):
    model = LSTMRegressor(**SMALL).fit(sequences(), numbers(sequences()))
    with monkeypatch.context() as patch:
        patch.setattr(_persistence, "__version__", version)
        data = pickle.dumps(model)
    here = sklstm.__version__
    with pytest.warns(VersionWarning, match=f"saved by sklstm {version} .* sklstm {here}"):
        loaded = pickle.loads(data)
    assert_array_equal(loaded.predict(sequences()), model.predict(sequences()))
    assert issubclass(VersionWarning, UserWarning)


def test_a_model_of_this_version_says_nothing_and_keeps_no_version_to_itself():
    model = LSTMRegressor(**SMALL).fit(sequences(), numbers(sequences()))
    loaded = pickle.loads(pickle.dumps(model))
    assert vars(loaded).keys() == vars(model).keys() - {"_validated"}
    assert pickle.loads(pickle.dumps(loaded))._shape == model._shape


def test_an_unfitted_model_can_be_saved_and_fitted_later():
    loaded = pickle.loads(pickle.dumps(LSTMRegressor(**SMALL)))
    X = sequences()
    expected = LSTMRegressor(**SMALL).fit(X, numbers(X))
    assert_array_equal(loaded.fit(X, numbers(X)).parameters_, expected.parameters_)


def test_a_clone_has_the_parameters_but_has_learned_nothing():
    model = LSTMRegressor(**SMALL, gate_bias={"input": (1, 2, 3)}).fit(cube(), numbers(cube()))
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert not hasattr(copied, "parameters_")


def test_the_size_of_a_pickle_is_that_of_the_parameters_and_the_state_of_the_solver():
    model = LSTMRegressor(64, max_iter=1, random_state=0).fit(cube(), numbers(cube()))
    buffer = io.BytesIO()
    pickle.dump(model, buffer)
    assert buffer.tell() < 3 * model.parameters_.nbytes + 10_000

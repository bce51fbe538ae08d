"""river's own checks; features and labels that appear, vanish and change places."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

pytest.importorskip("river")

from river import checks, compose, datasets, evaluate, metrics, preprocessing

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.contrib.river import RiverClassifier, RiverRegressor

ADAPTERS = RiverClassifier, RiverRegressor
MODELS = {
    RiverClassifier: RiverClassifier(LSTMClassifier(4, random_state=0)),
    RiverRegressor: RiverRegressor(LSTMRegressor(4, random_state=0)),
}
CHECKS = [
    (adapter, k, check.__name__)
    for adapter in ADAPTERS
    for k, check in enumerate(checks.yield_checks(adapter(**next(adapter._unit_test_params()))))
]
rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))


def rows(names="abc"):
    return [dict(zip(names, x.tolist(), strict=False)) for x in X]


@pytest.mark.parametrize(("adapter", "k", "name"), CHECKS, ids=lambda it: str(it))
def test_all_checks_of_river_pass(adapter, k, name):
    for params in adapter._unit_test_params():
        model = adapter(**params)
        assert name not in model._unit_test_skips()
        check = [*checks.yield_checks(model)][k]
        check(model.clone())


def test_there_are_as_many_checks_as_there_were():
    counts = [sum(which is adapter for which, *_ in CHECKS) for adapter in ADAPTERS]
    assert counts[0] >= 53
    assert counts[1] >= 25


def test_predictions_are_those_of_the_stream():
    model = MODELS[RiverRegressor].clone()
    stream = LSTMRegressor(4, random_state=0).initialize(3).stream()
    assert model.predict_one(rows()[0]) == 0.0
    for t, x in enumerate(rows()):
        if t:
            assert model.predict_one(x) == stream.peek(X[t])
        stream.step(X[t])
        stream.learn(float(X[t, 1]))
        model.learn_one(x, X[t, 1])


def test_probabilities_are_those_of_the_stream():
    model = MODELS[RiverClassifier].clone()
    stream = LSTMClassifier(4, random_state=0).initialize(3, classes=[0, 1]).stream()
    for t, x in enumerate(rows()):
        if t == 0:
            assert model.predict_proba_one(x) == {}
            assert model.predict_one(x) is None
        elif t == 1:
            assert model.predict_proba_one(x) == {"down": 1.0}
        model.learn_one(x, "down" if t % 3 == 0 else "up")
        stream.step(X[t])
        stream.learn(int(t % 3 != 0))
    first, _ = model.predict_proba_one(rows()[0]), stream.step(X[0])
    assert list(first) == ["down", "up"]
    assert_array_equal([*first.values()], stream.predict_proba())


def test_features_have_the_order_of_their_first_sight():
    """Sorted among those of one step; a feature that is missing is 0, an unknown one nothing."""
    model, same = MODELS[RiverRegressor].clone(), MODELS[RiverRegressor].clone()
    for t, x in enumerate(rows()):
        if t < 20:
            x = {"c": x["c"], "b": x["b"]}
        elif t < 40:
            x = {"c": x["c"], "a": x["a"]}
        elif t < 60:
            x = {"b": x["b"]}
        whole = {name: x.get(name, 0.0) for name in ("bc" if t < 20 else "abc")}
        for one, given in ((model, x), (same, whole)):
            one.learn_one(given, X[t, 1])
        assert_allclose(model.predict_one(x | {"new": 7.0}), same.predict_one(whole))
    assert list(model._names) == ["b", "c", "a"]
    assert_array_equal(model._stream.estimator.parameters_, same._stream.estimator.parameters_)


def test_a_label_that_appears_changes_no_other():
    model = MODELS[RiverClassifier].clone()
    for t, x in enumerate(rows()):
        before = model.predict_proba_one(x)
        model.learn_one(x, 1 if t < 60 else t % 2 if t < 120 else t % 4, w=0.0)  # the state moves
        after = model.predict_proba_one(rows()[0])
        assert sum(after.values()) == pytest.approx(1.0)
        if t == 122:
            other = {label: after[label] for label in (1, 0)}
            assert list(after) == [1, 0, 2]
            assert after[2] > 0
            assert before.keys() == other.keys()
    assert list(after) == [1, 0, 2, 3]


def test_labels_that_appear_are_learned():
    model = RiverClassifier(LSTMClassifier(8, random_state=0))
    stream = [(x, "abcd"[int(x["a"] > 0) + 2 * (t > 1000)]) for t, x in enumerate(rows() * 10)]
    right = 0
    for t, (x, y) in enumerate(stream):
        right += t >= 1800 and model.predict_one(x) == y
        model.learn_one(x, y)
    assert right > 180


def test_it_works_behind_the_transformers_of_river():
    model = compose.Pipeline(
        preprocessing.StandardScaler(),
        preprocessing.TargetStandardScaler(RiverRegressor(LSTMRegressor(8, random_state=0))),
    )
    data = datasets.TrumpApproval()
    error = evaluate.progressive_val_score(data, model, metrics.MAE()).get()
    mean = np.mean([y for _, y in data])
    assert error < np.mean([abs(y - mean) for _, y in data])


def test_categories_that_appear_come_through_a_one_hot_encoder():
    encoder = compose.SelectType(str) | preprocessing.OneHotEncoder()
    model = (encoder + compose.SelectType(float)) | MODELS[RiverClassifier].clone()
    for t, x in enumerate(rows()):
        x["name"] = f"category {t // 20}"
        model.predict_one(x)
        model.learn_one(x, t % 2 == 0)
    lstm = model["RiverClassifier"]
    assert len(lstm._names) == 3 + 10


def test_reset_begins_another_sequence():
    for adapter, model in MODELS.items():
        model = model.clone()
        model.reset()
        for t, x in enumerate(rows()):
            model.learn_one(x, t % 2)
        loaded = pickle.loads(pickle.dumps(model))
        x = rows()[0]
        assert loaded.predict_one(x) == model.predict_one(x)
        model.reset()
        stream = model._stream.estimator.stream()
        if adapter is RiverRegressor:
            assert model.predict_one(x) == stream.step(X[0])
        assert loaded._stream.peek(X[0]) != model._stream.peek(X[0])


def test_weights_are_those_of_streams():
    model = MODELS[RiverRegressor].clone()
    model.learn_one(rows()[0], 1.0)
    before = model._stream.estimator.parameters_.copy()
    model.learn_one(rows()[1], 1.0, w=0.0)
    assert_array_equal(model._stream.estimator.parameters_, before)
    model.learn_one(rows()[2], 1.0, w=0.5)
    assert (model._stream.estimator.parameters_ != before).any()


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize(
    ("x", "w", "message"),
    [
        ({"a": "blue"}, 1.0, "Feature 'a' is 'blue', which is not a finite number"),
        ({"a": None}, 1.0, "Feature 'a' is None"),
        ({"a": float("nan")}, 1.0, "Feature 'a' is nan"),
        ({"new": float("inf")}, 1.0, "Feature 'new' is inf"),
        ({}, 1.0, "x is empty: the first step"),
        ({"a": 1.0}, -1.0, "w must be a finite number >= 0"),
        ({"a": 1.0}, float("inf"), "w must be a finite number >= 0"),
        ({"a": 1.0}, "1", "w must be a finite number >= 0, got '1'"),
        ({"a": 1.0, "new": 1.0}, None, "w must be a finite number >= 0, got None"),
        ({"a": 10**400}, 1.0, "Feature 'a' is 1000.*, which is not a finite number"),
    ],
)
def test_bad_steps_are_refused_by_name_and_change_nothing(adapter, x, w, message):
    for steps in (0, 5):
        model = MODELS[adapter].clone()
        for t in range(steps):
            model.learn_one(rows()[t], t % 2)
        if x == {} and steps:
            continue  # all features are missing then, which is fine
        before = pickle.dumps(model)
        with pytest.raises(ValueError, match=message):
            model.learn_one(x, 1, w)
        assert pickle.dumps(model) == before
        if steps and w == 1.0 and "a" in x:
            with pytest.raises(ValueError, match=message):
                model.predict_one(x)


def test_networks_that_have_no_stream_are_refused():
    for estimator, message in (
        (LSTMClassifier(bidirectional=True), "bidirectional"),
        (LSTMClassifier(class_weight={"a": 2}), "pass w to learn_one"),
        (LSTMClassifier((3, 3)), "one hidden layer"),
    ):
        model = RiverClassifier(estimator)
        with pytest.raises(ValueError, match=message):
            model.learn_one(rows()[0], "a")
        assert model._stream is None
        assert model.predict_proba_one(rows()[0]) == {}
    with pytest.raises(TypeError, match="must be an LSTMClassifier or None, got LSTMRegressor"):
        RiverClassifier(LSTMRegressor()).learn_one(rows()[0], "a")
    quantiles = LSTMRegressor(loss="quantile", quantile=[0.1, 0.9])
    with pytest.raises(ValueError, match="predicts one number"):
        RiverRegressor(quantiles).learn_one(rows()[0], 1.0)
    with pytest.raises(ValueError, match="not a finite number"):
        MODELS[RiverRegressor].clone().learn_one(rows()[0], "a")


def test_the_defaults_are_those_of_the_lstm():
    for adapter, make in ((RiverClassifier, LSTMClassifier), (RiverRegressor, LSTMRegressor)):
        model = adapter()
        model.learn_one(rows()[0], 1)
        assert model._stream.estimator.get_params() == make().get_params()


@pytest.mark.parametrize("steps", [0, 1, 5])
@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (None, ValueError, "y is None, which is not a label"),
        (float("nan"), ValueError, "y is nan, which is not a label.* w=0"),
        (np.float32("nan"), ValueError, "which is not a label"),
        (np.datetime64("NaT", "s"), ValueError, "which is not a label"),
        ([1], TypeError, r"y must be a hashable label.* got \[1\]"),
    ],
)
def test_what_is_no_label_is_refused_and_changes_nothing(y, error, message, steps):
    model = MODELS[RiverClassifier].clone()
    for t in range(steps):
        model.learn_one(rows()[t], "abc"[t % 3])
    before = pickle.dumps(model)
    with pytest.raises(error, match=message):
        model.learn_one({"a": 1.0, "new": 2.0}, y)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("y", [None, float("nan"), "1", 10**400, [1]], ids=range(5))
def test_what_is_no_target_is_refused_and_changes_nothing(y):
    model = MODELS[RiverRegressor].clone()
    model.learn_one(rows()[0], 1.0)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match=r"^y is .*, which is not a finite number.* w=0"):
        model.learn_one({"a": 1.0, "new": 2.0}, y)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_what_the_network_refuses_changes_nothing(adapter):
    """Neither features nor labels stay; the step is not fed."""
    model = MODELS[adapter].clone()
    for t in range(5):
        model.learn_one(rows()[t], t % 2)
    model._stream.estimator.set_params(learning_rate_init=-1.0)
    before = pickle.dumps(model)
    for x, y in ((rows()[0], 1), ({"new": 2.0}, 7)):
        with pytest.raises(ValueError, match="learning_rate_init"):
            model.learn_one(x, y)
        assert pickle.dumps(model) == before


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_categorical_features_are_for_the_transformers_of_river(adapter):
    kind = type(MODELS[adapter].estimator)
    for chosen in ([0], "from_dtype"):
        model = adapter(kind(3, categorical_features=chosen))
        with pytest.raises(ValueError, match=r"categorical_features=.*OneHotEncoder of river"):
            model.learn_one({"a": 1.0}, 1)
        assert model._stream is None and model._names == {}

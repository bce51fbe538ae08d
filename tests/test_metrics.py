"""Metrics per step: flat arrays, scorers in scikit-learn's tools, cross-validated predictions."""

import pickle

import numpy as np
import pytest
from sklearn import config_context, metrics
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
)
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.metrics import flatten_steps, make_step_scorer
from sklstm.preprocessing import SequenceScaler

rng = np.random.default_rng(0)
RAGGED = [rng.normal(size=(rng.integers(3, 9), 2)) for _ in range(30)]
EQUAL = rng.normal(size=(30, 6, 2))
FEW = {"return_sequences": True, "random_state": 0, "max_iter": 3}


def two_classes(x):
    return np.where(x[..., 0] > 0, "up", "down")


def three_classes(x):
    return np.digitize(x[..., 0], [-0.5, 0.5])


def labels(x):
    return (x > 0).astype(int)  # (T, 2) or (n, T, 2)


def sums(x):
    return x[..., 0].cumsum(axis=-1)


def targets(X, rule):
    return rule(X) if isinstance(X, np.ndarray) else [rule(x) for x in X]


def objects(items):
    array = np.empty(len(items), dtype=object)
    for k, item in enumerate(items):
        array[k] = item
    return array


# ------------------------------------------------------------------------------ flatten_steps


@pytest.mark.parametrize("container", [list, tuple, objects, lambda y: [v.tolist() for v in y]])
def test_ragged_containers(container):
    y = targets(RAGGED, three_classes)
    y_true, y_pred = flatten_steps(container(y), container(y[:1] + [v * 0 for v in y[1:]]))
    np.testing.assert_array_equal(y_true, np.concatenate(y))
    assert y_pred.shape == y_true.shape
    assert not y_pred[len(y[0]) :].any()


def test_array_and_list_go_together():
    y = targets(EQUAL, three_classes)
    np.testing.assert_array_equal(*flatten_steps(y, list(y)))
    np.testing.assert_array_equal(*flatten_steps(objects(list(y)), y[:, :, None]))


def test_several_outputs_and_probabilities():
    proba = [rng.random((len(x), 3)) for x in RAGGED]
    y_true, y_pred = flatten_steps(targets(RAGGED, labels), proba)
    assert y_true.shape == (len(y_pred), 2)
    np.testing.assert_array_equal(y_pred, np.concatenate(proba))


def test_weights_of_steps_and_sequences():
    y = [np.array([0, 1, 2]), np.array([3, 4])]
    y_true, y_pred, weights = flatten_steps(y, y, [2.0, 0.5])
    np.testing.assert_array_equal(y_true, range(5))
    np.testing.assert_array_equal(weights, [2, 2, 2, 0.5, 0.5])
    y_true, y_pred, weights = flatten_steps(y, y, [[1, 0, 3], [0, 5]])
    np.testing.assert_array_equal(y_true, [0, 2, 4])
    np.testing.assert_array_equal(y_pred, [0, 2, 4])
    np.testing.assert_array_equal(weights, [1, 3, 5])
    np.testing.assert_array_equal(flatten_steps(y, y, 2)[2], [2] * 5)
    assert flatten_steps(np.ones((2, 3)), np.ones((2, 3)), np.eye(2, 3))[0].shape == (2,)
    assert flatten_steps(np.ones((2, 3)), np.ones((2, 3)), np.array([1, 0]))[0].shape == (3,)


def test_missing_targets_are_dropped():
    y = np.array([[1.0, np.nan, 3.0]])
    np.testing.assert_array_equal(flatten_steps(y, [[10, 20, 30]])[1], [10, 30])
    pairs = np.array([[[1.0, np.nan], [1.0, 2.0], [np.nan, np.nan]]])
    np.testing.assert_array_equal(flatten_steps(pairs, pairs)[0], [[1, 2]])
    named = [np.array(["a", None, "b"], dtype=object), np.array([np.nan, "a"], dtype=object)]
    y_true, y_pred = flatten_steps(named, [["a", "b", "b"], ["b", "b"]])
    assert y_true.dtype.kind == "U"
    assert y_true.tolist() == ["a", "b", "a"]
    assert y_pred.tolist() == ["a", "b", "b"]


def test_numbers_do_not_become_strings():
    y_true, _ = flatten_steps([["a", 1], ["b"]], [["a", "b"], ["b"]])
    assert y_true.tolist() == ["a", 1, "b"]


def test_weight_zero_covers_what_has_no_target():
    y = [np.array([0, 1]), np.array([7])]
    y_true, *_ = flatten_steps(y, [[0, 1], [0]], [1, 0])
    assert y_true.tolist() == [0, 1]


def test_dicts_are_refused():
    with pytest.raises(TypeError, match=r"y_pred is .*dict"):
        flatten_steps([[0, 1]], {0: [0, 1]})


@pytest.mark.parametrize(
    ("y_true", "y_pred", "weights", "message"),
    [
        ([[0, 1], [1]], [[0, 1], [1, 1]], None, "Sequence 1 of y_pred has 2 steps, but sequence 1"),
        ([[0, 1], [1]], [[0, 1]], None, "y_pred has 1 sequences, but y_true has 2"),
        ([[0, 1], [1]], np.zeros((2, 2)), None, "Sequence 1 of y_pred has 2 steps"),
        ([0, 1], [0, 1], None, r"Sequence 0 of y_true has shape \(\); expected one row per step"),
        (np.zeros(3), np.zeros(3), None, r"y_true has shape \(3,\); expected one row per step"),
        ([], [], None, "y_true is empty"),
        ([[0, 1], [[1, 2]]], [[0, 1], [1]], None, "Sequence 1 of y_true has shape"),
        ([[0, 1], [[1, 2], [3]]], [[0, 1], [1]], None, "Sequence 1 of y_true is not an array"),
        ([["a"], [1]], [["a"], ["b"]], None, "mixes strings and numbers .*sequence 1"),
        ([[0, 1], [1]], [[0, 1], [1]], [1, 2, 3], "sample_weight has 3 sequences, but y_true has"),
        ([[0, 1], [1]], [[0, 1], [1]], [[1], [1]], "Sequence 0 of sample_weight has 1 steps"),
        ([[0, 1], [1]], [[0, 1], [1]], [[1, 1], [-1]], "sample_weight: -1 at sequence 1, step 0"),
        ([[0, 1], [1]], [[0, 1], [1]], [0, 0], "There is nothing to score"),
        ([[np.nan], [np.nan]], [[0], [1]], None, "There is nothing to score"),
        ([[0], [1]], [[0], [1]], [[[1, 2]], [[1, 2]]], "sample_weight has 2 columns"),
    ],
)
def test_errors_name_the_place(y_true, y_pred, weights, message):
    with pytest.raises(ValueError, match=message):
        flatten_steps(y_true, y_pred, weights)


# ------------------------------------------------------------------------------------ scorers


@pytest.mark.parametrize("X", [RAGGED, EQUAL], ids=["ragged", "equal"])
@pytest.mark.parametrize(
    ("name", "rule", "method", "metric"),
    [
        ("accuracy", two_classes, "predict", metrics.accuracy_score),
        (
            "f1_macro",
            three_classes,
            "predict",
            lambda t, p: metrics.f1_score(t, p, average="macro"),
        ),
        ("balanced_accuracy", three_classes, "predict", metrics.balanced_accuracy_score),
        ("neg_log_loss", two_classes, "predict_proba", lambda t, p: -metrics.log_loss(t, p)),
        ("neg_log_loss", three_classes, "predict_proba", lambda t, p: -metrics.log_loss(t, p)),
        ("roc_auc", two_classes, "decision_function", metrics.roc_auc_score),
        ("roc_auc", labels, "predict_proba", metrics.roc_auc_score),
        ("average_precision", labels, "decision_function", metrics.average_precision_score),
        (
            "roc_auc_ovr",
            three_classes,
            "predict_proba",
            lambda t, p: metrics.roc_auc_score(t, p, multi_class="ovr"),
        ),
        ("top_k_accuracy", three_classes, "predict_proba", metrics.top_k_accuracy_score),
        ("f1_samples", labels, "predict", lambda t, p: metrics.f1_score(t, p, average="samples")),
    ],
)
@pytest.mark.filterwarnings("ignore:F-score is ill-defined")
def test_scorers_of_classifiers_by_name(X, name, rule, method, metric):
    y = targets(X, rule)
    model = LSTMClassifier(4, **FEW).fit(X, y)
    predicted = getattr(model, method)(X)
    flat = np.concatenate(list(predicted))
    score = make_step_scorer(name)(model, X, y)
    assert score == pytest.approx(metric(np.concatenate(list(y)), flat))


@pytest.mark.parametrize("X", [RAGGED, EQUAL], ids=["ragged", "equal"])
@pytest.mark.parametrize("name", ["r2", "neg_mean_absolute_error", "neg_root_mean_squared_error"])
@pytest.mark.parametrize("rule", [sums, lambda x: x * 2], ids=["one", "two"])
def test_scorers_of_regressors_by_name(X, name, rule):
    y = targets(X, rule)
    model = LSTMRegressor(4, **FEW).fit(X, y)
    flat = [np.concatenate(list(v)) for v in (y, model.predict(X))]
    scorer = get_scorer(name)
    expected = scorer._sign * scorer._score_func(*flat)
    assert make_step_scorer(name)(model, X, y) == pytest.approx(expected)


def test_the_estimators_own_scores():
    y = targets(RAGGED, sums)
    y[3] = y[3] * np.nan
    weights = [rng.integers(3, size=len(x)) for x in RAGGED]
    model = LSTMRegressor(4, **FEW).fit(RAGGED, y)
    assert make_step_scorer("r2")(model, RAGGED, y, weights) == pytest.approx(
        model.score(RAGGED, y, weights)
    )
    y = targets(RAGGED, two_classes)
    model = LSTMClassifier(4, **FEW).fit(RAGGED, y)
    assert make_step_scorer("accuracy")(model, RAGGED, y, weights) == pytest.approx(
        model.score(RAGGED, y, weights)
    )


def test_pos_label_chooses_the_column():
    y = targets(RAGGED, two_classes)
    model = LSTMClassifier(4, **FEW).fit(RAGGED, y)
    flat, proba = np.concatenate(y), np.concatenate(model.predict_proba(RAGGED))
    for k, label in enumerate(model.classes_):
        scorer = make_step_scorer(
            metrics.brier_score_loss,
            response_method="predict_proba",
            greater_is_better=False,
            pos_label=label,
        )
        expected = -metrics.brier_score_loss(flat, proba[:, k], pos_label=label)
        assert scorer(model, RAGGED, y) == pytest.approx(expected)
    own = make_scorer(
        metrics.average_precision_score, response_method="decision_function", pos_label="down"
    )
    expected = metrics.average_precision_score(
        flat, -np.concatenate(model.decision_function(RAGGED)), pos_label="down"
    )
    assert make_step_scorer(own)(model, RAGGED, y) == pytest.approx(expected)


def test_functions_and_options():
    y = targets(RAGGED, three_classes)
    model = LSTMClassifier(4, **FEW).fit(RAGGED, y)
    scorer = make_step_scorer(
        metrics.log_loss,
        response_method=["predict_proba"],
        greater_is_better=False,
        labels=[0, 1, 2],
    )
    few = [np.array([0]), np.array([1])]  # without the third class, which `labels` names
    assert scorer(model, [x[:1] for x in RAGGED[:2]], few) < 0
    assert "log_loss" in repr(scorer)
    with pytest.raises(ValueError, match="complete scorer and accepts no options"):
        make_step_scorer("f1", pos_label="up")
    with pytest.raises(ValueError, match="complete scorer"):
        make_step_scorer(get_scorer("f1"), greater_is_better=False)
    with pytest.raises(ValueError, match="nonsense"):
        make_step_scorer("nonsense")
    with pytest.raises(TypeError, match="score_func must be the name"):
        make_step_scorer(3)


def test_weights_of_metrics_without_weights():
    y = targets(RAGGED, sums)
    model = LSTMRegressor(4, **FEW).fit(RAGGED, y)
    scorer = make_step_scorer("neg_max_error")
    mask = [np.arange(len(x)) > 1 for x in RAGGED]
    y_true, y_pred, _ = flatten_steps(y, model.predict(RAGGED), mask)
    assert scorer(model, RAGGED, y, mask) == -metrics.max_error(y_true, y_pred)
    with pytest.raises(TypeError, match="sample_weight"):
        scorer(model, RAGGED, y, [np.arange(len(x)) for x in RAGGED])


def test_errors_of_scorers_name_the_place():
    y = targets(RAGGED, sums)
    model = LSTMRegressor(4, **FEW).fit(RAGGED, y)
    y[2] = y[2][:-1]
    with pytest.raises(ValueError, match="Sequence 2 of the result of predict has"):
        make_step_scorer("r2")(model, RAGGED, y)
    per_sequence = LSTMRegressor(4, max_iter=1).fit(RAGGED, [v[-1] for v in y])
    with pytest.raises(ValueError, match=r"the result of predict has shape .*one row per step"):
        make_step_scorer("r2")(per_sequence, RAGGED, y)


# ------------------------------------------------------------------------ scikit-learn's tools


@pytest.mark.parametrize("X", [RAGGED, objects(RAGGED), EQUAL], ids=["list", "objects", "array"])
@pytest.mark.parametrize("rule", [two_classes, three_classes])
def test_cross_validation(X, rule):
    y = targets(X, rule) if X is EQUAL else targets(list(X), rule)
    y = y if isinstance(X, list) or X is EQUAL else objects(y)
    model = make_pipeline(SequenceScaler(), LSTMClassifier(4, **FEW))
    scoring = {"own": make_step_scorer("accuracy"), "loss": make_step_scorer("neg_log_loss")}
    scores = cross_validate(model, X, y, scoring=scoring, cv=3)
    default = cross_val_score(model, X, y, cv=3)  # the estimator's accuracy
    np.testing.assert_allclose(scores["test_own"], default)
    assert np.isfinite(scores["test_loss"]).all()


def test_step_scorers_beside_others():
    y = targets(EQUAL, sums)
    names = ["neg_mean_absolute_error", "neg_mean_squared_error"]  # the second shares predictions
    scoring = {"step": make_step_scorer(names[0]), **{name: name for name in names}}
    scores = cross_validate(LSTMRegressor(4, **FEW), EQUAL, y, scoring=scoring, cv=2)
    np.testing.assert_allclose(scores["test_step"], scores[f"test_{names[0]}"])


@pytest.mark.parametrize("X", [RAGGED, EQUAL], ids=["ragged", "equal"])
def test_searches(X):
    y = targets(X, three_classes)
    grid = {"hidden_layer_sizes": [2, 3]}
    model, scorer = LSTMClassifier(**FEW), make_step_scorer("balanced_accuracy")
    for search in (
        GridSearchCV(model, grid, scoring=scorer, cv=2),
        RandomizedSearchCV(model, grid, scoring=scorer, cv=2, n_iter=2, random_state=0),
        GridSearchCV(
            model,
            grid,
            scoring={"a": scorer, "b": make_step_scorer("roc_auc_ovr")},
            refit="b",
            cv=2,
        ),
    ):
        search = clone(search).fit(X, y)
        assert 0 < search.best_score_ <= 1
        assert 0 < search.score(X, y) <= 1
        assert len(search.predict(X)) == 30


@pytest.mark.parametrize("X", [RAGGED, EQUAL], ids=["ragged", "equal"])
@pytest.mark.parametrize("rule", [sums, three_classes])
def test_halving(X, rule):
    model = LSTMRegressor(**FEW) if rule is sums else LSTMClassifier(**FEW)
    search = HalvingGridSearchCV(
        model,
        {"hidden_layer_sizes": [2, 3]},
        scoring=make_step_scorer("r2" if rule is sums else "accuracy"),
        cv=2,
        min_resources=8,
        random_state=0,
    )
    assert np.isfinite(search.fit(X, targets(X, rule)).best_score_)


def test_early_stopping():
    y = targets(RAGGED, three_classes)
    for scoring in ("balanced_accuracy", make_step_scorer("neg_log_loss")):
        model = LSTMClassifier(2, **FEW, early_stopping=True, scoring=scoring)
        assert np.isfinite(model.fit(RAGGED, y).validation_scores_).all()


def test_curves_and_permutations():
    y = targets(RAGGED, two_classes)
    model, scorer = LSTMClassifier(2, **FEW), make_step_scorer("f1_macro")
    _, train, test = learning_curve(model, RAGGED, y, scoring=scorer, cv=2, train_sizes=[0.5, 1.0])
    assert np.isfinite(train).all() and np.isfinite(test).all()
    equal = targets(EQUAL, two_classes)
    score, scores, _ = permutation_test_score(
        model, EQUAL, equal, scoring=scorer, cv=2, n_permutations=2
    )
    assert np.isfinite([score, *scores]).all()


def test_other_processes():
    y = targets(RAGGED, two_classes)
    model, scorer = LSTMClassifier(2, **FEW), make_step_scorer("neg_log_loss")
    one, two = (
        cross_val_score(model, RAGGED, y, scoring=scorer, cv=2, n_jobs=n_jobs) for n_jobs in (1, 2)
    )
    np.testing.assert_array_equal(one, two)
    fitted = model.fit(RAGGED, y)
    same = pickle.loads(pickle.dumps(scorer))
    assert same(fitted, RAGGED, y) == scorer(fitted, RAGGED, y)


def test_routed_weights():
    y = targets(RAGGED, two_classes)
    weights = [rng.integers(3, size=len(x)) for x in RAGGED]
    with config_context(enable_metadata_routing=True):
        model = LSTMClassifier(2, **FEW).set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        weighted = make_step_scorer("accuracy").set_score_request(sample_weight=True)
        plain = make_step_scorer("accuracy").set_score_request(sample_weight=False)
        params = {"sample_weight": weights}
        own = cross_val_score(model, RAGGED, y, cv=2, params=params)
        scores = cross_validate(
            model, RAGGED, y, cv=2, params=params, scoring={"w": weighted, "p": plain}
        )
        search = GridSearchCV(model, {"alpha": [0.0]}, scoring=weighted, cv=2)
        search = clone(search).fit(RAGGED, y, sample_weight=weights)
    np.testing.assert_allclose(scores["test_w"], own)
    assert (scores["test_w"] != scores["test_p"]).any()
    assert search.best_score_ == pytest.approx(own.mean())


# ------------------------------------------------------------- cross-validated predictions


def by_folds(model, X, y, method, **options):
    """The recipe in the docstring of sklstm.metrics."""
    folds = cross_validate(model, X, y, return_estimator=True, return_indices=True, **options)
    predictions = [None] * len(X)
    for fitted, test in zip(folds["estimator"], folds["indices"]["test"], strict=True):
        for i, steps in zip(test, getattr(fitted, method)([X[i] for i in test]), strict=True):
            predictions[i] = steps
    return predictions


@pytest.mark.parametrize("X", [RAGGED, EQUAL], ids=["ragged", "equal"])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_predictions_by_folds(X, method):
    y = targets(X, three_classes)
    model = LSTMClassifier(2, **FEW)
    predictions = by_folds(model, X, y, method, cv=3, scoring=make_step_scorer("accuracy"))
    first = model.fit(X[10:], y[10:])
    for k, steps in enumerate(getattr(first, method)(X[:10])):
        np.testing.assert_array_equal(predictions[k], steps)
    assert [len(p) for p in predictions] == [len(x) for x in X]
    assert len(flatten_steps(y, predictions)[0]) == sum(map(len, X))


@pytest.mark.parametrize("rule", [sums, three_classes])
def test_cross_val_predict(rule):
    model = LSTMRegressor(2, **FEW) if rule is sums else LSTMClassifier(2, **FEW)
    y = targets(EQUAL, rule)
    expected = by_folds(model, EQUAL, y, "predict", cv=3)
    np.testing.assert_array_equal(cross_val_predict(model, EQUAL, y, cv=3), expected)
    with pytest.raises(ValueError, match="inhomogeneous"):  # what the recipe is for
        cross_val_predict(model, RAGGED, targets(RAGGED, rule), cv=3)
    y = targets(RAGGED, rule)
    predictions = cross_val_predict(model, objects(RAGGED), y, cv=3)
    for ours, theirs in zip(by_folds(model, RAGGED, y, "predict", cv=3), predictions, strict=True):
        np.testing.assert_array_equal(ours, theirs)

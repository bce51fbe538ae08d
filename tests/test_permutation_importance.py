"""Importances are what scores lose, in every container and for every model of sequences."""

import re

import numpy as np
import pandas as pd
import pytest
from exchanges import SMALL, Recorder, importances, model, numbered, seen
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes, cube, labels, numbers, sequences, step_labels
from sklearn import inspection
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._sequences import object_array
from sklstm.compose import RelativeRegressor
from sklstm.datasets import make_adding
from sklstm.inspection import permutation_importance
from sklstm.metrics import make_step_scorer
from sklstm.preprocessing import SequenceDifferences, SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

# --------------------------------------------------------------------- against scikit-learn's


def test_two_sequences_of_one_step_are_exchanged_as_scikit_learn_does():
    X = cube(2, 1, 3)
    y, mse = [0.5, -1.0], "neg_mean_squared_error"
    fitted = make_pipeline(FunctionTransformer(lambda X: X.reshape(-1, 1, 3)), model(3))
    settings = {"scoring": mse, "n_repeats": 20, "random_state": 0}
    theirs = inspection.permutation_importance(fitted, X[:, 0], y, **settings).importances
    ours = importances(model(3), X, y, scoring=mse)
    for feature in range(3):  # theirs leaves both where they are in every other repeat
        assert set(theirs[feature]) == {0, ours[feature, 0]}


def test_sequences_of_one_step_are_exchanged_by_the_law_of_scikit_learn():
    n = 6
    X, y = cube(n, 1, 3), np.random.default_rng(0).normal(size=n)
    fitted = make_pipeline(FunctionTransformer(lambda X: X.reshape(-1, 1, 3)), model(3))
    settings = {"scoring": "neg_mean_squared_error", "n_repeats": 1000, "random_state": 0}
    theirs = inspection.permutation_importance(fitted, X[:, 0], y, **settings)
    ours = permutation_importance(model(3), X, y, **settings)
    expected = theirs.importances_mean * n / (n - 1)  # 1 in n stays where it is
    error = np.hypot(ours.importances_std, theirs.importances_std) / 1000**0.5
    assert (np.abs(ours.importances_mean - expected) < 4 * error).all()
    assert (np.abs(theirs.importances_mean - expected) > 4 * error).any()


def test_a_result_has_the_form_of_scikit_learn_s():
    result = permutation_importance(model(), sequences(), numbers(sequences()), n_repeats=4)
    theirs = inspection.permutation_importance(
        LSTMRegressor(**SMALL).initialize(1).fit(cube(9, 3, 1)[:, :, 0], range(9)),
        cube(9, 3, 1)[:, :, 0],
        range(9),
    )
    assert {*result} == {*theirs}
    assert result.importances.shape == (2, 4)
    assert_array_equal(result.importances_mean, result.importances.mean(axis=1))
    assert_array_equal(result.importances_std, result.importances.std(axis=1))


# ---------------------------------------------------------------------------- what they tell


def test_a_feature_that_is_not_used_has_importance_zero():
    X, fitted = sequences(n_features=3), model(3)
    fitted.layers_[0]["input"][:, 1] = 0
    y = numbers(X)
    assert (importances(fitted, X, y)[1] == 0).all()
    by_both = importances(fitted, X, y, by="both")
    assert (by_both[:, 1] == 0).all()
    assert (by_both[:-1, [0, 2]] != 0).any(axis=2).all()


def test_the_marked_steps_of_the_adding_problem_stand_out():
    X, y = make_adding(1000, length=20, random_state=0)  # marked among the first ten
    fitted = LSTMRegressor(8, max_iter=60, learning_rate_init=0.01, random_state=0)
    fitted.fit(X[:800], y[:800])
    assert fitted.score(X[800:], y[800:]) > 0.95
    found = permutation_importance(fitted, X[800:], y[800:], by="step", random_state=0)
    marked, others = np.split(found.importances_mean, [10])
    assert marked[1:].min() > 0.1  # the first step is rarely a marked one
    assert np.abs(others).max() < 0.05


def test_targets_per_step_are_scored_by_a_step_scorer():
    X = sequences(60)
    y = step_labels(X)
    tagger = LSTMClassifier(8, return_sequences=True, max_iter=30, random_state=0).fit(X, y)
    found = permutation_importance(tagger, X, y, scoring=make_step_scorer("f1"), random_state=0)
    assert found.importances_mean[0] > 0.3
    assert abs(found.importances_mean[1]) < 0.1
    accuracy = importances(tagger, X, y, by="step")
    by_scorer = importances(tagger, X, y, by="step", scoring=make_step_scorer("accuracy"))
    assert_allclose(accuracy, by_scorer, atol=1e-12)


def test_an_importance_is_what_the_score_loses():
    X = sequences()
    y = numbers(X)
    fitted, exchanges = model(), seen(X, by="both", n_repeats=2)
    losses = [fitted.score(X, y) - fitted.score(exchanged, y) for exchanged in exchanges]
    found = importances(fitted, X, y, by="both", n_repeats=2)
    assert_array_equal(found, np.moveaxis(np.reshape(losses, (2, 7, 2)), 0, -1))


def test_weights_are_those_of_the_score():
    X = sequences()
    y, weights = numbers(X), np.arange(len(X)) % 3.0
    fitted, exchanges = model(), seen(X)
    before = fitted.score(X, y, weights)
    losses = [before - fitted.score(exchanged, y, weights) for exchanged in exchanges]
    found = importances(fitted, X, y, sample_weight=weights, n_repeats=1)
    assert_array_equal(found[:, 0], losses)
    named = importances(fitted, X, y, sample_weight=weights, n_repeats=1, scoring="r2")
    assert_allclose(named, found)


@pytest.mark.parametrize(
    "scoring",
    [
        ["r2", "neg_mean_absolute_error"],
        {"r2": "r2", "neg_mean_absolute_error": "neg_mean_absolute_error"},
    ],
)
def test_several_scores_give_a_result_each(scoring):
    X = sequences()
    results = permutation_importance(model(), X, numbers(X), scoring=scoring, random_state=0)
    assert {*results} == {"r2", "neg_mean_absolute_error"}
    for name, result in results.items():
        alone = permutation_importance(model(), X, numbers(X), scoring=name, random_state=0)
        assert_array_equal(result.importances, alone.importances)


def test_a_score_needs_no_targets_and_may_be_any_real_number():
    def spread(estimator, X, y):
        assert y is None
        return np.array(np.float32(np.ptp(estimator.predict(X))))

    found = importances(model(), sequences(), None, scoring=spread)
    assert found.dtype == np.float64
    assert (found != 0).all()


# -------------------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("by", ["feature", "step", "both"])
def test_importances_do_not_depend_on_threads(by):
    X = sequences(n_features=3)
    one, two, many = (
        importances(model(3), X, numbers(X), by=by, n_jobs=n_jobs) for n_jobs in (None, 2, -1)
    )
    assert_array_equal(one, two)
    assert_array_equal(one, many)


def test_draws_are_those_of_random_state():
    X = sequences()
    y = numbers(X)
    found = importances(model(), X, y, random_state=3)
    assert_array_equal(importances(model(), X, y, random_state=np.random.RandomState(3)), found)
    assert (importances(model(), X, y, random_state=4) != found).any()
    more = importances(model(), X, y, random_state=3, n_repeats=9)
    assert_array_equal(more[:, :3], found)


CONTAINERS = {
    "list": list,
    "tuple": tuple,
    "object array": object_array,
    "nested": lambda X: [x.tolist() for x in X],
    "array": np.array,
    "frames": lambda X: [pd.DataFrame(x, columns=["u", "v"]) for x in X],
    "tuple of frames": lambda X: tuple(pd.DataFrame(x, columns=["u", "v"]) for x in X),
    "frames without names": lambda X: [pd.DataFrame(x) for x in X],
    "polars": lambda X: [pytest.importorskip("polars").DataFrame(x, schema=["u", "v"]) for x in X],
    "table": lambda X: np.array(X).reshape(len(X), -1),
    "table of names": lambda X: pd.DataFrame(np.array(X).reshape(len(X), -1)).add_prefix("c"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_container_changes_no_bit(name):
    """No warning either, which columns that were fitted with names would give without them."""
    X = list(cube())
    y, given = numbers(X), CONTAINERS[name](X)
    settings = SMALL | {"max_iter": 2, "features_per_step": 2, "normalize_y": False}
    fitted = LSTMRegressor(**settings).fit(given, y)
    plain = LSTMRegressor(**SMALL).initialize(2)
    plain.parameters_ = fitted.parameters_
    for by in ("feature", "both"):
        found, expected = importances(fitted, given, y, by=by), importances(plain, X, y, by=by)
        assert_array_equal(found, expected)


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_is_scored_comes_in_the_container_of_x(name):
    given = CONTAINERS[name](list(cube()))
    (exchanged,) = seen(given, feature_groups=[[0]], features_per_step=2)
    if isinstance(given, np.ndarray):
        assert (type(exchanged), exchanged.dtype) == (np.ndarray, given.dtype)
        assert exchanged.shape == given.shape
    elif isinstance(given, pd.DataFrame):
        assert exchanged.columns.equals(given.columns)
        assert exchanged.index.equals(given.index)
    else:
        items = list(zip(given, exchanged, strict=True))
        assert all(type(b) is (np.ndarray if type(a) is list else type(a)) for a, b in items)
        assert all(list(a.columns) == list(b.columns) for a, b in items if hasattr(a, "columns"))


def test_float32_stays_float32():
    assert seen(sequences(dtype=np.float32))[0][0].dtype == np.float32
    assert seen(sequences())[0][0].dtype == np.float64


def test_neither_x_nor_the_estimator_is_changed_even_by_steps_that_work_in_place():
    def halve(X):
        for x in X:
            x /= 2
        return X

    for X in (sequences(), cube(), np.array(cube())):
        fitted = make_pipeline(FunctionTransformer(halve), model())
        before, y = [x.copy() for x in X], numbers(X)
        state = attributes(fitted[-1])
        found = importances(fitted, X, y)
        assert all((a == b).all() for a, b in zip(X, before, strict=True))
        assert attributes(fitted[-1]) == state
        by_hand = importances(model(), [x / 2 for x in X], y)
        assert_array_equal(found, by_hand)


# ----------------------------------------------------------------------------- meta-estimators


def test_it_takes_whatever_takes_sequences():
    X = sequences()
    y = numbers(X)
    small = LSTMRegressor(**SMALL, max_iter=1, tol=0)
    for fitted in (
        make_pipeline(SequenceScaler(), small),
        GridSearchCV(small, {"alpha": [0, 1]}, cv=2),
        VotingRegressor([("a", small), ("b", small)]),
        RelativeRegressor(small, columns=0),
        make_pipeline(SequenceDifferences(), GridSearchCV(small, {"alpha": [0]}, cv=2)),
    ):
        fitted.fit(X, y)
        exchanges = seen(X)
        losses = [fitted.score(X, y) - fitted.score(exchanged, y) for exchanged in exchanges]
        assert_array_equal(importances(fitted, X, y, n_repeats=1)[:, 0], losses)


def test_tables_have_the_steps_of_the_estimator():
    X = cube(n_steps=3)
    table, y = X.reshape(len(X), -1), numbers(X)
    lstm = LSTMRegressor(**SMALL, max_iter=1, features_per_step=2).fit(table, y)
    assert importances(lstm, table, y, by="both").shape == (3, 2, 3)
    differences = make_pipeline(SequenceDifferences(), lstm).fit(table, y)
    assert importances(differences, table, y, by="both").shape == (6, 1, 3)
    search = GridSearchCV(LSTMRegressor(**SMALL, max_iter=1), {"features_per_step": [3]}, cv=2)
    assert importances(search.fit(table, y), table, y, by="both").shape == (2, 3, 3)
    flat = make_pipeline(FunctionTransformer(lambda table: table.reshape(X.shape)), model())
    by_hand = importances(flat, table, y, by="both", features_per_step=2)
    assert_array_equal(by_hand, importances(model(), X, y, by="both"))


# ------------------------------------------------------------------------------------ messages

BAD = {
    "by": ("steps", "The 'by' parameter of permutation_importance must be a str among"),
    "align": ("left", "The 'align' parameter of permutation_importance must be a str among"),
    "width": (0, "The 'width' parameter of permutation_importance must be an int"),
    "n_repeats": (0, "The 'n_repeats' parameter of permutation_importance must be an int"),
    "n_jobs": (0, "The 'n_jobs' parameter of permutation_importance must be an int"),
    "random_state": ("a", "The 'random_state' parameter of permutation_importance"),
    "features_per_step": (1.5, "The 'features_per_step' parameter of permutation_importance"),
    "scoring": ("good", "The 'scoring' parameter of permutation_importance must be a str among"),
    "estimator": (1, "The 'estimator' parameter of permutation_importance must be an object impl"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_parameter_with_another_value_is_named(name):
    X = sequences()
    arguments = {"estimator": model(), "X": X, "y": numbers(X), name: BAD[name][0]}
    with pytest.raises(ValueError, match=re.escape(BAD[name][1])):
        permutation_importance(**arguments)


GROUPS = [
    ("ab", TypeError, "feature_groups must be a list or a dict of groups of features, got 'ab'"),
    (3, TypeError, "pass a single group as [[3]]"),
    ([], ValueError, "feature_groups is empty"),
    ({"a": []}, ValueError, "feature_groups['a'] is empty: list its features"),
    ([[0], [2]], ValueError, "feature_groups[1] contains 2, which is not a feature: X has 2"),
    ([[-3]], ValueError, "feature_groups[0] contains -3, which is not a feature"),
    ([[True]], ValueError, "feature_groups[0] contains True, which is not a feature"),
    ([[0.0]], ValueError, "feature_groups[0] contains 0.0, which is not a feature"),
    ([[1, -1]], ValueError, "feature_groups[0] contains feature 1 twice"),
    (
        ["u"],
        ValueError,
        "feature_groups[0] selects the feature 'u' by name, but the features of X have no",
    ),
]


@pytest.mark.parametrize(("groups", "kind", "message"), GROUPS)
def test_what_is_no_group_of_features_is_named(groups, kind, message):
    X = sequences()
    with pytest.raises(kind, match=re.escape(message)):
        permutation_importance(model(), X, numbers(X), feature_groups=groups)


def test_a_name_that_no_feature_has_is_shown_beside_those_there_are():
    frames = [pd.DataFrame(x, columns=["u", "v"]) for x in sequences()]
    with pytest.raises(ValueError, match=r"the feature 'w', but X has 0 .*'u', 'v'"):
        permutation_importance(Recorder(), frames, None, feature_groups=[["w"]])
    table = pd.DataFrame(cube(n_steps=3)[:, :, 0], columns=["u", "v", "w"])
    with pytest.raises(ValueError, match="columns of a table are steps"):
        permutation_importance(Recorder(), table, None, feature_groups=[["w"]])


def test_what_has_no_effect_is_refused():
    X = sequences()
    with pytest.raises(ValueError, match='feature_groups has no effect with by="step"'):
        permutation_importance(model(), X, numbers(X), by="step", feature_groups=[[0, 1]])
    with pytest.raises(ValueError, match='width=2 has no effect with by="feature"'):
        permutation_importance(model(), X, numbers(X), width=2)


def test_a_single_sequence_has_nothing_to_exchange():
    with pytest.raises(ValueError, match=r"X has a single sequence.*pass at least two"):
        permutation_importance(model(), sequences(1), [0])


def test_columns_that_are_no_whole_steps_are_refused():
    table = np.zeros((4, 5))
    with pytest.raises(ValueError, match="features_per_step=2 does not divide the 5 columns"):
        permutation_importance(Recorder(), table, None, features_per_step=2)


def test_what_the_estimator_and_the_score_refuse_is_their_own_message():
    X = sequences()
    y = numbers(X)
    with pytest.raises(NotFittedError):
        permutation_importance(LSTMRegressor(), X, y)
    with pytest.raises(ValueError, match="23 rows of targets, but X has 24 sequences"):
        permutation_importance(model(), X, y[1:])
    with pytest.raises(ValueError, match="X has 2 features, but LSTMRegressor is expecting 3"):
        permutation_importance(model(3), X, y)
    with pytest.raises(TypeError, match="should have a 'score' method"):
        permutation_importance(SequenceScaler().fit(X), X, y)


@pytest.mark.parametrize("score", ["0.5", None, [0.5, 1], np.zeros(2), 1j])
def test_a_score_must_be_a_number(score):
    with pytest.raises(TypeError, match=r"scoring returned .*: it must return a number"):
        permutation_importance(model(), sequences(), None, scoring=lambda *_: score)


def test_missing_values_are_left_to_the_estimator():
    X = numbered([3, 3, 2])
    X[1][1, 0] = np.nan
    assert sum(np.isnan(x).sum() for x in seen(X)[0]) == 1
    with pytest.raises(ValueError, match="X contains NaN: sequence 1, step 1, feature 0"):
        permutation_importance(model(), X, [0, 1, 2])


def test_labels_are_scored_by_name():
    X, y = sequences(), labels(names=["no", "yes"])
    fitted = LSTMClassifier(**SMALL, max_iter=1).fit(X, y)
    for scoring in ("accuracy", "neg_log_loss", "roc_auc"):
        assert importances(fitted, X, y, scoring=scoring).shape == (2, 3)

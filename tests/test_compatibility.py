"""scikit-learn's tools with sequences: arrays of three dimensions and ragged lists."""

import inspect
import pickle
import re

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import cube, labels, numbers, sequences, step_labels, step_numbers
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._sequences import object_array
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

SMALL = {"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0, "n_jobs": 1}
FORMS = [cube, sequences, lambda: object_array(sequences())]
forms = pytest.mark.parametrize("form", FORMS, ids=["array", "list", "object"])
N = 24


def classifier(**kwargs):
    return LSTMClassifier(**SMALL | kwargs)


def regressor(**kwargs):
    return LSTMRegressor(**SMALL | kwargs)


def part(X, rows):
    return X[rows] if isinstance(X, np.ndarray) else [X[i] for i in rows]


@forms
def test_pipeline(form):
    X, y = form(), labels()
    pipeline = make_pipeline(SequenceScaler(), classifier()).fit(X, y)
    by_hand = classifier().fit(SequenceScaler().fit_transform(X), y)
    assert_array_equal(pipeline[-1].parameters_, by_hand.parameters_)
    assert pipeline.score(X, y) == np.mean(pipeline.predict(X) == y)
    assert pipeline.predict_proba(X).shape == (N, 2)


@forms
@pytest.mark.parametrize(
    "features",
    [SequenceDifferences(), SequenceContext(1, 1), SequenceImputer(add_elapsed=True)],
    ids=repr,
)
def test_features_before_the_scaler_are_tuned_scored_cloned_and_saved(form, features):
    X, y = form(), labels()
    pipeline = make_pipeline(features, SequenceScaler(), classifier())
    scores = cross_val_score(pipeline, X, y, cv=2)
    name, _ = pipeline.steps[0]
    search = GridSearchCV(pipeline, {name: ["passthrough", features]}, cv=2).fit(X, y)
    assert_array_equal([search.cv_results_[f"split{k}_test_score"][1] for k in range(2)], scores)
    again = clone(pipeline).fit(X, y)
    by_hand = classifier().fit(SequenceScaler().fit_transform(clone(features).fit_transform(X)), y)
    assert_array_equal(again[-1].parameters_, by_hand.parameters_)
    loaded = pickle.loads(pickle.dumps(again))
    assert_array_equal(loaded.predict_proba(X), again.predict_proba(X))


@forms
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_grid_search(form, n_jobs):
    X, y = form(), labels(n_classes=3)
    grid = {"cell": ["forget", "1997"], "hidden_layer_sizes": [2, (2, 3)]}
    with joblib.parallel_config("threading"):
        search = GridSearchCV(classifier(), grid, cv=2, n_jobs=n_jobs).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = classifier(**search.best_params_).fit(X, y)
    assert_array_equal(search.best_estimator_.parameters_, best.parameters_)
    assert search.score(X, y) == best.score(X, y)


@pytest.mark.parametrize("form", [cube, sequences], ids=["array", "list"])
def test_grid_search_in_worker_processes_finds_the_same(form):
    X, y = form(), numbers(form())
    grid = {"alpha": [0.0, 0.1], "gradient": ["truncated", "full"]}
    one = GridSearchCV(regressor(), grid, cv=2).fit(X, y)
    with joblib.parallel_config("loky"):
        two = GridSearchCV(regressor(n_jobs=None), grid, cv=2, n_jobs=2).fit(X, y)
    for key in ("mean_test_score", "split0_test_score"):
        assert_array_equal(two.cv_results_[key], one.cv_results_[key])


@forms
def test_randomized_search(form):
    X, y = form(), labels()
    space = {"hidden_layer_sizes": [2, 3, 4], "learning_rate_init": [0.1, 0.01]}
    search = RandomizedSearchCV(classifier(), space, n_iter=3, cv=2, random_state=0).fit(X, y)
    assert search.predict(X).shape == (N,)


@forms
def test_halving_search_over_sequences_and_over_epochs(form):
    X, y = form(), labels()
    grid = {"hidden_layer_sizes": [2, 3]}
    settings = {"cv": 2, "factor": 2, "random_state": 0}
    by_data = HalvingGridSearchCV(classifier(), grid, min_resources=8, **settings).fit(X, y)
    by_epochs = HalvingGridSearchCV(
        classifier(), grid, resource="max_iter", max_resources=4, **settings
    ).fit(X, y)
    assert by_data.n_resources_ == [8, 16]
    assert by_epochs.n_resources_ == [2, 4]
    assert by_epochs.best_estimator_.n_iter_ == 4
    for search in (by_data, by_epochs):
        by_hand = classifier(**search.best_params_).fit(X, y)
        assert_array_equal(search.best_estimator_.parameters_, by_hand.parameters_)


@forms
def test_cross_validation(form):
    X, y = form(), labels(n_classes=3)
    cv = KFold(3, shuffle=True, random_state=0)
    result = cross_validate(classifier(), X, y, cv=cv, return_estimator=True)
    for (train, test), model, score in zip(
        cv.split(y), result["estimator"], result["test_score"], strict=True
    ):
        by_hand = classifier().fit(part(X, train), y[train])
        assert_array_equal(model.parameters_, by_hand.parameters_)
        assert score == by_hand.score(part(X, test), y[test])


@forms
def test_predictions_by_cross_validation(form):
    X = form()
    proba = cross_val_predict(classifier(), X, labels(n_classes=3), cv=2, method="predict_proba")
    assert_allclose(proba.sum(axis=1), 1)
    assert cross_val_predict(regressor(), X, numbers(X, 2), cv=2).shape == (N, 2)


@forms
def test_learning_curve(form):
    sizes, train, test = learning_curve(
        classifier(),
        form(),
        labels(),
        cv=2,
        train_sizes=[0.5, 1.0],
        exploit_incremental_learning=True,
    )
    assert sizes.tolist() == [6, 12] and train.shape == test.shape == (2, 2)


@forms
def test_train_test_split_and_clone(form):
    X, y = form(), labels()
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
    model = classifier(gate_bias={"forget": (1.0, 2.0)}).fit(X_train, y_train)
    again = clone(model).fit(X_train, y_train)
    assert again.score(X_test, y_test) == model.score(X_test, y_test)
    assert_array_equal(again.parameters_, model.parameters_)


@pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
@pytest.mark.parametrize("ragged", [False, True])
def test_cross_validation_with_targets_per_step_uses_the_score_of_the_estimator(kind, ragged):
    X = sequences() if ragged else cube()
    y = step_labels(X) if kind is LSTMClassifier else step_numbers(X)
    y = y if ragged else np.array(y)
    model = kind(**SMALL, return_sequences=True)
    cv = KFold(3)
    scores = cross_val_score(model, X, y, cv=cv)
    for (train, test), score in zip(cv.split(X), scores, strict=True):
        by_hand = clone(model).fit(part(X, train), part(y, train))
        assert score == by_hand.score(part(X, test), part(y, test))
    search = GridSearchCV(model, {"hidden_layer_sizes": [2, 3]}, cv=cv).fit(X, y)
    assert search.score(X, y) == search.best_estimator_.score(X, y)


@forms
def test_voting(form):
    X, y = form(), labels(names=["a", "b"])
    members = [("one", classifier()), ("other", classifier(cell="1997"))]
    voting = VotingClassifier(members, voting="soft").fit(X, y)
    each = [clone(member).fit(X, y).predict_proba(X) for _, member in members]
    assert_allclose(voting.predict_proba(X), np.mean(each, axis=0), rtol=1e-12)
    mean = VotingRegressor([("one", regressor()), ("other", regressor())]).fit(X, numbers(X))
    assert mean.predict(X).shape == (N,)


@forms
def test_stacking(form):
    X, y = form(), labels(n_classes=3)
    members = [("one", classifier()), ("other", classifier(cell="1997"))]
    stack = StackingClassifier(members, LogisticRegression(), cv=2).fit(X, y)
    assert stack.transform(X).shape == (N, 6)
    assert set(stack.predict(X)) <= {0, 1, 2}
    stack = StackingRegressor([("one", regressor())], cv=2).fit(X, numbers(X))
    assert stack.predict(X).shape == (N,)


@forms
def test_calibration(form):
    X, y = form(), labels()
    for method in ("sigmoid", "isotonic"):
        calibrated = CalibratedClassifierCV(classifier(), method=method, cv=2).fit(X, y)
        assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    frozen = FrozenEstimator(classifier().fit(X, y))
    assert CalibratedClassifierCV(frozen).fit(X, y).predict(X).shape == (N,)


@forms
def test_a_target_can_be_transformed(form):
    X = form()
    y = numbers(X)
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, y)
    scaled = (y - y.mean()) / y.std()
    expected = regressor().fit(X, scaled).predict(X) * y.std() + y.mean()
    assert_allclose(model.predict(X), expected, rtol=1e-10)
    # several outputs, which the transformer sees as they are
    y = numbers(X, n_outputs=2)
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, y)
    assert model.predict(X).shape == (N, 2)


@forms
def test_one_against_the_rest(form):
    model = OneVsRestClassifier(classifier()).fit(form(), labels(n_classes=3))
    assert set(model.predict(form())) <= {0, 1, 2}


@forms
def test_weights_are_routed(form):
    X, y, w = form(), labels(), np.linspace(0.5, 2, N)
    plain = make_pipeline(SequenceScaler(), classifier())
    expected = plain.fit(X, y, lstmclassifier__sample_weight=w)[-1].parameters_
    with config_context(enable_metadata_routing=True):
        model = classifier().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        scaler = SequenceScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, model).fit(X, y, sample_weight=w)
        assert_array_equal(pipeline[-1].parameters_, expected)
        search = GridSearchCV(model, {"alpha": [0.0, 0.1]}, cv=KFold(2))
        search.fit(X, y, sample_weight=w)
        train, test = next(KFold(2).split(y))
        by_hand = classifier(alpha=0.0).fit(part(X, train), y[train], w[train])
        score = by_hand.score(part(X, test), y[test], w[test])
        assert search.cv_results_["split0_test_score"][0] == score


def test_validation_data_are_routed_and_transformed():
    X, y, X_val, y_val = sequences(), labels(), sequences(10, seed=1), labels(10)
    expected = classifier(early_stopping=True)
    scaler = SequenceScaler().fit(X)
    expected.fit(scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val)
    with config_context(enable_metadata_routing=True):
        model = classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(SequenceScaler(), model, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val)
    assert pipeline[-1].validation_scores_ == expected.validation_scores_


def test_function_transformers_pass_sequences_on():
    shorter = FunctionTransformer(lambda X: [x[:2] for x in X])
    X, y = sequences(), labels()
    pipeline = make_pipeline(shorter, classifier()).fit(X, y)
    assert_array_equal(
        pipeline[-1].parameters_, classifier().fit([x[:2] for x in X], y).parameters_
    )


def test_threads_can_predict_with_one_model():
    X = sequences()
    model = classifier(n_jobs=None).fit(X, labels())
    expected = model.predict_proba(X)
    results = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(model.predict_proba)(X) for _ in range(20)
    )
    for result in results:
        assert_array_equal(result, expected)


def test_the_html_and_the_plain_representation_work():
    model = classifier(cell="1997").fit(cube(), labels())
    assert "cell='1997'" in repr(model)
    assert "LSTMClassifier" in model._repr_html_()
    assert "LSTMRegressor" in LSTMRegressor()._repr_html_()


@pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
def test_every_parameter_is_documented_with_its_default(kind):
    entries, text = {}, inspect.getdoc(kind)  # Python 3.13 takes the margin away itself
    for line in re.findall(r"^(\w[\w, ]*) : (.*)$", text, re.MULTILINE):
        entries |= dict.fromkeys(line[0].split(", "), line[1])
    for name, default in kind().get_params().items():
        default = f'"{default}"' if isinstance(default, str) else repr(default)
        assert default.replace("0.0001", "1e-4").replace("1e-08", "1e-8") in entries[name], name
    assert not re.search(r"^<\w+>$", text, re.MULTILINE)

"""A stream of a pipeline gives what the pipeline predicts for the rows so far."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes, cube, labels, numbers
from problems import sequences as plain_sequences
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor, PipelineStream, Stream
from sklstm.baselines import RecurrentRegressor
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0, "n_jobs": 1}
BEFORE = {
    "nothing": [],
    "scaler": [SequenceScaler()],
    "differences": [SequenceDifferences(2), SequenceScaler()],
    "context": [SequenceContext(3, 0), SequenceScaler()],
    "imputer": [SequenceScaler(), SequenceImputer(add_indicator=True, add_elapsed=True)],
    "all": [SequenceDifferences(), SequenceContext(1, 0, relative=False), SequenceScaler()],
}
before = pytest.mark.parametrize("transformers", BEFORE.values(), ids=BEFORE)


def sequences(dtype=np.float64):
    """Ragged sequences that a network would not take as they are."""
    return [(50 + 30 * x).astype(dtype) for x in plain_sequences()]


def regressor(transformers, X=None, **settings):
    X = sequences() if X is None else X
    lstm = LSTMRegressor(**SMALL | settings)
    return make_pipeline(*map(clone, transformers), lstm).fit(X, numbers(X))


def classifier(transformers):
    X = sequences()
    lstm = LSTMClassifier(**SMALL)
    return make_pipeline(*map(clone, transformers), lstm).fit(X, labels(names=["a", "b", "c"][:2]))


# ------------------------------------------------------------------------------------- laws


@before
@pytest.mark.parametrize("dtype, rtol", [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_every_step_gives_the_prediction_for_the_sequence_so_far(transformers, dtype, rtol):
    X = sequences(dtype)
    model = regressor(transformers, X)
    assert model[-1].parameters_.dtype == dtype
    stream = sklstm.stream(model)
    for x in X[:6]:
        for t, row in enumerate(x):
            expected = model.predict([x[: t + 1]])[0]
            assert_allclose(stream.step(row), expected, rtol=rtol)
            assert_allclose(stream.predict(), expected, rtol=rtol)
        assert stream.reset() is stream


@before
def test_a_classifier_predicts_labels_and_probabilities(transformers):
    model = classifier(transformers)
    stream, x = sklstm.stream(model), sequences()[1]
    for t, row in enumerate(x):
        value = stream.step(row)
        assert_allclose(value, model.decision_function([x[: t + 1]])[0], rtol=1e-11)
        assert_allclose(stream.predict_proba(), model.predict_proba([x[: t + 1]])[0], rtol=1e-11)
        assert stream.predict() == model.predict([x[: t + 1]])[0]


@before
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fitted_dtype", [np.float32, np.float64])
def test_the_network_is_fed_the_bits_that_the_transformers_give(transformers, fitted_dtype, dtype):
    """float64 rows are transformed in float64, whatever the precision of the network."""
    model = regressor(transformers, sequences(fitted_dtype))
    x = sequences(dtype)[4]
    transformed = model[:-1].transform([x])[0] if transformers else x
    raw, fed = sklstm.stream(model), model[-1].stream()
    for row, wide in zip(x, transformed, strict=True):
        assert raw.step(row) == fed.step(wide)


def test_a_row_may_be_anything_that_a_step_may_be():
    model, (first, second) = regressor(BEFORE["all"]), sequences()[1][:2]
    expected = sklstm.stream(model)
    expected = [expected.step(first), expected.step(second)]
    for form in (list, tuple, pd.Series, lambda row: row.astype(object), np.ma.array):
        stream = sklstm.stream(model)
        assert [stream.step(form(first)), stream.step(form(second))] == expected


@pytest.mark.parametrize("transformers", [[], [SequenceScaler()]])
def test_blocks_may_be_anything_that_blocks_of_an_estimator_may_be(transformers):
    X = cube(6, 5, 2)
    model = make_pipeline(*map(clone, transformers), LSTMRegressor(3, max_iter=1, random_state=0))
    model.fit(X, X[:, -1, 0])
    expected = sklstm.stream(model).steps(X[0])
    for block in (pd.DataFrame(X[0], columns=["a", "b"]), X[0].tolist(), np.ma.array(X[0])):
        assert_array_equal(sklstm.stream(model).steps(block), expected)
    masked = np.ma.array(X[0], mask=np.arange(10).reshape(5, 2) == 7)
    stream = sklstm.stream(model)
    for call, bad, match in (
        (stream.steps, masked, "NaN"),
        (stream.peek, masked[3], "NaN"),
        (stream.steps, 3.0, r"X has shape \(\), expected \(T, 2\)"),
        (stream.steps, [[1, 2], [1]], "unequal length, see step 1"),
        (stream.steps, X, r"expected \(T, 2\)"),
    ):
        with pytest.raises(ValueError, match=match):
            call(bad)
    assert_array_equal(stream.steps(X[0]), expected)


def test_learning_trains_the_network_alone():
    model, twin = (regressor(BEFORE["all"], solver="sgd") for _ in range(2))
    transformers = [attributes(step) for _, step in model.steps[:-1]]
    stream, alone = sklstm.stream(model), twin[-1].stream()
    x = sequences()[4]
    for row, wide, y in zip(x, twin[:-1].transform([x])[0], range(len(x)), strict=True):
        assert stream.step(row) == alone.step(wide)
        assert stream.learn(float(y), 0.5) == alone.learn(float(y), 0.5)
    assert_array_equal(model[-1].parameters_, twin[-1].parameters_)
    assert (model[-1].parameters_ != regressor(BEFORE["all"])[-1].parameters_).any()
    assert [attributes(step) for _, step in model.steps[:-1]] == transformers
    assert stream.estimator is model[-1]


def test_a_warning_points_at_the_line_that_learns():
    stream = sklstm.stream(regressor(BEFORE["scaler"]))
    stream.step([50.0, 50.0])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        stream.learn(1e200)
    assert [(w.category, w.filename) for w in seen] == [(ConvergenceWarning, __file__)]


@before
def test_a_table_is_read_row_by_row(transformers):
    X = 50 + 30 * cube()
    table = X.reshape(24, -1)
    steps, n_features = [], 2
    for transformer in transformers:
        steps.append(clone(transformer).set_params(features_per_step=n_features))
        n_features = steps[-1].fit_transform(np.ones((1, 4 * n_features))).size // 4
    lstm = LSTMRegressor(**SMALL, features_per_step=n_features)
    model = make_pipeline(*steps, lstm).fit(table, numbers(X))
    stream = sklstm.stream(model)
    for row in X[0]:
        value = stream.step(row)
    assert_allclose(value, model.predict(table[:1])[0], rtol=1e-11)


# ---------------------------------------------------------------------------------- memory


@pytest.mark.parametrize(
    "bad, match",
    [
        ([np.nan, 1.0], "NaN in feature 0.*SequenceImputer"),
        ([1.0, np.inf], "infinity .* in feature 1"),
        ([1.0], r"x has shape \(1,\), expected \(2,\)"),
        ([1.0, 2.0, 3.0], r"x has shape \(3,\), expected \(2,\)"),
        (["a", 1.0], "x contains strings"),
        (None, r"expected \(2,\)|row of numbers"),
        ({"u": 1.0, "v": 2.0}, r"x is of type dict\. Pass a list of its values"),
        ([1e300, 1.0], "too large for float32 in feature"),  # the network has that
    ],
)
def test_a_step_that_fails_leaves_everything_as_it_was(bad, match):
    model = regressor(BEFORE["all"], sequences(np.float32))
    stream, other = sklstm.stream(model), sklstm.stream(model)
    for row in sequences()[4]:
        saved = pickle.dumps(stream)
        with pytest.raises(TypeError if isinstance(bad, dict) else ValueError, match=match):
            stream.step(bad)
        assert pickle.dumps(stream) == saved
        assert stream.step(row) == other.step(row)


def test_a_difference_that_overflows_leaves_everything_as_it_was():
    model = regressor(BEFORE["all"])
    stream, other = sklstm.stream(model), sklstm.stream(model)
    huge = np.finfo(np.float64).max
    for row in ([huge, 1.0], [huge, 2.0]):
        assert stream.step(row) == other.step(row)
        with pytest.raises(ValueError, match=r"infinity .* in feature 2"):
            stream.step([-huge, 1.0])


def test_a_stream_pickles_and_goes_on():
    model = regressor(BEFORE["all"])
    stream, x = sklstm.stream(model), sequences()[4]
    for row in x[:4]:
        stream.step(row)
    again, with_model = pickle.loads(pickle.dumps((stream, model)))
    assert type(again) is PipelineStream and again.estimator is with_model[-1]
    for row in x[4:]:
        assert again.learn(1.0) == stream.learn(1.0)
        assert again.step(row) == stream.step(row)
    assert again.reset().step(x[0]) == stream.reset().step(x[0])
    assert_array_equal(with_model[-1].parameters_, model[-1].parameters_)


def test_streams_of_one_pipeline_have_steps_of_their_own():
    model = regressor(BEFORE["all"])
    streams = [sklstm.stream(model) for _ in range(2)]
    for k, row in enumerate(sequences()[4]):
        streams[k % 2].step(row)
    for k, stream in enumerate(streams):
        expected = sklstm.stream(model)
        for row in sequences()[4][k::2]:
            expected.step(row)
        assert stream.predict() == expected.predict()


def test_what_the_scaler_learns_counts_from_the_next_step_on():
    model = regressor(BEFORE["differences"])
    stream, x = sklstm.stream(model), sequences()[4]
    stream.step(x[0])
    model[1].partial_fit(model[0].transform([x + 100]))
    fed = model[-1].stream()
    fed.step(regressor(BEFORE["differences"])[:-1].transform([x])[0][0])
    assert stream.step(x[1]) == fed.step(model[:-1].transform([x])[0][1])


@pytest.mark.parametrize("n_features", [2, 3])
def test_after_a_new_fit_every_call_of_an_old_stream_says_so(n_features):
    model = classifier(BEFORE["all"])
    stream = sklstm.stream(model)
    stream.step([50.0, 50.0])
    model.fit(plain_sequences(n_features=n_features), labels())
    for call, arguments in {"step": ([1.0, 2.0],), "learn": ("a",), "reset": ()}.items():
        with pytest.raises(RuntimeError, match="was fitted again"):
            getattr(stream, call)(*arguments)


# ----------------------------------------------------------------------- what has a stream


def test_an_estimator_alone_has_its_own_stream():
    lstm = regressor([])[-1]
    stream = sklstm.stream(lstm)
    assert type(stream) is Stream and stream.estimator is lstm
    assert isinstance(sklstm.stream(make_pipeline(lstm)), Stream)


def test_inner_pipelines_frozen_steps_and_steps_that_do_nothing():
    X = sequences()
    expected = regressor(BEFORE["all"])
    scaler = FrozenEstimator(expected[2])
    inner = make_pipeline(SequenceDifferences(), None)
    steps = [inner, "passthrough", SequenceContext(1, 0, relative=False), scaler]
    model = make_pipeline(*steps, LSTMRegressor(**SMALL)).fit(X, numbers(X))
    stream, other = sklstm.stream(model), sklstm.stream(expected)
    for row in X[4]:
        assert stream.step(row) == other.step(row)
    frozen = make_pipeline(scaler, FrozenEstimator(regressor(BEFORE["all"])[-1]))
    assert len(sklstm.stream(frozen)._transforms) == 1


def halved(X):
    return [x / 2 for x in X]


def test_steps_without_a_stream_are_named():
    X, y = sequences(), numbers(sequences())
    steps = [("a", SequenceScaler()), ("half", FunctionTransformer(halved))]
    model = Pipeline([*steps, ("lstm", LSTMRegressor(**SMALL))]).fit(X, y)
    with pytest.raises(ValueError, match=r"Step 'half' .*Transformer, has no stream\. .*\]"):
        sklstm.stream(model)
    model = make_pipeline(SequenceContext(), LSTMRegressor(**SMALL)).fit(X, y)
    with pytest.raises(ValueError, match=r"\(after=2\) has no stream.*after=0"):
        sklstm.stream(model)
    model = make_pipeline(SequenceScaler(), LSTMRegressor(**SMALL, bidirectional=True)).fit(X, y)
    with pytest.raises(ValueError, match="bidirectional network has no stream"):
        sklstm.stream(model)


def test_models_without_a_stream_are_named():
    X, y = sequences(), numbers(sequences())
    search = GridSearchCV(LSTMRegressor(**SMALL), {"alpha": [0.0]}, cv=2).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        baseline = make_pipeline(SequenceScaler(), RecurrentRegressor(2, max_iter=1)).fit(X, y)
    for model, got in (
        (search, "got GridSearchCV"),
        (baseline, "got a Pipeline that ends with RecurrentRegressor"),
        (SequenceScaler().fit(X), "got SequenceScaler"),
        (make_pipeline("passthrough"), "got Pipeline"),
        (X, "got list"),
        (pd.DataFrame(X[0]), "got DataFrame"),
        ("lstm", "got str"),
        (None, "got NoneType"),
    ):
        with pytest.raises(TypeError, match=rf"stream needs .*{got}\. .*best_estimator_"):
            sklstm.stream(model)
    assert isinstance(sklstm.stream(search.best_estimator_), Stream)


def test_what_is_not_fitted_says_so():
    X, y = sequences(), numbers(sequences())
    scaler, lstm = SequenceScaler().fit(X), LSTMRegressor(**SMALL).fit(X, y)
    for steps in (
        (SequenceScaler(), lstm),
        (scaler, LSTMRegressor()),
        (SequenceDifferences(), lstm),
    ):
        with pytest.raises(NotFittedError):
            sklstm.stream(make_pipeline(*steps))

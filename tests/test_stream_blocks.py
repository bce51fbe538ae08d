"""Streams in blocks: many steps at once are the loop over them, to the bit."""

import pickle
import warnings

import numpy as np
import pytest
from kernels import CELLS
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.preprocessing import SequenceDifferences, SequenceScaler

rng = np.random.default_rng(0)
F, T = 3, 40
X = rng.normal(size=(T, F))
NUMBERS = np.where(np.arange(T) % 5 == 4, np.nan, X[:, 0])
LABELS = np.where(X[:, 0] > 0.7, "high", np.where(X[:, 0] < -0.7, "low", "mid"))
WEIGHTS = np.where(np.arange(T) % 7 == 3, 0.0, rng.uniform(0.5, 2, size=T))
SMALL = dict(hidden_layer_sizes=5, random_state=0)


def regressor(n_outputs=1, **settings):
    return LSTMRegressor(**SMALL | settings).initialize(F, n_outputs=n_outputs)


def classifier(**settings):
    return LSTMClassifier(**SMALL | settings).initialize(F, classes=["high", "low", "mid"])


def learn_one_by_one(stream, X, y, weights=None):
    """(outputs, losses) of a loop; NaN is no target."""
    outputs, losses = [], []
    for t, x in enumerate(X):
        outputs.append(stream.step(x))
        weight = 1.0 if weights is None else weights[t]
        missing = y.dtype.kind == "f" and np.isnan(y[t]).all()
        losses.append(np.nan if missing or weight == 0 else stream.learn(y[t], weight))
    return np.array(outputs), np.array(losses)


MODELS = {
    **{cell: lambda cell=cell: regressor(cell=cell, block_size=2) for cell in CELLS},
    "stack": lambda: regressor(hidden_layer_sizes=(4, 3)),
    "two outputs": lambda: regressor(2),
    "quantiles": lambda: regressor(loss="quantile", quantile=[0.1, 0.5, 0.9]),
    "maximum": lambda: regressor(pooling="max"),
    "mean": lambda: regressor(pooling="mean"),
    "labels": classifier,
}


@pytest.mark.parametrize("name", MODELS)
def test_steps_are_the_loop(name):
    one, other = (MODELS[name]().stream() for _ in range(2))
    expected = np.array([one.step(x) for x in X])
    assert_array_equal(np.concatenate([other.steps(X[:13]), other.steps(X[13:])]), expected)
    assert_array_equal(one.predict(), other.predict())
    assert_array_equal(one.step(X[0]), other.step(X[0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", [name for name in MODELS if name != "stack"])
def test_learning_in_blocks_is_the_loop(name, solver, dtype):
    models = [MODELS[name]().set_params(solver=solver, alpha=0.1) for _ in range(2)]
    for model in models:
        model.parameters_ = model.parameters_.astype(dtype)
        model._solver_state = sklstm._solvers.SOLVERS[solver].start(model.parameters_, model)
    y = LABELS if name == "labels" else NUMBERS
    if name == "two outputs":
        y = np.column_stack([NUMBERS, NUMBERS[::-1]])
        y[np.isnan(y).any(axis=1)] = np.nan
    loop, block = (model.stream() for model in models)
    expected = learn_one_by_one(loop, X, y, WEIGHTS)
    first = block.learn_steps(X[:17], y[:17], WEIGHTS[:17])
    block = pickle.loads(pickle.dumps(block))
    rest = block.learn_steps(X[17:], y[17:], WEIGHTS[17:])
    for k in range(2):
        assert_array_equal(np.concatenate([first[k], rest[k]]), expected[k])
    assert_array_equal(block.estimator.parameters_, models[0].parameters_)
    assert block.estimator.t_ == models[0].t_


def test_class_weights_and_the_schedule_are_those_of_the_loop():
    settings = dict(
        class_weight={"high": 2.0, "low": 0.5, "mid": 1.0},
        solver="sgd",
        learning_rate="invscaling",
    )
    models = [classifier(**settings) for _ in range(2)]
    expected = learn_one_by_one(models[0].stream(), X, LABELS)
    found = models[1].stream().learn_steps(X, LABELS)
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)
    assert_array_equal(models[1].parameters_, models[0].parameters_)


@pytest.mark.parametrize("name", MODELS)
def test_a_peek_is_the_next_step_and_changes_nothing(name):
    model = MODELS[name]()
    stream, beside = model.stream(), model.stream()
    for x in X[:9]:
        stream.step(x)
        beside.step(x)
    for x in X[9:20]:
        expected = beside.step(x)
        assert_array_equal(stream.peek(x), expected)
        assert_array_equal(stream.peek(X[0]), stream.peek(X[0]))
        assert_array_equal(stream.step(x), expected)
    if name != "stack":
        target = "low" if name == "labels" else [1.0, 2.0] if name == "two outputs" else 1.0
        stream.peek(X[0])
        assert stream.learn(target) == beside.learn(target)


def test_a_peek_before_the_first_step():
    stream = regressor().stream()
    expected = regressor().stream().step(X[0])
    assert stream.peek(X[0]) == expected
    with pytest.raises(ValueError, match="There is no current step"):
        stream.predict()
    assert stream.step(X[0]) == expected


def test_no_steps_at_all():
    stream = regressor().stream()
    assert stream.steps(np.empty((0, F))).shape == (0,)
    outputs, losses = stream.learn_steps(np.empty((0, F)), [])
    assert outputs.shape == losses.shape == (0,)
    with pytest.raises(ValueError, match="There is no current step"):
        stream.predict()


def test_targets_without_steps_are_refused():
    with pytest.raises(ValueError, match="y has 2 rows of targets, but X has no steps"):
        regressor().stream().learn_steps(np.empty((0, F)), [1.0, 2.0])


def test_a_block_that_a_warning_ends_has_stepped():
    stream = regressor().stream()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(sklstm._stream.ConvergenceWarning):
            stream.learn_steps(X[:2], [1e200, 0.0])
    beside = regressor().stream()
    beside.step(X[0])
    assert stream.predict() == beside.predict()


def test_large_streams_share_their_steps_among_threads():
    models = [regressor(hidden_layer_sizes=420, n_jobs=n) for n in (1, 3)]
    found = [model.stream().learn_steps(X[:4], NUMBERS[:4]) for model in models]
    assert models[0].stream()._online.parallel
    for one, other in zip(*found, strict=True):
        assert_array_equal(one, other)
    assert_array_equal(models[0].parameters_, models[1].parameters_)


# -- pipelines


def test_pipelines_in_blocks():
    sequences = [rng.normal(size=(6, F)) for _ in range(20)]
    steps = SequenceDifferences(), SequenceScaler(), LSTMRegressor(4, max_iter=3, random_state=0)
    model = make_pipeline(*steps).fit(sequences, [x.mean() for x in sequences])
    loop, block = sklstm.stream(model), sklstm.stream(model)
    expected = np.array([loop.step(x) for x in X])
    assert_array_equal(np.concatenate([block.steps(X[:7]), block.steps(X[7:])]), expected)
    assert block.peek(X[3]) == loop.step(X[3]) == block.step(X[3])
    assert_allclose(block.predict(), model.predict([np.vstack([X, X[3]])])[0])
    copies = [pickle.loads(pickle.dumps(loop)) for _ in range(2)]
    expected = learn_one_by_one(copies[0], X, NUMBERS)
    for one, other in zip(copies[1].learn_steps(X, NUMBERS), expected, strict=True):
        assert_array_equal(one, other)


def test_a_block_that_is_refused_leaves_a_pipeline_as_it_was():
    sequences = [rng.normal(size=(6, F)) for _ in range(20)]
    steps = SequenceDifferences(), LSTMRegressor(4, max_iter=3, random_state=0)
    model = make_pipeline(*steps).fit(sequences, [x.mean() for x in sequences])
    stream, beside = sklstm.stream(model), sklstm.stream(model)
    bad = X[:5].copy()
    bad[3, 1] = np.inf
    for call in (stream.steps, lambda block: stream.learn_steps(block, NUMBERS[:5])):
        with pytest.raises(ValueError, match="Step 3: x contains infinity"):
            call(bad)
    with pytest.raises(ValueError, match="targets for 4 steps"):
        stream.learn_steps(X[:5], NUMBERS[:4])
    assert_array_equal(stream.steps(X), beside.steps(X))


# -- what is refused


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(F), r"X has shape \(3,\), expected \(T, 3\)"),
        (np.zeros((4, 2)), r"X has shape \(4, 2\), expected \(T, 3\)"),
        (np.where(np.arange(12).reshape(4, 3) == 7, np.nan, 0.0), "at step 2, feature 1"),
        (np.where(np.arange(12).reshape(4, 3) == 7, np.inf, 0.0), "at step 2, feature 1"),
        ([[1, 2, 3], [1, 2]], "rows of unequal length, see step 1"),
        ([["a", "b", "c"]], "step 0, feature 0"),
        (None, "X"),
    ],
)
def test_bad_steps_are_named_and_nothing_is_fed(given, message):
    stream = regressor().stream()
    stream.step(X[0])
    before = stream.predict(), stream.estimator.parameters_.copy()
    for call in (stream.steps, lambda block: stream.learn_steps(block, np.zeros(4))):
        with pytest.raises((ValueError, TypeError), match=message):
            call(given)
    assert stream.predict() == before[0]
    assert_array_equal(stream.estimator.parameters_, before[1])


@pytest.mark.parametrize(
    ("y", "weights", "message"),
    [
        (np.zeros(T - 1), None, "targets for 39 steps"),
        (np.where(np.arange(T) == 5, np.inf, 0.0), None, "sequence 0, step 5"),
        (np.zeros(T), -np.ones(T), "step 0"),
        (np.zeros(T), np.where(np.arange(T) == 5, np.nan, 1.0), "step 5"),
    ],
)
def test_bad_targets_are_named_and_nothing_is_fed(y, weights, message):
    stream = regressor().stream()
    with pytest.raises(ValueError, match=message):
        stream.learn_steps(X, y, weights)
    with pytest.raises(ValueError, match="There is no current step"):
        stream.predict()


@pytest.mark.parametrize("alpha", [0.0, 1e-300])
@pytest.mark.parametrize("weight", [1e-310, 5e-324])
def test_a_denormal_weight_learns_as_in_the_loop(weight, alpha):
    weights = np.where(np.arange(T) % 3 == 1, weight, 1.0)
    models = [regressor(alpha=alpha) for _ in range(2)]
    found = models[0].stream().learn_steps(X, X[:, 0], weights)
    expected = learn_one_by_one(models[1].stream(), X, X[:, 0], weights)
    assert_array_equal(found, expected)
    assert_array_equal(models[0].parameters_, models[1].parameters_)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("quantile", [[0.5], [0.1, 0.9]])
def test_quantiles_have_one_shape_in_steps_blocks_and_empty_blocks(quantile, n_outputs):
    model = regressor(n_outputs, loss="quantile", quantile=quantile)
    stream, y = model.stream(), np.zeros((0, n_outputs))
    shape = model.predict(X[np.newaxis]).shape[1:]
    assert stream.steps(X[:0]).shape == (0, *shape)
    assert stream.learn_steps(X[:0], y)[0].shape == (0, *shape)
    assert np.shape(stream.peek(X[0])) == np.shape(stream.step(X[0])) == shape
    assert stream.steps(X[1:]).shape == (T - 1, *shape)


@pytest.mark.parametrize("change", [{"loss": "absolute_error"}, {"quantile": 0.5}])
def test_a_stream_does_not_learn_for_another_loss_than_there_is(change):
    model = regressor(loss="quantile", quantile=0.9)
    stream, before = model.stream(), model.parameters_.copy()
    stream.step(X[0])
    model.set_params(**change)
    with pytest.raises(ValueError, match=r"is .* but the model was fitted with"):
        stream.learn(1.0)
    with pytest.raises(ValueError, match=r"is .* but the model was fitted with"):
        stream.learn_steps(X, NUMBERS)
    assert_array_equal(model.parameters_, before)


def test_a_stack_does_not_learn_and_says_why():
    with pytest.raises(ValueError, match="can only learn with one hidden layer"):
        MODELS["stack"]().stream().learn_steps(X, NUMBERS)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_solver_that_was_spoiled_starts_anew_as_in_the_loop(solver):
    y = np.where(np.arange(T) % 9 == 4, 1e154, X[:, 0])  # its gradient fits, a step does not
    settings = dict(solver=solver, learning_rate_init=1e160, clip_norm=None)
    models = [regressor(**settings) for _ in range(2)]
    with pytest.warns(sklstm._stream.ConvergenceWarning):
        found = models[0].stream().learn_steps(X, y)
    with pytest.warns(sklstm._stream.ConvergenceWarning):
        expected = learn_one_by_one(models[1].stream(), X, y)
    assert_array_equal(found, expected)
    assert_array_equal(models[0].parameters_, models[1].parameters_)
    for name, value in models[1]._solver_state.items():
        assert_array_equal(models[0]._solver_state[name], value)


def test_what_cannot_be_learned_warns_and_the_rest_is_learned():
    models = [regressor(solver="sgd", learning_rate_init=0.1) for _ in range(2)]
    y = np.where(np.arange(T) == 3, 1e200, X[:, 0])
    with pytest.warns(sklstm._stream.ConvergenceWarning, match="not finite"):
        found = models[0].stream().learn_steps(X, y)
    with pytest.warns(sklstm._stream.ConvergenceWarning, match="not finite"):
        expected = learn_one_by_one(models[1].stream(), X, y)
    assert_array_equal(found, expected)
    assert_array_equal(models[0].parameters_, models[1].parameters_)

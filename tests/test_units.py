"""The unit of the targets has no influence on what is learned."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import cube, numbers, sequences, step_numbers
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sklstm import LSTMRegressor
from sklstm._number_losses import LOSSES, NumberLoss
from sklstm._scores import r2
from sklstm._units import mean_and_scale

SMALL = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0, "n_jobs": 1}


def regressor(**kwargs):
    return LSTMRegressor(**SMALL | kwargs)


@pytest.mark.parametrize(
    "mean, scale",
    [(0, 1), (10, 1), (-1e6, 1e3), (0, 1e-9), (1e9, 1), (0, 1e160), (0, 2e307), (0, 1e-300)],
)
@pytest.mark.parametrize("per_step", [False, True])
def test_predictions_follow_the_unit_of_y_and_the_parameters_do_not(mean, scale, per_step):
    X = sequences()
    y = step_numbers(X) if per_step else numbers(X)
    settings = {"return_sequences": per_step, "alpha": 0.1, "batch_size": 8}
    plain = regressor(**settings).fit(X, y)
    moved = regressor(**settings).fit(X, [mean + scale * t for t in y])
    # y itself has lost digits where the mean is large
    digits = 1e-15 * max(1, abs(mean) / scale) * 1e4
    assert_allclose(moved.parameters_, plain.parameters_, rtol=1e-7 + digits, atol=1e-9 + digits)
    flat, flat_moved = (
        np.concatenate(m.predict(X)) if per_step else m.predict(X) for m in (plain, moved)
    )
    assert_allclose((flat_moved - mean) / scale, flat, rtol=1e-6, atol=1e-8 + digits)
    assert_allclose(moved.loss_curve_, plain.loss_curve_, rtol=1e-7 + digits)


def test_units_are_mean_and_standard_deviation_of_each_output():
    X, y = sequences(), numbers(sequences(), n_outputs=2) * [1, 100] + [5, -3]
    model = regressor().fit(X, y)
    assert_allclose(model.y_mean_, y.mean(axis=0), rtol=1e-12)
    assert_allclose(model.y_scale_, y.std(axis=0), rtol=1e-12)
    w = np.linspace(0, 2, len(X))
    model.fit(X, y, w)
    mean = np.average(y, axis=0, weights=w)
    assert_allclose(model.y_mean_, mean, rtol=1e-12)
    assert_allclose(model.y_scale_, np.average((y - mean) ** 2, axis=0, weights=w) ** 0.5)


def test_units_are_pooled_over_the_steps_that_have_a_target():
    X = sequences()
    y = [np.stack([t, 2 * t], axis=1) for t in step_numbers(X)]
    y[0][0] = np.nan
    y[3][1, 0] = np.nan
    weights = [np.ones(len(x)) for x in X]
    weights[4][0] = 0
    y[4][0] = 1e9  # not looked at
    model = regressor(return_sequences=True).fit(X, y, weights)
    flat, w = np.concatenate(y), np.concatenate(weights)
    for k in range(2):
        known = ~np.isnan(flat[:, k]) & (w > 0)
        assert model.y_mean_[k] == pytest.approx(flat[known, k].mean(), rel=1e-12)
        assert model.y_scale_[k] == pytest.approx(flat[known, k].std(), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e300, -7.0])
def test_a_constant_target_has_scale_1_and_is_predicted(value):
    X = sequences()
    model = regressor(max_iter=50).fit(X, np.full(len(X), value))
    assert (model.y_mean_[0], model.y_scale_[0]) == (value, 1.0)
    assert_allclose(model.predict(X), value, rtol=0.2, atol=0.2)


def test_an_output_without_any_target_has_units_0_and_1():
    mean, scale = mean_and_scale(np.array([[1.0, np.nan], [3.0, np.nan]]), np.ones(2))
    assert_array_equal(mean, [2, 0])
    assert_array_equal(scale, [1, 1])


def test_targets_without_a_weight_have_no_influence_on_the_units():
    targets = np.array([[1e300, 7.0], [1.0, 7.0], [2.0, 7.0], [np.nan, 7.0]])
    mean, scale = mean_and_scale(targets, np.array([0.0, 1, 1, 1]))
    assert_array_equal((mean, scale), mean_and_scale(targets[1:], np.ones(3)))
    assert_array_equal(mean_and_scale(targets, np.zeros(4)), [[0, 0], [1, 1]])


def test_a_large_mean_takes_no_digits_from_float32():
    X = sequences(dtype=np.float32)
    y = numbers(sequences())
    plain, moved = regressor().fit(X, y), regressor().fit(X, 2**20 + y * 2**-3)
    assert_allclose(moved.parameters_, plain.parameters_, rtol=1e-4, atol=1e-6)
    assert plain.predict(X).dtype == np.float32
    assert moved.predict(X).dtype == np.float64  # of which float32 would keep one digit
    y_moved = 2**20 + y * 2**-3
    assert moved.score(X, y_moved) == pytest.approx(plain.score(X, y), abs=1e-4)
    stream = moved.stream()
    last = [stream.step(x) for x in X[1]][-1]  # whose sums run in an order of their own
    assert last == pytest.approx(moved.predict(X[1:2])[0], rel=1e-12)


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_outputs_with_a_range_of_their_own_learn_y_as_it_is(activation):
    X, y = sequences(), numbers(sequences()) / 100 + 0.5
    models = [
        regressor(out_activation=activation, normalize_y=normalize).fit(X, y)
        for normalize in (True, False)
    ]
    assert_array_equal(models[0].parameters_, models[1].parameters_)
    assert_array_equal(models[0].y_scale_, [1.0])


def test_partial_fit_and_initialize_know_no_units():
    X, y = sequences(), 50 + numbers(sequences())
    for model in (regressor().partial_fit(X, y), regressor().initialize(2)):
        assert_array_equal(model.y_mean_, [0.0])
        assert_array_equal(model.y_scale_, [1.0])


def test_initialize_can_be_told_the_units():
    X, y = sequences(), numbers(sequences())
    plain = regressor(gate_bias=None).initialize(2).partial_fit(X, y)
    told = regressor(gate_bias=None).initialize(2, y_mean=50, y_scale=[8.0])
    told.partial_fit(X, 50 + 8 * y)
    assert_allclose(told.parameters_, plain.parameters_, rtol=1e-9, atol=1e-12)
    assert_allclose(told.predict(X), 50 + 8 * plain.predict(X), rtol=1e-9)


@pytest.mark.parametrize(
    "name, value",
    [
        ("y_scale", 0),
        ("y_scale", -1),
        ("expected_length", 0),
        ("expected_length", True),
    ],
)
def test_bad_units_and_lengths_are_named(name, value):
    model = regressor()
    with pytest.raises(ValueError, match=f"{name} must be .*finite"):
        model.initialize(2, **{name: value})
    assert not hasattr(model, "parameters_")


def test_units_of_outputs_with_a_range_are_refused():
    with pytest.raises(ValueError, match="out_activation='identity'"):
        regressor(out_activation="tanh").initialize(2, y_mean=1.0)


def test_a_warm_fit_learns_the_units_of_its_own_targets():
    X, y = sequences(), numbers(sequences())
    model = regressor(warm_start=True).fit(X, y)
    same = pickle.loads(pickle.dumps(model)).fit(X, y)
    moved = model.fit(X, 1e4 + 1e3 * y)
    assert_allclose(moved.parameters_, same.parameters_, rtol=1e-7, atol=1e-9)
    assert_allclose(moved.predict(X), 1e4 + 1e3 * same.predict(X), rtol=1e-9)


def test_units_that_were_told_stay_in_a_warm_fit():
    X, y = sequences(), 50 + 8 * numbers(sequences())
    for model in (regressor(warm_start=True).initialize(2, y_mean=7), regressor(warm_start=True)):
        if not hasattr(model, "y_mean_"):
            model.partial_fit(X, y)
        units = model.y_mean_.copy(), model.y_scale_.copy()
        model.fit(X, y)
        assert_array_equal((model.y_mean_, model.y_scale_), units)


def test_partial_fit_keeps_the_units_of_a_fit():
    X, y = sequences(), 50 + 8 * numbers(sequences())
    model = regressor().fit(X, y)
    units = model.y_mean_.copy(), model.y_scale_.copy()
    model.partial_fit(X, 3 * y)
    assert_array_equal((model.y_mean_, model.y_scale_), units)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_stream_speaks_in_the_units_of_y(dtype, n_outputs):
    X = cube(12, dtype=dtype)
    y = numbers(X, n_outputs) if n_outputs > 1 else numbers(X)
    y = 50 + 8 * y.astype(np.float64)
    settings = dict(gradient="truncated", solver="sgd", momentum=0.0, batch_size=1)
    model = regressor(return_sequences=True, **settings).fit(X, np.repeat(y[:, None], 4, axis=1))
    stream = model.stream()
    assert_allclose([stream.step(x) for x in X[0]], model.predict(X[:1])[0], rtol=1e-6)
    assert_allclose(stream.predict(), model.predict(X[:1])[0, -1], rtol=1e-6)
    model.set_params(return_sequences=False)
    other = pickle.loads(pickle.dumps(model)).partial_fit(X[:1], y[:1])
    stream.learn(y[0] if n_outputs > 1 else float(y[0]))
    tolerance = {np.float32: 1e-5, np.float64: 1e-11}[dtype]
    assert_allclose(model.parameters_, other.parameters_, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_a_stream_follows_the_units_of_a_warm_fit(n_outputs):
    X = cube(12)
    y = numbers(X, n_outputs) if n_outputs > 1 else numbers(X)
    model = regressor(warm_start=True).fit(X, y)
    stream = model.stream()
    stream.step(X[0, 0])
    model.fit(X, 50 + 8 * y)
    fresh = model.stream()
    stream.reset()
    for x in X[0]:
        assert_array_equal(stream.step(x), fresh.step(x))
        assert_array_equal(stream.predict(), fresh.predict())
    assert_allclose(fresh.predict(), model.predict(X[:1])[0], rtol=1e-12)
    target = y[0] if n_outputs > 1 else float(y[0])
    assert stream.learn(target, 0.0) == 0.0
    assert_array_equal(stream._target(target), fresh._target(target))


def test_copies_and_pickles_keep_the_units_and_clones_have_none():
    X, y = sequences(), 50 + numbers(sequences())
    model = regressor().fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert not hasattr(clone(model), "y_mean_")


def test_the_score_is_that_of_predictions_in_the_units_of_y():
    from sklearn.metrics import r2_score

    X, y = sequences(), 50 + 8 * numbers(sequences())
    model = regressor(max_iter=30).fit(X, y)
    assert model.score(X, y) == pytest.approx(r2_score(y, model.predict(X)), rel=1e-12)
    steps = [50 + 8 * t for t in step_numbers(X)]
    per_step = regressor(max_iter=30, return_sequences=True).fit(X, steps)
    flat = np.concatenate(per_step.predict(X))
    assert per_step.score(X, steps) == pytest.approx(r2_score(np.concatenate(steps), flat))


def test_units_are_learned_from_the_training_part_alone(monkeypatch):
    X, y = sequences(40), numbers(sequences(40))
    y[:20] += 1000
    model = regressor(early_stopping=True)
    seen = []
    loss = NumberLoss(r2, lambda *given: seen.append(given[0]) or mean_and_scale(*given))
    monkeypatch.setitem(LOSSES, "squared_error", loss)
    model.fit(X, y)
    assert len(seen[0]) == 36
    assert model.y_mean_[0] == pytest.approx(seen[0].mean())


def test_a_warm_fit_without_normalize_y_keeps_the_units():
    X, y = sequences(), 50 + 8 * numbers(sequences())
    model = regressor(warm_start=True).fit(X, y)
    units = model.y_mean_.copy(), model.y_scale_.copy()
    model.set_params(normalize_y=False).fit(X, y + 3)
    assert_array_equal((model.y_mean_, model.y_scale_), units)


@pytest.mark.parametrize("scale", [1e-200, 1e-163, 1e155, 1e300])
def test_the_score_does_not_depend_on_the_unit(scale):
    X, y = sequences(), numbers(sequences())
    plain, moved = regressor().fit(X, y), regressor().fit(X, scale * y)
    assert moved.score(X, scale * y) == pytest.approx(plain.score(X, y), rel=1e-6)


def test_the_message_of_partial_fit_names_targets_in_their_own_units():
    X, y = sequences(), numbers(sequences())
    model = regressor(clip_norm=None, solver="sgd").fit(X, y * 1e-3)
    y = y / np.abs(y).max() * 7e300
    with pytest.warns(ConvergenceWarning, match=r"y has values up to 7e\+300: .*y_scale to init"):
        model.partial_fit(X, y)


def test_a_first_partial_fit_on_large_targets_warns():
    X, y = sequences(), 1e6 + numbers(sequences())
    model = regressor()
    with pytest.warns(UserWarning, match=r"y has values up to 1e\+06.*y_mean and y_scale"):
        model.partial_fit(X, y)
    regressor().initialize(2, y_mean=1e6).partial_fit(X, y)  # without a word

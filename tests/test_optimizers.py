"""The steps of SGD and Adam against their restatement in NumPy, and what clipping does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from private_sklearn import AdamOptimizer, SGDOptimizer

from sklstm import LSTMClassifier, LSTMRegressor, _isa
from sklstm._gradient import Gradient
from sklstm._solvers import SGD, SOLVERS, Adam, norm

DTYPES = [np.float32, np.float64]
SIZES = [1, 3, 4, 257]  # beside what is summed at a time


def sgd_step(*arrays, learning_rate, **settings):
    return steps("SgdSteps", *arrays, **settings).step(learning_rate)


def adam_step(*arrays, learning_rate, **settings):
    return steps("AdamSteps", *arrays, **settings).step(learning_rate)


def steps(name, vector, *arrays, scale, **settings):
    """Steps whose gradient is scaled by so much: 1 is no clipping."""
    *history, g = arrays
    clip_norm = None if scale == 1 else scale * np.linalg.norm(g.astype(np.float64))
    kind = getattr(_isa.optimizers[vector.dtype], name)
    return kind(vector, *history, Gradient(g), clip_norm=clip_norm, **settings)


def draws(size, n=5, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=size).astype(dtype) for _ in range(n)]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_a_step_of_sgd_is_the_rule_in_numpy(dtype, size, nesterov, scale):
    p, v, *gradients = draws(size, dtype=dtype)
    ours = p.copy(), v.copy()
    m, rate = dtype(0.9), dtype(0.1)
    for g in gradients:
        sgd_step(*ours, g, learning_rate=0.1, momentum=0.9, nesterov=nesterov, scale=scale)
        step = rate * (dtype(scale) * g)
        v = m * v - step
        p = p + (m * v - step if nesterov else v)
    for mine, expected in zip(ours, (p, v), strict=True):
        assert mine.dtype == expected.dtype == dtype
        assert_allclose(mine, expected, rtol=0, atol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_a_step_of_adam_is_the_rule_in_numpy(dtype, size, scale):
    p, m, v, *gradients = draws(size, n=8, dtype=dtype)
    v = v**2
    ours = p.copy(), m.copy(), v.copy()
    b1, b2, c1, c2 = (dtype(x) for x in (0.9, 0.99, 1 - 0.9, 1 - 0.99))
    for g in gradients:
        adam_step(*ours, g, learning_rate=0.1, beta_1=0.9, beta_2=0.99, epsilon=1e-3, scale=scale)
        g = dtype(scale) * g
        m = b1 * m + c1 * g
        v = b2 * v + c2 * (g * g)
        p = p - dtype(0.1) * m / (np.sqrt(v) + dtype(1e-3))
    eps = np.finfo(dtype).eps  # of each number: parameters are up to 8 here
    for mine, expected in zip(ours, (p, m, v), strict=True):
        assert mine.dtype == expected.dtype == dtype
        assert_allclose(mine, expected, rtol=4 * eps, atol=4 * eps)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_steps_are_those_of_mlp(nesterov):
    p, *gradients = draws(20)
    settings = LSTMClassifier(
        learning_rate_init=0.2, momentum=0.8, nesterovs_momentum=nesterov, clip_norm=None
    )
    theirs, g = p.copy(), np.empty_like(p)
    mlp = SGDOptimizer([theirs], 0.2, momentum=0.8, nesterov=nesterov)
    step, _ = SGD(SGD.start(p, settings), settings).step_on(p, Gradient(g))
    for gradient in gradients:
        g[:] = gradient
        step()
        mlp.update_params([theirs], [gradient])
    assert_allclose(p, theirs, rtol=1e-15, atol=1e-15)


def test_adam_steps_are_those_of_mlp():
    p, *gradients = draws(20)
    settings = LSTMClassifier(
        learning_rate_init=0.2, beta_1=0.8, beta_2=0.9, epsilon=1e-5, clip_norm=None
    )
    theirs, g = p.copy(), np.empty_like(p)
    mlp = AdamOptimizer([theirs], 0.2, beta_1=0.8, beta_2=0.9, epsilon=1e-5)
    step, _ = Adam(Adam.start(p, settings), settings).step_on(p, Gradient(g))
    for gradient in gradients:
        g[:] = gradient
        step()
        mlp.update_params([theirs], [gradient])
    assert_allclose(p, theirs, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("solver", SOLVERS)
def test_nothing_moves_without_a_gradient(solver):
    (p,) = draws(7, n=1)
    before, settings = p.copy(), LSTMClassifier(solver=solver)
    step, _ = SOLVERS[solver](SOLVERS[solver].start(p, settings), settings).step_on(
        p, Gradient(np.zeros(7))
    )
    step()
    step()
    assert_array_equal(p, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_the_norm_is_euclidean(dtype, size):
    (g,) = draws(size, n=1, dtype=dtype)
    assert norm(g) == pytest.approx(np.linalg.norm(g.astype(np.float64)), rel=1e-14)


def test_the_norm_of_large_float32_gradients_is_finite():
    assert norm(np.full(4, 1e30, dtype=np.float32)) == pytest.approx(2e30, rel=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_norm_shows_what_is_not_finite(bad):
    for place in range(5):
        g = np.ones(5)
        g[place] = bad
        assert not np.isfinite(norm(g))


@pytest.mark.parametrize("length", [0.5, 2.0, 8.0])
def test_a_gradient_longer_than_clip_norm_is_scaled_down_to_it(length):
    settings = LSTMClassifier(solver="sgd", momentum=0, learning_rate_init=1, clip_norm=2.0)
    g = length * np.array([0.6, 0.0, -0.8])
    p = np.zeros(3)
    SGD(SGD.start(p, settings), settings).step_on(p, Gradient(g))[0]()
    assert_allclose(p, -g if length <= 2 else -2 * g / length, rtol=1e-15)


def test_invscaling_divides_the_rate_by_a_power_of_the_sequences_seen():
    settings = LSTMClassifier(
        solver="sgd", learning_rate="invscaling", learning_rate_init=0.5, power_t=0.3
    )
    solver = SGD(SGD.start(np.zeros(1), settings), settings)
    assert solver.state["learning_rate"] == 0.5
    solver.end_epoch(24)
    assert solver.state["learning_rate"] == 0.5 / 25**0.3


def test_adaptive_divides_the_rate_by_five_until_it_is_too_small():
    settings = LSTMClassifier(solver="sgd", learning_rate="adaptive", learning_rate_init=1e-4)
    solver = SGD(SGD.start(np.zeros(1), settings), settings)
    answers = [(solver.gives_up(), solver.state["learning_rate"]) for _ in range(4)]
    assert [gives_up for gives_up, _ in answers] == [False, False, False, True]
    assert_allclose([rate for _, rate in answers], [2e-5, 4e-6, 8e-7, 8e-7])


@pytest.mark.parametrize("solver, rate", [("adam", "adaptive"), ("sgd", "constant")])
def test_without_the_adaptive_schedule_of_sgd_the_first_stop_is_the_last(solver, rate):
    settings = LSTMClassifier(solver=solver, learning_rate=rate)
    assert SOLVERS[solver](SOLVERS[solver].start(np.zeros(1), settings), settings).gives_up()


def test_a_schedule_that_is_changed_starts_anew_and_one_that_is_not_goes_on():
    settings = LSTMClassifier(solver="sgd", learning_rate="adaptive", learning_rate_init=1.0)
    state = SGD.start(np.zeros(1), settings)
    SGD(state, settings).gives_up()
    assert SGD(state, settings).state["learning_rate"] == 0.2
    settings.learning_rate_init = 0.7
    assert SGD(state, settings).state["learning_rate"] == 0.7


def test_arrays_of_different_length_or_precision_are_refused():
    a, b = np.zeros(3), np.zeros(4)
    with pytest.raises(ValueError, match="elements, but must have"):
        sgd_step(a, b, a, learning_rate=1, momentum=0, nesterov=False, scale=1)
    with pytest.raises(ValueError, match="elements, but must have"):
        adam_step(a, a, b, a, learning_rate=1, beta_1=0, beta_2=0, epsilon=1, scale=1)
    with pytest.raises((ValueError, TypeError)):
        sgd_step(a, a.astype(np.float32), a, learning_rate=1, momentum=0, nesterov=False, scale=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_steps_that_parameters_would_not_survive_are_not_made(dtype):
    p, v, g = draws(257, n=3, dtype=dtype)
    options = dict(momentum=0.0, nesterov=False, scale=1.0)
    assert sgd_step(p, v, g, learning_rate=0.1, **options) is True
    options_of_adam = dict(beta_1=0.9, beta_2=0.999, epsilon=1e-8, scale=1.0)
    assert adam_step(p.copy(), v, v**2, g, learning_rate=0.1, **options_of_adam) is True
    for bad in (np.inf, -np.inf, np.nan):
        broken, start = g.copy(), p.copy()
        broken[200] = bad
        assert sgd_step(p, v.copy(), broken, learning_rate=0.1, **options) is False
        assert_array_equal(p, start)
        m, s = np.zeros_like(p), np.zeros_like(p)
        if np.isnan(bad):  # infinity is divided by its own root
            assert adam_step(p, m, s, broken, learning_rate=0.1, **options_of_adam) is False
        assert adam_step(p, m, s + 1, g, learning_rate=np.inf, **options_of_adam) is False
        assert_array_equal(p, start)
    # a history that is infinite would keep the parameters where they are for ever
    large = np.full_like(g, np.sqrt(np.finfo(dtype).max) * 64)
    assert adam_step(p, m, s, large, learning_rate=0.1, **options_of_adam) is False
    assert_array_equal(p, start)


@pytest.mark.parametrize("dtype", DTYPES)
def test_histories_that_fade_become_zero_and_not_denormal(dtype):
    tiny = np.finfo(dtype).tiny
    p, m, s = np.ones((3, 9), dtype)
    m[:] = s[:] = 4 * tiny
    for _ in range(40):
        adam_step(
            p, m, s, np.zeros_like(p), learning_rate=0.1, beta_1=0.5, beta_2=0.5, epsilon=1e-8,
            scale=1.0,
        )  # fmt: skip
    assert not m.any() and not s.any()
    assert (np.array([tiny], dtype) / 2)[0] > 0  # of others: as before


def test_a_power_beyond_all_numbers_ends_the_learning():
    settings = LSTMRegressor(solver="sgd", learning_rate="invscaling", power_t=2**62)
    solver = SGD(SGD.start(np.zeros(1), settings), settings)
    solver.end_epoch(1)
    assert solver.state["learning_rate"] == 0.0

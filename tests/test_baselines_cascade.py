"""RecurrentCascadeRegressor: quickprop, correlation, tenure, and the estimator."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm.baselines import RecurrentCascadeRegressor
from sklstm.baselines._growth import Cascade, Patience, correlation, unit_values
from sklstm.baselines._quickprop import Quickprop
from sklstm.paper._cascade_rows import ROWS, Strings, run_row

OFFSETS = np.array([0, 4, 5, 11])


def echo(n=40, random_state=0):
    """What was the input before?"""
    X = np.random.RandomState(random_state).randint(2, size=(n, 8, 1)).astype(float)
    return X, np.hstack([np.zeros((n, 1)), X[:, :-1, 0]])


def quiet_net(**settings):
    common = dict(out_activation="logistic", return_sequences=True, tolerance=0.4, random_state=0)
    return RecurrentCascadeRegressor(**common | settings)


# -------------------------------------------------------------------------------------- quickprop


def quickprop_step(w, d, s, p, rate, mu, decay):
    """One weight, as Fahlman says it: last step d, slope s, slope before p."""
    s = s + decay * w
    step = 0.0
    if d == 0 or d * s < 0:
        step -= rate * s
    if d < 0:
        step += mu * d if s >= mu / (1 + mu) * p else d * s / (p - s)
    elif d > 0:
        step += mu * d if s <= mu / (1 + mu) * p else d * s / (p - s)
    return w + step, step, s


def test_quickprop_is_fahlmans_step_for_every_weight():
    rng = np.random.RandomState(0)
    curvature, weights = rng.uniform(0.5, 2, 6), rng.uniform(-1, 1, 6)
    quickprop = Quickprop((6,), 0.1, 2.0, 1e-3)
    states = [(w, 0.0, 0.0) for w in weights]
    for _ in range(5):
        wanted = [
            quickprop_step(w, d, c * w + w**3, p, 0.1, 2.0, 1e-3)
            for (w, d, p), c in zip(states, curvature, strict=True)
        ]
        quickprop.step(weights, curvature * weights + weights**3)
        states = wanted
        np.testing.assert_allclose(weights, [w for w, _, _ in wanted], rtol=1e-9, atol=1e-12)


def test_no_step_of_quickprop_is_longer_than_growth_times_the_last_and_the_linear_one():
    rng = np.random.RandomState(1)
    quickprop, weights = Quickprop((50,), 0.1, 1.75, 0.0), np.zeros(50)
    for _ in range(20):
        last, slope = np.abs(quickprop.last_step), rng.standard_normal(50)
        before = weights.copy()
        quickprop.step(weights, slope)
        limit = 1.75 * last + 0.1 * np.abs(slope)
        assert (np.abs(weights - before) <= limit + 1e-12).all()


# ------------------------------------------------------------------------------------ correlation


def values_by_reading(sources, w):
    """V(t) = tanh(sum_i w_i I_i(t) + w_s V(t-1)) of one unit; also for complex weights."""
    values = []
    for start, end in pairwise(OFFSETS):
        v = 0.0
        for t in range(start, end):
            v = np.tanh(sources[t] @ w[:-1] + w[-1] * v)
            values.append(v)
    return np.array(values)


@pytest.fixture
def pool():
    rng = np.random.RandomState(0)
    rows = np.array([0, 2, 3, 4, 8, 10])
    return (
        rng.standard_normal((11, 3)),
        rng.uniform(-1, 1, (4, 5)),
        OFFSETS,
        rows,
        rng.standard_normal((6, 2)),
    )


def test_values_are_those_of_the_definition(pool):
    sources, weights, *_ = pool
    values = unit_values(sources, weights, OFFSETS)
    for u in range(5):
        np.testing.assert_allclose(values[:, u], values_by_reading(sources, weights[:, u]))


def test_the_slope_of_the_correlation_is_its_derivative(pool):
    sources, weights, _, rows, error = pool
    covariance, slope = correlation(*pool)
    for u in range(5):
        sign = np.sign(values_by_reading(sources, weights[:, u])[rows] @ error)
        np.testing.assert_array_equal(np.sign(covariance[u]), sign)
        for i in range(4):
            w = weights[:, u].astype(complex)
            w[i] += 1e-30j
            score = (sign * (values_by_reading(sources, w)[rows] @ error)).sum()
            assert slope[i, u] == pytest.approx(score.imag / 1e-30, rel=1e-6)


def test_the_slope_is_that_of_fahlmans_derivatives_forward_in_time(pool):
    sources, weights, _, rows, error = pool
    covariance, slope = correlation(*pool)
    for u in range(5):
        w, total = weights[:, u], np.zeros(4)
        direction = np.zeros(11)
        direction[rows] = error @ np.sign(covariance[u])
        for t in range(11):
            if t in OFFSETS:
                v, dv = 0.0, np.zeros(4)
            prior = np.append(sources[t], v)
            v = np.tanh(prior @ w)
            dv = (1 - v * v) * (prior + w[-1] * dv)
            total += direction[t] * dv
        np.testing.assert_allclose(slope[:, u], total, rtol=1e-10)


# ----------------------------------------------------------------------------------------- growth


def growth_of(net, n=20):
    X, y = echo(n)
    net.initialize(1)
    offsets = np.arange(n + 1) * 8
    rows, weights = np.arange(8 * n), np.ones(8 * n)
    return net._growth(
        X.reshape(-1, 1), offsets, rows, y.reshape(-1, 1), weights, np.random.RandomState(0)
    )


def test_units_with_tenure_never_change():
    growth, frozen = growth_of(quiet_net(tolerance=0.0, max_hidden=3)), []
    for _ in growth.epochs():
        for before, now in zip(frozen, growth.net.units, strict=False):
            np.testing.assert_array_equal(before, now)
        frozen = [unit.copy() for unit in growth.net.units]
    assert [len(unit) for unit in frozen] == [3, 4, 5]  # each sees those before it, and itself


def test_the_values_that_are_kept_are_those_of_the_whole_net():
    growth = growth_of(quiet_net(tolerance=0.0, max_hidden=3))
    for _ in growth.epochs():
        pass
    X, _ = echo(20)
    net = Cascade(growth.net.vector, 1, 1, 3)
    np.testing.assert_allclose(growth.values, net.values(X.reshape(-1, 1), growth.offsets))


def test_the_slope_of_outputs_is_the_derivative_of_the_loss():
    growth = growth_of(quiet_net(slope_offset=0.0))
    slope = growth.values.T @ (growth.weights * growth._measure())
    for i in range(2):
        losses = []
        for side in (1e-6, -1e-6):
            growth.net.outputs[i, 0] += side
            growth._measure()
            losses.append(growth.loss)
            growth.net.outputs[i, 0] -= side
        assert slope[i, 0] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-6)


def test_patience_ends_after_that_many_epochs_without_a_change():
    patience = Patience(3, 0.1)
    ends = [patience.is_over(value) for value in (1.0, 1.05, 1.2, 1.21, 1.2, 1.25)]
    assert ends == [False] * 5 + [True]


# -------------------------------------------------------------------------------------- estimator


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_was_the_input_before_is_learned(seed):
    X, y = echo()
    net = quiet_net(random_state=seed).fit(X, y)
    assert 1 <= net.n_hidden_ <= 16 and np.abs(net.predict(X) - y).max() < 0.4
    X, y = echo(random_state=1)
    assert net.score(X, y) > 0.8
    assert len(net.correlations_) == net.n_hidden_
    assert net.t_ == net.n_iter_ * 40


def test_there_is_no_partial_fit():
    assert not hasattr(RecurrentCascadeRegressor(), "partial_fit")


def test_a_pickle_predicts_as_the_original():
    X, y = echo()
    net = quiet_net().fit(X, y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(net)).predict(X), net.predict(X))


def test_a_warm_start_goes_on_growing():
    X, y = echo()
    net = quiet_net(tolerance=0.0, max_hidden=1, warm_start=True).fit(X, y)
    first = net.unit_weights_[0].copy()
    net.set_params(max_hidden=2).fit(X, y)
    assert net.n_hidden_ == 2
    np.testing.assert_array_equal(net.unit_weights_[0], first)


def test_weights_are_views_that_change_the_model():
    X, y = echo()
    net = quiet_net(max_hidden=2).fit(X, y)
    net.output_weights_[:] = 0
    assert (net.predict(X) == 0.5).all()


def test_max_iter_bounds_the_epochs_of_all_phases():
    X, y = echo()
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        net = quiet_net(tolerance=0.0, max_iter=30).fit(X, y)
    assert net.n_iter_ == len(net.loss_curve_) == 30


# ------------------------------------------------------------------------------------- experiment


def test_a_trial_of_experiment_1_keeps_its_cap_and_depends_on_its_seed_alone():
    results = [run_row("1:RCC", 0, cap=256 * 40) for _ in range(2)]
    for result in results:
        del result["seconds"]
    assert results[0] == results[1] and set(ROWS) == {"1:RCC"}
    assert results[0]["sequences"] == 256 * results[0]["epochs"] <= 256 * 40
    assert not results[0]["success"] and results[0]["train_wrong"] > 0


def test_a_string_is_wrong_if_a_legal_successor_is_not_above_all_others():
    legal = [np.array([[True, True, False], [False, True, False]])] * 2
    strings = Strings(
        [np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([[1.0, 0, 0], [0, 0, 1]])], legal
    )
    outputs = np.array([[0, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0.0]])
    assert strings.wrong(Cascade(outputs.ravel(), 3, 3, 0)) == 1


CHECKS = parametrize_with_checks(
    [RecurrentCascadeRegressor(max_hidden=2)],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "output_decay is added to a slope that "
        "grows with the number of sequences, as in the original"
    },
)
names, pairs = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(names, list(pairs), **CHECKS.kwargs)
def test_the_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)

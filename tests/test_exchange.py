"""Gradients of parts add up to the gradient of the whole, and a step along it is partial_fit's."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from kernels import CELLS
from numpy.testing import assert_allclose, assert_array_equal
from problems import sequences
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklstm import LSTMClassifier, LSTMRegressor

rng = np.random.default_rng(0)
X = sequences(20)
Y = rng.normal(size=20)
LABELS = np.array(["a", "b", "c"])[rng.integers(0, 3, 20)]
STEPS = [rng.normal(size=len(x)) for x in X]
CODES = [np.column_stack([x, rng.integers(0, 5, len(x))]) for x in X]
N_FEATURES = X[0].shape[1]


def regressor(**settings):
    model = LSTMRegressor(
        **{"hidden_layer_sizes": 4, "batch_size": 100, "random_state": 0} | settings
    )
    return model.initialize(N_FEATURES)


def with_categories(**settings):
    model = LSTMRegressor(
        4, batch_size=100, random_state=0, categorical_features=[N_FEATURES], **settings
    )
    return model.initialize(N_FEATURES + 1, categories=[5])


def classifier(**settings):
    model = LSTMClassifier(4, batch_size=100, random_state=0, **settings)
    return model.initialize(N_FEATURES, classes=["a", "b", "c"])


CASES = {
    **{cell: (lambda cell=cell: regressor(cell=cell), X, Y) for cell in CELLS},
    "truncated": (lambda: regressor(gradient="truncated", hidden_layer_sizes=(3, 2)), X, Y),
    "both directions": (lambda: regressor(bidirectional=True, pooling="max"), X, Y),
    "sgd": (lambda: regressor(solver="sgd", clip_norm=1e-3), X, Y),
    "penalty": (lambda: regressor(alpha=0.3), X, Y),
    "steps": (lambda: regressor(return_sequences=True), X, STEPS),
    "labels": (classifier, X, LABELS),
    "categories": (with_categories, CODES, Y),
    "categories, penalty": (lambda: with_categories(alpha=0.3, solver="sgd"), CODES, Y),
}


def of_parts(model, X, y, cuts):
    """The sums over consecutive parts, in their order."""
    bounds = [0, *cuts, len(X)]
    parts = [
        model.compute_gradient(X[first:stop], y[first:stop]) for first, stop in pairwise(bounds)
    ]
    return tuple(sum(values) for values in zip(*parts, strict=True))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cuts", [[], [7], [1, 2, 19]], ids=str)
def test_a_step_along_the_sum_is_a_step_of_partial_fit(case, cuts):
    make, X, y = CASES[case]
    exchanging, alone = make(), make()
    for _ in range(3):
        _, weight, gradient = of_parts(exchanging, X, y, cuts)
        assert weight == len(X)
        exchanging.apply_gradient(gradient, weight)
        alone.partial_fit(X, y)
        assert_allclose(exchanging.parameters_, alone.parameters_, rtol=1e-9, atol=1e-12)
    assert exchanging.t_ == alone.t_
    for name, value in alone._solver_state.items():
        if isinstance(value, np.ndarray):
            assert_allclose(exchanging._solver_state[name], value, rtol=1e-8, atol=1e-12)
        else:
            assert exchanging._solver_state[name] == value


@pytest.mark.parametrize("case", ["forget", "steps", "labels", "categories"])
def test_the_gradient_is_that_of_the_loss(case):
    make, X, y = CASES[case]
    model = make().set_params(gradient="full")
    _, _, gradient = model.compute_gradient(X, y)
    at = model.parameters_
    for place in np.flatnonzero(gradient)[:: max(1, np.count_nonzero(gradient) // 15)]:
        losses = []
        for h in (1e-6, -1e-6):
            moved = at.copy()
            moved[place] += h
            model.parameters_ = moved
            losses.append(model.compute_gradient(X, y)[0])
        model.parameters_ = at
        assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(gradient[place], rel=1e-5, abs=1e-8)


def test_weights_are_copies_and_zero_is_nothing():
    model = regressor()
    weights = rng.integers(0, 3, len(X))
    copies = np.repeat(np.arange(len(X)), weights)
    one = model.compute_gradient(X, Y, sample_weight=weights)
    other = model.compute_gradient([X[k] for k in copies], Y[copies])
    assert one[1] == other[1] == len(copies)
    assert_allclose(one[0], other[0], rtol=1e-12)
    assert_allclose(one[2], other[2], rtol=1e-10, atol=1e-12)
    loss, weight, gradient = model.compute_gradient(X, Y, sample_weight=0.0)
    assert (loss, weight) == (0, 0)
    assert not gradient.any()
    before = model.parameters_.copy()
    assert_array_equal(model.apply_gradient(gradient, weight).parameters_, before)
    assert model.t_ == 0


def test_class_weights_are_weights():
    factors = {"b": 2.0, "a": 0.5, "c": 1.0}
    weights = np.array([factors[label] for label in LABELS])
    one = classifier().set_params(class_weight=factors).compute_gradient(X, LABELS)
    other = classifier().compute_gradient(X, LABELS, sample_weight=weights)
    assert one[:2] == other[:2]
    assert one[1] == pytest.approx(weights.sum())
    assert_array_equal(one[2], other[2])


def test_computing_changes_nothing_and_any_number_of_threads_gives_the_same_bits():
    model = regressor(dropout=0.3, recurrent_dropout=0.2)
    before = pickle.dumps(model)
    found = [
        model.set_params(n_jobs=n_jobs).compute_gradient(X, Y)[2].tobytes() for n_jobs in (1, 2, 3)
    ]
    assert len(set(found)) == 1
    assert pickle.dumps(model.set_params(n_jobs=None)) == before
    again = pickle.loads(before)
    for one in (model, again):
        _, weight, gradient = one.compute_gradient(X, Y)
        one.apply_gradient(gradient, weight)
    assert_array_equal(model.parameters_, again.parameters_)
    # the next step has other masks
    assert model.compute_gradient(X, Y)[2].tobytes() != found[0]


def test_any_weight_may_follow_another():
    model = regressor(dropout=0.5)
    _, _, gradient = model.compute_gradient(X, Y)
    model.apply_gradient(gradient, 1e300)
    assert np.isfinite(model.compute_gradient(X, Y)[2]).all()


def test_float32_stays():
    model = LSTMRegressor(4, random_state=0).partial_fit([x.astype(np.float32) for x in X], Y)
    _, weight, gradient = model.compute_gradient(X, Y)
    assert gradient.dtype == np.float32
    assert model.apply_gradient(gradient.astype(np.float64), weight).parameters_.dtype == np.float32


def test_a_stream_follows_the_steps():
    model = regressor()
    stream = model.stream()
    _, weight, gradient = model.compute_gradient(X, Y)
    model.apply_gradient(gradient, weight)
    out = [stream.step(x) for x in X[0]][-1]
    assert_allclose(out, model.predict(X[:1])[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("gradient", "weight", "message"),
    [
        (np.zeros(3), 1.0, "gradient has shape"),
        (None, 1.0, "gradient has shape"),
        ((0.0, 1.0, np.zeros(3)), 1.0, "gradient is of type tuple"),
        ("same", "1", "weight is '1'"),
        ("same", None, "weight is None"),
        ("same", -1.0, "weight is -1.0"),
        ("same", np.nan, "weight is nan"),
        ("same", np.inf, "weight is inf"),
    ],
)
def test_what_is_no_gradient_is_refused(gradient, weight, message):
    model = regressor()
    before = pickle.dumps(model)
    if isinstance(gradient, str):
        gradient = np.ones_like(model.parameters_)
    with pytest.raises(ValueError, match=message):
        model.apply_gradient(gradient, weight)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308])
def test_a_step_that_would_not_be_finite_changes_nothing(value):
    model = regressor(solver="sgd", clip_norm=None, learning_rate_init=1e300)
    before = pickle.dumps(model)
    with pytest.warns(ConvergenceWarning, match="nothing was learned"):
        model.apply_gradient(np.full_like(model.parameters_, value), 1.0)
    assert pickle.dumps(model) == before


def test_what_is_missing_is_named():
    with pytest.raises(NotFittedError, match="initialize"):
        LSTMRegressor().compute_gradient(X, Y)
    with pytest.raises(NotFittedError, match="initialize"):
        LSTMRegressor().apply_gradient(Y, 1.0)
    model = regressor()
    with pytest.raises(ValueError, match="has 1 features"):
        model.compute_gradient([np.zeros((3, 1))], [0.0])
    with pytest.raises(ValueError, match="fitted with"):
        model.set_params(hidden_layer_sizes=9).compute_gradient(X, Y)
    balanced = classifier().set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="needs all targets"):
        balanced.compute_gradient(X, LABELS)

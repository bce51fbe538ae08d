"""Gradients at the features, and what is made of them."""

import numpy as np
import pytest
from kernels import CELLS, LANES, SHAPES, drawn, network, packed, ragged
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from twins.reference import one_output, output

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._network import Network
from sklstm.datasets import make_adding
from sklstm.inspection import AttributionDisplay, attributions

DOUBLE, SINGLE = np.dtype(np.float64), np.dtype(np.float32)
rng = np.random.default_rng(0)


def found(topology, vector, sequences, factors, *, per_step, n_threads=1):
    net = Network(topology, vector, "truncated", per_step)  # whatever it was trained with
    flat = net.feature_gradient(packed(sequences), factors.astype(vector.dtype), n_threads)
    return np.split(flat, np.cumsum([len(x) for x in sequences])[:-1])


def slopes(topology, vector, x, factors, *, per_step):
    """Derivative of the raw outputs times factors by every feature, in complex numbers."""
    run = output if per_step else one_output
    gradient = np.empty(x.shape)
    for t, f in np.ndindex(*x.shape):
        aside = x.astype(complex)
        aside[t, f] += 1e-30j
        gradient[t, f] = (np.asarray(run(topology, vector, [aside])[0]) * factors).sum().imag
    return gradient / 1e-30


@pytest.mark.parametrize("per_step", [False, True], ids=["once", "every-step"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_at_the_features_are_derivatives(cell, shape, per_step):
    topology, vector = network(shape, cell)
    sequences = ragged([3, 5, 1, 4, *[2] * LANES[DOUBLE]], topology.n_features)
    n = sum(map(len, sequences)) if per_step else len(sequences)
    factors = rng.normal(size=(n, topology.n_outputs))
    parts = np.split(factors, np.cumsum([len(x) if per_step else 1 for x in sequences])[:-1])
    gradients = found(topology, vector, sequences, factors, per_step=per_step)
    for k in (0, 1, 2, len(sequences) - 1):
        part = parts[k] if per_step else parts[k][0]
        expected = slopes(topology, vector, sequences[k], part, per_step=per_step)
        assert_allclose(gradients[k], expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_of_pooled_cells(pooling):
    topology, vector = drawn(SHAPES["everything"] | {"pooling": pooling})
    sequences = ragged([3, 5], topology.n_features)
    factors = rng.normal(size=(2, topology.n_outputs))
    gradients = found(topology, vector, sequences, factors, per_step=False)
    for k, x in enumerate(sequences):
        expected = slopes(topology, vector, x, factors[k], per_step=False)
        assert_allclose(gradients[k], expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["float32", "float64"])
def test_bits_do_not_depend_on_threads_or_company(dtype):
    topology, vector = network("bidirectional", dtype=dtype)
    sequences = ragged([1 + (7 * k) % 9 for k in range(5 * LANES[dtype] + 3)], 2, dtype=dtype)
    factors = rng.normal(size=(len(sequences), topology.n_outputs))
    together = found(topology, vector, sequences, factors, per_step=False)
    for again in (3, 8):
        threads = found(topology, vector, sequences, factors, per_step=False, n_threads=again)
        for one, other in zip(threads, together, strict=True):
            assert_array_equal(one, other)
    for k, x in enumerate(sequences):
        alone = found(topology, vector, [x], factors[k : k + 1], per_step=False)
        assert_array_equal(alone[0], together[k])


def test_long_sequences_in_spans(monkeypatch):
    topology, vector = network("single-cells", "peephole")
    sequences = ragged([37, 20, 9, 33] + [31] * LANES[DOUBLE], 2)
    factors = rng.normal(size=(len(sequences), topology.n_outputs))
    whole = found(topology, vector, sequences, factors, per_step=False)
    monkeypatch.setattr(Network, "_kept", {"whole": 8, "span": 4})
    for n_threads in (1, 3):
        spans = found(topology, vector, sequences, factors, per_step=False, n_threads=n_threads)
        for one, other in zip(spans, whole, strict=True):
            assert_allclose(one, other, rtol=1e-10, atol=1e-15)


# -- attributions of estimators

X = [rng.normal(size=(int(n), 3)) for n in rng.integers(4, 9, size=80)]
SEQUENCES = X
TARGET = np.array([x[1, 0] + x[-1, 2] for x in X])
SMALL = dict(hidden_layer_sizes=6, max_iter=15, random_state=0)
MODELS = {
    "regressor": lambda: LSTMRegressor(**SMALL).fit(X, 100 + 7 * TARGET),
    "float32": lambda: LSTMRegressor(**SMALL).fit([x.astype(np.float32) for x in X], TARGET),
    "maximum": lambda: LSTMRegressor(pooling="max", bidirectional=True, **SMALL).fit(X, TARGET),
    "poisson": lambda: LSTMRegressor(loss="poisson", **SMALL).fit(X, np.exp(TARGET)),
    "two classes": lambda: LSTMClassifier(**SMALL).fit(X, TARGET > 0),
    "classes": lambda: LSTMClassifier(**SMALL).fit(X, np.digitize(TARGET, [-1, 1])),
    "1997": lambda: LSTMClassifier(cell="1997", **SMALL).fit(X, TARGET > 0),
    "steps": lambda: LSTMRegressor(return_sequences=True, **SMALL).fit(X, [x[:, 0] for x in X]),
}


def explained(name, model, X, step=-1):
    """What is explained, from public predictions."""
    if name == "poisson":
        return np.log(model.predict(X)) - np.log(model.y_scale_)
    if name == "steps":
        return np.array([p[step] for p in model.predict(X)])
    if name == "classes":
        return model.decision_function(X).max(axis=1)
    return model.decision_function(X) if hasattr(model, "classes_") else model.predict(X)


@pytest.mark.parametrize("name", MODELS)
def test_integrated_gradients_add_up_to_the_difference_of_outputs(name):
    model, X = MODELS[name](), SEQUENCES[:25]
    parts = attributions(model, X)
    sums = np.array([part.sum() for part in parts])
    if name == "classes":  # of the class that is predicted at X, also at the baseline
        labels = model.predict(X)
        at_zero = model.decision_function([0 * x for x in X])
        start = at_zero[np.arange(len(X)), labels]
    else:
        start = explained(name, model, [0 * x for x in X])
    tolerance = 1e-4 if name == "float32" else 1e-6
    assert_allclose(sums, explained(name, model, X) - start, atol=tolerance, rtol=tolerance)
    assert [part.shape for part in parts] == [x.shape for x in X]
    assert all(part.dtype == np.float64 for part in parts)


@pytest.mark.parametrize("name", ["regressor", "two classes", "steps"])
def test_gradients_are_differences_of_predictions(name):
    model, x = MODELS[name](), X[0]
    (gradient,) = attributions(model, [x], method="gradient")
    for t, f in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[t, f] += 1e-5
        down[t, f] -= 1e-5
        values = explained(name, model, [up, down])
        assert_allclose((values[0] - values[1]) / 2e-5, gradient[t, f], rtol=1e-5, atol=1e-8)


def test_steps_that_come_later_have_no_part():
    model = MODELS["steps"]()
    for part in attributions(model, X, step=1):
        assert_array_equal(part[2:], 0)
        assert (part[:2] != 0).all()
    with pytest.raises(ValueError, match="step is 7, but sequence"):
        attributions(model, X, step=7)


def test_baselines_targets_and_containers():
    model = MODELS["classes"]()
    of_two = attributions(model, X, target=2)
    x = np.stack([x[:4] for x in X])
    assert attributions(model, x, target=0).shape == x.shape
    table = LSTMClassifier(features_per_step=2, **SMALL).fit(x.reshape(len(x), -1), TARGET > 0)
    assert attributions(table, x.reshape(len(x), -1)).shape == (len(x), 12)
    first = MODELS["two classes"]()
    yes, no = (attributions(first, X[:3], target=t) for t in (True, False))
    for one, other in zip(yes, no, strict=True):
        assert_allclose(one, -other)
    at_itself = attributions(model, [np.full((4, 3), 0.5)], target=1, baseline=0.5)
    assert_array_equal(at_itself[0], 0)
    shifted = attributions(model, X, target=2, baseline=[0.1, 0.2, 0.3])
    assert not np.allclose(shifted[0], of_two[0])


def test_the_marked_steps_of_the_adding_problem_stand_out():
    sequences, y = make_adding(1000, length=20, random_state=0)
    model = LSTMRegressor(16, max_iter=150, learning_rate_init=0.01, random_state=0)
    assert model.fit(sequences, y).score(sequences, y) > 0.9
    for x, part in zip(sequences[:50], attributions(model, sequences[:50]), strict=True):
        size = np.abs(part[:, 0])
        marked = x[:, 1] == 1
        assert size[marked].mean() > 3 * size[~marked].mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(method="saliency"), "method must be"),
        (dict(target=3), "target is 3"),
        (dict(target="high"), "target must be the number of an output"),
        (dict(baseline=[0, 0]), "baseline must be a finite number, or 3"),
        (dict(baseline=np.nan), "baseline must be"),
        (dict(baseline="zero"), "baseline must be"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        attributions(MODELS["regressor"](), X, **options)


def test_what_cannot_be_explained():
    with pytest.raises(TypeError, match=r"For a pipeline, pass model\[-1\]"):
        attributions(make_pipeline(LSTMRegressor()), X)
    with pytest.raises(NotFittedError):
        attributions(LSTMRegressor(), X)
    several = LSTMRegressor(loss="quantile", quantile=[0.1, 0.9], **SMALL).fit(X, TARGET)
    with pytest.raises(ValueError, match="predicts 2 quantiles"):
        attributions(several, X)
    with pytest.raises(ValueError, match=r"target must be one of the classes \[0, 1, 2\]"):
        attributions(MODELS["classes"](), X, target=5)
    for target in (np.array([0, 1]), np.array([1]), [0, 1], "1"):
        with pytest.raises(ValueError, match=r"target must be one of the classes \[0, 1, 2\]"):
            attributions(MODELS["classes"](), X, target=target)
    with pytest.raises(ValueError, match="target must be the number of an output"):
        attributions(MODELS["regressor"](), X, target=np.array([0, 1]))
    with pytest.raises(ValueError, match="step must be an int"):
        attributions(MODELS["steps"](), X, step=0.5)


def test_a_picture():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    display = AttributionDisplay.from_estimator(MODELS["regressor"](), X[0], method="gradient")
    assert display.image_.get_array().shape == X[0].T.shape
    assert len(display.lines_) == 3
    with pytest.raises(ValueError, match="ax has 1 axes, but the display needs 2: signal"):
        display.plot(pyplot.gca())
    pyplot.close("all")

"""X, y and weights in every form, as hypothesis draws them: the twin's numbers, the same bits."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import Problem, drawn
from numpy.testing import assert_allclose, assert_array_equal
from twins.reference import one_output, output

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.preprocessing import from_padded, to_padded
from tests.fuzz.forms import (
    ARRAYS,
    FLOATS,
    ROWS,
    examples,
    frame,
    nets,
    numbers,
    ragged,
    series,
    weights,
)

F = 2
# Of the twin, in float64: what is left of sums in another order. float32 has 7 digits.
TOLERANCE = {"float64": dict(rtol=1e-9, atol=1e-11), "float32": dict(rtol=2e-4, atol=2e-4)}
OBJECTIVES = {
    "squared_error": {},
    "absolute_error": {"loss": "absolute_error"},
    "tanh": {"out_activation": "tanh"},
    "poisson": {"loss": "poisson"},
    "labels": {"loss": "log_loss", "out_activation": "logistic"},
    "classes": {"loss": "log_loss", "out_activation": "softmax"},
}


def fitted(per_step):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(8, 4, F))
    y = X[:, :, 0] if per_step else X[:, -1, 0]
    model = LSTMRegressor(3, max_iter=2, random_state=0, return_sequences=per_step, n_jobs=1)
    return model.fit(X, y)


MODELS = {per_step: fitted(per_step) for per_step in (False, True)}


def flat(predictions):
    return np.concatenate([np.ravel(p) for p in predictions])


# ------------------------------------------------------------------------------------ the twin


@pytest.mark.parametrize("dtype", FLOATS)
@examples(25)
@given(data=st.data())
def test_outputs_and_gradients_are_those_of_the_twin(dtype, data):
    shape = data.draw(nets())
    sequences = data.draw(ragged(shape["n_features"]))
    cell, bias = shape.pop("cell"), shape.pop("bias")
    topology, vector = drawn(shape, cell, bias=bias, seed=3, dtype=dtype)
    per_step = data.draw(st.booleans())
    n = sum(map(len, sequences)) if per_step else len(sequences)
    problem = Problem(
        topology,
        sequences,
        return_sequences=per_step,
        weights=np.array(data.draw(weights(n))),
        alpha=data.draw(st.sampled_from([0.0, 0.1])),
        **OBJECTIVES[data.draw(st.sampled_from(sorted(OBJECTIVES)))],
    )
    kind = data.draw(st.sampled_from(["full", "truncated"]))
    close = TOLERANCE[dtype]
    assert_allclose(problem.output(vector), problem.twin_output(vector), **close)
    loss, gradient = problem.kernel(vector, kind)
    if not problem.sequence_weights.any():
        assert loss is None  # nothing to learn
        return
    double = vector.astype(np.float64)
    size = 1 + np.abs(problem.weights).sum()
    assert abs(loss - problem.twin_loss(double)) <= size * close["atol"] + close["rtol"] * abs(loss)
    directions = np.random.default_rng(0).normal(size=(2, len(vector)))
    directions[:, : topology.n_dense][:, ~topology.trainable] = 0
    slopes = problem.twin_slopes(double, kind, directions)
    found = directions @ gradient.astype(np.float64)
    assert_allclose(found, slopes, rtol=close["rtol"], atol=size * len(vector) * close["atol"])


@pytest.mark.parametrize("per_step", [False, True])
@examples(40)
@given(X=ragged(F, most=9, longest=20))
def test_predictions_are_those_of_the_twin_whatever_the_company(per_step, X):
    model = MODELS[per_step]
    together = model.predict(X)
    run = output if per_step else one_output
    raw = run(model._topology, model.parameters_, X)
    expected = [np.ravel(r) * model.y_scale_ + model.y_mean_ for r in raw]
    assert_allclose(flat(together), flat(expected), rtol=1e-9, atol=1e-11)
    alone = [model.predict([x])[0] for x in X]
    assert_array_equal(flat(together), flat(alone))
    assert_array_equal(flat(model.predict(from_padded(to_padded(X, value=np.nan)))), flat(together))


# ------------------------------------------------------------------------------------ forms of X


@pytest.mark.parametrize("form", [*ARRAYS, "frames"])
@examples(15)
@given(X=ragged(F))
def test_the_form_of_sequences_does_not_change_a_bit(form, X):
    change = frame if form == "frames" else ARRAYS[form]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X has feature names")  # the fit had none
        for model in MODELS.values():
            given_form = model.predict([change(x) for x in X])
            assert_array_equal(flat(given_form), flat(model.predict(X)))


@pytest.mark.parametrize("form", ["Fortran", "float32", "objects", "lists", "read-only"])
@examples(15)
@given(flat_numbers=numbers(3 * 4 * F))
def test_the_form_of_a_cube_does_not_change_a_bit(form, flat_numbers):
    cube = np.array(flat_numbers).reshape(3, 4, F)
    shaped = {
        "Fortran": np.asfortranarray(cube),
        "float32": cube.astype(np.float32),
        "objects": cube.astype(object),
        "lists": cube.tolist(),
        "read-only": ARRAYS["read-only"](cube),
    }[form]
    for model in MODELS.values():
        assert_array_equal(flat(model.predict(shaped)), flat(model.predict(list(cube))))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@examples(20)
@given(data=st.data())
def test_what_is_not_finite_is_refused_by_its_place(bad, data):
    X = [x.copy() for x in data.draw(ragged(F))]
    k = data.draw(st.integers(0, len(X) - 1))
    t, f = data.draw(st.integers(0, len(X[k]) - 1)), data.draw(st.integers(0, F - 1))
    X[k][t, f] = bad
    with pytest.raises(ValueError, match=f"sequence {k}, step {t}, feature {f}"):
        MODELS[False].predict(X)


@pytest.mark.parametrize(
    "X",
    [[], np.empty((0, 3, F)), [np.empty((0, F))], [np.ones((2, F)), np.empty((0, F))], [[]]],
    ids=["list", "cube", "a sequence", "one of two", "a list of nothing"],
)
def test_nothing_is_refused(X):
    for model in MODELS.values():
        with pytest.raises(ValueError):
            model.predict(X)


# ------------------------------------------------------------------------------------ y, weights


def learned(kind, X, y, sample_weight=None):
    model = kind(2, max_iter=2, random_state=0, n_jobs=1, alpha=0.0, batch_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of training that is too short
        return model.fit(X, y, sample_weight).parameters_


def targets(n):
    return st.lists(st.floats(-3, 3, width=16), min_size=n, max_size=n, unique=True)


def ratios(n, *values):
    return st.lists(st.sampled_from(values), min_size=n, max_size=n)


@pytest.mark.parametrize("form", [*ROWS, "series"])
@examples(10)
@given(data=st.data())
def test_the_form_of_targets_and_weights_does_not_change_a_bit(form, data):
    X = data.draw(ragged(F, most=5))
    change = series if form == "series" else ROWS[form]
    y = np.array(data.draw(targets(len(X))))
    w = np.array(
        data.draw(st.lists(st.sampled_from([0.5, 1, 2.0]), min_size=len(X), max_size=len(X)))
    )
    assert_array_equal(
        learned(LSTMRegressor, X, change(y), change(w)), learned(LSTMRegressor, X, y, w)
    )


@pytest.mark.parametrize("form", ["list", "objects", "strings", "booleans", "small integers"])
@examples(10)
@given(data=st.data())
def test_the_type_of_labels_does_not_change_a_bit(form, data):
    X = data.draw(ragged(F, most=5))
    y = np.arange(len(X)) % 2
    if len(X) < 2:
        X, y = [*X, X[0]], np.array([0, 1])
    changed = {
        "list": y.tolist(),
        "objects": y.astype(object),
        "strings": np.array(["a", "b"])[y],
        "booleans": y.astype(bool),
        "small integers": y.astype(np.int8),
    }[form]
    assert_array_equal(learned(LSTMClassifier, X, changed), learned(LSTMClassifier, X, y))


@examples(25)
@given(data=st.data(), power=st.integers(-900, 300))
def test_only_ratios_of_weights_matter(data, power):
    X = data.draw(ragged(F, most=5))
    y = np.array(data.draw(targets(len(X))))
    w = np.array(
        data.draw(st.lists(st.sampled_from([0, 0.5, 1, 2.0]), min_size=len(X), max_size=len(X)))
    )
    w[0] = 1.0
    assert_allclose(
        learned(LSTMRegressor, X, y, np.ldexp(w, power)), learned(LSTMRegressor, X, y, w), rtol=1e-9
    )


@pytest.mark.parametrize("bad", [-1.0, -1e-320, np.nan, np.inf, -np.inf])
@examples(10)
@given(data=st.data())
def test_a_weight_that_is_none_is_refused_and_changes_nothing(bad, data):
    X = data.draw(ragged(F, most=5))
    w = np.ones(len(X))
    w[data.draw(st.integers(0, len(X) - 1))] = bad
    model = MODELS[False]
    before = model.parameters_.copy()
    for method in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match="weight"):
            method(X, np.zeros(len(X)), w)
    assert_array_equal(model.parameters_, before)


@pytest.mark.parametrize("wrong", [-1, 1, 3])
@examples(5)
@given(X=ragged(F, most=5))
def test_lengths_that_do_not_fit_are_refused(wrong, X):
    model = MODELS[False]
    with pytest.raises(ValueError):
        model.partial_fit(X, np.zeros(len(X) + wrong))
    with pytest.raises(ValueError):
        model.partial_fit(X, np.zeros(len(X)), np.ones(len(X) + wrong))

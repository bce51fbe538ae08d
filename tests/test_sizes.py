"""Sizes and numbers no machine can hold are refused by name, before anything is taken for them.

So is True where a number is expected: to Python it is the whole number 1.
"""

import inspect
import re
from dataclasses import dataclass
from functools import partial
from numbers import Real

import numpy as np
import pytest
from sklearn.base import clone

import sklstm.datasets
from sklstm import LSTMClassifier, LSTMRegressor, _memory
from sklstm._sklearn import Interval
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.inspection import error_flow, hidden_states, permutation_importance
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
    from_padded,
    last_window,
    sliding_windows,
    to_padded,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).normal(size=(4, 3, 2))
Y = np.arange(4.0)
SIZES = [2**50, 2**62, 2**63, 2**70, 10**400]
SMALL = {"hidden_layer_sizes": 2, "max_iter": 1, "random_state": 0}
BASELINES = (GuessingRegressor, RecurrentCascadeRegressor, RecurrentRegressor, SequenceChunker)
every_size = pytest.mark.parametrize(
    "size", SIZES, ids=["2**50", "2**62", "2**63", "2**70", "10**400"]
)


# ----------------------------------------------------------------------------------- networks


@every_size
@pytest.mark.parametrize("name", ["hidden_layer_sizes", "block_size", "(2, size)"])
def test_a_network_that_no_memory_holds(name, size):
    given = {"hidden_layer_sizes": (2, size)} if name == "(2, size)" else {name: size}
    message = (
        rf"{next(iter(given))}=.* GiB for training: there is not enough memory. Make it smaller"
    )
    with pytest.raises(MemoryError, match=message):
        LSTMRegressor(**SMALL | given).fit(X, Y)


@every_size
@pytest.mark.parametrize("name", ["n_features", "n_outputs"])
@pytest.mark.parametrize(
    "model",
    [LSTMRegressor(2), LSTMClassifier(2), RecurrentRegressor(2)],
    ids=lambda m: type(m).__name__,
)
def test_initialize_without_memory(model, name, size):
    given = {"n_features": 2, "n_outputs": 1} | {name: size}
    if isinstance(model, LSTMClassifier):
        given["classes"] = [0, 1] if name == "n_features" else None
    before = dict(vars(model))
    with pytest.raises(MemoryError, match=rf"^{name}={size} needs .* GiB: .*Make it smaller"):
        model.initialize(**given)
    assert vars(model) == before


@every_size
@pytest.mark.parametrize("kind", [GuessingRegressor, RecurrentRegressor, SequenceChunker])
def test_a_baseline_that_no_memory_holds(kind, size):
    message = rf"A net of .* weights \(n_hidden={size}, .*\) needs .* GiB: .*Make it smaller"
    with pytest.raises(MemoryError, match=message):
        kind(n_hidden=size, max_iter=1).fit(X, Y)


@every_size
def test_limits_that_are_never_reached_may_be_of_any_size(size):
    for name in ("batch_size", "n_iter_no_change", "n_jobs"):
        LSTMRegressor(**SMALL | {name: size}).fit(X, Y)
    SequenceChunker(n_steps=size, max_iter=1, random_state=0).fit(X, Y)
    RecurrentCascadeRegressor(output_patience=size, max_iter=1, random_state=0).fit(X, Y)


@pytest.mark.parametrize("kind", BASELINES)
def test_a_range_that_cannot_be_drawn_from(kind):
    for value in (1e308, 10**400):
        with pytest.raises(ValueError, match=r"'init_range' parameter of .* must be a float in"):
            kind(init_range=value, max_iter=1).fit(X, Y)
    model = kind(init_range=8e307, max_iter=1, random_state=0)
    with np.errstate(all="ignore"):
        assert np.isfinite(model.initialize(2).parameters_).all()


# ----------------------------------------------------------------------------------- functions


@every_size
def test_functions_without_memory(size):
    model = LSTMRegressor(**SMALL).fit(X, Y)
    with pytest.raises(MemoryError, match=r"^length=.* needs .* GiB: .*smaller length"):
        to_padded(X, length=size)
    with pytest.raises(MemoryError, match=r"^n_repeats=.* needs .* GiB: .*less often"):
        permutation_importance(model, X, Y, n_repeats=size)


GENERATORS = {
    name: getattr(sklstm.datasets, name)
    for name in sklstm.datasets.__all__
    if name.startswith("make_")
}


@every_size
@pytest.mark.parametrize("name", GENERATORS)
def test_sequences_that_no_memory_holds_are_not_drawn(name, size):
    draw = GENERATORS[name]
    sizes = {"n_samples", "length", "lag"} & set(inspect.signature(draw).parameters)
    for argument in sizes:
        message = rf"^{name}\(.*{argument}=.*\) needs .* GiB: .*Draw less at a time"
        with pytest.raises(MemoryError, match=message):
            draw(**{argument: size})


def test_distractors_that_no_memory_holds():
    draw = GENERATORS["make_long_lag"]
    for n in (2**50, 2**62):
        with pytest.raises(MemoryError, match=r"GiB, which do not fit into memory"):
            draw(2, n_distractors=n)
    for n in (2**63, 10**400):
        with pytest.raises(ValueError, match="'n_distractors' parameter of make_long_lag must be"):
            draw(2, n_distractors=n)


def test_sizes_in_words():
    assert _memory.about(1234) == "1.23e+03" and _memory.about(10**400) == "1e+400"
    assert _memory.gib(3 * 2**29) == "1.5" and _memory.gib(10**400 * 2**30) == "1e+400"
    assert _memory.fits(1) and not _memory.fits(2**63)


# ---------------------------------------------------------------------------------------- bools


@dataclass(frozen=True)
class Number:
    """A parameter that takes a number."""

    estimator: object
    name: str

    def __str__(self):
        return f"{type(self.estimator).__name__}.{self.name}"


ESTIMATORS = [
    LSTMClassifier(**SMALL),
    LSTMRegressor(**SMALL),
    *(kind(max_iter=1) for kind in BASELINES),
    SequenceScaler(),
    SequenceImputer(),
    SequenceContext(),
    SequenceDifferences(),
    SequenceEncoder(),
]
NUMBERS = [
    Number(estimator, name)
    for estimator in ESTIMATORS
    for name, constraints in type(estimator)._parameter_constraints.items()
    if constraints != "no_validation" and any(type(c).__name__ == "Interval" for c in constraints)
]


def fit(estimator):
    y = Y if hasattr(estimator, "predict") else None
    return estimator.fit(X, [0, 1, 0, 1] if isinstance(estimator, LSTMClassifier) else y)


@pytest.mark.parametrize("number", NUMBERS, ids=str)
@pytest.mark.parametrize("value", [True, False, np.True_])
def test_true_is_no_number(number, value):
    estimator = clone(number.estimator).set_params(**{number.name: value})
    with pytest.raises(ValueError, match=f"The '{number.name}' parameter of .* must be"):
        fit(estimator)


def test_every_interval_is_one_of_ours():
    assert len(NUMBERS) > 80
    for number in NUMBERS:
        for constraint in type(number.estimator)._parameter_constraints[number.name]:
            if type(constraint).__name__ == "Interval":
                assert isinstance(constraint, Interval), str(number)


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_a_number_beyond_float64_is_named(number):
    constraints = type(number.estimator)._parameter_constraints[number.name]
    intervals = [c for c in constraints if isinstance(c, Interval)]
    if all(interval.type is Real for interval in intervals):
        for value in (10**400, -(10**400)):
            estimator = clone(number.estimator).set_params(**{number.name: value})
            with pytest.raises(ValueError, match=f"The '{number.name}' parameter of .* must be"):
                fit(estimator)


@pytest.mark.parametrize("draw", GENERATORS.values(), ids=GENERATORS)
def test_true_is_no_number_of_sequences(draw):
    with pytest.raises(ValueError, match=r"'n_samples' parameter of .* must be an int"):
        draw(True)


def test_true_is_no_number_in_functions():
    model = LSTMRegressor(**SMALL).fit(X, Y)
    line = np.arange(8.0)
    for call, name in (
        (partial(sliding_windows, line), "width"),
        (partial(sliding_windows, line, 2), "step"),
        (partial(sliding_windows, line, 2), "horizon"),
        (partial(last_window, line), "width"),
        (partial(last_window, line, 2), "horizon"),
        (partial(to_padded, X), "length"),
        (partial(permutation_importance, model, X, Y), "n_repeats"),
        (partial(permutation_importance, model, X, Y, by="step"), "width"),
        (partial(hidden_states, model, X[0]), "layer"),
        (partial(error_flow, model, X), "layer"),
        (model.initialize, "n_features"),
    ):
        with pytest.raises((ValueError, TypeError), match=rf"\b{name}\b"):
            call(**{name: True})


def test_flags_are_flags():
    for function in (to_padded, from_padded):
        for name in ("channels_first", "allow_nan"):
            for value in (1, "no", None, np.array([1, 0])):
                message = re.escape(f"{name} must be True or False")
                with pytest.raises(ValueError, match=message):
                    function(X, **{name: value})


@pytest.mark.parametrize("layer", [None, "x", 0.0, [0], np.array([0, 1]), 1, -2, 10**400])
def test_a_layer_that_is_none(layer):
    model = LSTMRegressor(**SMALL).fit(X, Y)
    for function, given in ((hidden_states, X[0]), (error_flow, X)):
        with pytest.raises(ValueError, match="does not exist: the estimator has 1 layers_"):
            function(model, given, layer=layer)

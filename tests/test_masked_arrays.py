"""A masked entry is a missing one, wherever arrays are taken: what lies under a mask is never read.

Where NaN is refused a masked entry is refused by name, where NaN is allowed it counts as NaN. A
masked array without a masked entry is an array like any other.
"""

import copy

import joblib
import numpy as np
import pytest
from bad_values import object_array
from test_bad_values import Door, every_door_of_arrays, refused, said

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.datasets import reber_successors
from sklstm.export import load_state_dict, state_dict
from sklstm.inspection import permutation_importance
from sklstm.metrics import flatten_steps
from sklstm.preprocessing import to_long

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:y is far from the values"),
    pytest.mark.filterwarnings("ignore:X_val is far from X"),
]

SMALL = {"hidden_layer_sizes": 2, "max_iter": 1, "random_state": 0}


def masked(shape, at, dtype=float, masks=True):
    """Ones, one of them under a mask."""
    mask = np.zeros(shape, bool)
    mask[at] = masks
    return np.ma.array(np.ones(shape, dtype), mask=mask)


def listed(shape, at):
    """A list of arrays, one of them masked."""
    items = [np.ones(shape[1:]) for _ in range(shape[0])]
    items[at[0]] = masked(shape[1:], at[1:])
    return items


def all_masked(shape, at):
    """A list of masked arrays, one of them with a mask that hides something."""
    return list(map(np.ma.array, listed(shape, at)))


def in_objects(shape, at):
    """A 1-D object array of arrays, one of them masked."""
    array = np.empty(shape[0], object)
    for k, item in enumerate(listed(shape, at)):
        array[k] = item
    return array


def rows(shape, at):
    """Nested lists down to the last axis; the rows there are arrays, one of them masked."""
    if len(shape) == 1:
        return masked(shape, at)
    return [
        rows(shape[1:], at[1:]) if k == at[0] else np.ones(shape[1:]).tolist()
        for k in range(shape[0])
    ]


def constants(shape, at):
    """Nested lists of numbers, one of which is ``np.ma.masked``."""
    if not shape:
        return np.ma.masked
    return [
        constants(shape[1:], at[1:]) if k == at[0] else np.ones(shape[1:]).tolist()
        for k in range(shape[0])
    ]


def forms(door: Door):
    for dtype in (float, np.float32, int, bool, object):
        yield masked(door.shape, door.at, dtype)
    hard = masked(door.shape, door.at)
    hard.harden_mask()
    yield hard
    yield rows(door.shape, door.at)
    yield constants(door.shape, door.at)
    if len(door.shape) > 1:
        yield listed(door.shape, door.at)
        yield tuple(listed(door.shape, door.at))
        yield all_masked(door.shape, door.at)
        if object_array in door.forms:
            yield in_objects(door.shape, door.at)


def outcome(door, argument):
    model = copy.deepcopy(door.model())
    return door.call(model, argument), model


@every_door_of_arrays
def test_a_masked_entry_is_refused_by_name_or_counts_as_missing(door):
    for argument in forms(door):
        if door.missing != "allowed":
            refused(door, argument, said(door, "NaN|mask"))
            continue
        missing = np.ones(door.shape)
        missing[door.at] = np.nan
        if isinstance(argument, list):
            missing = list(missing)
        elif isinstance(argument, tuple):
            missing = tuple(missing)
        elif type(argument) is np.ndarray:  # of objects
            missing = in_objects(door.shape, door.at)
            missing[door.at[0]] = np.ma.filled(missing[door.at[0]], np.nan)
        elif argument.dtype == np.float32:
            missing = missing.astype(np.float32)
        assert joblib.hash(outcome(door, argument)) == joblib.hash(outcome(door, missing))


@every_door_of_arrays
def test_a_masked_array_without_masked_entries_is_an_array(door):
    plain = np.ones(door.shape)
    unmasked = masked(door.shape, door.at, masks=False)
    assert joblib.hash(outcome(door, unmasked)) == joblib.hash(outcome(door, plain))


# ------------------------------------------------------------------- what is no door of numbers

N = 8
X = np.random.default_rng(0).normal(size=(N, 3, 2))
Y, LABELS, STEPS = np.arange(float(N)), np.arange(N) % 2, np.arange(3.0 * N).reshape(N, 3)


def hiding(array, at):
    array = np.ma.array(array)
    array[at] = np.ma.masked
    return array


def test_groups_of_validation():
    model = LSTMRegressor(**SMALL, early_stopping=True)
    groups = hiding(np.arange(N) // 2, 3)
    with pytest.raises(ValueError, match="validation_groups must contain one group per sequence"):
        model.fit(X, Y, validation_groups=groups)
    model.fit(X, Y, validation_groups=np.ma.array(np.arange(N) // 2))


@pytest.mark.parametrize("labels", [LABELS, LABELS.astype(str), LABELS.astype(bool)])
def test_labels(labels):
    with pytest.raises(ValueError, match=r"y contains NaN, infinity or None: sequence 3"):
        LSTMClassifier(**SMALL).fit(X, hiding(labels, 3))
    per_step = np.repeat(labels[:, None], 3, axis=1)
    model = LSTMClassifier(**SMALL, return_sequences=True)
    with pytest.raises(ValueError, match="sequence 3, step 1"):
        model.fit(X, hiding(per_step, (3, 1)))
    with pytest.raises(ValueError, match="without NaN"):
        LSTMClassifier(**SMALL).partial_fit(X, labels, classes=hiding(np.unique(labels), 1))


def test_permutation_importance_by_any_score():
    model = LSTMRegressor(**SMALL).fit(X, Y)
    for scoring in (None, "r2"):
        with pytest.raises(ValueError, match="contains NaN"):
            permutation_importance(model, X, hiding(Y, 3), scoring=scoring)
        with pytest.raises(ValueError, match="contains NaN"):
            weights = hiding(np.ones(N), 3)
            permutation_importance(model, X, Y, scoring=scoring, sample_weight=weights)


def test_targets_of_metrics_are_no_targets():
    wanted = flatten_steps(STEPS[1:], STEPS[1:])
    hidden = hiding(STEPS, 0)
    for y in (hidden, list(hidden), [[np.ma.masked] * 3, *STEPS[1:].tolist()]):
        for got, expected in zip(flatten_steps(y, STEPS), wanted, strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("integers", [False, True])
def test_long_tables_hold_nan(integers):
    values = np.arange(12).reshape(2, 3, 2)
    hidden = hiding(values if integers else values.astype(float), (1, 2, 0))
    for given in (hidden, list(hidden), [values[0], hidden[1]]):
        table = to_long(given)
        assert np.isnan(table["x0"].iloc[5]) and table.isna().to_numpy().sum() == 1


def test_strings_of_the_reber_grammar():
    with pytest.raises(ValueError, match="Sequence 0 of X does not hold symbols"):
        reber_successors([hiding(np.arange(3), 2)])


def test_weights_of_other_libraries():
    model = LSTMRegressor(2, bias="all", cell="forget", random_state=0).fit(X, Y)
    state = state_dict(model)
    name = next(iter(state))
    state[name] = hiding(state[name], (0, 0))
    with pytest.raises(ValueError, match=f"'{name}' has values that are not finite"):
        load_state_dict(model, state)

"""Every door that reads a number reads it by the same law, in every container.

What is no number raises a ValueError or TypeError that names the argument, the place and what is
there, and the estimator is byte by byte what it was.
"""

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from operator import attrgetter
from typing import Any

import joblib
import numpy as np
import pytest
from bad_values import (
    DTYPES,
    INFINITE,
    MISSING,
    NESTED,
    NO_CONTAINERS,
    NO_NUMBERS,
    NUMBERS,
    SEVERAL,
    bare,
    framed,
    listed,
    nested,
    object_array,
    objects,
    series,
    tupled,
)
from sklearn.pipeline import make_pipeline

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.compose import RelativeRegressor
from sklstm.inspection import (
    error_flow,
    hidden_states,
    permutation_importance,
    plain_error_flow,
)
from sklstm.metrics import flatten_steps, make_step_scorer
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
    from_long,
    from_padded,
    last_window,
    sliding_windows,
    to_padded,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:y is far from the values"),  # most of them are 1
]

N = 4
X = np.random.default_rng(0).normal(size=(N, 3, 2))
TABLE = X.reshape(N, -1)
Y = np.arange(float(N))
LABELS = [0, 1, 0, 1]
STEPS = np.arange(3.0 * N).reshape(N, 3)
SMALL = {"hidden_layer_sizes": 2, "max_iter": 1, "random_state": 0, "n_jobs": 1}
BASELINES = (GuessingRegressor, RecurrentCascadeRegressor, RecurrentRegressor, SequenceChunker)


# --------------------------------------------------------------------------------------- models


def regressor(y=Y, X=X, **settings):
    return cache(lambda: LSTMRegressor(**SMALL | settings).fit(X, y))


def classifier(y=LABELS, **settings):
    return cache(lambda: LSTMClassifier(**SMALL | settings).fit(X, y))


def stream(fitted):
    @cache
    def made():
        stream = fitted().stream()
        stream.step(X[0, 0])
        return stream

    return made


CODES = np.concatenate([X[:, :, :1], np.arange(3.0 * N).reshape(N, 3, 1) % 4], axis=2)
OF_CATEGORIES = regressor(X=CODES, categorical_features=[1])
ONE, TWO = regressor(), regressor(np.column_stack([Y, -Y]))
OF_STEPS = regressor(STEPS, return_sequences=True)
TWO_OF_STEPS = regressor(np.stack([STEPS, -STEPS], axis=2), return_sequences=True)
OF_TABLE = regressor(X=TABLE, features_per_step=2)
STOPPING = cache(lambda: LSTMRegressor(**SMALL, early_stopping=True).fit(X, Y, X_val=X, y_val=Y))
OF_LABELS, OF_LABELS_OF_STEPS = classifier(), classifier(STEPS % 2, return_sequences=True)
OF_THREE, OF_INDICATOR = classifier([0, 1, 2, 1]), classifier(np.eye(N, 2, dtype=int))
SCALER = cache(lambda: SequenceScaler().fit(X))
SCALER_OF_TABLE = cache(lambda: SequenceScaler(features_per_step=2).fit(TABLE))


FEATURES = (SequenceDifferences, SequenceContext, SequenceImputer)


def features(kind, X=X, **settings):
    return cache(lambda: kind(**settings).fit(X))


IMPUTER = features(SequenceImputer)


def stepped(stream):
    stream.step(X[0, 0])
    return stream


@cache
def stream_of_pipeline():
    model = make_pipeline(SequenceDifferences(), SequenceScaler(), LSTMRegressor(**SMALL))
    return stepped(sklstm.stream(model.fit(X, Y)))


@cache
def stream_with_imputer():
    model = make_pipeline(SequenceScaler(), SequenceImputer(), LSTMRegressor(**SMALL))
    return stepped(sklstm.stream(model.fit(X, Y)))


@cache
def stream_of_differences():
    return stepped(SequenceDifferences().fit(X).stream())


@cache
def stream_of_imputer():
    return stepped(SequenceImputer().fit(X).stream())


def relative(y, **settings):
    inner = LSTMRegressor(**SMALL | settings)
    data = {"X_val": X, "y_val": y} if inner.early_stopping else {}
    return cache(lambda: RelativeRegressor(inner, columns=0).fit(X, y, **data))


RELATIVE, RELATIVE_STEPS = relative(Y), relative(STEPS, return_sequences=True)
RELATIVE_STOPPING = relative(Y, early_stopping=True)


def baseline(kind):
    return cache(lambda: kind(max_iter=1, random_state=0).fit(X, Y))


# ---------------------------------------------------------------------------------------- doors

GIVEN = object()  # stands for the argument in a call


@dataclass(frozen=True)
class Door:
    """One argument of one function or method, and the place where the value stands in it."""

    name: str
    call: Callable[[Any, Any], Any]  # of a model and the argument
    model: Callable[[], Any] = lambda: None
    argument: str = "X"
    shape: tuple = (N, 3, 2)
    at: tuple = (1, 2, 1)
    place: str = "sequence 1, step 2"
    forms: tuple = (objects,)
    missing: str = "refused"  # or "allowed", or only None is, as the "default"
    infinity: str = "refused"  # or "kept", by what only moves numbers
    bools: str = "allowed"
    wording: str = "what is there"  # or "must be": one text for all that is wrong, with the value
    reads: str = "numbers"  # or "labels", which are not every number


def calls(method, *args, **kwargs):
    """A call of a method."""

    def call(model, argument):
        def put(value):
            return argument if value is GIVEN else value

        return getattr(model, method)(
            *map(put, args), **{name: put(value) for name, value in kwargs.items()}
        )

    return call


SEQUENCES = (objects, nested, listed, tupled, object_array, framed)
TABLES = (objects, nested, listed, framed)
ROWS = (objects, nested, framed)
PER_SEQUENCE = {"shape": (N,), "at": (2,), "place": "sequence 2", "forms": ROWS}
PER_STEP = {"shape": (N, 3), "at": (2, 1), "place": "sequence 2, step 1"}
PAIR = {"shape": (2,), "at": (1,), "place": "", "forms": (objects, nested), "wording": "must be"}
NUMBER = {"shape": (), "at": (), "place": "", "forms": (bare,), "wording": "must be"}


def doors_of_x():
    for method in ("fit", "partial_fit", "score"):
        yield Door(f"X of {method}", calls(method, GIVEN, Y), ONE, forms=(listed,))
    yield Door("X of fit, any form", calls("fit", GIVEN, Y), ONE, forms=SEQUENCES)
    yield Door("X of predict", calls("predict", GIVEN), ONE, forms=SEQUENCES)
    yield Door("X of a first fit", calls("fit", GIVEN, Y), lambda: LSTMRegressor(**SMALL))
    yield Door("X of fit, labels", calls("fit", GIVEN, LABELS), OF_LABELS)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        yield Door(f"X of {method}, labels", calls(method, GIVEN), OF_LABELS)
    table = {"shape": (N, 6), "at": (1, 5), "forms": TABLES}
    yield Door("table of fit", calls("fit", GIVEN, Y), OF_TABLE, **table)
    yield Door("table of predict", calls("predict", GIVEN), OF_TABLE, **table)
    yield Door(
        "X_val",
        calls("fit", X, Y, X_val=GIVEN, y_val=Y),
        STOPPING,
        argument="X_val",
        forms=(objects, listed),
    )
    for method, y in (("fit", (Y,)), ("partial_fit", (Y,)), ("predict", ())):
        call, name = calls(method, GIVEN, *y), f"X of {method}, categories"
        given = {"forms": SEQUENCES, "missing": "allowed", "reads": "labels"}
        yield Door(name, call, OF_CATEGORIES, **given)
    for kind in BASELINES:
        yield Door(f"X of fit, {kind.__name__}", calls("fit", GIVEN, Y), baseline(kind))
        yield Door(f"X of predict, {kind.__name__}", calls("predict", GIVEN), baseline(kind))
    for method in ("fit", "partial_fit", "transform", "inverse_transform"):
        call, missing = calls(method, GIVEN), {"missing": "allowed"}
        yield Door(f"X of {method}, scaler", call, SCALER, **missing)
        yield Door(f"table of {method}, scaler", call, SCALER_OF_TABLE, **table, **missing)
    for kind in FEATURES:
        fitted, of_table = features(kind), features(kind, TABLE, features_per_step=2)
        for method, forms in (("fit", (objects,)), ("transform", SEQUENCES)):
            call, name = calls(method, GIVEN), f"{method}, {kind.__name__}"
            yield Door(f"X of {name}", call, fitted, forms=forms, missing="allowed")
            yield Door(f"table of {name}", call, of_table, **table, missing="allowed")
    for method in ("fit", "partial_fit", "score"):
        yield Door(f"X of {method}, relative", calls(method, GIVEN, Y), RELATIVE)
    yield Door("X of predict, relative", calls("predict", GIVEN), RELATIVE, forms=SEQUENCES)
    call = calls("fit", X, Y, X_val=GIVEN, y_val=Y)
    yield Door("X_val, relative", call, RELATIVE_STOPPING, argument="X_val")
    yield Door("X of error_flow", error_flow, ONE)
    call = partial(permutation_importance, y=Y, random_state=0)
    yield Door("X of permutation_importance", call, ONE, forms=SEQUENCES)
    step = {"shape": (3, 2), "at": (2, 1), "place": "step 2"}
    yield Door("X of hidden_states", hidden_states, ONE, **step)
    yield Door("X of to_padded", lambda _, X: to_padded(X), forms=SEQUENCES)


def doors_of_plain_nets():
    for name, shape, at in (("recurrent", (2, 2), (1, 1)), ("drive", (3, 5, 2), (1, 2, 1))):

        def call(_, value, name=name):
            arguments = {"recurrent": np.ones((2, 2)), "drive": np.ones((3, 5, 2))}
            return plain_error_flow(**arguments | {name: value})

        where = {"shape": shape, "at": at, "place": re.escape(f"index {at}") + "|row 1"}
        yield Door(name, call, argument=name, **where, forms=(objects, nested))
    where = {"shape": (5, 2), "at": (2, 1), "place": r"index \(2, 1\)|row 2"}
    yield Door("drive of one", call, argument="drive", **where, forms=TABLES)


def doors_of_y():
    steps = PER_STEP | {"missing": "allowed"}
    for method in ("fit", "partial_fit", "score"):
        call = calls(method, X, GIVEN)
        yield Door(f"y of {method}", call, ONE, "y", **PER_SEQUENCE)
        pairs = PER_SEQUENCE | {"shape": (N, 2), "at": (2, 1), "forms": TABLES}
        yield Door(f"outputs of {method}", call, TWO, "y", **pairs)
        every = (*TABLES, series, object_array)
        yield Door(f"steps of {method}", call, OF_STEPS, "y", **steps, forms=every)
        pairs = steps | {"shape": (N, 3, 2), "at": (2, 1, 1), "forms": TABLES}
        yield Door(f"outputs of steps of {method}", call, TWO_OF_STEPS, "y", **pairs)
        yield Door(f"y of {method}, relative", call, RELATIVE, "y", **PER_SEQUENCE)
        yield Door(f"steps of {method}, relative", call, RELATIVE_STEPS, "y", **steps, forms=every)
    for kind in BASELINES:
        name = f"y of fit, {kind.__name__}"
        yield Door(name, calls("fit", X, GIVEN), baseline(kind), "y", **PER_SEQUENCE)
    call = calls("fit", X, Y, X_val=X, y_val=GIVEN)
    yield Door("y_val", call, STOPPING, "y_val", **PER_SEQUENCE)
    yield Door("y_val, relative", call, RELATIVE_STOPPING, "y_val", **PER_SEQUENCE)


def doors_of_weights():
    def both(name, call, fitted):
        """Weights of sequences, and of steps if there is one for each."""
        yield Door(f"weights of {name}", call, fitted, "sample_weight", **PER_SEQUENCE)
        if fitted in (OF_STEPS, OF_LABELS_OF_STEPS):
            forms = (objects, nested, listed, series, object_array)
            name = f"weights of steps of {name}"
            yield Door(name, call, fitted, "sample_weight", **PER_STEP, forms=forms)

    for method in ("fit", "partial_fit", "score"):
        for fitted, y, name in (
            (ONE, Y, "numbers"),
            (OF_STEPS, STEPS, "numbers per step"),
            (OF_LABELS, LABELS, "labels"),
            (OF_LABELS_OF_STEPS, STEPS % 2, "labels per step"),
        ):
            call = calls(method, X, y, sample_weight=GIVEN)
            yield from both(f"{method}, {name}", call, fitted)
        call = calls(method, X, Y, sample_weight=GIVEN)
        yield Door(
            f"weights of {method}, relative", call, RELATIVE, "sample_weight", **PER_SEQUENCE
        )
    for kind in BASELINES:
        yield from both(f"fit, {kind.__name__}", calls("fit", X, Y, GIVEN), baseline(kind))
    for method in ("fit", "partial_fit"):
        yield from both(f"{method}, scaler", calls(method, X, sample_weight=GIVEN), SCALER)
    yield from both("fit, imputer", calls("fit", X, sample_weight=GIVEN), IMPUTER)
    yield from both("flatten_steps", lambda _, w: flatten_steps(STEPS, STEPS, w), OF_STEPS)
    scorer = make_step_scorer("r2")
    yield from both("a scorer", lambda m, w: scorer(m, X, STEPS, sample_weight=w), OF_STEPS)
    call = calls("fit", X, Y, X_val=X, y_val=Y, sample_weight_val=GIVEN)
    yield Door("sample_weight_val", call, STOPPING, "sample_weight_val", **PER_SEQUENCE)


def doors_of_streams():
    place = {"place": "feature 1", "wording": "what is there", "forms": ROWS}
    yield Door("x of step", calls("step", GIVEN), stream(ONE), "x", **PAIR | place)
    for made, missing in (
        (stream_of_pipeline, "refused"),
        (stream_with_imputer, "allowed"),
        (stream_of_differences, "allowed"),
        (stream_of_imputer, "allowed"),
    ):
        given = PAIR | place | {"missing": missing}
        yield Door(f"x of step, {made.__name__}", calls("step", GIVEN), made, "x", **given)
    yield Door("y of learn", calls("learn", GIVEN), stream(ONE), "y", **NUMBER)
    yield Door("outputs of learn", calls("learn", GIVEN), stream(TWO), "y", **PAIR)
    call = calls("learn", 1.0, GIVEN)
    yield Door("weight of learn", call, stream(ONE), "sample_weight", **NUMBER)
    for fitted, name in ((OF_LABELS, "label"), (OF_THREE, "label of three")):
        call = calls("learn", GIVEN)
        yield Door(f"{name} of learn", call, stream(fitted), "y", **NUMBER, reads="labels")
    call = calls("learn", GIVEN)
    yield Door("indicator of learn", call, stream(OF_INDICATOR), "y", **PAIR, reads="labels")


def doors_of_settings():
    for name in ("y_mean", "y_scale"):
        call = calls("initialize", 2, **{name: GIVEN})
        yield Door(name, call, ONE, name, **NUMBER, missing="default")
        call = calls("initialize", 2, n_outputs=2, **{name: GIVEN})
        yield Door(f"{name} of outputs", call, ONE, name, **PAIR)
    name = "expected_length"
    call = calls("initialize", 2, **{name: GIVEN})
    yield Door(name, call, ONE, name, **NUMBER, missing="default", bools="refused")
    for name, key in (("class_weight", 1), ("gate_bias", "input")):

        def fit(_, value, name=name, key=key):
            model = LSTMClassifier(3, **{name: {key: value}}, max_iter=1, random_state=0)
            return model.fit(X, LABELS).parameters_

        yield Door(name, fit, argument=name, **NUMBER)


def doors_of_preprocessing():
    kept = {"infinity": "kept"}
    place = r"index \(1, 2, 1\)|Sequence 1 .*step 2"
    yield Door("X of from_padded", lambda _, X: from_padded(X, value=0), place=place, **kept)
    line = {"shape": (8,), "at": (2,), "place": r"\b2\b", "forms": ROWS} | kept
    table = line | {"shape": (8, 2), "at": (2, 1), "forms": TABLES}
    for name, call in (
        ("sliding_windows", lambda _, series: sliding_windows(series, 2)),
        ("last_window", lambda _, series: last_window(series, 7)),
    ):
        yield Door(f"series of {name}", call, argument="series", **line)
        yield Door(f"columns of {name}", call, argument="series", **table)

    def ahead(_, future):
        return last_window(np.ones((5, 2)), 3, [1, 2, 3], known_future=1, future=future)

    yield Door("future", ahead, argument="future", **line | {"shape": (3,)})
    moved = {"forms": (framed,), "missing": "allowed"} | kept
    yield Door(
        "df of from_long",
        lambda _, df: from_long(df.assign(id=[0, 0, 1, 1]), id="id"),
        argument="df",
        shape=(N, 2),
        at=(2, 1),
        place="column 1, row 2",
        **moved,
    )


DOORS = [
    *doors_of_x(),
    *doors_of_plain_nets(),
    *doors_of_y(),
    *doors_of_weights(),
    *doors_of_streams(),
    *doors_of_settings(),
    *doors_of_preprocessing(),
]
NAME = attrgetter("name")
CASES = [
    pytest.param(door, form, id=f"{door.name}-{form.__name__}")
    for door in DOORS
    for form in door.forms
]
every_door_and_form = pytest.mark.parametrize("door, form", CASES)
# A fit takes its time and reads as score does: numbers go to it in one form.
every_door_of_numbers_and_some_forms = pytest.mark.parametrize(
    "door, form",
    [
        case
        for case in CASES
        if case.values[0].reads == "numbers"
        and ("fit" not in case.id or case.values[1] is case.values[0].forms[0])
    ],
)
every_door_of_arrays = pytest.mark.parametrize(
    "door", [door for door in DOORS if objects in door.forms], ids=NAME
)


# ----------------------------------------------------------------------------------------- laws


def refused(door, argument, *messages):
    """``argument`` raises an error that says what it has to, and changes nothing."""
    model = door.model()
    before = pickle.dumps(model)
    with pytest.raises((ValueError, TypeError)) as error:
        door.call(model, argument)
    text = str(error.value)
    for message in (rf"\b{door.argument}\b", *messages):
        assert re.search(message, text), f"{text!r} does not say {message!r}"
    assert pickle.dumps(model) == before


def said(door, message):
    return message if door.wording == "what is there" else "must (be|hold|contain)"


@every_door_and_form
def test_what_is_no_number_is_named_with_its_place(door, form):
    for value, message in NO_NUMBERS.values():
        refused(door, form(door.shape, door.at, value), door.place, said(door, message))


@every_door_and_form
def test_several_numbers_in_the_place_of_one_are_refused(door, form):
    for value in SEVERAL.values():
        if form is not bare or len(value) != 1:  # one in a row is one
            refused(door, form(door.shape, door.at, value), f"{said(door, NESTED)}|{NESTED}")


@every_door_and_form
def test_infinity_and_what_no_float_can_hold_is_named_with_its_place(door, form):
    for value in INFINITE.values():
        argument = form(door.shape, door.at, value)
        if door.infinity == "refused":
            refused(door, argument, door.place, said(door, "infinity"))
        else:
            door.call(door.model(), argument)


@every_door_and_form
def test_a_missing_number_is_named_with_its_place_or_allowed(door, form):
    for value in MISSING.values():
        argument = form(door.shape, door.at, value)
        if door.missing == "allowed" or (door.missing == "default" and value is None):
            door.call(copy.deepcopy(door.model()), argument)
        else:
            refused(door, argument, door.place, said(door, "NaN"))


@pytest.mark.filterwarnings("ignore:X_val is far")
@every_door_of_numbers_and_some_forms
def test_a_number_is_read_whatever_its_type(door, form):
    def outcome(value):
        model = copy.deepcopy(door.model())
        return joblib.hash([door.call(model, form(door.shape, door.at, value)), model])

    as_floats = cache(outcome)
    for value, number in NUMBERS.values():
        if door.bools == "allowed" or not isinstance(value, (bool, np.bool_)):
            assert outcome(value) == as_floats(number), value


@every_door_of_arrays
def test_arrays_of_other_types_are_refused(door):
    for dtype, message in DTYPES.values():
        refused(door, np.zeros(door.shape).astype(dtype), said(door, message))


@pytest.mark.parametrize("door", [door for door in DOORS if listed in door.forms], ids=NAME)
def test_an_array_of_another_type_in_a_list_is_named_with_its_sequence(door):
    k = door.at[0]
    for dtype, message in DTYPES.values():
        items = [np.ones(door.shape[1:]) for _ in range(door.shape[0])]
        items[k] = np.zeros(door.shape[1:]).astype(dtype)
        refused(
            door, items, rf"sequence {k}|index \({k}, 0", f"{message}|mixes|has shape|in one cell"
        )


@pytest.mark.parametrize("door", [door for door in DOORS if "weight" in door.name], ids=NAME)
def test_a_negative_weight_is_named_with_its_place(door):
    for form in door.forms:
        for value in (-1, -1e-300, -np.inf):
            argument = form(door.shape, door.at, value)
            refused(door, argument, door.place, said(door, "Negative|infinity"))


@every_door_of_arrays
def test_what_holds_no_rows_in_order_is_refused(door):
    for thing in NO_CONTAINERS.values():
        refused(door, thing)

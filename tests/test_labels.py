"""Labels: what may be one, what classes they make, and errors that name them and their place."""

import datetime
import enum
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes, sequences
from rows import N_STEPS, by_step, ragged
from sklearn.utils.class_weight import compute_class_weight

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._labels import (
    class_factors,
    encode_classes,
    learn_classes,
    named_classes,
    read_labels,
)
from sklstm._sequences import object_array

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def small(kind=LSTMClassifier, **kwargs):
    return kind(**{"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0} | kwargs)


@pytest.mark.parametrize(
    "names", [[0, 1], [5, 7], ["no", "yes"], [False, True], [-1.0, 1.0]], ids=str
)
@pytest.mark.parametrize("dtype", [None, object])
def test_labels_of_any_type_become_numbers_of_sorted_classes(names, dtype):
    y = np.array(names * 3, dtype=None if isinstance(names[0], (float, int)) else dtype)
    rows, weights = ragged(False), np.ones(6)
    labels = read_labels(y, weights, rows)
    classes, multilabel = learn_classes(labels, weights, rows)
    assert classes.tolist() == names and not multilabel
    assert_array_equal(encode_classes(labels, classes, weights, rows, "y"), [0, 1] * 3)


def test_an_indicator_of_several_labels_is_multilabel():
    y = np.array([[0, 1, 1]] * 6)
    classes, multilabel = learn_classes(y, np.ones(6), ragged(False))
    assert_array_equal(classes, [0, 1, 2])
    assert multilabel


def test_labels_at_steps_without_weight_are_ignored_whatever_they_are():
    labels = np.array(["a", "b"] * N_STEPS)[:N_STEPS].astype(object)
    weights = np.ones(N_STEPS)
    labels[4], labels[7], weights[[4, 7]] = None, np.nan, 0
    rows = ragged(True)
    read = read_labels(by_step(labels), weights, rows)
    classes, _ = learn_classes(read, weights, rows)
    assert classes.tolist() == ["a", "b"]
    encoded = encode_classes(read, classes, weights, rows, "y")
    expected = np.arange(N_STEPS) % 2
    expected[[4, 7]] = 0
    assert_array_equal(encoded, expected)


@pytest.mark.parametrize(
    "y, message",
    [
        ([0, 1, np.nan, 0, 1, 0], "Input y contains NaN, infinity or None: sequence 2"),
        (
            np.array(["a", "b", "a", None, "a", "b"], dtype=object),
            "NaN, infinity or None: sequence 3",
        ),
        (pd.Series([0, 1, 0, 1, 0, None], dtype="Int64"), "NaN, infinity or None: sequence 5"),
        ([0.5, 1.5, 2.25, 3, 4, 5], "Unknown label type"),
        (np.ones(6, dtype=complex), "Complex data not supported: y"),
        ([[0, 1], [1, 2], [2, 0], [0, 1], [1, 1], [0, 0]], "multiclass-multioutput"),
        ([[1, 2]] * 6, "indicator of 0 and 1"),
        ([3] * 6, "only one class with a weight above zero, .*3"),
        (["a"] * 6, "only one class.*'a'"),
    ],
)
def test_bad_labels_are_refused(y, message):
    rows = ragged(False)
    with pytest.raises(ValueError, match=message):
        learn_classes(read_labels(y, np.ones(6), rows), np.ones(6), rows)


def test_labels_of_steps_need_return_sequences():
    X, y = np.zeros((6, 4, 1)), np.tile(np.arange(6)[:, None], 4)
    hint = "If the columns are labels of the steps, set return_sequences=True"
    with pytest.raises(ValueError, match=hint):
        LSTMClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r"supported\. Fit one classifier per column"):
        LSTMClassifier().fit(X[:, 1:], y)
    with pytest.raises(ValueError, match=r"supported\. Fit one classifier per column"):
        LSTMClassifier(return_sequences=True).fit(X, np.repeat(y[:, :, None], 4, axis=2))


def test_a_class_whose_weights_are_zero_leaves_one_class():
    rows, weights = ragged(False), np.array([0.0, 1, 0, 1, 0, 1])
    with pytest.raises(ValueError, match="only one class with a weight above zero"):
        learn_classes(np.arange(6) % 2, weights, rows)


@pytest.mark.parametrize("label", [2, 9, -1])
def test_an_unknown_label_is_named_with_its_place(label):
    y = np.array([0, 1, 3, label, 0, 1])
    with pytest.raises(ValueError, match=rf"label .*{label}.* at sequence 3.*\[0, 1, 3\]"):
        encode_classes(y, np.array([0, 1, 3]), np.ones(6), ragged(False), "y")


@pytest.mark.parametrize("classes, y", [([0, 1], ["a", "b"]), (["a", "b"], [0, 1])])
def test_labels_of_another_type_are_unknown(classes, y):
    for dtype in (None, object):
        labels = read_labels(np.array(y * 3, dtype=dtype), np.ones(6), ragged(False))
        with pytest.raises(ValueError, match=r"at sequence 0.*not among the known classes"):
            encode_classes(labels, np.array(classes), np.ones(6), ragged(False), "y")


def test_an_unknown_label_of_a_step_is_named_with_its_place():
    labels, weights = np.zeros(N_STEPS, dtype=int), np.ones(N_STEPS)
    labels[[1, 4]], weights[1] = 7, 0
    with pytest.raises(ValueError, match="sequence 1, step 1"):
        encode_classes(labels, np.array([0, 1]), weights, ragged(True), "y")


def test_named_classes_are_sorted_but_names_of_columns_keep_their_order():
    assert named_classes(["b", "a", "b"]).tolist() == ["a", "b"]
    assert named_classes(["b", "a"], 2).tolist() == ["b", "a"]
    assert named_classes(None, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "classes, n_labels", [([1], None), ([[0, 1]], None), ([0, np.nan], None), ([0, 1], 3)]
)
def test_classes_that_cannot_be_are_refused(classes, n_labels):
    with pytest.raises(ValueError, match=r"class(es)?\b"):
        named_classes(classes, n_labels)


def test_balanced_weights_give_every_class_the_same_sum():
    index, weights = np.array([0, 0, 0, 1, 1, 2]), np.array([1.0, 2, 1, 1, 1, 3])
    factors = class_factors("balanced", index, np.arange(3), weights)
    assert_allclose(np.bincount(index, weights * factors[index]), weights.sum() / 3)
    ones = class_factors("balanced", index, np.arange(3), np.ones(6))
    assert_allclose(ones, compute_class_weight("balanced", classes=np.arange(3), y=index))


def test_a_class_weight_without_an_entry_is_one():
    factors = class_factors({"b": 3.0}, np.array([0]), np.array(["a", "b"]), np.ones(1))
    assert_array_equal(factors, [1, 3])


@pytest.mark.parametrize("bad", [{0: -1.0}, {0: np.nan}, {0: np.inf}, {7: 1.0}])
def test_class_weights_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"class_weight"):
        class_factors(bad, np.array([0]), np.array([0, 1]), np.ones(1))


def test_class_weights_multiply_sample_weights():
    X, y = sequences(12), np.arange(12) % 3
    weights = np.linspace(0.5, 2, 12)
    by_class = small(LSTMClassifier, class_weight={0: 2.0, 1: 0.5, 2: 3.0}).fit(X, y, weights)
    by_sample = small(LSTMClassifier).fit(X, y, weights * np.array([2, 0.5, 3])[y])
    assert_array_equal(by_class.parameters_, by_sample.parameters_)


def test_balanced_class_weights_count_the_weighted_steps():
    X = sequences(12)
    y = [np.arange(len(x)) % 3 == 0 for x in X]
    weights = [np.ones(len(x)) for x in X]
    weights[1][:] = 0
    flat, w = np.concatenate(y), np.concatenate(weights)
    factor = w.sum() / 2 / np.array([w[~flat].sum(), w[flat].sum()])
    by_hand = [v * factor[t.astype(int)] for v, t in zip(weights, y, strict=True)]
    settings = {"return_sequences": True}
    balanced = small(LSTMClassifier, class_weight="balanced", **settings).fit(X, y, weights)
    expected = small(LSTMClassifier, **settings).fit(X, y, by_hand)
    assert_allclose(balanced.parameters_, expected.parameters_, rtol=1e-12)


def test_class_weights_do_not_go_with_several_labels_per_row():
    y = np.eye(6, 3, dtype=int)
    with pytest.raises(ValueError, match="Use sample_weight"):
        small(LSTMClassifier, class_weight={0: 2.0}).fit(sequences(6), y)


def test_an_indicator_may_hold_anything_at_steps_without_weight():
    X = sequences(6)
    y = [np.eye(len(x), 3) for x in X]
    holes = [t.copy() for t in y]
    weights = [np.ones(len(x)) for x in X]
    holes[1][2], weights[1][2] = np.nan, 0
    holes[3][0], weights[3][0] = 7, 0
    settings = {"return_sequences": True}
    one = small(LSTMClassifier, **settings).fit(X, holes, weights)
    other = small(LSTMClassifier, **settings).fit(X, y, weights)
    assert_array_equal(one.parameters_, other.parameters_)
    assert one.score(X, holes, weights) == other.score(X, y, weights)


# ---------------------------------------------------------------------------- types of labels


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Number(enum.IntEnum):
    ONE = 1
    TWO = 2


def strings(dtype):
    return pd.Series(["a", "b"] * 6, dtype=dtype)


LABELS = {
    "int objects": (np.array([1, 2] * 6, dtype=object), [1, 2]),
    "bool objects": (np.array([True, False] * 6, dtype=object), [False, True]),
    "big-endian": (np.array([1, 2] * 6, dtype=">i4"), [1, 2]),
    "big-endian strings": (np.array(["a", "b"] * 6, dtype=">U3"), ["a", "b"]),
    "IntEnum": ([Number.ONE, Number.TWO] * 6, [1, 2]),
    "nullable integers": (pd.Series([1, 2] * 6, dtype="Int64"), [1, 2]),
    "nullable booleans": (pd.Series([True, False] * 6, dtype="boolean"), [False, True]),
    "pandas strings": (strings("string"), ["a", "b"]),
    "categories": (strings("category"), ["a", "b"]),
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_of_every_library_become_classes(case):
    y, classes = LABELS[case]
    X = sequences(12)
    expected = small().fit(X, np.array(classes)[[classes.index(label) for label in y]])
    model = small().fit(X, y)
    assert model.classes_.tolist() == classes
    assert_array_equal(model.parameters_, expected.parameters_)
    assert model.score(X, y) == expected.score(X, list(y))
    model.partial_fit(X, y), expected.partial_fit(X, list(y))
    assert_array_equal(model.parameters_, expected.parameters_)
    steps = [[label] * len(x) for label, x in zip(y, X, strict=True)]
    per_step = small(return_sequences=True).fit(X, steps)
    assert per_step.classes_.tolist() == classes
    assert 0 <= per_step.score(X, steps) <= 1


def objects(*labels):
    return object_array([*labels] * 3)


# y, what is said, and the row that is named
WRONG = {
    "bytes": ([b"a", b"b"] * 3, r"label b'a'.* bytes: .*Decode", 0),
    "bytes array": (np.array([b"a", b"b"] * 3), "label b'a'.*Decode", 0),
    "tuples": (objects(("a", 1), ("b", 2)), r"label \('a', 1\).* tuple: .*Join", 0),
    "enum": ([Colour.RED, Colour.BLUE] * 3, "label <Colour.RED: 1>.*name", 0),
    "one enum": (objects("a", Colour.BLUE), "label <Colour.BLUE: 2>.*name", 1),
    "dates": (np.arange(6).astype("M8[D]"), "label 1970-01-01.*str", 0),
    "nanoseconds": (np.arange(6).astype("M8[D]").astype("M8[ns]"), "label 1970-01-01T", 0),
    "pandas dates": (
        pd.Series(pd.date_range("2020-01-01", periods=6)),
        "label (2020|Tim)",
        0,
    ),
    "Python dates": ([datetime.date(2020, 1, 1)] * 6, "label datetime.date", 0),
    "durations": (np.arange(6).astype("m8[s]"), "label 0 seconds", 0),
    "intervals": (pd.Series(pd.cut(range(6), 2)), r"label Interval\(", 0),
    "decimals": ([Decimal(1), Decimal(2)] * 3, r"label Decimal\('1'\)", 0),
    "dicts": (objects({"a": 1}, {"b": 1}), "label {'a': 1}", 0),
    "records": (np.zeros(6, dtype=[("a", int)]), r"label \(0,\)", 0),
    "mixed list": (["a", 1] * 3, "y(_val)? mixes strings and numbers", 1),
    "mixed objects": (objects("a", 1), "y(_val)? mixes strings and numbers", 1),
    "fractions": ([0, 1, 0, 1.5, 0, 1], "Unknown label type: y(_val)? has 1.5", 3),
    "fractions as objects": (objects(0, 1.5), "Unknown label type: y(_val)? has 1.5", 1),
    "huge integers": ([2**70, 1] * 3, "more than 64 bits", None),
    "NaN": ([0, 1, 0, np.nan, 0, 1], "NaN, infinity or None", 3),
    "None": (["a", None] * 3, "NaN, infinity or None", 1),
    "NA integers": (pd.Series([1, None] * 3, dtype="Int64"), "NaN, infinity or None", 1),
    "NA booleans": (pd.Series([True, None] * 3, dtype="boolean"), "NaN, infinity or None", 1),
    "NA strings": (pd.Series(["a", None] * 3, dtype="string"), "NaN, infinity or None", 1),
    "NA categories": (pd.Series(["a", None] * 3, dtype="category"), "NaN, infinity or None", 1),
    "NaT": (np.array(["2020-01-01", "NaT"] * 3, dtype="M8[D]"), "NaN, infinity or None", 1),
    "masked": (np.ma.masked_equal([1, 2] * 3, 2), "NaN, infinity or None", 1),
    "masked strings": (np.ma.array(["a", "b"] * 3, mask=[0, 1] * 3), "NaN, infinity or None", 1),
    "list of masked strings": (
        list(np.ma.array(["a", "b"] * 3, mask=[0, 1] * 3)),
        "NaN, infinity or None",
        1,
    ),
    "strings in columns": ([["a", "b"]] * 6, "multilabel indicator|2 columns", 0),
    "tuples in a list": ([("a", 1)] * 6, "multilabel indicator|2 columns", 0),
}


def refused(model, method, X, y, message, where, **kwargs):
    before = attributes(model)
    with pytest.raises(ValueError) as error:
        getattr(model, method)(X, y, **kwargs)
    assert re.search(message, str(error.value)), str(error.value)
    if where is not None and "2 columns" not in str(error.value):
        assert f"sequence {where}" in str(error.value)
    assert attributes(model) == before


@pytest.mark.parametrize("classes", [[0, 1], ["a", "b"]], ids=str)
@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_label_is_refused_at_every_door(case, classes):
    y, message, where = WRONG[case]
    X, good = sequences(6), classes * 3
    model = small().fit(X, good)
    for method in ("fit", "partial_fit", "score"):
        refused(model, method, X, y, message, where)
    refused(small(), "partial_fit", X, y, message, where, classes=classes)
    early = small(early_stopping=True)
    with pytest.raises(ValueError, match=message):
        early.fit(X, good, X_val=X, y_val=y)

    y = [[label] * len(x) for label, x in zip(y, X, strict=True)]
    if np.shape(y[0][0]):
        return
    model = small(return_sequences=True).fit(
        X, [[g] * len(x) for g, x in zip(good, X, strict=True)]
    )
    for method in ("fit", "partial_fit", "score"):
        refused(model, method, X, y, message, where)


@pytest.mark.parametrize(
    "classes, y, label",
    [
        ([3, 5], ["a", "b"], "'a'"),
        (["a", "b"], [3, 5], "3"),
        (["a", "b"], [True, False], "True"),
        ([False, True], ["True", "False"], "'True'"),
    ],
)
def test_a_label_of_another_type_is_named_beside_the_classes(classes, y, label):
    X = sequences(6)
    message = re.escape(f"the label {label} at sequence 0, which is not among the known classes ")
    message += rf"\[{classes[0]!r}, {classes[1]!r}\]"
    model = small().fit(X, classes * 3)
    for dtype in (None, object):
        given = np.array(y * 3, dtype=dtype)
        refused(model, "partial_fit", X, given, message, 0)
        refused(model, "score", X, given, message, 0)
        early = small(early_stopping=True)
        with pytest.raises(ValueError, match=f"^y_val has {message}"):
            early.fit(X, classes * 3, X_val=X, y_val=given)
    steps = [[label] * len(x) for label, x in zip(y * 3, X, strict=True)]
    good = [[label] * len(x) for label, x in zip(classes * 3, X, strict=True)]
    message = message.replace("0,", "0, step 0,")
    model = small(return_sequences=True).fit(X, good)
    refused(model, "partial_fit", X, steps, message, 0)
    refused(model, "score", X, steps, message, 0)


def test_an_indicator_of_another_type_is_named():
    X = sequences(6)
    model = small().fit(X, np.eye(6, 3, dtype=int))
    for wrong in (np.full((6, 3), "1"), np.full((6, 3), 0.5), np.full((6, 3), "1", dtype=object)):
        for method in ("partial_fit", "score"):
            refused(model, method, X, wrong, "indicator of 0 and 1, but sequence 0 has", 0)
    refused(model, "score", X, [0, 1] * 3, "y has 1 labels per row, but 3 are predicted", None)


def test_a_known_type_of_label_that_is_not_a_class_is_wrong_to_score():
    X = sequences(6)
    assert small().fit(X, [0, 1] * 3).score(X, [7] * 6) == 0


def test_score_takes_a_column_without_a_word():
    X, y = sequences(6), np.arange(6) % 2
    for kind in (LSTMClassifier, LSTMRegressor):
        model = small(kind).fit(X, y)
        assert model.score(X, y[:, None]) == model.score(X, y)


def test_a_sequence_without_any_label_stands_among_strings():
    X = sequences(6)
    y = [np.array(["a", "b"] * 4)[: len(x)] for x in X]
    weights = [np.ones(len(x)) for x in X]
    expected = small(return_sequences=True)
    y[3], weights[3] = np.full(len(X[3]), np.nan), np.zeros(len(X[3]))
    model = small(return_sequences=True).fit(X, y, weights)
    assert model.classes_.tolist() == ["a", "b"]
    y[3] = np.full(len(X[3]), "a")
    assert_array_equal(expected.fit(X, y, weights).parameters_, model.parameters_)


@pytest.mark.parametrize(
    "classes", [[b"a", b"b"], ["a", 1], [0.5, 1.5], [Colour.RED, Colour.BLUE], objects("a", None)]
)
def test_classes_are_labels_too(classes):
    with pytest.raises(ValueError, match=r"^(Unknown label type: )?classes "):
        named_classes(classes)


def test_class_weights_are_named_by_their_labels():
    for bad, message in (
        ({5: 1.0}, r"class_weight has 5, which is not one of the classes \['a', 'b'\].* for 'a'"),
        ({"a": "1"}, "'a' has '1'"),
        ({"a": -1}, "'a' has -1"),
    ):
        with pytest.raises(ValueError, match=message):
            small(class_weight=bad).fit(sequences(6), ["a", "b"] * 3)
    more = class_factors({"a": 2, "b": 3, "z": 4}, np.empty(0), np.array(["a", "b"]), np.empty(0))
    assert_array_equal(more, [2, 3])


class Colour(enum.StrEnum):
    RED = "scarlet red"
    BLUE = "blue"


@pytest.mark.parametrize("container", [list, tuple, lambda y: np.array(y, dtype=object)])
def test_members_of_an_enum_of_strings_are_refused_as_all_others(container):
    y = container([Colour.RED, Colour.BLUE] * 3)
    with pytest.raises(ValueError, match=r"label <Colour.RED.*label.name for label in y"):
        LSTMClassifier(3, max_iter=1).fit(sequences(6), y)


def test_steps_of_weight_0_may_hold_anything_when_scored():
    X = sequences(6)
    y = [np.array(["no", "yes"] * 4, dtype=object)[: len(x)] for x in X]
    weights = [np.ones(len(x)) for x in X]
    y[0][0], weights[0][0] = None, 0.0
    model = LSTMClassifier(3, max_iter=1, return_sequences=True, random_state=0).fit(X, y, weights)
    assert 0 <= model.score(X, y, weights) <= 1

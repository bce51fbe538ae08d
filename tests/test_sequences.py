"""X, y and weights in every form that users have, and what happens to bad ones."""

import time

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator

from sklstm._sequences import (
    Sequences,
    object_array,
    read_sequences,
    unpack_steps,
)
from sklstm._steps import pack_steps

LENGTHS = [3, 1, 4]


class Model(BaseEstimator):
    """An estimator without properties."""


def ragged(dtype=np.float64, n_features=2):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, n_features)).astype(dtype) for length in LENGTHS]


def cube(dtype=np.float64):
    return np.random.default_rng(0).normal(size=(3, 5, 2)).astype(dtype)


def read(X, **kwargs):
    return read_sequences(Model(), X, reset=True, **kwargs)


def fitted(X, **kwargs):
    model = Model()
    read_sequences(model, X, reset=True, **kwargs)
    return model


# ------------------------------------------------------------------------------- forms of X


@pytest.mark.parametrize(
    ("container", "make"),
    [("list", list), ("tuple", tuple), ("object", object_array)],
)
def test_ragged_sequences_are_packed_one_after_the_other(container, make):
    X = ragged()
    sequences = read(make(X))
    assert sequences.container == container
    assert_array_equal(sequences.values, np.concatenate(X))
    assert_array_equal(sequences.offsets, [0, 3, 4, 8])
    assert_array_equal(sequences.lengths, LENGTHS)
    assert (len(sequences), sequences.n_features) == (3, 2)
    assert sequences.values.flags.c_contiguous
    assert sequences.offsets.dtype == np.int64


def test_a_contiguous_float_array_is_not_copied():
    for dtype in (np.float32, np.float64):
        X = cube(dtype)
        sequences = read(X)
        assert np.shares_memory(sequences.values, X)
        assert sequences.values.dtype == dtype
        assert_array_equal(sequences.values, X.reshape(15, 2))
        assert_array_equal(sequences.offsets, [0, 5, 10, 15])
        assert sequences.container == "array"


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        lambda X: X[:, ::-1],
        lambda X: X.astype(">f8"),
        lambda X: X.astype(np.longdouble),
        lambda X: X.astype(object),
        lambda X: np.frombuffer(b"." + X.tobytes(), np.uint8)[1:].view(np.float64).reshape(X.shape),
    ],
    ids=["fortran", "reversed", "big-endian", "longdouble", "object", "unaligned"],
)
def test_any_other_array_becomes_an_aligned_contiguous_native_one(change):
    X = change(cube())
    values = read(X).values
    assert values.flags.c_contiguous
    assert values.flags.aligned
    assert values.dtype == np.float64
    assert_array_equal(values, X.astype(np.float64).reshape(15, 2))


def test_a_read_only_array_is_read():
    X = cube()
    X.flags.writeable = False
    assert_array_equal(read(X).values, X.reshape(15, 2))


@pytest.mark.parametrize("make", [np.asarray, np.ndarray.tolist, tuple, object_array])
def test_a_table_is_read_by_features_per_step(make):
    table = np.arange(24.0).reshape(4, 6)
    sequences = read(make(table), features_per_step=2)
    assert sequences.container == "rows"
    assert_array_equal(sequences.values, table.reshape(12, 2))
    assert_array_equal(sequences.offsets, [0, 3, 6, 9, 12])


def test_a_list_of_equal_lengths_stays_a_list():
    sequences = read(list(cube()))
    assert sequences.container == "list"
    assert_array_equal(sequences.lengths, [5, 5, 5])


def test_nested_lists_and_frames_are_sequences_too():
    pd = pytest.importorskip("pandas")
    X = ragged()
    for items in ([x.tolist() for x in X], [pd.DataFrame(x) for x in X], pd.Series(X)):
        assert_array_equal(read(items).values, np.concatenate(X))
    assert_array_equal(read(cube().tolist()).values, cube().reshape(15, 2))


def test_what_only_offers_an_array_is_taken_as_that_array():
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __array__(self, dtype=None, copy=None):
            return self.array

    assert read(Foreign(cube())).container == "array"
    assert read(Foreign(cube()[:, :, 0])).container == "rows"


# ------------------------------------------------------------------------------- precision


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float32, np.float32),
        (">f4", np.float32),
        (np.float64, np.float64),
        (np.float16, np.float64),
        (np.int32, np.float64),
        (bool, np.float64),
    ],
)
def test_float32_stays_float32_and_everything_else_becomes_float64(dtype, expected):
    X = np.ones((3, 4, 2), dtype=dtype)
    for form in (X, list(X), X[:, :, 0]):
        assert read(form).values.dtype == expected


def test_a_list_of_both_precisions_is_float64():
    X = ragged(np.float32)
    X[1] = X[1].astype(np.float64)
    assert read(X).values.dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.dtype(np.float32)])
def test_a_given_precision_is_met(dtype):
    for form in (cube(), ragged(), ragged(np.float32), [np.ones((2, 3), int)], cube()[:, :, 0]):
        assert read(form, dtype=dtype).values.dtype == dtype


def test_a_value_too_large_for_the_precision_is_an_error_not_a_warning():
    X = cube()
    X[1, 2, 0] = 1e300
    for form in (X, list(X)):
        with pytest.raises(ValueError, match="too large for float32: sequence 1, step 2"):
            read(form, dtype=np.float32)


def test_sums_that_overflow_do_not_condemn_finite_values():
    assert len(read(np.full((2, 3, 1), 1e308))) == 2


# ------------------------------------------------------------------------------- what is learned


def test_the_model_remembers_features_and_form():
    assert fitted(ragged()).n_features_in_ == 2
    assert fitted(cube())._sequence_input == "sequences"
    table = fitted(cube()[:, :, 0])
    assert (table.n_features_in_, table._sequence_input) == (5, "table")


def test_a_model_of_sequences_takes_arrays_and_lists_of_any_length():
    for X, Z in ((ragged(), cube()), (cube(), ragged()), (cube(), cube()[:, :2])):
        assert len(read_sequences(fitted(X), Z, reset=False)) == 3


def test_feature_names_of_a_table_are_kept_and_compared():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(np.ones((3, 2)), columns=["a", "b"])
    model = fitted(frame)
    assert list(model.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="feature names should match"):
        read_sequences(model, frame[["b", "a"]], reset=False)
    read_sequences(model, cube(), reset=True)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize(
    ("X", "Z", "message"),
    [
        (cube(), cube()[:, :, :1], "X has 1 features, but Model is expecting 2 features as input"),
        (cube(), ragged(n_features=3), "X has 3 features, but Model is expecting 2 features"),
        (np.ones((3, 5)), np.ones((3, 4)), "X has 4 features, but Model is expecting 5 features"),
        (cube(), np.ones((3, 5)), r"2-D table of shape \(3, 5\), but Model was fitted on sequen"),
        (cube(), cube()[0], r"Pass a single sequence x as \[x\]"),
        (np.ones((3, 5)), cube(), "fitted on a 2-D table of 5 columns"),
        (np.ones((3, 5)), ragged(), "fitted on a 2-D table of 5 columns"),
    ],
)
def test_later_input_of_another_form_or_width_is_an_error(X, Z, message):
    with pytest.raises(ValueError, match=message):
        read_sequences(fitted(X), Z, reset=False)


# ------------------------------------------------------------------------------- bad X


def with_value(X, value, *index):
    X = X.copy()
    X[index] = value
    return X


DAY = np.datetime64("2024-02-29")
BAD = {
    "empty list": ([], ValueError, "X is empty"),
    "no sequences": (np.ones((0, 3, 2)), ValueError, "has no sequences"),
    "no steps": (np.ones((3, 0, 2)), ValueError, "has no steps"),
    "no features": (np.ones((3, 2, 0)), ValueError, "has no features"),
    "no features in a list": ([np.ones((3, 0))], ValueError, "0 features"),
    "no columns": (
        np.ones((12, 0)),
        ValueError,
        r"0 feature\(s\) \(shape=\(12, 0\)\) while a mini",
    ),
    "empty sequence": ([np.ones((3, 2)), np.ones((0, 2))], ValueError, "Sequence 1 of X is empty"),
    "4-D": (np.ones((2, 3, 4, 5)), ValueError, "X has 4 dimensions.*Flatten the features"),
    "list of 3-D": ([np.ones((2, 3, 4))], ValueError, r"Sequence 0 of X has shape \(2, 3, 4\)"),
    "1-D": (np.ones(5), ValueError, "Reshape your data"),
    "nothing": (None, ValueError, "X is of type NoneType; expected an array"),
    "text": ("abc", TypeError, "X is of type str, not a list or an array"),
    "generator": ((x for x in []), TypeError, r"X is of type generator.*list\(X\)"),
    "scalar": (3.0, ValueError, "X is of type float; expected an array"),
    "one 1-D among 2-D": (
        [np.ones((3, 1)), np.ones(4)],
        ValueError,
        r"Sequence 1 of X has shape \(4,\); expected \(n_steps, n_features\). Write x\[:, None\]",
    ),
    "one 2-D among 1-D": ([np.ones(3), np.ones((4, 1))], ValueError, "Sequence 1 of X has another"),
    "1-D of unequal length": (
        [np.ones(3), np.ones(3), np.ones(4)],
        ValueError,
        r"sequence 0 has 3 values and sequence 2 has 4. .*np.reshape.*SequenceEncoder",
    ),
    "lists of unequal length": ([[1.0], [1.0, 2.0]], ValueError, "sequence 1 has 2"),
    "objects of unequal length": (
        object_array([np.ones(3), np.ones(4)]),
        ValueError,
        r"np.reshape",
    ),
    "ragged features": (
        [np.ones((3, 2)), np.ones((3, 3))],
        ValueError,
        "Sequence 1 of X has 3 features, but sequence 0 has 2",
    ),
    "ragged features in a sequence": (
        [[[1, 2], [3, 4]], [[1, 2], [3]]],
        ValueError,
        "Sequence 1 of X is not an array: its steps have unequal lengths, see step 1",
    ),
    "ragged features in the first sequence": ([[[1, 2], [3]]], ValueError, "Sequence 0 of X is no"),
    "list of sparse": (
        [np.eye(3), csr_array(np.eye(3))],
        TypeError,
        "Sequence 1 of X is sparse.*toarray",
    ),
    "NaN in an array": (
        with_value(cube(), np.nan, 1, 3, 1),
        ValueError,
        r"X contains NaN: sequence 1, step 3, feature 1. .*preprocessing.from_padded\(X\)",
    ),
    "NaN at the end of an array": (
        with_value(cube(), np.nan, slice(1, 3), slice(3, None)),
        ValueError,
        r"sequence 1, step 3.*from_padded\(X\)",
    ),
    "NaN in a list": (
        [np.ones((3, 2)), with_value(np.ones((4, 2)), np.nan, 2, 0)],
        ValueError,
        r"X contains NaN: sequence 1, step 2, feature 0. Fill it in, for example with "
        r"sklstm.preprocessing.SequenceImputer, or drop it.$",
    ),
    "NaN in a table": (
        with_value(np.ones((3, 5)), np.nan, 2, 4),
        ValueError,
        "X contains NaN: sequence 2, step 4, feature 0",
    ),
    "infinity": (
        with_value(cube(), -np.inf, 2, 0, 1),
        ValueError,
        "X contains infinity.*: sequence 2, step 0, feature 1. Clip",
    ),
    "infinities that cancel": (
        with_value(with_value(cube(), -np.inf, 2, 0, 1), np.inf, 2, 0, 0),
        ValueError,
        "X contains infinity.*: sequence 2, step 0, feature 0",
    ),
    "infinity in a list": ([np.full((2, 1), np.inf)], ValueError, "infinity.*sequence 0, step 0"),
    "list of strings": (["abc", "def"], ValueError, "strings, the first at sequence 0"),
}


@pytest.mark.parametrize(("X", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_named_and_leaves_the_model_as_it_was(X, error, message):
    unfitted, table, sequences = Model(), fitted(np.ones((2, 3))), fitted(cube())
    for model in (unfitted, table, sequences):
        before = dict(vars(model))
        with pytest.raises(error, match=message):
            read_sequences(model, X, reset=True)
        assert vars(model) == before


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_place_in_a_table_counts_steps_not_columns(value):
    with pytest.raises(ValueError, match="sequence 2, step 1, feature 2"):
        read(with_value(np.ones((3, 9)), value, 2, 5), features_per_step=3)


def test_a_string_in_a_table_is_found_by_its_step():
    with pytest.raises(ValueError, match=r"strings, the first at sequence 2, step 1\."):
        read(with_value(np.ones((3, 9), object), "1", 2, 5), features_per_step=3)


def test_features_per_step_must_divide_the_columns():
    with pytest.raises(ValueError, match="features_per_step=4 does not divide the 6 columns of X"):
        read(np.ones((3, 6)), features_per_step=4)


def test_a_column_of_dates_is_named():
    pd = pytest.importorskip("pandas")
    days = pd.to_datetime(["2024-02-28", "2024-02-29"])
    for frame in (
        pd.DataFrame({"a": [1.0, 2.0], "day": days}),
        pd.DataFrame({"day": days.tz_localize("UTC")}),
    ):
        with pytest.raises(TypeError, match="dates or durations, the first at column 'day'"):
            read(frame)


def test_strings_in_a_frame_are_named():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="strings, the first at sequence 0, step 1"):
        read(pd.DataFrame({"a": [1.0, 2.0], "b": ["1", "2"]}))


def test_nullable_columns_are_numbers_and_their_gaps_are_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": [0.5, 1.5]})
    frame = frame.astype({"a": "Int64", "b": "boolean", "c": "Float32"})
    assert_array_equal(read(frame).values[:, 0], [1, 1, 0.5, 2, 0, 1.5])
    frame.loc[1, "a"] = pd.NA
    with pytest.raises(ValueError, match="NaN: sequence 1, step 0"):
        read(frame)


def test_assume_finite_is_respected():
    with sklearn.config_context(assume_finite=True):
        assert len(read(np.full((2, 3, 1), np.nan))) == 2


@pytest.mark.parametrize(
    "X",
    [
        np.broadcast_to(np.float64(0), (10**6, 10**6, 100)),
        np.broadcast_to(np.float32(0), (10**6, 10**8)),
        np.broadcast_to(np.int8(0), (2**31, 2**31, 1)),
        [np.broadcast_to(np.float64(0), (10**9, 10**6))] * 3,
        [np.broadcast_to(np.int8(0), (2**31, 2**31))] * 3,
    ],
    ids=["array", "table", "beyond counting", "list", "list beyond counting"],
)
def test_absurd_sizes_are_a_memory_error_that_says_how_much(X):
    with pytest.raises(MemoryError, match=r"X has \d+ steps of \d+ features, .* GiB as float"):
        read(X)


def test_ten_thousand_sequences_are_read_without_delay():
    X = [np.ones((5, 3)) for _ in range(10_000)]
    read(X[:10])
    start = time.perf_counter()
    read(X)
    assert time.perf_counter() - start < 0.5  # 20 ms on an idle machine


# ------------------------------------------------------------------------------- Sequences


@pytest.mark.parametrize(
    "rows",
    [[2, 0], [1], [0, 0, 2], [False, True, True], slice(1, None), slice(0), np.array([-1])],
    ids=str,
)
def test_take_selects_as_indexing_the_list_does(rows):
    X = ragged()
    taken = read(tuple(X)).take(rows)
    expected = [X[k] for k in np.arange(3)[rows]]
    assert taken.container == "tuple"
    assert_array_equal(taken.lengths, [len(x) for x in expected])
    assert_array_equal(taken.values, np.concatenate([*expected, np.empty((0, 2))]))
    assert taken.values.flags.c_contiguous


def test_astype_copies_only_if_it_must():
    sequences = read(cube())
    assert sequences.astype(np.float64) is sequences
    single = sequences.astype(np.float32)
    assert single.values.dtype == np.float32
    assert single.offsets is sequences.offsets


# ------------------------------------------------------------------------------- per-step y


def pack(y, X, what="targets"):
    return pack_steps(y, read(X), name="y", what=what)


@pytest.mark.parametrize("make", [list, tuple, object_array])
@pytest.mark.parametrize("trailing", [(), (3,)])
def test_per_step_targets_come_in_any_container(make, trailing):
    y = [np.random.default_rng(0).normal(size=(length, *trailing)) for length in LENGTHS]
    assert_array_equal(pack(make(y), ragged()), np.concatenate(y))
    assert_array_equal(pack(make([part.tolist() for part in y]), ragged()), np.concatenate(y))


@pytest.mark.parametrize("trailing", [(), (3,)])
def test_per_step_targets_of_equal_lengths_may_be_an_array(trailing):
    y = np.random.default_rng(0).normal(size=(3, 5, *trailing))
    for X in (cube(), list(cube()), cube()[:, :, 0]):
        assert_array_equal(pack(y, X), y.reshape(15, *trailing))
        assert_array_equal(pack(list(y), X), y.reshape(15, *trailing))


def test_labels_keep_their_type():
    y = [["a", "b", "b"], ["a"], ["long"] * 4]
    assert list(pack(y, ragged(), "labels")) == ["a", "b", "b", "a", *["long"] * 4]
    assert pack([np.ones(n, np.int8) for n in LENGTHS], ragged()).dtype == np.int8
    assert pack(np.full((3, 5), "a", object), cube()).dtype == object


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([np.ones(3), np.ones(1)], "y has 2 sequences, but X has 3"),
        (np.ones((3, 4)), "Sequence 0 of y has targets for 4 steps, but sequence 0 of X has 3"),
        (
            [np.ones(3), np.ones(2), np.ones(4)],
            "Sequence 1 of y has targets for 2 steps, but sequence 1 of X has 1 steps",
        ),
        (np.ones(3), r"y of shape \(3,\) does not contain targets for every step"),
        ([1, 0, 1], r"Sequence 0 of y has shape \(\).*return_sequences=True"),
        ([np.ones((3, 2)), np.ones((1, 3)), np.ones((4, 2))], "Sequence 1 of y has shape"),
        ([np.ones((3, 1)), np.ones(1), np.ones((4, 1))], "Sequence 1 of y has shape"),
        ([[[1, 2], [1]], [1], [1]], "Sequence 0 of y is not an array"),
        ([["a"] * 3, ["a"], [1] * 4], "y mixes strings and numbers .sequence 0 and sequence 2."),
    ],
)
def test_targets_that_do_not_fit_are_named(y, message):
    with pytest.raises(ValueError, match=message):
        pack(y, ragged())


@pytest.mark.parametrize("trailing", [(), (3,)])
@pytest.mark.parametrize("make", [list, tuple, object_array])
@pytest.mark.parametrize("lengths", [LENGTHS, [2, 2]], ids=["ragged", "equal"])
def test_predictions_per_step_come_in_the_container_of_X(make, trailing, lengths):
    sequences = read(make([np.ones((length, 2)) for length in lengths]))
    values = np.random.default_rng(0).normal(size=(sum(lengths), *trailing))
    parts = unpack_steps(values, sequences)
    assert type(parts) is type(make([]))
    assert [len(part) for part in parts] == lengths
    assert_array_equal(np.concatenate(list(parts)), values)
    assert_array_equal(pack_steps(parts, sequences, name="y", what="targets"), values)


@pytest.mark.parametrize("trailing", [(), (3,)])
def test_predictions_per_step_of_arrays_and_tables_are_arrays(trailing):
    values = np.random.default_rng(0).normal(size=(15, *trailing))
    for X in (cube(), cube()[:, :, 0]):
        assert_array_equal(unpack_steps(values, read(X)), values.reshape(3, 5, *trailing))


def test_sequences_are_compared_by_identity():
    sequences = read(cube())
    assert sequences != Sequences(sequences.values, sequences.offsets, "array")

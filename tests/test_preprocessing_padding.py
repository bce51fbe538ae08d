"""Padded arrays and lists of sequences."""

from fractions import Fraction

import numpy as np
import pytest
from layouts import laid_out
from numpy.testing import assert_array_equal

from sklstm.preprocessing import from_padded, to_padded

LENGTHS = [3, 1, 4, 2]


def ragged(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(5, 3, size=(length, 2)).astype(dtype) for length in LENGTHS]


def cube():
    return np.random.default_rng(0).normal(5, 3, size=(4, 6, 2))


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0])
@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", [None, 4, 9])
@pytest.mark.parametrize("padding", ["post", "pre"])
@pytest.mark.parametrize("read", ["auto", "same"])
def test_padding_is_undone(value, channels_first, dtype, length, padding, read):
    X = ragged(dtype)
    form = dict(value=value, channels_first=channels_first)
    padded = to_padded(X, length=length, padding=padding, **form)
    expected = (4, 2, length or 4) if channels_first else (4, length or 4, 2)
    assert padded.shape == expected
    assert padded.dtype == dtype
    assert padded.flags.c_contiguous
    sequences = from_padded(padded, padding="auto" if read == "auto" else padding, **form)
    assert [x.shape for x in sequences] == [x.shape for x in X]
    for ours, theirs in zip(sequences, X, strict=True):
        assert_array_equal(ours, theirs)
        assert ours.dtype == dtype
        assert ours.base is None


def test_a_padded_table_is_sequences_of_one_feature():
    sequences = from_padded([[1.0, np.nan, np.nan], [2.0, 3.0, 4.0], [5.0, 6.0, np.nan]])
    assert [x[:, 0].tolist() for x in sequences] == [[1], [2, 3, 4], [5, 6]]
    assert [x[:, 0].tolist() for x in from_padded([[1, 0, 2, 0]], value=0)] == [[1, 0, 2]]


def test_only_whole_steps_are_padding():
    X = np.array([[[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]])
    assert_array_equal(from_padded(X, value=0)[0], X[0, :2])


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0])
@pytest.mark.parametrize("padding", ["post", "pre"])
def test_missing_values_are_kept_on_request(value, padding):
    X = ragged()
    for x in X:
        x[len(x) // 2, 0] = np.nan
    with pytest.raises(ValueError, match="X contains NaN: sequence 0, step 1, feature 0"):
        to_padded(X, value=value)
    padded = to_padded(X, value=value, padding=padding, allow_nan=True)
    with pytest.raises(
        ValueError, match=r"Sequence 0 of X has NaN .* allow_nan=True to keep .*; if features"
    ):
        from_padded(padded, value=value, padding=padding)
    sequences = from_padded(padded, value=value, padding=padding, allow_nan=True)
    for ours, theirs in zip(sequences, X, strict=True):
        assert_array_equal(ours, theirs)
    X[2][1, 1] = np.inf
    with pytest.raises(ValueError, match=r"infinity.*sequence 2, step 1, feature 1"):
        to_padded(X, allow_nan=True)


def test_equal_lengths_and_tables_are_padded_too():
    assert_array_equal(to_padded(cube()), cube())
    assert to_padded(np.ones((3, 4)), length=5).shape == (3, 5, 1)


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([[1.0, np.nan, 2.0]], {}, "Sequence 0 of X has NaN at step 1 that is not padding"),
        (
            [[1.0, 2.0], [np.nan, 2.0]],
            {"padding": "post"},
            'Sequence 1 of X has NaN at step 0 .* at the end are.* in front, set padding="pre"',
        ),
        (
            [[1.0, 2.0], [1.0, np.nan]],
            {"padding": "pre"},
            'Sequence 1 of X has NaN at step 1 .* the front are.* at the end, set padding="post"',
        ),
        (
            [[np.nan, 1.0, np.nan, 2.0, np.nan]],
            {"padding": "both"},
            "Sequence 0 of X has NaN at step 2 .* at both ends are",
        ),
        ([[[1.0, 2.0], [np.nan, 2.0]]], {}, "Sequence 0 of X has NaN at step 1"),
        ([[1.0, np.nan, 0.0]], {"value": 0}, "Sequence 0 of X has NaN at step 1"),
        (
            to_padded([x[:, :1] * [1, 2] for x in ragged()], value=np.nan, channels_first=True),
            {},
            "NaN at step 0 that is not padding.* set channels_first=True",
        ),
        ([[1.0, 2.0], [np.nan, np.nan]], {}, "All steps of sequence 1 of X are the padding nan"),
        ([[0.0, 0.0]], {"value": 0.0}, "All steps of sequence 0 of X are the padding 0.0"),
        (np.ones(3), {}, r"X has shape \(3,\)"),
        (np.ones((2, 2, 2, 2)), {}, r"X has shape \(2, 2, 2, 2\)"),
        (np.ones((2, 0, 3)), {}, r"X has shape \(2, 0, 3\)"),
        (ragged(), {}, "sequences of different shapes, so it is not padded"),
        (np.array([["a", "b"]]), {}, "strings"),
        (np.array([[1j, 2]]), {}, "Complex data not supported"),
    ],
)
def test_what_is_not_padded_is_an_error(X, options, message):
    with pytest.raises(ValueError, match=message):
        from_padded(X, **options)


def test_padding_to_less_than_the_longest_is_an_error():
    with pytest.raises(ValueError, match="Sequence 0 of X has 3 steps, more than length=2"):
        to_padded(ragged(), length=2)
    with pytest.raises(ValueError, match="length must be an int of 1 or more, got 0"):
        to_padded(ragged(), length=0)
    with pytest.raises(TypeError, match="value"):
        to_padded(ragged(), value="0")


# ------------------------------------------------------------------------------- sides


def test_zeros_in_front_are_padding_of_keras():
    X = ragged()
    front = np.stack([np.vstack([np.zeros((4 - len(x), 2)), x]) for x in X])
    assert_array_equal(to_padded(X, padding="pre"), front)
    for padding in ("auto", "pre", "both"):
        for ours, theirs in zip(from_padded(front, value=0, padding=padding), X, strict=True):
            assert_array_equal(ours, theirs)
    # Whoever says that padding is at the end gets the zeros in front as data.
    assert [len(x) for x in from_padded(front, value=0, padding="post")] == [4] * 4


def steps(*sequences, **options):
    return [x[:, 0].tolist() for x in from_padded(list(sequences), **options)]


def test_the_side_is_that_of_the_whole_array():
    assert steps([0, 0, 1], [2, 3, 4], value=0) == [[1], [2, 3, 4]]
    assert steps([1, 0, 0], [2, 3, 4], value=0) == [[1], [2, 3, 4]]
    assert steps([1, 0, 1], [2, 3, 4], value=0) == [[1, 0, 1], [2, 3, 4]]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_padding_at_both_ends_is_ambiguous(value):
    one = [[1, 2, 3, 4], [value, 2, 3, value]]
    two = [[1, 2, 3, value], [1, 2, 3, 4], [value, value, 3, 4]]
    with pytest.raises(ValueError, match=r"Sequence 1 of X begins and ends .* Set where"):
        from_padded(one, value=value)
    with pytest.raises(ValueError, match=r"Sequence 2 of X begins .* sequence 0 ends"):
        from_padded(two, value=value)
    assert steps(*one, value=value, padding="both") == [[1, 2, 3, 4], [2, 3]]
    assert steps(*two, value=value, padding="both") == [[1, 2, 3], [1, 2, 3, 4], [3, 4]]
    if value == 0:
        assert steps(*one, value=0, padding="post") == [[1, 2, 3, 4], [0, 2, 3]]
        assert steps(*one, value=0, padding="pre") == [[1, 2, 3, 4], [2, 3, 0]]


@pytest.mark.parametrize("padding", ["left", None, 1])
def test_a_wrong_side_is_an_error(padding):
    with pytest.raises(ValueError, match=r"padding=.* is not one of 'auto', 'post', 'pre', 'both'"):
        from_padded(cube(), padding=padding)
    with pytest.raises(ValueError, match=r"padding=.* is not one of 'post', 'pre'"):
        to_padded(cube(), padding=padding)
    with pytest.raises(ValueError, match="is not one of"):
        to_padded(cube(), padding="auto")


# ------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("form", laid_out(np.zeros((1, 1))))
def test_memory_order_changes_nothing(dtype, form):
    X = ragged(dtype)
    padded = to_padded(X, value=np.nan)
    again = to_padded([laid_out(x)[form] for x in X], value=np.nan)
    assert again.dtype == dtype
    assert again.flags.c_contiguous
    assert again.tobytes() == padded.tobytes()
    for ours, theirs in zip(from_padded(laid_out(padded)[form]), X, strict=True):
        assert ours.dtype == dtype
        assert ours.flags.c_contiguous
        assert ours.flags.writeable
        assert ours.tobytes() == theirs.tobytes()


def test_masked_steps_are_missing():
    X = np.ma.masked_equal([[1, 2, 9], [3, 9, 9]], 9)
    assert [x[:, 0].tolist() for x in from_padded(X)] == [[1, 2], [3]]


def test_whole_numbers_cannot_be_padded_with_nan():
    with pytest.raises(
        ValueError, match=r"X holds integers.*pass the value that pads X, for example value=0"
    ):
        from_padded(np.array([[0, 0, 1, 2], [0, 3, 4, 5]]))


def test_a_value_that_was_rounded_to_float32_is_padding():
    padded = np.array([[1.0, 2.0, -999.9], [3.0, -999.9, -999.9]], np.float32).astype(np.float64)
    assert [len(x) for x in from_padded(padded, value=-999.9)] == [2, 1]


@pytest.mark.parametrize("value", [10**400, np.longdouble("1e4000"), Fraction(10**400, 3)])
def test_a_padding_value_that_no_float_can_hold_is_infinity(value):
    padded = to_padded([[[1.0], [2.0]], [[3.0]]], value=value)
    assert_array_equal(padded[:, :, 0], [[1, 2], [3, np.inf]])
    assert [len(x) for x in from_padded(padded, value=value)] == [2, 1]

"""Structures of the Arrow C data interface, made by hand: views, releases, and wrong structures."""

import errno
import gc
from ctypes import POINTER

import arrow_structs as c
import numpy as np
import pytest
from arrow_structs import Exported, Streamed, array, bits, lists_of_rows, schema
from numpy.testing import assert_array_equal

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._lists import lists_of
from sklstm.preprocessing import SequenceImputer, SequenceScaler

ROWS = [[[1.0, 2], [3, 4]], [[5, 6]], [[7, 8], [9, 10], [11, 12]]]
SMALL = {"hidden_layer_sizes": 2, "max_iter": 1, "tol": None, "random_state": 0}


def numbers(*values, dtype=np.float64):
    values = np.array(values, dtype)
    return array(len(values), None, values)


def read(data):
    """The sequences of an exporter, through a transformer that changes nothing."""
    return SequenceScaler(with_mean=False, with_std=False).fit_transform(data)


def equal(found, expected):
    assert isinstance(found, list)
    for x, wanted in zip(found, expected, strict=True):
        assert_array_equal(x, wanted)


# ------------------------------------------------------------------------------ what is read


class WithoutDefault(Exported):
    """As polars 1.3."""

    def __arrow_c_array__(self, requested_schema):
        return super().__arrow_c_array__()


class WithoutWish(Exported):
    """As DuckDB 1.1."""

    def __arrow_c_array__(self):
        return super().__arrow_c_array__()


@pytest.mark.parametrize("kind", [WithoutDefault, WithoutWish])
def test_methods_of_old_releases(kind):
    equal(read(kind(*lists_of_rows(ROWS))), ROWS)


def test_the_error_of_an_export_is_raised():
    class Failing:
        def __arrow_c_array__(self, requested_schema=None):
            raise TypeError("no such type in Arrow")

    with pytest.raises(TypeError, match="no such type in Arrow"):
        read(Failing())


@pytest.mark.parametrize("offsets", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_are_read_without_a_copy(offsets, dtype):
    of, values = lists_of_rows(ROWS, dtype, offsets)
    (block,) = lists_of(Exported(of, values), "X").blocks(dtype)
    address = values.children[0].contents.children[0].contents.buffers[1]
    assert block.values.ctypes.data == address
    assert block.values.dtype == dtype and not block.values.flags.writeable
    assert_array_equal(block.offsets, [0, 2, 3, 6])
    assert block.offsets.dtype == np.int64


def test_an_array_is_released_with_the_last_view_of_it():
    of, values = lists_of_rows(ROWS)
    tag = values.private_data
    (block,) = lists_of(Exported(of, values), "X").blocks(np.float64)
    view = block.values[1:, 0]
    del block
    gc.collect()
    assert tag not in c.released
    assert_array_equal(view, [3, 5, 7, 9, 11])
    del view
    gc.collect()
    assert c.released.count(tag) == 1


def test_what_was_exported_is_released_once_by_a_fit():
    of, values = lists_of_rows(ROWS)
    stream = Streamed(of, [values])
    LSTMRegressor(**SMALL).fit(stream, [1.0, 2, 3])
    gc.collect()
    assert [c.released.count(tag) for tag in (values.private_data, stream.tag)] == [1, 1]
    assert c.released.count(of.private_data) == 1


def test_what_is_no_list_is_released_too():
    values = numbers(1, 2)
    tag = values.private_data
    assert lists_of(Exported(schema(b"g"), values), "X") is None
    gc.collect()
    assert c.released.count(tag) == 1


@pytest.mark.parametrize("chunks", [1, 2, 3])
def test_chunks_and_empty_chunks(chunks):
    parts = [ROWS[:1], ROWS[1:]][:chunks] if chunks < 3 else [ROWS[:1], ROWS[1:2], ROWS[2:]]
    made = [lists_of_rows(part) for part in parts]
    empty = array(0, None, None, children=[array(0, None, children=[array(0, None, None)])])
    read_back = read(Streamed(made[0][0], [empty, *(values for _, values in made), empty]))
    equal(read_back, [x for part in parts for x in part])


def test_offsets_at_every_level():
    """Every buffer begins with entries that are not in use."""
    data = np.arange(100.0)
    inner = array(90, None, data, offset=3)  # numbers 3 to 92
    steps = array(40, None, children=[inner], offset=2)  # pairs 2 to 41 of these
    starts = np.array([0, 9, 5, 6, 8, 11], np.int32)
    lists = array(3, None, starts, children=[steps], offset=2)
    of = schema(b"+l", schema(b"+w:2", schema(b"g")))
    pairs = data[3:93].reshape(-1, 2)[2:]
    equal(read(Exported(of, lists)), [pairs[5:6], pairs[6:8], pairs[8:11]])


def test_a_sliced_structure_of_one_column():
    of, values = lists_of_rows(ROWS)
    table = array(2, None, children=[values], offset=1)
    equal(read(Exported(schema(b"+s", of), table)), ROWS[1:])


def test_numbers_are_steps_of_one_feature():
    values = array(2, None, np.array([0, 2, 5], np.int32), children=[numbers(1, 2, 3, 4, 5)])
    equal(read(Exported(schema(b"+l", schema(b"g")), values)), [[[1], [2]], [[3], [4], [5]]])


def test_lists_of_one_length():
    values = array(2, None, children=[numbers(*range(6))])
    equal(read(Exported(schema(b"+w:3", schema(b"g")), values)), [[[0], [1], [2]], [[3], [4], [5]]])
    steps = array(4, None, children=[numbers(*range(8))])
    of = schema(b"+w:2", schema(b"+w:2", schema(b"g")))
    equal(read(Exported(of, array(2, None, children=[steps]))), np.arange(8).reshape(2, 2, 2))


def test_lists_of_constant_length_as_steps():
    starts = np.array([1, 3, 5, 7], np.int64)
    data = np.arange(9.0)
    steps = array(3, None, starts, children=[array(9, None, data)])
    of = schema(b"+l", schema(b"+L", schema(b"g")))
    values = array(2, None, np.array([0, 1, 3], np.int32), children=[steps])
    (block,) = lists_of(Exported(of, values), "X").blocks(np.float64)
    assert block.values.ctypes.data == data.ctypes.data + 8
    assert_array_equal(block.values, [[1, 2], [3, 4], [5, 6]])


def test_views_of_lists_in_any_order():
    starts, sizes = np.array([3, 0, 3], np.int32), np.array([2, 3, 1], np.int32)
    values = array(3, None, starts, sizes, children=[numbers(0, 1, 2, 3, 4)])
    of = schema(b"+vl", schema(b"g"))
    equal(read(Exported(of, values)), [[[3], [4]], [[0], [1], [2]], [[3]]])


def test_steps_that_are_scattered_views_raise():
    steps = array(
        2,
        None,
        np.array([2, 0], np.int32),
        np.array([2, 2], np.int32),
        children=[numbers(1, 2, 3, 4)],
    )
    of = schema(b"+l", schema(b"+vl", schema(b"g")))
    values = array(1, None, np.array([0, 2], np.int32), children=[steps])
    with pytest.raises(TypeError, match=r"views of lists must be side by side.*X\.cast"):
        read(Exported(of, values))


@pytest.mark.parametrize(
    ("code", "dtype"), [(b, d) for b, d in zip("cCsSiIlLe", "bBhHiIqQe", strict=True)]
)
def test_other_numbers_become_float64(code, dtype):
    data = np.array([1, 2, 3], dtype)
    values = array(1, None, np.array([0, 3], np.int32), children=[array(3, None, data)])
    (x,) = read(Exported(schema(b"+l", schema(code.encode())), values))
    assert x.dtype == np.float64
    assert_array_equal(x, [[1], [2], [3]])


def test_booleans_are_bits():
    flags = np.arange(21) % 3 == 0
    inner = array(20, None, bits(flags), offset=1)
    values = array(2, None, np.array([0, 9, 20], np.int32), children=[inner])
    x = read(Exported(schema(b"+l", schema(b"b")), values))
    equal(x, [flags[1:10, None], flags[10:, None]])


def test_misaligned_numbers_are_copied():
    raw = np.zeros(25, np.uint8)
    data = raw[1:].view(np.float64)
    data[:] = [1, 2, 3]
    values = array(1, None, np.array([0, 3], np.int32), children=[array(3, None, data)])
    (block,) = lists_of(Exported(schema(b"+l", schema(b"g")), values), "X").blocks(np.float64)
    assert block.values.flags.aligned
    assert_array_equal(block.values, [[1], [2], [3]])


# -------------------------------------------------------------------------- missing entries


def with_nulls(level, at, n=6):
    """ROWS with a missing entry at a level: 0 sequence, 1 step, 2 number."""
    valid = np.ones(100, bool)
    valid[at] = False
    maps = [bits(valid) if k == level else None for k in range(3)]
    counts = [-1 if k == level else 0 for k in range(3)]
    data = np.arange(1.0, 13)
    inner = array(12, maps[2], data, null_count=counts[2])
    steps = array(6, maps[1], children=[inner], null_count=counts[1])
    starts = np.array([0, 2, 3, 6], np.int32)
    of = schema(b"+l", schema(b"+w:2", schema(b"g")))
    return Exported(of, array(3, maps[0], starts, children=[steps], null_count=counts[0]))


NULLS = {
    "sequence": (0, 1, r"^Sequence 1 of X is null\. Drop it\.$"),
    "step": (
        1,
        4,
        r"^X is null: sequence 2, step 1\. Fill in the features of the step, or drop it",
    ),
    "number": (
        2,
        7,
        r"^X is null: sequence 2, step 0, feature 1\. A null counts as missing\. Fill",
    ),
}


@pytest.mark.parametrize("kind", NULLS)
def test_a_null_is_an_error_that_names_its_place(kind):
    level, at, message = NULLS[kind]
    model = LSTMRegressor(**SMALL)
    with pytest.raises(ValueError, match=message):
        model.fit(with_nulls(level, at), [1.0, 2, 3])
    assert not hasattr(model, "n_features_in_")


def test_null_numbers_are_filled_in_by_the_imputer():
    found = SequenceImputer(strategy="constant", fill_value=-1.0).fit_transform(with_nulls(2, 7))
    equal(found, [[[1, 2], [3, 4]], [[5, 6]], [[7, -1], [9, 10], [11, 12]]])


@pytest.mark.parametrize("level", [0, 1])
def test_null_sequences_and_steps_are_errors_for_the_imputer_too(level):
    with pytest.raises(ValueError, match=list(NULLS.values())[level][2]):
        SequenceImputer().fit(with_nulls(level, list(NULLS.values())[level][1]))


def test_nulls_outside_of_a_slice_do_not_matter():
    exported = with_nulls(0, 0)
    exported.values.length, exported.values.offset = 2, 1
    equal(read(exported), ROWS[1:])


def test_a_validity_without_nulls_is_not_read():
    exported = with_nulls(1, 2)
    exported.values.children[0].contents.null_count = 0
    equal(read(exported), ROWS)


def test_a_column_of_nothing():
    of = schema(b"+l", schema(b"n"))
    values = array(1, None, np.array([0, 2], np.int32), children=[array(2)])
    with pytest.raises(ValueError, match="X is null: sequence 0, step 0, feature 0"):
        LSTMRegressor(**SMALL).fit(Exported(of, values), [1.0])


def test_nulls_in_the_second_chunk_have_their_number():
    of, first = lists_of_rows(ROWS)
    second = with_nulls(1, 4).values
    with pytest.raises(ValueError, match="X is null: sequence 5, step 1"):
        read(Streamed(of, [first, second]))


# ------------------------------------------------------------------------- wrong structures


def child(exported, *path):
    found = exported.values
    for k in path:
        found = found.children[k].contents
    return found


def broken(change):
    exported = Exported(*lists_of_rows(ROWS))
    change(exported)
    return exported


def offsets(exported):
    return np.ctypeslib.as_array((c.ctypes.c_int32 * 4).from_address(exported.values.buffers[1]))


def set_offset(k, value):
    def change(exported):
        offsets(exported)[k] = value

    return change


def set_field(path, name, value):
    def change(exported):
        setattr(child(exported, *path), name, value)

    return change


def set_type(name, value):
    return lambda exported: setattr(exported.of, name, value)


def null_child(exported):
    exported.values.children[0] = POINTER(c.Array)()


def null_type_child(exported):
    exported.of.children[0] = POINTER(c.Schema)()


def null_buffer(*path, k=1):
    def change(exported):
        child(exported, *path).buffers[k] = None

    return change


WRONG = {
    "negative offset": (set_offset(0, -1), "negative"),
    "decreasing offsets": (set_offset(1, 5), "decrease"),
    "offsets beyond the child": (set_offset(3, 7), "entries 0 to 7 of an array of 6"),
    "huge offset": (set_offset(3, 2**31 - 1), "of an array of 6"),
    "negative length": (set_field((), "length", -1), "length is -1"),
    "negative array offset": (set_field((), "offset", -2), "offset -2"),
    "wrong null count": (set_field((), "null_count", -5), "number of nulls -5"),
    "child too short": (set_field((0, 0), "length", 11), "entries 0 to 12 of an array of 11"),
    "child's offset": (set_field((0,), "offset", 1), "entries 2 to 14 of an array of 12"),
    "no buffers": (set_field((), "n_buffers", 0), "0 buffers and 1 children"),
    "too many buffers": (set_field((0,), "n_buffers", 2), "2 buffers"),
    "negative number of buffers": (set_field((0, 0), "n_buffers", -1), "-1 buffers"),
    "no pointer to buffers": (set_field((), "buffers", None), "no pointer"),
    "no children": (set_field((), "n_children", 0), "0 children"),
    "negative number of children": (set_field((), "n_children", -1), "-1 children"),
    "no pointer to children": (set_field((), "children", None), "no pointer"),
    "child is NULL": (null_child, "released before"),
    "released": (set_field((), "release", c.RELEASE_ARRAY()), "released before"),
    "released child": (set_field((0,), "release", c.RELEASE_ARRAY()), "released before"),
    "no offsets": (null_buffer(), "its buffer 1 is missing"),
    "no numbers": (null_buffer(0, 0), "its buffer 1 is missing"),
    "released type": (set_type("release", c.RELEASE_SCHEMA()), "type was released"),
    "type without format": (set_type("format", None), "no format"),
    "type without children": (set_type("n_children", 0), "0 children, but a list has 1"),
    "type with -1 children": (set_type("n_children", -1), "-1 children"),
    "type with 2^60 children": (set_type("n_children", 2**60), "children"),
    "type without pointer": (set_type("children", None), "no pointer"),
    "child of the type is NULL": (null_type_child, "released"),
    "no size": (set_type("format", b"+w:"), "format"),
    "negative size": (set_type("format", b"+w:-3"), "format"),
    "type of another array": (set_type("format", b"+w:2"), "2 buffers and 1 children"),
    "metadata": (set_type("metadata", np.array([1, -1], np.int32).tobytes()), "length -1"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_structures_raise(name):
    change, message = WRONG[name]
    model = LSTMRegressor(**SMALL)
    with pytest.raises(ValueError, match=f"^X cannot be read as Arrow data: .*{message}"):
        model.fit(broken(change), [1.0, 2, 3])
    assert not hasattr(model, "n_features_in_")


def test_a_type_that_contains_itself_raises():
    of = schema(b"+l", schema(b"g"))
    of.children[0] = c.pointer(of)
    with pytest.raises(ValueError, match="nested more than"):
        read(Exported(of, numbers(1)))


@pytest.mark.parametrize(
    ("error", "kind"),
    [(errno.EIO, ValueError), (errno.EINVAL, ValueError), (errno.ENOMEM, MemoryError)],
)
def test_the_error_of_a_stream_is_raised(error, kind):
    of, values = lists_of_rows(ROWS)
    stream = Streamed(of, [values], error=error)
    with pytest.raises(kind, match="the disk is gone"):
        read(stream)
    gc.collect()
    assert [c.released.count(tag) for tag in (stream.tag, values.private_data)] == [1, 1]


def test_the_error_of_a_stream_without_text():
    of, values = lists_of_rows(ROWS)
    with pytest.raises(ValueError, match=f"its stream failed: error {errno.EIO}"):
        read(Streamed(of, [values], error=errno.EIO, text=None))


def test_a_stream_that_fails_at_its_type():
    of, values = lists_of_rows(ROWS)
    stream = Streamed(of, [values], schema_error=errno.EIO)
    with pytest.raises(ValueError, match=r"^X cannot be read as Arrow data: its stream failed"):
        read(stream)
    gc.collect()
    assert c.released.count(stream.tag) == 1


def test_capsules_of_another_kind_raise():
    of, values = lists_of_rows(ROWS)
    exported = Exported(of, values)
    exported.__class__ = type(
        "Mixed", (Exported,), {"__arrow_c_array__": lambda self: (None, c.capsule(of, b"wrong"))}
    )
    with pytest.raises(ValueError, match="incorrect name"):
        read(exported)


# --------------------------------------------------------------------------- lists' own errors


def test_the_messages_of_lists():
    of = schema(b"+l", schema(b"+w:2", schema(b"g")))
    steps = array(1, None, children=[numbers(1, 2)])
    hole = array(2, None, np.array([0, 1, 1], np.int32), children=[steps])
    with pytest.raises(ValueError, match=r"^Sequence 1 of X is empty. Drop it, or add at least"):
        read(Exported(of, hole))
    pairs = array(2, None, children=[numbers(*range(4))])
    two = array(2, None, np.array([0, 1, 2], np.int32), children=[pairs])
    with pytest.raises(ValueError, match=r"^Sequence 3 of X is empty. Drop it, or add at least"):
        read(Streamed(of, [two, hole]))
    nothing = array(0, None, None, children=[array(0, None, children=[array(0, None, None)])])
    with pytest.raises(ValueError, match=r"^X is empty: it needs at least one sequence"):
        read(Exported(of, nothing))
    with pytest.raises(ValueError, match=r"^X is empty: it needs at least one sequence"):
        read(Streamed(of, []))
    of = schema(b"+l", schema(b"+w:0", schema(b"g")))
    steps = array(1, None, children=[array(0, None, None)])
    values = array(1, None, np.array([0, 1], np.int32), children=[steps])
    with pytest.raises(ValueError, match=r"^The sequences of X have 0 features"):
        read(Exported(of, values))


def test_the_places_of_nan_and_infinity():
    rows = [np.array(x, float) for x in ROWS]
    rows[2][1, 0] = np.nan
    with pytest.raises(ValueError, match=r"^X contains NaN: sequence 2, step 1, feature 0"):
        LSTMRegressor(**SMALL).fit(Exported(*lists_of_rows(rows)), [1.0, 2, 3])
    rows[0][1, 1] = np.inf
    with pytest.raises(ValueError, match=r"^X contains infinity.*: sequence 0, step 1, feature 1"):
        read(Exported(*lists_of_rows(rows)))


def test_steps_of_unequal_length_name_their_place():
    steps = array(3, None, np.array([0, 2, 4, 5], np.int32), children=[numbers(1, 2, 3, 4, 5)])
    values = array(2, None, np.array([0, 1, 3], np.int32), children=[steps])
    of = schema(b"+l", schema(b"+l", schema(b"g")))
    message = "^Sequence 1, step 1 of X has 1 features, but sequence 0, step 0 has 2: every step"
    with pytest.raises(ValueError, match=message):
        read(Exported(of, values))


def test_chunks_of_other_widths_name_their_sequence():
    of = schema(b"+l", schema(b"+l", schema(b"g")))

    def chunk(width):
        steps = array(1, None, np.array([0, width], np.int32), children=[numbers(*range(width))])
        return array(1, None, np.array([0, 1], np.int32), children=[steps])

    with pytest.raises(ValueError, match=r"^Sequence 1 of X has 3 features, but sequence 0 has 2"):
        read(Streamed(of, [chunk(2), chunk(3)]))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (b"u", "strings .*SequenceEncoder"),
        (b"vu", "strings"),
        (b"z", "other values"),
        (b"d:5,2", "decimal numbers .*Cast them to float64"),
        (b"tdD", "dates, times or durations .*seconds"),
        (b"tsu:UTC", "dates, times or durations"),
        (b"+vl", "lists within steps"),
    ],
)
def test_other_types_raise_a_type_error_that_names_them(code, words):
    inner = schema(code, schema(b"+l", schema(b"g"))) if code == b"+vl" else schema(code)
    values = array(0, None, None, children=[array(0, None, None)])
    with pytest.raises(TypeError, match=f"X is an Arrow column of lists that contain {words}"):
        LSTMClassifier(**SMALL).fit(Exported(schema(b"+l", inner), values), [])


def test_dictionary_encoded_numbers_raise_a_type_error():
    inner = schema(b"i", dictionary=c.pointer(schema(b"u")))
    values = array(0, None, None, children=[array(0, None, None)])
    with pytest.raises(TypeError, match=r"dictionary-encoded values .*codes"):
        LSTMClassifier(**SMALL).fit(Exported(schema(b"+l", inner), values), [])


def test_a_table_of_several_columns_raises():
    of = schema(b"+s", schema(b"g", name=b"y"), schema(b"+l", schema(b"g"), name=b"x"))
    with pytest.raises(TypeError, match=r"columns \['y', 'x'\]. Pass one column.* X\['x'\]"):
        read(Exported(of, array(0, None)))


# -------------------------------------------------------------------------------- tensors


def metadata_of(**facts):
    """Metadata of a field as the interface packs them."""
    packed = np.int32(len(facts)).tobytes()
    for pair in facts.items():
        for text in pair:
            packed += np.int32(len(text)).tobytes() + text.encode()
    c.kept.append(packed)
    return packed


def tensors(shape, facts):
    name = {"ARROW:extension:name": "arrow.fixed_shape_tensor"}
    metadata = metadata_of(**name, **{"ARROW:extension:metadata": facts})
    size = int(np.prod(shape))
    of = schema(b"+w:%d" % size, schema(b"g"), metadata=metadata)
    return Exported(of, array(2, None, children=[numbers(*range(2 * size))]))


def test_tensors_of_steps_and_features():
    equal(read(tensors((3, 2), '{"shape": [3, 2]}')), np.arange(12.0).reshape(2, 3, 2))
    equal(read(tensors((3,), '{"shape": [3]}')), np.arange(6.0).reshape(2, 3, 1))


@pytest.mark.parametrize(
    "facts",
    ['{"shape": [2, 3], "permutation": [1, 0]}', '{"shape": [1, 2, 3]}', '{"shape": [5, 2]}'],
)
def test_other_tensors_raise(facts):
    with pytest.raises(TypeError, match="column of tensors of shape"):
        read(tensors((3, 2), facts))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ('["u", "v"]', ["u", "v"]),
        ('["u", "v", "w"]', None),
        ('["u", 2]', None),
        ("null", None),
        ("{", None),
    ],
)
def test_names_in_the_metadata_of_a_step(names, expected):
    of, values = lists_of_rows(ROWS)
    of.children[0].contents.metadata = metadata_of(**{"sklstm.feature_names": names})
    assert lists_of(Exported(of, values), "X").names == expected

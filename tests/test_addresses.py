"""Sequences that are read where they are: no copy, the same bits, and no other memory."""

import array
import gc
import pickle
import tracemalloc
import weakref
from itertools import pairwise

import numpy as np
import pytest
from kernels import CELLS, EPOCH, SHAPES, Problem, network, ragged, symbols_of
from numpy.testing import assert_array_equal

from sklstm import LSTMClassifier, LSTMRegressor, _isa
from sklstm._addresses import Addresses, of_arrays, of_blocks
from sklstm._laws import check_finite
from sklstm._network import Network
from sklstm._sequences import Sequences, read_sequences

LENGTHS = (3, 17, 1, 9, 4, 4, 12, 5)


def listed(X):
    return Sequences.of_arrays(X, "list")


def in_blocks(X):
    """Three arrays with steps before the first sequence and after the last one."""
    blocks = []
    for some in (X[:1], X[1:6], X[6:]):
        edge = np.full((2, X[0].shape[1]), np.nan, X[0].dtype)
        offsets = 2 + np.cumsum([0, *map(len, some)])
        blocks.append((np.concatenate([edge, *some, edge]), offsets))
    return Sequences.of_blocks(blocks, "list")


def viewed(X):
    """Views of one array, in the order from its end."""
    room = np.concatenate(X[::-1])
    ends = np.cumsum([0, *(len(x) for x in X[::-1])])
    return listed([room[a:b] for a, b in pairwise(ends)][::-1])


def taken(X):
    return listed([X[0], *X[::-1]]).take(np.arange(len(X), 0, -1))


def packed_and_taken(X):
    offsets = np.cumsum([0, *map(len, [*X, X[0]])])
    return Sequences(np.concatenate([*X, X[0]]), offsets, "list").take(slice(len(X)))


FORMS = {
    "list": listed,
    "blocks": in_blocks,
    "views": viewed,
    "taken": taken,
    "packed and taken": packed_and_taken,
}
forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def packed(X):
    return Sequences(np.concatenate(X), np.cumsum([0, *map(len, X)]), "list")


# ------------------------------------------------------------------------------ the same numbers


@forms
def test_the_steps_are_those_of_the_arrays(form):
    X = ragged(LENGTHS, 3)
    sequences = form(X)
    assert (len(sequences), sequences.n_steps, sequences.n_features) == (8, sum(LENGTHS), 3)
    assert_array_equal(sequences.lengths, LENGTHS)
    assert_array_equal(sequences.offsets, np.cumsum([0, *LENGTHS]))
    assert_array_equal(np.concatenate(list(sequences.parts())), np.concatenate(X))
    for k, x in enumerate(X):
        assert_array_equal(sequences.steps_of(k), x)
    assert_array_equal(sequences.values, np.concatenate(X))
    assert sequences.values.flags.c_contiguous


@forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", ["everything", "large"])
@pytest.mark.parametrize("cell", CELLS)
def test_outputs_and_gradients_have_the_same_bits(form, dtype, shape, cell):
    topology, vector = network(shape, cell, dtype=dtype)
    problem = Problem(topology, ragged(LENGTHS, SHAPES[shape]["n_features"], dtype=dtype))

    def run(sequences):
        net = Network(topology, vector, "full", False)
        trainer = net.trainer(
            sequences,
            problem.targets.astype(dtype),
            problem.weights,
            problem.sequence_weights,
            problem.objective,
            n_threads=2,
            batch_size=5,
        )
        trainer.begin_epoch(EPOCH)
        loss = trainer.gradient(np.array([4, 0, 7, 2, 1]))
        factors = np.ones((len(sequences), topology.n_outputs), dtype)
        explained = net.feature_gradient(sequences, factors, 2)
        return loss, trainer.found.whole(vector), net.output(sequences, 2), explained

    for found, expected in zip(
        run(form(problem.sequences)), run(packed(problem.sequences)), strict=True
    ):
        assert_array_equal(found, expected)


@pytest.mark.parametrize("place", [0, 50, 99])
def test_there_is_room_for_the_longest_sequence_wherever_it_is(place):
    X = ragged([1] * 99, 3)
    X.insert(place, ragged([900], 3)[0])
    y = np.arange(100.0)
    model = LSTMRegressor(4, max_iter=1, shuffle=False, batch_size=100, random_state=0)
    found = model.fit(X, y).predict(X)
    long, short = model.predict([X[place]]), model.predict([*X[:place], *X[place + 1 :]])
    assert_array_equal(found, np.insert(short, place, long))


def test_symbols_are_selected_with_their_sequences():
    X = ragged(LENGTHS, 2)
    symbols = symbols_of(X, (3, 4))
    rows = [6, 1, 1, 3]
    for sequences in (listed(X), packed(X)):
        sequences.symbols = np.concatenate(symbols)
        found = sequences.take(rows)
        assert_array_equal(found.symbols, np.concatenate([symbols[k] for k in rows]))
        assert_array_equal(found.values, np.concatenate([X[k] for k in rows]))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("form", [*FORMS.values(), packed], ids=[*FORMS, "packed"])
def test_the_first_bad_value_is_found_in_every_form(form, value):
    kernel = _isa.kernels[np.dtype(float)]
    for k, length in enumerate(LENGTHS):
        X = ragged(LENGTHS, 2)
        assert kernel.first_not_finite(form(X).addresses) == len(X)
        X[-1][-1, 1] = X[k][-1, 1] = value
        sequences = form(X)
        assert kernel.first_not_finite(sequences.addresses) == k
        place = f"sequence {k}, step {length - 1}, feature 1"
        for allow_nan in (False, True):
            if allow_nan and np.isnan(value):
                check_finite(sequences, X, allow_nan=True)
                continue
            with pytest.raises(ValueError, match=place):
                check_finite(sequences, X, allow_nan=allow_nan)


def forms_of(X, folder):
    """What a user may pass for an array (n, T, F)."""
    X.tofile(folder / "steps")
    mapped = np.memmap(folder / "steps", X.dtype, "r", shape=X.shape)
    yield "list", list(X)
    yield "copies", [np.array(x) for x in X]
    yield "tuple", tuple(X)
    yield "mapped", mapped
    yield "mapped list", [mapped[k] for k in range(len(X))]
    yield "fortran", [np.asfortranarray(x) for x in X]
    yield "other byte order", [x.astype(x.dtype.newbyteorder()) for x in X]
    yield "nested", X.tolist()


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_models_have_the_same_bits_for_every_form(tmp_path, per_step, early_stopping):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6, 3))
    y = rng.normal(size=(40, 6) if per_step else 40)

    def trained(form):
        model = LSTMRegressor(
            4, max_iter=4, random_state=0, early_stopping=early_stopping, return_sequences=per_step
        )
        return model.fit(form, y if not per_step or form is X else list(y))

    expected = trained(X)
    for name, form in forms_of(X, tmp_path):
        if name == "mapped" and per_step:
            continue
        model = trained(form)
        assert_array_equal(model.parameters_, expected.parameters_, name)
        found = np.concatenate([np.ravel(part) for part in model.predict(form)])
        assert_array_equal(found, expected.predict(X).ravel(), name)
        assert model.score(form, list(y)) == expected.score(X, list(y))


@forms
def test_another_process_gets_packed_sequences(form):
    X = ragged(LENGTHS, 2)
    sequences = form(X).with_symbols(np.concatenate(symbols_of(X, (3, 4))))
    found = pickle.loads(pickle.dumps(sequences))
    for name in ("values", "offsets", "symbols"):
        assert_array_equal(getattr(found, name), getattr(sequences, name))
    assert (found.container, found.dtype) == (sequences.container, sequences.dtype)


# --------------------------------------------------------------------------------------- no copy


class Reader:
    n_features_in_ = 8
    _sequence_input = "sequences"


def traced(call):
    """The largest number of bytes that Python and NumPy allocate during a call."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [None, np.float32], ids=["found", "given"])
def test_reading_a_list_takes_at_most_64_bytes_for_each_sequence(dtype):
    X = [np.zeros((500, 8), np.float32) for _ in range(2000)]

    def read():
        return read_sequences(Reader(), X, reset=False, dtype=dtype)

    read()
    assert traced(read) <= 64 * len(X) + 10_000


@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_and_prediction_do_not_copy_a_list(early_stopping):
    X = [np.full((500, 8), 0.1, np.float32) for _ in range(500)]
    y = np.arange(len(X)) % 2
    size = sum(x.nbytes for x in X)
    model = LSTMClassifier(2, max_iter=1, random_state=0, early_stopping=early_stopping)
    for call in (
        lambda: model.fit(X, y),
        lambda: model.fit(X, y, X_val=X, y_val=y) if early_stopping else model.partial_fit(X, y),
        lambda: model.predict(X),
        lambda: model.score(X, y),
    ):
        call()
        assert traced(call) < size / 10


def test_a_list_of_one_array_is_that_array():
    x = np.zeros((5, 8))
    assert np.shares_memory(read_sequences(Reader(), [x], reset=False).values, x)


# -------------------------------------------------------------------------------- no other memory


def test_the_arrays_live_as_long_as_their_addresses():
    X = ragged(LENGTHS, 2)
    left = [weakref.ref(x) for x in X]
    expected = np.concatenate(X)
    sequences = listed(X).take(slice(1, None))
    X.clear()
    gc.collect()
    assert all(one() is not None for one in left)
    assert_array_equal(sequences.values, expected[LENGTHS[0] :])
    del sequences
    gc.collect()
    assert all(one() is None for one in left)


def test_a_list_that_changes_during_a_call_is_read_as_it_was():
    X = ragged(LENGTHS, 2)
    expected = np.concatenate(X)
    sequences = listed(X)
    X[0], X[1] = None, np.zeros((100, 2))
    del X[2:]
    assert_array_equal(sequences.values, expected)


def test_a_list_may_be_emptied_during_training():
    def trained(X, at_epoch):
        def scoring(model, X_val, y_val):
            at_epoch()
            gc.collect()
            return float(np.mean(model.predict(X_val)))

        model = LSTMRegressor(
            4, max_iter=5, random_state=0, early_stopping=True, scoring=scoring, n_iter_no_change=9
        )
        return model.fit(X, np.arange(len(X)), X_val=ragged(LENGTHS, 2), y_val=np.arange(8))

    X, emptied = ragged([200] * 30, 2), ragged([200] * 30, 2)
    expected = trained(X, lambda: None)
    found = trained(emptied, emptied.clear)
    assert emptied == []
    assert_array_equal(found.parameters_, expected.parameters_)


@pytest.mark.parametrize("make", [bytearray, lambda b: array.array("d", b)], ids=["bytes", "array"])
def test_memory_that_is_read_cannot_be_resized(make):
    room = make(np.arange(10.0).tobytes())
    sequences = listed([np.frombuffer(room).reshape(5, 2)])
    for change in (lambda: room.extend(room), room.pop, lambda: room.__delitem__(slice(None))):
        with pytest.raises(BufferError):
            change()
    assert_array_equal(sequences.values.ravel(), np.arange(10.0))


def test_an_array_that_is_read_cannot_be_resized_and_may_change_its_shape():
    x = np.arange(10.0).reshape(5, 2)
    sequences = listed([x])
    with pytest.raises(ValueError, match="resize"):
        x.resize(1000, 2)
    x.shape = (2, 5)
    assert_array_equal(sequences.values, np.arange(10.0).reshape(5, 2))


class Forged(np.ndarray):
    """An array that describes memory which is not its own."""

    __array_struct__ = __array_interface__ = None

    def __buffer__(self, flags):
        return memoryview(b"")


BAD = {
    "no array": [[1.0, 2.0]],
    "buffer": memoryview(np.zeros((5, 2))),
    "of another class": np.zeros((5, 2)).view(Forged),
    "masked": np.ma.zeros((5, 2)),
    "one dimension": np.zeros(5),
    "three dimensions": np.zeros((5, 2, 1)),
    "strided": np.zeros((10, 2))[::2],
    "columns": np.zeros((5, 4))[:, :2],
    "fortran": np.zeros((5, 2), order="F"),
    "half precision": np.zeros((5, 2), np.float16),
    "integers": np.zeros((5, 2), np.int64),
    "complex": np.zeros((5, 2), np.complex64),
    "other byte order": np.zeros((5, 2), ">f8"),
    "misaligned": np.zeros(81, np.uint8)[1:].view(np.float64).reshape(5, 2),
    "records": np.zeros((5, 2), [("x", np.float64)]),
}


@pytest.mark.parametrize("x", BAD.values(), ids=BAD)
def test_what_the_kernels_cannot_read_has_no_address(x):
    right = np.zeros((5, 2))
    for X in ([x], [x, right], [right, x]):
        assert of_arrays(X) is None
    for blocks in ([(x, np.array([0, 5]))], [(right, np.array([0, 5])), (x, np.array([0, 5]))]):
        with pytest.raises(ValueError, match=r"Block . must be an array .N, F. of float32"):
            of_blocks(blocks)


@pytest.mark.parametrize(
    "X",
    [[], [np.zeros((0, 2))], [np.zeros((1, 2)), np.zeros((1, 3))],
     [np.zeros((1, 2)), np.zeros((1, 2), np.float32)], [np.zeros((1, 2)), np.zeros((0, 2))]],
    ids=["no sequence", "empty", "more features", "other precision", "empty later"],
)  # fmt: skip
def test_sequences_that_do_not_match_have_no_addresses(X):
    assert of_arrays(X) is None


@pytest.mark.parametrize(
    "offsets", [[0, 6], [-1, 5], [0, 3, 3], [0, 4, 2], [0, 2**62], [6, 7], [-(2**63), 5], [6]],
    ids=str,
)  # fmt: skip
def test_sequences_beyond_their_block_are_refused(offsets):
    with pytest.raises(ValueError, match="offsets of block 0 must rise, from 0 or more to 5"):
        of_blocks([(np.zeros((5, 2)), np.array(offsets, dtype=np.int64))])


def test_blocks_that_do_not_match_are_refused():
    for other in (np.zeros((5, 3)), np.zeros((5, 2), np.float32)):
        with pytest.raises(ValueError, match=r"Block 1 has . numbers of . bytes a step"):
            of_blocks([(np.zeros((5, 2)), np.array([0, 5])), (other, np.array([0, 5]))])
    with pytest.raises(ValueError, match="at least one block"):
        of_blocks([])
    with pytest.raises(ValueError, match="one element at least"):
        of_blocks([(np.zeros((5, 2)), np.array([], np.int64))])


def test_offsets_are_copied_and_cannot_be_written_to():
    offsets = np.array([0, 2, 5])
    sequences = Sequences.of_blocks([(np.arange(10.0).reshape(5, 2), offsets)], "list")
    offsets[:] = 10**12
    assert_array_equal(sequences.offsets, [0, 2, 5])
    with pytest.raises(ValueError, match="read-only"):
        sequences.offsets[0] = 3
    with pytest.raises(ValueError, match="read-only"):
        sequences.values[0] = 3


def test_addresses_are_made_by_the_functions_only():
    empty = Addresses()
    assert (len(empty), empty.n_steps) == (0, 0)
    assert not empty.are_joined
    right = of_arrays([np.zeros((5, 2))])
    right.__init__()
    assert right.n_steps == 5
    with pytest.raises(TypeError):
        pickle.dumps(right)
    for name in ("n", "first", "ends", "owners", "n_steps", "format"):
        with pytest.raises(AttributeError):
            setattr(right, name, 3)
    with pytest.raises(BufferError):
        memoryview(of_arrays([np.zeros((5, 2)), np.zeros((5, 2))]))
    assert memoryview(right).readonly

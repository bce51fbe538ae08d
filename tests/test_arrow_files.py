"""Arrow files: written in one pass, in batches, atomically; opened as memory maps; Parquet."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import LSTMClassifier, LSTMRegressor, _arrow_files
from sklstm.datasets import open_sequences, to_arrow
from sklstm.preprocessing import from_long

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "tol": None, "random_state": 0, "batch_size": 7}


@pytest.fixture
def pa():
    return pytest.importorskip("pyarrow")


@pytest.fixture
def path(tmp_path, pa):
    return tmp_path / "data.arrow"


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(_arrow_files, "BATCH_BYTES", 300)


def sequences(n=24, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(t, 3)).astype(dtype) for t in rng.integers(1, 9, n)]


def labels(n=24):
    return [f"class {k % 3}" for k in range(n)]


def values_of(column):
    return [np.array(x.as_py()) for x in column]


def same(column, X):
    for x, wanted in zip(values_of(column), X, strict=True):
        assert_array_equal(x, wanted)


# ------------------------------------------------------------------------------ what is written


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fit_on_a_file_has_the_bits_of_fit_on_the_list(path, dtype, small_batches):
    X, y = sequences(dtype=dtype), labels()
    to_arrow(path, X, y, np.arange(1.0, 25))
    data = open_sequences(path)
    assert data.column_names == ["X", "y", "sample_weight"]
    assert data["X"].num_chunks > 3
    model = LSTMClassifier(**SMALL).fit(data["X"], data["y"], data["sample_weight"])
    twin = LSTMClassifier(**SMALL).fit(X, y, np.arange(1.0, 25))
    assert_array_equal(model.parameters_, twin.parameters_)
    assert model.parameters_.dtype == dtype
    assert_array_equal(model.predict_proba(data["X"]), twin.predict_proba(X))


def test_the_file_is_mapped_and_not_read(path, pa):
    to_arrow(path, sequences())
    before = pa.total_allocated_bytes()
    data = open_sequences(path)
    LSTMClassifier(**SMALL).fit(data["X"], labels())
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize("k", [None, 2])
def test_targets_and_weights_per_step(path, small_batches, k):
    X = sequences()
    y = [x[:, 0] if k is None else x[:, :k] for x in X]
    weights = [1 + np.arange(len(x)) % 2 for x in X]
    to_arrow(path, X, y, weights)
    data = open_sequences(path)
    settings = {**SMALL, "return_sequences": True}
    model = LSTMRegressor(**settings).fit(data["X"], data["y"], data["sample_weight"])
    twin = LSTMRegressor(**settings).fit(X, y, weights)
    assert_array_equal(model.parameters_, twin.parameters_)


def test_labels_per_step(path, small_batches):
    X = sequences()
    y = [["up" if v > 0 else "down" for v in x[:, 0]] for x in X]
    to_arrow(path, X, y)
    data = open_sequences(path)
    settings = {**SMALL, "return_sequences": True}
    model = LSTMClassifier(**settings).fit(data["X"], data["y"])
    assert_array_equal(model.parameters_, LSTMClassifier(**settings).fit(X, y).parameters_)


def test_several_targets_per_sequence(path):
    X = sequences()
    y = np.array([[x[0, 0], len(x)] for x in X])
    to_arrow(path, X, y)
    data = open_sequences(path)
    model = LSTMRegressor(**SMALL).fit(data["X"], data["y"])
    assert_array_equal(model.parameters_, LSTMRegressor(**SMALL).fit(X, y).parameters_)


@pytest.mark.parametrize("form", ["x", "(x, y)", "(x, y, weight)", "x and y"])
def test_iterators(path, small_batches, form):
    X, y, weights = sequences(), list(range(24)), [0.5] * 24
    if form == "x":
        to_arrow(path, iter(X))
    elif form == "(x, y)":
        to_arrow(path, zip(X, y, strict=True))
    elif form == "(x, y, weight)":
        to_arrow(path, zip(X, y, weights, strict=True))
    else:
        to_arrow(path, iter(X), iter(y), iter(weights))
    data = open_sequences(path)
    same(data["X"], X)
    if form != "x":
        assert data["y"].to_pylist() == y
    if form in ("(x, y, weight)", "x and y"):
        assert data["sample_weight"].to_pylist() == weights


def test_an_iterator_may_fill_the_same_array_again(path, small_batches):
    buffer = np.empty((2, 1))

    def again():
        for k in range(20):
            buffer[:] = k
            yield buffer

    to_arrow(path, again())
    same(open_sequences(path)["X"], [np.full((2, 1), float(k)) for k in range(20)])


def test_an_iterator_is_written_while_it_runs(path, small_batches):
    """Little of it is in memory: the part of the file grows before the iterator ends."""
    sizes = []

    def watched():
        for _ in range(200):
            sizes.append(sum(file.stat().st_size for file in path.parent.iterdir()))
            yield np.ones((4, 4))

    to_arrow(path, watched())
    assert sizes[100] > 4000 and sizes[-1] > sizes[100]


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        lambda X: np.array([*X, None], dtype=object)[:-1],
        lambda X: [x.tolist() for x in X],
    ],
)
def test_containers(path, make):
    X = sequences()
    to_arrow(path, make(X))
    same(open_sequences(path)["X"], X)


def test_an_array_of_three_dimensions(path):
    X = np.random.default_rng(0).normal(size=(5, 4, 2))
    to_arrow(path, X, np.arange(5))
    same(open_sequences(path)["X"], X)


def test_an_arrow_column_is_written(path, small_batches):
    X = sequences()
    to_arrow(path, X)
    other = path.with_name("other.arrow")
    to_arrow(other, open_sequences(path)["X"], labels())
    same(open_sequences(other)["X"], X)


def test_an_arrow_column_of_numbers_has_one_feature(path, pa):
    to_arrow(path, pa.array([[1.0, 2.0], [3.0]]), [0, 1])
    X = open_sequences(path)["X"]
    assert X.to_pylist() == [[[1.0], [2.0]], [[3.0]]]


def test_names_of_features(path):
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(x, columns=list("abc")) for x in sequences()]
    to_arrow(path, frames, labels())
    data = open_sequences(path)
    model = LSTMClassifier(**SMALL).fit(data["X"], data["y"])
    assert model.feature_names_in_.tolist() == list("abc")
    model.predict(frames)
    model.predict(data["X"].slice(3, 4))
    to_arrow(path, sequences(), feature_names=["u", "v", "w"])
    with pytest.raises(ValueError, match=r"feature names should match.*\['u', 'v', 'w'\]"):
        model.predict(open_sequences(path)["X"])
    to_arrow(path, [pd.DataFrame(x) for x in sequences()])
    fitted = LSTMClassifier(**SMALL).fit(open_sequences(path)["X"], labels())
    assert not hasattr(fitted, "feature_names_in_")


def test_precision(path):
    single, double = sequences(3, np.float32), sequences(3)
    for X, dtype, expected in (
        (single, None, "float"),
        (double, None, "double"),
        (single + double, None, "double"),
        (iter(single), None, "float"),
        (iter(double + single), None, "double"),
        (iter([[[1, 2]]]), None, "double"),
        (double, "float32", "float"),
        (single, np.float64, "double"),
        (iter(single + double), "float32", "float"),
    ):
        to_arrow(path, X, dtype=dtype)
        assert str(open_sequences(path)["X"].type.value_type.value_type) == expected


def test_types_of_targets(path):
    X = sequences(3)
    for y, expected in (
        ([1, 2, 3], "int64"),
        ([True, False, True], "bool"),
        ([1, 2.5, 3], "double"),
        (["a", "b", "c"], "string"),
        (np.array(["a", "b", "c"]), "string"),
        (np.array([1, 2, 3], np.uint8), "int64"),
        (np.array([1, 2, 3], np.float32), "double"),
        ([[1], [2, 3], [4.5]], "large_list<item: double>"),
    ):
        to_arrow(path, X, y)
        assert str(open_sequences(path)["y"].type) == expected


# ---------------------------------------------------------------------------------- errors

GOOD = [np.ones((2, 3))] * 3
BAD = {
    "empty": (list, ValueError, "^X is empty: it needs at least one sequence"),
    "empty iterator": (lambda: iter([]), ValueError, "^X is empty: it needs at least one sequence"),
    "an empty sequence": (
        lambda: [*GOOD, np.ones((0, 3))],
        ValueError,
        "^Sequence 3 of X is empty. Drop",
    ),
    "no features": (lambda: [np.ones((2, 0))], ValueError, "0 features"),
    "another width": (
        lambda: iter([*GOOD, np.ones((2, 4))]),
        ValueError,
        "^Sequence 3 of X has 4 features, but sequence 0 has 3",
    ),
    "one dimension": (
        lambda: iter([*GOOD, np.ones(4)]),
        ValueError,
        r"^Sequence 3 of X has shape \(4,\).*x\[:, None\]",
    ),
    "unequal steps": (
        lambda: iter([*GOOD, [[1, 2, 3], [4]]]),
        ValueError,
        "^Sequence 3 of X is not an array: .* see step 1",
    ),
    "strings": (
        lambda: iter([*GOOD, [[1, "a", 3]]]),
        ValueError,
        "X contains strings, the first at sequence 3, step 0",
    ),
    "dates": (
        lambda: iter([*GOOD, np.zeros((1, 3), "M8[s]")]),
        TypeError,
        "X contains dates or durations, the first at sequence 3, step 0",
    ),
    "a wider float": (
        lambda: iter([np.ones((1, 3), np.float32), *GOOD]),
        ValueError,
        '^Sequence 1 of X is float64, but the sequences before it are float32. Pass dtype="',
    ),
    "tuples of four": (
        lambda: iter([(1, 2, 3, 4)]),
        ValueError,
        "^Item 0 of X is a tuple of 4. An iterator must yield",
    ),
    "tuples that end": (
        lambda: iter([(GOOD[0], 1), GOOD[0]]),
        ValueError,
        "^Item 1 of X is a sequence. An iterator must yield",
    ),
    "a table": (lambda: np.ones((3, 4)), ValueError, "^X is of type ndarray; expected a list"),
    "a long table": (
        lambda: pytest.importorskip("pandas").DataFrame({"id": [1, 1], "a": [2.0, 3.0]}),
        ValueError,
        r"For a long table, use sklstm.preprocessing.from_long\(X, id=..., to=path\)",
    ),
    "a dict": (lambda: {"a": GOOD[0]}, TypeError, r"^X is of type dict, .*list\(X.values\(\)\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_sequences_raise_and_the_old_file_stays(path, name):
    make, error, message = BAD[name]
    path.write_bytes(b"old")
    with pytest.raises(error, match=message):
        to_arrow(path, make())
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


BAD_Y = {
    "too few": ([1, 2], "^y has 2 entries, but X has more sequences"),
    "too many": ([1, 2, 3, 4], "^y has more than 3 entries, but X has 3 sequences"),
    "another type": (iter([1, 2, 2.5]), "^y changes its type at sequence 2, from int64 to float64"),
    "strings later": (iter([1, "a", "b"]), "^y changes its type at sequence 1, from int64 to str"),
    "mixed": (iter([[1], ["a", 2], [1]]), "^Sequence 1 of y mixes strings and 2"),
    "another shape": (iter([[1], 2, 3]), r"^Sequence 1 of y has shape \(\)"),
    "three dimensions": (np.ones((3, 2, 2, 2)), r"^Sequence 0 of y has shape \(2, 2, 2\)"),
    "complex": ([1j, 2, 3], "y is complex"),
    "huge": (iter([2**64 - 1, 1, 2]), "^Sequence 0 of y has a number beyond int64"),
}


@pytest.mark.parametrize("name", BAD_Y)
def test_bad_targets_raise(path, name):
    y, message = BAD_Y[name]
    with pytest.raises(ValueError, match=message):
        to_arrow(path, GOOD, y)
    assert os.listdir(path.parent) == []


def test_bad_arguments_raise(path):
    with pytest.raises(ValueError, match="dtype='int64' must be"):
        to_arrow(path, GOOD, dtype=int)
    with pytest.raises(ValueError, match="feature_names has 2 names, but the sequences have 3"):
        to_arrow(path, GOOD, feature_names=["a", "b"])
    with pytest.raises(TypeError, match="must be strings"):
        to_arrow(path, GOOD, feature_names=[1, 2, 3])
    with pytest.raises(ValueError, match="X yields tuples"):
        to_arrow(path, iter([(GOOD[0], 1)]), [1])


def test_an_error_of_the_iterator_leaves_no_file(path, small_batches):
    def failing():
        yield from GOOD * 10
        raise RuntimeError("the sensor is gone")

    with pytest.raises(RuntimeError, match="the sensor is gone"):
        to_arrow(path, failing())
    assert os.listdir(path.parent) == []


def test_a_killed_writer_leaves_the_old_file(path):
    to_arrow(path, GOOD)
    before = path.read_bytes()
    program = f"""
        import os, signal
        import numpy as np
        from sklstm import _arrow_files
        from sklstm.datasets import to_arrow
        _arrow_files.BATCH_BYTES = 300
        def dying():
            for _ in range(100):
                yield np.ones((4, 3))
            os.kill(os.getpid(), signal.SIGKILL)
        to_arrow({str(path)!r}, dying())
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)])
    assert done.returncode < 0
    assert path.read_bytes() == before
    parts = [file for file in path.parent.iterdir() if file != path]
    assert len(parts) == 1 and parts[0].stat().st_size > 1000
    with pytest.raises(ValueError, match=r"is incomplete: its end is missing or damaged. Write it"):
        open_sequences(parts[0])
    os.utime(parts[0], (0, 0))
    to_arrow(path, GOOD)
    assert os.listdir(path.parent) == [path.name]


def test_files_that_are_no_arrow_files(path, pa):
    with pytest.raises(FileNotFoundError):
        open_sequences(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"not an Arrow IPC file\. Write it with sklstm"):
        open_sequences(path)
    path.write_bytes(b"id,time,x\n" * 100)
    with pytest.raises(ValueError, match="is not an Arrow IPC file"):
        open_sequences(path)
    from pyarrow import parquet

    parquet.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(ValueError, match=r"is a Parquet file.*pyarrow.parquet.read_table"):
        open_sequences(path)


@pytest.mark.parametrize("end", [8, 30, 200, -1, -10, -100])
def test_truncated_files(path, end):
    to_arrow(path, sequences())
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(ValueError, match="is incomplete"):
        open_sequences(path)


def test_a_column_that_is_missing(path):
    to_arrow(path, sequences())
    with pytest.raises(KeyError, match="y"):
        open_sequences(path)["y"]


def test_without_pyarrow_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (
        lambda: open_sequences(tmp_path / "x"),
        lambda: to_arrow(tmp_path / "x", GOOD),
    ):
        with pytest.raises(ImportError, match=r"needs pyarrow: pip install 'sklstm\[arrow\]'"):
            call()
    assert os.listdir(tmp_path) == []


# ------------------------------------------------------------------------------ other writers


def long_table():
    pd = pytest.importorskip("pandas")
    rows = [
        {"id": f"p{k}", "t": t, "a": x[t, 0], "b": x[t, 1]}
        for k, x in enumerate(sequences())
        for t in range(len(x))
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def test_from_long_writes_a_file(path, small_batches):
    df = long_table()
    X, ids = from_long(df, "id", "t")
    mapped, same_ids = from_long(df, "id", "t", to=path)
    assert_array_equal(ids, same_ids)
    same(mapped, X)
    assert open_sequences(path)["id"].to_pylist() == ids.tolist()
    model = LSTMRegressor(**SMALL).fit(mapped, np.arange(24.0))
    assert_array_equal(model.parameters_, LSTMRegressor(**SMALL).fit(X, range(24)).parameters_)
    assert model.feature_names_in_.tolist() == ["a", "b"]


def test_from_long_writes_no_targets(path):
    with pytest.raises(ValueError, match="writes features, but values='a' is a single name"):
        from_long(long_table(), "id", "t", values="a", to=path)
    from_long(long_table(), "id", "t", values=["a"], to=path)
    assert len(open_sequences(path)["X"]) == 24


def test_parquet(tmp_path, pa):
    from pyarrow import parquet

    X, y = sequences(), labels()
    to_arrow(tmp_path / "data.arrow", X, y, feature_names=list("abc"))
    parquet.write_table(open_sequences(tmp_path / "data.arrow"), tmp_path / "data.parquet")
    data = parquet.read_table(tmp_path / "data.parquet")
    model = LSTMClassifier(**SMALL).fit(data["X"], data["y"])
    assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(X, y).parameters_)


def test_feather_files_of_other_writers(path, pa):
    from pyarrow import feather

    X = sequences()
    column = pa.array([x.tolist() for x in X], pa.list_(pa.list_(pa.float64())))
    feather.write_feather(pa.table({"x": column}), path, compression="uncompressed")
    model = LSTMClassifier(**SMALL).fit(open_sequences(path)["x"], labels())
    assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(X, labels()).parameters_)

"""Lists of sequences to long tables."""

import builtins

import numpy as np
import pytest
from long_tables import assert_sequences, expected, rows

from sklstm.preprocessing import from_long, to_long

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_way_back(dtype):
    X = [x.astype(dtype) for x in expected()]
    df = to_long(X, [3, 1, 2], time="t", values=["u", "v"])
    assert df.columns.tolist() == ["id", "t", "u", "v"]
    assert df["id"].tolist() == rows()["id"].tolist()
    assert df["t"].tolist() == rows()["t"].tolist()
    assert df.index.tolist() == list(range(15))
    again, ids = from_long(df, "id", "t")
    assert ids.tolist() == [3, 1, 2]
    assert_sequences(again, X)
    assert {x.dtype for x in again} == {np.dtype(dtype)}


def object_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


FORMS = {
    "list": (expected(), expected()),
    "tuple": (tuple(expected()), expected()),
    "objects": (object_array(expected()), expected()),
    "frames": ([pd.DataFrame(x) for x in expected()], expected()),
    "lists": ([x.tolist() for x in expected()], expected()),
    "array": (np.ones((2, 3, 4)), np.ones((2, 3, 4))),
    "table": (np.ones((2, 3)), np.ones((2, 3, 1))),
    "frame": (pd.DataFrame(np.ones((2, 3))), np.ones((2, 3, 1))),
    "predictions": ([x[:, 0] for x in expected()], [x[:, :1] for x in expected()]),
    "equal predictions": ([np.ones(3), np.zeros(3)], [np.ones((3, 1)), np.zeros((3, 1))]),
    "NaN": ([np.full((2, 1), np.nan)], [np.full((2, 1), np.nan)]),
    "Fortran": ([np.asfortranarray(x) for x in expected()], expected()),
}


@pytest.mark.parametrize(("X", "sequences"), FORMS.values(), ids=FORMS)
def test_sequences_in_all_forms(X, sequences):
    df = to_long(X)
    n_features = np.shape(sequences[0])[1]
    assert df.columns.tolist() == ["id", "time", *(f"x{k}" for k in range(n_features))]
    again, ids = from_long(df, "id", "time")
    assert ids.tolist() == list(range(len(sequences)))
    assert_sequences(again, sequences)


def test_predictions_keep_their_type():
    for labels, dtype in ((["a", "b", "a"], object), ([1, 0, 1], np.int64), ([True] * 3, bool)):
        y = [np.array(labels), np.array(labels[:2])]
        df = to_long(y, ids=["x", "y"], values="label")
        assert df["label"].tolist() == [*labels, *labels[:2]]
        assert df["time"].tolist() == [0, 1, 2, 0, 1]
        if dtype is not object:
            assert df["label"].dtype == dtype


@pytest.mark.parametrize(
    "ids", [pd.Series(["b", "a", "c"], dtype="string"), pd.date_range("2026", periods=3), (3, 1, 2)]
)
def test_ids_keep_their_type(ids):
    df = to_long(expected(), ids, id="who")
    assert df["who"].dtype == pd.Series(ids).dtype
    assert df["who"].unique().tolist() == pd.Series(ids).unique().tolist()


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([], {}, "X holds no sequences"),
        (3.0, {}, "X holds no sequences"),
        ([np.ones((2, 2)), np.ones((2, 3))], {}, "Sequence 1 of X has 3 features, but sequence 0"),
        ([np.ones((2, 2)), np.ones(2)], {}, r"Sequence 1 of X has shape \(2,\)"),
        ([np.ones((2, 2, 2))], {}, r"Sequence 0 of X has shape \(2, 2, 2\)"),
        ([np.ones((2, 2)), np.ones((0, 2))], {}, "Sequence 1 of X is empty"),
        ([np.ones(2), [[1.0, 2.0], [1.0]]], {}, "Sequence 1 of X is not an array"),
        ([np.ones(2), np.array(["a"])], {}, "X mixes text and numbers .*sequence 1"),
        (expected(), {"ids": [1, 2]}, "ids has 2 entries, but X has 3 sequences"),
        (expected(), {"ids": [3, 1, 3]}, "ids contains 3 twice, for sequences 0 and 2"),
        (expected(), {"ids": ["a", None, "b"]}, "The id of sequence 1 is missing"),
        (expected(), {"values": "u"}, "values holds 1 names, but the sequences have 2 features"),
        (expected(), {"values": ["u", "u"]}, "'u' occurs twice in id, time and values"),
        (expected(), {"values": ["id", "u"]}, "'id' occurs twice in id, time and values"),
        (expected(), {"id": "time"}, "'time' occurs twice in id, time and values"),
    ],
)
def test_bad_sequences_are_errors(X, options, message):
    with pytest.raises(ValueError, match=message):
        to_long(X, **options)


def test_wrong_containers_are_errors():
    for X in ({"a": np.ones(2)}, "abc", iter(expected())):
        with pytest.raises(TypeError, match=rf"X is .*{type(X).__name__}"):
            to_long(X)


def test_without_pandas_the_error_says_so(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        ImportError, match="to_long returns a pandas data frame: pip install pandas"
    ):
        to_long(expected())

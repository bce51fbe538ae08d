"""Long tables to lists of sequences."""

import subprocess
import sys
from datetime import time as clock

import numpy as np
import pytest
from long_tables import assert_sequences, expected, rows
from numpy.testing import assert_array_equal

from sklstm.preprocessing import from_long

pd = pytest.importorskip("pandas")


def polars():
    return pytest.importorskip("polars")


def frame(library="pandas"):
    return (pd if library == "pandas" else polars()).DataFrame(rows())


def shuffled(df):
    order = np.random.default_rng(1).permutation(len(df))
    order = np.concatenate([[0], order[order != 0]])  # id 3 first
    return df.iloc[order] if isinstance(df, pd.DataFrame) else df[order.tolist()]


libraries = pytest.mark.parametrize("library", ["pandas", "polars"])


@libraries
def test_rows_become_sequences_in_order_of_their_first_appearance(library):
    X, ids = from_long(frame(library), id="id", time="t")
    assert_sequences(X, expected())
    assert type(ids) is np.ndarray
    assert ids.dtype == np.int64
    assert ids.tolist() == [3, 1, 2]
    assert {x.dtype for x in X} == {np.dtype(np.float64)}


@libraries
def test_steps_are_sorted_by_time_wherever_their_rows_are(library):
    df = shuffled(frame(library))
    X, ids = from_long(df, "id", "t")
    first = list(dict.fromkeys(np.asarray(df["id"]).tolist()))
    assert ids.tolist() == first
    assert_sequences(X, [expected()[[3, 1, 2].index(k)] for k in first])


@libraries
def test_without_time_the_order_of_the_rows_is_kept(library):
    df = shuffled(frame(library))
    X, ids = from_long(df, "id")
    for x, k in zip(X, ids, strict=True):
        mask = np.asarray(df["id"]) == k
        assert_array_equal(x, np.column_stack([np.asarray(df[c])[mask] for c in "tuv"]))


@libraries
def test_columns_are_chosen_and_ordered(library):
    df = frame(library)
    assert_sequences(from_long(df, "id", "t", ["v", "u"])[0], expected("v", "u"))
    assert_sequences(from_long(df, "id", "t", "v")[0], [x[:, 0] for x in expected("v")])
    assert_sequences(from_long(df, "id", "t", ["u", "t"])[0], expected("u", "t"))
    assert_sequences(from_long(df, "id", values=np.array(["v"]))[0], expected("v"))


def test_the_index_may_hold_ids_and_times():
    df = frame().set_index(["id", "t"])
    for kwargs in ({}, {"id": "id", "time": "t"}, {"time": "t"}):
        X, ids = from_long(shuffled(df).sort_index(ascending=False), **kwargs)
        assert ids.tolist() == [3, 2, 1]
        assert_sequences(X, [expected()[k] for k in (0, 2, 1)])
    assert_sequences(from_long(df.rename_axis([None, None]))[0], expected())
    assert_sequences(from_long(frame().set_index("id"), "id", "t")[0], expected())
    assert_sequences(from_long(frame().set_index("t"), "id", "t")[0], expected())
    # The level of ids alone says nothing of order.
    assert_array_equal(from_long(df[::-1], "id")[0][0], expected()[2][::-1])
    with pytest.raises(ValueError, match=r"index of two levels.* pass the column of ids as id="):
        from_long(frame())
    with pytest.raises(ValueError, match="index of two levels"):
        from_long(df.set_index("u", append=True))
    with pytest.raises(ValueError, match="id='id' is both a column and a level of the index"):
        from_long(df.assign(id=1), "id")


def test_names_need_not_be_text():
    df = pd.DataFrame({0: [1, 1, 2], ("a", 1): [1.0, 2.0, 3.0], 2: [4.0, 5.0, 6.0]})
    assert_sequences(from_long(df, 0, values=[("a", 1)])[0], [[[1], [2]], [[3]]])
    assert_sequences(from_long(df, 0, values=("a", 1))[0], [[1, 2], [3]])
    assert_sequences(from_long(df, 0, values=2)[0], [[4, 5], [6]])
    assert_sequences(from_long(df, 0, ("a", 1))[0], [[[4], [5]], [[6]]])


@pytest.mark.parametrize(
    ("u", "v", "dtype"),
    [
        ("f4", "f4", np.float32),
        (">f4", "f4", np.float32),
        ("Float32", "f4", np.float32),
        ("f4", "f8", np.float64),
        ("i4", "f4", np.float64),
        ("Float64", "Int8", np.float64),
        ("bool", "boolean", np.float64),
        ("object", "u1", np.float64),
        ("Sparse[float64]", "f8", np.float64),
    ],
)
def test_columns_of_all_numeric_types(u, v, dtype):
    df = frame().assign(u=lambda d: (d.u > 0).astype(u), v=lambda d: (d.v > 0).astype(v))
    X, _ = from_long(df, "id", "t")
    assert {x.dtype for x in X} == {np.dtype(dtype)}
    assert_sequences(X, [x > 0 for x in expected()])


@pytest.mark.parametrize("dtype", ["f4", "f8", "Float32", "Float64", "Int64", "boolean", "object"])
def test_missing_values_become_nan(dtype):
    u = (frame().u > 0).astype(dtype)
    u[6] = np.nan if dtype in ("f4", "f8") else pd.NA
    X, _ = from_long(frame().assign(u=u), "id", "t")
    table = np.concatenate(X)
    assert np.flatnonzero(np.isnan(table[:, 0])).tolist() == [6]
    assert np.isfinite(table[:, 1]).all()


def test_missing_values_of_polars_become_nan():
    pl = polars()
    df = frame("polars").with_columns(
        pl.when(pl.col("t") == 1).then(None).otherwise(pl.col("u")).alias("u"),
        pl.when(pl.col("t") == 2).then(None).otherwise(pl.col("t")).alias("n"),
        pl.when(pl.col("t") == 3).then(None).otherwise(pl.col("t") > 2).alias("b"),
    )
    X, _ = from_long(df, "id", "t", values=["u", "n", "b"])
    for x in X:
        assert_array_equal(np.argwhere(np.isnan(x)), [[1, 0], [2, 1], [3, 2]])


IDS = {
    "text": np.array(["c", "a", "b"]),
    "object": np.array(["c", "a", "b"], object),
    "numbers": np.array([3.5, 1.5, 2.5]),
    "dates": np.array(["2026-03", "2026-01", "2026-02"], "M8[ns]"),
    "big-endian": np.array([3, 1, 2], ">i8"),
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_ids_of_any_type(ids):
    df = frame().assign(id=np.repeat(ids, [5, 4, 6]))
    X, found = from_long(df, "id", "t")
    assert found.tolist() == ids.astype(ids.dtype.newbyteorder("=")).tolist()
    assert found.dtype.isnative
    assert_sequences(X, expected())


@pytest.mark.parametrize("dtype", ["category", "Int64", "string"])
def test_ids_of_types_of_pandas(dtype):
    X, ids = from_long(frame().astype({"id": dtype}), "id", "t")
    assert [int(k) for k in ids] == [3, 1, 2]
    assert_sequences(X, expected())


def test_ids_of_polars():
    pl = polars()
    for dtype in (pl.String, pl.Float32, pl.UInt8, pl.Categorical):
        df = frame("polars").with_columns(pl.col("id").cast(pl.String).cast(dtype))
        X, ids = from_long(df, "id", "t")
        assert [float(k) for k in ids] == [3, 1, 2]
        assert_sequences(X, expected())


def test_many_ids():
    n = 70_000  # more than 16 bits can number
    df = pd.DataFrame(
        {"id": np.r_[0:n, 0:n][::-1], "t": np.repeat([1, 0], n), "u": np.r_[0 : 2 * n]}
    )
    X, ids = from_long(df, "id", "t")
    assert_array_equal(ids, np.arange(n)[::-1])
    assert_array_equal(np.stack(X)[:, :, 0], np.c_[n : 2 * n, 0:n])


TIMES = {
    "negative": np.arange(-3, 3),
    "numbers": np.array([-np.inf, -1.0, -0.5, 1e-300, 3.0, np.inf]),
    "unsigned": np.arange(6, dtype=np.uint8),
    "big-endian": np.arange(250, 256, dtype=">i4"),
    "dates": np.arange(6).astype("M8[s]"),
    "durations": np.arange(-2, 4).astype("m8[ms]"),
    "with time zone": pd.date_range("2026-01-01", periods=6, tz="Europe/Vienna"),
    "periods": pd.period_range("2026-01", periods=6, freq="M"),
    "Int64": pd.array(range(6), dtype="Int64"),
    "objects": np.array([1, 2.5, 3, 4, 5, 6], dtype=object),
}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES)
def test_times_of_any_type(times):
    order = np.random.default_rng(1).permutation(15)
    columns = rows() | {"t": times[rows()["t"]]}
    df = pd.DataFrame({name: column[order] for name, column in columns.items()})
    X, ids = from_long(df, "id", "t")
    assert_sequences(X, [expected()[[3, 1, 2].index(k)] for k in ids])


def test_times_of_polars():
    pl = polars()
    start = pl.datetime(2026, 1, 1)
    for times in (
        start + pl.duration(hours=pl.col("t")),
        (start + pl.duration(hours=pl.col("t"))).dt.replace_time_zone("Europe/Vienna"),
        (start + pl.duration(days=pl.col("t"))).dt.date(),
        pl.duration(hours=pl.col("t")),
        (start + pl.duration(hours=pl.col("t"))).dt.time(),
    ):
        df = shuffled(frame("polars").with_columns(times.alias("t")))
        X, ids = from_long(df, "id", "t")
        assert_sequences(X, [expected()[[3, 1, 2].index(k)] for k in ids])


def test_targets_in_the_order_of_the_ids():
    df = frame()
    df = df.assign(label=df["id"].map({3: "x", 1: "y", 2: "x"}), target=2 * df["u"])
    X, ids = from_long(df, "id", "t", ["u", "v"])
    y = df.groupby("id", sort=False)["label"].first()
    assert y.index.tolist() == ids.tolist()
    assert y.tolist() == ["x", "y", "x"]
    per_step, _ = from_long(df, "id", "t", "target")
    assert_sequences(per_step, [2 * x[:, 0] for x in X])
    labels, _ = from_long(df, "id", "t", "label")
    assert [part.tolist() for part in labels] == [
        [y[k]] * len(x) for k, x in zip(ids, X, strict=True)
    ]


def test_the_frame_is_not_changed_and_not_shared():
    df = frame()[["id", "u"]]
    before = df.copy()
    X, _ = from_long(df, "id")
    X[0][:] = 7
    pd.testing.assert_frame_equal(df, before)
    assert X[1][0, 0] != 7


def test_memory_order_changes_nothing():
    table = np.column_stack(list(rows().values()))
    locked = table.copy()
    locked.flags.writeable = False
    forms = (table, np.asfortranarray(table), np.repeat(table, 2, axis=0)[::2], locked)
    for form in (*forms, table.astype(">f8")):
        df = pd.DataFrame(form, columns=list("ituv"), copy=False)
        X, ids = from_long(df, "i", "t")
        assert ids.tolist() == [3, 1, 2]
        assert_sequences(X, expected())
        assert {x.dtype for x in X} == {np.dtype(np.float64)}


# ------------------------------------------------------------------------------- its errors


def changed(row, column, value):
    df = frame().astype({"id": object, "t": object})
    df.loc[row, column] = value
    return df


@pytest.mark.parametrize(
    ("df", "names", "message"),
    [
        (frame(), ("who", "t"), "id='who' is no column of df: the columns are 'id', 't', 'u', 'v'"),
        (frame(), ("id", "when"), "time='when' is no column of df"),
        (frame(), ("id", "t", "w"), "values='w' contains 'w', but there is no such column"),
        (frame(), ("id", "t", ["u", "w"]), r"values=\['u', 'w'\] contains 'w'"),
        (frame(), ("id", "t", ["u", "u"]), "'u' occurs twice in values"),
        (frame(), ("id", "t", []), "no column of values"),
        (frame()[["id", "t"]], ("id", "t"), "no column of values"),
        (frame(), ("id", "id"), "id and time are both 'id'"),
        (frame()[:0], ("id", "t"), "df has no rows"),
        (changed(6, "id", None), ("id", "t"), "The id is missing in row 6 of df"),
        (changed(6, "id", np.nan), ("id",), "The id is missing in row 6 of df"),
        (changed(6, "t", None), ("id", "t"), r"The time is missing in row 6 of df \(id 1\)"),
        (changed(6, "t", pd.NaT), ("id", "t"), "The time is missing in row 6"),
        (frame().assign(t=frame().t.where(frame().t != 3)), ("id", "t"), "missing in row 3 of df"),
        (
            frame().assign(t=frame().t.where(frame().t != 3).astype("Int64")),
            ("id", "t"),
            r"The time is missing in row 3 of df \(id 3\)",
        ),
        (changed(7, "t", 0), ("id", "t"), "df has time 0 twice for id 1, in rows 5 and 7"),
        (frame().assign(t=1.5), ("id", "t"), "df has time 1.5 twice for id 3, in rows 0 and 1"),
        (changed(6, "t", "0"), ("id", "t"), "times of df are text, such as '0'"),
        (frame().astype({"t": str}), ("id", "t"), "times of df are text, such as '0'"),
        (frame().astype({"t": "string"}), ("id", "t"), "times of df are text, such as '0'"),
        (changed(6, "t", clock(3)), ("id", "t"), "times of df cannot be sorted"),
        (frame().assign(u="x"), ("id", "t"), "df contains strings, the first at column 'u', row 0"),
        (changed(6, "u", 1).assign(v=1j), ("id", "t"), "df is complex at column 'v', row 0"),
        (
            frame().assign(u=pd.period_range("2026", periods=15, freq="D")),
            ("id", "t"),
            "df contains a Period at column 'u', row 0",
        ),
        (
            pd.concat([frame(), frame()[["u"]]], axis=1),
            ("id", "t"),
            "There are 2 columns 'u'",
        ),
        (pd.concat([frame(), frame()[["t"]]], axis=1), ("id", "t"), "There are 2 columns 't'"),
        (pd.concat([frame(), frame()[["id"]]], axis=1), ("id", "t"), "There are 2 columns 'id'"),
    ],
)
def test_bad_tables_are_errors(df, names, message):
    with pytest.raises((TypeError, ValueError), match=message):
        from_long(df, *names)


def test_dates_are_no_features():
    for tz in (None, "UTC"):
        df = frame().assign(day=pd.date_range("2026-01-01", periods=15, tz=tz))
        with pytest.raises(TypeError, match=r"df contains dates or durations, .* 'day', row 0"):
            from_long(df, "id", "t")
        assert_sequences(from_long(df, "id", "day", ["u", "v"])[0], expected())


def test_bad_tables_of_polars_are_errors():
    pl = polars()
    df = frame("polars")
    with pytest.raises(ValueError, match="id='who' is no column of df: the columns are 'id', 't'"):
        from_long(df, "who")
    with pytest.raises(ValueError, match="pass the column of ids as id="):
        from_long(df)
    for column, role in (("id", "id"), ("t", "time")):
        for dtype in (pl.Int64, pl.Float32):
            gap = pl.when(pl.col("u") == df["u"][6]).then(None).otherwise(pl.col(column))
            with pytest.raises(ValueError, match=f"The {role} is missing in row 6 of df"):
                from_long(df.with_columns(gap.cast(dtype).alias(column)), "id", "t")
    gap = pl.when(pl.col("id") == 1).then(None).otherwise(pl.col("id").cast(pl.String))
    with pytest.raises(ValueError, match="The id is missing in row 5 of df"):
        from_long(df.with_columns(gap.alias("id")), "id", "t")
    with pytest.raises(ValueError, match="df has time 1 twice for id 3, in rows 0 and 1"):
        from_long(df.with_columns(t=1), "id", "t")
    with pytest.raises(ValueError, match="times of df are text, such as '0'"):
        from_long(df.with_columns(pl.col("t").cast(pl.String)), "id", "t")
    with pytest.raises(ValueError, match="df contains strings, the first at column 'u', row 0"):
        from_long(df.with_columns(u=pl.lit("x")), "id", "t")
    with pytest.raises(ValueError, match=r"df contains a whole array in one cell, .* 'u', row 0"):
        from_long(df.with_columns(u=pl.lit([1, 2])), "id", "t")
    with pytest.raises(ValueError, match="df contains values other than numbers in column 'u'"):
        from_long(df.with_columns(u=pl.struct("v")), "id", "t")
    with pytest.raises(ValueError, match="df has no rows"):
        from_long(df[:0], "id")
    with pytest.raises(TypeError, match=r"df is a LazyFrame, .* collect\(\) it"):
        from_long(df.lazy(), "id")


@pytest.mark.parametrize("df", [rows(), frame()["u"], np.ones((3, 2)), None, [frame()]])
def test_what_is_no_frame_is_an_error(df):
    with pytest.raises(TypeError, match=f"df is a {type(df).__name__}, but must be a data frame"):
        from_long(df, "id")


def test_long_lists_of_columns_are_cut_short():
    df = pd.DataFrame(np.ones((2, 30))).add_prefix("c")
    with pytest.raises(ValueError, match="'c9' and 20 more"):
        from_long(df, "id")


def test_from_long_needs_no_pandas():
    polars()
    code = (
        "import sys; sys.modules['pandas'] = None; import polars; import sklstm.preprocessing as p;"
        "X, ids = p.from_long(polars.DataFrame({'id': [2, 1, 2], 'u': [1.0, 2.0, 3.0]}), 'id');"
        "assert ids.tolist() == [2, 1] and X[0].tolist() == [[1.0], [3.0]]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("dtype", [float, int, "float32", object, str])
def test_a_single_name_takes_one_value_per_step(dtype):
    table = pd.DataFrame({"id": [2, 2, 1], "t": [1, 0, 0], "u": [1, 2, 3]})
    table["u"] = table["u"].astype(dtype)
    y, ids = from_long(table, "id", "t", values="u")
    assert ids.tolist() == [2, 1] and [part.shape for part in y] == [(2,), (1,)]
    kind = str if dtype is str else int
    assert [kind(v) for v in y[0]] == [kind(2), kind(1)]
    if dtype in (float, object, str):
        return
    X, _ = from_long(table, "id", "t", values=["u"])
    assert X[0].shape == (2, 1) and X[0].dtype == (np.float32 if dtype == "float32" else float)

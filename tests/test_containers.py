"""Containers that are no list of sequences, masked entries, and the names of columns."""

import pickle
import re
import warnings
from collections import UserList, deque

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from problems import attributes, cube, labels, sequences
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import RecurrentRegressor
from sklstm.inspection import hidden_states
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0}
FROM_LONG = r"sklstm.preprocessing.from_long\(X, id=...\)"


def refused(model, method, X, *arguments, error, match):
    before = attributes(model)
    with pytest.raises(error, match=match):
        getattr(model, method)(X, *arguments)
    assert attributes(model) == before


def long_frame(X):
    ids = np.repeat(range(len(X)), [len(x) for x in X])
    times = np.concatenate([np.arange(len(x)) for x in X])
    return pd.DataFrame(np.concatenate(X), columns=["u", "v"]).assign(id=ids, time=times)


def frames(X, columns=("u", "v")):
    return [pd.DataFrame(x, columns=list(columns)) for x in X]


# ------------------------------------------------------------------------- wrong containers


LONG = long_frame(sequences(6))
LISTED = dict(enumerate(sequences(6)))
WRONG = {
    "generator": (lambda: (x for x in sequences(6)), TypeError, r"generator.* pass list\(X\)"),
    "iterator": (lambda: iter(sequences(6)), TypeError, r"list_iterator.* pass list\(X\)"),
    "zip": (lambda: zip(sequences(6), strict=True), TypeError, r"type zip.* pass list\(X\)"),
    "map": (lambda: map(np.array, sequences(6)), TypeError, r"type map.* pass list\(X\)"),
    "deque": (lambda: deque(sequences(6)), TypeError, r"type deque.* pass list\(X\)"),
    "UserList": (lambda: UserList(sequences(6)), TypeError, r"type UserList.* pass list\(X\)"),
    "dict": (lambda: LISTED, TypeError, r"type dict, .* list\(X.values\(\)\)"),
    "values": (lambda: LISTED.values(), TypeError, r"type dict_values, .* list\(X\)"),
    "items": (
        lambda: list(LISTED.items()),
        TypeError,
        r"0 of X is a pair \(key, ndarray\).*from_l",
    ),
    "set": (lambda: {1.0, 2.0}, TypeError, "type set, which has no order"),
    "frozenset": (lambda: frozenset([1.0]), TypeError, "type frozenset, which has no order"),
    "string": (lambda: "abc", TypeError, "type str, not a list or an array"),
    "bytes": (lambda: b"abc", TypeError, "type bytes, not a list or an array"),
    "nothing": (lambda: None, ValueError, "type NoneType; expected an array"),
    "groupby": (lambda: LONG.groupby("id"), TypeError, r"x.to_numpy\(\) for _, x in X.*from_long"),
    "column groupby": (lambda: LONG.groupby("id")["u"], TypeError, "SeriesGroupBy.*from_long"),
    "list of a groupby": (
        lambda: list(LONG.groupby("id")),
        TypeError,
        r"0 of X is a pair \(key, DataFrame\).* \[x for _, x in X\].*from_long",
    ),
    "keys of a groupby": (lambda: list(LONG.groupby(["id", "time"])), TypeError, "is a pair"),
    "long frame": (lambda: LONG, ValueError, r"Column 'id' of X repeats.*from_long\(X, id='id'\)"),
    "long frame of named ids": (
        lambda: LONG.rename(columns={"id": "machine"}).astype({"machine": str}),
        ValueError,
        f"strings, the first at sequence 0, step ., column 'machine'.*{FROM_LONG}",
    ),
    "long object array": (lambda: LONG.astype({"id": str}).to_numpy(), ValueError, FROM_LONG),
    "long frame with dates": (
        lambda: LONG.drop(columns="id").assign(time=pd.Timestamp("2020-01-01")),
        TypeError,
        f"dates or durations, the first at column 'time'.*{FROM_LONG}",
    ),
    "MultiIndex": (
        lambda: LONG.set_index(["id", "time"]),
        ValueError,
        r"MultiIndex \('id', 'time'\).*from_long\(X\)",
    ),
    "MultiIndex of a column": (lambda: LONG.set_index(["id", "time"])["u"], ValueError, "MultiInd"),
    "nested frame": (
        lambda: pd.DataFrame({"a": [pd.Series(x[:, 0]) for x in sequences(6)]}),
        ValueError,
        r"a whole array in one cell, the first at sequence 0, step 0, column 'a'.*column_stack",
    ),
    "nested lists": (
        lambda: pd.DataFrame({"a": [x[:, 0].tolist() for x in sequences(6)]}),
        ValueError,
        "a whole array in one cell",
    ),
    "list of dicts": (lambda: [{"a": 1}] * 6, TypeError, r"0 of X is of type dict.*X\[0\].values"),
    "list of sets": (lambda: [{1}] * 6, TypeError, "Sequence 0 of X is of type set"),
    "one generator": (
        lambda: [np.ones((2, 2)), (v for v in [1])],
        TypeError,
        r"Sequence 1 of X is of type generator.*list\(X\[1\]\)",
    ),
    "id in the frames of a list": (
        lambda: [frame.assign(id="a") for frame in frames(sequences(6))],
        ValueError,
        "strings, the first at sequence 0, step 0, column 'id'",
    ),
    "array": (
        lambda: np.ones(5),
        ValueError,
        r"Expected 2D array, got 1D array.*Reshape your data: one sequence of 5 steps of one "
        r"feature is X\[None, :, None\] .*\[X\[:, None\]\].*; 5 sequences of one step are "
        r"X\[:, None\]",
    ),
    "list of numbers": (
        lambda: [1.0] * 5,
        ValueError,
        r"Reshape.*np.asarray\(X\)\[None, :, None\]",
    ),
    "column": (lambda: pd.Series([1.0] * 5), ValueError, r"Reshape.*np.asarray\(X\)\[:, None\]"),
    "range": (lambda: range(5), ValueError, r"Reshape your data"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_list_of_sequences_is_named_with_the_line_that_helps(case):
    make, error, match = WRONG[case]
    y = labels(6)
    for model in (LSTMClassifier(**SMALL), LSTMClassifier(**SMALL).fit(sequences(6), y)):
        for method in ("fit", "partial_fit"):
            arguments = (y, [0, 1]) if method == "partial_fit" else (y,)
            refused(model, method, make(), *arguments, error=error, match=match)
    for method in ("predict", "predict_proba"):
        refused(model, method, make(), error=error, match=match)
    if case != "nothing":  # which X_val may be
        early = LSTMClassifier(**SMALL, early_stopping=True)
        with pytest.raises(error, match=f"(?s)^In X_val: .*{match}"):
            early.fit(sequences(6), y, X_val=make(), y_val=y)
    for other in (
        SequenceScaler(),
        SequenceImputer(),
        SequenceDifferences(),
        RecurrentRegressor(2),
    ):
        refused(other, "fit", make(), y, error=error, match=match)


def test_the_lines_that_help_do_help():
    X = sequences(6)
    model = LSTMRegressor(**SMALL).initialize(2)
    expected = model.predict(X)
    groups = long_frame(X).groupby("id")[["u", "v"]]
    nested = pd.DataFrame({c: [pd.Series(x[:, k]) for x in X] for k, c in enumerate("uv")})
    for given in (
        list(LISTED.values()),
        [x.to_numpy() for _, x in groups],
        [x for _, x in groups],
        [np.column_stack(list(row)) for row in nested.to_numpy()],
    ):
        assert_array_equal(model.predict(given), expected)
    x, one = X[4][:, 0], LSTMRegressor(**SMALL).initialize(1)
    assert one.predict(x[None, :, None]) == one.predict([x[:, None]])


def test_polars_is_refused_alike():
    pl = pytest.importorskip("polars")
    long = pl.DataFrame(LONG.to_dict("list"))
    nested = pl.DataFrame({name: [x[:, 0].tolist() for x in sequences(6)] for name in "ab"})
    dated = long.with_columns(pl.lit("2020-01-01").str.to_date().alias("day"))
    for X, error, match in (
        (long, ValueError, r"Column 'id' of X repeats.*from_long\(X, id='id'\)"),
        (long.lazy(), TypeError, r"type LazyFrame, .* pass X.collect\(\)"),
        (long.group_by("id"), TypeError, "GroupBy.*from_long"),
        (list(long.group_by("id")), TypeError, r"is a pair \(key, DataFrame\)"),
        (nested, TypeError, r"a table with the columns \['a', 'b'\]. Pass one column of lists"),
        (long["u"], ValueError, "Reshape your data"),
        (dated.drop("id", "time"), TypeError, f"dates or durations.*column 'day'.*{FROM_LONG}"),
        ([dated.select("u", "day")] * 6, TypeError, "the first at sequence 0, column 'day'"),
    ):
        refused(LSTMRegressor(**SMALL), "fit", X, range(6), error=error, match=match)


@pytest.mark.parametrize("make", [pd.DataFrame, np.asarray])
def test_a_table_with_more_rows_than_targets_may_be_long(make):
    X = make(LONG[["u", "v"]])
    n = len(X)
    match = rf"inconsistent numbers of samples: \[{n}, 6\]. If X is a long table.*{FROM_LONG}"
    refused(LSTMClassifier(**SMALL), "fit", X, labels(6), error=ValueError, match=match)
    weights = LSTMRegressor(**SMALL)
    with pytest.raises(ValueError, match=rf"sample_weight has shape \(6,\).*{FROM_LONG}"):
        weights.fit(X, range(n), np.ones(6))
    with pytest.raises(ValueError) as error:
        weights.fit(X, range(n + 1))
    assert "from_long" not in str(error.value)


def test_one_long_series_with_a_target_per_row_is_put_in_lists():
    X, y = np.ones((9, 2)), np.arange(9) % 2
    model = LSTMClassifier(**SMALL, return_sequences=True)
    for given in (y, y.tolist()):
        match = r"time steps, pass \[X\] and \[y\]"
        refused(model, "fit", X, given, error=ValueError, match=match)
    model.fit([X], [y])


def test_ids_that_do_not_repeat_are_a_column_like_any_other():
    table = pd.DataFrame({"id": range(6), "u": np.arange(6.0), "valid": 1.0})
    assert LSTMRegressor(**SMALL).fit(table, range(6)).n_features_in_ == 3


# -------------------------------------------------------------------------------- masked arrays


def masked(a, *index):
    mask = np.zeros(a.shape, dtype=bool)
    mask[index] = True
    return np.ma.masked_array(a, mask)


MASKED = {
    "array": (masked(cube(6), 2, 1), r"X is masked: sequence 2, step 1.*from_padded\(X.filled"),
    "integers": (masked(np.ones((6, 4, 2), int), 2, 1), "X is masked: sequence 2, step 1"),
    "list": (
        [masked(x, 0, 1) for x in sequences(6)],
        "sequence 0, step 0, feature 1.*counts as miss",
    ),
    "nested": ([[masked(r, 1) for r in x] for x in sequences(6)], "X contains NaN: sequence 0, st"),
    "table": (masked(cube(6)[:, :, 0], 3, 2), "X is masked: sequence 3, step 2"),
    "rows": ([masked(x[:, 0], 2) for x in cube(6)], "X is masked: sequence 0, step 2"),
    "row of numbers": ([[1.0, np.ma.masked], [1.0, 2.0]], "X contains NaN: sequence 0, step 1"),
}


@pytest.mark.parametrize("case", MASKED)
def test_a_masked_entry_of_x_is_missing(case):
    X, match = MASKED[case]
    table = case in ("table", "rows", "row of numbers")
    fitted = LSTMRegressor(**SMALL)
    fitted.fit(np.ones((6, len(X[0]))) if table else sequences(6), range(6))
    refused(fitted, "fit", X, range(len(X)), error=ValueError, match=match)
    refused(fitted, "predict", X, error=ValueError, match=match)
    scaled = SequenceScaler().fit(X).transform(X)  # which passes on what is missing
    holes = [k for k, x in enumerate(scaled) if np.isnan(x).any()]
    assert holes[0] == int(re.search(r"sequence (\d)", match)[1])


def test_a_masked_feature_of_a_step_is_missing():
    stream = LSTMRegressor(**SMALL).initialize(2).stream()
    with pytest.raises(ValueError, match="NaN in feature 1"):
        stream.step(masked(np.ones(2), 1))


# ------------------------------------------------------------------------------ missing numbers


def test_what_pandas_has_for_nan_is_nan_in_a_list_too():
    X = [frame.astype("Float64") for frame in frames(sequences(6))]
    expected = LSTMRegressor(**SMALL).initialize(2).predict(sequences(6))
    assert_array_equal(LSTMRegressor(**SMALL).initialize(2).predict(X), expected)
    X[4].iloc[3, 1] = pd.NA
    match = "X contains NaN: sequence 4, step 3, feature 1"
    refused(LSTMRegressor(**SMALL), "fit", X, range(6), error=ValueError, match=match)


# ------------------------------------------------------------------------------ names of columns


def polars_frames(X, columns=("u", "v")):
    pl = pytest.importorskip("polars")
    return [pl.DataFrame(dict(zip(columns, x.T, strict=True))) for x in X]


@pytest.mark.parametrize("make", [frames, polars_frames])
@pytest.mark.parametrize("container", [list, tuple])
def test_frames_in_a_list_name_the_features(make, container):
    X, y = container(make(sequences(6))), labels(6)
    for model in (LSTMClassifier(**SMALL), RecurrentRegressor(2, max_iter=2), SequenceScaler()):
        model.fit(X, y)
        assert model.feature_names_in_.tolist() == ["u", "v"]
        assert pickle.loads(pickle.dumps(model)).feature_names_in_.tolist() == ["u", "v"]
    assert model.get_feature_names_out().tolist() == ["u", "v"]
    assert isinstance(model.transform(X), container)


DOORS = {
    "predict": lambda model, X, y: model.predict(X),
    "predict_proba": lambda model, X, y: model.predict_proba(X),
    "score": lambda model, X, y: model.score(X, y),
    "partial_fit": lambda model, X, y: model.partial_fit(X, y),
    "warm start": lambda model, X, y: model.set_params(warm_start=True).fit(X, y),
}


@pytest.mark.parametrize("make", [frames, polars_frames])
@pytest.mark.parametrize("door", DOORS)
def test_other_names_are_an_error_and_none_a_warning(door, make):
    X, y = sequences(6), labels(6)
    model = LSTMClassifier(**SMALL).fit(make(X), y)
    for columns, found in (
        (
            ("v", "u"),
            r"in the same order.*X has the columns \['v', 'u'\], but fit saw \['u', 'v'\]",
        ),
        (("u", "w"), r"unseen at fit time:\n- w\n.*yet now missing:\n- v"),
    ):
        match = f"(?s)^The feature names should match those that were passed during fit.*{found}"
        with pytest.raises(ValueError, match=match):
            DOORS[door](model, make(X, columns), y)
    match = "^X does not have valid feature names, but LSTMClassifier was fitted with feature names"
    with pytest.warns(UserWarning, match=match):
        DOORS[door](model, X, y)
    DOORS[door](model, make(X), y)


def test_other_names_are_noticed_everywhere_else():
    X, y = sequences(6), labels(6)
    swapped = frames(X, ["v", "u"])
    match = "feature names should match"
    early = LSTMClassifier(**SMALL, early_stopping=True)
    with pytest.raises(ValueError, match=f"In X_val: The {match}"):
        early.fit(frames(X), y, X_val=swapped, y_val=y)
    scaler = SequenceScaler().fit(frames(X))
    kinds = SequenceDifferences, SequenceContext, SequenceImputer
    features = [kind().fit(frames(X)).transform for kind in kinds]
    for method in (scaler.transform, scaler.inverse_transform, scaler.partial_fit, *features):
        with pytest.raises(ValueError, match=match):
            method(swapped)
    pipeline = make_pipeline(SequenceScaler(), LSTMClassifier(**SMALL)).fit(frames(X), y)
    with pytest.raises(ValueError, match=match):
        pipeline.predict(swapped)
    assert pipeline.feature_names_in_.tolist() == ["u", "v"]
    baseline = RecurrentRegressor(2, max_iter=2).fit(frames(X), y)
    with pytest.raises(ValueError, match=match):
        baseline.predict(swapped)
    with pytest.raises(ValueError, match=match):
        hidden_states(LSTMClassifier(**SMALL).fit(frames(X), y), swapped[0])


def test_names_that_fit_did_not_see_are_a_warning():
    X, y = sequences(6), labels(6)
    model = LSTMClassifier(**SMALL).fit(X, y)
    with pytest.warns(UserWarning, match="X has feature names, but LSTMClassifier was fitted with"):
        model.predict(frames(X))
    model.fit(frames(X), y)
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_")


def test_the_first_data_after_initialize_name_the_features():
    X, y = sequences(6), labels(6)
    model = LSTMClassifier(**SMALL).initialize(2, classes=[0, 1])
    model.predict(frames(X))
    assert not hasattr(model, "feature_names_in_")
    refused(model, "partial_fit", frames(X), y[:5], error=ValueError, match="y has 5 rows")
    model.partial_fit(frames(X), y)
    assert model.feature_names_in_.tolist() == ["u", "v"]
    match = "feature names should match"
    refused(model, "predict", frames(X, ["v", "u"]), error=ValueError, match=match)
    arrays = LSTMClassifier(**SMALL).initialize(2, classes=[0, 1]).partial_fit(X, y)
    with pytest.warns(UserWarning, match="fitted without feature names"):
        arrays.predict(frames(X))


@pytest.mark.parametrize("make", [frames, polars_frames])
def test_every_frame_of_a_list_has_the_same_columns(make):
    X, y = sequences(6), labels(6)
    for columns in (["v", "u"], ["u", "w"]):
        given = make(X)
        given[4] = make(X[4:5], columns)[0]
        match = (
            re.escape(f"Sequence 4 of X has the columns {columns}, but sequence 0 has ['u', 'v']: ")
            + "every sequence needs the same columns in the same order"
        )
        for model in (LSTMClassifier(**SMALL), SequenceScaler(), SequenceContext()):
            refused(model, "fit", given, y, error=ValueError, match=match)
    for k, other in ((4, 0), (0, 1)):
        given = make(X)
        given[k] = X[k]
        match = f"Sequence {k} of X has no column names, but sequence {other} has .*'u', 'v'"
        refused(LSTMClassifier(**SMALL), "fit", given, y, error=ValueError, match=match)


def test_numbered_columns_have_an_order_but_are_no_names():
    X, y = sequences(6), labels(6)
    given = frames(X, [0, 1])
    model = LSTMClassifier(**SMALL).fit(given, y)
    assert not hasattr(model, "feature_names_in_")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(model.predict([*given[:3], *X[3:]]), model.predict(X))
    given[2] = given[2][[1, 0]]
    match = r"Sequence 2 of X has the columns \[1, 0\], but sequence 0 has \[0, 1\]"
    refused(model, "fit", given, y, error=ValueError, match=match)


def test_frames_of_targets_have_the_same_columns_too():
    X = sequences(6)
    y = frames(X)
    model = LSTMRegressor(**SMALL, return_sequences=True).fit(X, y)
    y[3] = y[3][["v", "u"]]
    match = r"Sequence 3 of y has the columns \['v', 'u'\]"
    for method in ("fit", "partial_fit", "score"):
        refused(model, method, X, y, error=ValueError, match=match)


def test_many_columns_are_not_all_listed():
    X = [np.ones((2, 30)) for _ in range(3)]
    given = frames(X, [f"c{k}" for k in range(30)])
    given[1] = given[1].iloc[:, ::-1]
    match = r"columns \['c29', .* 'c22', \.\.\.\], but sequence 0 has \['c0', .* 'c7', \.\.\.\]"
    refused(LSTMRegressor(**SMALL), "fit", given, range(3), error=ValueError, match=match)

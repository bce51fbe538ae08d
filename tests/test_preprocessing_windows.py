"""Windows over a series and the targets that follow them."""

import importlib.util

import numpy as np
import pytest
from layouts import laid_out
from numpy.testing import assert_array_equal
from sklearn.model_selection import TimeSeriesSplit

from sklstm.preprocessing import last_window, sliding_windows


@pytest.mark.parametrize("n_features", [None, 1, 3])
@pytest.mark.parametrize(("width", "horizon", "step"), [(1, 1, 1), (4, 1, 1), (3, 2, 2), (5, 4, 3)])
def test_the_target_stands_horizon_steps_after_the_window(n_features, width, horizon, step):
    shape = (17,) if n_features is None else (17, n_features)
    series = np.random.default_rng(0).normal(size=shape)
    X, y = sliding_windows(series, width, horizon, step)
    starts = range(0, 17 - width - horizon + 1, step)
    assert X.shape == (len(starts), width, n_features or 1)
    assert y.shape == (len(starts), *shape[1:])
    for k, start in enumerate(starts):
        assert_array_equal(X[k], series[start : start + width].reshape(width, -1))
        assert_array_equal(y[k], series[start + width - 1 + horizon])
    assert X.flags.c_contiguous
    assert not np.shares_memory(X, series)
    assert not np.shares_memory(y, series)


def test_windows_keep_float32_and_turn_the_rest_into_float64():
    for dtype, expected in ((np.float32, np.float32), (int, np.float64)):
        X, y = sliding_windows(np.arange(9).astype(dtype), 3)
        assert X.dtype == y.dtype == expected


def test_the_shortest_series_has_one_window():
    X, y = sliding_windows([1.0, 2.0, 3.0, 4.0], width=2, horizon=2)
    assert_array_equal(X, [[[1.0], [2.0]]])
    assert_array_equal(y, [4.0])


@pytest.mark.parametrize(
    ("series", "options", "error", "message"),
    [
        (
            np.ones(4),
            {"width": 3, "horizon": 2},
            ValueError,
            "4 steps has no window .* needs 5 step",
        ),
        (np.ones((2, 2, 2)), {"width": 1}, ValueError, r"series has shape \(2, 2, 2\)"),
        (np.ones(4), {"width": 0}, ValueError, "width == 0"),
        (np.ones(4), {"width": 1, "horizon": 0}, ValueError, "horizon == 0"),
        (np.ones(4), {"width": 1, "step": 1.5}, TypeError, "step"),
    ],
)
def test_bad_windows_are_errors(series, options, error, message):
    with pytest.raises(error, match=message):
        sliding_windows(series, **options)


# ------------------------------------------------------------------------------- targets


def table(n=30, n_features=3):
    return np.random.default_rng(1).normal(size=(n, n_features))


def test_several_horizons_are_columns_of_y():
    series = np.sin(0.3 * np.arange(100))
    X, y = sliding_windows(series, width=20, horizon=[1, 2, 3])
    assert y.shape == (len(X), 3) == (78, 3)
    for k in range(len(X)):
        assert_array_equal(y[k], series[k + 20 : k + 23])
    assert_array_equal(sliding_windows(series, 20, horizon=range(1, 4))[1], y)
    assert_array_equal(sliding_windows(series, 20, horizon=np.array([3, 1]))[1], y[:, [2, 0]])
    assert sliding_windows(series, 20, horizon=[3])[1].shape == (78, 1)
    assert_array_equal(sliding_windows(series, 20, horizon=3)[1], y[:, 2])


@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("horizon", [2, [1, 4], [4, 1]])
@pytest.mark.parametrize("target", [None, 1, -1, [2], [2, 0]])
@pytest.mark.parametrize("known_future", [None, 2, [2, 0]])
def test_every_number_is_where_the_documentation_says(step, horizon, target, known_future):
    series, width = table(), 6
    X, y = sliding_windows(series, width, horizon, step, target=target, known_future=known_future)
    horizons = np.atleast_1d(horizon).tolist()
    targets = range(3) if target is None else np.atleast_1d(target).tolist()
    known = [] if known_future is None else np.atleast_1d(known_future).tolist()
    starts = range(0, 30 - width - max(horizons) + 1, step)
    assert X.shape == (len(starts), width, 3 + len(horizons) * len(known))
    assert X.flags.c_contiguous
    assert y.flags.c_contiguous
    for k, start in enumerate(starts):
        for t in range(width):
            shifted = [series[start + t + h, column] for h in horizons for column in known]
            assert_array_equal(X[k, t], [*series[start + t], *shifted])
        end = start + width - 1
        expected = [series[end + h, column] for h in horizons for column in targets]
        assert_array_equal(np.ravel(y[k]), expected)
    if isinstance(horizon, list):
        assert y.shape == (len(starts), len(horizons) * len(targets))
    else:
        single = isinstance(target, int)
        assert y.shape == ((len(starts),) if single else (len(starts), len(targets)))


def frames():
    """The table as frames of the packages that are installed, pandas first."""
    columns = dict(zip(["load", "hour", "price"], table().T, strict=True))
    found = [pytest.importorskip("pandas").DataFrame(columns)]
    if importlib.util.find_spec("polars"):
        found.append(importlib.import_module("polars").DataFrame(columns))
    return found


def test_columns_of_frames_have_names():
    expected = sliding_windows(table(), 5, [1, 3], target=[2, 0], known_future=1)
    for frame in frames():
        options = dict(target=["price", "load"], known_future="hour")
        for ours, theirs in zip(
            sliding_windows(frame, 5, [1, 3], **options), expected, strict=True
        ):
            assert_array_equal(ours, theirs)
        assert sliding_windows(frame, 5, target="load")[1].ndim == 1
        assert sliding_windows(frame, 5, target=["load"])[1].ndim == 2
        single = sliding_windows(frame["load"], 5)
        assert_array_equal(single[0], sliding_windows(table()[:, 0], 5)[0])
        assert_array_equal(single[1], sliding_windows(table()[:, 0], 5)[1])


def test_columns_of_numbers_keep_their_precision():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": np.arange(9, dtype=np.float32), "b": np.ones(9, np.float32)})
    assert sliding_windows(frame, 3)[0].dtype == np.float32
    assert sliding_windows(frame["a"], 3)[0].dtype == np.float32
    frame["b"] = np.arange(9)
    assert sliding_windows(frame, 3)[0].dtype == np.float64
    frame["b"] = pd.array([1, 2, None] * 3, dtype="Int64")
    with pytest.raises(ValueError, match="series contains NaN at step 2, column 'b'"):
        sliding_windows(frame, 3)


# ------------------------------------------------------------------------------- NaN


def test_windows_with_nan_are_dropped_or_errors():
    series = table()
    series[7, 1] = np.nan  # in windows 3 to 7, and the target of window 2
    whole = sliding_windows(table(), 5)
    with pytest.raises(ValueError, match="NaN at step 7, column 1: fill it in, or set dropna=True"):
        sliding_windows(series, 5)
    X, y = sliding_windows(series, 5, dropna=True)
    kept = np.setdiff1d(np.arange(25), range(2, 8))
    assert_array_equal(X, whole[0][kept])
    assert_array_equal(y, whole[1][kept])
    # Of another target NaN is no target.
    X, y = sliding_windows(series, 5, target=0, dropna=True)
    assert_array_equal(X, whole[0][np.setdiff1d(np.arange(25), range(3, 8))])


def test_nan_that_no_window_reads_does_not_matter():
    series = table()
    series[-1, 1] = np.nan
    assert np.isfinite(sliding_windows(series, 5, target=0)[0]).all()
    with pytest.raises(ValueError, match="NaN at step 29, column 1"):
        sliding_windows(series, 5, target=0, known_future=1)
    with pytest.raises(ValueError, match="NaN at step 29, column 1"):
        sliding_windows(series, 5, target=1)
    X, _ = sliding_windows(series, 5, target=0, known_future=1, dropna=True)
    assert len(X) == 24


def test_the_first_nan_is_named():
    with pytest.raises(ValueError, match="series contains NaN at step 3: fill"):
        sliding_windows([0, 1, 2, np.nan, 4, np.nan], 2)
    with pytest.raises(ValueError, match="All 3 windows or their targets contain NaN"):
        sliding_windows([0, 1, np.nan, 3, 4], 2, dropna=True)


def test_masked_steps_are_missing():
    series = np.ma.masked_equal([0, 1, 2, 9, 4, 5], 9)
    with pytest.raises(ValueError, match="NaN at step 3"):
        sliding_windows(series, 1)
    assert_array_equal(sliding_windows(series, 1, dropna=True)[0].ravel(), [0, 1, 4])


# ------------------------------------------------------------------------------- the last window


@pytest.mark.parametrize("horizon", [1, 3, [1, 3], [3, 2]])
@pytest.mark.parametrize("known_future", [None, 1, [2, 0]])
def test_the_last_window_is_the_one_that_gets_its_targets_later(horizon, known_future):
    series = table()
    X, _ = sliding_windows(series, 6, horizon, known_future=known_future)
    largest = np.max(horizon)
    now, later = series[:-largest], series[-largest:]
    if known_future is not None:
        later = later[:, known_future]
    options = {} if known_future is None else dict(known_future=known_future, future=later)
    window = last_window(now, 6, horizon, **options)
    assert window.shape == (1, *X.shape[1:])
    assert_array_equal(window[0], X[-1])
    assert window.flags.c_contiguous
    assert not np.shares_memory(window, series)


def test_the_last_window_of_series_and_frames():
    series = np.arange(9, dtype=np.float32)
    assert_array_equal(last_window(series, 3), [[[6], [7], [8]]])
    assert last_window(series, 9).dtype == np.float32
    for frame in frames():
        now, later = frame[:28], frame[28:]
        ours = last_window(now, 5, [1, 2], known_future="hour", future=later)
        assert_array_equal(
            ours, last_window(table()[:28], 5, [1, 2], known_future=1, future=table()[28:, 1])
        )
        single = last_window(now, 5, [1, 2], known_future="hour", future=later["hour"])
        assert_array_equal(ours, single)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 31}, "series of 30 steps has no window of 31"),
        ({"width": 3, "known_future": 1}, "known_future needs the 1 steps after the end of series"),
        ({"width": 3, "future": [1.0]}, "future is set, but known_future is not"),
        (
            {"width": 3, "horizon": [1, 4], "known_future": 1, "future": [1.0, 2.0]},
            "future has 2 steps, but the largest horizon is 4",
        ),
        (
            {"width": 3, "known_future": [1, 2], "future": [1.0]},
            "future has 1 columns, but known_future has 2",
        ),
        ({"width": 3, "known_future": 1, "future": ["x"]}, "future contains strings"),
        (
            {"width": 3, "horizon": 2, "known_future": 1, "future": [1.0, np.nan]},
            "future contains NaN at step 1, column 1: fill it in",
        ),
    ],
)
def test_bad_last_windows_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        last_window(table(), **options)


def test_nan_in_the_last_window_is_an_error():
    series = table()
    series[10] = np.nan
    last_window(series, 19)
    with pytest.raises(ValueError, match=r"NaN at step 10, column 0: fill it in\.$"):
        last_window(series, 20)
    with pytest.raises(ValueError, match=r"series contains NaN at step 1: fill it in\.$"):
        last_window([1, np.nan], 1 + 1)


# ------------------------------------------------------------------------------- splits


@pytest.mark.parametrize("step", [1, 2, 3, 7])
@pytest.mark.parametrize("horizon", [1, 2, 3, 6, 7, [1, 2, 3], [2, 6]])
def test_gaps_are_as_large_as_they_have_to_be(step, horizon):
    # The series counts its steps, so that windows and targets say which steps they are.
    width, largest = 5, np.max(horizon)
    X, y = sliding_windows(np.arange(300.0), width, horizon, step)

    def splits(gap):
        for train, test in TimeSeriesSplit(n_splits=3, gap=gap).split(X):
            now, start = X[test[0], -1, 0], X[test[0], 0, 0]
            yield y[train].max(), now, start

    known = (largest - 1) // step
    assert all(latest <= now for latest, now, _ in splits(known))
    if known:
        assert all(latest > now for latest, now, _ in splits(known - 1))
    apart = (width + largest - 1) // step
    assert all(latest < start for latest, _, start in splits(apart))
    if apart:
        assert all(latest >= start for latest, _, start in splits(apart - 1))


# ------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": []}, "horizon is an empty list"),
        ({"horizon": [1, 0]}, "horizon == 0"),
        ({"horizon": [1, 2, 1]}, "1 occurs twice in horizon"),
        ({"horizon": [1, 40]}, "target 40 steps after it: it needs 43 steps"),
        ({"target": 3}, "target=3 contains 3, but there is no such column: .* 3 columns"),
        ({"target": [0, -4]}, r"target=\[0, -4\] contains -4"),
        ({"target": "load"}, "Pass a data frame to use names"),
        ({"target": []}, "target is an empty list"),
        ({"target": [0, -3]}, "0 occurs twice in target"),
        ({"target": [True, False]}, "contains True"),
        ({"known_future": 5}, "known_future=5 contains 5"),
    ],
)
def test_bad_choices_are_errors(options, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(table(), 3, **options)


def test_types_that_are_not_numbers_of_steps_are_errors():
    with pytest.raises(TypeError, match="horizon"):
        sliding_windows(table(), 3, horizon=[1, 1.5])
    with pytest.raises(TypeError, match=r"series is .*dict"):
        sliding_windows({"load": [1.0, 2.0]}, 1)
    with pytest.raises(ValueError, match="series is not an array: its steps are of unequal length"):
        sliding_windows([[1.0, 2.0], [3.0]], 1)
    with pytest.raises(TypeError, match="dropna"):
        sliding_windows(table(), 3, dropna="yes")


@pytest.mark.parametrize("option", ["target", "known_future"])
def test_one_dimension_has_no_columns_to_choose(option):
    with pytest.raises(ValueError, match=f"{option}=0 chooses a column"):
        sliding_windows(np.arange(9.0), 3, **{option: 0})


def test_bad_frames_are_errors():
    pd = pytest.importorskip("pandas")
    for frame in frames():
        with pytest.raises(
            ValueError, match=r"'wind', but there is no such column: .* 'load', 'hour'"
        ):
            sliding_windows(frame, 3, target="wind")
        with pytest.raises(ValueError, match="target=0 contains 0, but there is no such column"):
            sliding_windows(frame, 3, target=0)
    frame = frames()[0]
    with pytest.raises(ValueError, match="There are 2 columns 'load'"):
        sliding_windows(pd.concat([frame, frame[["load"]]], axis=1), 3)
    with pytest.raises(ValueError, match="contains strings, the first at column 'day', row 0"):
        sliding_windows(frame.assign(day="Monday"), 3)
    dates = pd.date_range("2026-01-01", periods=30)
    with pytest.raises(TypeError, match="dates or durations, the first at column 'day'"):
        sliding_windows(frame.assign(day=dates), 3)
    with pytest.raises(ValueError, match="series has no columns"):
        sliding_windows(frame[[]], 3)
    sliding_windows(frame.set_index(dates), 3)
    for series in (frame, frame["load"]):
        with pytest.raises(ValueError, match="dates in the index of series are not in order"):
            sliding_windows(series.set_axis(dates[::-1]), 3)
        two = pd.MultiIndex.from_product([["a", "b"], range(15)])
        with pytest.raises(ValueError, match="series has a MultiIndex"):
            sliding_windows(series.set_axis(two), 3)
    with pytest.raises(ValueError, match="series contains strings, the first at row 1"):
        sliding_windows(pd.Series([1.0, "2", 3.0], dtype=object), 1)


# ------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [None, 3])
@pytest.mark.parametrize("form", [*laid_out(np.zeros((1, 1))), "list"])
def test_memory_order_changes_nothing(dtype, n_features, form):
    if form == "list":
        dtype = np.float64
    series = table().astype(dtype) if n_features else table()[:, 0].astype(dtype)
    options = dict(known_future=1) if n_features else {}
    future = dict(future=series[-3:, 1]) if n_features else {}
    other = series.tolist() if form == "list" else laid_out(series)[form]
    expected = [
        *sliding_windows(series, 4, [1, 3], **options),
        last_window(series, 4, [1, 3], **options, **future),
    ]
    got = [
        *sliding_windows(other, 4, [1, 3], **options),
        last_window(other, 4, [1, 3], **options, **future),
    ]
    for ours, theirs in zip(got, expected, strict=True):
        assert ours.dtype == dtype
        assert ours.flags.c_contiguous
        assert ours.tobytes() == theirs.tobytes()


def test_a_future_that_begins_before_the_series_ends_is_an_error():
    pd = pytest.importorskip("pandas")
    days = pd.date_range("2026-01-01", periods=33)
    table = pd.DataFrame({"y": np.arange(33.0), "dow": days.day_of_week}, index=days)
    arguments = dict(width=5, horizon=[1, 2, 3], known_future="dow")
    window = last_window(table[:30], **arguments, future=table[30:])
    assert window.shape == (1, 5, 5)
    with pytest.raises(ValueError, match=r"future begins at 2026-01-30.* ends at 2026-01-30"):
        last_window(table[:30], **arguments, future=table[29:])

"""sliding_windows and last_window: windows of a long series, to forecast by regression."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils import check_scalar

from sklstm._numbers import precision
from sklstm.preprocessing._frames import column_names, is_frame, refuse_twice, table_of
from sklstm.preprocessing._series import chosen_columns, is_list, known_columns, read_series


def sliding_windows(
    series: Any,
    width: int,
    horizon: int | Sequence[int] = 1,
    step: int = 1,
    *,
    target: Any = None,
    known_future: Any = None,
    dropna: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Turn one long series into windows and the values that follow them, to forecast by regression.

    Parameters
    ----------
    series : array-like of shape (T,) or (T, F), Series or DataFrame of pandas or polars
        One time series, in order of time.
    width : int
        Number of steps in a window.
    horizon : int or list of int, default=1
        Number of steps from the last step of the window to the target. Pass a list to forecast
        several steps at once: ``horizon=range(1, 25)`` for the next 24.
    step : int, default=1
        Number of steps from the start of one window to the start of the next. Increase it to get
        fewer windows that overlap less.
    target : str, int or list of them, default=None
        Columns to forecast: names if ``series`` is a data frame, else column numbers. None
        forecasts all columns. All columns are inputs, regardless of the target.
    known_future : str, int or list of them, default=None
        Columns whose future values are known, such as the hour of the day or a price list. Step t
        of a window then also has their values at step t + horizon, so that the last step of the
        window has their values at the time of the target.
    dropna : bool, default=False
        True drops windows if they or their target contain NaN. False raises an error for them.

    Returns
    -------
    X : ndarray of shape (n, width, F + H * K)
        The windows. The features are the F columns of ``series`` (1 if it is one-dimensional),
        followed by the K known columns at t + horizon, for each of the H horizons in turn. float32
        if the series is, else float64.
    y : ndarray of shape (n,), (n, k) or (n, H * k)
        The targets. One-dimensional if ``horizon`` is an int and ``target`` is a single column or
        the series is one-dimensional. Columns are sorted by horizon, then by target:
        ``y.reshape(n, H, k)`` has one axis for each.

    Raises
    ------
    ValueError
        If the series is too short for one window, is not sorted by its dates, contains text, or
        contains NaN and ``dropna`` is False, if a column does not exist, or if a parameter has
        another value.
    TypeError
        If ``width``, ``horizon`` or ``step`` is not an int, or ``dropna`` is not a bool.

    See Also
    --------
    last_window : Return the last window, to forecast the steps after the series.

    Notes
    -----
    Window k starts at step ``k * step`` and ends at ``k * step + width - 1``, unless windows before
    it were dropped. If there are several series, call the function once per series and concatenate
    the results: windows must not run from one series into the next.

    Neighbouring windows overlap. Split them by time instead of at random, with
    ``TimeSeriesSplit(gap=(max(horizon) - 1) // step)``; for ``step=1`` and a single horizon this is
    ``gap=horizon - 1``. With this gap all training targets are known at the last step of the first
    test window, which is when its forecast is made. Test windows may start with steps that were
    used in training: these steps are in the past of the forecast, so nothing leaks. If training and
    test windows must not share any step, use ``gap=(width + max(horizon) - 1) // step``.

    Examples
    --------
    >>> from sklstm.preprocessing import sliding_windows
    >>> X, y = sliding_windows([0.0, 1.0, 2.0, 3.0, 4.0], width=3)
    >>> X[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> y
    array([3., 4.])

    Forecast two steps of the first column at once, where the second column is known in advance:

    >>> series = [[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0]]
    >>> X, y = sliding_windows(series, width=2, horizon=[1, 2], target=0, known_future=1)
    >>> X[0]
    array([[0., 1., 0., 1.],
           [1., 0., 1., 0.]])
    >>> y
    array([[2., 3.],
           [3., 4.]])
    """
    _check_count(width, "width")
    _check_count(step, "step")
    check_scalar(dropna, "dropna", (bool, np.bool_))
    horizons = _horizons(horizon)
    table, names, flat = read_series(series)
    last = max(horizons)
    if len(table) < width + last:
        raise ValueError(
            f"A series of {len(table)} steps has no window of {width} steps with a target "
            f"{last} steps after it: it needs {width + last} steps."
        )
    if flat and target is not None:
        raise ValueError(f"target={target!r} chooses a column, but series has only one dimension.")
    targets = list(range(table.shape[1]))
    if target is not None:
        targets = chosen_columns(target, names, series, table.shape[1], "target")
    if not targets:
        raise ValueError("target is an empty list: pass at least one column.")
    known = known_columns(known_future, names, series, table.shape[1], flat)

    n_inputs = len(table) - last  # steps that have all targets after them
    inputs = _inputs(table[:n_inputs], table, known, horizons)
    X = sliding_window_view(inputs, width, axis=0)[::step].transpose(0, 2, 1)
    ends = range(width - 1, n_inputs, step)
    y = np.stack([table[ends.start + h :: step, targets][: len(ends)] for h in horizons], axis=1)
    if np.isnan(table).any():
        missing = np.isnan(inputs).any(axis=1)
        bad = sliding_window_view(missing, width)[::step].any(axis=1)
        bad |= np.isnan(y).any(axis=(1, 2))
        if bad.all() and dropna:
            raise ValueError(
                f"All {len(bad)} windows or their targets contain NaN, so dropna=True drops them "
                "all: fill it in or use a smaller width."
            )
        if bad.any() and not dropna:
            start = int(bad.argmax()) * step
            remedy = ", or set dropna=True to drop the windows that contain it"
            at = (start, width, horizons, targets, known, names, len(table), remedy)
            _refuse_nan(table, *at)
        X, y = X[~bad], y[~bad]
    one_target = flat or (target is not None and not is_list(target, names))
    if _is_one(horizon):
        y = y[:, 0, 0] if one_target else y[:, 0]
    else:
        y = y.reshape(len(y), -1)
    return np.array(X, order="C"), np.array(y, order="C")


def last_window(
    series: Any,
    width: int,
    horizon: int | Sequence[int] = 1,
    *,
    known_future: Any = None,
    future: Any = None,
) -> np.ndarray:
    """Return the last window of a series, to forecast the steps after it.

    Parameters
    ----------
    series : array-like of shape (T,) or (T, F), Series or DataFrame of pandas or polars
        One time series up to now, with the columns that you passed to ``sliding_windows``.
    width : int
        Number of steps in the window. Use the value of ``sliding_windows``.
    horizon : int or list of int, default=1
        Use the value of ``sliding_windows``. Ignored without ``known_future``.
    known_future : str, int or list of them, default=None
        Use the value of ``sliding_windows``.
    future : array-like of shape (n_future,) or (n_future, K), or DataFrame, default=None
        The known columns at the steps that follow ``series``. It needs at least as many steps as
        the largest horizon. An array has the columns in the order of ``known_future``. A data frame
        has them by name and may have others. Required with ``known_future``.

    Returns
    -------
    X : ndarray of shape (1, width, F + H * K)
        The window, with the same features as those of ``sliding_windows``:
        ``model.predict(X)[0]`` is the forecast. float32 if ``series`` and the known columns of
        ``future`` are, else float64.

    Raises
    ------
    ValueError
        If the series is shorter than the window, if the window contains NaN, if a column does not
        exist, if ``future`` has fewer steps than the largest horizon or starts before the series
        ends, or if a parameter has another value.
    TypeError
        If ``width`` or ``horizon`` is not an int.

    See Also
    --------
    sliding_windows : Return all windows that have a target, to train on.

    Examples
    --------
    >>> from sklstm.preprocessing import last_window
    >>> last_window([0.0, 1.0, 2.0, 3.0, 4.0], width=3)[0, :, 0]
    array([2., 3., 4.])
    """
    _check_count(width, "width")
    horizons = _horizons(horizon)
    table, names, flat = read_series(series)
    if len(table) < width:
        raise ValueError(f"A series of {len(table)} steps has no window of {width} steps.")
    known = known_columns(known_future, names, series, table.shape[1], flat)
    whole = table
    if known or future is not None:
        _refuse_past(series, future)
        whole = _with_future(table, known, names, future, max(horizons))
    inputs = _inputs(table, whole, known, horizons)[-width:]
    if np.isnan(inputs).any():
        start = len(table) - width
        _refuse_nan(whole, start, width, horizons, [], known, names, len(table), "")
    return np.array(inputs[np.newaxis], order="C")


def _horizons(horizon: Any) -> list[int]:
    horizons = [horizon] if _is_one(horizon) else list(horizon)
    if not horizons:
        raise ValueError("horizon is an empty list: pass at least one number of steps.")
    for number in horizons:
        _check_count(number, "horizon")
    refuse_twice(horizons, "horizon")
    return [int(number) for number in horizons]


def _check_count(value: Any, name: str) -> None:
    if isinstance(value, bool):  # bool is a subclass of int
        raise TypeError(f"{name} must be an int of 1 or more, got {value!r}.")
    check_scalar(value, name, Integral, min_val=1)


def _is_one(horizon: Any) -> bool:
    return np.ndim(horizon) == 0


def _refuse_past(series: Any, future: Any) -> None:
    """Raise an error if both have dates and ``future`` begins before ``series`` ends."""
    before, after = getattr(series, "index", None), getattr(future, "index", None)
    dated = all(getattr(getattr(i, "dtype", None), "kind", None) == "M" for i in (before, after))
    if dated and len(after) and after[0] <= before[-1]:
        raise ValueError(
            f"future begins at {after[0]}, but series ends at {before[-1]}: pass the rows that "
            "follow the series."
        )


def _with_future(
    table: np.ndarray, known: list[int], names: list | None, future: Any, last: int
) -> np.ndarray:
    """The series followed by the known columns. The other columns are NaN there and ignored."""
    if not known:
        raise ValueError("future is set, but known_future is not: pass the columns of future.")
    if future is None:
        raise ValueError(
            f"known_future needs the {last} steps after the end of series: pass the known columns "
            "of these steps as future=."
        )
    if names is not None and is_frame(future):
        wanted = column_names([names[k] for k in known], future, "known_future")
        ahead = table_of(future, wanted, "future")
    else:
        ahead = read_series(future, "future")[0]
    if ahead.shape[1] != len(known):
        raise ValueError(
            f"future has {ahead.shape[1]} columns, but known_future has {len(known)}: pass only "
            "these columns, in the same order."
        )
    if len(ahead) < last:
        raise ValueError(
            f"future has {len(ahead)} steps, but the largest horizon is {last}: pass at least "
            f"{last} steps."
        )
    dtype = precision([table.dtype, ahead.dtype])
    whole = np.full((len(table) + last, table.shape[1]), np.nan, dtype)
    whole[: len(table)] = table
    whole[len(table) :, known] = ahead[:last]
    return whole


def _inputs(
    steps: np.ndarray, whole: np.ndarray, known: list[int], horizons: list[int]
) -> np.ndarray:
    """The features of all steps of the windows: all columns, then the shifted known columns."""
    if not known:
        return steps
    shifted = [whole[h : h + len(steps), known] for h in horizons]
    return np.concatenate([steps, *shifted], axis=1)


def _refuse_nan(
    whole: np.ndarray,
    start: int,
    width: int,
    horizons: list[int],
    targets: list[int],
    known: list[int],
    names: list | None,
    n_steps: int,
    remedy: str,
) -> NoReturn:
    """Raise an error for the first NaN in the window that begins at ``start`` or in its target."""
    used = np.zeros(whole.shape, dtype=bool)
    used[start : start + width] = True
    for h in horizons:
        used[start + h : start + h + width, known] = True
        used[start + h + width - 1 : start + h + width, targets] = True
    row, k = np.argwhere(used & np.isnan(whole))[0].tolist()
    what, step = ("series", row) if row < n_steps else ("future", row - n_steps)
    column = f", column {(names[k] if names else k)!r}" if names or whole.shape[1] > 1 else ""
    raise ValueError(f"{what} contains NaN at step {step}{column}: fill it in{remedy}.")

"""Windows over one long series: forecasting as regression."""

from __future__ import annotations

from numbers import Integral

from numpy.lib.stride_tricks import sliding_window_view
from sklearn.utils import check_scalar

from sklstm._numbers import as_typed, numbers, precision


def sliding_windows(series, width, horizon=1, step=1):
    """Cut one long series into windows and what comes after them: forecasting as regression.

    Parameters
    ----------
    series : array-like of shape (T,) or (T, F)
        One time series.
    width : int
        Steps of a window.
    horizon : int, default=1
        The target is this many steps after the last step of the window.
    step : int, default=1
        Steps from the start of one window to the start of the next.

    Returns
    -------
    X : ndarray of shape (n, width, F)
        The windows; F is 1 for a one-dimensional series. float32 if the series is, else float64.
    y : ndarray of shape (n,) or (n, F)
        The targets; one-dimensional if the series is.

    Notes
    -----
    Neighbouring windows overlap: split them in order of time, never at random
    (:class:`~sklearn.model_selection.TimeSeriesSplit` with ``gap=width + horizon - 1``).

    Examples
    --------
    >>> from sklstm.preprocessing import sliding_windows
    >>> X, y = sliding_windows([0.0, 1.0, 2.0, 3.0, 4.0], width=3)
    >>> X[:, :, 0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    >>> y
    array([3., 4.])
    """
    for name, number in (("width", width), ("horizon", horizon), ("step", step)):
        check_scalar(number, name, Integral, min_val=1)
    array = numbers(as_typed(series), lambda index: f"index {index}", "series")
    if array.ndim not in (1, 2):
        raise ValueError(f"series has shape {array.shape}; expected (n_steps,) or (n_steps, F).")
    array = array.astype(precision([array.dtype]), copy=False)
    if len(array) < width + horizon:
        raise ValueError(
            f"A series of {len(array)} steps has no window of {width} steps with a target "
            f"{horizon} steps after it: it needs {width + horizon} steps."
        )
    targets = array[width + horizon - 1 :: step]
    windows = sliding_window_view(array.reshape(len(array), -1), width, axis=0)[::step]
    X = windows[: len(targets)].transpose(0, 2, 1).copy()
    return X, targets.copy()

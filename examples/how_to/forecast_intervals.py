"""
Forecasting a day ahead with intervals
======================================

This example is for people who plan by forecasts and need to know how far off they may be. It
forecasts the pedestrians at a railway station for each hour of the next day: three quantiles, from
which an interval follows. The LSTM is compared with two baselines, its intervals are checked on
validation data and widened, and their coverage is counted on nine later months.
"""

# %%
# The data
# --------
# Hourly counts at Southern Cross Station in Melbourne, 2015 and 2016 (City of Melbourne, CC BY; see
# ``examples/data/README.md``). Each row is a day with 24 counts. Five missing hours are
# interpolated. The square root makes the noise about equal at all hours.
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter, DayLocator
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_pinball_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler, sliding_windows

DATA = Path(__file__).parents[1] / "data" if "__file__" in globals() else Path("../data")
counts = pd.read_csv(DATA / "pedestrians.csv", index_col="date", parse_dates=True)
print(f"{len(counts)} days, {counts.isna().sum().sum()} hours missing")
roots = np.sqrt(counts.interpolate(axis=1))

# %%
# Windows
# -------
# A step is a day: 24 values and an indicator of its weekday. The weekday of the day to forecast is
# known, so ``known_future`` of :func:`~sklstm.preprocessing.sliding_windows` adds it to the window.
# All splits are in time.
DAYS, HOURS = 14, list(range(24))
weekdays = np.eye(7)[roots.index.day_of_week]
X, y = sliding_windows(
    np.column_stack([roots, weekdays]), DAYS, target=HOURS, known_future=list(range(24, 31))
)
days = roots.index[DAYS:]  # of the targets
train = days < "2016-01-01"
validation = (days >= "2016-01-01") & (days < "2016-04-01")
test = days >= "2016-04-01"
print(
    f"{train.sum()} days for training, {validation.sum()} for validation, {test.sum()} for the test"
)

# %%
# Models
# ------
# With ``loss="quantile"`` one network predicts all quantiles.
# :class:`~sklstm.compose.RelativeRegressor` makes each hour relative to the same hour of the last
# day. Whether this helps is decided on the validation data.
QUANTILES = [0.1, 0.5, 0.9]


def lstm():
    return make_pipeline(
        SequenceScaler(),
        LSTMRegressor(
            64, loss="quantile", quantile=QUANTILES, dropout=0.4, max_iter=100, random_state=0
        ),
    )


def pinball(predicted, part):
    """Mean loss of the quantiles."""
    return np.mean(
        [mean_pinball_loss(y[part], predicted[..., k], alpha=q) for k, q in enumerate(QUANTILES)]
    )


candidates = {"LSTM": lstm(), "LSTM, relative": RelativeRegressor(lstm(), columns=HOURS)}
losses = {}
for name, model in candidates.items():
    model.fit(X[train], y[train])
    losses[name] = pinball(model.predict(X[validation]), validation)
    print(f"{name}: pinball loss {losses[name]:.3f} on validation days")
best = min(losses, key=losses.get)

# %%
# Check the intervals, then widen them
# ------------------------------------
# 80 % of the targets should lie between the first and the last quantile. Networks that overfit make
# intervals too narrow. Validation days show by how much to widen them (conformalized quantile
# regression): ``excess`` is how far a target lies outside its interval.


def coverage(predicted, part, margin=0.0):
    return (predicted[..., 0] - margin <= y[part]) & (y[part] <= predicted[..., 2] + margin)


forecast = candidates[best].predict(X[validation])
excess = np.maximum(forecast[..., 0] - y[validation], y[validation] - forecast[..., 2])
margin = np.quantile(excess, 0.8)
print(f"coverage on validation days: {coverage(forecast, validation).mean():.0%}")

# %%
# The test
# --------
# The middle quantile is the point forecast. The naive forecast repeats the same day of last week.
# Ridge regression sees the same windows, also relative to the last day.
flatten = FunctionTransformer(lambda X: X.reshape(len(X), -1))
ridge = make_pipeline(flatten, RidgeCV(np.logspace(-1, 5, 13)))
ridge = RelativeRegressor(ridge, columns=HOURS).fit(X[train], y[train])
forecast = candidates[best].predict(X[test])
middle = {
    "same day of last week": X[test][:, -7, :24],
    "ridge": ridge.predict(X[test]),
    best: forecast[..., 1],
}
truth = y[test] ** 2
for name, predicted in middle.items():
    error = np.abs(np.clip(predicted, 0, None) ** 2 - truth).mean()
    print(f"{name}: mean absolute error {error:.1f} pedestrians per hour")
for name, width in {"as trained": 0.0, "widened": margin}.items():
    print(f"coverage of the 80 % interval, {name}: {coverage(forecast, test, width).mean():.0%}")

# %%
# A week of the test. The band is the widened interval. Tuesday was a public holiday, the Melbourne
# Cup. The model knows weekdays but no holidays: it forecasts a working day, and then too few people
# for the day after. Holidays as one more known column would help, given some years to learn them
# from.
low, high = forecast[..., 0] - margin, forecast[..., 2] + margin
low, mid, high = (np.clip(part, 0, None).ravel() ** 2 for part in (low, forecast[..., 1], high))
hours = pd.date_range(days[test][0], periods=len(mid), freq="h")
shown = (hours >= "2016-10-28") & (hours < "2016-11-04")
fig, ax = plt.subplots(figsize=(9, 3.8), layout="constrained")
ax.fill_between(
    *(hours[shown], low[shown], high[shown]), color="C0", alpha=0.3, lw=0, label="80 % interval"
)
ax.plot(hours[shown], mid[shown], color="C0", label="forecast")
ax.plot(hours[shown], truth.ravel()[shown], "k", lw=0.9, label="counted")
ax.set(ylabel="pedestrians per hour", ylim=(0, 1.25 * truth.ravel()[shown].max()))
ax.legend(ncols=3, loc="upper right")
ax.xaxis.set_major_locator(DayLocator())
ax.xaxis.set_major_formatter(DateFormatter("%a %d %b"))

# %%
# Coverage by month. Count it again as new data arrive: it falls when days come that differ from
# those of training and validation.
inside = pd.Series(coverage(forecast, test, margin).mean(axis=1), index=days[test])
monthly = inside.groupby(inside.index.month).mean()
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.bar(monthly.index, monthly, color="C0")
ax.axhline(0.8, color="k", ls="--")
ax.set_xticks(monthly.index, inside.index.strftime("%b").unique())
ax.set(
    ylabel="share inside the interval",
    ylim=(0, 1),
    title="Test months of 2016, and the target of 80 %",
)
print(f"lowest coverage of a month: {monthly.min():.0%}")
plt.show()

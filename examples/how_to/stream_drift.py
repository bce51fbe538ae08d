"""
Learning from a stream with drift
=================================

This example is for people whose model runs for months while the world changes. A counter at a
railway station logs in UTC, but people live by the local clock. When the clocks change, all that
the model has learned about the rush hours is an hour off. The example compares a model that learns
from every hour with a frozen copy and with two naive forecasts. All errors are prequential: each
forecast is made before the model learns from the count.
"""

# %%
# The data
# --------
# Pedestrians per hour at Southern Cross Station in Melbourne, 2015 and 2016 (City of Melbourne, CC
# BY; see ``examples/data/README.md``). The file has local times, which are converted to UTC. The
# few missing hours are interpolated.
from copy import deepcopy
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.dates import DateFormatter

from sklstm import LSTMRegressor

DATA = Path(__file__).parents[1] / "data" if "__file__" in globals() else Path("../data")
table = pd.read_csv(DATA / "pedestrians.csv", index_col="date", parse_dates=True)
local = pd.date_range(table.index[0], periods=table.size, freq="h")
counts = pd.Series(table.to_numpy().ravel(), index=local)
counts = counts.tz_localize("Australia/Melbourne", ambiguous=True, nonexistent="NaT")
counts = counts[counts.index.notna()].tz_convert("UTC").asfreq("h")
print(f"{len(counts)} hours, {counts.isna().sum()} of them missing")
counts = counts.interpolate()["2015-01-05":]

# %%
# Features and targets
# --------------------
# At each hour the model sees the count of this hour and the UTC time of the next one: three waves
# per day, and the weekday. The target is the count of the next hour. Square roots make the noise
# about equal at all hours; the first 12 weeks give the units.
roots = np.sqrt(counts.to_numpy())
N_START = 12 * 7 * 24
mean, std = roots[:N_START].mean(), roots[:N_START].std()
scaled = (roots - mean) / std
following = counts.index[1:]
angle = 2 * np.pi * following.hour.to_numpy()[:, None] / 24 * [1, 2, 3]
weekday = np.eye(7)[following.day_of_week]
X = np.column_stack([scaled[:-1], np.sin(angle), np.cos(angle), weekday])
y = scaled[1:]

# %%
# Start
# -----
# The model makes ten passes over the first 12 weeks. The rate is chosen there, by the mean error of
# the last pass in the last two weeks.


def start(rate):
    model = LSTMRegressor(
        32, return_sequences=True, gradient="truncated", learning_rate_init=rate, random_state=0
    ).initialize(X.shape[1])
    for _ in range(10):
        stream = model.stream()
        forecasts, _ = stream.learn_steps(X[:N_START], y[:N_START])
    error = np.abs(np.ravel(forecasts) - y[:N_START])[-14 * 24 :].mean()
    print(f"rate {rate}: error {error:.3f} in units of the standard deviation")
    return error, stream


_, stream = min((start(rate) for rate in (0.001, 0.003, 0.01)), key=lambda tried: tried[0])

# %%
# Run
# ---
# A deep copy of a stream has a model of its own. The copy never learns again, and the stream learns
# at every step. ``learn_steps`` returns the forecasts made before learning. In an application, call
# ``stream.step(x)`` when an hour is over and ``stream.learn(y)`` when the next count arrives.
frozen = deepcopy(stream)
later = slice(N_START, None)
week_ago = np.concatenate([np.full(167, np.nan), scaled])[: len(y)]
forecasts = {
    "last hour": X[later, 0],
    "same hour of last week": week_ago[later],
    "frozen model": frozen.steps(X[later]),
    "learning model": stream.learn_steps(X[later], y[later])[0],
}
truth = counts.to_numpy()[1:][later]
errors = pd.DataFrame(
    {
        name: np.abs(np.clip(np.ravel(forecast) * std + mean, 0, None) ** 2 - truth)
        for name, forecast in forecasts.items()
    },
    index=following[later],
)
for name, error in errors.mean().items():
    print(f"{name}: mean absolute error {error:.0f} pedestrians per hour")

# %%
# The frozen model is good until the clocks change, bad for half a year, and good again. The
# learning model recovers within two weeks. Repeating the last week is hard to beat in weeks that
# resemble each other, and bad around holidays. Run this baseline as well.
changes = pd.to_datetime(["2015-04-05", "2015-10-04", "2016-04-03", "2016-10-02"], utc=True)
weekly = errors.resample("7D").mean()
fig, ax = plt.subplots(figsize=(9, 3.8), layout="constrained")
for name, color in zip(weekly.columns[1:], ("0.6", "C1", "C0"), strict=True):
    ax.plot(weekly.index, weekly[name], color=color, label=name)
for change in changes:
    line = ax.axvline(change, color="k", ls=":")
line.set_label("clocks change")
ax.set(ylabel="mean absolute error of a week", ylim=(0, 1.3 * weekly.iloc[:, 1:].max().max()))
ax.legend(ncols=4, loc="upper center")

before, after = (
    errors[a:b].mean() for a, b in (("2016-03-06", "2016-04-02"), ("2016-04-17", "2016-05-14"))
)
for name in ("frozen model", "learning model"):
    print(
        f"{name}: error {before[name]:.0f} in the month before the change of April 2016, "
        f"{after[name]:.0f} from two weeks after it"
    )

# %%
# Two days in May 2015, a month after the first change. The frozen model expects the evening rush an
# hour early.
shown = (following[later] >= "2015-05-05 12:00") & (following[later] < "2015-05-07 12:00")
fig, ax = plt.subplots(figsize=(9, 3.4), layout="constrained")
ax.plot(following[later][shown], truth[shown], "k", lw=1, label="counted")
for name, color in (("frozen model", "C1"), ("learning model", "C0")):
    said = np.clip(np.ravel(forecasts[name])[shown] * std + mean, 0, None) ** 2
    ax.plot(following[later][shown], said, color=color, label=name)
ax.xaxis.set_major_formatter(DateFormatter("%d %b\n%H:00"))
ax.set(xlabel="UTC", ylabel="pedestrians per hour", ylim=(0, 1.3 * truth[shown].max()))
ax.legend(ncols=3, loc="upper right")
plt.show()

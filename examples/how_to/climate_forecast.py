"""
Forecast a year ahead, with intervals
=====================================

This example is for people who forecast a series and wonder whether to model its values or its
changes. It forecasts two real monthly series up to twelve months ahead: carbon dioxide in the air
over Mauna Loa, which rises every year, and the temperature of the sea off Peru, which swings about
the same mean. It compares the LSTM, the same LSTM relative to the last value, ridge regression and
the value of a year before. At the end it forecasts quantiles and counts how many months lie between
them.
"""

# %%
# Two series
# ----------
# All models see the last 36 months and forecast the next 12 at once. They learn from the months
# before 1990 and are tested on those after. ``examples/data/README.md`` names the sources, which
# are in the public domain.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler, sliding_windows

WIDTH, AHEAD, N_TRAIN = 36, 12, 300  # months

here = Path(__file__).parent if "__file__" in globals() else Path.cwd()
table = np.genfromtxt(here.parent / "data" / "climate.csv", delimiter=",", names=True)
time = table["year"] + (table["month"] - 0.5) / 12
SERIES = {"co2": "Carbon dioxide (ppm)", "sea": "Sea temperature (°C)"}

figure, axes = plt.subplots(2, figsize=(8, 5), sharex=True, layout="constrained")
for axis, (name, title) in zip(axes, SERIES.items(), strict=True):
    axis.plot(time[:N_TRAIN], table[name][:N_TRAIN], label="training")
    axis.plot(time[N_TRAIN:], table[name][N_TRAIN:], label="test")
    axis.set_ylabel(title)
axes[0].legend(loc="upper left")

# %%
# Models
# ------
# :class:`~sklstm.compose.RelativeRegressor` takes the last value of a window out of the window and
# out of the targets, and adds it to the prediction.


class SeasonalNaive:
    """Each month is as a year before."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, -12:, 0]


class LinearModel(RidgeCV):
    """Ridge regression on all months of a window."""

    def fit(self, X, y):
        return super().fit(X[:, :, 0], y)

    def predict(self, X):
        return super().predict(X[:, :, 0])


def lstm(**settings):
    return make_pipeline(SequenceScaler(), LSTMRegressor(32, random_state=0, **settings))


def windows(series):
    """Windows and what follows them; no target of training lies in the months of the test."""
    ahead = range(1, AHEAD + 1)
    train = sliding_windows(series[:N_TRAIN], WIDTH, ahead)
    return *train, *sliding_windows(series[N_TRAIN - WIDTH :], WIDTH, ahead)


models = {
    "as a year before": SeasonalNaive(),
    "ridge on windows": LinearModel(),
    "LSTM": lstm(),
    "LSTM, relative": RelativeRegressor(lstm()),
}

# %%
# Errors by horizon
# -----------------
# For carbon dioxide, the LSTM relative to now has the smallest errors. The LSTM alone has never
# seen values that high and cannot extrapolate. For the sea, the relative LSTM is good one month
# ahead, and worse than the LSTM alone half a year ahead and more: by then the last value says
# little. So try both on your series.

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
print(f"root of the mean squared error, {table.size - N_TRAIN} months from 1990 on")
print(f"{'':20}{'1 month ahead':>15}{'6 months':>10}{'12 months':>10}")
for axis, (name, title) in zip(axes, SERIES.items(), strict=True):
    X, y, X_test, y_test = windows(table[name])
    print(name)
    for label, model in models.items():
        errors = np.sqrt(np.mean((model.fit(X, y).predict(X_test) - y_test) ** 2, axis=0))
        one, six, twelve = errors[[0, 5, 11]]
        print(f"  {label:18}{one:15.2f}{six:10.2f}{twelve:10.2f}")
        axis.plot(range(1, AHEAD + 1), errors, marker=".", label=label)
    axis.set(xlabel="Months ahead", ylabel="Error (RMSE)", title=title)
axes[0].set_yscale("log")
axes[1].legend(loc="lower right")

# %%
# Intervals
# ---------
# The quantiles of 10 and 90 % should have 80 % of the months between them. There are only 253
# windows to learn from, and they overlap, so the network overfits and intervals become too narrow.
# Dropout makes this better. Always check intervals on later data, as here: those of carbon dioxide
# hold about as many months as they should, and those of the sea hold far fewer.

figure, axes = plt.subplots(2, figsize=(8, 5.5), sharex=True, layout="constrained")
print("months within the interval from the 10 % to the 90 % quantile, and its mean width")
for axis, (name, title) in zip(axes, SERIES.items(), strict=True):
    X, y, X_test, y_test = windows(table[name])
    settings = dict(loss="quantile", quantile=[0.1, 0.5, 0.9], dropout=0.2)
    predicted = RelativeRegressor(lstm(**settings)).fit(X, y).predict(X_test)
    low, middle, high = np.moveaxis(predicted, -1, 0)
    coverage = np.mean((low <= y_test) & (y_test <= high), axis=0)
    print(
        f"  {name}: {coverage.mean():.0%}, one month ahead {coverage[0]:.0%}, twelve months "
        f"{coverage[11]:.0%}; width {np.mean(high - low):.2f}"
    )
    month = time[N_TRAIN + 5 : N_TRAIN + 5 + len(y_test)]
    axis.fill_between(month, low[:, 5], high[:, 5], alpha=0.3, label="10 to 90 %")
    axis.plot(month, middle[:, 5], label="median")
    axis.plot(month, y_test[:, 5], "k.", markersize=3, label="observed")
    axis.set_ylabel(title)
axes[0].set_title("Forecasts six months ahead")
axes[0].legend(loc="upper left")
plt.show()

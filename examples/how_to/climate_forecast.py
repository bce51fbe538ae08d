"""Forecast two climate series up to a year ahead: relative to now, and otherwise.

climate.csv has monthly values from 1965 to 2001, both in the public domain: carbon dioxide in the
air over Mauna Loa (ppm; Keeling and Whorf, Scripps), which rises every year, and the temperature of
the sea off Peru (degrees Celsius; NOAA, region Nino 1+2), which swings about the same mean. All
models see the last 36 months and forecast the next 12 at once. They learn from the months before
1990 and are tested on those after.
For carbon dioxide, the LSTM relative to now has the smallest errors at all horizons; the LSTM alone
never saw values so high. For the sea, the relative one is as good as ridge one month ahead, and
worse than the LSTM alone half a year ahead and more: by then the last value says little.
Then it forecasts the quantiles of 10 and 90 %, between which 80 % of the months should lie. Of
carbon dioxide about as many do; of the sea only half, so check intervals on later data.
Runs in a few seconds: ``python examples/how_to/climate_forecast.py``.
"""

from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler, sliding_windows

WIDTH, AHEAD, N_TRAIN = 36, 12, 300  # months


class SeasonalNaive:
    """Each month will be as a year before."""

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


def main():
    table = np.genfromtxt(
        Path(__file__).parents[1] / "data" / "climate.csv", delimiter=",", names=True
    )
    models = {
        "as a year before": SeasonalNaive(),
        "ridge on windows": LinearModel(),
        "LSTM": lstm(),
        "LSTM, relative": RelativeRegressor(lstm()),
    }
    print(f"root of the mean squared error, {table.size - N_TRAIN} months from 1990 on")
    print(f"{'':20}{'1 month ahead':>15}{'6 months':>10}{'12 months':>10}")
    for name in ("co2", "sea"):
        X, y, X_test, y_test = windows(table[name])
        print(name)
        for label, model in models.items():
            errors = model.fit(X, y).predict(X_test) - y_test
            one, six, twelve = np.sqrt(np.mean(errors**2, axis=0))[[0, 5, 11]]
            print(f"  {label:18}{one:15.2f}{six:10.2f}{twelve:10.2f}")

    print("months within the interval from the 10 % to the 90 % quantile, and its mean width")
    for name in ("co2", "sea"):
        X, y, X_test, y_test = windows(table[name])
        # 253 overlapping windows are soon known by heart, and intervals too narrow: hence dropout.
        settings = dict(loss="quantile", quantile=[0.1, 0.5, 0.9], dropout=0.2)
        predicted = RelativeRegressor(lstm(**settings)).fit(X, y).predict(X_test)
        low, high = predicted[..., 0], predicted[..., 2]
        coverage = np.mean((low <= y_test) & (y_test <= high), axis=0)
        print(
            f"  {name}: {coverage.mean():.0%}, one month ahead {coverage[0]:.0%}, twelve months "
            f"{coverage[11]:.0%}; width {np.mean(high - low):.2f}"
        )


if __name__ == "__main__":
    main()

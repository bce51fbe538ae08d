"""
Missing values in sensor series
===============================

This example is for people whose sensors skip readings. It removes readings from the recordings of a
watch in two ways that occur in practice, fills the gaps by several strategies, and compares them by
cross-validation and on people the model has not seen. The best strategy depends on why readings are
missing.
"""

# %%
# The data
# --------
# Ten people, seven exercises for the shoulder, acceleration and rotation ten times per second
# (seglearn, BSD licence; see ``examples/data/README.md``).
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceImputer, SequenceScaler

DATA = Path(__file__).parents[1] / "data" if "__file__" in globals() else Path("../data")
with np.load(DATA / "watch.npz") as file:
    recordings = file["X"] * file["scale"]
    exercise, person = file["exercise"], file["person"]

# %%
# Two reasons for gaps
# --------------------
# *Lost packets*: the radio link fails for about 0.8 s at a time, and all channels miss the same
# steps.
# *Send on change*: to save its battery, the watch sends a channel only if it has moved by one
# standard deviation since the last value sent. A missing value then means that little has changed.


def lost_packets(recordings, rng, mean_gap=8, mean_run=6):
    received = recordings.copy()
    for x in received:
        step = 0
        while step < len(x):
            step += rng.geometric(1 / mean_run)
            gap = rng.geometric(1 / mean_gap)
            x[step : step + gap] = np.nan
            step += gap
    return received


def send_on_change(recordings):
    threshold = recordings.std(axis=(0, 1))
    received = np.full_like(recordings, np.nan)
    for x, sent in zip(recordings, received, strict=True):
        last = sent[0] = x[0]
        for step in range(1, len(x)):
            moved = np.abs(x[step] - last) > threshold
            sent[step, moved] = x[step, moved]
            last = np.where(moved, x[step], last)
    return received


received = {
    "lost packets": lost_packets(recordings, np.random.default_rng(0)),
    "send on change": send_on_change(recordings),
}
for name, values in received.items():
    print(f"{name}: {np.isnan(values).mean():.0%} of the values are missing")

# %%
# One channel of one recording, and what two strategies make of it.
shown = np.flatnonzero(exercise == "FEL")[0]
seconds = np.arange(60) / 10
fig, axes = plt.subplots(2, 1, figsize=(8, 4.6), sharex=True, layout="constrained")
for ax, (name, values) in zip(axes, received.items(), strict=True):
    ax.plot(seconds, recordings[shown, :60, 0], color="0.7", lw=4, label="complete")
    for strategy, color in (("forward", "C0"), ("linear", "C1")):
        filled = SequenceImputer(strategy).fit_transform(values[[shown]])
        ax.plot(seconds, filled[0, :60, 0], color=color, label=strategy)
    ax.plot(seconds, values[shown, :60, 0], "ko", ms=4, label="received")
    ax.set(title=name, ylabel="acceleration, x")
axes[1].set_xlabel("seconds")
_ = fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center")

# %%
# Compare strategies
# ------------------
# :class:`~sklstm.preprocessing.SequenceImputer` fills gaps. ``add_indicator=True`` adds a feature
# that is 1 where a value is missing, and ``add_elapsed=True`` the steps since the last value. It
# fills whole recordings, and then they are cut, so that a window knows the last value before it.
# Means come from people 1 to 6, who are for training. Folds are made of people.
WIDTH, STEP = 40, 35
strategies = {
    "mean": SequenceImputer("mean"),
    "linear": SequenceImputer("linear"),
    "forward": SequenceImputer("forward"),
    "forward, indicator": SequenceImputer("forward", add_indicator=True),
    "forward, elapsed": SequenceImputer("forward", add_elapsed=True),
}


def windows(recordings):
    cut = sliding_window_view(recordings, WIDTH, axis=1)[:, ::STEP].transpose(0, 1, 3, 2)
    return cut.reshape(-1, WIDTH, recordings.shape[2])


def fill(values, imputer):
    return windows(imputer.fit(values[person <= 6]).transform(values))


def cross_validated(estimator, X):
    folds = StratifiedGroupKFold(3)
    return cross_val_score(estimator, X[train], y[train], groups=groups[train], cv=folds).mean()


n_windows = len(windows(recordings)) // len(recordings)
y, groups = np.repeat(exercise, n_windows), np.repeat(person, n_windows)
train = groups <= 6
lstm = LSTMClassifier(
    24, bidirectional=True, pooling="mean", dropout=0.3, max_iter=30, random_state=0
)
lstm = make_pipeline(SequenceScaler(), lstm)
complete = cross_validated(lstm, windows(recordings))
print(f"complete recordings: {complete:.3f}")
scores = {}
for name, values in received.items():
    scores[name] = {
        label: cross_validated(lstm, fill(values, s)) for label, s in strategies.items()
    }
    for label, score in scores[name].items():
        print(f"{name}, {label}: {score:.3f}")

# %%
# If packets are lost, gaps say nothing about the exercise: the added features do not help. If
# values are sent on change, the last value is close to the truth. Filled forward, a seventh of the
# values is nearly as good as complete recordings. The mean and the line are worse: they make up
# values that the sensor never had. Differences of a few points are noise with six people.
fig, ax = plt.subplots(figsize=(8, 3.8), layout="constrained")
for k, (name, values) in enumerate(scores.items()):
    ax.bar(np.arange(len(values)) + 0.4 * k, values.values(), width=0.38, label=name)
ax.axhline(complete, color="k", ls="--", label="complete recordings")
ax.set_xticks(np.arange(len(strategies)) + 0.2, strategies)
ax.set(ylabel="accuracy, folds of people", ylim=(0, 1))
_ = ax.legend(ncols=3, loc="upper center")

# %%
# The test
# --------
# For each reason the strategy with the best score is tested on people 7 to 10. The baseline is a
# random forest on statistics of the values received.


def statistics(X):
    """Count, mean, standard deviation, minimum and maximum of the values received."""
    valid = np.ma.masked_invalid(X)
    parts = [valid.count(axis=1)]
    parts += [getattr(valid, f)(axis=1).filled(np.nan) for f in ("mean", "std", "min", "max")]
    return np.concatenate(parts, axis=1)


def tested(estimator, X):
    return estimator.fit(X[train], y[train]).score(X[~train], y[~train])


forest = make_pipeline(FunctionTransformer(statistics), RandomForestClassifier(300, random_state=0))
for name, values in received.items():
    best = max(scores[name], key=scores[name].get)
    accuracy = tested(lstm, fill(values, strategies[best]))
    print(f"{name}, LSTM, {best}: accuracy {accuracy:.3f}")
    print(f"{name}, random forest: accuracy {tested(forest, windows(values)):.3f}")

# %%
# The random forest is ahead if packets are lost: statistics of a window suffer little from gaps. It
# is not ahead if values are sent on change. Run it as a baseline, as always.
plt.show()
# sphinx_gallery_thumbnail_number = 2

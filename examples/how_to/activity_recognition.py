"""
Activity recognition for people the model has not seen
======================================================

This example is for people who classify recordings of wearable sensors. Ten people did seven
exercises for the shoulder with a watch on their wrist. The example cuts the recordings into
windows, tunes a model with folds made of people, and tests it on people who took no part in
training. It also shows how much a random split overstates the accuracy, and compares the LSTM with
a random forest on summary statistics.
"""

# %%
# The data
# --------
# The watch measured acceleration (three axes) and rotation (three axes). The file has ten values
# per second and the first 18 seconds of each of 140 recordings (seglearn, BSD licence; see
# ``examples/data/README.md``).
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceScaler

DATA = Path(__file__).parents[1] / "data" if "__file__" in globals() else Path("../data")
with np.load(DATA / "watch.npz") as file:
    recordings, scale = file["X"], file["scale"]  # one byte per value, and the unit of each channel
    exercise, person, channels = file["exercise"], file["person"], file["channels"]
recordings = recordings * scale
print(f"{len(recordings)} recordings of {recordings.shape[1]} steps, {len(set(person))} people")

# %%
# Windows
# -------
# A model in use sees a few seconds at a time, so each recording becomes five windows of 4 seconds.
# All windows of a recording have its label and its person.
WIDTH, STEP = 40, 35
windows = sliding_window_view(recordings, WIDTH, axis=1)[:, ::STEP].transpose(0, 1, 3, 2)
n_windows = windows.shape[1]
X = windows.reshape(-1, WIDTH, len(channels))
y, groups = np.repeat(exercise, n_windows), np.repeat(person, n_windows)
print(f"{len(X)} windows of {WIDTH} steps and {len(channels)} channels")

is_test = groups > 6
X_train, y_train, people = X[~is_test], y[~is_test], groups[~is_test]
X_test, y_test = X[is_test], y[is_test]

# %%
# Four seconds of each exercise by one person. The names are short for abduction, external rotation,
# forward elevation, internal rotation, pendulum, upright row and trapezius extension.
fig, axes = plt.subplots(2, 4, figsize=(9, 4), sharex=True, sharey=True, layout="constrained")
seconds = np.arange(WIDTH) / 10
for ax, name in zip(axes.flat, sorted(set(y)), strict=False):
    lines = ax.plot(seconds, X[(y == name) & (groups == 1)][1][:, :3])
    ax.set_title(name)
for ax in axes[:, 0]:
    ax.set_ylabel("acceleration")
for ax in axes[1]:
    ax.set_xlabel("seconds")
axes[0, 3].xaxis.set_tick_params(labelbottom=True)
axes[1, 3].axis("off")
_ = axes[1, 3].legend(lines, ["x", "y", "z"], loc="center", title="axis of the watch")

# %%
# Folds made of people
# --------------------
# :class:`~sklearn.model_selection.StratifiedGroupKFold` keeps all windows of a person in one fold,
# so that each score is for people the model has not seen.
# :class:`~sklstm.preprocessing.SequenceScaler` is part of the pipeline and learns from the training
# people only.
lstm = LSTMClassifier(32, bidirectional=True, dropout=0.3, max_iter=40, random_state=0)
search = GridSearchCV(
    make_pipeline(SequenceScaler(), lstm),
    {"lstmclassifier__pooling": ["last", "mean", "max"]},
    cv=StratifiedGroupKFold(3),
)
search.fit(X_train, y_train, groups=people)
for setting, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{score:.3f}  {setting}")

# %%
# A random split puts windows of the same person, often of the same recording, into both parts. Its
# score answers another question: how well the model does for people who are in the training set.
by_people = search.best_score_
at_random = cross_val_score(
    search.best_estimator_, X_train, y_train, cv=StratifiedKFold(3, shuffle=True, random_state=0)
).mean()
print(f"cross-validation by people: {by_people:.3f}, at random: {at_random:.3f}")

# %%
# The test
# --------
# Four people remain. The random forest gets five statistics of each channel and window, which is
# the usual baseline for such data.


def statistics(X):
    """Mean, standard deviation, minimum, median and maximum of each channel."""
    parts = [f(X, axis=1) for f in (np.mean, np.std, np.min, np.median, np.max)]
    return np.concatenate(parts, axis=1)


forest = make_pipeline(FunctionTransformer(statistics), RandomForestClassifier(300, random_state=0))
forest.fit(X_train, y_train)
for name, fitted in {"LSTM": search, "random forest": forest}.items():
    print(f"{name}: accuracy {fitted.score(X_test, y_test):.3f} on {len(y_test)} windows")

# %%
# With six people to learn from, the random forest is better than the LSTM here. Always run such a
# baseline: on short windows of few people it is hard to beat.
#
# Where the LSTM is wrong
# -----------------------
# Each row of the confusion matrix adds up to 1. It shows which exercises the model confuses: record
# more people for them first.
predicted = search.predict(X_test)
confusion = confusion_matrix(y_test, predicted, normalize="true")
row, column = np.unravel_index(np.argmax(confusion - np.eye(len(confusion))), confusion.shape)
print(
    f"largest confusion: {search.classes_[row]} taken for {search.classes_[column]}, "
    f"{confusion[row, column]:.0%} of the windows"
)
fig, ax = plt.subplots(figsize=(6.4, 5.4), layout="constrained")
ConfusionMatrixDisplay(confusion, display_labels=search.classes_).plot(
    ax=ax, cmap="Blues", values_format=".2f"
)
ax.set(title="Windows of four unseen people", xlabel="predicted", ylabel="true")
plt.show()
# sphinx_gallery_thumbnail_number = 2

"""
Gestures of unequal length, from people the model has not seen
==============================================================

This example is for people who classify recordings of a motion sensor, each as long as the movement
took. It searches settings with folds made of people, so that the search prefers settings that serve
unknown people, and tests on people who are in no fold. The gestures are synthetic: the script draws
them, so the accuracy says little about your sensor. For real recordings of a watch, see
:ref:`sphx_glr_how_to_activity_recognition.py`.
"""

# %%
# The recordings
# --------------
# Three gestures and three channels, the acceleration along x, y and z. A circle and the same circle
# backward have the same values in another order. Each person has a pace, a strength and a tilt.
# Each repetition takes a different time, and begins after a pause.

import matplotlib.pyplot as plt
import numpy as np
from joblib import parallel_config
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceScaler

GESTURES = ("circle", "circle back", "swing")


def record(gesture, style, rng):
    """One recording, (n_steps, 3); ``style`` is the pace, strength and tilt of a person."""
    pace, strength, tilt = style
    n_steps = int(rng.integers(25, 45) / pace)
    pause = int(rng.integers(0, 15))
    phase = np.linspace(0, 2 * np.pi, n_steps)
    turn = {"circle": 1, "circle back": -1, "swing": 0}[gesture]
    moved = np.zeros((pause + n_steps, 3))
    moved[pause:, 0] = np.cos(phase + tilt)
    moved[pause:, 1] = turn * np.sin(phase + tilt)
    moved[pause:, 2] = 0.3
    return strength * moved + rng.normal(scale=0.5, size=moved.shape)


def recordings(people, rng):
    """Six recordings of each gesture by each person: X, y, and who it was."""
    X, y, person = [], [], []
    for number in people:
        style = rng.uniform(0.8, 1.5), rng.uniform(0.7, 1.3), rng.uniform(-0.5, 0.5)
        for gesture in GESTURES * 6:
            X.append(record(gesture, style, rng))
            y.append(gesture)
            person.append(number)
    return X, np.array(y), np.array(person)


rng = np.random.default_rng(0)
X, y, person = recordings(range(8), rng)
X_test, y_test, _ = recordings(range(8, 14), rng)
lengths = [len(x) for x in X]
print(f"{len(X)} recordings of {min(lengths)} to {max(lengths)} steps, 8 people")

figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, layout="constrained")
for axis, gesture in zip(axes, GESTURES, strict=True):
    x = X[np.flatnonzero(y == gesture)[0]]
    axis.plot(x, label=["x", "y", "z"])
    axis.set(title=gesture, xlabel="Step")
axes[0].set_ylabel("Acceleration")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

# %%
# Search with folds of people
# ---------------------------
# ``groups`` says who made each recording. With ``backend="threading"`` each processor fits one
# candidate at a time.

search = GridSearchCV(
    make_pipeline(SequenceScaler(), LSTMClassifier(16, random_state=0)),
    {
        "lstmclassifier__cell": ["forget", "coupled"],
        "lstmclassifier__bidirectional": [False, True],
    },
    cv=GroupKFold(3),
)
with parallel_config(backend="threading", n_jobs=-1):
    search.fit(X, y, groups=person)
for parameters, score in zip(
    search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
):
    print(f"{score:.3f}  {parameters}")

# %%
# Unknown people
# --------------
# For comparison, a linear model gets the mean and the standard deviation of each channel. They do
# not depend on the order of the steps, so this model cannot tell the two circles apart. Try such a
# model on your data: if it is as good, you do not need an LSTM.


def moments(X):
    return np.array([np.concatenate([x.mean(axis=0), x.std(axis=0)]) for x in X])


linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(moments(X), y)
accuracy = search.score(X_test, y_test)
print(f"accuracy on {len(X_test)} recordings of 6 unknown people: {accuracy:.3f}")
print(f"accuracy of the linear model: {linear.score(moments(X_test), y_test):.3f}")

display = ConfusionMatrixDisplay.from_predictions(
    y_test, search.predict(X_test), cmap="Blues", colorbar=False
)
display.ax_.set_title("Recordings of unknown people")
plt.show()

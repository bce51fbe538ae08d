"""Tell gestures apart that a motion sensor has recorded, each as long as it took.

Three made-up gestures, six channels (acceleration and rotation along x, y and z). Each repetition
is faster or slower, stronger or weaker, held at a tilt, and begins after a pause of its own. The
recordings of some people are for learning; those of others, whom the model has not seen, test it.
Runs in a few seconds: ``python examples/how_to/gestures.py``.
"""

import numpy as np
from joblib import parallel_config
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceScaler

GESTURES = ("circle", "circle back", "swing")


def record(gesture, style, rng):
    """One recording, (n_steps, 6); ``style`` is the pace, strength and tilt of a person."""
    pace, strength, tilt = style
    n_steps = int(rng.integers(25, 45) / pace)
    pause = int(rng.integers(0, 15))
    phase = np.linspace(0, 2 * np.pi, n_steps)
    turn = {"circle": 1, "circle back": -1, "swing": 0}[gesture]
    moved = np.zeros((pause + n_steps, 6))
    moved[pause:, 0] = np.cos(phase + tilt)
    moved[pause:, 1] = turn * np.sin(phase + tilt)
    moved[pause:, 5] = turn
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


def main():
    rng = np.random.default_rng(0)
    X, y, person = recordings(range(8), rng)
    X_test, y_test, _ = recordings(range(8, 14), rng)
    lengths = [len(x) for x in X]
    print(f"{len(X)} recordings of {min(lengths)} to {max(lengths)} steps, 8 people")

    # Folds are made of people, so that the search looks for what serves unknown ones.
    search = GridSearchCV(
        make_pipeline(SequenceScaler(), LSTMClassifier(16, random_state=0)),
        {
            "lstmclassifier__cell": ["forget", "coupled"],
            "lstmclassifier__bidirectional": [False, True],
        },
        cv=GroupKFold(3),
    )
    with parallel_config(backend="threading", n_jobs=-1):  # a fit on each processor
        search.fit(X, y, groups=person)
    for parameters, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"{score:.3f}  {parameters}")

    predicted = search.predict(X_test)
    accuracy = search.score(X_test, y_test)
    print(f"accuracy on {len(X_test)} recordings of 6 unknown people: {accuracy:.3f}")
    print(f"rows: true, columns: predicted, in the order {', '.join(search.classes_)}")
    print(confusion_matrix(y_test, predicted))


if __name__ == "__main__":
    main()

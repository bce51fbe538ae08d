"""
Event logs and symbols: predict the outcome of a case
=====================================================

This example is for people whose sequences are symbols: log events, clicks, codes, characters. It
turns a long table of events into sequences, predicts the outcome of each case, and follows the
prediction while the events of a new case arrive. The cases here are names from a census, and their
events are letters. The outcome is "given name" or "surname": such a model finds swapped columns in
a list of customers. The example compares the LSTM with a bag of events and a bag of n-grams.
"""

# %%
# From a log to sequences
# -----------------------
# A log has one row per event: its case and its symbol. ``groupby`` makes one list per case. The
# names are from the US Census Bureau (public domain; see ``examples/data/README.md``).
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

import sklstm
from sklstm import LSTMClassifier
from sklstm.preprocessing import SequenceEncoder

DATA = Path(__file__).parents[1] / "data" if "__file__" in globals() else Path("../data")
names = pd.read_csv(DATA / "names.csv", keep_default_na=False)
log = names.assign(event=names["name"].map(list)).explode("event")[["name", "event"]]
log = log.rename(columns={"name": "case"}).reset_index(drop=True)
print(log.head(7))

cases = log.groupby("case", sort=False)["event"].agg(list)
outcomes = names.set_index("name")["kind"][cases.index].to_numpy()
print(f"{len(log)} events of {log['event'].nunique()} kinds, {len(cases)} cases")

X, X_test, y, y_test = train_test_split(
    cases.to_list(), outcomes, test_size=2000, stratify=outcomes, random_state=0
)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=1500, stratify=y, random_state=0)

# %%
# Models
# ------
# :class:`~sklstm.preprocessing.SequenceEncoder` turns symbols into codes.
# ``categorical_features=[0]`` tells the LSTM that its only feature is a code. Without it, codes are
# read as numbers. A bag of events counts symbols and forgets their order. A bag of n-grams also
# counts runs of two to four symbols.


def lstm(**settings):
    network = LSTMClassifier(
        32, categorical_features=[0], dropout=0.3, max_iter=20, random_state=0, **settings
    )
    return make_pipeline(SequenceEncoder(), network)


def bag(longest):
    def runs(case):
        marked = ["<", *case, ">"]  # so that the first and the last events are known
        sizes = range(1, longest + 1)
        return ["".join(marked[k : k + n]) for n in sizes for k in range(len(marked) - n + 1)]

    return make_pipeline(CountVectorizer(analyzer=runs), LogisticRegression(max_iter=2000))


models = {
    "bag of events": bag(1),
    "bag of n-grams": bag(4),
    "LSTM": lstm(),
    "LSTM, both directions": lstm(bidirectional=True),
}
print("accuracy on validation cases")
for name, model in models.items():
    print(f"{name}: {model.fit(X_train, y_train).score(X_val, y_val):.3f}")

# %%
# The test
# --------
# Both LSTMs know the order of the events and are far better than the bag of events. The bag of
# n-grams is better still: use it for short cases whose outcome depends on short runs of events.
print("accuracy on test cases")
for name, model in models.items():
    print(f"{name}: {model.score(X_test, y_test):.3f}")

# %%
# Predict while a case is running
# -------------------------------
# An LSTM of one direction has a prediction after every event, at constant cost.
# :func:`sklstm.stream` takes the events of a new case one by one. These three names are not in the
# log.
model = models["LSTM"]
new_cases = ["annabella", "hendricksen", "marisella"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True, layout="constrained")
for ax, case in zip(axes, new_cases, strict=True):
    stream, probabilities = sklstm.stream(model), []
    for event in case:
        stream.step(event)
        probabilities.append(stream.predict_proba()[1])
    print(f"{case}: {model.classes_[1]} with probability {probabilities[-1]:.2f}")
    ax.plot(probabilities, "o-")
    ax.axhline(0.5, color="k", lw=0.8, ls="--")
    ax.set_xticks(range(len(case)), case)
    ax.set(title=case, xlabel="event", ylim=(-0.05, 1.05))
_ = axes[0].set_ylabel("probability of a surname")

# %%
# How many events does a good prediction take? With ``return_sequences=True`` the fitted model
# predicts after every event. This shows the accuracy after the first events of all test cases.
model[1].set_params(return_sequences=True)
predicted = model.predict(X_test)
model[1].set_params(return_sequences=False)
shares = [
    np.mean(
        [
            steps[min(k, len(steps)) - 1] == outcome
            for steps, outcome in zip(predicted, y_test, strict=True)
        ]
    )
    for k in range(1, 11)
]
print(f"accuracy after 1 event {shares[0]:.2f}, after 4 {shares[3]:.2f}, after 10 {shares[9]:.2f}")
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(range(1, 11), shares, "o-")
ax.set(xlabel="events so far (at most)", ylabel="accuracy on test cases", ylim=(0.45, 1))
plt.show()

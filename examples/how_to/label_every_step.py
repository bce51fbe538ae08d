"""
Labelling every step when classes are imbalanced
================================================

This example is for people who need a label at each step of a sequence: states of a machine, parts
of a text, phases of sleep. The steps here are the sounds of English words, and the label of a vowel
is its stress. Secondary stress is rare. The example scores each class by its recall, compares class
weights on validation words, and draws a confusion matrix for test words.
"""

# %%
# The data
# --------
# The CMU Pronouncing Dictionary spells words by their sounds. A vowel ends in its stress: 0 (none),
# 1 (primary) or 2 (secondary). The file has 3,500 words of at least three vowels (CMU, BSD licence;
# see ``examples/data/README.md``).
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, recall_score
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm.metrics import flatten_steps
from sklstm.preprocessing import SequenceEncoder

DATA = Path(__file__).parents[1] / "data" if "__file__" in globals() else Path("../data")
table = pd.read_csv(DATA / "word_stress.csv", keep_default_na=False)
spoken = [sounds.split() for sounds in table["sounds"]]
X = [[sound.rstrip("012") for sound in word] for word in spoken]
y = [np.array([sound[-1] if sound[-1] in "012" else "-" for sound in word]) for word in spoken]
print(f"{table['word'][3]}: {X[3]} -> {y[3].tolist()}")

# %%
# Steps without a label
# ---------------------
# Consonants have no stress. :class:`~sklstm.LSTMClassifier` ignores the label of a step whose
# weight is 0, so ``sample_weight`` has a 1 for each vowel and a 0 for each consonant.
weights = [(labels != "-").astype(float) for labels in y]
train, validation, test = slice(0, 2000), slice(2000, 2500), slice(2500, 3500)
stresses, counts = np.unique(np.concatenate(y[train]), return_counts=True)
for stress, count in zip(stresses[1:], counts[1:], strict=True):
    print(f"stress {stress}: {count / counts[1:].sum():.0%} of the vowels of training")

# %%
# Class weights
# -------------
# :class:`~sklstm.preprocessing.SequenceEncoder` turns sounds into codes. ``bidirectional=True``
# lets every step see the whole word. ``class_weight="balanced"`` gives all classes the same total
# weight. Accuracy hides what happens to the rare class, so compare the recall of each class and
# their mean, the balanced accuracy.


def lstm(class_weight):
    return make_pipeline(
        SequenceEncoder(),
        LSTMClassifier(
            24,
            return_sequences=True,
            bidirectional=True,
            categorical_features=[0],
            class_weight=class_weight,
            dropout=0.3,
            max_iter=15,
            random_state=0,
        ),
    )


def report(name, true, predicted):
    recalls = recall_score(true, predicted, average=None, labels=["0", "1", "2"])
    print(
        f"{name:21} accuracy {accuracy_score(true, predicted):.3f}, balanced {recalls.mean():.3f}, "
        f"recalls {recalls[0]:.2f} {recalls[1]:.2f} {recalls[2]:.2f}"
    )
    return recalls


fitted, recalls = {}, {}
for class_weight in (None, "balanced"):
    model = lstm(class_weight)
    model.fit(X[train], y[train], lstmclassifier__sample_weight=weights[train])
    # flatten_steps drops the steps of weight 0 and returns flat arrays for any metric.
    true, predicted, _ = flatten_steps(
        y[validation], model.predict(X[validation]), weights[validation]
    )
    name = f"LSTM, {class_weight}"
    fitted[name], recalls[name] = model, report(name, true, predicted)

# %%
# Balanced weights find more of the rare class, and the accuracy falls by a few points. How large
# the weight of a rare class should be depends on what a missed label costs: pass a dict to set it
# yourself. Class weights have little effect on a network that fits its training set perfectly, so
# train it briefly.
fig, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for k, (name, values) in enumerate(recalls.items()):
    bars = ax.bar(np.arange(3) + 0.4 * k, values, width=0.38, label=f"class_weight: {name[6:]}")
    ax.bar_label(bars, fmt="%.2f")
ax.set_xticks(np.arange(3) + 0.2, ["no stress", "primary stress", "secondary stress"])
ax.set(ylabel="recall", ylim=(0, 1.25), title="Validation words")
_ = ax.legend(ncols=2, loc="upper center")

# %%
# The test
# --------
# The model is chosen by balanced accuracy on the validation words. The baseline is a logistic
# regression on the sounds around each vowel and its position in the word.


def surroundings(word, k):
    around = {f"sound {d:+}": word[k + d] for d in range(-4, 5) if 0 <= k + d < len(word)}
    return around | {"from start": str(k), "from end": str(len(word) - k)}


def vowels(part):
    return [
        surroundings(word, k)
        for word, labels in zip(X[part], y[part], strict=True)
        for k in np.flatnonzero(labels != "-")
    ]


labels = np.concatenate(y[train])
baseline = make_pipeline(
    DictVectorizer(), LogisticRegression(max_iter=1000, class_weight="balanced")
).fit(vowels(train), labels[labels != "-"])

best = max(recalls, key=lambda name: recalls[name].mean())
true, predicted, _ = flatten_steps(y[test], fitted[best].predict(X[test]), weights[test])
report("logistic regression", true, baseline.predict(vowels(test)))
report(best, true, predicted)

fig, ax = plt.subplots(figsize=(6.4, 4.8), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    *(true, predicted),
    normalize="true",
    display_labels=["none", "primary", "secondary"],
    values_format=".2f",
    cmap="Blues",
    ax=ax,
)
ax.set(title="Stress of vowels, test words", xlabel="predicted", ylabel="true")
plt.show()
# sphinx_gallery_thumbnail_number = 2

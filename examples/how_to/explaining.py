"""
Explain predictions: which numbers decide, and when
===================================================

This example is for people who have to explain what a model has learned. An LSTM tells nine speakers
apart by two vowels, from 12 coefficients of the sound at each step.
:func:`~sklstm.inspection.permutation_importance` ranks the coefficients for all predictions, and
:func:`~sklstm.inspection.attributions` says how much each number of one utterance has added to the
output. The example then checks both: it removes the numbers that are called important and counts
how many predictions stay.
"""

# %%
# The model
# ---------
# The data come with sklstm. The scaler matters for the check below: after it, 0 is the mean of the
# training set.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels
from sklstm.inspection import AttributionDisplay, attributions, permutation_importance
from sklstm.preprocessing import SequenceScaler

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
model = make_pipeline(SequenceScaler(), LSTMClassifier(random_state=0)).fit(X, y)
print(f"Accuracy on the test set: {model.score(X_test, y_test):.3f}")

# %%
# All predictions: permutation importance
# ---------------------------------------
# The importance of a coefficient is the loss of accuracy when it takes the values of other
# utterances. Use data that the model was not trained on.

importance = permutation_importance(model, X_test, y_test, n_repeats=5, random_state=0)
order = np.argsort(importance.importances_mean)
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
mean, spread = importance.importances_mean[order], importance.importances_std[order]
axis.barh([str(coefficient) for coefficient in order], mean, xerr=spread, color="C0")
axis.set(xlabel="Loss of accuracy", ylabel="Coefficient", title="Permutation importance")
print(f"Most important coefficient: {order[-1]}, least important: {order[0]}")

# %%
# One prediction: attributions
# ----------------------------
# Red numbers have added to the output of the predicted speaker, blue ones have taken away from it.

scaled, lstm = model[:-1].transform(X_test), model[-1]
predicted = lstm.predict(scaled)
display = AttributionDisplay.from_estimator(lstm, scaled[0])
display.axes_[0].set_title(f"An utterance of speaker {predicted[0] + 1}")

# %%
# Are attributions right?
# -----------------------
# Remove a share of the numbers of each utterance by setting them to 0, the mean. If attributions
# are right, the predictions change most when the numbers with the largest attributions are removed,
# less for numbers drawn at random, and least for the numbers with the smallest attributions.


def without(x, order, share):
    """A sequence whose last numbers in this order are 0."""
    x = x.copy()
    x.flat[order[-max(1, round(share * x.size)) :]] = 0
    return x


parts = attributions(lstm, scaled)
rng = np.random.default_rng(0)
orders = {
    "most important": [np.argsort(part, axis=None) for part in parts],
    "drawn at random": [rng.permutation(part.size) for part in parts],
    "least important": [np.argsort(-np.abs(part), axis=None) for part in parts],
}
shares = (0.05, 0.1, 0.2)
stay = {
    name: [
        np.mean(
            lstm.predict([without(x, o, share) for x, o in zip(scaled, order, strict=True)])
            == predicted
        )
        for share in shares
    ]
    for name, order in orders.items()
}
print("Share of the predictions that stay when numbers are removed:")
for name, values in stay.items():
    print(f"  {name:16}" + "".join(f"{v:8.2f}" for v in values))

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for name, values in stay.items():
    axis.plot([0, *shares], [1, *values], marker="o", label=name)
axis.set(xlabel="Share of the numbers removed", ylabel="Predictions that stay", ylim=(0, 1.05))
axis.legend(title="Removed numbers", loc="lower left")
plt.show()

"""
Embedded Reber grammar: what gates and cells do
===============================================

This example is for people who want to look inside a small LSTM. It repeats experiment 1 of the 1997
paper with the paper's cell: the network reads the strings of a grammar and predicts the next
symbol. Most predictions depend on the last few symbols only. One does not: the last symbol but one
is the same as the second one, so the network must remember it over the rest of the string. The
example trains the network, checks it on strings that it has not seen, and draws its states and
gates.
"""

# %%
# The strings
# -----------
# A string is B, then T or P, then a string of Reber's grammar, then the same T or P again, then E.
# The first 256 strings are for training, and 256 others are for the test.

import matplotlib.pyplot as plt
import numpy as np

from sklstm import LSTMClassifier
from sklstm.datasets import make_embedded_reber, reber_successors
from sklstm.inspection import StateDisplay, hidden_states

SYMBOLS = "BTSXPVE"
X, y = make_embedded_reber(512, distinct=True, random_state=0)
X, y, X_test, y_test = X[:256], y[:256], X[256:], y[256:]


def text(x):
    return "".join(SYMBOLS[step.argmax()] for step in x)


for x, following in zip(X_test[:3], y_test, strict=False):
    print(text(x) + SYMBOLS[following[-1]])

# %%
# Train and test
# --------------
# The network has eight memory blocks of the 1997 cell, which has no forget gate. As in the paper,
# the output gates start with a negative bias, so that a cell has little effect until it is needed.
# The target is the next symbol at every step. The paper's measure of success is strict: at every
# step of a string, the symbols that the grammar allows must have the highest outputs.

model = LSTMClassifier(
    8,
    cell="1997",
    gradient="truncated",
    return_sequences=True,
    gate_bias={"output": -1},
    batch_size=8,
    learning_rate_init=0.01,
    max_iter=150,
    random_state=0,
).fit(X, y)


def right_steps(outputs, allowed):
    """True at steps where all allowed symbols are ahead of all others."""
    lowest_allowed = np.where(allowed, outputs, np.inf).min(axis=1)
    highest_other = np.where(allowed, -np.inf, outputs).max(axis=1)
    return lowest_allowed > highest_other


probabilities = model.predict_proba(X_test)
right = [*map(right_steps, probabilities, reber_successors(X_test))]
print(f"Test strings that are right at every step: {np.mean([r.all() for r in right]):.3f}")
print(f"Test strings whose last symbol but one is right: {np.mean([r[-2] for r in right]):.3f}")

# %%
# A network that has forgotten the second symbol would guess the last but one, and be right for
# about half of the strings or less.
#
# Look at one pair of strings
# ---------------------------
# :class:`~sklstm.inspection.StateDisplay` draws the input, the gates, the cell states and the
# outputs. The string is the longest test string of at most 20 symbols.

long_enough = max((x for x in X_test if len(x) < 20), key=len)
display = StateDisplay.from_estimator(model, long_enough, feature_names=[*SYMBOLS])
display.axes_[-1].set_xticks(range(len(long_enough)), text(long_enough))
display.axes_[-1].set_xlabel("Symbol read")
display.figure_.suptitle("Eight memory blocks while they read a string")

# %%
# To see which cell remembers, read the same string twice, once with T and once with P in the second
# place. Everything after that symbol is equal, so a difference of the states is memory.

other = long_enough.copy()
other[1] = np.eye(7)[SYMBOLS.index("P" if text(long_enough)[1] == "T" else "T")]
states = [hidden_states(model, x[:-1]).state for x in (long_enough, other)]
difference = np.abs(states[0] - states[1])
memory = difference[-1].argmax()
share = difference[-1, memory] / difference[-1].sum()
print(f"Cell {memory} holds {share:.0%} of the difference before the last symbol but one")

figure, (top, bottom) = plt.subplots(
    2, figsize=(7, 5), sharex=True, layout="constrained", height_ratios=(1, 1.3)
)
for state, x in zip(states, (long_enough, other), strict=True):
    top.plot(state[:, memory], marker="o", label=f"second symbol {text(x)[1]}")
top.set_ylabel(f"State of cell {memory}")
top.legend(loc="upper left")
image = bottom.imshow(difference.T, aspect="auto", cmap="Blues", interpolation="nearest")
bottom.set_yticks(range(8))
bottom.set_ylabel("Cell")
letters = [*text(long_enough[:-1])]
letters[1] = "T/P"
bottom.set_xticks(range(len(letters)), letters)
bottom.set_xlabel("Symbol read")
figure.colorbar(image, ax=bottom, label="Difference of states")
figure.suptitle("The second symbol is still in the states at the end")
plt.show()

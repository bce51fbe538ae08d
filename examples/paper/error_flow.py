"""
The constant error carousel
===========================

This example is for people who want to see why an LSTM learns long time lags and a plain recurrent
network does not. It follows an error back through time, as sections 3 and 4 of the 1997 paper do.
In a plain recurrent network the error shrinks or grows by a factor at every step. In a memory cell
it keeps its size. The example draws both, and then shows what the full gradient and a forget gate
change.
"""

# %%
# A plain recurrent network
# -------------------------
# An error of 1 arrives at a unit at the last step. :func:`~sklstm.inspection.plain_error_flow`
# returns its size up to 100 steps earlier. Large weights do not help: they saturate the logistic
# units, and their slopes become small.

import matplotlib.pyplot as plt
import numpy as np

from sklstm import LSTMRegressor
from sklstm.inspection import error_flow, plain_error_flow

LAG, UNITS = 100, 8
rng = np.random.default_rng(0)
X = rng.normal(size=(20, LAG + 1, 2))  # 20 sequences of random inputs


def median_flow(sizes):
    """Median over sequences and units, for each lag."""
    return np.median(sizes, axis=(0, 2))


plain = {}
for norm in (1, 3, 9):
    weights = (
        norm * np.linalg.qr(rng.normal(size=(UNITS, UNITS)))[0]
    )  # all singular values are equal
    drive = X @ rng.normal(size=(2, UNITS))
    plain[f"logistic, norm of weights {norm}"] = median_flow(plain_error_flow(weights, drive).unit)
for norm in (1, 1.5):
    weights = norm * np.linalg.qr(rng.normal(size=(UNITS, UNITS)))[0]
    flow = plain_error_flow(weights, 0.05 * drive, activation="tanh")
    plain[f"tanh, norm of weights {norm}"] = median_flow(flow.unit)
for label, sizes in plain.items():
    print(f"{label:28}: {sizes[10]:.0e} after 10 steps, {sizes[LAG]:.0e} after {LAG}")

# %%
# The memory cell of 1997
# -----------------------
# :func:`~sklstm.inspection.error_flow` does the same for an LSTM, here before any training. With
# the truncated gradient an error that has entered a cell state stays there. Its size does not
# depend on the lag. The input gates start almost closed, as in the paper, because states that drift
# away let little error in. With the full gradient errors also take the ways through the recurrent
# weights, so their size depends on the lag.

cells = {}
for cell, gradient in (
    ("1997", "truncated"),
    ("1997", "full"),
    ("forget", "truncated"),
):
    gate_bias = {"input": -3} if cell == "1997" else "auto"
    model = LSTMRegressor(
        UNITS, cell=cell, gradient=gradient, gate_bias=gate_bias, random_state=0
    ).initialize(2)
    cells[f"{cell}, {gradient}"] = median_flow(error_flow(model, X).state)
for label, sizes in cells.items():
    print(f"{label:28}: {sizes[1]:.2e} after 1 step, {sizes[LAG]:.2e} after {LAG}")

# %%
# Both in one picture
# -------------------
# The scale is logarithmic, so a straight line that falls is an error that vanishes exponentially.

figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True, layout="constrained")
for axis, curves, title in (
    (axes[0], plain, "Plain recurrent network"),
    (axes[1], cells, "LSTM, error at the cell states"),
):
    for label, sizes in curves.items():
        style = "--" if "full" in label else "-"
        axis.semilogy(np.maximum(sizes, 1e-30), style, linewidth=2, label=label)
    axis.set(title=title, xlabel="Steps back in time", ylim=(1e-12, 1e9))
    axis.legend(loc="upper left")
axes[0].set_ylabel("Size of the error")

# %%
# A forget gate is a choice
# -------------------------
# The error in a cell with a forget gate is multiplied by the activation of the gate at every step.
# A large initial bias, ``gate_bias={"forget": 5}``, keeps the gate almost open and the error almost
# constant. Use it if you know that lags are long. With ``gate_bias="auto"``, ``fit`` starts three
# quarters of the forget gates at a bias of 1 and the others on time scales up to the length of the
# sequences.

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for label, gate_bias in (
    ("bias 0", {"forget": 0.0}),
    ("bias 1", {"forget": 1.0}),
    ("bias 3", {"forget": 3.0}),
    ("bias 5", {"forget": 5.0}),
):
    model = LSTMRegressor(
        UNITS, cell="forget", gradient="truncated", gate_bias=gate_bias, random_state=0
    ).initialize(2)
    sizes = median_flow(error_flow(model, X).state)
    kept = sizes[LAG] / sizes[0]
    print(f"forget gate, {label}: {kept:.1e} of the error is left after {LAG} steps")
    axis.semilogy(sizes / sizes[0], linewidth=2, label=label)
axis.set(xlabel="Steps back in time", ylabel="Share of the error that is left", ylim=(1e-12, 10))
axis.legend(title="Forget gate", loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

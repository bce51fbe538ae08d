"""
Learn from a stream, and follow it when it changes
==================================================

This example is for people whose data never end and whose process changes. A machine turns control
signals into a load, with a delay and some inertia, and halfway through the stream it starts to
behave differently. The stream is synthetic and arrives in pieces of 100 steps. For each piece the
model first predicts the load at every step, and then learns from it with ``partial_fit``. So every
error is measured before the model has seen the load. A copy that stops learning before the change
shows the difference.
"""

# %%
# The stream
# ----------
# Eight machines of one kind run at the same time. After the change the delay is longer and the
# inertia is smaller.

from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np

from sklstm import LSTMRegressor

STEPS, PIECES, CHANGE, MACHINES = 100, 300, 150, 8


def pieces(rng):
    """Control signals and load, (8, 100, 2) and (8, 100) at a time."""
    for number in range(PIECES):
        delay, inertia = (2, 0.8) if number < CHANGE else (4, 0.6)
        switched = rng.random((MACHINES, STEPS, 2)) < 0.1
        signal = np.cumsum(switched, axis=1) % 2 - 0.5  # on or off
        load = np.zeros((MACHINES, STEPS))
        for t in range(delay, STEPS):
            drive = signal[:, t - delay, 0] - 0.5 * signal[:, t - delay, 1]
            load[:, t] = inertia * load[:, t - 1] + (1 - inertia) * drive
        yield signal, load + rng.normal(scale=0.01, size=load.shape)


# %%
# Predict first, then learn
# -------------------------
# ``initialize`` makes the parameters before any data are there, so that the first piece can be
# predicted as well. Memory use does not grow with the length of the stream.

model = LSTMRegressor(
    24, return_sequences=True, gradient="full", learning_rate_init=0.01, random_state=0
).initialize(n_features=2)
frozen = None
errors = []
for number, (signal, load) in enumerate(pieces(np.random.default_rng(0))):
    if number == CHANGE:
        frozen = deepcopy(model)
    candidates = (model, frozen or model)
    errors.append([np.sqrt(np.mean((m.predict(signal) - load) ** 2)) for m in candidates])
    if number == PIECES - 1:
        forecasts = [m.predict(signal)[0] for m in candidates]
        observed = load[0]
    model.partial_fit(signal, load)
    if (number + 1) % 50 == 0:
        learning, stopped = np.mean(errors[-25:], axis=0)
        print(
            f"piece {number + 1:3d}: error {learning:.3f}"
            + (f", without further learning {stopped:.3f}" if frozen else "")
        )
print(f"steps seen by each of {MACHINES} machines: {STEPS * PIECES}")

# %%
# Errors over time
# ----------------
# Both errors jump at the change. The model that keeps learning recovers, the copy does not.

errors = np.array(errors)
figure, axis = plt.subplots(figsize=(8, 3.8), layout="constrained")
axis.semilogy(errors[:, 0], label="learns")
axis.semilogy(range(CHANGE, PIECES), errors[CHANGE:, 1], label="copy without further learning")
axis.axvline(CHANGE, color="gray", linestyle="--", label="change")
axis.set(xlabel="Piece of the stream", ylabel="Error (RMSE)")
axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.15), ncols=3)

# %%
# The last piece of one machine
# -----------------------------

figure, axis = plt.subplots(figsize=(8, 3.8), layout="constrained")
axis.plot(observed, "k.", markersize=4, label="observed")
axis.plot(forecasts[0], label="learns")
axis.plot(forecasts[1], label="copy without further learning")
axis.set(xlabel="Step", ylabel="Load")
axis.legend(loc="upper center", bbox_to_anchor=(0.5, 1.15), ncols=3)
plt.show()

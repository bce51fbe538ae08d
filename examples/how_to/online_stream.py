"""Learn from a stream while it comes in, and follow it when it changes.

A machine turns control signals into a load, with a delay and some inertia, and halfway through
the stream it starts to behave differently. The stream arrives in pieces of 100 steps. Of each
piece the model first predicts the load at every step, and only then learns from it with
``partial_fit``: every error is that of a prediction. Beside it runs a copy that stops learning
before the change.
Runs in a few seconds: ``python examples/how_to/online_stream.py``.
"""

from copy import deepcopy

import numpy as np

from sklstm import LSTMRegressor

STEPS, PIECES, CHANGE, MACHINES = 100, 300, 150, 8


def pieces(rng):
    """Control signals and load of some machines of one kind: (8, 100, 2) and (8, 100) at a time."""
    for number in range(PIECES):
        delay, inertia = (2, 0.8) if number < CHANGE else (4, 0.6)
        switched = rng.random((MACHINES, STEPS, 2)) < 0.1
        signal = np.cumsum(switched, axis=1) % 2 - 0.5  # on or off
        load = np.zeros((MACHINES, STEPS))
        for t in range(delay, STEPS):
            drive = signal[:, t - delay, 0] - 0.5 * signal[:, t - delay, 1]
            load[:, t] = inertia * load[:, t - 1] + (1 - inertia) * drive
        yield signal, load + rng.normal(scale=0.01, size=load.shape)


def main():
    rng = np.random.default_rng(0)
    model = LSTMRegressor(
        24, return_sequences=True, gradient="full", learning_rate_init=0.01, random_state=0
    ).initialize(n_features=2)
    frozen = None
    errors = []
    for number, (signal, load) in enumerate(pieces(rng)):
        if number == CHANGE:
            frozen = deepcopy(model)
        candidates = (model, frozen or model)
        errors.append([np.sqrt(np.mean((m.predict(signal) - load) ** 2)) for m in candidates])
        model.partial_fit(signal, load)
        if (number + 1) % 50 == 0:
            learning, stopped = np.mean(errors[-25:], axis=0)
            print(
                f"piece {number + 1:3d}: error {learning:.3f}"
                + (f", without further learning {stopped:.3f}" if frozen else "")
            )
    print(f"steps seen by each of {MACHINES} machines: {STEPS * PIECES}")


if __name__ == "__main__":
    main()

"""Train one model on all ranks of MPI.

    mpiexec -n 2 python -m mpi4py examples/beyond/train_mpi.py

The sequences are cut into PARTS, and each rank holds some of the parts. The trained model is the
same on every rank, bit for bit, and with any number of ranks.
"""

import numpy as np
from mpi4py import MPI

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels

PARTS = 4  # at least as many as there are ranks
EPOCHS, BATCHES = 20, 6  # each batch takes some sequences of every part


def load(part):
    """Sequences and labels of one part. Replace it: read a file of your own."""
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    return X[part::PARTS], y[part::PARTS]


def in_batch(part, n, epoch, batch):
    """Which of the n sequences of a part are in a batch. Each epoch shuffles anew."""
    order = np.random.default_rng([epoch, part]).permutation(n)
    return np.array_split(order, BATCHES)[batch]


ranks = MPI.COMM_WORLD
mine = {part: load(part) for part in range(ranks.rank, PARTS, ranks.size)}
model = LSTMClassifier(16, learning_rate_init=0.01, random_state=0)
model.initialize(n_features=12, classes=range(9), expected_length=16)

for epoch in range(EPOCHS):
    for batch in range(BATCHES):
        found = {}
        for part, (X, y) in mine.items():
            rows = in_batch(part, len(y), epoch, batch)
            found[part] = model.compute_gradient([X[row] for row in rows], y[rows])
        found = {part: sums for rank in ranks.allgather(found) for part, sums in rank.items()}
        in_order = [found[part] for part in range(PARTS)]
        loss, weight, gradient = (sum(values) for values in zip(*in_order, strict=True))
        model.apply_gradient(gradient, weight)
    if ranks.rank == 0:
        print(f"epoch {epoch + 1}: loss of the last batch {loss / weight:.3f}")

if ranks.rank == 0:
    accuracy = model.score(*load_japanese_vowels(split="test", return_X_y=True))
    print(f"{ranks.size} rank(s): test accuracy {accuracy:.3f}")

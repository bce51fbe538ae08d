"""Train one model on workers of Ray.

    python examples/beyond/train_ray.py 2

The number is that of the workers. The sequences are cut into PARTS, and each worker holds some of
the parts. The trained model is the same with any number of workers, bit for bit.
"""

import sys

import numpy as np
import ray

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels

PARTS = 4  # at least as many as there are workers
EPOCHS, BATCHES = 20, 6  # each batch takes some sequences of every part


def load(part):
    """Sequences and labels of one part. Replace it: read a file of your own."""
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    return X[part::PARTS], y[part::PARTS]


@ray.remote(num_cpus=1)
class Worker:
    """Holds some parts, and computes gradients of the model that it receives."""

    def __init__(self, parts):
        self.parts = {part: load(part) for part in parts}

    def gradient(self, model, part, epoch, batch):
        X, y = self.parts[part]
        order = np.random.default_rng([epoch, part]).permutation(len(y))  # shuffles each epoch
        rows = np.array_split(order, BATCHES)[batch]
        return model.compute_gradient([X[row] for row in rows], y[rows])


ray.init(ignore_reinit_error=True)  # joins the cluster of RAY_ADDRESS, or starts one here
n_workers = int(sys.argv[1])
workers = [Worker.remote(range(first, PARTS, n_workers)) for first in range(n_workers)]
model = LSTMClassifier(16, learning_rate_init=0.01, random_state=0)
model.initialize(n_features=12, classes=range(9), expected_length=16)

for epoch in range(EPOCHS):
    for batch in range(BATCHES):
        sent = ray.put(model)  # once for all workers
        tasks = [
            workers[part % n_workers].gradient.remote(sent, part, epoch, batch)
            for part in range(PARTS)
        ]
        in_order = ray.get(tasks)
        loss, weight, gradient = (sum(values) for values in zip(*in_order, strict=True))
        model.apply_gradient(gradient, weight)
    print(f"epoch {epoch + 1}: loss of the last batch {loss / weight:.3f}")

accuracy = model.score(*load_japanese_vowels(split="test", return_X_y=True))
print(f"{n_workers} worker(s): test accuracy {accuracy:.3f}")

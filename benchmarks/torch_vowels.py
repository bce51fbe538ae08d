"""The Japanese vowels with PyTorch: what `real`, reference settings and full gradient, is held to.

One LSTM layer of 64 units with PyTorch's own initial weights, a linear layer on its last output,
Adam at 0.005, 100 epochs, batches of 32, the gradient clipped at 1, standardised inputs.
"""

from __future__ import annotations

from argparse import ArgumentParser

import numpy as np

from benchmarks.datasets import load, standardised
from benchmarks.report import machine

UNITS, EPOCHS, BATCH, RATE, CLIP = 64, 100, 32, 5e-3, 1.0


def main(argv: list[str]) -> None:
    parser = ArgumentParser(prog="python -m benchmarks torch_vowels", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="fits (default: 10)")
    arguments = parser.parse_args(argv)
    import torch

    torch.set_num_threads(1)
    print(f"{machine()}, torch {torch.__version__}\n")
    scores = []
    for seed in range(arguments.seeds):
        scores.append(accuracy(seed))
        print(f"seed {seed}: {scores[-1]:.4f}", flush=True)
    std = np.std(scores, ddof=1) if len(scores) > 1 else 0.0
    print(f"mean {np.mean(scores):.4f}, std {std:.4f}, {min(scores):.3f} to {max(scores):.3f}")


def accuracy(seed: int) -> float:
    """Accuracy on the test set after a fit."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_sequence

    data = standardised(load("vowels"))
    X, X_test = (
        [torch.tensor(x, dtype=torch.float32) for x in part] for part in (data.X, data.X_test)
    )
    y = torch.tensor(data.y)
    torch.manual_seed(seed)
    lstm, output = nn.LSTM(X[0].shape[1], UNITS), nn.Linear(UNITS, int(y.max()) + 1)
    parameters = [*lstm.parameters(), *output.parameters()]
    adam = torch.optim.Adam(parameters, RATE)

    def logits(sequences: list[torch.Tensor]) -> torch.Tensor:
        _, (last, _) = lstm(pack_sequence(sequences, enforce_sorted=False))
        return output(last[-1])

    for _ in range(EPOCHS):
        for rows in torch.randperm(len(X)).split(BATCH):
            adam.zero_grad()
            nn.functional.cross_entropy(logits([X[k] for k in rows]), y[rows]).backward()
            nn.utils.clip_grad_norm_(parameters, CLIP)
            adam.step()
    with torch.no_grad():
        return float((logits(X_test).argmax(1).numpy() == data.y_test).mean())

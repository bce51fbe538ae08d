"""The plain recipe of a PyTorch LSTM, as tutorials have it.

One layer of 64 units with PyTorch's own initial weights and a linear layer on the last output (or
on every one), Adam at 0.005, 100 epochs, batches of 32, the gradient clipped at 1, standardised
inputs and numbers to predict; sequences are packed, so that nothing is computed on padding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.tasks.dataset import Dataset, standardised

UNITS, EPOCHS, BATCH, RATE, CLIP = 64, 100, 32, 5e-3, 1.0


def fit(data: Dataset, seed: int) -> Callable[[], Any]:
    import torch
    from torch import nn
    from torch.nn.utils.rnn import PackedSequence, pack_sequence, unpack_sequence

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    scaled = standardised(data)
    y = scaled.y if data.per_step else scaled.y[:, None]
    classes = np.unique(np.concatenate(y)) if data.task == "classification" else None
    if classes is not None:
        n_outputs, loss_of = len(classes), nn.functional.cross_entropy
        targets = [torch.tensor(np.searchsorted(classes, labels)) for labels in y]
    else:
        n_outputs, loss_of = y[0].shape[-1], nn.functional.mse_loss
        targets = [torch.tensor(t.reshape(-1, n_outputs), dtype=torch.float32) for t in y]
    X, X_test = ([torch.tensor(x) for x in part] for part in (scaled.X, scaled.X_test))
    lstm, output = nn.LSTM(X[0].shape[1], UNITS), nn.Linear(UNITS, n_outputs)
    parameters = [*lstm.parameters(), *output.parameters()]
    adam = torch.optim.Adam(parameters, RATE)

    def outputs(sequences: list[torch.Tensor]) -> list[torch.Tensor]:
        """For each sequence one row, or one per step."""
        packed = pack_sequence(sequences, enforce_sorted=False)
        every, (last, _) = lstm(packed)
        if not data.per_step:
            return list(output(last[-1])[:, None])
        return unpack_sequence(PackedSequence(output(every.data), *packed[1:]))

    for _ in range(EPOCHS):
        for batch in torch.randperm(len(X)).split(BATCH):
            adam.zero_grad()
            rows = torch.cat(outputs([X[k] for k in batch]))
            loss_of(rows, torch.cat([targets[k] for k in batch])).backward()
            nn.utils.clip_grad_norm_(parameters, CLIP)
            adam.step()

    def predict() -> Any:
        with torch.no_grad():
            raw = [rows.numpy() for rows in outputs(X_test)]
        if classes is not None:
            predicted = [classes[rows.argmax(axis=1)] for rows in raw]
        else:
            known = np.concatenate(data.y) if data.per_step else data.y
            predicted = [rows * known.std(axis=0) + known.mean(axis=0) for rows in raw]
        return predicted if data.per_step else np.concatenate(predicted)

    return predict

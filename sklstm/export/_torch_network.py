"""The PyTorch module that ``to_torch`` returns. Importing it needs PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklstm._base import BaseLSTM
from sklstm.export._model import has_quantiles
from sklstm.export._weights import Weights

LINKS = {
    "identity": lambda z: z,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "exp": torch.exp,
}


class Network(nn.Module):
    """An LSTM, a pooling of its outputs, and a linear output layer.

    Parameters
    ----------
    sizes : list of (int, int)
        Numbers of features and of cells per direction of each layer.
    n_outputs : int
        Number of raw outputs.
    settings : dict
        ``bidirectional``, ``pooling``, ``return_sequences``, ``link`` and ``n_quantiles`` (0 for a
        single quantile).
    """

    def __init__(self, sizes: list[tuple[int, int]], n_outputs: int, settings: dict[str, Any]):
        super().__init__()
        self.settings = settings
        both = settings["bidirectional"]
        if len({H for _, H in sizes}) == 1:
            self.lstm = nn.LSTM(
                *sizes[0], num_layers=len(sizes), batch_first=True, bidirectional=both
            )
        else:
            self.lstm = nn.ModuleList(
                nn.LSTM(F, H, batch_first=True, bidirectional=both) for F, H in sizes
            )
        self.linear = nn.Linear(sizes[-1][1] * (2 if both else 1), n_outputs)
        if settings["n_quantiles"]:
            n_targets = n_outputs // settings["n_quantiles"]
            self.register_buffer("y_scale", torch.ones(n_targets, 1))
            self.register_buffer("y_mean", torch.zeros(n_targets, 1))

    def forward(self, x: Tensor, lengths: Any = None) -> Tensor:
        """Outputs of sequences (n, T, F). ``lengths`` (n,) are their steps if some are shorter."""
        settings = self.settings
        n_steps = x.shape[1]
        there = None
        if lengths is not None:
            lengths = torch.as_tensor(lengths).cpu()
            there = torch.arange(n_steps)[None] < lengths[:, None]
            there = there.to(x.device)[:, :, None]
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        for lstm in self.lstm if isinstance(self.lstm, nn.ModuleList) else [self.lstm]:
            x, (last, _) = lstm(x)
        if lengths is not None:
            x, _ = pad_packed_sequence(x, batch_first=True, total_length=n_steps)
        if settings["return_sequences"]:
            read = x
        elif settings["pooling"] == "max":
            read = (x if there is None else x.masked_fill(~there, -torch.inf)).amax(dim=1)
        elif settings["pooling"] == "mean":
            count = n_steps if there is None else there.sum(dim=1)
            read = (x if there is None else x * there).sum(dim=1) / count
        else:  # the last hidden state of each direction
            read = torch.cat([*last[-2 if settings["bidirectional"] else -1 :]], dim=1)
        return self._values(self.linear(read))

    def _values(self, raw: Tensor) -> Tensor:
        n_quantiles, link = self.settings["n_quantiles"], LINKS[self.settings["link"]]
        if not n_quantiles:
            values = link(raw)
            return values[..., 0] if values.shape[-1] == 1 else values
        raw = raw.unflatten(-1, (-1, n_quantiles))
        middle, apart = n_quantiles // 2, nn.functional.softplus(raw)
        centre = raw[..., middle : middle + 1]
        above = centre + apart[..., middle + 1 :].cumsum(-1)
        below = centre - apart[..., :middle].flip(-1).cumsum(-1).flip(-1)
        values = link(torch.cat([below, centre, above], dim=-1)) * self.y_scale + self.y_mean
        return values[..., 0, :] if values.shape[-2] == 1 else values


def network_of(estimator: BaseLSTM, weights: Weights) -> Network:
    """A module with these weights, in the precision of the parameters."""
    first, both = weights.layers[0][0], len(weights.layers[0]) == 2
    cells = [layer[0].n_cells for layer in weights.layers]
    widths = [first.input.shape[1], *(n * (2 if both else 1) for n in cells[:-1])]
    loss, quantile = getattr(estimator, "_goal", ("log_loss", None))
    link = "exp" if loss == "poisson" else estimator.out_activation_
    settings = {
        "bidirectional": both,
        "pooling": estimator._shape.get("pooling", "last"),
        "return_sequences": bool(estimator.return_sequences),
        "link": "identity" if loss == "log_loss" else link,
        "n_quantiles": len(quantile) if has_quantiles(estimator) else 0,
    }
    network = Network(list(zip(widths, cells, strict=True)), len(weights.output_weights), settings)
    dtype = getattr(torch, np.dtype(estimator.parameters_.dtype.newbyteorder("=")).name)
    network = network.to(dtype)
    several = isinstance(network.lstm, nn.ModuleList)
    with torch.no_grad():
        for k, layer in enumerate(weights.layers):
            lstm, level = (network.lstm[k], 0) if several else (network.lstm, k)
            for part, end in zip(layer, ("", "_reverse"), strict=False):
                for name, values in (
                    ("weight_ih", part.input),
                    ("weight_hh", part.recurrent),
                    ("bias_ih", part.bias),
                    ("bias_hh", np.zeros(len(part.input))),
                ):
                    getattr(lstm, f"{name}_l{level}{end}").copy_(_tensor(values))
        network.linear.weight.copy_(_tensor(weights.output_weights))
        network.linear.bias.copy_(_tensor(weights.output_bias))
        if settings["n_quantiles"]:
            network.y_scale.copy_(_tensor(estimator.y_scale_[:, np.newaxis]))
            network.y_mean.copy_(_tensor(estimator.y_mean_[:, np.newaxis]))
    return network.eval()


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64, order="C"))

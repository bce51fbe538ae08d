"""PyTorch's LSTM in float64: outputs, gradients, and ten steps of learning.

The full gradient is autograd's through ``nn.LSTM``; the truncated one is autograd's through the
same layer written out, its output detached where it is fed back.
"""

import copy

import numpy as np
import torch
from golden_file import FOLDER, RAGGED, draw_sequences, save, shape
from torch import nn


class Network(nn.Module):
    """``nn.LSTM`` and a linear output layer, double precision, one bias per unit."""

    def __init__(self, topology):
        super().__init__()
        self.topology = topology
        self.layers = nn.ModuleList()
        n_features = topology.n_features
        for hidden in topology.hidden_layer_sizes:
            layer = nn.LSTM(n_features, hidden, bidirectional=topology.bidirectional)
            self.layers.append(layer)
            n_features = hidden * topology.n_directions
        self.out = nn.Linear(n_features, topology.n_outputs)
        self.double()
        for name, parameter in self.named_parameters():
            if "bias_hh" in name:  # PyTorch has two biases, the network one: their sum
                nn.init.zeros_(parameter)
                parameter.requires_grad_(False)
            else:
                nn.init.uniform_(parameter, -0.9, 0.9)

    def flat(self, read):
        """The flat vector of what ``read`` takes from each parameter."""
        topology = self.topology
        vector = np.full(topology.n_total, np.nan)
        directions = ["", "_reverse"][: topology.n_directions]
        sources = [(layer, end) for layer in self.layers for end in directions]
        for views, (layer, end) in zip(topology.layers(vector), sources, strict=True):
            views["input"][:] = read(getattr(layer, f"weight_ih_l0{end}"))
            views["recurrent"][:] = read(getattr(layer, f"weight_hh_l0{end}"))
            views["bias"][:] = read(getattr(layer, f"bias_ih_l0{end}"))
        topology.output_weights(vector)[:] = read(self.out.weight)
        topology.output_bias(vector)[:] = read(self.out.bias)
        assert not np.isnan(vector).any()
        return vector

    def forward(self, x, truncated, pooling="last"):
        """Raw outputs of one sequence: every step (T, K), and what is read once (K,)."""
        for layer in self.layers:
            if truncated:
                ends = ["", "_reverse"][: self.topology.n_directions]
                x = torch.cat([written_out(layer, end, x) for end in ends], dim=1)
            else:
                x = layer(x)[0]
        if pooling == "max":
            last = x.max(dim=0).values
        elif pooling == "mean":
            last = x.mean(dim=0)
        elif self.topology.bidirectional:
            ahead, back = x.chunk(2, dim=1)
            last = torch.cat([ahead[-1], back[0]])
        else:
            last = x[-1]
        return self.out(x), self.out(last)


def written_out(layer, end, x):
    """One direction of an ``nn.LSTM``, its output detached where it is fed back."""
    w_x, w_h = getattr(layer, f"weight_ih_l0{end}"), getattr(layer, f"weight_hh_l0{end}")
    bias = getattr(layer, f"bias_ih_l0{end}")
    h = c = torch.zeros(layer.hidden_size, dtype=x.dtype)
    states = []
    for x_t in x.flip(0) if end else x:
        i, f, g, o = (w_x @ x_t + w_h @ h.detach() + bias).chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    states = torch.stack(states)
    return states.flip(0) if end else states


def numbers(tensor):
    return tensor.detach().numpy()


def gradient(tensor):
    return tensor.grad.numpy()


def raw_outputs(network, sequences, per_step, truncated, pooling="last"):
    """(N, K) or (n, K)."""
    outputs = [network(torch.from_numpy(x), truncated, pooling) for x in sequences]
    return torch.cat([o[0] for o in outputs]) if per_step else torch.stack([o[1] for o in outputs])


def losses(raw, targets, loss, out_activation, quantiles):
    """One number per row of ``raw``."""
    if loss != "log_loss":
        there, targets = ~torch.isnan(targets), targets.nan_to_num()
        y = {"identity": nn.Identity(), "logistic": nn.Sigmoid(), "tanh": nn.Tanh()}[
            out_activation
        ](raw)
        return (number_losses(y, targets, loss, quantiles) * there).sum(dim=1)
    if out_activation == "softmax":
        return nn.functional.cross_entropy(raw, targets[:, 0].long(), reduction="none")
    return nn.functional.binary_cross_entropy_with_logits(raw, targets, reduction="none").sum(dim=1)


def number_losses(y, targets, loss, quantiles):
    """One number per target."""
    if loss == "squared_error":
        return 0.5 * (y - targets) ** 2
    if loss == "absolute_error":
        return (y - targets).abs()
    if loss == "poisson":  # what PyTorch leaves out of the deviance does not depend on y
        rest = torch.xlogy(targets, targets) - targets
        return nn.functional.poisson_nll_loss(y, targets, log_input=True, reduction="none") + rest
    if loss == "quantile":
        y = y.unflatten(1, (targets.shape[1], len(quantiles)))
        middle = len(quantiles) // 2
        apart = nn.functional.softplus(y)
        apart = torch.cat(
            [
                -apart[..., :middle].flip(-1).cumsum(-1).flip(-1),
                torch.zeros_like(y[..., :1]),
                apart[..., middle + 1 :].cumsum(-1),
            ],
            dim=-1,
        )
        error = targets[..., None] - (y[..., middle : middle + 1] + apart)
        levels = torch.tensor(quantiles, dtype=torch.float64)
        return torch.maximum(levels * error, (levels - 1) * error).sum(dim=2)
    raise ValueError(loss)


def penalty(network):
    """½ ||W||^2 over weights, not biases."""
    weights = (p for name, p in network.named_parameters() if "weight" in name)
    return 0.5 * sum((w**2).sum() for w in weights)


def sequence_weights(weights, lengths, per_step):
    if not per_step:
        return weights
    return torch.stack([part.mean() for part in weights.split(list(lengths))])


def batch_loss(network, sequences, settings, targets, weights, truncated):
    """Sum of w L / number of sequences + alpha/2 ||W||^2 / sum of the weights of sequences."""
    per_step = settings["return_sequences"]
    raw = raw_outputs(network, sequences, per_step, truncated, settings["pooling"])
    each = losses(raw, targets, settings["loss"], settings["out_activation"], settings["quantiles"])
    total = sequence_weights(weights, [len(x) for x in sequences], per_step).sum()
    return (weights * each).sum() / len(sequences) + settings["alpha"] * penalty(network) / total


def objective(loss, out_activation, return_sequences, alpha=0.0, *, quantiles=(), pooling="last"):
    return {
        "loss": loss,
        "out_activation": out_activation,
        "return_sequences": return_sequences,
        "alpha": alpha,
        "quantiles": list(quantiles),
        "pooling": pooling,
    }


OBJECTIVES = {
    # Squared errors whose targets lie a random direction off the outputs: the gradient is that of
    # a random projection of the outputs.
    "projection_last": objective("squared_error", "identity", False),
    "projection_steps": objective("squared_error", "identity", True),
    "regression": objective("squared_error", "tanh", True, alpha=0.3),
    "classes": objective("log_loss", "softmax", False, alpha=0.2),
    "labels": objective("log_loss", "logistic", True),
    "median": objective("absolute_error", "identity", True),
    "quantile": objective("quantile", "identity", False, quantiles=[0.2]),
    "quantiles": objective("quantile", "identity", True, quantiles=[0.1, 0.6, 0.9]),
    "counts": objective("poisson", "identity", False),
    "highest": objective("squared_error", "identity", False, pooling="max"),
    "mean": objective("log_loss", "softmax", False, pooling="mean"),
}


def draw_objective(rng, name, network, sequences):
    """Targets and weights of every row: some weights are 0, some regression targets NaN."""
    settings = OBJECTIVES[name]
    raw = numbers(raw_outputs(network, sequences, settings["return_sequences"], truncated=False))
    if name.startswith("projection"):
        return raw - rng.normal(size=raw.shape), np.ones(len(raw))
    weights = rng.uniform(2.0, 6.0, size=len(raw))
    if len(raw) > 3:
        weights[1] = 0.0
    if name in ("classes", "mean"):
        return rng.integers(raw.shape[1], size=(len(raw), 1)).astype(float), weights
    if name == "labels":
        return rng.integers(2, size=raw.shape).astype(float), weights
    if name == "counts":
        return rng.poisson(1.5, size=raw.shape).astype(float), weights
    n_targets = raw.shape[1] // max(1, len(settings["quantiles"]))
    targets = rng.uniform(-1, 1, size=(len(raw), n_targets))
    if not settings["return_sequences"]:
        return targets, weights
    targets[-1, 0] = np.nan
    return targets, weights


def batch_gradient(network, name, sequences, targets, weights, truncated):
    network.zero_grad()
    value = batch_loss(network, sequences, OBJECTIVES[name], targets, weights, truncated)
    value.backward()
    return value.item(), network.flat(gradient)


def projection_gradient(network, sequences, direction, per_step, truncated):
    network.zero_grad()
    raw = raw_outputs(network, sequences, per_step, truncated)
    ((raw * torch.from_numpy(direction)).sum() / len(sequences)).backward()
    return network.flat(gradient)


def torch_golden(name, seed, lengths, curves=(), **sizes):
    """Outputs and gradients of one network; ``curves`` are (solver, gradient) pairs."""
    topology = shape(**sizes)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network(topology)
    sequences = draw_sequences(rng, topology.n_features, lengths)
    vector = network.flat(numbers)
    arrays = {}
    for key, per_step in (("output", True), ("last", False)):
        arrays[key] = numbers(raw_outputs(network, sequences, per_step, truncated=False))
        again = numbers(raw_outputs(network, sequences, per_step, truncated=True))
        np.testing.assert_allclose(again, arrays[key], rtol=0, atol=1e-14)
    drawn = {}
    for key, settings in OBJECTIVES.items():
        targets, weights = draw_objective(rng, key, network, sequences)
        drawn[key] = torch.from_numpy(targets), torch.from_numpy(weights)
        arrays |= {f"{key}.targets": targets, f"{key}.weights": weights}
        for kind in ("full", "truncated"):
            cut = kind == "truncated"
            value, d_vector = batch_gradient(network, key, sequences, *drawn[key], cut)
            if key.startswith("projection"):
                per_step = settings["return_sequences"]
                direction = arrays["output" if per_step else "last"] - targets
                projected = projection_gradient(network, sequences, direction, per_step, cut)
                np.testing.assert_allclose(d_vector, projected, rtol=0, atol=1e-13)
            arrays |= {f"{key}.value": value, f"{key}.{kind}": d_vector}
    settings = []
    for solver, kind in curves:
        setting = {"solver": solver, "gradient": kind, "objective": "classes"} | SOLVERS[solver]
        settings.append(setting)
        learner = copy.deepcopy(network)
        curve = ten_steps(learner, setting, sequences, drawn["classes"])
        arrays |= {f"{solver}.{kind}.loss": curve, f"{solver}.{kind}.vector": learner.flat(numbers)}
    save(f"torch_{name}", topology, vector, sequences, arrays, 1e-12, OBJECTIVES, settings)


def module_golden(name, seed, n_outputs, lstm, dtype, head_bias=True):
    """Weights of a module as PyTorch names them, and its outputs: last and at every step."""
    torch.manual_seed(seed)
    rnn = nn.LSTM(**lstm, batch_first=True, dtype=dtype)
    n_read = lstm["hidden_size"] * (2 if lstm.get("bidirectional") else 1)
    module = nn.Module()
    module.rnn, module.head = rnn, nn.Linear(n_read, n_outputs, bias=head_bias, dtype=dtype)
    X = torch.randn(4, 6, lstm["input_size"], dtype=dtype)
    steps, (last, _) = rnn(X)
    read = torch.cat([*last[-2 if lstm.get("bidirectional") else -1 :]], dim=1)
    state = {f"state.{key}": numbers(tensor) for key, tensor in module.state_dict().items()}
    outputs = {"last": numbers(module.head(read)), "steps": numbers(module.head(steps))}
    (FOLDER / "modules").mkdir(exist_ok=True)
    np.savez_compressed(FOLDER / "modules" / f"torch_{name}.npz", X=numbers(X), **state, **outputs)


def write_module_golden():
    """Modules for the tests of `sklstm.export`."""
    one = {"input_size": 2, "hidden_size": 3}
    stacked = {"input_size": 3, "hidden_size": 4, "num_layers": 2, "bidirectional": True}
    module_golden("two_logits", 21, 2, one, torch.float64)
    module_golden("stacked", 22, 3, stacked, torch.float32)
    module_golden("without_biases", 23, 1, one | {"bias": False}, torch.float64, head_bias=False)
    module_golden("head_bias_only", 24, 1, one | {"bias": False}, torch.float64)
    module_golden("lstm_biases_only", 25, 1, one, torch.float64, head_bias=False)


SOLVERS = {
    "sgd": {"learning_rate": 0.2, "clip_norm": None},
    "adam": {"learning_rate": 0.05, "clip_norm": 1.0},
}


def ten_steps(network, setting, sequences, drawn):
    """The loss before each of ten full-batch updates."""
    trained = [p for p in network.parameters() if p.requires_grad]
    rate = setting["learning_rate"]
    if setting["solver"] == "sgd":
        optimizer = torch.optim.SGD(trained, lr=rate)
    else:
        optimizer = torch.optim.Adam(trained, lr=rate)
    curve = []
    for t in range(1, 11):
        truncated = setting["gradient"] == "truncated"
        value, d_vector = batch_gradient(
            network, setting["objective"], sequences, *drawn, truncated
        )
        curve.append(value)
        if setting["clip_norm"] is not None:
            norm = np.linalg.norm(d_vector)
            assert t > 1 or norm > setting["clip_norm"], "the first step is to be clipped"
            for p in trained:
                p.grad *= min(1.0, setting["clip_norm"] / norm)
        if setting["solver"] == "adam":
            # scikit-learn adds epsilon to the square root before its bias is corrected.
            optimizer.param_groups[0]["eps"] = 1e-8 / np.sqrt(1 - 0.999**t)
        optimizer.step()
    return np.array(curve)


def write_torch_golden():
    every = [(solver, kind) for solver in ("sgd", "adam") for kind in ("full", "truncated")]
    torch_golden("one_layer", 1, (6,) * 8, curves=every)
    torch_golden("one_step", 2, (1, 1, 1))
    torch_golden("one_sequence", 3, (7,))
    torch_golden("ragged", 4, RAGGED, n_features=3, hidden=(4,))
    torch_golden("stacked", 5, (5, 5), hidden=(4, 3))
    torch_golden("bidirectional", 6, (5, 5), hidden=(4,), bidirectional=True)
    torch_golden("bidirectional_stacked", 7, (5, 5), hidden=(3, 2), bidirectional=True)
    torch_golden(
        "ragged_bidirectional_stacked", 8, RAGGED, curves=every, hidden=(3, 2), bidirectional=True
    )

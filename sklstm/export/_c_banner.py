"""The comment at the top of a C header: the model, its memory, and how to use it."""

from __future__ import annotations

from collections.abc import Iterable

from sklstm._version import __version__
from sklstm.export._c_categories import CategoricalFeature
from sklstm.export._c_code import named
from sklstm.export._c_layers import scratch, state_bytes
from sklstm.export._c_network import Network
from sklstm.export._c_outputs import Head
from sklstm.export._c_text import Constant, comment, escaped


def banner(
    network: Network, head: Head, constants: Iterable[Constant], name: str, int8: bool
) -> str:
    """The comment at the top of a header."""
    flash, flash_double = (sum(c.n_bytes(size) for c in constants) for size in (4, 8))
    state, state_double = (state_bytes(network, size) for size in (4, 8))
    stack = 4 * scratch(network)
    kind = type(network.estimator).__name__
    known = kind if kind in ("LSTMClassifier", "LSTMRegressor") else "LSTM"  # a user's subclass
    paragraphs = [
        f"{name}: an {known}, written by sklstm {__version__}. The code is yours.",
        "",
        f"{_described(network, int8)} Predicts {head.title}.",
        f"Flash: {flash} bytes of constants ({flash_double} in double), and the code.",
        f"RAM: {state} bytes for each {name}_state ({state_double} in double), "
        f"and {stack} of stack for the sums of a step.",
        "",
        f"  {name}_state state;",
        f"  {name}_reset(&state);",
        f"  {name}_step(&state, x);  for each time step, x[{network.n_features}]",
        "  " + named(head.use, name),
    ]
    if network.feature_names:
        paragraphs += ["", "Features, in the order of x:"]
        paragraphs += [f"  {k}  {escaped(label)}" for k, label in enumerate(network.feature_names)]
    if network.categories is not None:
        paragraphs.append("")
        paragraphs += map(_codes, network.categories.features)
    return comment(paragraphs)


def _codes(feature: CategoricalFeature) -> str:
    """A sentence about the codes of a feature."""
    text = f"Feature {feature.feature} is a code"
    if feature.labels is not None:
        labels = zip(feature.codes.astype(int).tolist(), feature.labels, strict=True)
        text += ": " + ", ".join(f"{code} {escaped(label)}" for code, label in labels)
    elif len(feature.codes):
        text += f" from {feature.codes[0]:.0f} to {feature.codes[-1]:.0f}"
    return text + ("." if feature.missing < 0 else ", or NaN, missing.")


def _described(network: Network, int8: bool) -> str:
    """A description of the network and of the steps before it."""
    topology = network.topology
    sizes = ", ".join(map(str, topology.hidden_layer_sizes))
    parts = [f'cell="{topology.cell}"', f"hidden_layer_sizes=({sizes})"]
    if topology.block_size > 1:
        parts.append(f"block_size={topology.block_size}")
    parts += [f'pooling="{topology.pooling}"', "weights in int8" if int8 else "weights as learned"]
    text = f"Network: {', '.join(parts)}."
    steps = [stage.title for stage in network.stages]
    if network.folded:
        steps.append("SequenceScaler (in the weights)")
    return f"{text} Before it: {', '.join(steps)}." if steps else text

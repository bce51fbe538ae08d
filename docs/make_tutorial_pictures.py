"""Draw the pictures of docs/tutorial.md: ``python docs/make_tutorial_pictures.py``.

It writes them to docs/pictures and prints their numbers. It takes about a minute on one core.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from sklstm import LSTMRegressor
from sklstm.datasets import make_adding, make_temporal_order
from sklstm.inspection import ErrorFlowDisplay, error_flow, hidden_states, plain_error_flow

matplotlib.use("Agg")
from matplotlib import pyplot

FOLDER = Path(__file__).with_name("pictures")
GRADIENTS = {"truncated": "C0", "full": "C1"}
N_SEEDS, N_TEST, BLOCK, BUDGET = 20, 2000, 1000, 100_000
# Experiment 6a as Table 10 has it, updates as in appendix A.1.
PAPER = dict(
    hidden_layer_sizes=2,
    block_size=2,
    cell="1997",
    out_activation="logistic",
    solver="sgd",
    momentum=0,
    batch_size=1,
    clip_norm=None,
    learning_rate_init=0.5,
    init_range=0.1,
    gate_bias={"input": (-2, -4)},
    n_jobs=1,
)


def main() -> None:
    with pyplot.rc_context({"font.size": 10, "axes.grid": True, "grid.color": "#e4e4e4"}):
        models, wrong = race()
        draw_race(wrong)
        draw_error_flow(models["truncated"])
        draw_states(models["truncated"])
        draw_drift()


def order(n: int, rng: np.random.RandomState, length: int = 100) -> tuple[list, np.ndarray]:
    """Sequences of experiment 6a with one output for each class."""
    return make_temporal_order(n, length=length, targets="one_hot", random_state=rng)


def learn(model: LSTMRegressor, seed: int) -> list[float]:
    """Learn until 2000 new sequences are all right: the share that is wrong, every 1000."""
    rng, wrong = np.random.RandomState(seed), []
    while len(wrong) * BLOCK < BUDGET and (not wrong or wrong[-1] > 0):
        model.partial_fit(*order(BLOCK, rng))
        X, y = order(N_TEST, rng)
        wrong.append((abs(model.predict(X) - y) >= 0.3).any(axis=1).mean())
    return wrong


def race() -> tuple[dict[str, LSTMRegressor], dict[str, list[list[float]]]]:
    """Both gradients from the same weights on the same sequences; the models of seed 0."""
    models, wrong = {}, {}
    for gradient in GRADIENTS:
        nets = [
            LSTMRegressor(**PAPER, gradient=gradient, random_state=seed) for seed in range(N_SEEDS)
        ]
        wrong[gradient] = [learn(net, seed) for seed, net in enumerate(nets)]
        models[gradient] = nets[0]
        needed = np.array(list(map(len, wrong[gradient]))) * BLOCK
        solved = sum(curve[-1] == 0 for curve in wrong[gradient])
        print(
            f"{gradient:9} gradient: {solved} of {N_SEEDS} solved, sequences: median "
            f"{np.median(needed):,.0f}, mean {needed.mean():,.0f}, "
            f"range {needed.min():,}-{needed.max():,}"
        )
    less = sum(len(a) < len(b) for a, b in zip(*wrong.values(), strict=True))
    more = sum(len(a) > len(b) for a, b in zip(*wrong.values(), strict=True))
    print(f"truncated needed fewer sequences with {less} seeds, more with {more}")
    return models, wrong


def draw_race(wrong: dict[str, list[list[float]]]) -> None:
    figure, (left, right) = panels(1, 2, width_ratios=(2, 1))
    for place, (gradient, colour) in enumerate(GRADIENTS.items()):
        for k, curve in enumerate(wrong[gradient]):
            seen = np.arange(1, len(curve) + 1)
            label = f"{gradient} gradient" if k == 0 else None
            left.plot(seen, curve, color=colour, alpha=0.55, linewidth=1, label=label)
        needed = np.array(list(map(len, wrong[gradient])))
        right.plot(np.full(N_SEEDS, place), needed, "o", color=colour, alpha=0.5)
        right.plot([place - 0.25, place + 0.25], [np.median(needed)] * 2, color="k")
    for pair in zip(*(map(len, curves) for curves in wrong.values()), strict=True):
        right.plot([0, 1], pair, color="#bbbbbb", linewidth=0.6, zorder=0)
    left.set(xlabel="Training sequences (thousands)", ylabel="Share of new sequences wrong")
    left.legend(frameon=False)
    right.set(ylabel="Thousands of sequences needed", xlim=(-0.5, 1.5), ylim=(0, None))
    right.set_xticks([0, 1], GRADIENTS)
    right.grid(axis="x", visible=False)
    save(figure, "tutorial_gradients.png")


def draw_error_flow(trained: LSTMRegressor) -> None:
    figure, (left, right) = panels(1, 2, sharey=True, height=4.2)
    rng = np.random.default_rng(0)
    W = np.linalg.qr(rng.normal(size=(12, 12)))[0]  # orthogonal: the norm is the factor below
    drive = rng.normal(size=(20, 101, 12))
    plain = {
        "tanh, ||W|| = 2": plain_error_flow(2 * W, 0.1 * drive, activation="tanh"),
        "logistic, ||W|| = 3.6": plain_error_flow(3.6 * W, drive),
        "logistic, ||W|| = 36": plain_error_flow(36 * W, drive),
    }
    for (name, flow), colour in zip(plain.items(), ("C5", "C3", "C4"), strict=True):
        ErrorFlowDisplay(flow.lag, flow.unit, name=name).plot(left, color=colour)
        print(f"plain, {name}: median {np.median(flow.unit[:, 100]):.1e} at lag 100")
    bound = plain["logistic, ||W|| = 3.6"].bound
    left.plot(bound, "--", color="C3", linewidth=1, label="bound of the paper for 3.6")
    print(f"bound of the paper for ||W|| = 3.6: {bound[100]:.1e} at lag 100")
    left.set(title="Plain recurrent nets of 12 units", ylim=(1e-16, 1e15))
    draw_lstm_flow(right, trained)
    right.set(title="LSTM of 1997, experiment 6a", ylabel=None)
    left.legend(frameon=False, loc="upper left", fontsize=9)
    right.legend(frameon=False, loc="lower left", fontsize=9)
    save(figure, "tutorial_error_flow.png")


def draw_lstm_flow(ax: Any, trained: LSTMRegressor) -> None:
    """Medians over 20 sequences and the cells, before and after learning."""
    new = LSTMRegressor(**PAPER, random_state=0).initialize(8, n_outputs=4)
    X = [x[:101] for x in order(20, np.random.RandomState(1000), length=101)[0]]
    for what, net, style in (("new", new, "--"), ("trained", trained, "-")):
        for gradient, colour in GRADIENTS.items():
            flow = error_flow(net, X, gradient=gradient)
            for at in ("state", "candidate"):
                size = np.median(flow[at], axis=(0, 2))
                print(f"LSTM, {what}, {gradient}, {at}: {size[0]:.1e} at lag 0, ", end="")
                print(f"{size[1]:.1e} at lag 1, {size[100]:.1e} at lag 100")
                if at == "state":
                    ax.plot(size, style, color=colour, label=f"state, {what}, {gradient}")
                elif gradient == "truncated":
                    ax.plot(size, style, color="C2", label=f"cell input, {what}, truncated")
    ax.set(xlabel="Lag (steps back)")


def draw_states(net: LSTMRegressor) -> None:
    """The four classes in the state of a net that tells them apart."""
    symbols, y = make_temporal_order(100, as_symbols=True, random_state=1000)
    figure, axes = panels(2, 4, sharex=True, sharey="row", height=4.6)
    for label, (upper, lower) in enumerate(axes.T):
        x = symbols[int(np.flatnonzero(y == label)[0])]
        states = hidden_states(net, np.eye(8)[x])
        steps = np.arange(1, len(x) + 1)
        cells = upper.plot(steps, states.state)
        gates = lower.plot(steps, states.input_gate)
        for ax in (upper, lower):
            for place in np.flatnonzero(x >= 6):
                ax.axvline(place + 1, color="#888888", linestyle=":")
        shown = "".join("XY"[s - 6] for s in x[x >= 6])
        upper.set_title(f"{shown[0]} ... {shown[1]}")
        lower.set(xlabel="Step", ylim=(-0.05, 1.05))
    axes[0, 0].set_ylabel("Cell states")
    axes[1, 0].set_ylabel("Input gates")
    cell_names = [f"block {k // 2 + 1}, cell {k % 2 + 1}" for k in range(4)]
    figure.legend(cells, cell_names, loc="outside upper center", ncols=4, frameon=False)
    lower.legend(gates, ["block 1", "block 2"], frameon=False)
    save(figure, "tutorial_states.png")
    X, y = order(N_TEST, np.random.RandomState(1000))
    without = deepcopy(net)
    without.output_weights_[:, 2:] = 0
    for name, model in (("solved net", net), ("the same, block 2 cut from the outputs", without)):
        wrong = (model.predict(X).argmax(axis=1) != y.argmax(axis=1)).mean()
        print(f"{name}: {wrong:.1%} of {N_TEST} sequences have another output on top")


def draw_drift() -> None:
    figure, (left, right) = panels(1, 2)
    x = make_adding(1, length=1000, random_state=0)[0][0]
    for bias, colour in ((0, "C3"), (-3, "C1"), (-6, "C0")):
        s = np.hstack(
            [
                hidden_states(
                    LSTMRegressor(
                        2,
                        cell="1997",
                        block_size=2,
                        init_range=0.1,
                        gate_bias={"input": bias},
                        random_state=seed,
                    ).initialize(2),
                    x,
                ).state
                for seed in range(10)
            ]
        )
        steps = np.arange(1, len(s) + 1)
        for ax, values in ((left, abs(s)), (right, 0.5 / np.cosh(s / 2) ** 2)):
            ax.plot(steps, np.median(values, axis=1), color=colour, label=f"input gate bias {bias}")
            low, high = np.quantile(values, [0.25, 0.75], axis=1)
            ax.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)
    left.set(xlabel="Step", ylabel="|s|", yscale="log")
    right.set(xlabel="Step", ylabel="h'(s)", yscale="log", ylim=(1e-12, 2))
    right.legend(frameon=False, loc="lower left")
    save(figure, "tutorial_drift.png")


def panels(rows: int, columns: int, *, height: float = 3.8, **settings: Any) -> tuple[Any, Any]:
    return pyplot.subplots(rows, columns, figsize=(9.6, height), layout="constrained", **settings)


def save(figure: Any, name: str) -> None:
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(FOLDER / name, dpi=110, facecolor="white")
    pyplot.close(figure)


if __name__ == "__main__":
    main()

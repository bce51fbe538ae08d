"""Draw the pictures of docs/paper.md: ``python docs/make_paper_pictures.py [PART ...]``.

    curves   learning curves of four rows, two of them with two readings
    reber    wrong strings of the nets of experiment 1
    cells    states and gates of a net that has learned to add
    race     measure sequences to success against time lag, and write docs/paper_lags.json
    lags     draw that file

Without PART it runs all of them. Pictures are written to docs/pictures. The part race takes an hour
without a file and continues a file, the others take a minute or two.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib
import numpy as np
from joblib import delayed
from scipy.special import expit

from sklstm._threads import effective_n_jobs
from sklstm.datasets import make_adding
from sklstm.inspection import hidden_states
from sklstm.paper import _chunker_rows, _recurrent_rows
from sklstm.paper._columns import Cell, in_processes, run_missing
from sklstm.paper._nets import net_of
from sklstm.paper._plan import best_reading
from sklstm.paper._readings import AS_PRINTED, Reading
from sklstm.paper._results import Group, Results
from sklstm.paper._rows import N_SETS, Row, select
from sklstm.paper._run import run_row
from sklstm.paper._tasks import reber_strings

matplotlib.use("Agg")
from matplotlib import pyplot

FOLDER = Path(__file__).with_name("pictures")
LAGS_FILE = Path(__file__).with_name("paper_lags.json")
# Okabe and Ito's colours, which all eyes tell apart.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

CURVES = ("6a", "3a:T=100,N=3", "4:T=100", "2c:q=50,p=50")
N_CURVES, LOOKS = 8, 150  # trials of a row; points of a curve up to the cap
CAP_FACTOR = 3  # of the published mean
N_REBER = 30

LAGS = (5, 10, 20, 50, 100, 200, 500, 1000)
N_TRIALS = 10
LONGEST = {"2a": 500, "2c": 1000}  # a sequence of 2a costs lag² operations
STYLES = {
    "LSTM, as printed": (BLUE, "o"),
    "LSTM, best reading": (GREEN, "s"),
    "BPTT": (ORANGE, "^"),
    "RTRL": (VERMILION, "v"),
    "ELM": (PURPLE, "D"),
    "CH": (BLACK, "P"),
}
NAMES = {"ELM": "Elman's net", "CH": "chunker"}


def main(parts: Sequence[str] = ()) -> None:
    jobs = {"curves": draw_curves, "reber": draw_reber, "cells": draw_cells}
    jobs |= {"race": race, "lags": draw_lags}
    if unknown := set(parts) - set(jobs):
        raise SystemExit(f"there is no part {', '.join(unknown)}: {', '.join(jobs)}")
    with pyplot.rc_context({"font.size": 10, "axes.grid": True, "grid.color": "#e4e4e4"}):
        for part in parts or jobs:
            start = perf_counter()
            jobs[part]()
            print(f"{part}: {perf_counter() - start:.0f} s")


# ------------------------------------------------------------------------------ learning curves


def draw_curves() -> None:
    figure, axes = panels(2, len(CURVES), sharex="col", sharey="row", height=5.4)
    for name, (upper, lower) in zip(CURVES, axes.T, strict=True):
        row, solved = select(name)[0], []
        for reading, colour in ((AS_PRINTED, BLUE), (best_reading(row), ORANGE)):
            if colour == ORANGE and reading == AS_PRINTED:
                continue
            trials, curves = learn(row, reading)
            solved.append(f"{sum(trial['success'] for trial in trials)} of {len(trials)}")
            for trial, curve in zip(trials, curves, strict=True):
                seen, error, wrong = np.array(curve).T
                for ax, values in ((upper, error), (lower, wrong)):
                    ax.plot(seen / 1000, values, color=colour, alpha=0.45, linewidth=0.9)
                    if trial["success"]:
                        ax.plot(seen[-1] / 1000, values[-1], "o", color=colour, markersize=4)
        print(f"{name}: {'; '.join(solved)} solved")
        for ax in (upper, lower):
            ax.axvline(row.sequences / 1000, color="#555555", linestyle="--", linewidth=1)
        upper.set_title(f"{name}\n{'; '.join(solved)}", fontsize=10)
        lower.set(xlabel="Thousands of sequences", xlim=(0, None), ylim=(-0.03, 1.03))
    axes[0, 0].set(ylabel="Mean recent error", yscale="log")
    axes[1, 0].set_ylabel("Share of recent ones wrong")
    known = (("as printed", BLUE, "-o"), ("best reading", ORANGE, "-o"))
    for label, colour, style in (*known, ("published mean", "#555555", "--")):
        axes[0, 0].plot([], [], style, color=colour, markersize=4, label=label)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    save(figure, "paper_curves.png")


def learn(row: Row, reading: Reading) -> tuple[list[dict[str, Any]], list[list[tuple]]]:
    """Trials of a row, and for each sequences, mean recent error and share wrong at every look."""
    cap = int(CAP_FACTOR * row.sequences)
    window = {"3a": 100, "2c": 1000}.get(row.experiment, 2000)
    curves: list[list[tuple]] = [[] for _ in range(N_CURVES)]

    def look(seed: int, record: dict[str, Any]) -> None:
        seen, curve = record["sequences"], curves[seed]
        if seen and not (curve and curve[-1][0] == seen):
            wrong = record["recent_wrong"] / min(seen, window)
            curve.append((seen, record["recent_error"], wrong))

    trials = run_row(
        row,
        reading,
        n_trials=N_CURVES,
        cap=cap,
        progress=look,
        look_every=max(1, int(cap * row.mean_steps) // LOOKS),
    )
    return trials, curves


# ------------------------------------------------------------------------------- experiment 1


def draw_reber() -> None:
    """Wrong strings of the trained nets: at the symbol over the long lag, and elsewhere."""
    row = select("1:3x2,lr=0.5")[0]
    figure, axes = panels(1, 2, sharex=True, sharey=True, height=4.2)
    readings = {"as printed": AS_PRINTED, "best reading": best_reading(row)}
    for ax, (name, reading) in zip(axes, readings.items(), strict=True):
        trials = run_row(row, reading, n_trials=N_REBER, keep_vectors=True)
        places = np.array([wrong_places(row, reading, trial) for trial in trials])
        right = np.array([trial["success"] for trial in trials])
        for solved, colour, marker in ((True, GREEN, "s"), (False, VERMILION, "o")):
            at, elsewhere = places[right == solved].T
            label = f"{'solved' if solved else 'not solved'}: {len(at)}"
            ax.plot(at, elsewhere, marker, color=colour, alpha=0.6, linestyle="none", label=label)
        ax.axvline(0.5, color="#555555", linestyle="--", linewidth=1)
        ax.set(title=name, xlabel="Share of strings wrong at the last but one symbol")
        ax.legend(frameon=False, loc="upper left")
        not_remembered = places[:, 0] > 0.25
        only = not_remembered & (places[:, 1] < 0.01)
        print(
            f"reber, {name}: {right.sum()} of {len(right)} solved; {not_remembered.sum()} wrong at "
            f"the last but one symbol in more than a quarter of the strings, {only.sum()} of them "
            f"hardly anywhere else"
        )
    axes[0].set_ylabel("Share wrong elsewhere")
    save(figure, "paper_reber.png")


def wrong_places(row: Row, reading: Reading, trial: dict[str, Any]) -> tuple[float, float]:
    """Of 512 strings, the share wrong at the last but one symbol, and the share wrong elsewhere."""
    net = trained(row, reading, trial)
    strings = reber_strings(trial["seed"] % N_SETS, distinct=reading.distinct)
    at = elsewhere = 0
    for start, stop in pairwise(strings.offsets):
        x = strings.symbols[start : stop - 1]  # the last symbol is only predicted
        may = strings.legal[start : stop - 1, None] >> np.arange(7) & 1 == 1
        cells = hidden_states(net, np.eye(7)[x]).output
        outputs = cells @ net.output_weights_.T + net.output_bias_
        if reading.accepted:
            follows = outputs[np.arange(len(x)), strings.symbols[start + 1 : stop]]
            wrong = expit(follows) <= reading.accepted
        else:
            lowest = np.where(may, outputs, np.inf).min(axis=1)
            wrong = lowest <= np.where(may, -np.inf, outputs).max(axis=1)
        at += wrong[-2]
        elsewhere += wrong[:-2].any() or wrong[-1]
    n = len(strings.offsets) - 1
    return at / n, elsewhere / n


# ------------------------------------------------------------------------------- states of cells


def trained(row: Row, reading: Reading, trial: dict[str, Any]) -> Any:
    """The estimator that a trial has trained."""
    net = net_of(row, reading).initial(trial["seed"])
    net.parameters_[:] = trial["vector"]
    return net


def draw_cells() -> None:
    """The first trial of experiment 4 that succeeds, at T = 100 with the best reading."""
    row = select("4:T=100")[0]
    reading = best_reading(row)
    cap = int(CAP_FACTOR * row.sequences)
    trials = run_row(row, reading, n_trials=N_CURVES, cap=cap, keep_vectors=True)
    trial = min((trial for trial in trials if trial["success"]), key=lambda trial: trial["seed"])
    net = trained(row, reading, trial)
    X, y = make_adding(300, length=100, first_pair=reading.first_pair, random_state=0)
    print(f"states: seed {trial['seed']}, solved after {trial['sequences']:,} sequences")

    figure = pyplot.figure(figsize=(9.6, 6.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(2, 1))
    draw_sequence(left.subplots(4, sharex=True), net, X[0], y[0])
    states = [hidden_states(net, x) for x in X]
    sums = np.array([x[x[:, 1] == 1, 0].sum() for x in X])
    upper, lower = right.subplots(2)
    for cell, colour in enumerate((BLUE, SKY, VERMILION, ORANGE)):
        last = [state.state[-1, cell] for state in states]
        upper.plot(sums, last, ".", color=colour, markersize=3, alpha=0.7)
    upper.set(xlabel="X1 + X2", ylabel="Cell states at the end")
    outputs = net.predict(X)
    lower.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    lower.plot(y, outputs, ".", color=BLACK, markersize=3)
    far = np.abs(outputs - y) >= 0.04
    lower.plot(y[far], outputs[far], "o", color=VERMILION, markersize=7, fillstyle="none")
    lower.set(xlabel="Target", ylabel="Output", xlim=(0, 1), ylim=(0, 1))
    print(f"states: {far.sum()} of {len(y)} new sequences off by 0.04 or more (rings)")
    save(figure, "paper_cells.png")


def draw_sequence(axes: list[Any], net: Any, x: np.ndarray, target: float) -> None:
    """One sequence: its values, states, input gates, output gates."""
    states, steps = hidden_states(net, x), np.arange(1, len(x) + 1)
    marked = x[:, 1] == 1
    axes[0].vlines(steps, 0, x[:, 0], color="#bbbbbb", linewidth=1.2)
    axes[0].vlines(steps[marked], 0, x[marked, 0], color=BLACK, linewidth=2)
    axes[0].plot(steps[marked], x[marked, 0], "o", color=BLACK, markersize=5)
    output = float(net.predict([x])[0])
    axes[0].set(ylabel="Values", ylim=(-1.15, 1.15))
    axes[0].set_title(
        f"X1 + X2 = {x[marked, 0].sum():.3f}; target {target:.3f}, output {output:.3f}", fontsize=10
    )
    cells = ["block 1, cell 1", "block 1, cell 2", "block 2, cell 1", "block 2, cell 2"]
    for cell, colour in enumerate((BLUE, SKY, VERMILION, ORANGE)):
        axes[1].plot(steps, states.state[:, cell], color=colour, label=cells[cell])
    low, high = axes[1].get_ylim()
    axes[1].set(ylabel="Cell states", ylim=(low, high + 0.3 * (high - low)))
    axes[1].legend(frameon=False, fontsize=8, loc="upper center", ncols=4, handlelength=1)
    for ax, name in zip(axes[2:], ("input_gate", "output_gate"), strict=True):
        for block, colour in enumerate((BLUE, VERMILION)):
            ax.plot(steps, states[name][:, block], color=colour, label=f"block {block + 1}")
        ax.set(ylabel=name.replace("_", " ").capitalize() + "s", ylim=(-0.05, 1.05))
    axes[2].legend(frameon=False, fontsize=8)
    axes[3].set_xlabel("Step")
    for ax in axes:
        for place in steps[marked]:
            ax.axvline(place, color="#888888", linestyle=":", linewidth=1, zorder=0)


# ------------------------------------------------------------------------------------- time lags


def cap_of(family: str, lag: int) -> int:
    """Training sequences after which a trial of any system has failed.

    In the family of 2a a sequence costs lag² operations, and the caps fall as 1 / lag. They are
    above the largest number of sequences that any system needs at lag 4 (RTRL, 1,700,000) or 100
    (the chunker, 480,000) in Table 2.
    """
    return {"2a": min(5_000_000, 50_000_000 // lag), "2c": 500_000}[family]


def race() -> None:
    """Run systems at growing lags, until at two in a row no trial has succeeded.

    Trials that the file has already are not run again.
    """
    results, n_jobs = Results(LAGS_FILE), effective_n_jobs(None)
    for family, longest in LONGEST.items():
        for system in STYLES:
            if (family, system) == ("2c", "RTRL"):
                continue  # with a target at the end only it is BPTT, but for rounding
            failed, last = 0, 0
            for last in (lag for lag in LAGS if lag <= longest):
                cell = lag_cell(system, family, last)
                run_missing(cell, results, n_jobs=n_jobs)
                done = [results.find(cell.group, seed, cell.cap) for seed in cell.seeds]
                failed = 0 if any(trial["success"] for trial in done) else failed + 1
                if failed == 2:
                    break
            print(f"{family}, {system}: up to lag {last}", flush=True)


def lag_cell(system: str, family: str, lag: int) -> Cell:
    """Trials of a system at one lag."""
    common = {"seeds": range(N_TRIALS), "cap": cap_of(family, lag)}
    name = system
    if system.startswith("LSTM"):
        row = lag_row(family, lag)
        reading = best_reading(row) if "best" in system else AS_PRINTED
        name += f": {reading.words()}" if reading.changed() else ""

        def run(seeds: Sequence[int], **how: Any) -> None:
            run_row(row, reading, seeds=seeds, **how)
    else:
        module = _chunker_rows if system == "CH" else _recurrent_rows

        def run(seeds: Sequence[int], *, cap: int, **how: Any) -> None:
            trial = delayed(module.run_lag)
            in_processes((trial(system, family, lag, seed, cap) for seed in seeds), **how)

    group = Group(f"{family}, lag {lag}", "lags", name)
    return Cell(title=f"{system}, {group.row}", group=group, run=run, **common)


def lag_trials() -> list[dict[str, Any]]:
    """Trials of the file with their "system", "family" and "lag"."""
    results, trials = Results(LAGS_FILE), []
    for group in results.groups():
        family, lag = group.row.split(", lag ")
        system = group.reading.partition(":")[0]
        about = {"system": system, "family": family, "lag": int(lag)}
        trials += [about | trial for trial in results.trials(group)]
    return trials


def lag_row(family: str, lag: int) -> Row:
    """Row 2a with p = ``lag``, or 2c with p = q = ``lag``, whose means are not published."""
    name, columns = {
        "2a": ("2a:p=100", {"p": lag}),
        "2c": ("2c:q=100,p=100", {"q": lag, "p": lag}),
    }[family]
    row = select(name)[0]
    return Row(row.experiment, columns, row.net, row.rate, 0, row.n_trials, row.sequences)


def draw_lags() -> None:
    trials = lag_trials()
    figure, axes = panels(1, 2, height=5.0)
    for ax, family in zip(axes, LONGEST, strict=True):
        here = [trial for trial in trials if trial["family"] == family]
        lags = sorted({trial["lag"] for trial in here})
        caps = [cap_of(family, lag) for lag in lags]
        ax.plot(lags, caps, "--", color="#777777", linewidth=1, label="cap")
        shown = [system for system in STYLES if any(t["system"] == system for t in here)]
        for place, system in enumerate(shown):
            aside = 1.06 ** (place - (len(shown) - 1) / 2)
            draw_system(ax, system, [t for t in here if t["system"] == system], aside)
        ax.set(xscale="log", yscale="log", xlabel="Time lag (steps)")
        ax.set_title({"2a": "2a: no noise", "2c": "2c: distractors, p = q"}[family])
        ax.set_xticks(LAGS, [f"{lag}" for lag in LAGS])
        ax.minorticks_off()
        ax.set_xlim(4, LAGS[-1] * 1.3)
    axes[0].set_ylabel("Training sequences to success")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False)
    save(figure, "paper_lags.png")


def draw_system(ax: Any, system: str, trials: list[dict[str, Any]], aside: float) -> None:
    """Trials as dots, means of the solved as markers; open where none was solved by the cap."""
    colour, marker = STYLES[system]
    means, failed = {}, {}
    for lag in sorted({trial["lag"] for trial in trials}):
        here = [trial for trial in trials if trial["lag"] == lag]
        solved = [trial["sequences"] for trial in here if trial["success"]]
        if solved:
            means[lag] = np.mean(solved)
            ax.plot([lag * aside] * len(solved), solved, ".", color=colour, markersize=3)
        else:
            failed[lag] = here[0]["cap"]
        if 0 < len(solved) < len(here):
            words = f"{len(solved)}/{len(here)}"
            at = (lag * aside, means[lag])
            ax.annotate(words, at, (5, 5), textcoords="offset points", fontsize=8, color=colour)
    x = np.array(list(means)) * aside
    label = NAMES.get(system, system)
    ax.plot(x, list(means.values()), marker=marker, color=colour, markersize=6, label=label)
    x = np.array(list(failed)) * aside
    style = dict(color=colour, markersize=7, fillstyle="none", linestyle="none")
    ax.plot(x, list(failed.values()), marker=marker, **style)


# ----------------------------------------------------------------------------------------- parts


def panels(rows: int, columns: int, *, height: float, **settings: Any) -> tuple[Any, Any]:
    return pyplot.subplots(rows, columns, figsize=(9.6, height), layout="constrained", **settings)


def save(figure: Any, name: str) -> None:
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(FOLDER / name, dpi=110, facecolor="white")
    pyplot.close(figure)


if __name__ == "__main__":
    main(sys.argv[1:])

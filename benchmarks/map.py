"""Map: sklstm against PyTorch at 60 random sizes, the worst ratios first.

Batch, steps, features and units are drawn from a seed, each uniformly on a logarithmic scale within
B = 1..64, T = 1..1000, F = 1..1000 and H = 4..1024. To save time, a size is drawn again if a
training step needs more than 2e10 operations. ``predict`` and a training step with the full
gradient are timed, with both libraries on one thread and then on two. A ratio is PyTorch's time
divided by sklstm's. Below 1 PyTorch is faster. It takes about a quarter of an hour.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.contenders import check_agreement, contenders
from benchmarks.machine import describe, headline
from benchmarks.peers import installed
from benchmarks.pictures import FOLDER, new_figure, save
from benchmarks.processes import Processes, race
from benchmarks.report import table, write_json
from benchmarks.work import Work

RANGES = {"batch": (1, 64), "steps": (1, 1000), "features": (1, 1000), "hidden": (4, 1024)}
FLOP_MOST = 2e10  # of a training step
TASKS = {"inference": "predict", "training": "training step"}
NAMES = ("sklstm", "sklstm full", "PyTorch")  # of the contenders
N_SIZES = 60
ROUNDS, SECONDS = 7, 0.15  # a quarter of an hour for all sizes
LONG = 4.0  # seconds of a round: one that takes longer is repeated less often
N_NAMED = 3  # lowest points of each panel


def main(argv: Sequence[str]) -> None:
    """Print the table; write it with every time taken, and draw it, if asked."""
    parser = ArgumentParser(prog="python -m benchmarks map", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, default=N_SIZES, metavar="N", help="use the first N sizes"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the sizes (default: 0)")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"measurements (default: {ROUNDS})"
    )
    parser.add_argument(
        "--pictures",
        type=Path,
        nargs="?",
        const=FOLDER,
        metavar="FOLDER",
        help="draw the ratios (default folder: docs/pictures)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    arguments = parser.parse_args(argv)
    if not installed()["PyTorch"]:
        print("Skipped: PyTorch is not installed.")
        return
    print(headline())
    start, results = perf_counter(), []
    with Processes() as processes:
        print(*check_agreement(processes, names=NAMES), sep="\n", end="\n\n")
        for work in islice(sizes(arguments.seed), arguments.sizes):
            results.append(measure(work, processes, arguments.rounds))
            found = _all_ratios(results[-1])
            print(f"{perf_counter() - start:4.0f} s  {work}: {found}", flush=True)
    print(f"\n{markdown(results)}\n\n{summary(results)}")
    settings = {"seed": arguments.seed, "rounds": arguments.rounds, "seconds": SECONDS}
    write_json(arguments.json, {"machine": describe(), "settings": settings, "map": results})
    if arguments.pictures:
        draw(results, arguments.pictures / "map.png")
        print(f"\nThe picture is {arguments.pictures / 'map.png'}.")


def sizes(seed: int) -> Iterator[Work]:
    """Training steps of sizes without end; a seed always gives the same ones."""
    rng = np.random.default_rng(seed)
    logarithms = {name: np.log(limits) for name, limits in RANGES.items()}
    while True:
        drawn = {name: round(np.exp(rng.uniform(*limits))) for name, limits in logarithms.items()}
        work = Work("training", **drawn)
        if work.flop <= FLOP_MOST:
            yield work


def measure(
    work: Work, processes: Processes | None, rounds: int, seconds: float = SECONDS
) -> dict[str, Any]:
    """Every time taken at one size, their medians, and the ratios by number of threads."""
    result: dict[str, Any] = {"work": work.as_dict()}
    for task in TASKS:
        asked = replace(work, task=task)
        ours, theirs = contenders(asked, processes, names=NAMES)
        race(ours, theirs, rounds=rounds, seconds=seconds, long=LONG)
        pairs = zip(ours, theirs, strict=True)  # of the same number of threads
        result[task] = {
            "flop": asked.flop,
            "times": {runner.key: runner.times for runner in (*ours, *theirs)},
            "medians": {runner.key: runner.median for runner in (*ours, *theirs)},
            "ratios": {str(mine.n_threads): peer.median / mine.median for mine, peer in pairs},
        }
    return result


def ratios(result: dict[str, Any]) -> dict[tuple[str, str], float]:
    """The ratios of one size by task and number of threads."""
    return {(task, n): ratio for task in TASKS for n, ratio in result[task]["ratios"].items()}


def worst(result: dict[str, Any]) -> float:
    """The smallest of its ratios."""
    return min(ratios(result).values())


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """A row for each size, the one with the smallest ratio first."""
    columns = list(ratios(results[0]))
    head = ["(B, T, F, H)", "worst"]
    head += [f"{TASKS[task]}, {n} thread{'s' * (n != '1')}" for task, n in columns]
    rows = []
    for result in sorted(results, key=worst):
        found = ratios(result)
        row = [str(Work.from_dict(result["work"])), f"{worst(result):.2f}"]
        rows.append(row + [f"{found[column]:.2f}" for column in columns])
    return table(head, rows)


def summary(results: Sequence[dict[str, Any]]) -> str:
    """How many ratios are below 1, the smallest, and the median."""
    found = [ratio for result in results for ratio in ratios(result).values()]
    behind = sum(ratio < 1 for ratio in found)
    met = "missed" if behind else "met"
    return (
        f"PyTorch is faster in {behind} of {len(found)} comparisons (target: none, {met}). "
        f"Smallest ratio {min(found):.2f}, median {median(found):.2f}."
    )


def draw(results: Sequence[dict[str, Any]], file: Path) -> None:
    """Ratios over the operations of a call: a panel for each task and number of threads."""
    threads = sorted({n for _, n in ratios(results[0])})
    figure, panels = new_figure(len(threads), len(TASKS), sharey=True, squeeze=False)
    for row, n in zip(panels, threads, strict=True):
        for panel, (task, name) in zip(row, TASKS.items(), strict=True):
            points = _draw_panel(panel, [(result, task, n) for result in results])
            panel.set_title(f"{name}, {n} thread{'s' * (n != '1')}", fontsize=10)
        row[0].set_ylabel("PyTorch's time / sklstm's (below 1 PyTorch is faster)")
    panels[0, 0].set_ylim(bottom=min(0.15, 0.4 * min(map(worst, results))))  # room for the lists
    for panel in panels[-1]:
        panel.set_xlabel("floating-point operations of a call")
    bar = figure.colorbar(points, ax=panels, aspect=40, pad=0.01)
    ticks = [4, 16, 64, 256, 1024]
    bar.set_ticks(ticks, labels=[str(tick) for tick in ticks])
    bar.minorticks_off()
    bar.set_label("H, hidden units")
    save(figure, file)


def _draw_panel(panel: Any, chosen: Sequence[tuple[dict[str, Any], str, str]]) -> Any:
    """Points coloured by hidden units; the lowest have a ring, and their sizes are listed."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import LogLocator

    x = [result[task]["flop"] for result, task, _ in chosen]
    y = [result[task]["ratios"][n] for result, task, n in chosen]
    hidden = [result["work"]["hidden"] for result, _, _ in chosen]
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.axhline(1, color="#c0392b", linewidth=1.2, zorder=1)
    points = panel.scatter(
        *(x, y), c=hidden, norm=LogNorm(*RANGES["hidden"]), cmap="viridis", s=30, zorder=2
    )
    lowest = np.argsort(y)[:N_NAMED]
    panel.scatter(
        [x[k] for k in lowest], [y[k] for k in lowest], s=70, c="none", edgecolors="black"
    )
    names = [f"{y[k]:.2f} at {Work.from_dict(chosen[k][0]['work'])}" for k in lowest]
    text = "lowest, at (B, T, F, H):\n" + "\n".join(names)
    panel.text(0.02, 0.02, text, transform=panel.transAxes, fontsize=8, color="#444444")
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}")
    panel.minorticks_off()
    panel.grid(color="#dddddd", linewidth=0.6, zorder=0)
    return points


def _all_ratios(result: dict[str, Any]) -> str:
    found = ratios(result).items()
    return ", ".join(f"{TASKS[task]} ({n}) {ratio:.2f}" for (task, n), ratio in found)

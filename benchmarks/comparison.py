"""Tables of `real`: one row per task, and a summary of each system over all tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from math import sqrt

import numpy as np

from benchmarks.report import table
from benchmarks.results import Record, Results
from benchmarks.systems import TITLES

OURS, REFERENCE = "ours", "torch"
PARTIAL = "minirocket"  # has no tasks with a target per step
LOWEST = -1.0  # R² below this counts as this in means over tasks, or one task would decide them
TIE = 0.01  # scores that differ by less are equal


def scores_of(results: Iterable[Record]) -> dict[str, dict[str, list[float]]]:
    """Scores of each system on each task."""
    scores: dict[str, dict[str, list[float]]] = {}
    for record in results:
        scores.setdefault(record["system"], {}).setdefault(record["task"], []).append(
            record["score"]
        )
    return scores


def by_task(results: Results, names: Sequence[str], titles: dict[str, str]) -> str:
    """Mean and standard deviation over seeds of each system on each task; the best in bold."""
    scores = scores_of(results)
    rows = []
    for name in names:
        cells = {s: scores[s][name] for s in titles if name in scores.get(s, {})}
        best = max((round(float(np.mean(c)), 3) for c in cells.values()), default=None)
        rows.append([name, *(_cell(cells.get(system), best) for system in titles)])
    return table(["task", *titles.values()], rows)


def summary(results: Results, names: Sequence[str], titles: dict[str, str]) -> str:
    """Mean score of each system over these tasks, and its difference from the reference.

    Means over tasks of means over seeds, in points (accuracy or R² times 100); "±" is the standard
    error over tasks; "better, worse" counts tasks with more than a point of difference. Where
    MiniRocket lacks tasks, the package has a second row on those that it has.
    """
    scores = scores_of(record for record in results if record["task"] in names)
    means = {system: _means(by_name, names) for system, by_name in scores.items()}
    reference = means.get(REFERENCE, {})
    rows = []
    for system, title in titles.items():
        if system in means:
            tasks = means[system].keys()
            rows.append(_summarised(results, system, title, means[system], tasks, reference))
    shared = means.get(OURS, {}).keys() & means.get(PARTIAL, {}).keys()
    if shared and shared < means[OURS].keys():
        title = f"{titles[OURS]}, tasks of {titles[PARTIAL]}"
        rows.insert(1, _summarised(results, OURS, title, means[OURS], shared, reference))
    column = f"against {TITLES[REFERENCE]}"
    head = ["system", "tasks", "mean", column, "better, worse", "worst task", "CPU s per fit"]
    return table(head, rows)


def against(differences: dict[str, float]) -> list[str]:
    """Mean difference and its standard error over tasks, in points; counts; the worst task."""
    if not differences:
        return ["", "", ""]
    values = np.array(list(differences.values()))
    error = f" ± {100 * values.std(ddof=1) / sqrt(len(values)):.1f}" if len(values) > 1 else ""
    worst = min(differences, key=differences.get)
    return [
        f"{100 * values.mean():+.1f}{error}",
        f"{int((values > TIE).sum())}, {int((values < -TIE).sum())}",
        f"{worst} {100 * differences[worst]:+.1f}",
    ]


def _summarised(
    results: Results,
    system: str,
    title: str,
    means: dict[str, float],
    tasks: Collection[str],
    reference: dict[str, float],
) -> list[str]:
    differences = {task: means[task] - reference[task] for task in tasks if task in reference}
    seconds = [r["seconds"] for r in results.where(system=system) if r["task"] in tasks]
    return [
        title,
        f"{len(tasks)}",
        f"{100 * np.mean([means[task] for task in tasks]):.1f}",
        *(against(differences) if system != REFERENCE else ["", "", ""]),
        f"{np.mean(seconds):.2f}",
    ]


def _means(scores: dict[str, list[float]], names: Sequence[str]) -> dict[str, float]:
    """Of each task over seeds, no lower than `LOWEST`."""
    return {name: max(float(np.mean(scores[name])), LOWEST) for name in names if name in scores}


def _cell(scores: list[float] | None, best: float | None) -> str:
    if not scores:
        return "-"
    mean = round(float(np.mean(scores)), 3)
    text = f"**{mean:.3f}**" if mean == best else f"{mean:.3f}"
    return text + (f" ± {np.std(scores, ddof=1):.3f}" if len(scores) > 1 else "")

"""Scaling: pictures of times over steps, hidden units, batch and threads, with the peers.

Each point is measured like ``python -m benchmarks speed``, in less time: the median with one or two
threads, whichever is faster. The picture of threads shows the speed-up over one thread.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.contenders import contenders, skipped
from benchmarks.machine import cores, describe, headline
from benchmarks.pictures import FOLDER, new_figure, save
from benchmarks.processes import Processes, Runner, best, race
from benchmarks.report import write_json
from benchmarks.speed import readable
from benchmarks.work import Work

BASE = Work("training", 32, 100, 8, 32)
CURVES = {
    "steps": ("T, steps", [replace(BASE, steps=T) for T in (10, 30, 100, 300, 1000)]),
    "hidden": (
        "H, hidden units",
        [replace(BASE, features=16, hidden=H) for H in (8, 16, 32, 64, 128, 256, 512)],
    ),
    "batch": ("B, sequences at once", [replace(BASE, batch=B) for B in (1, 4, 16, 64, 256, 1024)]),
}
DIVIDED = (BASE, Work("training", 32, 100, 16, 128), Work("training", 128, 50, 64, 256))
TASKS = {"training": "training step", "inference": "inference"}
ROUNDS, SECONDS = 3, 0.05
STYLES = {  # colour, marker, line
    "sklstm truncated": ("#4c8fd6", "o", "-"),
    "sklstm full": ("#0b3c78", "s", "-"),
    "sklstm": ("#0b3c78", "s", "-"),
    "PyTorch": ("#d9622b", "^", "--"),
    "JAX": ("#3a8a4d", "v", "--"),
    "ONNX Runtime": ("#8458a6", "D", "--"),
}


def main(argv: Sequence[str]) -> None:
    """Measure, draw, and write the numbers if a file is given."""
    parser = ArgumentParser(prog="python -m benchmarks scaling", description=__doc__)
    parser.add_argument("--only", choices=[*CURVES, "threads"], nargs="+", help="only these curves")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"measurements (default: {ROUNDS})"
    )
    parser.add_argument(
        "--pictures", type=Path, default=FOLDER, metavar="FOLDER", help="where to draw"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every time to this file")
    arguments = parser.parse_args(argv)
    arguments.pictures.mkdir(parents=True, exist_ok=True)
    chosen = arguments.only or [*CURVES, "threads"]

    print(headline())
    print(*skipped(), sep="\n")
    start, results = perf_counter(), {}
    with Processes() as processes:
        for axis in (axis for axis in CURVES if axis in chosen):
            label, works = CURVES[axis]
            results[axis] = {
                task: [
                    measure(replace(work, task=task), processes, arguments.rounds) for work in works
                ]
                for task in TASKS
            }
            draw_curve(axis, label, results[axis], arguments.pictures / f"scaling_{axis}.png")
            print(f"{perf_counter() - start:4.0f} s  {axis}", flush=True)
        if "threads" in chosen and len(cores()) > 1:
            counts = [n for n in (1, 2, 4, 8, 16, 32, 64) if n <= len(cores())]
            results["threads"] = [
                measure(work, processes, arguments.rounds, counts) for work in DIVIDED
            ]
            draw_threads(results["threads"], arguments.pictures / "scaling_threads.png")
            print(f"{perf_counter() - start:4.0f} s  threads", flush=True)
    print(f"Pictures are in {arguments.pictures}.")
    write_json(arguments.json, {"machine": describe(), "scaling": results})


def measure(
    work: Work, processes: Processes, rounds: int, threads: Sequence[int] | None = None
) -> dict[str, Any]:
    """Medians of everyone at this work: by number of threads, and the best."""
    ours, theirs = contenders(work, processes, threads=threads)
    race(ours, theirs, rounds=rounds, seconds=SECONDS)
    return {"work": work.as_dict(), "seconds": by_name([*ours, *theirs])}


def by_name(runners: Iterable[Runner]) -> dict[str, dict[str, float]]:
    """Medians of each contender: {name: {number of threads: seconds}}, with the "best"."""
    groups: dict[str, list[Runner]] = {}
    for runner in runners:
        groups.setdefault(runner.name, []).append(runner)
    return {
        name: {str(runner.n_threads): runner.median for runner in group}
        | {"best": best(group).median}
        for name, group in groups.items()
    }


def draw_curve(axis: str, label: str, results: dict[str, list[dict[str, Any]]], file: Path) -> None:
    """Time over one size, training and inference side by side."""
    figure, panels = new_figure(1, len(results))
    for panel, (task, points) in zip(panels, results.items(), strict=True):
        sizes = [point["work"][axis] for point in points]
        for name in points[0]["seconds"]:
            times = [point["seconds"][name]["best"] for point in points]
            colour, marker, line = STYLES[name]
            panel.loglog(sizes, times, line, color=colour, marker=marker, markersize=5, label=name)
        others = {
            name: points[0]["work"][name] for name in ("batch", "steps", "features", "hidden")
        }
        letters = zip("BTFH", others.items(), strict=True)
        fixed = ", ".join(f"{letter} = {size}" for letter, (name, size) in letters if name != axis)
        panel.set_title(
            f"Time of {'a ' * (task == 'training')}{TASKS[task]} ({fixed})", fontsize=10
        )
        panel.set_xlabel(label)
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.yaxis.set_major_formatter(lambda seconds, _: _tick(seconds))
        panel.grid(color="#dddddd", linewidth=0.6)
        panel.legend(frameon=False, fontsize=9)
    save(figure, file)


def draw_threads(results: list[dict[str, Any]], file: Path) -> None:
    """How many times as fast a training step is with several threads."""
    figure, panels = new_figure(1, len(results), sharey=True)
    for panel, result in zip(panels, results, strict=True):
        for name, times in result["seconds"].items():
            counts = sorted(int(n) for n in times if n != "best")
            gains = [times["1"] / times[str(n)] for n in counts]
            colour, marker, line = STYLES[name]
            panel.loglog(counts, gains, line, color=colour, marker=marker, markersize=5, label=name)
        panel.loglog(counts, counts, ":", color="#888888", label="ideal")
        panel.set_xscale("log", base=2)
        panel.set_yscale("log", base=2)
        work = Work.from_dict(result["work"])
        panel.set_title(f"(B, T, F, H) = {work}", fontsize=10)
        panel.set_xlabel("threads")
        panel.set_xticks(counts, [str(n) for n in counts])
        panel.yaxis.set_major_formatter(lambda gain, _: f"{gain:g}")
        panel.grid(color="#dddddd", linewidth=0.6)
    panels[0].set_ylabel("speed of a training step, one thread = 1")
    panels[0].legend(frameon=False, fontsize=9)
    save(figure, file)


def _tick(seconds: float) -> str:
    return readable(seconds).replace(".00", "").replace(".0", "").replace("us", "µs")

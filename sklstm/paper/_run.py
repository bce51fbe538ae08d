"""Run trials of a row in the lanes of a kernel, and groups of trials on several processors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklstm.paper import _kernel
from sklstm.paper._criterion import Criterion, criterion_of
from sklstm.paper._nets import net_of
from sklstm.paper._readings import CONCERNED, Reading
from sklstm.paper._rows import N_SETS, Row
from sklstm.paper._tasks import NUMBERS, Task, task_of

STEPS_AT_ONCE = 2_000_000  # between two calls of ``progress``, about half a second
Progress = Callable[[int, dict[str, Any]], None]  # receives the seed of a trial and its record
Keep = Callable[[dict[str, Any]], None]  # receives a finished trial


def run_row(
    row: Row,
    reading: Reading,
    *,
    n_trials: int | None = None,
    seed: int = 0,
    seeds: Sequence[int] | None = None,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
    keep: Keep | None = None,
    look_every: int = STEPS_AT_ONCE,
    keep_vectors: bool = False,
) -> list[dict[str, Any]]:
    """Run trials of a row.

    Parameters
    ----------
    row, reading : Row, Reading
    n_trials : int, default=None
        Number of trials. None is the paper's number.
    seed : int, default=0
        Trial k uses seed ``seed + k`` for its weights and its sequences. In experiment 1 the seed
        modulo 3 selects the strings.
    seeds : sequence of int, default=None
        Seeds of the trials, instead of ``n_trials`` and ``seed``.
    cap : int, default=None
        Training sequences after which a trial fails. None is three times the published mean.
    n_jobs : int, default=1
        Number of processors. Results do not depend on it.
    progress : callable, default=None
        Called repeatedly with the seed of a trial and its record.
    keep : callable, default=None
        Called with each trial as soon as it has finished.
    look_every : int, default=STEPS_AT_ONCE
        Steps of a lane between two calls of ``progress``.
    keep_vectors : bool, default=False
        If True, records contain the trained parameters as "vector".

    Returns
    -------
    trials : list of dict
        "seed", "success", "sequences" (to success, or until the cap), "seconds", "steps", and the
        counts of the row's criterion.
    """
    if seeds is None:
        seeds = range(seed, seed + (row.n_trials if n_trials is None else n_trials))
    cap = int(3 * row.sequences) if cap is None else cap
    groups = [those[part::n_jobs] for those in data_sets(row, seeds) for part in range(n_jobs)]
    how = {"progress": progress, "keep": keep}
    how |= {"look_every": look_every, "keep_vectors": keep_vectors}
    jobs = (delayed(_run_group)(row, reading, group, cap, **how) for group in groups if group)
    # threads suffice, because the kernel releases the GIL
    done = Parallel(n_jobs=n_jobs, backend="threading")(jobs)
    return sorted((trial for group in done for trial in group), key=lambda trial: trial["seed"])


def data_sets(row: Row, seeds: Sequence[int]) -> list[list[int]]:
    """Return the seeds of the trials on each data set. Experiment 1 has three data sets."""
    if row.experiment != "1":
        return [list(seeds)]
    return [[seed for seed in seeds if seed % N_SETS == part] for part in range(N_SETS)]


def _run_group(
    row: Row, reading: Reading, seeds: list[int], cap: int, **how: Any
) -> list[dict[str, Any]]:
    """Run trials on one data set, in the lanes of one kernel."""
    task = task_of(row, reading, data_set=seeds[0] % N_SETS)
    kernel = kernel_of(row, reading, task, criterion_of(row, reading, cap))
    return run_lanes(kernel, net_of(row, reading).vector, seeds, **how)


def kernel_of(
    row: Row, reading: Reading, task: Task, criterion: Criterion, *, symbols: bool = True
) -> Any:
    """Return the kernel that trains nets of a row. Inputs are symbols or one-hot vectors."""
    symbols = symbols and row.experiment not in NUMBERS
    return _kernel.Trials(
        net_of(row, reading).places(symbols=symbols, feedback=reading.feedback),
        task,
        criterion,
        rate=row.rate,
        update_every_step=reading.update == "step",
        rest=reading.rest,
        plain_error=reading.plain_error,
        average=reading.average,
        reset=reading.reset,
        freeze=reading.freeze and row.experiment in CONCERNED["freeze"],
        bias_decay=reading.bias_decay,
    )


def run_lanes(
    kernel: Any,
    initial: Callable[[int], np.ndarray],
    seeds: list[int],
    *,
    progress: Progress | None = None,
    keep: Keep | None = None,
    look_every: int = STEPS_AT_ONCE,
    keep_vectors: bool = False,
) -> list[dict[str, Any]]:
    """Run trials through a kernel: a lane whose trial has finished takes the next one."""
    waiting, lanes, done = list(seeds), {}, []

    def fill(lane: int) -> None:
        seed = waiting.pop(0)
        kernel.start(lane, seed, initial(seed))
        lanes[lane] = seed, perf_counter()

    for lane in range(min(_kernel.lanes, len(waiting))):
        fill(lane)
    while lanes:
        kernel.run(look_every)
        for lane, (seed, start) in list(lanes.items()):
            record = kernel.record(lane)
            if progress is not None:
                progress(seed, record)
            if not record.pop("finished"):
                continue
            trial = {"seed": seed, "seconds": round(perf_counter() - start, 2)}
            trial |= _told(record)
            if keep_vectors:
                # 0 where a reading silences connections, so that an estimator does what the net did
                trial["vector"] = np.zeros_like(initial(seed))
                kernel.vector(lane, trial["vector"])
            done.append(trial)
            if keep is not None:
                keep(trial)
            kernel.stop(lane)
            del lanes[lane]
            if waiting:
                fill(lane)
    return done


def _told(record: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a trial's last record that are stored."""
    told = {
        name: float(f"{value:.5g}") if isinstance(value, float) else value
        for name, value in record.items()
    }
    if not told["n_final"]:
        for name in ("n_final", "final_wrong", "final_error", "final_length"):
            del told[name]
    if told["grown_at"] < 0:
        del told["grown_at"]
    if told["first"] < 0:
        told["first"] = None
    return told

"""The continual embedded Reber grammar (Gers, Schmidhuber & Cummins 2000), on streams.

A training stream ends at the first wrong prediction, or after 100,000 symbols. A net gets at most
30,000 streams and 10^8 symbols in total, and learns at every step. After a stream without an error,
learning stops and ten test streams follow. The net is perfect if none of them has an error. A
prediction is right if every output is within 0.49 of the probability of its symbol: 1 for the only
symbol that may follow, 1/2 for each of two, 0 for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklstm.paper import _kernel
from sklstm.paper._columns import Cell
from sklstm.paper._criterion import Criterion
from sklstm.paper._nets import ContinualNet, EstimatorNet, estimator_of
from sklstm.paper._plan import CAP_CONTINUAL, FIRST_SEED, N_CONTINUAL
from sklstm.paper._results import Group
from sklstm.paper._rows import PublishedNet
from sklstm.paper._run import Keep, Progress, run_lanes
from sklstm.paper._tasks import reber_stream

STREAM = 100_000  # symbols
N_TESTS = 10
# Most symbols of a net, in all its streams. The source has no limit, but a nearly perfect net would
# then read 30,000 streams of tens of thousands of symbols, for hours.
STEPS = 100_000_000
GOOD = 1000  # mean length of the test streams of a good net
TOLERANCE = 0.49
N_PUBLISHED = 100  # nets of each system


def _public(cell: str, forget: dict[str, Any]) -> EstimatorNet:
    """Build a net with the same blocks and initial biases from public parameters."""
    closed = (-0.5, -1.0, -1.5, -2.0)
    gate_bias = {"input": closed, "output": closed} | forget
    net = PublishedNet(
        blocks=4, cells=2, bias="all", init_range=0.2, gate_bias=gate_bias, cell=cell
    )
    return EstimatorNet(estimator_of(net), 7, 7)


@dataclass(frozen=True, kw_only=True)
class Published:
    """Results that Gers et al. published for 100 nets; None if there is no figure.

    Attributes
    ----------
    perfect : float
        Fraction of perfect nets.
    streams : float
        Mean number of training streams of perfect nets.
    good : float
        Fraction of good nets.
    rest_length : float
        Mean length of the test streams of the other nets.
    """

    perfect: float | None = None
    streams: float | None = None
    good: float | None = None
    rest_length: float | None = None


@dataclass(frozen=True)
class System:
    """A net, and how it is trained.

    Attributes
    ----------
    net : ContinualNet or EstimatorNet
    published : Published
    rate_decay : float, default=1
        The learning rate falls by this factor with every step of a stream.
    feedback : {"cells", "all"}, default="cells"
        What hidden units read from the previous step, see ``EstimatorNet.places``.
    """

    net: ContinualNet | EstimatorNet
    published: Published = Published()
    rate_decay: float = 1.0
    feedback: str = "cells"


SYSTEMS = {
    "standard LSTM": System(
        ContinualNet(4, 2, 7, 7, forget=False),
        Published(perfect=0.0, good=0.01, rest_length=37),
    ),
    "forget gates": System(
        ContinualNet(4, 2, 7, 7),
        Published(perfect=0.18, streams=18_889, good=0.29, rest_length=145),
    ),
    "forget gates, falling rate": System(
        ContinualNet(4, 2, 7, 7),
        Published(perfect=0.62, streams=14_087, good=0.06, rest_length=30),
        rate_decay=0.99,
    ),
    # The closest nets that public parameters can build. They have no shortcuts, and biases for all
    # units. "1997" feeds gates back, and "forget" has tanh for g and h.
    "LSTMRegressor(cell='1997')": System(_public("1997", {}), feedback="all"),
    "LSTMRegressor(cell='forget')": System(_public("forget", {"forget": (0.5, 1.0, 1.5, 2.0)})),
}


def continual_cell(
    name: str,
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
) -> Cell:
    """Return the cell of one of `SYSTEMS`.

    ``cap`` is the largest number of training streams.
    """
    system = SYSTEMS[name]
    published = system.published
    first = FIRST_SEED["continual"] + seed
    return Cell(
        title=f"crg, {name}",
        group=Group(f"crg: {name}", "continual"),
        seeds=range(first, first + (N_CONTINUAL if n_trials is None else n_trials)),
        cap=CAP_CONTINUAL if cap is None else cap,
        run=partial(_run, system),
        judge_cap=cap is not None and cap < CAP_CONTINUAL,
        about={
            "experiment": "crg",
            "row": f"crg: {name}",
            "column": "continual",
            "weights": system.net.n_weights,
            "published_sequences": published.streams,
            "published_success": published.perfect,
            "published_trials": N_PUBLISHED,
            "published": vars(published),
        },
    )


def streams_of(trials: list[dict[str, Any]]) -> dict[str, float | None]:
    """Return the fraction of good nets, and the mean length of the test streams of the others."""
    rest = [trial["length"] for trial in trials if not trial["success"] and not trial["good"]]
    return {
        "good": float(np.mean([trial["good"] for trial in trials])),
        "rest_length": float(np.mean(rest)) if rest else None,
    }


def _run(
    system: System,
    seeds: Sequence[int],
    *,
    cap: int,
    n_jobs: int,
    progress: Progress | None,
    keep: Keep,
) -> None:
    def finish(trial: dict[str, Any]) -> None:
        trial["length"] = trial.pop("final_length")
        trial["good"] = not trial["success"] and trial["length"] > GOOD
        keep(trial)

    groups = [list(seeds[part::n_jobs]) for part in range(n_jobs)]
    jobs = (delayed(_run_group)(system, group, cap, progress, finish) for group in groups if group)
    Parallel(n_jobs=n_jobs, backend="threading")(jobs)


def _run_group(
    system: System, seeds: list[int], cap: int, progress: Progress | None, keep: Keep
) -> None:
    kernel = _kernel.Trials(
        system.net.places(symbols=False, feedback=system.feedback),
        reber_stream(STREAM),
        Criterion(
            cap=cap,
            cap_steps=STEPS,
            tolerance=TOLERANCE,
            stop_at_error=True,
            n_test=N_TESTS,
            n_final=N_TESTS,
            final_always=True,
        ),
        rate=0.5,
        rate_decay=system.rate_decay,
        update_every_step=True,
    )
    run_lanes(kernel, system.net.vector, seeds, progress=progress, keep=keep)

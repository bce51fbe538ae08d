"""The continual embedded Reber grammar (Gers, Schmidhuber & Cummins 2000), on streams.

A training stream ends at the first wrong prediction, or after 100,000 symbols. A net gets at most
30,000 streams and 10^8 symbols in total, and learns at every step. After a stream without an error,
learning stops and ten test streams follow. The net is perfect if none of them has an error. A
prediction is right if every output is within 0.49 of the probability of its symbol: 1 for the only
symbol that may follow, 1/2 for each of two, 0 for the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from sklstm.paper import _kernel
from sklstm.paper._criterion import Criterion
from sklstm.paper._nets import ContinualNet, EstimatorNet, estimator_of
from sklstm.paper._report import summary, verdict
from sklstm.paper._results import Result
from sklstm.paper._rows import PublishedNet
from sklstm.paper._run import Progress, run_lanes
from sklstm.paper._tasks import reber_stream

STREAM = 100_000  # symbols
N_STREAMS = 30_000
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


def run_continual(
    name: str,
    *,
    n_trials: int | None = None,
    seed: int = 0,
    cap: int | None = None,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Result:
    """Run one of `SYSTEMS` with ``n_trials`` nets, 20 by default.

    ``cap`` is the largest number of training streams, 30,000 by default.
    """
    n_trials = 20 if n_trials is None else n_trials
    cap = N_STREAMS if cap is None else cap
    system = SYSTEMS[name]
    published = system.published
    start = perf_counter()
    groups = [list(range(part, n_trials, n_jobs)) for part in range(n_jobs)]
    done = Parallel(n_jobs=n_jobs, backend="threading")(
        delayed(_run_group)(system, group, seed, cap, progress) for group in groups if group
    )
    trials = sorted((trial for group in done for trial in group), key=lambda trial: trial["seed"])
    for trial in trials:
        trial["length"] = trial.pop("final_length")
        trial["good"] = not trial["success"] and trial["length"] > GOOD
    figures = summary(trials)
    rest = [t["length"] for t in trials if not t["success"] and not t["good"]]
    figures["good"] = float(np.mean([t["good"] for t in trials]))
    figures["rest_length"] = float(np.mean(rest)) if rest else None
    return Result(
        experiment="crg",
        row=f"crg: {name}",
        column="continual",
        published_sequences=published.streams,
        published_success=published.perfect,
        published_trials=N_PUBLISHED,
        published=vars(published),
        weights=system.net.n_weights,
        cap=cap,
        wall_seconds=round(perf_counter() - start, 1),
        summary=figures,
        verdict=verdict(figures, published.streams, published.perfect, N_PUBLISHED),
        trials=trials,
    )


def _run_group(system, numbers, seed, cap, progress):
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
    return run_lanes(kernel, system.net.vector, numbers, seed, progress=progress)

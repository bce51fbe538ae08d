"""sklstm and its peers at the same work, with a check that they compute the same numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from benchmarks.machine import cores
from benchmarks.peers import installed, peers_of
from benchmarks.processes import Processes, Runner
from benchmarks.work import Sklstm, Work

TOLERANCE = 1e-4
THREADS = (1, 2)
CHECKED = (
    (
        Work("training", 4, 20, 3, 8),
        Work("training", 4, None, 3, 8),
        Work("training", 4, 20, 3, 8, "float64", "adam"),
    ),
    (Work("inference", 4, 20, 3, 8),),
)
# Steps and rate of the check. SGD's step of rate 1 is the gradient. Adam's first step is no more
# than its sign; in the next ones, if they are large, every moment and correction shows.
CHECKS = {"sgd": (1, 1.0), "adam": (4, 0.1)}


def thread_counts() -> tuple[int, ...]:
    """One and two, as far as there are cores."""
    return THREADS[: len(cores())]


def contenders(
    work: Work,
    processes: Processes,
    unroll: int = 1,
    threads: Sequence[int] | None = None,
    names: Collection[str] | None = None,
    **settings: Any,
) -> tuple[list[Runner], list[Runner]]:
    """sklstm with either gradient and the peers, or those of them with these names.

    By default each comes with one and with two threads, in this order.
    """
    gradients = ("full", "truncated") if work.task == "training" else ("full",)
    ours = {f"sklstm {gradient}": (Sklstm, {"gradient": gradient}) for gradient in gradients}
    if work.task == "inference":
        ours = {"sklstm": ours["sklstm full"]}
    sides: tuple[list[Runner], list[Runner]] = ([], [])
    for side, known in zip(sides, (ours, peers_of(work, unroll)), strict=True):
        for name, (kind, own) in known.items():
            if names is not None and name not in names:
                continue
            library = f"{kind.__name__} {work.dtype}"  # JAX's float64 is a setting of its process
            for n_threads in threads or thread_counts():
                runner = Runner(name, n_threads, processes.of(library, n_threads))
                # Asked of all before anyone is waited for: loading the libraries takes seconds.
                runner.process.ask(runner.key, kind, (work, n_threads), own | settings)
                side.append(runner)
    for runner in (*sides[0], *sides[1]):
        runner.process.answer()
    return sides


def check_agreement(
    processes: Processes, unroll: int = 1, names: Collection[str] | None = None
) -> list[str]:
    """Hold every peer to sklstm's answers from the same parameters; say how far they are apart.

    Loss and parameters after one step of SGD, that is the gradient, or some of Adam; and outputs. A
    peer that computes something else is an ArithmeticError.
    """
    findings = []
    trained, used = CHECKED
    for work in trained:
        n_steps, rate = CHECKS[work.solver]
        what = "loss and gradient" if n_steps == 1 else f"loss and {n_steps} steps ({work.special})"
        (ours, *_), theirs = contenders(work, processes, unroll, names=names, rate=rate)
        loss, after = _learn(ours, n_steps)
        before = work.parameters()
        for peer in theirs:
            peer_loss, peer_after = _learn(peer, n_steps)
            apart = [_apart([loss], [peer_loss])]
            apart += [_apart(after[k] - before[k], peer_after[k] - before[k]) for k in after]
            findings.append(_judge(peer, what, work, max(apart)))
    for work in used:
        (ours, *_), theirs = contenders(work, processes, unroll, names=names)
        outputs = _outputs(ours)
        for peer in theirs:
            findings.append(_judge(peer, "outputs", work, _apart(outputs, _outputs(peer))))
    return findings


def skipped() -> list[str]:
    """A line for each peer that is not installed."""
    return [f"Skipped: {name} is not installed." for name, here in installed().items() if not here]


def _learn(runner: Runner, n_steps: int) -> Any:
    """Loss and parameters of the last of some steps on the first batch."""
    return [runner.process.call(runner.key, "learn_once") for _ in range(n_steps)][-1]


def _outputs(runner: Runner) -> np.ndarray:
    return runner.process.call(runner.key, "outputs")


def _apart(ours: Any, theirs: Any) -> float:
    """Largest difference, relative to the largest number of ours."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.abs(ours - theirs).max() / np.abs(ours).max())


def _judge(peer: Runner, what: str, work: Work, apart: float) -> str:
    finding = f"{peer.name}, {peer.n_threads} threads, {what} at {work}: {apart:.1e} from sklstm's"
    if not apart < TOLERANCE:
        raise ArithmeticError(f"{finding}, more than {TOLERANCE:.0e}: not the same work.")
    return finding

"""sklstm and its peers at one piece of work: who they are, and that they compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.machine import cores
from benchmarks.peers import installed, peers_of
from benchmarks.processes import Processes, Runner
from benchmarks.work import Sklstm, Work

TOLERANCE = 1e-4
THREADS = (1, 2)
CHECKED = (
    (Work("training", 4, 20, 3, 8), Work("training", 4, None, 3, 8)),
    (Work("inference", 4, 20, 3, 8),),
)


def thread_counts() -> tuple[int, ...]:
    """One and two, as far as there are cores."""
    return THREADS[: len(cores())]


def contenders(
    work: Work,
    processes: Processes,
    unroll: int = 1,
    threads: Sequence[int] | None = None,
    **settings: Any,
) -> tuple[list[Runner], list[Runner]]:
    """sklstm with either gradient and the peers, by default each with one and two threads."""
    gradients = ("full", "truncated") if work.task == "training" else ("full",)
    ours = {f"sklstm {gradient}": (Sklstm, {"gradient": gradient}) for gradient in gradients}
    if work.task == "inference":
        ours = {"sklstm": ours["sklstm full"]}
    sides: tuple[list[Runner], list[Runner]] = ([], [])
    for side, known in zip(sides, (ours, peers_of(work, unroll)), strict=True):
        for name, (kind, own) in known.items():
            for n_threads in threads or thread_counts():
                runner = Runner(name, n_threads, processes.of(kind.__name__, n_threads))
                # Asked of all before anyone is waited for: loading the libraries takes seconds.
                runner.process.ask(runner.key, kind, (work, n_threads), own | settings)
                side.append(runner)
    for runner in (*sides[0], *sides[1]):
        runner.process.answer()
    return sides


def check_agreement(processes: Processes, unroll: int = 1) -> list[str]:
    """Hold every peer to sklstm's answers from the same parameters; say how far they are apart.

    Loss and parameters after one step of rate 1, that is the gradient, and outputs. A peer that
    computes something else is an ArithmeticError.
    """
    findings = []
    trained, used = CHECKED
    for work in trained:
        (ours, *_), theirs = contenders(work, processes, unroll, rate=1.0)
        loss, after = _learn_once(ours)
        before = work.parameters()
        for peer in theirs:
            peer_loss, peer_after = _learn_once(peer)
            apart = [_apart([loss], [peer_loss])]
            apart += [_apart(after[k] - before[k], peer_after[k] - before[k]) for k in after]
            findings.append(_judge(peer, "loss and gradient", work, max(apart)))
    for work in used:
        (ours, *_), theirs = contenders(work, processes, unroll)
        outputs = _outputs(ours)
        for peer in theirs:
            findings.append(_judge(peer, "outputs", work, _apart(outputs, _outputs(peer))))
    return findings


def skipped() -> list[str]:
    """A line for each peer that is not installed."""
    return [f"Skipped: {name} is not installed." for name, here in installed().items() if not here]


def _learn_once(runner: Runner) -> Any:
    return runner.process.call(runner.key, "learn_once")


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

"""When a net of an experiment has learned, as the kernel of the trials is told it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from sklstm.paper._readings import Reading
from sklstm.paper._rows import N_RECENT, N_STRINGS, N_TEST, Row


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """Windows of recent errors, tests and caps: the struct of ``_criterion.pxd``.

    Attributes
    ----------
    cap : int
        Training sequences after which a trial has failed.
    cap_steps : int, default=0
        Steps, those of tests included, after which it has failed; 0: no limit.
    tolerance : float
        A step is right if every output is closer than this to what is wanted. 0: if the outputs
        of the symbols that may follow are larger than all others.
    judge_last : bool, default=False
        Whether a sequence is judged at its last step only.
    stop_at_error : bool, default=False
        Whether a sequence ends at the first step that is wrong.
    measure : {"absolute", "squared"}, default="absolute"
        A key of ``_kernel.MEASURES``, the error of a step: the mean over the outputs of |t - y|, or
        the sum over the outputs of (t - y)^2.
    window : int, default=1
        Recent training sequences that are looked at, ``_kernel.WINDOW_MAX`` at most.
    window_wrong : int, default=0
        Most sequences of the window that may be wrong.
    window_error : float, default=inf
        The mean error of the window must be below this.
    check : int, default=1
        Training sequences from one look at the window to the next.
    n_test : int, default=0
        New sequences of the test that a passed window leads to. 0: the window decides.
    test_wrong : int, default=0
        Most sequences of a test that may be wrong, ST1 of experiment 3.
    test_error : float, default=inf
        The mean error of a test must be below this, ST2 of experiment 3.
    n_final : int, default=0
        Sequences on which the errors of a net that has learned are counted.
    final_always : bool, default=False
        Whether those of a net that has failed are counted, too.
    growth_window : int, default=0
        Sequences whose mean error decides when a net grows its cell; 0: it has it from the start.
    growth_gain : float, default=0
        It grows when the error falls by less than this fraction from window to window.
    """

    cap: int
    cap_steps: int = 0
    tolerance: float
    judge_last: bool = False
    stop_at_error: bool = False
    measure: str = "absolute"
    window: int = 1
    window_wrong: int = 0
    window_error: float = inf
    check: int = 1
    n_test: int = 0
    test_wrong: int = 0
    test_error: float = inf
    n_final: int = 0
    final_always: bool = False
    growth_window: int = 0
    growth_gain: float = 0.0


# Below this absolute error an output is right; 0: see `Criterion`.
TOLERANCES = {"1": 0.0, "2a": 0.25, "2b": 0.25, "2c": 0.2, "3a": 0.2, "3b": 0.2, "3c": 0.1}
TOLERANCES |= {"4": 0.04, "5": 0.04, "6a": 0.3, "6b": 0.3}


def criterion_of(row: Row, reading: Reading, cap: int) -> Criterion:
    """When a net of this row has learned (table 11 and the text of section 5)."""
    name = row.experiment
    common = Criterion(cap=cap, tolerance=TOLERANCES[name], measure=reading.measure)
    if name in ("1", "2a", "2b", "2c"):
        tested = replace(common, window=100, check=reading.check)
        if name == "1":
            return replace(tested, n_test=2 * N_STRINGS)
        if name == "2c":
            return replace(tested, window=1000, n_test=10_000)
        late = {"growth_window": reading.growth_window, "growth_gain": reading.growth_gain}
        if name == "2a":
            return replace(tested, n_test=2, **late)
        return replace(tested, window=1000, n_test=10_000, judge_last=True, **late)
    if name in ("3a", "3b", "3c"):
        wrong, error = {"3a": (0, 0.01), "3b": (5, 0.04), "3c": (0, 0.015)}[name]
        return replace(
            common,
            # a test is run only if at most a tenth of the 100 most recent sequences was wrong
            window=100,
            window_wrong=10,
            check=reading.check,
            n_test=256,
            test_wrong=wrong,
            test_error=error,
            measure="absolute",  # the text says so
            n_final=N_TEST,
        )
    decided_by_window = replace(common, window=N_RECENT, n_final=N_TEST)
    if name == "5":
        return replace(decided_by_window, window_wrong=row.columns["n_seq"] - 1)
    return replace(
        decided_by_window,
        window_error={"4": 0.01, "6a": 0.1, "6b": 0.1}[name],
        window_wrong=N_RECENT if reading.stop == "error" else 0,
    )

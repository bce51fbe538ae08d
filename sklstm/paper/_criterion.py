"""The criterion of success of each experiment, in the form that the kernel reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from sklstm.paper._readings import Reading
from sklstm.paper._rows import N_RECENT, N_STRINGS, N_TEST, Row


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """Windows of recent errors, tests and caps, for the struct of ``_criterion.pxd``.

    Attributes
    ----------
    cap : int
        Training sequences after which a trial fails.
    cap_steps : int, default=0
        Steps, including tests, after which a trial fails. 0 is no limit.
    tolerance : float
        A step is right if every output is closer than this to its target. With 0, a step is right
        if the outputs of the symbols that may follow exceed all others.
    accepted : float, default=0
        If positive, a step is right if the output of the symbol that follows is above it.
    judge_last : bool, default=False
        If True, only the last step of a sequence is judged.
    stop_at_error : bool, default=False
        If True, a sequence ends at its first wrong step.
    measure : {"absolute", "squared"}, default="absolute"
        Error of a step, a key of ``_kernel.MEASURES``: the mean of |t - y| over the outputs, or the
        sum of (t - y)^2 over the outputs.
    window : int, default=1
        Number of recent training sequences that count, ``_kernel.WINDOW_MAX`` at most.
    window_wrong : int, default=0
        Largest number of wrong sequences in the window.
    window_error : float, default=inf
        The mean error of the window must be below this.
    check : int, default=1
        Training sequences between two checks of the window.
    n_test : int, default=0
        Number of new test sequences after a passed window. With 0, the window decides.
    test_wrong : int, default=0
        Largest number of wrong sequences in a test, ST1 of experiment 3.
    test_error : float, default=inf
        The mean error of a test must be below this, ST2 of experiment 3.
    n_final : int, default=0
        Number of sequences of the final test of a successful net.
    final_always : bool, default=False
        If True, nets that have failed get a final test, too.
    growth_window : int, default=0
        Number of sequences whose mean error decides when the cell is added. With 0, the net has the
        cell from the start.
    growth_gain : float, default=0
        The cell is added when the error falls by less than this fraction between windows.
    """

    cap: int
    cap_steps: int = 0
    tolerance: float
    accepted: float = 0.0
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


# An output with a smaller absolute error is right; for 0 see `Criterion`.
TOLERANCES = {"1": 0.0, "2a": 0.25, "2b": 0.25, "2c": 0.2, "3a": 0.2, "3b": 0.2, "3c": 0.1}
TOLERANCES |= {"4": 0.04, "5": 0.04, "6a": 0.3, "6b": 0.3}


def criterion_of(row: Row, reading: Reading, cap: int) -> Criterion:
    """Return the criterion of a row (table 11 and the text of section 5)."""
    name = row.experiment
    common = Criterion(cap=cap, tolerance=TOLERANCES[name], measure=reading.measure)
    if name in ("1", "2a", "2b", "2c"):
        tested = replace(common, window=100, check=reading.check)
        if name == "1":
            n_test = 2 * N_STRINGS if reading.exam == "both" else N_STRINGS
            return replace(tested, n_test=n_test, accepted=reading.accepted)
        if name == "2c":
            return replace(tested, window=1000, n_test=10_000)
        late = {"growth_window": reading.growth_window, "growth_gain": reading.growth_gain}
        if name == "2a":
            return replace(tested, n_test=2, judge_last=reading.judge == "last", **late)
        return replace(tested, window=1000, n_test=10_000, judge_last=True, **late)
    if name in ("3a", "3b", "3c"):
        wrong, error = {"3a": (0, 0.01), "3b": (5, 0.04), "3c": (0, 0.015)}[name]
        return replace(
            common,
            # test only if at most a tenth of the 100 most recent sequences was wrong
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

"""The short form of ``python -m tests.soak``."""

import sys

import pytest
import watchdog

from tests.soak import Look, faults, why_not


@pytest.mark.skipif(not watchdog.needed or bool(why_not()), reason=why_not() or watchdog.why_not)
def test_a_million_steps_and_a_hundred_fits_leave_nothing_behind():
    ended = watchdog.execute([sys.executable, "-m", "tests.soak"], 200, OMP_WAIT_POLICY="passive")
    assert ended.code == 0, f"{ended.out}\n{ended.err}"
    assert "1,000,000 steps and 100 fits" in ended.out


def test_what_grows_is_a_fault():
    before = Look(10.0, 100.0, 5, 4)
    assert faults([before, Look(10.9, 100.9, 4, 3)], 1.0) == []
    assert faults([before, Look(11.5, 100.0, 5, 4)], 1.0) == ["used memory grew by 1.50 MiB"]
    assert faults([before, Look(10.0, 102.0, 6, 5)], 1.0) == [
        "resident memory grew by 2.00 MiB",
        "files grew from 5 to 6",
        "threads grew from 4 to 5",
    ]

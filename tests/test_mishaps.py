"""The short form of ``python -m tests.mishaps``: kills, disks, memory, clocks and interrupts."""

import pytest
import watchdog

from tests.cases import processes, run
from tests.mishaps.cases import CASES

pytestmark = pytest.mark.skipif(not watchdog.needed, reason=watchdog.why_not)
PACKAGE = "tests.mishaps"


@pytest.mark.parametrize(
    "cases", processes(CASES), ids=lambda cases: "+".join(case.name for case in cases)
)
def test_what_was_complete_stays_and_what_fails_changes_nothing(cases):
    possible = [case for case in cases if not case.why_not(PACKAGE)]
    if not possible:
        pytest.skip(cases[0].why_not(PACKAGE))
    lines = run(PACKAGE, possible).splitlines()
    assert [line.split("\t")[0] for line in lines] == [case.name for case in possible]

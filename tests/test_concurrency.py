"""The short form of ``python -m tests.concurrency``: each case is tried once, and ends in time."""

import pytest
import watchdog

from tests.cases import processes, run
from tests.concurrency.cases import CASES

pytestmark = pytest.mark.skipif(not watchdog.needed, reason=watchdog.why_not)
PACKAGE = "tests.concurrency"


@pytest.mark.parametrize(
    "cases",
    processes(CASES, alone=("runtimes",)),
    ids=lambda cases: "+".join(case.name for case in cases),
)
def test_work_around_processes_and_threads_has_the_same_bits(cases):
    possible = [case for case in cases if not case.why_not(PACKAGE)]
    if not possible:
        pytest.skip(cases[0].why_not(PACKAGE))
    lines = run(PACKAGE, possible).splitlines()
    assert [line.split("\t")[0] for line in lines] == [case.name for case in possible]

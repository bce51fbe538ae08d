"""The short form of ``python -m tests.engines``: searches, predictions and trials on workers."""

import pytest
import watchdog

from tests.cases import processes, run
from tests.engines.cases import CASES

pytestmark = pytest.mark.skipif(not watchdog.needed, reason=watchdog.why_not)
PACKAGE = "tests.engines"
SECONDS = 300  # Ray alone takes up to half a minute to start


@pytest.mark.parametrize(
    "cases", processes(CASES), ids=lambda cases: "+".join(case.name for case in cases)
)
def test_workers_of_every_engine_return_the_bits_of_one_process(cases):
    possible = [case for case in cases if not case.why_not(PACKAGE)]
    if not possible:
        pytest.skip(cases[0].why_not(PACKAGE))
    lines = run(PACKAGE, possible, seconds=SECONDS).splitlines()
    assert [line.split("\t")[0] for line in lines] == [case.name for case in possible]

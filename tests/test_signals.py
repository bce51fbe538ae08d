"""Ctrl-C in the middle of every kind of call: answered soon, and nothing is torn.

Each call would take many seconds. One process makes them all, see `signalled.py`.
"""

import json
import sys
from pathlib import Path

import pytest
from signalled import CASES
from watchdog import execute, needed, why_not

SOON = 2.0  # seconds, on a machine that others use too

pytestmark = pytest.mark.skipif(not needed, reason=why_not)


@pytest.fixture(scope="module")
def answers():
    ended = execute([sys.executable, Path(__file__).with_name("signalled.py")], seconds=400)
    assert ended.code == 0, ended.err
    assert "ignored" not in ended.err, ended.err
    found = [json.loads(line) for line in ended.out.splitlines()]
    return {answer["case"]: answer for answer in found}


@pytest.mark.parametrize("case", CASES)
def test_a_call_answers_soon_and_tears_nothing(answers, case):
    answer = answers[case]
    assert answer["answered"]
    assert answer["seconds"] < SOON
    assert answer["unchanged"]

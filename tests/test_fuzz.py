"""Some seconds of the hunt of tests/fuzz, and all cases that once went wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.exercise import carried_out, of_model
from tests.fuzz.hunt import Findings, hunt
from tests.fuzz.kinds import KINDS, LEFT_OUT, draw
from tests.fuzz.subjects import MAKERS, subject

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
CASES = 150  # of each kind
ONES = {"early stopping", "context", "categories, SGD", "peephole", "coupled"}  # have no stream


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(set(MAKERS) - ONES))
def test_everything_works_before_it_is_changed(name):
    assert carried_out(of_model(*subject(name))) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_case_is_the_same_every_time(kind):
    cases = [json.dumps(draw(kind, 3, number)) for number in range(5)]
    assert cases == [json.dumps(draw(kind, 3, number)) for number in range(5)]
    assert len(set(cases)) == 5
    assert cases[0] != json.dumps(draw(kind, 4, 0))


def test_changed_models_streams_and_files_work_or_are_refused():
    findings = Findings()
    for case in hunt(draw(kind, 0, number) for number in range(CASES) for kind in KINDS):
        findings.add(*case)
    assert findings.bad == []
    assert all(row["worked"] > 0 and row["refused"] > 0 for row in findings.counts.values())


def test_what_went_wrong_once_no_longer_does():
    files = sorted(CORPUS.glob("*.jsonl"))
    cases = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    findings = Findings()
    for case in hunt(case for case in cases if case["kind"] in KINDS):
        findings.add(*case)
    assert cases and findings.bad == []


def test_every_kind_is_hunted():
    if LEFT_OUT:
        pytest.skip(f"not installed, so files of this kind are left out: {', '.join(LEFT_OUT)}")


WITHOUT = """
import importlib.util, runpy, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: (
    None if name == "safetensors" else find_spec(name, *more)
)
sys.argv[1:] = {arguments!r}
runpy.run_module("tests.fuzz", run_name="__main__")
"""


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        (["--cases", "1"], 0, "left out: safetensors, because the package safetensors is not inst"),
        (["--kind", "safetensors"], 2, "--kind safetensors needs a package: pip install safeten"),
    ],
)
def test_a_kind_without_its_package_is_left_out_in_words(arguments, code, words):
    run = [sys.executable, "-c", WITHOUT.format(arguments=arguments)]
    done = subprocess.run(run, cwd=CORPUS.parents[2], capture_output=True, text=True)
    assert done.returncode == code
    assert words in done.stdout + done.stderr


# ----------------------------------------------------------------- the hunter itself finds faults

FAULTS = {
    "crash": ("crashed", "exit code -11"),
    "hang": ("hung", "no answer"),
    "error": ("failed", "SystemError"),
    "memory": ("failed", "MemoryError"),
    "memory that is written to": ("failed", "took"),
}


def test_each_fault_is_found_and_the_next_case_is_carried_out():
    sound = draw("attributes", 0, 0)
    cases = [case for fault in FAULTS for case in ({"kind": fault}, sound)]
    found = list(hunt(cases, seconds=8))
    for (_, outcome, words), (_, after, _) in zip(found[::2], found[1::2], strict=True):
        named = next(name for name, (of, sign) in FAULTS.items() if of == outcome and sign in words)
        assert after in ("worked", "refused"), named
    assert [outcome for _, outcome, _ in found[::2]] == [outcome for outcome, _ in FAULTS.values()]

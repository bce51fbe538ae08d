"""Training on a mapped file: the table's arithmetic, and a run on a small file."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import mapped

needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def run(speed, growth=0.0):
    return {"sequences_per_second": speed, "growth": growth, "load": 0.5}


def test_speeds_are_relative_to_the_same_order_in_memory():
    speeds = dict(zip(mapped.CASES, (100, 90, 200, 150, 80, 10, 120, 70), strict=True))
    runs = {name: [run(1), run(speed, 2e6), run(1e9)] for name, speed in speeds.items()}
    lines = mapped.markdown(runs).splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    relative = {row[0]: row[2] for row in rows[2:]}
    assert relative["mapped, shuffled"] == "0.90"
    assert relative["mapped, in order"] == "0.75"
    assert relative["mapped, in shuffled blocks"] == "0.80"
    assert relative["mapped, shuffled, cold"] == "0.10"
    assert {row[3] for row in rows[2:]} == {"2"}


def test_in_a_cgroup_speeds_are_relative_to_the_order_of_the_file():
    speeds = {"mapped, shuffled, cold": 10, "mapped, in order, cold": 100}
    lines = mapped.markdown({name: [run(speed)] for name, speed in speeds.items()}).splitlines()
    assert [line.split("|")[3].strip() for line in lines[2:]] == ["0.10", "1.00"]


def test_sequences_have_the_size_that_was_asked_for():
    drawn = list(mapped.sequences(1e6))
    n_bytes = [x.nbytes for x, _ in drawn]
    assert sum(n_bytes[:-1]) < 1e6 <= sum(n_bytes)
    assert all(x.dtype == np.float32 and y == pytest.approx(x.mean()) for x, y in drawn)


@needs_linux
def test_growth_is_that_of_anonymous_memory():
    with mapped.Growth() as growth:
        block = np.ones(50_000_000, np.uint8)
    assert 45e6 < growth.bytes < 80e6
    del block


@needs_linux
def test_a_small_file(tmp_path, capfd, monkeypatch):
    pytest.importorskip("pyarrow")
    few = ("in memory, shuffled", "mapped, shuffled", "mapped, in order, cold")
    monkeypatch.setattr(mapped, "CASES", {name: mapped.CASES[name] for name in few})
    results = tmp_path / "results.json"
    folder = tmp_path / "folder"
    folder.mkdir()
    options = ["--gigabytes", "0.0005", "--rounds", "1", "--json", str(results)]
    mapped.main([*options, "--folder", str(folder)])
    assert list(folder.iterdir()) == []
    found = json.loads(results.read_text())
    assert set(found["mapped"]) == set(mapped.CASES)
    assert found["written"]["bytes"] > 500_000
    said = capfd.readouterr().out
    assert "Load when it begins" in said and "mapped, in order, cold" in said


def test_the_page_has_the_measured_table():
    docs = Path(__file__).parents[1] / "docs"
    measured = json.loads((docs / "mapped.json").read_text(encoding="utf-8"))["mapped"]
    page = (docs / "user_guide" / "arrow.md").read_text(encoding="utf-8")
    assert mapped.markdown(measured) in page

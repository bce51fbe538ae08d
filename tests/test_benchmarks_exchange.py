"""The table of round trips: its arithmetic, and a run with the engines that are installed."""

import json
import sys
from pathlib import Path

import pytest
import watchdog

from benchmarks import exchange
from tests.cases import package
from tests.engines.cases import RAY
from tests.engines.on_mpi import open_mpi


@pytest.mark.parametrize("n", [*exchange.SIZES, 20_000])
def test_a_network_has_about_as_many_parameters_as_asked_for(n):
    model = exchange.model_of(n)
    assert len(model.parameters_) == pytest.approx(n, rel=0.03)
    assert model.n_jobs == 1


def test_enough_sequences_take_nine_times_as_long_as_a_round_trip():
    a_sequence = 0.001 / exchange.SEQUENCES
    assert exchange.enough(2 * a_sequence, 0.001) == 18
    assert exchange.enough(0.1 * a_sequence, 0.001) == 1


def test_the_table_has_medians_and_only_engines_that_were_measured():
    here = [{"parameters": 1234, "gradient": [0.064, 0.064, 9.0], "step": [1e-5]}]
    rows = exchange.markdown({"here": here, "Ray": [[0.002, 0.002, 5.0]]}).splitlines()
    head, row = (line.strip("|").split("|") for line in (rows[0], rows[-1]))
    assert [cell.strip() for cell in row] == ["1,234", "64.0 ms", "10.0 us", "2.00 ms", "18"]
    assert [cell.strip() for cell in head][3:] == ["Ray round trip", "sequences for 90 % with Ray"]


def test_the_page_has_the_measured_table():
    docs = Path(__file__).parents[1] / "docs"
    measured = json.loads((docs / "exchange.json").read_text(encoding="utf-8"))["exchange"]
    page = (docs / "user_guide" / "beyond_one_machine.md").read_text(encoding="utf-8")
    assert exchange.markdown(measured) in page


@pytest.mark.skipif(not watchdog.needed, reason=watchdog.why_not)
def test_engines_that_are_installed_are_measured(tmp_path):
    wanted = ["MPI"] if not (package("mpi4py")() or open_mpi()) else []
    wanted += ["Ray"] if not package("ray")() else []
    file = tmp_path / "found.json"
    command = [sys.executable, "-m", "benchmarks", "exchange", "--rounds", "3", "--json", str(file)]
    ended = watchdog.execute(command, 120, **RAY)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("Skipped: ") == 2 - len(wanted)
    found = json.loads(file.read_text(encoding="utf-8"))
    measured = found["exchange"]
    assert list(measured) == ["here", *wanted]
    for name in wanted:
        assert [len(times) for times in measured[name]] == [3] * len(exchange.SIZES)
        assert min(map(min, measured[name])) > 0
    assert ("ray" in found["machine"]) is ("Ray" in wanted)

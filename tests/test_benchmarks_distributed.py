"""The table of training on Dask: its arithmetic, and a short run."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import distributed


def made(cost=(2e-3, 1e-3, 3e-9)):
    """Measurements that follow the model."""
    here, workers = [], {n: {"gradient": [], "exchange": []} for n in (1, 2)}
    for parameters in (1000, 100_000):
        for n, found in workers.items():
            found["exchange"].append([np.dot(cost, [1, n, n * parameters])])
        for batch in (100, 1000):
            gradient = 1e-9 * parameters * batch
            here.append(
                {"parameters": parameters, "batch": batch, "gradient": [gradient], "step": [1e-4]}
            )
            for n, found in workers.items():
                found["gradient"].append([gradient / n + found["exchange"][-1][0]])
    return {"here": here, **{str(n): found for n, found in workers.items()}}


def test_the_model_finds_what_an_exchange_costs():
    measured = made()
    cost = distributed.exchange(measured)
    np.testing.assert_allclose(cost, [2e-3, 1e-3, 3e-9], rtol=1e-6)
    line = measured["here"][-1]
    seconds = 0.1 / 16 + 2e-3 + 16e-3 + 16 * 3e-9 * 100_000 + 1e-4
    assert distributed.predicted(line, 16, cost) == pytest.approx(seconds)


def test_the_table_has_times_and_ratios():
    text = distributed.markdown(made())
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines()]
    assert rows[2][:5] == ["1,000", "100", "200 us", "3.20 ms", "4.16 ms"]
    assert rows[5][5] == f"{0.1001 / (0.05 + 4e-3 + 6e-4 + 1e-4):.2f}"
    assert "2.00 ms, 1.00 ms for each worker, and 3.00 ns" in text


def test_the_page_has_the_measured_table():
    docs = Path(__file__).parents[1] / "docs"
    measured = json.loads((docs / "distributed.json").read_text(encoding="utf-8"))["distributed"]
    page = (docs / "user_guide" / "beyond_one_machine.md").read_text(encoding="utf-8")
    assert distributed.markdown(measured).partition("\n\n")[0] in page


@pytest.mark.skipif(find_spec("distributed") is None, reason="Dask is not installed")
@pytest.mark.filterwarnings("default")
def test_a_short_run(capsys, tmp_path):
    file = tmp_path / "found.json"
    arguments = ["--sizes", "500", "--batches", "8", "16", "--seconds", "0.1", "--json", str(file)]
    distributed.main(arguments)
    assert "with 64 (model)" in capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))["distributed"]
    assert len(found["here"]) == 2
    for n_workers in "12":
        assert list(map(len, found[n_workers].values())) == [2, 1]

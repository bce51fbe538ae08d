"""The benchmark of trials: what a step touches, the floor, and the table of the page."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import floor, trials
from sklstm.paper._nets import net_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import select


def touched(name, targets=0.0, updates=0.0):
    row = select(name)[0]
    symbols = row.experiment not in ("3a", "4")
    return floor.touched(
        net_of(row, AS_PRINTED), symbols=symbols, feedback="all", targets=targets, updates=updates
    )


def test_a_step_reads_weights_and_changes_traces():
    # 4: two blocks of two cells read 1, two inputs, four cells and four gates
    assert touched("4:T=100") == floor.Touched(read=8 * 11, changed=2 * 4 * 11, functions=8 + 4)
    # 2a: a cell and its gate, of one symbol only
    assert touched("2a") == floor.Touched(2 * 1 + (2 + 101), 2 * (1 + 1), 2)
    # 2c: two blocks read 1, two cells and four gates, and a symbol
    assert touched("2c:q=50,p=50") == floor.Touched(6 * 7 + 6, 4 * (7 + 1), 6 + 2)


def test_a_target_and_an_update_touch_more():
    # outputs and errors of the cells; their gradients, those of the traces, and of output gates
    assert touched("4:T=100", targets=1) == floor.Touched(
        88 + 1 * 5 + 1 * 4, 88 + 5 + 2 * 4 * 11 + 2 * 11, 12 + 1
    )
    assert touched("4:T=100", updates=1).changed == 88 + 2 * (88 + 5)


def test_the_floor_is_a_positive_time_that_grows():
    try:
        loops = floor.Floor()
    except FileNotFoundError:
        pytest.skip("no C compiler")
    few, many = (loops.nanoseconds(floor.Touched(n, n, 0)) for n in (8, 8000))
    assert 0 < few < many


def test_the_table_has_dashes_without_a_compiler():
    row = trials.markdown({"4": {"weights": 93, "ns_per_step": 21.4, "python_ms": 5.0}})
    cells = [cell.strip() for cell in row.splitlines()[-1].strip("|").split("|")]
    assert cells == ["`4`", "93", "-", "-", "-", "-", "21", "-"]


def test_the_page_has_the_measured_table():
    docs = Path(__file__).parents[1] / "docs"
    measured = json.loads((docs / "trials.json").read_text(encoding="utf-8"))["rows"]
    page = (docs / "paper_cost.md").read_text(encoding="utf-8")
    assert trials.markdown(measured) in page

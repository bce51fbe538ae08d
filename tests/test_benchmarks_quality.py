"""Scores on real data: what is fitted, kept, resumed and printed; tiny data, no wheels."""

import json
import sys
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import budget, defaults, pulse, real, systems
from benchmarks import missing as gaps
from benchmarks.comparison import against, by_task, summary
from benchmarks.datasets import load
from benchmarks.results import Results
from benchmarks.systems import SYSTEMS, applies, measure, missing, rows, score, torch_recipe
from benchmarks.tasks.dataset import make
from sklstm import _topology

TITLES = {"ours": "sklstm", "torch": "PyTorch", "minirocket": "MiniRocket"}


def tiny(task, per_step=False):
    """Noise around a level that the target tells."""
    rng = np.random.default_rng(0)
    levels = rng.choice([-1.0, 1.0], size=60)
    X = [level + rng.normal(scale=0.3, size=(rng.integers(2, 6), 2)) for level in levels]
    y = levels * 100 + 7 if task == "regression" else levels.astype(int).astype(str)
    if per_step:
        outputs = (2,) if task == "regression" else ()
        y = [np.full((len(x), *outputs), target) for x, target in zip(X, y, strict=True)]
    return make("", task, "", "", (X[:40], y[:40]), (X[40:], y[40:]), per_step=per_step)


def filled(file=None):
    results = Results(("task", "system", "seed"), file)
    for task, system, seed, value in [
        ("a", "ours", 0, 0.8),
        ("a", "ours", 1, 0.9),
        ("b", "ours", 0, -7.0),
        ("a", "torch", 0, 0.75),
        ("b", "torch", 0, 0.25),
        ("a", "minirocket", 0, 0.85),
    ]:
        results.add(dict(task=task, system=system, seed=seed, score=value, seconds=seed + 1.0))
    return results


def cells(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]


# ------------------------------------------------------------------------------------- what is kept


def test_results_are_in_the_file_as_soon_as_they_are_there(tmp_path):
    file = tmp_path / "scores.json"
    filled(file)
    stored = json.loads(file.read_text(encoding="utf-8"))
    assert len(stored["fits"]) == 6 and len(stored["machines"]) == 1
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(FileExistsError, match="--resume"):
        Results(("task", "system", "seed"), file)
    again = Results(("task", "system", "seed"), file, resume=True)
    assert {"task": "a", "system": "ours", "seed": 1} in again
    assert {"task": "a", "system": "ours", "seed": 2} not in again
    assert [record["score"] for record in again.where(system="torch")] == [0.75, 0.25]


def test_a_second_run_fits_what_is_missing(tmp_path, monkeypatch, capsys):
    fitted = []

    def fit(system, data, seed):
        fitted.append((system, len(data.X), seed))
        return {"score": 0.5, "seconds": 1.0}

    monkeypatch.setattr(real, "measure", fit)
    options = ["--only", "digits", "vowels_next", "--json", str(tmp_path / "real.json")]
    real.main([*options, "--seeds", "1", "--systems", "ours"])
    assert fitted == [("ours", 898, 0), ("ours", 270, 0)]
    fitted.clear()
    real.main([*options, "--seeds", "2", "--systems", "ours", "linear", "--resume"])
    assert fitted == [
        *(("linear", 898, 0), ("linear", 270, 0)),  # the same for every seed
        *(("ours", 898, 1), ("ours", 270, 1)),
    ]
    printed = capsys.readouterr().out
    assert "4 fits in total, 2 already done." in printed
    assert "### Regression per step" in printed and "the tasks that choose" not in printed


# ---------------------------------------------------------------------------------- what is printed


def test_the_table_of_tasks_has_means_spreads_and_gaps():
    table = cells(by_task(filled(), ["a", "b"], TITLES))
    assert table[2] == ["a", "**0.850** ± 0.071", "0.750", "**0.850**"]
    assert table[3] == ["b", "-7.000", "**0.250**", "-"]


def test_the_summary_bounds_r2_and_compares_the_same_tasks():
    table = cells(summary(filled(), ["a", "b"], TITLES))
    # a: 85 against 75; b: -100, not -700, against 25
    ours = ["sklstm", "2", "-7.5", "-57.5 ± 67.5", "1, 1", "b -125.0", "1.33"]
    assert table[2] == ours
    assert table[3][:4] == ["sklstm, tasks of MiniRocket", "1", "85.0", "+10.0"]
    assert table[4] == ["PyTorch", "2", "50.0", "", "", "", "1.00"]
    assert table[5][:4] == ["MiniRocket", "1", "85.0", "+10.0"]
    only_a = cells(summary(filled(), ["a"], TITLES))
    assert [row[1] for row in only_a[2:]] == ["1", "1", "1"]


def test_ties_are_neither_better_nor_worse():
    differences = {"a": 0.009, "b": 0.02, "c": -0.02, "d": -0.03}
    assert against(differences) == ["-0.5 ± 1.2", "1, 2", "d -3.0"]


# ----------------------------------------------------------------------------------- what is fitted


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_learns_a_simple_task(system, task, per_step, monkeypatch):
    if package := missing(system):
        pytest.skip(f"{package} is not installed")
    if not applies(system, tiny(task, per_step)):
        pytest.skip("for whole sequences")
    monkeypatch.setattr(torch_recipe, "EPOCHS", 20)
    monkeypatch.setattr(systems, "process_time", count().__next__)  # a second for each look at it
    result = measure(system, tiny(task, per_step), 0)
    assert result["score"] > 0.8 and result["seconds"] == 1


def test_scores_count_all_steps_alike():
    data = tiny("classification", per_step=True)
    assert score(data, data.y_test) == 1.0
    first_wrong = [np.array(["none", *labels[1:]]) for labels in data.y_test]
    n_steps = sum(map(len, data.y_test))
    assert np.isclose(score(data, first_wrong), 1 - len(data.y_test) / n_steps, atol=1e-4)
    data = tiny("regression", per_step=True)
    half = [np.column_stack([t[:, 0], np.full(len(t), np.nan)]) for t in data.y_test]
    mean = np.concatenate(data.y_test)[:, 1].mean()
    assert np.isclose(score(data, [np.nan_to_num(t, nan=mean) for t in half]), 0.5)


def test_rows_are_padded_cut_and_have_a_context():
    X = [np.arange(6.0).reshape(3, 2), np.ones((1, 2))]
    assert rows.padded_rows(X, 2).tolist() == [[0, 1, 2, 3], [1, 1, 0, 0]]
    context = rows.context(X)
    assert context.shape == (4, 2 * rows.CONTEXT)
    assert context[2, :6].tolist() == [4, 5, 2, 3, 0, 1] and not context[3, 2:].any()
    assert rows.statistics(X).shape == (2, 13)


def test_a_system_that_is_not_installed_says_so(monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.systems.find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        real.parse(["--systems", "torch"])
    assert "pip install torch" in capsys.readouterr().err
    assert real.parse([]).systems == ["linear", "boosting"]
    assert find_spec("sklstm")


# --------------------------------------------------------------- defaults, budget, pulse, missing


def test_every_factor_starts_from_the_defaults_and_names_parameters():
    known = (
        set(defaults.LSTMClassifier().get_params())
        | set(defaults.CONSTANTS)
        | {"scale", "features"}
    )
    interactions = {"cell", "bidirectional", "gradient", "hidden_layer_sizes"}
    for name, values in defaults.FACTORS.items():
        first = next(iter(values.values()))
        assert first == {} if "," not in name else set(first) <= interactions
        assert all(set(options) <= known for options in values.values())


@pytest.mark.parametrize(
    "options",
    [{}, {"SLOW_SHARE": 1.0}, {"scale": "longest"}, {"cell": "coupled", "gate_bias": None}],
)
@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_fit_of_a_factor_changes_what_it_says(options, task, per_step, monkeypatch):
    data = tiny(task, per_step)
    monkeypatch.setattr(defaults, "load", lambda name: data)
    defaults.scaled.cache_clear()
    share = _topology.SLOW_SHARE
    changed = defaults.key(options | {"max_iter": 200, "hidden_layer_sizes": 8})
    result = defaults.run({"options": changed, "task": "any", "seed": 0})
    defaults.scaled.cache_clear()
    assert result["score"] > 0.8
    assert share == _topology.SLOW_SHARE


def test_the_table_of_a_factor_compares_with_its_first_value(monkeypatch):
    monkeypatch.setattr(defaults, "load", lambda name: load("digits"))
    results = Results(("options", "task", "seed"))
    values = {"auto": {}, "50": {"max_iter": 50}}
    for options, shift in (({}, 0.0), ({"max_iter": 50}, 0.02)):
        for task, value in (("a", 0.5), ("b", 0.7)):
            fit = {"options": defaults.key(options), "task": task, "seed": 0}
            results.add(fit | {"score": value + shift, "seconds": 1.0})
    table = cells(defaults.report("max_iter", values, results))
    assert table[2] == ["**auto**", "60.0", "", "", "", "", "", "1.00"]
    assert table[3][:4] == ["50", "62.0", "+2.0 ± 0.0", "2, 0"]


def test_the_budget_shows_where_auto_ends(monkeypatch):
    data = tiny("classification")
    monkeypatch.setattr(budget, "load_large", lambda name, n: replace(data, X=data.X))
    results = Results(("task", "n", "epochs", "seed"))
    for seed in range(2):
        results.add(budget.run({"task": "crop_large", "n": 2000, "epochs": 50, "seed": seed}))
    fit = results.where(seed=0)[0]
    assert len(fit["scores"]) == 50 and fit["scores"][-1] > 0.8
    table = cells(budget.report(results, (5, 50)))
    assert table[2][:2] == ["crop", "2,000"] and table[2][5] == "50"
    assert table[2][3].startswith("**")
    assert budget.automatic(40) == 200


def test_a_pulse_is_solved_where_it_is_near():
    X, y = pulse.pulses(15, 0)
    assert X.shape == (400, 15, 2)
    assert ((X[:, pulse.STEP, 0] > 0) == (y == "up")).all()
    results = Results(("gate_bias", "length", "seed"))
    for setting, value in (("auto", 1.0), ("None", 0.6)):
        fit = {"gate_bias": setting, "length": 15, "seed": 0}
        results.add(fit | {"score": value, "seconds": 2.0})
    assert cells(pulse.report(results))[2] == ["15", "1 of 1", "1.00", "0 of 1", "0.60", "2.0"]


def test_all_systems_miss_the_same_values_and_the_table_names_the_best(monkeypatch, tmp_path):
    monkeypatch.setattr(gaps, "load", lambda name: tiny("classification"))
    results = Results(("task", "system", "share", "seed"))
    fits = [
        {"task": "vowels", "system": system, "share": share, "seed": seed}
        for system in gaps.SYSTEMS
        for share in (0, 50)
        for seed in range(2)
    ]
    for fit in fits:
        results.add(gaps.run(fit))
    assert gaps.run(fits[0])["score"] == results.where(**fits[0])[0]["score"]
    assert gaps.scores(results, "vowels", 0, "forward").min() > 0.9
    table = cells(gaps.report(results, "vowels"))
    assert [row[0] for row in table[2:]] == ["0 %", "50 %", "CPU s per fit"]
    assert all("**" in "".join(row) for row in table[2:4])
    x = gaps.with_holes(np.ones((4000, 2), np.float32), 30, np.random.default_rng(0))
    assert x.dtype == np.float32 and 0.27 < np.isnan(x).mean() < 0.33
    pytest.importorskip("matplotlib")
    gaps.draw(results, tmp_path / "missing.png")
    assert (tmp_path / "missing.png").stat().st_size > 1000

"""Trials are stored one by one: interrupted runs continue, and nothing else is replaced."""

import json
import os
import platform
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep

import pytest
from joblib import Parallel, delayed

from sklstm import _isa
from sklstm.paper import _columns
from sklstm.paper.__main__ import main
from sklstm.paper._columns import column_cell, complete, result_of
from sklstm.paper._fingerprint import fingerprint
from sklstm.paper._grids import GRIDS
from sklstm.paper._plan import (
    CAP_TODAY,
    COLUMNS,
    QUICK_TRIALS,
    best_reading,
    planned,
    planned_baseline,
)
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._results import FORMAT, Group, Results, answers, plain, read
from sklstm.paper._rows import ROWS, select
from sklstm.paper._run import run_row
from sklstm.paper._search import search_cells

ROOT = Path(__file__).parents[1]
ROW = select("3a:T=100,N=3")[0]
GROUP = Group(ROW.name, "1997")


def figures(trials):
    """Trials without what depends on the machine."""
    return [{k: v for k, v in trial.items() if k not in ("seconds", "cap")} for trial in trials]


def trial(seed, success=True, sequences=100, cap=1000, **more):
    return {"seed": seed, "success": success, "sequences": sequences, "cap": cap, **more}


# ------------------------------------------------------------------------------- the file


def test_trials_are_known_by_row_column_reading_and_seed(tmp_path):
    path = tmp_path / "all.json"
    groups = [
        GROUP,
        GROUP._replace(reading="check=10"),
        GROUP._replace(column="today"),
        Group("6a", "1997"),
    ]
    for k, group in enumerate(groups):
        keep = Results(path).begin(group, 1000)
        keep(trial(0, sequences=k))
        keep(trial(1, sequences=k))
    Results(path).begin(GROUP, 1000)(trial(1, sequences=77))
    results = Results(path)
    assert results.groups() == groups
    found = [[t["sequences"] for t in results.trials(group)] for group in groups]
    assert found == [[0, 77], [1, 1], [2, 2], [3, 3]]
    assert [file.name for file in tmp_path.iterdir()] == ["all.json"]


def test_a_file_has_a_line_for_each_trial_and_each_run(tmp_path):
    path = tmp_path / "all.json"
    keep = Results(path).begin(GROUP, 1000)
    keep(trial(3))
    keep(trial(4))
    kept = json.loads(path.read_text())
    assert list(kept) == ["format", "machines", "runs", "trials"]
    lines = path.read_text().splitlines()
    assert len({line for line in lines if '"seed": ' in line}) == 2
    (run,) = kept["runs"]
    assert (run["row"], run["seeds"], run["cap"], run["machine"]) == (ROW.name, [3, 4], 1000, 0)
    assert Results(path).seconds(GROUP, [4]) == run["wall_seconds"]
    assert Results(path).seconds(GROUP, [5]) == 0


def test_two_processes_keep_each_others_trials(tmp_path):
    path = tmp_path / "all.json"
    one, two = Results(path), Results(path)
    keep_one, keep_two = one.begin(GROUP, 1000), two.begin(Group("6a", "1997"), 500)
    keep_one(trial(0))
    keep_two(trial(0, cap=500))
    keep_one(trial(1))
    keep_two(trial(1, cap=500))
    results = Results(path)
    assert [len(results.trials(group)) for group in results.groups()] == [2, 2]
    assert [run["seeds"] for run in results.runs] == [[0, 1], [0, 1]]


def test_numbers_that_are_not_finite_are_null_with_a_reason(tmp_path):
    path = tmp_path / "all.json"
    keep = Results(path).begin(GROUP, 1000)
    keep(trial(0, recent_error=float("nan"), surprises=float("inf"), first=None, test_error=0.25))
    assert not {"NaN", "Infinity"} & set(path.read_text().replace(",", " ").split())
    (kept,) = Results(path).trials(GROUP)
    assert kept["recent_error"] is None and kept["surprises"] is None
    assert kept["reasons"] == {"recent_error": "not finite: nan", "surprises": "not finite: inf"}
    assert "first" not in kept and kept["test_error"] == 0.25
    assert plain(kept) == kept


def test_every_stored_file_is_json_without_nan():
    for name in ("results", "search", "lags"):
        text = (ROOT / "docs" / f"paper_{name}.json").read_text()

        def refuse(word, name=name):
            raise AssertionError(f"paper_{name}.json has {word}")

        json.loads(text, parse_constant=refuse)
    for name in ("results", "search", "lags"):
        for line in read(ROOT / "docs" / f"paper_{name}.json")["trials"]:
            empty = {key for key, value in line.items() if value is None}
            assert empty == set(line.get("reasons", {}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"rows": [], "machine": null}', "is not a file of trials in format 2"),
        (f'{{"format": {FORMAT}, "trials": [NaN]}}', "has the number NaN"),
        (f'{{"format": {FORMAT}, "trials": [-Infinity]}}', "has the number -Infinity"),
    ],
)
def test_another_file_is_refused(tmp_path, text, message):
    path = tmp_path / "all.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Results(path)
    with pytest.raises(SystemExit):
        main(["6a", "--json", str(path)])
    assert path.read_text() == text


# ------------------------------------------------------------------------------ continuing


def test_stored_trials_are_not_run_again(monkeypatch):
    results, cell = Results(), column_cell(ROW, "printed", n_trials=3, cap=200)
    ran = []
    monkeypatch.setattr(
        _columns,
        "run_row",
        lambda *a, seeds, **how: ran.append(list(seeds)) or run_row(*a, seeds=seeds, **how),
    )
    complete(cell, results)
    more = complete(column_cell(ROW, "printed", n_trials=5, cap=200), results)
    complete(cell, results)
    assert ran == [[0, 1, 2], [3, 4]]
    at_once = complete(column_cell(ROW, "printed", n_trials=5, cap=200), Results())
    assert figures(more.trials) == figures(at_once.trials)


def test_trials_of_another_file_are_known_and_the_file_stays(tmp_path, capsys):
    known, path = tmp_path / "known.json", tmp_path / "all.json"
    command = ["3a:T=100,N=3", "--cap", "200", "--n-jobs", "1"]
    main([*command, "--trials", "2", "--json", str(known)])
    before = known.read_text()
    main([*command, "--trials", "3", "--json", str(path), "--known", str(known)])
    assert "0 of 3" in capsys.readouterr().out
    assert [trial["seed"] for trial in Results(path).trials(GROUP)] == [2]
    both = Results(path, [Results(known)])
    assert [trial["seed"] for trial in both.trials(GROUP)] == [0, 1, 2]
    assert both.seconds(GROUP, [0]) == Results(known).seconds(GROUP, [0])
    assert known.read_text() == before
    with pytest.raises(SystemExit):
        main([*command, "--known", str(tmp_path / "none.json")])
    assert "there is no file" in capsys.readouterr().err


def test_a_run_shows_its_own_trials_and_not_known_ones_with_another_cap():
    known = Results()
    known.put(GROUP, {"seed": 0, "success": True, "sequences": 5_000, "seconds": 1.0, "cap": 9_000})
    result = complete(column_cell(ROW, "printed", n_trials=1, cap=100), Results(None, [known]))
    assert [trial["sequences"] for trial in result.trials] == [100]
    assert result.summary["n_success"] == 0


def test_a_success_before_both_caps_is_the_trial_of_both():
    assert answers(trial(0, True, 100, 1000), 101)
    assert answers(trial(0, True, 100, 1000), 5000)
    assert not answers(trial(0, True, 100, 1000), 100)  # not before the cap
    assert not answers(trial(0, True, 1000, 1000), 5000)
    assert not answers(trial(0, False, 1000, 1000), 5000)
    assert answers(trial(0, False, 1000, 1000), 1000)


def test_a_higher_cap_runs_failed_trials_again_and_a_lower_one_is_refused(tmp_path, capsys):
    path = tmp_path / "all.json"
    command = ["3a:T=100,N=3", "--trials", "2", "--n-jobs", "1", "--json", str(path)]
    main([*command, "--cap", "200"])
    main([*command, "--cap", "300"])
    assert [t["sequences"] for t in Results(path).trials(GROUP)] == [300, 300]
    before = path.read_text()
    with pytest.raises(SystemExit):
        main([*command, "--cap", "100"])
    assert "ran for up to 300 sequences, and a cap of 100 would replace them" in " ".join(
        capsys.readouterr().err.split()
    )
    assert path.read_text() == before


def test_a_killed_command_continues_after_its_last_trial(tmp_path):
    """SIGKILL leaves a whole file with the finished trials. The same command runs the others."""
    path, whole = tmp_path / "killed.json", tmp_path / "whole.json"
    command = ["3a:T=100,N=3", "--trials", "20", "--seed", "3", "--n-jobs", "1", "--json"]
    arguments = [sys.executable, "-m", "sklstm.paper", *command, str(path)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = monotonic() + 120
    while not path.exists() and process.poll() is None and monotonic() < end:
        sleep(0.002)
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.wait()
    finished = figures(Results(path).trials(GROUP))
    assert 1 <= len(finished) <= 20
    main([*command, str(path)])
    main([*command, str(whole)])
    again = figures(Results(path).trials(GROUP))
    assert [t["seed"] for t in again] == list(range(3, 23))
    assert again == figures(Results(whole).trials(GROUP))
    assert [t for t in again if t in finished] == finished
    runs = Results(path).runs
    assert sorted(seed for run in runs for seed in run["seeds"]) == list(range(3, 23))
    assert len(runs) == 1 + (len(finished) < 20)


def test_the_missing_trials_of_a_command_are_listed(tmp_path, capsys):
    path = tmp_path / "all.json"
    command = ["3a:T=100,N=3", "--cap", "200", "--n-jobs", "1", "--json", str(path)]
    main([*command, "--trials", "3"])
    capsys.readouterr()
    assert main([*command, "--trials", "5", "--missing"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == ["3a:T=100,N=3, printed: 2 of 5 trials, cap 200", "2 trials are missing."]
    assert len(Results(path).trials(GROUP)) == 3


def test_missing_trials_that_columns_share_are_counted_once(capsys):
    main(["6a", "--column", "printed", "--column", "best", "--missing"])
    assert capsys.readouterr().out.splitlines()[-1] == "20 trials are missing."


def test_an_interrupted_command_says_how_to_continue(tmp_path, capsys, monkeypatch):
    path = tmp_path / "all.json"

    def interrupted(row, reading, *, seeds, keep, **how):
        run_row(row, reading, seeds=seeds[:1], keep=keep, **how)
        raise KeyboardInterrupt

    monkeypatch.setattr(_columns, "run_row", interrupted)
    command = [
        "3a:T=100,N=3",
        "--trials",
        "2",
        "--cap",
        "200",
        "--n-jobs",
        "1",
        "--json",
        str(path),
    ]
    assert main(command) == 130
    assert "The same command runs the others" in capsys.readouterr().err
    assert [t["seed"] for t in Results(path).trials(GROUP)] == [0]


# ------------------------------------------------------------------------------------ the plan


@pytest.mark.parametrize("column", COLUMNS)
def test_the_plan_has_trials_and_caps_for_every_row(column):
    for row in ROWS:
        n, cap = planned(row, column)
        if column == "today":
            assert (n, cap) == (10, CAP_TODAY)
        else:
            assert (n, cap) == (max(row.n_trials, 16), int(3 * row.sequences))
        few, low = planned(row, column, quick=True)
        assert few == min(n, QUICK_TRIALS[column]) and 0 < low <= cap


def test_other_systems_have_a_plan_and_a_quick_one():
    for row, _ in _columns.baseline_rows().values():
        n, cap = planned_baseline(row)
        few, low = planned_baseline(row, quick=True)
        assert 1 == few <= n and 0 < low <= cap <= max(row.cap, 5_000_000)


def test_quick_runs_every_row_in_every_column(monkeypatch, capsys):
    ran = []
    some = complete(column_cell(ROW, "printed", n_trials=1, cap=1), Results())
    monkeypatch.setattr(
        "sklstm.paper.__main__.complete", lambda cell, *a, **k: ran.append(cell) or some
    )
    assert main(["all", "--quick", "--n-jobs", "2"]) == 0
    assert {(cell.about["row"], cell.about["column"]) for cell in ran} == {
        (row.name, column) for row in ROWS for column in COLUMNS
    }
    assert capsys.readouterr().out.count("3a:T=100,N=3") > len(ran)


def test_cells_of_a_search_run_side_by_side_if_each_fills_a_kernel(monkeypatch):
    ran = {}

    def complete(cell, results, *, n_jobs, progress):
        ran[cell.title] = n_jobs
        return result_of(cell, RAN)

    RAN = Results()
    for cell in search_cells("search/6b", n_trials=1, cap=1):
        RAN.begin(cell.group, 1)(trial(0, cap=1, seconds=0.0))
    monkeypatch.setattr("sklstm.paper.__main__.complete", complete)
    assert main(["search/6b", "--trials", "1", "--cap", "1", "--n-jobs", "2"]) == 0
    assert len(ran) == len(GRIDS["6b"]) and set(ran.values()) == {1}
    ran.clear()
    monkeypatch.setattr("sklstm.paper._kernel.lanes", 0)
    assert main(["search/6b", "--trials", "1", "--cap", "1", "--n-jobs", "2"]) == 0
    assert len(ran) == len(GRIDS["6b"]) and set(ran.values()) == {2}


def test_trials_that_columns_share_run_once_and_lines_keep_their_order(tmp_path, capsys):
    path = tmp_path / "all.json"
    command = ["6a", "--trials", "3", "--cap", "50", "--n-jobs", "2", "--json", str(path)]
    main([*command, "--column", "printed", "--column", "best"])
    (run,) = Results(path).runs
    assert sorted(run["seeds"]) == [0, 1, 2]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("6a")][-2:] == ["printed", "best"]


def test_a_quick_row_with_the_full_cap_has_the_first_trials_of_the_full_one():
    (row,) = select("6a")
    quick, full = (column_cell(row, "printed", quick=quick) for quick in (True, False))
    assert quick.group == full.group and quick.cap == full.cap
    assert [*quick.seeds] == [*full.seeds][:4]


def test_columns_that_have_the_same_trials_share_them():
    best = [row.name for row in ROWS if best_reading(row) == AS_PRINTED]
    assert best == ["6a"]
    for name in best:
        (row,) = select(name)
        assert column_cell(row, "best").group == column_cell(row, "printed").group
    groups = {row.name: column_cell(row, "today").group for row in select("1")}
    assert len(set(groups.values())) == 2  # nets; the rate is that of today
    assert groups["1:3x2,lr=0.1"] == groups["1:3x2,lr=0.5"] != groups["1:4x1,lr=0.5"]
    assert len({column_cell(row, "today").group for row in ROWS}) == 28


# ----------------------------------------------------------------------- results of cheap rows

# What four trials of three rows do. In the first steps of training all instruction sets agree in
# three digits. Later they round apart, and a trial may need another number of sequences. If a long
# digest changes, so does the fingerprint, and stored trials can no longer be repeated bit by bit.
FIGURES = ("seed", "success", "sequences", "first", "steps", "tests", "recent_wrong", "final_wrong")
SHORT = {"1:3x2,lr=0.5": 2000, "3a:T=100,N=3": 2000, "6a": 6000}  # caps
LONG = {"1:3x2,lr=0.5": 6000, "3a:T=100,N=3": 12_000, "6a": 20_000}
DIGEST = "e77d83fde110bd97"
LONG_DIGESTS = {  # of x86-64
    "avx512": "374efcf81914e24d",
    "avx2": "5d08331d6da6bc5e",
    "baseline": "9bf57e98667a241e",
    "portable": "9bf57e98667a241e",
}


def digest(caps, *, n_jobs=1, company=0, digits=5):
    """Digest of four trials of each row, while ``company`` more trials run."""
    lines = []
    for name, cap in caps.items():
        (row,) = select(name)
        trials = run_row(row, AS_PRINTED, seeds=range(4 + company), cap=cap, n_jobs=n_jobs)
        for found in trials[:4]:
            error = f"{found['recent_error']:.{digits}g}"
            lines.append(f"{name} {[found.get(key) for key in FIGURES]} {error}")
    return sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_the_results_of_three_cheap_rows_are_known_on_every_instruction_set():
    assert digest(SHORT, digits=3) == DIGEST


@pytest.mark.parametrize(("n_jobs", "company"), [(1, 0), (1, 7), (2, 0), (3, 7)])
def test_results_do_not_depend_on_processors_or_on_other_trials(n_jobs, company):
    found = digest(LONG, n_jobs=n_jobs, company=company)
    if platform.machine() not in ("x86_64", "AMD64"):
        assert found == digest(LONG)
    else:
        assert found == LONG_DIGESTS[_isa.name]


def test_results_do_not_depend_on_the_rows_that_run_beside_them():
    rows = [select(name)[0] for name in ("3b:T=100,N=1", "3c:T=100,N=3", "6a")]
    cells = [column_cell(row, "printed", n_trials=2, cap=500) for row in rows]
    beside = Results()
    Parallel(n_jobs=3, backend="threading")(delayed(complete)(cell, beside) for cell in cells)
    for cell in cells:
        alone = complete(cell, Results())
        assert figures(beside.trials(cell.group)) == figures(alone.trials)


def test_the_stored_trials_of_a_cheap_row_are_repeated():
    stored = Results(ROOT / "docs" / "paper_results.json")
    if fingerprint() not in {where.get("kernel") for where in stored.machines}:
        pytest.skip("the stored trials are those of another kernel")
    for name in ("6a", "3a:T=100,N=3"):
        cell = column_cell(select(name)[0], "printed", n_trials=4)
        found = complete(cell, Results())
        assert figures(found.trials) == figures(stored.trials(cell.group)[:4])

"""python -m sklstm.paper: what it runs, prints and refuses."""

from dataclasses import replace
from itertools import count

import pytest

from sklstm.paper import _run
from sklstm.paper.__main__ import main
from sklstm.paper._columns import baseline_rows, run_column
from sklstm.paper._continual import SYSTEMS
from sklstm.paper._nets import net_of
from sklstm.paper._plan import best_reading
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._results import Group, Results, read
from sklstm.paper._rows import ROWS, select


def test_list_tells_every_row(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in [*(row.name for row in ROWS), *baseline_rows(), "10,504 weights", "crg"]:
        assert name in printed


def test_a_row_is_run_printed_and_kept(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_run, "perf_counter", count().__next__)  # a second for each look at it
    path = tmp_path / "kept.json"
    command = ["3a:T=100,N=3", "--trials", "2", "--cap", "300", "--seed", "7", "--n-jobs", "1"]
    assert main([*command, "--json", str(path)]) == 0
    shown = capsys.readouterr()
    for part in ("3a:T=100,N=3  printed  102", "39,850", "0 of 2", "cap 300", "minutes on 1 proc"):
        assert part in shown.out
    assert "seed 8: 300 sequences" in shown.err
    kept = read(path)
    assert [trial["seed"] for trial in kept["trials"]] == [7, 8]
    for trial in kept["trials"]:
        assert (trial["row"], trial["column"], trial["reading"]) == ("3a:T=100,N=3", "1997", "")
        assert (trial["success"], trial["sequences"], trial["cap"]) == (False, 300, 300)
        assert trial["steps"] >= 300 * 100
        assert trial["seconds"] >= 1
    (run,) = kept["runs"]
    assert (run["seeds"], run["cap"], run["machine"]) == ([7, 8], 300, 0)
    assert {"processor", "cores", "python", "versions"} <= set(kept["machines"][0])


def test_a_column_or_an_experiment_that_there_is_not_is_an_error():
    row = select("6b")[0]
    with pytest.raises(KeyError, match="tomorrow"):
        run_column(row, "tomorrow", reading=AS_PRINTED, n_trials=0)
    with pytest.raises(KeyError, match="7"):
        net_of(replace(row, experiment="7"), AS_PRINTED)


def test_columns_and_readings_are_run_as_asked(tmp_path):
    path = tmp_path / "kept.json"
    command = ["4:T=100", "--trials", "1", "--cap", "3", "--n-jobs", "1", "--json", str(path)]
    main([*command, "--column", "printed", "--column", "best"])
    best = best_reading(select("4")[0]).words()
    assert [*Results(path).groups()] == [Group("4:T=100", "1997", r) for r in ("", best)]
    main([*command, "--reading", "rest=0.5,first_pair=never"])
    readings = [group.reading for group in Results(path).groups()]
    assert readings == ["", best, "rest=0.5,first_pair=never"]  # nothing was replaced


def test_the_continual_grammar_is_run_for_every_system(tmp_path, capsys):
    path = tmp_path / "kept.json"
    main(["crg", "--trials", "2", "--cap", "2", "--n-jobs", "2", "--json", str(path)])
    results = Results(path)
    assert [group.row for group in results.groups()] == [f"crg: {name}" for name in SYSTEMS]
    for group in results.groups():
        trials = results.trials(group)
        assert [trial["sequences"] for trial in trials] == [2, 2]
        assert all(trial["length"] >= 1 and not trial["good"] for trial in trials)
    shown = capsys.readouterr().out
    assert "  360  " in shown and "  424  " in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["7"], "there is no experiment '7'"),
        (["7"], "there is no experiment '7': 1, 2a, 2b, 2c, 3a, 3b, 3c, 4, 5, 6a, 6b."),
        (["guess"], "2a:CH. Also: all, list, crg, search"),
        (["4:T=7"], "no row of experiment 4 is 'T=7': 4:T=100, 4:T=500, 4:T=1000"),
        ([], "EXPERIMENT"),
        (["4", "--trials", "0"], "a whole number from 1 to 1,000,000,000,000, got '0'"),
        (["4", "--cap", "many"], "a whole number from 1 to 1,000,000,000,000, got 'many'"),
        (["4", "--seed", "-1"], "--seed"),
        (["4", "--seed", "2147483648"], "a whole number from 0 to 2147483647"),
        (["4", "--n-jobs", "0"], "a whole number from 1 to 1,000,000,000,000, got '0'"),
        (["4", "--column", "tomorrow"], "invalid choice: 'tomorrow'"),
        (["4", "--reading", "mood=good"], "'mood' is not a choice of a reading. Use one"),
        (["4", "--reading", "update=never"], "update must be one of sequence, step, got 'never'"),
        (["4", "--column", "today", "--reading", "rest=0.5"], "applies only to rows of the tables"),
        (
            ["crg", "--reading", "rest=0.5"],
            "applies only to rows of the tables, column printed",
        ),
        (["1:ELM", "--column", "today"], "argument --column: 1:ELM has no columns"),
        (["4", "--json", "no/such/folder/x.json"], "there is no folder no/such/folder"),
        (["4", "--reading", "rest=0.5", "--reading", "check=1"], "argument --reading: given twice"),
        (["4", "--cap", "9" * 23], "a whole number from 1 to 1,000,000,000,000"),
        (["4", "--json", "."], "is a directory. Choose the path of a file."),
        (["crg", "--quick"], "argument --quick: crg has no shorter plan"),
        (
            ["search/1:ELM"],
            "there is no 'search/1:ELM'. Searches: search, search/today,",
        ),
        (
            ["4", "--column", "best", "--reading", "rest=0.5"],
            "argument --reading: applies only to rows of the tables, column printed",
        ),
        (["4", "--reading", "rest"], "'rest' has no value. Use rest=VALUE."),
        (["4", "--baselines"], "argument --baselines: no other system was run on the task of 4"),
        (["2a:RNN"], "Other systems: 1:RTRL, 1:ELM"),
        (["1:RTRL", "--baselines"], "argument --baselines: applies only to rows of the tables"),
        (
            ["4:T=100", "--reading", "check=10,rest=0.5,target=legal"],
            "argument --reading: check, target would change nothing in 4:T=100",
        ),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    shown = capsys.readouterr()
    assert message in " ".join(shown.err.split())
    assert shown.out == ""

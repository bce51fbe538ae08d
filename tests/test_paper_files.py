"""Files of trials that other processes write, and files that are broken."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sklstm.paper.__main__ import main
from sklstm.paper._columns import column_cell, result_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._results import FORMAT, Group, Results
from sklstm.paper._rows import select

ROOT = Path(__file__).parents[1]
GROUP = Group("3a:T=100,N=3", "1997")


def trial(seed, success=True, sequences=100, cap=1000):
    return {"seed": seed, "success": success, "sequences": sequences, "cap": cap}


def test_the_trial_with_the_higher_cap_counts_whichever_file_has_it(tmp_path):
    low, high = Results(tmp_path / "low.json"), Results(tmp_path / "high.json")
    low.begin(GROUP, 500)(trial(0, False, 500))
    high.begin(GROUP, 60_000)(trial(0, True, 20_000))
    for own, known in ((low, high), (high, low)):
        both = Results(own.path, [Results(known.path)])
        assert [t["cap"] for t in both.trials(GROUP)] == [60_000]
        assert both.find(GROUP, 0, 60_000)["success"]


def test_a_process_with_an_old_trial_does_not_replace_a_new_one(tmp_path):
    path = tmp_path / "all.json"
    Results(path).begin(GROUP, 1000)(trial(0, False, 1000))
    first, second = Results(path), Results(path)
    second.begin(GROUP, 100_000)(trial(0, True, 70_000))
    first.begin(Group("6a", "1997"), 10)(trial(0, False, 10))
    assert Results(path).trials(GROUP)[0]["cap"] == 100_000
    assert len(Results(path).groups()) == 2


WRITER = """
import sys
from pathlib import Path
from sklstm.paper._results import Group, Results
path, first, n = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
keep = Results(path).begin(Group("3a:T=100,N=3", "1997"), 1000)
for seed in range(first, first + n):
    keep({"seed": seed, "success": True, "sequences": 100})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no lock of a folder")
def test_processes_that_write_one_file_at_once_lose_nothing(tmp_path):
    path, n = tmp_path / "all.json", 40
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, str(1000 * k), str(n)], cwd=ROOT) for k in range(3)]
    assert [writer.wait() for writer in writers] == [0] * 3
    results = Results(path)
    assert [t["seed"] for t in results.trials(GROUP)] == [
        1000 * k + seed for k in range(3) for seed in range(n)
    ]
    assert sorted(len(run["seeds"]) for run in results.runs) == [n] * 3


def test_a_file_that_is_gone_is_written_again_and_a_broken_one_is_renamed(tmp_path):
    path = tmp_path / "all.json"
    results = Results(path)
    keep = results.begin(GROUP, 1000)
    keep(trial(0))
    path.unlink()
    keep(trial(1))
    assert len(Results(path).trials(GROUP)) == 2
    path.write_text("{")
    with pytest.warns(UserWarning, match=r"is not a JSON file: .* It was renamed to .*\.broken"):
        keep(trial(2))
    assert len(Results(path).trials(GROUP)) == 3
    path.write_text("[")
    with pytest.warns(UserWarning, match=r"It was renamed to .*\.broken1"):
        keep(trial(3))
    assert len(Results(path).trials(GROUP)) == 4
    assert path.with_name("all.json.broken").read_text() == "{"
    assert path.with_name("all.json.broken1").read_text() == "["


TRIAL = {"row": "6a", "column": "1997", "reading": ""} | trial(0)
WHOLE = {"format": FORMAT, "machines": [], "runs": [], "trials": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a JSON file"),
        (b'{"format": 2', "is not a JSON file"),
        (b"\xff\xfe", "is not a JSON file"),
        (b"[]", "is not a file of trials in format 2"),
        (b'{"format": 2}', "is not complete: machines, runs, trials must be lists"),
        (json.dumps(WHOLE | {"trials": [{"seed": 1}]}).encode(), "is not complete"),
        *(
            (json.dumps(WHOLE | {"trials": [TRIAL | wrong]}).encode(), "is not complete")
            for wrong in ({"seed": "1"}, {"cap": None}, {"row": ["6a"]}, {"success": 1})
        ),
        (
            json.dumps(
                WHOLE
                | {
                    "runs": [
                        dict.fromkeys(("row", "column", "reading", "cap", "seeds"), 1)
                        | {"wall_seconds": 1.0, "machine": 3}
                    ]
                }
            ).encode(),
            "is not complete",
        ),
    ],
)
@pytest.mark.parametrize("option", ["--json", "--known"])
def test_a_file_that_is_no_file_of_trials_is_refused_by_name(
    option, content, message, tmp_path, capsys
):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(SystemExit):
        main(["6a", "--trials", "1", option, str(path)])
    error = capsys.readouterr().err
    assert f"argument {option}: {path} {message}" in error
    assert path.read_bytes() == content


def test_the_same_file_may_be_known(tmp_path, capsys):
    path = tmp_path / "all.json"
    command = ["6a", "--trials", "1", "--cap", "100", "--n-jobs", "1", "--json", str(path)]
    main(command)
    (run,) = Results(path).runs
    main([*command, "--known", str(path)])
    cell = column_cell(select("6a")[0], "printed", n_trials=1, cap=100)
    assert result_of(cell, Results(path)).wall_seconds == run["wall_seconds"]


def test_values_that_differ_a_little_are_different_readings():
    close = [AS_PRINTED.with_changes(f"accepted={x}").words() for x in ("0.3", "0.3000004")]
    assert close == ["accepted=0.3", "accepted=0.3000004"]

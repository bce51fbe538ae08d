"""The examples run and show what they say.

With ``SKLSTM_LONG=1`` the long ones run, too, as in `.ci/site`.
"""

import os
import re
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(
    script for folder in ("how_to", "paper") for script in (EXAMPLES / folder).glob("*.py")
)


@pytest.fixture(autouse=True)
def pictures():
    """Examples draw into memory. The fixture returns a function that lists the open figures."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield lambda: [pyplot.figure(number) for number in pyplot.get_fignums()]
    pyplot.close("all")


def run(name, capsys, *arguments):
    """What an example prints. It runs from another folder, as users may do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(os.sep)
        patch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


long = pytest.mark.skipif(
    os.environ.get("SKLSTM_LONG") != "1", reason="takes many seconds: SKLSTM_LONG=1"
)


def data_files():
    return {file.name for file in (EXAMPLES / "data").iterdir() if file.suffix in (".csv", ".npz")}


def test_gestures_of_unknown_people_are_told_apart(capsys, pictures):
    printed = run("how_to/gestures.py", capsys)
    accuracy = float(re.search(r"unknown people: ([\d.]+)", printed)[1])
    assert accuracy > 0.8
    assert float(re.search(r"linear model: ([\d.]+)", printed)[1]) < accuracy  # no order
    assert len(pictures()) == 2


def test_a_model_that_goes_on_learning_follows_the_change(capsys, pictures):
    printed = run("how_to/online_stream.py", capsys)
    first = re.findall(r"error ([\d.]+)$", printed, flags=re.MULTILINE)
    last = re.findall(r"error ([\d.]+), without further learning ([\d.]+)", printed)[-1]
    assert float(first[-1]) < float(first[0])
    assert float(last[0]) < float(last[1]) / 2
    assert len(pictures()) == 2


def test_relative_to_now_a_rising_series_is_forecast_best_and_another_only_near_by(
    capsys, pictures
):
    printed = run("how_to/climate_forecast.py", capsys)
    rows = re.findall(r"^  (\S.*?) +([\d.]+) +([\d.]+) +([\d.]+)$", printed, re.MULTILINE)
    of_co2, of_sea = (
        {label: np.array(row, float) for label, *row in part} for part in (rows[:4], rows[4:])
    )
    assert (of_co2["LSTM, relative"] < of_co2["LSTM"] / 3).all()
    assert all((of_co2["LSTM, relative"] <= row).all() for row in of_co2.values())
    assert of_sea["LSTM, relative"][0] < of_sea["LSTM"][0]  # a month ahead
    assert of_sea["LSTM, relative"][2] > of_sea["LSTM"][2]  # a year
    coverage = [float(share) / 100 for share in re.findall(r": (\d+)%, one", printed)]
    assert 0.6 < coverage[0] < 0.95
    assert coverage[1] < coverage[0]
    assert len(pictures()) == 3


@long
def test_numbers_that_attributions_call_important_decide(capsys, pictures):
    printed = run("how_to/explaining.py", capsys)
    assert float(re.search(r"Accuracy .*: ([\d.]+)", printed)[1]) > 0.95
    rows = re.findall(r"^  \D+ ([\d.]+) +([\d.]+) +([\d.]+)$", printed, re.MULTILINE)
    important, random, unimportant = np.array(rows, float)
    assert (important < random - 0.2).all() and (random <= unimportant).all()
    assert (np.diff(important) < 0).all()
    assert len(pictures()) == 3


@long
def test_the_winner_of_cross_validation_is_tested(capsys, pictures):
    printed = run("how_to/tuning.py", capsys)
    defaults, *tuned = (
        float(score) for score in re.findall(r"in cross-validation ([\d.]+)", printed)
    )
    assert min(tuned) > 0.9 and defaults > 0.8
    has_optuna = find_spec("optuna") is not None
    assert ("Optuna is not installed" in printed) is not has_optuna
    assert len(tuned) == len(pictures()) == 1 + has_optuna
    names = ["halving", "Optuna", "defaults"] if has_optuna else ["halving", "defaults"]
    winner = names[np.argmax([*tuned, defaults])]
    assert f"Best in cross-validation: {winner}\n" in printed
    rows = re.findall(r"test data, (.*): ([\d.]+), standard error ([\d.]+)", printed)
    assert [name for name, *_ in rows] == list(dict.fromkeys([winner, "defaults"]))
    assert all(float(score) > 0.93 and float(error) < 0.015 for _, score, error in rows)


def test_files_for_other_programs_predict_the_same(capsys, pictures):
    printed = run("how_to/export_serving.py", capsys)
    shares = dict(re.findall(r"^(.+): ([\d.]+)% of the predictions are equal", printed, re.M))
    assert shares["joblib"] == "100.0"
    assert all(float(share) > 99.5 for share in shares.values())
    assert ("skops" in shares) == (find_spec("skops") is not None)
    assert ("C header" in shares) == ("There is no C compiler" not in printed)
    guesses = re.search(r"utterance comes in: \[(.*)\]", printed)[1].split(", ")
    assert len(guesses) > 5
    assert len(pictures()) == 1


def test_predictions_go_beside_the_rows_of_a_long_table(capsys, pictures):
    printed = run("how_to/long_dataframe.py", capsys)
    errors = dict(re.findall(r"error of (.*\S) *: ([\d.]+) g", printed))
    assert list(errors) == ["same gain", "linear", "LSTM"]
    assert float(errors["LSTM"]) < float(errors["same gain"])
    table = re.findall(r"^ +1 +\d+ +\d+ +1 +([\d.]+) +\d+ +([\d.]+)$", printed, re.MULTILINE)
    weighed, forecast = np.array(table, float).T
    assert (abs(weighed - forecast) < 20).all()
    assert len(pictures()) == 1


@long
def test_workers_and_parts_return_what_one_call_returns(capsys, pictures):
    pytest.importorskip("distributed")
    printed = run("how_to/beyond_one_machine.py", capsys)
    assert re.findall(r"^Same .*: (\w+)$", printed, re.MULTILINE) == ["True"] * 6
    assert "Workers: 2\n" in printed
    workers, tasks = map(int, re.search(r"Tasks on (\d) workers: (\d+)", printed).groups())
    assert workers == 2 <= tasks <= 12
    assert float(re.search(r"difference of a parameter: (\S+)", printed)[1]) < 1e-9
    assert "The worker is gone: True\n" in printed
    summed, averaged = map(float, re.findall(r"training loss ([\d.]+)", printed))
    assert summed < averaged < 0.2  # fewer steps, but it learns
    accuracies = re.findall(r"Test accuracy of .*: ([\d.]+)", printed)
    assert len(accuracies) == 2 and min(map(float, accuracies)) > 0.9
    assert len(pictures()) == 2


def test_a_cell_remembers_the_second_symbol_of_a_string(capsys, pictures):
    printed = run("paper/embedded_reber.py", capsys)
    shares = [float(share) for share in re.findall(r"^Test strings .*: ([\d.]+)$", printed, re.M)]
    assert len(shares) == 2 and min(shares) > 0.95
    assert int(re.search(r"holds (\d+)%", printed)[1]) > 100 / 8  # more than its share
    assert len(pictures()) == 2


@long
def test_the_start_of_the_gates_matters_more_than_the_gradient(capsys, pictures):
    printed = run("paper/long_time_lags.py", capsys)
    guess = float(re.search(r"constant guess: ([\d.]+)", printed)[1])
    errors = [float(error) for error in re.findall(r"error at the end ([\d.]+)", printed)]
    assert len(errors) == 6
    assert max(errors[:4]) < guess / 10 < min(errors[4:])
    assert len(pictures()) == 2


def test_errors_vanish_in_logistic_units_and_stay_in_cells(capsys, pictures):
    printed = run("paper/error_flow.py", capsys)
    near, far = {}, {}
    for label, first, last in re.findall(
        r"^(.*\S) *: (\S+) after .*, (\S+) after 100", printed, re.M
    ):
        near[label], far[label] = float(first), float(last)
    assert all(far[label] < 1e-9 for label in far if label.startswith("logistic"))
    assert far["1997, truncated"] == near["1997, truncated"] > 0.01
    assert far["forget, truncated"] < near["forget, truncated"] * 1e-6
    kept = [float(share) for share in re.findall(r"bias \d: (\S+) of", printed)]
    assert kept == sorted(kept) and kept[-1] > 0.1
    assert len(pictures()) == 2


@long
def test_folds_of_people_are_harder_than_random_ones(capsys, pictures):
    printed = run("how_to/activity_recognition.py", capsys)
    people, random = (
        float(re.search(rf"{split}: ([\d.]+)", printed)[1]) for split in ("by people", "at random")
    )
    assert people < random - 0.05
    accuracy = {
        name: float(score) for name, score in re.findall(r"^(.*): accuracy ([\d.]+)", printed, re.M)
    }
    assert 0.6 < accuracy["LSTM"] < accuracy["random forest"]
    assert len(pictures()) == 2


def test_class_weights_find_more_of_the_rare_class(capsys, pictures):
    printed = run("how_to/label_every_step.py", capsys)
    rows = re.findall(r"^(.*?) +accuracy ([\d.]+), balanced ([\d.]+), .* ([\d.]+)$", printed, re.M)
    (plain, *of_plain), (balanced, *of_balanced), baseline, test = rows
    assert (plain, balanced, test[0]) == ("LSTM, None", "LSTM, balanced", "LSTM, balanced")
    accuracies, means, of_the_rare = np.array([of_plain, of_balanced], float).T
    assert accuracies[0] - 0.05 < accuracies[1] < accuracies[0]
    assert means[1] > means[0] and of_the_rare[1] > of_the_rare[0] + 0.08
    assert float(test[2]) > float(baseline[2])  # balanced accuracy
    assert len(pictures()) == 2


def test_intervals_are_widened_to_their_coverage(capsys, pictures):
    printed = run("how_to/forecast_intervals.py", capsys)
    plain, relative = map(float, re.findall(r"pinball loss ([\d.]+)", printed))
    assert relative < plain
    errors = list(map(float, re.findall(r"mean absolute error ([\d.]+)", printed)))
    assert errors[2] < min(errors[:2])  # the LSTM, a week before and ridge
    trained, widened = (
        int(re.search(rf"{state}: (\d+)%", printed)[1]) for state in ("as trained", "widened")
    )
    assert trained < 78 <= widened < 88
    assert int(re.search(r"coverage of a month: (\d+)%", printed)[1]) < 78
    assert len(pictures()) == 2


@long
def test_the_order_of_events_counts_and_n_grams_know_it_too(capsys, pictures):
    printed = run("how_to/event_logs.py", capsys)
    scores = re.findall(r"^(bag.*|LSTM.*): (0\.\d+)$", printed, re.M)
    on_test = {name: float(score) for name, score in scores[4:]}
    assert on_test["LSTM"] > on_test["bag of events"] + 0.05
    assert on_test["LSTM, both directions"] > on_test["bag of events"] + 0.05
    assert on_test["bag of n-grams"] > max(on_test["LSTM"], on_test["LSTM, both directions"])
    early = re.search(r"after 1 event ([\d.]+), after 4 ([\d.]+), after 10 ([\d.]+)", printed)
    assert float(early[1]) < float(early[2]) < float(early[3])
    assert len(pictures()) == 2


@long
def test_the_reason_of_gaps_decides_how_to_fill_them(capsys, pictures):
    printed = run("how_to/missing_values.py", capsys)
    score = {name: float(s) for name, s in re.findall(r"^(.*): (0\.\d+)$", printed, re.M)}
    complete = score.pop("complete recordings")
    assert len(score) == 10 and complete > score["lost packets, mean"]
    sent = {name.partition(", ")[2]: s for name, s in score.items() if name.startswith("send")}
    by_hold = min(s for name, s in sent.items() if name.startswith("forward"))
    assert by_hold > max(sent["mean"], sent["linear"])
    assert abs(complete - max(sent.values())) < 0.06
    assert "send on change: 86% of the values are missing" in printed
    tested = {name: float(s) for name, s in re.findall(r"^(.*): accuracy (0\.\d+)", printed, re.M)}
    lstm = {name.partition(",")[0]: s for name, s in tested.items() if "LSTM" in name}
    assert tested["lost packets, random forest"] > lstm["lost packets"]
    assert len(pictures()) == 2


def test_a_stream_that_learns_survives_the_change_of_the_clocks(capsys, pictures):
    printed = run("how_to/stream_drift.py", capsys)
    error = {
        name: float(e) for name, e in re.findall(r"^(.*): mean absolute error (\d+)", printed, re.M)
    }
    others = min(e for name, e in error.items() if name != "learning model")
    assert error["learning model"] < others / 1.3
    before_and_after = {
        name: (float(a), float(b))
        for name, a, b in re.findall(r"^(\S+) model: error (\d+) in .*, (\d+) from", printed, re.M)
    }
    assert before_and_after["frozen"][1] > 2 * before_and_after["frozen"][0]
    assert before_and_after["learning"][1] < 1.4 * before_and_after["learning"][0]
    assert len(pictures()) == 2


def test_every_example_is_tested():
    source = Path(__file__).read_text()
    assert SCRIPTS
    for script in SCRIPTS:
        assert f'"{script.parent.name}/{script.name}"' in source, script.name


def test_every_data_file_says_where_it_comes_from():
    described = (EXAMPLES / "data" / "README.md").read_text()
    assert data_files() == set(re.findall(r"^\| `([^`]+)`", described, re.MULTILINE))
    assert all((EXAMPLES / "data" / file).stat().st_size < 150_000 for file in data_files())


def test_data_files_are_what_the_packages_hold(tmp_path):
    files = runpy.run_path(str(EXAMPLES / "data" / "make.py"))["FILES"]
    assert set(files) == data_files()
    for name, write in files.items():
        try:
            write(tmp_path / name)
        except FileNotFoundError as missing:
            pytest.skip(str(missing))  # says which command downloads the package
        if name.endswith(".csv"):
            assert (tmp_path / name).read_bytes() == (EXAMPLES / "data" / name).read_bytes(), name

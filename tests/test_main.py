"""The main job: what it prints, what it writes, what it refuses before it trains."""

import subprocess
import sys

import joblib
import pytest

from sklstm.__main__ import STEP, main
from sklstm.datasets import load_japanese_vowels

# Training ends after three epochs, by the stop rule: without the warning of max_iter.
TINY = {
    STEP + "hidden_layer_sizes": [2, 3],
    STEP + "tol": [100.0],
    STEP + "n_iter_no_change": [1],
}


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty folder to run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_it_reports_data_progress_choice_accuracy_and_time(elsewhere, capsys):
    assert main([], TINY) == 0
    printed = capsys.readouterr().out
    for part in (
        "270 utterances for training and 370 for testing",
        "[CV 3/3] END",
        "Best parameters: hidden_layer_sizes=",
        "Test accuracy: 0.",
        "Loaded: predicts the same probabilities.",
        "Time: ",
    ):
        assert part in printed


def test_without_output_no_file_is_left(elsewhere, tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    main([], TINY)
    assert list(elsewhere.iterdir()) == []
    assert list(folder.iterdir()) == []


def test_output_is_the_only_file_and_holds_the_model(elsewhere, capsys):
    main(["--output", "speakers.joblib"], TINY)
    assert [file.name for file in elsewhere.iterdir()] == ["speakers.joblib"]
    X, y = load_japanese_vowels(split="test", return_X_y=True)
    accuracy = joblib.load("speakers.joblib").score(X, y)
    assert f"Test accuracy: {accuracy:.3f}" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_model_at_any_number_of_jobs(elsewhere):
    X, _ = load_japanese_vowels(split="test", return_X_y=True)

    def probabilities(*arguments):
        main([*arguments, "--output", "model.joblib"], TINY)
        return joblib.load("model.joblib").predict_proba(X)

    first = probabilities("--seed", "1", "--n-jobs", "1")
    assert (probabilities("--seed", "1", "--n-jobs", "2") == first).all()
    assert (probabilities("--seed", "2", "--n-jobs", "1") != first).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--n-jobs", "0"], "must not be 0"),
        (["--n-jobs", "many"], "invalid int value"),
        (["--seed", "-1"], "must be from 0"),
        (["--output", "."], "is a folder"),
        (["--output", "missing/model.joblib"], "there is no folder missing"),
    ],
)
def test_bad_arguments_are_refused_before_training(elsewhere, capsys, arguments, message):
    with pytest.raises(SystemExit, match="2"):
        main(arguments, TINY)
    assert message in capsys.readouterr().err


def test_help_is_what_python_m_shows():
    command = [sys.executable, "-m", "sklstm", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    for option in ("--n-jobs", "--output", "--seed"):
        assert option in shown.stdout

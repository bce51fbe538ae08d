"""The column "today": rows of the paper solved by its criteria, from fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import RandomState

from sklstm.datasets import reber_successors
from sklstm.paper._columns import complete, today_cell
from sklstm.paper._grids import TODAY_GRIDS
from sklstm.paper._results import Results
from sklstm.paper._rows import select
from sklstm.paper._search import today_cells
from sklstm.paper._today import MAX_SEQUENCES, REPORT, Settings, run_today
from sklstm.paper._today_tasks import Rule, count_wrong, find_task

PUBLISHED_WEIGHTS = [
    ("1", {"blocks": 4, "cells": 1}, 264),
    ("1", {"blocks": 3, "cells": 2}, 276),
    ("2a", {"p": 100}, 10504),
    ("2b", {"p": 100}, 10504),
    ("2c", {"q": 50, "p": 50}, 364),
    ("2c", {"q": 1000, "p": 1000}, 6064),
    ("3a", {"T": 1000, "N": 3}, 102),
    ("3b", {"T": 100, "N": 1}, 102),
    ("3c", {"T": 100, "N": 1}, 102),
    ("4", {"T": 1000}, 93),
    ("5", {"n_seq": 13}, 93),
    ("6a", {}, 156),
    ("6b", {}, 308),
]


class Oracle:
    """Predicts what it was told."""

    def __init__(self, proba):
        self.predict_proba = lambda X: proba


@pytest.mark.parametrize(
    ("experiment", "parameters"),
    [
        ("1", {"blocks": 4, "cells": 1}),
        ("2c", {"q": 50, "p": 50}),
        ("3a", {"T": 100, "N": 3}),
        ("3b", {"T": 100, "N": 3}),
        ("3c", {"T": 100, "N": 3}),
        ("4", {"T": 100}),
        ("5", {"n_seq": 140}),
        ("6a", {}),
        ("6b", {}),
    ],
)
def test_the_row_is_solved_by_the_papers_criterion(experiment, parameters):
    trial = run_today(experiment, parameters, seed=0, max_sequences=200_000)
    assert trial["success"]
    assert trial["test_wrong"] is not None


@pytest.mark.parametrize(("experiment", "parameters", "published"), PUBLISHED_WEIGHTS)
def test_the_net_has_as_many_weights_as_the_papers_within_a_factor_of_two(
    experiment, parameters, published
):
    rng = RandomState(0)
    task = find_task(experiment, parameters, rng)
    model = Settings().model(task, seed=0)
    model.partial_fit(
        *task.draw(2, rng), **({"classes": range(task.n_classes)} if task.n_classes else {})
    )
    assert published / 2 < model.n_parameters_ < published * 2


def test_one_seed_is_one_trial():
    first, second = (run_today("6a", {}, seed=3, max_sequences=4000) for _ in range(2))
    del first["seconds"], second["seconds"]
    assert first == second


def test_a_trial_that_reaches_its_limit_has_failed_and_has_no_test():
    trial = run_today("4", {"T": 100}, seed=0, max_sequences=500)
    assert not trial["success"]
    assert 500 <= trial["sequences"] < 500 + Settings().batch_size
    assert trial["test_wrong"] is trial["test_error"] is None
    assert trial["seed"] == 0 and MAX_SEQUENCES > 500


def test_a_failed_trial_says_how_much_was_wrong():
    reports = []
    trial = run_today(
        "1",
        {"blocks": 3, "cells": 2},
        seed=0,
        max_sequences=REPORT + 16,
        progress=lambda n, error: reports.append((n, error)),
    )
    # A string is right or wrong, so that the last error is a share.
    assert reports[-1] == (trial["sequences"], trial["share_wrong"])
    wrong = [trial["share_wrong"] * 512, trial["share_wrong_in_exam"] * 512]
    assert all(0 < n <= 512 and n == int(n) for n in wrong) and wrong[0] != wrong[1]
    without_exam = run_today("4", {"T": 100}, seed=0, max_sequences=160)
    assert 0 < without_exam["share_wrong"] <= 1 and "share_wrong_in_exam" not in without_exam
    assert "share_wrong" not in run_today("3a", {"T": 100, "N": 3}, seed=104)


def test_progress_is_told_the_sequences_and_the_recent_error():
    calls = []
    run_today("4", {"T": 100}, 0, 5000, lambda n, error: calls.append((n, error)))
    sequences, errors = zip(*calls, strict=True)
    assert list(sequences) == sorted(set(sequences)) and len(calls) == 3
    assert all(0 < error < 1 for error in errors)


@pytest.mark.parametrize(
    ("experiment", "parameters", "message"),
    [("7", {}, "one of 1, 2a"), ("4", {"N": 3}, "T, got N"), ("6a", {"T": 100}, "none, got T")],
)
def test_a_row_that_does_not_exist_is_an_error_that_says_what_does(experiment, parameters, message):
    with pytest.raises(ValueError, match=message):
        run_today(experiment, parameters, seed=0)


@pytest.mark.parametrize("row", TODAY_GRIDS)
def test_settings_of_the_search_train(row):
    for cell in today_cells(row, n_trials=1, cap=16):
        result = complete(cell, Results())
        assert [trial["seed"] for trial in result.trials] == [1000]
        assert result.trials[0]["sequences"] in (16, 32, 50)
    with pytest.raises(ValueError, match="'mood' is not a setting"):
        today_cell(select(row)[0], "mood=good", about={}, seeds=[0], cap=1)


def test_a_rule_counts_errors_of_the_tolerance_and_more_and_wants_the_mean_below():
    errors = np.array([0.0, 0.1, 0.2, 0.3])
    assert count_wrong(errors, 0.2) == 2
    assert Rule(4, wrong=2).holds(errors, 0.2)
    assert not Rule(4, wrong=1).holds(errors, 0.2)
    assert Rule(4, wrong=2, mean=0.151).holds(errors, 0.2)
    assert not Rule(4, wrong=2, mean=0.15).holds(errors, 0.2)


def test_2a_is_judged_at_every_step_and_2b_at_the_last_one():
    for experiment, expected in (("2a", 0.9), ("2b", 0.2)):
        task = find_task(experiment, {"p": 4}, RandomState(0))
        X, y = task.draw(1, RandomState(0))
        proba = np.full((1, 4, 5), 0.05)
        np.put_along_axis(proba, y[:, :, None], 0.8, axis=2)
        proba[0, 0, y[0, 0]] = 0.6
        proba[0, 1, y[0, 1]] = 0.1
        np.testing.assert_allclose(task.errors(Oracle(proba), X, y), [expected])


def test_experiment_1_is_judged_by_the_order_of_outputs_and_a_tie_is_wrong():
    task = find_task("1", {"blocks": 4, "cells": 1}, RandomState(0))
    X, y = task.draw_exam(512, RandomState(0))
    assert len(X) == task.exam.n == 512
    legal = [may.astype(float) for may in reber_successors(X)]
    assert not task.errors(Oracle(legal), X, y).any()
    legal[5][2] = 0.5  # all outputs the same
    legal[7][3] = 1 - legal[7][3]
    assert np.flatnonzero(task.errors(Oracle(legal), X, y)).tolist() == [5, 7]


def test_the_strings_of_the_test_of_experiment_1_are_not_among_those_of_training():
    task = find_task("1", {"blocks": 4, "cells": 1}, RandomState(1))
    strings = [x.tobytes() for x in task.draw_exam(512, RandomState(0))[0]]
    assert not set(strings[:256]) & set(strings[256:])
    picked = {x.tobytes() for x in task.draw(1000, RandomState(0))[0]}
    assert picked <= set(strings[:256])


def test_the_exam_of_3c_is_about_targets_without_noise():
    task = find_task("3c", {"T": 100, "N": 1}, RandomState(0))
    targets = task.draw_exam(50, RandomState(0))[1]
    assert set(targets.tolist()) == set(np.array([0.2, 0.8], "float32").tolist())
    assert len(set(task.draw(50, RandomState(0))[1].tolist())) == 50

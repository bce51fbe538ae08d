"""Rows, readings and results of the paper, and three experiments that are solved."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm.datasets import make_long_lag, make_temporal_order, make_two_sequence
from sklstm.paper._columns import baseline_rows, complete, run_baseline
from sklstm.paper._continual import SYSTEMS
from sklstm.paper._grids import GRIDS, OTHER_GRIDS, TODAY_GRIDS
from sklstm.paper._nets import ContinualNet, LateCellNet, net_of
from sklstm.paper._plan import best_reading
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._report import HEADINGS, cells, number, summary, table
from sklstm.paper._results import Result, Results
from sklstm.paper._rows import EXPERIMENTS, ROWS, select
from sklstm.paper._run import run_row
from sklstm.paper._search import search_cells, search_names

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


# ---------------------------------------------------------------------------------- nets


@every_row
def test_nets_have_the_published_number_of_weights(row):
    assert net_of(row, AS_PRINTED).n_weights == row.weights


def test_weights_are_those_of_the_paper():
    weights = {name: sorted({row.weights for row in select(name)}) for name in EXPERIMENTS}
    assert weights == {
        "1": [264, 276],
        "2a": [10_504],
        "2b": [10_504],
        "2c": [364, 664, 1264, 3064, 6064],
        "3a": [102],
        "3b": [102],
        "3c": [102],
        "4": [93],
        "5": [93],
        "6a": [156],
        "6b": [308],
    }


def test_the_net_of_gers_has_424_weights():
    assert ContinualNet(4, 2, 7, 7).n_weights == 424
    assert SYSTEMS["forget gates"].net.n_weights == 424
    assert ContinualNet(4, 2, 7, 7, forget=False).n_weights == 424 - 4 * 16


GATE_BIASES = {
    "1": {"output": (-1, -2, -3, -4)},
    "3": {"input": (-1, -3, -5), "output": (-2, -4, -6)},
    "4": {"input": (-3, -6)},
    "6": {"input": (-2, -4, -6)},
}
BIASED = {"1": "gates", "2": None, "3": "hidden", "4": "all", "5": "all", "6": "all"}


@every_row
def test_nets_start_as_table_10_says(row):
    scale = 0.2 if row.experiment[0] in "12" else 0.1
    net = net_of(row, AS_PRINTED)
    vector = net.vector(1)
    assert (vector != net.vector(2)).any()
    if isinstance(net, LateCellNet):
        assert 0.99 * scale < np.abs(vector).max() <= scale
        return
    model = net.initial(1)
    layer, biased = model._topology.stack[0], BIASED[row.experiment[0]]
    bias = layer.views(vector)["bias"]
    drawn = model._topology.trainable.copy()
    for gate in ("input", "output"):
        known = GATE_BIASES.get(row.experiment[0], {}).get(gate, ())[: row.net.blocks]
        rows = layer.gate_rows(gate)
        if known:
            assert_array_equal(bias[rows], known)
            layer.views(drawn)["bias"][rows] = False
        else:
            assert (bias[rows] != 0).all() == (biased is not None)
    assert (bias[layer.cell_rows] != 0).all() == (biased in ("hidden", "all"))
    assert (model._topology.output_bias(vector) != 0).all() == (biased == "all")
    assert 0.9 * scale < np.abs(vector[drawn]).max() <= scale
    assert abs(vector[drawn].mean()) < 5 * scale / sqrt(3 * drawn.sum())


def test_gate_biases_of_gers_hold_a_state_at_first():
    steps = np.array([0.5, 1, 1.5, 2])
    for forget in (True, False):
        net = ContinualNet(4, 2, 7, 7, forget=forget)
        bias = net.vector(0)[net.places(symbols=False, feedback="cells").hidden[:, 0]]
        assert_array_equal(bias[:4], -steps)
        assert_array_equal(bias[-4:], -steps)
        assert_array_equal(bias[4:8], steps if forget else 1000)
        assert_array_equal(bias[8:16], 0)


# ---------------------------------------------------------------------- rows and readings


@every_row
def test_a_row_is_selected_by_its_name(row):
    assert select(row.name) == [row]


@pytest.mark.parametrize(
    ("request_", "n"),
    [("all", 31), ("1", 5), ("2c", 9), ("4", 3), ("1:3x2", 3), ("1:3x2,lr=0.5", 1)]
    + [("2c:q=1000", 5), ("2c:p=50", 2), ("3a:N=3", 2), ("3a:T=100,N=3", 1), ("5:n_seq=13", 1)],
)
def test_rows_are_selected_by_the_columns_of_their_table(request_, n):
    assert len(select(request_)) == n


@pytest.mark.parametrize("request_", ["4:T=7", "4:x=None", "1:5x5", "6a:T=100", "3a:T=100,N=2"])
def test_a_row_that_there_is_not_is_told_with_those_there_are(request_):
    name, conditions = request_.split(":")
    with pytest.raises(ValueError, match=f"no row of experiment {name} is '{conditions}': {name}"):
        select(request_)


def test_an_experiment_that_there_is_not_is_told_with_those_there_are():
    with pytest.raises(ValueError, match="no experiment '7': 1, 2a, 2b, 2c, 3a"):
        select("7:T=100")


def test_the_reading_of_no_changes_is_as_printed():
    assert AS_PRINTED.with_changes("") == AS_PRINTED
    assert AS_PRINTED.changed() == {}


def test_a_reading_changes_what_it_names():
    text = "update=step,rest=0.5,biased_outputs=yes,check=10,first_pair=never,growth_gain=0"
    changed = AS_PRINTED.with_changes(text).changed()
    assert changed == {
        "update": "step",
        "rest": 0.5,
        "biased_outputs": True,
        "check": 10,
        "first_pair": "never",
        "growth_gain": 0.0,
    }
    assert isinstance(changed["check"], int)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "upgrade=step",
            "'upgrade' is not a choice of a reading. Use one of update, feedback, rest",
        ),
        ("update=never", "update must be one of sequence, step, got 'never'"),
        ("update", "'update' has no value. Use update=VALUE."),
        ("update=", "update must be one of sequence, step, got ''"),
        ("distinct=maybe", "distinct must be yes or no, got 'maybe'"),
        ("check=often", "check must be a number, got 'often'"),
        ("check=0", "check must be between 1 and 10,000,000, got 0"),
        ("rest=-1", "rest must be between 0 and 1, got -1"),
        ("rest=nan", "rest must be between 0 and 1, got nan"),
        ("accepted=2", "accepted must be between 0 and 1, got 2"),
        ("bias_decay=5", "bias_decay must be between 0 and 1, got 5"),
        ("growth_window=1000000000000", "growth_window must be between 1 and 10,000,000"),
        ("rest=0.5,rest=0.4", "rest is given twice"),
    ],
)
def test_a_reading_that_there_is_not_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        AS_PRINTED.with_changes(text)


def test_best_readings_and_those_of_the_search_are_readings():
    assert {row.experiment for row in ROWS if best_reading(row).changed()} <= set(EXPERIMENTS)
    for name, texts in GRIDS.items():
        assert len(select(name)) == 1
        assert len({AS_PRINTED.with_changes(text) for text in texts}) == len(texts)


def test_a_search_tries_a_reading_on_a_row():
    cells = search_cells("search/4:T=100", n_trials=1, cap=1)
    assert len(cells) == len(GRIDS["4:T=100"])
    (cell,) = (cell for cell in cells if cell.group.reading == "stop=error,first_pair=never")
    result = complete(cell, Results())
    assert (result.row, result.reading) == ("4:T=100", "stop=error,first_pair=never")
    assert result.column == result.reading  # as the table of the command line shows it
    assert len(result.trials) == 1


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("search", sum(map(len, [*GRIDS.values(), *OTHER_GRIDS.values(), *TODAY_GRIDS.values()]))),
        ("search/today", sum(map(len, TODAY_GRIDS.values()))),
        ("search/2a:CH", len(OTHER_GRIDS["2a:CH"])),
        ("search/today/2b:p=100", len(TODAY_GRIDS["2b:p=100"])),
    ],
)
def test_a_search_has_different_groups_with_seeds_and_caps(name, n):
    cells = search_cells(name)
    assert name in search_names()
    assert len({cell.group for cell in cells}) == len(cells) == n
    assert all(cell.cap > 0 and len(cell.seeds) > 0 for cell in cells)


def test_the_search_knows_every_experiment_and_the_long_rows():
    assert {name.partition(":")[0] for name in GRIDS} >= set(EXPERIMENTS) - {"6a"}  # it agrees
    assert {"3b:T=1000,N=1", "4:T=1000"} <= set(GRIDS)
    with pytest.raises(KeyError, match="search/9"):
        search_cells("search/9")


@pytest.mark.parametrize("row", OTHER_GRIDS)
def test_settings_of_other_systems_change_their_trials(row):
    run = baseline_rows()[row][1]

    def figures(changes):
        trial = run(row, 0, 600, changes)
        return {name: value for name, value in trial.items() if name != "seconds"}

    plain = figures("")
    for changes in (changes for changes, *_ in OTHER_GRIDS[row] if changes):
        assert figures(changes)["sequences"] <= 600
    with pytest.raises(ValueError, match="'mood' is not a setting"):
        run(row, 0, 100, "mood=good")
    assert figures("") == plain


def test_settings_of_today_are_those_of_the_estimator():
    cells = {cell.group.reading: cell for cell in search_cells("search/today/4:T=100", cap=32)}
    (changes,) = (text for text in cells if "truncated" in text)
    result = complete(cells[changes], Results())
    assert [trial["seed"] for trial in result.trials] == [1000, 1001, 1002, 1003]
    assert result.column == changes
    assert all(trial["sequences"] == 50 for trial in result.trials)  # a batch


# ------------------------------------------------------------------------------ figures


def trials(successes, failures=0, **more):
    made = [{"success": True, "sequences": n, "seconds": 1.0, **more} for n in successes]
    return made + [{"success": False, "sequences": 999, "seconds": 1.0}] * failures


def test_a_summary_is_about_successful_trials():
    figures = summary(trials([1, 2, 3], 1, final_wrong=4))
    assert (figures["n_trials"], figures["n_success"], figures["success"]) == (4, 3, 0.75)
    assert figures["mean"] == 2
    assert figures["range"] == [1, 3]
    assert figures["seconds"] == 4.0
    assert figures["mean_final_wrong"] == 4
    half = 4.302652729911275 / sqrt(3)  # Student, 2 degrees of freedom; standard deviation 1
    assert figures["mean_interval"] == pytest.approx([2 - half, 2 + half])


@pytest.mark.parametrize(
    ("n", "k", "interval"),
    # Clopper & Pearson: 1 - 0.025^(1/10) at the ends
    [(10, 10, (0.69150, 1)), (10, 0, (0, 0.30850)), (10, 5, (0.18709, 0.81291))],
)
def test_the_interval_of_a_rate_is_exact(n, k, interval):
    figures = summary(trials([7] * k, n - k))
    assert figures["success_interval"] == pytest.approx(interval, abs=5e-6)


def test_there_is_no_mean_without_success_and_no_interval_of_one():
    none, one = summary(trials([], 3)), summary(trials([5], 1))
    assert none["mean"] is none["mean_interval"] is none["range"] is None
    assert one["mean"] == 5
    assert one["mean_interval"] is None


def result(row="4:T=100", column="printed", made=None, **changes):
    figures = summary(made or trials([1000, 3000], final_wrong=2))
    known = Result(
        experiment=row.partition(":")[0],
        row=row,
        column=column,
        weights=93,
        published_sequences=74_000,
        published_success=1.0,
        published_trials=10,
        published={"wrong": 1},
        cap=222_000,
        wall_seconds=1.0,
        summary=figures,
        verdict="so it goes",
        kind="agree",
        trials=[],
    )
    return replace(known, **changes)


def test_a_table_has_a_line_for_each_result():
    other = result("4:T=500", made=trials([], 3), published_success=None)
    lines = table([result(), other]).splitlines()
    assert len(lines) == 3
    assert lines[0].split()[:3] == ["row", "column", "weights"]
    told = cells(result())
    assert len(told) == len(HEADINGS)
    assert told[3:5] == ["74,000", "2,000"]
    assert told[6:9] == ["1,000 to 3,000", "100%", "2 of 2"]
    assert told[10:] == ["2.0 wrong (1)", "so it goes"]
    assert cells(other)[4:9] == ["-", "-", "-", "-", "0 of 3"]
    markdown = table([result(), other], markdown=True).splitlines()
    assert len(markdown) == 4
    assert {line.count("|") for line in markdown} == {len(HEADINGS) + 1}
    assert set(markdown[1]) == set("|- ")


def test_numbers_have_separators_and_words_stay():
    assert [number(n) for n in (1234567, 3.6, None, ">5", float("inf"))] == [
        "1,234,567",
        "4",
        "-",
        ">5",
        "-",
    ]


# -------------------------------------------------------------------------- other systems


def test_rows_of_a_file_have_different_names():
    labels = [row.label for row, _ in baseline_rows().values()]
    assert len(set(labels)) == len(labels)
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_other_systems_run_the_trials_of_the_plan():
    assert len(run_baseline("guessing/parity/A2", cap=1).trials) == 10


# --------------------------------------------------------------------------------- trials


@pytest.mark.parametrize("name", ["1:4x1,lr=0.5", "2a", "3b:T=100,N=3", "6a"])
def test_trials_are_the_same_on_any_number_of_processors(name):
    (row,) = select(name)
    one, two = (run_row(row, AS_PRINTED, n_trials=11, cap=150, n_jobs=n, seed=5) for n in (1, 2))
    for trial in one + two:
        del trial["seconds"]
    assert one == two
    assert [trial["seed"] for trial in one] == list(range(5, 16))
    # a trial is known by its seed: trial 4 of these is trial 0 of others
    (other,) = run_row(row, AS_PRINTED, seeds=[9], cap=150)
    del other["seconds"]
    assert other == one[4]


def test_a_cap_is_three_times_the_published_mean(monkeypatch):
    caps = []

    def run_nothing(row, reading, group, cap, **others):
        caps.append(cap)
        return []

    monkeypatch.setattr("sklstm.paper._run._run_group", run_nothing)
    for row in ROWS:
        run_row(row, AS_PRINTED)
    assert set(caps) == {int(3 * row.sequences) for row in ROWS}


# ------------------------------------------------- three experiments that are solved in seconds


def solved(name, changes=""):
    """Two trials of a row, solved by the paper's criterion; a model of each, and the trials."""
    (row,) = select(name)
    reading = AS_PRINTED.with_changes(changes)
    found = run_row(row, reading, n_trials=2, seed=0, keep_vectors=True)
    assert [trial["success"] for trial in found] == [True, True]
    assert all(0 < trial["sequences"] < 3 * row.sequences for trial in found)
    models = []
    for trial in found:
        model = net_of(row, reading).initial(0)
        model.parameters_[:] = trial["vector"]
        models.append(model)
    return models, found


def test_temporal_order_6a_is_solved():
    models, found = solved("6a")
    X, y = make_temporal_order(1000, n_relevant=2, targets="one_hot", random_state=0)
    for model, trial in zip(models, found, strict=True):
        assert trial["final_wrong"] <= 10
        assert trial["recent_error"] < 0.1
        assert np.mean(np.abs(model.predict(X) - y).max(axis=1) < 0.3) > 0.99


def test_two_sequences_3a_are_solved():
    models, found = solved("3a:T=100,N=3")
    X, y = make_two_sequence(1000, n_informative=3, random_state=0)
    for model, trial in zip(models, found, strict=True):
        assert 0 < trial["first"] <= trial["sequences"]
        errors = np.abs(model.predict(X) - y)
        assert np.mean(errors < 0.2) > 0.98
        assert errors.mean() < 0.02


def test_a_long_lag_2c_is_solved_without_feedback():
    models, _ = solved("2c:q=50,p=50", "feedback=none")
    X, y = make_long_lag(1000, lag=50, n_distractors=50, targets="one_hot", random_state=0)
    for model in models:
        model._topology.stack[0].views(model.parameters_)["recurrent"][:] = 0
        assert (np.abs(model.predict(X) - y) < 0.2).all()

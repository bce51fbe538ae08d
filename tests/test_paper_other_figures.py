"""Figures in the text about the other systems, today's settings, lags and the continual grammar."""

import numpy as np
import pytest
from paper_pages import DOCS, PAGES, RESULTS, SEARCH, mean, prose, words

from sklstm.paper._columns import baseline_cell, result_of
from sklstm.paper._continual import continual_cell, streams_of
from sklstm.paper._results import Group, Results
from sklstm.paper._search import other_cells, today_cells


def claims_about_the_other_systems():
    cascade = result_of(baseline_cell("1:RCC"), RESULTS)
    yield f"**RCC** succeeds in {words(cascade)} trials, in the source in three of six."
    failed = [trial for trial in cascade.trials if not trial["success"]]
    assert {trial["hidden"] for trial in failed} == {15}
    assert all(trial["sequences"] < cascade.cap for trial in failed)
    yield f"All {len(failed)} other trials reached the largest number of units, 15, before the cap."
    grown = sorted({trial["weights"] for trial in cascade.trials if trial["success"]})
    yield f"| here | {grown[0]}–{grown[-1]} | {words(cascade)} |"  # not those of nets that failed
    (wide,) = (c for c in other_cells("1:RCC") if c.group.reading == "n_candidates=32")
    wide = result_of(wide, SEARCH)
    yield (
        f"With 32 candidates for each unit instead of 8, {words(wide)} trials succeed, after "
        f"{mean(wide)} presentations on average."
    )
    chunker = result_of(baseline_cell("2a:CH"), RESULTS)
    assert words(chunker) == "18 of 18"
    yield (
        f"All 18 trials succeed, in the source a third of 18, but after "
        f"{chunker.summary['mean'] / 32_400:.1f} times the published number of sequences."
    )
    fast = settings("1:RTRL/12")["learning_rate=0.2"]
    yield (
        f"With a rate of 0.2 instead of 0.1, {words(fast)} nets with 12 units learn it, after "
        f"{mean(fast)} strings."
    )
    whole = {changes: r for changes, r in settings("2a:CH").items() if "p=" not in changes}
    assert len(whole) == 7  # "Of seven other settings"
    solved = {changes: r for changes, r in whole.items() if r.summary["n_success"]}
    assert {words(result) for result in solved.values()} == {"4 of 4"}
    low, high = map(mean, solved.values())
    yield f"two also succeed in all trials, after {low} and {high} sequences."
    quiet = [
        settings(f"guessing/2-sequence/{net}")["noise=0.2"]
        for net in ("A2", "A1, n = 1", "3 parameters")
    ]
    assert {words(result) for result in quiet} == {"10 of 10"}
    yield "solves the first after {}, {} and {} guesses".format(*map(mean, quiet))


def settings(row):
    """Results of the settings of a row that were tried, by their words."""
    return {cell.group.reading: result_of(cell, SEARCH) for cell in other_cells(row)}


def claims_about_today():
    def searched(row, changes):
        wanted = Group(row, "today", changes)
        (cell,) = (cell for cell in today_cells(row) if cell.group == wanted)
        return result_of(cell, SEARCH).summary

    for row in ("3a:T=100,N=3", "4:T=100", "5:n_seq=140"):
        ratio = searched(row, "batch_size=32")["mean"] / searched(row, "")["mean"]
        assert 1.2 < ratio < 2.05  # "32 needed up to twice the sequences"
    for row in ("4:T=100", "5:n_seq=140"):
        assert searched(row, "learning_rate=0.02")["mean"] < searched(row, "")["mean"]
    assert searched("3b:T=1000,N=1", "learning_rate=0.02")["n_success"] == 1  # of 2
    for row in ("3b:T=1000,N=1", "4:T=100", "4:T=1000"):
        (open_,) = (cell for cell in today_cells(row) if "input_bias=0" in cell.group.reading)
        assert result_of(open_, SEARCH).summary["n_success"] == 0
    both = ("1:3x2,lr=0.1", "1:4x1,lr=0.1")
    closed, usual = (
        [searched(row, changes) for row in both] for changes in ("input_bias_short=-0.5", "")
    )
    assert all(a["mean"] < b["mean"] for a, b in zip(closed, usual, strict=True))  # "sooner"
    n, m = (sum(figures["n_success"] for figures in parts) for parts in (closed, usual))
    yield f"With an input-gate bias of -0.5, {n} of 16 trials of experiment 1 are solved, and"
    yield f"with the settings of the column, {m} of 16."


def claims_about_the_continual_grammar():
    grammar = result_of(continual_cell("forget gates"), RESULTS)
    low, high = grammar.summary["success_interval"]
    yield (
        f"With forget gates {words(grammar)} nets are perfect, more than the published 18 % "
        f"(the 95 % interval is {100 * low:.0f} to {100 * high:.0f} %)."
    )
    rest = streams_of(grammar.trials)
    assert rest["good"] == 0
    n = sum(not trial["success"] for trial in grammar.trials)
    yield (
        f"here there is none among the {n} that are not perfect, and their streams end after "
        f"{rest['rest_length']:.0f} symbols instead of 145."
    )
    falling = result_of(continual_cell("forget gates, falling rate"), RESULTS)
    low, high = falling.summary["success_interval"]
    yield (
        f"With a falling rate {words(falling)} nets are (published: 62 %; {100 * low:.0f} to "
        f"{100 * high:.0f} %)."
    )
    plain = result_of(continual_cell("standard LSTM"), RESULTS)
    assert streams_of(plain.trials)["good"] == 0 and plain.summary["n_success"] == 0
    length = streams_of(plain.trials)["rest_length"]
    yield "no net without forget gates is perfect or good"
    yield f"Test streams of the standard net end after {length:.0f} symbols on average, as"


CLAIMS = [
    *claims_about_the_other_systems(),
    *claims_about_today(),
    *claims_about_the_continual_grammar(),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim[:50])
def test_the_text_has_the_figures_of_the_results(claim):
    assert any(claim in prose(page) for page in PAGES)


def test_the_text_about_lags_is_what_the_trials_of_the_picture_say():
    lags = Results(DOCS / "paper_lags.json")
    solved, means, caps = {}, {}, {}
    for group in lags.groups():
        (family, lag), system = group.row.split(", lag "), group.reading.partition(":")[0]
        trials, lag = lags.trials(group), int(lag)
        assert len(trials) == 10  # "Ten trials for each lag and system"
        right = [trial["sequences"] for trial in trials if trial["success"]]
        if right:
            solved.setdefault((family, system), {})[lag] = len(right)
            means.setdefault((family, system), {})[lag] = np.mean(right)
        failed = {trial["cap"] for trial in trials if not trial["success"]}
        caps.setdefault((family, lag), set()).update(failed)
    # "At each lag all systems have the same cap", and no system needs more
    assert all(len(cap) <= 1 for cap in caps.values())
    page, readings = prose("paper"), prose("paper_readings")

    short = {5: 10, 10: 10, 20: 10}
    assert solved["2a", "LSTM, as printed"] == short | {50: 1, 100: 4}
    assert (caps["2a", 50], caps["2a", 100]) == ({1_000_000}, {500_000})
    assert (
        "all of ten nets learn lags of 5, 10 and 20, but only one of ten learns lag 50" in readings
    )
    assert "within 1,000,000 sequences, and four learn lag 100 within 500,000" in readings
    assert "As printed it learns lag 50 in 1 of 10 trials and lag 100 in 4." in page
    assert solved["2a", "CH"] == short | {50: 10, 100: 10}
    chunker = means["2a", "CH"]
    assert all(0.9 < chunker[100] / chunker[lag] / (100 / lag) ** 2 < 1.1 for lag in (20, 50))
    assert "The chunker succeeds up to lag 100 in all trials, but the number of" in page
    assert "grows about as the square of the lag, so that the cap at lag 200 is too low" in page
    assert caps["2a", 200] == {250_000}
    assert solved["2a", "LSTM, best reading"] == short | {50: 10, 100: 10, 200: 10}
    assert "best reading succeeds up to lag 200 in all trials, and" in page
    assert caps["2a", 500] == {100_000}
    assert "At lag 500 it fails within the cap of 100,000." in page
    assert not {("2a", system) for system in ("BPTT", "RTRL", "ELM")} & set(solved)
    assert caps["2a", 5] == caps["2a", 10] == {5_000_000}
    assert "learn neither lag 5 nor lag 10 within 5,000,000 sequences." in page
    assert solved["2c", "BPTT"] == {5: 3, 10: 1}
    assert "BPTT learns lags 5 and 10 in 3 and 1 of 10 trials" in page
    assert not {("2c", system) for system in ("ELM", "CH")} & set(solved)
    assert max(solved["2c", "LSTM, as printed"]) == 100
    assert solved["2c", "LSTM, as printed"][100] == 1
    assert "LSTM as printed succeeds up to lag 100, where 1 of 10 nets learns the task." in page
    every = (5, 10, 20, 50, 100, 200, 500, 1000)
    assert solved["2c", "LSTM, best reading"] == dict.fromkeys(every, 10)
    silent = means["2c", "LSTM, best reading"]
    assert f"the number of sequences grows to {silent[1000] / silent[5]:.1f} times that" in page

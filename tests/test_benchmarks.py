"""The benchmarks' own arithmetic, at sizes that take no time and without the peers."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import limits, machine, memory, peak, profile, speed
from benchmarks.contenders import check_agreement
from benchmarks.peers import steps_first
from benchmarks.processes import Runner, best, race
from benchmarks.work import LONGEST, SHORTEST, Sklstm, Work

TINY = Work("training", 3, 5, 2, 4)


class Clock:
    """A process whose contenders take the time they are told; it writes down who ran."""

    def __init__(self, **seconds):
        self.seconds, self.ran = seconds, []

    def call(self, key, what, n):
        self.ran.append(key)
        return self.seconds[key.split()[0]]


@pytest.mark.parametrize("gradient", ["full", "truncated"])
def test_a_fit_does_whole_epochs_and_says_how_many_steps_that_were(gradient):
    ours = Sklstm(TINY, 1, gradient)
    assert TINY.n_batches == 64
    assert ours.run(1) == 64
    assert ours.run(65) == 128
    assert ours.model.n_iter_ == 2


def test_a_step_from_the_common_parameters_follows_the_gradient_of_their_loss():
    _, y = TINY.batches()[0]
    before = TINY.parameters()
    model = Sklstm(Work("inference", 3, 5, 2, 4), 1)
    assert model.outputs().dtype == np.float32
    loss, after = Sklstm(TINY, 1, rate=1.0).learn_once()
    error = model.outputs() - y
    assert np.isclose(loss, 0.5 * (error**2).mean(), rtol=1e-5)
    slope = after["output_bias"] - before["output_bias"]
    assert np.allclose(slope, -error.mean(), rtol=1e-4)
    assert model.run(3) == 3


def test_ragged_work_has_sequences_of_all_lengths_and_peers_get_them_padded():
    batches = Work("training", 8, None, 2, 4).batches()
    lengths = [len(x) for X, _ in batches for x in X]
    assert min(lengths) >= SHORTEST and max(lengths) <= LONGEST and len(set(lengths)) > 50
    X = batches[0][0]
    padded, last = steps_first(X)
    for k, x in enumerate(X):
        assert last[k] == len(x) - 1
        assert (padded[: len(x), k] == x).all() and not padded[len(x) :, k].any()


def test_needed_operations_are_those_of_the_products():
    # 3 sequences of 5 steps, 16 rows; forward 2 + 4 columns, back 4, gradient 2 + 4 + 1
    assert Work("inference", 3, 5, 2, 4).flop == 3 * 5 * 2 * 16 * 6
    assert TINY.flop == 3 * 5 * 2 * 16 * (6 + 4 + 7)


def test_contenders_take_turns_and_medians_decide():
    clock = Clock(a=0.3, b=0.2, c=0.1)
    a, b, c = (Runner(name, 1, clock) for name in "abc")
    race([a], [b, c], rounds=2, seconds=0.1)
    assert clock.ran[-6:] == ["a 1", "b 1", "c 1"] * 2
    assert best([a, b]) is b
    assert len(a.times) == 2


def test_a_line_of_the_table_tells_whether_its_target_is_met(monkeypatch):
    clock = Clock(sklstm=0.001, peer=0.005)
    ours = [Runner(f"sklstm {name}", 1, clock) for name in ("full", "truncated")]
    monkeypatch.setattr(speed, "contenders", lambda *_: (ours, [Runner("peer", 2, clock)]))
    result = speed.measure(speed.Line(TINY, 4.0, 6.0), None, 1, 0.001)
    lines = speed.markdown([result]).splitlines()
    cells = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    assert cells == [
        *("training", "(3, 5, 2, 4)", "peer 5.00 ms (2)"),
        *("1.00 ms (1)", "5.00", "4 met", "1.00 ms (1)", "5.00", "6 missed"),
    ]
    json.dumps(result)


def test_times_are_printed_to_three_digits():
    given = [9.876e-6, 98.76e-6, 987.6e-6, 9.876e-3, 0.9876]
    assert [speed.readable(t) for t in given] == [
        "9.88 us",
        "98.8 us",
        "988 us",
        "9.88 ms",
        "988 ms",
    ]


def test_a_profile_adds_up_to_the_whole_fit():
    result = profile.profile(TINY, "full", 0.001, 1)
    assert np.isclose(sum(result["parts"].values()), result["seconds"])
    assert result["steps"] % TINY.n_batches == 0
    assert "of it Python" in profile.markdown(result)


def test_the_memory_formula_counts_the_steps_of_one_chunk_or_two_for_each_thread():
    large = Work("training", 1000, 50, 8, 16)
    longer = Work("training", 1000, 150, 8, 16)
    one, two = (memory.formula(longer, n) - memory.formula(large, n) for n in (1, 2))
    assert two == 4 * one > 0
    few = Work("training", 5, 50, 8, 16)
    assert memory.formula(few, 2) == memory.formula(few, 1)


def test_the_limits_count_every_large_line_of_the_table():
    assert [work.hidden for work in limits.LARGE] == [128, 128, 256, 512]


def test_without_a_compiler_the_peak_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(peak.shutil, "which", lambda name: None)
    peak.main([])
    assert "Skipped: no C compiler" in capsys.readouterr().out


def test_a_peer_that_computes_something_else_is_found_out(monkeypatch):
    def answers(factor):
        after = {name: factor * values + 1 for name, values in TINY.parameters().items()}
        process = SimpleNamespace(call=lambda key, what: (1.0, after))
        return Runner("sklstm" if factor == 1 else "peer", 1, process)

    monkeypatch.setattr("benchmarks.contenders.CHECKED", ([TINY], []))
    sides = [answers(1)], [answers(1.01)]
    monkeypatch.setattr("benchmarks.contenders.contenders", lambda *_, **__: sides)
    with pytest.raises(ArithmeticError, match="not the same work"):
        check_agreement(None)


def test_the_machine_can_be_stored():
    found = json.loads(json.dumps(machine.describe()))
    assert found["cores"] >= 1 and found["instruction_set"] in machine.headline()

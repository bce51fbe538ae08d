"""The benchmarks' own arithmetic, at sizes that take no time and without the peers."""

import json
import os
import sys
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import (
    busy,
    compiled,
    limits,
    machine,
    memory,
    options,
    peak,
    profile,
    speed,
    stream,
)
from benchmarks import map as size_map
from benchmarks.contenders import check_agreement
from benchmarks.peers import steps_first
from benchmarks.processes import Runner, best, race
from benchmarks.work import LONGEST, SHORTEST, Sklstm, Work

TINY = Work("training", 3, 5, 2, 4)
TINY_ADAM = Work("training", 3, 5, 2, 4, "float64", "adam", sequences=12)


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


def test_outputs_are_those_of_the_common_parameters():
    work = Work("inference", 3, 5, 2, 4, "float64")
    (X, _), *_ = work.batches()
    p = work.parameters()
    h = s = np.zeros((3, 4))
    for x in X.swapaxes(0, 1):
        z = x @ p["input"].T + h @ p["recurrent"].T + p["bias"]
        i, f, g, o = np.split(z, 4, axis=1)
        s = s / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(s) / (1 + np.exp(-o))
    expected = (h @ p["output_weights"].T + p["output_bias"])[:, 0]
    assert np.allclose(Sklstm(work, 1).outputs(), expected, rtol=1e-12)


def test_adam_begins_at_the_common_parameters_with_its_first_step():
    before = TINY_ADAM.parameters()
    ours = Sklstm(TINY_ADAM, 1, rate=0.1)
    _, after = ours.learn_once()
    for name, values in before.items():  # no more than the sign of the gradient
        assert np.allclose(np.abs(after[name] - values), 0.1, rtol=1e-6)
    _, later = ours.learn_once()
    assert not np.allclose(np.abs(later["input"] - after["input"]), 0.1, rtol=1e-3)
    assert ours.run(1) == TINY_ADAM.n_batches == 4


def test_what_sizes_do_not_say_stands_beside_them():
    assert TINY.title == "training" and not TINY.special
    assert TINY_ADAM.title == "training (Adam, float64)"
    assert Work("training", 3, None, 2, 4).title == "training (ragged)"


def test_every_line_of_the_table_is_there_once_and_can_be_stored():
    works = [line.work for line in speed.LINES]
    assert len(set(works)) == len(works)
    assert [Work.from_dict(json.loads(json.dumps(work.as_dict()))) for work in works] == works
    for line in speed.LINES:
        assert all(target >= 1 for target in line.targets.values())


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


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")
def test_the_bytes_of_a_sequence_are_measured():
    taken = [
        memory.bytes_per_sequence(form, "read X", 1000, 21_000) for form in ("rows", "columns")
    ]
    size = 4 * memory.LISTED.steps * memory.LISTED.features
    assert taken[0] <= memory.MOST_BYTES
    assert size <= taken[1] <= 2 * size


def test_the_limits_count_every_large_line_of_the_table():
    assert [work.hidden for work in limits.LARGE] == [128, 128, 256, 512, 1024, 512, 128, 256, 512]
    assert set(limits.SHARES) <= set(limits.LARGE)


def test_a_limit_without_a_target_is_shown_all_the_same():
    rates = {"float32": 80.0, "peak float32": 100.0, "float64": 36.0}
    shares = {"share of peak": 0.8, "float64 share": 0.45}
    rows = [
        {"work": TINY.as_dict(), "targets": {"peak": target, "float64": 0.47}} | rates | shares
        for target in (0.7, None)
    ]
    cells = [
        [cell.strip() for cell in line.split("|")[5:-1]]
        for line in limits._rate_table(rows).splitlines()[2:]
    ]
    float64 = ["36 GFLOP/s", "45%", "47% missed"]
    assert cells == [["80%", "70% met", *float64], ["80%", "", *float64]]


def test_two_threads_have_to_pay_where_there_is_enough_to_do():
    process = SimpleNamespace(
        make=lambda *_: None, call=lambda *_: 1.0, ask=lambda *_: None, answer=lambda: 1.0
    )
    small, large = (
        limits.threads(Work("training", batch, 100, 8, 32), [process] * 3, 1) for batch in (31, 32)
    )
    assert [row["target"] for row in (*small, *large)] == [0.97, 0.97, 1.85, 1.85]
    assert large[0]["gain"] == 1 and large[0]["share of processes"] == 0.5


def test_a_seed_always_gives_the_same_sizes_within_their_ranges():
    works = list(islice(size_map.sizes(0), 200))
    assert works[:60] == list(islice(size_map.sizes(0), 60)) != list(islice(size_map.sizes(1), 60))
    for name, (least, most) in size_map.RANGES.items():
        found = np.array([getattr(work, name) for work in works])
        middle = np.sqrt(least * most)
        assert least <= found.min() < found.max() <= most
        assert 0.3 < np.mean(found < middle) < 0.7
    assert max(work.flop for work in works) <= size_map.FLOP_MOST


def mapped(monkeypatch, work, **seconds):
    """What the map finds at a size where everyone takes the time that they are told."""

    def contenders(work, processes, names):
        ours = "sklstm full" if work.task == "training" else "sklstm"
        assert {ours, "PyTorch"} <= set(names)
        clock = Clock(**seconds)
        return [[Runner(name, n, clock) for n in (1, 2)] for name in (ours, "PyTorch")]

    monkeypatch.setattr(size_map, "contenders", contenders)
    return size_map.measure(work, None, rounds=1, seconds=0.001)


def test_the_map_begins_with_the_size_where_it_is_worst(monkeypatch):
    fast = mapped(monkeypatch, TINY, sklstm=0.001, PyTorch=0.004)
    slow = mapped(monkeypatch, Work("training", 4, 5, 2, 4), sklstm=0.002, PyTorch=0.001)
    lines = size_map.markdown([fast, slow]).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["(4, 5, 2, 4)", "(3, 5, 2, 4)"]
    assert [cell.strip() for cell in lines[3].split("|")[2:-1]] == ["4.00"] * 5
    assert "in 4 of 8 comparisons (target: none, missed)" in size_map.summary([fast, slow])
    assert "0 of 4 comparisons (target: none, met)" in size_map.summary([fast])
    json.dumps([fast, slow])


def test_the_map_is_drawn(monkeypatch, tmp_path):
    pytest.importorskip("matplotlib")
    works = islice(size_map.sizes(0), 5)
    results = [mapped(monkeypatch, work, sklstm=0.001, PyTorch=0.004) for work in works]
    size_map.draw(results, tmp_path / "new" / "map.png")
    assert (tmp_path / "new" / "map.png").stat().st_size > 10_000


def test_beside_busy_processes_the_default_is_held_to_one_thread_and_else_to_the_best():
    def measured(n_busy, **seconds):
        team = {("sklstm", None): "default", ("sklstm", 1): "one", ("sklstm", 2): "two"}
        team = {who: Clock(sklstm=seconds[key]) for who, key in team.items()}
        return busy.measure(TINY, n_busy, team, 1, 0.001)

    quiet = measured(0, default=0.010, one=0.019, two=0.0098)
    slow = measured(0, default=0.010, one=0.0096, two=0.019)
    beside = measured(1, default=0.011, one=0.010, two=0.045)
    late = measured(2, default=0.012, one=0.010, two=0.045)
    verdicts = [
        "0.98 of the best speed (0.97 met)",
        "0.96 of the best speed (0.97 missed)",
        "1.10 of one thread's time (1.15 met)",
        "1.20 of one thread's time (1.15 missed)",
    ]
    results = [quiet, slow, beside, late]
    assert [busy.verdict(result) for result in results] == verdicts
    cells = [
        [cell.strip() for cell in line.split("|")[3:-1]]
        for line in busy.markdown(results).splitlines()[2:]
    ]
    assert [row[0] for row in cells] == ["0", "0", "1", "2"]
    assert [row[-1] for row in cells] == verdicts
    assert cells[2][1:6] == ["11.00 ms", "10.00 ms", "45.00 ms", "", ""]  # without PyTorch
    json.dumps(results)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen here")
def test_busy_processes_count_on_the_cores_they_are_given_and_end():
    core = machine.cores()[-1]
    with busy.busy(2, [core]) as others:
        assert [other.poll() for other in others] == [None, None]
        assert [os.sched_getaffinity(other.pid) for other in others] == [{core}, {core}]
    assert all(other.returncode for other in others)
    with busy.busy(0, [core]) as others:
        assert others == []


def test_an_option_is_held_to_the_time_without(monkeypatch):
    monkeypatch.setattr(options, "race", lambda runners, *_, **__: take_times(runners))
    process = FakeProcess()
    result = options.measure(TINY, process, 3)
    assert process.made == list(options.OPTIONS.values())
    assert result["ratios"] == {name: k + 1 for k, name in enumerate(options.OPTIONS)}
    assert "missed" in options.markdown([result])
    bearable = result | {"ratios": dict.fromkeys(options.OPTIONS, 1.1)}
    assert options.markdown([bearable]).endswith(" met |")


def take_times(runners):
    for k, runner in enumerate(runners):
        runner.times = [k + 1.0]


class FakeProcess:
    """Notes what it is asked to make."""

    def __init__(self):
        self.made = []

    def make(self, name, kind, work, n_threads, **settings):
        self.made.append(settings)


def test_every_target_of_the_streams_is_of_something_measured():
    measured = {(size, what) for size in stream.SIZES for what in stream.ours(*size, "float32")}
    assert set(stream.TARGETS) < measured
    for call in stream.ours(2, 8, "float64").values():
        assert stream.microseconds(call, calls=2, rounds=1) > 0


def test_without_a_compiler_the_peak_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
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

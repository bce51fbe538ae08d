"""The frame of all loops, and that of fit on a known loss: the mean of c/2 (p - x)^2 over x."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm import LSTMClassifier
from sklstm._descent import train
from sklstm._gradient import Gradient
from sklstm._progress import Silence
from sklstm._solvers import SOLVERS
from sklstm._training import End, Records, Training

NUMBERS = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0])


class Quadratic:
    """A trainer that writes down the batches it is asked for."""

    def __init__(self, vector, numbers=NUMBERS, losses=None, batch_size=3):
        self.vector, self.numbers, self.batch_size = vector, numbers, batch_size
        self.found = Gradient(np.zeros_like(vector))
        self.batches, self.seen = [], []
        self.losses = losses or {}  # number of the batch -> what to return instead, or raise

        self.epochs = []

    def begin_epoch(self, epoch):
        self.epochs.append(epoch)

    def step_on(self, solver):
        return solver.step_on(self.vector, self.found)

    def gradient(self, rows):
        assert rows.dtype == np.int64 and rows.flags.c_contiguous
        k = len(self.batches)
        self.batches.append(rows.tolist())
        self.seen.append(self.vector.copy())
        if k in self.losses:
            answer = self.losses[k]
            if isinstance(answer, BaseException):
                raise answer
            return answer
        with np.errstate(over="ignore", invalid="ignore"):
            error = self.vector[0] - self.numbers[rows]
            self.found.dense[0] = error.mean()
            return float((error**2).mean() / 2)


def run(losses=None, rate=0.1, batch_size=3, max_iter=4, tol=0.0, patience=np.inf, **kwargs):
    """Train one number by plain SGD: (its value, how it ended, trainer, records, solver)."""
    vector = np.array([20.0])
    settings = LSTMClassifier(
        solver="sgd",
        momentum=0,
        learning_rate_init=rate,
        clip_norm=None,
        learning_rate=kwargs.pop("schedule", "constant"),
    )
    solver = SOLVERS["sgd"](SOLVERS["sgd"].start(vector, settings), settings)
    trainer = Quadratic(vector, losses=losses, batch_size=batch_size)
    records = kwargs.pop("records", Records())
    end = train(
        vector,
        trainer,
        solver,
        records,
        np.arange(len(NUMBERS)),
        max_iter=max_iter,
        first_epoch=kwargs.pop("first_epoch", 0),
        tol=tol,
        n_iter_no_change=patience,
        progress=Silence(),
        **kwargs,
    )
    return vector[0], end, trainer, records, solver


def test_an_epoch_takes_every_sequence_once_in_batches_and_the_last_one_may_be_smaller():
    *_, trainer, _, _ = run(max_iter=2)
    assert trainer.batches == [[0, 1, 2], [3, 4, 5], [6]] * 2


def test_epochs_are_counted_on_from_those_before():
    *_, trainer, _, _ = run(max_iter=3, first_epoch=5)
    assert trainer.epochs == [5, 6, 7]


def test_each_epoch_is_shuffled_and_the_generator_alone_decides_how():
    *_, trainer, _, _ = run(max_iter=2, rng=np.random.RandomState(5))
    *_, again, _, _ = run(max_iter=2, rng=np.random.RandomState(5))
    *_, later, _, _ = run(max_iter=1, rng=rng_after(1, seed=5))
    first, second = np.split(np.concatenate(trainer.batches).astype(int), 2)
    assert sorted(first) == sorted(second) == list(range(7))
    assert (first != second).any() and (first != np.arange(7)).any()
    assert again.batches == trainer.batches
    assert later.batches == trainer.batches[3:]


def rng_after(n_epochs, seed):
    rng = np.random.RandomState(seed)
    run(max_iter=n_epochs, rng=rng)
    return rng


def test_a_step_follows_each_batch():
    value, *_ = run(max_iter=1)
    p = 20.0
    for rows in ([0, 1, 2], [3, 4, 5], [6]):
        p -= 0.1 * (p - NUMBERS[rows]).mean()
    assert value == pytest.approx(p, rel=1e-14)


def test_the_loss_of_an_epoch_is_the_mean_over_its_sequences():
    _, _, trainer, records, _ = run(max_iter=1)
    each = [
        (p - NUMBERS[rows]) ** 2 / 2 for p, rows in zip(trainer.seen, trainer.batches, strict=True)
    ]
    assert records.losses == [pytest.approx(np.concatenate(each).mean(), rel=1e-14)]
    assert records.loss == records.best_loss == records.losses[0]
    assert (records.n_iter, records.t) == (1, 7)


def test_a_batch_without_weight_makes_no_step_and_adds_no_loss():
    value, _, trainer, records, _ = run(losses={0: None, 2: None}, max_iter=1)
    assert_array_equal(np.ravel(trainer.seen[:2]), [20, 20])
    assert value == trainer.seen[2]
    assert records.loss == pytest.approx(((20 - NUMBERS[3:6]) ** 2 / 2).sum() / 7, rel=1e-14)


def epochs(*losses):
    """One batch per epoch: the loss of each."""
    return {"losses": dict(enumerate(losses)), "batch_size": 7, "max_iter": len(losses)}


def test_training_stops_after_more_than_n_iter_no_change_epochs_that_do_not_improve_by_tol():
    # as MLPClassifier counts: 4.9 and 4.95 improve 5.0 by less than tol, 4.5 by more
    losses = (5.0, 4.95, 4.9, 4.5, 4.5, 4.45, 4.6, 1.0)
    _, end, _, records, _ = run(**epochs(*losses), tol=0.2, patience=2)
    assert end is End.CONVERGED
    assert records.losses == list(losses[:7])
    assert records.best_loss == 4.45


def test_an_improvement_of_exactly_tol_counts():
    _, end, *_ = run(**epochs(5.0, 4.75, 4.5, 4.25), tol=0.25, patience=1)
    assert end is End.MAX_ITER


def test_infinite_patience_never_stops():
    _, end, _, records, _ = run(**epochs(*[1.0] * 30), patience=np.inf)
    assert end is End.MAX_ITER and records.n_iter == 30


def test_the_adaptive_schedule_goes_on_more_slowly_when_it_would_stop():
    _, end, _, records, solver = run(
        **epochs(*[1.0] * 8), patience=1, schedule="adaptive", rate=1e-5, tol=0.1
    )
    # epoch 0 improves on infinity; then two epochs without improvement each: rate / 5, stop
    assert solver.state["learning_rate"] == pytest.approx(4e-7)
    assert end is End.CONVERGED and records.n_iter == 7


def test_with_a_validation_score_the_best_parameters_are_kept():
    scores = iter([0.1, 0.7, 0.6, 0.7])
    value, end, trainer, records, _ = run(
        batch_size=7, validate=lambda: (next(scores), 1.0), records=early()
    )
    assert value == trainer.seen[2]  # after epoch 1, the first with 0.7
    assert records.scores == [0.1, 0.7, 0.6, 0.7]
    assert records.best_score == 0.7 and records.best_loss is None
    assert end is End.MAX_ITER


def test_the_stop_rule_watches_the_score_where_there_is_one():
    scores = iter([0.5, 0.55, 0.58, 0.9, 0.95, 0.96, 0.97])
    _, end, _, records, _ = run(
        batch_size=7,
        max_iter=7,
        validate=lambda: (next(scores), 1.0),
        records=early(),
        tol=0.1,
        patience=1,
    )
    assert end is End.CONVERGED and records.n_iter == 3


def early():
    return Records(best_loss=None, best_score=-np.inf)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("k", [0, 1, 4])
def test_after_divergence_the_parameters_are_those_of_the_last_finite_loss(bad, k):
    value, end, trainer, records, _ = run(losses={k: bad})
    assert end is End.DIVERGED
    assert len(trainer.batches) == k + 1
    assert value == trainer.seen[max(k - 1, 0)]
    assert records.n_iter == len(records.losses) == k // 3


def test_a_last_step_that_diverges_is_noticed_too():
    value, end, *_ = run(rate=1e308, batch_size=7, max_iter=1)
    assert end is End.DIVERGED and value == 20.0


def test_a_sum_of_losses_that_overflows_is_divergence():
    _, end, *_ = run(losses={0: 1e308, 1: 1e308})
    assert end is End.DIVERGED


def test_a_validation_score_that_is_not_finite_is_divergence_and_the_best_is_kept():
    scores = iter([0.3, np.nan])
    value, end, trainer, records, _ = run(
        batch_size=7, validate=lambda: (next(scores), 1.0), records=early()
    )
    assert end is End.DIVERGED
    assert value == trainer.seen[1]
    assert records.scores == [0.3] and records.n_iter == 1


@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_ctrl_c_keeps_what_was_learned_from_whole_batches(k):
    value, end, trainer, records, _ = run(losses={k: KeyboardInterrupt()})
    assert end is End.INTERRUPTED
    assert value == trainer.seen[k]
    assert records.n_iter == k // 3 and records.t == 7 * (k // 3)


def test_ctrl_c_before_the_first_score_keeps_what_was_learned():
    value, end, trainer, *_ = run(
        losses={2: KeyboardInterrupt()}, validate=lambda: (0.5, 1.0), records=early()
    )
    assert end is End.INTERRUPTED
    assert value == trainer.seen[2] != 20.0


def test_any_other_error_goes_through():
    with pytest.raises(ZeroDivisionError):
        run(losses={1: ZeroDivisionError()})


def test_records_go_on_from_those_of_a_call_before():
    *_, first, _ = run(max_iter=2)
    go_on = Records(first.t, first.loss, first.best_loss, None, first.n_no_change)
    *_, second, _ = run(max_iter=1, records=go_on)
    assert second.t == 21 and second.n_iter == 1
    assert second.best_loss == first.best_loss < second.loss
    assert second.n_no_change == 1
    assert_allclose(second.losses, first.losses[:1])


# ------------------------------------------------------------------------- the frame of every loop


class Written(Silence):
    """Progress that writes down what it is told."""

    def __init__(self):
        self.epochs, self.ends = [], []

    def epoch(self, n_iter, loss, score):
        self.epochs.append((n_iter, loss, score))

    def close(self, end):
        self.ends.append(end)


def framed(loop, **rule):
    """The frame after a loop that gets it."""
    with Training("before", Records(), Written(), **rule) as training:
        loop(training)
    return training


def test_a_loop_that_comes_to_its_end_made_as_many_epochs_as_asked_for():
    training = framed(lambda training: training.end_epoch(5, 0.25))
    assert training.end is End.MAX_ITER and training.progress.ends == [End.MAX_ITER]
    assert training.progress.epochs == [(1, 0.25, None)]
    assert (training.records.t, training.records.losses) == (5, [0.25])


@pytest.mark.parametrize("end", End)
def test_a_loop_may_stop_for_any_reason_and_nothing_after_it_runs(end):
    def loop(training):
        training.stop(end)
        raise AssertionError

    training = framed(loop)
    assert training.end is end and training.progress.ends == [end]


def test_ctrl_c_leaves_what_was_kept():
    def loop(training):
        training.kept = "after an epoch"
        raise KeyboardInterrupt

    training = framed(loop)
    assert training.end is End.INTERRUPTED and training.kept == "after an epoch"
    assert training.progress.ends == [End.INTERRUPTED]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_divergence(bad):
    training = framed(lambda training: training.require_finite(1.0, bad))
    assert training.end is End.DIVERGED and training.kept == "before"
    assert framed(lambda training: training.require_finite(1.0, -2.0)).end is End.MAX_ITER


def test_an_error_passes_and_is_no_end():
    progress = Written()
    with pytest.raises(ZeroDivisionError), Training(None, Records(), progress):
        raise ZeroDivisionError
    assert progress.ends == []


def test_every_loop_ends_when_its_loss_no_longer_improves():
    def loop(training):
        for _ in range(9):
            training.end_epoch(1, 2.0)

    training = framed(loop, tol=0.5, n_iter_no_change=3)
    assert training.end is End.CONVERGED and training.records.n_iter == 5
    assert framed(loop).records.n_iter == 9  # no rule
    answers = iter([False, True])
    slowly = framed(loop, tol=0.5, n_iter_no_change=2, gives_up=lambda: next(answers))
    assert slowly.end is End.CONVERGED and slowly.records.n_iter == 7


def test_an_epoch_may_count_several_tries():
    training = framed(lambda training: training.end_epoch(30, 1.0, n_iter=30))
    assert (training.records.n_iter, training.records.t) == (30, 30)

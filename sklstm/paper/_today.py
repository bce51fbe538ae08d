"""The paper's tasks as a user of this package would solve them today: column "today".

Same tasks, same criteria of success, nets of the same size class; one set of settings for all rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import log
from time import perf_counter
from typing import Any

import numpy as np
from numpy.random import RandomState

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.paper._today_tasks import Rule, TodayTask, count_wrong, find_task

MAX_SEQUENCES = 1_000_000
PIECE = 10_000_000  # numbers of X that are drawn at once for an exam, 40 MB in float32
REPORT = 2048  # sequences between two calls of ``progress``
BETWEEN_EXAMS = 1024  # sequences from one exam to the next: else one is passed by luck in the end


@dataclass(frozen=True)
class Settings:
    """How a user trains today: the same for all rows, and rules where a row needs its own.

    ``docs/paper_today.md`` has what was tried.
    """

    # The default of the estimators.
    cell: str = "forget"
    # Back-propagation through time costs no more than the truncated gradient in nets of this size.
    gradient: str = "full"
    # Sixteen sequences fill the vectors of the kernels; larger batches need more sequences.
    batch_size: int = 16
    # Steps of Adam. Sequences shorter than ``short`` stand, and need, larger ones.
    learning_rate: float = 0.01
    learning_rate_short: float = 0.05
    short: int = 50
    # From a mean recent error below half the tolerance on, the rate falls: 1 / (1 + m / annealing)
    # over the next m sequences, to a fifth at most: a constant rate keeps shaking. Not where
    # training errors are not watched: experiment 1 has no tolerance, and a net that knows all
    # strings but a few stays as it is at a low rate; 3c has noisy targets.
    learned: float = 0.5
    annealing: float = 10_000
    most_annealed: float = 5.0
    # The gradient falls by orders of magnitude while 2a is learned, and Adam's scale has to follow.
    # Where most targets are noise (2b) it has to average over more updates instead.
    beta_2: float = 0.9
    beta_2_noise: float = 0.99
    # A cell keeps its state over a sequence of ``length`` steps at first, and takes in as little
    # per step as makes a mean of it: forget gates start at logistic(2 log(length)), input gates at
    # logistic(-log(length)). Without the latter, sums of 100 steps are not learned; short sequences
    # are learned faster from input gates that are half open.
    forget_bias: float = 2.0
    input_bias: float = -1.0

    def rate(self, length: int, n_annealed: int) -> float:
        """The learning rate, ``n_annealed`` sequences after annealing began."""
        rate = self.learning_rate_short if length < self.short else self.learning_rate
        return rate / min(1 + n_annealed / self.annealing, self.most_annealed)

    def model(self, task: TodayTask, seed: int) -> LSTMClassifier | LSTMRegressor:
        """An estimator for a task that has learned nothing."""
        estimator = LSTMRegressor if task.n_classes is None else LSTMClassifier
        return estimator(
            task.blocks,
            block_size=task.cells,
            cell=self.cell,
            gradient=self.gradient,
            return_sequences=task.per_step,
            batch_size=self.batch_size,
            clip_norm=1.0,
            learning_rate_init=self.rate(task.length, 0),
            beta_2=self.beta_2_noise if task.noisy_targets else self.beta_2,
            gate_bias={
                "forget": self.forget_bias * log(task.length),
                "input": self.input_bias * log(task.length) if task.length >= self.short else 0.0,
            },
            random_state=seed,
            n_jobs=1,
        )


def run_today(
    experiment: str,
    parameters: dict[str, Any],
    seed: int,
    max_sequences: int | None = None,
    progress: Callable[[int, float], None] | None = None,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """One trial of a row.

    Parameters
    ----------
    experiment : {"1", "2a", "2b", "2c", "3a", "3b", "3c", "4", "5", "6a", "6b"}
    parameters : dict
        The row's columns, for example ``{"T": 100, "N": 3}``.
    seed : int
        Draws data and initial weights.
    max_sequences : int or None, default=None
        Training sequences after which the trial has failed; None is a million.
    progress : callable or None, default=None
        Called now and then with the number of training sequences and the mean error of the recent
        ones.
    settings : Settings or None, default=None
        Other settings than those of the column.

    Returns
    -------
    trial : dict
        "seed", "success", "sequences" (learned from until success), "seconds", "weights",
        "test_wrong" and "test_error" (wrong sequences and mean error of the row's test set, None
        without success).
    """
    settings = settings or Settings()
    limit = MAX_SEQUENCES if max_sequences is None else max_sequences
    started = perf_counter()
    rng = RandomState(seed)
    task = find_task(experiment, parameters, rng)
    model = settings.model(task, seed)
    n, test = _train(model, task, rng, settings, limit, progress)
    return {
        "seed": seed,
        "success": test is not None,
        "sequences": n,
        "seconds": perf_counter() - started,
        "weights": model.n_parameters_,
        "test_wrong": None if test is None else count_wrong(test, task.tolerance),
        "test_error": None if test is None else float(test.mean()),
    }


def _train(
    model: Any,
    task: TodayTask,
    rng: RandomState,
    settings: Settings,
    limit: int,
    progress: Callable[[int, float], None] | None,
) -> tuple[int, np.ndarray | None]:
    """Batch after batch until the criterion is met: sequences learned from, errors of the test."""
    batch_size = settings.batch_size
    X, y = task.draw(batch_size, rng)
    classes = {} if task.n_classes is None else {"classes": range(task.n_classes)}
    model.partial_fit(X, y, **classes)
    n, next_report, next_exam = len(X), 0, 0
    n_annealed = 0
    n_recent = task.recent.n if task.recent else batch_size
    recent: deque[np.ndarray] = deque(maxlen=-(-n_recent // batch_size))
    while True:
        X, y = task.draw(batch_size, rng)
        recent.append(task.errors(model, X, y))
        if progress is not None and n >= next_report:
            progress(n, float(np.mean(recent)))
            next_report = n + REPORT
        if n >= next_exam and _recent_holds(task, recent):
            test = _examine(model, task, rng)
            if test is not None:
                return n, test
            next_exam = n + BETWEEN_EXAMS
        if n >= limit:
            return n, None
        if n_annealed or _learned(task, recent, settings):
            n_annealed += len(X)
            model.set_params(learning_rate_init=settings.rate(task.length, n_annealed))
        model.partial_fit(X, y)
        n += len(X)


def _learned(task: TodayTask, recent: deque[np.ndarray], settings: Settings) -> bool:
    """Whether only details are left to learn, for which the rate should fall."""
    watched = task.recent is not None and len(recent) == recent.maxlen
    return watched and float(np.mean(recent)) < settings.learned * task.tolerance


def _recent_holds(task: TodayTask, recent: deque[np.ndarray]) -> bool:
    """Whether the training sequences passed just now, each before it was learned from."""
    if task.recent is None:
        return True
    if len(recent) < recent.maxlen:
        return False
    return task.recent.holds(np.concatenate(recent)[-task.recent.n :], task.tolerance)


def _examine(model: Any, task: TodayTask, rng: RandomState) -> np.ndarray | None:
    """Errors of the test set; None if an exam comes first and is failed."""
    test = np.empty(0)
    if task.exam is not None:
        test = _new_errors(model, task, rng, task.exam)
        if not task.exam.holds(test, task.tolerance):
            return None
    if task.n_test:
        test = _new_errors(model, task, rng, Rule(task.n_test, wrong=task.n_test))
    return test


def _new_errors(model: Any, task: TodayTask, rng: RandomState, rule: Rule) -> np.ndarray:
    """Errors of new sequences, as many as the rule wants or until it is broken."""
    draw = task.draw_exam or task.draw
    piece = max(1, PIECE // (task.length * model.n_features_in_))
    errors = np.empty(0)
    while len(errors) < rule.n and count_wrong(errors, task.tolerance) <= rule.wrong:
        X, y = draw(min(piece, rule.n - len(errors)), rng)
        errors = np.append(errors, task.errors(model, X, y))
    return errors

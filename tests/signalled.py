"""Calls of a process that sends itself Ctrl-C; a line of JSON for each.

python tests/signalled.py          # seconds from the signal to its answer
python tests/signalled.py full     # seconds that the calls take if nothing ends them
"""

import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings

import numpy as np

from sklstm import LSTMRegressor
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.inspection import attributions

DELAY = 1.0  # seconds that a call has been at work when the signal comes
LONG = 4_000_000  # steps that take many seconds
SHORT = 20


def network(hidden, **settings):
    settings = dict(random_state=0, n_jobs=2, tol=None, max_iter=1) | settings
    return LSTMRegressor(hidden, **settings).initialize(1, expected_length=100)


def series(*lengths):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 1)).astype(np.float32) for length in lengths]


def state(model):
    return model.parameters_.copy(), model.t_


def same(model):
    """Is nothing of the model another than now?"""
    vector, t = state(model)
    return lambda: np.array_equal(model.parameters_, vector) and model.t_ == t


def works(model):
    """Does the model predict what it did?"""
    X, unchanged = series(5, 3), same(model)

    def outputs():
        return np.concatenate([np.ravel(row) for row in model.predict(X)])

    before = outputs()
    return lambda: unchanged() and np.array_equal(outputs(), before)


def predicts(hidden, *lengths, **settings):
    model, X = network(hidden, **settings), series(*lengths)
    return lambda: model.predict(X), works(model)


def learns(hidden, *lengths, **settings):
    model, X = network(hidden, **settings), series(*lengths)
    return lambda: model.partial_fit(X, np.zeros(len(X))), works(model)


def learns_per_step(hidden, *lengths):
    model, X = network(hidden, return_sequences=True), series(*lengths)
    y = [np.zeros(len(x)) for x in X]
    return lambda: model.partial_fit(X, y), works(model)


def explains():
    model, X = network(64), series(LONG // 10)
    return lambda: attributions(model, X), works(model)


def streams():
    model, X = network(64, gradient="truncated"), series(LONG)[0]
    stream = model.stream()
    stream.step(X[0])
    expected, unchanged = stream.peek(X[1]), works(model)
    return lambda: stream.steps(X), lambda: unchanged() and stream.peek(X[1]) == expected


def learns_on_a_stream():
    model, X = network(64, gradient="truncated"), series(LONG // 10)[0]
    stream, y = model.stream(), np.zeros(LONG // 10)
    return lambda: stream.learn_steps(X, y), lambda: 0 < model.t_ < LONG // 10


def tries():
    from trials import constant, small_kernel, task

    from sklstm.paper._criterion import Criterion

    net, vector = constant(2, 0.5)
    endless = Criterion(cap=LONG, tolerance=0.2, window_error=-1.0)
    given = small_kernel(net, task("4", net, length=100), endless, rate=0.1)
    for lane in range(8):
        given.start(lane, lane, vector)
    return lambda: given.run(100 * LONG), lambda: 0 < given.record(0)["steps"] < 100 * LONG


def baseline(estimator, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.set_params(max_iter=2, random_state=0).fit(X[:, :50], y)
    before = estimator.parameters_.copy()
    estimator.set_params(warm_start=True, max_iter=LONG)
    return (
        lambda: estimator.fit(X, y),
        lambda: np.array_equal(estimator.parameters_, before),
    )


def sums(length, n=2):
    """Sequences, and a target for each."""
    X = np.random.default_rng(0).uniform(size=(n, length, 2))
    return X, (np.arange(n) % 2).astype(float)


def cascade():
    estimator = RecurrentCascadeRegressor(2)
    call, _ = baseline(estimator, *sums(LONG // 4))
    return call, lambda: np.isfinite(estimator.parameters_).all()


def many_sequences():
    X, y = sums(500, 8000)
    model = RecurrentRegressor(60, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[:4], y[:4])
    return lambda: model.predict(X), lambda: np.isfinite(model.predict(X[:4])).all()


CASES = {
    "predict, one sequence": lambda: predicts(64, LONG),
    "predict, side by side": lambda: predicts(128, *[LONG // 20] * 40),
    "predict, a team": lambda: predicts(500, LONG // 100),
    "predict, one thread waits for the other": lambda: predicts(64, LONG, SHORT),
    "predict, per step": lambda: predicts(64, LONG, return_sequences=True),
    "learn, one sequence": lambda: learns(128, LONG // 4),
    "learn, one thread waits for the other": lambda: learns(128, LONG // 3, SHORT),
    "learn, side by side": lambda: learns(128, *[LONG // 100] * 60),
    "learn, a team": lambda: learns(500, LONG // 80),
    "learn, both directions": lambda: learns(128, LONG // 16, SHORT, bidirectional=True),
    "learn, truncated": lambda: learns(64, LONG // 4, SHORT, gradient="truncated"),
    "learn, per step": lambda: learns_per_step(128, LONG // 8),
    "explain": explains,
    "steps": streams,
    "learn_steps": learns_on_a_stream,
    "trials": tries,
    "recurrent": lambda: baseline(RecurrentRegressor(40), *sums(LONG // 4)),
    "recurrent, forward in time": lambda: baseline(
        RecurrentRegressor(20, gradient="rtrl"), *sums(200_000)
    ),
    "guesses": lambda: baseline(GuessingRegressor(20, tolerance=1e-9), *sums(LONG)),
    "chunker": lambda: baseline(SequenceChunker(20), *sums(LONG // 4)),
    "cascade": cascade,
    "recurrent, many sequences": many_sequences,
}


def answer(name, delay):
    call, unchanged = CASES[name]()
    sent, found = [], {"case": name, "answered": False, "where": ""}

    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, send)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        began = time.perf_counter()
        timer.start()
        try:
            call()
        except KeyboardInterrupt as error:
            found["answered"] = True
            found["where"] = traceback.extract_tb(error.__traceback__)[-1].filename
        ended = time.perf_counter()
        timer.cancel()
    found["answered"] |= any("interrupted by user" in str(w.message) for w in said)
    found["seconds"] = ended - (sent or [began])[0]
    return found | {"unchanged": bool(unchanged())}


if __name__ == "__main__":
    chosen = sys.argv[2:] or list(CASES)
    for case in chosen:
        faulthandler.dump_traceback_later(300, exit=True)  # a hang
        full = sys.argv[1:2] == ["full"]
        print(json.dumps(answer(case, 10**6 if full else DELAY)), flush=True)

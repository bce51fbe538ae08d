"""Cases: ``ulimit -v``, less memory than is needed: a MemoryError, and the model as it was."""

from __future__ import annotations

import os
import pickle
import resource
import warnings
from collections.abc import Callable

import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from tests.cases import fork, needs
from tests.watchdog import end_of, in_child, run

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 50, 3))
y = X[:, 0, 0]
MOST = 64 << 20  # bytes above what the process has


def space() -> int:
    """Bytes of the address space that this process has."""
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def bits(model: object) -> bytes:
    return pickle.dumps(model)


def _calls(model: LSTMRegressor) -> dict[str, Callable[[], object]]:
    stream = model.stream()
    return {
        "fit": lambda: LSTMRegressor(64, max_iter=1, n_jobs=1).fit(X, y),
        "fit again": lambda: model.fit(X, y),
        "early stopping": lambda: LSTMClassifier(
            32, max_iter=1, early_stopping=True, bidirectional=True, n_jobs=1
        ).fit(X, y > 0),
        "partial_fit": lambda: model.partial_fit(X, y),
        "predict": lambda: model.predict(np.concatenate([X] * 8)),
        "stream": lambda: model.stream().steps(np.concatenate(X)),
        "learn_steps": lambda: stream.learn_steps(np.concatenate(X), np.concatenate([y] * 50)),
        "initialize": lambda: model.initialize(300),
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
    }


@needs(fork)
def limited(rounds: int) -> int:
    """Limits at random places, for each call: it works or is a MemoryError that changed nothing."""
    draw = np.random.default_rng()
    tried = 0
    model = LSTMRegressor(64, max_iter=1, random_state=0, n_jobs=1, solver="adam").fit(X, y)
    for name in _calls(model):
        _calls(pickle.loads(bits(model)))[name]()  # imports what is imported when it is needed
    for _ in range(rounds):
        for name in _calls(model):
            extra = int(MOST * draw.uniform() ** 3)

            def call(name=name, extra=extra):
                before, function = bits(model), _calls(model)[name]
                most = space() + extra
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    _, hard = resource.getrlimit(resource.RLIMIT_AS)
                    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
                    try:
                        function()
                    except MemoryError:
                        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
                        # learn_steps has made the updates before the one that failed
                        assert name == "learn_steps" or bits(model) == before, name
                    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
                    assert np.isfinite(model.stream().step(np.zeros(model.n_features_in_)))
                    if model.n_features_in_ == 3:
                        model.partial_fit(X, y)

            assert end_of(in_child(call), 60) == 0, f"{name} with {extra} bytes"
            tried += 1
    return tried


THREADED = """
    import os, resource, sys
    import numpy as np
    from tests.mishaps.memory import X, space, y
    from sklstm import LSTMRegressor
    from sklstm.inspection import attributions

    def work(n_jobs):
        model = LSTMRegressor(64, max_iter=2, batch_size=200, random_state=0, n_jobs=n_jobs)
        stream = LSTMRegressor(340, random_state=0, n_jobs=n_jobs).initialize(3).stream()
        found = [model.fit(X, y).predict(X), stream.steps(X[0]), attributions(model, X)]
        return [array.tobytes() for array in found]

    alone = work(1)
    {limit}
    try:
        found = work(8)
    except MemoryError:
        found = None
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    assert found is None or found == alone
    """


def threads(rounds: int) -> int:
    """Limits that leave no room for the stacks of all threads: fewer are started."""
    limit = "resource.setrlimit(resource.RLIMIT_AS, (space() + int(sys.argv[1]), -1))"
    for k in range(rounds):
        extra = int(MOST * (0.3 + 1.5 * k / rounds))
        ended = run(THREADED.format(limit=limit), extra)
        assert ended.code == 0, (extra, ended)
    return rounds


def why_not_another() -> str:
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "only root becomes another user"


@needs(why_not_another)
def few_processes(rounds: int) -> int:
    """``ulimit -u``: a user who may have as many threads as all together, or fewer."""
    limit = "os.setuid(65534); resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[1]),) * 2)"
    for k in range(rounds):
        ended = run(THREADED.format(limit=limit), 1 + k % 10)
        assert ended.code == 0, ended
    return rounds

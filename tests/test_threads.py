"""How many threads are used, and what importing and computing must leave alone."""

import copy
import ctypes
import json
import multiprocessing
import os
import pickle
import re
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from joblib import Parallel, delayed
from watchdog import end_of, in_child

import sklstm
from sklstm import LSTMRegressor, _runtime, _threads
from sklstm._threads import effective_n_jobs


def test_n_jobs_counts_from_all_processors_if_negative():
    n = effective_n_jobs(-1)
    assert n >= 1
    assert effective_n_jobs(-2) == max(1, n - 1)
    assert effective_n_jobs(-1000) == 1
    assert effective_n_jobs(3) == 3
    assert 1 <= effective_n_jobs(None) <= _runtime.max_threads()


def test_without_openmp_there_is_one_thread(monkeypatch):
    monkeypatch.setattr(_runtime, "has_openmp", False)
    assert effective_n_jobs(4) == 1


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_joblib_worker_uses_one_thread_if_not_told_otherwise(backend):
    with Parallel(n_jobs=2, backend=backend) as parallel:
        assert set(parallel(delayed(effective_n_jobs)(None) for _ in range(4))) == {1}
        assert set(parallel(delayed(effective_n_jobs)(2) for _ in range(4))) == {2}


def fit_and_predict():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 30, 3))
    model = LSTMRegressor(16, max_iter=2, random_state=0, n_jobs=2, tol=0.0, n_iter_no_change=99)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, X[:, 0, 0]).predict(X)


def _child(queue):
    queue.put((_threads.effective_n_jobs(2), fit_and_predict()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_forked_child_of_a_threaded_parent_does_not_hang():
    here = fit_and_predict()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_child, args=(queue,))
    child.start()
    n_threads, there = queue.get(timeout=60)
    child.join(60)
    assert n_threads == 1
    np.testing.assert_array_equal(there, here)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads cannot be counted here")
@pytest.mark.skipif(not _runtime.has_openmp, reason="built without OpenMP")
@pytest.mark.parametrize(("steps", "started"), [(20, 4), (2, 0)], ids=["much", "little"])
@pytest.mark.parametrize("call", ["fit", "predict", "step"])
def test_as_many_threads_run_as_n_jobs_allows_where_there_is_work(call, steps, started):
    code = f"""if True:
        import os
        import numpy as np
        from sklstm import LSTMRegressor

        def threads():
            return len(os.listdir("/proc/self/task"))

        X = np.random.default_rng(0).normal(size=(300, {steps}, 2))
        y = X[:, 0, 0]
        size = {steps} * (17 if {call!r} == "step" else 1)
        model = LSTMRegressor(size, batch_size=300, max_iter=1, n_jobs=1).initialize(2)
        run = {{
            "fit": lambda: model.fit(X, y),
            "predict": lambda: model.predict(X),
            "step": lambda: model.stream().step(X[0, 0]),
        }}[{call!r}]
        run()
        alone = threads()
        model.n_jobs = 5
        run()
        print(threads() - alone)"""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_THREAD_LIMIT"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert int(done.stdout) == started


def processors():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="no times of threads here")
@pytest.mark.skipif(not _runtime.has_openmp, reason="built without OpenMP")
@pytest.mark.skipif(processors() < 2, reason="one processor")
@pytest.mark.parametrize(
    "call", ["fit", "predict", "fit of a large net", "predict of a large net", "step", "learn"]
)
def test_a_second_thread_does_a_share_of_the_work(call):
    code = f"""if True:
        import os
        import numpy as np
        from sklstm import LSTMRegressor

        def times():
            # seconds of each thread on a processor
            found = {{}}
            for task in os.listdir("/proc/self/task"):
                with open(f"/proc/self/task/{{task}}/schedstat") as numbers:
                    found[task] = int(numbers.read().split()[0]) / 1e9
            return found

        def others_and_all(run):
            before = times()
            run()
            spent = {{task: t - before.get(task, 0) for task, t in times().items()}}
            return sum(spent.values()) - spent[str(os.getpid())], sum(spent.values())

        rng = np.random.default_rng(0)
        # of a large net, a few sequences are the work of both at a time; long ones, so that
        # all else is little
        X = rng.normal(size=(5, 600, 8) if "large" in {call!r} else (512, 30, 8))
        y = X[:, 0, 0]
        size = 48 if {call!r} in ("fit", "predict") else 400
        # few enough calls that all use both threads, whatever else the machine has to do
        model = LSTMRegressor(size, batch_size=512, max_iter=2, n_jobs=1).initialize(8)
        stream = model.stream()
        stream.step(X[0, 0])
        run = {{
            "fit": lambda: model.fit(X, y),
            "predict": lambda: [model.predict(X) for _ in range(2)],
            "fit of a large net": lambda: model.fit(X, y),
            "predict of a large net": lambda: model.predict(X),
            "step": lambda: [stream.step(x) for x in X[:5].reshape(-1, 8)],
            "learn": lambda: [stream.learn(1.0) for _ in range(40)],
        }}[{call!r}]
        run()
        print(*others_and_all(run))
        model.n_jobs = 2
        run()
        print(*others_and_all(run))"""
    environment = {k: v for k, v in os.environ.items() if k != "OMP_THREAD_LIMIT"}
    # threads that wait do not count as working, and NumPy's stay away
    environment |= {"OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    alone, together = (map(float, line.split()) for line in done.stdout.splitlines())
    others, everyone = alone
    assert others < 0.002 * everyone
    others, everyone = together
    # one of them does not do it all; a step of learning is mostly that of the solver
    assert 0.02 * everyone < others < 0.95 * everyone


def test_denormals_are_as_before_after_a_call():
    fit_and_predict()
    tiny = np.array([np.finfo(np.float64).tiny])
    assert (tiny / 2)[0] > 0


# ------------------------------------------------------------------------------- large streams


def large_stream(n_jobs):
    """A stream with more parameters than the kernel works on with one thread."""
    model = LSTMRegressor(340, random_state=0, n_jobs=n_jobs).initialize(2)
    stream = model.stream()
    assert stream._online.parallel
    return stream


def run_stream(n_jobs):
    stream, rng = large_stream(n_jobs), np.random.default_rng(0)
    found = []
    for x in rng.normal(size=(3, 2)):
        found += [stream.step(x), stream.learn(1.0)]
    return found, stream._online.n_threads


def test_a_large_stream_uses_the_threads_it_may_and_gives_the_same_bits():
    alone, n_threads = run_stream(1)
    assert n_threads == 1
    for n_jobs in (2, 3, 8):
        found, n_threads = run_stream(n_jobs)
        assert n_threads == (n_jobs if _runtime.has_openmp else 1)
        assert found == alone


def test_a_stream_learns_on_the_threads_that_n_jobs_allows_now():
    model = LSTMRegressor(340, random_state=0, n_jobs=1).initialize(2)
    stream = model.stream()
    stream.step([1.0, 0.0])
    model.n_jobs = 3
    stream.learn(1.0)
    assert stream._online.n_threads == (3 if _runtime.has_openmp else 1)


def moved(stream):
    stream.estimator.parameters_ = stream.estimator.parameters_.copy()
    return stream


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
@pytest.mark.parametrize(
    "way",
    [
        lambda stream: stream,
        moved,
        copy.deepcopy,
        lambda stream: pickle.loads(pickle.dumps(stream)),
        lambda stream: stream.estimator.stream(),
    ],
    ids=["goes on", "moves", "is copied", "is saved", "begins"],
)
def test_a_large_stream_does_not_hang_in_a_forked_child(way):
    def steps(stream):
        rng = np.random.default_rng(0)
        return [f for x in rng.normal(size=(3, 2)) for f in (stream.step(x), stream.learn(1.0))]

    def begun():
        stream = large_stream(2)
        steps(stream)
        stream.step([1.0, 0.0])  # which the traces wait for
        return stream

    def check():
        there = way(stream)
        assert steps(there) == expected
        assert there._online.n_threads == 1

    stream, expected = begun(), steps(way(begun()))
    assert end_of(in_child(check)) == 0


def _learn_in_child(model, queue):
    stream = model.stream()
    stream.step([1.0])
    queue.put(stream.learn(1.0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_child_forked_while_a_thread_learns_may_learn():
    model = LSTMRegressor(2, random_state=0).initialize(1)
    stream, done = model.stream(), threading.Event()
    stream.step([1.0])

    def learn():
        while not done.is_set():
            stream.learn(1.0)

    thread = threading.Thread(target=learn)
    thread.start()
    context = multiprocessing.get_context("fork")
    try:
        for _ in range(10):
            queue = context.Queue()
            child = context.Process(target=_learn_in_child, args=(model, queue))
            child.start()
            try:
                assert np.isfinite(queue.get(timeout=20))
            finally:
                child.kill()
                child.join()
    finally:
        done.set()
        thread.join()


def on_every_thread(function, n_threads):
    """What ``function`` returns on each thread of OpenMP's pool; skips without GNU's OpenMP."""
    try:
        parallel = ctypes.CDLL("libgomp.so.1").GOMP_parallel
    except OSError:
        pytest.skip("OpenMP is not GNU's")
    found = []
    callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: found.append(function()))
    parallel(callback, None, ctypes.c_uint(n_threads), ctypes.c_uint(0))
    return found


def half_of_a_denormal():
    return float(np.divide(np.array([4e-310]), 2)[0])


def _halves_after(run, queue):
    run()
    queue.put(on_every_thread(half_of_a_denormal, 2))


def _stream_alone():
    run_stream(2)


@pytest.mark.skipif(not _runtime.has_openmp, reason="built without OpenMP")
@pytest.mark.parametrize("run", [_stream_alone, fit_and_predict])
def test_a_thread_that_was_started_in_a_call_keeps_denormals(run):
    context = multiprocessing.get_context("spawn")  # where no thread was started before
    queue = context.Queue()
    child = context.Process(target=_halves_after, args=(run, queue))
    child.start()
    assert queue.get(timeout=60) == [2e-310, 2e-310]
    child.join()


@pytest.mark.skipif(not _runtime.has_openmp, reason="built without OpenMP")
def test_every_thread_keeps_denormals_as_they_were():
    run_stream(2)
    fit_and_predict()
    halves = on_every_thread(half_of_a_denormal, 2)
    assert len(halves) == 2 and set(halves) == {2e-310}


def test_every_parallel_loop_is_told_its_threads():
    folder = Path(sklstm.__file__).parent
    loops = 0
    for file in sorted([*folder.rglob("*.pyx"), *folder.rglob("*.pxd")]):
        text = file.read_text(encoding="utf-8")
        for loop in re.finditer(r"\b(?:prange|parallel)\((?:[^()]|\([^()]*\))*\)", text):
            assert "num_threads=" in loop[0], f"{file.name}: {loop[0]}"
            loops += 1
    assert loops >= 5


def test_importing_brings_nothing_heavy():
    code = """if True:
        import json, sys
        import sklearn.base
        before = set(sys.modules)
        import sklstm
        print(json.dumps(sorted(set(sys.modules) - before)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert not {name.split(".")[0] for name in found} & {"matplotlib", "pandas", "torch", "onnx"}
    assert not {"sklearn.metrics", "sklearn.model_selection"} & set(found)

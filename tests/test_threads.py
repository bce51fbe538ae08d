"""How many threads are used, and what importing and computing must leave alone."""

import json
import multiprocessing
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from joblib import Parallel, delayed

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


def test_denormals_are_as_before_after_a_call():
    fit_and_predict()
    tiny = np.array([np.finfo(np.float64).tiny])
    assert (tiny / 2)[0] > 0


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

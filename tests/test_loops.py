"""The training loops of `examples/beyond`, with MPI and Ray: one model, whoever computes it."""

import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import watchdog
from numpy.testing import assert_allclose
from sklearn.base import clone

from sklstm.datasets import load_japanese_vowels
from tests.cases import package
from tests.engines.cases import RAY
from tests.engines.on_mpi import ROOT, mpiexec, open_mpi

pytestmark = pytest.mark.skipif(not watchdog.needed, reason=watchdog.why_not)
SCRIPTS = Path(__file__).parents[1] / "examples" / "beyond"
LIMIT = 120  # seconds
MPI = ROOT | {"OMP_NUM_THREADS": "1"}
OVERSUBSCRIBE = "--map-by", ":oversubscribe"  # more ranks than processors
EXACT = 30  # steps after which two orders of a sum still agree to 1e-9
SAVE = """
import pickle, runpy, sys
from unittest.mock import patch
from sklstm import LSTMClassifier
step = LSTMClassifier.apply_gradient
def run(script, file, *arguments):
    path = []
    def recorded(model, *given):
        path.append(step(model, *given).parameters_.copy())
    sys.argv = [script, *arguments]
    with patch.object(LSTMClassifier, "apply_gradient", recorded):
        after = runpy.run_path(script, run_name="__main__")
    names = ("model", "PARTS", "EPOCHS", "BATCHES")
    with open(file, "wb") as opened:
        pickle.dump({name: after[name] for name in names} | {"path": path}, opened)
    return after
script, folder = sys.argv[1:]
"""
RANK = """
from mpi4py import MPI
run(script, f"{folder}/{MPI.COMM_WORLD.rank}")
"""
WORKERS = """
from tests.engines.on_ray import started
ray = started()
for n_workers in ("1", "2"):
    workers = run(script, f"{folder}/{n_workers}", n_workers)["workers"]
    for worker in workers:  # their processors are for the next run
        ray.kill(worker)
"""
FAIL = """
from mpi4py import MPI
error = OSError("disk of rank 1") if MPI.COMM_WORLD.rank == 1 else None
from sklstm.datasets import load_japanese_vowels
with patch("sklstm.datasets.load_japanese_vowels", wraps=load_japanese_vowels, side_effect=error):
    run(script, f"{folder}/{MPI.COMM_WORLD.rank}")
"""


def in_ranks(n, program, folder):
    """What a program leaves that runs in ``n`` ranks."""
    if reason := package("mpi4py")() or open_mpi():
        pytest.skip(reason)
    ranks = [mpiexec(), "-n", str(n), *OVERSUBSCRIBE, sys.executable, "-m", "mpi4py"]
    arguments = ["-c", SAVE + program, str(SCRIPTS / "train_mpi.py"), str(folder)]
    return watchdog.execute(ranks + arguments, LIMIT, **MPI)


def results(folder):
    """What each rank or each run has saved."""
    return [pickle.loads(file.read_bytes()) for file in sorted(folder.iterdir())]


def bits(found):
    return {result["model"].parameters_.tobytes() for result in found}


def plain(result):
    """The same training in this process: parameters after each `partial_fit` on a whole batch."""
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    model = clone(result["model"]).set_params(batch_size=len(X))
    model.initialize(X[0].shape[1], classes=np.unique(y), expected_length=16)
    parts = [np.arange(len(X))[part :: result["PARTS"]] for part in range(result["PARTS"])]
    for epoch in range(result["EPOCHS"]):
        shuffled = [
            rows[np.random.default_rng([epoch, part]).permutation(len(rows))]
            for part, rows in enumerate(parts)
        ]
        shares = [np.array_split(rows, result["BATCHES"]) for rows in shuffled]
        for batch in map(np.concatenate, zip(*shares, strict=True)):
            yield model.partial_fit([X[row] for row in batch], y[batch]).parameters_.copy()
    assert model.t_ == result["model"].t_ == result["EPOCHS"] * len(X)


def learned(printed):
    losses = [float(loss) for loss in re.findall(r"^epoch .* ([\d.]+)$", printed, re.MULTILINE)]
    accuracies = re.findall(r"test accuracy ([\d.]+)$", printed, re.MULTILINE)
    assert losses and accuracies
    assert losses[-1] < losses[0] / 5
    assert min(map(float, accuracies)) > 0.9


@pytest.fixture(scope="module")
def by_mpi(tmp_path_factory):
    """Results of 1, 2 and 3 ranks."""
    found = {}
    for n in (1, 2, 3):
        folder = tmp_path_factory.mktemp(f"ranks{n}")
        ended = in_ranks(n, RANK, folder)
        assert ended.code == 0, ended.out + ended.err
        learned(ended.out)
        found[n] = results(folder)
        assert len(found[n]) == n
    return found


@pytest.fixture(scope="module")
def by_ray(tmp_path_factory):
    """Results of 1 and 2 workers."""
    if reason := package("ray")():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("workers")
    script = SCRIPTS / "train_ray.py"
    learned(watchdog.succeeds(SAVE + WORKERS, script, folder, seconds=LIMIT, **RAY))
    found = results(folder)
    assert len(found) == 2
    return found


def test_all_ranks_end_with_the_same_model(by_mpi):
    for found in by_mpi.values():
        assert len(bits(found)) == 1


def test_the_bits_do_not_depend_on_the_number_of_ranks(by_mpi):
    assert by_mpi[1][0]["PARTS"] > 3
    assert len(set.union(*map(bits, by_mpi.values()))) == 1


def test_the_bits_do_not_depend_on_the_number_of_workers(by_ray):
    assert len(bits(by_ray)) == 1


def test_ranks_and_workers_train_the_same_model(by_mpi, by_ray):
    assert bits(by_mpi[2]) == bits(by_ray)


@pytest.mark.parametrize("engine", ["by_mpi", "by_ray"])
def test_every_step_is_one_of_partial_fit_on_the_whole_batch(engine, request):
    results = request.getfixturevalue(engine)
    result = results[2][0] if engine == "by_mpi" else results[1]
    steps, expected = np.array(result["path"]), np.array(list(plain(result)))
    assert_allclose(steps[:EXACT], expected[:EXACT], rtol=1e-9, atol=1e-12)
    # Adam divides by the root of mean squares: what rounding makes of a gradient near 0 grows
    assert_allclose(steps, expected, atol=1e-6)
    assert steps[-1].tobytes() == result["model"].parameters_.tobytes()


def test_an_error_of_one_rank_ends_all(tmp_path):
    ended = in_ranks(2, FAIL, tmp_path)
    assert ended.code != 0
    assert "disk of rank 1" in ended.err
    assert not list(tmp_path.iterdir())


def test_every_script_is_tested():
    source = Path(__file__).read_text(encoding="utf-8")
    names = [script.name for script in SCRIPTS.glob("*.py")]
    assert names
    assert [name for name in names if f'"{name}"' not in source] == []

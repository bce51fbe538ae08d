"""
More than one process, more than memory
=======================================

This example is for people whose search takes too long for one core, or whose data do not fit in
memory. It shows three things that need joblib and NumPy only: a search on several workers,
prediction in parts from a file, and training on several workers that average their parameters. Each
is checked against the simple way on one core. The data are real: nine speakers say two Japanese
vowels.
"""

# %%
# A search on several workers
# ---------------------------
# Give the workers to the search and leave ``n_jobs=None`` in the estimator: inside a worker of
# joblib it means one thread. So fits run side by side, and each uses one core. The scores do not
# depend on the backend:
#
# - ``threading`` starts at once. The estimators release the GIL, so threads run at the same time.
# - ``loky`` uses processes. Use it if other steps of the pipeline hold the GIL.
# - Dask and Ray register backends of their own for several machines.

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels
from sklstm.preprocessing import SequenceScaler

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
WORKERS = 2

grid = {
    "lstmclassifier__hidden_layer_sizes": [8, 16],
    "lstmclassifier__cell": ["forget", "coupled"],
}
pipeline = make_pipeline(SequenceScaler(), LSTMClassifier(max_iter=20, random_state=0))
searches = {}
for backend in ("sequential", "threading", "loky"):
    start = perf_counter()
    with parallel_config(backend, n_jobs=1 if backend == "sequential" else WORKERS):
        searches[backend] = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    print(f"{backend}: {perf_counter() - start:.1f} s")
scores = [search.cv_results_["mean_test_score"] for search in searches.values()]
print(f"Same scores with every backend: {all(np.array_equal(scores[0], s) for s in scores)}")
model = searches["threading"].best_estimator_

# %%
# Predictions in parts
# --------------------
# Put the steps of all sequences one after the other in a file, and keep the places where sequences
# begin. ``np.load`` with ``mmap_mode`` reads only what is used. A prediction does not depend on the
# other sequences of a call, so parts return the same bits as one call. The size of a part sets the
# memory.


def parts(path, offsets, size):
    """Lists of ``size`` sequences, read from the file one list at a time."""
    steps = np.load(path, mmap_mode="r")
    for first in range(0, len(offsets) - 1, size):
        places = offsets[first : first + size + 1]
        yield [steps[begin:end] for begin, end in pairwise(places)]


with TemporaryDirectory() as folder:
    path = Path(folder) / "steps.npy"
    np.save(path, np.concatenate(X_test))
    offsets = np.concatenate([[0], np.cumsum([len(x) for x in X_test])])
    in_parts = np.concatenate([model.predict_proba(part) for part in parts(path, offsets, 50)])
    # The same on workers. joblib draws parts from the generator as workers become free.
    on_workers = np.concatenate(
        Parallel(n_jobs=WORKERS, prefer="threads")(
            delayed(model.predict_proba)(part) for part in parts(path, offsets, 50)
        )
    )
whole = model.predict_proba(X_test)
print(f"Same bits in parts: {np.array_equal(whole, in_parts)}")
print(f"Same bits in parts on workers: {np.array_equal(whole, on_workers)}")

# %%
# Training on several workers
# ---------------------------
# Each worker holds a part of the sequences. In a round it trains one epoch with ``partial_fit``,
# then the parameters of all workers are averaged and sent back. This needs little communication,
# and works wherever you can send an array. It is an approximation: with the same number of rounds
# the model has made fewer steps than on one core. Use it only if the data do not fit on one machine
# or one core is too slow.


def one_round(lstm, parameters, X, y):
    """An epoch on a worker, from the common parameters. Its solver state stays with it."""
    lstm.parameters_[:] = parameters
    return lstm.partial_fit(X, y)


ROUNDS = 40
scaler = SequenceScaler().fit(X)
scaled, scaled_test = scaler.transform(X), scaler.transform(X_test)
network = LSTMClassifier(32, random_state=0)


def train(n_workers):
    """Loss on all training sequences after each round, and the model."""
    order = np.random.default_rng(0).permutation(len(scaled))
    shards = [([scaled[k] for k in rows], y[rows]) for rows in np.array_split(order, n_workers)]
    start = clone(network).initialize(scaled[0].shape[1], classes=np.unique(y))
    workers = [start] * n_workers
    common, losses = start.parameters_.copy(), []
    with Parallel(n_jobs=n_workers) as parallel:
        for _ in range(ROUNDS):
            workers = parallel(
                delayed(one_round)(lstm, common, *shard)
                for lstm, shard in zip(workers, shards, strict=True)
            )
            common = np.mean([lstm.parameters_ for lstm in workers], axis=0)
            workers[0].parameters_[:] = common
            losses.append(log_loss(y, workers[0].predict_proba(scaled)))
    return losses, workers[0]


figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for n_workers in (1, 2):
    losses, trained = train(n_workers)
    accuracy = trained.score(scaled_test, y_test)
    print(f"{n_workers} worker(s): training loss {losses[-1]:.3f}, test accuracy {accuracy:.3f}")
    axis.semilogy(range(1, ROUNDS + 1), losses, label=f"{n_workers} worker(s)")
axis.set(xlabel="Round", ylabel="Training loss", title="Averaging after every epoch")
axis.legend(loc="upper right")
plt.show()

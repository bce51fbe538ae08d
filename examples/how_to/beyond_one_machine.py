"""
Beyond one machine with Dask
============================

This example is for people whose search takes too long for one core, or whose data do not fit in
memory. Two workers of Dask search, predict and train. Here they are processes of this machine, and
the same code runs on a cluster. Each result is compared with that of one core. The data are real:
nine speakers say two Japanese vowels.
"""

# %%
# Workers
# -------
# ``SubprocessCluster`` starts a scheduler and two workers as processes of their own. If you have a
# cluster, pass the address of its scheduler to ``Client`` instead. The workers need the same
# version of sklstm as your process. On Windows use ``LocalCluster``, and put the code of the script
# below ``if __name__ == "__main__":``.

import os
import pickle
import signal
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, SubprocessCluster, get_task_stream
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels
from sklstm.distributed import fit
from sklstm.preprocessing import SequenceScaler

WORKERS = 2
cluster = SubprocessCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0")
client = Client(cluster)
client.wait_for_workers(WORKERS)
print(f"Workers: {len(client.scheduler_info()['workers'])}")

# %%
# A search on the workers
# -----------------------
# scikit-learn's searches run their fits through joblib, and ``parallel_config`` selects who does
# the work:
#
# - ``threading`` uses threads of your process. It starts at once, and the estimators release the
#   GIL, so the fits run at the same time. Use it on one machine.
# - ``dask`` uses the workers. ``scatter`` sends the data to each of them once. Without it joblib
#   sends a list of sequences again with every fit.
#
# Leave ``n_jobs=None`` in the estimator: inside a worker it means one thread. The scores and the
# parameters of the refitted model do not depend on the choice. With data as small as these,
# threads are faster: new workers first import scikit-learn and sklstm.

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
grid = {
    "lstmclassifier__hidden_layer_sizes": [8, 16],
    "lstmclassifier__cell": ["forget", "coupled"],
}
pipeline = make_pipeline(SequenceScaler(), LSTMClassifier(max_iter=20, random_state=0))
options = {
    "sequential": {"n_jobs": 1},
    "threading": {"n_jobs": WORKERS},
    "dask": {"scatter": [X, y]},
}
searches = {}
for backend, settings in options.items():
    start = perf_counter()
    with parallel_config(backend, **settings), get_task_stream(client) as stream:
        searches[backend] = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    print(f"{backend}: {perf_counter() - start:.1f} s")
scores = [search.cv_results_["mean_test_score"] for search in searches.values()]
refitted = [search.best_estimator_[-1].parameters_ for search in searches.values()]
print(f"Same scores with every backend: {all(np.array_equal(scores[0], s) for s in scores)}")
print(f"Same bits of the refitted model: {all(np.array_equal(refitted[0], p) for p in refitted)}")
model = searches["dask"].best_estimator_

# %%
# Who fitted when
# ---------------
# Dask records when each task began and ended. Each bar is a fit of the search on Dask, or several
# short fits that joblib has sent together. The rest of the time above went into imports and
# messages, which matter less the longer a fit takes.

fits = [record for record in stream.data if "fit_and_score" in record["key"]]
names = sorted({record["worker"] for record in fits})
spans = [
    (names.index(record["worker"]), span["start"], span["stop"])
    for record in fits
    for span in record["startstops"]
    if span["action"] == "compute"
]
begin = min(start for _, start, _ in spans)
figure, axis = plt.subplots(figsize=(7, 2.2), layout="constrained")
for worker, start, stop in spans:
    axis.barh(worker, stop - start, left=start - begin, edgecolor="white", color=f"C{worker}")
axis.set(xlabel="Seconds", yticks=range(len(names)), title="Fits of the search")
axis.set_yticklabels([f"worker {k + 1}" for k in range(len(names))])
end = max(stop for _, _, stop in spans)
print(f"Tasks on {len(names)} workers: {len(spans)}, done in {end - begin:.1f} s")

# %%
# Predictions in parts
# --------------------
# Put the steps of all sequences one after the other in a file, and keep the places where sequences
# begin. ``np.load`` with ``mmap_mode`` reads only what is used. A prediction does not depend on the
# other sequences of a call, so parts return the same bits as one call. The size of a part sets the
# memory.
#
# The loop below needs no workers. On Dask, every worker receives the model once and reads its parts
# from the file by itself, so only places and predictions are sent. The file must be in a folder
# that all workers see.


def read(path, places):
    """The sequences between these places, read from the file."""
    steps = np.load(path, mmap_mode="r")
    return [steps[begin:end] for begin, end in pairwise(places)]


def predict(places, path, model):
    return model.predict_proba(read(path, places))


SIZE = 50  # sequences of a part
with TemporaryDirectory() as folder:
    path = Path(folder) / "steps.npy"
    np.save(path, np.concatenate(X_test))
    offsets = np.concatenate([[0], np.cumsum([len(x) for x in X_test])])
    parts = [offsets[first : first + SIZE + 1] for first in range(0, len(X_test), SIZE)]
    in_parts = np.concatenate([predict(places, path, model) for places in parts])

    sent = client.scatter(model, broadcast=True)
    on_workers = np.concatenate(client.gather(client.map(predict, parts, path=path, model=sent)))

whole = model.predict_proba(X_test)
print(f"Size of the model: {len(pickle.dumps(model)) / 1000:.0f} kB, {len(parts)} parts")
print(f"Same bits in parts: {np.array_equal(whole, in_parts)}")
print(f"Same bits in parts on workers: {np.array_equal(whole, on_workers)}")

# %%
# One model, trained on the workers
# ---------------------------------
# ``fit`` of ``sklstm.distributed`` trains one model on partitions, which stay on the workers. In
# each step every worker computes the gradient of its sequences, and your process makes the step
# along the sum. The parameters are those of one process up to rounding. The bits depend on the
# partitions. They do not depend on the number of workers: a cluster with a single worker returns
# the same. With data as small as these, most of the time goes into messages.

scaler = SequenceScaler().fit(X)
order = np.random.default_rng(0).permutation(len(X))
scaled, labels = scaler.transform([X[k] for k in order]), y[order]
scaled_test = scaler.transform(X_test)
partitions = [
    (scaled[first:stop], labels[first:stop]) for first, stop in pairwise([0, 70, 140, 210, 270])
]
network = LSTMClassifier(32, max_iter=30, random_state=0)
start = perf_counter()
alone = clone(network).fit(scaled, labels)
middle = perf_counter()
trained = fit(clone(network), partitions, client)
print(f"fit: {middle - start:.1f} s, on the workers: {perf_counter() - middle:.1f} s")
difference = np.abs(trained.parameters_ - alone.parameters_).max()
print(f"Largest difference of a parameter: {difference:.0e}")

with Client(
    processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0", set_as_default=False
) as single:
    with_one = fit(clone(network), partitions, single)
print(f"Same bits with one worker: {np.array_equal(with_one.parameters_, trained.parameters_)}")
print(f"Test accuracy of training on the workers: {trained.score(scaled_test, y_test):.3f}")

# %%
# Averages instead of gradients
# -----------------------------
# ``average=k`` is for slow networks: each partition trains alone on up to ``k`` batches, then the
# parameters are averaged. Here an epoch has one exchange instead of nine. The result is another
# model. Each partition makes two or three steps per epoch and not nine, so the loss falls more
# slowly.

averaged = fit(clone(network), partitions, client, average=4)
print(f"Test accuracy of averages: {averaged.score(scaled_test, y_test):.3f}")
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for label, each in {"gradients added up": trained, "parameters averaged": averaged}.items():
    print(f"{label}: training loss {each.loss_curve_[-1]:.3f}")
    axis.semilogy(range(1, len(each.loss_curve_) + 1), each.loss_curve_, label=label)
axis.set(xlabel="Epoch", ylabel="Training loss", title="Training on two workers")
axis.legend(loc="upper right")

# %%
# A worker is lost
# ----------------
# While this training runs, one of the two workers is killed. Its partitions move to the other, the
# step is repeated, and no bit of the result changes. Dask then starts a new worker.

process = min(client.run(os.getpid).values())
killer = Timer(0.5, os.kill, [process, signal.SIGTERM])
killer.start()
survived = fit(clone(network), partitions, client)
killer.join()
print(f"The worker is gone: {process not in client.run(os.getpid).values()}")
print(f"Same bits after the loss: {np.array_equal(survived.parameters_, trained.parameters_)}")
client.close()
cluster.close()
plt.show()

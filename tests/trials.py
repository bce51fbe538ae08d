"""Trials for the tests: kernels of rows, kernels of small made-up tasks, and nets that are known.

`constant` and `following` are nets whose outputs are plain to see, so that what a protocol should
count can be said without running one.
"""

from math import inf

import numpy as np

from sklstm.paper import _kernel
from sklstm.paper._nets import EstimatorNet, LateCellNet, published_net
from sklstm.paper._protocol import KINDS, net_of, protocol_of, task_of
from sklstm.paper._readings import AS_PRINTED

# Trains until the cap, and never looks learned.
ENDLESS = {
    "window": 1,
    "window_wrong": 0,
    "window_error": -1.0,
    "measure": 0,
    "check": 1,
    "n_test": 0,
    "test_wrong": 0,
    "test_error": inf,
    "n_final": 0,
    "final_always": False,
    "cap": 1,
    "tolerance": 0.2,
    "judge_last": False,
    "stop_at_error": False,
    "growth_window": 0,
    "growth_gain": 0.0,
}


def kernel_of(row, reading=AS_PRINTED, n_sequences=20, *, symbols=True, **changes):
    """Trials of a row that stop after so many training sequences."""
    task = task_of(row, reading, 0)
    if not symbols:
        task["n_symbols"] = 0
    protocol = protocol_of(row, reading, n_sequences) | {"window_error": -1.0} | changes
    return _kernel.Trials(
        net_of(row, reading).places(symbols=task["n_symbols"] > 0, feedback=reading.feedback),
        task,
        protocol,
        rate=row.rate,
        update_every_step=reading.update == "step",
        rest=reading.rest,
        g_range=(-2.0, 2.0) if reading.centred else (0.0, 1.0),
        plain_error=reading.plain_error,
    )


def task(experiment, net, *, symbols=False, **fields):
    """A task for the kernel; every step has a target where the paper has one."""
    fields = {"every_step": experiment in ("1", "2a", "2b", "crg")} | fields
    fields |= {"n_inputs": net.n_features, "n_outputs": net.n_outputs}
    return fields | {
        "kind": KINDS[experiment],
        "n_symbols": net.n_features if symbols else 0,
    }


def small_kernel(net, given, *, feedback="all", rate=1.0, g_range=(0.0, 1.0), **changes):
    """Trials of a task of `task`; what is not a field of the protocol is for ``Trials``."""
    protocol = ENDLESS | {name: changes.pop(name) for name in ENDLESS if name in changes}
    places = net.places(symbols=given["n_symbols"] > 0, feedback=feedback)
    return _kernel.Trials(places, given, protocol, rate=rate, g_range=g_range, **changes)


def finish(kernel, lane=0):
    """Go on until the trial of a lane has finished; its last record."""
    while not kernel.record(lane)["finished"]:
        kernel.run(100_000)
    return kernel.record(lane)


def vector_of(kernel, like, lane=0):
    """The parameters of a lane's net; where the kernel has none, those of ``like``."""
    found = np.array(like)
    kernel.vector(lane, found)
    return found


def trained(kernel, vector, seed=3, lane=0):
    """The parameters after the trial has finished."""
    kernel.start(lane, seed, vector)
    finish(kernel, lane)
    return vector_of(kernel, vector, lane)


def sequences(kernel, n, seed=3):
    """The first n sequences of a trial with this seed: inputs and targets, (T, ...) each."""
    return kernel.draw(seed, n, np.empty)


def one_hot(x, n_features):
    """Symbols (T, 1) as (T, F); numbers as they are."""
    return np.eye(n_features)[x[:, 0].astype(int)] if n_features > 2 else x


def as_inputs(drawn, n_features):
    """What an estimator reads."""
    return [one_hot(x, n_features) for x, _ in drawn]


def constant(n_features, outputs):
    """A net without cells' help and its parameters: these outputs, strictly in (0, 1), always."""
    outputs = np.atleast_1d(np.asarray(outputs, dtype=float))
    estimator = published_net(1, 1, bias="all", init_range=0.1)
    net = EstimatorNet(estimator, n_features, len(outputs))
    model = net.initial(0)
    model.parameters_[:] = 0
    model._topology.output_bias(model.parameters_)[:] = np.log(outputs / (1 - outputs))
    return net, model.parameters_


def following(table):
    """A net whose output k after symbol f is logistic(table[k, f]), and its parameters."""
    n_outputs, n_features = np.shape(table)
    net = LateCellNet(n_features, n_outputs)
    vector = np.zeros(net.n_weights)
    vector[2 * n_features : 2 * n_features + n_outputs * n_features] = np.ravel(table)
    return net, vector

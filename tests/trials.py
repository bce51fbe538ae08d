"""Trials for the tests: kernels of rows, kernels of small made-up tasks, and nets that are known.

`constant` and `following` are nets whose outputs are plain to see, so that what a protocol should
count can be said without running one.
"""

from dataclasses import replace

import numpy as np

from sklstm.paper import _kernel, _run
from sklstm.paper._criterion import Criterion, criterion_of
from sklstm.paper._nets import EstimatorNet, LateCellNet, estimator_of
from sklstm.paper._readings import AS_PRINTED
from sklstm.paper._rows import PublishedNet
from sklstm.paper._tasks import KIND_OF, NEXT_SYMBOL, Task, task_of

NEVER = -1.0  # an error that no window has: a net trains until the cap
ENDLESS = Criterion(cap=1, tolerance=0.2, window_error=NEVER)


def kernel_of(row, reading=AS_PRINTED, n_sequences=20, *, symbols=True, **changes):
    """Trials of a row that stop after so many training sequences."""
    criterion = criterion_of(row, reading, n_sequences)
    criterion = replace(criterion, **{"window_error": NEVER} | changes)
    return _run.kernel_of(row, reading, task_of(row, reading, 0), criterion, symbols=symbols)


def task(experiment, net, **fields):
    """A task of an experiment for a net; every step has a target where the paper has one."""
    return Task(
        kind=KIND_OF[experiment],
        n_inputs=net.n_features,
        every_step=experiment in NEXT_SYMBOL,
        **fields,
    )


def small_kernel(
    net, given, criterion=ENDLESS, *, symbols=False, feedback="all", rate=1.0, **settings
):
    """Trials of a net; ``settings`` are those of ``Trials``."""
    places = net.places(symbols=symbols, feedback=feedback)
    return _kernel.Trials(places, given, criterion, rate=rate, **settings)


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


def trained_in_company(kernel, vector):
    """The parameters and the record of a trial with seed 3 among others, in the middle lane.

    Lanes before it are well under way, those after it start later, and all go on for ever.
    """
    watched = _kernel.lanes // 2
    for lane in range(_kernel.lanes):
        kernel.start(lane, 3 if lane == watched else 100 + lane, vector * (1 + lane - watched))
        kernel.run(17 * lane + 1)
    while not kernel.record(watched)["finished"]:
        kernel.run(50)
        for lane in range(_kernel.lanes):
            if lane != watched and kernel.record(lane)["finished"]:
                kernel.start(lane, 200 + lane, vector)
    return vector_of(kernel, vector, watched), kernel.record(watched)


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
    estimator = estimator_of(PublishedNet(blocks=1, cells=1, bias="all"))
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

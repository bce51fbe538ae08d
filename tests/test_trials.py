"""Trials side by side learn what the estimators learn, and draw the tasks of sklstm.datasets."""

from math import inf

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklstm.paper import _kernel
from sklstm.paper._nets import ContinualNet, LateCellNet
from sklstm.paper._protocol import net_of, protocol_of, task_of
from sklstm.paper._readings import AS_PRINTED, Reading
from sklstm.paper._rows import ROWS, select

ONE_ROW_EACH = {row.experiment: row for row in reversed(ROWS)}.values()


def kernel_of(row, reading=AS_PRINTED, n_sequences=20, *, symbols=None, **changes):
    """Trials of a row that stop after so many training sequences."""
    task = task_of(row, reading, 0)
    if symbols is False:
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
    )


def trained(kernel, vector, seed=3, lane=0):
    """The parameters after the trial has reached its cap."""
    kernel.start(lane, seed, vector)
    while not kernel.record(lane)["finished"]:
        kernel.run(100_000)
    found = np.empty_like(vector)
    kernel.vector(lane, found)
    return found


def sequences(kernel, n, seed=3):
    return kernel.draw(seed, n, np.empty)


def as_inputs(drawn, n_features):
    """What an estimator reads."""
    return [np.eye(n_features)[x[:, 0].astype(int)] if x.shape[1] == 1 else x for x, _ in drawn]


@pytest.mark.parametrize("row", [r for r in ONE_ROW_EACH if r.experiment not in ("2a", "2b")], ids=lambda row: row.experiment)
def test_a_trial_learns_what_partial_fit_learns(row):
    if row.experiment == "2c":
        row = select("2c:q=50,p=50")[0]
    net, kernel = net_of(row, AS_PRINTED), kernel_of(row)
    drawn = sequences(kernel, 20)
    model = net.initial(5).set_params(
        learning_rate_init=row.rate, return_sequences=row.experiment == "1"
    )
    X = [x for x, _ in drawn] if row.experiment[0] in "345" else as_inputs(drawn, net.n_features)
    y = [t if row.experiment == "1" else t[-1] for _, t in drawn]
    model.partial_fit(X, np.ravel(y) if net.n_outputs == 1 else y)
    assert_allclose(trained(kernel, net.vector(5)), model.parameters_, rtol=1e-9, atol=1e-12)

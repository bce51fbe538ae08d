"""The doors of the inspection and of the paper's trials."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from trials import ENDLESS, constant, task

from doors import SIZES, Door, but, changed, wrong
from sklstm.inspection import _cells
from sklstm.paper import _kernel

STATES = np.zeros((2, 3))


def states(*names):
    return {name: (lambda: wrong(STATES, columns=True)) for name in names}


CELLS = {
    "forward": Door(
        lambda **arguments: _cells.forward("forget", *arguments.values()),
        dict(
            peephole=np.zeros((6, 3)),
            s_before=STATES,
            z=np.zeros((5, 3)),
            s=np.zeros((2, 3)),
            h=np.zeros((2, 3)),
            r=np.zeros((2, 3)),
        ),
        peephole=lambda: wrong(np.zeros((6, 3)), columns=True),
        z=lambda: wrong(np.zeros((5, 3)), columns=True),
        **states("s_before", "s", "h", "r"),
    ),
    "errors": Door(
        lambda **arguments: _cells.errors("forget", *arguments.values()),
        dict(z=np.zeros((5, 3)), h=STATES, d_r=STATES, d_s=np.zeros((2, 3)), d_o=np.zeros((1, 3))),
        z=lambda: wrong(np.zeros((5, 3)), columns=True),
        d_o=lambda: wrong(np.zeros((1, 3)), columns=True),
        **states("h", "d_s", "d_r"),
    ),
    "backward": Door(
        lambda **arguments: _cells.backward("forget", *arguments.values()),
        dict(
            flow=np.zeros((6, 3)),
            s_before=STATES,
            s=STATES,
            h=STATES,
            d_r=STATES,
            z=np.zeros((5, 3)),
            d_s=np.zeros((2, 3)),
            d_peephole=np.zeros((6, 3)),
        ),
        flow=lambda: wrong(np.zeros((6, 3)), columns=True),
        d_peephole=lambda: wrong(np.zeros((6, 3)), columns=True),
        z=lambda: wrong(np.zeros((5, 3)), columns=True),
        **states("s_before", "s", "h", "d_r", "d_s"),
    ),
}


def trials(places, task, criterion):
    return _kernel.Trials(places, task, criterion, rate=0.1)


def tables():
    right = PLACES
    for name in ("hidden", "head"):
        for fault, table in but(wrong(getattr(right, name), columns=True), "long"):
            yield f"{name} {fault}", replace(right, **{name: table})
        beyond = changed(getattr(right, name), 0, 0, to=len(right.trainable))
        yield f"{name} beyond", replace(right, **{name: beyond})
        before = changed(getattr(right, name), 0, 0, to=-2)
        yield f"{name} before", replace(right, **{name: before})
    for name in ("n_blocks", "block_size", "n_recurrent"):
        for size in SIZES:
            yield f"{name} {size}", replace(right, **{name: size})


def tasks():
    for name in ("n_inputs", "length", "n_distractors"):
        for size in SIZES:
            yield f"{name} {size}", replace(TASK, **{name: size})
    yield "numbers that are not drawn", replace(TASK, n_inputs=3)
    yield "unknown", replace(TASK, kind="copy")
    yield "no strings", replace(TASK, kind="strings")
    yield "no automaton", replace(TASK, kind="reber_stream")
    yield "too few symbols", replace(TASK, kind="temporal_order", n_relevant=2)
    letters = np.array([0, 1, 0, 1], np.uint8)
    strings = SimpleNamespace(
        symbols=letters, legal=letters, offsets=np.array([0, 2, 4]), n_training=1
    )
    for name, value in (
        ("symbols", letters + 2),
        ("legal", letters[:3]),
        ("offsets", np.array([0, 3, 2, 4])),
        ("offsets", np.array([0, 2, 2**40])),
        ("offsets", np.array([0, 1, 4])),
        ("n_training", 3),
        ("n_training", -1),
        ("symbols", None),
        ("legal", None),
    ):
        torn = SimpleNamespace(**(vars(strings) | {name: value}))
        yield f"strings {name}", replace(TASK, kind="strings", strings=torn)
    for symbol, target in (([0, 5], [0, 0]), ([0, 1], [0, 1]), ([0, 1], [0]), ([], [])):
        edges = SimpleNamespace(
            symbol=np.array(symbol, np.uint8), target=np.array(target, np.uint8)
        )
        yield f"automaton {symbol} {target}", replace(TASK, kind="reber_stream", automaton=edges)


def criteria():
    for name in ("window", "check", "n_test", "n_final", "growth_window"):
        for size in SIZES:
            yield f"{name} {size}", replace(ENDLESS, **{name: size})
    yield "no window", replace(ENDLESS, window=0)
    yield "a window that nobody remembers", replace(ENDLESS, window=2001)
    yield "no look", replace(ENDLESS, check=0)


ONE_OUTPUT, NET = constant(2, 0.5)
TASK = task("4", ONE_OUTPUT, length=20)
PLACES = ONE_OUTPUT.places(symbols=False, feedback="all")


def lane(name, lane, *more):
    made = trials(PLACES, TASK, ENDLESS)
    getattr(made, name)(lane, *more)


def lanes():
    return [(str(k), k) for k in (_kernel.lanes, -1, 2**31 - 1, 2**63)]


PAPER = {
    "Trials": Door(
        trials,
        dict(places=PLACES, task=TASK, criterion=ENDLESS),
        places=tables,
        task=tasks,
        criterion=criteria,
    ),
    "Trials.start": Door(
        lambda lane_, vector: lane("start", lane_, 0, vector),
        dict(lane_=0, vector=NET),
        lane_=lanes,
        vector=lambda: wrong(NET),
    ),
    "Trials.vector": Door(
        lambda lane_, vector: lane("vector", lane_, vector),
        dict(lane_=0, vector=NET.copy()),
        lane_=lanes,
        vector=lambda: wrong(NET),
    ),
    "Trials.stop": Door(lambda lane_: lane("stop", lane_), dict(lane_=0), lane_=lanes),
    "Trials.record": Door(lambda lane_: lane("record", lane_), dict(lane_=0), lane_=lanes),
    "Trials.draw": Door(
        lambda make: trials(PLACES, TASK, ENDLESS).draw(0, 2, make),
        dict(make=np.empty),
        make=lambda: [
            ("short", lambda shape: np.empty((shape[0] - 1, shape[1]))),
            ("none", lambda shape: None),
        ],
    ),
}

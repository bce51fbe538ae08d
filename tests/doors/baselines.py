"""The doors of the baselines."""

import numpy as np

from doors import Door, but, changed, sizes, wrong
from sklstm.baselines._cascade import run_back, run_units
from sklstm.baselines._chunker import Chunker
from sklstm.baselines._entries import Steps
from sklstm.baselines._gradients import Recurrent
from sklstm.baselines._guesses import Guesses

FIRST, INDEX, VALUE = np.array([0, 1, 3, 4]), np.array([0, 0, 1, 1]), np.ones(4)
TWO = np.array([0, 2, 3])  # sequences of two steps and of one
STEPS = Steps(FIRST, INDEX, VALUE, TWO)
WIDER = Steps(FIRST, changed(INDEX, 1, to=5), VALUE, TWO)
RIGHT = dict(targets=np.zeros((2, 1)), weights=np.ones(2))
FIT = dict(
    targets=lambda: wrong(RIGHT["targets"], columns=True),
    weights=lambda: wrong(RIGHT["weights"]),
    order=lambda: [("beyond", np.array([2])), ("before", np.array([-1])), ("none", None)],
    steps=lambda: [("wider", WIDER), ("none", None)],
)
OUT = dict(out=lambda: wrong(np.zeros((2, 1)), columns=True), steps=FIT["steps"])

ONES, ALL = np.ones(51), np.arange(18)  # weights of the chunker; places of the guesses


def recurrent(n_features=2, n_hidden=2, n_outputs=1, vector=ONES[:13], fully=False):
    return Recurrent(
        vector,
        n_features=n_features,
        n_hidden=n_hidden,
        n_outputs=n_outputs,
        fully=fully,
        shortcuts=False,
        bias=True,
        out_activation="identity",
    )


def guesses(places=ALL, n_features=2, n_hidden=2, n_outputs=1):
    return Guesses(
        places,
        n_features=n_features,
        n_hidden=n_hidden,
        n_outputs=n_outputs,
        out_activation="identity",
    )


def chunker(n_features=2, n_hidden=2, n_outputs=1, vector=ONES, n_steps=3):
    settings = dict(n_features=n_features, n_hidden=n_hidden, n_outputs=n_outputs)
    return Chunker(
        vector,
        **settings,
        shared=False,
        bias=True,
        out_activation="identity",
        n_steps=n_steps,
        threshold=0.1,
        chunker_shortcuts=False,
    )


def recurrent_learns(gradient="bptt", **arguments):
    recurrent().learn(
        *arguments.values(), per_step=False, gradient=gradient, rate=0.1, every_step=False
    )


LEARN = dict(steps=STEPS, **RIGHT, order=np.arange(2))
NET_SIZES = dict(n_features=sizes(), n_hidden=sizes(), n_outputs=sizes(0))

BASELINES = {
    "Steps": Door(
        lambda **arguments: Steps(*arguments.values()),
        dict(first=FIRST, index=INDEX, value=VALUE, offsets=TWO),
        first=lambda: [
            *wrong(FIRST),
            ("falls", changed(FIRST, 1, to=4)),
            ("late", changed(FIRST, 0, to=1)),
        ],
        index=lambda: [*wrong(INDEX), ("negative", changed(INDEX, 2, to=-1))],
        value=lambda: wrong(VALUE),
        offsets=lambda: [
            *but(wrong(TWO), "long"),
            ("falls", changed(TWO, 1, to=4)),
            ("huge", changed(TWO, 1, to=2**62)),
        ],
    ),
    "Recurrent": Door(
        recurrent,
        dict(vector=np.ones(13), n_features=2, n_hidden=2, n_outputs=1),
        vector=lambda: wrong(np.ones(13)),
        **NET_SIZES,
    ),
    "Recurrent.learn": Door(recurrent_learns, LEARN, **FIT),
    "Recurrent.output": Door(
        lambda steps, out: recurrent().output(steps, out, per_step=False),
        dict(steps=STEPS, out=np.zeros((2, 1))),
        **OUT,
    ),
    "Guesses": Door(
        guesses,
        dict(places=np.arange(18), n_features=2, n_hidden=2, n_outputs=1),
        **NET_SIZES,
        places=lambda: [("beyond", np.array([18])), ("before", np.array([-1])), ("none", None)],
    ),
    "Guesses.search": Door(
        lambda candidates, **arguments: guesses().search(
            candidates, *arguments.values(), per_step=False, tolerance=0.1
        ),
        dict(candidates=np.zeros((4, 18)), steps=STEPS, **RIGHT),
        candidates=lambda: [("wide", np.zeros((4, 19))), ("none", None)],
        targets=FIT["targets"],
        weights=FIT["weights"],
        steps=FIT["steps"],
    ),
    "Guesses.output": Door(
        lambda steps, vector, out: guesses().output(vector, steps, out, per_step=False),
        dict(steps=STEPS, vector=np.zeros(18), out=np.zeros((2, 1))),
        **OUT,
        vector=lambda: wrong(np.zeros(18)),
    ),
    "Chunker": Door(
        chunker,
        dict(vector=np.ones(51), n_features=2, n_hidden=2, n_outputs=1, n_steps=3),
        vector=lambda: wrong(np.ones(51)),
        n_steps=lambda: [("negative", -1), ("far", 2**63)],
        **NET_SIZES,
    ),
    "Chunker.learn": Door(
        lambda **arguments: chunker().learn(*arguments.values(), per_step=False, rate=0.1),
        LEARN,
        **FIT,
    ),
    "Chunker.gradient": Door(
        lambda sequence: chunker().gradient(STEPS, *RIGHT.values(), sequence, 0, per_step=False),
        dict(sequence=1),
        sequence=lambda: [(str(k), k) for k in (2, -1, 2**62)],
    ),
    "Chunker.output": Door(
        lambda steps, out: chunker().output(steps, out, per_step=False),
        dict(steps=STEPS, out=np.zeros((2, 1))),
        **OUT,
    ),
    "run_units": Door(
        lambda **arguments: run_units(*arguments.values()),
        dict(net=np.zeros((3, 2)), w_self=np.ones(2), offsets=TWO),
        w_self=lambda: wrong(np.ones(2)),
        offsets=lambda: but(wrong(TWO), "long"),
    ),
    "run_back": Door(
        lambda **arguments: run_back(*arguments.values()),
        dict(
            error=np.zeros((3, 2)),
            values=np.zeros((3, 2)),
            w_self=np.ones(2),
            offsets=TWO,
            d_w_self=np.zeros(2),
        ),
        values=lambda: wrong(np.zeros((3, 2)), columns=True),
        w_self=lambda: wrong(np.ones(2)),
        offsets=lambda: but(wrong(TWO), "long"),
        d_w_self=lambda: wrong(np.ones(2)),
    ),
}

"""The doors of batches, streams and solvers."""

import numpy as np

from doors import Door, but, changed, misaligned, sizes, wrong
from doors.networks import (
    BLOCK,
    CLASSES,
    DECAYED,
    DTYPE,
    FROZEN,
    LABELS,
    LEARN_FROM,
    LEARN_STEPS,
    S0,
    SEQUENCES,
    SESSION_ARRAYS,
    SQUARED,
    TARGETS,
    TOPOLOGY,
    VECTOR,
    WEIGHTS,
    X0,
    K,
    N,
    addresses,
    arrays,
    fitted,
    gradient,
    gradients,
    labels,
    learn_from,
    learn_steps,
    memories,
    n,
    objectives,
    offsets,
    online,
    rows,
    session,
    softmax_loss,
    steps,
    symbols,
    topologies,
    total_loss,
)
from sklstm import _isa
from sklstm._addresses import of_blocks


def renew(**arguments):
    if not session().renew(*arguments.values()):
        raise ValueError("there is no room")


NETWORKS = {
    "of_blocks": Door(
        lambda values, offsets: of_blocks([(values, offsets)]),
        dict(values=SEQUENCES.values, offsets=SEQUENCES.offsets),
        values=arrays,
        offsets=lambda: but(offsets(), "late", "ends early"),  # a part of a block
    ),
    "of_blocks of a second block": Door(
        lambda values, offsets: of_blocks(
            [(SEQUENCES.values, SEQUENCES.offsets), (values, offsets)]
        ),
        dict(values=SEQUENCES.values, offsets=SEQUENCES.offsets),
        values=lambda: [
            *arrays(),
            ("wide", np.zeros((N, 3))),
            ("other precision", SEQUENCES.values.astype(np.float32)),
        ],
        offsets=lambda: but(offsets(), "late", "ends early"),  # a part of a block
    ),
    "Addresses.take": Door(
        lambda rows: SEQUENCES.addresses.take(rows),
        dict(rows=np.array([2, 0])),
        rows=lambda: [
            ("none", None),
            ("beyond", np.array([0, 3])),
            ("before", np.array([-1])),
            ("far beyond", np.array([2**62])),
            ("int32", np.array([0], np.int32)),
        ],
    ),
    "Addresses.pack": Door(
        lambda out: SEQUENCES.addresses.pack(out),
        dict(out=np.zeros(N * 2 * 8, np.uint8)),
        out=lambda: [
            *but(wrong(np.zeros(N * 2 * 8, np.uint8))),
            ("read-only", bytes(N * 2 * 8)),
        ],
    ),
    "first_not_finite": Door(
        _isa.kernels[DTYPE].first_not_finite,
        dict(sequences=SEQUENCES.addresses),
        sequences=lambda: but(addresses(), "short", "long", "longer steps", "shorter steps"),
    ),
    "Session": Door(
        session,
        dict(
            topology=TOPOLOGY,
            vector=VECTOR,
            addresses=SEQUENCES.addresses,
            symbols=SEQUENCES.symbols,
            span=256,
            whole=1024,
        ),
        topology=topologies,
        span=sizes(0, 3, 255),
        whole=sizes(0),
        **SESSION_ARRAYS,
    ),
    "Session.renew": Door(
        renew,
        dict(
            vector=VECTOR,
            addresses=SEQUENCES.addresses,
            symbols=SEQUENCES.symbols,
        ),
        **SESSION_ARRAYS,
    ),
    "Session.output": Door(
        lambda out: session().output(out),
        dict(out=np.zeros((n, K))),
        out=lambda: wrong(np.zeros((n, K)), columns=True),
    ),
    "Session.output at every step": Door(
        lambda out: session(return_sequences=True).output(out),
        dict(out=np.zeros((N, K))),
        out=lambda: wrong(np.zeros((N, K)), columns=True),
    ),
    "Session.learn_from": Door(
        learn_from,
        LEARN_FROM | {"objective": SQUARED},
        targets=lambda: wrong(TARGETS, columns=True),
        weights=lambda: wrong(WEIGHTS),
        sequence_weights=lambda: wrong(WEIGHTS),
        objective=objectives,
        frozen=lambda: [
            ("beyond", np.array([TOPOLOGY.n_dense])),
            ("before", np.array([-1])),
            ("none", None),
        ],
        decayed=lambda: but(wrong(DECAYED), "other type"),
        found=gradients,
    ),
    "Session.learn_from labels": Door(
        lambda targets: learn_from(**(LEARN_FROM | {"targets": targets}), objective=CLASSES),
        dict(targets=LABELS),
        targets=labels,
    ),
    "Session.gradient": Door(
        lambda rows: fitted().gradient(rows), dict(rows=np.arange(3)), rows=rows
    ),
    "Session.plan_of": Door(
        lambda rows: fitted().plan_of(rows), dict(rows=np.arange(3)), rows=rows
    ),
    "total_loss": Door(
        total_loss,
        dict(raw=np.zeros((n, K)), targets=TARGETS, weights=WEIGHTS),
        raw=lambda: wrong(np.zeros((n, K)), columns=True),
        targets=lambda: wrong(TARGETS, columns=True),
        weights=lambda: wrong(WEIGHTS),
    ),
    "total_loss of labels": Door(softmax_loss, dict(targets=LABELS), targets=labels),
    "Online": Door(
        online,
        dict(
            topology=TOPOLOGY,
            vector=VECTOR,
            frozen=FROZEN,
            decayed=DECAYED,
            found=gradient(),
            objective=SQUARED,
        ),
        topology=topologies,
        vector=SESSION_ARRAYS["vector"],
        objective=objectives,
        frozen=lambda: [("beyond", np.array([TOPOLOGY.n_dense])), ("none", None)],
        decayed=lambda: but(wrong(DECAYED), "other type"),
        found=lambda: [*((name, found) for name, found in gradients()), ("no room", gradient(2))],
    ),
    "Online.step": Door(
        lambda symbols: online().step(X0, symbols),
        dict(symbols=S0),
        symbols=lambda: [
            *wrong(S0),
            ("beyond", changed(S0, 1, to=7)),
            ("below", changed(S0, 0, to=-2)),
        ],
    ),
    "Online.peek": Door(
        lambda x, symbols: online().peek(x, symbols),
        dict(x=X0, symbols=S0),
        x=lambda: [*wrong(X0), ("misaligned", misaligned(X0))],
        symbols=lambda: [*wrong(S0), ("beyond", changed(S0, 1, to=7))],
    ),
    "Online.steps": Door(
        lambda X, symbols, out: online().steps(X, symbols, out),
        BLOCK | dict(out=np.zeros((N, K))),
        X=steps,
        symbols=symbols,
        out=lambda: wrong(np.zeros((N, K)), columns=True),
    ),
    "Online.learn_steps": Door(
        learn_steps,
        LEARN_STEPS,
        X=steps,
        symbols=symbols,
        **{
            name: (lambda name=name: but(wrong(LEARN_STEPS[name]), "other type"))
            for name in ("targets", "weights", "has_target", "penalties", "out", "losses")
        },
    ),
    "Online.gradient": Door(
        lambda target: online().gradient(target, 1.0, 0.0),
        dict(target=np.zeros(K)),
        target=lambda: wrong(np.zeros(K)),
    ),
    "Online.gradient of labels": Door(
        lambda target: online(objective=CLASSES).gradient(target, 1.0, 0.0),
        dict(target=np.zeros(1)),
        target=lambda: [(str(v), np.array([v])) for v in (2.0, -1.0, np.nan)],
    ),
    "Online.restore": Door(
        lambda saved: online().restore(saved),
        dict(saved=online().save(np.empty)),
        saved=memories,
    ),
    "Online.save": Door(
        lambda make: online().save(make),
        dict(make=np.empty),
        make=lambda: [
            ("short", lambda n: np.empty(n - 1)),
            ("none", lambda n: None),
            ("other type", lambda n: np.empty(n, np.float32)),
        ],
    ),
}

# ------------------------------------------------------------------------------------- solvers


def optimizer(name, **arguments):
    settings = dict(
        SgdSteps=dict(momentum=0.9, nesterov=True),
        AdamSteps=dict(beta_1=0.9, beta_2=0.999, epsilon=1e-8),
    )[name]
    kind = getattr(_isa.optimizers[DTYPE], name)
    kind(*arguments.values(), **settings, clip_norm=None).step(0.1)


SOLVERS = {
    "SgdSteps": Door(
        lambda **arguments: optimizer("SgdSteps", **arguments),
        dict(vector=VECTOR.copy(), velocity=np.zeros_like(VECTOR), gradient=gradient()),
        vector=lambda: wrong(VECTOR),
        velocity=lambda: wrong(VECTOR),
        gradient=gradients,
    ),
    "AdamSteps": Door(
        lambda **arguments: optimizer("AdamSteps", **arguments),
        dict(
            vector=VECTOR.copy(),
            mean=np.zeros_like(VECTOR),
            square=np.zeros_like(VECTOR),
            gradient=gradient(),
        ),
        vector=lambda: wrong(VECTOR),
        mean=lambda: wrong(VECTOR),
        square=lambda: wrong(VECTOR),
        gradient=gradients,
    ),
}

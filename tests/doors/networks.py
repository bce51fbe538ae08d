"""Arguments of batches, streams and solvers, and what is wrong with them."""

from dataclasses import replace

import numpy as np
from kernels import drawn, packed, ragged, symbols_of

from doors import but, changed, misaligned, wrong
from sklstm import _isa
from sklstm._addresses import Addresses, of_arrays
from sklstm._gradient import Gradient
from sklstm._outputs import Objective

DTYPE = np.dtype(np.float64)
TOPOLOGY, VECTOR = drawn(
    dict(n_features=2, hidden_layer_sizes=(3,), n_outputs=2, cardinalities=(3, 4))
)
LENGTHS = (3, 1, 2)
X = ragged(LENGTHS, 2)
SEQUENCES = packed(X, symbols_of(X, (3, 4)))
N, n, K = 6, 3, 2


def topologies(given=TOPOLOGY):
    """Networks whose parts do not fit together."""
    for name in ("n_features", "n_outputs"):
        yield f"negative {name}", replace(given, **{name: -1})
    yield "no layer", replace(given, hidden_layer_sizes=())
    yield "no units", replace(given, hidden_layer_sizes=(0,))
    yield "no cells", replace(given, block_size=0)
    yield "negative cells", replace(given, block_size=-(2**62))
    yield "half a unit", replace(given, hidden_layer_sizes=(2.5,))
    yield "unknown cell", replace(given, cell="lstm")
    yield "unknown pooling", replace(given, pooling="least")
    yield "negative categories", replace(given, cardinalities=(-3, 10))
    yield "another width", replace(given, n_features=3)
    yield "more features than there is memory for", replace(given, n_features=2**62)
    torn = replace(given)
    torn.__dict__["output_start"] = given.output_start + 1000
    yield "another start", torn
    torn = replace(given)
    layer = replace(torn.stack[0], start=10**6)
    torn.__dict__["stack"] = (layer,)
    yield "another place of a layer", torn


def session(
    topology=TOPOLOGY,
    vector=VECTOR,
    addresses=SEQUENCES.addresses,
    symbols=SEQUENCES.symbols,
    **settings,
):
    settings = dict(full=True, return_sequences=False, largest_batch=3, n_threads=1) | settings
    return _isa.kernels[DTYPE].Session(topology, vector, addresses, symbols, **settings)


def offsets():
    right = SEQUENCES.offsets
    yield from ((name, value) for name, value in wrong(right) if name not in ("short", "long"))
    yield "late", changed(right, 0, to=1)
    yield "negative", changed(right, 0, to=-3)
    yield "ends early", changed(right, -1, to=5)
    yield "ends late", changed(right, -1, to=7)
    yield "falls", changed(right, 1, to=5)
    yield "no step", changed(right, 1, to=0)
    yield "huge", changed(right, 1, to=2**62)
    yield "int32", right.astype(np.int32)


def arrays():
    """Arrays of a block that the kernels cannot read."""
    right = SEQUENCES.values
    yield from but(wrong(right), "long")
    yield "list", right.tolist()
    yield "buffer", memoryview(right)
    yield "fortran", np.asfortranarray(right)
    yield "other byte order", right.astype(">f8")
    yield "longer numbers", right.astype(np.longdouble)
    yield "half numbers", right.astype(np.float16)
    yield "masked", np.ma.array(right)
    yield "misaligned", misaligned(right)


def addresses():
    """Addresses of sequences that are not those of the symbols, or not of the network."""
    yield "none", None
    yield "empty", Addresses.__new__(Addresses)
    yield "offsets", SEQUENCES.addresses.offsets
    yield "array", SEQUENCES.values
    for name, x in (
        ("short", X[:2]),
        ("long", [*X, X[0]]),
        ("longer steps", [np.zeros((length, 3)) for length in LENGTHS]),
        ("shorter steps", [np.zeros((length, 1)) for length in LENGTHS]),
        ("other precision", [x.astype(np.float32) for x in X]),
    ):
        yield name, of_arrays(x)


def symbols():
    yield from wrong(SEQUENCES.symbols, columns=True)
    yield "no category", changed(SEQUENCES.symbols, 4, 1, to=7)
    yield "below none", changed(SEQUENCES.symbols, 0, 0, to=-2)


SESSION_ARRAYS = dict(
    vector=lambda: [*wrong(VECTOR), ("misaligned", misaligned(VECTOR))],
    addresses=addresses,
    symbols=symbols,
)


def steps():
    yield from wrong(SEQUENCES.values, columns=True)
    yield "misaligned", misaligned(SEQUENCES.values)
    yield "other precision", SEQUENCES.values.astype(np.float32)


def gradient(room=None):
    return Gradient.of(TOPOLOGY, DTYPE, room)


def gradients():
    for name in ("dense", "rows", "read", "row_of", "n_read", "penalty"):
        for fault, array in wrong(getattr(gradient(), name)):
            found = gradient()
            setattr(found, name, array)
            yield f"{name} {fault}", found
    for name, place, value in (("n_read", 0, 8), ("n_read", 0, -1), ("row_of", 3, 7)):
        found = gradient()
        getattr(found, name)[place] = value
        yield f"{name} {value}", found
    found = gradient()
    found.n_read[0], found.read[0] = 1, 99
    yield "read 99", found


TARGETS, WEIGHTS = np.zeros((n, K)), np.ones(n)
SQUARED = Objective("squared_error", "identity", np.empty(0))
CLASSES = Objective("log_loss", "softmax", np.empty(0))
LABELS = np.zeros((n, 1))
FROZEN, DECAYED = TOPOLOGY.frozen, TOPOLOGY.decayed.view(np.uint8)


def learn_from(objective=SQUARED, **arguments):
    made = session(training=True)
    made.learn_from(*arguments.values(), objective=objective, alpha=0.0)
    return made


LEARN_FROM = dict(
    targets=TARGETS,
    weights=WEIGHTS,
    sequence_weights=WEIGHTS,
    frozen=FROZEN,
    decayed=DECAYED,
    found=gradient(),
)


def objectives():
    three = np.array([0.1, 0.5, 0.9])
    yield "no quantiles", Objective("quantile", "identity", np.empty(0))
    yield "more quantiles than outputs", Objective("quantile", "identity", three)
    yield "too many", Objective("quantile", "identity", np.linspace(0.001, 0.999, 129))
    yield "None", Objective("squared_error", "identity", None)
    yield "unknown", Objective("hinge", "identity", np.empty(0))


def fitted(room=None):
    found = gradient(room)
    return learn_from(**(LEARN_FROM | {"found": found}))


def rows():
    right = np.arange(3)
    yield "none", None
    yield "no row", right[:0]
    yield "too many", np.array([0, 1, 2, 0])
    yield "beyond", changed(right, 1, to=3)
    yield "before", changed(right, 2, to=-1)
    yield "far beyond", changed(right, 2, to=2**62)
    yield "int32", right.astype(np.int32)


def online(
    topology=TOPOLOGY,
    vector=VECTOR,
    frozen=FROZEN,
    decayed=DECAYED,
    found=None,
    objective=SQUARED,
    learns=True,
):
    found = gradient() if found is None else found
    kind = _isa.online[DTYPE].Online
    return kind(topology, vector, frozen, decayed, found, objective, learns=learns)


X0, S0 = SEQUENCES.values[0], SEQUENCES.symbols[0]
BLOCK = dict(X=SEQUENCES.values, symbols=SEQUENCES.symbols)


def learn_steps(**arguments):
    def fail(*_):
        raise AssertionError

    arguments = list(arguments.values())
    online().learn_steps(*arguments[:6], lambda: True, fail, *arguments[6:])


LEARN_STEPS = BLOCK | dict(
    targets=np.zeros((N, K)),
    weights=np.ones(N),
    has_target=np.ones(N, np.uint8),
    penalties=np.zeros(N),
    out=np.zeros((N, K)),
    losses=np.zeros(N),
)


def memories():
    """Saved states of a stream that another one would have left, or none."""
    stepped = online()
    stepped.step(X0, S0)
    right = stepped.save(np.empty)
    yield "nothing", []
    yield "None", None
    yield "too few", right[:-1]
    yield "too many", [*right, right[-1]]
    for k, part in enumerate(right):
        for value in (None, part[:-1], 3.0):
            yield f"part {k} {type(value)}", [*right[:k], value, *right[k + 1 :]]
    m = next(k for k, part in enumerate(right) if isinstance(part, list))
    for k in range(m, m + 3):
        for symbol in (7, -2, 2**40):
            yield f"symbols {k} {symbol}", [*right[:k], [symbol] * len(right[k]), *right[k + 1 :]]


def softmax_loss(targets):
    kernel = _isa.kernels[DTYPE]
    kernel.total_loss(np.zeros((n, K)), targets, WEIGHTS, CLASSES)


def labels():
    yield from ((name, value) for name, value in wrong(LABELS, columns=True) if name != "wide")
    for value in (2, -1, np.nan, 1e300, -np.inf):
        yield f"class {value}", changed(LABELS, 1, 0, to=value)


def total_loss(raw, targets, weights):
    _isa.kernels[DTYPE].total_loss(raw, targets, weights, SQUARED)

"""Kinds of changes. A case is a plain dict, for JSON, that says all of one change.

Each kind draws a case, and carries one out: it returns None if everything worked, or the first
refusal in words.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import sklstm
from tests.fuzz.calls import draw_call, run_call
from tests.fuzz.deliberate import FAULTS
from tests.fuzz.edits import changed, draw_changes, draw_edits, edited
from tests.fuzz.exercise import carried_out, of_model, of_stream, rows_of
from tests.fuzz.files import (
    HAS_SAFETENSORS,
    HAS_SKOPS,
    draw_safetensors,
    draw_skops,
    run_safetensors,
    run_skops,
)
from tests.fuzz.loading import Refused, loaded
from tests.fuzz.subjects import MAKERS, subject
from tests.fuzz.unpickling import restricted
from tests.fuzz.values import Rng

Case = dict[str, Any]
STREAMS = (
    "classifier", "two classes", "multilabel", "categories", "frames", "float32", "1997", "steps",
    "quantiles", "table", "scaled", "filled", "encoded", "coupled", "unfinished",
)  # fmt: skip


class Kind(NamedTuple):
    """How a kind of cases is drawn and carried out."""

    draw: Callable[[Rng], Case]
    run: Callable[[Case], str | None]


# --------------------------------------------------------------------------------- attributes


def draw_attribute(rng: Rng) -> Case:
    name = list(MAKERS)[rng.integers(len(MAKERS))]
    changes, seed = draw_changes(subject(name).model, rng), int(rng.integers(2**31))
    through_file = rng.uniform() < 0.5 and not any(change == "broadcast" for _, change in changes)
    way = "pickle" if through_file else "assigned"
    return {"subject": name, "changes": changes, "seed": seed, "way": way}


def run_attribute(case: Case) -> str | None:
    model, X, y = subject(case["subject"])
    model = changed(model, case["changes"], case["seed"])
    if case["way"] == "pickle":
        data = pickle.dumps(model)
        model = loaded(lambda: restricted(data))
    return carried_out(of_model(model, X, y))


# --------------------------------------------------------------------------------- streams


def _stream(name: str) -> tuple[Any, Any, Any]:
    """A stream in the middle of its steps, and what it goes on with."""
    model, X, y = subject(name)
    stream = sklstm.stream(model)
    stream.steps(rows_of(X))
    return stream, X, y


def draw_stream(rng: Rng) -> Case:
    name = STREAMS[rng.integers(len(STREAMS))]
    stream, _, _ = _stream(name)
    # its state; its estimator, before it is made; its estimator, while it is there
    way = ("state", "state", "model", "assigned")[rng.integers(4)]
    value = stream.__getstate__() if way == "state" else stream.estimator
    changes, seed = draw_changes(value, rng), int(rng.integers(2**31))
    if way != "assigned":  # no file holds that
        changes = [[path, "none" if name == "broadcast" else name] for path, name in changes]
    return {"subject": name, "changes": changes, "seed": seed, "way": way}


def run_stream(case: Case) -> str | None:
    stream, X, y = _stream(case["subject"])
    what = case["changes"], case["seed"]
    if case["way"] == "state":
        state = changed(stream.__getstate__(), *what)
        stream = type(stream).__new__(type(stream))
        loaded(lambda: stream.__setstate__(state))
    elif case["way"] == "assigned":
        vars(stream.estimator).update(vars(changed(stream.estimator, *what)))
    else:
        model = changed(stream.estimator, *what)
        stream = loaded(lambda: model.stream())
    return carried_out(of_stream(lambda: stream, X, y))


# --------------------------------------------------------------------------------- pickles


def _pickle_of(name: str, of_stream: bool) -> bytes:
    return pickle.dumps(_stream(name)[0] if of_stream else subject(name).model)


def draw_pickle(rng: Rng) -> Case:
    stream = bool(rng.uniform() < 0.25)
    names = STREAMS if stream else list(MAKERS)
    name = names[rng.integers(len(names))]
    edits = draw_edits(len(_pickle_of(name, stream)), rng)
    return {"subject": name, "stream": stream, "edits": edits}


def run_pickle(case: Case) -> str | None:
    data = edited(_pickle_of(case["subject"], case["stream"]), case["edits"])
    found = loaded(lambda: restricted(data))
    _, X, y = subject(case["subject"])
    if case["stream"]:
        return carried_out(of_stream(lambda: found, X, y))
    return carried_out(of_model(found, X, y))


# --------------------------------------------------------------------------------- all of them

KINDS = {
    "attributes": Kind(draw_attribute, run_attribute),
    "streams": Kind(draw_stream, run_stream),
    "pickles": Kind(draw_pickle, run_pickle),
    "calls": Kind(draw_call, run_call),
}
if HAS_SAFETENSORS:
    KINDS["safetensors"] = Kind(draw_safetensors, run_safetensors)
if HAS_SKOPS:
    KINDS["skops"] = Kind(draw_skops, run_skops)
# Kinds that need a package of their name, which is not installed.
LEFT_OUT = [kind for kind in ("safetensors", "skops") if kind not in KINDS]


def draw(kind: str, seed: int, number: int) -> Case:
    """The case of this number."""
    rng = np.random.default_rng([seed, sum(kind.encode()), number])
    return {"kind": kind} | KINDS[kind].draw(rng)


def run(case: Case) -> tuple[str, str]:
    """The outcome of a case, "worked" or "refused", and the refusal in words."""
    try:
        kind = case["kind"]
        refusal = KINDS[kind].run(case) if kind in KINDS else FAULTS[kind](case)
    except Refused as error:
        return "refused", str(error)
    except MemoryError as error:
        # Who assigns an array of 10^15 numbers is told so by NumPy, which takes nothing. Of a file
        # no such number may be believed: what a model asks for is compared with the memory there
        # is, and refused in words.
        in_words = type(error) is MemoryError and "more memory than there is" in str(error)
        if case.get("way") != "assigned" and not in_words:
            raise
        return "refused", f"MemoryError: {error}"
    return ("worked", "") if refusal is None else ("refused", refusal)

"""Convert values of parameters and attributes to JSON and back, without loss.

JSON has no tuples, no infinity, and only strings as keys. Such values become objects with one
entry, whose name is the type.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

import numpy as np

MEMBERS = "biufUO"  # kinds of arrays: numbers, strings, and strings as objects
NUMBERS = tuple(np.dtype(code).name for code in "?bhilqBHILQefd")


def encoded(value: Any, what: str) -> Any:
    """``value`` for JSON, or a ValueError that names ``what``."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else {"float": repr(value)}
    if isinstance(value, list):
        return [encoded(item, what) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encoded(item, what) for item in value]}
    if isinstance(value, dict):
        pairs = [[encoded(key, what), encoded(item, what)] for key, item in value.items()]
        return {"dict": pairs}
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in MEMBERS:
        kind = value.dtype.kind
        name = {"U": "str", "O": "object"}.get(kind) or value.dtype.name
        return {"array": [name, encoded(value.tolist(), what)]}
    raise ValueError(
        f"{what} is {value!r}, of type {type(value).__name__}, which cannot be saved without "
        "pickle: set it to a number, a string, None, or a list of them."
    )


def decoded(value: Any) -> Any:
    """The value that ``encoded`` has converted, or a ValueError."""
    if isinstance(value, list):
        return [decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError(f"{_shown(value)} is not a valid value")
    ((kind, content),) = value.items()
    if kind == "float" and content in ("inf", "-inf", "nan"):
        return float(content)
    if kind == "tuple" and isinstance(content, list):
        return tuple(decoded(content))
    if kind == "dict" and isinstance(content, list):
        pairs = decoded(content)
        if all(isinstance(pair, list) and len(pair) == 2 and _is_key(pair[0]) for pair in pairs):
            return dict(pairs)
    if kind == "array" and isinstance(content, list) and len(content) == 2:
        name, items = content[0], decoded(content[1])
        if isinstance(items, list):
            return _array(name, items)
    raise ValueError(f"{_shown(value)} is not a valid value")


def _is_key(value: Any) -> bool:
    return value is None or isinstance(value, (bool, str, int, float))


def _array(name: Any, items: list) -> np.ndarray:
    if name in ("str", "object") and all(isinstance(item, str) for item in items):
        return np.array(items, dtype=str if name == "str" else object)
    if name in NUMBERS and all(isinstance(item, (bool, int, float)) for item in items):
        try:
            return np.array(items, dtype=name)
        except OverflowError:
            pass
    raise ValueError(f"{_shown(items)} is not an array of {name!r}")


def _shown(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."

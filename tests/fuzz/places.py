"""Places in what a model holds: attributes, entries of containers, one inside the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]


def entries(value: Any) -> dict[str | int, Any]:
    """What can be changed in a value, by the name of its attribute or the number of its entry."""
    if isinstance(value, dict):
        return dict(enumerate(value.values()))
    if isinstance(value, (list, tuple)):
        return dict(enumerate(value))
    own = type(value).__module__.startswith("sklstm") or type(value).__name__ == "Pipeline"
    return dict(vars(value)) if own and hasattr(value, "__dict__") else {}


def paths(value: Any, before: Path = (), depth: int = 7) -> Iterator[Path]:
    """All places in a value; of long containers the first entries."""
    for name, entry in list(entries(value).items())[:80]:
        yield (*before, name)
        if depth > 1:
            yield from paths(entry, (*before, name), depth - 1)


def at(value: Any, path: Path) -> Any:
    for name in path:
        value = entries(value)[name]
    return value


def replaced(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy of a value with another entry at a place; what is not on the way is shared."""
    if not path:
        return change(value)
    name, rest = path[0], path[1:]
    inner = replaced(entries(value)[name], rest, change)
    if isinstance(value, dict):
        return {key: inner if k == name else entry for k, (key, entry) in enumerate(value.items())}
    if isinstance(value, (list, tuple)):
        items = [inner if k == name else entry for k, entry in enumerate(value)]
        if isinstance(value, list):
            return items
        return tuple(items)
    made = object.__new__(type(value))  # whatever the class has to say about copies
    vars(made).update(vars(value) | {name: inner})
    return made

"""Changes of settings as text, ``name=value,name=value``, and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Split changes into names and values. There may be spaces around them."""
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, word = map(str.strip, part.partition("="))
        if not equals:
            raise ValueError(f"{name!r} has no value. Use {name}=VALUE.")
        yield name, word


def parse(text: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the changed settings, with values of the types of the defaults.

    Raises
    ------
    ValueError
        If there is no setting of this name, or the value has another type.
    """
    values = {}
    for name, word in pairs(text):
        if name not in defaults:
            raise ValueError(f"{name!r} is not a setting. Use one of {', '.join(defaults)}.")
        values[name] = _value(name, word, defaults[name])
    return values


def words(changes: dict[str, Any]) -> str:
    """Return changes as text."""
    return ",".join(f"{name}={_word(value)}" for name, value in changes.items())


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def _value(name: str, word: str, like: Any) -> Any:
    if isinstance(like, bool):
        if word not in ("yes", "no"):
            raise ValueError(f"{name} must be yes or no, got {word!r}.")
        return word == "yes"
    if isinstance(like, str):
        return word
    try:
        return type(like)(word)
    except ValueError:
        raise ValueError(f"{name} must be a number, got {word!r}.") from None

"""Names, numbers, labels and tables as C source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np

WIDTH = 100
NAME_MAX = 40
FLOAT_MAX = float(np.finfo(np.float32).max)
LABEL_MAX = 4095  # bytes of a string that every C99 compiler takes
PLAIN = re.compile(r"[A-Za-z0-9 _.,:;+()=<>-]")  # means itself in strings and in comments


def check_name(name: Any) -> str:
    """A valid prefix of names in C and C++, or an error."""
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {name!r}.")
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None
    if not plain or "__" in name or name.endswith("_") or len(name) > NAME_MAX:
        raise ValueError(
            f"name={name!r} cannot begin the names of C: use a letter, then letters, digits and "
            f"single underscores, at most {NAME_MAX} in all, as in 'net' or 'gesture_net'. "
            "to_c returns the text of the header, which you write to a file."
        )
    return str(name)


def escaped(text: str) -> str:
    """Any text between the quotes of a string, or in a comment, in plain ASCII.

    Characters with a meaning there (quotes, backslashes, question marks, slashes, stars, line ends)
    become three octal digits per byte.
    """
    return "".join(
        character
        if PLAIN.fullmatch(character)
        else "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogatepass"))
        for character in text
    )


def string(label: str) -> str:
    """A label as a string of C."""
    label = str(label)
    if "\0" in label:
        raise ValueError(f"The label {label!r} contains a NUL, which ends strings in C: rename it.")
    if len(label.encode("utf-8", "surrogatepass")) > LABEL_MAX:
        raise ValueError(
            f"The label {label[:20]!r}... is longer than {LABEL_MAX} bytes, the longest string "
            "that every C compiler takes: shorten it."
        )
    return f'"{escaped(label)}"'


def literal(value: float, single: bool) -> str:
    """A number that is exact in both precisions if ``single``, else in double."""
    if single:
        return f"{np.float32(value)!s}f"
    return f"NET_R({float(value)!r})"


def integer(value: int) -> str:
    """An integer. C has no literal for the smallest one."""
    if value in (-(2**31), -(2**63)):
        return f"({value + 1} - 1)"
    return f"{value}{'u' if value >= 2**63 else ''}"


def table(declaration: str, entries: Iterable[str]) -> str:
    """A constant array. ``declaration`` has its type and its name."""
    entries = list(entries)
    lines = _filled(entry + "," for entry in entries[:-1] + [entries[-1]])
    body = "\n".join(f"    {line}" for line in lines)
    return f"static const {declaration}[{len(entries)}] = {{\n{body[:-1]}\n}};\n"


@dataclass(frozen=True)
class Constant:
    """A constant array of numbers.

    Attributes
    ----------
    name : str
        Name without the prefix "net_".
    values : ndarray
    what : str
        Description for messages.
    is_weight : bool
        True for weights, whose type in C is int8 if the values are.
    """

    name: str
    values: np.ndarray
    what: str
    is_weight: bool = False

    def __post_init__(self) -> None:
        bad = ~(np.abs(self.values) <= FLOAT_MAX)
        if bad.any():
            raise ValueError(
                f"{self.what} is {self.values[bad][0]}, which is not finite in float32, so the "
                "model cannot be converted to C. Scale the data and fit again."
            )

    def n_bytes(self, size: int) -> int:
        """The size in bytes, if a real number has ``size`` bytes."""
        return self.values.size * (1 if self.values.dtype == np.int8 else size)

    def text(self, single: bool) -> str:
        values = np.ravel(self.values).tolist()
        if self.values.dtype == np.int8:
            return table(f"net_weight net_{self.name}", map(str, values))
        kind = "weight" if self.is_weight else "real"
        return table(f"net_{kind} net_{self.name}", (literal(v, single) for v in values))


def _filled(words: Iterable[str]) -> Iterator[str]:
    """Words in lines of at most WIDTH characters. ``textwrap`` would be slow for large tables."""
    line = ""
    for word in words:
        if line and len(line) + len(word) + 5 > WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


def comment(paragraphs: Iterable[str]) -> str:
    """A comment of paragraphs. A line that begins with a space is not wrapped."""
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [paragraph] if paragraph.startswith(" ") or not paragraph else wrap(paragraph, 96)
    return "/*\n" + "\n".join(f" * {line}".rstrip() for line in lines) + "\n */\n"

"""Markdown tables of the pages, and their places in the text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import fill

PLACES = re.compile(r"<!-- (?!end)([^>]+?) -->\n.*?<!-- end -->", flags=re.DOTALL)


def places(text: str) -> list[str]:
    """Return the names of the tables of a page. A table is between its name and "end"."""
    return [place[1] for place in PLACES.finditer(text)]


def filled(text: str, tables: dict[str, str]) -> str:
    """Return the text of a page with new tables in their places. Other tables stay.

    Raises
    ------
    ValueError
        If a table has no place, or several.
    """
    known = places(text)
    for name in tables:
        if known.count(name) != 1:
            raise ValueError(
                f"the page has {known.count(name)} places for the table {name!r}: {known}"
            )

    def put(place: re.Match[str]) -> str:
        made = tables.get(place[1])
        return place[0] if made is None else f"<!-- {place[1]} -->\n\n{made}\n\n<!-- end -->"

    return PLACES.sub(put, text)


def notes(*lines: str) -> str:
    """Return sentences as a paragraph below a table."""
    text = " ".join(line for line in lines if line)
    return "\n\n" + fill(text, 110, break_long_words=False, break_on_hyphens=False) if text else ""


def table(headings: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Return a table, padded to columns of even width so that the source is readable."""
    cells = [list(headings), *map(list, lines)]
    widths = [max(3, *(len(line[k]) for line in cells)) for k in range(len(cells[0]))]
    widths[-1] = widths[-1] if widths[-1] < 20 else 3  # nothing follows
    rows = [[text.ljust(w) for text, w in zip(line, widths, strict=True)] for line in cells]
    rows.insert(1, ["-" * w for w in widths])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)

"""Write docs/api.md, the API reference, from the docstrings: ``python docs/make_api.py``.

The page is committed, so that it can be read on a code host; tests/test_docs.py compares it with
what this script would write.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import sklstm
from sklstm import (
    baselines,
    callback,
    compose,
    datasets,
    export,
    inspection,
    metrics,
    preprocessing,
)

PAGE = Path(__file__).with_name("api.md")
MODULES = (
    sklstm,
    preprocessing,
    compose,
    metrics,
    datasets,
    inspection,
    callback,
    export,
    baselines,
)
LISTS = (
    "Parameters",
    "Attributes",
    "Returns",
    "Raises",
    "Warns",
    "See Also",
)  # sections that define names
HEAD = """\
# API reference

Written by `docs/make_api.py` from the docstrings. The [user guide](user_guide/index.md) explains,
this page lists.
"""


def page() -> str:
    """The whole page."""
    objects = [
        (f"{module.__name__}.{name}", getattr(module, name))
        for module in MODULES
        for name in module.__all__
    ]
    names = [name for name, _ in objects]
    contents = "\n".join(
        f"- [{name}](#{target})" for name, target in zip(names, anchors(names), strict=True)
    )
    text = "\n".join([HEAD, contents, *(entry(name, thing) for name, thing in objects)])
    return re.sub(r"\n{3,}", "\n\n", text)


def anchor(title: str) -> str:
    """What a code host makes of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def anchors(titles: list[str]) -> Iterator[str]:
    """The same for all headings of a page: one that came before gets a number."""
    seen: Counter[str] = Counter()
    for name in map(anchor, titles):
        yield f"{name}-{seen[name]}" if seen[name] else name
        seen[name] += 1


def entry(name: str, thing: Any) -> str:
    """A class with its methods, or a function."""
    call = "" if isinstance(thing, type) and issubclass(thing, Warning) else signature(name, thing)
    parts = [f"\n## {name}\n", call, body(thing)]
    if inspect.isclass(thing):
        short = thing.__name__
        for method_name, method in methods(thing):
            parts += [f"\n### {short}.{method_name}\n", signature(method_name, method)]
            parts.append(body(method))
    return "\n".join(parts)


def methods(cls: type) -> Iterator[tuple[str, Callable]]:
    """Public methods that sklstm itself defines, in the order of their definition, own first."""
    seen = set()
    for base in cls.__mro__:
        for name in vars(base):
            method = getattr(cls, name, None)  # None: a subclass has taken it away
            if not base.__module__.startswith("sklstm") or not inspect.isfunction(method):
                continue
            # What scikit-learn adds, such as set_fit_request, is wrapped and has another home.
            if name.startswith("_") or not method.__module__.startswith("sklstm") or name in seen:
                continue
            seen.add(name)
            yield name, method


def signature(name: str, thing: Callable) -> str:
    """The call, without types: they stand with the parameters."""
    empty = inspect.Parameter.empty
    parameters = [
        parameter.replace(annotation=empty)
        for parameter in inspect.signature(thing).parameters.values()
        if parameter.name != "self"
    ]
    call = str(inspect.Signature(parameters))
    one_line = f"{name.rpartition('.')[2]}{call}"
    if len(one_line) > 96:
        arguments = "".join(f"    {argument},\n" for argument in call[1:-1].split(", "))
        one_line = f"{name.rpartition('.')[2]}(\n{arguments})"
    return f"```python\n{one_line}\n```\n"


def body(thing: Any) -> str:
    """A docstring as Markdown."""
    text = inspect.cleandoc(thing.__doc__)
    # A section is a title underlined with hyphens; before the first one stands the summary.
    pieces = re.split(r"^(\w[\w ]*)\n-+\n", text, flags=re.MULTILINE)
    parts = [prose(pieces[0])]
    for title, content in zip(pieces[1::2], pieces[2::2], strict=True):
        parts.append(f"**{title}**\n")
        parts.append(definitions(content) if title in LISTS else prose(content))
    return "\n".join(parts)


def definitions(text: str) -> str:
    """Lines at the margin define what the indented lines below them describe."""
    items = []
    for block in re.split(r"\n(?=\S)", text.strip()):
        head, _, description = block.partition("\n")
        name, colon, kind = head.partition(" : ")
        item = f"- **`{name}`**" + (f" : {markup(kind)}" if colon else "")
        description = prose(inspect.cleandoc(description)).rstrip()
        items.append(f"{item}\n\n{indent(description, '  ')}" if description else item)
    return "\n".join(items) + "\n"


def prose(text: str) -> str:
    """Paragraphs as they are, examples in fences that doctest and a code host both read."""
    parts = []
    for paragraph in re.split(r"\n\n+", text.strip()):
        lines = paragraph.split("\n")
        if lines[0].startswith(">>>"):
            parts.append(f"```python\n{paragraph}\n\n```\n")
        elif set(lines[0]) <= {"=", " "}:
            parts.append(indent(paragraph, "    ") + "\n")
        else:
            parts.append(markup(paragraph) + "\n")
    return "\n".join(parts)


def markup(text: str) -> str:
    """reStructuredText's roles, literals and references in Markdown."""
    text = re.sub(r"^\.\. (\[\d+\]) (.+?)$(\n +)?", r"\1 \2\n", text, flags=re.MULTILINE)
    text = re.sub(r"(\[\d+\])_", r"\1", text)
    text = re.sub(r":\w+:`~?([^`]+)`", lambda role: f"`{role[1].rpartition('.')[2]}`", text)
    text = re.sub(r"``(.+?)``", r"`\1`", text)
    # Outside of code, what would be emphasis is meant as it stands.
    pieces = re.split(r"(`[^`]*`)", text)
    pieces[::2] = [re.sub(r"(?<![\w*])\*(\*?)(?=\w)", r"\\*\1", piece) for piece in pieces[::2]]
    return "".join(pieces)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

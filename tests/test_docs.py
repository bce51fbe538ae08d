"""The documents hang together. Their examples run as doctests, see .ci/run."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MAKE_API = runpy.run_path(str(ROOT / "docs" / "make_api.py"))


def anchors(document):
    """The headings of a document as a code host names them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {MAKE_API["anchor"](heading) for heading in headings}


def links(document):
    """Targets of links that stay in the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    return [link for link in found if not link.startswith("http")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document):
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), f"{document.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{document.name} links to {link}"


def test_the_api_reference_is_what_the_docstrings_say():
    written = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert written == MAKE_API["page"](), "run python docs/make_api.py"


def test_the_quick_start_is_two_commands():
    commands = re.findall(r"^    (.+)$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert commands == [
        "python -m pip install -e . && python -m sklstm",
        "python -m pip install -e '.[test]' && python -m pytest",
    ]


def test_the_map_of_files_is_complete():
    shown = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    sources = [file for end in ("py", "pyx", "pxd", "h") for file in ROOT.glob(f"sklstm/*.{end}")]
    missing = [file.name for file in sources if f"`{file.name}`" not in shown]
    assert set(missing) <= {"__init__.py"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_fences_leave_doctest_an_empty_line(document):
    # Without it, doctest takes the closing fence for expected output.
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"^```python\n(.+?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        assert ">>>" not in block or block.endswith("\n\n")


def test_the_pictures_of_the_tutorial_are_drawn_by_their_command(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    script = runpy.run_path(str(ROOT / "docs" / "make_tutorial_pictures.py"))
    small = dict(FOLDER=tmp_path, N_SEEDS=2, N_TEST=20, BLOCK=20, BUDGET=40)
    script["main"].__globals__.update(small)
    script["main"]()
    shown = {link for link in links(ROOT / "docs" / "tutorial.md") if link.endswith(".png")}
    assert {f"pictures/{file.name}" for file in tmp_path.iterdir()} == shown
    assert "0 of 2 solved" in capsys.readouterr().out

"""The documents hang together. Their examples run as doctests, see .ci/run."""

import fnmatch
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from sklstm._links import DOCUMENTATION
from sklstm._version import __version__
from sklstm.paper._run import run_row

ROOT = Path(__file__).parents[1]
# Folders that building the site fills.
BUILT = [
    ROOT / "docs" / folder for folder in ("_build", "api/generated", "how_to", "paper_gallery")
]
PAGES = sorted(
    page for page in (ROOT / "docs").rglob("*.md") if not any(map(page.is_relative_to, BUILT))
)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
# Pages that the gallery makes, and what it makes them of.
GALLERIES = {"how_to": "how_to", "paper_gallery": "paper"}
SOURCES = {
    ROOT / "docs" / pages / f"{'index' if file.suffix == '.rst' else file.stem}.rst": file
    for pages, folder in GALLERIES.items()
    for file in (ROOT / "examples" / folder).iterdir()
    if file.suffix in (".py", ".rst")
}
NAMES = re.compile(r"`([^`]+)`")


def anchors(document):
    """The headings of a document as the site and code hosts name them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    names = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings]
    again = [name for k, name in enumerate(names) if name in names[:k]]
    assert not again, f"{document.name} has these headings twice: {again}"
    return set(names)


def links(document):
    """Targets of links that stay in the repository."""
    found = re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", document.read_text(encoding="utf-8"))
    return [link for link in found if not link.startswith("http")]


def test_every_file_of_tests_has_a_row():
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    table = text.split("| tests | what they check |")[1].split("\n\n")[0]
    shown = [name for line in table.splitlines()[1:] for name in NAMES.findall(line.split("|")[1])]
    files = {file.name for file in ROOT.glob("tests/test_*.py")}
    named = {pattern: fnmatch.filter(files, pattern) for pattern in shown if "test_" in pattern}
    assert [pattern for pattern, found in named.items() if not found] == []
    assert files - {file for found in named.values() for file in found} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_lead_somewhere(document):
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        target = SOURCES.get(target.resolve(), target)
        assert target.exists(), f"{document.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{document.name} links to {link}"


def test_readme_is_short_and_its_commands_are_these():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    commands = re.findall(r"^    (.+)$", text, flags=re.MULTILINE)
    assert commands == [
        "python -m venv .venv && . .venv/bin/activate",
        "python -m pip install -e . && python -m sklstm",
        "python -m pip install -e '.[test]' && python -m pytest",
    ]


def test_the_map_of_files_is_complete():
    """A folder of sources has a table with all of them and no others, or its name in one."""
    text = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\| file of `(.+)/` \|.*\n\|.*\n((?:\| .*\n)+)", text, flags=re.MULTILINE)
    shown = {
        folder: {name for line in lines.splitlines() for name in NAMES.findall(line.split("|")[1])}
        for folder, lines in tables
    }
    sources = [
        file for end in ("py", "pyx", "pxd", "h") for file in ROOT.glob(f"sklstm/**/*.{end}")
    ]
    for folder in {file.parent for file in sources}:
        name = folder.relative_to(ROOT).as_posix()
        here = {file.name for file in sources if file.parent == folder} - {"__init__.py"}
        if name in shown:
            assert {file for file in shown[name] if file[-1] != "/"} == here
        else:
            assert f"{folder.name}/" in shown[folder.parent.relative_to(ROOT).as_posix()]


def test_readme_works_without_the_repository():
    """On PyPI only absolute links work. Those to the documentation lead to a page of `docs`."""
    assert links(ROOT / "README.md") == []
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"<img|<a |!\[[^\]]*\]\((?!https:)", text) == []
    pages = re.findall(re.escape(DOCUMENTATION) + r"([^)#\s]*)(?:#([^)\s]*))?", text)
    assert len(pages) > 10
    for page, anchor in pages:
        name = page.removesuffix(".html") or "index"
        files = [ROOT / "docs" / f"{name}.{end}" for end in ("md", "rst")]
        files = [SOURCES.get(file, file) for file in files]
        found = [file for file in files if file.exists()]
        assert found, f"README links to {page}"
        assert not anchor or anchor in anchors(found[0]), f"README links to {page}#{anchor}"
    for path in re.findall(
        r"https://github\.com/sklstm/sklstm/(?:blob|tree|raw)/\w+/([^)#\s]+)", text
    ):
        assert (ROOT / path).exists(), f"README links to {path}"


def test_headline_figures_are_those_of_the_results():
    """README has the means of the tasks of whole sequences, Performance the median of the map."""
    fits = json.loads((ROOT / "docs" / "real_data.json").read_text())["fits"]
    page = (ROOT / "docs" / "real_data.md").read_text(encoding="utf-8")
    table = page.partition("### Classification\n")[2].partition("###")[0]
    tasks = re.findall(r"^\| (\w+) +\| +[*\d]", table, flags=re.MULTILINE)
    assert len(tasks) == 28

    def figures(system):
        means = [
            np.mean(
                [
                    (fit["score"], fit["seconds"])
                    for fit in fits
                    if (fit["task"], fit["system"]) == (task, system)
                ],
                axis=0,
            )
            for task in tasks
        ]
        accuracy, seconds = np.mean(means, axis=0)
        return f"{100 * accuracy:.1f}", f"{seconds:.2f}"

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"\| ([\d.]+) \| ([\d.]+) \|$", readme, flags=re.MULTILINE)
    systems = ("ours", "points", "torch", "minirocket", "linear", "boosting")
    assert rows == [figures(system) for system in systems]

    entries = json.loads((ROOT / "docs" / "map.json").read_text())["map"]
    ratios = [
        entry[task]["medians"][f"PyTorch {n}"] / entry[task]["medians"][f"sklstm{gradient} {n}"]
        for entry in entries
        for task, gradient in (("inference", ""), ("training", " full"))
        for n in (1, 2)
    ]
    performance = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    said = f"The median of {len(ratios)} ratios is {np.median(ratios):.2f}, and the smallest is "
    assert said + f"{min(ratios):.2f}." in " ".join(performance.split())


def test_a_release_is_named_in_the_changelog_and_in_the_citation():
    if "dev" in __version__:
        pytest.skip("between two releases")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, flags=re.MULTILINE)[0] == __version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^\s*version: (\S+)$", citation, flags=re.MULTILINE) == [__version__] * 2


def test_the_numbers_of_home_are_those_of_the_pages_that_explain_them():
    def text(page):
        return (ROOT / page).read_text(encoding="utf-8")

    card = r":::\{grid-item-card\} (\w+)\n:link: (\w+)\n.+\n\n((?:.+\n)+):::"
    cards = re.findall(card, text("docs/index.md"))
    assert [name for name, *_ in cards[:3]] == ["Accuracy", "Speed", "Size"]
    for _, page, words in cards[:3]:
        shown = text(f"docs/{page}.md").replace(",", "")
        numbers = re.findall(r"\d[\d.,]*\d", words.replace(",", ""))
        assert len(numbers) >= 2
        for number in numbers:
            there = re.search(rf"\b{re.escape(number)}\b", shown)
            assert there, f"{number} is not on {page}.md"
    ratios = [
        ratio
        for size in json.loads(text("docs/map.json"))["map"]
        for call in ("inference", "training")
        for ratio in size[call]["ratios"].values()
    ]
    assert f"median of {len(ratios)} comparisons" in cards[1][2]
    assert f"**{np.median(ratios):.1f} times**" in cards[1][2]


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


def test_the_pictures_of_the_results_are_drawn_by_their_command(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    script = runpy.run_path(str(ROOT / "docs" / "make_paper_pictures.py"))
    inside = script["main"].__globals__

    def short(row, reading, *, keep=None, **settings):
        trials = run_row(row, reading, **settings | {"n_trials": 2, "cap": 300})
        trials[0]["success"] = True  # as if
        for trial in trials if keep else []:
            keep(trial)
        return trials

    inside.update(FOLDER=tmp_path, LAGS_FILE=tmp_path / "paper_lags.json", run_row=short)
    inside.update(N_CURVES=2, LAGS=(5, 10, 20), cap_of=lambda family, lag: 300)
    script["main"]()
    shown = {link for link in links(ROOT / "docs" / "paper.md") if link.endswith(".png")}
    assert {f"pictures/{file.name}" for file in tmp_path.glob("*.png")} == shown
    trials = script["lag_trials"]()
    assert {trial["cap"] for trial in trials} == {300}
    # LSTM seemed to succeed at all lags, the others stop at the second
    lags = {trial["lag"] for trial in trials if trial["system"] == "LSTM, as printed"}
    assert lags == {5, 10, 20}
    assert {trial["lag"] for trial in trials if trial["system"] == "BPTT"} == {5, 10}
    assert "1 of 2" in capsys.readouterr().out

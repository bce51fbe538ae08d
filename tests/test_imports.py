"""Imports of the package, as they are written: at the top, in functions, and for types only."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sklstm

ROOT = Path(sklstm.__file__).parent


def name_of(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(["sklstm", *parts]).removesuffix(".__init__")


MODULES = {name_of(file): file.read_text(encoding="utf-8") for file in ROOT.rglob("*.py")}
for file in ROOT.rglob("*.pyx"):  # no Python; what these import, they import line by line
    lines = re.findall(r"^from sklstm\S* import .*", file.read_text(encoding="utf-8"), re.MULTILINE)
    MODULES[name_of(file)] = "\n".join(lines)


def imported(source):
    """What a source imports: module and name, or a module and nothing."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from ((node.module, alias.name) for alias in node.names)


def circle(modules):
    """The modules of one circle in order, or nothing."""
    done = set()

    def needed(name):
        for module, part in imported(modules[name]):
            whole = f"{module}.{part}"
            if whole in modules or module in modules:
                yield whole if whole in modules else module

    def search(name, path):
        if name in path:
            return [*path[path.index(name) :], name]
        if name not in done:
            for other in needed(name):
                if found := search(other, [*path, name]):
                    return found
            done.add(name)
        return []

    return next(filter(None, (search(name, []) for name in sorted(modules))), [])


def test_no_module_imports_itself_through_others():
    assert " -> ".join(circle(MODULES)) == ""


@pytest.mark.parametrize(
    "line",
    [
        "from sklstm import _b",
        "from sklstm._b import thing",
        "import sklstm._b",
        "def late():\n    from sklstm import (\n        _b,\n    )",
        "if TYPE_CHECKING:\n    from sklstm._b import Thing",
    ],
)
def test_a_circle_is_found_however_it_is_written(line):
    modules = {"sklstm": "", "sklstm._a": line, "sklstm._b": "from sklstm._c import x"}
    assert circle(modules | {"sklstm._c": ""}) == []
    modules["sklstm._c"] = "from sklstm._a import y"
    assert circle(modules) == ["sklstm._a", "sklstm._b", "sklstm._c", "sklstm._a"]


# ------------------------------------------------------------------------------- the arrows


def python_of(file):
    """What a file of Python or Cython imports and cimports, as a source of Python."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return text
    lines = re.findall(r"^from sklstm\S* c?import (?:\([^)]*\)|.*)", text, re.MULTILINE)
    return "\n".join(lines).replace(" cimport ", " import ")


def direct_imports():
    """All that each module imports, by name; one that is Python and Cython is taken as one."""
    found = {}
    for file in [file for end in ("py", "pyx", "pxd") for file in ROOT.rglob(f"*.{end}")]:
        names = found.setdefault(name_of(file), set())
        for module, part in imported(python_of(file)):
            names |= {module, f"{module}.{part}"}
    return found


def arrows(lines):
    """Pairs of names: an arrow starts at the names right before it, or where the one above does."""
    starts = {}
    for line in lines:
        pieces = re.split("(->)", line)
        at = 0
        for before, after in zip(pieces[:-1:2], pieces[2::2], strict=True):
            at += len(before)
            if re.search(r"\w $", before):
                names = before.rpartition(":")[2]
                starts[at] = [name.strip() for name in names.split(",")]
            for start in starts[at]:
                yield from ((start, end.strip()) for end in after.split(","))
            at += 2


def test_arrows_are_read_as_they_are_drawn():
    drawn = [
        "kind: a, b -> c -> d, e",
        "           -> f",
        "                -> g",
    ]
    expected = ["a c", "b c", "c d", "c e", "a f", "b f", "c g"]
    assert [f"{start} {end}" for start, end in arrows(drawn)] == expected


def test_the_arrows_of_the_documents_are_direct_imports():
    document = Path(__file__).parents[1] / "docs" / "development.md"
    _, _, below = document.read_text(encoding="utf-8").partition("Imports point one way:\n\n")
    lines = below.partition("\n\n")[0].splitlines()
    imports = direct_imports()

    def meant(name):
        """A module, or all of a package."""
        return {m for m in imports if m.split(".")[-1] == name or f".{name}." in m}

    found = [*arrows(lines)]
    assert len(found) > 60
    wrong = {
        f"{start} -> {end}"
        for start, end in found
        if not any(imports[module] & meant(end) for module in meant(start))
    }
    assert wrong == set()


# ------------------------------------------------------------------------------- scikit-learn


def takes_private_parts(source):
    """Whether a source imports what scikit-learn does not promise to keep."""
    return any(
        re.match(r"sklearn\b.*\._[a-z]", f"{module}.{part}") for module, part in imported(source)
    )


def test_private_parts_of_scikit_learn_are_imported_in_one_place():
    users = {name for name, source in MODULES.items() if takes_private_parts(source)}
    assert users == {"sklstm._sklearn"}


def test_private_parts_of_scikit_learn_are_tested_through_one_module():
    files = Path(__file__).parent.rglob("*.py")
    users = {file.name for file in files if takes_private_parts(file.read_text(encoding="utf-8"))}
    assert users == {"private_sklearn.py"}


@pytest.mark.parametrize(
    "line",
    [
        "import sklearn.utils._mask",
        "from sklearn.utils._mask import x",
        "from sklearn.utils import _mask",
        "from sklearn.utils import x, _mask",
        "from sklearn.utils import (\n    x,\n    _mask,\n)",
    ],
)
def test_a_private_part_is_found_however_it_is_imported(line):
    assert takes_private_parts(line)
    assert not takes_private_parts(line.replace("_mask", "mask"))


# ------------------------------------------------------------------------- modules at first use


def fresh(code):
    """Run code in a Python of its own, which has imported nothing."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_public_modules_are_imported_at_their_first_use():
    done = fresh(
        "import sys, sklstm; assert 'sklstm.inspection' not in sys.modules; "
        "sklstm.inspection.permutation_importance; sklstm.preprocessing.SequenceScaler()"
    )
    assert done.returncode == 0, done.stderr


def test_every_public_module_is_completed():
    folders = {file.parent.name for file in ROOT.glob("[a-z]*/__init__.py")}
    without = {"contrib", "data", "paper"}  # need other packages, or are programs
    assert set(dir(sklstm)) == {*sklstm.__all__, "__version__", *(folders - without)}


def test_a_misspelt_name_is_an_attribute_error_with_a_proposal():
    assert not hasattr(sklstm, "nothing")
    done = fresh("import sklstm; sklstm.LSTMClasifier")
    assert re.search(r"no attribute 'LSTMClasifier'\. Did you mean.*LSTMClassifier", done.stderr)

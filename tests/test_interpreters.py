"""Which Pythons and which versions of other packages there are: as declared, and as tried."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

import sklstm

ROOT = Path(sklstm.__file__).parent.parent
FLOORS, PROJECT = ROOT / "tests" / "floors.txt", ROOT / "pyproject.toml"
in_checkout = pytest.mark.skipif(not PROJECT.exists(), reason="not a checkout")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads(PROJECT.read_text())


@pytest.fixture(scope="module")
def interpreters():
    loader = SourceFileLoader("interpreters", str(ROOT / ".ci" / "interpreters"))
    module = ModuleType("interpreters")
    module.__file__ = loader.path
    exec(loader.get_code("interpreters"), vars(module))
    return module


# ------------------------------------------------------------------------------------- floors


def lowest(requirements):
    """The version from which on each is allowed."""
    pairs = (re.match(r"([\w-]+)>=([\w.]+)", requirement) for requirement in requirements)
    return dict(pair.groups() for pair in pairs if pair)


@in_checkout
def test_the_floors_that_are_tried_are_those_that_are_declared(project):
    lines = FLOORS.read_text().splitlines()
    lines = [line.partition("#")[0].strip() for line in lines]
    tried = dict(line.split("==") for line in lines if "==" in line)
    declared = lowest(project["project"]["dependencies"])
    declared |= lowest(project["project"]["optional-dependencies"]["test"])
    declared |= lowest(project["build-system"]["requires"])
    assert set(tried) == set(declared)
    for name, version in declared.items():
        assert re.fullmatch(rf"{re.escape(version)}(\.\d+)*", tried[name]), name
        assert not tried[name].removeprefix(version).strip(".0"), name


@in_checkout
def test_the_oldest_python_is_the_one_that_is_declared(project, interpreters):
    oldest = ".".join(map(str, interpreters.OLDEST))
    assert project["project"]["requires-python"] == f">={oldest}"
    assert f"python=${{1:-python{oldest}}}" in (ROOT / ".ci" / "floors").read_text()
    classified = [
        tuple(map(int, name.rpartition(" ")[2].split(".")))
        for name in project["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", name)
    ]
    assert min(classified) == interpreters.OLDEST and classified == sorted(classified)
    assert sys.version_info[:2] in classified


# -------------------------------------------------------------------------------- interpreters


@in_checkout
@pytest.mark.parametrize(
    "text, counts",
    [
        (".... [100%]\n3 passed in 0.12s\n", (3, 0, 0)),
        ("1 failed, 20 passed, 2 skipped, 13 xfailed in 1982.61s (0:33:02)\n", (20, 1, 2)),
        ("==== 2 failed, 1 error in 3.00s ====\n", (0, 3, 0)),
        ("3 errors in 4.93s\n", (0, 3, 0)),
        ("$ pip\nERROR: no network\n", (0, 0, 0)),
    ],
)
def test_what_pytest_counted_is_read(interpreters, text, counts):
    assert interpreters.counted(text) == counts


@in_checkout
def test_the_python_that_runs_is_known(interpreters):
    version, free = interpreters.kind_of(sys.executable)
    assert version == sys.version_info[:3]
    assert free == bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert interpreters.kind_of("/no/python") is None and interpreters.kind_of("true") is None


# ---------------------------------------------------------------------------- without the GIL


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python cannot do without the GIL"
)
def test_no_module_takes_the_gil_back():
    names = ["sklstm.paper._kernel", *(f"sklstm.{name}" for name in sklstm._MODULES)]
    code = f"import sys, importlib; [importlib.import_module(name) for name in {names}]"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHON_GIL"}
    command = [sys.executable, "-W", "error", "-c", code + "; print(sys._is_gil_enabled())"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.stdout.strip() == "False", run.stderr

"""What setup.py reuses, and what an import says where nothing is compiled."""

import contextlib
import os
import shutil
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest

import sklstm

PACKAGE = Path(sklstm.__file__).parent
SETUP = PACKAGE.parent / "setup.py"
DOORS = [
    ["-c", "import sklstm"],
    ["-c", "from sklstm.preprocessing import SequenceScaler"],
    ["-c", "import sklstm.baselines"],
    ["-c", "from sklstm.metrics import flatten_steps"],
    ["-m", "sklstm"],
]


@pytest.fixture(scope="module")
def uncompiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        PACKAGE, folder / "sklstm", ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    )
    return folder


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door[1])
def test_an_uncompiled_checkout_says_what_to_do(uncompiled, door):
    # Without .pth files: an editable install would find the compiled modules of this checkout.
    run = subprocess.run(
        [sys.executable, "-S", *door],
        cwd=uncompiled,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: sklstm is not compiled")
    assert "python -m pip install -e ." in last


@pytest.fixture(scope="module")
def build():
    """setup.py as a module; it builds only as a script."""
    pytest.importorskip("setuptools")
    pytest.importorskip("Cython")
    if not SETUP.exists():
        pytest.skip("not a checkout")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old versions of setuptools, about themselves
        with contextlib.chdir(SETUP.parent):  # where setup.py runs
            return SimpleNamespace(**run_path(str(SETUP), run_name="setup"))


@pytest.fixture
def extension(build, tmp_path):
    """One whose C and header are files of the test."""
    source, header = tmp_path / "module.c", tmp_path / "header.h"
    source.write_text('#include "header.h"\n')
    header.write_text("#define N 1\n")
    extension = build.module("sklstm.module", source, source, [("SCALAR", None)], ["-O3"])
    extension.depends[1:] = [str(header)]
    return extension


def test_same_things_same_key(build, extension):
    assert build.key(extension, "gcc 12") == build.key(extension, "gcc 12")


@pytest.mark.parametrize(
    "change",
    [
        lambda e: Path(e.depends[0]).write_text("int n = N;\n"),
        lambda e: Path(e.depends[1]).write_text("#define N 2\n"),
        lambda e: e.define_macros.append(("SKLSTM_REAL", "float")),
        lambda e: e.extra_compile_args.append("-mavx2"),
        lambda e: e.extra_link_args.append("-fopenmp"),
        lambda e: e.include_dirs.append("elsewhere"),
        lambda e: setattr(e, "name", "sklstm.other"),
    ],
    ids=["source", "header", "macro", "compiler flag", "linker flag", "include", "name"],
)
def test_other_things_another_key(build, extension, change):
    before = build.key(extension, "gcc 12")
    change(extension)
    assert build.key(extension, "gcc 12") != before


def test_another_compiler_another_key(build, extension):
    assert build.key(extension, "gcc 12") != build.key(extension, "gcc 13")


def test_every_header_counts(build):
    source = Path("module.c")
    headers = {Path(path) for path in build.module("sklstm.module", source, source, []).depends}
    found = {path.relative_to(SETUP.parent) for path in PACKAGE.rglob("*.h")}
    assert found
    assert headers - {source} == found


def test_generated_c_is_made_anew_after_a_change_in_any_header_that_it_cimports(build):
    def headers(path):
        with contextlib.chdir(SETUP.parent):
            return {file.name for file in build.cimported(Path(path))}

    assert headers("sklstm/_cell.pyx") >= {"layers.pxd", "cells.pxd", "products.pxd", "simd.pxd"}
    assert headers("sklstm/paper/_trials.pyx") >= {"_tasks.pxd", "_draws.pxd", "cells.pxd"}


def test_the_environment_limits_the_instruction_sets_that_are_built(build, monkeypatch):
    monkeypatch.delenv("SKLSTM_BUILD", raising=False)
    possible = build.instruction_sets()
    monkeypatch.setenv("SKLSTM_BUILD", possible[0])
    assert build.instruction_sets() == possible[:1]
    monkeypatch.setenv("SKLSTM_BUILD", ",".join(possible))
    assert build.instruction_sets() == possible
    monkeypatch.setenv("SKLSTM_BUILD", "sse5")
    with pytest.raises(SystemExit, match="SKLSTM_BUILD=sse5"):
        build.instruction_sets()


def test_every_package_is_in_the_wheel():
    settings = tomllib.loads((SETUP.parent / "pyproject.toml").read_text(encoding="utf-8"))
    folders = [file.parent.relative_to(SETUP.parent) for file in PACKAGE.rglob("__init__.py")]
    packages = [".".join(folder.parts) for folder in folders]
    assert sorted(settings["tool"]["setuptools"]["packages"]) == sorted(packages)

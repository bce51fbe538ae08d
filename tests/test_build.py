"""What setup.py reuses, and what an import says where nothing is compiled."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
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


# --------------------------------------------------------------------------------- the target


@pytest.fixture
def no_target(monkeypatch):
    """An environment that asks for no other target than this machine."""
    for name in ("_PYTHON_HOST_PLATFORM", "ARCHFLAGS", "CC", "VSCMD_ARG_TGT_ARCH", "SKLSTM_BUILD"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


VECTORS = ["avx512", "avx2", "baseline", "portable"]
PLAIN = ["baseline", "portable"]


@pytest.mark.parametrize(
    "environment, target, sets",
    [
        ({"_PYTHON_HOST_PLATFORM": "linux-x86_64"}, ("linux", "x86_64"), VECTORS),
        ({"_PYTHON_HOST_PLATFORM": "linux-aarch64"}, ("linux", "aarch64"), PLAIN),
        ({"_PYTHON_HOST_PLATFORM": "linux-riscv64"}, ("linux", ""), PLAIN),
        ({"_PYTHON_HOST_PLATFORM": "macosx-12.0-arm64"}, ("macosx", "aarch64"), PLAIN),
        ({"_PYTHON_HOST_PLATFORM": "macosx-12.0-x86_64"}, ("macosx", "x86_64"), VECTORS),
        ({"_PYTHON_HOST_PLATFORM": "macosx-12.0-universal2"}, ("macosx", ""), PLAIN),
        (
            {"_PYTHON_HOST_PLATFORM": "macosx-12.0-x86_64", "ARCHFLAGS": "-arch arm64"},
            ("macosx", "aarch64"),
            PLAIN,
        ),
        (
            {
                "_PYTHON_HOST_PLATFORM": "macosx-12.0-arm64",
                "ARCHFLAGS": "-arch arm64 -arch x86_64",
            },
            ("macosx", ""),
            PLAIN,
        ),
        (
            {"_PYTHON_HOST_PLATFORM": "emscripten-4.0.9-wasm32"},
            ("emscripten", "wasm32"),
            PLAIN,
        ),
        ({"_PYTHON_HOST_PLATFORM": "win-amd64"}, ("win", "x86_64"), ["portable"]),
        (
            {"_PYTHON_HOST_PLATFORM": "win-amd64", "VSCMD_ARG_TGT_ARCH": "arm64"},
            ("win", "aarch64"),
            ["portable"],
        ),
    ],
)
def test_the_target_is_the_one_of_the_build(build, no_target, environment, target, sets):
    for name, value in environment.items():
        no_target.setenv(name, value)
    no_target.setenv("PATH", "")  # no clang-cl
    assert build.target() == target
    assert build.instruction_sets() == sets


@pytest.mark.skipif(sys.platform != "linux", reason="the compiler is a script of a shell")
@pytest.mark.parametrize(
    "triple, machine",
    [("aarch64-linux-gnu", "aarch64"), ("x86_64-linux-musl", "x86_64"), ("riscv64-linux-gnu", "")],
)
def test_the_compiler_is_asked_for_its_target(build, no_target, tmp_path, triple, machine):
    compiler = tmp_path / "cc"
    compiler.write_text(f'#!/bin/sh\n[ "$*" = "-O2 -dumpmachine" ] && echo {triple}\n')
    compiler.chmod(0o755)
    no_target.setenv("CC", f"{compiler} -O2")
    assert build.target() == ("linux", machine)
    no_target.setenv("CC", "no-such-compiler")
    assert build.target()[1] == build.machine_in(sysconfig.get_platform())


def test_windows_has_vectors_where_there_is_clang_cl(build, no_target, tmp_path):
    name = "clang-cl" if os.name != "nt" else "clang-cl.exe"
    (tmp_path / name).write_text("")
    (tmp_path / name).chmod(0o755)
    no_target.setenv("PATH", str(tmp_path))
    no_target.setenv("_PYTHON_HOST_PLATFORM", "win-amd64")
    assert build.instruction_sets() == VECTORS
    no_target.setenv("_PYTHON_HOST_PLATFORM", "win32")  # of 32 bits
    assert build.instruction_sets() == ["portable"]


def built_by(build, monkeypatch, kind, clang=None):
    """A build of two modules by a stand-in for a compiler of Windows, which compiles nothing."""
    from setuptools.dist import Distribution

    command = build.Build(Distribution())
    command.compiler = SimpleNamespace(
        compiler_type=kind,
        initialized=True,
        cc="cl.exe",
        compile_options=["/O2", "/GL"],
        compile_options_debug=["/Od"],
        compiler_so=["gcc"],
        linker_so=["gcc"],
    )
    command.extensions = []
    for name in ("baseline", "portable"):
        extension = build.module(name, Path("module.c"), Path("module.c"), [])
        extension.has_vectors = name != "portable"
        command.extensions.append(extension)
    monkeypatch.setitem(build.Build.build_extensions.__globals__, "clang_cl", lambda: clang)
    monkeypatch.setitem(build.Build.build_extensions.__globals__, "delete_unused", lambda: None)
    monkeypatch.setattr(command, "links", lambda flags: True)
    monkeypatch.setattr(command, "build_extension", lambda extension: None)
    command.parallel = None
    command.build_extensions()
    return command


def test_windows_builds_with_clang_cl(build, no_target):
    no_target.setenv("_PYTHON_HOST_PLATFORM", "win-arm64")
    no_target.setenv("SKLSTM_OPENMP", "1")
    command = built_by(build, no_target, "msvc", clang="/llvm/bin/clang-cl")
    assert command.compiler.cc == "/llvm/bin/clang-cl"
    assert command.compiler.compile_options == ["/O2"]  # Clang does not know /GL
    flags = command.extensions[0].extra_compile_args
    assert {"--target=aarch64-pc-windows-msvc", "/clang:-ffp-contract=fast", "/openmp"} <= {*flags}
    assert "libomp.lib" in command.extensions[0].extra_link_args


def test_modules_need_no_library_of_clang_unless_a_wheel_brings_it(build, no_target):
    no_target.setenv("_PYTHON_HOST_PLATFORM", "win-amd64")
    no_target.delenv("SKLSTM_OPENMP", raising=False)
    with pytest.warns(UserWarning, match="one thread"):
        command = built_by(build, no_target, "msvc", clang="/llvm/bin/clang-cl")
    assert command.extensions[0].extra_link_args == []


def test_mingw_builds_no_vectors(build, no_target):
    with pytest.warns(UserWarning, match="MinGW misaligns"):
        command = built_by(build, no_target, "mingw32")
    assert [extension.name for extension in command.extensions] == ["portable"]


def test_instruction_sets_are_listed_in_one_place(build):
    from sklstm import _builds, _isa, _runtime

    assert build.BUILDS["INSTRUCTION_SETS"] == _builds.INSTRUCTION_SETS
    assert [str(dtype) for dtype in _isa.PRECISIONS] == ["float32", "float64"]
    known = list(_builds.INSTRUCTION_SETS)
    assert _runtime.instruction_sets() == [n for n in known if n in _runtime.instruction_sets()]
    for file in (SETUP, PACKAGE / "_isa.py"):
        assert "avx" not in file.read_text().partition("def ")[2].replace("avx2,portable", "")
    code = "import runpy, sys; runpy.run_path(sys.argv[1]); assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, _builds.__file__], check=True)


def test_cython_is_asked_for_in_one_place():
    files = [SETUP.parent / name for name in ("README.md", "CONTRIBUTING.md", ".ci/run")]
    files += [*(SETUP.parent / "docs").glob("*.md"), *(SETUP.parent / ".github").rglob("*.yml")]
    for file in files:
        assert not re.search(r"cython *[<>=!~]=", file.read_text(encoding="utf-8"), re.I), file


def test_every_package_is_in_the_wheel():
    settings = tomllib.loads((SETUP.parent / "pyproject.toml").read_text(encoding="utf-8"))
    folders = [file.parent.relative_to(SETUP.parent) for file in PACKAGE.rglob("__init__.py")]
    packages = [".".join(folder.parts) for folder in folders]
    assert sorted(settings["tool"]["setuptools"]["packages"]) == sorted(packages)

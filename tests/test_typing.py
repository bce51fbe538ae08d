"""Types: what a type checker says of a user's program, and stubs against compiled modules.

mypy and pyright come with ``pip install -e '.[typing]'``; without them these tests are skipped.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from public import ESTIMATORS, made

from sklstm._sklearn import StrOptions

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / "tests" / "typed" / "user.py"
STUBS = [file.relative_to(ROOT) for file in sorted((ROOT / "sklstm").rglob("*.pyi"))]


def needs(package):
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"needs {package}")


def run(*arguments):
    ended = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@needs("mypy")
def test_mypy_is_content_with_a_users_program():
    code, said = run("mypy", "--strict", "--follow-imports=silent", PROGRAM)
    assert code == 0, said


@needs("mypy")
def test_mypy_finds_a_wrong_parameter(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text('from sklstm import LSTMClassifier\nLSTMClassifier(cell="1998")\n')
    code, said = run("mypy", "--strict", "--follow-imports=silent", program)
    assert code == 1 and "incompatible type \"Literal['1998']\"" in said, said


@needs("mypy")
def test_every_default_has_the_type_of_its_parameter(tmp_path):
    lines = ["import sklstm.baselines, sklstm.compose, sklstm.preprocessing"]
    for cls in ESTIMATORS:
        defaults = made(cls).get_params(deep=False)
        given = ", ".join(f"{name}={value!r}" for name, value in defaults.items())
        module = cls.__module__.partition("._")[0]
        lines.append(f"{module}.{cls.__name__}({given})".replace("=LSTM", "=sklstm.LSTM"))
    assert len(lines) > 8
    program = tmp_path / "defaults.py"
    program.write_text("\n".join([*lines, ""]).replace("=nan", "=float('nan')"))
    code, said = run("mypy", "--strict", "--follow-imports=silent", program)
    assert code == 0, said


@needs("pyright")
def test_pyright_is_content_with_a_users_program():
    code, said = run("pyright", "--pythonpath", sys.executable, PROGRAM)
    assert code == 0, said


@needs("mypy")
def test_stubs_are_those_of_the_compiled_modules(tmp_path):
    modules = [".".join(stub.with_suffix("").parts) for stub in STUBS]
    config = tmp_path / "mypy.ini"  # an editable install makes mypy check what the stubs import
    config.write_text("[mypy]\nfollow_imports = silent\n", encoding="utf-8")
    options = ("--ignore-missing-stub", "--ignore-disjoint-bases", "--mypy-config-file", config)
    code, said = run("mypy.stubtest", *options, *modules)
    assert code == 0, said


def test_every_compiled_module_of_its_own_has_a_stub():
    built = {
        file.with_name(file.name.partition(".")[0]) for file in (ROOT / "sklstm").rglob("*.so")
    }
    own = {file.relative_to(ROOT) for file in built if file.parent.name != "_kernels"}
    assert {stub.with_suffix("") for stub in STUBS} == own


def literals(hint):
    """The strings that a type lists."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set().union(*map(literals, get_args(hint)))


@pytest.mark.parametrize("cls", ESTIMATORS, ids=lambda cls: cls.__name__)
def test_types_list_the_strings_that_are_accepted(cls):
    hints = get_type_hints(cls.__init__)
    for name, constraints in cls._parameter_constraints.items():
        accepted = {o for c in constraints if isinstance(c, StrOptions) for o in c.options}
        assert hints[name] is Any or literals(hints[name]) == accepted, name

"""Adapters without the libraries that they are for; theirs are tested where these are."""

import subprocess
import sys
from importlib import import_module

import pytest

LIBRARIES = ["aeon", "river", "sktime"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_library_is_an_error_that_names_the_extra(library, monkeypatch):
    for name in [*sys.modules]:  # also where it is installed
        if name.partition(".")[0] == library or name == f"sklstm.contrib.{library}":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"needs {library} .*pip install 'sklstm\[{library}\]'"):
        import_module(f"sklstm.contrib.{library}")


def test_the_package_imports_no_adapter():
    code = "import sys, sklstm.preprocessing, sklstm.compose, sklstm.inspection, sklstm.export\n"
    code += "assert not [name for name in sys.modules if name.startswith('sklstm.contrib')]"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Imports of optional packages, with an error that says how to install them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

EXTRAS = {  # the extra of sklstm that installs a package; PyTorch has its own instructions
    "onnx": "onnx",
    "safetensors": "safetensors",
    "skl2onnx": "skl2onnx",
    "distributed": "dask",
}


def optional(module: str, wanted_by: str) -> ModuleType:
    """The module of an optional package, or an ImportError that says how to install it."""
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as error:
        extra = EXTRAS.get(package)
        command = f"pip install 'sklstm[{extra}]'" if extra else f"pip install {package}"
        raise ImportError(
            f"{wanted_by} needs the package {package}, which cannot be imported ({error}): "
            f"{command}",
            name=package,
        ) from error

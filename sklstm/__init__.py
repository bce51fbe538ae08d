"""Long Short-Term Memory (Hochreiter & Schmidhuber 1997) as scikit-learn estimators."""

from importlib import import_module as _import_module
from sys import modules as _modules
from typing import TYPE_CHECKING, Any

from sklstm import _isa as _isa  # first, because its error explains how to compile the package
from sklstm._classifier import LSTMClassifier
from sklstm._persistence import VersionWarning
from sklstm._pipeline_stream import PipelineStream, stream
from sklstm._regressor import LSTMRegressor
from sklstm._stream import Stream
from sklstm._version import __version__ as __version__

__all__ = [
    "LSTMClassifier",
    "LSTMRegressor",
    "PipelineStream",
    "Stream",
    "VersionWarning",
    "stream",
]

_MODULES = (
    "baselines",
    "callback",
    "compose",
    "datasets",
    "distributed",
    "export",
    "inspection",
    "metrics",
    "preprocessing",
)

if not TYPE_CHECKING:  # type checkers would accept any name

    def __getattr__(name: str) -> Any:
        """Import a module at its first use, so that ``import sklstm`` is enough, and fast."""
        if name in _MODULES:
            return _import_module(f"sklstm.{name}")
        message = f"module 'sklstm' has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=_modules[__name__])

    def __dir__() -> list[str]:
        """What tab completion shows: the public names and modules."""
        return [*__all__, *_MODULES, "__version__"]

"""Long Short-Term Memory (Hochreiter & Schmidhuber 1997) as scikit-learn estimators."""

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

"""The systems that Hochreiter & Schmidhuber (1997) compared LSTM with, as regressors of sequences.

Each is written from its original description, learns as that says, and takes X, y and weights as
:class:`sklstm.LSTMRegressor` does.
"""

from sklstm.baselines._cascade_regressor import RecurrentCascadeRegressor
from sklstm.baselines._guessing import GuessingRegressor
from sklstm.baselines._recurrent import RecurrentRegressor
from sklstm.baselines._sequence_chunker import SequenceChunker

__all__ = [
    "GuessingRegressor",
    "RecurrentCascadeRegressor",
    "RecurrentRegressor",
    "SequenceChunker",
]

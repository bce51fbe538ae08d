"""The systems that Hochreiter & Schmidhuber (1997) compared LSTM with, as regressors of sequences.

Each follows its original description, and accepts the same X, y and sample weights as
:class:`sklstm.LSTMRegressor`.
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

"""Prepare sequences for an LSTM: encode symbols, impute, scale, add features, cut windows, pad."""

from sklstm.preprocessing._encoder import SequenceEncoder
from sklstm.preprocessing._from_long import from_long
from sklstm.preprocessing._imputer import SequenceImputer
from sklstm.preprocessing._padding import from_padded, to_padded
from sklstm.preprocessing._scaler import SequenceScaler
from sklstm.preprocessing._step_features import SequenceContext, SequenceDifferences
from sklstm.preprocessing._to_long import to_long
from sklstm.preprocessing._windows import last_window, sliding_windows

__all__ = [
    "SequenceContext",
    "SequenceDifferences",
    "SequenceEncoder",
    "SequenceImputer",
    "SequenceScaler",
    "from_long",
    "from_padded",
    "last_window",
    "sliding_windows",
    "to_long",
    "to_padded",
]

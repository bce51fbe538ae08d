"""What stands before an LSTM: scaling of sequences, padded arrays to lists and back, windows."""

from sklstm.preprocessing._padding import from_padded, to_padded
from sklstm.preprocessing._scaler import SequenceScaler
from sklstm.preprocessing._windows import sliding_windows

__all__ = ["SequenceScaler", "from_padded", "sliding_windows", "to_padded"]

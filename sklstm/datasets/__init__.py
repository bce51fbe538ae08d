"""Data sets of sequences: real speech, the tasks of Hochreiter & Schmidhuber (1997), your files.

Each ``make_*`` function draws ``n_samples`` sequences and returns ``X, y``. X is a list of arrays
if lengths differ, else one array. The paper counts steps from 1, this module from 0.
"""

from sklstm.datasets._arithmetic import make_adding, make_multiplication
from sklstm.datasets._arrow import open_sequences, to_arrow
from sklstm.datasets._japanese_vowels import load_japanese_vowels
from sklstm.datasets._lags import make_long_lag, make_noise_free_lag, make_random_lag
from sklstm.datasets._order import make_temporal_order
from sklstm.datasets._reber import make_continual_reber, make_embedded_reber, reber_successors
from sklstm.datasets._two_sequence import make_two_sequence

__all__ = [
    "load_japanese_vowels",
    "make_adding",
    "make_continual_reber",
    "make_embedded_reber",
    "make_long_lag",
    "make_multiplication",
    "make_noise_free_lag",
    "make_random_lag",
    "make_temporal_order",
    "make_two_sequence",
    "open_sequences",
    "reber_successors",
    "to_arrow",
]

"""Faults: what models tell of themselves."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "exchange-circle",
        "the last sequence of the circle takes the values of another place",
        "sklstm/inspection/_exchange.py",
        "        source[ends - 1] = to[ends - self.counts]\n",
        "",
        "test_permutation_exchange.py",
    ),
    Fault(
        "exchange-align",
        "steps are counted from the start though sequences are aligned at their ends",
        "sklstm/inspection/_exchange.py",
        'lengths.max() - lengths if align == "end" else np.zeros_like(lengths)',
        "np.zeros_like(lengths)",
        "test_permutation_exchange.py",
    ),
    Fault(
        "exchange-features",
        "a feature takes the others with it",
        "sklstm/inspection/_permutation.py",
        "values[np.ix_(to, features)] = self.sequences.values[np.ix_(source, features)]",
        "values[to] = self.sequences.values[source]",
        "test_permutation_exchange.py",
    ),
    Fault(
        "exchange-in-place",
        "the estimator may write into X",
        "sklstm/inspection/_permutation.py",
        "self._of(np.array(self.sequences.values))",
        "self._of(self.sequences.values)",
        "test_permutation_importance.py",
    ),
    Fault(
        "exchange-frames",
        "data frames are scored without the names of their columns",
        "sklstm/inspection/_permutation.py",
        "if items is None or not is_frame(items[0]):",
        "if items is not X or True:",
        "test_permutation_importance.py",
    ),
]

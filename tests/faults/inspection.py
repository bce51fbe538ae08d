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
    Fault(
        "explain-directions",
        "the gradient at the features is that of the last direction alone",
        "sklstm/_kernels/layers.pxd",
        "                     FROM_ZERO if layer.direction == 0 else FROM_OUTPUT, d_y)\n",
        "                     FROM_ZERO, d_y)\n",
        "test_attributions.py",
    ),
    Fault(
        "explain-ended",
        "the gradient of a sequence is that of its neighbour in the vector",
        "sklstm/_cell.pyx",
        "d_x[f * chunk.width + lane]",
        "d_x[f * chunk.width]",
        "test_attributions.py",
    ),
    Fault(
        "explain-path",
        "integrated gradients look at the end of the path alone",
        "sklstm/inspection/_attributions.py",
        "way.gradient(start + place * (stop - start))",
        "way.gradient(stop)",
        "test_attributions.py",
    ),
]

"""Faults: X, y, weights."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "errors-change",
        "an error in y leaves behind what was learned of X",
        "sklstm/_sequences.py",
        "        vars(estimator).clear()\n",
        "",
        "test_bad_input.py test_sequences.py",
    ),
    Fault(
        "take",
        "a selection of sequences is named by the offsets of the whole set",
        "sklstm/_sequences.py",
        "return Sequences(self.values[steps], offsets, self.container, self.symbols[steps])",
        "return Sequences(self.values[steps], self.offsets[: len(offsets)], self.container, "
        "self.symbols[steps])",
        "test_sequences.py",
    ),
    Fault(
        "steps-of-y",
        "y may have more steps than X",
        "sklstm/_steps.py",
        "wrong = lengths != sequences.lengths",
        "wrong = lengths < sequences.lengths",
        "test_sequences.py",
    ),
    Fault(
        "weight-per-sequence",
        "steps without a target lower the weight of their sequence",
        "sklstm/_targets.py",
        "np.add.reduceat(weights > 0, starts, dtype=np.int64)",
        "np.add.reduceat(weights >= 0, starts, dtype=np.int64)",
        "test_targets.py",
    ),
    Fault(
        "weight-in-part",
        "a step with some of its outputs counts as a whole",
        "sklstm/_targets.py",
        "(1 - np.isnan(self.targets).mean(axis=1))",
        "(1 - np.isnan(self.targets).all(axis=1))",
        "test_targets.py",
    ),
    Fault(
        "balanced",
        "balanced class weights count rows, not weights",
        "sklstm/_labels.py",
        "sums = np.bincount(index, weights, len(classes))",
        "sums = np.bincount(index, minlength=len(classes)) * 1.0",
        "test_labels.py",
    ),
    Fault(
        "label-array",
        "a stream does not know a label in an array of no dimensions",
        "sklstm/_labels.py",
        "one[0] = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value",
        "one[0] = value",
        "test_stream.py test_labels.py",
    ),
    Fault(
        "label-type",
        "a stream takes for a label whatever is equal to one",
        "sklstm/_labels.py",
        "return as_class_array(one).tolist()[0]",
        "return one.tolist()[0]",
        "test_stream.py test_bad_values.py test_labels.py",
    ),
    Fault(
        "units-stream",
        "a stream of one output keeps the units of the fit before",
        "sklstm/_regressor.py",
        "self.parameters_ = self.parameters_.view()",
        "pass",
        "test_units.py",
    ),
    Fault(
        "units-missing",
        "targets without a weight count in the units of y",
        "sklstm/_units.py",
        "rows = ~np.isnan(column) & (weights > 0)",
        "rows = ~np.isnan(column)",
        "test_units.py",
    ),
]

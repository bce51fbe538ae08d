"""Faults: X, y, weights."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "errors-change",
        "a failed call leaves what it learned so far",
        "sklstm/_snapshots.py",
        "    draft = snapshot(estimator)
",
        "    draft = estimator
",
        "test_bad_input.py",
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
        "kept-in-place",
        "training writes into the array that others read",
        "sklstm/_base.py",
        "        self.parameters_ = vector\n",
        "        self.parameters_[:] = vector\n",
        "test_units.py",
    ),
    Fault(
        "snapshot-reader",
        "a prediction reads an estimator that changes meanwhile",
        "sklstm/_estimator.py",
        "now = snapshot(self)",
        "now = self",
        "test_snapshots.py",
    ),
    Fault(
        "snapshot-writer",
        "what was learned is published attribute by attribute",
        "sklstm/_snapshots.py",
        "    estimator.__dict__ = vars(draft) | theirs\n",
        "    for name, value in vars(draft).items():\n        setattr(estimator, name, value)\n",
        "test_snapshots.py",
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

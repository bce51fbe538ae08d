"""The faults that `mutations.py` puts into the package, and the tests that should notice them."""

from faults import (
    answers,
    arguments,
    arrow,
    batches,
    callbacks,
    categories,
    cells,
    compose,
    contrib,
    data,
    distributed,
    exports,
    exports_c,
    inspection,
    preprocessing,
    signals,
    streams,
    sums,
    symbols,
    training,
    trials,
    vectors,
)
from faults.fault import ROOT, Fault

__all__ = ["FAULTS", "ROOT", "Fault"]

FAULTS = [
    *arguments.FAULTS,
    *arrow.FAULTS,
    *batches.FAULTS,
    *signals.FAULTS,
    *sums.FAULTS,
    *cells.FAULTS,
    *vectors.FAULTS,
    *streams.FAULTS,
    *training.FAULTS,
    *callbacks.FAULTS,
    *trials.FAULTS,
    *data.FAULTS,
    *distributed.FAULTS,
    *preprocessing.FAULTS,
    *symbols.FAULTS,
    *compose.FAULTS,
    *contrib.FAULTS,
    *inspection.FAULTS,
    *answers.FAULTS,
    *categories.FAULTS,
    *exports_c.FAULTS,
    *exports.FAULTS,
]

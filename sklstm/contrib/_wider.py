"""Continue a stream with a wider network: more features, or more classes.

New features and classes come after the known ones and have weights of 0. So no output changes until
the stream learns. State and traces are those of a network that had them from the start, with
features of 0.
"""

from __future__ import annotations

from copy import copy

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._label_outputs import Labels
from sklstm._stream import Stream
from sklstm._topology import Topology


def with_features(stream: Stream, n_features: int) -> Stream:
    """``stream`` with ``n_features`` features."""
    model = copy(stream.estimator)
    model.n_features_in_ = n_features
    rows = np.arange(model._topology.n_outputs)
    return _carried(stream, _widened(model, {"n_features": n_features}, rows), rows)


def with_classes(stream: Stream, n_classes: int) -> Stream:
    """``stream`` of a classifier of the classes 0, 1, ..., with ``n_classes`` >= 3 of them."""
    model = copy(stream.estimator)
    known = model._topology.n_outputs
    # a logistic output equals the second output of a softmax whose first output is 0
    rows = np.arange(1, 2) if known == 1 else np.arange(known)
    model._set_outputs(Labels.named(range(n_classes), 1, type(model).__name__))
    return _carried(stream, _widened(model, {"n_outputs": n_classes}, rows), rows)


def _widened(model: BaseLSTM, shape: dict[str, int], rows: np.ndarray) -> BaseLSTM:
    """``model`` with the parameters and solver of a wider shape.

    ``rows`` are the numbers of the known outputs in that shape.
    """
    narrow = model._topology
    model._shape = model._shape | shape
    wide, size = model._topology, model.parameters_.shape
    model.parameters_ = _wide_vector(narrow, wide, model.parameters_, rows)
    model._solver_state = {
        name: _wide_vector(narrow, wide, value, rows) if np.shape(value) == size else value
        for name, value in model._solver_state.items()
    }
    model._n_draws += 1
    return model


def _wide_vector(
    narrow: Topology, wide: Topology, vector: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    result = np.zeros(wide.n_total, vector.dtype)
    for new, old in zip(wide.layers(result), narrow.layers(vector), strict=True):
        for name, array in old.items():
            new[name][..., : array.shape[-1]] = array
    wide.output_weights(result)[rows] = narrow.output_weights(vector)
    wide.output_bias(result)[rows] = narrow.output_bias(vector)
    return result


def _carried(stream: Stream, model: BaseLSTM, rows: np.ndarray) -> Stream:
    """A stream of ``model`` with the state of ``stream``."""
    result = model.stream()
    n_known = stream.estimator._topology.n_features
    n_more = model._topology.n_features - n_known
    *memory, out = stream._save()
    *empty, wide_out = result._save()
    for k, (old, new) in enumerate(zip(memory, empty, strict=True)):
        if len(new) > len(old):  # one number per column of weights, in which features come first
            columns = old.reshape((len(new) - len(old)) // n_more, -1)
            memory[k] = np.insert(columns, [n_known] * n_more, 0, axis=1).ravel()
    wide_out[rows] = out
    result._online.restore([*memory, wide_out])
    result._stepped = stream._stepped
    return result

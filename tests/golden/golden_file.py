"""What a golden file is made of."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from sklstm._topology import Topology

FOLDER = Path(__file__).parent
RAGGED = (5, 1, 7, 2)  # lengths of sequences


def shape(cell="forget", n_features=2, hidden=(3,), bidirectional=False, n_outputs=3):
    return Topology(cell, n_features, hidden, 1, bidirectional, n_outputs, "all")


def draw_sequences(rng, n_features, lengths):
    return [rng.normal(size=(length, n_features)) for length in lengths]


def save(name, topology, vector, sequences, arrays, tolerance, objectives=(), curves=()):
    """``objectives`` and ``curves`` hold the settings; their arrays are among ``arrays``."""
    settings = {
        "topology": asdict(topology),
        "tolerance": tolerance,
        "objectives": dict(objectives),
        "curves": list(curves),
    }
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        settings=json.dumps(settings),
        vector=np.asarray(vector, float),
        values=np.concatenate(sequences).astype(float),
        offsets=np.cumsum([0] + [len(x) for x in sequences]),
        **arrays,
    )

"""The golden files of ``golden/``, which ``golden/make_golden.py`` writes.

``names()`` lists them; ``load(name)`` reads one as a dict:

topology    Topology
vector      (n_total,) float64: the parameters
sequences   list of (T_i, F)
output      list of (T_i, K): raw outputs at every step (absent if the source has only the last)
last        (n, K): raw outputs at the last step
tolerance   what the arithmetic of the source allows: 1e-12 for float64, more for float32
objectives  dict by name of dicts: the settings `loss`, `out_activation`, `return_sequences`,
            `alpha`, `quantiles` and `pooling`; `targets` and `weights`, by sequence (a list of
            arrays if per step); the `value` of the batch loss and its gradients `full` and
            `truncated`
curves      dict by (solver, gradient): `loss`, ten values, each before its update, and `vector`,
            the parameters after the tenth; every update is one full batch of the objective
            `objective` with learning rate `learning_rate` and `clip_norm`

The last two are there for the files made by PyTorch.
"""

import json
from pathlib import Path

import numpy as np

from sklstm._topology import Topology

FOLDER = Path(__file__).parent / "golden"


def names(source: str = "") -> list[str]:
    """Names of the files made by ``source``: "torch", "onnx", "onnxruntime"; all if empty."""
    prefix = f"{source}_" if source else ""
    return sorted(file.stem for file in FOLDER.glob(f"{prefix}*.npz"))


def load(name: str) -> dict:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        arrays = dict(file)
    golden = json.loads(str(arrays["settings"]))
    shape = golden["topology"]
    shape["hidden_layer_sizes"] = tuple(shape["hidden_layer_sizes"])
    golden["topology"] = Topology(**shape)
    cuts = arrays["offsets"][1:-1]
    golden["sequences"] = np.split(arrays["values"], cuts)
    golden["vector"], golden["last"] = arrays["vector"], arrays["last"]
    if "output" in arrays:
        golden["output"] = np.split(arrays["output"], cuts)
    for key, objective in golden["objectives"].items():
        for part in ("targets", "weights"):
            array = arrays[f"{key}.{part}"]
            objective[part] = np.split(array, cuts) if objective["return_sequences"] else array
        for part in ("value", "full", "truncated"):
            objective[part] = arrays[f"{key}.{part}"]
    curves = {(curve["solver"], curve["gradient"]): curve for curve in golden["curves"]}
    for (solver, gradient), curve in curves.items():
        for part in ("loss", "vector"):
            curve[part] = arrays[f"{solver}.{gradient}.{part}"]
    golden["curves"] = curves
    return golden

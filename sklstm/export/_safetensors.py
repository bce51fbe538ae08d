"""Models in safetensors files: arrays, and all else as JSON. Nothing in them is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sklstm._files import write_file
from sklstm._version import __version__
from sklstm.export._optional import optional
from sklstm.export._saved import Tree, taken_apart
from sklstm.export._state import listed

KEY = "sklstm"  # of the metadata
FORMAT = 1
DTYPES = {"F32": np.float32, "F64": np.float64}


def save_safetensors(model: Any, path: str | Path) -> None:
    """Save a fitted model in a file that can be shared: it is loaded without pickle.

    Parameters
    ----------
    model : LSTMClassifier, LSTMRegressor, RelativeRegressor or Pipeline
        Fitted. The steps of a pipeline are transformers of `sklstm.preprocessing` and one of the
        estimators.
    path : str or Path
        Where to write the file. What is there is replaced as a whole, or, on an error, stays.

    Raises
    ------
    ValueError
        If a step, or a parameter such as a callable or a `RandomState`, cannot be written. The
        message names it.
    NotFittedError
        If something is not fitted.
    ImportError
        If the package safetensors is not installed.

    See Also
    --------
    load_safetensors : The way back.

    Notes
    -----
    The file has the parameters under the names of `state_dict`, the units of y as `"y_mean"` and
    `"y_scale"`, the statistics of transformers as `"steps.0.mean_"` and the like, and in its
    metadata, under `"sklstm"`, a JSON text with classes, parameters and records of training.
    Whatever else reads safetensors can read it. The state of the solver is left out, and so are
    callbacks and the `memory` of a pipeline: to continue training as if never interrupted, use
    joblib.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.export import load_safetensors, save_safetensors
    >>> from sklstm.preprocessing import SequenceScaler
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2))
    >>> y = np.where(X[:, -1, 0] > 0, "up", "down")
    >>> lstm = LSTMClassifier(4, max_iter=2, random_state=0)
    >>> model = make_pipeline(SequenceScaler(), lstm).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     save_safetensors(model, Path(folder) / "model.safetensors")
    ...     loaded = load_safetensors(Path(folder) / "model.safetensors")
    >>> bool((loaded.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    optional("safetensors", "save_safetensors")
    from safetensors.numpy import save

    node, arrays = taken_apart(model)
    text = json.dumps({"format": FORMAT, "version": __version__, "model": node}, allow_nan=False)
    # The package writes what lies in memory, whatever the strides say.
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(plain, metadata={KEY: text})
    write_file(path, content)


def load_safetensors(path: str | Path) -> Any:
    """Load a model that `save_safetensors` wrote.

    Nothing in the file is run, and no class is imported by its name: a file from somebody else can
    at worst predict nonsense.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    model : LSTMClassifier, LSTMRegressor, RelativeRegressor or Pipeline
        Fitted, with the same predictions to the bit.

    Raises
    ------
    ValueError
        If it is no such file, is cut off, or says something that does not belong together.
    OSError
        If the file cannot be read.
    ImportError
        If the package safetensors is not installed.

    See Also
    --------
    save_safetensors : Writes the file.
    from_torch : For weights in safetensors files of others.

    Notes
    -----
    The solver of the loaded model starts anew when training goes on. `random_state` is what it
    was as a parameter; the generator itself starts anew.
    """
    safetensors = optional("safetensors", "load_safetensors")
    path = Path(path)
    with path.open("rb"):  # what the system has to say comes first
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return _read(file)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file, or is cut off: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no model that sklstm can load: {error}") from None


def _read(file: Any) -> Any:
    metadata = file.metadata() or {}
    if KEY not in metadata:
        raise ValueError(
            f"its metadata have no entry {KEY!r}. Weights that another program wrote go through "
            "from_torch(safetensors.numpy.load_file(path))"
        )
    header = json.loads(metadata[KEY])
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise ValueError(
            f"it is of format {found!r}, and this sklstm ({__version__}) reads format {FORMAT}"
        )
    tree = Tree(header.get("model"))
    names = set(file.keys())
    if names != set(tree.shapes):
        missing, unknown = set(tree.shapes) - names, names - set(tree.shapes)
        raise ValueError(
            f"the entry {min(missing)!r} is missing"
            if missing
            else f"the entry {min(unknown)!r} is unknown; it should have {listed(tree.shapes)}"
        )
    kinds = {name: file.get_slice(name).get_dtype() for name in names}
    net = kinds["linear.weight"]
    for name, shape in tree.shapes.items():
        has = tuple(file.get_slice(name).get_shape())
        if has != shape:
            raise ValueError(f"the entry {name!r} has shape {has}, but needs {shape}")
        needed = net if name in tree.parameters else "F64"
        if kinds[name] != needed or needed not in DTYPES:
            raise ValueError(f"the entry {name!r} is of {kinds[name]}, but needs {needed}")
    return tree.filled({name: np.array(file.get_tensor(name)) for name in names})

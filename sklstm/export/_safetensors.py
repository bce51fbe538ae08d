"""Models in safetensors files: arrays, and everything else as JSON. No code in them is ever run."""

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
    """Save a fitted model in a file that others can load safely, without pickle.

    Parameters
    ----------
    model : LSTMClassifier, LSTMRegressor, RelativeRegressor or Pipeline
        Fitted model. The steps of a pipeline must be transformers of ``sklstm.preprocessing`` and
        one of the estimators.
    path : str or Path
        File to write. An existing file is replaced only after the new one is complete. After an
        error it is unchanged.

    Raises
    ------
    ValueError
        If a step, or a parameter such as a callable or a ``RandomState``, cannot be saved. The
        message names it.
    sklearn.exceptions.NotFittedError
        If the model or a step of it is not fitted.
    ImportError
        If the package safetensors is not installed.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_safetensors : Load the file.

    Notes
    -----
    The arrays of the file are the parameters under the names of
    :func:`~sklstm.export.state_dict`, the units of y as ``"y_mean"`` and ``"y_scale"``, and the
    statistics of transformers, such as ``"steps.0.mean_"``. The metadata entry ``"sklstm"`` is a
    JSON text with classes, parameters and records of training. Any program that reads safetensors
    can read the file. It does not contain the state of the solver, callbacks or the ``memory`` of a
    pipeline. Use joblib to continue training exactly.

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
    # The package writes memory in order and ignores strides.
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content = save(plain, metadata={KEY: text})
    write_file(path, content)


def load_safetensors(path: str | Path) -> Any:
    """Load a model that ``save_safetensors`` wrote.

    The function runs no code of the file and imports no class by name. A file from an unknown
    source can do nothing worse than predict wrong values.

    Parameters
    ----------
    path : str or Path
        File to read.

    Returns
    -------
    model : LSTMClassifier, LSTMRegressor, RelativeRegressor or Pipeline
        Fitted model. On the same machine its predictions equal those of the saved model to the bit.

    Raises
    ------
    ValueError
        If the file is not a safetensors file, is truncated, was not written by
        ``save_safetensors``, or is damaged. The message names the file and the entry.
    OSError
        If the file cannot be read.
    ImportError
        If the package safetensors is not installed.

    See Also
    --------
    save_safetensors : Write the file.
    from_torch : Make a model from the weights of another program.

    Notes
    -----
    If training continues, the solver starts anew. The parameter ``random_state`` is restored, but
    the random generator starts anew too.

    Examples
    --------
    >>> from sklstm.export import load_safetensors
    >>> model = load_safetensors("model.safetensors")  # doctest: +SKIP
    """
    safetensors = optional("safetensors", "load_safetensors")
    path = Path(path)
    with path.open("rb"):  # raises the OSError of the system, such as FileNotFoundError
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return _read(file)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file, or is truncated: {error}") from None
    except RecursionError:
        raise ValueError(_damaged(path, "is nested too deeply")) from None
    except _NoJSON as error:
        raise ValueError(_damaged(path, f"is not valid JSON ({error})")) from None
    except ValueError as error:
        raise ValueError(f"{path} is not a model that sklstm can load: {error}") from None


class _NoJSON(Exception):
    """The metadata entry is not JSON."""


def _damaged(path: Path, what: str) -> str:
    return (
        f"{path} is damaged: the entry {KEY!r} of its metadata {what}. Save the model again with "
        "save_safetensors, or take an undamaged copy of the file."
    )


def _read(file: Any) -> Any:
    metadata = file.metadata() or {}
    if KEY not in metadata:
        raise ValueError(
            f"its metadata have no entry {KEY!r}. Load weights that another program wrote by "
            "from_torch(safetensors.numpy.load_file(path))"
        )
    try:
        header = json.loads(metadata[KEY])
    except ValueError as error:  # also for an integer of too many digits
        raise _NoJSON(error) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        found = header.get("format") if isinstance(header, dict) else None
        raise ValueError(
            f"its format is {found!r}, but this sklstm ({__version__}) reads format {FORMAT}"
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

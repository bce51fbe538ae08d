"""to_long: sequences and predictions per step to long tables with one row per time step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sklstm._containers import refuse_container
from sklstm._lists import as_items
from sklstm._numbers import as_array, filled
from sklstm.preprocessing._frames import refuse_twice

if TYPE_CHECKING:
    import pandas as pd


def to_long(
    X: Any, ids: Any = None, *, id: str = "id", time: str = "time", values: Any = None
) -> pd.DataFrame:
    """Turn sequences or predictions per step into a long pandas data frame.

    Parameters
    ----------
    X : list, tuple or object array of (T_i, F) or (T_i,) arrays, or array (n, T, F) or (n, T)
        Sequences, or predictions of an estimator with ``return_sequences=True``: numbers or labels.
        A two-dimensional array holds n sequences of one feature.
    ids : array-like of shape (n,), default=None
        One id per sequence, all different. None numbers the sequences from 0.
    id : str, default="id"
        Name of the column of ids.
    time : str, default="time"
        Name of the column of step numbers. They start at 0 in every sequence.
    values : str or list of str, default=None
        Names of the F features. None uses "x0", "x1", ...

    Returns
    -------
    df : pandas.DataFrame
        One row per step, sequence after sequence, with the id, the step number and the features.
        The features keep the dtype of ``X``.

    Raises
    ------
    ImportError
        If pandas is not installed.
    ValueError
        If sequences differ in the number of features or have no steps, if the number of ``ids`` or
        ``values`` is wrong, or if ids or names are repeated or missing.

    See Also
    --------
    from_long : Turn a long data frame into sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm.preprocessing import to_long
    >>> to_long([np.array([4.0, 5.0]), np.array([6.0])], ids=["b", "a"], values="speed")
      id  time  speed
    0  b     0    4.0
    1  b     1    5.0
    2  a     0    6.0
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_long returns a pandas data frame: pip install pandas.") from error
    sequences = _as_sequences(X)
    lengths = np.array([len(x) for x in sequences])
    steps = np.concatenate(sequences)
    if values is None:
        values = [f"x{k}" for k in range(steps.shape[1])]
    values = [values] if isinstance(values, str) else list(values)
    if len(values) != steps.shape[1]:
        raise ValueError(
            f"values holds {len(values)} names, but the sequences have {steps.shape[1]} features."
        )
    refuse_twice([id, time, *values], "id, time and values")
    ids = pd.Index(np.arange(len(sequences)) if ids is None else ids, tupleize_cols=False)
    _check_ids(ids, len(sequences))

    df = pd.DataFrame(steps, columns=values)
    df.insert(0, id, ids.repeat(lengths))
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    df.insert(1, time, np.arange(len(steps)) - starts)
    return df


def _as_sequences(X: Any) -> list[np.ndarray]:
    """X as a list of (T_i, F) arrays of one type. Labels and NaN are allowed."""
    X = as_items(X, "X")
    refuse_container(X, "X")
    items = X if isinstance(X, (list, tuple)) else np.asarray(filled(X))
    if (not isinstance(items, (list, tuple)) and items.ndim == 0) or len(items) == 0:
        raise ValueError("X holds no sequences: at least one is needed.")
    arrays = [_as_array(item, k) for k, item in enumerate(items)]
    for k, array in enumerate(arrays):
        if array.ndim not in (1, 2) or array.ndim != arrays[0].ndim:
            raise ValueError(
                f"Sequence {k} of X has shape {array.shape}; expected (n_steps, n_features) in all "
                "sequences, or (n_steps,) in all."
            )
        if array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"Sequence {k} of X has {array.shape[1]} features, but sequence 0 has "
                f"{arrays[0].shape[1]}: every step needs the same features."
            )
        if array.size == 0:
            raise ValueError(f"Sequence {k} of X is empty and would have no row: drop it.")
        if (array.dtype.kind in "US") != (arrays[0].dtype.kind in "US"):
            raise ValueError(
                f"X mixes text and numbers (sequence 0 and sequence {k}): use one type."
            )
    return [array.reshape(len(array), -1) for array in arrays]


def _as_array(item: Any, k: int) -> np.ndarray:
    try:
        return as_array(filled(item))
    except ValueError:
        raise ValueError(
            f"Sequence {k} of X is not an array: its steps differ in their number of features."
        ) from None


def _check_ids(ids: Any, n: int) -> None:
    """Raise an error for ids that do not identify the sequences."""
    if len(ids) != n:
        raise ValueError(f"ids has {len(ids)} entries, but X has {n} sequences: pass one id each.")
    if ids.hasnans:
        raise ValueError(
            f"The id of sequence {int(ids.isna().argmax())} is missing: pass one id per sequence."
        )
    if not ids.is_unique:
        k = int(ids.duplicated().argmax())
        first = ids.get_indexer_for(ids[[k]])[0]
        raise ValueError(
            f"ids contains {ids[k]} twice, for sequences {first} and {k}: pass ids that are all "
            "different."
        )

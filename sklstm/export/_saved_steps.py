"""Convert a transformer of sequences to plain values and arrays, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)
from sklstm.preprocessing._vocabulary import Vocabulary

TRANSFORMERS = (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)
# The arrays of each transformer, (F,) in float64.
ARRAYS = {SequenceImputer: ("statistics_",), SequenceScaler: ("mean_", "var_", "scale_")}
SYMBOLS = (str, int, float)


def attributes_of(transformer: Any, what: str) -> dict[str, Any]:
    """The fitted attributes of a transformer except for arrays, as plain values."""
    found: dict[str, Any] = {"n_step_features": int(transformer._n_step_features)}
    if hasattr(transformer, "_categorical"):
        found["categorical"] = np.asarray(transformer._categorical, dtype=np.int64)
    if isinstance(transformer, SequenceScaler):
        found["n_steps_seen"] = transformer.n_steps_seen_
    if isinstance(transformer, SequenceEncoder):
        found["flat"] = bool(transformer._flat)
        found["symbols"] = [
            [int(j), _symbols_of(vocabulary, what), _rare(vocabulary)]
            for j, vocabulary in transformer._vocabularies.items()
        ]
    return found


def _symbols_of(vocabulary: Vocabulary, what: str) -> list:
    symbols = [s.item() if isinstance(s, np.generic) else s for s in vocabulary.codes]
    for symbol in symbols:
        if not isinstance(symbol, SYMBOLS):
            raise ValueError(
                f"{what} knows the symbol {symbol!r} of type {type(symbol).__name__}, which cannot "
                "be saved without pickle: fit it on strings, for example by str(symbol)."
            )
    return symbols


def _rare(vocabulary: Vocabulary) -> list[bool]:
    """True for symbols that share a code."""
    shared = vocabulary.infrequent_code
    return [code == shared for code in vocabulary.codes.values()]


def arrays_of(transformer: Any) -> dict[str, np.ndarray]:
    """The arrays of a transformer, by name."""
    names = ARRAYS.get(type(transformer), ())
    return {name: getattr(transformer, name).astype(np.float64) for name in names}


def restore(transformer: Any, fitted: dict[str, Any], n_features: int) -> None:
    """Restore the fitted attributes of ``transformer`` except for arrays."""
    transformer._validate_params()
    if type(transformer) in ARRAYS:
        transformer._categorical = _places(fitted.get("categorical"), n_features, "categorical")
    if isinstance(transformer, SequenceScaler):
        transformer.n_steps_seen_ = _steps_seen(fitted.get("n_steps_seen"), n_features)
    else:
        transformer._n_step_features = n_features
    if isinstance(transformer, SequenceEncoder):
        _restore_symbols(transformer, fitted, n_features)


def restore_arrays(transformer: Any, arrays: dict[str, np.ndarray]) -> None:
    """Restore the arrays (F,)."""
    if "scale_" in arrays and not np.all(np.isnan(arrays["scale_"]) | (arrays["scale_"] > 0)):
        raise ValueError("scale_ must be above 0")
    vars(transformer).update(arrays)


def _places(numbers: Any, n_features: int, name: str) -> np.ndarray:
    if not isinstance(numbers, np.ndarray) or numbers.dtype.kind not in "if":
        raise ValueError(f"{name} is {numbers!r}, not an array of integers")
    places = numbers.astype(np.intp)
    if not np.isin(numbers, np.arange(n_features)).all():
        raise ValueError(f"{name} has a number that is not from 0 to {n_features - 1}")
    return places


def _steps_seen(seen: Any, n_features: int) -> Any:
    is_number = type(seen) in (int, float) or isinstance(seen, np.ndarray)
    if (
        not is_number
        or np.shape(seen) not in ((), (n_features,))
        or np.asarray(seen).dtype.kind not in "if"
    ):
        raise ValueError(f"n_steps_seen is {seen!r}, not a number, or one for each feature")
    return seen


def _restore_symbols(encoder: SequenceEncoder, fitted: dict[str, Any], n_features: int) -> None:
    features = fitted.get("symbols")
    if type(fitted.get("flat")) is not bool or not isinstance(features, list):
        raise ValueError("symbols must be a list, and flat a bool")
    if fitted["flat"] and n_features != 1:
        raise ValueError(f"flat is for one symbol per step, but there are {n_features} features")
    vocabularies: dict[int, Vocabulary] = {}
    for entry in features:
        if not (isinstance(entry, list) and len(entry) == 3):
            raise ValueError("symbols must hold a feature, its symbols, and which of them are rare")
        j, symbols, rare = entry
        if type(j) is not int or not 0 <= j < n_features or j in vocabularies:
            raise ValueError(f"symbols has a feature {j!r} twice, or one that does not exist")
        if not isinstance(symbols, list) or not all(isinstance(s, SYMBOLS) for s in symbols):
            raise ValueError(f"symbols of feature {j} are not strings and numbers")
        if len({type(s) is str for s in symbols}) > 1 or len(set(symbols)) != len(symbols):
            raise ValueError(f"symbols of feature {j} are not distinct, or of two types")
        of_each = isinstance(rare, list) and len(rare) == len(symbols)
        if not of_each or not all(type(r) is bool for r in rare):
            raise ValueError(f"symbols of feature {j} are not all said to be rare or not")
        vocabularies[j] = Vocabulary.sharing(symbols, np.array(rare, dtype=bool))
    encoder._flat, encoder._vocabularies = fitted["flat"], vocabularies
    encoder.encoded_features_ = np.array(list(vocabularies), dtype=np.intp)
    encoder.categories_ = [vocabulary.categories for vocabulary in vocabularies.values()]
    encoder.infrequent_categories_ = [v.infrequent for v in vocabularies.values()]

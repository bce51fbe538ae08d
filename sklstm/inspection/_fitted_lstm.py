"""The LSTM that a display is of: the estimator itself, or the end of a fitted pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from sklstm._base import BaseLSTM
from sklstm._containers import is_frame
from sklstm._pipeline_stream import parts_of

# Where meta-estimators keep what they have fitted, and the way to the first of several.
FITTED = (
    ("best_estimator_", ""),
    ("regressor_", ""),
    ("classifier_", ""),
    ("calibrated_classifiers_", "[0].estimator"),
    ("estimators_", "[0]"),
    ("estimator_", ""),  # last, because the estimator_ of ensembles is not fitted
)
PARAMETERS = ("estimator", "regressor", "classifier")  # what they fit


def lstm_and_input(model: Any, X: Any) -> tuple[BaseLSTM, Any]:
    """The fitted LSTM, and X as it reads it: through the earlier steps of a pipeline."""
    lstm = fitted_lstm(model)
    for _, transformer in _before(model):
        X = transformer.transform(X)
    return lstm, X


def one_sequence(model: Any, x: Any, display: str) -> tuple[BaseLSTM, Any]:
    """The fitted LSTM, and its X with the one sequence that ``x`` is after the earlier steps."""
    inner = x[0] if isinstance(x, (list, tuple)) and len(x) else None
    if getattr(x, "ndim", 0) == 3 or getattr(inner, "ndim", 0) == 2:
        raise ValueError(
            f"A {display} draws one sequence of shape (n_steps, n_features), but x holds several, "
            "or one in a list. Pass one of them, x[0]."
        )
    table = getattr(fitted_lstm(model), "_sequence_input", None) == "table"
    lstm, X = lstm_and_input(model, _row(x) if table else [x])
    if len(X) != 1:
        raise ValueError(
            f"The transformers of the pipeline make {len(X)} sequences of x, but a {display} draws "
            f"one. Transform x yourself and pass one of them: {display}.from_estimator(model[-1], "
            "model[:-1].transform([x])[0])."
        )
    return lstm, X


def fitted_lstm(model: Any) -> BaseLSTM:
    """The LSTM at the end of ``model``.

    Raises
    ------
    TypeError
        If there is none. The message says what to pass.
    NotFittedError
        If the LSTM, or a meta-estimator, is not fitted.
    """
    last = last_of(model)
    if not isinstance(last, BaseLSTM):
        raise no_lstm(model, "an LSTMClassifier or LSTMRegressor")
    last._check_fitted()
    return last


def last_of(model: Any) -> Any:
    """The last step of a pipeline, also of one inside another; any other model itself."""
    while isinstance(model, Pipeline) and model.steps:
        model = model.steps[-1][1]
    return model


def names_of_features(model: Any, lstm: BaseLSTM) -> list[str] | None:
    """Names of the features of a step that the LSTM reads, if they are known."""
    names = _names_of_columns(model, lstm)
    # The columns of a table are features of several steps.
    return names if names is not None and len(names) == lstm._n_step_features else None


def _names_of_columns(model: Any, lstm: BaseLSTM) -> list[str] | None:
    names = getattr(lstm, "feature_names_in_", None)
    if names is None:
        steps = [step for _, step in _before(model)]
        if not steps or not all(hasattr(step, "get_feature_names_out") for step in steps):
            return None
        names = getattr(steps[0], "feature_names_in_", None)
        if names is None:
            return None
        for step in steps:
            names = step.get_feature_names_out(names)
    return [str(name) for name in names]


def step_values(lstm: BaseLSTM, X: Any) -> np.ndarray:
    """The one sequence in X as the LSTM reads it, (T, F): a code for each category, -1 for none."""
    sequences = lstm._read_fitted(X)
    if lstm._categories is None:
        return sequences.values
    numbers = lstm._categories.left(lstm._n_step_features)
    read = np.empty((sequences.n_steps, lstm._n_step_features))
    read[:, numbers] = sequences.values
    read[:, lstm._categories.features] = sequences.symbols
    return read


def _row(x: Any) -> Any:
    """A table with the row ``x``. Names of columns are kept, which earlier steps may select by."""
    if is_frame(x) and len(x) == 1:
        return x
    if hasattr(x, "to_frame") and hasattr(x, "index"):  # a pandas Series: df.iloc[0]
        return x.to_frame().T.infer_objects()
    return [x]


def _before(model: Any) -> list[tuple[str, Any]]:
    """The steps of a pipeline before its last."""
    return list(parts_of(model))[:-1] if isinstance(model, Pipeline) else []


def no_lstm(model: Any, wanted: str, kind: type = BaseLSTM) -> Exception:
    """The error for a model that has nothing to draw, because it is not of a ``kind``.

    ``wanted`` is that kind in words. If a meta-estimator holds one, the message says where it is.
    """
    if isinstance(model, Pipeline) and not model.steps:
        return TypeError(f"The pipeline has no steps. Its last step must be {wanted}.")
    last, path = model, "model"
    while isinstance(last, Pipeline) and last.steps:
        last, path = last.steps[-1][1], f"{path}[-1]"
    if isinstance(last, type):
        return TypeError(f"{last.__name__} is a class. Pass a fitted instance of {wanted}.")
    name = repr(last) if last is None or isinstance(last, str) else type(last).__name__
    said = f"This is {name}" if last is model else f"The last step of the pipeline is {name}"
    for fitted, item in FITTED:
        if _ends_with(_part(last, fitted, item), kind):
            return TypeError(
                f"{said}, a meta-estimator. A display needs {wanted}, or a Pipeline that ends with "
                f"one: pass the fitted estimator inside, {path}.{fitted}{item}, and X as that "
                "estimator receives it."
            )
    for parameter in PARAMETERS:
        if not _ends_with(getattr(last, parameter, None), kind):
            continue
        if hasattr(last, "cv_results_"):
            return TypeError(
                f"{said}, fitted with refit=False, so it has no best_estimator_ to draw. Set "
                f"refit=True, call fit, and pass {path}.best_estimator_."
            )
        fitted = "best_estimator_" if hasattr(last, "refit") else f"{parameter}_"
        return NotFittedError(
            f"{said}, which is not fitted yet. Call fit, then pass the fitted estimator inside it, "
            f"such as {path}.{fitted}."
        )
    return TypeError(f"{said}. A display needs {wanted}, or a Pipeline whose last step is one.")


def _part(model: Any, fitted: str, item: str) -> Any:
    """A fitted part of a meta-estimator (the first of several), or None."""
    part = getattr(model, fitted, None)
    if item and part is not None:
        part = part[0] if len(part) else None
        part = getattr(part, "estimator", part) if item != "[0]" else part
    return part


def _ends_with(model: Any, kind: type) -> bool:
    """True for an estimator of a ``kind``, also inside pipelines and meta-estimators."""
    last = last_of(model)
    if isinstance(last, kind):
        return True
    inner = [_part(last, fitted, item) for fitted, item in FITTED]
    inner += [getattr(last, name, None) for name in PARAMETERS]
    return any(_ends_with(part, kind) for part in inner if part is not None)

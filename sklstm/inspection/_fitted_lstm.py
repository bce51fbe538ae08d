"""The LSTM that a display is of: the estimator itself, or the end of a fitted pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline

from sklstm._base import BaseLSTM
from sklstm._pipeline_stream import parts_of

# Where meta-estimators keep what they have fitted, and the parameter that they fit.
INSIDE = {
    "best_estimator_": "estimator",
    "regressor_": "regressor",
    "classifier_": "classifier",
    "estimator_": "estimator",
    "estimators_": "estimator",
    "calibrated_classifiers_": "estimator",
}


def lstm_and_input(model: Any, X: Any) -> tuple[BaseLSTM, Any]:
    """The fitted LSTM, and X as it reads it: through the earlier steps of a pipeline."""
    lstm = fitted_lstm(model)
    for _, transformer in _before(model):
        X = transformer.transform(X)
    return lstm, X


def one_sequence(model: Any, x: Any, display: str) -> tuple[BaseLSTM, Any]:
    """The fitted LSTM, and its X with the one sequence that ``x`` is after the earlier steps."""
    lstm, X = lstm_and_input(model, [x])
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
    read = np.empty((len(sequences.values), lstm._n_step_features))
    read[:, numbers] = sequences.values
    read[:, lstm._categories.features] = sequences.symbols
    return read


def _before(model: Any) -> list[tuple[str, Any]]:
    """The steps of a pipeline before its last."""
    return list(parts_of(model))[:-1] if isinstance(model, Pipeline) else []


def no_lstm(model: Any, wanted: str) -> Exception:
    """The error for a model of which there is nothing to draw; ``wanted`` is what could be."""
    last = last_of(model)
    path = "model" + "[-1]" * isinstance(model, Pipeline)
    if isinstance(last, type):
        return TypeError(f"{last.__name__} is a class. Pass a fitted instance of {wanted}.")
    kind = repr(last) if last is None or isinstance(last, str) else type(last).__name__
    said = f"The last step of the pipeline is {kind}" if last is not model else f"This is {kind}"
    if isinstance(model, Pipeline) and last is model:
        return TypeError("The pipeline has no steps. Its last step must be " + wanted + ".")
    for fitted, parameter in INSIDE.items():
        if hasattr(last, fitted):
            return TypeError(
                f"{said}, a meta-estimator. A display needs {wanted}, or a Pipeline that ends with "
                f"one: pass the fitted estimator inside, {path}.{fitted}"
                f"{'[0]' if fitted.endswith('s_') else ''}, and X as that estimator receives it."
            )
        if not hasattr(last, parameter) or not hasattr(last, "get_params"):
            continue
        if hasattr(last, "cv_results_"):
            return TypeError(
                f"{said}, fitted with refit=False, so it has no best_estimator_ to draw. Set "
                f"refit=True, call fit, and pass {path}.best_estimator_."
            )
        if hasattr(last, "refit") or fitted not in ("best_estimator_", "classifier_"):
            return NotFittedError(
                f"{said}, which is not fitted yet. Call fit, then pass the fitted estimator "
                f"inside it, such as {path}.{fitted}."
            )
    return TypeError(f"{said}. A display needs {wanted}, or a Pipeline whose last step is one.")

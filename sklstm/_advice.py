"""Advice for warnings: what to change if training failed, and which data may be the reason."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._outputs import LARGE, Outputs
from sklstm._targets import Examples


def cure(settings: Any, outputs: Outputs, examples: Examples) -> str:
    """Advice after training on these examples."""
    advice = slower(settings)
    largest = examples.rows.sequences.largest()
    if largest > LARGE:
        advice += f". X has values up to {largest:.3g}: standardise it with SequenceScaler"
    largest = outputs.largest(examples.targets)
    if largest > LARGE:
        advice += (
            f". y has values up to {largest:.3g}: call fit with normalize_y=True, or pass y_mean "
            "and y_scale to initialize"
        )
    weight = float(examples.weights.max(initial=0.0))
    if weight > 0 and settings.alpha > LARGE * weight:
        advice += (
            f". The penalty alpha={settings.alpha:g} is divided by sample weights of at most "
            f"{weight:.3g}: scale the weights to mean 1, or set alpha=0"
        )
    return advice + "."


def cure_of_step(settings: Any, outputs: Outputs, target: np.ndarray) -> str:
    """Advice after a step of a stream that could not learn this target."""
    return outputs.cure(target) or f"{slower(settings)}, or standardise X with SequenceScaler."


def slower(settings: Any) -> str:
    """Advice to make smaller steps, without a period."""
    advice = f"Lower learning_rate_init={settings.learning_rate_init:g}"
    return advice if settings.clip_norm else f"{advice}, or clip the gradient with clip_norm"

"""Columns of data frames that hold categories of any kind, as codes: what "from_dtype" finds."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._containers import is_frame, members
from sklstm._numbers import scalar


def has_frames(X: Any) -> bool:
    """Is X a list of data frames, the steps of one sequence in each?"""
    items = members(X)
    return items is not None and len(items) > 0 and all(map(is_frame, items))


def code_columns(
    X: Any, features: np.ndarray, labels: list[np.ndarray], *, learn: bool
) -> tuple[list, list[np.ndarray]]:
    """The data frames with codes in the columns ``features``: places among the ``labels`` of each.

    A label that is not among them is put behind them if ``learn``, else it is -1. What is missing
    is NaN.
    """
    known = [{label: k for k, label in enumerate(some)} for some in labels]
    coded = []
    for frame in members(X) or ():
        columns = {name: frame[name] for name in frame.columns}
        for feature, places in zip(features, known, strict=True):
            name = frame.columns[feature]
            columns[name] = _codes(columns[name].to_list(), places, learn)
        coded.append(type(frame)(columns))
    return coded, [_objects(places) for places in known]


def named(codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What codes stand for; None for a missing one."""
    found = np.empty(len(codes), dtype=object)
    there = ~np.isnan(codes)
    found[there] = labels[codes[there].astype(np.intp)]
    return found


def _codes(values: list, places: dict, learn: bool) -> np.ndarray:
    codes = np.empty(len(values))
    for k, value in enumerate(values):
        if isinstance(value, (str, bytes)):
            missing = False
        else:
            missing = value is None or np.isnan(scalar(value))
        if missing:
            codes[k] = np.nan
        elif learn:
            codes[k] = places.setdefault(value, len(places))
        else:
            codes[k] = places.get(value, -1)
    return codes


def _objects(places: dict) -> np.ndarray:
    labels = np.empty(len(places), dtype=object)
    labels[:] = list(places)
    return labels

"""Loading of what was changed, and what it may raise."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

from tests.fuzz.unpickling import REFUSALS


class Refused(Exception):
    """Loading was refused, and nothing is left to try."""


def loaded(load: Callable[[], Any], refusals: Any = REFUSALS) -> Any:
    try:
        return load()
    except refusals as error:
        raise Refused(f"load: {type(error).__name__}: {error}") from None
    except MemoryError as error:
        if _is_ours(error):
            raise
        # a length that Python's pickle, NumPy or zipfile believe, and the system refuses
        raise Refused("load: MemoryError, but none of sklstm") from None


def _is_ours(error: BaseException) -> bool:
    """Was code of sklstm at work?"""
    frames = traceback.extract_tb(error.__traceback__)
    return any(f"{os.sep}sklstm{os.sep}" in frame.filename for frame in frames)

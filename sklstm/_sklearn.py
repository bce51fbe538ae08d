"""Parts of scikit-learn that are not public or not in every version.

Check this module after each release of scikit-learn.
"""

from collections.abc import Callable
from numbers import Integral, Real
from sys import float_info
from typing import Any, TypeVar

from numpy import timedelta64
from sklearn.base import _fit_context as _untyped_fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._param_validation import Interval as _Interval
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import _check_feature_names_in

try:
    from sklearn.callback import CallbackSupportMixin
    from sklearn.callback import with_callbacks as _untyped_with_callbacks
except ImportError:  # scikit-learn before 1.9 has no callbacks

    class CallbackSupportMixin:
        """Empty replacement, without set_callbacks."""

    def _untyped_with_callbacks(method):
        return method

    HAS_CALLBACKS = False
else:
    HAS_CALLBACKS = True


Method = TypeVar("Method", bound=Callable[..., Any])


def with_callbacks(method: Method) -> Method:
    """scikit-learn's decorator, which keeps the type of what it decorates."""
    return _untyped_with_callbacks(method)


def _fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """scikit-learn's decorator, which keeps the type of what it decorates."""
    return _untyped_fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


class Interval(_Interval):
    """Interval of numbers that excludes bools, durations and reals beyond float64."""

    def is_satisfied_by(self, val: Any) -> bool:
        if isinstance(val, (bool, timedelta64)):  # Python and NumPy regard them as integers
            return False
        if self.type is Real and isinstance(val, Integral) and abs(val) > float_info.max:
            return False
        return super().is_satisfied_by(val)


def callbacks_of(estimator: Any) -> list:
    """The callbacks of an estimator, including those propagated by a meta-estimator."""
    return vars(estimator).get("_skl_callbacks", [])


__all__ = [
    "HAS_CALLBACKS",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "Options",
    "StrOptions",
    "_check_feature_names_in",
    "_fit_context",
    "_safe_indexing",
    "_wrap_data_with_container",
    "callbacks_of",
    "validate_params",
    "with_callbacks",
]

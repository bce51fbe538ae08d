"""Parts of scikit-learn that are not public or not in every version.

This is the one place to look at after its releases.
"""

from typing import Any

from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_params,
)
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import _check_feature_names_in

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9 there are no callbacks: no set_callbacks, nothing to call

    class CallbackSupportMixin:
        """Nothing."""

    def with_callbacks(method):
        return method

    HAS_CALLBACKS = False
else:
    HAS_CALLBACKS = True


def callbacks_of(estimator: Any) -> list:
    """The callbacks that were set on an estimator, or are lent to it by the one around it."""
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

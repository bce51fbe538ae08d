"""Pickles of estimators, and the version of sklstm that wrote them."""

from __future__ import annotations

import warnings
from typing import Any

from sklstm._restored import restoring
from sklstm._snapshots import settled
from sklstm._version import __version__


class VersionWarning(UserWarning):
    """Warning that an estimator was saved by another version of sklstm.

    Its predictions may differ. Fit it again, or install the version that saved it.
    """


class Portable:
    """Mixin whose pickles contain parameters, arrays, scalars, callbacks and the version.

    Callbacks are included because worker processes receive estimators as pickles.
    """

    # `_validated` is a cache; the others belong to a running fit.
    _not_saved = ("_validated", "_callback_fit_ctx", "_skl_callbacks_to_teardown")

    def __getstate__(self) -> dict[str, Any]:
        state = super(Portable, settled(self)).__getstate__()
        kept = {name: value for name, value in state.items() if name not in self._not_saved}
        return kept | {"_sklstm_version": __version__}

    def _check_restored(self) -> None:
        """Raise an error if attributes from a file do not match."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise ValueError(
                f"This pickle is not a {type(self).__name__}: it must contain a dict, got "
                f"{type(state).__name__}."
            )
        state = dict(state)
        saved = state.pop("_sklstm_version", "unknown")
        if saved != __version__:
            warnings.warn(
                f"{type(self).__name__} was saved by sklstm {saved} and is loaded by sklstm "
                f"{__version__}. Its predictions may differ. Fit it again, or install sklstm "
                f"{saved}.",
                VersionWarning,
                stacklevel=2,
            )
        with restoring(self):
            super().__setstate__(state)
            self._check_restored()

"""What a pickle of an estimator holds, and the version of sklstm that wrote it."""

from __future__ import annotations

import warnings
from typing import Any

from sklstm._restored import restoring
from sklstm._snapshots import settled
from sklstm._version import __version__


class VersionWarning(UserWarning):
    """An estimator was saved by another version of sklstm than the one that loads it."""


class Portable:
    """Mixin: pickles hold parameters, arrays and scalars, and the version that wrote them.

    And callbacks, since workers get their estimators as pickles.
    """

    # What was already validated is found out anew; the others belong to a running fit.
    _not_saved = ("_validated", "_callback_fit_ctx", "_skl_callbacks_to_teardown")

    def __getstate__(self) -> dict[str, Any]:
        state = super(Portable, settled(self)).__getstate__()
        kept = {name: value for name, value in state.items() if name not in self._not_saved}
        return kept | {"_sklstm_version": __version__}

    def _check_restored(self) -> None:
        """Raise an error where attributes do not belong together: they come from a file."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        if not isinstance(state, dict):
            raise ValueError(
                f"A pickle of {type(self).__name__} holds a dict, got {type(state).__name__}."
            )
        state = dict(state)
        saved = state.pop("_sklstm_version", "unknown")
        if saved != __version__:
            warnings.warn(
                f"{type(self).__name__} was saved by sklstm {saved} and is loaded by sklstm "
                f"{__version__}: its predictions may differ. Fit it anew, or install sklstm "
                f"{saved}.",
                VersionWarning,
                stacklevel=2,
            )
        with restoring(self):
            super().__setstate__(state)
            self._check_restored()

"""What a pickle of an estimator holds, and the version of sklstm that wrote it."""

from __future__ import annotations

import warnings
from typing import Any


class VersionWarning(UserWarning):
    """An estimator was saved by another version of sklstm than the one that loads it."""


class Portable:
    """Mixin: pickles hold parameters, arrays and scalars, and the version that wrote them."""

    # Callbacks hold open sockets, and what was already validated is found out anew.
    _not_saved = ("_skl_callbacks", "_validated")

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        kept = {name: value for name, value in state.items() if name not in self._not_saved}
        return kept | {"_sklstm_version": _version()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        saved, here = state.pop("_sklstm_version", "unknown"), _version()
        if saved != here:
            warnings.warn(
                f"{type(self).__name__} was saved by sklstm {saved} and is loaded by sklstm "
                f"{here}: its predictions may differ. Fit it anew, or install sklstm {saved}.",
                VersionWarning,
                stacklevel=2,
            )
        super().__setstate__(state)


def _version() -> str:
    from sklstm import __version__

    return __version__

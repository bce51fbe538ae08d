"""Check of the installed scikit-learn, which callbacks need in version 1.9."""

from sklearn import __version__

from sklstm._sklearn import HAS_CALLBACKS


def require_callbacks(name: str) -> None:
    """Raise ImportError if scikit-learn has no callbacks."""
    if not HAS_CALLBACKS:
        raise ImportError(
            f"{name} needs scikit-learn 1.9 or newer, but {__version__} is installed: run "
            "pip install 'sklstm[callbacks]'."
        )

"""What all callbacks need."""

from sklearn import __version__

from sklstm._sklearn import HAS_CALLBACKS


def require_callbacks(name: str) -> None:
    """Raise ImportError where scikit-learn has no callbacks."""
    if not HAS_CALLBACKS:
        raise ImportError(
            f"{name} needs the callbacks of scikit-learn 1.9, and this is {__version__}: "
            "pip install 'sklstm[callbacks]'."
        )

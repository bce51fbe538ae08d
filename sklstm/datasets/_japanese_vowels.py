"""load_japanese_vowels: speech of nine speakers, from a file in the package."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
from sklearn.utils import Bunch


def load_japanese_vowels(
    *, split: str | None = None, return_X_y: bool = False
) -> Bunch | tuple[list[np.ndarray], np.ndarray]:
    """Load the Japanese vowels: short sequences of real speech, for classification.

    The task is to recognise which of nine speakers said /ae/. The split into training and test set
    is the published one. The test utterances were recorded at other times.

    =====================  ==========================
    Classes                 9
    Sequences               640: 270 train, 370 test
    Steps per sequence      7 to 29
    Features per step       12, real
    =====================  ==========================

    Parameters
    ----------
    split : {"train", "test"} or None, default=None
        Part of the data: the published training set or test set. None returns both, with the 270
        training sequences first.
    return_X_y : bool, default=False
        True returns ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        A dictionary with attributes:

        data : list of ndarray of shape (n_steps, 12), float64
            One array per utterance. The values are exactly as published (LPC cepstrum
            coefficients, without a unit).
        target : ndarray of shape (n_sequences,), int64
            Number of the speaker, 0 to 8.
        target_names : ndarray of shape (9,)
            Names of the speakers, ``"speaker 1"`` to ``"speaker 9"``.
        feature_names : list of str
            Names of the 12 coefficients.
        DESCR : str
            Description, source and licence (CC BY 4.0).
    (data, target) : tuple
        Returned if ``return_X_y`` is True.

    Raises
    ------
    ValueError
        If ``split`` has another value.

    References
    ----------
    Kudo, M., Toyama, J., & Shimbo, M. (1999). Japanese Vowels [data set]. UCI Machine Learning
    Repository. https://doi.org/10.24432/C5NS47

    Examples
    --------
    >>> from sklstm.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(split="train", return_X_y=True)
    >>> len(X), X[0].shape, X[1].shape
    (270, (20, 12), (26, 12))
    >>> vowels = load_japanese_vowels(split="test")
    >>> str(vowels.target_names[vowels.target[0]])
    'speaker 1'
    """
    if split not in (None, "train", "test"):
        raise ValueError(f"split must be 'train', 'test' or None, got {split!r}.")
    with _data("japanese_vowels.npz").open("rb") as file, np.load(file) as stored:
        # An integer of millionths divided by 1e6 is the float64 closest to the published decimal.
        values = stored["millionths"] / 1e6
        ends = np.cumsum(stored["lengths"], dtype=np.int64)
        speakers = stored["speakers"].astype(np.int64)
        n_train = int(stored["n_train"])
    rows = {None: slice(None), "train": slice(n_train), "test": slice(n_train, None)}[split]
    data = [steps.copy() for steps in np.split(values, ends[:-1])[rows]]
    target = speakers[rows] - 1
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array([f"speaker {k}" for k in range(1, 10)]),
        feature_names=[f"LPC cepstrum {k}" for k in range(1, 13)],
        DESCR=_data("README.md").read_text(encoding="utf-8"),
    )


def _data(name: str) -> Traversable:
    """A file of the folder ``data``."""
    return files("sklstm").joinpath("data", name)

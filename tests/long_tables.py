"""A small long table, and the sequences in it."""

import numpy as np
from numpy.testing import assert_array_equal


def rows():
    """15 rows of the sequences 3, 1, 2 of 5, 4 and 6 steps, in order."""
    rng = np.random.default_rng(0)
    return {
        "id": np.repeat([3, 1, 2], [5, 4, 6]),
        "t": np.array([*range(5), *range(4), *range(6)]),
        "u": rng.normal(size=15),
        "v": rng.normal(size=15),
    }


def assert_sequences(X, expected):
    assert type(X) is list
    assert len(X) == len(expected)
    for ours, theirs in zip(X, expected, strict=True):
        assert type(ours) is np.ndarray
        assert ours.flags.c_contiguous
        assert_array_equal(ours, theirs)


def expected(*columns):
    table = np.column_stack([rows()[name] for name in columns or ("u", "v")])
    return [table[:5], table[5:9], table[9:]]

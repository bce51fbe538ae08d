"""What random draws should be like, for the tests of the generators."""

import numpy as np


def share_is(share, probability, n):
    """Whether a share of n draws is within five standard deviations of its probability."""
    return abs(share - probability) < 5 * np.sqrt(probability * (1 - probability) / n)


def is_noise(values, variance):
    """Whether values are Gaussian noise, to five standard deviations of what is estimated."""
    n = len(values)
    return (
        abs(values.mean()) < 5 * np.sqrt(variance / n)
        and abs(values.var() - variance) < 5 * variance * np.sqrt(2 / n)
        and share_is(np.mean(np.abs(values) < np.sqrt(variance)), 0.6827, n)
    )


def flat(arrays):
    """All that the arrays hold, one after the other."""
    return np.concatenate([np.ravel(array) for array in arrays])

"""Rows of targets for the tests of y: six ragged sequences, whole or step by step."""

import numpy as np
from problems import LENGTHS, sequences

from sklstm import LSTMClassifier
from sklstm._sequences import read_sequences
from sklstm._targets import Rows

N_STEPS = sum(LENGTHS)


def rows_of(X, per_step):
    return Rows(read_sequences(LSTMClassifier(), X, reset=True), per_step)


def ragged(per_step):
    return rows_of(sequences(len(LENGTHS)), per_step)


def by_step(values):
    """A flat list of values, cut into sequences."""
    return np.split(np.asarray(values), np.cumsum(LENGTHS)[:-1])

"""Cases: clocks that jump."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
import numpy as np

from sklstm import LSTMRegressor, _files
from sklstm.callback import Checkpoint
from tests.cases import callbacks, needs
from tests.mishaps.disks import X, y


@contextmanager
def jumping(draw: np.random.Generator):
    """The wall clock is anywhere within a century at every look."""
    real = time.time

    def jumps() -> float:
        return real() + draw.uniform(-1.5e9, 1.5e9)

    time.time, _files.time = jumps, jumps
    try:
        yield
    finally:
        time.time, _files.time = real, real


@needs(callbacks)
def while_training(rounds: int) -> int:
    """Training with checkpoints and lines of progress has the same bits, and its file is whole."""
    alone = LSTMRegressor(8, max_iter=5, random_state=0).fit(X, y)
    for seed in range(rounds):
        with TemporaryDirectory() as folder, jumping(np.random.default_rng(seed)):
            path = Path(folder, "model.joblib")
            model = LSTMRegressor(8, max_iter=5, random_state=0)
            model.set_callbacks(Checkpoint(path)).fit(X, y)
            assert joblib.load(path).parameters_.tobytes() == alone.parameters_.tobytes()
            assert model.parameters_.tobytes() == alone.parameters_.tobytes()
    return rounds

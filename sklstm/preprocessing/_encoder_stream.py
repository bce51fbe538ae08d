"""EncoderStream: symbols of a stream to codes, one time step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm._snapshots import snapshot
from sklstm._time_step import refused
from sklstm.preprocessing._symbols import read_step, read_steps
from sklstm.preprocessing._transformer import TransformStream


class EncoderStream(TransformStream):
    """A fitted ``SequenceEncoder`` on a stream of symbols, or of rows with symbols."""

    def step(self, x: Any) -> np.ndarray:
        """Encode the next time step.

        Parameters
        ----------
        x : symbol, or array-like of shape (F,)
            The symbol, or a row of symbols and numbers.

        Returns
        -------
        row : ndarray of shape (F,)
            Codes and numbers.

        Raises
        ------
        ValueError
            If ``x`` does not have F values, a number is infinite, or a symbol is unknown and
            ``handle_unknown="error"``.
        """
        encoder = self._transformer
        if type(x) is str and encoder._flat:  # the fast path for a known symbol
            code = encoder._vocabularies[0].codes.get(x)
            if code is not None:
                return np.array([code], dtype=encoder.dtype)
        now = snapshot(encoder)
        row = now._encoded(read_step(x, now._n_step_features)).values[0]
        infinite = np.isinf(row)
        if infinite.any():
            raise refused(row, infinite)
        return row

    def rows(self, X: Any) -> list[tuple]:
        """Split a block of steps into single steps.

        Parameters
        ----------
        X : sequence
            Any form of a sequence that ``fit`` takes.

        Returns
        -------
        rows : list of tuple
            One per step, as ``step`` takes it.
        """
        return read_steps(X, self.n_features)

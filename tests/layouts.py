"""Arrays of the same numbers that lie in memory in other ways."""

import numpy as np


def laid_out(array):
    """The same numbers in other memory orders, strides, byte orders and alignments."""
    wide = np.zeros((2 * len(array), *array.shape[1:]), array.dtype)
    wide[::2] = array
    raw = np.zeros(array.nbytes + 1, np.uint8)
    misaligned = raw[1:].view(array.dtype).reshape(array.shape)
    misaligned[...] = array
    locked = array.copy()
    locked.flags.writeable = False
    return {
        "Fortran": np.asfortranarray(array),
        "strided": wide[::2],
        "reversed": array[::-1].copy()[::-1],
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "misaligned": misaligned,
        "read-only": locked,
    }

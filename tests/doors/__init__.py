"""What is handed to compiled code: arguments that fit, and changes that must be refused."""

import numpy as np


def changed(array, *place, to):
    """A copy with one number that is another."""
    array = array.copy()
    array[place] = to
    return array


def misaligned(array):
    room = np.empty(array.nbytes + 1, np.uint8)
    room[1:] = array.view(np.uint8).ravel()
    return np.frombuffer(room.data, array.dtype, array.size, 1).reshape(array.shape)


def wrong(array, columns=False):
    """What can be wrong with the shape or type of an array of numbers."""
    yield "none", None
    yield "short", array[:-1].copy()
    yield "long", np.concatenate([array, array[-1:]])
    yield "empty", array[:0].copy()
    if len(array) > 1:
        yield "strided", np.repeat(array, 2, axis=0)[::2]
    yield "other type", np.zeros(array.shape, np.int16)
    yield "other shape", array[None].copy()
    yield "no array", 3.0
    if columns:
        yield "wide", np.repeat(array, 2, axis=1)
        yield "narrow", array[:, :-1].copy()


def but(pairs, *names):
    """Without those that are right in one place."""
    return [(name, value) for name, value in pairs if name not in names]


class Door:
    """A call, its arguments by name, and what it must refuse."""

    def __init__(self, call, arguments, **refused):
        self.call, self.arguments, self.refused = call, arguments, refused


SIZES = (-1, 2**31, -(2**63), 2**63 - 1)


def sizes(*more):
    return lambda: [(str(size), size) for size in (*SIZES, *more)]

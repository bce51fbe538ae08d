"""Conversion of the state of a stream to arrays for a file, and back."""

from sklstm._kernels.arguments cimport require_size, require_there
from sklstm._kernels.remembered cimport Part, copy_part
from sklstm._kernels.simd cimport real


cdef inline saved_part(const Part* part, make):
    """A part as a flat array, ``make(n)``, without this machine's padding."""
    cdef real[::1] saved = make(part.groups * part.units)
    require_there("saved", saved is not None)
    require_size("saved", saved.shape[0], part.groups * part.units)
    if saved.shape[0] > 0:
        copy_part(part, &saved[0], False)
    return saved.base


cdef inline refuse():
    raise ValueError("what was saved of the stream does not fit its network")


cdef inline int check_part(const Part* part, const real[::1] saved) except -1:
    """Check an array from a file, which may contain anything."""
    if saved is None or saved.shape[0] != part.groups * part.units:
        refuse()
    return 0


cdef inline int restore_part(const Part* part, const real[::1] saved) except -1:
    if saved.shape[0] > 0:
        copy_part(part, <real*> &saved[0], True)
    return 0

"""Addresses of sequences: where in memory the kernels find the steps of each one, without a copy.

No address is passed in from Python. All of them belong to arrays that were checked here and are
kept alive. Nobody can change the addresses later. NumPy describes its arrays to C code with
``__array_struct__``, its array interface. It is faster than the buffer protocol, which also leaves
some memory at each array.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport memcpy

import numpy as np


cdef extern from *:
    """
    typedef struct {
        int two; /* always 2 */
        int n_dims;
        char kind;
        int size;
        int flags;
        Py_ssize_t *shape;
        Py_ssize_t *strides;
        void *data;
        PyObject *description;
    } sklstm_array;

    enum {
        SKLSTM_C_CONTIGUOUS = 0x1,
        SKLSTM_ALIGNED = 0x100,
        SKLSTM_NATIVE = 0x200,
        SKLSTM_READABLE = SKLSTM_C_CONTIGUOUS | SKLSTM_ALIGNED | SKLSTM_NATIVE
    };

    /* As type(array).descriptor, whatever a subclass has defined */
    static PyObject *sklstm_described(PyObject *descriptor, PyObject *array) {
        return Py_TYPE(descriptor)->tp_descr_get(descriptor, array, (PyObject *) Py_TYPE(array));
    }
    """
    ctypedef struct sklstm_array:
        int two
        int n_dims
        char kind
        int size
        int flags
        Py_ssize_t* shape
        const char* data
    enum:
        SKLSTM_READABLE
    object sklstm_described(object descriptor, object array)


cdef object ARRAY = np.ndarray
cdef object MAPPED = np.memmap
cdef object DESCRIPTION = np.ndarray.__dict__["__array_struct__"]

cdef struct Block:
    const char* data
    Py_ssize_t rows
    Py_ssize_t columns
    Py_ssize_t size  # of a number


cdef bint can_read(object array, Block* block) except -1:
    """True if the kernels can read the array as it is: (N, F), contiguous, of their numbers."""
    cdef const sklstm_array* found
    if type(array) is not ARRAY and type(array) is not MAPPED:
        return False  # a masked array, for example
    capsule = sklstm_described(DESCRIPTION, array)
    found = <const sklstm_array*> PyCapsule_GetPointer(capsule, NULL)
    if found.two != 2 or found.n_dims != 2 or found.kind != c"f":
        return False
    if found.size != 4 and found.size != 8 or found.flags & SKLSTM_READABLE != SKLSTM_READABLE:
        return False
    if <size_t> found.data % <size_t> found.size != 0:
        return False
    block[0] = Block(found.data, found.shape[0], found.shape[1], found.size)
    return True


cdef Addresses new(Py_ssize_t n, Py_ssize_t n_columns, Py_ssize_t size, tuple owners):
    """Addresses of n sequences, to be filled in. Until `complete` they are those of none."""
    cdef Addresses made = Addresses.__new__(Addresses)
    cdef bytes first = PyBytes_FromStringAndSize(NULL, n * sizeof(char*))
    cdef bytes offsets = PyBytes_FromStringAndSize(NULL, (n + 1) * sizeof(long long))
    made.memory_of_first, made.offsets, made.owners = first, offsets, owners
    made.first = <const char**> PyBytes_AS_STRING(first)
    made.ends = <const long long*> PyBytes_AS_STRING(offsets)
    (<long long*> made.ends)[0] = 0
    made.n_columns, made.size = n_columns, size
    return made


cdef Addresses complete(Addresses made, Py_ssize_t n):
    """The same, after n sequences have been filled in."""
    made.shape[0], made.shape[1] = <Py_ssize_t> made.ends[n], made.n_columns
    made.strides[0], made.strides[1] = made.n_columns * made.size, made.size
    made.n = n
    return made


cdef inline void put(Addresses made, Py_ssize_t k, const char* first, long long length) noexcept:
    made.first[k] = first
    (<long long*> made.ends)[k + 1] = made.ends[k] + length


cdef class Addresses:
    """Where the steps of n sequences are: float32 or float64, of F features each.

    It is made by the functions below. None of its methods changes it.

    Attributes
    ----------
    offsets : bytes
        Of n + 1 int64: the number of steps before each sequence, and that of all steps.
    n_features, n_steps : int
        F, and the number of all steps.
    format : {"f", "d"}
        float32 or float64.
    """

    def __len__(self):
        return self.n

    @property
    def n_features(self):
        return self.n_columns

    @property
    def n_steps(self):
        return self.shape[0]

    @property
    def format(self):
        return "f" if self.size == 4 else "d"

    def take(self, const long long[::1] rows):
        """Addresses of the selected sequences; ``rows`` are their numbers."""
        cdef Addresses made = new(rows.shape[0], self.n_columns, self.size, self.owners)
        cdef Py_ssize_t k, row
        for k in range(rows.shape[0]):
            row = rows[k]
            if not 0 <= row < self.n:
                raise ValueError(f"rows must be from 0 to {self.n - 1}, got {rows[k]}.")
            put(made, k, self.first[row], length_of(self, row))
        return complete(made, rows.shape[0])

    @property
    def are_joined(self):
        """True if all steps follow one another in memory. Then they are a buffer (N, F)."""
        return self.n > 0 and run_of(self, 0, self.n) == self.n

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        if not self.are_joined:
            raise BufferError("The steps are in several places of the memory.")
        if flags & 1:  # PyBUF_WRITABLE
            raise BufferError("The steps are those of the user, and cannot be written to.")
        buffer.buf = <void*> self.first[0]
        buffer.obj = self
        buffer.len = self.shape[0] * self.shape[1] * self.size
        buffer.readonly = 1
        buffer.itemsize = self.size
        buffer.format = b"f" if self.size == 4 else b"d"
        buffer.ndim = 2
        buffer.shape, buffer.strides = self.shape, self.strides
        buffer.suboffsets, buffer.internal = NULL, NULL

    def pack(self, unsigned char[::1] out):
        """Copy all steps, one after the other, into the bytes of another array."""
        cdef Py_ssize_t first = 0, stop, row = self.n_columns * self.size, n_bytes
        cdef unsigned char* to
        if out.shape[0] != self.n_steps * row:
            raise ValueError(f"out has {out.shape[0]} bytes, but must have {self.n_steps * row}.")
        if out.shape[0] == 0:
            return
        to = &out[0]
        with nogil:
            while first < self.n:
                stop = run_of(self, first, self.n)
                n_bytes = <Py_ssize_t> (self.ends[stop] - self.ends[first]) * row
                memcpy(to, self.first[first], n_bytes)
                to += n_bytes
                first = stop


def of_arrays(given):
    """Addresses of the arrays (T_i, F) of a list or tuple, or None if one has to be converted.

    All of them are C-contiguous, of the same features, and either float32 or float64.
    """
    cdef tuple arrays = tuple(given)  # the caller may change its list later
    cdef Py_ssize_t k, n = len(arrays)
    cdef Addresses made
    cdef Block one, other
    if n == 0 or not can_read(arrays[0], &one):
        return None
    made = new(n, one.columns, one.size, arrays)
    for k in range(n):
        if k > 0:
            if not can_read(arrays[k], &other):
                return None
            if other.columns != one.columns or other.size != one.size:
                return None
        else:
            other = one
        if other.rows == 0:
            return None
        put(made, k, other.data, other.rows)
    return complete(made, n)


def of_blocks(given):
    """Addresses of the sequences of arrays that each contain several.

    Parameters
    ----------
    given : list of (values, offsets)
        ``values`` is a C-contiguous array (N, F) of float32 or float64, and ``offsets`` is int64:
        where each of its sequences begins, and where the last one ends. Steps before the first and
        after the last sequence are not read.
    """
    # views of the offsets, whose number then stays the same
    cdef list blocks = [(values, memoryview(offsets)) for values, offsets in given]
    cdef Py_ssize_t k, j, made_of = 0, n = 0
    cdef long long begin, end
    cdef const long long[::1] offsets
    cdef Block block, one
    cdef Addresses made
    if not blocks:
        raise ValueError("There must be at least one block.")
    for _, offsets in blocks:
        if offsets.shape[0] < 1:
            raise ValueError("The offsets of a block must have one element at least.")
        n += offsets.shape[0] - 1
    made = new(n, 0, 0, tuple([values for values, _ in blocks]))
    one = Block(NULL, 0, 0, 0)
    for j, (values, offsets) in enumerate(blocks):
        if not can_read(values, &block):
            raise ValueError(
                f"Block {j} must be an array (N, F) of float32 or float64 that is C-contiguous, "
                "aligned and in native byte order."
            )
        if j == 0:
            one = block
        if block.columns != one.columns or block.size != one.size:
            raise ValueError(
                f"Block {j} has {block.columns} numbers of {block.size} bytes a step, but block 0 "
                f"has {one.columns} of {one.size}."
            )
        begin = offsets[0]
        for k in range(offsets.shape[0]):
            end = offsets[k]
            if not begin + (k > 0) <= end <= block.rows or begin < 0:
                raise ValueError(
                    f"The offsets of block {j} must rise, from 0 or more to {block.rows} at most, "
                    f"got {begin} and {end}."
                )
            if k > 0:
                put(made, made_of, block.data + begin * block.columns * block.size, end - begin)
                made_of += 1
            begin = end
    made.n_columns, made.size = one.columns, one.size
    return complete(made, n)

"""The Arrow C data interface: what objects export, with their buffers as read-only memory.

Any library can pass arrays through three C structures (arrow.apache.org/docs/format/CDataInterface)
that objects return in capsules. This module moves them out of the capsules, checks the fields that
are pointers or sizes, and releases them when nothing refers to their memory any more. The meaning
of the arrays is in ``_lists.py``.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.errno cimport ENOMEM
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

cdef struct ArrowSchema:
    const char* format
    const char* name
    const char* metadata
    int64_t flags
    int64_t n_children
    ArrowSchema** children
    ArrowSchema* dictionary
    void (*release)(ArrowSchema*) noexcept
    void* private_data

cdef struct ArrowArray:
    int64_t length
    int64_t null_count
    int64_t offset
    int64_t n_buffers
    int64_t n_children
    const void** buffers
    ArrowArray** children
    ArrowArray* dictionary
    void (*release)(ArrowArray*) noexcept
    void* private_data

cdef struct ArrowArrayStream:
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*) noexcept nogil
    int (*get_next)(ArrowArrayStream*, ArrowArray*) noexcept nogil
    const char* (*get_last_error)(ArrowArrayStream*) noexcept
    void (*release)(ArrowArrayStream*) noexcept
    void* private_data

cdef enum:
    DEPTH_MAX = 32  # types within types
    CHILDREN_MAX = 1 << 24  # fields of a structure


class CorruptArray(ValueError):
    """What was exported breaks a rule of the interface, or its producer failed."""


# ------------------------------------------------------------------------------------------ types


cdef class Type:
    """An exported type.

    Attributes
    ----------
    format : str
        Its code in the interface, such as "g" for float64.
    name : str
        The name of the field, or "".
    metadata : dict of bytes to bytes
        Facts about the field; those about extension types begin with "ARROW:".
    children : tuple of Type
        The fields of a structure, or the type of the entries of a list.
    has_dictionary : bool
        True if the values are numbers of entries in a dictionary.
    """

    cdef readonly str format
    cdef readonly str name
    cdef readonly dict metadata
    cdef readonly tuple children
    cdef readonly bint has_dictionary


cdef Type type_at(ArrowSchema* schema, int depth):
    if schema == NULL or schema.release == NULL:
        raise CorruptArray("its type was released before it was read")
    if schema.format == NULL:
        raise CorruptArray("its type has no format")
    if depth > DEPTH_MAX:
        raise CorruptArray(f"its type is nested more than {DEPTH_MAX} times")
    if schema.n_children < 0 or schema.n_children > CHILDREN_MAX:
        raise CorruptArray(f"its type has {schema.n_children} children")
    if schema.n_children > 0 and schema.children == NULL:
        raise CorruptArray("its type has no pointer to its children")
    cdef Type found = Type.__new__(Type)
    found.format = schema.format.decode("utf-8", "replace")
    found.name = "" if schema.name == NULL else schema.name.decode("utf-8", "replace")
    found.metadata = metadata_at(schema.metadata)
    found.has_dictionary = schema.dictionary != NULL
    cdef int64_t k
    found.children = tuple([type_at(schema.children[k], depth + 1)
                            for k in range(schema.n_children)])
    return found


cdef dict metadata_at(const char* place):
    """Pairs of strings: their number, then the length and the bytes of each string."""
    found = {}
    if place == NULL:
        return found
    cdef int32_t n
    memcpy(&n, place, sizeof(n))
    place += sizeof(n)
    for _ in range(n):
        key, place = string_at(place), place + sizeof(n) + length_at(place)
        found[key], place = string_at(place), place + sizeof(n) + length_at(place)
    return found


cdef int32_t length_at(const char* place) except -1:
    cdef int32_t length
    memcpy(&length, place, sizeof(length))
    if length < 0:
        raise CorruptArray(f"its metadata have a string of length {length}")
    return length


cdef bytes string_at(const char* place):
    cdef int32_t length = length_at(place)
    return (place + sizeof(length))[:length]


# ----------------------------------------------------------------------------------------- arrays


cdef class Owner:
    """An array with its children, released when no Array and no Memory refers to it any more."""

    cdef ArrowArray array

    def __dealloc__(self):
        if self.array.release != NULL:
            self.array.release(&self.array)


cdef class Array:
    """An exported array or a child of one, whose length, offset and counts have been checked."""

    cdef Owner owner
    cdef ArrowArray* array

    @property
    def length(self):
        return self.array.length

    @property
    def offset(self):
        """Number of entries of the buffers before the first entry of the array."""
        return self.array.offset

    @property
    def null_count(self):
        """Number of missing entries, -1 if it is not known."""
        return self.array.null_count

    @property
    def n_buffers(self):
        return self.array.n_buffers

    @property
    def n_children(self):
        return self.array.n_children

    def child(self, int64_t k):
        if not 0 <= k < self.array.n_children:
            raise CorruptArray(f"it has {self.array.n_children} children, too few for its type")
        return array_at(self.owner, self.array.children[k])

    def has_buffer(self, int64_t k):
        """False for a buffer without address, as that of the validity of an array without nulls."""
        return 0 <= k < self.array.n_buffers and self.array.buffers[k] != NULL

    def memory(self, int64_t k, Py_ssize_t n_bytes):
        """The first ``n_bytes`` > 0 of buffer ``k``. No producer says how many there are."""
        if not self.has_buffer(k):
            raise CorruptArray(f"its buffer {k} is missing")
        cdef Memory memory = Memory.__new__(Memory)
        memory.owner = self.owner
        memory.place = <void*> self.array.buffers[k]
        memory.n_bytes = n_bytes
        return memory


cdef Array array_at(Owner owner, ArrowArray* array):
    if array == NULL or array.release == NULL:
        raise CorruptArray("it was released before it was read")
    if array.length < 0 or array.offset < 0 or array.null_count < -1:
        raise CorruptArray(
            f"its length is {array.length}, its offset {array.offset} and its number of nulls "
            f"{array.null_count}"
        )
    if array.n_buffers < 0 or (array.n_buffers > 0 and array.buffers == NULL):
        raise CorruptArray(f"it has {array.n_buffers} buffers, or no pointer to them")
    if array.n_children < 0 or (array.n_children > 0 and array.children == NULL):
        raise CorruptArray(f"it has {array.n_children} children, or no pointer to them")
    cdef Array found = Array.__new__(Array)
    found.owner = owner
    found.array = array
    return found


cdef class Memory:
    """Bytes of a buffer, read-only. NumPy arrays made from it keep the exported array alive."""

    cdef Owner owner
    cdef void* place
    cdef Py_ssize_t n_bytes

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.place, self.n_bytes, 1, flags)


# ---------------------------------------------------------------------------------------- exports


cdef object called(method):
    """What a method of the interface returns, without a wish for a type."""
    try:
        return method()
    except TypeError:  # polars 1.3 has no default for the wish; DuckDB 1.1 has no wish
        return method(None)


cdef class Export:
    """What an object exported: ``type``, and once the arrays themselves.

    Parameters
    ----------
    data : object
        An object with the method ``__arrow_c_array__`` or ``__arrow_c_stream__``.
    """

    cdef readonly Type type
    cdef Owner single
    cdef ArrowArrayStream stream

    def __init__(self, data):
        cdef ArrowArray* array
        cdef ArrowArrayStream* stream
        cdef ArrowSchema schema
        if hasattr(data, "__arrow_c_array__"):
            of_type, of_array = called(data.__arrow_c_array__)
            array = <ArrowArray*> PyCapsule_GetPointer(of_array, "arrow_array")
            self.type = type_at(<ArrowSchema*> PyCapsule_GetPointer(of_type, "arrow_schema"), 0)
            self.single = Owner.__new__(Owner)
            self.single.array = array[0]
            array.release = NULL  # moved
            return
        capsule = called(data.__arrow_c_stream__)
        stream = <ArrowArrayStream*> PyCapsule_GetPointer(capsule, "arrow_array_stream")
        if stream.release == NULL:
            raise CorruptArray("its stream was released before it was read")
        self.stream = stream[0]
        stream.release = NULL
        schema.release = NULL
        cdef int error
        with nogil:  # a producer may wait for threads that need Python
            error = self.stream.get_schema(&self.stream, &schema)
        self.require(error)
        try:
            self.type = type_at(&schema, 0)
        finally:
            if schema.release != NULL:
                schema.release(&schema)

    def __dealloc__(self):
        self.close()

    cdef void close(self):
        if self.stream.release != NULL:
            self.stream.release(&self.stream)
            self.stream.release = NULL

    def arrays(self):
        """Yield the arrays, one for each chunk."""
        cdef Owner owner
        if self.single is not None:
            yield array_at(self.single, &self.single.array)
            return
        while self.stream.release != NULL:
            owner = self.next()
            if owner.array.release == NULL:  # the end, where a database closes its result
                self.close()
                return
            yield array_at(owner, &owner.array)

    cdef Owner next(self):
        cdef Owner owner = Owner.__new__(Owner)
        cdef int error
        with nogil:
            error = self.stream.get_next(&self.stream, &owner.array)
        if error:
            owner.array.release = NULL  # what a failed call leaves there is not an array
        self.require(error)
        return owner

    cdef int require(self, int error) except -1:
        """Raise the error of a stream."""
        if error == 0:
            return 0
        cdef const char* text = self.stream.get_last_error(&self.stream)
        reason = f"error {error}" if text == NULL else text.decode("utf-8", "replace")
        if error == ENOMEM:
            raise MemoryError(reason)
        raise CorruptArray(f"its stream failed: {reason}")

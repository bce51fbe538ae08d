"""The structures of the Arrow C data interface by ctypes, so that tests can make wrong ones."""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_int64, c_void_p, cast, pointer, py_object

import numpy as np


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


class Stream(ctypes.Structure):
    pass


RELEASE_SCHEMA = ctypes.CFUNCTYPE(None, POINTER(Schema))
RELEASE_ARRAY = ctypes.CFUNCTYPE(None, POINTER(Array))
RELEASE_STREAM = ctypes.CFUNCTYPE(None, POINTER(Stream))
GET_SCHEMA = ctypes.CFUNCTYPE(c_int, POINTER(Stream), POINTER(Schema))
GET_NEXT = ctypes.CFUNCTYPE(c_int, POINTER(Stream), POINTER(Array))
GET_ERROR = ctypes.CFUNCTYPE(c_void_p, POINTER(Stream))

Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_char_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(Schema))),
    ("dictionary", POINTER(Schema)),
    ("release", RELEASE_SCHEMA),
    ("private_data", c_void_p),
]
Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(Array))),
    ("dictionary", POINTER(Array)),
    ("release", RELEASE_ARRAY),
    ("private_data", c_void_p),
]
Stream._fields_ = [
    ("get_schema", GET_SCHEMA),
    ("get_next", GET_NEXT),
    ("get_last_error", GET_ERROR),
    ("release", RELEASE_STREAM),
    ("private_data", c_void_p),
]

new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = py_object
new_capsule.argtypes = [c_void_p, c_char_p, c_void_p]

released = []  # addresses of the private data of what was released, in order
kept = []  # what ctypes must not free


def _release(struct):
    released.append(struct.contents.private_data)
    struct.contents.release = type(struct.contents.release)()


release_schema, release_array, release_stream = (
    kind(_release) for kind in (RELEASE_SCHEMA, RELEASE_ARRAY, RELEASE_STREAM)
)
_tags = iter(range(1, 1 << 60))


def tag():
    """A number for ``private_data``, which ``released`` gets."""
    return next(_tags)


def pointers(structs):
    """A C array of pointers to structs, NULL for None."""
    kind = type(next((s for s in structs if s is not None), Array()))
    table = (POINTER(kind) * max(len(structs), 1))()
    for k, struct in enumerate(structs):
        if struct is not None:
            table[k] = pointer(struct)
    kept.append((table, structs))
    return cast(table, POINTER(POINTER(kind)))


def schema(format, *children, name=b"", metadata=None, **changes):
    made = Schema(
        format=format,
        name=name,
        metadata=metadata,
        n_children=len(children),
        children=pointers(children) if children else None,
        release=release_schema,
        private_data=tag(),
    )
    for field, value in changes.items():
        setattr(made, field, value)
    kept.append(made)
    return made


def array(length, *buffers, children=(), **changes):
    """An array with these buffers: NumPy arrays, or None for NULL."""
    table = (c_void_p * max(len(buffers), 1))()
    for k, buffer in enumerate(buffers):
        table[k] = None if buffer is None else buffer.ctypes.data
    kept.append((table, buffers))
    made = Array(
        length=length,
        n_buffers=len(buffers),
        n_children=len(children),
        buffers=cast(table, POINTER(c_void_p)),
        children=pointers(children) if children else None,
        release=release_array,
        private_data=tag(),
    )
    for field, value in changes.items():
        setattr(made, field, value)
    kept.append(made)
    return made


def capsule(struct, name):
    kept.append(struct)
    return new_capsule(ctypes.addressof(struct), name, None)


class Exported:
    """Exports one array, any number of times."""

    def __init__(self, of, values):
        self.of, self.values = of, values

    def __arrow_c_array__(self, requested_schema=None):
        of, values = Schema.from_buffer_copy(self.of), Array.from_buffer_copy(self.values)
        return capsule(of, b"arrow_schema"), capsule(values, b"arrow_array")


class Streamed:
    """Exports several arrays of one type, then the number of an error (0: none)."""

    def __init__(self, of, chunks, error=0, text=b"the disk is gone", schema_error=0):
        self.of, self.chunks, self.error, self.text = of, list(chunks), error, text
        self.schema_error = schema_error

    def __arrow_c_stream__(self, requested_schema=None):
        waiting = list(self.chunks)

        def get_schema(stream, out):
            out[0] = self.of
            return self.schema_error

        def get_next(stream, out):
            if waiting:
                out[0] = waiting.pop(0)
                return 0
            if self.error:
                return self.error
            out.contents.release = RELEASE_ARRAY()
            return 0

        text = None if self.text is None else ctypes.create_string_buffer(self.text)
        functions = (
            GET_SCHEMA(get_schema),
            GET_NEXT(get_next),
            GET_ERROR(lambda stream: None if text is None else ctypes.addressof(text)),
        )
        kept.append((functions, text))
        stream = Stream(*functions, release_stream, tag())
        self.tag = stream.private_data
        return capsule(stream, b"arrow_array_stream")


def bits(flags):
    """A bitmap; True is a valid entry."""
    return np.packbits(np.asarray(flags, bool), bitorder="little")


def lists_of_rows(X, dtype=np.float64, offsets=np.int32, **changes):
    """Sequences as a list of fixed-size lists; ``changes`` are fields of the outermost array."""
    X = [np.asarray(x, dtype) for x in X]
    starts = np.cumsum([0, *map(len, X)]).astype(offsets)
    values = np.concatenate(X)
    width = values.shape[1]
    steps = array(len(values), None, children=[array(values.size, None, values.reshape(-1).copy())])
    of = schema(
        b"+l" if offsets == np.int32 else b"+L",
        schema(b"+w:%d" % width, schema({"f": b"f", "d": b"g"}[values.dtype.char])),
    )
    return of, array(len(X), None, starts, children=[steps], **changes)

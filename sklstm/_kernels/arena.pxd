"""Memory that is allocated in pieces and released at once."""

from libc.stdlib cimport calloc, free, realloc


cdef struct Arena:
    void** pieces
    Py_ssize_t n_pieces
    double n_bytes


cdef inline void* arena_take(Arena* arena, double n, double size) except NULL:
    """Zeroed memory for n items of a size, aligned to 64 bytes."""
    cdef double n_bytes = n * size + 64
    cdef void* piece = NULL
    cdef void** pieces = NULL
    if n_bytes < 2.0**44:
        pieces = <void**> realloc(arena.pieces, (arena.n_pieces + 1) * sizeof(void*))
        if pieces != NULL:
            arena.pieces = pieces
            piece = calloc(<size_t> n_bytes, 1)
    if piece == NULL:
        raise MemoryError(
            f"The network needs a work array of {n_bytes / 2.0**30:.3g} GiB, which is more "
            f"than the available memory. Use fewer hidden units, shorter sequences or a smaller "
            f"batch_size."
        )
    arena.pieces[arena.n_pieces] = piece
    arena.n_pieces += 1
    arena.n_bytes += n_bytes
    return <void*> ((<size_t> piece + 63) // 64 * 64)


cdef inline void arena_free(Arena* arena) noexcept:
    cdef Py_ssize_t k
    for k in range(arena.n_pieces):
        free(arena.pieces[k])
    free(arena.pieces)
    arena.pieces = NULL
    arena.n_pieces = 0

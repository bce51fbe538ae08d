"""Conversion of the state of symbols on a stream to lists and arrays for a file, and back.

There are three lists of symbols (those that were read, those of the current step, those of the
section), followed by the arrays of `symbol_parts`.
"""

from sklstm._kernels.layout cimport Layer, Net, group
from sklstm._kernels.remembered cimport Part
from sklstm._kernels.saved cimport check_part, refuse, restore_part, saved_part
from sklstm._kernels.symbol_traces cimport (
    Past, count_step, forget_symbols, pooled_size, traces_size,
)
from sklstm._kernels.symbols cimport Read
from sklstm._kernels.traces cimport WAITING, slopes_size


cdef inline Py_ssize_t symbol_parts(
    const Net* net, const Past* past, Py_ssize_t n_read, Py_ssize_t n_waiting, Part* parts
) noexcept:
    """List the arrays of the symbols that were read and of the section; return their number."""
    cdef const Layer* layer = &net.layers[0]
    cdef Py_ssize_t n = group(layer, 1), H = layer.n_blocks
    parts[0] = Part(past.highest, 1, n_read, n_read, True)
    parts[1] = Part(past.traces, (n_read * traces_size(layer) // n), H, n, True)
    parts[2] = Part(past.slopes, (n_waiting * slopes_size(layer) // n), H, n, True)
    parts[3] = Part(past.pooled, (n_read * pooled_size(layer) // n), H, n, True)
    return 3 if past.pooled == NULL else 4


cdef inline list save_symbols(const Net* net, const Read* read, const Past* past, make):
    cdef Py_ssize_t k, C = net.n_categorical
    cdef Part[4] parts
    cdef list saved = [
        [read.symbols[k] for k in range(read.n)],
        [past.now[k] for k in range(C)],
        [past.waiting[k] for k in range(past.n_waiting * C)],
    ]
    for k in range(symbol_parts(net, past, read.n, past.n_waiting, parts)):
        saved.append(saved_part(&parts[k], make))
    return saved


cdef inline list checked_symbols(
    const Net* net, const Past* past, Py_ssize_t n_categories, list saved
):
    """Check what `save_symbols` returned, because symbol numbers are used as indices."""
    cdef Py_ssize_t k, C = net.n_categorical
    cdef Part[4] parts
    cdef list lists = [[int(symbol) for symbol in some] for some in saved[:3]]
    if len(lists) < 3:
        refuse()
    read, now, waiting = lists
    if len(read) > n_categories or len(set(read)) < len(read) or len(now) != C:
        refuse()
    if len(waiting) % C != 0 or len(waiting) >= WAITING * C:
        refuse()
    for symbol in read + [symbol for symbol in now + waiting if symbol != -1]:
        if not 0 <= symbol < n_categories:
            refuse()
    if len(saved) != 3 + symbol_parts(net, past, len(read), len(waiting) // C, parts):
        refuse()
    for k in range(3, len(saved)):
        check_part(&parts[k - 3], saved[k])
    return lists + saved[3:]


cdef inline int restore_symbols(const Net* net, Read* read, Past* past, list saved) except -1:
    """Restore the result of `save_symbols`, after `checked_symbols`."""
    cdef Py_ssize_t k, n_waiting = (len(saved[2]) // net.n_categorical)
    cdef Part[4] parts
    forget_symbols(net, read, past)
    for k, symbol in enumerate(saved[0]):
        read.symbols[k] = symbol
        read.row_of[read.symbols[k]] = k
        past.when[k] = 0
    read.n = len(saved[0])
    for k, symbol in enumerate(saved[1]):
        past.now[k] = symbol
    for k, symbol in enumerate(saved[2]):
        past.waiting[k] = symbol
    for k in range(symbol_parts(net, past, read.n, n_waiting, parts)):
        restore_part(&parts[k], saved[3 + k])
    for _ in range(n_waiting):
        count_step(net, &net.layers[0], read, past)
    return 0

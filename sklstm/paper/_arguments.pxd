"""Argument checks of the trials: tables, tasks and criteria that would break their loops."""

from sklstm._kernels.arguments cimport (
    require_between, require_offsets, require_shape, require_size, require_there,
)
from sklstm._kernels.cells cimport Cell, gates_after, gates_before, gates_fed
from sklstm.paper._criterion cimport WINDOW_MAX, Criterion
from sklstm.paper._tasks cimport (
    ADDING, LONG_LAG, MULTIPLICATION, NOISE_FREE_LAG, RANDOM_LAG, REBER_STREAM, STRINGS,
    TEMPORAL_ORDER, Task, draws_symbols,
)
from sklstm.paper._weights cimport ABSENT

cdef enum:
    UNITS_MOST = 1 << 20
    OUTPUTS_MOST = 31  # the symbols that may follow are bits of an int
    LENGTH_MOST = 1 << 24  # the tasks compute percentages of it in C ints


cdef inline int require_table(
    str name, const Py_ssize_t[:, ::1] places, Py_ssize_t rows, Py_ssize_t columns,
    Py_ssize_t n_total
) except -1:
    """Each entry must be a place in the vector, or `ABSENT`."""
    cdef Py_ssize_t row, column
    require_there(name, places is not None)
    require_shape(name, places.shape[0], places.shape[1], rows, columns)
    for row in range(rows):
        for column in range(columns):
            require_between(name, places[row, column], ABSENT, n_total - 1)
    return 0


cdef inline int require_nets(places, Cell cell, Py_ssize_t n_inputs) except -1:
    """The tables of ``_nets.Places`` must fit its cell and its sizes."""
    cdef Py_ssize_t b = places.n_blocks, S = places.block_size, n_fed = places.n_recurrent
    cdef Py_ssize_t n_numbers = 0 if places.symbols is not None else n_inputs
    cdef const unsigned char[::1] trains = places.trainable.view("u1")
    cdef Py_ssize_t rows, K
    require_between("n_blocks", b, 1, UNITS_MOST)
    require_between("block_size", S, 1, UNITS_MOST // b)
    require_between("n_recurrent", n_fed, 0, S + gates_fed(cell))
    require_there("trainable", trains is not None)
    rows, K = (gates_before(cell) + S + gates_after(cell)) * b, len(places.head)
    require_between("the number of outputs", K, 1, UNITS_MOST)
    require_table("hidden", places.hidden, rows, 1 + n_numbers + n_fed * b, trains.shape[0])
    require_table("head", places.head, K, 1 + (n_numbers if places.shortcuts else 0) + S * b,
                  trains.shape[0])
    if places.symbols is not None:
        require_table("symbols", places.symbols, n_inputs,
                      rows + (K if places.shortcuts else 0), trains.shape[0])
    return 0


cdef inline int require_strings(
    const unsigned char[::1] symbols, const unsigned char[::1] legal, const long long[::1] offsets,
    const Task* task
) except -1:
    """Strings must have at least two symbols: one to read, and one that follows."""
    cdef Py_ssize_t k
    require_there("symbols", symbols is not None)
    require_there("legal", legal is not None)
    require_there("offsets", offsets is not None)
    require_size("legal", legal.shape[0], symbols.shape[0])
    require_offsets("offsets", offsets, symbols.shape[0], 2)
    require_between("n_training", task.n_training, 1, task.n_strings)
    for k in range(symbols.shape[0]):
        require_between("symbols", symbols[k], 0, task.n_inputs - 1)
    return 0


cdef inline int require_automaton(
    const unsigned char[::1] symbol, const unsigned char[::1] target, const Task* task
) except -1:
    """The automaton must have two edges per state."""
    cdef Py_ssize_t k, n = symbol.shape[0]
    require_there("symbol", symbol is not None)
    require_there("target", target is not None)
    require_between("the number of edges", n, 2, 256)
    require_size("target", target.shape[0], n // 2 * 2)
    for k in range(n):
        require_between("symbol", symbol[k], 0, min(task.n_inputs, <int> OUTPUTS_MOST) - 1)
        require_between("target", target[k], 0, n // 2 - 1)
    return 0


cdef inline int require_task(const Task* task) except -1:
    """All drawn symbols must be inputs of the net."""
    cdef Py_ssize_t least = 1, symbols = 0
    require_between("n_inputs", task.n_inputs, 1, UNITS_MOST)
    if not draws_symbols(task):
        require_between("n_inputs", task.n_inputs, 1, 2)
    require_between("n_distractors", task.n_distractors, 0, UNITS_MOST)
    if task.kind == STRINGS:
        require_there("strings", task.symbols != NULL)
        require_between("first_tested", task.first_tested, 0, task.n_strings - 1)
        return 0
    if task.kind == REBER_STREAM:
        require_there("automaton", task.edge_symbol != NULL)
    elif task.kind in (ADDING, MULTIPLICATION):
        least = 6  # leaves a place for the second pair
    elif task.kind == TEMPORAL_ORDER:
        least, symbols = 10, 8
        require_between("n_relevant", task.n_relevant, 2, 3)
    elif task.kind == LONG_LAG:
        symbols = task.n_distractors + 4
        require_between("n_distractors", task.n_distractors, 1, UNITS_MOST)
    elif task.kind in (NOISE_FREE_LAG, RANDOM_LAG):
        least, symbols = 2, task.length + 1
    require_between("length", task.length, least, LENGTH_MOST)
    require_between("n_inputs", task.n_inputs, symbols, UNITS_MOST)
    return 0


cdef inline int require_criterion(const Criterion* c) except -1:
    """Counts must be in the range that the loops assume."""
    require_between("window", c.window, 1, WINDOW_MAX)
    require_between("check", c.check, 1, LENGTH_MOST)
    require_between("n_test", c.n_test, 0, LENGTH_MOST)
    require_between("n_final", c.n_final, 0, LENGTH_MOST)
    return require_between("growth_window", c.growth_window, 0, LENGTH_MOST)

"""The tasks of the 1997 paper, drawn step by step in compiled code.

Definitions and numbers of symbols are those of ``sklstm.datasets``, and tests compare the two. A
`Sequence` is the current sequence of one net.
"""

from libc.math cimport log

from sklstm.paper._draws cimport Random, Ziggurat, below, normal, uniform


cdef enum Kind:
    STRINGS  # 1: of the embedded Reber grammar, from a given set
    NOISE_FREE_LAG  # 2a
    RANDOM_LAG  # 2b
    LONG_LAG  # 2c
    TWO_SEQUENCE  # 3
    ADDING  # 4
    MULTIPLICATION  # 5
    TEMPORAL_ORDER  # 6
    REBER_STREAM  # endless strings

cdef enum FirstPair:
    END  # its marker stays -1
    MARKED  # it becomes 1
    NEVER  # it is never drawn


cdef struct Task:
    Kind kind
    int n_inputs  # numeric inputs, or different symbols
    int length  # T, or p (2a, 2b), or q (2c)
    int n_distractors  # p of 2c
    int n_informative  # N of 3
    int n_relevant  # of 6
    FirstPair first_pair
    double noise  # standard deviations of 3
    double informative_noise
    double target_noise  # if negative, targets are 1 and 0, else 0.2 and 0.8 with this noise
    bint every_step  # every step has a target
    bint legal_targets  # 1: targets are all symbols that may follow, not only the one that does
    bint fixed_order  # 1, 2a, 2b: training sequences come in one order, again and again
    int first_tested  # 1: the first string of a test
    # strings of 1, the training strings first
    const unsigned char* symbols
    const unsigned char* legal  # bits of the symbols that may follow each
    const long long* offsets
    int n_strings
    int n_training
    # automaton of REBER_STREAM: two edges per state; a stream starts with the first edge
    const unsigned char* edge_symbol
    const unsigned char* edge_target
    const Ziggurat* ziggurat


cdef struct Sequence:
    int t  # step
    int steps
    int label
    int place[3]  # steps to remember
    int sign[3]  # X or Y there
    double value[2]  # of the marked pairs
    double target  # numeric target
    double truth  # numeric target without noise
    Py_ssize_t start  # of the string
    int state  # of the automaton
    int legal  # bits of the symbols that may follow
    int symbol  # current one
    int following
    Py_ssize_t n_begun  # training sequences


cdef inline int tenth_longer(Random* random, int length) noexcept nogil:
    return length + below(random, length // 10 + 1)


cdef inline double element(const Task* task, Random* random) noexcept nogil:
    """Draw a number to add or to multiply."""
    cdef double drawn = uniform(random)
    if task.kind == ADDING:
        return 2 * drawn - 1
    elif task.kind == MULTIPLICATION:
        return drawn


cdef inline void begin_pairs(const Task* task, Random* random, Sequence* now) noexcept nogil:
    cdef int lowest = 1 if task.first_pair == NEVER else 0
    cdef int k
    now.steps = tenth_longer(random, task.length)
    now.place[0] = lowest + below(random, 10 - lowest)
    # counted over unmarked pairs only, so places after the first marked one move up by one
    now.place[1] = lowest + below(random, task.length // 2 - 1 - lowest)
    if now.place[1] >= now.place[0]:
        now.place[1] += 1
    for k in range(2):
        now.value[k] = element(task, random)
    # if the first pair is marked, its number is the neutral element
    if task.kind == ADDING:
        for k in range(2):
            if now.place[k] == 0:
                now.value[k] = 0
        now.target = 0.5 + (now.value[0] + now.value[1]) / 4
    elif task.kind == MULTIPLICATION:
        for k in range(2):
            if now.place[k] == 0:
                now.value[k] = 1
        now.target = now.value[0] * now.value[1]
    now.truth = now.target


cdef inline void begin_order(const Task* task, Random* random, Sequence* now) noexcept nogil:
    cdef int k
    cdef int[3] two, three
    two[:] = [10, 50, 0]
    three[:] = [10, 33, 66]
    now.steps = tenth_longer(random, task.length)
    now.label = 0
    for k in range(task.n_relevant):
        now.place[k] = (two[k] if task.n_relevant == 2 else three[k]) * task.length // 100 - 1
        now.place[k] += below(random, task.length // 10 + 1)
        now.sign[k] = below(random, 2)
        now.label = 2 * now.label + now.sign[k]


cdef inline void begin_two(const Task* task, Random* random, Sequence* now) noexcept nogil:
    now.label = below(random, 2)
    now.steps = tenth_longer(random, task.length)
    now.target = now.label
    if task.target_noise >= 0:
        now.target = 0.2 if now.label else 0.8
    now.truth = now.target
    if task.target_noise > 0:
        now.target += task.target_noise * normal(random, task.ziggurat)


cdef inline int one_of(const Task* task, Random* random, Sequence* now, int n) noexcept nogil:
    """Select one of n training sequences."""
    cdef int k
    if task.fixed_order:
        k = <int> (now.n_begun % n)
        now.n_begun += 1
        return k
    return below(random, n)


cdef inline void begin(
    const Task* task, Random* random, Sequence* now, Py_ssize_t test
) noexcept nogil:
    """Start a sequence; ``test`` is its number in a test, or -1 in training."""
    cdef Py_ssize_t k
    now.t = 0
    if task.kind == STRINGS:
        k = (task.first_tested + test) % task.n_strings
        if test < 0:
            k = one_of(task, random, now, task.n_training)
        now.start = task.offsets[k]
        now.steps = <int> (task.offsets[k + 1] - task.offsets[k] - 1)
    elif task.kind == LONG_LAG:
        now.label = below(random, 2)
        # b, the symbol, q distractors, k more with P(k) = (9/10)^k / 10, the trigger
        k = <Py_ssize_t> (log(1 - uniform(random)) / log(0.9))
        now.steps = task.length + 3 + <int> k
    elif task.kind == TWO_SEQUENCE:
        begin_two(task, random, now)
    elif task.kind == ADDING or task.kind == MULTIPLICATION:
        begin_pairs(task, random, now)
    elif task.kind == TEMPORAL_ORDER:
        begin_order(task, random, now)
    elif task.kind == REBER_STREAM:
        now.steps = task.length
        now.state = task.edge_target[0]
        now.following = task.edge_symbol[0]
    elif task.kind in (NOISE_FREE_LAG, RANDOM_LAG):
        # a test of the two sequences of 2a is one of each
        now.label = <int> (test % 2)
        if test < 0:
            now.label = one_of(task, random, now, 2)
        elif task.kind == RANDOM_LAG:
            now.label = below(random, 2)
        now.steps = task.length
        now.following = task.length - 1 + now.label


cdef inline bint draws_symbols(const Task* task) noexcept nogil:
    """True if `symbol` draws the steps, False if `reals` does."""
    return task.kind not in (TWO_SEQUENCE, ADDING, MULTIPLICATION)


cdef inline int symbol(const Task* task, Random* random, Sequence* now) noexcept nogil:
    """Draw the symbol of the current step, and set `following` to the next one."""
    cdef int k, t = now.t, edge
    if task.kind == STRINGS:
        now.following = task.symbols[now.start + t + 1]
        now.legal = task.legal[now.start + t]
        return task.symbols[now.start + t]
    elif task.kind == LONG_LAG:
        if t == 0:
            return task.n_distractors + 1
        if t == 1:
            return task.n_distractors + 2 + now.label
        if t == now.steps - 1:
            return task.n_distractors
        return below(random, task.n_distractors)
    elif task.kind == TEMPORAL_ORDER:
        if t == 0:
            return 0
        if t == now.steps - 1:
            return 1
        for k in range(task.n_relevant):
            if t == now.place[k]:
                return 6 + now.sign[k]
        return 2 + below(random, 4)
    elif task.kind == REBER_STREAM:
        k = now.following
        edge = 2 * now.state
        now.legal = (1 << task.edge_symbol[edge]) | (1 << task.edge_symbol[edge + 1])
        edge += below(random, 2)
        now.following, now.state = task.edge_symbol[edge], task.edge_target[edge]
        return k
    elif task.kind in (NOISE_FREE_LAG, RANDOM_LAG):
        k = now.following
        if t == now.steps - 1:
            now.following = task.length - 1 + now.label
        elif task.kind == NOISE_FREE_LAG:
            now.following = t
        elif task.kind == RANDOM_LAG:
            now.following = below(random, task.length - 1)
        return k


cdef inline void reals(
    const Task* task, Random* random, Sequence* now, double* x
) noexcept nogil:
    """Draw the numeric inputs of the current step."""
    cdef int k, t = now.t
    if task.kind == TWO_SEQUENCE:
        if t >= task.n_informative:
            x[0] = task.noise * normal(random, task.ziggurat)
            return
        x[0] = 1 if now.label else -1
        if task.informative_noise > 0:
            x[0] += task.informative_noise * normal(random, task.ziggurat)
        return
    x[0], x[1] = element(task, random), 0
    for k in range(2):
        if t == now.place[k]:
            x[0], x[1] = now.value[k], 1
    if t == now.steps - 1 or (
        t == 0 and not (task.first_pair == MARKED and (now.place[0] == 0 or now.place[1] == 0))
    ):
        x[1] = -1


cdef inline bint has_target(const Task* task, const Sequence* now) noexcept nogil:
    return task.every_step or now.t == now.steps - 1


cdef inline bint names_one(const Task* task) noexcept nogil:
    """True if the target is 1 for one output and 0 for the others."""
    return draws_symbols(task) and not task.legal_targets


cdef inline int named(const Task* task, const Sequence* now) noexcept nogil:
    """The output whose target is 1."""
    return now.label if task.kind in (LONG_LAG, TEMPORAL_ORDER) else now.following


cdef inline int outputs_named(const Task* task) noexcept nogil:
    """One more than the largest result of `named`, and of the symbol that follows."""
    if task.kind == LONG_LAG:
        return 2
    if task.kind == TEMPORAL_ORDER:
        return 1 << task.n_relevant
    return task.n_inputs if draws_symbols(task) else 1


cdef inline bint has_truths(const Task* task) noexcept nogil:
    """True if targets have noise, so that `wanted` is not the same with and without ``truth``."""
    return task.target_noise > 0 or task.kind == REBER_STREAM


cdef inline double wanted(
    const Task* task, const Sequence* now, int k, bint truth
) noexcept nogil:
    """Target of output k at the current step.

    With ``truth``, it is the target of 3c without its noise, and in a stream the probability of
    each symbol instead of the drawn symbol.
    """
    if task.kind in (TWO_SEQUENCE, ADDING, MULTIPLICATION):
        return now.truth if truth else now.target
    if task.legal_targets:
        return now.legal >> k & 1
    if task.kind == REBER_STREAM and truth:
        if not now.legal >> k & 1:
            return 0
        return 1 if now.legal == 1 << k else 0.5
    return k == named(task, now)

"""Checks of a network, its gradient and its targets, on which the loops rely."""

from sklstm._kernels.arguments cimport (
    require_aligned, require_between, require_shape, require_size, require_there,
)
from sklstm._kernels.cells cimport (
    Cell, cell_named, gates_after, gates_before, gates_fed,
)
from sklstm._kernels.losses cimport (
    LOG_LOGISTIC, LOG_SOFTMAX, PROJECTION, QUANTILE, QUANTILES_MAX, Loss,
)
from sklstm._kernels.simd cimport real


cdef inline int require_layer(layer, index, n_directions, n_features, start) except -1:
    """Check that the sizes and positions of a layer match its cell and units."""
    cdef Cell cell = <Cell> cell_named(layer.cell)
    H, S, named = layer.n_blocks, layer.block_size, layer.cell
    good = named in ("forget", "1997", "peephole", "coupled") and H >= 1 and S >= 1
    rows = (gates_before(cell) + S + gates_after(cell)) * H
    recurrent = (S + gates_fed(cell)) * H
    columns = n_features + recurrent + 1
    peepholes = 3 * H * S if named == "peephole" else 0
    found = (
        layer.n_features, layer.n_cells, layer.n_rows, layer.n_recurrent, layer.n_columns,
        len(layer.gates), layer.has_peepholes, layer.reverse, layer.start, layer.peephole_start,
        layer.stop,
    )
    wanted = (
        n_features, H * S, rows, recurrent, columns,
        gates_before(cell) + gates_after(cell), named == "peephole", index % n_directions == 1,
        start, start + rows * columns, start + rows * columns + peepholes,
    )
    if not good or found != wanted:
        raise ValueError(f"layer {index} of the network does not fit together: {layer}.")
    return 0


cdef inline int require_topology(topology) except -1:
    """Check that layers, output layer and table of categories follow one another.

    It uses Python's integers, which do not overflow.
    """
    stack, D, K = topology.stack, topology.n_directions, topology.n_outputs
    cards, at, below = topology.cardinalities, 0, topology.n_features
    good = D in (1, 2) and len(stack) >= 1 and len(stack) % D == 0 and below >= 0 and K >= 1
    good = good and min(cards, default=0) >= 0
    for index, layer in enumerate(stack if good else ()):
        require_layer(layer, index, D, below, at)
        at = layer.stop
        if index % D == D - 1:
            below = D * layer.n_cells
        first = stack[index - index % D]
        good = good and layer.n_blocks == first.n_blocks
        good = good and layer.block_size == stack[0].block_size
    found = (
        topology.n_read, topology.output_start, topology.n_dense, topology.n_categories,
        topology.n_weights, topology.n_total,
    )
    n_dense = at + K * (below + 1)
    n_weights = D * stack[0].n_rows if good else 0
    wanted = below, at, n_dense, sum(cards), n_weights, n_dense + sum(cards) * n_weights
    if good and max(*wanted, K, sum(cards) << 32) >= 1 << 62:
        raise MemoryError(f"There is no memory for the network {topology}.")
    if not good or found != wanted:
        raise ValueError(f"the network does not fit together: {topology}.")
    return 0


cdef inline int require_parameters(const real[::1] vector, Py_ssize_t n) except -1:
    if vector.shape[0] != n:
        raise ValueError(
            f"parameters_ has {vector.shape[0]} numbers, but this network has {n}."
        )
    require_aligned("parameters_", &vector[0], sizeof(real))
    return 0


cdef inline int require_gradient(
    found, Py_ssize_t n_dense, Py_ssize_t n_categories, Py_ssize_t n_weights
) except -1:
    """Check the arrays of a ``Gradient``, whose row numbers must be indices of one another."""
    cdef real[::1] dense = found.dense, penalty = found.penalty
    cdef real[:, ::1] rows = found.rows
    cdef int[::1] read = found.read, row_of = found.row_of, n_read = found.n_read
    cdef Py_ssize_t k
    require_there("dense", dense is not None)
    require_there("penalty", penalty is not None)
    require_there("rows", rows is not None)
    require_there("read", read is not None)
    require_there("row_of", row_of is not None)
    require_there("n_read", n_read is not None)
    require_size("the gradient", dense.shape[0], n_dense)
    require_size("penalty", penalty.shape[0], 1)
    require_size("n_read", n_read.shape[0], 1)
    require_size("row_of", row_of.shape[0], n_categories)
    require_shape("rows", rows.shape[0], rows.shape[1], read.shape[0], n_weights)
    require_between("n_read", n_read[0], 0, read.shape[0])
    for k in range(n_read[0]):
        require_between("read", read[k], 0, n_categories - 1)
    for k in range(n_categories):
        if row_of[k] != -1:
            require_between("row_of", row_of[k], 0, read.shape[0] - 1)
    return 0


cdef inline int require_trained(
    const Py_ssize_t[::1] frozen, const unsigned char[::1] decayed, Py_ssize_t n_dense
) except -1:
    """Check the positions that do not train, and the flags of parameters that `alpha` penalises."""
    cdef Py_ssize_t k
    require_size("decayed", decayed.shape[0], n_dense)
    for k in range(frozen.shape[0]):
        require_between("frozen", frozen[k], 0, n_dense - 1)
    return 0


cdef inline int require_loss(const Loss* loss, Py_ssize_t K) except -1:
    """Check that there are quantiles, the same number for each target."""
    require_between("the number of quantiles", loss.n_quantiles, 1, QUANTILES_MAX)
    if loss.kind == QUANTILE and loss.quantiles == NULL:
        raise ValueError("quantiles are missing.")
    if K % loss.n_quantiles != 0:
        raise ValueError(f"{K} outputs are no multiple of {loss.n_quantiles} quantiles.")
    return 0


cdef inline Py_ssize_t n_targets(const Loss* loss, Py_ssize_t K) noexcept nogil:
    """Number of values of a target for K outputs."""
    if loss.kind == LOG_SOFTMAX:
        return 1
    if loss.kind in (LOG_LOGISTIC, PROJECTION):
        return K
    return K // loss.n_quantiles


cdef inline int require_target(
    const Loss* loss, Py_ssize_t K, const real* target, double weight
) except -1:
    """Check that a class is one of K, unless it is not used."""
    if loss.kind == LOG_SOFTMAX and weight != 0 and not 0 <= target[0] < K:
        raise ValueError(f"a target must be a class from 0 to {K - 1}, got {target[0]}.")
    return 0


cdef inline int require_targets(
    const Loss* loss, Py_ssize_t K, const real[:, ::1] targets, const double[::1] weights,
    Py_ssize_t n_rows
) except -1:
    """Check targets and their weights."""
    cdef Py_ssize_t row
    require_shape("targets", targets.shape[0], targets.shape[1], n_rows, n_targets(loss, K))
    require_size("weights", weights.shape[0], n_rows)
    for row in range(n_rows if loss.kind == LOG_SOFTMAX else 0):
        require_target(loss, K, &targets[row, 0], weights[row])
    return 0

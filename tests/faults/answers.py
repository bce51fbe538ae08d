"""Faults: losses, pooling, dropout."""

from faults.fault import CELL, CELL_PYX, LAYERS, LOSSES, ONLINE_PYX, STACKS, Fault

POOLING, DROPOUT = "sklstm/_kernels/pooling.pxd", "sklstm/_kernels/dropout.pxd"
TRACES, BUNDLES = "sklstm/_kernels/traces.pxd", "sklstm/_kernels/bundles.pxd"
NUMBERS = "sklstm/_number_losses.py"
TEST_LOSSES, TEST_POOLING = "test_losses.py", "test_pooling.py"
TEST_DROPOUT = "test_dropout.py"

FAULTS = [
    Fault(
        "quantiles-below",
        "the middle quantile does not feel the errors of those below it",
        LOSSES,
        "(weight * (d_value[middle] + beyond))",
        "(weight * d_value[middle])",
        CELL,
    ),
    Fault(
        "quantiles-slope",
        "a quantile above the middle one feels its own error alone",
        LOSSES,
        "    for q in range(n - 1, middle, -1):\n        beyond += d_value[q]\n",
        "    for q in range(n - 1, middle, -1):\n        beyond = d_value[q]\n",
        CELL,
    ),
    Fault(
        "pinball",
        "all quantiles weigh errors as the first one does",
        LOSSES,
        "        level = loss.quantiles[q]\n",
        "        level = loss.quantiles[0]\n",
        CELL,
    ),
    Fault(
        "poisson-unit",
        "counts are trained in units of their standard deviation",
        NUMBERS,
        "NumberLoss(d2_poisson, mean_as_scale,",
        "NumberLoss(d2_poisson, mean_and_scale,",
        TEST_LOSSES,
    ),
    Fault(
        "quantiles-order",
        "the lowest quantile stands next to the middle one",
        NUMBERS,
        "axis=-1)[..., ::-1]\n",
        "axis=-1)\n",
        TEST_LOSSES,
    ),
    Fault(
        "maximum-ties",
        "read from the end, the last of equal maxima counts",
        POOLING,
        "keep_highest(cells + k, later_too, t, read + k, highest + k)",
        "keep_highest(cells + k, False, t, read + k, highest + k)",
        TEST_POOLING,
    ),
    Fault(
        "maximum-ended",
        "sequences that have ended go on to be read",
        POOLING,
        "    while n < width and t < bundle.length[n]:\n",
        "    while n < width and t < bundle.length[0]:\n",
        TEST_POOLING,
    ),
    Fault(
        "mean-length",
        "the gradient of a mean is that of a sum",
        POOLING,
        "                    received[u * width + lane] /= bundle.length[lane]\n",
        "                    received[u * width + lane] /= 1\n",
        TEST_POOLING,
    ),
    Fault(
        "pool-again",
        "steps that are computed a second time are read a second time",
        STACKS,
        "    chunk.again = True\n",
        "    chunk.again = False\n",
        TEST_POOLING,
    ),
    Fault(
        "pool-stream",
        "a stream that learns from a maximum keeps the gradient of its first step",
        TRACES,
        "                if not unit.is_highest[j * S + v]:\n",
        "                if not unit.is_highest[v]:\n",
        TEST_POOLING,
    ),
    Fault(
        "pool-count",
        "a stream divides the sum of its steps by one step too many",
        ONLINE_PYX,
        "(self.pooled[k] / self.n_steps())",
        "(self.pooled[k] / (self.n_steps() + 1))",
        TEST_POOLING,
    ),
    Fault(
        "dropout-back",
        "errors pass recurrent connections that dropout has cut",
        LAYERS,
        "load(memory.d_r + p * LANES) * load(memory.recurrent_mask + p * LANES))",
        "load(memory.d_r + p * LANES))",
        TEST_DROPOUT,
    ),
    Fault(
        "dropout-seen",
        "errors from above reach cells that were dropped",
        LAYERS,
        "load(received + u * LANES) * load(mask + u * LANES))",
        "load(received + u * LANES))",
        TEST_DROPOUT,
    ),
    Fault(
        "dropout-cells",
        "the layer above sees what the layer itself sees",
        BUNDLES,
        "        return slot(&bundle.layers[index].y, step)\n",
        "        return recurrent(layer, bundle, index, step + 1, width)\n",
        TEST_DROPOUT,
    ),
    Fault(
        "dropout-place",
        "masks follow the place in the batch instead of the sequence",
        BUNDLES,
        "stream_of(&net.dropout, bundle.row[lane], index, False)",
        "stream_of(&net.dropout, lane, index, False)",
        TEST_DROPOUT,
    ),
    Fault(
        "dropout-epoch",
        "every epoch drops the same cells",
        CELL_PYX,
        "mixed(seed ^ mixed(epoch))",
        "mixed(seed ^ mixed(1))",
        TEST_DROPOUT,
    ),
    Fault(
        "dropout-rate",
        "what is kept is not multiplied",
        DROPOUT,
        "    cdef double kept = 1 / (1 - rate)\n",
        "    cdef double kept = 1\n",
        TEST_DROPOUT,
    ),
]

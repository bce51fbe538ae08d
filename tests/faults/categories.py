"""Faults: categories."""

from faults.fault import CELL_PYX, OPTIMIZERS, Fault

SYMBOLS = "sklstm/_kernels/symbols.pxd"
PAST = "sklstm/_kernels/symbol_traces.pxd"
SAVED = "sklstm/_kernels/saved_symbols.pxd"
TESTS, KERNELS = "test_categories.py", "test_symbols.py"

FAULTS = [
    Fault(
        "symbol-cells",
        "the cells of a block share the weights of a category",
        SYMBOLS,
        "first[0], stride[0] = before * H + v, S",
        "first[0], stride[0] = before * H, S",
        KERNELS,
    ),
    Fault(
        "symbol-direction",
        "both directions read the weights of the first",
        SYMBOLS,
        "    first[0] += layer.direction * layer.n_groups * H\n",
        "    first[0] += 0 * layer.n_groups * H\n",
        KERNELS,
    ),
    Fault(
        "symbol-ended",
        "sequences of a bundle that have ended go on reading",
        SYMBOLS,
        "    if t >= bundle.length[lane]:\n",
        "    if t >= bundle.steps:\n",
        KERNELS,
    ),
    Fault(
        "symbol-rest",
        "in lanes the units behind whole vectors get nothing",
        SYMBOLS,
        "add_reals(n - j, columns[lane] + first + j * stride, stride, z + j * LANES + lane,",
        "add_reals(0 * (n - j), columns[lane] + first, stride, z + j * LANES + lane,",
        KERNELS,
    ),
    Fault(
        "symbol-piece",
        "every piece of the gradient is summed from the first row of a group",
        SYMBOLS,
        "j, stop = max(0, first_row - g * padded), min(H, stop_row - g * padded)",
        "j, stop = 0, min(H, stop_row - g * padded)",
        KERNELS,
    ),
    Fault(
        "symbol-kept",
        "what an earlier batch has read stays read",
        SYMBOLS,
        "        read.row_of[read.symbols[k]] = -1\n",
        "        pass\n",
        KERNELS,
    ),
    Fault(
        "symbol-zero",
        "the gradient of a row goes on from that of an earlier batch",
        SYMBOLS,
        "    memset(read.d_rows, 0, read.n * net.n_weights * sizeof(real))\n    return True",
        "    return True",
        KERNELS,
    ),
    Fault(
        "symbol-levels",
        "the gradient of the table gets that of the second direction twice",
        CELL_PYX,
        "if self.net.n_categorical > 0 and piece.layer < self.net.n_directions:",
        "if self.net.n_categorical > 0 and piece.layer < 1:",
        KERNELS,
    ),
    Fault(
        "symbol-keep",
        "a step that is undone brings rows of another back",
        OPTIMIZERS,
        "            memcpy(&self.moved[0], &self.read[0], self.n_moved * sizeof(int))\n",
        "            pass\n",
        TESTS,
    ),
    Fault(
        "symbol-norm",
        "the norm of the gradient leaves the table out",
        OPTIMIZERS,
        "length = sqrt(length * length + self.square_of_rows())",
        "length = sqrt(length * length)",
        TESTS,
    ),
    Fault(
        "symbol-penalty",
        "the penalty does not move rows that were not read",
        OPTIMIZERS,
        "return self.momentum != 0 or self.penalty[0] != 0",
        "return self.momentum != 0",
        TESTS,
    ),
    Fault(
        "symbol-when",
        "on a stream a category counts at all steps that wait",
        PAST,
        "if when >> t & 1:",
        "if when:",
        TESTS,
    ),
    Fault(
        "symbol-let-go",
        "a category that takes the place of a faded one is not found",
        PAST,
        "        read.row_of[read.symbols[row]] = row\n",
        "        pass\n",
        TESTS,
    ),
    Fault(
        "symbol-now",
        "the output gate learns from all categories that were read",
        PAST,
        "if is_now(net, past, read.symbols[row]) else 0",
        "if read.symbols[row] >= 0 else 0",
        TESTS,
    ),
    Fault(
        "symbol-pooled",
        "what is pooled of a category is never replaced",
        PAST,
        "                        own[at] = new\n",
        "                        own[at] += new\n",
        TESTS,
    ),
    Fault(
        "symbol-saved",
        "a saved stream forgets which categories the present step has",
        SAVED,
        "        past.now[k] = symbol\n",
        "        past.now[k] = -1\n",
        TESTS,
    ),
]

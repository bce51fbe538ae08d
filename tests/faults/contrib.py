"""Faults: networks on streams that get wider."""

from faults.fault import Fault

WIDER, TESTS = "sklstm/contrib/_wider.py", "test_wider.py"

FAULTS = [
    Fault(
        "wider-memory",
        "columns of new features are put behind the others in what a stream remembers",
        WIDER,
        "np.insert(columns, [n_known] * n_more, 0, axis=1)",
        "np.insert(columns, [columns.shape[1]] * n_more, 0, axis=1)",
        TESTS,
    ),
    Fault(
        "wider-output",
        "the output of the present step is lost where a class appears",
        WIDER,
        "    wide_out[rows] = out\n",
        "",
        TESTS,
    ),
    Fault(
        "wider-rows",
        "the one output of two classes becomes that of the first of three",
        WIDER,
        "np.arange(1, 2) if known == 1 else",
        "",
        TESTS,
    ),
    Fault(
        "wider-solver",
        "the solver begins anew in the weights there were",
        WIDER,
        "_wide_vector(narrow, wide, value, rows) if np.shape(value) == size",
        "np.zeros(wide.n_total, value.dtype) if np.shape(value) == size",
        TESTS,
    ),
]

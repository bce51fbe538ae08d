"""Faults: forecasts relative to now."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "relative-last",
        "sequences and targets are relative to the last step but one",
        "sklstm/compose/_now.py",
        "values[ends - 1]",
        "values[ends - 2]",
        "test_relative.py",
    ),
    Fault(
        "relative-first",
        "the first difference of a sequence is that to the sequence before it",
        "sklstm/compose/_now.py",
        "    before[sequences.offsets[:-1]] += 1\n",
        "",
        "test_relative.py",
    ),
    Fault(
        "relative-others",
        "features that y does not continue become relative too",
        "sklstm/compose/_now.py",
        "    taken_out[:, stays] = 0\n",
        "",
        "test_relative.py",
    ),
    Fault(
        "relative-digits",
        "the level of float32 sequences is added in float32",
        "sklstm/compose/_now.py",
        "now[:, columns].astype(np.float64)",
        "now[:, columns]",
        "test_relative.py",
    ),
    Fault(
        "relative-validation",
        "validation data for a step of a pipeline stay as they are",
        "sklstm/compose/_relative.py",
        'if argument != "X_val" or',
        'if name != "X_val" or',
        "test_relative_tools.py",
    ),
    Fault(
        "relative-score",
        "quantiles are scored as if they were means",
        "sklstm/compose/_relative.py",
        "goal_of(end) if isinstance(end, LSTMRegressor) else",
        "",
        "test_relative_quantiles.py",
    ),
]

"""Faults: preprocessing."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "scaler-merge",
        "partial_fit of the scaler forgets how far apart the means are",
        "sklstm/preprocessing/_scaler.py",
        "(self.var_ + share * shift**2)",
        "self.var_",
        "test_preprocessing.py",
    ),
    Fault(
        "windows-nan",
        "windows whose target is NaN are kept",
        "sklstm/preprocessing/_windows.py",
        "        bad |= np.isnan(y).any(axis=(1, 2))\n",
        "",
        "test_preprocessing_windows.py",
    ),
    Fault(
        "windows-step",
        "the targets of windows that are several steps apart are one step apart",
        "sklstm/preprocessing/_windows.py",
        "table[ends.start + h :: step, targets]",
        "table[ends.start + h ::, targets]",
        "test_preprocessing_windows.py",
    ),
    Fault(
        "padding-float32",
        "a padding value that float32 rounded is not found",
        "sklstm/preprocessing/_padding.py",
        " | (array == np.float32(value))",
        "",
        "test_preprocessing_padding.py",
    ),
    Fault(
        "differences-first",
        "the first difference of a sequence is that to the sequence before it",
        "sklstm/preprocessing/_step_features.py",
        "                block[first_steps] = 0\n",
        "",
        "test_preprocessing_features.py",
    ),
    Fault(
        "context-last",
        "the steps after the last one are those of the next sequence",
        "sklstm/preprocessing/_step_features.py",
        "            block[last_steps] = values[last_steps]\n",
        "",
        "test_preprocessing_features.py",
    ),
]

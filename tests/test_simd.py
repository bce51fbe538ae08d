"""exp, sigmoid and tanh of the kernels, on every instruction set, against NumPy in more digits."""

import numpy as np
import pytest

from sklstm import _isa

KERNELS = {
    (name, dtype.name): kernel
    for name in _isa.available()
    for dtype, kernel in _isa.load(name).items()
}
MAX_ULP = 3
FUNCTIONS = {
    "exp": np.exp,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
}
# The largest arguments of which exp is a normal number; sigmoid and tanh take any.
LARGEST = {"float32": 87.0, "float64": 707.0}


def arguments(function, dtype):
    """Numbers of every size and sign, and steps through the range where something happens."""
    rng = np.random.default_rng(0)
    top = LARGEST[dtype]
    small = np.logspace(np.log10(np.finfo(dtype).tiny) + 1, np.log10(top), 40_001)
    x = np.concatenate([small, np.linspace(0, top, 40_001), rng.uniform(0, 20, 40_001), [0.0]])
    if function != "exp":
        x = np.append(x, [1e3, 1e30])
    return np.concatenate([x, -x]).astype(dtype)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kernel", KERNELS, ids="-".join)
def test_functions_are_right_to_three_units_in_the_last_place(kernel, function):
    x = arguments(function, kernel[1])
    found = x.copy()
    KERNELS[kernel].evaluate(function, found)
    with np.errstate(over="ignore", under="ignore"):
        expected = FUNCTIONS[function](x.astype(np.longdouble))
    # below the normal numbers, where the kernels flush, a unit is that of the smallest normal one
    unit = np.spacing(np.maximum(np.abs(expected), np.finfo(x.dtype).tiny).astype(x.dtype))
    error = np.abs(found - expected) / unit
    floor = np.abs(expected) < np.finfo(x.dtype).tiny
    assert error[~floor].max() <= MAX_ULP, x[~floor][error[~floor].argmax()]
    assert (np.abs(found[floor]) <= 2 * np.finfo(x.dtype).tiny).all()


@pytest.mark.parametrize("kernel", KERNELS, ids="-".join)
def test_what_is_not_a_number_stays_none(kernel):
    for function in FUNCTIONS:
        x = np.array([np.nan, 0.0], kernel[1])
        KERNELS[kernel].evaluate(function, x)
        assert np.isnan(x[0]) and x[1] == FUNCTIONS[function](0.0)

"""One table of values that a door for numbers may be given, and the containers they come in."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from scipy.sparse import csr_array


class Sour:
    """An object with the method of a number that is none."""

    def __float__(self):
        raise TypeError("sour")


# ---------------------------------------------------------------------------------- one entry

# What is no number, and the words for it.
STRINGS, COMPLEX, DATES = "strings", "Complex data not supported", "dates or durations"
NO_NUMBERS = {
    "text": ("1.5", STRINGS),
    "text of NaN": ("nan", STRINGS),
    "bytes": (b"2", STRINGS),
    "text of NumPy": (np.str_("2"), STRINGS),
    "text in an array": (np.array("1"), STRINGS),
    "complex": (1j, COMPLEX),
    "complex without imaginary part": (complex(1, 0), COMPLEX),
    "complex of NumPy": (np.complex64(1), COMPLEX),
    "date": (date(2020, 1, 1), DATES),
    "moment": (datetime(2020, 1, 1), DATES),
    "time": (time(1), DATES),
    "duration": (timedelta(1), DATES),
    "moment of NumPy": (np.datetime64("2020-01-01"), DATES),
    "duration of NumPy": (np.timedelta64(1, "D"), DATES),
    "no moment of NumPy": (np.datetime64("NaT", "s"), DATES),
    "moment of pandas": (pd.Timestamp("2020"), DATES),
    "duration of pandas": (pd.Timedelta("1D"), DATES),
    "no moment of pandas": (pd.NaT, DATES),
    "period": (pd.Period("2020"), "a Period"),
    "dict": ({"a": 1}, "a dict"),
    "set": ({1}, "a set"),
    "object": (object(), "a object"),
    "sour object": (Sour(), "a Sour"),
    "type": (float, "a type"),
    "ellipsis": (..., "a ellipsis"),
    "signaling NaN": (Decimal("sNaN"), "a Decimal"),
}
# Several numbers in the place of one.
NESTED = "in one cell|unequal length|number of dimensions|has shape|numbers, expected"
SEVERAL = {
    "list": [1.0, 2.0],
    "list of one": [1.0],
    "list of none": [],
    "tuple": (1.0, 2.0),
    "array": np.zeros(2),
    "array of one": np.ones(1),
    "range": range(2),
    "bytearray": bytearray(b"12"),
}
INFINITE = {
    "infinity": np.inf,
    "minus infinity": -np.inf,
    "whole number beyond float": 10**400,
    "minus a whole number beyond float": -(10**400),
    "fraction beyond float": Fraction(10**400, 3),
    "decimal beyond float": Decimal("1e999"),
    "decimal infinity": Decimal("Infinity"),
    "long double beyond float": np.longdouble("1e4000"),
}
MISSING = {
    "NaN": np.nan,
    "NaN of NumPy": np.float32("nan"),
    "None": None,
    "NA": pd.NA,
    "masked": np.ma.masked,
    "decimal NaN": Decimal("NaN"),
}
# What is a number, and which one.
NUMBERS = {
    "bool": (True, 1.0),
    "bool of NumPy": (np.True_, 1.0),
    "whole number": (2, 2.0),
    "whole number of many digits": (2**70, 2.0**70),
    "half precision": (np.float16(1.5), 1.5),
    "long double": (np.longdouble(1.5), 1.5),
    "decimal": (Decimal("1.5"), 1.5),
    "fraction": (Fraction(3, 2), 1.5),
    "array without axes": (np.array(1.5), 1.5),
}

# ------------------------------------------------------------------------------ whole arguments

# Arrays of other types than numbers.
DTYPES = {
    "complex": (np.complex128, COMPLEX),
    "dates": ("M8[s]", DATES),
    "durations": ("m8[s]", DATES),
    "text": ("U3", STRINGS),
    "bytes": ("S3", STRINGS),
    "records": ([("a", float)], "records"),
}
# What is no container of numbers at all.
NO_CONTAINERS = {
    "dict": {0: 1.0, 1: 2.0},
    "set": {1.0, 2.0},
    "iterator": iter([1.0]),
    "text": "12",
    "sparse": csr_array(np.eye(4)),
}


# -------------------------------------------------------------------------------- containers


def objects(shape, at, value):
    """An object array of ones, with ``value`` at one place."""
    array = np.empty(shape, dtype=object)
    array.fill(1.0)
    cell = np.empty((), dtype=object)  # or NumPy would take an array apart
    cell[()] = value
    array[tuple(slice(k, k + 1) for k in at)] = cell
    return array


def nested(shape, at, value):
    """The same in nested lists."""
    if not shape:
        return value
    inner = [nested(shape[1:], at[1:], 1.0) for _ in range(shape[0])]
    inner[at[0]] = nested(shape[1:], at[1:], value)
    return inner


def listed(shape, at, value):
    """A list of arrays, one of them of objects."""
    items = [np.ones(shape[1:]) for _ in range(shape[0])]
    items[at[0]] = objects(shape[1:], at[1:], value)
    return items


def tupled(shape, at, value):
    return tuple(listed(shape, at, value))


def object_array(shape, at, value):
    """A 1-D object array of arrays."""
    array = np.empty(shape[0], dtype=object)
    for k, item in enumerate(listed(shape, at, value)):
        array[k] = item
    return array


def framed(shape, at, value):
    """Series or data frame of pandas, or a list of them."""
    if len(shape) == 3:
        return [framed(shape[1:], at[1:], value if k == at[0] else 1.0) for k in range(shape[0])]
    array = objects(shape, at, value)
    return pd.Series(array) if len(shape) == 1 else pd.DataFrame(array)


def series(shape, at, value):
    """A list of Series."""
    return list(map(pd.Series, listed(shape, at, value)))


def bare(shape, at, value):
    """The value itself, where one number is expected."""
    return value

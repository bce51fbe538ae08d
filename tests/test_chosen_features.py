"""How `categorical_features` names features: numbers, names, a mask, the types of columns."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm._containers import chosen_features

NAMES = ["a", "b", "c"]


@pytest.mark.parametrize(
    "chosen",
    [
        [0, 2],
        (2, 0),
        [-1, 0],
        np.array([2, 0]),
        ["c", "a"],
        ["a", 2],
        np.array(["a", "c"]),
        [True, False, True],
        np.array([True, False, True]),
    ],
    ids=repr,
)
def test_numbers_names_and_masks_choose_the_same_features_in_order(chosen):
    assert_array_equal(chosen_features(chosen, 3, NAMES), [0, 2])


@pytest.mark.parametrize("chosen", [None, [], (), np.empty(0, int), [False] * 3])
def test_nothing_chosen_is_no_feature(chosen):
    numbers = chosen_features(chosen, 3, None)
    assert numbers.shape == (0,) and numbers.dtype.kind == "i"


def test_from_dtype_chooses_the_columns_of_categories():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    frame = pd.DataFrame({"a": [1.0], "b": pd.Categorical([3]), "c": ["text"]})
    assert_array_equal(chosen_features("from_dtype", 3, NAMES, frame), [1])
    frame = pl.DataFrame(
        {"a": ["x"], "b": ["y"], "c": ["z"]},
        schema={"a": pl.Enum(["x"]), "b": pl.String, "c": pl.Categorical},
    )
    assert_array_equal(chosen_features("from_dtype", 3, NAMES, frame), [0, 2])


@pytest.mark.parametrize(
    ("chosen", "names", "message"),
    [
        ("a", NAMES, r"'a' is not a list of features.*For a single feature, pass a list too"),
        (0, NAMES, "=0 is not a list of features"),
        ([[0]], NAMES, "not a list of features"),
        ({"a": 1}, NAMES, "not a list of features"),
        ([True], NAMES, "a mask of 1 entries, but X has 3 features"),
        ([0, True], NAMES, "contains True, which is not a feature"),
        ([0, -3], NAMES, "contains feature 0 twice"),
        (["a", 0], NAMES, "contains feature 0 twice"),
        ([3], NAMES, "contains 3, which is not a feature: X has 3 features"),
        ([-4], NAMES, "contains -4"),
        ([0.0], NAMES, "contains 0.0"),
        (
            ["z"],
            NAMES,
            r"the feature 'z', but X has 0 .*Its features are \['a', 'b', 'c'\]",
        ),
        (np.array(["z"]), None, "the feature 'z' by name, but the features of X have no names"),
    ],
    ids=str,
)
def test_a_bad_choice_is_named(chosen, names, message):
    with pytest.raises(ValueError, match=f"^categorical_features.*{message}"):
        chosen_features(chosen, 3, names)

"""Symbols become codes and codes become symbols, whatever the sequences come in."""

import pickle
from itertools import chain

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.preprocessing import OrdinalEncoder
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm._sequences import object_array
from sklstm.preprocessing import SequenceEncoder, from_long

LENGTHS = (3, 6, 1, 4, 7, 2)


def words(n=12, vocabulary=("ant", "bee", "cat", "dog", "elk", "fox"), seed=0):
    """Ragged lists of words; the first of the vocabulary is the most frequent."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, len(vocabulary) + 1)
    shares /= shares.sum()
    return [rng.choice(vocabulary, LENGTHS[k % 6], p=shares).tolist() for k in range(n)]


def texts():
    return ["".join(word[0] for word in x) for x in words()]


def rows():
    """Rows of a word, a number, and a letter."""
    rng = np.random.default_rng(1)
    return [[[word, float(rng.normal()), word[1]] for word in x] for x in words()]


def frames(make=pd.DataFrame):
    columns = [list(zip(*x, strict=True)) for x in rows()]
    return [make({"a": a, "b": b, "c": c}) for a, b, c in columns]


FORMS = {
    "lists": words(),
    "tuple": tuple(map(tuple, words())),
    "texts": texts(),
    "array of texts": np.array(texts()),
    "series of texts": pd.Series(texts()),
    "polars of texts": pl.Series(texts()),
    "arrays": [np.array(x) for x in words()],
    "object arrays": object_array([np.array(x, dtype=object) for x in words()]),
    "series": [pd.Series(x) for x in words()],
    "series of lists": pd.Series(words()),
    "polars of lists": pl.Series(words()),
    "numbers": [[len(word) * 7 + ord(word[0]) for word in x] for x in words()],
    "rows": rows(),
    "object rows": [np.array(x, dtype=object) for x in rows()],
    "pandas": frames(),
    "polars": frames(pl.DataFrame),
    "cube": np.array([x[:1] * 4 for x in rows()], dtype=object),
    "table": np.array([(x * 3)[:3] for x in words()]),
    "frame": pd.DataFrame([(x * 3)[:3] for x in words()], columns=["p", "q", "r"]),
}
forms = pytest.mark.parametrize("X", FORMS.values(), ids=FORMS)


def items_of(X):
    """The sequences of X, of frames their values."""
    items = X.to_numpy() if isinstance(X, pd.DataFrame) else X
    return [x.to_numpy() if hasattr(x, "to_numpy") else x for x in items]


def subset(X, where):
    """Some sequences of X, in the container of X."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[where]
    if isinstance(X, (list, tuple)):
        return type(X)(X[k] for k in where)
    return X[list(where)]


def same(first, second):
    """Whether two results are the same container of the same arrays."""
    assert type(first) is type(second) and len(first) == len(second)
    for x, y in zip(items_of(first), items_of(second), strict=True):
        assert_array_equal(np.asarray(x, float), np.asarray(y, float))


REASONS = {
    "check_transformer_data_not_an_array": "a list of lists is a list of sequences, and the result "
    "is one too, which has no shape"
}


@parametrize_with_checks(
    [
        SequenceEncoder(),
        SequenceEncoder(dtype="float32"),
        SequenceEncoder(max_categories=3, handle_unknown="infrequent_if_exist"),
        SequenceEncoder(min_frequency=0.02),
    ],
    expected_failed_checks=lambda estimator: REASONS,
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


# ------------------------------------------------------------------------------------- laws


@forms
def test_a_sequence_is_encoded_as_if_it_were_alone(X):
    encoder = SequenceEncoder().fit(X)
    whole = encoder.transform(X)
    for k in range(len(X)):
        same(items_of(encoder.transform(subset(X, [k]))), items_of(whole)[k : k + 1])


@forms
def test_the_order_of_the_sequences_does_not_matter(X):
    order = np.random.default_rng(0).permutation(len(X)).tolist()
    for settings in ({}, {"min_frequency": 5}, {"max_categories": 3}):
        encoder = SequenceEncoder(**settings).fit(X)
        other = SequenceEncoder(**settings).fit(subset(X, order))
        same(encoder.transform(X), other.transform(X))
        assert list(map(list, encoder.categories_)) == list(map(list, other.categories_))


@forms
def test_the_inverse_of_codes_are_the_symbols(X):
    encoder = SequenceEncoder().fit(X)
    original = encoder.inverse_transform(encoder.transform(X))
    assert len(original) == len(X)
    for x, y in zip(items_of(X), items_of(original), strict=True):
        x = list(x) if isinstance(x, str) else np.array(x, dtype=object).tolist()
        assert y.tolist() == x


@forms
def test_codes_are_whole_numbers_and_numbers_stay_what_they_are(X):
    encoder = SequenceEncoder().fit(X)
    n_features = 3 if len(encoder.encoded_features_) == 2 else 1
    assert encoder.encoded_features_.tolist() == ([0, 2] if n_features == 3 else [0])
    for x, codes in zip(items_of(X), items_of(encoder.transform(X)), strict=True):
        codes = np.reshape(codes, (-1, n_features))
        for k, j in enumerate(encoder.encoded_features_):
            assert set(codes[:, j]) <= set(range(len(encoder.categories_[k])))
        if n_features == 3:
            assert_array_equal(codes[:, 1], np.asarray(x, dtype=object)[:, 1].astype(float))


@forms
def test_the_result_has_the_container_of_x(X):
    encoded = SequenceEncoder().fit_transform(X)
    if isinstance(X, (list, tuple)) or X is FORMS["polars of lists"]:
        # an Arrow column of lists becomes a list of arrays
        assert type(encoded) is (tuple if isinstance(X, tuple) else list)
        assert all(x.dtype == np.float64 and x.ndim == 2 for x in encoded)
    elif getattr(X, "ndim", 1) == 1:
        assert encoded.dtype == object and encoded.shape == (12,)
    else:
        assert encoded.shape == X.shape and encoded.dtype == np.float64


@forms
def test_pickles_and_clones_encode_alike_and_nothing_is_changed(X):
    before = pickle.dumps(X)
    encoder = SequenceEncoder(max_categories=4).fit(X)
    same(pickle.loads(pickle.dumps(encoder)).transform(X), encoder.transform(X))
    same(clone(encoder).fit(X).transform(X), encoder.transform(X))
    same(SequenceEncoder(max_categories=4).fit_transform(X), encoder.transform(X))
    assert pickle.dumps(X) == before


@pytest.mark.parametrize("dtype", [np.float32, "float32", np.dtype("float32")])
def test_the_precision_can_be_chosen(dtype):
    for X in (words(), frames()):
        (first, *_) = SequenceEncoder(dtype=dtype).fit_transform(X)
        assert first.dtype == np.float32


def test_all_forms_of_the_same_symbols_give_the_same_codes():
    expected = SequenceEncoder().fit_transform(words())
    for name in ("arrays", "series", "tuple", "object arrays", "series of lists"):
        same(list(SequenceEncoder().fit_transform(FORMS[name])), expected)
    expected = SequenceEncoder().fit_transform(frames())
    for name in ("rows", "object rows", "polars"):
        same(SequenceEncoder().fit_transform(FORMS[name]), expected)
    same(
        SequenceEncoder().fit_transform(texts()),
        SequenceEncoder().fit_transform([list(text) for text in texts()]),
    )


# -------------------------------------------------------------------- scikit-learn's encoder


LIMITS = [
    {},
    {"min_frequency": 1},
    {"min_frequency": 6},
    {"min_frequency": 1000},
    {"min_frequency": 0.1},
    {"min_frequency": 0.15},
    {"max_categories": 1},
    {"max_categories": 2},
    {"max_categories": 4},
    {"max_categories": 6},
    {"max_categories": 7},
    {"min_frequency": 4, "max_categories": 5},
    {"min_frequency": 0.1, "max_categories": 2},
]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_codes_are_those_of_ordinal_encoder_for_all_steps(limits, missing, seed):
    X = words(seed=seed)
    steps = list(chain.from_iterable(X))
    if missing:
        steps[2] = steps[9] = np.nan
        X = [steps[:10], steps[10:]]
    column = object_array(steps)[:, np.newaxis]
    theirs = OrdinalEncoder(**limits, handle_unknown="use_encoded_value", unknown_value=-1)
    ours = SequenceEncoder(**limits).fit(X)
    expected = theirs.fit_transform(column)
    assert_array_equal(np.concatenate(ours.transform(X)), expected)
    known = [c for c in theirs.categories_[0] if c == c]
    assert ours.categories_[0].tolist() == known
    (ours_rare,) = ours.infrequent_categories_
    (theirs_rare,) = theirs.infrequent_categories_ if limits else [None]
    assert_array_equal(ours_rare, theirs_rare)
    back = np.concatenate(ours.inverse_transform(ours.transform(X))).tolist()
    for symbol, code, name in zip(steps, expected[:, 0], back, strict=True):
        rare = theirs_rare is not None and symbol in theirs_rare
        assert name == ("infrequent_sklearn" if rare else symbol if code == code else None)


def test_a_share_is_one_of_all_steps_also_of_those_that_miss_their_symbol():
    steps = ["a", "b", "b", "c", "c", np.nan, np.nan, np.nan]
    theirs = OrdinalEncoder(min_frequency=0.2).fit(object_array(steps)[:, np.newaxis])
    ours = SequenceEncoder(min_frequency=0.2).fit([steps])
    assert ours.infrequent_categories_[0].tolist() == ["a"]
    assert theirs.infrequent_categories_[0].tolist() == ["a"]


def test_ties_become_infrequent_as_in_scikit_learn():
    X = [list("aabbccd")]
    assert SequenceEncoder(max_categories=3).fit(X).infrequent_categories_[0].tolist() == ["a", "d"]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_a_long_table_of_events_has_three_ways_to_sequences(make):
    df = make({"user": [1, 1, 2, 1], "page": list("abac"), "seconds": [3.0, 5.0, 1.0, 2.0]})
    expected = [[[0], [1], [2]], [[0]]]
    X, _ = from_long(df, id="user", values="page")
    assert [x.tolist() for x in SequenceEncoder().fit_transform(X)] == expected
    with pytest.raises(ValueError, match=r"df contains strings.*SequenceEncoder.*groupby\('user',"):
        from_long(df, id="user")
    if make is pl.DataFrame:
        X = [x[["page", "seconds"]] for _, x in df.group_by("user", maintain_order=True)]
    else:
        X = [x[["page", "seconds"]] for _, x in df.groupby("user")]
        lists = SequenceEncoder().fit_transform(df.groupby("user")["page"].agg(list))
        assert [x.tolist() for x in lists] == expected
    assert SequenceEncoder().fit_transform(X)[0].tolist() == [[0, 3], [1, 5], [2, 2]]


# ------------------------------------------------------------------------ unknown and missing


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), pd.NA, np.ma.masked, pd.NaT])
def test_missing_is_nan_and_comes_back_as_none(missing):
    X = [["b", missing, "a"], [missing]]
    encoder = SequenceEncoder().fit(X)
    assert encoder.categories_[0].tolist() == ["a", "b"]
    first, second = encoder.transform(X)
    assert_array_equal(first, [[1], [np.nan], [0]])
    assert_array_equal(second, [[np.nan]])
    assert encoder.inverse_transform([first])[0].tolist() == ["b", None, "a"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["b", None, "a"]),
        pd.Series(["b", None, "a"], dtype=object),
        pd.Series(["b", None, "a"], dtype="string"),
        pd.Series(pd.Categorical(["b", None, "a"])),
        pl.Series(["b", None, "a"]),
        pl.Series(["b", None, "a"], dtype=pl.Categorical),
        pl.Series(["b", None, "a"], dtype=pl.Enum(["a", "b"])),
    ],
    ids=lambda column: f"{type(column).__module__[:6]}-{column.dtype}",
)
def test_columns_of_strings_and_categories_are_encoded(column):
    frame = type(column.to_frame())({"n": [1, 2, 3], "s": column})
    encoder = SequenceEncoder().fit([frame])
    assert encoder.encoded_features_.tolist() == [1]
    assert_array_equal(encoder.transform([frame])[0], [[1, 1], [2, np.nan], [3, 0]])
    assert encoder.get_feature_names_out().tolist() == ["n", "s"]
    assert encoder.feature_names_in_.tolist() == ["n", "s"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.5, None], dtype="Float64"),
        pd.Series([1, None], dtype="Int64"),
        pd.Series([True, None], dtype="boolean"),
        pd.Series([1.5, None], dtype=object),
        pl.Series([1, None]),
        pl.Series([True, None]),
        pl.Series([1.5, None], dtype=pl.Float32),
    ],
    ids=lambda column: f"{type(column).__module__[:6]}-{column.dtype}",
)
def test_columns_of_numbers_pass(column):
    frame = type(column.to_frame())({"n": column})
    encoder = SequenceEncoder().fit([frame])
    assert encoder.encoded_features_.size == 0 and encoder.categories_ == []
    assert_array_equal(encoder.transform([frame])[0], [[float(column[0])], [np.nan]])


def test_a_column_of_categories_is_encoded_even_if_they_are_numbers():
    X = [pd.DataFrame({"page": [30, 10]}).astype("category"), pd.DataFrame({"page": [20]})]
    encoder = SequenceEncoder().fit(X)
    assert_array_equal(encoder.categories_[0], [10, 20, 30])
    assert_array_equal(encoder.transform(X)[0], [[2], [0]])
    assert SequenceEncoder().fit(X[::-1]).encoded_features_.tolist() == [0]
    assert_array_equal(encoder.transform([pd.DataFrame({"page": [20, 7]})])[0], [[1], [-1]])


def test_a_column_is_encoded_if_one_sequence_has_a_string_in_it():
    X = [pd.DataFrame({"a": [None]}, dtype=object), pd.DataFrame({"a": ["x"]}, dtype=object)]
    assert SequenceEncoder().fit(X).encoded_features_.tolist() == [0]
    assert SequenceEncoder().fit(X[:1]).encoded_features_.tolist() == []


def test_unknown_symbols_are_minus_one_or_infrequent_or_an_error():
    X, new = [list("aaabbbc")], [["a", "z"], [3, None, "c"]]
    ignoring = SequenceEncoder(min_frequency=2).fit(X)
    assert_array_equal(ignoring.transform(new)[0].ravel(), [0, -1])
    assert_array_equal(ignoring.transform(new)[1].ravel(), [-1, np.nan, 2])
    assert ignoring.inverse_transform([[[-1], [2]]])[0].tolist() == [None, "infrequent_sklearn"]
    shared = SequenceEncoder(min_frequency=2, handle_unknown="infrequent_if_exist").fit(X)
    assert_array_equal(shared.transform(new)[0].ravel(), [0, 2])
    without = SequenceEncoder(handle_unknown="infrequent_if_exist").fit(X)
    assert_array_equal(without.transform(new)[0].ravel(), [0, -1])
    strict = SequenceEncoder(handle_unknown="error").fit(X)
    assert_array_equal(strict.transform([["a", None]])[0].ravel(), [0, np.nan])
    message = "unknown symbol 'z' at sequence 0, step 1: fit did not see it.*handle_unknown"
    with pytest.raises(ValueError, match=message):
        strict.transform(new)


def test_the_place_of_an_unknown_symbol_names_the_column():
    strict = SequenceEncoder(handle_unknown="error").fit(frames())
    bad = frames()
    bad[4].loc[3, "c"] = "?"
    with pytest.raises(ValueError, match=r"'\?' at sequence 4, step 3, column 'c'"):
        strict.transform(bad)
    strict = SequenceEncoder(handle_unknown="error").fit(rows())
    bad = rows()
    bad[4][3][2] = "?"
    with pytest.raises(ValueError, match=r"'\?' at sequence 4, step 3, feature 2"):
        strict.transform(bad)


# -------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ("abc", TypeError, r"X is a str: pass \[X\]"),
        ([], ValueError, "X is empty"),
        ([[]], ValueError, "Sequence 0 of X is empty"),
        (["a", ""], ValueError, "Sequence 1 of X is empty"),
        ([1, 2], ValueError, r"Sequence 0 of X is of type int.*Pass a single sequence as \[X\]"),
        ([["a"], None], ValueError, "Sequence 1 of X is of type NoneType"),
        (np.ones(3), ValueError, "Reshape your data"),
        (np.array("a"), ValueError, "X is of type ndarray"),
        (np.ones((2, 2, 2, 2)), ValueError, "dim"),
        ([np.ones((2, 2, 2))], ValueError, r"Sequence 0 of X is of shape \(2, 2, 2\)"),
        ([[[], []]], ValueError, "Sequence 0 of X has 0 features"),
        ([["a", ["b"]]], ValueError, "Sequence 0 of X mixes rows and single symbols: step 1"),
        ([["a"], [["b"]]], ValueError, "Sequence 1 of X has a row per step, but sequence 0 has"),
        ([[["a", 1], ["b"]]], ValueError, "Sequence 0 of X has rows of unequal length, see step 1"),
        ([[["a", 1]], [["b"]]], ValueError, "Sequence 1 of X has 1 features, but sequence 0 has 2"),
        ([["a"], ["b", 1]], TypeError, "'a' of type str .* 1 of type int at sequence 1, step 1"),
        ([["a", {"b": 1}]], TypeError, r"a dict at sequence 0, step 1.*pandas.DataFrame\(x\)"),
        ([[{"e": "a"}]], TypeError, "a dict at sequence 0, step 0"),
        ([[["a", {1}]]], TypeError, "a set at sequence 0, step 0, feature 1"),
        ([[frozenset("a")]], TypeError, "a frozenset at sequence 0, step 0.*cannot be sorted"),
        ([["a"], [object()]], TypeError, "mixes"),
        ([[object(), object()]], TypeError, "a object at .* step 0.*cannot be sorted"),
        ([[pd.Timestamp(0)]], TypeError, "a Timestamp at .* dates and durations cannot be symbols"),
        ([np.array(["2020-01-01"], "M8[D]")], TypeError, "dates or durations.*sequence 0, step 0"),
        ([pd.DataFrame({"t": [pd.Timestamp(0)]})], TypeError, "dates.*sequence 0, column 't'"),
        ([pd.DataFrame({"a": ["x", 3]})], TypeError, "sequence 0, step 1, column 'a'"),
        ([pl.DataFrame({"a": [["x"]]})], TypeError, "a list at sequence 0, step 0, column 'a'"),
        ([pd.DataFrame({"a": [1.0, np.inf]})], ValueError, "infinity.*sequence 0, step 1"),
        ([[["a", 1j]]], ValueError, "complex at sequence 0, step 0, feature 1"),
        ([pd.DataFrame({"a": ["x"]}), np.array([["x"]])], ValueError, "no column names"),
        ([pd.DataFrame({"a": ["x"]}), pd.DataFrame({"b": ["x"]})], ValueError, "same columns"),
        (pd.DataFrame({"id": [1, 1], "s": ["x", "y"]}), ValueError, "long table"),
        ([("k", pd.DataFrame({"a": ["x"]}))], TypeError, "Sequence 0 of X is a pair"),
        ({"k": ["a"]}, TypeError, "X is of type dict"),
        ([{"a": 1}], TypeError, "Sequence 0 of X is of type dict"),
        ([iter("ab")], TypeError, r"pass list\(X\[0\]\)"),
        ([{"a"}], TypeError, "has no order"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_input_is_named_by_its_place_and_changes_nothing(method, X, error, message):
    encoder = SequenceEncoder()
    with pytest.raises(error, match=message):
        getattr(encoder, method)(X)
    assert vars(encoder) == vars(SequenceEncoder())


def test_what_fit_did_not_see_in_that_form_is_an_error():
    sequences = SequenceEncoder().fit(rows())
    table = SequenceEncoder().fit(FORMS["table"])
    framed = SequenceEncoder().fit(frames())
    wrong = frames()
    wrong[3].loc[1, "b"] = np.inf
    text = [x.astype({"b": object}) for x in frames()]
    text[3].loc[1, "b"] = "?"
    for encoder, X, message in (
        (sequences, words(), "X has 1 features, but SequenceEncoder is expecting 3"),
        (sequences, FORMS["table"], "X is a 2-D table of shape"),
        (table, words(), "was fitted on a 2-D table of 3 columns"),
        (table, FORMS["table"][:, :2], "X has 2 features, but SequenceEncoder is expecting 3"),
        (framed, [x[["b", "a", "c"]] for x in frames()], "same order"),
        (framed, wrong, "infinity.*sequence 3, step 1"),
        (framed, text, "strings, .* sequence 3, step 1, column 'b'.* In fit, all .* numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            encoder.transform(X)
    message = "'cat' of type str in an earlier call, 3 of type int at sequence 0, step 1"
    with pytest.raises(TypeError, match=message):
        SequenceEncoder().fit([["cat"]]).partial_fit([["dog", 3]])


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([[[0], [3]]], "contains 3 at sequence 0, step 1, which is not a code: codes are 0 to 2"),
        ([[[0.5]]], "contains 0.5 at sequence 0, step 0"),
        ([[[0, 1]]], "X has 2 features"),
        ([[["a"]]], "strings"),
    ],
)
def test_what_is_no_code_has_no_inverse(codes, message):
    with pytest.raises(ValueError, match=message):
        SequenceEncoder().fit([list("abc")]).inverse_transform(codes)


PARAMETERS = {
    "min_frequency": [0, 1.0, -1, "2", np.nan],
    "max_categories": [0, 1.5, "2"],
    "handle_unknown": ["use_encoded_value", None],
    "dtype": [int, "int", np.float16, None, np.dtype("int64")],
}


def test_every_parameter_is_validated():
    assert set(PARAMETERS) == set(SequenceEncoder().get_params())
    for name, values in PARAMETERS.items():
        for value in values:
            match = f"The '{name}' parameter of SequenceEncoder must be"
            with pytest.raises(ValueError, match=match):
                SequenceEncoder(**{name: value}).fit(words())


# ------------------------------------------------------------------------------ partial_fit


def test_partial_fit_appends_new_symbols_and_keeps_the_codes_of_old_ones():
    encoder = SequenceEncoder().partial_fit([["m", "c"]])
    assert_array_equal(encoder.transform([["m", "c", "x"]])[0].ravel(), [1, 0, -1])
    encoder.partial_fit([["x", "a", "c", None]])
    assert encoder.categories_[0].tolist() == ["c", "m", "a", "x"]
    assert_array_equal(encoder.transform([["m", "c", "x", "a"]])[0].ravel(), [1, 0, 3, 2])
    assert encoder.inverse_transform([[[3], [0]]])[0].tolist() == ["x", "c"]
    encoder.fit([["x"]])
    assert encoder.categories_[0].tolist() == ["x"]


@forms
def test_one_partial_fit_is_a_fit_and_another_of_the_same_changes_nothing(X):
    expected = SequenceEncoder().fit(X)
    encoder = SequenceEncoder().partial_fit(X)
    for _ in range(2):
        same(encoder.transform(X), expected.transform(X))
        assert list(map(list, encoder.categories_)) == list(map(list, expected.categories_))
        encoder.partial_fit(X)


def test_later_calls_may_have_rows_of_one_symbol_and_the_form_stays_that_of_the_first():
    encoder = SequenceEncoder().partial_fit([["a"]]).partial_fit([[["b"], ["c"]]])
    assert encoder.inverse_transform(encoder.transform([["c", "a"]]))[0].tolist() == ["c", "a"]
    assert encoder.stream().step("b").tolist() == [1]
    rows = SequenceEncoder().partial_fit([[["a"]]]).partial_fit(["ab"])
    assert rows.inverse_transform([[[1]]])[0].tolist() == [["b"]]


def test_partial_fit_is_not_there_with_limits():
    for name in ("min_frequency", "max_categories"):
        encoder = SequenceEncoder(**{name: 2})
        assert not hasattr(encoder, "partial_fit")
        with pytest.raises(AttributeError, match="partial_fit") as error:
            encoder.partial_fit([["a"]])
        assert f"{name}=None, got 2" in str(error.value.__cause__)
    encoder = SequenceEncoder(max_categories=2).fit([list("aab"), list("c")])
    with pytest.raises(ValueError, match="cannot continue a fit that found infrequent symbols"):
        encoder.set_params(max_categories=None).partial_fit([["d"]])


# ---------------------------------------------------------------------------------- tables


def test_the_columns_of_a_table_share_their_codes_and_follow_set_output():
    X = FORMS["frame"]
    encoder = SequenceEncoder().fit(X)
    assert encoder.n_features_in_ == 3 and len(encoder.categories_) == 1
    assert_array_equal(
        encoder.transform(X.to_numpy()[:, :3]), encoder.transform(X)
    ) if False else None
    framed = encoder.set_output(transform="pandas").transform(X)
    assert list(framed.columns) == ["p", "q", "r"]
    expected = SequenceEncoder().fit_transform(list(X.to_numpy()))
    assert_array_equal(framed.to_numpy(), np.array(expected)[:, :, 0])
    ragged = SequenceEncoder().set_output(transform="pandas").fit_transform(words())
    assert isinstance(ragged, list)


def test_set_output_leaves_sequences_alone():
    encoder = SequenceEncoder().set_output(transform="polars")
    assert isinstance(encoder.fit_transform(frames())[0], np.ndarray)
    assert isinstance(encoder.fit_transform(FORMS["cube"]), np.ndarray)

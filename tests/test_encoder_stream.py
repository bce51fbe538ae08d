"""Streams of pipelines that begin with an encoder take raw symbols, one by one and in blocks."""

import pickle
from collections import namedtuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.preprocessing import SequenceDifferences, SequenceEncoder, SequenceScaler

SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0, "n_jobs": 1}
WORDS = [["ant", "bee", "cat"], ["bee"], ["cat", "cat", "ant", "bee"], ["ant", "cat"]]
ROWS = [[[word, 0.5 * t, word[0]] for t, word in enumerate(x)] for x in WORDS]
Y = [0.0, 1.0, 0.0, 1.0]


def of_symbols(X=WORDS, **settings):
    return make_pipeline(SequenceEncoder(), LSTMRegressor(**SMALL, **settings)).fit(X, Y)


def of_rows(X=ROWS, **settings):
    scaler = SequenceScaler(categorical_features=[0, 2])
    return make_pipeline(SequenceEncoder(), scaler, LSTMRegressor(**SMALL, **settings)).fit(X, Y)


KINDS = pytest.mark.parametrize(
    ("make", "X"), [(of_symbols, WORDS), (of_rows, ROWS)], ids=["symbols", "rows"]
)


@KINDS
def test_every_step_gives_the_prediction_for_the_sequence_so_far(make, X):
    model = make()
    stream = sklstm.stream(model)
    for x in X:
        stream.reset()
        for t, step in enumerate(x):
            expected = model.predict([x[: t + 1]])[0]
            assert_allclose(stream.peek(step), expected, rtol=1e-11)
            assert_allclose(stream.step(step), expected, rtol=1e-11)


@KINDS
def test_a_block_is_its_steps_one_by_one(make, X):
    model = make(solver="sgd")
    for x in X:
        one, block = sklstm.stream(model), sklstm.stream(model)
        assert_array_equal(block.steps(x), [one.step(step) for step in x])
    one, block = (sklstm.stream(make(solver="sgd")) for _ in range(2))
    outputs, losses = block.learn_steps(X[2], Y)
    for step, y, output, loss in zip(X[2], Y, outputs, losses, strict=True):
        assert one.step(step) == output
        assert one.learn(y) == loss


@KINDS
def test_the_encoders_own_stream_is_its_transform(make, X):
    encoder = make()[0]
    stream = encoder.stream()
    for x in X:
        assert_array_equal([stream.step(step) for step in x], encoder.transform([x])[0])
    assert stream.reset() is stream


def test_a_step_may_be_a_symbol_or_a_row_of_any_kind():
    stream = SequenceEncoder().fit(WORDS).stream()
    for x in ("cat", np.str_("cat"), ["cat"], ("cat",), np.array(["cat"]), np.array("cat")):
        assert_array_equal(stream.step(x), [2])
    for series in (pd.Series(["cat"]), pl.Series(["cat"])):
        assert_array_equal(stream.step(series), [2])
    for missing in (None, np.nan, [None], pd.NA, np.ma.masked):
        assert_array_equal(stream.step(missing), [np.nan])
    assert_array_equal(stream.step("camel"), [-1])
    assert_array_equal(SequenceEncoder().fit([[3, 5]]).stream().step(5), [1])
    stream = SequenceEncoder().fit(ROWS).stream()
    Row = namedtuple("Row", "word value letter")
    row = ["cat", 0.5, "c"]
    for x in (row, tuple(row), Row(*row), np.array(row, dtype=object), pd.Series(row)):
        assert_array_equal(stream.step(x), [2, 0.5, 2])


def test_a_block_may_be_anything_that_a_sequence_may_be():
    model = of_symbols(["abc", "b", "ccab", "ac"])
    expected = sklstm.stream(model).steps(["c", "c", "a"])
    forms = ("cca", ("c", "c", "a"), np.array(list("cca")), pd.Series(list("cca")))
    for X in (*forms, [["c"], ["c"], ["a"]]):
        assert_array_equal(sklstm.stream(model).steps(X), expected)
    model = of_rows()
    expected = sklstm.stream(model).steps(ROWS[0])
    columns = dict(zip("abc", zip(*ROWS[0], strict=True), strict=True))
    for X in (pd.DataFrame(columns), pl.DataFrame(columns), np.array(ROWS[0], dtype=object)):
        assert_array_equal(sklstm.stream(model).steps(X), expected)
    assert sklstm.stream(model).steps(pd.DataFrame(columns).iloc[:0]).shape == (0,)


def test_what_transformers_after_the_encoder_remember_comes_back_after_an_error():
    encoder = SequenceEncoder(handle_unknown="error")
    model = make_pipeline(encoder, SequenceDifferences(), LSTMRegressor(**SMALL)).fit(WORDS, Y)
    stream, other = sklstm.stream(model), sklstm.stream(model)
    assert stream.step("ant") == other.step("ant")
    for call, bad, error, message in (
        (stream.step, "dog", ValueError, "unknown symbol 'dog' at feature 0"),
        (stream.peek, "dog", ValueError, "unknown symbol 'dog' at feature 0"),
        (stream.step, {"word": "cat"}, TypeError, r"x is of type dict\. Pass a list"),
        (stream.step, ["cat", "cat"], ValueError, "x has 2 values, expected 1"),
        (stream.steps, ["cat", "dog"], ValueError, "^Step 1: x holds the unknown symbol 'dog'"),
        (stream.steps, ["cat", ["cat", "bee"]], ValueError, "X mixes rows and single symbols"),
        (stream.steps, [["cat"], ["cat", "bee"]], ValueError, "unequal length, see step 1"),
        (stream.steps, [["cat", "bee"]], ValueError, "X has 2 features, expected 1"),
        (stream.steps, {"cat"}, TypeError, "no order"),
        (stream.steps, 3, ValueError, "X is of type int"),
        (stream.steps, ["cat", {}], TypeError, "^Step 1: x holds a dict at feature 0"),
    ):
        with pytest.raises(error, match=message):
            call(bad)
    assert stream.step("cat") == other.step("cat")
    rows = SequenceEncoder().fit(ROWS).stream()
    for bad, error, message in (
        (["cat", "?", "c"], ValueError, "x contains strings, the first at feature 1"),
        (["cat", np.inf, "c"], ValueError, "x contains infinity .* in feature 1"),
        ("cat", ValueError, "x has 1 values, expected 3"),
    ):
        with pytest.raises(error, match=message):
            rows.step(bad)


def test_symbols_that_the_encoder_learns_meanwhile_have_codes_at_the_next_step():
    model = of_symbols()
    stream = model[0].stream()
    assert_array_equal(stream.step("dog"), [-1])
    model[0].partial_fit([["dog"]])
    assert_array_equal(stream.step("dog"), [3])


def test_a_stream_of_symbols_is_pickled_and_predicts_labels():
    model = make_pipeline(SequenceEncoder(), LSTMClassifier(**SMALL)).fit(WORDS, list("xyxy"))
    stream = sklstm.stream(model)
    stream.step("ant")
    other = pickle.loads(pickle.dumps(stream))
    assert stream.step("cat") == other.step("cat")
    assert stream.predict() == model.predict([["ant", "cat"]])[0]

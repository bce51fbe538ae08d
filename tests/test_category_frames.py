"""Categories in the columns of data frames: of which kinds they may be, and what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceImputer, SequenceScaler


def word_frames(words, n=12, seed=0):
    """Data frames of a number and of a category."""
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(seed)
    frames = []
    for length in rng.integers(2, 6, n):
        column = pd.Series([words[k] for k in rng.integers(0, len(words), length)])
        frames.append(pd.DataFrame({"a": rng.normal(size=length), "b": column.astype("category")}))
    return frames


def by_type(**settings):
    return LSTMRegressor(
        2, categorical_features="from_dtype", max_iter=2, random_state=0, **settings
    )


@pytest.mark.parametrize("kind", ["times", "intervals", "periods", "pairs"])
def test_categories_that_are_no_numbers_are_not_missing(kind):
    pd = pytest.importorskip("pandas")
    words = {
        "times": list(pd.date_range("2020", periods=3)),
        "intervals": list(pd.interval_range(0, 3)),
        "periods": list(pd.period_range("2020", periods=3, freq="D")),
        "pairs": [(1, 2), (1, 3), (2, 2)],
    }[kind]
    X = word_frames(words)
    model = by_type().fit(X, np.arange(12.0))
    assert set(model.categories_[0]) == set(words)
    assert np.isfinite(model.predict(X)).all()


def test_frames_with_other_columns_than_in_fit_are_named():
    X, y = word_frames(["u", "v"]), np.arange(12.0)
    model = by_type().fit(X, y)
    for other in ([x[["a"]] for x in X], [x[["b", "a"]] for x in X]):
        for method in (model.predict, lambda frames: model.partial_fit(frames, y)):
            with pytest.raises(ValueError, match="feature names should match"):
                method(other)
    with pytest.raises(ValueError, match="Sequence 3 of X has the columns"):
        model.predict([*X[:3], X[3][["a"]]])
    with pytest.raises(ValueError, match="Sequence 0 of X has several columns of the same name"):
        by_type().fit([x.rename(columns={"a": "b"}) for x in X], y)
    with pytest.raises(TypeError, match=r"a list where .* sequence 0, step 0, column 'b'"):
        model.predict([x.assign(b=[[1]] * len(x)) for x in X])
    assert_array_equal(model.categories_[0], ["v", "u"])


def test_columns_cannot_become_categories_later_on():
    pd = pytest.importorskip("pandas")
    X, y = word_frames(["u", "v"]), np.arange(12.0)
    model = by_type().fit(X, y)
    before = model.predict(X)
    swapped = [
        pd.DataFrame({"a": pd.Categorical(["u"] * len(x)), "b": np.arange(len(x))}) for x in X
    ]
    numbers = [x.assign(b=np.arange(len(x))) for x in X]
    for other, now in ((swapped, [0]), (numbers, [])):
        with pytest.raises(ValueError, match=r"selects the features \[") as error:
            model.partial_fit(other, y)
        assert f"features {now}, but" in str(error.value)
    model.set_params(categorical_features=[1])
    with pytest.raises(ValueError, match='fitted with "from_dtype" on'):
        model.partial_fit(numbers, y)
    assert_array_equal(model.predict(X), before)


def test_types_of_the_columns_of_a_table_are_not_ignored():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"a": np.arange(12.0), "b": pd.Categorical([1, 2] * 6)})
    with pytest.raises(ValueError, match="X is a table whose columns are steps"):
        by_type().fit(table, np.arange(12.0))


def test_codes_are_not_taken_for_labels_nor_labels_for_codes():
    X, y = word_frames([1, 0, 2, None]), np.arange(12.0)  # the codes of these are 0, 1, 2 by turns
    model = by_type().fit(X, y)
    expected = model.predict(X)
    for arrays in ([x.to_numpy(float) for x in X], [x.to_numpy(float).tolist() for x in X]):
        with pytest.raises(ValueError, match="X must be a list of data frames"):
            model.predict(arrays)
    for x, value in zip(X, expected, strict=True):
        rows = list(x.itertuples(index=False, name=None))
        stream = model.stream()
        assert [stream.peek(row) for row in rows[:1]] == [stream.step(row) for row in rows[:1]]
        outputs = np.append(stream.predict(), stream.steps(rows[1:]))
        assert outputs[-1] == pytest.approx(value, rel=1e-12)
        assert_array_equal(model.stream().steps(x), outputs)


def test_a_stream_takes_words_that_frames_had():
    model = by_type().fit(word_frames(["u", "v"]), np.arange(12.0))
    stream = model.stream()
    of_u = stream.peek([0.5, "u"])
    assert of_u != stream.peek([0.5, "v"])
    assert stream.peek([0.5, "w"]) == stream.peek([0.5, None])
    for bad in ([0.5, ["u"]], [0.5], 3.0, ["u", 0.5]):
        with pytest.raises(ValueError, match="x "):
            stream.step(bad)
    outputs, losses = stream.learn_steps([[0.5, "u"], [0.1, "v"]], [1.0, np.nan])
    assert outputs[0] == of_u and np.isnan(losses[1])


@pytest.mark.parametrize("form", ["array", "list", "table"])
def test_without_data_frames_no_types_are_to_be_seen(form):
    X = np.arange(72.0).reshape(12, 3, 2)
    X = {"array": X, "list": list(X), "table": X[:, :, 0]}[form]
    y, message = (
        np.arange(12.0),
        r'"from_dtype" needs a list of .*to the numbers of the features',
    )
    for call in (
        lambda: by_type().fit(X, y),
        lambda: by_type().partial_fit(X, y),
        lambda: by_type().initialize(2),
        lambda: SequenceScaler(categorical_features="from_dtype").fit(X),
        lambda: SequenceImputer(categorical_features="from_dtype").fit(X),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_behind_what_returns_arrays_features_are_named_by_number():
    X, y = word_frames([0, 1]), np.arange(12.0)
    numbers = [x.astype(float) for x in X]
    for make in (
        lambda inner: make_pipeline(SequenceScaler(categorical_features=["b"]), inner),
        lambda inner: RelativeRegressor(inner, columns="a"),
    ):
        with pytest.raises(ValueError, match='"from_dtype" needs a list of data frames'):
            make(by_type()).fit(numbers, y)
        make(by_type().set_params(categorical_features=[1])).fit(numbers, y)

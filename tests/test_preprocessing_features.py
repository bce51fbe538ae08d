"""Features made of the steps around each step, and laws of all transformers."""

import copy
import pickle
import tracemalloc

import joblib
import numpy as np
import pytest
import skops.io
from numpy.testing import assert_array_equal
from problems import cube, sequences
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm import LSTMRegressor
from sklstm._sequences import object_array
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
    from_padded,
    to_padded,
)

FORMS = {
    "list": sequences(),
    "tuple": tuple(sequences()),
    "object": object_array(sequences()),
    "array": cube(),
}
forms = pytest.mark.parametrize("X", FORMS.values(), ids=FORMS)

SETTINGS = [
    SequenceDifferences(),
    SequenceDifferences(2),
    SequenceDifferences(3, keep=False),
    SequenceContext(),
    SequenceContext(0, 3),
    SequenceContext(3, 0, relative=False),
    SequenceContext(9, 10),  # more than any sequence has
    SequenceContext(0, 0),
]
settings = pytest.mark.parametrize("model", SETTINGS, ids=repr)
CAUSAL = [model for model in SETTINGS if not getattr(model, "after", 0)]
causal = pytest.mark.parametrize("model", CAUSAL, ids=repr)
IMPUTERS = [
    SequenceImputer(),
    SequenceImputer("mean", add_indicator=True),
    SequenceImputer("constant", fill_value=3, add_indicator=True, add_elapsed=True),
]
LINEAR = SequenceImputer("linear", add_elapsed=True)
every_kind = pytest.mark.parametrize("model", [*SETTINGS, *IMPUTERS, LINEAR], ids=repr)
with_stream = pytest.mark.parametrize("model", [*CAUSAL, *IMPUTERS, SequenceScaler()], ids=repr)


def with_holes(X):
    """X with a third of its values missing."""
    X = [x.copy() for x in X]
    for k, x in enumerate(X):
        x.ravel()[k % 3 :: 3] = np.nan
    return X


# --------------------------------------------------------------------- the twin, to be read


def differences(x, order, keep):
    """(T, F) to (T, F'): np.diff of what stood still before its first step."""
    orders = [x]
    for _ in range(order):
        orders.append(np.diff(orders[-1], axis=0, prepend=orders[-1][:1]))
    return np.concatenate(orders[0 if keep else 1 :], axis=1)


def context(x, before, after, relative):
    blocks = [x]
    for k in [*range(-before, 0), *range(1, after + 1)]:
        others = x[np.clip(np.arange(len(x)) + k, 0, len(x) - 1)]
        blocks.append(others - x if relative else others)
    return np.concatenate(blocks, axis=1)


def twin(model, x):
    made = differences if isinstance(model, SequenceDifferences) else context
    given = model.get_params()
    del given["features_per_step"]
    return made(x, **given)


# ------------------------------------------------------------------------------------- laws


@parametrize_with_checks(
    [
        SequenceDifferences(),
        SequenceDifferences(2, keep=False),
        SequenceContext(),
        SequenceContext(1, 0, relative=False),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@settings
@forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sequence_becomes_what_the_twin_says_whatever_the_others_are(model, X, dtype):
    if isinstance(X, np.ndarray) and X.dtype != object:
        X = X.astype(dtype)
    else:
        cast = [x.astype(dtype) for x in X]
        X = object_array(cast) if isinstance(X, np.ndarray) else type(X)(cast)
    before = pickle.dumps(X)
    output = model.fit_transform(X)
    assert type(output) is type(X) and len(output) == len(X)
    for x, given in zip(output, X, strict=True):
        assert x.dtype == dtype and x.flags.c_contiguous
        assert_array_equal(x, twin(model, given))
        assert_array_equal(model.transform([given])[0], x)  # one by one
        x[...] = 7
    assert pickle.dumps(X) == before


@every_kind
def test_sequences_of_one_length_are_the_same_in_an_array_and_a_list(model):
    X = cube()
    model.fit(X)
    assert_array_equal(np.array(model.transform(list(X))), model.transform(X))
    with pytest.raises(ValueError, match="2-D table"):
        model.transform(X[:, :, 0])
    with pytest.raises(ValueError, match=r"X has 1 features, but Sequence.* is expecting 2"):
        model.transform(X[:, :, :1])


@causal
def test_padding_at_the_end_stays_padding(model):
    X = sequences()
    padded = model.fit_transform(to_padded(X, value=np.nan))
    for ours, expected in zip(padded, model.transform(X), strict=True):
        n = len(expected)
        assert_array_equal(ours[:n], expected)
        assert np.isnan(ours[n:, 0]).all()
    if isinstance(model, SequenceDifferences) and model.keep:
        found = from_padded(padded, padding="post")
        assert [x.shape for x in found] == [x.shape for x in model.transform(X)]


@settings
def test_no_copy_is_made_beside_the_result(model):
    X = cube(400, 200, 3)
    model.fit(X)
    tracemalloc.start()
    try:
        output = model.transform(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < output.nbytes + X.nbytes / 4  # the buffers of NumPy


# ----------------------------------------------------------------------------------- tables


@every_kind
@pytest.mark.parametrize("n_features", [1, 2])
def test_the_columns_of_a_table_are_steps_of_sequences(model, n_features):
    X = cube(n_features=n_features)
    table = X.reshape(len(X), -1)
    model = clone(model).set_params(features_per_step=n_features).fit(table)
    expected = clone(model).fit_transform(X)
    assert_array_equal(model.transform(table), expected.reshape(len(X), -1))
    assert model.n_features_in_ == 4 * n_features
    assert len(model.get_feature_names_out()) == expected[0].size
    after = SequenceScaler(features_per_step=expected.shape[2])
    assert len(after.fit(model.transform(table)).mean_) == expected.shape[2]
    with pytest.raises(ValueError, match="features_per_step=4 differs from its value in fit"):
        model.set_params(features_per_step=4).transform(table)
    with pytest.raises(ValueError, match="features_per_step=3 does not divide"):
        model.set_params(features_per_step=3).fit(table)


def test_an_estimator_after_a_table_takes_the_features_that_are_documented():
    table, y = cube().reshape(24, -1), np.arange(24.0)
    lstm = {"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0}
    for model, factor in ((SequenceDifferences(2), 3), (SequenceContext(2, 1), 4)):
        model.set_params(features_per_step=2)
        table_model = LSTMRegressor(**lstm, features_per_step=2 * factor)
        table_model.fit(model.fit_transform(table), y)
        expected = LSTMRegressor(**lstm).fit(clone(model).fit_transform(cube()), y)
        assert_array_equal(table_model.parameters_, expected.parameters_)


def test_features_have_names():
    model = SequenceDifferences(2).fit(cube())
    expected = ["x0", "x1", "x0_diff1", "x1_diff1", "x0_diff2", "x1_diff2"]
    assert model.get_feature_names_out().tolist() == expected
    assert model.get_feature_names_out(["u", "v"])[:3].tolist() == ["u", "v", "u_diff1"]
    assert SequenceDifferences(keep=False).fit(cube()).get_feature_names_out().tolist() == [
        "x0_diff1",
        "x1_diff1",
    ]
    model = SequenceContext(2, 1).fit(cube(n_features=1))
    expected = ["x0", "x0_before2", "x0_before1", "x0_after1"]
    assert model.get_feature_names_out().tolist() == expected
    with pytest.raises(NotFittedError):
        SequenceContext().get_feature_names_out()
    with pytest.raises(ValueError, match="length equal to"):
        model.get_feature_names_out(["u", "v"])


@every_kind
def test_a_name_belongs_to_its_values(model):
    """One feature after the other, and the step itself, without the others."""
    X = np.array(with_holes(np.round(8 * cube(n_features=3))))  # whole numbers have exact sums
    model.fit(X)
    names, output = model.get_feature_names_out().tolist(), model.transform(X)
    assert len(names) == len(set(names)) == output.shape[2]
    for k in range(3):
        alone = clone(model).fit(X[:, :, [k]])
        for j, name in enumerate(alone.get_feature_names_out([f"x{k}"])):
            place = names.index(name)
            assert_array_equal(output[:, :, place], alone.transform(X[:, :, [k]])[:, :, j])


@pytest.mark.parametrize("how", ["set_output", "config"])
@pytest.mark.parametrize("library", ["pandas", "polars"])
@every_kind
def test_tables_become_frames_under_set_output_and_sequences_stay(model, library, how):
    pd = pytest.importorskip(library)
    model = clone(model).set_params(features_per_step=2)
    if how == "set_output":
        model.set_output(transform=library)
    columns = ["a", "b", "c", "d"]
    frame = pd.DataFrame(dict(zip(columns, cube()[:, :2].reshape(24, 4).T, strict=True)))
    expected = model.fit(cube()[:, :2]).transform(cube()[:, :2]).reshape(24, -1)
    with config_context(transform_output=library if how == "config" else "default"):
        for output in (model.fit_transform(frame), model.fit(frame).transform(frame)):
            assert isinstance(output, pd.DataFrame)
            names = model.get_feature_names_out().tolist()
            assert list(output.columns) == names
            if model.get_params().get("keep", True):
                n = expected.shape[1] // 2
                assert names[:2] == ["a", "b"] and names[n : n + 2] == ["c", "d"]
            assert_array_equal(output.to_numpy(), expected)
        for X in FORMS.values():
            output = model.fit_transform(X)
            assert type(output) is type(X)
            assert all(type(x) is np.ndarray for x in output)


def test_the_index_of_a_frame_is_kept():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(cube()[:3, :, 0], index=[5, 6, 7], columns=list("abcd"))
    output = SequenceDifferences().set_output(transform="pandas").fit_transform(frame)
    assert list(output.index) == [5, 6, 7]
    assert list(output.columns)[:4] == ["a", "a_diff1", "b", "b_diff1"]


# ----------------------------------------------------------------------------------- values


def test_nan_is_passed_on_and_infinity_is_named_with_its_place():
    X = np.arange(8.0).reshape(1, 8, 1)
    X[0, 3] = np.nan
    found = SequenceDifferences().fit_transform(X)[0]
    assert np.flatnonzero(np.isnan(found[:, 0])).tolist() == [3]
    assert np.flatnonzero(np.isnan(found[:, 1])).tolist() == [3, 4]
    found = SequenceContext(1, 0).fit_transform(X)[0]
    assert np.flatnonzero(np.isnan(found[:, 1])).tolist() == [3, 4]
    for model in (SequenceDifferences(), SequenceContext()):
        assert model.__sklearn_tags__().input_tags.allow_nan
        for given in (X, [X[0]], X[:, :, 0]):
            model.fit_transform(given)
            broken = copy.deepcopy(given)
            broken[0][5] = np.inf
            with pytest.raises(ValueError, match=r"infinity.*sequence 0, step 5"):
                model.fit(broken)
            with pytest.raises(ValueError, match=r"infinity.*sequence 0, step 5"):
                model.transform(broken)
    with pytest.raises(ValueError, match="X contains NaN: sequence 0, step 3"):
        LSTMRegressor(2, max_iter=1).fit(X, [1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", [SequenceDifferences(2), SequenceContext(1, 1)], ids=repr)
def test_what_overflows_is_refused_by_the_next_step_and_not_a_warning(model, dtype):
    largest = np.finfo(dtype).max
    X = [np.array([[largest], [-largest], [largest]], dtype)]
    output = model.fit_transform(X)
    with pytest.raises(ValueError, match=r"X contains infinity.*sequence 0, step"):
        SequenceScaler().fit(output)
    apart = [np.array([[largest]], dtype), np.array([[-largest]], dtype)]
    assert np.isfinite(model.transform(apart)).all()  # sequences are nothing to one another


@every_kind
def test_bad_sequences_are_errors_that_leave_the_model_as_it_was(model):
    model = clone(model).fit(cube())
    before = pickle.dumps(model)
    for X in ([], [np.full((2, 2), np.inf)], np.ones((3, 0, 2)), [["a"]], 1.0):
        for method in (model.fit, model.transform):
            with pytest.raises((ValueError, TypeError), match="X"):
                method(X)
    with pytest.raises(NotFittedError):
        clone(model).transform(cube())
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    ("kind", "name", "values"),
    [
        (SequenceDifferences, "order", [0, -1, 1.0, "1", None]),
        (SequenceDifferences, "keep", ["yes", 2, None]),
        (SequenceDifferences, "features_per_step", [0, 1.5, None]),
        (SequenceContext, "before", [-1, 1.0, "1", None]),
        (SequenceContext, "after", [-1, 1.0, "1", None]),
        (SequenceContext, "relative", ["yes", 2, None]),
        (SequenceContext, "features_per_step", [0, 1.5, None]),
    ],
)
def test_every_parameter_is_validated(kind, name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"The '{name}' parameter of {kind.__name__} must be"):
            kind(**{name: value}).fit(cube())


@pytest.mark.parametrize("size", [10**12, 10**20, 10**400], ids=range(3))
@pytest.mark.parametrize("name", ["order", "before", "after"])
def test_more_steps_than_memory_holds_are_an_error_that_names_them(name, size):
    kind = SequenceDifferences if name == "order" else SequenceContext
    model = kind(**{name: size}).fit(cube())
    message = rf"{name}={size}.* needs more memory than there is .*Decrease .*{name}"
    with pytest.raises(MemoryError, match=message):
        model.transform(cube())
    if name != "after":
        options = {name: size} | ({"after": 0} if name == "before" else {})
        stream = kind(**options).fit(cube()).stream()
        with pytest.raises(MemoryError, match=message):
            stream.step(cube()[0, 0])
        assert stream.memory is None


def test_every_parameter_may_be_a_number_of_numpy():
    model = SequenceDifferences(np.int64(2), keep=np.bool_(False)).fit(cube())
    assert_array_equal(
        model.transform(cube()), SequenceDifferences(2, keep=False).fit_transform(cube())
    )
    model = SequenceContext(np.int8(1), np.int64(2), relative=np.bool_(True)).fit(cube())
    assert_array_equal(model.transform(cube()), SequenceContext(1, 2).fit_transform(cube()))
    assert model.get_feature_names_out().shape == (8,)


@every_kind
def test_models_are_cloned_and_saved(model, tmp_path):
    model = clone(model).fit(cube())
    joblib.dump(model, tmp_path / "model")
    for loaded in (
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model"),
        skops.io.loads(
            skops.io.dumps(model), trusted=[f"{type(model).__module__}.{type(model).__name__}"]
        ),
    ):
        assert_array_equal(loaded.transform(cube()), model.transform(cube()))
    assert not hasattr(clone(model), "n_features_in_")


# ---------------------------------------------------------------------------------- streams


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@with_stream
def test_a_stream_gives_the_bits_of_the_sequence(model, dtype, missing):
    X = sequences(dtype=dtype)
    X = with_holes(X) if missing else X
    model = clone(model).fit(X)
    stream = model.stream()
    for x, expected in zip(X, model.transform(X), strict=True):
        for row, wide in zip(x, expected, strict=True):
            given = row.copy()
            found = stream.step(given)
            assert found.dtype == dtype
            assert_array_equal(found, wide)
            found[...] = given[...] = 7  # neither is remembered
        assert stream.reset() is stream


@with_stream
def test_a_stream_goes_on_after_a_bad_row_and_a_pickle(model):
    x = sequences()[1]
    model = clone(model).fit([x])
    stream = model.stream()
    for row, wide in zip(x, model.transform([x])[0], strict=True):
        for bad in ([np.inf, 1.0], [1.0], [[1.0, 2.0]], ["a", "b"]):
            with pytest.raises(ValueError, match=r"\bx\b"):
                stream.step(bad)
        assert_array_equal(stream.step(list(row)), wide)
        stream = pickle.loads(pickle.dumps(stream))


def test_what_has_no_stream_says_so():
    with pytest.raises(ValueError, match=r"SequenceContext\(after=2\) has no stream"):
        SequenceContext().fit(cube()).stream()
    with pytest.raises(ValueError, match=r"SequenceImputer\(strategy='linear'\) has no stream"):
        LINEAR.fit(cube()).stream()
    for model in (*IMPUTERS, SequenceDifferences(), SequenceContext(1, 0), SequenceScaler()):
        with pytest.raises(NotFittedError):
            clone(model).stream()

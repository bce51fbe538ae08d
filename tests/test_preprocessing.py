"""Scaling of sequences."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm._sequences import read_sequences
from sklstm.preprocessing import SequenceScaler, _statistics

LENGTHS = [3, 1, 4, 2]


def ragged(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(5, 3, size=(length, 2)).astype(dtype) for length in LENGTHS]


def cube(dtype=np.float64):
    return np.random.default_rng(0).normal(5, 3, size=(4, 6, 2)).astype(dtype)


def object_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


FORMS = {
    "list": ragged(),
    "tuple": tuple(ragged()),
    "object": object_array(ragged()),
    "array": cube(),
    "rows": cube()[:, :, 0],
}
forms = pytest.mark.parametrize("X", FORMS.values(), ids=FORMS)


def steps(X):
    """All steps, one after the other, as the estimators read them."""
    return read_sequences(BaseEstimator(), X, reset=True, allow_nan=True).values


@parametrize_with_checks(
    [
        SequenceScaler(),
        SequenceScaler(with_mean=False),
        SequenceScaler(with_std=False),
        SequenceScaler(with_mean=False, with_std=False),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


# ------------------------------------------------------------------------------- SequenceScaler


@forms
def test_it_does_to_steps_what_standard_scaler_does_to_rows(X):
    ours, theirs = SequenceScaler().fit(X), StandardScaler().fit(steps(X))
    assert_allclose(ours.mean_, theirs.mean_, rtol=1e-14)
    assert_allclose(ours.var_, theirs.var_, rtol=1e-13)
    assert_allclose(ours.scale_, theirs.scale_, rtol=1e-13)
    assert ours.n_steps_seen_ == theirs.n_samples_seen_
    assert_allclose(steps(ours.transform(X)), theirs.transform(steps(X)), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
@forms
def test_each_half_can_be_left_out_and_undone(X, with_mean, with_std):
    options = {"with_mean": with_mean, "with_std": with_std}
    scaled = SequenceScaler(**options).fit_transform(X)
    expected = StandardScaler(**options).fit_transform(steps(X))
    assert_allclose(steps(scaled), expected, rtol=1e-12, atol=1e-14)
    original = SequenceScaler(**options).fit(X).inverse_transform(scaled)
    assert_allclose(steps(original), steps(X), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@forms
def test_the_result_has_the_container_shape_and_precision_of_the_input(X, dtype):
    if isinstance(X, np.ndarray) and X.dtype != object:
        X = X.astype(dtype)
    else:
        cast = [x.astype(dtype) for x in X]
        X = object_array(cast) if isinstance(X, np.ndarray) else type(X)(cast)
    scaler = SequenceScaler().fit(X)
    for output in (scaler.transform(X), scaler.inverse_transform(X)):
        assert type(output) is type(X)
        if isinstance(X, np.ndarray):
            assert output.shape == X.shape
        assert [x.shape for x in output] == [x.shape for x in X]
        assert {x.dtype for x in output} == {np.dtype(dtype)}


@forms
@pytest.mark.parametrize("with_mean", [True, False])
def test_the_input_is_not_changed(X, with_mean):
    before = pickle.dumps(X)
    scaler = SequenceScaler(with_mean=with_mean, with_std=with_mean).fit(X)
    output = scaler.transform(X)
    output[0][...] = 7
    scaler.inverse_transform(X)
    assert pickle.dumps(X) == before


def test_a_scaler_of_sequences_takes_arrays_and_lists_of_any_length():
    scaler = SequenceScaler().fit(ragged())
    X = cube()
    assert_array_equal(np.array(scaler.transform(list(X))), scaler.transform(X))
    with pytest.raises(ValueError, match="2-D table"):
        scaler.transform(X[:, :, 0])
    with pytest.raises(ValueError, match="X has 1 features, but SequenceScaler is expecting 2"):
        scaler.transform(X[:, :, :1])


def test_a_table_is_read_by_features_per_step():
    X = cube().reshape(4, 12)
    scaler = SequenceScaler(features_per_step=2).fit(X)
    expected = SequenceScaler().fit(cube())
    assert_array_equal(scaler.mean_, expected.mean_)
    assert_array_equal(scaler.transform(X), expected.transform(cube()).reshape(4, 12))
    assert scaler.n_features_in_ == 12
    assert SequenceScaler().fit(X).mean_.shape == (1,)
    with pytest.raises(ValueError, match="features_per_step=3 differs from its value in fit"):
        scaler.set_params(features_per_step=3).transform(X)
    with pytest.raises(ValueError, match="features_per_step=5 does not divide the 12 columns"):
        scaler.set_params(features_per_step=5).fit(X)


def test_partial_fit_over_parts_equals_fit_on_all(monkeypatch):
    X = ragged()
    whole = SequenceScaler().fit(X)
    parts = SequenceScaler().partial_fit(X[:1]).partial_fit(X[1:])
    monkeypatch.setattr(_statistics, "CHUNK", 2)  # one step at a time
    chunks = SequenceScaler().fit(X)
    for other in (parts, chunks):
        assert_allclose(other.mean_, whole.mean_, rtol=1e-14)
        assert_allclose(other.var_, whole.var_, rtol=1e-13)
        assert other.n_steps_seen_ == whole.n_steps_seen_ == sum(LENGTHS)
        assert isinstance(other.n_steps_seen_, int)


def test_fit_forgets_what_was_learned_before():
    scaler = SequenceScaler().fit(np.ones((2, 3, 5))).fit(ragged())
    assert_array_equal(scaler.mean_, SequenceScaler().fit(ragged()).mean_)


def test_a_weight_is_a_number_of_copies():
    X, weights = ragged(), [2, 0, 3, 1]
    copies = [x for x, weight in zip(X, weights, strict=True) for _ in range(weight)]
    weighted, repeated = (
        SequenceScaler().fit(X, sample_weight=weights),
        SequenceScaler().fit(copies),
    )
    assert_allclose(weighted.mean_, repeated.mean_, rtol=1e-14)
    assert_allclose(weighted.var_, repeated.var_, rtol=1e-13)
    assert weighted.n_steps_seen_ == repeated.n_steps_seen_ == 20
    parts = SequenceScaler().partial_fit(X[:2], sample_weight=weights[:2])
    parts.partial_fit(X[2:], sample_weight=weights[2:])
    assert_allclose(parts.var_, repeated.var_, rtol=1e-13)


def with_holes(X):
    """X with a third of its values missing, and none left in the first feature of sequence 1."""
    X = [x.copy() for x in X]
    for k, x in enumerate(X):
        x.ravel()[k % 3 :: 3] = np.nan
    X[1][:, 0] = np.nan
    return X


@pytest.mark.parametrize("weights", [None, np.array([2.0, 1.0, 0.0, 0.5])])
def test_missing_values_are_what_they_are_to_standard_scaler(weights):
    X = with_holes(cube())
    per_step = None if weights is None else np.repeat(weights, [len(x) for x in X])
    ours = SequenceScaler().fit(X, sample_weight=weights)
    theirs = StandardScaler().fit(steps(X), sample_weight=per_step)
    assert_allclose(ours.mean_, theirs.mean_, rtol=1e-13)
    assert_allclose(ours.var_, theirs.var_, rtol=1e-13)
    assert_allclose(ours.scale_, theirs.scale_, rtol=1e-13)
    assert_allclose(ours.n_steps_seen_, theirs.n_samples_seen_, rtol=1e-14)
    scaled = ours.transform(X)
    assert_allclose(steps(scaled), theirs.transform(steps(X)), rtol=1e-12, atol=1e-14)
    assert_allclose(steps(ours.inverse_transform(scaled)), steps(X), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weights", [None, np.array([2.0, 1.0, 0.0, 0.5])])
def test_what_is_learned_in_parts_does_not_see_missing_values(weights, dtype, monkeypatch):
    X = with_holes(cube(dtype))
    whole, parts = SequenceScaler().fit(X, sample_weight=weights), SequenceScaler()
    for k, x in enumerate(X):
        if weights is None or weights[k] > 0:
            parts.partial_fit([x], sample_weight=None if weights is None else weights[[k]])
    monkeypatch.setattr(_statistics, "CHUNK", 2)  # one step at a time
    chunks = SequenceScaler().fit(X, sample_weight=weights)
    for k in range(2):  # each feature by itself, without the steps at which it is missing
        present = [x[~np.isnan(x[:, k]), k : k + 1] for x in X]
        held = [j for j, x in enumerate(present) if len(x)]
        alone = SequenceScaler().fit(
            [present[j] for j in held],
            sample_weight=None if weights is None else weights[held],
        )
        for scaler in (whole, parts, chunks):
            assert_allclose(scaler.mean_[k], alone.mean_[0], rtol=1e-13)
            assert_allclose(scaler.var_[k], alone.var_[0], rtol=1e-12)
            assert_allclose(scaler.n_steps_seen_[k], alone.n_steps_seen_, rtol=1e-14)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # theirs
def test_a_feature_without_any_value_is_missing_until_it_has_some():
    X = cube()
    X[:, :, 1] = np.nan
    scaler, theirs = SequenceScaler().fit(X), StandardScaler().fit(steps(X))
    for name in ("mean_", "var_", "scale_"):
        assert_allclose(getattr(scaler, name), getattr(theirs, name), rtol=1e-13)
    assert scaler.n_steps_seen_.tolist() == [24, 0]
    assert np.isnan(scaler.transform(cube())[:, :, 1]).all()
    scaler.partial_fit(X).partial_fit(with_holes(cube()))  # where StandardScaler stays at NaN
    expected = SequenceScaler().fit([*X, *X, *with_holes(cube())])
    assert_allclose(scaler.mean_, expected.mean_, rtol=1e-13)
    assert_allclose(scaler.var_, expected.var_, rtol=1e-13)
    assert_array_equal(scaler.n_steps_seen_, expected.n_steps_seen_)
    assert np.isfinite(scaler.transform(cube())).all()
    scaler.fit(cube())
    assert isinstance(scaler.n_steps_seen_, int)


def test_a_constant_feature_stays_constant_whatever_is_missing(monkeypatch):
    X = np.full((7, 31, 2), 1e8 + 0.1)
    X[np.random.default_rng(0).uniform(size=X.shape) < 0.4] = np.nan
    for chunk in (2, 50, 2**20):
        monkeypatch.setattr(_statistics, "CHUNK", chunk)
        scaler = SequenceScaler().fit(X, sample_weight=np.arange(1.0, 8.0)).partial_fit(X)
        assert_array_equal(scaler.var_, 0)
        assert_array_equal(scaler.transform(X)[~np.isnan(X)], 0)


def test_sequences_of_weight_zero_leave_no_trace(monkeypatch):
    monkeypatch.setattr(_statistics, "CHUNK", 6)  # the first sequence is a chunk
    X = np.full((5, 3, 2), 0.1)
    X[0] = 1e9
    scaler = SequenceScaler().fit(X, sample_weight=[0, 0.3, 0.7, 0.1, 0.2])
    assert_array_equal(scaler.mean_, 0.1)
    assert_array_equal(scaler.var_, 0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1], r"sample_weight has shape \(2,\), expected \(4,\)"),
        ([0, 0, 0, 0], "[Ww]eights.*zero"),
        (np.ones((4, 2)), r"sample_weight has shape \(4, 2\), expected \(4,\)"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_weights_are_errors_that_leave_the_scaler_as_it_was(weights, message, method):
    for scaler in (SequenceScaler(), SequenceScaler().fit(ragged())):
        before = pickle.dumps(scaler)
        with pytest.raises(ValueError, match=message):
            getattr(scaler, method)(ragged(), sample_weight=weights)
        assert pickle.dumps(scaler) == before


def test_bad_sequences_are_errors_that_leave_the_scaler_as_it_was():
    scaler = SequenceScaler().fit(cube())
    before = pickle.dumps(scaler)
    for X in ([], [np.full((2, 2), np.inf)], np.ones((3, 0, 2))):
        with pytest.raises(ValueError, match="X"):
            scaler.fit(X)
    with pytest.raises(ValueError, match="X has 3 features"):
        scaler.partial_fit(np.ones((2, 2, 3)))
    assert pickle.dumps(scaler) == before


@pytest.mark.parametrize("value", [0.1, 1e8 + 0.1, 1e-300, 0.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_features_are_divided_by_one(value, dtype, monkeypatch):
    monkeypatch.setattr(_statistics, "CHUNK", 200)
    X = np.full((7, 31, 2), value, dtype=dtype)
    X[:, :, 1] = np.arange(31)
    for weights in (None, np.random.default_rng(0).uniform(size=7)):
        scaler = (
            SequenceScaler().fit(X, sample_weight=weights).partial_fit(X, sample_weight=weights)
        )
        assert scaler.scale_[0] == 1
        assert_array_equal(scaler.transform(X)[:, :, 0], 0)


@pytest.mark.parametrize("weights", [None, np.arange(1.0, 101.0)])
def test_a_large_mean_takes_no_digits_from_the_variance(weights):
    noise = np.random.default_rng(0).integers(-8, 9, size=(100, 50, 1)) / 8
    X = noise + 2.0**40  # exact in float64
    scaler = SequenceScaler()
    for part in range(0, 100, 10):
        rows = slice(part, part + 10)
        scaler.partial_fit(X[rows], sample_weight=None if weights is None else weights[rows])
    per_step = np.repeat(np.ones(100) if weights is None else weights, 50)
    mean = np.average(noise.ravel(), weights=per_step)
    var = np.average((noise.ravel() - mean) ** 2, weights=per_step)
    # Between parts the mean is kept as a float64, whose last digit is 2e-4 here.
    assert_allclose(scaler.var_, var, rtol=1e-4)
    assert_allclose(scaler.mean_ - 2.0**40, mean, atol=1e-3)
    assert_allclose(SequenceScaler().fit(X, sample_weight=weights).var_, var, rtol=1e-12)


def test_float32_data_have_float64_statistics():
    X = (cube() + 4096).astype(np.float32)
    scaler = SequenceScaler().fit(X)
    exact = X.astype(np.float64).reshape(-1, 2)
    assert scaler.mean_.dtype == scaler.var_.dtype == np.float64
    assert_allclose(scaler.mean_, exact.mean(axis=0), rtol=1e-15)
    # Differences are taken before they are rounded to float32.
    expected = (exact - exact.mean(axis=0)) / exact.std(axis=0)
    assert_allclose(scaler.transform(X).reshape(-1, 2), expected, rtol=3e-7, atol=1e-9)


@pytest.mark.parametrize("how", ["set_output", "config"])
def test_tables_become_frames_under_set_output_and_sequences_stay(how):
    pd = pytest.importorskip("pandas")
    scaler = SequenceScaler()
    if how == "set_output":
        scaler.set_output(transform="pandas")
    frame = pd.DataFrame(cube()[:, :3, 0], columns=["a", "b", "c"], index=[5, 6, 7, 8])
    with sklearn.config_context(transform_output="pandas" if how == "config" else "default"):
        for output in (scaler.fit_transform(frame), scaler.fit(frame).transform(frame)):
            assert isinstance(output, pd.DataFrame)
            assert list(output.columns) == list(scaler.get_feature_names_out()) == ["a", "b", "c"]
            assert list(output.index) == [5, 6, 7, 8]
        for X in (ragged(), tuple(ragged()), object_array(ragged()), cube()):
            for output in (scaler.fit_transform(X), scaler.fit(X).transform(X)):
                assert type(output) is type(X)
                assert all(type(x) is np.ndarray for x in output)


def test_feature_names_are_numbered_without_a_frame():
    names = SequenceScaler().fit(np.ones((2, 3))).get_feature_names_out()
    assert list(names) == ["x0", "x1", "x2"]


def test_it_stands_in_a_pipeline_and_is_cloned_and_pickled():
    def last(X):
        return np.array([x[-1] for x in X])

    X, y = ragged(), np.arange(4.0)
    scaler = SequenceScaler().set_output(transform="pandas")
    model = make_pipeline(scaler, FunctionTransformer(last), Ridge())
    model.fit(X, y, sequencescaler__sample_weight=[1, 1, 0, 1])
    assert model.predict(X).shape == (4,)
    scaler = model[0]
    assert scaler.n_steps_seen_ == 6
    assert not hasattr(clone(scaler), "mean_")
    again = pickle.loads(pickle.dumps(scaler))
    assert_array_equal(again.transform(cube()), scaler.transform(cube()))


def test_sample_weight_is_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = SequenceScaler().set_fit_request(sample_weight=True)
        model = make_pipeline(scaler, FunctionTransformer(len))
        model.fit(ragged(), sample_weight=[1, 1, 0, 1])
    assert model[0].n_steps_seen_ == 6


@pytest.mark.parametrize("params", [{"features_per_step": 0}, {"with_mean": "yes"}])
def test_bad_parameters_are_errors(params):
    with pytest.raises(ValueError, match=next(iter(params))):
        SequenceScaler(**params).fit(cube())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "other",
    [
        np.asfortranarray,
        lambda x: x.T.copy().T,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    ],
    ids=["Fortran", "transposed", "strided", "big-endian"],
)
@forms
def test_memory_order_changes_nothing(X, other, dtype):
    if isinstance(X, np.ndarray) and X.dtype != object:
        X = X.astype(dtype)
        laid_out = other(X)
    else:
        X = [x.astype(dtype) for x in X]
        laid_out = [other(x) for x in X]
    expected, scaler = SequenceScaler().fit(X), SequenceScaler().fit(laid_out)
    assert scaler.mean_.tobytes() == expected.mean_.tobytes()
    assert scaler.var_.tobytes() == expected.var_.tobytes()
    for method in ("transform", "inverse_transform"):
        for ours, theirs in zip(
            getattr(scaler, method)(laid_out), getattr(expected, method)(X), strict=True
        ):
            assert ours.dtype == dtype
            assert ours.flags.c_contiguous
            assert ours.tobytes() == theirs.tobytes()


# ---------------------------------------------------------------------------------- categories


CODED = [np.column_stack([x, np.arange(len(x)) % 3 - 1.0, x[:, 0] * 7]) for x in ragged()]


@pytest.mark.parametrize("chosen", [[2], [-2], [False, False, True, False], np.array([2])], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_are_left_as_they_are_and_other_features_are_scaled_as_ever(chosen, dtype):
    X = [x.astype(dtype) for x in CODED]
    X[0][1, 2] = np.nan
    scaler, plain = SequenceScaler(categorical_features=chosen).fit(X), SequenceScaler().fit(X)
    assert scaler.mean_[2] == 0 and scaler.var_[2] == 1 and scaler.scale_[2] == 1
    others = [0, 1, 3]
    for scaled, expected, x in zip(scaler.transform(X), plain.transform(X), X, strict=True):
        assert_array_equal(scaled[:, 2], x[:, 2])
        assert_array_equal(scaled[:, others], expected[:, others])
    for original, x in zip(scaler.inverse_transform(scaler.transform(X)), X, strict=True):
        assert_array_equal(original[:, 2], x[:, 2])
    parts = SequenceScaler(categorical_features=chosen).partial_fit(X[:2]).partial_fit(X[2:])
    assert parts.mean_[2] == 0 and parts.scale_[2] == 1
    assert_allclose(parts.mean_, scaler.mean_, rtol=1e-6)
    assert_array_equal(scaler.stream().step(X[0][0]), scaler.transform(X)[0][0])


def test_codes_are_named_by_columns_of_frames_or_their_types():
    frames = [pd.DataFrame(x[:, 1:3], columns=["v", "code"]) for x in CODED]
    typed = [x.astype({"code": "category"}) for x in frames]
    expected = SequenceScaler(categorical_features=[1]).fit(frames)
    for X, chosen in ((frames, ["code"]), (typed, "from_dtype"), (typed, ["code"])):
        scaler = SequenceScaler(categorical_features=chosen).fit(X)
        assert_array_equal(scaler.mean_, expected.mean_)
        assert_array_equal(scaler.transform(X)[2], expected.transform(frames)[2])
        assert_allclose(scaler.inverse_transform(scaler.transform(X))[2], frames[2], rtol=1e-14)
    none = SequenceScaler(categorical_features="from_dtype").fit(frames)
    assert_array_equal(none.mean_, SequenceScaler().fit(frames).mean_)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("code", "must be an array-like, a str among"),
        ([4], "contains 4, which is not a feature"),
        (["code"], "the features of X have no names"),
        ([True], "a mask of 1 entries, but X has 4 features"),
    ],
    ids=str,
)
def test_a_bad_choice_of_codes_is_named_and_changes_nothing(chosen, message):
    scaler = SequenceScaler(categorical_features=chosen)
    with pytest.raises(ValueError, match=f"categorical_features.*{message}"):
        scaler.fit(CODED)
    assert not hasattr(scaler, "mean_") and not hasattr(scaler, "n_features_in_")


def test_columns_of_a_table_have_no_names_as_features():
    X = pd.DataFrame(np.ones((3, 4)), columns=list("abcd"))
    scaler = SequenceScaler(categorical_features=[1], features_per_step=2).fit(X)
    assert_array_equal(scaler.transform(X), np.tile([0.0, 1.0], (3, 2)))
    with pytest.raises(ValueError, match="columns of a table are steps"):
        SequenceScaler(categorical_features=["a"], features_per_step=2).fit(X)


def test_frames_are_scaled_back_without_a_warning_about_names():
    frames = [pd.DataFrame(x, columns=["a", "b"]) for x in ragged()]
    scaler = SequenceScaler().fit(frames)
    for original, x in zip(
        scaler.inverse_transform(scaler.transform(frames)), ragged(), strict=True
    ):
        assert_allclose(original, x, rtol=1e-14)
    assert scaler.feature_names_in_.tolist() == ["a", "b"]

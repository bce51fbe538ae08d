"""Scaling, padding and windows."""

import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm._sequences import object_array, read_sequences
from sklstm.preprocessing import SequenceScaler, _scaler, from_padded, sliding_windows, to_padded

LENGTHS = [3, 1, 4, 2]


def ragged(dtype=np.float64):
    rng = np.random.default_rng(0)
    return [rng.normal(5, 3, size=(length, 2)).astype(dtype) for length in LENGTHS]


def cube(dtype=np.float64):
    return np.random.default_rng(0).normal(5, 3, size=(4, 6, 2)).astype(dtype)


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
    return read_sequences(BaseEstimator(), X, reset=True).values


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
    with pytest.raises(ValueError, match="features_per_step=3 is not the value of the fit"):
        scaler.set_params(features_per_step=3).transform(X)
    with pytest.raises(ValueError, match="features_per_step=5 does not divide the 12 columns"):
        scaler.set_params(features_per_step=5).fit(X)


def test_partial_fit_over_parts_equals_fit_on_all(monkeypatch):
    X = ragged()
    whole = SequenceScaler().fit(X)
    parts = SequenceScaler().partial_fit(X[:1]).partial_fit(X[1:])
    monkeypatch.setattr(_scaler, "CHUNK", 2)  # one step at a time
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


def test_sequences_of_weight_zero_leave_no_trace(monkeypatch):
    monkeypatch.setattr(_scaler, "CHUNK", 6)  # the first sequence is a chunk
    X = np.full((5, 3, 2), 0.1)
    X[0] = 1e9
    scaler = SequenceScaler().fit(X, sample_weight=[0, 0.3, 0.7, 0.1, 0.2])
    assert_array_equal(scaler.mean_, 0.1)
    assert_array_equal(scaler.var_, 0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 1], "inconsistent|sample_weight.shape|Expected"),
        ([0, 0, 0, 0], "[Ww]eights.*zero"),
        ([1, 1, -1, 1], "[Nn]egative"),
        ([1, 1, np.nan, 1], "NaN"),
        (np.ones((4, 2)), "1D array"),
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
    for X in ([], [np.full((2, 2), np.nan)], np.ones((3, 0, 2))):
        with pytest.raises(ValueError, match="X"):
            scaler.fit(X)
    with pytest.raises(ValueError, match="X has 3 features"):
        scaler.partial_fit(np.ones((2, 2, 3)))
    assert pickle.dumps(scaler) == before


@pytest.mark.parametrize("value", [0.1, 1e8 + 0.1, 1e-300, 0.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_features_are_divided_by_one(value, dtype, monkeypatch):
    monkeypatch.setattr(_scaler, "CHUNK", 200)
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


# ------------------------------------------------------------------------------- padding


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0])
@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("length", [None, 4, 9])
def test_padding_is_undone(value, channels_first, dtype, length):
    X = ragged(dtype)
    padded = to_padded(X, value=value, length=length, channels_first=channels_first)
    expected = (4, 2, length or 4) if channels_first else (4, length or 4, 2)
    assert padded.shape == expected
    assert padded.dtype == dtype
    assert padded.flags.c_contiguous
    sequences = from_padded(padded, value=value, channels_first=channels_first)
    assert [x.shape for x in sequences] == [x.shape for x in X]
    for ours, theirs in zip(sequences, X, strict=True):
        assert_array_equal(ours, theirs)
        assert ours.dtype == dtype
        assert ours.base is None


def test_a_padded_table_is_sequences_of_one_feature():
    sequences = from_padded([[1.0, np.nan, np.nan], [2.0, 3.0, 4.0], [5.0, 6.0, np.nan]])
    assert [x[:, 0].tolist() for x in sequences] == [[1], [2, 3, 4], [5, 6]]
    assert [x[:, 0].tolist() for x in from_padded([[1, 0, 2, 0]], value=0)] == [[1, 0, 2]]


def test_only_whole_steps_are_padding():
    X = np.array([[[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]])
    assert_array_equal(from_padded(X, value=0)[0], X[0, :2])


def test_equal_lengths_and_tables_are_padded_too():
    assert_array_equal(to_padded(cube()), cube())
    assert to_padded(np.ones((3, 4)), length=5).shape == (3, 5, 1)


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        ([[1.0, np.nan, 2.0]], {}, "Sequence 0 of X has NaN at step 1 that is not padding"),
        ([[1.0, 2.0], [np.nan, 2.0]], {}, "Sequence 1 of X has NaN at step 0"),
        ([[[1.0, 2.0], [np.nan, 2.0]]], {}, "Sequence 0 of X has NaN at step 1"),
        ([[1.0, np.nan, 0.0]], {"value": 0}, "Sequence 0 of X has NaN at step 1"),
        (
            to_padded([x[:, :1] * [1, 2] for x in ragged()], value=np.nan, channels_first=True),
            {},
            "NaN at step 0 that is not padding.* set channels_first=True",
        ),
        ([[1.0, 2.0], [np.nan, np.nan]], {}, "Sequence 1 of X holds nothing but the padding nan"),
        ([[0.0, 0.0]], {"value": 0.0}, "Sequence 0 of X holds nothing but the padding 0.0"),
        (np.ones(3), {}, r"X has shape \(3,\)"),
        (np.ones((2, 2, 2, 2)), {}, r"X has shape \(2, 2, 2, 2\)"),
        (np.ones((2, 0, 3)), {}, r"X has shape \(2, 0, 3\)"),
        (ragged(), {}, "sequences of different shapes, so it is not padded"),
        (np.array([["a", "b"]]), {}, "strings"),
        (np.array([[1j, 2]]), {}, "Complex data not supported"),
    ],
)
def test_what_is_not_padded_at_the_end_is_an_error(X, options, message):
    with pytest.raises(ValueError, match=message):
        from_padded(X, **options)


def test_padding_to_less_than_the_longest_is_an_error():
    with pytest.raises(ValueError, match="Sequence 0 of X has 3 steps, more than length=2"):
        to_padded(ragged(), length=2)
    with pytest.raises(ValueError, match="length == 0"):
        to_padded(ragged(), length=0)
    with pytest.raises(TypeError, match="value"):
        to_padded(ragged(), value="0")


# ------------------------------------------------------------------------------- windows


@pytest.mark.parametrize("n_features", [None, 1, 3])
@pytest.mark.parametrize(("width", "horizon", "step"), [(1, 1, 1), (4, 1, 1), (3, 2, 2), (5, 4, 3)])
def test_the_target_stands_horizon_steps_after_the_window(n_features, width, horizon, step):
    shape = (17,) if n_features is None else (17, n_features)
    series = np.random.default_rng(0).normal(size=shape)
    X, y = sliding_windows(series, width, horizon, step)
    starts = range(0, 17 - width - horizon + 1, step)
    assert X.shape == (len(starts), width, n_features or 1)
    assert y.shape == (len(starts), *shape[1:])
    for k, start in enumerate(starts):
        assert_array_equal(X[k], series[start : start + width].reshape(width, -1))
        assert_array_equal(y[k], series[start + width - 1 + horizon])
    assert X.flags.c_contiguous
    assert not np.shares_memory(X, series)
    assert not np.shares_memory(y, series)


def test_windows_keep_float32_and_turn_the_rest_into_float64():
    for dtype, expected in ((np.float32, np.float32), (int, np.float64)):
        X, y = sliding_windows(np.arange(9).astype(dtype), 3)
        assert X.dtype == y.dtype == expected


def test_the_shortest_series_has_one_window():
    X, y = sliding_windows([1.0, 2.0, 3.0, 4.0], width=2, horizon=2)
    assert_array_equal(X, [[[1.0], [2.0]]])
    assert_array_equal(y, [4.0])


@pytest.mark.parametrize(
    ("series", "options", "error", "message"),
    [
        (
            np.ones(4),
            {"width": 3, "horizon": 2},
            ValueError,
            "4 steps has no window .* needs 5 step",
        ),
        (np.ones((2, 2, 2)), {"width": 1}, ValueError, r"series has shape \(2, 2, 2\)"),
        (np.ones(4), {"width": 0}, ValueError, "width == 0"),
        (np.ones(4), {"width": 1, "horizon": 0}, ValueError, "horizon == 0"),
        (np.ones(4), {"width": 1, "step": 1.5}, TypeError, "step"),
        (["a", "b", "c"], {"width": 1}, ValueError, "series holds strings"),
    ],
)
def test_bad_windows_are_errors(series, options, error, message):
    with pytest.raises(error, match=message):
        sliding_windows(series, **options)

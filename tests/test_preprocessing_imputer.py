"""Missing values are filled in from the same sequence and from the training set, as a twin says."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import cube, labels, numbers, sequences
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._sequences import object_array
from sklstm.preprocessing import SequenceImputer, SequenceScaler, to_padded

SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0, "n_jobs": 1}
CAUSAL = ["forward", "mean", "median", "constant"]
STRATEGIES = [*CAUSAL, "linear"]
strategies = pytest.mark.parametrize("strategy", STRATEGIES)
causal = pytest.mark.parametrize("strategy", CAUSAL)
dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def imputer(strategy, **settings):
    settings = {"fill_value": 9.5, "add_indicator": True, "add_elapsed": True} | settings
    return SequenceImputer(strategy, **settings)


def with_holes(X, seed=1):
    """X with 40 % of its values missing, in some sequences all of a feature."""
    rng, X = np.random.default_rng(seed), [x.copy() for x in X]
    for x in X:
        x[rng.uniform(size=x.shape) < 0.4] = np.nan
    X[1][:, 0] = np.nan
    X[4][:, 1] = np.nan
    return X


FORMS = {
    "list": with_holes(sequences()),
    "tuple": tuple(with_holes(sequences())),
    "object": object_array(with_holes(sequences())),
    "array": np.array(with_holes(cube())),
}
forms = pytest.mark.parametrize("form", FORMS)


# --------------------------------------------------------------------- the twin, to be read


def twin_of_feature(x, strategy, statistic):
    """Values filled in, what is missing, and steps since the last value, of one feature (T,)."""
    present = np.flatnonzero(~np.isnan(x))
    filled, elapsed = x.astype(float), np.zeros(len(x))
    for t in range(len(x)):
        before = present[present <= t]
        elapsed[t] = t - before[-1] if len(before) else t + 1
        if np.isnan(x[t]):
            filled[t] = x[before[-1]] if strategy == "forward" and len(before) else statistic
    if strategy == "linear" and len(present):
        filled = np.interp(np.arange(len(x)), present, x[present])
    return filled, np.isnan(x), elapsed


def twin(x, strategy, statistics):
    columns = zip(x.T, statistics, strict=True)
    features = [twin_of_feature(column, strategy, s) for column, s in columns]
    return np.concatenate([np.column_stack(block) for block in zip(*features, strict=True)], axis=1)


def twin_statistics(X, strategy):
    steps = np.concatenate(list(X)).astype(float)
    if strategy == "constant":
        return np.full(steps.shape[1], 9.5)
    return (np.nanmedian if strategy == "median" else np.nanmean)(steps, axis=0)


# ------------------------------------------------------------------------------------- laws


@parametrize_with_checks(
    [
        *(SequenceImputer(strategy) for strategy in STRATEGIES),
        SequenceImputer("linear", add_indicator=True),
        SequenceImputer(add_indicator=True, add_elapsed=True),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@strategies
@dtypes
@forms
def test_a_sequence_becomes_what_the_twin_says_whatever_the_others_are(form, dtype, strategy):
    X = FORMS[form]
    if form == "array":
        X = X.astype(dtype)
    else:
        cast = [x.astype(dtype) for x in X]
        X = object_array(cast) if form == "object" else type(X)(cast)
    before = pickle.dumps(X)
    model = imputer(strategy).fit(X)
    assert model.statistics_.dtype == np.float64
    assert_allclose(model.statistics_, twin_statistics(X, strategy), rtol=1e-13, atol=1e-15)
    output = model.transform(X)
    assert type(output) is type(X) and len(output) == len(X)
    rtol = {np.float32: 1e-6, np.float64: 1e-12}[dtype]
    for given, x in zip(X, output, strict=True):
        assert x.dtype == dtype and x.flags.c_contiguous
        assert_array_equal(x[:, :2][~np.isnan(given)], given[~np.isnan(given)])
        assert_allclose(x, twin(given, strategy, model.statistics_), rtol=rtol, atol=rtol / 10)
        assert_array_equal(model.transform([given])[0], x)  # one by one
        x[...] = 7
    assert pickle.dumps(X) == before


@causal
def test_nothing_comes_from_the_future(strategy):
    X = with_holes(sequences())
    model = imputer(strategy).fit(X)
    rng = np.random.default_rng(2)
    for x in X:
        expected = model.transform([x])[0]
        for t in range(len(x)):
            later = x.copy()
            later[t + 1 :] = rng.choice([np.nan, 1e6, -3.0], size=later[t + 1 :].shape)
            assert_array_equal(model.transform([later])[0][: t + 1], expected[: t + 1])


def test_linear_sees_no_further_than_the_next_value():
    x = np.array([[np.nan, 1.0, np.nan, np.nan, 4.0, np.nan, 8.0, np.nan]]).T
    found = SequenceImputer("linear").fit_transform([x])[0]
    assert_allclose(found[:, 0], [1, 1, 2, 3, 4, 6, 8, 8])
    x[6:] = 5.0
    later = SequenceImputer("linear").fit_transform([x])[0]
    assert_array_equal(later[:5], found[:5])
    assert later[5] == 4.5


@causal
def test_padding_at_the_end_changes_nothing_before_it(strategy):
    X = with_holes(sequences())
    padded = to_padded(X, value=np.nan, allow_nan=True)
    model = imputer(strategy).fit(X)
    for whole, x in zip(model.transform(padded), model.transform(X), strict=True):
        assert_array_equal(whole[: len(x)], x)


@strategies
def test_what_is_filled_in_comes_from_the_training_set_alone(strategy):
    X, other = with_holes(sequences()), with_holes([100 + x for x in sequences(seed=5)])
    model = imputer(strategy).fit(X)
    before = model.statistics_.copy()
    for x, given in zip(model.transform(other), other, strict=True):
        assert_allclose(x, twin(given, strategy, before), rtol=1e-12)
    assert_array_equal(model.statistics_, before)


@strategies
def test_a_feature_without_a_value_in_training_is_0_until_it_has_one(strategy):
    X = cube()
    X[:, :, 1] = np.nan
    model = SequenceImputer(strategy).fit(X)
    assert model.statistics_[1] == 0
    output = model.transform(X)
    assert_array_equal(output[:, :, 0], X[:, :, 0])
    assert_array_equal(output[:, :, 1], 0)
    assert_array_equal(model.transform(cube()), cube())


@strategies
def test_a_weight_is_a_number_of_copies(strategy):
    X = with_holes(sequences(6))
    weights = [2, 0, 3, 1, 1, 4]
    copies = [x for x, weight in zip(X, weights, strict=True) for _ in range(weight)]
    weighted = imputer(strategy).fit(X, sample_weight=weights)
    assert_allclose(weighted.statistics_, imputer(strategy).fit(copies).statistics_, rtol=1e-13)
    X[1][...] = 1e30
    again = imputer(strategy).fit(X, sample_weight=weights)
    assert_array_equal(again.statistics_, weighted.statistics_)
    if strategy != "constant":
        assert (weighted.statistics_ != imputer(strategy).fit(X).statistics_).any()
    for bad, message in (([0] * 6, "zero for all"), ([1, 1], r"shape \(2,\)"), ([-1] * 6, "egati")):
        before = pickle.dumps(again)
        with pytest.raises(ValueError, match=message):
            again.fit(cube(6, n_features=3), sample_weight=bad)
        assert pickle.dumps(again) == before


def test_the_median_of_weights_lies_where_half_of_them_is_below():
    X = [np.array([[value]]) for value in (4.0, 1.0, 2.0, 30.0)]
    for weights, median in (
        ([1, 1, 1, 1], 3),
        ([0.3, 0.3, 0.3, 0.2], 2),
        ([0.1, 0.1, 0.1, 5], 30),
        ([2, 1, 1, 1e-9], 4),
    ):
        model = SequenceImputer("median").fit(X, sample_weight=weights)
        assert model.statistics_ == [median]


# ------------------------------------------------------------------------ features and names


def test_features_have_names_and_blocks():
    X = with_holes(sequences())
    names = {
        (False, False): ["x0", "x1"],
        (True, False): ["x0", "x1", "x0_missing", "x1_missing"],
        (False, True): ["x0", "x1", "x0_elapsed", "x1_elapsed"],
        (True, True): ["x0", "x1", "x0_missing", "x1_missing", "x0_elapsed", "x1_elapsed"],
    }
    for (indicator, elapsed), expected in names.items():
        model = SequenceImputer(add_indicator=indicator, add_elapsed=elapsed).fit(X)
        assert model.get_feature_names_out().tolist() == expected
        whole = imputer("forward").fit(X).transform(X)[5]
        every = [names[True, True].index(name) for name in expected]
        assert_array_equal(model.transform(X)[5], whole[:, every])


def test_every_feature_has_an_indicator_also_one_that_misses_nothing_in_training():
    model = SequenceImputer(add_indicator=True).fit(cube())
    output = model.transform(np.array(with_holes(cube())))
    assert output.shape == (24, 4, 4)
    assert_array_equal(output[:, :, 2:], np.isnan(with_holes(cube())))


@pytest.mark.parametrize("kind", ["list", "table"])
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_have_names_and_missing_values_of_their_own(library, kind):
    pl = pytest.importorskip(library)
    X = np.array(with_holes(cube(6)))
    X = X if kind == "list" else X.reshape(1, 24, 2)
    columns = [[[None if v != v else v for v in column] for column in x.T] for x in X]
    frames = [pl.DataFrame({"u": u, "v": v}) for u, v in columns]
    if library == "pandas":
        frames = [frame.astype("Float64") for frame in frames]
    model = imputer("linear", features_per_step=2)
    if kind == "list":
        output = model.fit_transform(frames)
        expected = clone(model).fit_transform(list(X))
        assert_array_equal(np.array(output), np.array(expected))
    else:
        output = model.set_output(transform=library).fit_transform(frames[0])
        expected = clone(model).set_output(transform="default").fit_transform(X[0])
        assert isinstance(output, pl.DataFrame)
        assert list(output.columns) == model.get_feature_names_out().tolist()
        assert_array_equal(output.to_numpy(), expected)
    assert model.feature_names_in_.tolist() == ["u", "v"]
    assert model.get_feature_names_out().tolist()[::2] == ["u", "u_missing", "u_elapsed"]


# ----------------------------------------------------------------------------------- values


@strategies
def test_infinity_is_named_with_its_place(strategy):
    X = with_holes(sequences())
    model = imputer(strategy).fit(X)
    before = pickle.dumps(model)
    X[5][1, 1] = -np.inf
    for method in (model.fit, model.transform, model.fit_transform):
        with pytest.raises(ValueError, match=r"X contains infinity.*sequence 5, step 1, feature 1"):
            method(X)
    assert pickle.dumps(model) == before


@strategies
@dtypes
def test_the_largest_numbers_are_filled_in_without_a_warning(strategy, dtype):
    largest = np.finfo(dtype).max
    X = [np.array([[largest], [np.nan], [-largest]], dtype), np.array([[np.nan]], dtype)]
    model = SequenceImputer(strategy, fill_value=1e300)
    output = model.fit(X).transform(X)
    assert all(x.dtype == dtype for x in output)
    assert output[0][0] == largest and output[0][2] == -largest
    if strategy == "constant" and dtype == np.float32:  # as any value that is too large for it
        with pytest.raises(ValueError, match="infinity or a value too large for float32"):
            LSTMRegressor(**SMALL).fit(output, [0.0, 1.0])


PARAMETERS = {
    "strategy": ["backward", None, 1, ["mean"]],
    "fill_value": [None, "0", True, np.True_, np.nan, np.inf, [1.0, 2.0]],
    "add_indicator": ["auto", 2, None],
    "add_elapsed": ["yes", 2, None],
    "categorical_features": ["a", 0, 1.5],
    "features_per_step": [0, 1.5, None],
}


def test_every_parameter_is_validated():
    assert set(PARAMETERS) == set(SequenceImputer().get_params())
    for name, values in PARAMETERS.items():
        for value in values:
            match = f"The '{name}' parameter of SequenceImputer must be"
            with pytest.raises(ValueError, match=match):
                SequenceImputer(**{name: value}).fit(cube())


@strategies
def test_codes_of_categories_stay_missing(strategy):
    X = with_holes(sequences())
    model = imputer(strategy, categorical_features=[1]).fit(X)
    plain = imputer(strategy).fit(X)
    assert model.statistics_[0] == plain.statistics_[0] and np.isnan(model.statistics_[1])
    for output, expected, x in zip(model.transform(X), plain.transform(X), X, strict=True):
        assert_array_equal(output[:, 1], x[:, 1])
        assert_array_equal(output[:, [0, 2, 3, 4, 5]], expected[:, [0, 2, 3, 4, 5]])
    if strategy != "linear":
        stream = model.stream()
        assert_array_equal([stream.step(row) for row in X[3]], model.transform(X)[3])


def test_every_parameter_may_be_a_number_of_numpy():
    X = with_holes(sequences())
    model = SequenceImputer("constant", fill_value=np.float32(2.5), add_indicator=np.bool_(True))
    expected = SequenceImputer("constant", fill_value=2.5, add_indicator=True)
    for x, other in zip(model.fit_transform(X), expected.fit_transform(X), strict=True):
        assert_array_equal(x, other)


# ----------------------------------------------------------------------------- with a network


def test_an_error_for_nan_says_what_to_do_and_it_helps():
    X, y = with_holes(cube()), labels()
    for given in (X, np.array(X), np.array(X).reshape(24, -1)):
        with pytest.raises(ValueError, match=r"X contains NaN: sequence 0, .*\.SequenceImputer, "):
            LSTMClassifier(**SMALL).fit(given, y)
        make_pipeline(SequenceImputer(), LSTMClassifier(**SMALL)).fit(given, y).predict(given)


def test_it_stands_in_pipelines_that_are_scored_and_tuned():
    X, y = with_holes(sequences()), labels()
    model = make_pipeline(SequenceImputer(), SequenceScaler(), LSTMClassifier(**SMALL))
    grid = {
        "sequenceimputer__strategy": STRATEGIES,
        "sequenceimputer__add_elapsed": [False, True],
    }
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    scores = [search.cv_results_[f"split{k}_test_score"] for k in range(2)]
    for k, parameters in enumerate(search.cv_results_["params"]):
        alone = cross_val_score(clone(model).set_params(**parameters), X, y, cv=2)
        assert_array_equal(alone, [scores[0][k], scores[1][k]])
    best = search.best_estimator_
    by_hand = X
    for step in (clone(best[0]), clone(best[1])):
        by_hand = step.fit_transform(by_hand)
    by_hand = clone(best[2]).fit(by_hand, y)
    assert_array_equal(best[2].parameters_, by_hand.parameters_)
    assert_array_equal(pickle.loads(pickle.dumps(best)).predict(X), best.predict(X))


def test_the_scaler_may_stand_before_it():
    X = with_holes(sequences())
    before = make_pipeline(SequenceScaler(), SequenceImputer()).fit_transform(X)
    scaler = SequenceScaler().fit(X)
    after = [scaler.transform([x])[0] for x in SequenceImputer().fit_transform(X)]
    for x, other in zip(before, after, strict=True):
        assert_allclose(x, other, rtol=1e-12, atol=1e-14)


# ---------------------------------------------------------------------------------- streams


@causal
@dtypes
def test_a_stream_gives_the_bits_of_the_sequence(strategy, dtype):
    X = [x.astype(dtype) for x in with_holes(sequences())]
    model = imputer(strategy).fit(X)
    stream = model.stream()
    for x, expected in zip(X, model.transform(X), strict=True):
        for row, wide in zip(x, expected, strict=True):
            given = row.copy()
            found = stream.step(given)
            assert found.dtype == dtype
            assert_array_equal(found, wide)
            found[...] = given[...] = 7  # neither is remembered
        assert stream.reset() is stream


@causal
@pytest.mark.parametrize("order", ["before", "after"])
def test_a_stream_of_a_pipeline_predicts_for_the_rows_so_far(order, strategy):
    X = with_holes([50 + 30 * x for x in sequences()])
    steps = [imputer(strategy), SequenceScaler()]
    steps = steps if order == "before" else steps[::-1]
    model = make_pipeline(*steps, LSTMRegressor(**SMALL)).fit(X, numbers(cube()))
    stream = sklstm.stream(model)
    for x in X[:6]:
        for t, row in enumerate(x):
            with pytest.raises(ValueError, match=r"infinity .* in feature 1"):
                stream.step([1.0, np.inf])
            expected = model.predict([x[: t + 1]])[0]
            assert_allclose(stream.step(pd.Series(row)), expected, rtol=1e-11)
        stream.reset()


def test_a_stream_of_a_pipeline_peeks_and_takes_several_rows_with_missing_values():
    X = with_holes(sequences())
    model = make_pipeline(imputer("forward"), SequenceScaler(), LSTMRegressor(**SMALL))
    model.fit(X, numbers(cube()))
    one, several, x = sklstm.stream(model), sklstm.stream(model), X[4]
    expected = []
    for row in x:
        seen = one.peek(row)
        expected.append(one.step(row))
        assert seen == expected[-1]
    assert_array_equal(several.steps(x), expected)
    alone = LSTMRegressor(**SMALL).initialize(2).stream()
    with pytest.raises(ValueError, match=r"X contains NaN at step \d, .*SequenceImputer"):
        alone.steps(x)
    with pytest.raises(ValueError, match=r"X contains infinity .*float64 at step 1, feature 0"):
        alone.steps([[1.0, 2.0], [np.inf, np.nan]])


def test_linear_has_no_stream():
    model = make_pipeline(SequenceImputer("linear"), LSTMRegressor(**SMALL))
    model.fit(with_holes(sequences()), numbers(sequences()))
    for call in (model[0].stream, lambda: sklstm.stream(model)):
        with pytest.raises(ValueError, match=r"'linear'.* has no stream.*strategy='forward'"):
            call()

"""Forecasts relative to now: what RelativeRegressor does is done by hand with NumPy."""

import copy
import inspect
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from walks import N, Taught, cube, differences, following, frames, lstm, now, relative, walks

from sklstm import LSTMRegressor
from sklstm._sequences import object_array
from sklstm.compose import RelativeRegressor
from sklstm.metrics import flatten_steps, make_step_scorer
from sklstm.preprocessing import SequenceDifferences, SequenceScaler, sliding_windows

SHORT = {"max_iter": 40, "learning_rate_init": 0.02, "random_state": 0, "n_jobs": 1}


# ------------------------------------------------------------------------------------- contract


CHECKS = parametrize_with_checks(
    [
        RelativeRegressor(Ridge()),
        RelativeRegressor(LSTMRegressor(8, **SHORT)),
        RelativeRegressor(make_pipeline(SequenceScaler(), LSTMRegressor(4, **SHORT)), columns=0),
    ]
)
names, pairs = CHECKS.args


@pytest.mark.filterwarnings("ignore:y is far from the values")
@pytest.mark.parametrize(names, list(pairs), **CHECKS.kwargs)  # 1.7 gives pytest a generator
def test_scikit_learn_contract(estimator, check):
    check(estimator)


def test_what_it_says_of_its_input_is_what_the_regressor_says():
    for inner in (Ridge(), LSTMRegressor(), make_pipeline(StandardScaler(), Ridge())):
        tags, of_inner = (e.__sklearn_tags__() for e in (RelativeRegressor(inner), inner))
        assert tags.estimator_type == "regressor"
        assert tags.input_tags.three_d_array == of_inner.input_tags.three_d_array
        assert tags.target_tags.multi_output == of_inner.target_tags.multi_output
        assert not tags.input_tags.sparse and not tags.input_tags.allow_nan


# -------------------------------------------------------------------------------------- by hand


@pytest.mark.parametrize("make", [walks, cube])
def test_it_is_a_fit_to_relative_values_with_the_level_added_to_predictions(make):
    X = make()
    y = following(X)[:, 0]
    model = RelativeRegressor(lstm()).fit(X, y)
    by_hand = lstm().fit(relative(X), y - now(X)[:, 0])
    assert_array_equal(model.regressor_.parameters_, by_hand.parameters_)
    assert_array_equal(model.predict(X), by_hand.predict(relative(X)) + now(X)[:, 0])
    assert model.columns_.tolist() == [0]
    assert model.n_features_in_ == 1


def test_several_steps_ahead_are_relative_to_the_same_value():
    series = walks(1, n_steps=80)[0][:, 0]
    X, y = sliding_windows(series, width=10, horizon=[1, 2, 5])
    model = RelativeRegressor(lstm()).fit(X, y)
    by_hand = lstm().fit(X - X[:, -1:], y - X[:, -1])
    assert_array_equal(model.predict(X), by_hand.predict(X - X[:, -1:]) + X[:, -1])
    assert model.columns_.tolist() == [0, 0, 0]


def test_each_output_has_its_feature_and_the_other_features_stay_as_they_are():
    X = walks(n_features=4)
    columns = [2, 0, 2]
    y = following(X)[:, columns]
    model = RelativeRegressor(lstm(), columns=columns).fit(X, y)
    inner = relative(X, features=(0, 2))
    by_hand = lstm().fit(inner, y - now(X)[:, columns])
    assert_array_equal(model.predict(X), by_hand.predict(inner) + now(X)[:, columns])
    assert_array_equal(inner[3][:, 1], X[3][:, 1])


@pytest.mark.parametrize("columns", [-1, np.int64(1), [1], np.array([1]), (-1,)])
def test_columns_may_be_written_in_several_ways(columns):
    X = walks(n_features=2)
    y = following(X)[:, 1]
    model = RelativeRegressor(lstm(), columns=columns).fit(X, y)
    assert_array_equal(model.predict(X), RelativeRegressor(lstm(), columns=1).fit(X, y).predict(X))
    assert model.columns_.tolist() == [1]


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("make", [walks, cube])
def test_per_step_y_is_relative_to_its_step_and_x_to_the_step_before(make, n_outputs):
    X = make(n_features=2)
    ahead = [following([x])[0] for x in X]
    y = [np.concatenate([x[1:], a[None]])[:, :n_outputs] for x, a in zip(X, ahead, strict=True)]
    y = [t[:, 0] for t in y] if n_outputs == 1 else y
    y[1][1] = np.nan  # no target
    columns = list(range(n_outputs))
    model = RelativeRegressor(lstm(return_sequences=True), columns=columns).fit(X, y)
    inner, level = (
        differences(X, columns),
        [x[:, :n_outputs].reshape(t.shape) for x, t in zip(X, y, strict=True)],
    )
    by_hand = lstm(return_sequences=True).fit(inner, [t - x for t, x in zip(y, level, strict=True)])
    assert_array_equal(model.regressor_.parameters_, by_hand.parameters_)
    for k, (values, expected) in enumerate(
        zip(model.predict(X), by_hand.predict(inner), strict=True)
    ):
        assert_array_equal(values, expected + level[k])
    flat = flatten_steps(y, model.predict(X))
    assert_allclose(model.score(X, y), r2_score(*flat), rtol=1e-12)
    assert make_step_scorer("r2")(model, X, y) == r2_score(*flat)


def test_per_step_a_prediction_does_not_depend_on_later_steps():
    X = walks()
    y = [x[:, 0] for x in X]
    model = RelativeRegressor(lstm(return_sequences=True)).fit(X, y)
    whole, begun = model.predict(X), model.predict([x[:3] for x in X])
    for k, values in enumerate(begun):
        assert_array_equal(values, whole[k][:3])


def test_any_regressor_of_tables_will_do():
    X = cube()[:, :, 0]
    y = following(cube())[:, 0]
    model = RelativeRegressor(Ridge()).fit(X, y)
    inner = X - X[:, -1:]
    expected = Ridge().fit(inner, y - X[:, -1]).predict(inner) + X[:, -1]
    assert_allclose(model.predict(X), expected, rtol=1e-12)


# ----------------------------------------------------------------------------------------- laws


@pytest.mark.parametrize("per_step", [False, True])
def test_a_shift_of_series_and_targets_is_a_shift_of_predictions(per_step):
    X = [np.round(64 * x) / 64 for x in walks()]  # so that no sum is rounded
    y = [np.round(64 * t) / 64 for t in (walks() if per_step else following(X)[:, 0])]
    y = [t[:, 0] for t in y] if per_step else y
    inner = lstm(return_sequences=per_step)
    model = RelativeRegressor(inner).fit(X, y)
    shifted = RelativeRegressor(inner).fit([x + 2**20 for x in X], [t + 2**20 for t in y])
    assert_array_equal(shifted.regressor_.parameters_, model.regressor_.parameters_)
    for here, there in zip(model.predict(X), shifted.predict([x + 2**20 for x in X]), strict=True):
        assert_allclose(there - 2**20, here, rtol=1e-9, atol=1e-9)
    with pytest.raises(AssertionError):  # which is not so of the regressor alone
        assert_allclose(
            inner.fit(X, y).predict([x + 2**20 for x in X])[0] - 2**20, model.predict(X)[0], 0.1
        )


def test_a_sequence_has_the_same_prediction_alone_and_among_others():
    X = walks()
    model = RelativeRegressor(lstm()).fit(X, following(X)[:, 0])
    assert_array_equal(np.concatenate([model.predict([x]) for x in X]), model.predict(X))


@pytest.mark.parametrize("per_step", [False, True])
def test_all_containers_give_the_same(per_step):
    X = walks(n_features=2)
    y = [x[:, 0] for x in X] if per_step else following(X)[:, 0]
    model = RelativeRegressor(lstm(return_sequences=per_step), columns=0).fit(X, y)
    expected = model.predict(X)
    for container in (tuple(X), object_array(X), [x.tolist() for x in X]):
        again = clone(model).fit(container, y)
        predicted = again.predict(container)
        assert_array_equal(
            np.concatenate(predicted) if per_step else predicted,
            np.concatenate(expected) if per_step else expected,
        )
        if per_step:
            assert type(predicted) is type(container)


def test_an_array_is_a_list_of_equally_long_sequences():
    X = cube(n_features=2)
    y = following(X)[:, 1]
    model = RelativeRegressor(lstm(), columns=1).fit(X, y)
    assert_array_equal(model.predict(list(X)), model.predict(X))
    per_step = RelativeRegressor(lstm(return_sequences=True), columns=1).fit(X, X[:, :, 1])
    assert per_step.predict(X).shape == (N, 5)
    assert_array_equal(np.array(per_step.predict(list(X))), per_step.predict(X))


def test_x_and_y_are_not_written_to():
    X = cube(n_features=2)
    y = following(X)
    before = pickle.dumps((X, y))
    RelativeRegressor(lstm(), columns=[0, 1]).fit(X, y).predict(X)
    assert pickle.dumps((X, y)) == before


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_predicts_and_continues_as_the_original(copied):
    X = walks()
    y = following(X)[:, 0]
    model = RelativeRegressor(lstm()).fit(X, y)
    other = copied(model)
    assert_array_equal(other.predict(X), model.predict(X))
    assert_array_equal(other.partial_fit(X, y).predict(X), model.partial_fit(X, y).predict(X))


def test_a_clone_is_not_fitted_and_learns_the_same():
    X = walks()
    y = following(X)[:, 0]
    model = RelativeRegressor(lstm(), columns=0).fit(X, y)
    other = clone(model)
    with pytest.raises(NotFittedError):
        other.predict(X)
    assert other.get_params()["regressor__max_iter"] == 3
    assert_array_equal(other.fit(X, y).predict(X), model.predict(X))
    assert not hasattr(model.regressor, "parameters_")  # a clone was fitted


# --------------------------------------------------------------------------- names and tables


def test_features_have_the_names_of_frames():
    X = walks(n_features=2)
    y = following(X)[:, [1, 0]]
    model = RelativeRegressor(lstm(), columns=["load", "price"]).fit(frames(X), y)
    expected = RelativeRegressor(lstm(), columns=[1, 0]).fit(X, y)
    assert model.feature_names_in_.tolist() == ["price", "load"]
    assert_array_equal(model.predict(frames(X)), expected.predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frames(X, ("load", "price")))


def test_a_table_has_as_many_features_per_step_as_the_regressor_says():
    X = cube(n_features=2)
    table, y = X.reshape(N, -1), following(X)[:, 1]
    expected = RelativeRegressor(lstm(), columns=1).fit(X, y).predict(X)
    per_step = {"features_per_step": 2}
    model = RelativeRegressor(lstm(**per_step), columns=1).fit(table, y)
    assert_array_equal(model.predict(table), expected)
    assert model.n_features_in_ == 10
    frame = pd.DataFrame(table, columns=[f"c{k}" for k in range(10)])
    named = clone(model).fit(frame, y)
    assert_array_equal(named.predict(frame), expected)
    assert named.feature_names_in_[0] == "c0"
    with pytest.raises(ValueError, match="was fitted on a 2-D table of 10 columns"):
        model.predict(X)
    scaled = make_pipeline(SequenceScaler(**per_step), lstm(**per_step))
    model = RelativeRegressor(scaled, columns=1).fit(table, y)
    plain = RelativeRegressor(make_pipeline(SequenceScaler(), lstm()), columns=1).fit(X, y)
    assert_allclose(model.predict(table), plain.predict(X), rtol=1e-12)


def test_in_a_pipeline_the_first_step_says_how_a_table_is_read():
    X = cube(n_features=2)
    y = following(X)[:, 1]
    inside = make_pipeline(SequenceDifferences(features_per_step=2), lstm(features_per_step=4))
    model = RelativeRegressor(inside, columns=1).fit(X.reshape(N, -1), y)
    expected = RelativeRegressor(inside, columns=1).fit(X, y)
    assert_array_equal(model.predict(X.reshape(N, -1)), expected.predict(X))


# ------------------------------------------------------------------------------------ precision


def test_targets_are_subtracted_in_float64_and_predictions_keep_it():
    X = [x.astype(np.float32) + np.float32(2**22) for x in walks()]
    y = now(X)[:, 0] + np.linspace(0, 1e-3, N)  # float32 has steps of a half here
    model = RelativeRegressor(Taught()).fit(X, y)
    assert_allclose(model.regressor_.y_, np.linspace(0, 1e-3, N), atol=1e-9)
    assert_array_equal(model.predict(X), y)
    assert {x.dtype for x in model.regressor_.X_} == {np.dtype(np.float32)}
    fitted = RelativeRegressor(lstm()).fit(X, y)
    assert fitted.regressor_.parameters_.dtype == np.float32
    assert fitted.predict(X).dtype == np.float64


def test_a_difference_without_a_number_is_refused_by_the_regressor():
    X = np.full((4, 3, 1), 3e38, np.float32)
    X[1, 0] = -3e38
    model = RelativeRegressor(lstm())
    with pytest.raises(ValueError, match=r"X contains infinity.*sequence 1, step 0, feature 0"):
        model.fit(X, np.zeros(4))
    X = np.full((4, 3, 1), 1e308)
    with pytest.raises(ValueError, match=r"y contains infinity.*: sequence 2"):
        model.fit(X, [1e308, 1e308, -1e308, 1e308])


# ------------------------------------------------------------------------------------- documents


def test_attributes_are_those_of_the_docstring():
    X = walks(n_features=2)
    model = RelativeRegressor(lstm(), columns="load").fit(frames(X), following(X)[:, 1])
    text = inspect.getdoc(RelativeRegressor)
    attributes = text.partition("Attributes\n")[2].partition("See Also")[0]
    documented = set(re.findall(r"^(\w+_) :", attributes, re.MULTILINE))
    assert documented == {name for name in vars(model) if name.endswith("_")}
    assert "RelativeRegressor" in model._repr_html_()

"""RelativeRegressor with scikit-learn's tools, and in parts: what is done by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from walks import N, differences, following, frames, lstm, now, relative, walks

from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler

# ------------------------------------------------------------------------- scikit-learn's tools


def test_a_search_sets_parameters_of_the_regressor_inside():
    X = walks()
    y = following(X)[:, 0]
    grid = {"regressor__hidden_layer_sizes": [2, 3], "columns": [None, 0]}
    cv = KFold(2)
    search = GridSearchCV(RelativeRegressor(lstm()), grid, cv=cv).fit(X, y)
    assert (
        search.best_estimator_.regressor_.hidden_layer_sizes
        == (search.best_params_["regressor__hidden_layer_sizes"])
    )
    model = RelativeRegressor(lstm(hidden_layer_sizes=2))
    for (train, test), score in zip(cv.split(X), cross_val_score(model, X, y, cv=cv), strict=True):
        fitted = clone(model).fit([X[k] for k in train], y[train])
        assert score == fitted.score([X[k] for k in test], y[test])
        assert score == r2_score(y[test], fitted.predict([X[k] for k in test]))
    assert search.cv_results_["mean_test_score"][0] == cross_val_score(model, X, y, cv=cv).mean()
    assert cross_val_predict(model, X, y, cv=cv).shape == (N,)


def test_a_pipeline_inside_sees_relative_values():
    X = walks()
    y = following(X)[:, 0]
    inside = make_pipeline(SequenceScaler(), lstm())
    model = RelativeRegressor(inside).fit(X, y)
    by_hand = clone(inside).fit(relative(X), y - now(X)[:, 0])
    assert_array_equal(model.regressor_[0].mean_, by_hand[0].mean_)
    assert_array_equal(model.predict(X), by_hand.predict(relative(X)) + now(X)[:, 0])


def test_a_pipeline_inside_sees_differences_if_there_is_a_target_per_step():
    X = walks()
    y = [x[:, 0] + 1 for x in X]
    inside = make_pipeline(SequenceScaler(), lstm(return_sequences=True))
    model = RelativeRegressor(inside).fit(X, y)
    by_hand = clone(inside).fit(differences(X), [t - x[:, 0] for t, x in zip(y, X, strict=True)])
    for values, expected, x in zip(
        model.predict(X), by_hand.predict(differences(X)), X, strict=True
    ):
        assert_array_equal(values, expected + x[:, 0])


def test_a_pipeline_outside_may_cut_and_select():
    X = walks(n_features=2)
    y = following(X)[:, 1]
    select = FunctionTransformer(lambda X: [x[-3:, 1:] for x in X])
    model = make_pipeline(select, RelativeRegressor(lstm())).fit(X, y)
    expected = RelativeRegressor(lstm()).fit([x[-3:, 1:] for x in X], y)
    assert_array_equal(model.predict(X), expected.predict([x[-3:, 1:] for x in X]))


def test_targets_may_be_transformed_inside():
    X = walks()
    y = following(X)[:, 0]
    inside = TransformedTargetRegressor(lstm(), transformer=StandardScaler())
    model = RelativeRegressor(inside).fit(X, y)
    by_hand = clone(inside).fit(relative(X), y - now(X)[:, 0])
    assert_array_equal(model.predict(X), by_hand.predict(relative(X)) + now(X)[:, 0])


def test_weights_go_to_the_regressor_and_to_the_score():
    X = walks()
    y, w = following(X)[:, 0], np.linspace(0, 2, N)
    model = RelativeRegressor(lstm()).fit(X, y, sample_weight=w)
    by_hand = lstm().fit(relative(X), y - now(X)[:, 0], w)
    assert_array_equal(model.regressor_.parameters_, by_hand.parameters_)
    assert_allclose(model.score(X, y, w), r2_score(y, model.predict(X), sample_weight=w))
    assert model.score(X, y[:, None]) == model.score(X, y)  # without a warning of its shape
    inside = RelativeRegressor(make_pipeline(SequenceScaler(), lstm()))
    inside.fit(X, y, lstmregressor__sample_weight=w)
    with config_context(enable_metadata_routing=True):
        requested = lstm().set_fit_request(sample_weight=True)
        routed = RelativeRegressor(requested).set_score_request(sample_weight=True)
        assert_array_equal(clone(routed).fit(X, y, sample_weight=w).predict(X), model.predict(X))
        scaler = SequenceScaler().set_fit_request(sample_weight=False)
        piped = RelativeRegressor(make_pipeline(scaler, requested)).fit(X, y, sample_weight=w)
        assert_array_equal(piped.predict(X), inside.predict(X))
        search = GridSearchCV(routed, {"columns": [0]}, cv=KFold(2)).fit(X, y, sample_weight=w)
        train, test = next(KFold(2).split(X))
        fold = RelativeRegressor(requested)
        fold.fit([X[k] for k in train], y[train], sample_weight=w[train])
        expected = fold.score([X[k] for k in test], y[test], w[test])
        assert search.cv_results_["split0_test_score"][0] == expected


def test_validation_data_are_made_relative_too():
    X, X_val = walks(), walks(8, seed=2)
    y, y_val = following(X)[:, 0], following(X_val)[:, 0]
    stopping = lstm(early_stopping=True)
    model = RelativeRegressor(stopping).fit(X, y, X_val=X_val, y_val=y_val)
    data = {"X_val": relative(X_val), "y_val": y_val - now(X_val)[:, 0]}
    by_hand = clone(stopping).fit(relative(X), y - now(X)[:, 0], **data)
    assert model.regressor_.validation_scores_ == by_hand.validation_scores_
    data = {f"lstmregressor__{name}": value for name, value in data.items()}
    by_hand = make_pipeline(FunctionTransformer(), stopping)
    by_hand.fit(relative(X), y - now(X)[:, 0], **data)
    piped = RelativeRegressor(make_pipeline(FunctionTransformer(), stopping))
    piped.fit(X, y, lstmregressor__X_val=X_val, lstmregressor__y_val=y_val)
    assert piped.regressor_[-1].validation_scores_ == by_hand[-1].validation_scores_
    with config_context(enable_metadata_routing=True):
        requested = clone(stopping).set_fit_request(X_val=True, y_val=True)
        steps = [("scale", SequenceScaler()), ("lstm", requested)]
        routed = RelativeRegressor(Pipeline(steps, transform_input=["X_val"]))
        routed.fit(X, y, X_val=X_val, y_val=y_val)
    assert len(routed.regressor_[-1].validation_scores_) == 3


def test_errors_in_validation_data_name_the_argument_and_change_nothing():
    X, X_val = walks(), walks(8, seed=2)
    y, y_val = following(X)[:, 0], following(X_val)[:, 0]
    model = RelativeRegressor(lstm(early_stopping=True))
    bad = [x.copy() for x in X_val]
    bad[2][1, 0] = np.nan
    for data, message in (
        ({"X_val": bad, "y_val": y_val}, "In X_val: X contains NaN: sequence 2, step 1"),
        ({"X_val": X_val, "y_val": y_val[:-1]}, "y_val has 7 rows of targets, but X_val has 8"),
        ({"X_val": X_val}, "y_val is missing"),
        ({"y_val": y_val}, "X_val is missing"),
    ):
        before = attributes(model)
        with pytest.raises(ValueError, match=message):
            model.fit(X, y, **data)
        assert attributes(model) == before


# ------------------------------------------------------------------------------- going on


def test_partial_fit_continues_the_regressor():
    X = walks()
    y = following(X)[:, 0]
    model, by_hand = RelativeRegressor(lstm()), lstm()
    for part in (slice(0, 12), slice(12, N)):
        model.partial_fit(X[part], y[part])
        by_hand.partial_fit(relative(X[part]), y[part] - now(X[part])[:, 0])
    assert_array_equal(model.regressor_.parameters_, by_hand.parameters_)
    assert model.regressor_.t_ == N
    fitted = RelativeRegressor(lstm()).fit(X, y).partial_fit(X, y)
    assert len(fitted.regressor_.loss_curve_) == 4


def test_partial_fit_is_there_if_the_regressor_has_it():
    assert hasattr(RelativeRegressor(lstm()), "partial_fit")
    for inner in (Ridge(), make_pipeline(SequenceScaler(), lstm())):
        assert not hasattr(RelativeRegressor(inner), "partial_fit")


def test_partial_fit_keeps_its_outputs():
    X = walks(n_features=2)
    y = following(X)
    model = RelativeRegressor(lstm(), columns=0).partial_fit(X, y[:, 0])
    before = attributes(model)
    with pytest.raises(
        ValueError, match=r"the features \[0, 0\].* with the features \[0\]. Pass the"
    ):
        model.partial_fit(X, y)
    model.set_params(columns=1)
    with pytest.raises(ValueError, match=r"the features \[1\].* with the features \[0\]. Pass the"):
        model.partial_fit(X, y[:, 0])
    assert attributes(model.set_params(columns=0)) == before


def test_a_second_fit_forgets_the_first():
    X = walks(n_features=2)
    y = following(X)
    model = RelativeRegressor(lstm(), columns="price").fit(frames(X), y[:, 0])
    model.set_params(columns=[1, 0]).fit(X, y)
    assert not hasattr(model, "feature_names_in_")
    assert_array_equal(
        model.predict(X), RelativeRegressor(lstm(), columns=[1, 0]).fit(X, y).predict(X)
    )

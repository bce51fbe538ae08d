"""What RelativeRegressor refuses and warns of: the place is named, and the model is as before."""

import numpy as np
import pandas as pd
import pytest
from problems import attributes
from sklearn.exceptions import DataConversionWarning
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from walks import N, cube, following, frames, lstm, walks

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler, sliding_windows

# ------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (None, r"X has 3 features, and columns=None .*columns=0 if .*columns=\[0, 1\], one for"),
        ([0], r"columns=\[0\] has 1 entries, but y has 2 outputs: set columns=\[0, 1\]"),
        ([0, 1, 2], "has 3 entries, but y has 2 outputs"),
        ([], "has 0 entries"),
        (3, "columns contains 3, which is not a feature: X has 3 features"),
        ([0, -4], "columns contains -4, which is not a feature"),
        ([0, 1.0], "columns contains 1.0, which is not a feature"),
        (True, "columns contains True, which is not a feature"),
        ([0, None], "columns contains None, which is not a feature"),
        ([[0, 1], [1, 2]], r"columns contains \[0, 1\], which is not a feature"),
        (
            "load",
            "the feature 'load' by name, but the features of X have no names",
        ),
        (
            1.5,
            "The 'columns' parameter of RelativeRegressor must be|contains 1.5, which is not a fea",
        ),
    ],
)
def test_columns_that_do_not_fit_are_named_and_change_nothing(columns, message):
    X = walks(n_features=3)
    y = following(X)[:, :2]
    model = RelativeRegressor(lstm(), columns=[0, 1]).fit(X, y)
    model.set_params(columns=columns)
    before = attributes(model)
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=message):
            getattr(model, method)(X, y)
        assert attributes(model) == before


def test_a_first_partial_fit_that_fails_leaves_nothing_behind():
    model = RelativeRegressor(lstm())
    before = attributes(model)
    for n_features, y in ((2, following(walks())[:, 0]), (1, np.zeros(N - 1))):
        with pytest.raises(ValueError, match=r"X has 2 features, and columns|y has 23 rows"):
            model.partial_fit(walks(n_features=n_features), y)
        assert attributes(model) == before


def test_names_that_frames_do_not_have_are_refused():
    X = walks(n_features=2)
    y = following(X)[:, 0]
    with pytest.raises(ValueError, match=r"'loud', but X has 0 .*\['price', 'load'\]"):
        RelativeRegressor(lstm(), columns="loud").fit(frames(X), y)
    table = pd.DataFrame(cube()[:, :, 0], columns=list("abcde"))
    with pytest.raises(ValueError, match="columns of a table are steps and do not name"):
        RelativeRegressor(lstm(), columns="e").fit(table, y)


@pytest.mark.parametrize(
    ("regressor", "message"),
    [
        (SequenceScaler(), "'regressor' parameter of RelativeRegressor must be an object impl"),
        (None, "must be an object implementing 'fit' and 'predict'"),
        (LSTMClassifier(), "must predict numbers, but LSTMClassifier is a classifier"),
        (LSTMRegressor(features_per_step=0), "features_per_step of regressor must be an int of 1"),
        (LSTMRegressor(cell="gru"), "The 'cell' parameter of LSTMRegressor must be"),
    ],
)
def test_a_regressor_that_cannot_be_used_is_named(regressor, message):
    X = walks()
    model = RelativeRegressor(regressor)
    before = attributes(model)
    with pytest.raises(ValueError, match=message):
        model.fit(X, following(X)[:, 0])
    assert attributes(model) == before


def test_errors_name_the_place_and_leave_the_model_as_it_was():
    X = walks()
    y = following(X)[:, 0]
    model = RelativeRegressor(lstm()).fit(X, y)
    before = attributes(model)
    bad = [x.copy() for x in X]
    bad[4][2, 0] = np.inf
    missing = np.where(np.arange(N) == 5, np.nan, y)
    for method in ("fit", "partial_fit", "score"):
        with pytest.raises(ValueError, match=r"X contains infinity.*sequence 4, step 2"):
            getattr(model, method)(bad, y)
        with pytest.raises(ValueError, match="y contains NaN: sequence 5"):
            getattr(model, method)(X, missing)
        with pytest.raises(ValueError, match="y has 23 rows of targets, but X has 24 sequences"):
            getattr(model, method)(X, y[:-1])
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match="Negative values in data passed to sample_weight"):
            getattr(model, method)(X, y, sample_weight=-np.ones(N))
    with pytest.raises(
        ValueError, match="y has 2 outputs per row, but RelativeRegressor predicts 1"
    ):
        model.score(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="X has 2 features, but RelativeRegressor is expecting 1"):
        model.predict(walks(n_features=2))
    assert attributes(model) == before


def test_a_column_of_targets_is_read_as_numbers_with_a_warning():
    X = walks()
    y = following(X)
    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        model = RelativeRegressor(lstm()).fit(X, y)
    assert model.predict(X).shape == (N,)


# --------------------------------------------------------------------------------------- warning


FAR = "y is far from the values that it should continue: output 0"


def test_scaling_outside_is_warned_of():
    X = [x + 500 for x in walks()]
    y = following(X)[:, 0]
    outside = make_pipeline(SequenceScaler(), RelativeRegressor(lstm()))
    with pytest.warns(UserWarning, match=f"{FAR}.*If X was scaled, scale it inside"):
        outside.fit(X, y)
    with pytest.warns(UserWarning, match=f"{FAR} of y has mean 500 and standard deviation 0.1"):
        RelativeRegressor(lstm()).fit(X, 500 + (y - y.mean()) / y.std() / 10)


def test_another_feature_than_that_of_y_is_warned_of():
    X = [x + [0, 300] for x in walks(n_features=2)]
    with pytest.warns(UserWarning, match=f"{FAR}.*feature 1 of X.*set columns") as warned:
        RelativeRegressor(lstm(), columns=1).fit(X, following(X)[:, 0])
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    "series",
    [
        np.arange(60.0),  # ahead of all windows
        (-1.0) ** np.arange(60),  # the opposite of the last value
        np.exp(np.arange(60) / 10),
        np.zeros(60),
    ],
    ids=["trend", "opposite", "growth", "constant"],
)
def test_windows_of_one_series_are_not_warned_of(series):
    X, y = sliding_windows(series, width=24, horizon=[1, 24])
    RelativeRegressor(Ridge()).fit(X.reshape(len(X), -1), y)

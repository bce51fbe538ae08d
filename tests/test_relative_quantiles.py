"""Quantiles relative to now, and other predictions that are not one number per target."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.metrics import d2_absolute_error_score, d2_pinball_score
from sklearn.pipeline import make_pipeline
from walks import Taught, cube, differences, following, lstm, now, relative, walks

from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler


class Quantiles(BaseEstimator):
    """Three values for each target: one below, 0, one above."""

    def __init__(self, return_sequences=False):
        self.return_sequences = return_sequences

    def fit(self, X, y):
        self.shape_ = np.shape(y[0])[1:] if self.return_sequences else np.shape(y)[1:]
        return self

    def predict(self, X):
        def around(n):
            return np.zeros((n, *self.shape_, 3)) + [-1, 0, 1]

        return [around(len(x)) for x in X] if self.return_sequences else around(len(X))


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_level_is_added_to_every_quantile(n_outputs):
    X = walks(n_features=2)
    y, level = following(X)[:, :n_outputs], now(X)[:, :n_outputs]
    y, level = (a[:, 0] if n_outputs == 1 else a for a in (y, level))
    columns = list(range(n_outputs))
    model = RelativeRegressor(Quantiles(), columns=columns).fit(X, y)
    assert_array_equal(model.predict(X), level[..., None] + [-1, 0, 1])
    with pytest.raises(
        ValueError, match="R² needs one prediction for each target, but the regressor predicts 3"
    ):
        model.score(X, y)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_level_is_added_to_every_quantile_of_every_step(n_outputs):
    X = walks(n_features=2)
    y = [x[:, 0] if n_outputs == 1 else x for x in X]
    columns = list(range(n_outputs))
    model = RelativeRegressor(Quantiles(return_sequences=True), columns=columns).fit(X, y)
    for values, t in zip(model.predict(X), y, strict=True):
        assert_array_equal(values, t[..., None] + [-1, 0, 1])
    cubes = np.array(walks(n_features=2, n_steps=5))
    values = model.predict(cubes)
    level = cubes[:, :, 0] if n_outputs == 1 else cubes
    assert_array_equal(values, level[..., None] + [-1, 0, 1])


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("levels", [0.9, [0.1, 0.5, 0.9]])
def test_an_lstm_of_quantiles_predicts_and_scores_them_in_the_units_of_y(
    levels, n_outputs, per_step
):
    X = cube(n_features=2)
    y, level = (X, X) if per_step else (following(X), now(X))
    y, level = (a[..., :n_outputs] for a in (y + 1, level))
    y, level = (a[..., 0] if n_outputs == 1 else a for a in (y, level))
    inner = lstm(loss="quantile", quantile=levels, return_sequences=per_step)
    columns = list(range(n_outputs))
    model = RelativeRegressor(inner, columns=columns).fit(X, y)
    seen = np.array((differences if per_step else relative)(X, columns))
    by_hand = inner.fit(seen, y - level).predict(seen)
    several = np.ndim(levels) > 0
    assert_array_equal(model.predict(X), by_hand + (level[..., None] if several else level))
    flat = model.predict(X).reshape(-1, n_outputs, np.size(levels))
    ones = np.ones(len(flat))  # without weights, 1.7 takes another quantile of y
    scores = [
        d2_pinball_score(y.reshape(-1, n_outputs), flat[..., q], alpha=a, sample_weight=ones)
        for q, a in enumerate(np.atleast_1d(levels))
    ]
    assert_allclose(model.score(X, y), np.mean(scores), rtol=1e-12)


def test_another_loss_of_an_lstm_has_its_score():
    X = walks()
    y = following(X)[:, 0]
    inside = make_pipeline(SequenceScaler(), lstm(loss="absolute_error"))
    model = RelativeRegressor(inside).fit(X, y)
    assert_allclose(model.score(X, y), d2_absolute_error_score(y, model.predict(X)), rtol=1e-12)
    with pytest.raises(ValueError, match="loss='poisson' needs values that are never negative"):
        RelativeRegressor(lstm(loss="poisson")).fit(X, np.abs(y))


def test_predictions_that_do_not_belong_to_the_targets_are_refused():
    X = walks(n_features=2)
    model = RelativeRegressor(Taught(), columns=[0, 1]).fit(X, following(X))
    with pytest.raises(ValueError, match=re.escape("of shape (24, 2), expected (5, 2)")):
        model.predict(X[:5])
    model.regressor_.y_ = np.zeros((24, 2, 1, 1))
    with pytest.raises(ValueError, match=r"\(24, 2, 1, 1\), expected .* or one axis more"):
        model.predict(X)


@pytest.mark.parametrize("inner", [lstm(), make_pipeline(SequenceScaler(), lstm())])
def test_a_change_of_return_sequences_after_fit_is_refused(inner):
    X = walks()
    model = RelativeRegressor(inner).fit(X, following(X)[:, 0])
    name = next(name for name in inner.get_params() if name.endswith("return_sequences"))
    model.regressor_.set_params(**{name: True})
    with pytest.raises(ValueError, match="return_sequences of regressor_ was changed after fit"):
        model.predict(X)

"""Where only the ratios of sample weights matter, their size does not, however small or large.

Times a power of two the results are the same to the bit; times any other factor to 1e-12, also
where float64 has few digits left (1e-320) and where sums could be infinite (1e100).
"""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.compose import RelativeRegressor
from sklstm.metrics import make_step_scorer
from sklstm.preprocessing import SequenceImputer, SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 24
X = np.random.default_rng(0).normal(size=(N, 3, 2))
Y, STEPS = X[:, :, 0].sum(axis=1), X[:, :, 1].cumsum(axis=1)
LABELS = (Y > 0).astype(int)
WEIGHTS = np.random.default_rng(1).uniform(0.5, 2, N)
SETTINGS = {"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0, "batch_size": 8}

POWERS = [2.0**-1074, 2.0**-1060, 2.0**-600, 2.0**300]
FACTORS = [1e-320, 1e-310, 1e-100, 1e100]

MODELS = {
    "adam": (LSTMRegressor(**SETTINGS), Y),
    "sgd, unclipped": (LSTMRegressor(**SETTINGS, solver="sgd", clip_norm=None), Y),
    "early stopping": (LSTMRegressor(**SETTINGS, early_stopping=True), Y),
    "outputs": (LSTMRegressor(**SETTINGS), np.column_stack([Y, -Y])),
    "steps": (LSTMRegressor(**SETTINGS, return_sequences=True), STEPS),
    "poisson": (LSTMRegressor(**SETTINGS, loss="poisson"), np.abs(Y)),
    "quantiles": (LSTMRegressor(**SETTINGS, loss="quantile", quantile=[0.1, 0.9]), Y),
    "absolute": (LSTMRegressor(**SETTINGS, loss="absolute_error"), Y),
    "labels": (LSTMClassifier(**SETTINGS, early_stopping=True), LABELS),
    "balanced": (LSTMClassifier(**SETTINGS, class_weight="balanced"), LABELS),
    "labels of steps": (LSTMClassifier(**SETTINGS, return_sequences=True), STEPS > 0),
    "relative": (RelativeRegressor(LSTMRegressor(**SETTINGS), columns=0), Y),
}
MODELS |= {
    kind.__name__: (kind(max_iter=2, random_state=0), Y)
    for kind in (GuessingRegressor, RecurrentCascadeRegressor, RecurrentRegressor, SequenceChunker)
}
every_model = pytest.mark.parametrize("name", MODELS)


def fitted(name, weights):
    model, y = MODELS[name]
    return np.asarray(model.fit(X, y, sample_weight=weights).predict(X), dtype=float)


@every_model
def test_the_size_of_equal_weights_does_not_matter(name):
    wanted = fitted(name, np.ones(N))
    for power in POWERS:
        np.testing.assert_array_equal(fitted(name, np.full(N, power)), wanted)
    for factor in FACTORS:
        given = fitted(name, np.full(N, factor))
        np.testing.assert_allclose(given, wanted, rtol=1e-12, atol=1e-12)


@every_model
def test_the_size_of_weights_does_not_matter(name):
    wanted = fitted(name, WEIGHTS)
    for power in (2.0**-600, 2.0**300):
        np.testing.assert_array_equal(fitted(name, WEIGHTS * power), wanted)


@every_model
def test_a_score_does_not_depend_on_the_size_of_weights(name):
    model, y = MODELS[name]
    model.fit(X, y)
    for weights, sizes in ((np.ones(N), POWERS), (WEIGHTS, (2.0**-600, 2.0**300))):
        wanted = model.score(X, y, sample_weight=weights)
        assert np.isfinite(wanted)
        for size in sizes:
            assert model.score(X, y, sample_weight=weights * size) == wanted


def test_a_step_scorer_does_not_depend_on_it():
    model = LSTMRegressor(**SETTINGS, return_sequences=True).fit(X, STEPS)
    score = make_step_scorer("r2")
    wanted = score(model, X, STEPS, sample_weight=np.ones(N))
    for size in (2.0**-600, 2.0**300):
        assert score(model, X, STEPS, sample_weight=np.full(N, size)) == wanted


@pytest.mark.parametrize("kind", [SequenceScaler, SequenceImputer])
def test_nor_do_means_variances_and_medians(kind):
    sour = X.copy()
    sour[::2, 1, 0] = np.nan
    for weights, sizes in ((np.ones(N), POWERS), (WEIGHTS, (2.0**-600, 2.0**300))):
        wanted = kind().fit(sour, sample_weight=weights).transform(sour)
        for size in sizes:
            given = kind().fit(sour, sample_weight=weights * size).transform(sour)
            np.testing.assert_array_equal(given, wanted)


def test_of_pieces_the_scaler_knows_the_sums():
    whole = SequenceScaler().fit(X, sample_weight=WEIGHTS)
    for size in (2.0**-600, 2.0**300):
        pieces = SequenceScaler()
        for rows in (slice(0, 5), slice(5, N)):
            pieces.partial_fit(X[rows], sample_weight=WEIGHTS[rows] * size)
        np.testing.assert_allclose(pieces.mean_, whole.mean_, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(pieces.scale_, whole.scale_, rtol=1e-12)


@pytest.mark.parametrize("name", ["adam", "GuessingRegressor", "relative"])
def test_weights_whose_sums_could_overflow_are_refused_by_name(name):
    with pytest.raises(ValueError, match=r"sample_weight is 1e\+308 at sequence 0.*Divide all"):
        fitted(name, np.full(N, 1e308))


# ------------------------------------------------------------------ where there is a penalty


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("clip_norm", [None, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_penalty_that_tiny_weights_make_infinite_is_named_and_changes_nothing(
    solver, clip_norm, dtype
):
    settings = {"solver": solver, "clip_norm": clip_norm}
    model = LSTMRegressor(**SETTINGS, **settings).fit(X.astype(dtype), Y)
    before = model.parameters_.copy()
    model.set_params(alpha=1.0, warm_start=True)
    tiny = np.full(N, 1e-320)
    for method in (model.partial_fit, model.fit):
        message = "alpha=1 is divided by sample weights of at most 1e-320: scale the weights"
        with pytest.warns(ConvergenceWarning, match=message):
            method(X.astype(dtype), Y, sample_weight=tiny)
        np.testing.assert_array_equal(model.parameters_, before)
    stream = model.stream()
    stream.step(X[0, 0])
    with pytest.warns(ConvergenceWarning, match="not (be )?finite"):
        stream.learn(1.0, 1e-320)
    with pytest.warns(ConvergenceWarning, match="not (be )?finite"):
        _, losses = stream.learn_steps(X[0], Y[:3], tiny[:3])
    assert losses.shape == (3,)
    np.testing.assert_array_equal(model.parameters_, before)

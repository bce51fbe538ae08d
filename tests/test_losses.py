"""The losses of LSTMRegressor: what they predict, how they score, what they refuse."""

import pickle

import numpy as np
import pytest
from bad_values import INFINITE, MISSING, NO_NUMBERS, SEVERAL, nested
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import d2_absolute_error_score, d2_pinball_score, d2_tweedie_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline

from sklstm import LSTMRegressor, _isa
from sklstm._number_losses import LOSSES, in_order
from sklstm.preprocessing import SequenceScaler

rng = np.random.default_rng(0)
LEVELS = [0.1, 0.5, 0.9]
SMALL = dict(hidden_layer_sizes=6, max_iter=40, random_state=0)
X = [rng.normal(size=(int(n), 2)) for n in rng.integers(2, 9, size=120)]
y = np.array([x[:, 0].mean() for x in X])
COUNTS = rng.poisson(np.exp(1 + y)).astype(float)
KINDS = {
    "squared_error": {},
    "absolute_error": {},
    "quantile": {"quantile": 0.8},
    "quantiles": {"quantile": LEVELS},
    "poisson": {},
}


def regressor(kind, **parameters):
    loss = "quantile" if kind == "quantiles" else kind
    return LSTMRegressor(loss=loss, **SMALL | KINDS[kind] | parameters)


def targets(kind, k=1):
    values = COUNTS if kind == "poisson" else y
    return values if k == 1 else np.column_stack([values * (2 + j) for j in range(k)])


# -- what is predicted: the constants that minimise each loss


@pytest.mark.parametrize("skewed", [rng.exponential(5.0, size=400) + 100, rng.poisson(0.3, 400)])
def test_without_information_each_loss_predicts_its_own_constant(skewed):
    zeros = np.zeros((len(skewed), 1, 1))
    expected = {
        "squared_error": skewed.mean(),
        "absolute_error": np.median(skewed),
        "quantile": np.quantile(skewed, 0.8),
        "quantiles": np.quantile(skewed, LEVELS),
        "poisson": skewed.mean(),
    }
    for kind, constant in expected.items():
        model = regressor(kind, max_iter=400, hidden_layer_sizes=2)
        found = model.fit(zeros, skewed).predict(zeros[:1])[0]
        assert_allclose(found, constant, rtol=0.05, atol=0.1 * skewed.std(), err_msg=kind)


def test_quantiles_cover_what_they_say():
    n = 2000
    sequences = rng.normal(size=(n, 4, 1))
    middle, width = sequences[:, -1, 0], np.exp(sequences[:, 0, 0] / 2)
    values = 50 + 10 * (middle + width * rng.normal(size=n))
    model = LSTMRegressor(16, loss="quantile", quantile=LEVELS, max_iter=60, random_state=0)
    found = model.fit(sequences[:1500], values[:1500]).predict(sequences[1500:])
    share = (values[1500:, None] <= found).mean(axis=0)
    assert_allclose(share, LEVELS, atol=4 * np.sqrt(0.25 / 500))
    # and are wider where the noise is
    assert np.corrcoef(found[:, 2] - found[:, 0], width[1500:])[0, 1] > 0.8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh"])
def test_quantiles_never_cross(activation, dtype):
    levels = np.linspace(0.01, 0.99, 99).tolist()
    model = LSTMRegressor(
        4, loss="quantile", quantile=levels, out_activation=activation, max_iter=2, random_state=0
    )
    sequences = rng.normal(size=(50, 3, 2)).astype(dtype)
    model.fit(sequences, sequences[:, 0, 0])
    for scale in (1, 1e-3, 30, 1e4):  # random parameters, also absurd ones
        model.parameters_[:] = scale * rng.normal(size=len(model.parameters_))
        found = model.predict(sequences)
        assert found.dtype == dtype
        assert (np.diff(found, axis=1) >= 0).all()


def test_in_order_by_hand():
    raw = np.array([[1.0, -2.0, 0.5, 3.0]])
    gap = np.log1p(np.exp(raw[0]))
    expected = [0.5 - gap[1] - gap[0], 0.5 - gap[1], 0.5, 0.5 + gap[3]]
    assert_allclose(in_order(raw)[0], expected)


# -- forms


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_of_predictions(kind):
    last = (3,) if kind == "quantiles" else ()
    one = regressor(kind).fit(X, targets(kind))
    assert one.predict(X).shape == (len(X), *last)
    assert one.n_outputs_ == 1
    two = regressor(kind).fit(X, targets(kind, 2))
    assert two.predict(X).shape == (len(X), 2, *last)
    assert two.n_outputs_ == 2
    assert two.y_scale_.shape == (2,)


@pytest.mark.parametrize("kind", KINDS)
def test_at_every_step(kind):
    steps = [np.abs(x[:, 0]) for x in X]
    several = [np.abs(x) for x in X]
    last = (3,) if kind == "quantiles" else ()
    model = regressor(kind, return_sequences=True).fit(X, steps)
    assert [p.shape for p in model.predict(X)] == [(len(x), *last) for x in X]
    steps[0][0] = np.nan  # no target
    model.partial_fit(X, steps)
    assert np.isfinite(model.score(X, steps))
    model = regressor(kind, return_sequences=True).fit(X, several)
    assert [p.shape for p in model.predict(X)] == [(len(x), 2, *last) for x in X]
    array = np.stack([x[:2] for x in X])
    assert model.predict(array).shape == (len(X), 2, 2, *last)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_steps_and_learns(kind):
    model = regressor(kind, normalize_y=True).fit(X, targets(kind))
    stream = model.stream()
    for t, x in enumerate(X[0]):
        assert_allclose(stream.step(x), model.predict([X[0][: t + 1]])[0], rtol=1e-9)
    assert_allclose(stream.predict(), model.predict(X[:1])[0], rtol=1e-9)
    at_once = model.stream().steps(X[0])
    assert at_once.shape == (len(X[0]), *np.shape(stream.predict()))
    assert_array_equal(at_once[-1], stream.predict())
    before = model.parameters_.copy()
    loss = stream.learn(3.0)
    assert loss > 0
    assert not np.array_equal(before, model.parameters_)


@pytest.mark.parametrize("kind", KINDS)
def test_learning_at_the_last_step_is_partial_fit(kind):
    # the truncated gradient is the stream's
    models = [
        regressor(kind, gradient="truncated", cell="1997").fit(X, targets(kind)) for _ in "ab"
    ]
    models[0].partial_fit(X[:1], [2.0])
    stream = models[1].stream()
    for x in X[0]:
        stream.step(x)
    stream.learn(2.0)
    assert_allclose(models[1].parameters_, models[0].parameters_, rtol=1e-9, atol=1e-12)


# -- scores


def test_scores_are_those_of_scikit_learn():
    weights = rng.uniform(0.5, 2, size=len(X))
    for w in (None, weights):
        model = regressor("absolute_error").fit(X, y)
        expected = d2_absolute_error_score(y, model.predict(X), sample_weight=w)
        assert_allclose(model.score(X, y, w), expected)
        model = regressor("quantile").fit(X, y)
        expected = d2_pinball_score(y, model.predict(X), sample_weight=w, alpha=0.8)
        assert_allclose(model.score(X, y, w), expected)
        model = regressor("quantiles").fit(X, y)
        predicted = model.predict(X)
        expected = [
            d2_pinball_score(y, predicted[:, q], sample_weight=w, alpha=level)
            for q, level in enumerate(LEVELS)
        ]
        assert_allclose(model.score(X, y, w), np.mean(expected))
        model = regressor("poisson").fit(X, COUNTS)
        expected = d2_tweedie_score(COUNTS, model.predict(X), sample_weight=w, power=1)
        assert_allclose(model.score(X, COUNTS, w), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_several_outputs_score_their_mean(kind):
    model = regressor(kind, max_iter=100).fit(X, targets(kind, 2))
    assert model.score(X, targets(kind, 2)) > (0.2 if kind == "poisson" else 0.5)
    constant = np.ones(len(X))
    assert np.isfinite(regressor(kind).fit(X, constant).score(X, constant))


def test_zeros_alone_are_counts():
    model = regressor("poisson").fit(X, np.zeros(len(X)))
    assert (model.predict(X) < 0.5).all()
    assert np.isfinite(model.score(X, np.zeros(len(X))))


@pytest.mark.parametrize("kind", KINDS)
def test_early_stopping_watches_the_own_score(kind):
    model = regressor(kind, early_stopping=True, validation_fraction=0.3)
    model.fit(X, targets(kind), X_val=X[:30], y_val=targets(kind)[:30])
    assert model.best_validation_score_ == pytest.approx(model.score(X[:30], targets(kind)[:30]))


# -- units


@pytest.mark.parametrize("kind", KINDS)
def test_the_unit_of_y_does_not_matter(kind):
    model = regressor(kind).fit(X, targets(kind))
    larger = regressor(kind).fit(X, 1024 * targets(kind))
    assert_allclose(larger.predict(X), 1024 * model.predict(X), rtol=1e-6)
    assert_allclose(larger.loss_curve_, model.loss_curve_, rtol=1e-6)


def test_the_unit_of_counts_is_their_mean():
    model = regressor("poisson").fit(X, COUNTS)
    assert_array_equal(model.y_mean_, [0])
    assert_allclose(model.y_scale_, [COUNTS.mean()])
    model = regressor("poisson", normalize_y=False).fit(X, COUNTS)
    assert_array_equal(model.y_scale_, [1])
    model = LSTMRegressor(4, loss="poisson").initialize(2, y_scale=3.0)
    model.parameters_[:] = 0
    assert_allclose(model.predict(X), 3)
    with pytest.raises(ValueError, match="y_mean must be 0 with loss='poisson'"):
        LSTMRegressor(4, loss="poisson").initialize(2, y_mean=3.0)


@pytest.mark.parametrize("kind", KINDS)
def test_weight_two_is_two_copies(kind):
    weights = 1.0 + (np.arange(len(X)) < 3)
    copies = [0, 1, 2, *range(len(X))]
    options = dict(shuffle=False, batch_size=len(copies), max_iter=3, hidden_layer_sizes=3)
    weighted = regressor(kind, **options).fit(X, targets(kind), weights)
    copied = regressor(kind, **options).fit([X[k] for k in copies], targets(kind)[copies])
    assert_allclose(copied.predict(X), weighted.predict(X), rtol=1e-6)


# -- estimators in use


@pytest.mark.parametrize("kind", KINDS)
def test_pickles_clones_and_searches(kind):
    model = regressor(kind).fit(X, targets(kind))
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert_array_equal(clone(model).fit(X, targets(kind)).predict(X), model.predict(X))
    search = GridSearchCV(regressor(kind, max_iter=2), {"alpha": [0.0, 0.1]}, cv=2)
    assert np.isfinite(search.fit(X, targets(kind)).best_score_)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_cross_val_predict_joins_predictions_of_a_pipeline(kind, k):
    model = make_pipeline(SequenceScaler(), regressor(kind, max_iter=2))
    found = cross_val_predict(model, X, targets(kind, k), cv=2)
    half = len(X) // 2
    expected = model.fit(X[half:], targets(kind, k)[half:]).predict(X[:half])
    assert_array_equal(found[:half], expected)
    assert found.shape == (len(X), *expected.shape[1:])


def test_losses_and_quantiles_can_be_searched_together():
    grid = [
        {"loss": ["squared_error", "absolute_error", "poisson"]},
        {"loss": ["quantile"], "quantile": [0.5, [0.2, 0.8]]},
    ]
    search = GridSearchCV(LSTMRegressor(**SMALL | {"max_iter": 1}), grid, cv=2, error_score="raise")
    assert np.isfinite(search.fit(X, COUNTS).cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("gradient", ["full", "truncated"])
@pytest.mark.parametrize("cell", ["forget", "1997", "peephole", "coupled"])
@pytest.mark.parametrize("kind", KINDS)
def test_with_every_cell_stacks_and_directions(kind, cell, gradient):
    for options in (dict(hidden_layer_sizes=(4, 3)), dict(bidirectional=True, block_size=2)):
        model = regressor(kind, cell=cell, gradient=gradient, **{"max_iter": 15} | options)
        losses = model.fit(X, targets(kind)).loss_curve_
        assert losses[-1] < losses[0]


def test_settings_that_changed_are_refused_and_predictions_are_as_fitted():
    model = regressor("quantiles").fit(X, y)
    before = model.predict(X)
    model.set_params(quantile=[0.2, 0.8])
    assert_array_equal(model.predict(X), before)
    with pytest.raises(
        ValueError,
        match=r"quantile is \(0.2, 0.8\), but .* fitted with \(0.1, 0.5, 0.9\)",
    ):
        model.partial_fit(X, y)
    model.set_params(quantile=LEVELS, loss="absolute_error")
    with pytest.raises(
        ValueError, match=r"loss is 'absolute_error', but .* fitted with 'quantile'"
    ):
        model.partial_fit(X, y)
    assert model.fit(X, y).predict(X).shape == (len(X),)


@pytest.mark.parametrize("has_learned", [False, True])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(loss="absolute_error"), "loss is 'absolute_error'"),
        (dict(quantile=[0.2, 0.8]), "quantile is"),
        (dict(out_activation="tanh"), "out_activation is 'tanh'"),
        (dict(pooling="max"), "pooling is 'max'"),
    ],
)
def test_a_stream_does_not_learn_for_other_outputs_than_there_are(change, message, has_learned):
    model = regressor("quantiles").fit(X, y)
    stream = model.stream()
    stream.step(X[0][0])
    if has_learned:
        stream.learn(1.0)
    settings = {name: getattr(model, name) for name in change}
    before = model.parameters_.copy()
    model.set_params(**change)
    for learn in (lambda: stream.learn(1.0), lambda: stream.learn_steps(X[0][:1], [1.0])):
        with pytest.raises(ValueError, match=message):
            learn()
    assert_array_equal(model.parameters_, before)
    model.set_params(**settings)
    stream.learn(1.0)
    assert not np.array_equal(model.parameters_, before)


# -- what is refused


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (dict(loss="huber"), "'loss' parameter of LSTMRegressor must be a str among"),
        (dict(loss="quantile"), "loss='quantile' needs the parameter quantile"),
        (dict(loss="quantile", quantile=1.5), "'quantile' parameter"),
        (dict(loss="quantile", quantile="half"), "'quantile' parameter"),
        (dict(loss="quantile", quantile=[]), "'quantile' parameter"),
        (dict(loss="quantile", quantile=[0.9, 0.1]), "each larger than the one before"),
        (dict(loss="quantile", quantile=[0.5, 0.5]), "each larger than the one before"),
        (dict(loss="quantile", quantile=[0.5, np.nan]), "'quantile' parameter"),
        (dict(loss="quantile", quantile=[[0.5]]), "'quantile' parameter"),
        (
            dict(loss="quantile", quantile=np.linspace(0, 1, 1000)),
            "but at most 128 are",
        ),
        (dict(loss="poisson", out_activation="tanh"), "out_activation must be 'identity'"),
    ],
)
def test_parameters_that_do_not_fit(parameters, message):
    with pytest.raises(ValueError, match=message):
        LSTMRegressor(**SMALL | parameters).fit(X, y)


@pytest.mark.parametrize("table", [NO_NUMBERS, SEVERAL, INFINITE, MISSING])
def test_what_is_no_quantile_is_refused(table):
    for value in table.values():
        bad = value[0] if table is NO_NUMBERS else value
        # None alone has a message of its own, and a fraction alone one of scikit-learn
        alone = [bad] if table in (NO_NUMBERS, MISSING) and bad is not None else []
        for quantile in (*alone, nested((3,), (1,), bad)):
            model = LSTMRegressor(loss="quantile", quantile=quantile, **SMALL)
            with pytest.raises(ValueError, match="'quantile' parameter"):
                model.fit(X, y)


@pytest.mark.parametrize("quantile", [np.array(0.3), np.float32(0.25), [0.1, 0.5], np.array([0.5])])
def test_quantiles_are_read_whatever_their_type(quantile):
    model = LSTMRegressor(loss="quantile", quantile=quantile, **SMALL | {"max_iter": 2}).fit(X, y)
    assert model.predict(X).shape == (len(X), *np.shape(quantile))


def test_as_many_quantiles_as_there_may_be():
    most = _isa.kernels[np.dtype(np.float64)].constants["QUANTILES_MAX"]
    levels = (np.arange(most) + 0.5) / most
    model = LSTMRegressor(loss="quantile", quantile=levels, **SMALL | {"max_iter": 3}).fit(X, y)
    assert model.predict(X).shape == (len(X), most)
    assert np.isfinite(model.loss_) and (np.diff(model.predict(X), axis=1) >= 0).all()


def test_negative_counts_are_named():
    bad = COUNTS.copy()
    bad[7] = -2
    with pytest.raises(ValueError, match=r"y is -2 at sequence 7, but loss='poisson' needs values"):
        regressor("poisson").fit(X, bad)
    model = regressor("poisson").fit(X, COUNTS)
    for method in (model.partial_fit, model.score):
        with pytest.raises(ValueError, match="y is -2 at sequence 7"):
            method(X, bad)
    regressor("poisson").fit(X, bad, sample_weight=(bad >= 0).astype(float))
    stream = model.stream()
    stream.step(X[0][0])
    before = model.parameters_.copy()
    for value in (-1.0, np.float64(-1), -1):
        with pytest.raises(ValueError, match="a finite number of 0 or more"):
            stream.learn(value)
    assert_array_equal(model.parameters_, before)
    steps = [np.abs(x[:, 0]) for x in X]
    steps[2][1] = -1
    with pytest.raises(ValueError, match="y is -1 at sequence 2, step 1"):
        regressor("poisson", return_sequences=True).fit(X, steps)


def test_every_loss_is_tested_here():
    assert {"quantile" if kind == "quantiles" else kind for kind in KINDS} == set(LOSSES)

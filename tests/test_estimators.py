"""What LSTMClassifier and LSTMRegressor promise, on small networks."""

import numpy as np
import pytest
from golden_values import load
from numpy.testing import assert_allclose, assert_array_equal
from problems import LENGTHS, cube, labels, numbers, sequences, step_labels, step_numbers
from scipy.special import expit, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from twins.reference import batch_loss, one_output, output

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._label_outputs import Labels
from sklstm._number_outputs import Numbers
from sklstm._sequences import object_array
from sklstm._topology import CELLS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {
    "hidden_layer_sizes": 3,
    "max_iter": 3,
    "random_state": 0,
    "n_jobs": 1,
    "gate_bias": None,  # "auto" goes by the lengths of the sequences, which initialize cannot know
}
SQUARED = {"loss": "squared_error", "out_activation": "identity"}
KINDS = [LSTMClassifier, LSTMRegressor]


def classifier(**kwargs):
    return LSTMClassifier(**SMALL | kwargs)


def regressor(**kwargs):
    return LSTMRegressor(**SMALL | {"normalize_y": False} | kwargs)  # units: test_units.py


def targets(kind, X):
    return labels(len(X)) if kind is LSTMClassifier else numbers(X)


def small(kind, **kwargs):
    return (classifier if kind is LSTMClassifier else regressor)(**kwargs)


def network(model):
    return model._topology, model.parameters_


def flat(parts):
    return np.concatenate(parts)


# ----------------------------------------------------------------------- what predictions mean


def test_two_classes_have_one_logistic_output():
    X = sequences()
    model = classifier().fit(X, labels(names=["no", "yes"]))
    raw = one_output(*network(model), X)[:, 0]
    assert model.n_outputs_ == 1 and model.out_activation_ == "logistic"
    assert_allclose(model.decision_function(X), raw, rtol=1e-12, atol=1e-14)
    proba = np.stack([1 - expit(raw), expit(raw)], axis=1)
    assert_allclose(model.predict_proba(X), proba, rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(proba), rtol=1e-12)
    assert model.predict(X).tolist() == ["yes" if z > 0 else "no" for z in raw]


def test_more_classes_have_a_softmax():
    X = sequences()
    model = classifier().fit(X, labels(n_classes=3, names=["a", "b", "c"]))
    raw = one_output(*network(model), X)
    assert model.n_outputs_ == 3 and model.out_activation_ == "softmax"
    assert_allclose(model.decision_function(X), raw, rtol=1e-12, atol=1e-14)
    assert_allclose(model.predict_proba(X), softmax(raw, axis=1), rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(softmax(raw, axis=1)), rtol=1e-12)
    assert model.predict(X).tolist() == ["abc"[k] for k in raw.argmax(axis=1)]


def test_each_label_of_an_indicator_has_a_logistic_output():
    X = sequences()
    y = np.stack([labels(), labels(n_classes=3) == 0], axis=1).astype(int)
    model = classifier().fit(X, y)
    raw = one_output(*network(model), X)
    assert model.n_outputs_ == 2 and model.out_activation_ == "logistic"
    assert_array_equal(model.classes_, [0, 1])
    assert_allclose(model.decision_function(X), raw, rtol=1e-12, atol=1e-14)
    assert_allclose(model.predict_proba(X), expit(raw), rtol=1e-12)
    assert_allclose(model.predict_log_proba(X), np.log(expit(raw)), rtol=1e-12)
    assert_array_equal(model.predict(X), raw > 0)
    assert model.score(X, y) == accuracy_score(y, raw > 0)


@pytest.mark.parametrize(
    "name, function", [("identity", lambda z: z), ("logistic", expit), ("tanh", np.tanh)]
)
def test_a_regressor_predicts_what_its_output_activation_makes_of_the_outputs(name, function):
    X = sequences()
    model = regressor(out_activation=name).fit(X, numbers(X))  # targets far outside its range
    raw = one_output(*network(model), X)[:, 0]
    assert_allclose(model.predict(X), function(raw), rtol=1e-12, atol=1e-14)
    assert model.out_activation_ == name


def test_several_outputs_are_predicted_together():
    X = sequences()
    model = regressor().fit(X, numbers(X, n_outputs=2))
    assert_allclose(model.predict(X), one_output(*network(model), X), rtol=1e-12, atol=1e-14)
    assert model.n_outputs_ == 2


def test_log_probabilities_are_finite_where_probabilities_are_zero():
    X = sequences(4)
    for n_classes in (2, 3):
        model = classifier().initialize(2, classes=range(n_classes))
        model.output_bias_[0] = 2000.0
        assert (model.predict_proba(X) == 0).any()
        assert np.isfinite(model.predict_log_proba(X)).all()


METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_with_return_sequences_predictions_come_per_step_in_the_container_of_x(method, n_classes):
    X = sequences(len(LENGTHS))
    model = classifier(return_sequences=True).fit(X, step_labels(X, n_classes))
    ours = getattr(model, method)
    whole = ours(X)
    assert type(whole) is list and [len(part) for part in whole] == list(LENGTHS)
    assert type(ours(tuple(X))) is tuple
    assert ours(object_array(X)).dtype == object
    for x, part in zip(X, whole, strict=True):
        alone = ours(x[None])
        assert isinstance(alone, np.ndarray) and alone.shape == (1, *part.shape)
        assert_array_equal(ours([x])[0], part) if method == "predict" else assert_allclose(
            ours([x])[0], part, rtol=1e-12, atol=1e-14
        )


def test_the_outputs_at_each_step_are_those_of_the_reference():
    X = sequences(len(LENGTHS))
    y = [np.stack([t, -t], axis=1) for t in step_numbers(X)]
    model = regressor(return_sequences=True).fit(X, y)
    for ours, expected in zip(model.predict(X), output(*network(model), X), strict=True):
        assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


def test_the_last_of_the_outputs_at_each_step_is_the_output():
    X = cube()
    model = regressor().fit(X, numbers(X))
    last = model.predict(X)
    model.set_params(return_sequences=True)
    assert_allclose(model.predict(X)[:, -1], last, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_fit_fixes_the_precision(kind, dtype):
    X = cube(dtype=dtype)
    model = kind(**SMALL).fit(X, targets(kind, X))
    assert model.parameters_.dtype == dtype
    other = X.astype(np.float64 if dtype == np.float32 else np.float32)
    for given in (X, other):
        values = model.predict_proba(given) if kind is LSTMClassifier else model.predict(given)
        assert values.dtype == dtype
    model.partial_fit(other, targets(kind, X))
    assert model.parameters_.dtype == dtype
    assert model.fit(other, targets(kind, X)).parameters_.dtype == other.dtype


def test_float32_learns_what_float64_learns():
    X = cube()
    double = regressor().fit(X, numbers(X))
    single = regressor().fit(X.astype(np.float32), numbers(X))
    assert_allclose(single.parameters_, double.parameters_, rtol=1e-3, atol=1e-4)


def test_integers_are_read_as_float64():
    X = np.arange(48).reshape(6, 4, 2)
    model = regressor().fit(X, np.arange(6))
    assert model.parameters_.dtype == model.predict(X).dtype == np.float64


@pytest.mark.parametrize("features_per_step", [1, 2, 4])
def test_a_row_of_a_table_is_a_sequence(features_per_step):
    table = np.random.default_rng(0).normal(size=(10, 8))
    y = table[:, 0]
    model = regressor(features_per_step=features_per_step).fit(table, y)
    X = table.reshape(10, -1, features_per_step)
    expected = regressor().fit(X, y)
    assert_array_equal(model.parameters_, expected.parameters_)
    assert_array_equal(model.predict(table), expected.predict(X))
    assert model.n_features_in_ == 8 and expected.n_features_in_ == features_per_step


def test_a_model_fitted_on_an_array_takes_sequences_of_any_length():
    X = cube(n_steps=5)
    model = regressor().fit(X, numbers(X))
    assert_array_equal(model.predict(list(X)), model.predict(X))
    assert_allclose(model.predict([x[:2] for x in X]), model.predict(X[:, :2]), rtol=1e-12)


def test_scores_are_those_of_scikit_learn():
    X, w = sequences(), np.linspace(0.5, 2, 24)
    y = labels(n_classes=3)
    model = classifier().fit(X, y)
    assert model.score(X, y, w) == accuracy_score(y, model.predict(X), sample_weight=w)
    y = numbers(X, n_outputs=2)
    model = regressor().fit(X, y)
    assert model.score(X, y, w) == r2_score(y, model.predict(X), sample_weight=w)


def test_scores_per_step_are_pooled_over_the_weighted_steps():
    X = sequences(len(LENGTHS))
    w = [np.arange(len(x)) % 3 for x in X]
    y = step_labels(X, 3)
    model = classifier(return_sequences=True).fit(X, y)
    expected = accuracy_score(flat(y), flat(model.predict(X)), sample_weight=flat(w))
    assert model.score(X, y, w) == pytest.approx(expected, rel=1e-14)
    y = step_numbers(X)
    model = regressor(return_sequences=True).fit(X, y)
    expected = r2_score(flat(y), flat(model.predict(X)), sample_weight=flat(w))
    assert model.score(X, y, w) == pytest.approx(expected, rel=1e-14)


def test_r2_per_step_is_the_mean_over_outputs_of_the_steps_with_a_target():
    X = sequences(len(LENGTHS))
    y = [np.stack([t, t**2], axis=1) for t in step_numbers(X)]
    for t in y:
        t[1::2, 0] = np.nan
    model = regressor(return_sequences=True).fit(X, y)
    known = ~np.isnan(flat(y)[:, 0])
    expected = [
        r2_score(flat(y)[rows, k], flat(model.predict(X))[rows, k])
        for k, rows in enumerate((known, slice(None)))
    ]
    assert model.score(X, y) == pytest.approx(np.mean(expected), rel=1e-12)


def test_labels_of_an_indicator_per_step_are_right_only_if_all_are():
    X = sequences(len(LENGTHS))
    y = [np.stack([t, 1 - t, t * 0], axis=1) for t in step_labels(X)]
    model = classifier(return_sequences=True).fit(X, y)
    right = (flat(model.predict(X)) == flat(y)).all(axis=1)
    assert model.score(X, y) == right.mean()


# --------------------------------------------------------------------------- what is minimised


@pytest.mark.parametrize("alpha", [0.0, 0.3])
@pytest.mark.parametrize("cell", CELLS)
def test_the_loss_of_a_batch_is_that_of_the_reference(cell, alpha):
    X = sequences(len(LENGTHS))
    w = np.linspace(0.5, 3, 6)
    y = np.random.default_rng(1).normal(size=(6, 2))
    model = regressor(cell=cell, alpha=alpha, block_size=2).initialize(2, n_outputs=2)
    before = model.parameters_.copy()
    model.partial_fit(X, y, w)
    expected = batch_loss(model._topology, before, X, y, w, alpha=alpha, **SQUARED)
    assert model.loss_ == pytest.approx(expected, rel=1e-12)


def test_fit_divides_weights_by_their_mean_but_not_those_of_the_penalty():
    X, y = sequences(6), numbers(sequences(6))
    w = np.linspace(0.5, 3, 6)
    settings = {"alpha": 0.3, "batch_size": 6}
    start = regressor(**settings).initialize(2)
    model = regressor(**settings, max_iter=1).fit(X, y, w)
    loss = [
        batch_loss(*network(start), X, y[:, None], weights, alpha=alpha, **SQUARED)
        for weights, alpha in ((w / w.mean(), 0), (w, 0), (w, 0.3))
    ]
    assert model.loss_ == pytest.approx(loss[0] + loss[2] - loss[1], rel=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("gradient", ["truncated", "full"])
def test_ten_steps_of_learning_agree_with_pytorch(solver, gradient):
    golden = load("torch_one_layer")
    curve, topology = golden["curves"][solver, gradient], golden["topology"]
    objective = golden["objectives"][curve["objective"]]
    model = LSTMClassifier(
        topology.hidden_layer_sizes,
        gradient=gradient,
        solver=solver,
        momentum=0.0,
        learning_rate_init=curve["learning_rate"],
        clip_norm=curve["clip_norm"],
        alpha=objective["alpha"],
    )
    model.initialize(topology.n_features, classes=range(topology.n_outputs))
    model.parameters_[:] = golden["vector"]
    for _ in range(10):
        model.partial_fit(
            golden["sequences"], objective["targets"][:, 0], None, objective["weights"]
        )
    assert_allclose(model.loss_curve_, curve["loss"], rtol=1e-10)
    assert_allclose(model.parameters_, curve["vector"], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_weight_of_k_is_k_copies_and_a_weight_of_zero_is_none(kind, alpha):
    X, k = sequences(10), np.array([1, 0, 3, 1, 2, 0, 1, 2, 1, 1])
    y = targets(kind, X)
    settings = SMALL | {"batch_size": 12, "alpha": alpha, "max_iter": 20}
    weighted = kind(**settings).fit(X, y, k)
    copied = kind(**settings).fit(
        [x for x, c in zip(X, k, strict=True) for _ in range(c)], y.repeat(k)
    )
    assert_allclose(weighted.parameters_, copied.parameters_, rtol=1e-7, atol=1e-9)
    assert_allclose(weighted.loss_curve_, copied.loss_curve_, rtol=1e-9)


def test_a_weight_of_k_at_each_step_is_k_copies():
    X, k = sequences(10), np.array([1, 0, 3, 1, 2, 0, 1, 2, 1, 1])
    y = step_numbers(X)
    settings = {"return_sequences": True, "batch_size": 12, "max_iter": 20, "alpha": 0.5}
    weights = [np.full(len(x), c) for x, c in zip(X, k, strict=True)]
    weighted = regressor(**settings).fit(X, y, weights)
    per_sequence = regressor(**settings).fit(X, y, k)
    rows = np.arange(10).repeat(k)
    copied = regressor(**settings).fit([X[i] for i in rows], [y[i] for i in rows])
    assert_array_equal(weighted.parameters_, per_sequence.parameters_)
    assert_allclose(weighted.parameters_, copied.parameters_, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_scale_of_the_weights_does_not_matter_to_fit(kind):
    X, w = sequences(10), np.linspace(0.5, 2, 10)
    fits = [
        kind(**SMALL).fit(X, targets(kind, X), c * w).parameters_ for c in (1.0, 1e-6, 1e6, 1e-310)
    ]
    assert_allclose(fits[1], fits[0], rtol=1e-9, atol=1e-12)
    assert_allclose(fits[2], fits[0], rtol=1e-9, atol=1e-12)
    assert_allclose(fits[3], fits[0], rtol=1e-6, atol=1e-9)  # denormal numbers have fewer digits


def test_partial_fit_takes_weights_as_they_are():
    X, y = sequences(6), numbers(sequences(6))
    settings = {"solver": "sgd", "momentum": 0, "clip_norm": None, "learning_rate_init": 1e-3}
    start = regressor(**settings).initialize(2).parameters_
    once = regressor(**settings).partial_fit(X, y).parameters_ - start
    twice = regressor(**settings).partial_fit(X, y, np.full(6, 2.0)).parameters_ - start
    assert_allclose(twice, 2 * once, rtol=1e-9, atol=1e-15)


def test_a_batch_of_zero_weight_teaches_nothing():
    X, y = sequences(6), numbers(sequences(6))
    model = regressor(alpha=1.0).partial_fit(X, y)
    before = model.parameters_.copy()
    model.partial_fit(X, y, np.zeros(6))
    assert_array_equal(model.parameters_, before)
    assert model.loss_ == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_sequences_does_not_matter_to_a_full_batch(kind):
    X, order = sequences(10), np.random.default_rng(1).permutation(10)
    y = targets(kind, X)
    settings = SMALL | {"batch_size": 10, "max_iter": 20}
    one = kind(**settings).fit(X, y)
    other = kind(**settings).fit([X[i] for i in order], y[order])
    assert_allclose(one.parameters_, other.parameters_, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gradient", ["truncated", "full"])
def test_the_number_of_threads_does_not_change_a_bit(kind, gradient):
    X = list(cube(300, n_steps=20))
    X[::3] = [x[:7] for x in X[::3]]
    settings = {"gradient": gradient, "batch_size": 300, "hidden_layer_sizes": 24, "max_iter": 2}
    # work enough to wake the threads: test_threads.py counts them
    alone, *others = (
        small(kind, **settings, n_jobs=n_jobs).fit(X, targets(kind, X)) for n_jobs in (1, 2, 3, 8)
    )
    for other in others:
        assert_array_equal(other.parameters_, alone.parameters_)
        assert_array_equal(other.predict(X), alone.predict(X))


@pytest.mark.parametrize("setting", [{"cell": cell} for cell in CELLS] + [{"bidirectional": True}])
@pytest.mark.parametrize("gradient", ["truncated", "full"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_cell_learns_to_remember_the_first_step(setting, gradient, seed):
    X = np.random.default_rng(seed).choice([-1.0, 1.0], size=(64, 6, 1))
    y = X[:, 0, 0] > 0
    settings = {"gradient": gradient, "batch_size": 16, "n_iter_no_change": np.inf, "n_jobs": 1}
    model = LSTMClassifier(8, random_state=seed, **settings, **setting)
    assert model.fit(X, y).score(X, y) == 1.0


def test_a_stack_learns_a_target_at_every_step():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(64, 8, 1))
    y = np.roll(X[:, :, 0], 2, axis=1)
    y[:, :2] = np.nan  # nothing to recall yet
    model = LSTMRegressor(
        (16, 16),
        return_sequences=True,
        gradient="full",
        max_iter=150,
        random_state=0,
        n_jobs=1,
    )
    assert model.fit(X, y).score(X, y) > 0.9


# ------------------------------------------------------------------------------ calls that go on


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_epochs_of_partial_fit_are_epochs_of_an_unshuffled_fit(kind, solver):
    X = sequences(10)
    y = targets(kind, X)
    settings = {"solver": solver, "shuffle": False, "batch_size": 4}
    whole = small(kind, **settings).fit(X, y)
    steps = small(kind, **settings)
    for _ in range(3):
        steps.partial_fit(X, y, **({"classes": [0, 1]} if kind is LSTMClassifier else {}))
        assert steps.n_iter_ == 1
    assert_array_equal(steps.parameters_, whole.parameters_)
    assert steps.loss_curve_ == whole.loss_curve_
    assert steps.t_ == whole.t_ == 30


def test_partial_fit_of_parts_is_partial_fit_of_the_whole():
    X, y = sequences(12), numbers(sequences(12))
    whole = regressor(batch_size=4).partial_fit(X, y)
    parts = regressor(batch_size=4)
    for start in (0, 4, 8):
        parts.partial_fit(X[start : start + 4], y[start : start + 4])
    assert_array_equal(parts.parameters_, whole.parameters_)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "invscaling"])
def test_a_warm_start_goes_on_as_if_it_had_never_stopped(solver, schedule):
    X, y = sequences(12), numbers(sequences(12))
    settings = {"solver": solver, "learning_rate": schedule, "batch_size": 4, "tol": 0.0}
    whole = regressor(**settings, max_iter=6).fit(X, y)
    halves = regressor(**settings, max_iter=3, warm_start=True)
    halves.fit(X, y).fit(X, y)
    assert_array_equal(halves.parameters_, whole.parameters_)
    assert halves.loss_curve_ == whole.loss_curve_
    assert (halves.n_iter_, halves.t_) == (3, whole.t_)


def test_without_warm_start_fit_forgets():
    X, y = sequences(12), numbers(sequences(12))
    model = regressor().fit(X, y)
    once = model.parameters_.copy()
    assert_array_equal(model.fit(X, y).parameters_, once)
    assert len(model.loss_curve_) == 3


def test_a_warm_start_needs_the_same_classes():
    X = sequences(12)
    model = classifier(warm_start=True).fit(X, labels(12, 3))
    for y in (labels(12, 2), labels(12, 4)):
        with pytest.raises(ValueError, match=r"same classes|known classes"):
            model.fit(X, y)


def test_the_state_of_a_random_generator_is_used_up_but_that_of_a_seed_is_not():
    X, y = sequences(6), numbers(sequences(6))
    rng = np.random.RandomState(0)
    first = regressor(random_state=rng).fit(X, y).parameters_
    second = regressor(random_state=rng).fit(X, y).parameters_
    again = regressor(random_state=np.random.RandomState(0)).fit(X, y).parameters_
    assert (first != second).any()
    assert_array_equal(first, again)


def test_the_solver_may_be_changed_between_calls():
    X, y = sequences(6), numbers(sequences(6))
    model = regressor().partial_fit(X, y)
    before = model.parameters_.copy()
    model.set_params(solver="sgd", learning_rate_init=0.5).partial_fit(X, y)
    assert (model.parameters_ != before).any()


def test_a_new_learning_rate_holds_from_the_next_call():
    X, y = sequences(6), numbers(sequences(6))
    for settings in ({"solver": "adam"}, {"solver": "sgd", "momentum": 0}):
        slow = regressor(**settings).partial_fit(X, y)
        before = slow.parameters_.copy()
        slow.set_params(learning_rate_init=1e-12).partial_fit(X, y)
        assert_allclose(slow.parameters_, before, rtol=0, atol=1e-10)


def test_partial_fit_counts_epochs_without_improvement_from_call_to_call():
    X, y = sequences(6), numbers(sequences(6))
    settings = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 1e-3}
    model = regressor(**settings, tol=1e9, n_iter_no_change=2)
    rates = []
    for _ in range(8):
        model.partial_fit(X, y)
        rates.append(model._solver_state["learning_rate"])
    # the first improves on infinity, and each third one without improvement is one too many
    assert_allclose(rates, 1e-3 / 5 ** np.array([0, 0, 0, 1, 1, 1, 2, 2]))


def test_each_fit_has_its_patience_anew():
    X, y = sequences(6), numbers(sequences(6))
    model = regressor(warm_start=True, max_iter=20, n_iter_no_change=3, tol=1e9)
    assert model.fit(X, y).n_iter_ == 5  # the first improves on infinity
    assert model.fit(X, y).n_iter_ == 5  # so does the first of each call


def test_parameters_are_validated_when_they_change(monkeypatch):
    X, y = sequences(6), numbers(sequences(6))
    model, calls = regressor(), []
    validate = model._validate_params
    monkeypatch.setattr(model, "_validate_params", lambda: calls.append(validate()))
    for _ in range(3):
        model.partial_fit(X, y)
    assert len(calls) == 1
    model.set_params(tol=0.5).partial_fit(X, y)
    assert len(calls) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_layer_sizes": 4},
        {"cell": "1997"},
        {"block_size": 2},
        {"bidirectional": True},
        {"bias": None},
        {"out_activation": "tanh"},
    ],
    ids=str,
)
def test_parameters_that_shape_the_network_cannot_change_midway(change):
    X, y = sequences(6), numbers(sequences(6))
    model = regressor().fit(X, y).set_params(**change)
    before = model.predict(X)
    with pytest.raises(ValueError, match=f"{next(iter(change))} .*warm_start=False"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match=f"{next(iter(change))} .*warm_start=False"):
        model.set_params(warm_start=True).fit(X, y)
    assert_array_equal(model.predict(X), before)
    model.set_params(warm_start=False).fit(X, y)


# ---------------------------------------------------------------------------------- initialize


def test_initialize_draws_the_parameters_that_fit_starts_from():
    X, y = sequences(6), numbers(sequences(6))
    model = regressor().initialize(2)
    assert (model.n_iter_, model.t_, model.loss_curve_) == (0, 0, [])
    fitted = regressor(solver="sgd", learning_rate_init=1e-15).fit(X, y)
    assert_allclose(model.parameters_, fitted.parameters_, rtol=0, atol=1e-12)
    assert model.n_features_in_ == 2 and len(model.predict(X)) == 6


def test_initialize_and_partial_fit_are_partial_fit():
    X, y = sequences(6), labels(6, 3)
    one = classifier().initialize(2, classes=[2, 0, 1]).partial_fit(X, y)
    other = classifier().partial_fit(X, y, classes=[0, 1, 2])
    assert_array_equal(one.parameters_, other.parameters_)
    assert_array_equal(one.classes_, other.classes_)


def test_initialize_makes_a_multilabel_classifier_of_several_outputs():
    model = classifier().initialize(2, n_outputs=3, classes=["x", "a", "m"])
    assert model.classes_.tolist() == ["x", "a", "m"] and model.out_activation_ == "logistic"
    y = np.eye(6, 3, dtype=int)
    assert_array_equal(model.partial_fit(sequences(6), y).predict(sequences(6)).shape, (6, 3))
    assert_array_equal(classifier().initialize(2, n_outputs=3).classes_, [0, 1, 2])


def test_a_warm_fit_goes_on_from_imported_weights():
    X, y = sequences(6), numbers(sequences(6))
    model = regressor(warm_start=True, solver="sgd", learning_rate_init=1e-15).initialize(2)
    model.layers_[0]["input"][:] = 0.25
    model.fit(X, y)
    assert_allclose(model.layers_[0]["input"], 0.25, rtol=0, atol=1e-12)


# ---------------------------------------------------------------------------- fitted parameters


def test_assigning_into_a_view_changes_the_model_at_once():
    X = sequences(6)
    model = regressor().fit(X, numbers(X))
    model.output_weights_[:] = 0
    model.output_bias_[0] = 7
    assert_array_equal(model.predict(X), np.full(6, 7.0))
    model.layers_[0]["recurrent"][:] = 0
    assert not model.layers_[0]["recurrent"].any()
    model.output_weights_[:] = 1
    assert_allclose(model.predict(X), one_output(*network(model), X)[:, 0], rtol=1e-12)


def test_training_that_goes_on_writes_into_no_array_that_somebody_holds():
    X, y = sequences(6), numbers(sequences(6))
    model = regressor(warm_start=True).fit(X, y)
    for go_on in (model.partial_fit, model.fit):
        view = model.layers_[0]["input"]
        before = view.copy()
        go_on(X, y)
        assert_array_equal(view, before)
        assert (model.layers_[0]["input"] != before).all()


@pytest.mark.parametrize(
    "cell, rows, recurrent", [("forget", 16, 4), ("peephole", 16, 4), ("coupled", 12, 4)]
)
def test_shapes_of_single_cells(cell, rows, recurrent):
    model = regressor(hidden_layer_sizes=4, cell=cell).initialize(2)
    shapes = {name: array.shape for name, array in model.layers_[0].items()}
    expected = {"input": (rows, 2), "recurrent": (rows, recurrent), "bias": (rows,)}
    assert shapes == expected | ({"peephole": (12, 1)} if cell == "peephole" else {})
    assert model.output_weights_.shape == (1, 4) and model.output_bias_.shape == (1,)
    assert model.n_parameters_ == model.parameters_.size


def test_shapes_of_blocks_of_1997_read_from_both_ends():
    model = regressor(hidden_layer_sizes=(2, 3), cell="1997", block_size=4, bidirectional=True)
    model.initialize(5, n_outputs=2)
    assert len(model.layers_) == 4
    first, second = model.layers_[0], model.layers_[2]
    assert first["input"].shape == (2 * 2 + 8, 5)
    assert first["recurrent"].shape == (2 * 2 + 8, 8 + 4)
    assert second["input"].shape == (2 * 3 + 12, 16)
    assert model.output_weights_.shape == (2, 24)


def test_units_without_a_bias_keep_zero_and_do_not_count():
    X = sequences(6)
    for bias, n_without in ((None, 13), ("gates", 4), ("hidden", 1), ("all", 0)):
        model = regressor(bias=bias).fit(X, numbers(X))
        assert model.n_parameters_ == model.parameters_.size - n_without
        biases = np.append(model.layers_[0]["bias"], model.output_bias_)
        assert np.count_nonzero(biases == 0) == n_without


@pytest.mark.parametrize(
    "gate_bias, expected",
    [
        ({"input": -1.5}, -1.5),
        ({"input": (-1, -3, -5)}, (-1, -3, -5)),
        ({"input": [0, 1, 2]}, (0, 1, 2)),
    ],
)
def test_gate_biases_start_where_they_are_told(gate_bias, expected):
    model = regressor(gate_bias=gate_bias).initialize(2)
    assert_array_equal(model.layers_[0]["bias"][:3], np.broadcast_to(expected, 3))
    stacked = regressor(hidden_layer_sizes=(3, 2), gate_bias={"forget": 2.5}).initialize(2)
    assert_array_equal(stacked.layers_[0]["bias"][3:6], np.full(3, 2.5))
    assert_array_equal(stacked.layers_[1]["bias"][2:4], np.full(2, 2.5))


def test_initial_weights_stay_within_init_range():
    model = regressor(init_range=0.1).initialize(2)
    assert 0.05 < np.abs(model.parameters_).max() <= 0.1


# ------------------------------------------------------------------------------ early stopping


def test_the_parameters_with_the_best_validation_score_are_kept():
    X, X_val = sequences(24), sequences(12, seed=1)
    for model, y, y_val in (
        (classifier(max_iter=15), labels(24), labels(12)),
        (classifier(max_iter=15), labels(24, 3), labels(12, 3)),
        (regressor(max_iter=15, learning_rate_init=0.1), numbers(X), numbers(X_val)),
        (regressor(max_iter=15), numbers(X, 2), numbers(X_val, 2)),
    ):
        w = np.linspace(0.5, 2, 12)
        model.set_params(early_stopping=True)
        model.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
        assert len(model.validation_scores_) == model.n_iter_ == len(model.loss_curve_)
        assert model.best_validation_score_ == max(model.validation_scores_)
        assert model.score(X_val, y_val, w) == model.best_validation_score_
        assert model.best_loss_ is None


def test_without_early_stopping_there_are_no_validation_scores():
    model = regressor().fit(sequences(6), numbers(sequences(6)))
    assert model.validation_scores_ is None and model.best_validation_score_ is None
    assert model.best_loss_ == min(model.loss_curve_)


@pytest.mark.parametrize("per_step", [False, True])
def test_the_held_out_sequences_are_not_learned_from(per_step):
    X = sequences(20)
    y = step_numbers(X) if per_step else numbers(X)
    settings = {"early_stopping": True, "validation_fraction": 0.25, "return_sequences": per_step}
    settings |= {"n_iter_no_change": np.inf, "shuffle": False}
    w = np.linspace(0.5, 2, 20)
    model = regressor(**settings).fit(X, y, w)
    train, held_out = train_test_split(
        np.arange(20), test_size=0.25, random_state=model._split_seed
    )
    train.sort()

    def part(values, rows):
        return [values[i] for i in rows]

    val = {"X_val": part(X, held_out), "y_val": part(y, held_out), "sample_weight_val": w[held_out]}
    by_hand = regressor(**settings).fit(part(X, train), part(y, train), w[train], **val)
    assert_array_equal(model.parameters_, by_hand.parameters_)
    assert model.validation_scores_ == by_hand.validation_scores_


def scored(monkeypatch, kind):
    """The validation targets of each epoch, which all get the same score."""
    seen = []
    monkeypatch.setattr(
        kind, "score_of", lambda self, raw, examples: seen.append(examples.targets.copy()) or 0.5
    )
    return seen


def test_the_split_keeps_the_proportions_of_the_classes(monkeypatch):
    X, y = sequences(40), (np.arange(40) % 4 == 0).astype(int)
    seen = scored(monkeypatch, Labels)
    classifier(early_stopping=True, validation_fraction=0.2).fit(X, y)
    assert np.bincount(seen[0][:, 0].astype(int)).tolist() == [6, 2]


def test_a_warm_start_holds_out_the_same_sequences(monkeypatch):
    X, y = sequences(20), numbers(sequences(20))
    seen = scored(monkeypatch, Numbers)
    regressor(early_stopping=True, warm_start=True).fit(X, y).fit(X, y)
    assert len(seen) > 1
    for held_out in seen:
        assert_array_equal(held_out, seen[0])


def test_class_weights_do_not_count_in_the_validation_score():
    X, y = sequences(24), labels(24)
    model = classifier(early_stopping=True, class_weight={0: 50.0})
    model.fit(X, y, X_val=X, y_val=y)
    assert model.score(X, y) == model.best_validation_score_


def test_early_stopping_stops_when_the_score_does_not_improve():
    X = sequences(20)
    model = classifier(early_stopping=True, max_iter=50, n_iter_no_change=2, tol=2.0)
    assert model.fit(X, labels(20)).n_iter_ == 4  # the first counts as an improvement


# -------------------------------------------------------------------------------------- verbose


def test_verbose_prints_a_line_per_epoch_where_there_is_no_terminal(capsys):
    X = sequences(20)
    regressor(verbose=1, early_stopping=True).fit(X, numbers(X))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for k, line in enumerate(lines, 1):
        assert line.startswith(f"epoch {k}/3  loss ") and "validation score" in line
        assert ("left" in line) == (k < 3)


def test_verbose_rewrites_one_line_on_a_terminal(capsys, monkeypatch):
    import sys

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sklstm._progress.REFRESH", 0.0)
    X = sequences(20)
    regressor(verbose=1).fit(X, numbers(X))
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.endswith("\n") and out.count("\r") == 4


def test_nothing_is_printed_otherwise(capsys):
    X = sequences(20)
    regressor().fit(X, numbers(X)).partial_fit(X, numbers(X))
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize(
    "seconds, text", [(7.31, "7.3s"), (59.99, "1m00s"), (125.2, "2m05s"), (3720, "1h02m")]
)
def test_durations_are_short(seconds, text):
    from sklstm._progress import duration

    assert duration(seconds) == text


# ------------------------------------------------------------------------------- how it can end


def test_fit_that_reaches_max_iter_says_so():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(3\) reached"):
        regressor(tol=1e-4).fit(sequences(6), numbers(sequences(6)))


@pytest.mark.filterwarnings("error")
def test_without_a_stop_rule_max_iter_is_no_reason_to_warn():
    regressor(tol=None).fit(sequences(6), numbers(sequences(6)))


def interrupted_after(n, model, monkeypatch):
    """Ctrl-C when ``model`` has made ``n`` steps."""
    import sklstm._solvers as solvers

    step_on, calls = solvers.Adam.step_on, []

    def counted(self, vector, gradient):
        step, undo = step_on(self, vector, gradient)

        def and_then():
            if len(calls) == n:
                raise KeyboardInterrupt
            calls.append(None)
            return step()

        return and_then, undo

    monkeypatch.setattr(solvers.Adam, "step_on", counted)
    return model


def test_ctrl_c_keeps_what_fit_has_learned(monkeypatch):
    X, y = sequences(12), numbers(sequences(12))
    settings = {"batch_size": 4, "shuffle": False}
    expected = regressor(**settings, max_iter=1).fit(X, y).partial_fit(X[:4], y[:4])
    model = interrupted_after(4, regressor(**settings), monkeypatch)
    with pytest.warns(UserWarning, match="interrupted by user"):
        assert model.fit(X, y) is model
    assert_array_equal(model.parameters_, expected.parameters_)
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (1, 12, 1)


def test_ctrl_c_keeps_what_partial_fit_has_learned(monkeypatch):
    X, y = sequences(12), numbers(sequences(12))
    expected = regressor(batch_size=4).partial_fit(X[:8], y[:8])
    model = interrupted_after(2, regressor(batch_size=4), monkeypatch)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model.partial_fit(X, y)
    assert_array_equal(model.parameters_, expected.parameters_)


def test_outputs_that_are_not_finite_are_never_silent():
    X = sequences(6)
    model = classifier().fit(X, labels(6))
    model.output_weights_[0, 0] = np.nan
    with pytest.warns(RuntimeWarning, match="not finite"):
        model.predict(X)

"""RecurrentRegressor: three gradients of one net, held to its NumPy twin and to each other."""

import pickle
from itertools import product

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from twins.recurrent import derivative, forward, loss

from sklstm.baselines import RecurrentRegressor
from sklstm.baselines._entries import Steps

LENGTHS = (1, 7, 2, 4)
NETS = [
    dict(connections=connections, bias=bias, out_activation=activation, return_sequences=per_step)
    for connections, bias, activation, per_step in product(
        ("layered", "shortcuts", "full"),
        (False, True),
        ("identity", "logistic", "tanh"),
        (False, True),
    )
]
LAYERED = [net for net in NETS if net["connections"] != "full"]


def name(settings):
    return "-".join(str(value) for value in settings.values())


def problem(n_hidden=3, n_features=2, n_outputs=2, lengths=LENGTHS, **settings):
    """A net with weights of size 1, ragged sequences, targets and weights."""
    rng = np.random.RandomState(7)
    net = RecurrentRegressor(n_hidden, random_state=0, init_range=1.0, **settings)
    net.initialize(n_features, n_outputs=n_outputs)
    X = [rng.uniform(-1, 1, (T, n_features)) for T in lengths]
    X[1][2] = 0  # a step without any input
    if net.return_sequences:
        y = [rng.uniform(0, 1, (T, n_outputs)) for T in lengths]
        y[1][3, 0] = np.nan
        weights = [rng.uniform(0.5, 2, T) for T in lengths]
        weights[3][1] = 0
    else:
        y, weights = rng.uniform(0, 1, (len(lengths), n_outputs)), rng.uniform(0.5, 2, len(lengths))
    return net, X, y, weights


def gradient(net, X, y, weights, kind):
    """Loss and gradient of all sequences by the kernel."""
    per_step = net.return_sequences
    offsets = np.cumsum([0, *map(len, X)])
    kernel = net._net(net.parameters_)
    total = kernel.gradient(
        Steps.dense(np.concatenate(X), offsets),
        np.concatenate(y) if per_step else y,
        np.concatenate(weights) if per_step else weights,
        np.arange(len(X)),
        per_step=per_step,
        gradient=kind,
    )
    return total, kernel.gradient_vector


def expected(net, X, y, weights, **options):
    return sum(
        derivative(net, net.parameters_, *example, **options)
        for example in zip(X, y, weights, strict=True)
    )


# ------------------------------------------------------------------------------------- arithmetic


@pytest.mark.parametrize("settings", NETS, ids=name)
def test_outputs_are_those_of_the_twin(settings):
    net, X, _, _ = problem(**settings)
    outputs = [forward(net, net.parameters_, x)[1] for x in X]
    if net.return_sequences:
        for got, wanted in zip(net.predict(X), outputs, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-13)
    else:
        np.testing.assert_allclose(net.predict(X), [out[-1] for out in outputs], rtol=1e-13)


@pytest.mark.parametrize("kind", ["bptt", "rtrl"])
@pytest.mark.parametrize("settings", NETS, ids=name)
def test_the_gradient_is_the_derivative_of_the_loss(settings, kind):
    net, X, y, weights = problem(**settings)
    total, d_vector = gradient(net, X, y, weights, kind)
    wanted = sum(loss(net, net.parameters_, *e) for e in zip(X, y, weights, strict=True))
    assert total == pytest.approx(wanted, rel=1e-12)
    np.testing.assert_allclose(d_vector, expected(net, X, y, weights), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("settings", NETS, ids=name)
def test_rtrl_and_bptt_agree_to_rounding(settings):
    problem_ = problem(**settings)
    forward_in_time, backward = (gradient(*problem_, kind)[1] for kind in ("rtrl", "bptt"))
    np.testing.assert_allclose(forward_in_time, backward, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("settings", LAYERED, ids=name)
def test_elmans_gradient_is_the_derivative_at_contexts_that_stand_still(settings):
    net, X, y, weights = problem(**settings)
    d_vector = gradient(net, X, y, weights, "elman")[1]
    wanted = expected(net, X, y, weights, truncated=True)
    np.testing.assert_allclose(d_vector, wanted, rtol=1e-9, atol=1e-14)
    assert not np.allclose(d_vector, expected(net, X, y, weights), rtol=1e-3)


@pytest.mark.parametrize("kind", ["bptt", "rtrl"])
@pytest.mark.parametrize("size", [(1, 1, 1), (9, 3, 5), (12, 7, 7)])
def test_the_gradient_holds_for_all_sizes(size, kind):
    # More than four units, and more weights than the sensitivities take at a time.
    n_hidden, n_features, n_outputs = size
    settings = dict(connections="full", return_sequences=True, out_activation="logistic")
    net, X, y, weights = problem(n_hidden, n_features, n_outputs, **settings)
    d_vector = gradient(net, X, y, weights, kind)[1]
    np.testing.assert_allclose(d_vector, expected(net, X, y, weights), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("kind", ["bptt", "rtrl"])
def test_the_gradient_agrees_with_central_differences_of_the_kernels_own_loss(kind):
    settings = dict(connections="full", return_sequences=True, out_activation="logistic")
    net, *data = problem(**settings)
    d_vector = gradient(net, *data, kind)[1].copy()
    step = 1e-6
    for w in range(net.n_parameters_):
        losses = []
        for side in (step, -step):
            net.parameters_[w] += side
            losses.append(gradient(net, *data, kind)[0])
            net.parameters_[w] -= side
        difference = (losses[0] - losses[1]) / (2 * step)
        assert d_vector[w] == pytest.approx(difference, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kind", ["bptt", "rtrl"])
def test_one_hot_steps_are_the_same_as_numbers_or_as_arrays(kind):
    net, _, _, _ = problem(n_features=5, n_outputs=5, connections="shortcuts")
    symbols, offsets = np.array([3, 0, 4, 4, 1, 2]), np.array([0, 2, 6])
    results = []
    for steps in (Steps.one_hot(symbols, offsets), Steps.dense(np.eye(5)[symbols], offsets)):
        kernel = net._net(net.parameters_)
        arguments = np.eye(5)[symbols], np.ones(6), np.arange(2)
        total = kernel.gradient(steps, *arguments, per_step=True, gradient=kind)
        results.append((total, kernel.gradient_vector.copy()))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


# --------------------------------------------------------------------------------------- updates


@pytest.mark.parametrize("kind", ["bptt", "rtrl"])
def test_an_epoch_is_one_step_along_the_gradient_of_each_sequence(kind):
    settings = dict(connections="full", return_sequences=True, learning_rate_init=0.3)
    net, X, y, weights = problem(gradient=kind, **settings)
    vector = net.parameters_.copy()
    for example in zip(X, y, weights, strict=True):
        vector -= 0.3 * derivative(net, vector, *example)
    net.partial_fit(X, y, weights)
    np.testing.assert_allclose(net.parameters_, vector, rtol=1e-10)


def online_rtrl(net, vector, x, y, rate):
    """Williams & Zipser with an update at every step, for connections="full" without bias."""
    n, n_sources = net.n_hidden + y.shape[1], net.n_hidden + y.shape[1] + x.shape[1]
    w = vector.reshape(n_sources, n).copy()
    units, p = np.zeros(n), np.zeros((n, n_sources, n))
    for inputs, target in zip(x, y, strict=True):
        sources = np.concatenate([units, inputs])
        units = 1 / (1 + np.exp(-sources @ w))
        p = np.einsum("lj,lsu->jsu", w[:n], p) + np.einsum("ju,s->jsu", np.eye(n), sources)
        p *= (units * (1 - units))[:, None, None]
        error = np.concatenate([np.zeros(net.n_hidden), units[net.n_hidden :] - target])
        w -= rate * np.einsum("j,jsu->su", error, p)
    return w.ravel()


def test_rtrl_with_an_update_per_step_is_that_of_williams_and_zipser():
    net, X, y, _ = problem(
        connections="full",
        bias=False,
        out_activation="logistic",
        return_sequences=True,
        gradient="rtrl",
        update="step",
        learning_rate_init=0.5,
    )
    y[1][3] = 0.5
    vector = net.parameters_.copy()
    for example in zip(X, y, strict=True):
        vector = online_rtrl(net, vector, *example, 0.5)
    net.partial_fit(X, y)
    np.testing.assert_allclose(net.parameters_, vector, rtol=1e-11)


@pytest.mark.parametrize("kind", ["rtrl", "elman"])
@pytest.mark.parametrize("connections", ["layered", "shortcuts"])
def test_updates_per_step_differ_from_those_per_sequence_by_the_order_of_the_rate(
    connections, kind
):
    def moved(update, rate):
        settings = dict(connections=connections, gradient=kind, return_sequences=True)
        net, X, y, weights = problem(update=update, learning_rate_init=rate, **settings)
        before = net.parameters_.copy()
        net.partial_fit(X, y, weights)
        return (net.parameters_ - before) / rate

    far, near = (
        np.abs(moved("step", rate) - moved("sequence", rate)).max() for rate in (1e-4, 1e-5)
    )
    assert 0 < near < 0.2 * far < 1e-2


@pytest.mark.parametrize("kind", ["rtrl", "elman"])
def test_of_a_single_step_updates_per_step_and_per_sequence_are_equal(kind):
    vectors = []
    for update in ("step", "sequence"):
        net, X, y, weights = problem(
            connections="shortcuts", gradient=kind, update=update, return_sequences=True
        )
        net.partial_fit(X[:1], y[:1], weights[:1])
        vectors.append(net.parameters_)
    np.testing.assert_array_equal(*vectors)


# ------------------------------------------------------------------------------------- the paper


@pytest.mark.parametrize(
    "n_hidden, connections, n_symbols, count",
    [
        (3, "full", 7, 170),  # Table 1, RTRL
        (12, "full", 7, 494),
        (15, "layered", 7, 435),  # Table 1, ELM
        (1, "shortcuts", 5, 36),  # Table 2, p = 4
        (1, "shortcuts", 11, 144),
        (1, "shortcuts", 101, 10404),
    ],
)
def test_the_nets_of_the_paper_have_its_weight_counts(n_hidden, connections, n_symbols, count):
    net = RecurrentRegressor(n_hidden, connections=connections, bias=False)
    assert net.initialize(n_symbols, n_outputs=n_symbols).n_parameters_ == count


# ------------------------------------------------------------------------------------- estimator


def recall(n, random_state=0):
    """Was the first of three inputs high?"""
    X = np.random.RandomState(random_state).uniform(-1, 1, size=(n, 3, 1))
    return X, (X[:, 0, 0] > 0).astype(float)


def recall_score(seed, **settings):
    """R² on new sequences after 200 epochs."""
    X, y = recall(400, seed)
    net = RecurrentRegressor(
        4,
        out_activation="logistic",
        learning_rate_init=0.5,
        n_iter_no_change=np.inf,
        random_state=seed,
        **settings,
    )
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        net.fit(X[:300], y[:300])
    return net.score(X[300:], y[300:])


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "settings",
    [
        dict(gradient="bptt"),
        dict(gradient="rtrl"),
        dict(gradient="rtrl", update="step"),
        dict(gradient="rtrl", connections="full"),
    ],
    ids=name,
)
def test_what_comes_back_from_the_past_is_learned(settings, seed):
    assert recall_score(seed, **settings) > 0.8


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_elmans_gradient_does_not_see_what_to_remember(seed):
    assert recall_score(seed, gradient="elman") < 0.5


def test_bptt_and_rtrl_learn_the_same():
    X, y = recall(50)
    settings = dict(max_iter=20, random_state=0, n_iter_no_change=np.inf)
    nets = []
    for kind in ("bptt", "rtrl"):
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            nets.append(RecurrentRegressor(4, gradient=kind, **settings).fit(X, y))
    np.testing.assert_allclose(nets[0].parameters_, nets[1].parameters_, rtol=1e-9)


def test_weights_are_drawn_from_the_range_asked_for():
    net = RecurrentRegressor(20, init_range=0.2, random_state=0).initialize(20)
    assert np.abs(net.parameters_).max() <= 0.2 < 1.05 * np.abs(net.parameters_).max()


def test_weights_are_views_that_change_the_model():
    net, X, _, _ = problem(connections="shortcuts")
    net.unit_weights_[:] = 0
    net.output_weights_[:] = 0
    assert (net.parameters_ == 0).all() and (net.predict(X) == 0).all()
    full, *_ = problem(connections="full")
    assert full.output_weights_ is None and full.unit_weights_.size == full.n_parameters_


def test_partial_fit_is_an_epoch_in_the_given_order():
    X, y = recall(30)
    once = RecurrentRegressor(4, random_state=0, shuffle=False, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        once.fit(X, y)
    part = RecurrentRegressor(4, random_state=0).partial_fit(X[:10], y[:10])
    part.partial_fit(X[10:], y[10:])
    np.testing.assert_array_equal(once.parameters_, part.parameters_)
    assert once.t_ == part.t_ == 30 and len(part.loss_curve_) == 2


def test_a_pickle_predicts_and_learns_as_the_original():
    X, y = recall(30)
    net = RecurrentRegressor(4, random_state=0).partial_fit(X, y)
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.predict(X), net.predict(X))
    copy.partial_fit(X, y), net.partial_fit(X, y)
    np.testing.assert_array_equal(copy.parameters_, net.parameters_)


def test_a_memory_mapped_model_predicts_and_learns(tmp_path):
    joblib = pytest.importorskip("joblib")
    X, y = recall(30)
    net = RecurrentRegressor(4, random_state=0).partial_fit(X, y)
    joblib.dump(net, tmp_path / "net.joblib")
    copy = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    np.testing.assert_array_equal(copy.predict(X), net.predict(X))
    np.testing.assert_array_equal(
        copy.partial_fit(X, y).parameters_, net.partial_fit(X, y).parameters_
    )


def test_a_warm_start_goes_on():
    X, y = recall(30)
    net = RecurrentRegressor(4, random_state=0, warm_start=True, max_iter=5)
    for _ in range(2):
        with pytest.warns(ConvergenceWarning):
            net.fit(X, y)
    whole = clone(net).set_params(max_iter=10)
    with pytest.warns(ConvergenceWarning):
        whole.fit(X, y)
    np.testing.assert_array_equal(net.parameters_, whole.parameters_)
    assert net.t_ == whole.t_ == 300


def test_what_diverges_keeps_the_parameters_of_the_last_finite_loss():
    X, y = recall(30)
    net = RecurrentRegressor(4, learning_rate_init=1e200, random_state=0)
    with pytest.warns(ConvergenceWarning, match="diverged after epoch 0"):
        net.fit(X, y)
    assert np.isfinite(net.parameters_).all() and np.isfinite(net.predict(X)).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        (dict(gradient="elman", connections="full"), "cannot train connections='full'"),
        (dict(gradient="bptt", update="step"), "known only at the end of a sequence"),
    ],
)
def test_what_cannot_be_combined_is_an_error(settings, message):
    net = RecurrentRegressor(**settings)
    with pytest.raises(ValueError, match=message):
        net.fit(*recall(5))
    assert not net.__sklearn_is_fitted__() and not hasattr(net, "n_features_in_")


def test_a_fitted_net_keeps_its_shape():
    X, y = recall(5)
    net = RecurrentRegressor(4).partial_fit(X, y).set_params(n_hidden=5)
    with pytest.raises(ValueError, match="n_hidden is 5, but the model was fitted with"):
        net.partial_fit(X, y)


CHECKS = parametrize_with_checks(
    [
        RecurrentRegressor(),
        RecurrentRegressor(4, gradient="rtrl", update="step", connections="shortcuts"),
        RecurrentRegressor(4, gradient="rtrl", connections="full", out_activation="logistic"),
        RecurrentRegressor(4, gradient="elman"),
    ],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "the weights move after every sequence: "
        "two copies make two steps, a weight of 2 makes one"
    },
)
names, pairs = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(names, list(pairs), **CHECKS.kwargs)
def test_the_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)

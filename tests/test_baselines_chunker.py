"""SequenceChunker: both nets held to their NumPy twin and to derivatives; the estimator; rows."""

import pickle
from itertools import product

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from twins.chunker import run

from sklstm.baselines import SequenceChunker
from sklstm.baselines._entries import Steps
from sklstm.datasets import make_noise_free_lag
from sklstm.paper._chunker_rows import ROWS, run_lag, run_row

T = 7
MODELS = [
    dict(next_input=shared, bias=bias, out_activation=activation, chunker_shortcuts=shortcuts)
    for shared, bias, activation, shortcuts in product(
        (False, True), (False, True), ("identity", "logistic", "tanh"), (False, True)
    )
]


def name(settings):
    return "-".join(str(value) for value in settings.values())


def problem(**settings):
    """Nets with weights of size 1, a sequence, targets and weights; some inputs are expected."""
    rng = np.random.RandomState(3)
    model = SequenceChunker(
        2, threshold=0.6, return_sequences=True, init_range=1.0, random_state=0, **settings
    )
    x = rng.uniform(0, 1, (T, 3))
    x[2, 1] = 0
    d = np.vstack([x[1:], rng.uniform(0, 1, (1, 3))])
    if not model.next_input:
        d = rng.uniform(0, 1, (T, 2))
        d[3, 1] = np.nan
    weights = rng.uniform(0.5, 2, T)
    model.initialize(3, n_outputs=d.shape[1])
    return model, x, d, weights


@pytest.mark.parametrize("settings", MODELS, ids=name)
def test_the_gradient_of_a_step_is_the_derivative_of_its_errors(settings):
    model, x, d, weights = problem(**settings)
    steps = Steps.dense(x, np.array([0, T]))
    learned = 0
    for only in range(T):
        got = model._nets(model.parameters_).gradient(steps, d, weights, 0, only, per_step=True)
        wanted = run(model, model.parameters_, x, d, weights, only=only)
        for gradient, derivative in zip(got, wanted, strict=True):
            np.testing.assert_allclose(gradient, derivative, rtol=1e-6, atol=1e-14)
        learned += wanted[1].any()
    assert learned > 0


def test_the_chunker_learns_at_some_steps_only():
    model, x, d, weights = problem(out_activation="logistic")
    learned = [run(model, model.parameters_, x, d, weights, only=t)[1].any() for t in range(T)]
    assert 0 < sum(learned) < T - 1


@pytest.mark.parametrize("n_steps", [1, 3, 10])
@pytest.mark.parametrize("settings", MODELS, ids=name)
def test_a_sequence_moves_both_nets_at_every_step(settings, n_steps):
    model, x, d, weights = problem(n_steps=n_steps, learning_rate_init=0.3, **settings)
    wanted = run(model, model.parameters_, x, d, weights, rate=0.3)
    model.partial_fit([x], [d], [weights])
    np.testing.assert_allclose(model.parameters_, wanted, rtol=1e-9, atol=1e-13)


def test_how_far_errors_go_back_matters():
    vectors = []
    for n_steps in (1, 3):
        model, x, d, weights = problem(n_steps=n_steps)
        vectors.append(model.partial_fit([x], [d], [weights]).parameters_)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-4


def test_predictions_do_not_need_the_chunker():
    model, x, _, _ = problem()
    before = model.predict([x])
    model.parameters_[model.n_automatizer_parameters_ :] = 0
    np.testing.assert_array_equal(model.predict([x]), before)


@pytest.mark.parametrize("threshold, surprises", [(0.0, 2 * 5), (10.0, 2)])
def test_the_threshold_decides_what_the_chunker_sees(threshold, surprises):
    X = np.random.RandomState(0).uniform(size=(2, 5, 3))
    model = SequenceChunker(threshold=threshold, random_state=0).partial_fit(X, [0.0, 1.0])
    assert model.n_surprises_ == surprises


def test_next_inputs_as_targets_need_one_per_feature_and_step():
    X = np.zeros((2, 5, 3))
    with pytest.raises(ValueError, match="return_sequences=True"):
        SequenceChunker(next_input=True).fit(X, [0, 1])
    model = SequenceChunker(next_input=True, return_sequences=True)
    with pytest.raises(ValueError, match="one target per feature, got 1 outputs for 3"):
        model.fit(X, np.zeros((2, 5)))
    assert not model.__sklearn_is_fitted__()


def test_a_pickle_predicts_and_learns_as_the_original():
    model, x, d, weights = problem()
    model.partial_fit([x], [d], [weights])
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict([x])[0], model.predict([x])[0])
    copy.partial_fit([x], [d]), model.partial_fit([x], [d])
    np.testing.assert_array_equal(copy.parameters_, model.parameters_)


# ------------------------------------------------------------------------------------ experiments


def test_the_automatizer_of_the_paper_has_its_weight_count():
    result = run_row("2a:CH", seed=0, cap=100)
    assert result["weights"] == ROWS["2a:CH"].weights == 10506
    assert result["sequences"] == 100 and not result["success"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_history_is_compressed_until_the_lag_is_bridged(seed):
    result = run_lag("CH", "2a", 5, seed, cap=50_000)
    assert result["success"] and result["surprises"] <= 2


def test_what_is_solved_is_within_a_quarter_everywhere():
    X, y = make_noise_free_lag(500, lag=5, targets="one_hot", random_state=0)
    model = SequenceChunker(
        1,
        next_input=True,
        bias=False,
        out_activation="logistic",
        return_sequences=True,
        learning_rate_init=1.0,
        random_state=0,
    )
    for _ in range(20):
        model.partial_fit(X, y)
    assert np.abs(model.predict(X) - y).max() < 0.25


@pytest.mark.parametrize("family", ["2a", "2c"])
def test_a_trial_of_the_picture_depends_on_its_seed_alone(family):
    results = [run_lag("CH", family, 6, seed=seed, cap=4000) for seed in (1, 2, 1)]
    for result in results:
        del result["seconds"]
    assert results[0] == results[2]
    assert results[0] != results[1] | {"seed": 1}


def test_the_picture_knows_no_other_system_or_family():
    with pytest.raises(ValueError, match="system must be 'CH'"):
        run_lag("RTRL", "2a", 5, 0, 100)
    with pytest.raises(ValueError, match="family must be"):
        run_lag("CH", "2b", 5, 0, 100)


CHECKS = parametrize_with_checks(
    [SequenceChunker(), SequenceChunker(2, out_activation="logistic", chunker_shortcuts=True)],
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": "the weights move at every step: two "
        "copies make two steps, a weight of 2 makes one"
    },
)
names, pairs = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(names, list(pairs), **CHECKS.kwargs)
def test_the_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)

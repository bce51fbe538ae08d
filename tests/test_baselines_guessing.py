"""GuessingRegressor: the net held to a NumPy twin, the search to its definition; the tasks."""

import pickle
from itertools import product

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks
from twins.recurrent import ACTIVATIONS

from sklstm.baselines import GuessingRegressor
from sklstm.paper._guessing_tasks import LONGEST, SHORTEST, TASKS, accepts, draw_task

CONNECTIONS = ("full", "self", "outputs")
NETS = [
    dict(connections=connections, bias=bias, out_activation=activation, return_sequences=per_step)
    for connections, bias, activation, per_step in product(
        CONNECTIONS, ("all", "hidden", None), ("logistic", "tanh"), (False, True)
    )
]


def name(settings):
    return "-".join(str(value) for value in settings.values())


def twin_outputs(guess, x):
    """Hidden units see the step before; outputs see the hidden units of the same step."""
    H, w = guess.n_hidden, guess.weights_
    n = H + guess.n_outputs_
    y, outputs = np.zeros(n), []
    for inputs in x:
        hidden = ACTIVATIONS["logistic"](np.concatenate([y, [1.0], inputs]) @ w[:, :H])
        sources = np.concatenate([hidden, y[H:], [1.0], inputs])
        y = np.concatenate([hidden, ACTIVATIONS[guess.out_activation](sources @ w[:, H:])])
        outputs.append(y[H:])
    return np.array(outputs)


def problem(n_hidden=3, n_outputs=2, lengths=(1, 6, 2), **settings):
    rng = np.random.RandomState(3)
    guess = GuessingRegressor(n_hidden, init_range=2.0, random_state=0, **settings)
    guess.initialize(2, n_outputs=n_outputs)
    return guess, [rng.uniform(-1, 1, (T, 2)) for T in lengths]


# ------------------------------------------------------------------------------------------- net


@pytest.mark.parametrize("settings", NETS, ids=name)
def test_outputs_are_those_of_the_twin(settings):
    guess, X = problem(**settings)
    outputs = [twin_outputs(guess, x) for x in X]
    if guess.return_sequences:
        for got, wanted in zip(guess.predict(X), outputs, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-13)
    else:
        np.testing.assert_allclose(guess.predict(X), [out[-1] for out in outputs], rtol=1e-13)


@pytest.mark.parametrize(
    "settings, count",
    [
        (dict(n_hidden=0), 3),  # input, itself, bias
        (dict(n_hidden=1, bias="hidden"), 7),  # A1, n = 1: two units see three, one has a bias
        (dict(n_hidden=3, bias="hidden"), 23),
        (dict(n_hidden=10, connections="self"), 52),  # A2: 10 * 4 + (10 + 1 + 1)
        (dict(n_hidden=10, connections="outputs"), 42),
        (dict(n_hidden=10, connections="outputs", bias=None), 31),
    ],
)
def test_only_connections_are_drawn(settings, count):
    guess = GuessingRegressor(random_state=0, **settings).initialize(1)
    assert guess.n_parameters_ == count == np.count_nonzero(guess.weights_)


def test_weights_are_drawn_from_the_range_asked_for():
    guess = GuessingRegressor(30, random_state=0).initialize(10)
    assert 99 < np.abs(guess.parameters_).max() <= 100
    assert abs(guess.parameters_.mean()) < 10


# ---------------------------------------------------------------------------------------- search


def constant(n=8, target=1.0):
    X = np.random.RandomState(0).uniform(-1, 1, (n, 3, 1))
    return X, np.full(n, target)


@pytest.mark.parametrize("connections", CONNECTIONS)
def test_what_is_found_is_right_and_nothing_before_it_was(connections):
    X, y = draw_task("2-sequence", 6, np.random.RandomState(0))
    X = [x[:3] for x in X]
    guess = GuessingRegressor(2, connections=connections, random_state=0).fit(X, y)
    assert guess.n_right_ == 6
    assert (np.abs(guess.predict(X) - y) < 0.1).all()
    for trials in (1, guess.n_iter_ // 2, guess.n_iter_ - 1):
        if trials == 0 or trials == guess.n_iter_:
            continue
        other = GuessingRegressor(2, connections=connections, random_state=0, max_iter=trials)
        with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
            other.fit(X, y)
        right = np.abs(other.predict(X) - y) < 0.1
        assert other.n_iter_ == trials and other.n_right_ < 6
        # Counted up to the first wrong one.
        assert right[: other.n_right_].all() and not right[other.n_right_]


def test_of_weights_that_came_equally_far_the_first_are_kept():
    X, y = constant(target=77.0)  # which a logistic output cannot reach
    first = GuessingRegressor(random_state=0).initialize(1)
    guess = GuessingRegressor(random_state=0, max_iter=50)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        guess.fit(X, y)
    assert guess.n_right_ == 0 and guess.n_iter_ == 50
    np.testing.assert_array_equal(guess.parameters_, first.parameters_)


def test_the_tolerance_decides_what_is_right():
    X, y = constant(target=0.5)  # logistic outputs are within 0.5 of it
    far = GuessingRegressor(random_state=0, init_range=2.0, tolerance=0.51).fit(X, y)
    near = GuessingRegressor(random_state=0, init_range=2.0, tolerance=0.1).fit(X, y)
    assert far.n_iter_ == 1 < near.n_iter_
    assert (np.abs(near.predict(X) - y) < 0.1).all()
    assert not (np.abs(far.predict(X) - y) < 0.1).all()


def test_with_targets_per_step_every_step_counts_that_has_one():
    rng = np.random.RandomState(0)
    X = [rng.uniform(-1, 1, (T, 1)) for T in (1, 4, 2)]
    y = [(x[:, 0] > 0).astype(float) for x in X]
    guess = GuessingRegressor(0, random_state=0, return_sequences=True, tolerance=0.4).fit(X, y)
    for got, wanted in zip(guess.predict(X), y, strict=True):
        assert (np.abs(got - wanted) < 0.4).all()
    y[1][2], weights = 77, [np.ones(len(x)) for x in X]
    weights[1][2] = 0  # nobody can reach 77
    again = GuessingRegressor(0, random_state=0, return_sequences=True, tolerance=0.4)
    assert again.fit(X, y, weights).n_right_ == 3
    y[1][2] = np.nan
    assert again.fit(X, y).n_right_ == 3


def test_partial_fit_first_tries_the_weights_it_has():
    X, y = constant()
    guess = GuessingRegressor(random_state=0).fit(X, y)
    found = guess.parameters_.copy()
    guess.partial_fit(X[:3], y[:3])
    assert guess.n_iter_ == 1 and (guess.parameters_ == found).all()
    guess.partial_fit(X, 1 - y)
    assert guess.n_iter_ > 1 and (guess.parameters_ != found).all()


def test_fit_draws_anew_and_a_warm_start_does_not():
    X, y = constant()
    guess = GuessingRegressor(random_state=0).fit(X, y)
    n_trials = guess.n_iter_
    assert guess.fit(X, y).n_iter_ == n_trials
    assert guess.set_params(warm_start=True).fit(X, y).n_iter_ == 1
    assert guess.t_ == n_trials + 1


def test_trials_that_are_drawn_together_are_the_same_as_one_by_one(monkeypatch):
    from sklstm.baselines import _guessing

    X, y = draw_task("Tomita #1", 10, np.random.RandomState(0))
    together = GuessingRegressor(2, random_state=0).fit(X, y)
    monkeypatch.setattr(_guessing, "TRIALS_AT_A_TIME", 3)
    few = GuessingRegressor(2, random_state=0).fit(X, y)
    assert few.n_iter_ == together.n_iter_ > 3
    np.testing.assert_array_equal(few.parameters_, together.parameters_)


def test_a_pickle_predicts_as_the_original():
    X, y = constant()
    guess = GuessingRegressor(random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(guess))
    np.testing.assert_array_equal(copy.predict(X), guess.predict(X))


CHECKS = parametrize_with_checks(
    [
        GuessingRegressor(max_iter=500),
        GuessingRegressor(10, connections="self", out_activation="identity", max_iter=500),
    ],
    expected_failed_checks=lambda guess: (
        {
            "check_sample_weight_equivalence_on_dense_data": "500 trials find nothing, and which "
            "of them came furthest depends on the order of the sequences"
        }
        if guess.n_hidden == 1
        else {}
    ),
)
names, pairs = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(names, list(pairs), **CHECKS.kwargs)
def test_the_checks_of_scikit_learn_pass(estimator, check):
    check(estimator)


# ----------------------------------------------------------------------------------------- tasks


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_two_classes_in_turn_and_long_sequences(task):
    X, y = draw_task(task, 20, np.random.RandomState(0))
    assert y.tolist() == [0, 1] * 10
    assert all(x.shape[1] == 1 and SHORTEST <= len(x) <= LONGEST for x in X)
    if task != "2-sequence":
        assert all(set(np.unique(x)) <= {-1.0, 1.0} for x in X)


def test_the_two_sequence_task_shows_its_class_first():
    X, y = draw_task("2-sequence", 100, np.random.RandomState(0))
    assert [x[0, 0] for x in X] == (2 * y - 1).tolist()
    assert np.concatenate([x[1:] for x in X]).var() == pytest.approx(0.2, rel=0.03)


def test_parity_is_that_of_the_ones():
    X, y = draw_task("parity", 50, np.random.RandomState(0))
    assert [int((x > 0).sum()) % 2 for x in X] == y.tolist()


BELONGS = {
    1: lambda s: "0" not in s,
    2: lambda s: s == "10" * (len(s) // 2),
    4: lambda s: "000" not in s,
}


@pytest.mark.parametrize("grammar", BELONGS)
def test_a_tomita_grammar_accepts_what_its_definition_says(grammar):
    for length in range(9):
        for bits in product((0, 1), repeat=length):
            wanted = BELONGS[grammar]("".join(map(str, bits)))
            assert accepts(grammar, np.array(bits, dtype=int)) == wanted


@pytest.mark.parametrize("grammar", BELONGS)
def test_strings_of_a_tomita_grammar_are_labelled_by_it(grammar):
    X, y = draw_task(f"Tomita #{grammar}", 20, np.random.RandomState(0))
    strings = ["".join("1" if value > 0 else "0" for value in x[:, 0]) for x in X]
    assert [BELONGS[grammar](string) for string in strings] == [bool(label) for label in y]


def test_accepted_strings_are_drawn_uniformly():
    # Of length 4, thirteen strings have no three zeros in a row.
    draw, rng = TASKS["Tomita #4"], np.random.RandomState(0)
    strings, counts = np.unique([draw(4, 1, rng) for _ in range(6500)], axis=0, return_counts=True)
    assert len(strings) == 13
    chi_square = ((counts - 500) ** 2 / 500).sum()
    assert chi_square < 32.9  # 12 degrees of freedom, one in a thousand


@pytest.mark.parametrize("call", ["predict", "fit"])
def test_weights_of_another_net_are_refused(call):
    X, y = [np.ones((2, 1))] * 2, np.array([0.0, 1.0])
    guess = GuessingRegressor(max_iter=1, warm_start=True, random_state=0)
    with pytest.warns(ConvergenceWarning):
        guess.fit(X, y)
    n = len(guess.parameters_)
    guess.parameters_ = np.zeros(2)
    with pytest.raises(ValueError, match=f"has 2 elements, but must have {n}"):
        guess.predict(X) if call == "predict" else guess.fit(X, y)

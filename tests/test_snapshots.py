"""While an estimator learns, others see all of it from before or all of it from after."""

import pickle
import sys
import threading
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path

import joblib
import numpy as np
import pytest
from problems import labels, numbers, sequences
from sklearn.exceptions import NotFittedError

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._snapshots import revised, snapshot
from sklstm._training import Training
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.compose import RelativeRegressor
from sklstm.export import load_state_dict, state_dict
from sklstm.preprocessing import (
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)

# Not any path with the name in it: a clone has it too, and scikit-learn may be installed inside.
OURS = str(Path(sklstm.__file__).parent)


class Between:
    """Calls a function wherever another one executes a line of the package, at most so often."""

    def __init__(self, call, at=None):
        self.call, self.at, self.n_lines, self.calling = call, at, 0, False

    def _trace(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(OURS) or self.calling:
            return None
        if event == "line":
            self.n_lines += 1
            if self.at is None or self.n_lines == self.at:
                self.calling = True
                try:
                    self.call()
                finally:
                    self.calling = False
        return self._trace

    def __call__(self, function):
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            return function()
        finally:
            sys.settrace(before)


def with_gaps(X):
    X[0][1] = np.nan
    return X


def seen_of(model):
    """What users see of a model, as something that can be compared."""
    try:
        if hasattr(model, "transform"):
            X = [["a", "c"]] if isinstance(model, SequenceEncoder) else with_gaps(sequences(3))
            return b"".join(np.asarray(x).tobytes() for x in model.transform(X))
        if isinstance(model, LSTMClassifier):
            return model.predict_proba(sequences(5)).tobytes()
        return np.asarray(model.predict(sequences(5))).tobytes()
    except NotFittedError:
        return None


def held(model):
    """What a model holds, but for how often it was fitted and what it has looked at."""
    kept = {
        name: held(value) if isinstance(value, LSTMRegressor) else value
        for name, value in vars(model).items()
        if name not in ("_n_draws", "_validated")
    }
    return joblib.hash(pickle.loads(pickle.dumps(kept)))


def small(kind=LSTMRegressor, **settings):
    return kind(**{"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0, **settings})


def fitted(model, **settings):
    return model.fit(sequences(12), numbers(sequences(12)), **settings)


def larger(model):
    return model.set_params(hidden_layer_sizes=(5, 2), cell="peephole", bidirectional=True)


def learn(model):
    stream = model.stream()
    for x in sequences(2)[1]:
        stream.step(x)
        stream.learn(0.5)


def names(model):
    return model.fit(sequences(12), labels(12, 3, ["x", "y", "z"]))


CHANGES = {
    "fit": (lambda: small(), fitted),
    "fit of another net": (lambda: larger(fitted(small())), fitted),
    "fit with held out": (lambda: larger(fitted(small(early_stopping=True))), fitted),
    "fit that goes on": (lambda: fitted(small(warm_start=True)), fitted),
    "partial_fit": (
        lambda: fitted(small()),
        lambda model: model.partial_fit(sequences(6), numbers(sequences(6))),
    ),
    "first partial_fit": (
        lambda: small(),
        lambda model: model.partial_fit(sequences(6), numbers(sequences(6))),
    ),
    "initialize": (lambda: larger(fitted(small())), lambda model: model.initialize(2)),
    "other classes": (lambda: small(LSTMClassifier).fit(sequences(12), labels(12)), names),
    "initialize classes": (
        lambda: small(LSTMClassifier).fit(sequences(12), labels(12)),
        lambda model: model.initialize(2, classes=list("abcd")),
    ),
    "another state": (
        lambda: fitted(small()),
        lambda model: load_state_dict(model, state_dict(fitted(small(random_state=1)))),
    ),
    "recurrent": (
        lambda: fitted(RecurrentRegressor(max_iter=2, random_state=0)).set_params(n_hidden=7),
        fitted,
    ),
    "cascade": (
        lambda: fitted(RecurrentCascadeRegressor(max_iter=2, random_state=0)).set_params(
            random_state=1
        ),
        fitted,
    ),
    "chunker": (
        lambda: fitted(SequenceChunker(max_iter=2, random_state=0)).set_params(random_state=1),
        fitted,
    ),
    "guessing": (
        lambda: fitted(GuessingRegressor(max_iter=20, random_state=0)).set_params(random_state=1),
        fitted,
    ),
    "relative": (
        lambda: fitted(RelativeRegressor(small(), columns=[0])).set_params(columns=[1]),
        fitted,
    ),
    "relative partial_fit": (
        lambda: fitted(RelativeRegressor(small(), columns=[0])),
        lambda model: model.partial_fit(sequences(6), numbers(sequences(6))),
    ),
    "scaler": (
        lambda: SequenceScaler().fit(sequences(3)),
        lambda model: model.fit([4 + 2 * x for x in sequences(5)]),
    ),
    "scaler partial_fit": (
        lambda: SequenceScaler().fit(sequences(3)),
        lambda model: model.partial_fit([4 + 2 * x for x in sequences(5)]),
    ),
    "imputer": (
        lambda: SequenceImputer(strategy="mean").fit(sequences(3)[:1]),
        lambda model: model.fit([4 + 2 * x for x in sequences(5)]),
    ),
    "differences": (
        lambda: SequenceDifferences(),
        lambda model: model.fit(sequences(5)),
    ),
    "encoder": (
        lambda: SequenceEncoder().fit([["c", "d"]]),
        lambda model: model.fit([["a", "b"], ["c"]]),
    ),
    "encoder partial_fit": (
        lambda: SequenceEncoder().fit([["c", "d"]]),
        lambda model: model.partial_fit([["a", "b"], ["c"]]),
    ),
}
quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@quiet
@pytest.mark.parametrize("name", CHANGES)
def test_whoever_looks_in_between_sees_the_model_before_or_after(name):
    make, change = CHANGES[name]
    model, seen = make(), []
    before = seen_of(model)
    between = Between(lambda: seen.append(seen_of(model)))
    between(lambda: change(model))
    after = seen_of(model)
    assert between.n_lines > 10 and seen[0] == before != after
    turned = next((k for k, one in enumerate(seen) if one != before), len(seen))
    assert all(one == after for one in seen[turned:])


@quiet
@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_changes_in_between_is_read_as_it_was_or_is(name):
    make, change = CHANGES[name]
    start = make()
    before = seen_of(start)
    after = deepcopy(start)
    change(after)
    after = seen_of(after)
    count = Between(lambda: None)
    count(lambda: seen_of(start))
    for at in range(1, count.n_lines + 1, max(1, count.n_lines // 25)):
        model = deepcopy(start)
        between = Between(lambda model=model: change(model), at)
        assert between(lambda model=model: seen_of(model)) in (before, after)
        assert seen_of(model) == after


def interrupt():
    raise KeyboardInterrupt


@quiet
@pytest.mark.filterwarnings("ignore:Training interrupted")
@pytest.mark.parametrize("name", CHANGES)
def test_an_interrupt_leaves_the_model_as_it_was_or_with_all_that_was_learned(name):
    make, change = CHANGES[name]
    start = make()
    count = Between(lambda: None)
    count(lambda: change(deepcopy(start)))
    before = held(start)
    for at in np.linspace(1, count.n_lines, 40, dtype=int):
        model = deepcopy(start)
        try:
            Between(interrupt, at)(lambda model=model: change(model))
        except KeyboardInterrupt:
            if seen_of(model) == seen_of(start):
                assert held(model) == before
                continue
        seen_of(model)
        again = pickle.loads(pickle.dumps(model))
        for one in (model, again):
            change(one)
        assert held(model) == held(again)


# ----------------------------------------------------------------------------------- in threads


@contextmanager
def hurried():
    """Threads take turns as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_threads(looks, change):
    """What the functions ``looks`` returned, each in a thread of its own, during ``change()``."""
    ended, seen, errors = threading.Event(), [set() for _ in looks], []

    def keep_looking(look, found):
        try:
            while not ended.is_set():
                found.add(look())
        except BaseException as error:
            errors.append(error)

    threads = [
        threading.Thread(target=keep_looking, args=pair) for pair in zip(looks, seen, strict=True)
    ]
    with hurried():
        for thread in threads:
            thread.start()
        try:
            change()
        finally:
            ended.set()
            for thread in threads:
                thread.join()
    if errors:
        raise errors[0]
    return seen


@quiet
def test_fits_of_two_nets_in_turn_while_threads_predict():
    sizes = [
        dict(hidden_layer_sizes=3, cell="1997"),
        dict(hidden_layer_sizes=(40, 30), cell="forget"),
    ]
    expected = {seen_of(fitted(small(**size))) for size in sizes}
    model = fitted(small(**sizes[0]))

    def change():
        for turn in range(30):
            fitted(model.set_params(**sizes[turn % 2]))

    for seen in in_threads([lambda: seen_of(model)] * 2, change):
        assert seen and seen <= expected


@quiet
def test_two_fits_at_once_leave_one_of_both():
    data = [(sequences(8), numbers(sequences(8))), (sequences(8, 5), numbers(sequences(8, 5)))]
    expected = {held(small().fit(*one)) for one in data}
    model = small()
    with hurried():
        for _ in range(10):
            threads = [threading.Thread(target=model.fit, args=one) for one in data]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert held(model) in expected


# ------------------------------------------------------------------------------------ the tools


def test_a_snapshot_shares_values_and_does_not_change():
    model = fitted(small())
    now = snapshot(model)
    assert type(now) is type(model) and now.parameters_ is model.parameters_
    model.set_params(alpha=1.0)
    assert now.alpha == 0.0


def test_what_users_set_meanwhile_stays():
    model = fitted(small())
    with revised(model) as draft:
        draft.loss_ = 7.0
        model.set_params(alpha=1.0)
        model.note = "mine"
        assert model.loss_ != 7.0
    assert (model.loss_, model.alpha, model.note) == (7.0, 1.0, "mine")


def test_an_error_leaves_the_model_as_it_was():
    model = fitted(small())
    before = dict(vars(model))
    with pytest.raises(ZeroDivisionError), revised(model) as draft:
        draft.parameters_ = 1 / 0
    assert vars(model) == before


# -------------------------------------------------------------------------- streams that learn


def wide():
    """A model whose parameters take a while to move: the step of learning is the gradient."""
    model = small(hidden_layer_sizes=80, solver="sgd", learning_rate_init=1.0, momentum=0.0)
    return model.initialize(2)


def moving(model, values):
    """A function that moves all parameters to one of the values after the other, as streams do."""
    stream = model.stream()
    stream.step(np.zeros(2))
    stream.learn(0.0)  # makes the solver
    gradient, steps = stream._gradient, stream._step_solver

    def move():
        for value in values:
            gradient.dense[:] = model.parameters_ - value
            with stream._learner.lock:
                steps()

    return move


@pytest.mark.parametrize("look", ["predict", "step", "peek", "steps", "pickle", "stream"])
def test_parameters_that_a_stream_moves_are_seen_before_or_after(look):
    values = [0.001, 0.002] * 1500
    model = wide().set_params(clip_norm=None, alpha=0.0)
    x = np.ones((3, 2))
    expected = set()
    for value in values[:2]:
        other = wide()
        other.parameters_[:] = value
        expected.add(looking(other, look, x)())
    move = moving(model, values)
    model.parameters_[:] = values[0]
    seen = in_threads([looking(model, look, x), looking(model, look, x)], move)
    assert len(set().union(*seen)) > 1
    for found in seen:
        assert found <= expected


def looking(model, look, x):
    """A function that looks at a model in this way."""
    stream = model.stream()

    def step():
        stream.reset()
        return stream.step(x[0])

    def fresh():
        return model.stream().step(x[0])

    return {
        "predict": lambda: model.predict([x]).item(),
        "step": step,
        "peek": lambda: stream.peek(x[0]),
        "steps": lambda: stream.steps(x[:1]).item() if stream.reset() else None,
        "pickle": lambda: pickle.loads(pickle.dumps(model)).predict([x]).item(),
        "stream": fresh,
    }[look]


def test_a_stream_that_begins_to_learn_leaves_what_others_hold():
    model = wide()
    now, view = snapshot(model), model.parameters_
    before = view.copy()
    stream = model.stream()
    stream.step(np.ones(2))
    stream.learn(5.0)
    assert now.parameters_ is view and (view == before).all()
    assert (model.parameters_ != before).any()


def test_partial_fit_begins_with_whole_parameters_while_a_stream_moves_them():
    values = [0.001, 0.002] * 300
    model = wide().set_params(clip_norm=None, alpha=0.0)
    move = moving(model, values)
    found = set()

    def look():
        with suppress(ZeroDivisionError), revised(model) as draft:
            found.add(len(np.unique(draft.parameters_)))
            raise ZeroDivisionError

    model.parameters_[:] = values[0]
    in_threads([look], move)
    assert found == {1}


def test_what_users_set_and_delete_meanwhile_is_kept():
    model = fitted(small())
    model.note = model.other = "mine"
    with revised(model) as draft:
        draft.loss_ = 7.0
        model.best_epoch_, model._mine = 3, 4
        del model.note
    assert (model.best_epoch_, model._mine, model.loss_, model.other) == (3, 4, 7.0, "mine")
    assert not hasattr(model, "note")


class Strict(LSTMRegressor):
    def __setattr__(self, name, value):
        assert name != "__dict__"
        super().__setattr__(name, value)


def test_a_class_with_its_own_way_to_set_attributes_is_fitted():
    model = fitted(Strict(3, max_iter=1))
    assert "__dict__" not in vars(model) and len(model.loss_curve_) == 1


def test_parameters_of_another_precision_than_the_solver_are_saved():
    model = fitted(small())
    model.parameters_ = model.parameters_.astype(np.float32)
    again = pickle.loads(pickle.dumps(model))
    assert seen_of(again) == seen_of(model)


NEW_FITS = ["fit of another net", "other classes", "recurrent", "cascade", "chunker", "guessing"]


@quiet
@pytest.mark.parametrize("name", NEW_FITS)
def test_a_new_fit_that_ends_before_its_first_epoch_raises(name, monkeypatch):
    make, change = CHANGES[name]
    model = make()
    before = held(model)
    monkeypatch.setattr(Training, "end_epoch", lambda self, *given, **more: interrupt())
    with pytest.raises(KeyboardInterrupt):
        change(model)
    assert held(model) == before

"""Callbacks of scikit-learn: what they are told, how they stop and fail, how they propagate."""

import pickle
import warnings
from copy import copy

import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from watchers import Propagated, Recorder, differing, expected_events, needs_callbacks, same

from sklstm import LSTMClassifier, LSTMRegressor, _callbacks
from sklstm._sklearn import HAS_CALLBACKS
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 6, 2))
labels = np.where(X[:, 3, 0] > 0, "up", "down")
numbers = X[:, 3, 0] + 0.1 * X[:, 5, 1]
ragged = [x[: 3 + k % 4] for k, x in enumerate(X)]

LSTMS = {
    "classifier": (LSTMClassifier(4, max_iter=4, random_state=0), labels),
    "regressor": (LSTMRegressor(4, max_iter=4, random_state=0), numbers),
}
BASELINES = {
    "recurrent": (RecurrentRegressor(3, max_iter=4, random_state=0), numbers),
    "chunker": (SequenceChunker(3, max_iter=4, random_state=0), numbers),
    "cascade": (RecurrentCascadeRegressor(max_iter=30, max_phase_iter=8, random_state=0), numbers),
    "guessing": (GuessingRegressor(max_iter=1200, random_state=0), numbers),
}
LEARNERS = LSTMS | BASELINES
TRANSFORMERS = [
    SequenceEncoder(),
    SequenceScaler(),
    SequenceImputer(),
    SequenceDifferences(),
    SequenceContext(),
]

learner = pytest.mark.parametrize("name", LEARNERS)
lstm = pytest.mark.parametrize("name", LSTMS)


def made(name, **parameters):
    """A new estimator and its targets."""
    estimator, y = LEARNERS[name]
    return clone(estimator).set_params(**parameters), y


@pytest.fixture(autouse=True)
def may_not_converge():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


# ------------------------------------------------------------------------- what callbacks are told


@needs_callbacks
@learner
def test_a_fit_is_a_task_and_each_epoch_is_one(name):
    model, y = made(name)
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, y)
    # the guesses are drawn 500 at a time, and the first is tried alone
    n_epochs = 4 if name == "guessing" else model.n_iter_
    assert watcher.events == expected_events(n_epochs)
    assert all(call["context"].max_subtasks == 0 for call in watcher.of("begin", "epoch"))


@needs_callbacks
@learner
def test_the_number_of_epochs_is_announced(name):
    model, y = made(name)
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, y)
    (begin,) = watcher.of("begin", "fit")
    assert begin["context"].max_subtasks == (4 if name == "guessing" else model.max_iter)


@needs_callbacks
def test_automatic_epochs_are_announced_once_they_are_known():
    model, y = made("classifier", max_iter="auto")
    watcher = Recorder(stop_at=("end", "epoch", 0))
    model.set_callbacks(watcher).fit(X, y)
    assert watcher.of("begin", "fit")[0]["context"].max_subtasks == 200


@needs_callbacks
@learner
def test_x_y_and_weights_are_those_of_the_user(name):
    model, y = made(name)
    watcher, weights = Recorder(), np.arange(1.0, 25.0)
    model.set_callbacks(watcher).fit(ragged, y, sample_weight=weights)
    for call in watcher.calls[1:-1]:
        assert call["estimator"] is model
        assert call["X"] is ragged
        assert call["y"] is y
        assert call["metadata"]["sample_weight"] is weights
    model.fit(ragged, y)
    assert watcher.calls[-2]["metadata"] is None


@needs_callbacks
@learner
def test_an_epoch_hands_over_the_estimator_as_if_fit_had_ended_there(name):
    model, y = made(name)
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, y)
    trials = [1, 501, 1001, 1200] if name == "guessing" else range(1, model.n_iter_ + 1)
    for n_iter, fitted in zip(trials, watcher.fitted(), strict=True):
        short, _ = made(name, max_iter=n_iter)
        # how many trials come next decides what a guesser has drawn
        but = {"_rng"} if name == "guessing" else set()
        assert differing(fitted, short.fit(X, y), "max_iter") <= but
        assert_array_equal(fitted.predict(X), short.predict(X))
        assert fitted.score(X, y) == short.score(X, y)


@needs_callbacks
@learner
def test_an_epoch_begins_where_the_one_before_has_ended(name):
    model, y = made(name)
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, y)
    before, after = watcher.fitted("begin"), watcher.fitted("end")
    but = {"_rng"} if name == "guessing" else set()  # the next guesses were drawn in between
    for begun, ended in zip(before[1:], after, strict=False):
        assert differing(begun, ended) <= but
    if name in LSTMS:
        untrained, _ = made(name)
        given = {"classes": ["down", "up"]} if name == "classifier" else {}
        untrained.initialize(2, expected_length=6, **given)
        assert_array_equal(before[0].parameters_, untrained.parameters_)


@needs_callbacks
@learner
def test_estimators_that_were_handed_over_do_not_change_any_more(name):
    model, y = made(name)

    class Copier(Recorder):
        def _note(self, hook, context, **given):
            given["then"] = pickle.dumps(given["fitted"].predict(X)) if hook == "end" else None
            return super()._note(hook, context, **given)

    watcher = Copier()
    model.set_callbacks(watcher).fit(X, y)
    model.set_params(warm_start=True).fit(X, y)
    for call in watcher.of("end"):
        if call["context"].task_name == "epoch":
            assert_array_equal(call["fitted"].predict(X), pickle.loads(call["then"]))


@needs_callbacks
@lstm
def test_early_stopping_hands_over_the_best_parameters(name):
    model, y = made(name, max_iter=15, early_stopping=True, n_iter_no_change=20)
    model.set_params(learning_rate_init=0.1)
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X[:14], y[:14], X_val=X[14:], y_val=y[14:])
    scores = [fitted.score(X[14:], y[14:]) for fitted in watcher.fitted()]
    assert scores == [max(model.validation_scores_[: k + 1]) for k in range(15)]
    assert scores != model.validation_scores_
    assert [
        fitted.validation_scores_[-1] for fitted in watcher.fitted()
    ] == model.validation_scores_


@needs_callbacks
@lstm
def test_a_warm_start_hands_over_the_records_of_all_fits(name):
    model, y = made(name, warm_start=True)
    watcher = Recorder()
    model.fit(X, y).set_callbacks(watcher).fit(X, y)
    assert [len(fitted.loss_curve_) for fitted in watcher.fitted()] == [5, 6, 7, 8]
    assert [fitted.n_iter_ for fitted in watcher.fitted()] == [1, 2, 3, 4]


@needs_callbacks
@learner
def test_the_bits_are_the_same_with_callbacks_and_without(name):
    for warm_start in (False, True):
        plain, y = made(name, warm_start=warm_start)
        watched = clone(plain).set_callbacks(Recorder())
        for _ in range(2):
            plain.fit(X, y)
            watched.fit(X, y)
        assert differing(plain, watched) == set()


@needs_callbacks
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=lambda it: type(it).__name__)
def test_a_transformer_is_one_task(transformer):
    watcher = Recorder()
    fitted = clone(transformer).set_callbacks(watcher).fit(X)
    assert watcher.events == expected_events(0)
    end = watcher.of("end")[0]
    assert end["context"].max_subtasks == 0
    assert_array_equal(end["fitted"].transform(X), fitted.transform(X))


@needs_callbacks
@lstm
def test_partial_fit_calls_nothing(name):
    model, y = made(name)
    watcher = Recorder()
    model.fit(X, y).set_callbacks(watcher).partial_fit(X, y)
    assert watcher.events == []


# ----------------------------------------------------------------------------- stops and errors


@needs_callbacks
@learner
def test_a_callback_stops_training_after_an_epoch(name, capsys):
    model, y = made(name, verbose=1)
    watcher = Recorder(stop_at=("end", "epoch", 1))
    model.set_callbacks(watcher).fit(X, y)
    assert watcher.events == expected_events(2)
    short, _ = made(name, max_iter=501 if name == "guessing" else 2)
    but = {"_rng"} if name == "guessing" else set()
    assert differing(model, short.fit(X, y), "max_iter", "verbose") <= but
    assert capsys.readouterr().out.endswith("Training ends: a callback stopped it.\n")


@needs_callbacks
def test_stopping_is_no_reason_for_a_warning():
    model, y = made("classifier", tol=1e-3)
    model.set_callbacks(Recorder(stop_at=("end", "epoch", 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, y)


@needs_callbacks
@pytest.mark.parametrize(
    "event", [("setup", "fit", 0), ("begin", "fit", 0), ("begin", "epoch", 1), ("end", "epoch", 1)]
)
@learner
def test_an_error_of_a_callback_leaves_the_estimator_as_it_was(name, event):
    for fitted in (False, True):
        model, y = made(name, warm_start=fitted)
        if fitted:
            model.fit(X, y)
        first, failing, last = Recorder(), Recorder(fail_at=event), Recorder()
        model.set_callbacks(first, failing, last)
        before = {key: copy(value) for key, value in vars(model).items() if key != "_validated"}
        with pytest.raises(ValueError, match="failed at"):
            model.fit(X, y)
        after = {key: value for key, value in vars(model).items() if key != "_validated"}
        assert same(before, after)
        assert first.events[-1] == failing.events[-1] == ("teardown", "fit", 0)
        if event[0] == "setup":  # the last one has nothing to tear down
            assert last.events == []
        else:
            assert last.events[-1] == ("teardown", "fit", 0)


@needs_callbacks
@lstm
def test_invalid_input_is_torn_down_and_changes_nothing(name):
    model, y = made(name)
    watcher = Recorder()
    model.set_callbacks(watcher)
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit(X, y[:-1])
    assert watcher.events == [("setup", "fit", 0), ("teardown", "fit", 0)]
    assert not hasattr(model, "_callback_fit_ctx")
    assert not model.__sklearn_is_fitted__()


@needs_callbacks
@pytest.mark.parametrize("event", [("end", "fit", 0), ("teardown", "fit", 0)])
def test_an_error_after_training_passes_and_leaves_the_model_fitted(event):
    model, y = made("classifier")
    watcher = Recorder(fail_at=event)
    with pytest.raises(ValueError, match="failed at"):
        model.set_callbacks(watcher).fit(X, y)
    assert watcher.events == expected_events(4)
    plain, _ = made("classifier")
    assert differing(model, plain.fit(X, y)) == set()


@needs_callbacks
@learner
def test_ctrl_c_ends_the_fit_for_callbacks_too(name):
    model, y = made(name)
    watcher = Recorder(fail_at=("begin", "epoch", 2), error=KeyboardInterrupt)
    with pytest.warns(UserWarning, match="interrupted"):
        model.set_callbacks(watcher).fit(X, y)
    assert watcher.events[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]
    assert watcher.calls[-2]["fitted"].score(X, y) == model.score(X, y)


@needs_callbacks
def test_divergence_ends_the_fit_for_callbacks_too():
    model = LSTMRegressor(
        4, solver="sgd", learning_rate_init=1e20, clip_norm=None, max_iter=9, random_state=0
    )
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, numbers)
    assert watcher.events[-2:] == [("end", "fit", 0), ("teardown", "fit", 0)]
    assert model.n_iter_ < 9


# --------------------------------------------------------------------------- in other estimators


def tuned(**options):
    """A search over a pipeline: 2 candidates, 2 folds, 3 epochs each, and the refit."""
    steps = [clone(step) for step in TRANSFORMERS]
    model = LSTMClassifier(3, max_iter=3, random_state=0, n_jobs=1)
    grid = {"lstmclassifier__alpha": [0.0, 1e-3]}
    return GridSearchCV(make_pipeline(*steps, model), grid, cv=2, **options)


@needs_callbacks
def test_all_steps_of_a_pipeline_support_callbacks():
    watcher = Propagated()
    search = tuned().set_callbacks(watcher).fit(X, labels)
    names = {call["context"].estimator_name for call in watcher.of("begin")}
    assert names == {
        "GridSearchCV",
        "Pipeline",
        "LSTMClassifier",
        *(type(step).__name__ for step in TRANSFORMERS),
    }
    assert len(watcher.fitted()) == (2 * 2 + 1) * 3
    assert watcher.events.count(("setup", "fit", 0)) == 1
    assert watcher.events[-1] == ("teardown", "fit", 0)
    assert_array_equal(search.predict(X), tuned().fit(X, labels).predict(X))


@needs_callbacks
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_every_fit_of_a_search_is_seen_in_threads_and_processes(backend):
    from sklearn.callback import ScoringMonitor

    found = []
    for name, n_jobs in (("sequential", 1), (backend, 2)):
        monitor = ScoringMonitor(scoring="accuracy")
        search = tuned(n_jobs=n_jobs)
        search.estimator.steps[-1][1].set_callbacks(monitor)
        with parallel_config(name):
            search.fit(X, labels)
        rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
        found.append([(row["task_id_path"], row["accuracy"]) for row in rows])
    assert len(found[0]) == (2 * 2 + 1) * 3
    assert found[0] == found[1]


@needs_callbacks
def test_the_bars_of_scikit_learn_nest_in_a_search(capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", "200")
    from sklearn.callback import ProgressBar

    tuned().set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X, labels)
    lines = capsys.readouterr().out.splitlines()
    (search,) = [line for line in lines if line.startswith("GridSearchCV - fit")]
    assert "100%" in search
    for name in ("SequenceScaler", "LSTMClassifier"):
        bars = [line for line in lines if f"{name} - fit" in line]
        assert all("100%" in bar for bar in bars)
        # below the search, its candidates and their pipelines; and below the refit
        assert [len(bar) - len(bar.lstrip()) for bar in bars] == [6, 6, 6, 6, 4]


@needs_callbacks
def test_a_relative_regressor_lends_callbacks_to_the_regressor_inside():
    inside = make_pipeline(SequenceScaler(), LSTMRegressor(3, max_iter=3, random_state=0))
    for watcher, n_epochs in ((Propagated(), 3), (Recorder(), 0)):
        model = RelativeRegressor(clone(inside), columns=0).set_callbacks(watcher)
        model.fit(X, numbers)
        assert len(watcher.fitted()) == n_epochs
        assert watcher.events[-1] == ("teardown", "fit", 0)
        plain = RelativeRegressor(clone(inside), columns=0).fit(X, numbers)
        assert_array_equal(model.predict(X), plain.predict(X))
        assert not hasattr(model.regressor_, "_skl_callbacks")


# ------------------------------------------------------------------------- kept, saved, and absent


@needs_callbacks
@learner
def test_callbacks_stay_in_clones_and_pickles_until_they_are_cleared(name):
    model, y = made(name)
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, y)
    assert clone(model)._skl_callbacks == [watcher]
    watcher.calls.clear()
    loaded = pickle.loads(pickle.dumps(model))
    assert loaded._skl_callbacks[0].events == watcher.events
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert "_skl_callbacks" not in pickle.loads(pickle.dumps(model.set_callbacks())).__getstate__()


@needs_callbacks
def test_what_belongs_to_a_running_fit_is_not_saved():
    model, y = made("classifier")
    watcher = Recorder()
    model.set_callbacks(watcher).fit(X, y)
    for fitted in watcher.fitted():
        assert vars(fitted).keys() & {"_callback_fit_ctx", "_skl_callbacks_to_teardown"} == set()


def test_without_callbacks_nothing_is_made_for_them(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("made without callbacks")

    monkeypatch.setattr(_callbacks, "Watch", fail)
    if HAS_CALLBACKS:
        for part in (LSTMClassifier, SequenceScaler):
            monkeypatch.setattr(part, "_init_callback_context", fail)
    for name in LEARNERS:
        model, y = made(name)
        model.fit(X, y)
    tuned().fit(X, labels)


@pytest.mark.skipif(HAS_CALLBACKS, reason="of scikit-learn before 1.9")
def test_before_scikit_learn_1_9_there_is_no_set_callbacks():
    from sklstm.callback import Checkpoint, LearningCurve

    for estimator in (*(model for model, _ in LEARNERS.values()), *TRANSFORMERS):
        assert not hasattr(estimator, "set_callbacks")
    for make in (lambda: Checkpoint("model.joblib"), LearningCurve):
        with pytest.raises(ImportError, match=r"scikit-learn 1\.9.*sklstm\[callbacks\]"):
            make()

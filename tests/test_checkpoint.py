"""Checkpoints: whole after a kill at any moment, and training that goes on has the same bits."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from watchers import Recorder, differing, needs_callbacks

from sklstm import LSTMClassifier, LSTMRegressor, _files
from sklstm.baselines import RecurrentRegressor
from sklstm.callback import Checkpoint, _checkpoint
from sklstm.preprocessing import SequenceScaler

pytestmark = needs_callbacks

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 6, 2))
labels = np.where(X[:, 2, 0] > 0, "up", "down")
numbers = X[:, 2, 0] + 100.0
coded = X.copy()
coded[..., 1] = rng.integers(0, 9, size=(40, 6))

MODELS = {"classifier": (LSTMClassifier, labels), "regressor": (LSTMRegressor, numbers)}
SETTINGS = {
    "plain": {},
    "batches": {"batch_size": 8},
    "dropout": {"batch_size": 8, "dropout": 0.3, "recurrent_dropout": 0.2},
    "early stopping": {"early_stopping": True, "n_iter_no_change": 3},
    "stop rule": {"tol": 0.01, "n_iter_no_change": 1},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.5,
        "n_iter_no_change": 1,
    },
    "invscaling": {"solver": "sgd", "learning_rate": "invscaling"},
    "explodes": {"learning_rate_init": 5.0, "batch_size": 4},
    "categories": {"batch_size": 8, "categorical_features": [1]},
    "categories, penalty": {"batch_size": 8, "categorical_features": [1], "alpha": 0.1},
    "diverges": {"solver": "sgd", "learning_rate_init": 1e20, "clip_norm": None},
}


@pytest.fixture(autouse=True)
def may_not_converge():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.joblib"


def small(**parameters):
    given = {"max_iter": 6, "warm_start": True, "random_state": 0} | parameters
    return LSTMClassifier(3, **given)


def fails(*args, **kwargs):
    raise OSError("the disk is full")


# ------------------------------------------------------------------------------------- going on


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("name", MODELS)
def test_training_that_was_cut_off_anywhere_ends_with_the_same_bits(name, settings, path):
    """Also in a second fit, and where training had ended already."""
    make, y = MODELS[name]
    data = coded if "categorical_features" in SETTINGS[settings] else X

    class Copies(Checkpoint):
        def _save(self, fit):
            if fit in self._unsaved:
                super()._save(fit)
                copies.append(path.read_bytes())

    model = make(4, warm_start=True, random_state=0, **({"max_iter": 10} | SETTINGS[settings]))
    for _ in range(2):
        copies = []
        model.set_callbacks(Copies(path)).fit(data, y)
        assert len(copies) >= model.n_iter_
        for saved in copies:
            path.write_bytes(saved)
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "fit trained nothing")
                assert differing(joblib.load(path).fit(data, y), model) == set()


def test_a_killed_process_goes_on_from_its_last_checkpoint(path):
    """SIGKILL at random moments, until one comes through; the bits are those of no kill at all."""
    setting = """
import numpy as np
from sklstm import LSTMClassifier

X = np.random.default_rng(0).normal(size=(200, 20, 2))
y = (X[:, 12, 0] > 0).astype(int)
model = LSTMClassifier(16, max_iter=100, dropout=0.1, warm_start=True, random_state=0, n_jobs=1)
"""
    script = """
import sys
from pathlib import Path
import joblib
from sklstm.callback import Checkpoint

path = Path(sys.argv[1])
if path.exists():
    model = joblib.load(path)
print("ready", flush=True)
model.set_callbacks(Checkpoint(path)).fit(X, y)
joblib.dump(model.set_callbacks(), path.with_suffix(".done"))
"""
    here = {}
    exec(setting, here)
    begin = time.perf_counter()
    alone = here["model"].fit(here["X"], here["y"])
    whole = time.perf_counter() - begin

    def run(until):
        """Kill it when ``until(seconds)`` says so; True if it came to its end."""
        command = [sys.executable, "-c", setting + script, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            begin = time.perf_counter()
            while process.poll() is None and not until(time.perf_counter() - begin):
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        return process.returncode == 0

    assert not run(lambda seconds: path.exists())
    draw = np.random.default_rng()
    for limit in draw.uniform(0, whole, 3):
        run(lambda seconds, limit=limit: seconds > limit)
        assert 0 < joblib.load(path).n_iter_ <= 100
    assert run(lambda seconds: False)
    for file in (path.with_suffix(".done"), path):
        assert differing(joblib.load(file), alone) == set()


@pytest.mark.parametrize("moves", ["partial_fit", "stream", "assignment"])
def test_parameters_that_were_moved_since_begin_a_new_training(moves, path):
    model = small().set_callbacks(Checkpoint(path), Recorder(stop_at=("end", "epoch", 3)))
    model.fit(X, labels)
    loaded = joblib.load(path)
    if moves == "partial_fit":
        loaded.partial_fit(X, labels)
    elif moves == "stream":
        stream = loaded.stream()
        stream.step(X[0, 0])
        stream.learn("up")
    else:
        loaded.output_bias_[:] += 1
    moved = loaded.parameters_.copy()
    n_epochs = len(loaded.loss_curve_)
    watcher = Recorder()
    loaded.set_callbacks(watcher).fit(X, labels)
    assert loaded.n_iter_ == 6
    assert len(loaded.loss_curve_) == n_epochs + 6
    assert_array_equal(watcher.fitted("begin")[0].parameters_, moved)


def test_without_warm_start_training_begins_anew(path):
    model = small().set_callbacks(Checkpoint(path)).fit(X, labels)
    again = joblib.load(path).set_params(warm_start=False).fit(X, labels)
    assert differing(again, model, "warm_start", "_n_draws") == set()
    assert not hasattr(again, "_unfinished")


def test_a_larger_max_iter_goes_on_where_training_had_ended(path):
    small().set_callbacks(Checkpoint(path)).fit(X, labels)
    more = joblib.load(path).set_params(max_iter=9).fit(X, labels)
    assert differing(more, small(max_iter=9).fit(X, labels)) == set()
    with pytest.warns(UserWarning, match="fit trained nothing"):
        fewer = joblib.load(path).set_params(max_iter=2).fit(X, labels)
    assert differing(fewer, small().fit(X, labels), "max_iter") == set()


def test_fit_warns_if_training_had_ended_and_nothing_is_trained(path):
    small().set_callbacks(Checkpoint(path)).fit(X, labels)
    loaded = joblib.load(path)
    before = loaded.parameters_.copy()
    told = "trained nothing.* ended after 6 epochs.*max_iter.*warm_start=False or use partial_fit"
    with pytest.warns(UserWarning, match=told):
        loaded.fit(X[::-1] + 1.0, labels)
    assert_array_equal(loaded.parameters_, before)
    with warnings.catch_warnings():  # what the message recommends trains, without a warning
        warnings.simplefilter("error", UserWarning)
        for moved in (
            joblib.load(path).set_params(max_iter=7).fit(X, labels),
            joblib.load(path).set_params(warm_start=False).fit(X + 1.0, labels),
            joblib.load(path).partial_fit(X + 1.0, labels),
        ):
            assert (moved.parameters_ != before).any()


def test_early_stopping_that_is_switched_on_begins_a_new_training(path):
    small().set_callbacks(Checkpoint(path)).fit(X, labels)
    model = joblib.load(path).set_params(early_stopping=True).fit(X, labels)
    assert len(model.validation_scores_) == 6
    assert len(model.loss_curve_) == 12


def test_an_error_in_training_that_goes_on_changes_nothing(path):
    small().set_callbacks(Checkpoint(path), Recorder(stop_at=("end", "epoch", 2))).fit(X, labels)
    model = joblib.load(path).set_callbacks(Recorder(fail_at=("end", "epoch", 1)))
    before = pickle.dumps(model._unfinished)
    with pytest.raises(ValueError, match="failed at"):
        model.fit(X, labels)
    assert pickle.dumps(model._unfinished) == before
    assert differing(model.set_callbacks().fit(X, labels), small().fit(X, labels)) == set()


def test_epochs_that_are_left_are_announced(path):
    small().set_callbacks(Checkpoint(path), Recorder(stop_at=("end", "epoch", 3))).fit(X, labels)
    watcher = Recorder()
    joblib.load(path).set_callbacks(watcher).fit(X, labels)
    assert watcher.of("begin", "fit")[0]["context"].max_subtasks == len(watcher.fitted()) == 2


# --------------------------------------------------------------------------------------- the file


def test_the_file_holds_the_model_of_that_epoch_without_callbacks(path):
    model = small(max_iter=7).set_callbacks(Checkpoint(path, every=3), Recorder())
    found = []

    class Look(Recorder):
        def _note(self, hook, context, **given):
            if hook in ("begin", "teardown"):
                found.append(joblib.load(path).n_iter_ if path.exists() else 0)
            return super()._note(hook, context, **given)

    model.set_callbacks(Checkpoint(path, every=3), Look()).fit(X, labels)
    # what is there when fit, its 7 epochs and the teardown begin: the last epoch is saved, too
    assert found == [0, 0, 0, 0, 3, 3, 3, 6, 7]
    loaded = joblib.load(path)
    assert "_skl_callbacks" not in vars(loaded)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert_array_equal(loaded.predict_proba(X), small(max_iter=7).fit(X, labels).predict_proba(X))


def test_the_rhythm_goes_on_with_the_epochs(path):
    stops = Recorder(stop_at=("end", "epoch", 3))
    small(max_iter=9).set_callbacks(Checkpoint(path, every=4), stops).fit(X, labels)
    loaded = joblib.load(path)
    assert loaded.n_iter_ == 4
    saved = []

    class Saves(Checkpoint):
        def _save(self, fit):
            saved.extend([self._unsaved[fit].n_iter_] if fit in self._unsaved else [])
            super()._save(fit)

    loaded.set_callbacks(Saves(path, every=4)).fit(X, labels)
    assert saved == [8, 9]


@pytest.mark.parametrize("step", ["dump", "fsync", "replace"])
def test_what_cannot_be_written_leaves_the_last_file_whole(step, path, monkeypatch):
    model = small().set_callbacks(Checkpoint(path))
    model.fit(X, labels)
    before = path.read_bytes()
    owner = _checkpoint.joblib if step == "dump" else _files.os
    monkeypatch.setattr(owner, step, fails)
    told = r"Checkpoint cannot write the file: the disk is full\. Choose .*model\.joblib'$"
    with pytest.raises(OSError, match=told):
        model.fit(X[:20], labels[:20])
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_leftovers_of_killed_processes_are_removed_after_a_while(path):
    names = "model.joblib.1.part", "model.joblib.2.part", "b.part"
    old, new, other = map(path.with_name, names)
    for file in (old, new, other):
        file.write_bytes(b"begun")
    for file in (old, other):
        os.utime(file, (time.time() - 120,) * 2)
    small().set_callbacks(Checkpoint(path)).fit(X, labels)
    assert {file.name for file in path.parent.iterdir()} == {path.name, new.name, other.name}


def test_the_file_is_as_readable_as_any_other(path):
    small().set_callbacks(Checkpoint(str(path))).fit(X, labels)
    other = path.with_name("other")
    other.write_bytes(b"")
    assert path.stat().st_mode == other.stat().st_mode


def test_a_model_that_cannot_be_pickled_is_an_error_of_the_first_epoch(path):
    model = small(early_stopping=True, scoring=lambda model, X, y: model.score(X, y))
    with pytest.raises(TypeError, match=r"Checkpoint cannot pickle this LSTMClassifier.*lambda"):
        model.set_callbacks(Checkpoint(path)).fit(X, labels)
    assert [*path.parent.iterdir()] == []
    assert not model.__sklearn_is_fitted__()


# ------------------------------------------------------------------------------ where it may be set


def test_in_a_pipeline_it_is_set_on_the_lstm(path):
    pipeline = make_pipeline(SequenceScaler(), small().set_callbacks(Checkpoint(path)))
    pipeline.fit(X, labels)
    scaled = pipeline[0].transform(X)
    assert_array_equal(joblib.load(path).predict(scaled), pipeline.predict(X))
    for other in (make_pipeline(SequenceScaler(), small()), RecurrentRegressor()):
        other.set_callbacks(Checkpoint(path))
        with pytest.raises(TypeError, match=f"got {type(other).__name__}.*set it on the LSTM"):
            other.fit(X, numbers)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_in_a_search_the_refit_comes_last(backend, path):
    model = small().set_callbacks(Checkpoint(path))
    search = GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2, n_jobs=2)
    with parallel_config(backend):
        search.fit(X, labels)
    loaded = joblib.load(path)
    assert "_parent_callback_ctx" not in vars(loaded)
    assert_array_equal(loaded.parameters_, search.best_estimator_.parameters_)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_checkpoint_is_pickled_and_cloned_with_its_estimator(path):
    model = pickle.loads(pickle.dumps(clone(small().set_callbacks(Checkpoint(path, every=2)))))
    (callback,) = model._skl_callbacks
    assert (callback.path, callback.every) == (path, 2)


def test_bad_places_and_numbers_are_refused_before_training(path):
    model = small()
    for bad in (path.parent, path.parent / "missing" / "file"):
        model.set_callbacks(Checkpoint(bad), watcher := Recorder())
        with pytest.raises(FileNotFoundError, match="must be a file in a directory that exists"):
            model.fit(X, labels)
        assert watcher.events == []
    for every in (0, 1.5, True, "1"):
        with pytest.raises(ValueError, match="every must be an int of 1 or more"):
            Checkpoint(path, every=every)
    with pytest.raises(TypeError, match="PathLike"):
        Checkpoint(3)


def test_a_path_that_cannot_be_written_is_an_error_before_training(path):
    model, watcher = small(), Recorder()
    too_long = path.with_name("a" * 250)
    model.set_callbacks(Checkpoint(too_long), watcher)
    with pytest.raises(OSError, match=r"Checkpoint cannot write the file: .*aaa'$") as told:
        model.fit(X, labels)
    assert told.value.errno == errno.ENAMETOOLONG
    assert watcher.events == []
    assert [*path.parent.iterdir()] == []


def test_paths_are_those_of_the_moment(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    small().set_callbacks(Checkpoint(path.name)).fit(X, labels)
    assert path.exists()
    assert isinstance(Checkpoint("a").path, Path)


@pytest.mark.parametrize("path", [3, None, b"model", ["model"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TypeError, match=r"path must be a str or os\.PathLike, got"):
        Checkpoint(path)

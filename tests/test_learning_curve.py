"""Learning curves: rows that are the records of the fit, and pictures in notebooks alone."""

import pickle
import subprocess
import sys
import warnings
from math import isnan
from types import ModuleType, SimpleNamespace

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from watchers import Recorder, needs_callbacks

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import GuessingRegressor, RecurrentRegressor
from sklstm.callback import Checkpoint, LearningCurve, _live_picture
from sklstm.compose import RelativeRegressor
from sklstm.preprocessing import SequenceScaler

pytestmark = needs_callbacks

X = np.random.default_rng(0).normal(size=(40, 6, 2))
labels = (X[:, 2, 0] > 0).astype(int)
numbers = X[:, 2, 0]


@pytest.fixture(autouse=True)
def may_not_converge():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def column(curve, name):
    return [row[name] for row in curve.rows_]


@pytest.mark.parametrize("make", [LSTMClassifier, LSTMRegressor])
def test_rows_are_the_records_of_the_fit(make):
    curve = LearningCurve()
    model = make(3, max_iter=5, early_stopping=True, random_state=0).set_callbacks(curve)
    for _ in range(2):  # the second fit has rows of its own
        model.fit(X, labels)
        assert column(curve, "epoch") == [1, 2, 3, 4, 5]
        assert column(curve, "loss") == model.loss_curve_
        assert column(curve, "validation_loss") == model.validation_loss_curve_
        assert column(curve, "validation_score") == model.validation_scores_


@pytest.mark.parametrize("make", [LSTMRegressor, RecurrentRegressor])
def test_without_early_stopping_there_is_the_loss_alone(make):
    curve = LearningCurve()
    model = make(3, max_iter=5, random_state=0).set_callbacks(curve).fit(X, numbers)
    assert column(curve, "loss") == model.loss_curve_
    assert all(map(isnan, column(curve, "validation_loss") + column(curve, "validation_score")))


def test_who_has_no_loss_has_rows_without():
    curve = LearningCurve()
    GuessingRegressor(max_iter=600, random_state=0).set_callbacks(curve).fit(X, numbers)
    assert column(curve, "epoch") == [1, 501, 600]
    assert all(map(isnan, column(curve, "loss")))


def test_rows_of_a_fit_that_failed_are_kept():
    curve, failing = LearningCurve(), Recorder(fail_at=("end", "epoch", 2))
    with pytest.raises(ValueError, match="failed at"):
        LSTMClassifier(3, random_state=0).set_callbacks(curve, failing).fit(X, labels)
    assert column(curve, "epoch") == [1, 2, 3]


def test_epochs_are_counted_from_the_beginning_of_training_that_was_cut_off(tmp_path):
    path, curve = tmp_path / "model", LearningCurve()
    model = LSTMClassifier(3, max_iter=5, warm_start=True, random_state=0)
    model.set_callbacks(Checkpoint(path), Recorder(stop_at=("end", "epoch", 2))).fit(X, labels)
    joblib.load(path).set_callbacks(curve).fit(X, labels)
    assert column(curve, "epoch") == [4, 5]


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_in_a_search_the_rows_are_those_of_the_refit(backend):
    curve = LearningCurve()
    model = LSTMClassifier(3, max_iter=3, random_state=0, n_jobs=1).set_callbacks(curve)
    search = GridSearchCV(model, {"alpha": [0.0, 1.0]}, cv=2, n_jobs=2)
    with parallel_config(backend):
        search.fit(X, labels)
    assert column(curve, "loss") == search.best_estimator_.loss_curve_


@pytest.mark.parametrize("kind", ["pipeline", "search", "transformer", "relative"])
def test_what_has_no_loss_is_refused_with_the_place_where_to_set_it(kind):
    inner = LSTMClassifier(2, max_iter=2, random_state=0)
    model = {
        "pipeline": make_pipeline(SequenceScaler(), inner),
        "search": GridSearchCV(inner, {"alpha": [0.0]}, cv=2),
        "transformer": SequenceScaler(),
        "relative": RelativeRegressor(LSTMRegressor(2), columns=0),
    }[kind]
    curve, name = LearningCurve(), type(model).__name__
    with pytest.raises(TypeError, match=rf"{name} has no loss\. .*, set it on the LSTM"):
        model.set_callbacks(curve).fit(X, labels)
    curve = LearningCurve()
    inner.set_callbacks(curve)
    if kind == "pipeline":
        make_pipeline(SequenceScaler(), inner).fit(X, labels)
        assert len(curve.rows_) == 2


def test_pickles_and_clones_keep_the_rows():
    curve = LearningCurve(live=False)
    model = LSTMClassifier(3, max_iter=3, early_stopping=True, random_state=0)
    model.set_callbacks(curve).fit(X, labels)
    loaded = pickle.loads(pickle.dumps(model))._skl_callbacks[0]
    assert vars(loaded) == vars(curve)
    assert clone(model)._skl_callbacks[0] is curve


def test_a_frame_has_a_row_for_each_epoch():
    pd = pytest.importorskip("pandas")
    curve = LearningCurve()
    columns = ["loss", "validation_loss", "validation_score"]
    assert curve.to_frame().columns.tolist() == columns
    model = LSTMClassifier(3, max_iter=3, early_stopping=True, random_state=0)
    model.set_callbacks(curve).fit(X, labels)
    records = model.loss_curve_, model.validation_loss_curve_, model.validation_scores_
    index = pd.Index([1, 2, 3], name="epoch")
    expected = pd.DataFrame(dict(zip(columns, records, strict=True)), index=index)
    pd.testing.assert_frame_equal(curve.to_frame(), expected)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_picture_has_the_curves_there_are(early_stopping):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    curve = LearningCurve()
    with pytest.raises(ValueError, match="no rows yet"):
        curve.plot()
    model = LSTMClassifier(3, max_iter=3, early_stopping=early_stopping, random_state=0)
    model.set_callbacks(curve).fit(X, labels)
    _, ax = pyplot.subplots()
    display = curve.plot(ax)
    shown = {line.get_label(): [*line.get_ydata()] for line in display.lines_}
    expected = {"Training loss": model.loss_curve_}
    if early_stopping:
        expected["Validation score"] = model.validation_scores_
        expected["Validation loss"] = model.validation_loss_curve_
    assert shown == expected
    assert display.ax_ is ax
    pyplot.close("all")


# ------------------------------------------------------------------------------------- notebooks


class FakeNotebook:
    """IPython as far as a callback sees it; the pictures that are shown and those that follow."""

    def __init__(self, monkeypatch, shell):
        self.shown, self.updates = [], []
        ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
        ipython.get_ipython, ipython.display = lambda: shell, display
        display.display, display.Image = self.display, lambda data, format: data
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, picture, display_id):
        assert display_id
        self.shown.append(picture)
        return SimpleNamespace(update=self.updates.append)


def test_a_notebook_shows_one_picture_that_grows(monkeypatch):
    pytest.importorskip("matplotlib")
    notebook = FakeNotebook(monkeypatch, SimpleNamespace(kernel=None))
    monkeypatch.setattr(_live_picture, "REFRESH", 0.0)
    monkeypatch.setattr(_live_picture, "SHARE", 0)
    LSTMClassifier(3, max_iter=3, random_state=0).set_callbacks(LearningCurve()).fit(X, labels)
    pictures = notebook.shown + notebook.updates
    assert len(notebook.shown) == 1
    assert len(notebook.updates) == 3  # two epochs more, and the end
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert pictures[0] != pictures[1] != pictures[2] == pictures[3]


def test_pictures_are_drawn_now_and_then_and_at_the_end(monkeypatch):
    pytest.importorskip("matplotlib")
    notebook = FakeNotebook(monkeypatch, SimpleNamespace(kernel=None))
    monkeypatch.setattr(_live_picture, "REFRESH", 1000.0)
    LSTMClassifier(3, max_iter=3, random_state=0).set_callbacks(LearningCurve()).fit(X, labels)
    assert (len(notebook.shown), len(notebook.updates)) == (1, 1)


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_a_terminal_shows_nothing(monkeypatch, shell):
    notebook = FakeNotebook(monkeypatch, shell)
    LSTMClassifier(3, max_iter=3, random_state=0).set_callbacks(LearningCurve()).fit(X, labels)
    assert notebook.shown == []


def test_live_false_shows_nothing(monkeypatch):
    notebook = FakeNotebook(monkeypatch, SimpleNamespace(kernel=None))
    curve = LearningCurve(live=False)
    LSTMClassifier(3, max_iter=3, random_state=0).set_callbacks(curve).fit(X, labels)
    assert notebook.shown == []


@pytest.mark.parametrize("live", ["no", 2, None, 0])
def test_live_is_true_or_false(live):
    with pytest.raises(ValueError, match=f"live must be True or False, got {live!r}"):
        LearningCurve(live=live)
    assert LearningCurve(live=np.False_).live is False


def test_without_pandas_there_is_no_frame(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_frame needs pandas, .*pip install pandas, .*rows_"):
        LearningCurve().to_frame()


def test_outside_of_notebooks_nothing_is_imported_for_pictures():
    code = """
import sys
import numpy as np
from sklstm import LSTMClassifier
from sklstm.callback import LearningCurve
X = np.zeros((8, 3, 1))
LSTMClassifier(2, max_iter=1).set_callbacks(LearningCurve()).fit(X, [0, 1] * 4)
assert not {"IPython", "matplotlib"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)

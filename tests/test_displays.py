"""Displays draw what was measured, take pipelines, and keep legends and labels off the data."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from kernels import CELLS
from problems import labels, sequences
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import RecurrentRegressor
from sklstm.compose import RelativeRegressor
from sklstm.inspection import (
    AttributionDisplay,
    ErrorFlowDisplay,
    LossCurveDisplay,
    StateDisplay,
    attributions,
    error_flow,
    hidden_states,
    plain_error_flow,
)
from sklstm.inspection._loss_curve_display import best_epoch
from sklstm.preprocessing import SequenceEncoder, SequenceScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(3.0, 5.0, size=(30, 8, 3))
Y = X[:, 2, 0]
SMALL = dict(max_iter=3, random_state=0)


@pytest.fixture(autouse=True)
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def initialised(sizes=3, n_features=3, **settings):
    return LSTMRegressor(sizes, random_state=0, **settings).initialize(n_features)


def pipeline(sizes=3, **settings):
    lstm = LSTMRegressor(sizes, **(SMALL | settings))
    return make_pipeline(SequenceScaler(), lstm).fit(X, Y)


# ------------------------------------------------------------------------------------ error flow


def test_the_error_flow_is_drawn_as_measured():
    estimator = initialised(cell="1997")
    display = ErrorFlowDisplay.from_estimator(estimator, X[:4], at="candidate", gradient="full")
    flow = error_flow(estimator, X[:4], gradient="full")
    (line,) = display.lines_
    np.testing.assert_array_equal(line.get_xdata(), flow.lag)
    assert line.get_ydata()[0] == np.median(flow.candidate[:, 0])
    (edge,) = display.band_.get_paths()
    for lag in (0, 3):
        heights = edge.vertices[edge.vertices[:, 0] == lag, 1]
        ends = flow.candidate[:, lag].min(), flow.candidate[:, lag].max()
        np.testing.assert_array_equal((heights.min(), heights.max()), ends)
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_legend().get_texts()[0].get_text() == "1997, full gradient"
    plain = plain_error_flow(np.eye(3), np.zeros((5, 3)))
    other = ErrorFlowDisplay(plain.lag, plain.unit, name="plain").plot(display.ax_, color="k")
    assert other.figure_ is display.figure_
    assert len(display.ax_.lines) == 2
    assert other.lines_[0].get_color() == "k"
    shown = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert shown == ["1997, full gradient", "plain"]
    nameless = ErrorFlowDisplay(plain.lag, plain.unit).plot()
    assert nameless.ax_.get_legend() is None
    with pytest.raises(ValueError, match="at must be one of"):
        ErrorFlowDisplay.from_estimator(estimator, X, at="forget_gate")


# ------------------------------------------------------------------------------------- loss curve


def test_the_loss_is_drawn_over_epochs_and_scores_beside_it(pyplot):
    X = sequences()
    estimator = LSTMClassifier(3, max_iter=4, tol=0, random_state=0, warm_start=True)
    estimator.fit(X, labels())
    display = LossCurveDisplay.from_estimator(estimator)
    assert display.validation_ax_ is None
    assert display.best_line_ is None
    assert display.ax_.get_legend() is None  # the label of the axis says what the line is
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), estimator.loss_curve_)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), [1, 2, 3, 4])
    estimator.set_params(early_stopping=True).fit(X, labels())
    display = LossCurveDisplay.from_estimator(estimator, ax=pyplot.figure().subplots())
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), estimator.validation_scores_)
    np.testing.assert_array_equal(display.lines_[1].get_xdata(), [5, 6, 7, 8])
    np.testing.assert_array_equal(display.lines_[2].get_ydata(), estimator.validation_loss_curve_)
    at = list(estimator.validation_scores_).index(estimator.best_validation_score_)
    assert 5 + at <= display.best_epoch <= 8  # of equal scores, the loss chooses
    assert estimator.validation_scores_[display.best_epoch - 5] == estimator.best_validation_score_
    assert display.validation_ax_.get_ylabel() == "Validation score"


def test_the_best_epoch_is_the_one_whose_parameters_are_kept():
    """Every run that ends with the best epoch has the parameters of the whole run."""
    settings = dict(early_stopping=True, max_iter=30, learning_rate_init=0.1, random_state=1)
    model = make_pipeline(SequenceScaler(), LSTMRegressor(4, **settings))
    kept = model.fit(X, Y)[-1]
    display = LossCurveDisplay.from_estimator(model)
    best = display.best_epoch
    assert 1 < best < kept.n_iter_
    assert list(display.best_line_.get_xdata()) == [best, best]
    shown = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert shown[-1] == f"Best epoch: {best}"
    for max_iter, same in ((best, True), (best - 1, False)):
        short = clone(model).set_params(lstmregressor__max_iter=max_iter).fit(X, Y)[-1]
        assert np.array_equal(short.parameters_, kept.parameters_) == same


def test_the_best_epoch_after_a_warm_start_is_one_of_the_last_fit():
    model = LSTMRegressor(4, early_stopping=True, warm_start=True, **SMALL).fit(X, Y)
    model.validation_scores_[0] = 1.0  # better than anything that follows
    model.fit(X, Y)
    display = LossCurveDisplay.from_estimator(model)
    scores = model.validation_scores_
    assert len(scores) == 6
    assert display.best_epoch == 4 + int(np.argmax(scores[3:]))
    assert model.best_validation_score_ == scores[display.best_epoch - 1]


@pytest.mark.parametrize(
    "scores, losses, best",
    [
        ([0.1, 0.9, 0.9], None, 2),  # the first of equals
        ([0.1, 0.9, 0.9], [1, 1, 0.5], 3),  # the lower loss breaks ties
        ([np.nan, 0.2, np.nan], [1, 1, 1], 2),
        ([np.nan], [1], None),
    ],
)
def test_which_epoch_is_best(scores, losses, best):
    assert best_epoch(scores, losses) == best


def test_a_baseline_has_a_loss_curve():
    model = RecurrentRegressor(3, max_iter=3, random_state=0).fit(X, Y)
    display = LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), model.loss_curve_)


# ----------------------------------------------------------------------------------------- states


@pytest.mark.parametrize("cell", CELLS)
def test_states_are_drawn_in_panels(cell):
    estimator = initialised(cell=cell, block_size=2)
    states = hidden_states(estimator, X[0])
    display = StateDisplay.from_estimator(estimator, X[0])
    names = ["Input", "Input gate", "Forget gate", "Output gate", "Cell state", "Output"]
    if cell in ("1997", "coupled"):
        names.remove("Forget gate")
    assert [ax.get_ylabel() for ax in display.axes_] == names
    assert display.ax_.get_ylabel() == "Cell state"
    for panel, values in ((0, X[0]), (1, states.input_gate), (-2, states.state)):
        shown = np.transpose([line.get_ydata() for line in display.lines_[panel]])
        np.testing.assert_array_equal(shown, values)
    shown = np.transpose([line.get_ydata() for line in display.lines_[-1]])
    np.testing.assert_array_equal(shown, states.output)
    with pytest.raises(ValueError, match="ax has 1 axes, but the display needs"):
        StateDisplay(states).plot(display.ax_)
    assert len(StateDisplay(states).plot().axes_) == len(names) - 1  # no input was passed


@pytest.mark.parametrize("n_cells, as_map", [(7, False), (8, True)])
def test_from_8_cells_up_states_are_heat_maps(n_cells, as_map):
    estimator = initialised(n_cells)
    display = StateDisplay.from_estimator(estimator, X[0])
    assert len(display.images_) == (6 if as_map else 0)
    assert len(display.lines_) == (0 if as_map else 6)
    other = StateDisplay.from_estimator(estimator, X[0], kind="lines" if as_map else "heatmap")
    assert bool(other.images_) != as_map
    with pytest.raises(ValueError, match=r"kind must be one of \['auto'"):
        display.plot(kind="map")


@pytest.mark.parametrize("block_size", [1, 2])
def test_heat_maps_have_scales_that_can_be_compared(block_size):
    estimator = initialised(8, block_size=block_size)
    states = hidden_states(estimator, X[0])
    display = StateDisplay.from_estimator(estimator, X[0])
    arrays = [X[0], states.input_gate, states.forget_gate, states.output_gate, states.state]
    for image, ax, values in zip(display.images_, display.axes_, arrays, strict=False):
        np.testing.assert_array_equal(image.get_array(), values.T)
        n_steps, n_rows = values.shape  # pixels are centred on steps and rows, the first row on top
        assert tuple(image.get_extent()) == (-0.5, n_steps - 0.5, n_rows - 0.5, -0.5)
        is_gate = "gate" in ax.get_ylabel()
        largest = np.abs(values).max()
        assert image.get_clim() == ((0, 1) if is_gate else (-largest, largest))
    rows = "block" if block_size == 2 else "cell"
    assert display.axes_[1].get_ylabel() == f"Input gate\n({rows})"
    assert display.axes_[-1].get_ylabel() == "Output\n(cell)"
    shared = display.axes_[0].get_shared_x_axes()
    assert all(shared.joined(display.axes_[0], ax) for ax in display.axes_)


def test_a_layer_is_chosen_and_a_backward_one_is_in_the_order_of_time():
    estimator = initialised((3, 9), bidirectional=True)
    for layer in range(4):
        display = StateDisplay.from_estimator(estimator, X[0], layer=layer)
        assert bool(display.images_) == (layer >= 2)
        np.testing.assert_array_equal(
            display.states.state, hidden_states(estimator, X[0], layer=layer).state
        )


# --------------------------------------------------------------------- where legends and labels are


def drawings():
    models = {
        "lines": initialised(3),
        "map": initialised(40),
        "blocks": initialised(3, block_size=2),
        "one feature": initialised(8, n_features=1),
        "layers": initialised((9, 8), bidirectional=True),
    }
    for name, model in models.items():
        x = np.sin(np.arange(500.0)[:, None] + np.arange(model.n_features_in_))
        yield pytest.param(lambda m=model, x=x: StateDisplay.from_estimator(m, x), id=name)
    yield pytest.param(lambda: AttributionDisplay.from_estimator(pipeline(), X[0]), id="parts")
    yield pytest.param(lambda: ErrorFlowDisplay.from_estimator(pipeline(), X), id="flow")

    def curve(**figure):
        from matplotlib import pyplot

        model = pipeline(early_stopping=True)
        ax = pyplot.subplots()[1] if figure else None
        return LossCurveDisplay.from_estimator(model, ax=ax)

    yield pytest.param(curve, id="loss")
    yield pytest.param(lambda: curve(own=True), id="loss on axes without a layout")


@pytest.mark.parametrize("draw", list(drawings()))
def test_no_legend_covers_data_and_every_axis_is_labelled(draw):
    figure = draw().figure_
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    frames = [ax.get_window_extent(renderer) for ax in figure.axes]
    legends = [ax.get_legend() for ax in figure.axes if ax.get_legend() is not None]
    assert legends or len(figure.axes) > 4  # maps have colour bars
    for legend in legends:
        box = legend.get_window_extent(renderer)
        assert not any(box.overlaps(frame) for frame in frames)
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1  # not cut off
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    for ax in figure.axes:
        assert ax.get_ylabel()
        for label in (ax.yaxis.label, ax.xaxis.label):
            if label.get_text():
                box = label.get_window_extent(renderer)
                assert not any(box.overlaps(frame) for frame in frames)
                assert not any(box.overlaps(other.get_window_extent(renderer)) for other in legends)
    lowest = min(ax.get_position().y0 for ax in figure.axes)
    assert any(ax.get_xlabel() for ax in figure.axes if ax.get_position().y0 == lowest)


# -------------------------------------------------------------------------------------- pipelines


@pytest.mark.parametrize("nested", [False, True])
def test_a_pipeline_is_drawn_as_by_hand(nested):
    model = pipeline(9)
    if nested:
        model = make_pipeline("passthrough", model)
    lstm = model.steps[-1][1][-1] if nested else model[-1]
    scaled = SequenceScaler().fit(X).transform(X)

    display = StateDisplay.from_estimator(model, X[0])
    np.testing.assert_array_equal(display.images_[0].get_array(), scaled[0].T)
    states = hidden_states(lstm, scaled[0])
    np.testing.assert_array_equal(display.images_[4].get_array(), states.state.T)

    display = AttributionDisplay.from_estimator(model, X[0])
    (parts,) = attributions(lstm, scaled[:1])
    np.testing.assert_allclose(display.image_.get_array(), parts.T, atol=1e-12)
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), scaled[0, :, 1])

    display = ErrorFlowDisplay.from_estimator(model, X[:4])
    np.testing.assert_array_equal(display.flow, error_flow(lstm, scaled[:4]).state)

    display = LossCurveDisplay.from_estimator(model)
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), lstm.loss_curve_)


def test_names_of_features_go_through_a_pipeline():
    frames = [pd.DataFrame(x, columns=["speed", "height", "heat"]) for x in X]
    model = pipeline().fit(frames, Y)
    display = AttributionDisplay.from_estimator(model, frames[0])
    shown = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert shown == ["speed", "height", "heat"]
    legend = StateDisplay.from_estimator(model, frames[0]).axes_[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["speed", "height", "heat"]


@pytest.mark.parametrize(
    "make, unit",
    [
        (lambda: LSTMRegressor(2, **SMALL).fit(X, Y), "units of y"),
        (lambda: LSTMClassifier(2, **SMALL).fit(X, Y > 0), "decision value"),
        (lambda: LSTMRegressor(2, loss="poisson", **SMALL).fit(X, np.abs(Y)), "raw output"),
        (lambda: LSTMRegressor(2, out_activation="tanh", **SMALL).fit(X, Y > 0), "raw output"),
    ],
)
def test_attributions_have_the_unit_of_the_output_that_they_explain(make, unit):
    display = AttributionDisplay.from_estimator(make(), X[0])
    assert display.image_.colorbar.ax.get_ylabel() == f"Attribution ({unit})"
    assert AttributionDisplay(X[0], 1 - X[0] ** 2).plot().image_.norm(0.0) == 0.5  # 0 is white
    assert AttributionDisplay(X[0], X[0] ** 2).plot().image_.norm(0.0) == 0.5
    assert display.image_.get_cmap()(0.0)[2] > 0.3 > display.image_.get_cmap()(1.0)[2]  # blue, red


def test_a_row_of_a_table_is_drawn_as_its_steps():
    table = X.reshape(len(X), -1)
    model = LSTMRegressor(3, features_per_step=3, **SMALL).fit(table, Y)
    for display in (AttributionDisplay, StateDisplay):
        drawn = display.from_estimator(model, table[0])
        np.testing.assert_array_equal(np.asarray(drawn.x), X[0])


def test_a_row_of_a_frame_reaches_steps_that_select_columns_by_name():
    table = pd.DataFrame(X.reshape(len(X), -1)).add_prefix("c")
    scale = ColumnTransformer([("scale", StandardScaler(), list(table.columns))])
    model = make_pipeline(scale, LSTMRegressor(3, features_per_step=3, **SMALL)).fit(table, Y)
    read = model[0].transform(table.iloc[:1]).reshape(8, 3)
    for display in (AttributionDisplay, StateDisplay):
        for row in (table.iloc[0], table.iloc[[0]]):
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # such as that of names that were lost
                drawn = display.from_estimator(model, row)
            np.testing.assert_allclose(drawn.x, read)


@pytest.mark.parametrize("names", [["a", "b"], list("abcd"), "speed"])
@pytest.mark.parametrize("n_units", [3, 9])
def test_names_that_do_not_fit_the_features_are_refused(names, n_units):
    for display in (AttributionDisplay, StateDisplay):
        with pytest.raises(ValueError, match=r"feature_names has \d names, but the LSTM reads 3"):
            display.from_estimator(initialised(n_units), X[0], feature_names=names)


def test_categories_are_drawn_as_codes():
    words = [["a", "b", "c", "a"], ["b", "c"]] * 10
    lstm = LSTMClassifier(8, categorical_features=[0], **SMALL)
    model = make_pipeline(SequenceEncoder(), lstm).fit(words, [0, 1] * 10)
    codes = model[0].transform(words[:1])[0]
    display = StateDisplay.from_estimator(model, words[0])
    np.testing.assert_array_equal(display.images_[0].get_array(), np.transpose(codes))
    display = AttributionDisplay.from_estimator(model, words[0])
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), np.ravel(codes))


# ----------------------------------------------------------------------------------------- errors

DISPLAYS = {
    "states": lambda model: StateDisplay.from_estimator(model, X[0]),
    "parts": lambda model: AttributionDisplay.from_estimator(model, X[0]),
    "flow": lambda model: ErrorFlowDisplay.from_estimator(model, X),
    "loss": lambda model: LossCurveDisplay.from_estimator(model),
}


def search(**settings):
    lstm = LSTMRegressor(2, max_iter=1, random_state=0)
    return GridSearchCV(lstm, {"alpha": [0.0]}, cv=2, **settings)


@pytest.mark.parametrize("draw", DISPLAYS.values(), ids=DISPLAYS)
@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: search().fit(X, Y), TypeError, r"GridSearchCV, a meta.*model\.best_estimator_,"),
        (lambda: search(refit=False).fit(X, Y), TypeError, "GridSearchCV, fitted with refit=False"),
        (search, NotFittedError, r"GridSearchCV, which is not fitted.*model\.best_estimator_"),
        (
            lambda: make_pipeline(SequenceScaler(), search()).fit(X, Y),
            TypeError,
            r"last step of the pipeline is GridSearchCV, a meta.*model\[-1\]\.best_estimator_,",
        ),
        (
            lambda: RelativeRegressor(pipeline(), columns=0).fit(X, Y),
            TypeError,
            r"RelativeRegressor, a meta.*model\.regressor_, and X as that estimator receives it",
        ),
        (
            lambda: TransformedTargetRegressor(pipeline()),
            NotFittedError,
            r"TransformedTargetRegressor, which is not fitted yet.*model\.regressor_",
        ),
        (
            lambda: make_pipeline("passthrough", make_pipeline(SequenceScaler(), search())),
            NotFittedError,
            r"GridSearchCV, which is not fitted.*model\[-1\]\[-1\]\.best_estimator_",
        ),
        (
            lambda: BaggingRegressor(LSTMRegressor(2, max_iter=1), 2).fit(X[:, 0], Y),
            TypeError,
            r"BaggingRegressor, a meta.*model\.estimators_\[0\], and X as",
        ),
        (
            lambda: CalibratedClassifierCV(LSTMClassifier(2, max_iter=1), cv=2).fit(X, Y > 0),
            TypeError,
            r"CalibratedClassifierCV, a meta.*model\.calibrated_classifiers_\[0\]\.estimator, and",
        ),
        (
            lambda: RandomForestRegressor(2).fit(X[:, 0], Y),
            TypeError,
            "This is RandomForestRegressor. A display needs an LSTM",
        ),
        (lambda: Pipeline([]), TypeError, "The pipeline has no steps"),
        (lambda: LSTMRegressor(), NotFittedError, "LSTMRegressor"),
        (
            lambda: make_pipeline(SequenceScaler(), LSTMRegressor()),
            NotFittedError,
            "LSTMRegressor",
        ),
        (
            lambda: make_pipeline(SequenceScaler(), Ridge()),
            TypeError,
            "last step of the pipeline is Ridge. A display needs an LSTM",
        ),
        (
            lambda: make_pipeline(SequenceScaler(), "passthrough"),
            TypeError,
            "last step of the pipeline is 'passthrough'. A display needs an LSTM",
        ),
        (KNeighborsClassifier, TypeError, "This is KNeighborsClassifier. A display needs an LSTM"),
        (lambda: LSTMRegressor, TypeError, "LSTMRegressor is a class. Pass a fitted instance"),
        (lambda: None, TypeError, "This is None. A display needs"),
    ],
)
def test_what_cannot_be_drawn_is_said_with_what_to_pass(draw, make, error, message):
    with pytest.raises(error, match=message):
        draw(make())


@pytest.mark.parametrize("draw", [ErrorFlowDisplay, LossCurveDisplay])
def test_axes_that_are_not_one_are_refused(draw, pyplot):
    data = (X,) if draw is ErrorFlowDisplay else ()
    for ax in (pyplot.subplots(2)[1], pyplot.figure(), "left"):
        with pytest.raises(
            TypeError, match=f"one matplotlib Axes or None, got {type(ax).__name__}"
        ):
            draw.from_estimator(pipeline(), *data, ax=ax)


def test_no_epoch_is_no_curve():
    with pytest.raises(NotFittedError, match="no loss curve: it has made no epoch yet"):
        LossCurveDisplay.from_estimator(initialised())


def test_the_attribute_that_a_message_names_can_be_drawn():
    fitted = search().fit(X, Y)
    assert StateDisplay.from_estimator(fitted.best_estimator_, X[0]).lines_


def test_several_sequences_out_of_one_are_refused():
    halves = FunctionTransformer(lambda X: [X[0][:4], X[0][4:]])
    model = make_pipeline(halves, initialised())
    with pytest.raises(ValueError, match="make 2 sequences of x, but a StateDisplay draws one"):
        StateDisplay.from_estimator(model, X[0])


@pytest.mark.parametrize(
    "x", [X, X[:1], [X[0]], (X[0], X[1][:3])], ids=["array", "one", "list", "ragged"]
)
@pytest.mark.parametrize("draw", [StateDisplay, AttributionDisplay])
def test_a_list_of_sequences_is_refused(draw, x):
    with pytest.raises(ValueError, match=rf"A {draw.__name__} draws one sequence.*x\[0\]"):
        draw.from_estimator(pipeline(), x)


def test_matplotlib_is_loaded_for_drawing_only(monkeypatch):
    code = "import sys, sklstm.inspection; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"sklstm\[plot\]"):
        StateDisplay.from_estimator(initialised(), X[0])

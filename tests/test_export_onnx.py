"""ONNX files against `predict`: in ONNX Runtime, and in the evaluator that onnx itself has."""

from itertools import product

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes, cube, labels, numbers, sequences
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._topology import CELLS
from sklstm.compose import RelativeRegressor
from sklstm.export import save_safetensors, to_onnx
from sklstm.export.__main__ import main
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from onnx.reference import ReferenceEvaluator  # noqa: E402

SINGLE = np.float32
TOLERANCE = 1e-6
SMALL = {"max_iter": 1, "random_state": 0, "n_jobs": 1, "init_range": 1.0}


def in_runtime(written, feed):
    """Outputs by name, as ONNX Runtime computes them."""
    session = onnxruntime.InferenceSession(
        written.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def in_reference(written, feed):
    """The same by onnx's own evaluator."""
    evaluator = ReferenceEvaluator(written)
    with np.errstate(over="ignore"):  # of exp in its logistic function
        return dict(zip(evaluator.output_names, evaluator.run(None, feed), strict=True))


PROGRAMS = [in_runtime, in_reference]


def padded(X, value=7.0):
    """Sequences in one array, and their lengths."""
    lengths = np.array([len(x) for x in X])
    array = np.full((len(X), lengths.max(), X[0].shape[1]), value, SINGLE)
    for row, x in zip(array, X, strict=True):
        row[: len(x)] = x
    return {"X": array, "lengths": lengths}


def fed(X, lengths=True):
    """X as the inputs of a graph."""
    if isinstance(X, list):
        return padded(X)
    array = np.asarray(X, SINGLE)
    if lengths and array.ndim == 3:
        return {"X": array, "lengths": np.full(len(array), array.shape[1])}
    return {"X": array}


def flat(values, X):
    """Rows of what a graph or `predict` returns per step, without padding."""
    if isinstance(values, np.ndarray) and isinstance(X, list):
        values = [row[: len(x)] for row, x in zip(values, X, strict=True)]
    return np.concatenate(list(values))


def check(model, X, *, per_step=False, tolerance=TOLERANCE, raw=True, **settings):
    """The graph of ``model`` gives what its methods give, everywhere; with ``raw``, that too."""
    before = attributes(model)
    whole = to_onnx(model, **settings)
    other = to_onnx(model, raw=True, **settings) if raw else whole
    assert attributes(model) == before
    # what parameters and X are in float32, computed by us
    expected = {"raw": getattr(model, "decision_function", lambda X: None)(X)} if raw else {}
    if hasattr(model, "predict_proba"):
        expected |= {"probabilities": model.predict_proba(X), "label": model.predict(X)}
    else:
        expected["variable"] = model.predict(X)
    lengths = settings.get("lengths", True)
    for program in PROGRAMS:
        found = program(whole, fed(X, lengths))
        if raw:
            found |= program(other, fed(X, lengths))
        assert found.keys() == expected.keys()
        for name, right in expected.items():
            values = found[name]
            if right is None:
                continue
            assert values.ndim == (right[0].ndim + 1 if isinstance(right, list) else right.ndim)
            if per_step:
                values, right = flat(values, X), flat(right, X)
            if name == "label":
                assert_array_equal(values, right)
            else:
                scale = max(1.0, np.abs(right).max())
                assert_allclose(values, right, rtol=0, atol=tolerance * scale)
                assert values.shape == right.shape
    return whole


def targets(X, per_step):
    """Two outputs per step, or per sequence."""
    return [x[:, :2] for x in X] if per_step else numbers(X, 2)


# ---------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("pooling", ["last", "max", "mean", "steps"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_every_network_is_the_same_everywhere(cell, bidirectional, pooling):
    per_step = pooling == "steps"
    X = sequences(n=12, n_features=3, dtype=SINGLE)
    for sizes, block_size in product([(3,), (3, 2)], [1, 2]):
        model = LSTMRegressor(
            sizes,
            block_size=block_size,
            cell=cell,
            bidirectional=bidirectional,
            pooling="last" if per_step else pooling,
            return_sequences=per_step,
            **SMALL,
        ).fit(X, targets(X, per_step))
        check(model, X, per_step=per_step, raw=False)
        whole = cube(n=5, n_steps=4, n_features=3, dtype=SINGLE)
        check(model, whole, per_step=per_step, lengths=False, raw=False)


@pytest.mark.parametrize("cell", CELLS)
def test_long_sequences_stay_the_same(cell):
    X = [x.astype(SINGLE) for x in np.split(np.random.default_rng(0).normal(size=(900, 2)), [300])]
    settings = dict(cell=cell, bidirectional=True, gate_bias=None, random_state=0)
    model = LSTMRegressor((4, 3), **settings).initialize(2)
    model.partial_fit(X, [0.0, 1.0])
    check(model, X, tolerance=2e-6)  # what single precision costs over 600 steps


@pytest.mark.parametrize("opset", [13, 17, 18, 22, "newest"])
def test_opsets_from_the_oldest_to_the_newest_work(opset):
    X = sequences(n=6, dtype=SINGLE)
    X[0][0] = np.nan
    newest = onnx.defs.onnx_opset_version()
    opset = newest if opset == "newest" else opset
    steps = SequenceImputer("forward", add_elapsed=True), SequenceContext(1, 1), SequenceScaler()
    lstm = LSTMRegressor(2, cell="peephole", block_size=2, pooling="max", **SMALL)
    model = make_pipeline(*steps, lstm).fit(X, numbers(sequences(n=6)))
    written = to_onnx(model, opset=opset)
    assert [entry.version for entry in written.opset_import] == [opset]
    assert written.ir_version == onnx.helper.find_min_ir_version_for(written.opset_import)
    programs = PROGRAMS if opset < newest else [in_reference]  # which a runtime may not know yet
    for program in programs:
        assert_allclose(program(written, padded(X))["variable"], model.predict(X), atol=TOLERANCE)


def test_double_precision_is_exported_as_single():
    X = sequences(n=8)
    model = LSTMClassifier((3, 2), **SMALL).fit(X, labels(n=8))
    found = in_runtime(to_onnx(model), padded(X))
    assert found["probabilities"].dtype == SINGLE
    assert_allclose(found["probabilities"], model.predict_proba(X), atol=TOLERANCE)


def test_one_graph_serves_every_batch_and_length():
    model = LSTMClassifier(3, **SMALL).fit(cube(dtype=SINGLE), labels())
    written = to_onnx(model, lengths=False)
    dims = written.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in dims] == ["batch", "time", 2]
    for n, n_steps in [(1, 1), (2, 30), (40, 3)]:
        X = cube(n, n_steps, seed=n, dtype=SINGLE)
        for program in PROGRAMS:
            found = program(written, {"X": X})
            assert_allclose(found["probabilities"], model.predict_proba(X), atol=TOLERANCE)


def test_padding_means_nothing():
    X = sequences(n=8, dtype=SINGLE)
    settings = dict(bidirectional=True, cell="1997", **SMALL)
    for pooling in ("last", "max", "mean"):
        model = LSTMRegressor((3, 2), pooling=pooling, **settings).fit(X, numbers(X))
        written = to_onnx(model)
        for value in (0.0, 1e30, -5.0):
            found = in_runtime(written, padded(X, value))
            assert_allclose(found["variable"], model.predict(X), atol=TOLERANCE)


# ---------------------------------------------------------------------------------- outputs


CLASSES = {
    "two": np.array([0, 1]),
    "negative": np.array([-1, 1], np.int8),
    "booleans": np.array([False, True]),
    "floats": np.array([0.0, 1.0, 2.5e9]),
    "unsigned": np.array([3, 7, 9], np.uint64),
    "strings": np.array(["no", "yes"]),
    "many": np.array(["ä", "b", "c", "d"], dtype=object),
}


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("name", CLASSES)
def test_labels_and_probabilities(name, per_step):
    classes = CLASSES[name]
    X = sequences(n=12, dtype=SINGLE)
    index = [np.arange(len(x)) + k for k, x in enumerate(X)] if per_step else np.arange(12)
    y = [classes[i % len(classes)] for i in index] if per_step else classes[index % len(classes)]
    model = LSTMClassifier(3, return_sequences=per_step, **SMALL).fit(X, y)
    check(model, X, per_step=per_step)
    whole = cube(n=5, dtype=SINGLE)
    check(model, whole, per_step=per_step, lengths=False)


@pytest.mark.parametrize("per_step", [False, True])
def test_several_labels(per_step):
    X = cube(n=12, dtype=SINGLE)
    y = (X[:, :, [0, 1, 0]] > [0, 0, 1]).astype(int)
    model = LSTMClassifier(3, return_sequences=per_step, **SMALL)
    model.fit(X, y if per_step else y[:, -1])
    check(model, X, per_step=per_step)
    check(model, X, per_step=per_step, lengths=False)


def test_named_labels_and_labels_that_no_int64_holds():
    X = cube(n=8, dtype=SINGLE)
    model = LSTMClassifier(2, **SMALL).partial_fit(X, np.eye(8, 2, dtype=int), classes=["b", "a"])
    assert in_runtime(to_onnx(model, lengths=False), {"X": X})["label"].shape == (8, 2)
    y = np.array([1, 2**63 + 5], np.uint64)[labels(n=8)]
    with pytest.raises(ValueError, match=r"classes_ has 9223372036854775813, .* use strings"):
        to_onnx(LSTMClassifier(2, **SMALL).fit(X, y))


@pytest.mark.parametrize("y", [labels(n=8), labels(n=8, n_classes=3), np.eye(8, 3, dtype=int)])
def test_outputs_that_are_equal_give_the_first_class(y):
    X = cube(n=8, dtype=SINGLE)
    model = LSTMClassifier(2, **SMALL).fit(X, y)
    model.output_weights_[:] = model.output_bias_[:] = 0
    for program in PROGRAMS:
        found = program(to_onnx(model, lengths=False), {"X": X})
        assert_array_equal(found["label"], model.predict(X))
        assert (found["label"] == 0).all()


def test_probabilities_that_are_almost_zero_do_not_vanish():
    X = cube(n=8, dtype=SINGLE)
    model = LSTMClassifier(2, **SMALL).fit(X, labels(n=8))
    model.output_bias_[:] = 40.0
    found = in_runtime(to_onnx(model, lengths=False), {"X": X})["probabilities"]
    assert_allclose(found, model.predict_proba(X), rtol=1e-5)
    assert (found[:, 0] > 0).all()


NUMBERS = {
    "units": {},
    "raw units": {"normalize_y": False},
    "logistic": {"out_activation": "logistic"},
    "tanh": {"out_activation": "tanh"},
    "median": {"loss": "absolute_error"},
    "quantile": {"loss": "quantile", "quantile": 0.2},
    "quantiles": {"loss": "quantile", "quantile": [0.1, 0.4, 0.5, 0.9]},
    "two quantiles": {"loss": "quantile", "quantile": [0.1, 0.9]},
    "one quantile": {"loss": "quantile", "quantile": [0.3]},
    "quantiles in a range": {
        "loss": "quantile",
        "quantile": [0.1, 0.5, 0.9],
        "out_activation": "tanh",
    },
    "counts": {"loss": "poisson"},
}


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_in_their_units(name, per_step):
    X = sequences(n=12, dtype=SINGLE)
    settings = NUMBERS[name] | {"return_sequences": per_step} | SMALL
    for n_outputs in (1, 2):
        y = targets(X, per_step)
        if "out_activation" not in settings:
            y = [100 + 7 * np.abs(part) for part in y]
        y = [part[..., 0] if n_outputs == 1 else part for part in y]
        model = LSTMRegressor(3, **settings).fit(X, y)
        check(model, X, per_step=per_step)
        check(model, cube(n=4, dtype=SINGLE), per_step=per_step, lengths=False)


def test_raw_outputs_of_a_regressor_are_those_of_its_network():
    X = sequences(n=12, dtype=SINGLE)
    model = LSTMRegressor(3, loss="poisson", **SMALL).fit(X, numbers(X, 2) ** 2)
    for program in PROGRAMS:
        raw = program(to_onnx(model, raw=True), padded(X))["raw"]
        assert_allclose(np.exp(raw) * model.y_scale_, model.predict(X), rtol=1e-5)


def test_quantiles_never_cross():
    X = cube(n=40, dtype=SINGLE)
    settings = dict(loss="quantile", quantile=np.linspace(0.01, 0.99, 30), out_activation="tanh")
    model = LSTMRegressor(3, **settings, **SMALL).fit(X, numbers(X))
    model.output_weights_[:] *= 10
    values = in_runtime(to_onnx(model, lengths=False), {"X": X})["variable"]
    assert values.shape == (40, 30)
    assert (np.diff(values, axis=1) >= 0).all()


def test_units_of_many_digits_are_in_double_precision():
    X = cube(n=12, dtype=SINGLE)
    y = 1e6 + numbers(X, 2)
    model = LSTMRegressor(3, **SMALL).fit(X, y)
    written = to_onnx(model, lengths=False)
    for program in PROGRAMS:
        values = program(written, {"X": X})["variable"]
        assert values.dtype == model.predict(X).dtype == np.float64
        assert_allclose(values - 1e6, model.predict(X) - 1e6, atol=1e-5)


# ---------------------------------------------------------------------------------- steps before


def holes(X):
    """Sequences where some values are missing, also at first and everywhere."""
    X = [x.copy() for x in X]
    rng = np.random.default_rng(0)
    for x in X:
        x[rng.random(x.shape) < 0.3] = np.nan
    X[1][:] = np.nan
    return X


STEPS = {
    "scaler": lambda: [SequenceScaler()],
    "mean": lambda: [SequenceScaler(with_std=False)],
    "scale": lambda: [SequenceScaler(with_mean=False)],
    "differences": lambda: [SequenceDifferences(2)],
    "only differences": lambda: [SequenceDifferences(keep=False)],
    "context": lambda: [SequenceContext(2, 3)],
    "absolute context": lambda: [SequenceContext(1, 2, relative=False)],
    "past": lambda: [SequenceContext(2, 0)],
    "imputer": lambda: [SequenceImputer()],
    "elapsed": lambda: [SequenceImputer(add_elapsed=True, add_indicator=True), SequenceScaler()],
    "median": lambda: [SequenceImputer("median", add_elapsed=True)],
    "constant": lambda: [SequenceImputer("constant", fill_value=3, add_indicator=True)],
    "codes": lambda: [
        SequenceImputer(categorical_features=[1]),
        SequenceScaler(categorical_features=[1]),
        SequenceImputer(),
    ],
    "several": lambda: [SequenceDifferences(), "passthrough", SequenceScaler(), SequenceContext()],
}


@pytest.mark.parametrize("name", STEPS)
def test_steps_of_a_pipeline(name):
    complete = sequences(n=12, dtype=SINGLE)
    missing = any(isinstance(step, SequenceImputer) for step in STEPS[name]())
    X = holes(complete) if missing else complete
    for per_step in (False, True):
        lstm = LSTMRegressor(3, return_sequences=per_step, **SMALL)
        model = make_pipeline(*STEPS[name](), lstm).fit(X, targets(complete, per_step))
        check(model, X, per_step=per_step)
        whole = np.stack(holes(cube(n=5, dtype=SINGLE))) if missing else cube(n=5, dtype=SINGLE)
        check(model, whole, per_step=per_step, lengths=False)


def test_a_scaler_of_large_means_loses_no_digits():
    X = (cube(n=12) + [[[1e5, -3e6]]]).astype(SINGLE)
    model = make_pipeline(SequenceScaler(), LSTMRegressor(3, **SMALL)).fit(X, numbers(cube(n=12)))
    check(model, X, lengths=False)


def test_tables_have_one_row_per_sequence():
    table = cube(n=12, n_steps=5, dtype=SINGLE).reshape(12, 10)
    inner = LSTMRegressor(3, features_per_step=2, **SMALL)
    whole = make_pipeline(
        SequenceScaler(features_per_step=2),
        SequenceDifferences(features_per_step=2),
        LSTMRegressor(3, features_per_step=4, **SMALL),
    )
    for model in (inner, whole):
        model.fit(table, numbers(cube(n=12)))
        written = check(model, table)
        assert [i.name for i in written.graph.input] == ["X"]
        dims = written.graph.input[0].type.tensor_type.shape.dim
        assert [d.dim_param or d.dim_value for d in dims] == ["batch", 10]


# ---------------------------------------------------------------------------------- levels


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("settings", [{}, {"loss": "quantile", "quantile": [0.1, 0.6, 0.9]}])
def test_forecasts_relative_to_now(settings, per_step):
    X = [x + SINGLE(1000) for x in sequences(n=12, n_features=3, dtype=SINGLE)]
    lstm = LSTMRegressor(3, return_sequences=per_step, **settings, **SMALL)
    inner = make_pipeline(SequenceScaler(), lstm)
    for columns in (2, [2, 0]):
        y = [x[:, columns] for x in X] if per_step else np.array([x[-1, columns] for x in X])
        model = RelativeRegressor(inner, columns=columns).fit(X, y)
        whole = cube(n=5, n_features=3, dtype=SINGLE) + SINGLE(1000)
        for part in (model, make_pipeline(SequenceContext(0, 0), model).fit(X, y)):
            check(part, X, per_step=per_step, tolerance=1e-9)  # of a thousand
            check(part, whole, per_step=per_step, tolerance=1e-9, lengths=False)
    assert in_runtime(to_onnx(model), padded(X))["variable"].dtype == np.float64


def test_tables_relative_to_now():
    table = cube(n=12, n_steps=5, dtype=SINGLE).reshape(12, 10)
    model = RelativeRegressor(LSTMRegressor(3, features_per_step=2, **SMALL), columns=1)
    check(model.fit(table, table[:, 9]), table)


# ---------------------------------------------------------------------------------- categories


def with_codes(n, n_codes):
    """Sequences with codes in features 1 and 2, missing ones in feature 1 included."""
    rng = np.random.default_rng(0)
    X = sequences(n=n, n_features=4, dtype=SINGLE)
    for x in X:
        x[:, 1] = rng.choice([0, 3, 7, np.nan], len(x))
        x[:, 2] = rng.integers(n_codes, size=len(x))
    return X


@pytest.mark.parametrize("n_codes", [2, 40])  # columns of categories, or of units
@pytest.mark.parametrize("cell", CELLS)
def test_categories(cell, n_codes):
    X = with_codes(24, n_codes)
    other = [x.copy() for x in X]
    other[0][0, 1:3] = 5, -1  # not seen, and no code
    other[1][0, 1:3] = 1e6, np.nan
    for bidirectional, block_size in product([False, True], [1, 2]):
        model = LSTMRegressor(
            (2, 3),
            cell=cell,
            block_size=block_size,
            bidirectional=bidirectional,
            categorical_features=[1, 2],
            **SMALL,
        ).fit(X, numbers([np.nan_to_num(x) for x in X], 2))
        net = model._topology
        assert (net.n_categories > net.n_weights) == (n_codes == 40)
        check(model, other)
    model = LSTMClassifier(2, categorical_features=[0, 1], return_sequences=True, **SMALL)
    model.fit([x[:, 1:3] for x in X], [np.arange(len(x)) % 2 for x in X])
    check(model, [x[:, 1:3] for x in other], per_step=True)


def test_categories_behind_other_steps_and_in_tables():
    X = with_codes(12, 5)
    kept = {"categorical_features": [1, 2]}
    model = make_pipeline(
        SequenceImputer(**kept), SequenceScaler(**kept), LSTMRegressor(2, **kept, **SMALL)
    )
    check(model.fit(X, numbers(sequences(n=12))), X)
    table = np.stack([x[:1] for x in X]).repeat(3, axis=1).reshape(12, 12)
    lstm = LSTMRegressor(2, features_per_step=4, **kept, **SMALL)
    check(lstm.fit(table, numbers(sequences(n=12))), table)


def test_codes_that_single_precision_cannot_tell_apart_are_refused():
    model = LSTMRegressor(2, categorical_features=[0]).initialize(1, categories=[[1, 2**24 + 1]])
    with pytest.raises(ValueError, match="feature 0 has the code 16777217, but X is float32"):
        to_onnx(model)


# ---------------------------------------------------------------------------------- the file


def test_the_file_says_who_wrote_it_and_what_it_takes():
    model = LSTMClassifier(2, return_sequences=True, **SMALL)
    model.fit(cube(n=8), [["a", "b", "c", "a"]] * 8)
    written = to_onnx(model)
    assert written.producer_name == "sklstm"
    inputs, outputs = (
        {
            value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
            for value in values
        }
        for values in (written.graph.input, written.graph.output)
    )
    assert inputs == {"X": ["batch", "time", 2], "lengths": ["batch"]}
    assert outputs == {"label": ["batch", "time"], "probabilities": ["batch", "time", 3]}
    onnx.checker.check_model(written, full_check=True)


@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_is_one_operator(cell):
    model = LSTMRegressor((3, 2), cell=cell, bidirectional=True).initialize(2)
    kinds = [node.op_type for node in to_onnx(model, lengths=False).graph.node]
    assert kinds.count("LSTM") == 2
    assert "Scan" not in kinds


# ---------------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda X: make_pipeline(SequenceImputer("linear"), LSTMRegressor(2)).fit(X, labels()),
            ValueError,
            r"step 'sequenceimputer' of the pipeline, SequenceImputer: strategy='linear' cannot be",
        ),
        (
            lambda X: make_pipeline(FunctionTransformer(), LSTMRegressor(2)).fit(X, labels()),
            ValueError,
            r"step 'functiontransformer' .* cannot be converted; SequenceContext, .*"
            r"model\[k:\].*register_skl2onnx",
        ),
        (
            lambda X: make_pipeline(SequenceEncoder(), LSTMRegressor(2)).fit(
                [[1, 2]] * 24, labels()
            ),
            ValueError,
            "step 'sequenceencoder' of the pipeline, SequenceEncoder, cannot be converted",
        ),
        (
            lambda X: RelativeRegressor(LSTMRegressor()),
            NotFittedError,
            "the model, RelativeRegressor, is not fitted: call fit",
        ),
        (
            lambda X: RelativeRegressor(DummyRegressor(), columns=0).fit(X, X[:, -1, 0]),
            TypeError,
            "got RelativeRegressor, whose last step is DummyRegressor",
        ),
        (lambda X: LSTMRegressor(), NotFittedError, "the model, LSTMRegressor, is not fitted"),
        (
            lambda X: make_pipeline(SequenceScaler(), LSTMRegressor(2).fit(X, labels())),
            NotFittedError,
            "step 'sequencescaler' of the pipeline, SequenceScaler, is not fitted: call fit",
        ),
        (lambda X: SequenceScaler().fit(X), TypeError, "got SequenceScaler"),
        (
            lambda X: make_pipeline(SequenceScaler()).fit(X),
            TypeError,
            "got Pipeline, whose last step is SequenceScaler",
        ),
        (
            lambda X: GridSearchCV(LSTMRegressor(2), {"alpha": [0.0]}, cv=2).fit(X, numbers(X)),
            TypeError,
            r"got GridSearchCV. For a search, pass search.best_estimator_",
        ),
        (lambda X: None, TypeError, "got NoneType"),
    ],
)
def test_what_cannot_be_written_is_named(make, error, message):
    with pytest.raises(error, match=message):
        to_onnx(make(cube()))


def test_numbers_beyond_single_precision_are_refused():
    model = LSTMRegressor(2).initialize(2)
    model.output_bias_[:] = 1e300
    with pytest.raises(ValueError, match="parameters_ has values that are not finite in float32"):
        to_onnx(model)


@pytest.mark.parametrize(("name", "value"), [("lengths", "no"), ("lengths", 0), ("raw", 2)])
def test_lengths_and_raw_are_true_or_false(name, value):
    with pytest.raises(ValueError, match=f"{name} must be True or False, got {value!r}"):
        to_onnx(LSTMRegressor(2).initialize(2), **{name: value})


@pytest.mark.parametrize("opset", [12, 10_000, "18", True, 18.0])
def test_an_unknown_opset_is_refused(opset):
    with pytest.raises(ValueError, match="opset must be "):
        to_onnx(LSTMRegressor(2).initialize(2), opset=opset)


# ---------------------------------------------------------------------------------- command line


def saved(tmp_path):
    X = cube(dtype=SINGLE)
    model = make_pipeline(SequenceScaler(), LSTMClassifier(2, **SMALL)).fit(X, labels())
    joblib.dump(model, tmp_path / "model.joblib")
    return model, X


def test_the_command_line_writes_onnx(tmp_path, capsys):
    model, _ = saved(tmp_path)
    file = tmp_path / "model.onnx"
    assert main([str(tmp_path / "model.joblib"), str(file)]) == 0
    written = onnx.load(file)
    assert written == to_onnx(model)
    assert f"Written to {file}: {file.stat().st_size:,} bytes." in capsys.readouterr().out
    options = ["--opset", "20", "--no-lengths", "--raw"]
    assert main([str(tmp_path / "model.joblib"), str(file), *options]) == 0
    assert onnx.load(file) == to_onnx(model, opset=20, lengths=False, raw=True)


def test_the_command_line_reads_and_writes_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    model, _ = saved(tmp_path)
    file = tmp_path / "model.safetensors"
    assert main([str(tmp_path / "model.joblib"), str(file)]) == 0
    other = tmp_path / "other.safetensors"
    save_safetensors(model, other)
    assert main([str(file), str(tmp_path / "model.onnx")]) == 0
    assert onnx.load(tmp_path / "model.onnx") == to_onnx(model)


def test_the_command_line_writes_c(tmp_path):
    c = pytest.importorskip("sklstm.export._c")
    model, _ = saved(tmp_path)
    assert main([str(tmp_path / "model.joblib"), str(tmp_path / "net.h")]) == 0
    assert (tmp_path / "net.h").read_text() == c.to_c(model, name="net")
    assert main([str(tmp_path / "model.joblib"), str(tmp_path / "a.h"), "--name", "ear"]) == 0
    assert (tmp_path / "a.h").read_text() == c.to_c(model, name="ear")


def test_the_command_line_says_what_is_wrong(tmp_path, capsys):
    saved(tmp_path)
    model = str(tmp_path / "model.joblib")
    for arguments, message in [
        ([model, "model.pb"], "must be one of .onnx, .h, .safetensors"),
        ([str(tmp_path / "none.joblib"), "m.onnx"], "there is no file"),
        ([model, str(tmp_path / "none" / "m.onnx")], "there is no folder"),
        ([model, "m.onnx", "--opset", "x"], "invalid int value"),
    ]:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    assert main([model, str(tmp_path / "m.onnx"), "--opset", "3"]) == 1
    assert "opset must be from 13" in capsys.readouterr().err
    joblib.dump(LSTMRegressor(), tmp_path / "empty.joblib")
    assert main([str(tmp_path / "empty.joblib"), str(tmp_path / "m.onnx")]) == 1
    assert "is not fitted" in capsys.readouterr().err
    assert not (tmp_path / "m.onnx").exists()

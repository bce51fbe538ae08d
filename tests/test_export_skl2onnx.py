"""Pipelines that skl2onnx converts, with the converters of this package."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import cube, labels, numbers
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.export import register_skl2onnx
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

skl2onnx = pytest.importorskip("skl2onnx")
onnxruntime = pytest.importorskip("onnxruntime")
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType  # noqa: E402

SMALL = {"hidden_layer_sizes": 3, "max_iter": 1, "random_state": 0, "n_jobs": 1, "init_range": 1.0}
X = cube(dtype=np.float32)


@pytest.fixture(autouse=True)
def registered():
    register_skl2onnx()


def outputs(model, X, kind=FloatTensorType, shape=None, **options):
    """What ONNX Runtime makes of a converted model, by name."""
    shape = [None, None, X.shape[2]] if shape is None else shape
    written = skl2onnx.to_onnx(model, initial_types=[("X", kind(shape))], **options)
    session = onnxruntime.InferenceSession(written.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


@pytest.mark.parametrize(
    "y",
    [labels(), labels(names=["a", "b"]), labels(n_classes=3), labels() == 1, labels() * 2.0],
    ids=["integers", "strings", "three", "booleans", "floats"],
)
@pytest.mark.parametrize("cell", ["1997", "peephole"])
def test_classifiers(cell, y):
    lstm = LSTMClassifier(**SMALL, cell=cell, block_size=2, bidirectional=True)
    model = make_pipeline(SequenceScaler(), lstm).fit(X, y)
    options = {"zipmap": False}
    found = outputs(model, X, options=options)
    assert list(found) == ["label", "probabilities"]
    assert_array_equal(found["label"], model.predict(X))
    assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-6)
    mapped = outputs(model, X)
    assert list(mapped) == ["output_label", "output_probability"]
    rows = [list(row.values()) for row in mapped["output_probability"]]
    assert_allclose(rows, model.predict_proba(X), atol=1e-6)
    raw = outputs(model, X, options={id(lstm): {"raw_scores": True, "zipmap": False}})
    expected = model.decision_function(X).reshape(24, -1)
    assert_allclose(raw["probabilities"], expected, atol=1e-6)


def test_options_of_classifiers():
    model = LSTMClassifier(**SMALL).fit(X, labels(names=["up", "down"]))
    columns = outputs(model, X, options={"zipmap": "columns"})
    assert list(columns) == ["output_label", "sdown", "sup"]
    assert_allclose(columns["sup"], model.predict_proba(X)[:, 1], atol=1e-6)
    numbered = outputs(model, X, options={"nocl": True, "zipmap": False})
    assert_array_equal(numbered["label"], model.predict(X) == "up")
    named = outputs(model, X, options={"zipmap": False, "output_class_labels": True})
    assert list(named["class_labels"]) == ["down", "up"]


def test_labels_per_step_and_indicators():
    for model in (
        LSTMClassifier(**SMALL, return_sequences=True).fit(X, (X[:, :, 0] > 0) * 3),
        LSTMClassifier(**SMALL).fit(X, np.eye(24, 3, dtype=int)),
    ):
        found = outputs(model, X, options={"zipmap": False})
        assert_array_equal(found["label"], model.predict(X))
        assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-6)
        with pytest.raises(ValueError, match=r'zipmap makes .* pass options=."zipmap": False'):
            outputs(model, X)


@pytest.mark.parametrize(
    "settings",
    [
        {"loss": "quantile", "quantile": [0.1, 0.9]},
        {"loss": "poisson"},
        {"pooling": "max", "cell": "coupled"},
        {"return_sequences": True},
    ],
    ids=str,
)
def test_regressors(settings):
    per_step = settings.get("return_sequences", False)
    for n_outputs in (1, 2):
        y = np.abs(X[..., :n_outputs] if per_step else X[:, 0, :n_outputs])
        y = y[..., 0] if n_outputs == 1 else y
        model = make_pipeline(SequenceScaler(), LSTMRegressor(**SMALL, **settings)).fit(X, y)
        found = outputs(model, X)["variable"]
        expected = model.predict(X)
        axis = -2 if "quantile" in settings else -1
        expected = np.expand_dims(expected, axis) if n_outputs == 1 else expected
        assert found.shape == expected.shape
        assert_allclose(found, expected, atol=1e-6)


def test_double_input_is_taken():
    model = make_pipeline(SequenceScaler(), LSTMRegressor(**SMALL)).fit(cube(), numbers(cube()))
    found = outputs(model, cube(), DoubleTensorType)["variable"]
    assert_allclose(found[:, 0], model.predict(cube()), atol=1e-6)


@pytest.mark.parametrize("opset", [13, 18, 21])
def test_transformers(opset):
    holes = X.copy()
    holes[:, 1:3, 0] = np.nan
    steps = (
        SequenceImputer(add_elapsed=True),
        SequenceDifferences(),
        SequenceContext(1, 1),
        SequenceScaler(),
    )
    model = make_pipeline(*steps, LSTMRegressor(**SMALL)).fit(holes, numbers(X))
    found = outputs(model, holes, target_opset=opset)["variable"]
    assert_allclose(found[:, 0], model.predict(holes), atol=1e-6)


def test_tables_and_estimators_of_scikit_learn():
    table = X.reshape(24, 8)
    scaler, lstm = SequenceScaler(features_per_step=2), LSTMRegressor(**SMALL, features_per_step=2)
    y = numbers(X)
    model = make_pipeline(StandardScaler(), scaler, lstm).fit(table, y)
    found = outputs(model, table, shape=[None, 8])["variable"]
    assert_allclose(found[:, 0], model.predict(table), atol=1e-6)
    voting = VotingRegressor([("a", lstm), ("b", LSTMRegressor(**SMALL))]).fit(table, y)
    found = outputs(voting, table, shape=[None, 8])["variable"]
    assert_allclose(found[:, 0], voting.predict(table), atol=1e-6)


def test_categories():
    codes = X.copy()
    codes[:, :, 1] = np.arange(4)
    model = LSTMRegressor(**SMALL, categorical_features=[1]).fit(codes, numbers(X))
    assert_allclose(outputs(model, codes)["variable"][:, 0], model.predict(codes), atol=1e-6)


def test_what_is_not_fitted_or_cannot_be_written_is_named():
    with pytest.raises(NotFittedError, match="SequenceScaler, is not fitted"):
        outputs(make_pipeline(SequenceScaler(), LSTMRegressor(**SMALL).fit(X, labels())), X)
    with pytest.raises(NotFittedError, match="LSTMRegressor, is not fitted"):
        outputs(LSTMRegressor(), X)
    model = make_pipeline(SequenceImputer("linear"), LSTMRegressor(**SMALL)).fit(X, labels())
    with pytest.raises(ValueError, match="strategy='linear' cannot be converted to ONNX"):
        outputs(model, X)
    large = LSTMRegressor(2).initialize(2)
    large.output_bias_[:] = 1e300
    with pytest.raises(ValueError, match="not finite in float32"):
        outputs(large, X)

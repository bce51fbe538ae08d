"""Files without pickle: the same model comes back, and hostile files are errors, never more."""

import copy
import json
import re
import struct
from contextlib import suppress

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import cube, labels, numbers, sequences, step_labels
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.compose import RelativeRegressor
from sklstm.export import from_torch, load_safetensors, save_safetensors, state_dict
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)

pandas = pytest.importorskip("pandas")
safetensors_numpy = pytest.importorskip("safetensors.numpy")
SMALL = {"hidden_layer_sizes": 3, "max_iter": 1, "random_state": 0, "n_jobs": 1}


def everything():
    """Models of all kinds, by name, with the X that they take."""
    X, single = sequences(), sequences(dtype=np.float32)
    table = cube(n_steps=3).reshape(24, 6)
    settings = dict(gate_bias={"forget": (1.0, 2.0, 3.0)}, n_iter_no_change=np.inf)
    yield "labels", LSTMClassifier(**SMALL, **settings).fit(X, labels(names=["a", "bc"])), X
    objects = np.array(["x", "yy", "zzz"], dtype=object)[labels(n_classes=3)]
    yield (
        "objects",
        LSTMClassifier(**SMALL, class_weight={"x": 2.0, "yy": 1, "zzz": 1}).fit(X, objects),
        X,
    )
    yield "booleans", LSTMClassifier(**SMALL).fit(X, labels() == 1), X
    yield "indicator", LSTMClassifier(**SMALL).fit(X, np.eye(24, 3, dtype=int)), X
    named = LSTMClassifier(**SMALL).partial_fit(X, np.eye(24, 2, dtype=int), classes=["b", "a"])
    yield "named labels", named, X
    per_step = LSTMClassifier(**SMALL, return_sequences=True, cell="coupled", bidirectional=True)
    yield "steps", per_step.fit(X, step_labels(X, 3)), X
    yield "single", LSTMRegressor(**SMALL, cell="1997").fit(single, 9 + numbers(single)), single
    early = dict(early_stopping=True, validation_fraction=0.25, scoring="loss")
    peepholes = SMALL | dict(hidden_layer_sizes=(3, 2), cell="peephole", block_size=2)
    yield "peepholes", LSTMRegressor(**peepholes, **early).fit(X, numbers(X, 2)), X
    quantiles = dict(loss="quantile", quantile=np.array([0.1, 0.5]), bias="gates")
    yield "quantiles", LSTMRegressor(**SMALL, **quantiles).fit(X, numbers(X, 2)), X
    yield "counts", LSTMRegressor(**SMALL, loss="poisson").fit(X, numbers(X) ** 2), X
    mean = LSTMRegressor(**SMALL, pooling="mean", out_activation="tanh", solver="sgd")
    yield "mean", mean.fit(table, numbers(X)), table
    yield "initialized", LSTMRegressor(**SMALL).initialize(2, y_mean=3.0, y_scale=2.0), X
    holes = [x.copy() for x in X]
    holes[1][:3, 0] = np.nan
    steps = SequenceImputer("forward", add_elapsed=True), SequenceScaler(), SequenceDifferences()
    whole = make_pipeline(*steps, "passthrough", SequenceContext(), LSTMRegressor(**SMALL))
    yield "pipeline", whole.fit(holes, numbers(X)), holes
    rows = [[[word, k] for k, word in enumerate(["to", "be", "or", "not", "to", "be"])]] * 24
    coded = SequenceEncoder(min_frequency=25, handle_unknown="infrequent_if_exist")
    kept = SequenceScaler(categorical_features=[0]), SequenceImputer(categorical_features=[0])
    whole = make_pipeline(coded, *kept, LSTMRegressor(**SMALL)).fit(rows, numbers(X))
    yield "symbols", whole, [[*rows[0], ["was", 7.0]]]
    numbered = make_pipeline(SequenceEncoder(), LSTMRegressor(**SMALL))
    yield "numbers", numbered.fit([[3, 7, 3], [7, 5]] * 12, numbers(X)), [[5, 3, 4]]
    codes = [np.column_stack([x[:, 0], np.arange(len(x)) % 3]) for x in X]
    codes[0][1, 1] = np.nan
    yield (
        "categories",
        LSTMRegressor(**SMALL, categorical_features=[1]).fit(codes, numbers(X)),
        codes,
    )
    alone = [x[:, 1:] for x in codes]
    early = LSTMClassifier(**SMALL, categorical_features=[True], bidirectional=True)
    yield "categories alone", early.fit(alone, labels()), alone
    frames = [pandas.DataFrame({"a": ["x", None, "y"], "b": [1.0, 2.0, 3.0]})] * 24
    frames = [x.astype({"a": "category"}) for x in frames]
    by_type = LSTMRegressor(**SMALL, categorical_features="from_dtype")
    yield "labelled", by_type.fit(frames, numbers(X)), frames
    seen = SequenceScaler(with_mean=False, features_per_step=2)
    wide = make_pipeline(seen, LSTMClassifier(**SMALL, features_per_step=2))
    yield "table", wide.fit(table, labels()), table
    inner = make_pipeline(SequenceScaler(), LSTMRegressor(**SMALL))
    relative = Pipeline([("now", RelativeRegressor(inner, columns=[0, 1]))], verbose=True)
    yield "relative", relative.set_params(verbose=False).fit(X, numbers(X, 2)), X


EVERYTHING = {name: (model, X) for name, model, X in everything()}


def outputs(model, X):
    found = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    return np.concatenate(found) if isinstance(found, list) else found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# -------------------------------------------------------------------------------- what comes back


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_loaded_model_is_the_same(name, path):
    model, X = EVERYTHING[name]
    save_safetensors(model, path)
    loaded = load_safetensors(str(path))
    assert_array_equal(outputs(loaded, X), outputs(model, X))
    predicted, expected = loaded.predict(X), model.predict(X)
    if not isinstance(predicted, list):
        assert predicted.dtype == expected.dtype or expected.dtype.kind == "U"
    assert repr(loaded) == repr(model)
    first, last = (m[-1] if isinstance(m, Pipeline) else m for m in (loaded, model))
    assert first.get_params().keys() == last.get_params().keys()
    for key, value in last.get_params(deep=False).items():
        assert repr(first.get_params(deep=False)[key]) == repr(value)
        assert type(first.get_params(deep=False)[key]) is type(value)


@pytest.mark.parametrize("name", ["labels", "peepholes", "named labels", "counts", "initialized"])
def test_attributes_come_back(name, path):
    model, _ = EVERYTHING[name]
    save_safetensors(model, path)
    loaded = load_safetensors(path)
    mine = {key: value for key, value in vars(model).items() if key.endswith("_")}
    for key, value in mine.items():
        assert_array_equal(getattr(loaded, key), value)
    # but for what training alone needs, which is made anew, nothing is missing
    assert set(vars(model)) - {"_validated"} <= set(vars(loaded))


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_loaded_model_goes_on_learning(name, path):
    model, X = EVERYTHING[name]
    save_safetensors(model, path)
    loaded = load_safetensors(path)
    last = loaded[-1] if isinstance(loaded, Pipeline) else loaded
    if isinstance(last, RelativeRegressor) or name in ("pipeline", "symbols", "numbers"):
        X = [X[0]] * 24 if len(X) == 1 else X
        loaded.fit(X, numbers(sequences(), 2))
        return
    last.set_params(early_stopping=False)
    y = model.predict(X)
    if name == "quantiles":
        y = y[..., 0]
    if isinstance(loaded, Pipeline):
        last.partial_fit(loaded[:-1].transform(X), y)
    else:
        last.partial_fit(X, y)
    assert last.t_ == (model[-1] if isinstance(model, Pipeline) else model).t_ + 24


def test_other_programs_find_the_names_of_pytorch(path):
    model, X = EVERYTHING["counts"]
    save_safetensors(model, path)
    arrays = safetensors_numpy.load_file(path)
    assert set(arrays) == {*state_dict(model), "y_mean", "y_scale"}
    mean, scale = arrays.pop("y_mean"), arrays.pop("y_scale")
    again = from_torch(arrays, LSTMRegressor(loss="poisson"))
    np.testing.assert_allclose(again.predict(X) * scale + mean, model.predict(X))


def test_names_of_columns_come_back(path):
    X = [pandas.DataFrame(x, columns=["a", "b"]) for x in sequences()]
    model = make_pipeline(SequenceScaler(), LSTMRegressor(**SMALL)).fit(X, labels())
    save_safetensors(model, path)
    loaded = load_safetensors(path)
    assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.predict([x[["b", "a"]] for x in X])


def test_scalers_with_missing_values_come_back(path):
    X = cube()
    X[:, :, 1] = np.nan
    scaler = SequenceScaler().fit(X)
    model = make_pipeline(SequenceScaler(), SequenceImputer(), LSTMRegressor(**SMALL))
    model.fit(X, numbers(cube()))
    save_safetensors(model, path)
    loaded = load_safetensors(path)
    assert_array_equal(loaded[0].n_steps_seen_, scaler.n_steps_seen_)
    assert_array_equal(loaded.predict(X), model.predict(X))


# -------------------------------------------------------------------------------- what cannot be


class Doubled(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [2 * x for x in X]

    def __sklearn_is_fitted__(self):
        return True


class Own(LSTMRegressor):
    pass


def fitted(*steps, **settings):
    return make_pipeline(*steps, LSTMRegressor(**SMALL | settings)).fit(sequences(), labels())


@pytest.mark.parametrize(
    "make, error, message",
    [
        (
            lambda: fitted(Doubled()),
            ValueError,
            "Step 'doubled' of the pipeline is of type D",
        ),
        (
            lambda: Own(**SMALL).fit(cube(), labels()),
            ValueError,
            "Own is of type Own, which ca",
        ),
        (
            lambda: GridSearchCV(LSTMRegressor(**SMALL), {"alpha": [0.0]}, cv=2).fit(
                cube(), numbers(cube())
            ),
            ValueError,
            r"GridSearchCV is of type .*best_estimator_",
        ),
        (
            lambda: fitted(random_state=np.random.RandomState(0)),
            ValueError,
            "random_state of Step 'lstmregressor' of the pipeline is RandomState",
        ),
        (
            lambda: LSTMRegressor(**SMALL, scoring=max).fit(cube(), labels()),
            ValueError,
            "scoring of LSTMRegressor is <built-in",
        ),
        (lambda: SequenceScaler().fit(cube()), ValueError, "SequenceScaler contains no LSTM"),
        (LSTMRegressor, NotFittedError, "LSTMRegressor, LSTMRegressor, is not fitted"),
        (
            lambda: make_pipeline(SequenceScaler(), fitted()[-1]),
            NotFittedError,
            "Step 'sequencescaler' of the pipeline, SequenceScaler, is not fitted: call fit",
        ),
        (
            lambda: make_pipeline(SequenceEncoder(), LSTMRegressor(**SMALL)).fit(
                [[b"a", b"b"]] * 4, [0, 1, 0, 1]
            ),
            ValueError,
            "knows the symbol b'a' of type bytes",
        ),
        (lambda: make_pipeline(fitted()[-1], fitted()[-1]), ValueError, "is a second network"),
    ],
)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(make, error, message, path):
    path.write_text("before")
    with pytest.raises(error, match=message):
        save_safetensors(make(), path)
    assert path.read_text() == "before"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_file_is_written_beside_and_moved(path, monkeypatch):
    model, _ = EVERYTHING["labels"]
    with pytest.raises(FileNotFoundError):
        save_safetensors(model, path.parent / "nowhere" / "model")
    path.mkdir()
    with pytest.raises(OSError):
        save_safetensors(model, path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_write_that_fails_in_the_middle_leaves_the_old_file(path, monkeypatch):
    model, _ = EVERYTHING["labels"]
    save_safetensors(model, path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr("sklstm._files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_safetensors(model.set_params(alpha=0.0), path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# -------------------------------------------------------------------------------- hostile files


def rewritten(path, change_tree=None, change_arrays=None, header=None):
    """The file of a pipeline with its tree or arrays changed, as the package itself writes it."""
    steps = SequenceImputer(), SequenceScaler()
    inner = RelativeRegressor(make_pipeline(*steps, LSTMRegressor(**SMALL)), columns=0)
    model = make_pipeline(SequenceContext(), inner).fit(sequences(), numbers(sequences()))
    save_safetensors(model, path)
    arrays = safetensors_numpy.load_file(path)
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    text = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["sklstm"])
    if change_tree:
        change_tree(text)
    if change_arrays:
        change_arrays(arrays)
    metadata = {"sklstm": json.dumps(text)} if header is None else header
    path.write_bytes(safetensors_numpy.save(arrays, metadata))


def net(tree):
    return tree["model"]["steps"][1][1]["regressor"]["steps"][2][1]


@pytest.mark.parametrize("after", [1, 3, 10**9, 10**30])
def test_more_context_than_the_next_step_takes_is_refused_at_load(path, after):
    def widen(tree):
        tree["model"]["steps"][0][1]["params"]["after"] = after

    rewritten(path, widen)
    words = f"takes 10 features, but SequenceContext before it returns {6 + 2 * after} "
    with pytest.raises(ValueError, match=words):
        load_safetensors(path)


def test_a_table_goes_through_steps_of_other_widths(path):
    table = np.random.default_rng(0).normal(size=(20, 6))
    steps = SequenceScaler(), SequenceDifferences(features_per_step=2)
    model = make_pipeline(*steps, LSTMRegressor(features_per_step=4, **SMALL))
    save_safetensors(model.fit(table, table[:, 0]), path)
    np.testing.assert_array_equal(load_safetensors(path).predict(table), model.predict(table))


def scaler(tree):
    return tree["model"]["steps"][1][1]["regressor"]["steps"][1][1]


def of_shape(tree, **values):
    pairs = net(tree)["fitted"]["shape"]["dict"]
    for pair in pairs:
        pair[1] = values.get(pair[0], pair[1])


def of_records(tree, **values):
    for pair in net(tree)["fitted"]["records"]["dict"]:
        pair[1] = values.get(pair[0], pair[1])


def nested(n):
    value = []
    for _ in range(n):
        value = [value]
    return value


HUGE = 10**30
HOSTILE_TREES = {
    "format": (lambda t: t.update(format=2), "its format is 2, but this sklstm"),
    "class": (lambda t: t["model"].update({"class": "os.system"}), "class 'os.system', which must"),
    "no class": (lambda t: t.update(model=7), "model is of class 7"),
    "class of a list": (
        lambda t: t["model"].update({"class": ["Pipeline"]}),
        "which must be one of",
    ),
    "no steps": (lambda t: t["model"].update(steps=[]), "model is not a valid pipeline"),
    "step": (lambda t: t["model"].update(steps=[["a"]]), r"model.steps\[0\] is not a pair"),
    "more": (lambda t: t["model"].update(more=1), "model has the entries"),
    "parameter": (lambda t: net(t)["params"].update(evil=1), "no parameter 'evil'. If a newer"),
    "value": (lambda t: net(t)["params"].update(alpha=-1), "'alpha' parameter"),
    "type": (lambda t: net(t)["params"].update(solver=[["adam"]]), "'solver' parameter"),
    "tag": (lambda t: net(t)["params"].update(alpha={"eval": "1"}), "is not a valid value"),
    "two tags": (
        lambda t: net(t)["params"].update(alpha={"float": 1, "b": 2}),
        "is not a valid value",
    ),
    "params": (lambda t: net(t).update(params=[]), "params is not an object"),
    "strings": (
        lambda t: net(t)["params"].update(quantile={"array": ["<U999999999", ["a"]]}),
        "is not an array of '<U999999999'",
    ),
    "integers": (
        lambda t: net(t)["params"].update(quantile={"array": ["int8", [1000]]}),
        "is not an array of 'int8'",
    ),
    "keys": (
        lambda t: net(t)["params"].update(gate_bias={"dict": [[[], 1]]}),
        "is not a valid value",
    ),
    "deep": (lambda t: net(t)["params"].update(alpha=nested(900)), "is nested too deeply"),
    "wide layer": (
        lambda t: of_shape(t, hidden_layer_sizes={"tuple": [2**60]}),
        "'lstm.weight_ih_l0' has shape",
    ),
    "layer beyond any number": (
        lambda t: of_shape(t, hidden_layer_sizes={"tuple": [HUGE]}),
        r"shape has hidden_layer_sizes=\(1000000000",
    ),
    "many layers": (
        lambda t: of_shape(t, hidden_layer_sizes={"tuple": [1] * 5000}),
        "'lstm.bias_hh_l1' is missing",
    ),
    "negative": (lambda t: of_shape(t, hidden_layer_sizes={"tuple": [-1]}), "hidden_layer_sizes="),
    "sizes": (lambda t: of_shape(t, hidden_layer_sizes=3), "shape has hidden_layer_sizes=3"),
    "cell": (lambda t: of_shape(t, cell="gru"), "shape has cell='gru'"),
    "unhashable": (lambda t: of_shape(t, cell=[]), r"shape has cell=\[\]"),
    "features": (lambda t: of_shape(t, n_features=3), "a step has 3 features"),
    "features of all": (
        lambda t: (of_shape(t, n_features=3), net(t)["fitted"].update(n_features_in=3)),
        "LSTMRegressor takes 3 features, but SequenceScaler before it returns 10",
    ),
    "outputs": (lambda t: of_shape(t, n_outputs=2), "'linear.bias' has shape|'linear.weight' has"),
    "pooling": (
        lambda t: (net(t)["params"].update(return_sequences=True), of_shape(t, pooling="max")),
        "one output per sequence, but return_sequences=True",
    ),
    "no shape": (lambda t: net(t)["fitted"].update(shape=None), "shape must have the entries"),
    "loss": (lambda t: net(t)["fitted"].update(loss="hinge"), "loss is 'hinge'"),
    "activation": (
        lambda t: net(t)["fitted"].update(out_activation="relu"),
        "out_activation is 'relu'",
    ),
    "quantile": (
        lambda t: net(t)["fitted"].update(loss="quantile", quantile={"tuple": [0.1, 0.2]}),
        "n_outputs=1, but there are 2 quantiles",
    ),
    "units": (lambda t: net(t)["fitted"].update(units_of_fit=3), "units_of_fit is 3"),
    "seed": (lambda t: net(t)["fitted"].update(split_seed=-1), "split_seed is -1"),
    "records": (lambda t: net(t)["fitted"].update(records=[]), "records must have the entries"),
    "epochs": (lambda t: of_records(t, n_iter_="many"), "records has n_iter_='many'"),
    "losses": (lambda t: of_records(t, loss_curve_=["a"]), "loss_curve_ with values that are no"),
    "input": (lambda t: scaler(t)["fitted"].update(input="pickle"), "input is 'pickle'"),
    "columns": (lambda t: scaler(t)["fitted"].update(n_features_in=9), "n_features_in=9, but a s"),
    "no columns": (lambda t: scaler(t)["fitted"].pop("n_features_in"), "n_features_in is None"),
    "no width": (
        lambda t: scaler(t)["fitted"].update(n_step_features=0),
        "n_step_features is 0, but must be an integer",
    ),
    "seen": (lambda t: scaler(t)["fitted"].update(n_steps_seen="100"), "n_steps_seen is '100'"),
    "categories": (
        lambda t: scaler(t)["fitted"].update(categorical={"array": ["int64", [10]]}),
        "categorical has a number that is not from 0 to 9",
    ),
    "no categories": (
        lambda t: scaler(t)["fitted"].pop("categorical"),
        "categorical is None, not an array",
    ),
    "names": (
        lambda t: scaler(t)["fitted"].update(feature_names_in=["a"]),
        "feature_names_in must be 10 strings",
    ),
    "before": (
        lambda t: t["model"]["steps"][0][1]["params"].update(before=-1),
        "'before' parameter",
    ),
    "column": (
        lambda t: t["model"]["steps"][1][1]["fitted"].update(columns={"array": ["int64", [99]]}),
        "columns has a number that is not from 0 to 9",
    ),
    "no column": (
        lambda t: t["model"]["steps"][1][1]["fitted"].update(columns=3),
        "columns must be an array",
    ),
    "per step": (
        lambda t: t["model"]["steps"][1][1]["fitted"].update(per_step=None),
        "per_step is None",
    ),
    "two networks": (
        lambda t: t["model"]["steps"].append(["more", copy.deepcopy(net(t))]),
        "it is a second network",
    ),
    "no network": (lambda t: t["model"]["steps"].pop(), "has no LSTMClassifier or LSTMRegressor"),
}


@pytest.mark.parametrize("case", HOSTILE_TREES)
def test_a_hostile_tree_is_an_error(case, path):
    change, message = HOSTILE_TREES[case]
    rewritten(path, change)
    with pytest.raises(ValueError, match=message):
        load_safetensors(path)


CLASSES = {
    "unsorted": ({"array": ["int64", [1, 0, 2]]}, "classes are not sorted, or not distinct"),
    "twice": ({"array": ["int64", [1, 1, 2]]}, "classes are not sorted, or not distinct"),
    "one": ({"array": ["int64", [1]]}, "two labels or more"),
    "four": ({"array": ["int64", [0, 1, 2, 3]]}, "4 classes need 4 outputs"),
    "fractions": ({"array": ["float64", [0.5, 1, 2]]}, "class must be a string or a whole number"),
    "list": ([0, 1, 2], "two labels or more"),
}


@pytest.mark.parametrize("case", CLASSES)
def test_hostile_classes_are_an_error(case, path):
    classes, message = CLASSES[case]
    model = LSTMClassifier(**SMALL).fit(sequences(), labels(n_classes=3))
    save_safetensors(model, path)
    with opened(path) as (arrays, text):
        text["model"]["fitted"]["classes"] = classes
        path.write_bytes(safetensors_numpy.save(arrays, {"sklstm": json.dumps(text)}))
    with pytest.raises(ValueError, match=message):
        load_safetensors(path)


SYMBOLS = {
    "list": (7, "symbols must be a list"),
    "entry": ([[0, []]], "symbols must hold a feature"),
    "feature": ([[2, [], []]], "symbols has a feature 2"),
    "feature twice": ([[0, [], []], [0, [], []]], "symbols has a feature 0 twice"),
    "unhashable": ([[0, [["a"]], [False]]], "symbols of feature 0 are not strings and numbers"),
    "symbol twice": ([[0, ["a", "a"], [False, False]]], "are not distinct"),
    "types": ([[0, ["a", 1], [False, False]]], "or of two types"),
    "rare": ([[0, ["a"], []]], "are not all said to be rare or not"),
    "rare types": ([[0, ["a"], [3]]], "are not all said to be rare or not"),
}


@pytest.mark.parametrize("case", SYMBOLS)
def test_hostile_symbols_are_an_error(case, path):
    symbols, message = SYMBOLS[case]
    save_safetensors(EVERYTHING["symbols"][0], path)
    with opened(path) as (arrays, text):
        text["model"]["steps"][0][1]["fitted"]["symbols"] = symbols
        path.write_bytes(safetensors_numpy.save(arrays, {"sklstm": json.dumps(text)}))
    with pytest.raises(ValueError, match=message):
        load_safetensors(path)


CATEGORIES = {
    "cardinalities": (
        lambda f: f["shape"]["dict"].append(["cardinalities", {"tuple": [4]}]),
        r"'categories.weight' has shape \(2, 12\), but needs \(4, 12\)",
    ),
    "no cardinalities": (
        lambda f: f["shape"]["dict"].append(["cardinalities", 3]),
        "shape has cardinalities=3",
    ),
    "mask": (lambda f: f.update(is_categorical={"array": ["bool", [True]]}), "is_categorical must"),
    "no mask": (lambda f: f.pop("is_categorical"), "is_categorical must say of 2 features which 1"),
    "codes": (lambda f: f.update(codes=[[0]]), "codes are not as many as cardinalities="),
    "negative": (lambda f: f.update(codes=[[0, -1]]), "categories must contain, for each"),
    "no codes": (lambda f: f.pop("codes"), "categories must be a list"),
    "labels": (lambda f: f.update(labels=[["x"]]), "not one for each code"),
    "no labels": (lambda f: f.update(labels=7), "labels must be a list with an entry"),
    "types": (lambda f: f.update(labels=[[["x"], 1]]), "labels are not strings or numbers"),
}


@pytest.mark.parametrize("case", CATEGORIES)
def test_hostile_categories_are_an_error(case, path):
    change, message = CATEGORIES[case]
    frames = [pandas.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}).astype({"a": "category"})] * 4
    model = LSTMRegressor(**SMALL, categorical_features="from_dtype").fit(frames, [0, 1, 0, 1])
    save_safetensors(model, path)
    with opened(path) as (arrays, text):
        change(text["model"]["fitted"])
        path.write_bytes(safetensors_numpy.save(arrays, {"sklstm": json.dumps(text)}))
    with pytest.raises(ValueError, match=message):
        load_safetensors(path)


def test_labels_that_cannot_be_written_are_refused(path):
    frames = [pandas.DataFrame({"a": pandas.Categorical([b"x", b"y"]), "b": [1.0, 2.0]})] * 4
    model = LSTMRegressor(**SMALL, categorical_features="from_dtype").fit(frames, [0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"categories_ has the label b.x. of type bytes"):
        save_safetensors(model, path)


class opened:
    """Arrays and tree of a file."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        raw = self.path.read_bytes()
        (size,) = struct.unpack("<Q", raw[:8])
        text = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["sklstm"])
        return safetensors_numpy.load(raw), text

    def __exit__(self, *_):
        pass


HOSTILE_ARRAYS = {
    "missing": (lambda a: a.pop("linear.bias"), "the entry 'linear.bias' is missing"),
    "unknown": (lambda a: a.update(more=np.zeros(1)), "the entry 'more' is unknown"),
    "shape": (
        lambda a: a.update({"lstm.weight_hh_l0": np.zeros((12, 4))}),
        r"'lstm.weight_hh_l0' has shape \(12, 4\), but needs \(12, 3\)",
    ),
    "integers": (
        lambda a: a.update({"linear.bias": np.zeros(1, np.int64)}),
        "'linear.bias' is of I64, but needs F64",
    ),
    "half": (
        lambda a: a.update({k: v.astype(np.float16) for k, v in a.items() if "l" in k}),
        "is of F16, but needs",
    ),
    "mixed": (
        lambda a: a.update({"linear.bias": np.zeros(1, np.float32)}),
        "'linear.bias' is of F32, but needs F64",
    ),
    "nan": (lambda a: a["linear.weight"].fill(np.nan), "'linear.weight' has values that are not"),
    "scale": (
        lambda a: a["steps.1.regressor.steps.1.scale_"].fill(0),
        "scale_ must be above 0",
    ),
    "units": (lambda a: a["y_scale"].fill(-1), "y_mean must be finite and y_scale above 0"),
}


@pytest.mark.parametrize("case", HOSTILE_ARRAYS)
def test_hostile_arrays_are_an_error(case, path):
    change, message = HOSTILE_ARRAYS[case]
    rewritten(path, change_arrays=change)
    with pytest.raises(ValueError, match=message):
        load_safetensors(path)


def test_files_of_others_say_what_to_do(path):
    with pytest.raises(FileNotFoundError):
        load_safetensors(path)
    with pytest.raises(IsADirectoryError):
        load_safetensors(path.parent)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="is not a safetensors file, or is truncated"):
        load_safetensors(path)
    path.write_bytes(safetensors_numpy.save({"a": np.zeros(2)}))
    with pytest.raises(ValueError, match=r"no entry 'sklstm'. .* from_torch\(safetensors.numpy"):
        load_safetensors(path)
    for text in ("[1, 2]", "null", '{"format": 1e999}'):
        path.write_bytes(safetensors_numpy.save({"a": np.zeros(2)}, {"sklstm": text}))
        with pytest.raises(ValueError, match="is not a model that sklstm can load"):
            load_safetensors(path)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", r"is not valid JSON \(Expecting value"),
        ('{"format": 1,', r"is not valid JSON \(Expecting property name"),
        ("9" * 5000, r"is not valid JSON \(Exceeds the limit"),
        ("[" * 100_000, "is nested too deeply"),
    ],
    ids=["empty", "cut", "digits", "deep"],
)
def test_damaged_metadata_are_an_error_that_names_the_file_and_the_entry(text, problem, path):
    path.write_bytes(safetensors_numpy.save({"a": np.zeros(2)}, {"sklstm": text}))
    message = rf"{re.escape(str(path))} is damaged: the entry 'sklstm' of its metadata {problem}"
    with pytest.raises(ValueError, match=message + ".*Save the model again") as error:
        load_safetensors(path)
    assert type(error.value) is ValueError


def test_a_file_that_is_cut_off_anywhere_is_an_error(path):
    rewritten(path)
    content = path.read_bytes()
    for size in np.linspace(0, len(content) - 1, 200).astype(int):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="is not a safetensors file, or is truncated"):
            load_safetensors(path)


def test_huge_sizes_in_the_header_are_an_error(path):
    for size in (2**63, 2**40, 10**9):
        path.write_bytes(struct.pack("<Q", size) + b"{}")
        with pytest.raises(ValueError, match="is not a safetensors file, or is truncated"):
            load_safetensors(path)
    header = json.dumps({"a": {"dtype": "F64", "shape": [2**62], "data_offsets": [0, 2**65 - 1]}})
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode())
    with pytest.raises(ValueError, match="is not a safetensors file, or is truncated"):
        load_safetensors(path)


def test_no_bytes_do_more_than_raise_an_error(path):
    """Bytes changed at random: an error, or a model that predicts."""
    rewritten(path)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    X, loaded = sequences(3), 0
    for _ in range(400):
        wrong = bytearray(content)
        for place in rng.integers(len(wrong), size=rng.integers(1, 4)):
            wrong[place] = rng.integers(256)
        path.write_bytes(wrong)
        try:
            model = load_safetensors(path)
        except ValueError:
            continue
        loaded += 1
        with np.errstate(all="ignore"), suppress(ValueError, RuntimeWarning):
            model.predict(X)
    assert 0 < loaded < 400


def test_no_tree_does_more_than_raise_an_error(path):
    """Values of the tree put in the place of others: an error, or a model that predicts."""
    rewritten(path)
    with opened(path) as (arrays, tree):
        pass
    rng = np.random.default_rng(0)
    values = [None, True, -1, 0, 7, 1e300, "", "linear", [], [1, "a"], {}, {"tuple": [3]}]
    values += [{"array": ["int64", [0]]}, {"array": ["float64", [0.5]]}, {"dict": [["a", 1]]}]
    X, places = sequences(3), list(places_of(tree))
    for _ in range(600):
        wrong = copy.deepcopy(tree)
        holder = wrong
        *path_to, last = places[rng.integers(len(places))]
        for key in path_to:
            holder = holder[key]
        if rng.random() < 0.2 and isinstance(holder, dict):
            del holder[last]
        else:
            holder[last] = values[rng.integers(len(values))]
        path.write_bytes(safetensors_numpy.save(arrays, {"sklstm": json.dumps(wrong)}))
        try:
            model = load_safetensors(path)
        except ValueError:
            continue
        with suppress(ValueError):
            model.predict(X)


def places_of(value, path=()):
    """The keys that lead to each value of a tree."""
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places_of(value[key], (*path, key))

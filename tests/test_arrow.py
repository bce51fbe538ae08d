"""Arrow columns of lists as X, y and weights: the same bits as lists of arrays."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from problems import attributes
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._lists import lists_of
from sklstm.baselines import RecurrentRegressor
from sklstm.compose import RelativeRegressor
from sklstm.inspection import attributions, permutation_importance
from sklstm.metrics import flatten_steps, make_step_scorer
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
    to_long,
    to_padded,
)

pa = pytest.importorskip("pyarrow")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "tol": None, "random_state": 0, "batch_size": 7}
PRECISIONS = [np.float32, np.float64]


def sequences(n=24, dtype=np.float64, n_features=3, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(t, n_features)).astype(dtype) for t in rng.integers(1, 9, n)]


def labels(n=24):
    return [f"class {k % 3}" for k in range(n)]


def targets_per_step(X, k=None):
    return [x[:, 0].cumsum() if k is None else x[:, :k].cumsum(axis=0) for x in X]


def column(X, of=None):
    """Sequences as a list of fixed-size lists, (T_i, F), or of numbers, (T_i,)."""
    X = [np.asarray(x) for x in X]
    kind = pa.from_numpy_dtype(X[0].dtype)
    if X[0].ndim == 2:
        kind = pa.list_(kind, X[0].shape[1])
    return pa.array([x.tolist() for x in X], pa.list_(kind) if of is None else of(kind))


def chunked(X):
    whole = column(X)
    return pa.chunked_array([whole[:0], whole[:1], whole[1:7], whole[7:7], whole[7:]])


def sliced(X):
    more = pa.concat_arrays([column(X[:2]), column(X), column(X[:3])])
    return more[2 : 2 + len(X)]


def structs(X):
    names = "abcdefgh"[: X[0].shape[1]]
    kind = pa.struct([(name, pa.from_numpy_dtype(X[0].dtype)) for name in names])
    rows = [[dict(zip(names, step, strict=True)) for step in x.tolist()] for x in X]
    return pa.array(rows, pa.list_(kind))


def nested(outer, inner):
    return lambda X: pa.array(
        [x.tolist() for x in X], outer(inner(pa.from_numpy_dtype(X[0].dtype)))
    )


def of_polars(kind):
    def make(X):
        pl = pytest.importorskip("polars")
        number = {"f": pl.Float32, "d": pl.Float64}[X[0].dtype.char]
        steps = {
            "list": pl.List(number),
            "array": pl.Array(number, X[0].shape[1]),
            "frame": pl.List(number),
        }[kind]
        series = pl.Series("X", [x.tolist() for x in X], dtype=pl.List(steps))
        return pl.DataFrame({"X": series}) if kind == "frame" else series

    return make


def of_polars_structs(X):
    pl = pytest.importorskip("polars")
    return pl.Series(
        structs(X).to_pylist(),
        dtype=pl.List(
            pl.Struct({name: {"f": pl.Float32, "d": pl.Float64}[X[0].dtype.char] for name in "abc"})
        ),
    )


def of_pandas(make):
    def series(X):
        pd = pytest.importorskip("pandas")
        values = make(X)
        return pd.Series(values, dtype=pd.ArrowDtype(values.type))

    return series


def of_pandas_frame(X):
    return of_pandas(column)(X).to_frame("X")


connections = []


def of_duckdb(X):
    duckdb = pytest.importorskip("duckdb")
    table = pa.table({"k": range(len(X)), "x": column(X)})
    connection = duckdb.connect()
    connections.append(connection)  # old relations do not keep theirs
    connection.register("sequences", table)
    return connection.sql("SELECT x FROM sequences ORDER BY k")


def of_awkward(X):
    ak = pytest.importorskip("awkward")
    return ak.to_arrow(ak.from_arrow(column(X)))


FORMS = {
    "list of fixed-size lists": column,
    "large list of fixed-size lists": lambda X: column(X, pa.large_list),
    "list of lists": nested(pa.list_, pa.list_),
    "list of large lists": nested(pa.list_, pa.large_list),
    "list views": nested(pa.list_view, pa.list_view),
    "structs": structs,
    "chunks": chunked,
    "slice": sliced,
    "slice of structs": lambda X: structs(X[:2] + X + X[:1])[2 : 2 + len(X)],
    "table": lambda X: pa.table({"X": chunked(X)}),
    "record batch": lambda X: pa.record_batch({"X": column(X)}),
    "polars lists": of_polars("list"),
    "polars arrays": of_polars("array"),
    "polars data frame": of_polars("frame"),
    "polars structs": of_polars_structs,
    "pandas": of_pandas(column),
    "pandas, chunks": of_pandas(chunked),
    "pandas data frame": of_pandas_frame,
    "DuckDB": of_duckdb,
    "Awkward Array": of_awkward,
}
COPIED = ("structs", "slice of structs", "polars structs")


def same(found, expected):
    assert type(found) is type(expected)
    for x, wanted in zip(found, expected, strict=True):
        assert_array_equal(x, wanted)
        assert getattr(x, "dtype", None) == getattr(wanted, "dtype", None)


# ------------------------------------------------------------------------- estimators


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("form", FORMS)
def test_fit_and_predict_have_the_bits_of_the_list(form, dtype):
    X, y = sequences(dtype=dtype), labels()
    model, twin = LSTMClassifier(**SMALL), LSTMClassifier(**SMALL)
    model.fit(FORMS[form](X), y)
    assert_array_equal(model.parameters_, twin.fit(X, y).parameters_)
    assert model.parameters_.dtype == dtype
    assert_array_equal(model.predict_proba(FORMS[form](X)), twin.predict_proba(X))
    if "structs" in form:
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    else:
        assert not hasattr(model, "feature_names_in_")
    model.partial_fit(FORMS[form](X), y)
    assert_array_equal(model.parameters_, twin.partial_fit(X, y).parameters_)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("form", [form for form in FORMS if form not in COPIED])
def test_numbers_are_not_copied(form, dtype):
    made = FORMS[form](sequences(dtype=dtype))
    for block in lists_of(made, "X").blocks(dtype):
        assert block.values.base is not None and not block.values.flags.writeable


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_pooling(pooling):
    X, y = sequences(), labels()
    model = LSTMClassifier(**SMALL, pooling=pooling).fit(chunked(X), y)
    twin = LSTMClassifier(**SMALL, pooling=pooling).fit(X, y)
    assert_array_equal(model.predict_proba(sliced(X)), twin.predict_proba(X))


@pytest.mark.parametrize("form", [column, chunked, sliced])
@pytest.mark.parametrize("k", [None, 2])
def test_targets_and_weights_per_step(form, k):
    X = sequences()
    y, weights = targets_per_step(X, k), [1 + np.arange(len(x)) % 2 for x in X]
    settings = {**SMALL, "return_sequences": True}
    twin = LSTMRegressor(**settings).fit(X, y, weights)
    model = LSTMRegressor(**settings).fit(form(X), form(y), form(weights))
    assert_array_equal(model.parameters_, twin.parameters_)
    same(model.predict(form(X)), twin.predict(X))
    assert model.score(form(X), form(y), form(weights)) == twin.score(X, y, weights)


@pytest.mark.parametrize("kind", ["strings", "whole numbers", "booleans"])
def test_labels_per_step(kind):
    X = sequences()
    signs = [x[:, 0] > 0 for x in X]
    y = {
        "strings": [np.where(sign, "up", "down") for sign in signs],
        "whole numbers": [sign.astype(np.int16) for sign in signs],
        "booleans": signs,
    }[kind]
    settings = {**SMALL, "return_sequences": True}
    twin = LSTMClassifier(**settings).fit(X, y)
    in_arrow = pa.array([each.tolist() for each in y])
    libraries = [in_arrow, pa.table({"y": in_arrow}), pa.record_batch({"y": in_arrow})]
    try:
        import polars as pl

        libraries += [pl.Series(in_arrow), pl.DataFrame({"y": pl.Series(in_arrow)})]
    except ImportError:
        pass
    for given in libraries:
        model = LSTMClassifier(**settings).fit(column(X), given)
        assert_array_equal(model.parameters_, twin.parameters_)
        assert_array_equal(model.classes_, twin.classes_)
        assert model.score(column(X), given) == twin.score(X, y)


def test_a_null_target_of_a_step_is_missing():
    X = sequences()
    y = targets_per_step(X)
    gaps = [np.where(np.arange(len(each)) % 2, each, np.nan) for each in y]
    with_nulls = pa.array([[None if v != v else v for v in each.tolist()] for each in gaps])
    settings = {**SMALL, "return_sequences": True}
    model = LSTMRegressor(**settings).fit(column(X), with_nulls)
    assert_array_equal(model.parameters_, LSTMRegressor(**settings).fit(X, gaps).parameters_)


def test_a_null_label_names_its_place():
    X = sequences()
    y = [[0] * len(x) for x in X[:-1]] + [[1] * (len(X[-1]) - 1) + [None]]
    settings = {**SMALL, "return_sequences": True}
    with pytest.raises(ValueError, match=rf"None: sequence 23, step {len(X[-1]) - 1}"):
        LSTMClassifier(**settings).fit(column(X), pa.array(y))
    y[3] = None
    with pytest.raises(ValueError, match=r"^Sequence 3 of y is null"):
        LSTMClassifier(**settings).fit(column(X), pa.array(y))
    words = [None if each is None else [str(v) for v in each] for each in y]
    with pytest.raises(ValueError, match=r"^Sequence 3 of y is null"):
        LSTMClassifier(**settings).fit(column(X), pa.array(words))


def test_targets_of_another_length_name_the_sequence():
    X = sequences()
    y = targets_per_step(X)
    y[5] = y[5][:-1]
    with pytest.raises(ValueError, match=r"^Sequence 5 of y has targets for"):
        LSTMRegressor(**SMALL, return_sequences=True).fit(column(X), column(y))


def test_several_targets_per_sequence():
    X = sequences()
    y = np.array([[x[0, 0], len(x)] for x in X])
    model = LSTMRegressor(**SMALL).fit(column(X), pa.array(y.tolist(), pa.list_(pa.float64(), 2)))
    assert_array_equal(model.parameters_, LSTMRegressor(**SMALL).fit(X, y).parameters_)


def test_columns_of_a_table_as_y_and_weights():
    X, y = sequences(), labels()
    weights = np.arange(1.0, 25)
    table = pa.table({"X": chunked(X), "y": y, "weight": weights})
    model = LSTMClassifier(**SMALL).fit(table["X"], table["y"], table["weight"])
    assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(X, y, weights).parameters_)


def test_numbers_of_a_type_that_is_not_floating():
    for kind in (pa.int8(), pa.uint64(), pa.float16(), pa.bool_()):
        X = [np.abs(x).round().clip(0, 1) for x in sequences()]
        flat = np.concatenate(X).astype(kind.to_pandas_dtype()).reshape(-1)
        steps = pa.FixedSizeListArray.from_arrays(pa.array(flat, kind), 3)
        given = pa.ListArray.from_arrays(np.cumsum([0, *map(len, X)]), steps)
        model = LSTMClassifier(**SMALL).fit(given, labels())
        assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(X, labels()).parameters_)


@pytest.mark.parametrize("form", [column, chunked, structs])
@pytest.mark.parametrize("missing", [False, True])
def test_categorical_features(form, missing):
    X = [np.column_stack([x[:, :2], np.arange(len(x)) % 4]) for x in sequences()]
    given = form(X)
    if missing:
        rows = [x.tolist() for x in X]
        for k, x in enumerate(X):
            x[0, 2], rows[k][0][2] = np.nan, None
        kind = given.type
        if form is structs:
            rows = [[dict(zip("abc", step, strict=True)) for step in x] for x in rows]
        given = pa.array(rows, kind)
    settings = {**SMALL, "categorical_features": [2]}
    twin = LSTMClassifier(**settings).fit(X, labels())
    model = LSTMClassifier(**settings).fit(given, labels())
    assert_array_equal(model.parameters_, twin.parameters_)
    assert_array_equal(model.categories_[0], twin.categories_[0])
    assert_array_equal(model.predict_proba(given), twin.predict_proba(X))


def test_categorical_features_by_name_and_their_types():
    kind = pa.list_(pa.struct([("speed", pa.float64()), ("gear", pa.int8())]))
    rng = np.random.default_rng(0)
    X = [np.column_stack([rng.normal(size=5), rng.integers(4, size=5)]) for _ in range(24)]
    given = pa.array([[{"speed": a, "gear": int(b)} for a, b in x] for x in X], kind)
    twin = LSTMClassifier(**SMALL, categorical_features=[1]).fit(X, labels())
    model = LSTMClassifier(**SMALL, categorical_features=["gear"]).fit(given, labels())
    assert_array_equal(model.parameters_, twin.parameters_)
    assert model.feature_names_in_.tolist() == ["speed", "gear"]
    LSTMClassifier(**SMALL, categorical_features="from_dtype").fit(given, labels())  # selects none
    with pytest.raises(ValueError, match="from_dtype"):
        LSTMClassifier(**SMALL, categorical_features="from_dtype").fit(column(X), labels())


def test_a_null_beside_a_categorical_feature_names_its_number():
    X = [[[0.0, None, 1.0]], [[0.0, 1.0, 2.0]]]
    given = pa.array(X, pa.list_(pa.list_(pa.float64(), 3)))
    model = LSTMRegressor(**SMALL, categorical_features=[0])
    with pytest.raises(ValueError, match="X is null: sequence 0, step 0, feature 1"):
        model.fit(given, [0.0, 1.0])


# ------------------------------------------------------------------------------- names


def test_names_are_compared_as_scikit_learn_does():
    X, y = sequences(), labels()
    model = LSTMClassifier(**SMALL).fit(structs(X), y)
    other = structs([x[:, :2] for x in X])
    before = attributes(model)
    with pytest.raises(ValueError, match=r"feature names should match.*\['a', 'b'\], but fit saw"):
        model.predict(other)
    assert attributes(model) == before
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(column(X))
    plain = LSTMClassifier(**SMALL).fit(X, y)
    with pytest.warns(
        UserWarning, match="X has feature names, but LSTMClassifier was fitted without"
    ):
        plain.predict(structs(X))
    with pytest.raises(ValueError, match="X has 2 features, but LSTMClassifier is expecting 3"):
        plain.predict(other)
    assert not hasattr(model.fit(X, y), "feature_names_in_")


def test_the_names_of_data_frames_are_those_of_structs():
    pd = pytest.importorskip("pandas")
    X, y = sequences(), labels()
    frames = [pd.DataFrame(x, columns=list("abc")) for x in X]
    model = LSTMClassifier(**SMALL).fit(frames, y)
    assert_array_equal(model.predict(structs(X)), model.predict(frames))
    scaler = SequenceScaler().fit(structs(X))
    assert scaler.get_feature_names_out().tolist() == list("abc")
    scaler.inverse_transform(structs(X))
    scaler.inverse_transform(column(X))


def test_names_are_learned_after_initialize():
    X = sequences()
    model = LSTMRegressor(**SMALL).initialize(3)
    model.partial_fit(structs(X), np.arange(24.0))
    assert model.feature_names_in_.tolist() == list("abc")


# ------------------------------------------------------------------- transformers and tools


@pytest.mark.parametrize("form", [column, chunked, structs])
@pytest.mark.parametrize(
    "cls", [SequenceScaler, SequenceImputer, SequenceContext, SequenceDifferences]
)
def test_transformers_return_lists(cls, form):
    X = sequences()
    found = cls().fit_transform(form(X))
    same(found, cls().fit_transform(X))


def test_pipelines():
    X, y = sequences(), labels()
    model = make_pipeline(SequenceScaler(), LSTMClassifier(**SMALL)).fit(chunked(X), y)
    twin = make_pipeline(SequenceScaler(), LSTMClassifier(**SMALL)).fit(X, y)
    assert_array_equal(model.predict_proba(column(X)), twin.predict_proba(X))


def test_an_encoder_of_words():
    X = [["a", "b", "a"], ["c"], ["b", "c"]]
    encoder = SequenceEncoder()
    same(encoder.fit_transform(pa.array(X)), SequenceEncoder().fit_transform(X))
    same(encoder.transform(pa.chunked_array([X[:1], X[1:]])), encoder.transform(X))


@pytest.mark.parametrize("cls", [RecurrentRegressor])
def test_baselines(cls):
    X = sequences()
    y = np.arange(24.0)
    model, twin = cls(max_iter=2, random_state=0), cls(max_iter=2, random_state=0)
    assert_array_equal(model.fit(column(X), y).predict(chunked(X)), twin.fit(X, y).predict(X))


def test_relative_regressor():
    X = sequences()
    y = np.array([x[-1, 0] for x in X])
    model = RelativeRegressor(LSTMRegressor(**SMALL), columns=[0])
    twin = RelativeRegressor(LSTMRegressor(**SMALL), columns=[0])
    assert_array_equal(model.fit(column(X), y).predict(chunked(X)), twin.fit(X, y).predict(X))


def test_tools():
    X = sequences()
    model = LSTMRegressor(**SMALL).fit(X, np.arange(24.0))
    same(attributions(model, chunked(X)), attributions(model, X))
    assert_array_equal(to_padded(chunked(X)), to_padded(X))
    steps = targets_per_step(X)
    for flat, wanted in zip(
        flatten_steps(chunked(steps), column(steps)), flatten_steps(steps, steps), strict=True
    ):
        assert_array_equal(flat, wanted)
    pytest.importorskip("pandas")
    assert to_long(column(X)).equals(to_long(X))


@pytest.mark.parametrize("form", ["chunks", "structs", "table", "polars lists"])
def test_permutation_importance(form):
    X, y = FORMS[form](sequences()), labels()
    model = LSTMClassifier(**SMALL).fit(X, y)
    twin = LSTMClassifier(**SMALL).fit(sequences(), y)
    found = permutation_importance(model, X, y, random_state=0)
    wanted = permutation_importance(twin, sequences(), y, random_state=0)
    assert_array_equal(found.importances, wanted.importances)


# --------------------------------------------------------------------- parts of a column

# pyarrow 16 cannot select list views
INDEXED = [form for form in FORMS if form not in ("DuckDB", "Awkward Array", "list views")]


@pytest.mark.parametrize("scoring", [None, "loss", "accuracy"])
@pytest.mark.parametrize("form", INDEXED)
def test_early_stopping(form, scoring):
    X, y = sequences(60), labels(60)
    settings = {**SMALL, "early_stopping": True, "scoring": scoring, "validation_fraction": 0.3}
    model = LSTMClassifier(**settings).fit(FORMS[form](X), y)
    twin = LSTMClassifier(**settings).fit(X, y)
    assert_array_equal(model.parameters_, twin.parameters_)
    assert model.validation_scores_ == twin.validation_scores_


def test_early_stopping_with_targets_per_step():
    X = sequences(30)
    y, weights = targets_per_step(X), [1 + np.arange(len(x)) % 2 for x in X]
    settings = {**SMALL, "early_stopping": True, "return_sequences": True, "scoring": "r2"}
    model = LSTMRegressor(**settings).fit(chunked(X), column(y), column(weights))
    twin = LSTMRegressor(**settings).fit(X, y, weights)
    assert model.validation_scores_ == twin.validation_scores_


def test_early_stopping_with_own_validation_data():
    X, y = sequences(30), labels(30)
    settings = {**SMALL, "early_stopping": True, "scoring": "accuracy"}
    model = LSTMClassifier(**settings).fit(column(X), y, X_val=chunked(X[:9]), y_val=y[:9])
    twin = LSTMClassifier(**settings).fit(X, y, X_val=X[:9], y_val=y[:9])
    assert model.validation_scores_ == twin.validation_scores_


def test_early_stopping_on_a_query():
    X, y = sequences(60), labels(60)
    settings = {**SMALL, "early_stopping": True}
    LSTMClassifier(**settings).fit(of_duckdb(X), y)
    with pytest.raises(TypeError, match="Early stopping with this scoring reads X twice"):
        LSTMClassifier(**settings, scoring="accuracy").fit(of_duckdb(X), y)


@pytest.mark.parametrize("form", INDEXED)
def test_searches(form):
    X, y = sequences(), np.array(labels())
    search = GridSearchCV(LSTMClassifier(**SMALL), {"hidden_layer_sizes": [2, 3]}, cv=3)
    found = search.fit(FORMS[form](X), y).cv_results_["mean_test_score"]
    wanted = search.fit(X, y).cv_results_["mean_test_score"]
    assert_array_equal(found, wanted)


def test_cross_validation_with_targets_per_step():
    X = sequences()
    y = targets_per_step(X)
    model = LSTMRegressor(**SMALL, return_sequences=True)
    for scoring in (None, make_step_scorer("r2")):
        found = cross_val_score(model, chunked(X), column(y), cv=3, scoring=scoring)
        assert_array_equal(found, cross_val_score(model, X, y, cv=3, scoring=scoring))


@pytest.mark.parametrize("form", INDEXED)
def test_splits(form):
    X, y = sequences(), labels()
    parts = train_test_split(FORMS[form](X), y, random_state=0)
    wanted = train_test_split(X, y, random_state=0)
    model = LSTMClassifier(**SMALL).fit(parts[0], parts[2])
    twin = LSTMClassifier(**SMALL).fit(wanted[0], wanted[2])
    assert_array_equal(model.predict_proba(parts[1]), twin.predict_proba(wanted[1]))


# ------------------------------------------------------------------------------ other forms


def test_a_reader_is_read_once():
    X, y = sequences(), labels()
    reader = pa.table({"X": chunked(X)}).to_reader()
    model = LSTMClassifier(**SMALL).fit(reader, y)
    assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(X, y).parameters_)


def test_extension_types_use_their_storage():
    X = np.random.default_rng(0).normal(size=(24, 5, 3))
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(X)
    model = LSTMClassifier(**SMALL).fit(tensors, labels())
    assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(X, labels()).parameters_)
    assert isinstance(SequenceScaler().fit_transform(tensors), list)


def test_tables_of_numbers_are_tables():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(24, 4))
    given = pa.table({name: table[:, k] for k, name in enumerate("abcd")})
    model = LSTMClassifier(**SMALL).fit(given, labels())
    assert_array_equal(model.parameters_, LSTMClassifier(**SMALL).fit(table, labels()).parameters_)
    words = given.append_column("word", [["x"] * len(table)])
    with pytest.raises(ValueError, match="sequence 0, step 4, column 'word'"):
        LSTMClassifier(**SMALL).fit(words, labels())
    with pytest.raises(ValueError, match="Column 'id' of X repeats values"):
        LSTMClassifier(**SMALL).fit(given.append_column("id", [[3] * len(table)]), labels())


@pytest.mark.parametrize("kind", ["Table", "RecordBatch"])
def test_tables_of_steps_are_sequences(kind):
    def steps(x, names="ab"):
        table = pa.table({name: x[:, k] for k, name in enumerate(names)})
        return table if kind == "Table" else table.to_batches()[0]

    arrays = [np.ascontiguousarray(x[:, :2]) for x in sequences()]
    model = LSTMClassifier(**SMALL).fit([steps(x) for x in arrays], labels())
    expected = LSTMClassifier(**SMALL).fit(arrays, labels())
    assert_array_equal(model.parameters_, expected.parameters_)
    with pytest.raises(ValueError, match=r"Sequence 1 of X has the columns \['b', 'a'\]"):
        model.predict([steps(arrays[0]), steps(arrays[1], "ba")])


def test_a_table_with_lists_and_other_columns_raises():
    table = pa.table({"X": column(sequences()), "y": labels()})
    for given in (table, table.to_batches()[0]):
        with pytest.raises(TypeError, match=r"X is a table with the columns .* X\['X'\]"):
            LSTMClassifier(**SMALL).fit(given, labels())
    pl = pytest.importorskip("polars")
    with pytest.raises(TypeError, match="Pass one column of lists"):
        LSTMClassifier(**SMALL).fit(pl.from_arrow(table), labels())


def test_awkward_arrays_are_converted_by_their_library():
    ak = pytest.importorskip("awkward")
    with pytest.raises(TypeError, match=r"pass ak.to_arrow\(X\)"):
        LSTMClassifier(**SMALL).fit(ak.from_arrow(column(sequences())), labels())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([["a"], ["b"]], "strings"),
        (pa.array([["a"], ["b"]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), "dictionary"),
        (pa.array([[1], [2]], pa.list_(pa.date32())), "dates"),
        (pa.array([[1], [2]], pa.list_(pa.timestamp("s", "UTC"))), "dates"),
        (pa.array([[1], [2]], pa.list_(pa.duration("s"))), "dates"),
        (pa.array([["1.5"], ["2.5"]]).cast(pa.list_(pa.decimal128(5, 2))), "decimal"),
        ([[[[1.0]]]], "lists within steps"),
        ([[{"a": [1.0]}]], r"lists within steps in the field 'a'"),
        ([[{"a": "x"}]], r"strings in the field 'a'"),
    ],
)
def test_other_values_raise_a_type_error(values, words):
    with pytest.raises(TypeError, match=f"X is an Arrow column of lists that contain {words}"):
        LSTMClassifier(**SMALL).fit(pa.array(values), [0, 1])


def test_predictions_have_the_form_of_lists():
    X = sequences()
    model = LSTMRegressor(**SMALL, return_sequences=True).fit(X, targets_per_step(X))
    for form in (column, chunked, structs):
        if form is structs:
            model.fit(structs(X), targets_per_step(X))
        assert type(model.predict(form(X))) is list

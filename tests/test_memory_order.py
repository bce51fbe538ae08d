"""Arrays of any memory order, stride, byte order and library give the bits of plain copies."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from problems import cube, labels, sequences

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    RecurrentRegressor,
    SequenceChunker,
)
from sklstm.compose import RelativeRegressor
from sklstm.inspection import error_flow, hidden_states, permutation_importance
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:X does not have valid feature names"),
]

SMALL = {"hidden_layer_sizes": 3, "max_iter": 3, "random_state": 0, "n_jobs": 1}


def reversed_strides(a):
    return np.flip(np.ascontiguousarray(np.flip(a)))


def unaligned(a):
    flat = np.frombuffer(b"." + np.ascontiguousarray(a).tobytes(), np.uint8)[1:]
    return flat.view(a.dtype).reshape(a.shape)


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def picked(a):
    """Columns picked by a list come in column order."""
    return np.concatenate([a, a], axis=-1)[..., list(range(a.shape[-1]))] if a.ndim > 1 else a


def frame(a):
    """Frames keep a column together, and a window of one is strided."""
    if a.ndim > 2:
        return np.asfortranarray(a)
    if a.ndim == 1:
        return pd.Series(np.repeat(a, 2), name="y").iloc[::2]
    names = [f"c{k}" for k in range(a.shape[1])]
    return pd.DataFrame(np.concatenate([a, a]), columns=names).iloc[: len(a)]


def polars_frame(a):
    pl = pytest.importorskip("polars")
    if a.ndim > 2:
        return np.asfortranarray(a)
    if a.ndim == 1:
        return pl.Series(a)
    return pl.DataFrame({f"c{k}": column for k, column in enumerate(a.T)})


FORMS = {
    "column order": np.asfortranarray,
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
    "picked columns": picked,
    "every other": lambda a: np.repeat(a, 2, axis=0)[::2],
    "reversed": reversed_strides,
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder("S")),
    "unaligned": unaligned,
    "read-only": read_only,
    "masked nowhere": np.ma.array,
    "frame": frame,
    "polars": polars_frame,
}


class Data:
    """X, y and weights in one form."""

    def __init__(self, form, dtype):
        self.form, self.dtype = form, dtype

    def sequences(self, n=12):
        return [self.form(x) for x in sequences(n, dtype=self.dtype)]

    def cube(self, n=12):
        return self.form(cube(n, dtype=self.dtype))

    def table(self, n=12):
        return self.form(cube(n, dtype=self.dtype).reshape(n, -1))

    def outputs(self, n=12):
        rng = np.random.default_rng(1)
        return self.form(rng.normal(size=(n, 3)).astype(self.dtype))

    def indicator(self, n=12):
        return self.form(np.random.default_rng(2).integers(2, size=(n, 3)))

    def labels(self, n=12):
        return self.form(labels(n, 3))

    def names(self, n=12):
        return self.form(labels(n, 3, ["a", "bb", "c"]))

    def weights(self, n=12):
        return self.form(np.linspace(0.5, 2, n, dtype=self.dtype))

    def steps(self, entries, n=12):
        """Entries of steps: a list with one array per sequence."""
        rng = np.random.default_rng(3)
        return [self.form(entries(rng, len(x))) for x in sequences(n)]


def learned(model, X, *, proba=False):
    outputs = model.predict_proba(X) if proba else model.predict(X)
    return [model.parameters_, *([outputs] if isinstance(outputs, np.ndarray) else outputs)]


def regression(d):
    X, y, w = d.sequences(), d.outputs(), d.weights()
    model = LSTMRegressor(**SMALL).fit(X, y, w)
    scores = [model.score(X, y), model.score(X, y, w)]
    return [*learned(model, X), scores, *learned(model.partial_fit(X, y, w), X)]


def arrays(d):
    X, y = d.cube(), d.outputs()
    model = LSTMRegressor(**SMALL).fit(X, y)
    return [*learned(model, X), model.score(X, y)]


def tables(d):
    X, y = d.table(), d.labels()
    model = LSTMClassifier(**SMALL, features_per_step=2).fit(X, y)
    return [*learned(model, X, proba=True), model.score(X, y)]


def classification(d):
    X, y, w = d.sequences(), d.labels(), d.weights()
    model = LSTMClassifier(**SMALL, class_weight="balanced").fit(X, y, w)
    scores = [model.score(X, y), model.score(X, y, w)]
    model.set_params(class_weight=None)
    return [*learned(model, X, proba=True), scores, *learned(model.partial_fit(X, y, None, w), X)]


def names_of_classes(d):
    X, y = d.sequences(), d.names()
    model = LSTMClassifier(**SMALL).fit(X, y)
    return [*learned(model, X, proba=True), model.predict(X).tolist(), model.score(X, y)]


def multilabel(d):
    X, y = d.sequences(), d.indicator()
    model = LSTMClassifier(**SMALL).fit(X, y)
    return [*learned(model.partial_fit(X, y), X, proba=True), model.score(X, y)]


def outputs_per_step(d):
    X = d.sequences()
    y = d.steps(lambda rng, n: rng.normal(size=(n, 2)))
    w = d.steps(lambda rng, n: rng.uniform(0.5, 1, size=n))
    model = LSTMRegressor(**SMALL, return_sequences=True).fit(X, y, w)
    return [*learned(model, X), model.score(X, y, w)]


def labels_per_step(d):
    X = d.sequences()
    y = d.steps(lambda rng, n: rng.integers(3, size=n))
    model = LSTMClassifier(**SMALL, return_sequences=True).fit(X, y)
    return [*learned(model, X, proba=True), model.score(X, y)]


def indicator_per_step(d):
    X = d.sequences()
    y = d.steps(lambda rng, n: rng.integers(2, size=(n, 3)))
    model = LSTMClassifier(**SMALL, return_sequences=True).fit(X, y)
    return [*learned(model, X, proba=True), model.score(X, y)]


def array_of_steps(d):
    X, y = d.cube(), d.form(cube(12, n_features=3, seed=4))
    model = LSTMRegressor(**SMALL, return_sequences=True).fit(X, y)
    return [*learned(model, X), model.score(X, y)]


def validation(d):
    X, y, w = d.sequences(), d.outputs(), d.weights()
    model = LSTMRegressor(**SMALL, early_stopping=True)
    model.fit(X, y, X_val=d.sequences(6), y_val=d.outputs(6), sample_weight_val=d.weights(6))
    given = [*learned(model, X), model.validation_scores_]
    model.set_params(validation_fraction=0.3).fit(X, y, w)
    return [*given, *learned(model, X), model.validation_scores_]


def streams(d):
    plain = Data(np.array, d.dtype)
    model = LSTMRegressor(**SMALL).fit(plain.sequences(), plain.outputs())
    stream = model.stream()
    steps, targets = np.asarray(d.outputs(20))[:, :2], np.asarray(d.outputs(20))
    out = [(stream.step(x), stream.learn(y)) for x, y in zip(steps, targets, strict=True)]
    return [np.array([a for a, _ in out]), [b for _, b in out], model.parameters_]


def relative(d):
    X, y, w = d.sequences(), d.outputs(), d.weights()
    model = RelativeRegressor(LSTMRegressor(**SMALL), columns=[0, 1, 0])
    model.fit(X, y, sample_weight=w).partial_fit(X, y, sample_weight=w)
    return [model.predict(X), model.predict(d.cube()), model.score(X, y, w)]


def relative_steps(d):
    X, y = d.sequences(), d.steps(lambda rng, n: rng.normal(size=(n, 2)))
    model = RelativeRegressor(LSTMRegressor(**SMALL, return_sequences=True), columns=[0, 1])
    return [*model.fit(X, y).predict(X), model.score(X, y)]


def scaler(d):
    found = []
    for X in (d.sequences(), d.cube(), d.table()):
        model = SequenceScaler().fit(X, sample_weight=d.weights()).partial_fit(X)
        scaled = model.transform(X)
        found += [model.mean_, model.var_, *scaled, *model.inverse_transform(scaled)]
    return found


def step_features(d):
    found = []
    for X in (d.sequences(), d.cube(), d.table()):
        for model in (SequenceDifferences(2), SequenceContext(1, 2)):
            found += [*np.asarray(model.fit_transform(X), dtype=object)]
        for strategy in ("forward", "linear", "mean", "median"):
            model = SequenceImputer(strategy, add_indicator=True, add_elapsed=True)
            found += [*np.asarray(model.fit(X, sample_weight=d.weights()).transform(X), object)]
            found.append(model.statistics_)
    rows, stream = np.asarray(d.outputs(5)), SequenceDifferences().fit(d.cube(3)).stream()
    return [*found, *(stream.step(row[:2]) for row in rows)]


def baseline(model):
    def door(d):
        X, y, w = d.sequences(), d.outputs(), d.weights()
        model.fit(X, y, w)
        return [*learned(model, X), model.score(X, y)]

    return door


def inspection(d):
    x = d.sequences(6)[4]
    model = LSTMRegressor(**SMALL).initialize(2)
    return [*hidden_states(model, x).values(), *error_flow(model, [x]).values()]


def importances(d):
    X, model = d.sequences(), LSTMRegressor(**SMALL).initialize(2, n_outputs=3)
    result = permutation_importance(model, X, d.outputs(), by="both", random_state=0, n_repeats=2)
    return [result.importances]


DOORS = {
    door.__name__: door
    for door in (
        regression,
        arrays,
        tables,
        classification,
        names_of_classes,
        multilabel,
        outputs_per_step,
        labels_per_step,
        indicator_per_step,
        array_of_steps,
        validation,
        streams,
        relative,
        relative_steps,
        scaler,
        step_features,
        inspection,
        importances,
    )
} | {
    type(model).__name__: baseline(model.set_params(random_state=0))
    for model in (
        GuessingRegressor(2, max_iter=3),
        RecurrentRegressor(2, max_iter=2),
        RecurrentCascadeRegressor(1, n_candidates=1, max_phase_iter=2),
        SequenceChunker(2, max_iter=2),
    )
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("door", DOORS)
def test_the_form_of_the_data_changes_no_bit(door, dtype, form):
    expected = DOORS[door](Data(np.array, dtype))
    got = DOORS[door](Data(FORMS[form], dtype))
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


def test_a_list_of_both_orders_is_read_step_by_step():
    X = sequences(6)
    mixed = [np.asfortranarray(x) if k % 2 else x for k, x in enumerate(X)]
    model = LSTMRegressor(**SMALL).initialize(2)
    assert_array_equal(model.predict(mixed), model.predict(X))


def test_groups_of_a_frame_and_their_rows_are_read_as_their_copies():
    X = sequences(6)
    long = pd.DataFrame(np.concatenate(X), columns=["u", "v"])
    ids = np.repeat(range(6), [len(x) for x in X])
    groups = [group.to_numpy() for _, group in long.groupby(ids)]
    model = LSTMRegressor(**SMALL).initialize(2)
    assert_array_equal(model.predict(groups), model.predict(X))
    stream, other = model.stream(), model.stream()
    for row, (_, series) in zip(np.asfortranarray(long), long.iterrows(), strict=True):
        assert stream.step(row) == other.step(series)

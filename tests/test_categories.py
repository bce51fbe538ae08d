"""Categorical features of the estimators: the laws, and what is refused."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklstm import LSTMClassifier, LSTMRegressor, inspection
from sklstm._topology import CELLS

CODES = [np.arange(5.0), np.array([3.0, 4, 7, 11])]  # of features 1 and 3
NUMBERS, COLUMNS = [0, 2], [1, 3]
SOLVERS = {
    "adam": dict(solver="adam"),
    "plain sgd": dict(solver="sgd", momentum=0.0),
    "momentum": dict(solver="sgd"),
    "penalty": dict(solver="sgd", momentum=0.0, alpha=0.1),
    "clipped": dict(solver="sgd", momentum=0.0, clip_norm=1e-3),
    "penalty, clipped": dict(solver="sgd", momentum=0.0, alpha=0.1, clip_norm=1e-3),
}


def data(n=12, seed=0, per_step=False):
    """Sequences of two numbers and two codes, now and then one that is no category."""
    rng = np.random.default_rng(seed)
    X = []
    for length in rng.integers(1, 8, n):
        x = rng.normal(size=(length, 4))
        x[:, 1] = rng.integers(-1, 5, length)
        x[:, 3] = rng.choice([*CODES[1], -2.0], length)
        X.append(x)
    y = [rng.normal(size=len(x)) for x in X] if per_step else rng.normal(size=n)
    return X, y


def one_hot(X):
    ones = [
        [(x[:, [k]] == codes).astype(float) for k, codes in zip(COLUMNS, CODES, strict=True)]
        for x in X
    ]
    return [np.hstack([x[:, NUMBERS], *parts]) for x, parts in zip(X, ones, strict=True)]


def pair(hidden=3, kind=LSTMRegressor, **settings):
    """A model with categories, and the same with columns of 0 and 1."""
    given = {"classes": [0, 1]} if kind is LSTMClassifier else {}
    settings = dict(random_state=0, learning_rate_init=0.05) | settings
    ours = kind(hidden, categorical_features=COLUMNS, **settings)
    ours.initialize(4, categories=CODES, **given)
    theirs = kind(hidden, **settings).initialize(11, **given)
    for mine, their in zip(ours.layers_, theirs.layers_, strict=True):
        if "category" in mine:
            mine["input"] = np.hstack([mine["input"], mine.pop("category")])
        for name, array in their.items():
            array[:] = mine[name]
    theirs.output_weights_[:], theirs.output_bias_[:] = ours.output_weights_, ours.output_bias_
    return ours, theirs


def close(found, expected, rtol=1e-9):
    for mine, their in zip(found, expected, strict=True):
        assert_allclose(mine, their, rtol=rtol, atol=1e-12)


# ------------------------------------------------------------------------- the laws


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("gradient", ["full", "truncated"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_training_is_that_of_columns_of_0_and_1(cell, gradient, solver):
    X, y = data()
    ours, theirs = pair((4, 2), cell=cell, gradient=gradient, block_size=2, **SOLVERS[solver])
    for _ in range(3):  # the second call goes on from another batch of categories
        ours.partial_fit(X, y).partial_fit(X[:2], y[:2])
        theirs.partial_fit(one_hot(X), y).partial_fit(one_hot(X[:2]), y[:2])
    close(ours.predict(X), theirs.predict(one_hot(X)))
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_momentum_may_be_switched_off_and_on(alpha):
    X, y = data()
    ours, theirs = pair(solver="sgd", alpha=alpha)
    for momentum in (0.9, 0.0, 0.9, 0.0, 0.5):
        for model, given in ((ours, X), (theirs, one_hot(X))):
            model.set_params(momentum=momentum).partial_fit(given, y).partial_fit(given[:2], y[:2])
    close(ours.predict(X), theirs.predict(one_hot(X)))


@pytest.mark.parametrize(
    "settings",
    [
        dict(bidirectional=True),
        dict(bidirectional=True, hidden_layer_sizes=(3, 2)),
        dict(pooling="mean", dropout=0.3, recurrent_dropout=0.2),
        dict(pooling="max", n_jobs=2),
        dict(hidden_layer_sizes=70),
        dict(return_sequences=True),
        dict(kind=LSTMClassifier),
    ],
    ids=str,
)
def test_every_kind_of_net_reads_categories(settings):
    hidden = settings.pop("hidden_layer_sizes", 3) if "hidden_layer_sizes" in settings else 3
    per_step = settings.get("return_sequences", False)
    X, y = data(40, per_step=per_step)
    ours, theirs = pair(hidden, **settings)
    if isinstance(ours, LSTMClassifier):
        y = (y > 0).astype(int)
    ours.set_params(warm_start=True, max_iter=3).fit(X, y)
    theirs.set_params(warm_start=True, max_iter=3).fit(one_hot(X), y)
    close(ours.predict(X), theirs.predict(one_hot(X)))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_stream_steps_and_learns_as_with_columns_of_0_and_1(cell, pooling, solver):
    (x, z), (y, _) = data(2, seed=3)
    x, z = np.vstack([x] * 6), np.vstack([z, x])
    ours, theirs = pair(5, cell=cell, pooling=pooling, block_size=2, **SOLVERS[solver])
    mine, their = ours.stream(), theirs.stream()
    for steps in (x, z):
        for t, (now, ones) in enumerate(zip(steps, one_hot([steps])[0], strict=True)):
            assert mine.peek(now) == pytest.approx(their.peek(ones), rel=1e-9)
            assert mine.step(now) == pytest.approx(their.step(ones), rel=1e-9)
            if t % 3 == 0:
                assert mine.learn(y) == pytest.approx(their.learn(y), rel=1e-8)
            if t == 7:
                mine = pickle.loads(pickle.dumps(mine))
                ours = mine.estimator
        mine.reset()
        their.reset()
    close(ours.predict([z]), theirs.predict(one_hot([z])), rtol=1e-8)


@pytest.mark.parametrize("pooling", ["last", "max"])
def test_a_stream_that_was_saved_goes_on_with_the_same_bits(pooling):
    X, _ = data(20, seed=7)
    x, y = np.vstack(X), np.random.default_rng(0).normal(size=100)
    ours, others = (pair(5, pooling=pooling)[0] for _ in range(2))
    stream, other = ours.stream(), others.stream()
    for t, now in enumerate(x[:60]):
        other = pickle.loads(pickle.dumps(other))
        assert stream.step(now) == other.step(now)
        if t % 2:  # between a step and its target, too
            other = pickle.loads(pickle.dumps(other))
        if t % 7 == 3:
            assert stream.learn(y[t]) == other.learn(y[t])
    assert_array_equal(ours.parameters_, other.estimator.parameters_)


def test_symbols_that_have_faded_are_let_go_of():
    model = LSTMRegressor(4, categorical_features=[0], random_state=0, solver="sgd", momentum=0)
    model.initialize(1, categories=[200])
    for views in model.layers_:
        views["bias"][4:8] = -20  # forget gates that are shut
    stream = model.stream()
    for code in range(200):
        stream.step([code])
    stream.learn(1.0)
    assert stream._gradient.n_read[0] < 60
    before = model.parameters_.copy()
    stream.learn(1.0)
    moved = (model._topology.table(model.parameters_ - before) != 0).any(axis=1)
    assert moved[199] and not moved[:100].any()


def test_blocks_of_steps_are_steps_one_by_one():
    X, _ = data(1, seed=5)
    x = np.vstack([X[0]] * 20)
    y = np.random.default_rng(0).normal(size=len(x))
    first, second = (pair(6)[0] for _ in range(2))
    outputs, losses = first.stream().learn_steps(x, y)
    stream, one_by_one = second.stream(), []
    for now, target in zip(x, y, strict=True):
        one_by_one.append((stream.step(now), stream.learn(target)))
    assert_array_equal(np.column_stack([outputs, losses]), one_by_one)
    assert_array_equal(first.parameters_, second.parameters_)
    assert_array_equal(
        first.stream().steps(x), [v for s in [second.stream()] for v in map(s.step, x)]
    )


def test_symbols_that_come_back_after_others_have_faded_learn_as_columns_of_0_and_1():
    settings = dict(solver="sgd", momentum=0.0, learning_rate_init=0.1, random_state=0)
    ours = LSTMRegressor(4, categorical_features=[0], **settings).initialize(1, categories=[60])
    theirs = LSTMRegressor(4, **settings).initialize(60)
    for mine, their in zip(ours.layers_, theirs.layers_, strict=True):
        mine["bias"][4:8] = -20  # forget gates that are shut: traces fade in a few steps
        for name, array in their.items():
            array[:] = mine["category" if name == "input" else name]
    theirs.output_weights_[:], theirs.output_bias_[:] = ours.output_weights_, ours.output_bias_
    mine, their, let_go = ours.stream(), theirs.stream(), False
    codes = np.concatenate([np.arange(60), np.random.default_rng(0).integers(50, 60, 60)])
    for t, code in enumerate(codes):
        assert mine.step([code]) == pytest.approx(their.step(np.eye(60)[code]), rel=1e-9)
        if t % 3 == 0:
            assert mine.learn(np.sin(t)) == pytest.approx(their.learn(np.sin(t)), rel=1e-8)
            let_go = let_go or mine._gradient.n_read[0] < len(set(codes[: t + 1])) - 5
    assert let_go
    assert_allclose(ours.layers_[0]["category"], theirs.layers_[0]["input"], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("method", ["gradient", "integrated"])
def test_attributions_are_those_of_the_columns_of_the_categories(method):
    X, _ = data(70)
    ours, theirs = pair(4)
    found = inspection.attributions(ours, X, method=method)
    expected = inspection.attributions(theirs, one_hot(X), method=method)
    for x, mine, their in zip(X, found, expected, strict=True):
        assert_allclose(mine[:, NUMBERS], their[:, :2], rtol=1e-7, atol=1e-12)
        for k, start, codes in ((1, 2, CODES[0]), (3, 7, CODES[1])):
            for t, code in enumerate(x[:, k]):
                place = np.flatnonzero(codes == code)
                wanted = their[t, start + place[0]] if len(place) else 0.0
                assert mine[t, k] == pytest.approx(wanted, rel=1e-7, abs=1e-12)


def test_states_are_those_of_columns_of_0_and_1():
    X, _ = data(3)
    ours, theirs = pair((4, 2), bidirectional=True)
    for layer in range(4):
        found = inspection.hidden_states(ours, X[0], layer=layer)
        expected = inspection.hidden_states(theirs, one_hot(X)[0], layer=layer)
        assert_allclose(found.state, expected.state, rtol=1e-12)
    flow = inspection.error_flow(ours, X).state
    assert_allclose(flow, inspection.error_flow(theirs, one_hot(X)).state, rtol=1e-12)


# ------------------------------------------------------------------------- which categories


def test_categories_are_what_fit_saw():
    X, y = data()
    X[0][0, 1] = np.nan
    model = LSTMRegressor(3, categorical_features=COLUMNS, max_iter=2, random_state=0).fit(X, y)
    assert_array_equal(model.is_categorical_, [False, True, False, True])
    assert_array_equal(model.categories_[0], [0, 1, 2, 3, 4, np.nan])
    assert_array_equal(model.categories_[1], [3, 4, 7, 11])
    layer = model.layers_[0]
    assert layer["input"].shape == (12, 2) and layer["category"].shape == (12, 10)
    assert model.n_parameters_ == model.parameters_.size == 12 * (2 + 3 + 1) + 4 + 12 * 10
    assert model.n_features_in_ == 4


def test_what_fit_did_not_see_contributes_nothing():
    X, y = data()
    model = LSTMRegressor(3, categorical_features=COLUMNS, max_iter=2, random_state=0).fit(X, y)
    expected = [x.copy() for x in X]
    for k, x in enumerate(expected):
        x[:, 1] = (-1, -7, 1e6, 77, np.nan)[k % 5]
    none = [x.copy() for x in expected]
    for x in none:
        x[:, 1] = -1
    assert_array_equal(model.predict(expected), model.predict(none))
    # ... but a missing one does if fit has seen one
    X[0][0, 1] = np.nan
    model.fit(X, y)
    assert model.predict([none[4]]) != model.predict([expected[4]])


def test_a_new_fit_knows_its_own_categories_alone():
    X, y = data(30)
    few = [np.where(x == 4, -1, x) for x in X]
    model = LSTMRegressor(3, categorical_features=COLUMNS, max_iter=2, random_state=0).fit(X, y)
    again = clone(model).fit(few, y)
    assert_array_equal(model.fit(few, y).parameters_, again.parameters_)
    assert [len(codes) for codes in model.categories_] == [4, 3]
    model.set_params(categorical_features=None).fit(few, y)
    assert model.categories_ is None and model.predict(few).shape == (30,)


def test_without_categories_nothing_changes():
    X, y = data()
    plain = LSTMRegressor(3, max_iter=2, random_state=0).fit(X, y)
    none = LSTMRegressor(3, max_iter=2, random_state=0, categorical_features=[]).fit(X, y)
    assert_array_equal(none.parameters_, plain.parameters_)
    assert none.is_categorical_ is None and none.categories_ is None


@pytest.mark.parametrize("solver", SOLVERS)
def test_partial_fit_adds_new_categories_that_contribute_nothing_yet(solver):
    X, y = data(30)
    early = [np.where(x == 4, -1, x) for x in X]  # without one of each feature
    model = LSTMRegressor(
        3, categorical_features=COLUMNS, random_state=0, bidirectional=True, **SOLVERS[solver]
    ).partial_fit(early, y)
    before, stream_of = model.predict(X), clone(model)
    assert [len(c) for c in model.categories_] == [4, 3]
    model.set_params(learning_rate_init=1e-300, momentum=0.0).partial_fit(X, y)
    assert [c.tolist() for c in model.categories_] == [[0, 1, 2, 3, 4], [3, 7, 11, 4]]
    assert_allclose(model.predict(X), before, rtol=1e-12)
    model.set_params(learning_rate_init=0.01, momentum=0.9).partial_fit(X, y)
    assert model.layers_[0]["category"][:, [4, 8]].all()
    assert stream_of.categories_ is None


def test_a_warm_start_adds_categories_and_early_stopping_takes_unknown_ones():
    X, y = data(30)
    early = [np.where(x == 4, -1, x) for x in X]
    model = LSTMRegressor(
        3, categorical_features=COLUMNS, random_state=0, warm_start=True, max_iter=3,
        early_stopping=True,
    )  # fmt: skip
    model.fit(early[:20], y[:20], X_val=X[20:], y_val=y[20:])
    assert len(model.categories_[0]) == 4
    model.fit(X, y)
    assert len(model.categories_[0]) == 5


def test_a_failed_call_leaves_the_categories_as_they_were():
    X, y = data(30)
    early = [np.where(x == 4, -1, x) for x in X]
    model = LSTMRegressor(3, categorical_features=COLUMNS, random_state=0).partial_fit(early, y)
    before = model.parameters_.copy()
    with pytest.raises(ValueError, match="y has 3 rows"):
        model.partial_fit(X, y[:3])
    assert len(model.categories_[0]) == 4
    assert_array_equal(model.parameters_, before)


def test_initialize_is_told_the_categories():
    model = LSTMRegressor(3, categorical_features=[0, 2]).initialize(3, categories=[4, [1, 5]])
    assert [c.tolist() for c in model.categories_] == [[0, 1, 2, 3], [1, 5]]
    assert LSTMRegressor(3).initialize(3).categories_ is None
    for bad in (None, [4], [4, 5, 6], 4, [4, [1, 1]], [4, [-1]], [4, [0.5]], [4, "ab"], [-1, 1]):
        with pytest.raises(ValueError, match="categories must"):
            LSTMRegressor(3, categorical_features=[0, 2]).initialize(3, categories=bad)
    with pytest.raises(ValueError, match="must be a list with one entry for each of the 0"):
        LSTMRegressor(3).initialize(3, categories=[4])


# ------------------------------------------------------------------------- forms of X


def test_all_forms_of_x_are_one():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, size=(20, 6, 1))
    y = rng.normal(size=20)
    model = LSTMRegressor(3, categorical_features=[0], max_iter=2, random_state=0).fit(X, y)
    expected = model.predict(X)
    assert_array_equal(clone(model).fit(list(X), y).predict(list(X)), expected)
    table = clone(model).fit(X[:, :, 0], y)
    assert_array_equal(table.predict(X[:, :, 0]), expected)
    two = clone(model).set_params(features_per_step=2, categorical_features=[True, False])
    assert two.fit(X[:, :, 0], y).layers_[0]["input"].shape == (12, 1)
    assert_array_equal(two.predict(X[:, :, 0]), pickle.loads(pickle.dumps(two)).predict(X[:, :, 0]))


def test_columns_by_name_mask_and_type():
    pd = pytest.importorskip("pandas")
    X, y = data(20)
    names = ["a", "b", "c", "d"]
    frames = [pd.DataFrame(x, columns=names) for x in X]
    by_number = LSTMRegressor(3, categorical_features=COLUMNS, max_iter=2, random_state=0)
    expected = by_number.fit(X, y).predict(X)
    for chosen in (["b", "d"], [False, True, False, True]):
        model = clone(by_number).set_params(categorical_features=chosen).fit(frames, y)
        assert_array_equal(model.predict(frames), expected)
    with pytest.raises(ValueError, match="selects the feature 'e'"):
        clone(by_number).set_params(categorical_features=["e"]).fit(frames, y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_categories_may_hold_anything(library):
    module = pytest.importorskip(library)
    words = np.array(["up", "down", "left", None], dtype=object)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 4, size=length) for length in rng.integers(2, 6, 30)]
    y = rng.normal(size=30)

    def frame(codes, labels=words):
        values = labels[codes].tolist()
        if library == "pandas":
            column = module.Categorical(values)
        else:
            column = module.Series(values, dtype=module.Categorical)
        return module.DataFrame({"x": np.arange(len(codes)) / 4, "word": column})

    frames = [frame(codes) for codes in drawn]
    model = LSTMRegressor(3, categorical_features="from_dtype", max_iter=3, random_state=0)
    model.fit(frames, y)
    labels = model.categories_[0].tolist()
    assert set(labels) == set(words)
    codes = [np.array([labels.index(w) for w in words[c]], float) for c in drawn]
    X = [np.column_stack([np.arange(len(c)) / 4, np.where(words[d] == None, np.nan, c)])  # noqa: E711
         for c, d in zip(codes, drawn, strict=True)]  # fmt: skip
    other = LSTMRegressor(3, categorical_features=[1], max_iter=3, random_state=0).fit(X, y)
    assert_allclose(model.predict(frames), other.predict(X), rtol=1e-12)
    assert other.n_parameters_ == model.n_parameters_
    unknown = frame(drawn[0], np.array(["?"] * 4, dtype=object))
    assert np.isfinite(model.predict([unknown])).all()
    model.partial_fit([frame(drawn[0], np.array(["new"] * 4, dtype=object))], y[:1])
    assert model.categories_[0].tolist() == [*labels, "new"]


def test_a_search_and_clones_and_pickles():
    X, y = data(30)
    search = GridSearchCV(
        LSTMRegressor(3, max_iter=2, random_state=0),
        {"categorical_features": [None, COLUMNS], "alpha": [0, 0.1]},
        cv=2,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search.fit([np.nan_to_num(x) for x in X], y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    model = LSTMRegressor(3, categorical_features=COLUMNS, random_state=0, max_iter=2).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert_array_equal(again.partial_fit(X, y).parameters_, model.partial_fit(X, y).parameters_)


# ------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "change, message",
    [
        (
            (2, 1, 1, 0.5),
            "X contains 0.5: sequence 2, step 1, feature 1, but categorical_feat",
        ),
        ((2, 1, 3, np.inf), "X contains infinity: sequence 2, step 1, feature 3"),
        ((2, 1, 2, np.nan), "X contains NaN: sequence 2, step 1, feature 2"),
        ((2, 1, 2, -np.inf), "X contains infinity .*: sequence 2, step 1, feature 2"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "predict"])
def test_bad_values_are_named(change, message, method):
    X, y = data(6, seed=2)
    model = LSTMRegressor(3, categorical_features=COLUMNS, max_iter=2, random_state=0).fit(X, y)
    sequence, step, feature, value = change
    X[sequence] = np.vstack([X[sequence]] * 2)
    X[sequence][step, feature] = value
    before = model.parameters_.copy()
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(X, *([y] if method != "predict" else []))
    assert_array_equal(model.parameters_, before)


def test_bad_steps_of_a_stream_are_named():
    stream = pair(3)[0].stream()
    with pytest.raises(ValueError, match=r"X contains 0\.5: x, feature 1"):
        stream.step([1.0, 0.5, 1.0, 3.0])
    with pytest.raises(ValueError, match="x contains NaN in feature 2"):
        stream.step([1.0, 1.0, np.nan, 3.0])
    with pytest.raises(ValueError, match=r"X contains infinity .* at step 1, feature 2"):
        stream.steps([[1.0, 1.0, 1.0, 3.0], [1.0, 1.0, np.inf, 3.0]])
    with pytest.raises(ValueError, match=r"X contains 0\.5: step 1, feature 3"):
        stream.steps([[1.0, 1.0, 1.0, 3.0], [1.0, 1.0, 1.0, 0.5]])
    with pytest.raises(ValueError, match="There is no current step"):
        stream.learn(1.0)


def test_other_features_than_fitted_are_refused():
    X, y = data()
    model = LSTMRegressor(3, categorical_features=COLUMNS, max_iter=2, random_state=0).fit(X, y)
    model.set_params(categorical_features=[1])
    message = r"selects the features \[1\], but the model was fitted with \[1, 3\]"
    with pytest.raises(ValueError, match=message):
        model.partial_fit([np.nan_to_num(x) for x in X], y)


def test_an_old_stream_of_a_model_that_has_grown_says_so():
    X, y = data(30)
    early = [np.where(x == 4, -1, x) for x in X]
    model = LSTMRegressor(3, categorical_features=COLUMNS, random_state=0).partial_fit(early, y)
    stream = model.stream()
    model.partial_fit(X, y)
    with pytest.raises(RuntimeError, match="no longer exist"):
        stream.step(X[0][0])


def saved_otherwise(memory, k):
    """What a file may hold in the place of part k of what a stream remembers."""
    part = memory[k]
    yield None
    yield part[: len(part) // 2] if len(part) > 1 else [0, 0]
    yield np.asarray(part, dtype=np.float32)
    yield [-5] * (len(part) + 1)
    yield [10**9] * (len(part) + 1)
    yield np.concatenate([np.asarray(part, float), np.ones(3)])


@pytest.mark.parametrize("settings", [{}, {"pooling": "max"}], ids=str)
def test_a_memory_that_does_not_fit_the_network_is_refused(settings):
    model, _ = pair(3, **settings)
    stream = model.stream()
    for now in np.vstack(data(6)[0])[:21]:
        stream.step(now)
    good = stream.__getstate__()
    for k in range(len(good["memory"])):
        for other in saved_otherwise(good["memory"], k):
            memory = [*good["memory"][:k], other, *good["memory"][k + 1 :]]
            if other is not None and np.array_equal(other, good["memory"][k]):
                continue
            with pytest.raises((ValueError, TypeError)):
                object.__new__(type(stream)).__setstate__(good | {"memory": memory})
        fewer = [*good["memory"][:k], *good["memory"][k + 1 :]]
        with pytest.raises((ValueError, TypeError)):
            object.__new__(type(stream)).__setstate__(good | {"memory": fewer})


def test_without_numbers_divergence_and_attributions_find_no_feature():
    X, y = [np.array([[0.0], [1.0]])] * 4, np.arange(4.0)
    model = LSTMRegressor(2, categorical_features=[0], random_state=0).partial_fit(X, y)
    model.set_params(learning_rate_init=1e308, clip_norm=None)
    with pytest.warns(match="diverged"):
        model.partial_fit(X, y * 1e10)
    unknown = [np.full((3, 1), -1.0)] * 2
    for method in ("gradient", "integrated"):
        assert not np.any(inspection.attributions(model, unknown, method=method))


def test_a_saved_stream_does_not_take_the_categories_of_others():
    model = LSTMRegressor(2, categorical_features=[0, 1], random_state=0)
    stream = model.initialize(2, categories=[2, 2]).stream()
    stream.step([1, 1])
    model.partial_fit([np.array([[2.0, 1.0]])], [0.0])
    for one in (stream, pickle.loads(pickle.dumps(stream))):
        with pytest.raises(RuntimeError, match="has more categories now"):
            one.step([1, 1])


@pytest.mark.parametrize(("dtype", "first"), [(np.float32, 2**24), (np.float64, 2**53)])
def test_codes_that_cannot_be_told_apart_are_refused(dtype, first):
    y = np.arange(2.0)
    model = LSTMRegressor(2, categorical_features=[0], max_iter=1)
    good, bad = np.array([[0], [first - 1]], dtype), np.array([[0], [first]], dtype)
    model.fit([good, good], y)
    assert_array_equal(model.predict([bad]), model.predict([np.array([[0], [-1]], dtype)]))
    with pytest.raises(ValueError, match=f"contains {first}: sequence 1, step 1, feature 0"):
        model.partial_fit([good, bad], y)
    with pytest.raises(ValueError, match=r"to 2\*\*53 - 1"):
        model.initialize(1, categories=[[2**53]])


def test_too_many_categories_are_refused_before_they_take_memory():
    with pytest.raises(MemoryError, match="asks for 1000000000000 categories"):
        LSTMRegressor(2, categorical_features=[0]).initialize(1, categories=[10**12])


def test_data_apart_are_named_by_their_feature_in_x():
    X = [np.array([[k % 2, k]], float) for k in range(20)]
    model = LSTMRegressor(2, categorical_features=[0], max_iter=1, early_stopping=True)
    with pytest.warns(match="feature 1 has mean"):
        model.fit(X, np.arange(20.0), X_val=[x * [1, 1e4] for x in X], y_val=np.arange(20.0))

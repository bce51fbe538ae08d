"""An encoder and a network behind it: codes as columns of 0s and 1s, searches, streams."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import sklstm
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.inspection import permutation_importance
from sklstm.preprocessing import SequenceEncoder, SequenceImputer, SequenceScaler

SMALL = {"hidden_layer_sizes": 3, "max_iter": 2, "random_state": 0, "n_jobs": 1}
LENGTHS = (3, 6, 1, 4, 7, 2)


def words(n=24, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.choice(["ant", "bee", "cat", "dog"], LENGTHS[k % 6]).tolist() for k in range(n)]


def frames(n=24):
    rng = np.random.default_rng(1)
    X = [pd.DataFrame({"a": rng.normal(5, 3, len(x)), "word": x}) for x in words(n)]
    X[3].loc[1, "a"] = np.nan
    X[5].loc[1, "word"] = None
    return X


Y = np.arange(24) % 2


def network(features, kind=LSTMRegressor, **settings):
    return kind(categorical_features=features, **SMALL | settings)


def test_codes_give_what_their_indicators_give():
    """Weights of the indicators are columns of the table of categories, in the same order."""
    X = words()
    coded = make_pipeline(SequenceEncoder(), network([0])).fit(X, Y)
    encoder = OneHotEncoder(sparse_output=False).fit(np.concatenate(X)[:, np.newaxis])
    wide = [encoder.transform(np.array(x)[:, np.newaxis]) for x in X]
    plain = LSTMRegressor(**SMALL).fit(wide, Y)
    plain.layers_[0]["input"][:] = coded[-1].layers_[0]["category"]
    for name in ("recurrent", "bias"):
        plain.layers_[0][name][:] = coded[-1].layers_[0][name]
    plain.output_weights_[:] = coded[-1].output_weights_
    plain.output_bias_[:] = coded[-1].output_bias_
    assert_allclose(coded.predict(X), plain.predict(wide), rtol=1e-12)


def test_unknown_symbols_leave_the_input_empty_and_infrequent_ones_share_theirs():
    model = make_pipeline(SequenceEncoder(), network([0])).fit(words(), Y)
    first, second = model.predict([["cow"], ["owl"]])
    assert first == second != model.predict([["cat"]])[0]
    shared = SequenceEncoder(max_categories=3, handle_unknown="infrequent_if_exist")
    model = make_pipeline(shared, network([0])).fit(words(), Y)
    (rare,) = model[0].infrequent_categories_
    outputs = model.predict([[symbol] for symbol in [*rare, "cow"]])
    assert len(rare) == 2 and (outputs == outputs[0]).all()


def test_symbols_numbers_and_missing_values_go_through_one_pipeline():
    X, codes = frames(), [1]
    model = make_pipeline(
        SequenceEncoder(),
        SequenceImputer(categorical_features=codes),
        SequenceScaler(categorical_features=codes),
        network(codes),
    ).fit(X, Y)
    coded = model[:-1].transform(X)
    for x, values in zip(X, coded, strict=True):
        expected = x["word"].map({"ant": 0, "bee": 1, "cat": 2, "dog": 3})
        assert_array_equal(values[:, 1], expected.to_numpy(float))
        assert not np.isnan(values[:, 0]).any()
    assert np.isnan(coded[5][1, 1])
    stream = sklstm.stream(model)
    for x in X[:6]:
        stream.reset()
        for t, row in enumerate(x.itertuples(index=False)):
            assert_allclose(stream.step(row), model.predict([x[: t + 1]])[0], rtol=1e-11)
        stream.reset()
        assert_allclose(stream.steps(x)[-1], model.predict([x])[0], rtol=1e-11)


def test_new_symbols_are_learned_by_both_in_parts():
    X, Z = words(), [["elk", "fox"], ["fox", "ant"]]
    encoder, lstm = SequenceEncoder(), network([0])
    for part, y in ((X, Y), (Z, [0.0, 1.0])):
        encoder.partial_fit(part)
        lstm.partial_fit(encoder.transform(part), y)
    assert encoder.categories_[0].tolist() == ["ant", "bee", "cat", "dog", "elk", "fox"]
    elk, fox, unknown = lstm.predict(encoder.transform([["elk"], ["fox"], ["gnu"]]))
    assert len({elk, fox, unknown}) == 3


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series])
def test_strings_are_scored_and_tuned(make):
    X = make(["".join(word[0] for word in x) for x in words()])
    y = np.array(["x", "y"])[Y]
    model = make_pipeline(SequenceEncoder(), network([0], LSTMClassifier))
    assert cross_val_score(model, X, y, cv=2).shape == (2,)
    grid = {"sequenceencoder__min_frequency": [1, 3]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert_array_equal(search.predict(X), search.best_estimator_.predict(list(X)))
    again = pickle.loads(pickle.dumps(search)).predict(X)
    assert_array_equal(again, search.predict(X))
    assert_array_equal(clone(model).fit(X, y).predict(X), model.fit(X, y).predict(X))


def test_streams_learn_from_symbols():
    X = words()
    model = make_pipeline(SequenceEncoder(), network([0], solver="sgd"))
    one, block = (sklstm.stream(clone(model).fit(X, Y)) for _ in range(2))
    outputs, losses = block.learn_steps(X[4], np.arange(7.0))
    for symbol, y, output, loss in zip(X[4], range(7), outputs, losses, strict=True):
        assert one.step(symbol) == output
        assert one.learn(float(y)) == loss


@pytest.mark.parametrize("kind", [SequenceScaler, SequenceImputer])
def test_codes_that_were_changed_on_the_way_are_an_error_that_helps(kind):
    X = words()
    X[5][1] = None
    changing = kind(**({"strategy": "mean"} if kind is SequenceImputer else {}))
    with pytest.raises(ValueError, match="categorical_features"):
        make_pipeline(SequenceEncoder(), changing, network([0])).fit(X, Y)
    kept = changing.set_params(categorical_features=[0])
    make_pipeline(SequenceEncoder(), kept, network([0])).fit(X, Y).predict(X)


@pytest.mark.parametrize("X", [["cat", "dog"], [["a", "cat"], ["the", "dog", "ran"]]])
def test_symbols_without_an_encoder_name_the_encoder(X):
    with pytest.raises(ValueError, match=r"SequenceEncoder.*categorical_features"):
        LSTMClassifier().fit(X, [0, 1])


def test_permutation_importance_of_a_pipeline_that_encodes_says_what_to_pass():
    X, y = [list("ab"), list("bca")] * 4, [0, 1] * 4
    lstm = LSTMClassifier(2, categorical_features=[0], max_iter=1, random_state=0)
    model = make_pipeline(SequenceEncoder(), lstm).fit(X, y)
    with pytest.raises(ValueError, match=r"SequenceEncoder.*model\[1:\], model\[:1\]\.transform"):
        permutation_importance(model, X, y)
    found = permutation_importance(model[1:], model[:1].transform(X), y, random_state=0)
    assert found.importances_mean.shape == (1,)

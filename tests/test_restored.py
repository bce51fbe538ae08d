"""What a file says of a fitted model must belong together, or loading says what does not."""

import pickle
from copy import copy

import numpy as np
import pytest

from sklstm import LSTMClassifier
from tests.fuzz.subjects import MAKERS, subject

CHANGES = {
    "parameters_ of another size": (
        "classifier",
        {"parameters_": np.zeros(5)},
        r"\(5,\) and float64, but must be 96 ",
    ),
    "parameters_ of whole numbers": (
        "classifier",
        {"parameters_": np.zeros(96, int)},
        "int64.*float32 or float64",
    ),
    "no array": ("classifier", {"parameters_": None}, "parameters_ is None"),
    "another shape": ("classifier", {"_shape": None}, "shape must have the entries"),
    "solver": ("classifier", {"_solver_state": {"solver": "adam"}}, "mean of the solver is None"),
    "solver of another size": (
        "1997",
        {"_solver_state": {"solver": "sgd", "velocity": np.zeros(3)}},
        r"velocity of the solver .*\(3,\).*be \d+ numbers",
    ),
    "generator": (
        "classifier",
        {"_rng_state": ("MT19937", np.zeros(624, np.uint32), 625, 0, 0.0)},
        "position of _rng_state is 625",
    ),
    "counts": ("float32", {"t_": -1}, "t_ is -1"),
    "curve": ("float32", {"loss_curve_": [None]}, "loss_curve_ is of type list"),
    "columns": ("classifier", {"n_features_in_": 4}, "n_features_in_ is 4, but must be the 3"),
    "form of X": ("classifier", {"_sequence_input": "bag"}, "_sequence_input is 'bag'"),
    "classes": ("classifier", {"classes_": np.arange(5)}, "n_outputs_ is 3, but must be 5"),
    "classes that are none": ("classifier", {"classes_": None}, "classes_ is None"),
    "activation": ("classifier", {"out_activation_": "exp"}, "out_activation_ is 'exp'"),
    "units": ("float32", {"y_mean_": np.zeros(1)}, r"y_mean_ .* must be 2 numbers"),
    "loss": ("quantiles", {"_goal": ("hinge", None)}, "loss is 'hinge'"),
    "quantiles": ("quantiles", {"_goal": ("quantile", (0.1,) * 200)}, "up to 128 of them"),
    "quantiles beyond 1": ("quantiles", {"_goal": ("quantile", (0.1, 2.0))}, "from 0 to 1"),
    "another number of quantiles": (
        "quantiles",
        {"_goal": ("quantile", (0.1, 0.5, 0.9))},
        "n_outputs of the network is 4, but must be 6",
    ),
    "no categories": ("categories", {"is_categorical_": None}, "is_categorical_ is None"),
    "categories": ("categories", {"_codes": [np.zeros(1), np.zeros(3)]}, "3 codes of categories"),
    "labels": ("frames", {"_labels": [np.empty(0, object)]}, "a label for each code"),
    "unfinished": ("unfinished", {"_unfinished": {"vector": np.zeros(3)}}, "vector of _unfinished"),
    "weights of a baseline": (
        "BPTT",
        {"parameters_": np.zeros(7)},
        r"\(7,\).*size of this net",
    ),
    "sizes of a baseline": (
        "guessing",
        {"_shape": {"n_hidden": -1}},
        "shape must have the entries",
    ),
    "unit of a baseline": ("cascade", {"n_hidden_": 10**9}, "the size of this net"),
    "generator of a baseline": ("chunker", {"_rng": None}, "get_state"),
    "statistics": ("scaler", {"mean_": np.zeros(2)}, "var_ is an array of shape"),
    "features of a scaler": ("scaler", {"_categorical": np.array([3])}, "from 0 to 2"),
    "steps seen": ("scaler", {"n_steps_seen_": None}, "n_steps_seen_"),
    "an imputer": ("imputer", {"statistics_": np.zeros(9)}, "statistics_"),
    "features of a transformer": ("context", {"_n_step_features": 2**40}, "n_features_in_ is 3"),
    "symbols": ("encoder", {"_vocabularies": {}}, "_vocabularies"),
    "features of an encoder": ("encoder", {"encoded_features_": np.array([8])}, "from 0 to 0"),
    "columns of a relative one": ("relative", {"columns_": np.array([-1])}, "columns_"),
}


@pytest.mark.parametrize("name, attributes, words", CHANGES.values(), ids=CHANGES)
def test_what_does_not_belong_together_is_refused(name, attributes, words):
    model = subject(name).model
    vars(model).update(attributes)
    data = pickle.dumps(model)
    start = f"This {type(model).__name__} cannot be loaded: "
    with pytest.raises(ValueError, match=f"(?s){start}.*{words}"):
        pickle.loads(data)
    with pytest.raises(ValueError, match=start):
        copy(model)


def test_a_state_that_is_no_dict_is_refused_and_changes_nothing():
    model = LSTMClassifier(5)
    with pytest.raises(ValueError, match="must contain a dict, got list"):
        model.__setstate__([1])
    broken = subject("classifier").model.__getstate__() | {"parameters_": None}
    with pytest.raises(ValueError, match="parameters_ is None"):
        model.__setstate__(broken)
    assert vars(model) == vars(LSTMClassifier(5))


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_whole_is_loaded(name):
    model, X, _ = subject(name)
    loaded = pickle.loads(pickle.dumps(model))
    method = "predict" if hasattr(model, "predict") else "transform"
    before, after = getattr(model, method)(X), getattr(loaded, method)(X)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


STREAMS = {
    "no estimator": ({"learner": None}, "learner is None"),
    "no flag": ({"stepped": 1}, "stepped is 1, but must be True or False"),
    "no memory": ({"memory": None}, "memory is None"),
    "memory of None": ({"memory": [None]}, "does not fit its network"),
    "too little memory": ({"memory": []}, "does not fit its network"),
}


@pytest.mark.parametrize("changes, words", STREAMS.values(), ids=STREAMS)
def test_a_stream_that_is_not_whole_is_refused(changes, words):
    stream = subject("classifier").model.stream()
    state = stream.__getstate__() | changes
    with pytest.raises(ValueError, match=f"This Stream cannot be loaded: .*{words}"):
        type(stream).__new__(type(stream)).__setstate__(state)


@pytest.mark.parametrize("entry", ["learner", "stale", "stepped", "memory"])
def test_a_stream_without_an_entry_is_refused(entry):
    stream = subject("classifier").model.stream()
    state = stream.__getstate__()
    del state[entry]
    with pytest.raises(ValueError, match=f"This Stream cannot be loaded: '{entry}' is missing"):
        type(stream).__new__(type(stream)).__setstate__(state)


@pytest.mark.parametrize("memory", [0, (1,), np.zeros(3), np.zeros((2, 1))])
@pytest.mark.parametrize("name", ["scaler", "imputer", "differences", "encoder"])
def test_the_memory_of_a_transformer_must_be_its_own(name, memory):
    stream = subject(name).model.stream()
    stream.memory = memory
    with pytest.raises(ValueError, match=r"(TransformStream|EncoderStream) cannot be loaded"):
        pickle.loads(pickle.dumps(stream))


NEEDED = ["_shape", "_solver_state", "_rng_state", "_split_seed", "_sequence_input"]
NEEDED += ["n_features_in_", "n_iter_", "t_", "loss_curve_", "classes_", "n_outputs_"]


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_missing_is_named(name):
    model = subject("classifier").model
    del vars(model)[name]
    with pytest.raises(ValueError, match=f"'{name}' is missing"):
        pickle.loads(pickle.dumps(model))

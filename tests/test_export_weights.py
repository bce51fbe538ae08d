"""Weights under PyTorch's names and as Keras's arrays: exact, and refused by name."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes, cube, labels, numbers, sequences
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._topology import CELLS
from sklstm.export import (
    from_keras,
    from_torch,
    load_state_dict,
    save_safetensors,
    state_dict,
    to_keras,
    to_torch,
)
from sklstm.preprocessing import SequenceScaler

MODULES = Path(__file__).parent / "golden" / "modules"
SMALL = {"max_iter": 1, "random_state": 0, "n_jobs": 1}
# Shapes, and regressors whose outputs other libraries can compute.
FORGET = {
    "plain": {},
    "blocks": {"block_size": 2},
    "coupled": {"cell": "coupled", "block_size": 2},
    "stacked": {"hidden_layer_sizes": (3, 2), "bidirectional": True},
    "maximum": {"hidden_layer_sizes": (3, 3), "bidirectional": True, "pooling": "max"},
    "mean": {"pooling": "mean"},
    "steps": {"return_sequences": True, "bidirectional": True},
    "counts": {"loss": "poisson"},
    "quantile": {"loss": "quantile", "quantile": 0.3},
    "logistic": {"out_activation": "logistic"},
}


def lstm(kind=LSTMRegressor, **settings):
    """A regressor or a classifier that has learned a little, and the sequences it did so from."""
    X = sequences()
    model = kind(**SMALL | {"hidden_layer_sizes": 3} | settings)
    y = [x.sum(axis=1) for x in X] if model.return_sequences else 100 + 5 * numbers(X)
    if kind is LSTMClassifier:
        y = labels(n_classes=3)
    if settings.get("loss") == "poisson":
        y = np.abs(y)
    if settings.get("out_activation", "identity") != "identity":
        y = y / 200
    return model.fit(X, y), X


def flat(values):
    return np.concatenate([np.ravel(part) for part in values])


# ---------------------------------------------------------------------------------- state_dict


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_state_goes_into_another_estimator_bit_by_bit(cell, dtype):
    sizes = dict(hidden_layer_sizes=(3, 2), block_size=2, bidirectional=True, cell=cell)
    X = sequences(dtype=dtype)
    model = LSTMClassifier(**SMALL, **sizes).fit(X, labels())
    other = LSTMClassifier(**sizes, max_iter=1, random_state=1).fit(X, labels())
    state = state_dict(model)
    assert {array.dtype for array in state.values()} == {np.dtype(dtype)}
    assert all(array.flags.c_contiguous and array.flags.owndata for array in state.values())
    assert load_state_dict(other, state) is other
    assert_array_equal(other.parameters_, model.parameters_)
    assert_array_equal(other.predict_proba(X), model.predict_proba(X))


def test_the_names_and_shapes_are_pytorchs():
    with np.load(MODULES / "torch_stacked.npz") as file:
        shapes = {
            name.removeprefix("state.").replace("rnn.", "lstm.").replace("head.", "linear."): shape
            for name, shape in ((name, file[name].shape) for name in file if "state." in name)
        }
    model = LSTMRegressor((4, 4), bidirectional=True).initialize(3, n_outputs=3)
    assert {name: array.shape for name, array in state_dict(model).items()} == shapes
    assert list(state_dict(model)) == list(shapes)


def test_peepholes_have_a_name_too():
    model = LSTMRegressor(3, block_size=2, cell="peephole").initialize(2)
    state = state_dict(model)
    assert_array_equal(state["lstm.weight_ch_l0"], model.layers_[0]["peephole"])


def test_categories_have_a_name_too():
    X = [np.column_stack([x, np.arange(len(x)) % 3]) for x in sequences()]
    settings = dict(categorical_features=[2], bidirectional=True, max_iter=1)
    model, other = (
        LSTMRegressor(3, random_state=k, **settings).fit(X, numbers(X)) for k in range(2)
    )
    state = state_dict(model)
    table = np.vstack([layer["category"] for layer in model.layers_]).T
    assert_array_equal(state["categories.weight"], table)
    assert_array_equal(load_state_dict(other, state).parameters_, model.parameters_)
    state["categories.weight"] = np.zeros((2, 24))
    with pytest.raises(ValueError, match=r"'categories.weight' has shape \(2, 24\), .* \(3, 24\)"):
        load_state_dict(other, state)
    for convert in (to_torch, to_keras):
        with pytest.raises(ValueError, match=r"no categorical_features in their .* Use to_onnx"):
            convert(model)
    with pytest.raises(ValueError, match=r"estimator has categorical_features=\[2\]: set it to N"):
        from_torch(module("stacked")[0], LSTMRegressor(categorical_features=[2]))


def test_a_state_is_a_copy():
    model, _ = lstm()
    before = model.parameters_.copy()
    for array in state_dict(model).values():
        array += 1
    assert_array_equal(model.parameters_, before)


def test_two_biases_are_added():
    model, _ = lstm()
    state = state_dict(model)
    state["lstm.bias_hh_l0"] += 0.5
    assert_allclose(
        load_state_dict(model, state).layers_[0]["bias"], state["lstm.bias_ih_l0"] + 0.5
    )


def test_tensors_of_any_kind_are_arrays():
    torch = pytest.importorskip("torch")
    model, _ = lstm()
    before = state_dict(model)
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in before.items()}
    assert_array_equal(
        flat(state_dict(load_state_dict(model, tensors)).values()), flat(before.values())
    )
    half = {name: torch.tensor(array, dtype=torch.bfloat16) for name, array in before.items()}
    load_state_dict(model, half)
    assert_allclose(flat(state_dict(model).values()), flat(before.values()), rtol=0.01)


def test_a_read_only_model_gets_an_array_of_its_own():
    model, _ = lstm()
    state = state_dict(model)
    model.parameters_.flags.writeable = False
    load_state_dict(model, {name: 2 * array for name, array in state.items()})
    assert_allclose(state_dict(model)["linear.weight"], 2 * state["linear.weight"])


WRONG_STATES = {
    "missing": (lambda s: s.pop("lstm.bias_hh_l0"), "'lstm.bias_hh_l0' is missing; state has"),
    "unknown": (lambda s: s.update(extra=np.zeros(3)), "'extra' is unknown; this network has"),
    "third layer": (
        lambda s: s.update({"lstm.weight_ih_l2": np.zeros((12, 3))}),
        "'lstm.weight_ih_l2' is unknown",
    ),
    "projection": (
        lambda s: s.update({"lstm.weight_hr_l0": np.zeros((2, 3))}),
        "'lstm.weight_hr_l0' is unknown",
    ),
    "size": (
        lambda s: s.update({"linear.weight": np.zeros((1, 4))}),
        r"'linear.weight' has shape \(1, 4\), but this network needs \(1, 3\)",
    ),
    "second bias": (
        lambda s: s.update({"lstm.bias_hh_l0": np.zeros(1)}),
        r"'lstm.bias_hh_l0' has shape \(1,\), but this network needs \(12,\)",
    ),
    "number": (lambda s: s.update({"linear.bias": 0.0}), r"'linear.bias' has shape \(\)"),
    "nan": (
        lambda s: s["lstm.weight_hh_l0"].fill(np.nan),
        "'lstm.weight_hh_l0' has values that are not finite in float64",
    ),
    "strings": (
        lambda s: s.update({"linear.bias": np.array(["a"])}),
        "'linear.bias' has dtype <U1, but must hold real",
    ),
    "complex": (lambda s: s.update({"linear.bias": np.array([1j])}), "has dtype complex128"),
    "nested": (
        lambda s: s.update({"linear.bias": [[1.0], [2.0, 3.0]]}),
        "'linear.bias' is not an array",
    ),
}


@pytest.mark.parametrize("case", WRONG_STATES)
def test_a_wrong_state_is_refused_by_the_name_of_its_entry_and_changes_nothing(case):
    model, _ = lstm()
    change, message = WRONG_STATES[case]
    state = state_dict(model)
    state["lstm.bias_ih_l0"] += 1  # so that a part taken over would show
    change(state)
    before = attributes(model)
    with pytest.raises(ValueError, match=message):
        load_state_dict(model, state)
    assert attributes(model) == before


def test_what_single_precision_cannot_hold_is_refused():
    X = sequences(dtype=np.float32)
    model = LSTMRegressor(2, **SMALL).fit(X, numbers(X))
    state = {name: array.astype(float) for name, array in state_dict(model).items()}
    state["linear.bias"][:] = 1e300
    with pytest.raises(
        ValueError, match=r"'linear.bias' has values that are not finite in float32"
    ):
        load_state_dict(model, state)


def test_a_bias_where_there_is_none_is_refused():
    model, _ = lstm(bias="hidden")
    state = state_dict(model)
    state["linear.bias"][:] = 1
    with pytest.raises(ValueError, match=r"'linear.bias' is not 0 .* bias='hidden': use an"):
        load_state_dict(model, state)


def test_what_is_no_fitted_lstm_is_refused():
    model, _ = lstm()
    with pytest.raises(TypeError, match=r"got Pipeline. For a pipeline, pass its last step, model"):
        state_dict(make_pipeline(SequenceScaler(), model))
    with pytest.raises(TypeError, match=r"state_dict takes a fitted .* got SequenceScaler"):
        state_dict(SequenceScaler())
    with pytest.raises(NotFittedError):
        state_dict(LSTMRegressor())
    with pytest.raises(NotFittedError):
        to_keras(LSTMRegressor())
    with pytest.raises(TypeError, match=r"state must be a dict .* got list"):
        load_state_dict(model, [1, 2])


# ---------------------------------------------------------------------------------- PyTorch


def module(name):
    """State dict, input and outputs of a module of the golden files."""
    with np.load(MODULES / f"torch_{name}.npz") as file:
        arrays = dict(file)
    state = {key.removeprefix("state."): arrays.pop(key) for key in [*arrays] if "state." in key}
    return state, arrays


@pytest.mark.parametrize("steps", [False, True])
@pytest.mark.parametrize(
    "name, bias",
    [
        ("stacked", "all"),
        ("without_biases", None),
        ("head_bias_only", "all"),
        ("lstm_biases_only", "hidden"),
    ],
)
def test_a_pytorch_module_is_read(name, bias, steps):
    state, golden = module(name)
    model = from_torch(state, LSTMRegressor(return_sequences=steps))
    expected = golden["steps" if steps else "last"]
    tolerance = 1e-6 if golden["X"].dtype == np.float32 else 1e-14
    assert model.parameters_.dtype == golden["X"].dtype
    predicted = model.predict(golden["X"])
    assert_allclose(predicted.reshape(expected.shape), expected, atol=tolerance)
    assert model.bias == bias
    assert model.partial_fit(golden["X"], predicted).t_ == 4  # can be trained further


def test_two_logits_are_two_classes():
    state, golden = module("two_logits")
    model = from_torch(state, classes=["no", "yes"])
    exp = np.exp(golden["last"])
    assert_allclose(model.predict_proba(golden["X"]), exp / exp.sum(axis=1, keepdims=True))
    assert_array_equal(
        model.predict(golden["X"]), np.array(["no", "yes"])[golden["last"].argmax(axis=1)]
    )
    assert model.n_outputs_ == 1
    assert from_torch(state, LSTMClassifier()).classes_.tolist() == [0, 1]
    labels = from_torch(state, multilabel=True)
    assert_allclose(labels.decision_function(golden["X"]), golden["last"])


def test_one_logit_is_two_classes():
    state, golden = module("head_bias_only")
    model = from_torch(state, classes=[False, True])
    assert_allclose(model.decision_function(golden["X"]), golden["last"][:, 0])
    assert from_torch(state, LSTMClassifier(alpha=0.5)).alpha == 0.5


def test_modules_one_after_the_other_are_layers():
    rng = np.random.default_rng(0)

    def layer(F, H):
        shapes = {"weight_ih_l0": (4 * H, F), "weight_hh_l0": (4 * H, H)}
        shapes |= dict.fromkeys(("bias_ih_l0", "bias_hh_l0"), (4 * H,))
        return {name: rng.normal(size=shape) for name, shape in shapes.items()}

    widths = [2, *range(3, 14)]
    parts = [layer(F, H) for F, H in pairwise(widths)]
    state = {f"0.{k}.{name}": a for k, part in enumerate(parts) for name, a in part.items()}
    state |= {"1.weight": rng.normal(size=(1, 13)), "1.bias": np.zeros(1)}
    shuffled = {name: state[name] for name in rng.permutation(list(state))}
    model = from_torch(shuffled)
    assert model.hidden_layer_sizes == tuple(range(3, 14))  # 10 comes after 9
    assert_array_equal(model.layers_[10]["input"], parts[10]["weight_ih_l0"])


WRONG_MODULES = {
    "projection": (
        lambda s: s.update({"rnn.weight_hr_l0": np.zeros((2, 3))}),
        "'rnn.weight_hr_l0' is a projection: nn.LSTM",
    ),
    "no lstm": (
        lambda s: [s.pop(name) for name in [*s] if "rnn" in name],
        "There is no nn.LSTM: .* entries are 'head.weight', 'head.bias'",
    ),
    "gru": (
        lambda s: s.update({"rnn.weight_hh_l0": np.zeros((12, 4))}),
        r"'rnn.weight_hh_l0' has shape \(12, 4\), .* seems to be from nn.GRU",
    ),
    "rnn": (
        lambda s: s.update({"rnn.weight_hh_l1_reverse": np.zeros((4, 4))}),
        r"'rnn.weight_hh_l1_reverse' has shape \(4, 4\), .* seems to be from nn.RNN",
    ),
    "size": (
        lambda s: s.update({"rnn.weight_ih_l1": np.zeros((16, 3))}),
        r"'rnn.weight_ih_l1' has shape \(16, 3\), but needs \(16, 8\)",
    ),
    "features": (
        lambda s: s.update({"rnn.weight_ih_l0": np.zeros((9, 3))}),
        r"'rnn.weight_ih_l0' has shape \(9, 3\), but needs \(16, 3\)",
    ),
    "bias": (
        lambda s: s.update({"rnn.bias_hh_l0": np.zeros(4)}),
        r"'rnn.bias_hh_l0' has shape \(4,\), but needs \(16,\)",
    ),
    "one bias": (lambda s: s.pop("rnn.bias_hh_l0"), "'rnn.bias_hh_l0' is missing"),
    "half the biases": (
        lambda s: [s.pop(name) for name in [*s] if "bias" in name and "l1" in name],
        "Some layers have biases and others have none",
    ),
    "direction": (lambda s: s.pop("rnn.weight_ih_l0_reverse"), "_l0_reverse' is missing"),
    "layer": (
        lambda s: [s.pop(name) for name in [*s] if name.endswith("_l0")],
        "'rnn.weight_ih_l0' is missing",
    ),
    "head size": (
        lambda s: s.update({"head.weight": np.zeros((3, 4))}),
        r"'head.weight' has shape \(3, 4\), but needs \(3, 8\)",
    ),
    "head bias": (
        lambda s: s.update({"head.bias": np.zeros(4)}),
        r"'head.bias' has shape \(4,\), but needs \(3,\)",
    ),
    "no head": (
        lambda s: [s.pop(name) for name in [*s] if "head" in name],
        "One nn.Linear is needed after the LSTM, but there is none",
    ),
    "two heads": (
        lambda s: s.update({"more.weight": np.zeros((1, 3))}),
        "there are 'head.weight', 'more.weight'",
    ),
    "something else": (
        lambda s: s.update({"norm.weight": np.zeros(8)}),
        "'norm.weight' belongs neither to the LSTM nor to the output layer",
    ),
    "infinite": (lambda s: s["head.bias"].fill(np.inf), "'head.bias' has values that are not"),
}


@pytest.mark.parametrize("case", WRONG_MODULES)
def test_a_wrong_module_is_refused_by_the_name_of_its_entry(case):
    state, _ = module("stacked")
    change, message = WRONG_MODULES[case]
    change(state)
    with pytest.raises(ValueError, match=message):
        from_torch(state)


def test_directions_of_two_sizes_are_refused():
    state, _ = module("stacked")
    state["rnn.weight_hh_l0_reverse"] = np.zeros((8, 2))
    state["rnn.weight_ih_l0_reverse"] = np.zeros((8, 3))
    for kind in ("ih", "hh"):
        state[f"rnn.bias_{kind}_l0_reverse"] = np.zeros(8)
    with pytest.raises(ValueError, match=r"weight_hh_l0_reverse' has 2 columns, but .* has 4"):
        from_torch(state)


def test_what_weights_are_not_for_is_refused():
    state, _ = module("stacked")
    with pytest.raises(
        ValueError, match=r"3 outputs, but an LSTMClassifier of the classes \['a', "
    ):
        from_torch(state, classes=["a", "b", "c", "d"])
    with pytest.raises(
        ValueError, match=r"3 outputs, but an LSTMRegressor with quantile=\[0.1, 0."
    ):
        from_torch(state, LSTMRegressor(loss="quantile", quantile=[0.1, 0.9]))
    with pytest.raises(ValueError, match="classes and multilabel are for an LSTMClassifier"):
        from_torch(state, LSTMRegressor(), classes=["a", "b", "c"])
    with pytest.raises(TypeError, match="estimator must be an LSTMClassifier or LSTMRegressor"):
        from_torch(state, SequenceScaler())
    with pytest.raises(TypeError, match=r"a PyTorch module or its state dict, .* got int"):
        from_torch(3)
    state, _ = module("head_bias_only")
    with pytest.raises(ValueError, match="several labels, but there is 1 output"):
        from_torch(state, multilabel=True)


@pytest.mark.parametrize("name", FORGET)
def test_a_pytorch_module_predicts_the_same(name):
    torch = pytest.importorskip("torch")
    model, X = lstm(**FORGET[name])
    network = to_torch(model)
    lengths = [len(x) for x in X]
    padded = np.full((len(X), max(lengths), 2), 7.0)
    for row, x in zip(padded, X, strict=True):
        row[: len(x)] = x
    outputs = network(torch.tensor(padded), lengths).detach().numpy()
    if model.return_sequences:
        outputs = [row[:n] for row, n in zip(outputs, lengths, strict=True)]
    assert_allclose(flat(outputs), flat(model.predict(X)), rtol=1e-12)
    whole = cube()
    assert_allclose(network(torch.tensor(whole)).detach(), model.predict(whole), rtol=1e-12)
    if name in ("steps", "maximum"):  # reads as from the network itself
        same = from_torch(network, LSTMRegressor(**FORGET[name]))
        assert_allclose(same.predict(whole), model.predict(whole), rtol=1e-12)


@pytest.mark.parametrize("steps", [False, True])
def test_quantiles_and_classes_go_to_pytorch(steps):
    torch = pytest.importorskip("torch")
    X = cube()
    y = X.sum(axis=2)[:, :, None] * [1, 10] if steps else 50 + numbers(X, 2)
    settings = dict(loss="quantile", quantile=[0.1, 0.5, 0.6, 0.9], return_sequences=steps)
    for targets in (y, y[..., 0]):
        model = LSTMRegressor(3, **SMALL, **settings).fit(X, targets)
        network = to_torch(model)
        assert_allclose(network(torch.tensor(X)).detach(), model.predict(X), rtol=1e-12)
    y = np.arange(24 * 4).reshape(24, 4) % 3 if steps else labels(n_classes=3)
    for n_classes in (2, 3):
        model = LSTMClassifier(3, **SMALL, return_sequences=steps)
        model.fit(X.astype(np.float32), np.minimum(y, n_classes - 1))
        network = to_torch(model)
        raw = network(torch.tensor(X, dtype=torch.float32)).detach()
        assert_allclose(raw, model.decision_function(X), atol=1e-6)


def test_a_pytorch_module_is_saved_as_any_other(tmp_path):
    torch = pytest.importorskip("torch")
    model, _ = lstm(hidden_layer_sizes=(3, 2))
    torch.save(to_torch(model), tmp_path / "module.pt")
    loaded = torch.load(tmp_path / "module.pt", weights_only=False)
    assert_allclose(loaded(torch.tensor(cube())).detach(), model.predict(cube()))


# ---------------------------------------------------------------------------------- Keras


def keras_lstm(x, kernel, recurrent, bias):
    """Keras's LSTM over one sequence (T, F): h at every step, (T, H)."""
    h = c = np.zeros(len(recurrent))
    steps = []
    for x_t in x:
        z_i, z_f, z_c, z_o = np.split(x_t @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_c)
        h = sigmoid(z_o) * np.tanh(c)
        steps.append(h)
    return np.array(steps)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def keras_model(weights, x, n_directions, *, pooling="last", steps=False):
    """LSTM layers, Bidirectional ones concatenate; then Dense, without its activation."""
    weights = list(weights)
    while len(weights) > 2:
        outputs = [keras_lstm(x, *weights[:3])]
        if n_directions == 2:
            outputs.append(keras_lstm(x[::-1], *weights[3:6])[::-1])
        del weights[: 3 * n_directions]
        x = np.concatenate(outputs, axis=1)
    if pooling == "max":
        x = x.max(axis=0)
    elif pooling == "mean":
        x = x.mean(axis=0)
    elif not steps:  # return_sequences=False: each direction's last output
        x = np.concatenate([outputs[0][-1], *(backward[0] for backward in outputs[1:])])
    kernel, bias = weights
    return x @ kernel + bias


@pytest.mark.parametrize("name", FORGET)
def test_kerass_equations_give_the_same_numbers(name):
    model, X = lstm(**FORGET[name])
    weights = to_keras(model)
    settings = dict(pooling=model.pooling, steps=model.return_sequences)
    activation = {"counts": np.exp, "logistic": sigmoid}.get(name, lambda z: z)
    outputs = [
        activation(keras_model(weights, x, 2 if model.bidirectional else 1, **settings)) for x in X
    ]
    assert_allclose(flat(outputs), flat(model.predict(X)), rtol=1e-12)
    kept = {"pooling", "return_sequences", "loss", "quantile", "out_activation"}
    shell = LSTMRegressor(**{k: v for k, v in FORGET[name].items() if k in kept})
    again = from_keras(weights, shell)
    assert again.bidirectional == model.bidirectional
    assert_allclose(flat(again.predict(X)), flat(model.predict(X)), rtol=1e-12)


def test_a_keras_model_is_asked_for_its_weights():
    class Model:
        def get_weights(self):
            return to_keras(lstm(LSTMClassifier)[0])

    model, X = lstm(LSTMClassifier)
    loaded = from_keras(Model(), classes=[0, 1, 2])
    assert_allclose(loaded.predict_proba(X), model.predict_proba(X))


def test_layers_without_biases_are_read():
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in [(2, 12), (3, 12), (3, 8), (2, 8), (2, 1)]]
    model = from_keras(arrays)
    assert (model.hidden_layer_sizes, model.bias) == ((3, 2), None)
    zeros = [*arrays[:2], np.zeros(12), *arrays[2:4], np.zeros(8), arrays[4], np.zeros(1)]
    X = cube()
    assert_allclose(model.predict(X), [keras_model(zeros, x, 1)[0] for x in X])
    with_bias = from_keras([*arrays, np.ones(1)])
    assert with_bias.bias == "all"
    assert_allclose(with_bias.predict(X), model.predict(X) + 1)


@pytest.mark.parametrize(
    "shapes, message",
    [
        ([], "There are 0 arrays, but an LSTM layer and a Dense layer have five"),
        ([(2, 12), (3, 12)], "There are 2 arrays"),
        ([(2, 9), (3, 9), (2, 9), (3, 1), (1,)], "weights.1. has shape .3, 9.* from a GRU layer"),
        ([(2, 12), (3, 11), (12,), (3, 1), (1,)], "weights.0. and weights.1. have shapes"),
        ([(2, 12), (3, 12), (11,), (3, 1), (1,)], r"weights.2. has shape \(11,\), but needs"),
        ([(2, 12), (3, 12), (12,), (4, 1), (1,)], "weights.3., .* has 4 rows, .* has 3 cells"),
        ([(2, 12), (3, 12), (12,), (3, 1), (2,)], r"weights.4., .* shape \(2,\), but needs \(1,"),
        ([(2, 12), (3, 12), (12,), (3,)], "must be the arrays of one Dense layer"),
        (
            [(2, 12), (3, 12), (12,), (4, 8), (2, 8), (8,), (2, 1), (1,)],
            r"weights.3., the kernel of layer 1, has shape \(4, 8\), but needs \(3, 8\)",
        ),
        (
            [(2, 12), (3, 12), (12,), (2, 8), (2, 8), (8,), (5, 1), (1,)],
            r"weights.3., the kernel of layer 0, backward, has shape \(2, 8\), but needs \(2, 12\)",
        ),
        (
            [(2, 12), (3, 12), (12,), (3, 8), (2, 8), (2, 1), (1,)],
            "some layers have a bias and others have none",
        ),
    ],
)
def test_arrays_that_are_not_kerass_are_refused_by_their_place(shapes, message):
    with pytest.raises(ValueError, match=message):
        from_keras([np.zeros(shape) for shape in shapes])


def test_what_is_no_list_of_arrays_is_refused():
    with pytest.raises(TypeError, match=r"a Keras model or the list of its get_weights"):
        from_keras("model.keras")
    with pytest.raises(ValueError, match=r"weights.1. has dtype <U1"):
        from_keras([np.zeros((2, 4)), np.array(["a"])])


# ---------------------------------------------------------------------------------- what cannot


@pytest.mark.parametrize("convert", [to_torch, to_keras])
@pytest.mark.parametrize("cell", ["1997", "peephole"])
def test_cells_that_others_lack_are_refused(convert, cell):
    with pytest.raises(ValueError, match=f"no cell='{cell}' in their LSTM layers. Use to_onnx"):
        convert(lstm(cell=cell)[0])


def test_quantiles_are_no_output_layer_of_keras():
    model, _ = lstm(loss="quantile", quantile=[0.1, 0.9])
    with pytest.raises(ValueError, match="a linear output layer cannot compute several"):
        to_keras(model)


def test_a_missing_package_is_named_with_its_extra(monkeypatch, tmp_path):
    model, _ = lstm()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"to_torch needs the package torch.* pip install torch"):
        to_torch(model)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"pip install 'sklstm\[safetensors\]'") as error:
        save_safetensors(model, tmp_path / "model")
    assert error.value.name == "safetensors"

"""Docstrings list what the code has, and what several classes share reads the same in all."""

import ast
import inspect
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import sklstm
from sklstm import (
    LSTMClassifier,
    LSTMRegressor,
    baselines,
    callback,
    compose,
    datasets,
    export,
    inspection,
    metrics,
)
from sklstm import preprocessing as prep
from sklstm.baselines import (
    GuessingRegressor,
    RecurrentCascadeRegressor,
    SequenceChunker,
)

MODULES = (sklstm, prep, compose, metrics, datasets, inspection, callback, export, baselines)
REQUIRED = inspect.Parameter.empty
ELSEWHERE = re.compile(r"as (in|for) `")  # the whole description: see the method named there

FAMILIES = {
    "LSTM": (LSTMClassifier, LSTMRegressor),
    "baselines": tuple(getattr(baselines, name) for name in baselines.__all__),
    "datasets": tuple(getattr(datasets, name) for name in datasets.__all__),
}
# Where a member of a family says something else about a name that others of the family have too.
OWN = {
    LSTMClassifier: {
        "initialize.n_outputs": "counts labels of an indicator, where the regressor has numbers",
        "n_outputs_": "depends on the classes",
        "out_activation_": "depends on the classes",
    },
    datasets.to_arrow: {
        "X": "sequences that are written",
        "dtype": "of the file",
        "path": "the file is written",
    },
    GuessingRegressor: {
        "n_hidden": "may be 0",
        "connections": "other kinds of nets",
        "bias": "not a bool, as hidden units may have one without the outputs",
        "out_activation": "another default",
        "tolerance": "what a right sequence is",
        "max_iter": "trials",
        "init_range": "no weight is initial: all are drawn until some are right",
        "warm_start": "there is nothing to go on from",
        "random_state": "no order of the sequences",
        "verbose": "trials",
        "parameters_": "may be those of a failure",
        "n_iter_": "trials",
        "t_": "trials",
    },
    RecurrentCascadeRegressor: {
        "out_activation": "hidden units have another function",
        "max_iter": "two kinds of phases",
        "init_range": "outputs and candidates",
        "warm_start": "the net grows",
        "random_state": "no order of the sequences",
        "parameters_": "three kinds of weights",
        "unit_weights_": "one array per unit",
        "output_weights_": "other sources",
        "n_iter_": "two kinds of phases",
        "loss_curve_": "not all epochs change the loss",
    },
    SequenceChunker: {
        "n_hidden": "of two nets",
        "out_activation": "outputs of three kinds",
        "init_range": "not in experiment 1 of the paper",
        "learning_rate_init": "a step of learning at each step of a sequence",
        "parameters_": "of two nets",
    },
    datasets.make_adding: {
        "first_pair": "a sum loses nothing with 0",
        "dtype": "targets are always numbers",
    },
    datasets.make_multiplication: {"dtype": "targets are always numbers"},
    datasets.make_two_sequence: {
        "length": "may be short",
        "dtype": "targets are labels or numbers",
    },
    datasets.make_temporal_order: {
        "length": "places are in proportion to it",
        "targets": "classes",
    },
    datasets.make_long_lag: {
        "lag": "the shortest of many",
        "as_symbols": "may need it",
        "targets": "x or y",
    },
    datasets.make_embedded_reber: {"n_samples": "strings", "random_state": "strings"},
    datasets.make_continual_reber: {
        "n_samples": "streams",
        "length": "streams have one length",
        "targets": "not in the paper",
        "random_state": "streams",
    },
}


# ------------------------------------------------------------------------- reading docstrings


def sections(thing):
    """Title to text; titles are underlined with hyphens."""
    pieces = re.split(r"^(\w[\w ]*)\n-+\n", inspect.cleandoc(thing.__doc__), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def entries(thing, title):
    """Lists of names, their types and descriptions: "a, b : int" stands at the margin."""
    text = sections(thing).get(title, "").strip()
    for block in re.split(r"\n+(?=\S)", text) if text else ():
        head, _, description = block.partition("\n")
        names, _, kind = head.partition(" : ")
        yield names.split(", "), kind, inspect.cleandoc(description)


def listed(thing, title):
    return [name for names, _, _ in entries(thing, title) for name in names]


def parameters(call):
    """Name, with its stars, to default."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return {
        stars.get(parameter.kind, "") + name: parameter.default
        for name, parameter in inspect.signature(call).parameters.items()
        if name != "self"
    }


def documented_defaults(names, kind):
    """A default for each of the names: "default=1 and 2", or one for all."""
    written = re.search(r"default=(.+)$|^(None)$", kind)  # y : None, as scikit-learn has it
    if written is None:
        return [REQUIRED] * len(names)
    values = [evaluated(text) for text in written[written.lastindex].split(" and ")]
    return values * len(names) if len(values) == 1 else values


def evaluated(text):
    return np.nan if text == "nan" else ast.literal_eval(text)


def methods(cls):
    """Public methods that are written here, by name."""
    for name in dir(cls):
        method = getattr(cls, name)
        ours = str(getattr(method, "__module__", None)).startswith("sklstm")
        if ours and inspect.isroutine(method) and not name.startswith("_"):
            yield name, method


def public_calls():
    for module in MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) and issubclass(thing, Warning):
                continue
            yield pytest.param(thing, id=f"{module.__name__}.{name}")
            if inspect.isclass(thing):
                for method_name, method in methods(thing):
                    yield pytest.param(method, id=f"{module.__name__}.{name}.{method_name}")


CALLS = list(public_calls())


# ---------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize("call", CALLS)
def test_parameters_are_documented_in_the_order_of_the_signature(call):
    assert listed(call, "Parameters") == list(parameters(call))


@pytest.mark.parametrize("call", CALLS)
def test_documented_defaults_are_those_of_the_signature(call):
    actual = parameters(call)
    for names, kind, _ in entries(call, "Parameters"):
        if not ELSEWHERE.match(kind):
            defaults = [REQUIRED if name.startswith("*") else actual[name] for name in names]
            # as text: 1 is not True, and NaN is NaN
            assert list(map(repr, documented_defaults(names, kind))) == list(map(repr, defaults))


@pytest.mark.parametrize("call", CALLS)
def test_a_parameter_has_a_type_and_every_one_of_a_class_a_description(call):
    for names, kind, description in entries(call, "Parameters"):
        assert kind or description, names
        if inspect.isclass(call):
            assert kind and description, names


# ---------------------------------------------------------------------------------- attributes


def fitted(cls):
    """Fits that together have every attribute: of arrays, of data frames, with early stopping."""
    X = np.random.default_rng(0).normal(size=(12, 3, 1))
    y = np.arange(12) % 2
    frame = pd.DataFrame(X[:, :, 0], columns=["a", "b", "c"])
    settings = {"verbose": 0, "max_iter": 1} if "max_iter" in parameters(cls) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield cls(**settings).fit(X, y)
        yield cls(**settings).fit(frame, y)
        if "early_stopping" in parameters(cls):
            yield cls(**settings, early_stopping=True).fit(X, y)


def fitted_attributes(model):
    return {name for name in dir(model) if name.endswith("_") and not name.startswith("_")}


@pytest.mark.parametrize(
    "cls",
    [
        *FAMILIES["LSTM"],
        *FAMILIES["baselines"],
        prep.SequenceScaler,
        prep.SequenceDifferences,
        prep.SequenceContext,
        prep.SequenceImputer,
    ],
)
def test_documented_attributes_are_those_of_a_fit(cls):
    documented = listed(cls, "Attributes")
    assert len(documented) == len(set(documented))
    assert set(documented) == set().union(*map(fitted_attributes, fitted(cls)))


def test_documented_attributes_of_displays_are_those_of_a_plot():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    X = np.random.default_rng(0).normal(size=(12, 3, 1))
    model = LSTMRegressor(2, max_iter=2, random_state=0).fit(X, X[:, 0, 0])
    displays = [
        inspection.AttributionDisplay.from_estimator(model, X[0]),
        inspection.ErrorFlowDisplay.from_estimator(model, X),
        inspection.LossCurveDisplay.from_estimator(model),
        inspection.StateDisplay.from_estimator(model, X[0]),
    ]
    assert {type(display).__name__ for display in displays} == {
        name for name in inspection.__all__ if name.endswith("Display")
    }
    for display in displays:
        assert set(listed(type(display), "Attributes")) == fitted_attributes(display)
    pyplot.close("all")


# ------------------------------------------------------------------------------ shared paragraphs


def paragraphs(member):
    """What is said of each name; names in methods have the method in front."""
    places = [("", member)]
    if inspect.isclass(member):
        places += [(f"{name}.", method) for name, method in methods(member)]
    return {
        prefix + name: (names, kind, description)
        for prefix, thing in places
        for title in ("Parameters", "Attributes")
        for names, kind, description in entries(thing, title)
        for name in names
    }


def shared():
    """(what members say) for each name that several members of a family document."""
    for family, members in FAMILIES.items():
        said = {member: paragraphs(member) for member in members}
        for name in sorted(set().union(*said.values())):
            texts = {member: text[name] for member, text in said.items() if name in text}
            if len(texts) > 1:
                yield pytest.param(name, texts, id=f"{family}-{name}")


@pytest.mark.parametrize("name, texts", list(shared()))
def test_what_is_shared_reads_the_same_but_for_a_reason(name, texts):
    own = {member: text for member, text in texts.items() if name in OWN.get(member, {})}
    common = [text for member, text in texts.items() if member not in own]
    assert all(text == common[0] for text in common)
    assert not common or common[0] not in own.values()  # the reason has gone


def test_every_reason_to_differ_is_of_a_name_that_is_shared():
    known = {(member, case.values[0]) for case in shared() for member in case.values[1]}
    assert {(member, name) for member, names in OWN.items() for name in names} <= known

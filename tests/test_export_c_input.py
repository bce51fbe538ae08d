"""What `to_c` takes and refuses, and text of strangers in its headers."""

import subprocess

import joblib
import numpy as np
import pandas as pd
import pytest
from c_cases import SMALL, classes, classifier, pipeline, regressor, sequences, with_gaps
from c_programs import C99, CPP, WARNINGS, has
from problems import attributes
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.baselines import RecurrentRegressor
from sklstm.export import to_c
from sklstm.export.__main__ import main as export
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceEncoder,
    SequenceImputer,
    SequenceScaler,
)

X = sequences()
HOSTILE = [
    "",
    " ",
    '"; int evil; "',
    "*/ int evil; /*",
    "a\\",
    "\\x41",
    "new\nline\r\t",
    "??/ and ??=",
    "%s %n",
    "日本語 ä \x7f \U0001f600",
    "1f",
    "3' or \\0011",
    "net_real NET_R net_",
    "@M {name} \\1",
]


def printed(folder, main, headers, compiler=C99):
    """What a program of these headers prints."""
    for name, header in headers.items():
        (folder / f"{name}.h").write_text(header, encoding="ascii")
    includes = "".join(f'#include "{name}.h"\n' for name in headers)
    text = f"#include <stdio.h>\n{includes}int main(void)\n{{\n{main}    return 0;\n}}\n"
    (folder / "main.c").write_text(text, encoding="ascii")
    language = ["-x", "c++"] if compiler[0] == "c++" else []
    command = [*compiler, *WARNINGS, "-Wtrigraphs", *language, "main.c", "-o", "program", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(["./program"], cwd=folder, check=True, capture_output=True).stdout


compiled = pytest.mark.skipif(not has("cc", "c++"), reason="no compiler")


# ------------------------------------------------------------------------------------ labels


@compiled
@pytest.mark.parametrize("compiler", [C99, CPP], ids=["C", "C++"])
def test_labels_are_the_bytes_of_their_names(compiler, tmp_path):
    """Whatever they contain: the code around them stays what it is."""
    model = LSTMClassifier(**SMALL).initialize(3, classes=HOSTILE)
    show = """\
    int k;
    const char *p;
    for (k = 0; k < NET_CLASSES; k++) {
        for (p = net_label(k); *p; p++) printf("%02x", (unsigned char)*p);
        printf("\\n");
    }
"""
    found = printed(tmp_path, show, {"net": to_c(model)}, compiler).decode().split("\n")[:-1]
    assert [bytes.fromhex(line).decode() for line in found] == model.classes_.tolist()


@compiled
@pytest.mark.parametrize(
    "labels, kind",
    [
        ([-3, 7, 2**31 - 1, -(2**31)], "int32_t"),
        ([False, True], "int32_t"),
        ([-(2**63), 0, 2**63 - 1], "int64_t"),
        (np.array([0, 2**64 - 1], np.uint64), "uint64_t"),
        ([-1.0, 2.0, 1e300], "double"),
    ],
    ids=str,
)
def test_labels_that_are_numbers_stay_numbers(labels, kind, tmp_path):
    model = LSTMClassifier(**SMALL).initialize(3, classes=labels)
    header = to_c(model)
    assert f"static inline {kind} net_label(int k)" in header
    shape = {"int32_t": "ld", "int64_t": "ld", "uint64_t": "lu", "double": ".17g"}[kind]
    cast = {"ld": "long", "lu": "unsigned long", ".17g": "double"}[shape]
    show = f'    int k;\n    for (k = 0; k < {len(labels)}; k++) printf("%{shape} ", '
    found = printed(tmp_path, f"{show}({cast})net_label(k));\n", {"net": header}).split()
    assert [float(value) for value in found] == [float(v) for v in model.classes_.tolist()]
    assert kind == "double" or [int(value) for value in found] == model.classes_.tolist()


def test_labels_of_an_indicator_keep_their_names():
    y = np.array([[1, 0], [0, 1], [1, 1]] * 4)
    named = LSTMClassifier(**SMALL).partial_fit(X, y, classes=["on", "hot"])
    assert '"on", "hot"' in to_c(named)
    assert "int32_t names[2] = {\n        0, 1\n" in to_c(classifier(y))


@pytest.mark.parametrize(
    "label, message",
    [("a\0b", r"The label 'a\\x00b' contains a NUL"), ("x" * 4096, "is longer than 4095 bytes")],
    ids=["NUL", "long"],
)
def test_a_label_that_no_string_can_hold_is_refused(label, message):
    model = LSTMClassifier(**SMALL).initialize(3, classes=[label, "b"])
    with pytest.raises(ValueError, match=message):
        to_c(model)


@compiled
def test_names_of_features_stand_in_the_banner_and_end_no_comment(tmp_path):
    frames = [pd.DataFrame(x, columns=["*/ int evil;", "a\nb", "speed (m/s)\\"]) for x in X]
    header = to_c(classifier(np.arange(12) % 2, X=frames))
    assert " *   0  \\052\\057 int evil;\n *   1  a\\012b\n" in header
    scaled = to_c(pipeline(SequenceScaler(), X=frames), "scaled")
    assert " *   2  speed (m\\057s)\\134\n" in scaled
    assert printed(tmp_path, "", {"net": header, "scaled": scaled}) == b""


def test_column_names_of_a_table_are_no_features():
    table = pd.DataFrame(np.eye(4), columns=["a", "b", "c", "d"])
    model = LSTMClassifier(**SMALL | {"features_per_step": 2}).fit(table, [0, 1, 0, 1])
    header = to_c(model)
    assert "#define NET_FEATURES 2" in header and "Features" not in header


# ------------------------------------------------------------------------------------- codes


def coded(**settings):
    settings = SMALL | {"categorical_features": [1]} | settings
    return LSTMClassifier(**settings).initialize(3, classes=[0, 1], categories=[[0, 2, 3]])


@compiled
def test_a_step_whose_code_is_no_whole_number_is_not_taken(tmp_path):
    step = """\
    net_state state;
    const net_real codes[] = {2, NAN, -5, 1e9f, 1.5f, -0.5f, INFINITY};
    int k;
    net_reset(&state);
    for (k = 0; k < 7; k++) {
        const net_real x[3] = {0.5f, codes[k], 0.5f};
        printf("%d ", net_step(&state, x));
    }
"""
    assert printed(tmp_path, step, {"net": to_c(coded())}).split() == [*b"1 1 1 1 0 0 0".split()]


def test_codes_that_single_precision_cannot_tell_apart_are_refused():
    model = LSTMClassifier(**SMALL, categorical_features=[1])
    model.initialize(3, classes=[0, 1], categories=[[0, 2**24 + 1]])
    with pytest.raises(ValueError, match="Feature 1 has the code 16777217, but float has gaps"):
        to_c(model)


def test_weights_of_categories_that_are_no_numbers_are_refused():
    model = coded()
    model.layers_[0]["category"][5, 2] = np.nan
    with pytest.raises(ValueError, match=r"layers_\[0\]\['category'\]\[5, 2\] is nan"):
        to_c(model)


@compiled
def test_the_banner_says_what_codes_there_are(tmp_path):
    assert "Feature 1 is a code from 0 to 3." in to_c(coded())
    pages = pd.Categorical(["b", "*/ a\n", None, "b"])
    frames = [pd.DataFrame({"seconds": [1.0, 2, 3, 4], "page": pages})] * 2
    model = LSTMClassifier(**SMALL, categorical_features="from_dtype").fit(frames, [0, 1])
    header = to_c(model)
    assert r"Feature 1 is a code: 0 b, 1 \052\057 a\012, or NaN, missing." in header
    assert printed(tmp_path, "", {"net": header}) == b""


# ------------------------------------------------------------------------------------- names


@pytest.mark.parametrize("name", ["a", "Net", "gesture_net2", "x" * 40, "int", "class"])
@compiled
def test_names_begin_all_that_a_header_defines(name, tmp_path):
    header = to_c(classes(3, cell="peephole", pooling="mean"), name)
    state = f"    static {name}_state state;\n    {name}_reset(&state);\n"
    assert printed(tmp_path, state, {"x": header}) == b""
    code = header.split("*/", 1)[1]
    assert "net_" not in code.replace(f"{name}_", "") and "NET_" not in code.replace(
        f"{name.upper()}_", ""
    )


@pytest.mark.parametrize(
    "name",
    ["", "1a", "_a", "a_", "a__b", "a-b", "a b", "a;", "é", "a\n", "x" * 41, "net.h"],
    ids=repr,
)
def test_a_name_that_is_none_in_c_is_refused(name):
    with pytest.raises(ValueError, match=r"cannot begin the names of C.*write to a file"):
        to_c(classes(2), name)


@pytest.mark.parametrize("name", [None, 3, b"net"])
def test_a_name_is_a_string(name):
    with pytest.raises(TypeError, match="name must be a string"):
        to_c(classes(2), name)


@pytest.mark.parametrize("int8", ["yes", 1, None])
def test_int8_is_true_or_false(int8):
    with pytest.raises(ValueError, match=f"int8 must be True or False, got {int8!r}"):
        to_c(classes(2), int8=int8)
    assert to_c(classes(2), int8=np.True_) == to_c(classes(2), int8=True)


# ------------------------------------------------------------------------------------ models


def test_nothing_changes_and_headers_are_the_same_again():
    model = pipeline(SequenceImputer(), SequenceScaler(), X=with_gaps(X))
    before = [attributes(step) for step in model]
    assert to_c(model) == to_c(model)
    assert [attributes(step) for step in model] == before


def test_a_model_that_is_not_fitted_is_refused():
    with pytest.raises(NotFittedError, match="LSTMClassifier instance is not fitted"):
        to_c(LSTMClassifier())
    with pytest.raises(NotFittedError, match="SequenceScaler"):
        to_c(make_pipeline(SequenceScaler(), regressor()))


def test_a_bidirectional_network_is_refused():
    with pytest.raises(ValueError, match=r"bidirectional.*one step at a time.*bidirectional=False"):
        to_c(regressor(bidirectional=True))


@pytest.mark.parametrize(
    "step, message",
    [
        (FunctionTransformer(), "Step 'own' of the pipeline, FunctionTransformer, cannot be"),
        (SequenceContext(1, 1), r"Step 'own' .* SequenceContext\(after=1\), needs future steps"),
        (SequenceImputer("linear"), r"Step 'own' .* SequenceImputer\(strategy='linear'\)"),
        (SequenceEncoder(), r"Step 'own' .* SequenceEncoder, reads Python objects.*pipeline\[1:\]"),
        (
            type("Scaler", (SequenceScaler,), {})(),
            "Step 'own' of the pipeline, Scaler, cannot be converted",
        ),
    ],
    ids=lambda part: "" if isinstance(part, str) else type(part).__name__,
)
def test_a_step_without_a_form_in_c_is_refused_by_its_name(step, message):
    cube = np.random.default_rng(0).normal(size=(12, 4, 3))
    model = Pipeline([("own", step), ("lstm", LSTMRegressor(**SMALL))]).fit(cube, cube[:, 0, 0])
    with pytest.raises(ValueError, match=message):
        to_c(model)


def test_pipelines_in_pipelines_and_steps_that_pass_are_followed():
    inner = pipeline(SequenceDifferences(), "passthrough", X=X)
    outer = make_pipeline("passthrough", inner)
    assert to_c(outer) == to_c(inner)


def test_a_feature_without_a_mean_is_refused():
    gaps = [np.where([True, False, True], x, np.nan) for x in X]
    scaler = SequenceScaler().fit(gaps)
    model = Pipeline([("own", scaler), ("lstm", regressor())])
    with pytest.raises(ValueError, match=r"'own' .* SequenceScaler, has no mean for feature 1"):
        to_c(model)


def test_steps_that_do_not_fit_together_are_refused():
    table = np.random.default_rng(0).normal(size=(12, 4))
    lstm = LSTMRegressor(**SMALL | {"features_per_step": 2})
    model = make_pipeline(SequenceScaler(), lstm).fit(table, table[:, 0])
    with pytest.raises(
        ValueError, match="returns 1 features per time step, but the network reads 2"
    ):
        to_c(model)


@pytest.mark.parametrize(
    "model, what",
    [
        (GridSearchCV(LSTMRegressor(), {}), "GridSearchCV.*best_estimator_"),
        (RecurrentRegressor(), "RecurrentRegressor"),
        (make_pipeline(SequenceScaler()), "a Pipeline that ends with SequenceScaler"),
        (None, "NoneType"),
        ("model.joblib", "str"),
        (LSTMRegressor, "type"),
    ],
    ids=str,
)
def test_what_is_no_lstm_is_refused(model, what):
    with pytest.raises(TypeError, match=f"to_c takes a fitted LSTM.*{what}"):
        to_c(model)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_parameters_that_are_no_numbers_are_refused_by_their_place(value):
    model = classes(3, cell="peephole", hidden_layer_sizes=(3, 2))
    places = {
        "layers_[0]['input'][0, 2]": model.layers_[0]["input"],
        "layers_[1]['peephole'][0, 0]": model.layers_[1]["peephole"],
        "output_bias_[2]": model.output_bias_,
    }
    for place, array in places.items():
        index = eval(place.rpartition("[")[2].rstrip("]"))
        old = array[index]
        array[index] = value
        with pytest.raises(ValueError) as error:
            to_c(model)
        assert str(error.value).startswith(f"{place} is {value}")
        array[index] = old
    to_c(model)


def test_a_vector_of_another_size_is_refused():
    model = classes(2)
    model.parameters_ = model.parameters_[:-1]
    with pytest.raises(ValueError, match="parameters_ is an array of shape"):
        to_c(model)


def test_units_that_no_float_holds_are_refused():
    model = LSTMRegressor(**SMALL).initialize(3, y_mean=1e300, y_scale=1e290)
    with pytest.raises(ValueError, match=r"A parameter of the output layer is .*e\+288, which"):
        to_c(model)
    tiny = SequenceScaler().fit(X)
    tiny.scale_ = tiny.scale_ * 1e-60
    with pytest.raises(ValueError, match="A number that SequenceScaler has learned is"):
        to_c(make_pipeline(tiny, regressor()))


@compiled
def test_numbers_near_zero_compile(tmp_path):
    model = classes(2)
    model.layers_[0]["input"][0] = [1e-50, -5e-324, 1e-40]
    model.layers_[0]["bias"][0] = -0.0
    single = classes(2, X=sequences(dtype=np.float32))
    single.layers_[0]["input"][0] = [1e-45, -1e-40, 3.4e38]
    zeros = classes(2)
    zeros.parameters_[:] = 0
    headers = {"net": to_c(model), "single": to_c(single, "single")}
    headers["zeros"] = to_c(zeros, "zeros", int8=True)
    assert printed(tmp_path, "", headers) == b""


# ------------------------------------------------------------------------------ command line


def test_the_command_line_writes_what_to_c_returns(tmp_path, capsys):
    model, file, net = regressor(), tmp_path / "model.joblib", tmp_path / "gesture.h"
    joblib.dump(model, file)
    assert export([str(file), str(net)]) == 0
    assert net.read_text() == to_c(model, "gesture")
    assert export([str(file), str(net), "--name", "other", "--int8"]) == 0
    assert net.read_text() == to_c(model, "other", int8=True)
    assert "Written to" in capsys.readouterr().out


def test_the_command_line_says_why_there_is_no_header(tmp_path, capsys):
    file = tmp_path / "model.joblib"
    joblib.dump(regressor(bidirectional=True), file)
    assert export([str(file), str(tmp_path / "net.h")]) == 1
    assert "bidirectional=False" in capsys.readouterr().err
    joblib.dump(regressor(), file)
    assert export([str(file), str(tmp_path / "my net.h")]) == 1
    assert "name='my net' cannot begin the names of C" in capsys.readouterr().err

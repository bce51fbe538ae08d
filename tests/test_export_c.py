"""Networks as C: what they print is what streams and predictions of the model say."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_cases import cases, classes, classifier, regressor
from c_programs import C99, CPP, WARNINGS, Case, has, run_here, run_on_cortex, write
from numpy.testing import assert_allclose

from benchmarks import c as benchmark
from benchmarks.device import cortex
from sklstm import LSTMRegressor
from sklstm.export import to_c

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "c.md").read_text(encoding="utf-8")
here = pytest.mark.skipif(not has("cc", "c++"), reason="no compiler")
there = pytest.mark.skipif(not cortex.is_here(), reason="no compiler for ARM, or no QEMU")
WAYS = {
    "C": pytest.param(C99, ["-O1"], False, marks=here),
    "C++, double": pytest.param(CPP, ["-O0"], True, marks=here),
    "Cortex-M4": pytest.param(None, ["-O1"], False, marks=there),
}


@pytest.fixture(scope="module")
def known():
    """All cases, and what is expected of them."""
    models = cases()
    return models, {name: case.expected() for name, case in models.items()}


# ----------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("compiler, flags, double", WAYS.values(), ids=WAYS)
def test_every_step_says_what_the_stream_says(compiler, flags, double, known, tmp_path):
    models, expected = known
    write(tmp_path, models.values(), double)
    found = run_here(tmp_path, compiler, flags) if compiler else run_on_cortex(tmp_path, flags)
    for k, (name, case) in enumerate(models.items()):
        assert set(found[k]) == {*expected[name], "bytes"}
        assert found[k]["bytes"] == case.state_bytes(double)
        single = not double or case.estimator.parameters_.dtype == np.float32
        tolerance = 0.15 if case.int8 else 1e-6 if single else 1e-12
        for what, values in expected[name].items():
            if case.int8 and what == "predict":
                continue
            compare = dict(rtol=tolerance, atol=tolerance, err_msg=f"{name}: {what}")
            assert_allclose(found[k][what], values, **compare)


def test_the_last_step_says_what_the_model_predicts(known):
    """So that what C is compared with, the stream, is what `predict` says."""
    models, expected = known
    for name, case in models.items():
        if case.estimator.return_sequences or case.estimator._sequence_input == "table":
            continue
        last = expected[name]["predict"][case.last_steps]
        predicted = np.reshape(case.coded(case.model.predict(case.X)), last.shape)
        assert_allclose(last, predicted, rtol=2e-6, atol=1e-6, err_msg=name)
        if "proba" in expected[name]:
            proba = case.model.predict_proba(case.X)
            assert_allclose(expected[name]["proba"][case.last_steps], proba, atol=1e-6)


@here
def test_nothing_is_read_or_written_out_of_place(known, tmp_path):
    models, _ = known
    chosen = list(models.values())[::6]
    write(tmp_path, chosen)
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1"]
    try:
        run_here(tmp_path, C99, sanitizers)
    except subprocess.CalledProcessError as error:
        if "cannot find" in (error.stderr or ""):
            pytest.skip("no sanitizers")
        raise


@here
def test_functions_are_as_precise_as_documented():
    assert max(benchmark.errors_of_functions().values()) < 3


@here
@pytest.mark.parametrize("n_units", [8, 32])
def test_int8_keeps_the_accuracy_on_the_japanese_vowels(n_units):
    scores = benchmark.vowels(n_units, seed=0)
    assert scores["C, float"] == scores["predict"] > 0.85
    assert abs(scores["C, int8"] - scores["predict"]) <= benchmark.POINTS / 100


@there
def test_a_cortex_m4_meets_the_goals():
    for weights in ("float", "int8"):
        model = LSTMRegressor(32, random_state=0).initialize(benchmark.N_FEATURES)
        found = benchmark.on_cortex(model, int8=weights == "int8")
        for (what, of), most in benchmark.GOALS.items():
            assert of != weights or found[what] <= most
        header = to_c(model, int8=weights == "int8")
        flash = int(re.search(r"Flash: (\d+) bytes of constants", header)[1])
        assert flash - 8 <= found["constants"] <= flash  # a single number may be in the code
        assert f"RAM: {found['state']} bytes for each net_state" in header


def test_each_row_in_int8_has_a_scale_of_its_own():
    model = regressor(3, normalize_y=False)
    model.output_weights_[:] *= [[1e-3], [1], [1e3]]
    header = to_c(model, int8=True)
    scale, weights = (array(header, name) for name in ("scale_out", "w_out"))
    assert_allclose(scale, np.abs(model.output_weights_).max(axis=1) / 127, rtol=1e-6)
    found = weights.reshape(3, -1) * scale[:, None]
    assert np.all(np.abs(found - model.output_weights_) <= scale[:, None] / 1.99)


def array(header, name):
    """The numbers of a table of a header."""
    body = re.search(rf"net_{name}\[\d+\] = {{(.+?)}}", header, re.DOTALL)[1]
    return np.array([float(value) for value in re.sub(r"NET_R\(|\)", "", body).split(",")])


@here
def test_quantiles_that_are_next_to_one_another_stay_in_order(tmp_path):
    """Also where functions that are not monotone to the last digit come after."""
    settings = {"loss": "quantile", "quantile": [0.1, 0.4, 0.6, 0.9], "out_activation": "tanh"}
    model = regressor(**settings)
    model.output_weights_[:] *= [[0], [0], [0.2], [0]]
    model.output_bias_[:] = -16.7, -16.7, 0.75, -16.7  # the next quantile is the next float
    rng = np.random.default_rng(0)
    write(tmp_path, [Case(model, [rng.normal(size=(2000, 3))])])
    values = run_here(tmp_path, C99, ["-O1"])[0]["predict"]
    assert (np.diff(values) >= 0).all() and (np.diff(values) == 0).any()


def test_a_mean_over_many_steps_stays_a_mean():
    header = to_c(classes(2, pooling="mean"))
    assert "if (state->n_steps < UINT32_MAX) state->n_steps++;" in header


# ------------------------------------------------------------------------------------- the page


def test_the_tables_of_the_page_are_those_of_the_benchmark():
    results = json.loads((DOCS / "c.json").read_text(encoding="utf-8"))
    assert benchmark.costs(results) in PAGE
    assert benchmark.accuracies(results) in PAGE
    errors = {name: f"{error:.1f}" for name, error in results["errors"].items()}
    of_two = "`exp` is {exp} unit in the last place, of the logistic function {logistic}"
    assert f"{of_two}, of `tanh` {{tanh}}".format(**errors) in PAGE
    assert all(found <= most for _, most, found in benchmark.goals(results))


@here
@pytest.mark.parametrize("compiler", [C99, CPP], ids=["C", "C++"])
def test_the_program_of_the_page_compiles(compiler, tmp_path):
    model = classifier(np.array(["down", "up"] * 6))
    (tmp_path / "gesture.h").write_text(to_c(model, "gesture"), encoding="ascii")
    program = re.search(r"```c\n(.+?)```", PAGE, re.DOTALL)[1]
    (tmp_path / "program.c").write_text(program, encoding="ascii")
    language = ["-x", "c++"] if compiler is CPP else []
    command = [*compiler, *WARNINGS, *language, "-c", "program.c", "-o", "program.o"]
    subprocess.run(command, cwd=tmp_path, check=True)

"""A stream computes what sequences compute, and learns the truncated gradient as it goes."""

import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction

import joblib
import numpy as np
import pytest
from bad_values import objects
from kernels import CELLS
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from sklstm import LSTMClassifier, LSTMRegressor, Stream, _isa
from sklstm._gradient import Gradient
from sklstm._solvers import SOLVERS
from sklstm._topology import GATES

rng = np.random.default_rng(0)
SGD = dict(
    gradient="truncated",  # what a stream learns by
    solver="sgd",
    learning_rate_init=0.1,
    momentum=0.0,
    clip_norm=None,
    batch_size=1,
)


def regressor(hidden=3, n_features=2, n_outputs=1, *, dtype=np.float64, seed=0, **settings):
    model = LSTMRegressor(hidden, random_state=seed, **settings)
    model.initialize(n_features, n_outputs=n_outputs)
    model.parameters_[:] = np.random.default_rng(seed).normal(0, 0.5, model.parameters_.shape)
    model.parameters_[~model._topology.trainable] = 0
    if dtype == np.float32:
        model.parameters_ = model.parameters_.astype(dtype)
        model._solver_state = SOLVERS[model.solver].start(model.parameters_, model)
    return model


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("hidden", [3, (4, 2)])
@pytest.mark.parametrize("block_size", [1, 2])
def test_a_step_gives_what_the_sequence_gives_at_that_step(cell, hidden, block_size):
    model = regressor(hidden, n_outputs=2, cell=cell, block_size=block_size, return_sequences=True)
    x = rng.normal(size=(20, 2))
    stream = model.stream()
    found = np.array([stream.step(x_t) for x_t in x])
    assert_allclose(found, model.predict([x])[0], rtol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("block_size", [1, 3])
@pytest.mark.parametrize("alpha", [0.0, 0.2])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_learning_at_the_end_changes_the_weights_as_partial_fit_does(
    cell, block_size, alpha, n_outputs
):
    settings = dict(cell=cell, block_size=block_size, alpha=alpha, bias="gates", **SGD)
    batch, online = (regressor(n_outputs=n_outputs, **settings) for _ in range(2))
    x, y = rng.normal(size=(15, 2)), rng.normal(size=n_outputs)
    batch.partial_fit([x], [y] if n_outputs > 1 else y, sample_weight=[0.7])
    stream = online.stream()
    for x_t in x:
        stream.step(x_t)
    stream.learn(y if n_outputs > 1 else y[0], 0.7)
    assert_allclose(online.parameters_, batch.parameters_, rtol=1e-11, atol=1e-13)
    assert online.t_ == batch.t_


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_at_every_step_add_up_to_that_of_the_sequence(cell):
    # an update that is too small to move the weights adds up to the gradient of all steps
    rate = 1e-7
    settings = dict(cell=cell, block_size=2, return_sequences=True, **SGD)
    settings["learning_rate_init"] = rate
    batch, online = (regressor(n_outputs=2, **settings) for _ in range(2))
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    before = batch.parameters_.copy()
    batch.partial_fit([x], [y])
    stream = online.stream()
    for x_t, y_t in zip(x, y, strict=True):
        stream.step(x_t)
        stream.learn(y_t)
    change = (online.parameters_ - before) / rate
    assert_allclose(change, (batch.parameters_ - before) / rate, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_series_of_sequences_trains_as_with_partial_fit(solver, dtype):
    settings = SGD | dict(solver=solver, learning_rate_init=0.02, clip_norm=0.5)
    settings |= dict(momentum=0.9, learning_rate="invscaling")
    batch, online = (regressor(5, dtype=dtype, **settings) for _ in range(2))
    stream = online.stream()
    for k in range(10):
        x, y = rng.normal(size=(3 + k, 2)).astype(dtype), rng.normal()
        batch.partial_fit([x], [y])
        stream.reset()
        for x_t in x:
            stream.step(x_t)
        stream.learn(y)
    tolerance = 1e-9 if dtype == np.float64 else 2e-4
    assert_allclose(online.parameters_, batch.parameters_, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [(["no", "yes"], ["yes", "no"]), ([1, 5, 9], [5, 9]), (None, [[1, 0, 1], [0, 0, 1]])],
)
def test_classifiers_learn_labels(classes, labels):
    models = []
    for _ in range(2):
        model = LSTMClassifier(4, random_state=0, **SGD)
        models.append(model.initialize(2, classes=classes, n_outputs=1 if classes else 3))
    batch, online = models
    stream = online.stream()
    for label in labels:
        x = rng.normal(size=(5, 2))
        batch.partial_fit([x], [label])
        stream.reset()
        for x_t in x:
            value = stream.step(x_t)
        assert_allclose(value, online.decision_function([x])[0], rtol=1e-12)
        assert_array_equal(stream.predict(), online.predict([x])[0])
        assert_allclose(stream.predict_proba(), online.predict_proba([x])[0], rtol=1e-12)
        stream.learn(label)
    assert_allclose(online.parameters_, batch.parameters_, rtol=1e-11, atol=1e-14)


def test_a_regressor_steps_in_the_range_of_its_outputs():
    model = regressor(out_activation="logistic", return_sequences=True)
    stream, x = model.stream(), rng.normal(size=(3, 2))
    found = [stream.step(x_t) for x_t in x]
    assert_allclose(found, model.predict([x])[0], rtol=1e-12)
    assert isinstance(found[0], float)
    assert stream.predict() == pytest.approx(found[-1])


def test_streams_share_parameters_and_nothing_else():
    model = regressor(**SGD)
    x = rng.normal(size=(8, 2))
    alone = [s.step(x_t) for s in [model.stream()] for x_t in x]
    first, second = model.stream(), model.stream()
    for x_t, expected in zip(x, alone, strict=True):
        second.step(rng.normal(size=2))
        assert first.step(x_t) == expected
    second.learn(3.0)
    assert first.step(x[0]) != model.stream().step(x[0])  # other state
    assert second._vector is first._vector


@pytest.mark.parametrize("cell", CELLS)
def test_outputs_do_not_depend_on_keeping_traces(cell):
    model = regressor(cell=cell, block_size=2, **SGD)
    topology = model._topology
    quiet, busy = (
        _isa.online[np.dtype(np.float64)].Online(
            topology,
            model.parameters_,
            topology.frozen,
            topology.decayed.view(np.uint8),
            Gradient.of(topology, np.float64),
            model._outputs_now().objective,
            learns=learns,
        )
        for learns in (False, True)
    )
    for x in rng.normal(size=(9, 2)):
        assert quiet.step(x) and busy.step(x)
        assert quiet.output() == busy.output() != 0
    assert len(quiet.save(np.empty)) < len(busy.save(np.empty))


def test_assigning_into_the_parameters_changes_the_next_step():
    model = regressor()
    stream = model.stream()
    model.output_weights_[:] = 0
    model.output_bias_[:] = 7
    assert stream.step([1.0, 2.0]) == 7


def test_reset_is_a_new_stream():
    model = regressor(cell="peephole", **SGD)
    stream, x = model.stream(), rng.normal(size=(4, 2))
    for x_t in x:
        stream.step(x_t)
    assert stream.reset() is stream
    fresh = regressor(cell="peephole", **SGD)
    other = fresh.stream()
    for x_t in x:
        assert stream.step(x_t) == other.step(x_t)
    stream.learn(1.0)
    other.learn(1.0)
    assert_array_equal(model.parameters_, fresh.parameters_)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_pickled_stream_goes_on_as_if_never_pickled(cell, solver):
    model = regressor(cell=cell, block_size=2, solver=solver)
    stream = model.stream()
    x, y = rng.normal(size=(12, 2)), rng.normal(size=12)
    for x_t, y_t in zip(x[:6], y[:6], strict=True):
        stream.step(x_t)
        stream.learn(y_t)
    stream.step(x[6])
    copy = pickle.loads(pickle.dumps(stream))
    for x_t, y_t in zip(x[6:], y[6:], strict=True):
        assert copy.learn(y_t) == stream.learn(y_t)
        assert copy.step(x_t) == stream.step(x_t)
    assert_array_equal(copy.estimator.parameters_, model.parameters_)


@pytest.mark.parametrize("version", [None, "0.0.1", "99.0"])
def test_a_stream_of_another_version_says_so(version):
    """The first kept its estimator, and no version."""
    model = regressor()
    state = model.stream().__getstate__()
    state = state | {"version": version} if version else {"estimator": model, "stepped": False}
    with pytest.raises(
        ValueError, match=rf"saved by sklstm {version or 'before 0.2.0'} and cannot"
    ):
        Stream.__new__(Stream).__setstate__(state)


def resident():
    """Bytes of memory in use now (not the largest so far, which a leak may never reach)."""
    try:
        with open("/proc/self/statm") as numbers:
            return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        pytest.skip("no /proc here")


def test_memory_does_not_grow_with_time():
    stream, x = regressor(**SGD).stream(), np.ones(2)

    def run(n):
        for _ in range(n):
            stream.step(x)
            stream.learn(1.0)
        return resident()

    before = run(1000)
    assert run(200_000) - before < 2**20  # 5 bytes a step would show


# What cannot be.


def unchanged(model, stream, action, error, match):
    """The action fails, and nothing of model or stream has changed."""
    parameters, memory = model.parameters_.copy(), pickle.dumps(stream._save())
    with pytest.raises(error, match=match):
        action()
    assert_array_equal(model.parameters_, parameters)
    assert pickle.dumps(stream._save()) == memory


@pytest.mark.parametrize(
    ("x", "match"),
    [
        ([1.0], r"shape \(1,\), expected \(2,\)"),
        ([[1.0, 2.0]], r"shape \(1, 2\), expected \(2,\)"),
        (1.0, r"expected \(2,\)"),
        (np.array([1.0, np.nan]), "NaN in feature 1.*SequenceImputer"),  # read without a look at it
        (np.array([np.inf, 1.0]), "infinity .*float64 in feature 0"),
    ],
)
def test_a_bad_step_is_refused(x, match):
    model = regressor()
    stream = model.stream()
    stream.step([1.0, 2.0])
    unchanged(model, stream, lambda: stream.step(x), ValueError, match)


def test_an_unknown_label_is_refused():
    model = LSTMClassifier(2, random_state=0).initialize(1, classes=["a", "b"])
    stream = model.stream()
    stream.step([1.0])
    unchanged(model, stream, lambda: stream.learn("c"), ValueError, "must be one of the classes")


class Digit(IntEnum):
    ONE = 1


LABELS = [True, np.True_, 1.0, np.int8(1), np.uint64(1), np.float16(1), np.longdouble(1)]
LABELS += [np.array(1), np.array(1, dtype=object), np.ma.array(1)]
NO_LABELS = [1 + 0j, Decimal(1), Fraction(1), Digit.ONE, np.datetime64(1, "ns"), np.array(1j)]
NO_LABELS += [np.timedelta64(1, "ns"), np.array(1, "m8[ns]"), np.ma.array(1, mask=True)]


@pytest.mark.parametrize("label", LABELS + NO_LABELS, ids=repr)
def test_what_is_a_label_is_decided_as_in_a_batch(label):
    in_a_batch = objects((2,), (1,), label[()] if isinstance(label, np.ndarray) else label)
    models = [LSTMClassifier(2, random_state=0).initialize(1, classes=[0, 1]) for _ in range(3)]
    stream, other, batch = models[0].stream(), models[1].stream(), models[2]
    stream.step([1.0])
    other.step([1.0])
    if any(label is known for known in LABELS):
        assert stream.learn(label) == other.learn(1)
        batch.partial_fit([[[1.0]], [[1.0]]], in_a_batch)
    else:
        unchanged(models[0], stream, lambda: stream.learn(label), ValueError, "must be one of")
        with pytest.raises(ValueError, match=r"y has the label|more than 64 bits|NaN"):
            batch.partial_fit([[[1.0]], [[1.0]]], in_a_batch)


def test_a_string_is_a_label_whatever_holds_it():
    model = LSTMClassifier(2, random_state=0).initialize(1, classes=["a", "b"])
    stream = model.stream()
    stream.step([1.0])
    for label in ("a", np.str_("a"), np.array("a"), np.array("a", dtype=object)):
        assert stream.learn(label, 1e-300) >= 0
    unchanged(model, stream, lambda: stream.learn(b"a"), ValueError, "must be one of")


@pytest.mark.parametrize("when", ["new", "after-reset"])
def test_learning_and_predicting_need_a_step(when):
    model = regressor()
    stream = model.stream()
    if when == "after-reset":
        stream.step([1.0, 2.0])
        stream.reset()
    for action in (lambda: stream.learn(1.0), stream.predict):
        unchanged(model, stream, action, ValueError, "Call step")


def test_a_stack_steps_but_does_not_learn():
    model = regressor((3, 2))
    stream = model.stream()
    stream.step([1.0, 2.0])
    unchanged(model, stream, lambda: stream.learn(1.0), ValueError, "partial_fit")


def test_a_bidirectional_network_has_no_stream():
    with pytest.raises(ValueError, match="bidirectional network has no stream"):
        regressor(bidirectional=True).stream()


def test_old_streams_of_an_estimator_fitted_anew_raise():
    model = regressor(max_iter=1, tol=0.0, n_iter_no_change=9)
    stream = model.stream()
    stream.step([1.0, 2.0])
    with pytest.warns(match="Maximum iterations"):
        model.fit(rng.normal(size=(5, 4, 2)), np.zeros(5))
    for action in (lambda: stream.step([1.0, 2.0]), lambda: stream.learn(1.0)):
        with pytest.raises(RuntimeError, match="was fitted again"):
            action()


def test_a_step_whose_loss_is_not_finite_learns_nothing():
    model = regressor(**SGD)
    stream = model.stream()
    model.output_bias_[:] = 1e300
    stream.step([1.0, 2.0])
    before = model.parameters_.copy()
    with pytest.warns(match="nothing was learned"):
        stream.learn(0.0)
    assert_array_equal(model.parameters_, before)


def test_learning_copies_memory_mapped_parameters(tmp_path):
    import joblib

    joblib.dump(regressor(**SGD), tmp_path / "model")
    model = joblib.load(tmp_path / "model", mmap_mode="r")
    in_memory = regressor(**SGD)
    for one in (model, in_memory):
        stream = one.stream()
        stream.step([1.0, 2.0])
        stream.step([0.5, 2.0])
        stream.learn(1.0)
    assert_array_equal(model.parameters_, in_memory.parameters_)


def test_every_cell_is_covered():
    assert set(CELLS) == set(GATES)


# ------------------------------------------------------- parameters and data that change or are bad


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate_init": 1e-12},
        {"solver": "sgd", "learning_rate_init": 1e-12},
        {"clip_norm": 1e-12, "solver": "sgd"},
    ],
    ids=str,
)
def test_a_running_stream_follows_set_params(change):
    model = regressor()
    stream = model.stream()
    for x in rng.normal(size=(5, 2)):
        stream.step(x)
        stream.learn(1.0)
    model.set_params(**change)
    before = model.parameters_.copy()
    stream.step(rng.normal(size=2))
    stream.learn(-1.0)
    assert 0 < np.abs(model.parameters_ - before).max() < 1e-9


def test_a_change_of_momentum_acts_at_once_and_the_velocity_stays():
    model = regressor(**SGD | {"momentum": 0.9})
    stream = model.stream()
    stream.step([1.0, 2.0])
    stream.learn(3.0)
    velocity = model._solver_state["velocity"].copy()
    before = model.parameters_.copy()
    model.set_params(momentum=0.5, nesterovs_momentum=False, learning_rate_init=1e-300)
    stream.learn(3.0)
    assert_allclose(model.parameters_ - before, 0.5 * velocity, rtol=1e-9, atol=1e-15)


def test_two_streams_of_one_model_share_the_state_of_the_solver():
    model, twin = regressor(), regressor()
    streams, alone = [model.stream(), model.stream()], twin.stream()
    for k in range(6):
        x = rng.normal(size=2)
        for stream in (*streams, alone):
            stream.reset()
            stream.step(x)
        streams[k % 2].learn(1.0)
        alone.learn(1.0)
    assert_array_equal(model.parameters_, twin.parameters_)
    assert model._solver_state["n_steps"] == 6


def test_streams_of_one_model_learn_one_at_a_time():
    model, twin = regressor(), regressor()
    streams, alone = [model.stream(), model.stream()], twin.stream()
    for stream in (*streams, alone):
        stream.step([1.0, 2.0])
    inside, most = [], []

    def slow(read):
        def read_slowly(y):
            inside.append(y)
            most.append(len(inside))
            time.sleep(0.005)
            inside.pop()
            return read(y)

        return read_slowly

    for stream in streams:
        stream.learn(1.0, 0.0)  # binds it to the array that streams move
        stream._target = slow(stream._target)
    start = threading.Barrier(2)

    def learn(stream):
        start.wait()
        for _ in range(5):
            stream.learn(1.0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(learn, streams))
    for _ in range(10):
        alone.learn(1.0)
    assert most == [1] * 10
    assert_array_equal(model.parameters_, twin.parameters_)
    assert model._solver_state["n_steps"] == 10


@pytest.mark.parametrize(
    "bad",
    [
        {"learning_rate_init": -1.0},
        {"clip_norm": -1.0},
        {"alpha": -5.0},
        {"solver": "lbfgs"},
    ],
    ids=str,
)
@pytest.mark.parametrize("learned", [False, True])
def test_a_parameter_that_cannot_be_is_told_when_it_would_be_used(bad, learned):
    model = regressor()
    stream = model.stream()
    stream.step([0.0, 1.0])
    if learned:
        stream.learn(1.0)
    good = {name: model.get_params()[name] for name in bad}
    before = model.parameters_.copy()
    with pytest.raises(ValueError, match=next(iter(bad))):
        model.set_params(**bad)
        stream.learn(1.0)
    assert_array_equal(model.parameters_, before)
    model.set_params(**good)
    stream.learn(1.0)
    assert (model.parameters_ != before).any()


def test_class_weights_multiply_the_weight_of_a_target():
    settings = dict(random_state=0, **SGD)
    plain, weighted = (
        LSTMClassifier(4, class_weight=given, **settings).initialize(2, classes=["a", "b", "c"])
        for given in (None, {"b": 2.5, "c": 0.0})
    )
    streams = plain.stream(), weighted.stream()
    for label, factor in (("a", 1.0), ("b", 2.5), ("c", 0.0)):
        for stream in streams:
            stream.step([1.0, -1.0])
        assert streams[0].learn(label, 0.7 * factor) == streams[1].learn(label, 0.7)
    assert_array_equal(plain.parameters_, weighted.parameters_)


def test_balanced_class_weights_have_no_meaning_in_a_stream():
    model = LSTMClassifier(4, class_weight="balanced").initialize(2, classes=[0, 1])
    stream = model.stream()
    stream.step([1.0, 2.0])
    with pytest.raises(ValueError, match="class_weight='balanced' needs all targets"):
        stream.learn(1)


@pytest.mark.parametrize("change", [{"hidden_layer_sizes": 7}, {"cell": "1997"}], ids=str)
def test_a_stream_learns_only_what_its_parameters_were_made_for(change):
    model = regressor()
    stream = model.stream()
    stream.step([0.0, 1.0])
    model.set_params(**change)
    with pytest.raises(ValueError, match=f"{next(iter(change))} .*warm_start=False"):
        stream.learn(1.0)


@pytest.mark.parametrize(
    "solver, dtype, target",
    [("adam", np.float32, 2.0), ("sgd", np.float32, 2.0), ("sgd", np.float64, 1e12)],
)
def test_the_last_finite_parameters_are_kept(solver, dtype, target):
    model = regressor(solver=solver, dtype=dtype, clip_norm=None)
    stream = model.stream()
    stream.step(np.ones(2))
    stream.learn(1.0)
    before = model.parameters_.copy()
    model.set_params(learning_rate_init=1e300)
    with pytest.warns(
        ConvergenceWarning, match=r"not be finite.*(learning_rate_init=1e.300|The target is 1e.12)"
    ):
        stream.learn(target)
    assert_array_equal(model.parameters_, before)
    model.set_params(learning_rate_init=0.01)
    stream.learn(2.0)
    assert np.isfinite(model.parameters_).all() and (model.parameters_ != before).any()


def test_all_streams_of_a_memory_mapped_model_stay_valid(tmp_path):
    model = regressor()
    joblib.dump(model, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    learning, reading = mapped.stream(), mapped.stream()
    for x in rng.normal(size=(3, 2)):
        assert reading.step(x) == learning.step(x)
    learning.learn(5.0)  # trains a copy
    x = rng.normal(size=2)
    assert reading.step(x) == learning.step(x)
    mapped.partial_fit([rng.normal(size=(4, 2))], [1.0])
    assert reading.step(x) == learning.step(x) == reading.predict()


@pytest.mark.parametrize("reset", [False, True])
def test_learning_without_a_current_step_says_what_happened(reset):
    model = LSTMClassifier(3, max_iter=2, random_state=0).initialize(2, classes=[0, 1])
    stream = model.stream()
    if reset:
        stream.step([0.0, 1.0])
        stream.reset()
    told = "no step was fed since the stream was opened or reset. Call step"
    for call in (lambda: stream.learn(1), stream.predict):
        with pytest.raises(ValueError, match=f"There is no current step.*: {told}"):
            call()
    model.fit(rng.normal(size=(8, 3, 2)), [0, 1] * 4)
    with pytest.raises(RuntimeError, match="was fitted again"):  # calling step would not help
        stream.learn(1)


@pytest.mark.parametrize("call", ["step", "learn", "predict", "predict_proba", "reset"])
def test_after_a_new_fit_every_call_of_an_old_stream_says_so(call):
    model = LSTMClassifier(3, max_iter=2, random_state=0).initialize(2, classes=[0, 1])
    stream = model.stream()
    stream.step([0.0, 1.0])
    model.fit(rng.normal(size=(8, 3, 2)), [0, 1] * 4)
    with pytest.raises(RuntimeError, match="was fitted again"):
        getattr(stream, call)(*{"step": ([0.0, 1.0],), "learn": (1,)}.get(call, ()))


def test_a_target_that_is_too_large_is_named():
    stream = regressor().stream()
    stream.step([0.0, 1.0])
    with pytest.warns(ConvergenceWarning, match=r"The target is 1e\+200: scale it, or pass y_mean"):
        stream.learn(1e200)


@pytest.mark.parametrize("row", [[True, 2.0], np.array([1, 2.5], dtype=object), (np.int8(1), 2)])
def test_a_row_of_any_real_numbers_is_a_step(row):
    model = regressor()
    assert model.stream().step(row) == model.stream().step(np.array(row, dtype=float))


def test_a_label_may_be_an_array_of_no_dimensions():
    model = LSTMClassifier(3, random_state=0).initialize(2, classes=[0, 1])
    stream = model.stream()
    stream.step([0.0, 1.0])
    assert stream.learn(np.array(1)) > 0


def test_a_dict_is_no_row():
    with pytest.raises(TypeError, match=r"x is of type dict\. Pass a list of its values"):
        regressor().stream().step({"a": 1.0, "b": 2.0})


def test_a_stream_knows_its_estimator():
    model = regressor()
    stream = model.stream()
    assert stream.estimator is model
    loaded = pickle.loads(pickle.dumps(stream))
    loaded.estimator.set_params(learning_rate_init=1e-12)
    loaded.step([0.0, 1.0])
    before = loaded.estimator.parameters_.copy()
    loaded.learn(1.0)
    assert np.abs(loaded.estimator.parameters_ - before).max() < 1e-9


@pytest.mark.parametrize("bad", [[1, [0, 1]], ["1", "0"], [1, 2], [1, None], [0.5, 0], [1], 1j])
def test_a_bad_indicator_is_refused(bad):
    model = LSTMClassifier(3, random_state=0).initialize(2, n_outputs=2)
    stream = model.stream()
    stream.step([0.0, 1.0])
    unchanged(
        model, stream, lambda: stream.learn(bad), ValueError, "y must contain 2 labels of 0 or 1"
    )


@pytest.mark.parametrize("block", [False, True])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_an_update_that_ctrl_c_cuts_is_made_and_counted_or_neither(solver, block):
    def begun():
        settings = {"solver": solver, "learning_rate": "invscaling", "random_state": 0}
        model = LSTMRegressor(3, **settings).initialize(1)
        stream = model.stream()
        stream.step([1.0])
        stream.learn(1.0)
        return model, stream

    model, stream = begun()
    step, cut = stream._step_solver, []

    def is_cut():
        step()
        cut.append(True)
        raise KeyboardInterrupt

    stream._step_solver = is_cut
    with pytest.raises(KeyboardInterrupt):
        if block:
            stream.learn_steps([[0.5], [1.0]], [1.0, 2.0])
        else:
            stream.step([0.5])
            stream.learn(1.0)
    assert cut == [True]
    other, twin = begun()
    twin.step([0.5])
    twin.learn(1.0)
    assert model.t_ == other.t_ == 2
    np.testing.assert_array_equal(model.parameters_, other.parameters_)
    np.testing.assert_equal(model._solver_state, other._solver_state)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_solver_follows_parameters_of_another_precision(solver):
    model = LSTMRegressor(3, solver=solver, random_state=0).initialize(1)
    stream = model.stream()
    stream.step([1.0])
    stream.learn(0.5)
    model.parameters_ = model.parameters_.astype(np.float32)
    with pytest.raises(RuntimeError, match="no longer exist"):
        stream.learn(0.5)
    stream = model.stream()
    stream.step([1.0])
    stream.learn(0.5)
    model.partial_fit(np.ones((2, 3, 1), np.float32), [0.0, 1.0])
    assert model.parameters_.dtype == np.float32


def test_two_threads_on_one_stream_are_refused_and_harm_nothing():
    stream = LSTMRegressor(340, random_state=0, n_jobs=1).initialize(3).stream()
    X, errors = np.ones((100, 3)), []

    def work():
        for _ in range(20):
            try:
                stream.steps(X)
                stream.reset()
            except RuntimeError as error:
                errors.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors and {text[:26] for text in errors} == {"This stream is at work in "}
    stream.reset()
    fresh = stream.estimator.stream()
    assert_array_equal(stream.steps(X), fresh.steps(X))

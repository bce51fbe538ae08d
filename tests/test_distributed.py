"""fit on partitions is fit on all data, with the same bits on any workers, even if one is lost."""

import os
import pickle
import signal
import threading
import time
import warnings
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import attributes

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._arrays import Sequences
from sklstm.distributed import average, fit

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
pytestmark = pytest.mark.filterwarnings("default")  # of the engine

SIZES = 40, 23, 31, 18
BOUNDS = np.cumsum([0, *SIZES])


def make(n_features=3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 20, BOUNDS[-1])
    return [rng.normal(size=(length, n_features)).astype(dtype) for length in lengths]


X = make()
SUMS = np.array([x.sum() for x in X])
LABELS = np.array(["high", "low", "no"])[(SUMS > 1).astype(int) + (SUMS < -3)]
STEPS = [x[:, 0].cumsum() for x in X]
STEP_WEIGHTS = [np.arange(len(x)) % 3.0 for x in X]
WEIGHTS = np.random.default_rng(1).uniform(0, 2, len(X)).round(2)
CODES = [
    np.column_stack([x, np.random.default_rng(k).integers(k // 30, k // 30 + 4, len(x))])
    for k, x in enumerate(X)
]
for _k, _x in enumerate(CODES):
    _x[0, 3] = np.nan if _k > 60 else _x[0, 3]  # not in all partitions
SETTINGS = {"hidden_layer_sizes": 6, "random_state": 0, "max_iter": 4, "batch_size": 32}


def parted(X, *others):
    """Partitions (X, y) or (X, y, sample_weight)."""
    return [tuple(data[first:stop] for data in (X, *others)) for first, stop in pairwise(BOUNDS)]


def regressor(**settings):
    return LSTMRegressor(**SETTINGS | settings)


def classifier(**settings):
    return LSTMClassifier(**SETTINGS | settings)


CASES = {
    "numbers": (regressor, X, SUMS),
    "two targets": (regressor, X, np.column_stack([SUMS, -(SUMS**2)])),
    "labels": (lambda: classifier(class_weight="balanced"), X, LABELS),
    "weights": (lambda: regressor(alpha=0.1), X, SUMS, WEIGHTS),
    "steps": (lambda: regressor(return_sequences=True), X, STEPS),
    "weights of steps": (lambda: regressor(return_sequences=True), X, STEPS, STEP_WEIGHTS),
    "categories": (lambda: regressor(categorical_features=[3]), CODES, SUMS),
    "categories, penalty": (
        lambda: regressor(categorical_features=[3], alpha=0.5, solver="sgd"),
        CODES,
        SUMS,
    ),
    "dropout": (lambda: regressor(dropout=0.4, recurrent_dropout=0.2), X, SUMS),
    "early stopping": (lambda: classifier(early_stopping=True), X, LABELS),
    "a scorer": (lambda: regressor(early_stopping=True, scoring="r2"), X, SUMS),
    "sgd": (lambda: regressor(solver="sgd", learning_rate="invscaling", shuffle=False), X, SUMS),
    "layers": (
        lambda: regressor(hidden_layer_sizes=(4, 3), bidirectional=True, pooling="mean"),
        X,
        SUMS,
    ),
    "truncated": (lambda: regressor(cell="1997", block_size=2), X, SUMS),
    "quantiles": (lambda: regressor(loss="quantile", quantile=[0.1, 0.9]), X, SUMS),
}


@pytest.fixture(scope="module")
def two():
    """A client of two worker processes."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=[1, 4])
def some(request):
    """A client of one or of four workers."""
    with (
        distributed.LocalCluster(
            n_workers=request.param, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def bits(model):
    """All that the model holds, as a hash by value."""
    return attributes(model)


@pytest.mark.parametrize("case", CASES)
def test_it_is_fit_on_all_sequences_and_the_workers_do_not_change_a_bit(case, two, some):
    make, *data = CASES[case]
    alone = make().fit(*data)
    here = fit(make(), parted(*data), two)
    assert_allclose(here.parameters_, alone.parameters_, rtol=1e-7, atol=1e-9)
    assert_allclose(here.loss_curve_, alone.loss_curve_, rtol=1e-9)
    assert (here.n_iter_, here.t_) == (alone.n_iter_, alone.t_)
    if here.validation_scores_ is not None:
        assert_allclose(here.validation_scores_, alone.validation_scores_, rtol=1e-6)
    assert bits(fit(make(), parted(*data), some)) == bits(here)


@pytest.mark.parametrize("case", ["numbers", "weights of steps", "categories, penalty", "dropout"])
def test_one_partition_is_fit_bit_by_bit(case, some):
    make, *data = CASES[case]
    assert bits(fit(make(), [tuple(data)], some)) == bits(make().fit(*data))


def test_float32_stays_and_one_float64_partition_makes_all_float64(some):
    single = make(dtype=np.float32)
    model = fit(regressor(), parted(single, SUMS), some)
    assert model.parameters_.dtype == np.float32
    parts = parted(single, SUMS)
    parts[2] = ([x.astype(np.float64) for x in parts[2][0]], parts[2][1])
    assert fit(regressor(), parts, some).parameters_.dtype == np.float64


def test_validation_partitions_and_continued_training(some):
    parts = parted(X, SUMS)
    settings = {"early_stopping": True, "warm_start": True}
    model = fit(regressor(**settings), parts[:3], some, validation_parts=parts[3:])
    n, m = BOUNDS[3], len(X)
    alone = regressor(**settings).fit(X[:n], SUMS[:n], X_val=X[n:m], y_val=SUMS[n:m])
    assert_allclose(model.parameters_, alone.parameters_, rtol=1e-7, atol=1e-9)
    assert_allclose(model.validation_scores_, alone.validation_scores_, rtol=1e-7)
    fit(model, parts[:3], some, validation_parts=parts[3:])
    alone.fit(X[:n], SUMS[:n], X_val=X[n:m], y_val=SUMS[n:m])
    assert_allclose(model.parameters_, alone.parameters_, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "known", [slice(BOUNDS[1]), slice(BOUNDS[3], None)], ids=["numbers", "a missing one"]
)
def test_a_continued_fit_adds_the_new_categories_of_all_partitions(known, some):
    models = [regressor(categorical_features=[3], warm_start=True) for _ in range(2)]
    for model in models:
        model.fit(CODES[known], SUMS[known])
    fit(models[0], parted(CODES, SUMS), some)
    models[1].fit(CODES, SUMS)
    assert_array_equal(models[0].categories_[0], models[1].categories_[0])
    assert_allclose(models[0].parameters_, models[1].parameters_, rtol=1e-7, atol=1e-9)


def test_partitions_may_be_futures_delayed_objects_and_tuples(two):
    tuples = parted(X, SUMS)
    mixed = [
        two.submit(lambda part: part, tuples[0], pure=False),
        dask.delayed(lambda part: list(part))(tuples[1]),
        two.scatter(tuples[2]),
        tuples[3],
    ]
    assert bits(fit(regressor(), mixed, two)) == bits(fit(regressor(), tuples, two))


def test_partitions_may_be_arrow_files(two, tmp_path):
    pytest.importorskip("pyarrow")
    from sklstm.datasets import to_arrow

    parts = parted(X, SUMS)
    paths = [tmp_path / f"{k}.arrow" for k in range(len(parts))]
    for path, (X_part, y_part) in zip(paths, parts, strict=True):
        to_arrow(path, X_part, y_part)
    assert bits(fit(regressor(), paths, two)) == bits(fit(regressor(), parts, two))


@pytest.mark.parametrize("make", [regressor, classifier])
def test_arrow_files_may_have_targets_per_step(make, some, tmp_path):
    pytest.importorskip("pyarrow")
    from sklstm.datasets import to_arrow

    targets = STEPS if make is regressor else [np.where(y > 0, "up", "down") for y in STEPS]
    parts = parted(X, targets, STEP_WEIGHTS)
    paths = [tmp_path / f"{k}.arrow" for k in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        to_arrow(path, *part)
    models = [fit(make(return_sequences=True), each, some) for each in (paths, parts)]
    assert_array_equal(models[0].parameters_, models[1].parameters_)


def kill(client):
    """Kill the process of a worker. Its nanny starts a new one."""
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)


def killed(client):
    """Kill it, and wait until the scheduler knows."""
    there = set(client.ncores())
    kill(client)
    while there <= set(client.ncores()):
        time.sleep(0.02)


def kill_soon(client):
    """Kill it while the training goes on."""
    threading.Timer(0.03, kill, [client]).start()


def kill_all(client):
    """Kill the processes of all workers at once."""
    for pid in client.run(os.getpid).values():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("lose", [kill_all, kill, killed, kill_soon])
def test_a_worker_that_is_lost_does_not_change_a_bit(lose, two):
    calls = []

    def score(model, X, y):
        calls.append(None)
        if len(calls) == 3:
            lose(client)
        return 0.0

    settings = {"early_stopping": True, "n_iter_no_change": 9, "max_iter": 6}
    parts = [dask.delayed(part) for part in parted(X, SUMS)]
    expected = fit(regressor(scoring="loss", **settings), parts, two)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        model = fit(regressor(scoring=score, **settings), parts, client)
    assert len(calls) == 6
    assert model.loss_curve_ == expected.loss_curve_
    assert model.validation_loss_curve_ == expected.validation_loss_curve_


def test_scattered_partitions_that_are_lost_are_named():
    calls = []

    def score(model, X, y):
        calls.append(None)
        if len(calls) == 2:
            killed(client)
        return 0.0

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        scattered = client.scatter(parted(X, SUMS))
        model = regressor().fit(X, SUMS)
        before = model.parameters_.tobytes()
        model.set_params(early_stopping=True, scoring=score)
        for _ in range(2):  # lost during a fit, and before it
            with pytest.raises(RuntimeError, match=r"artition \d was lost with its worker"):
                fit(model, scattered, client)
            assert model.parameters_.tobytes() == before
    assert len(calls) == 2


def test_a_worker_that_is_lost_does_not_change_a_bit_of_averages(two):
    calls = []

    def score(model, X, y):
        calls.append(None)
        if len(calls) == 2:
            kill(client)
        return 0.0

    settings = {"early_stopping": True, "max_iter": 4, "batch_size": 8}
    parts = [dask.delayed(part) for part in parted(X, SUMS)]
    expected = fit(regressor(scoring="loss", **settings), parts, two, average=2)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        model = fit(regressor(scoring=score, **settings), parts, client, average=2)
    assert model.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("average", [None, 2])
def test_large_networks_are_sent_without_warnings(average, some):
    parts = some.scatter(parted(X, SUMS), hash=False)
    size = {"distributed.admin.large-graph-warning-threshold": "20 kB"}
    with dask.config.set(size), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = fit(regressor(hidden_layer_sizes=30, max_iter=1), parts, some, average=average)
    assert model.parameters_.nbytes > 30_000


def test_callbacks_and_progress(some, capsys):
    callback = pytest.importorskip("sklearn.callback")
    epochs = []

    class Seen(callback.FitCallback):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            if context.task_name == "epoch":
                epochs.append((fitted_estimator.n_iter_, fitted_estimator.loss_curve_[-1]))

    model = regressor(verbose=True).set_callbacks(Seen())
    fit(model, parted(X, SUMS), some)
    assert epochs == list(enumerate(model.loss_curve_, start=1))
    assert capsys.readouterr().out.count("loss") == len(epochs) == 4


def test_average_of_one_step_with_sgd_is_the_step_along_the_mean_gradient(some):
    settings = SETTINGS | {
        "solver": "sgd",
        "momentum": 0.0,
        "clip_norm": None,
        "max_iter": 1,
        "batch_size": 30,
    }
    parts = [(X[k : k + 28], SUMS[k : k + 28]) for k in range(0, 112, 28)]
    averaged = fit(LSTMRegressor(**settings), parts, some, average=1)
    whole = fit(LSTMRegressor(**settings | {"batch_size": 112}), parts, some)
    assert_allclose(averaged.parameters_, whole.parameters_, rtol=1e-9, atol=1e-12)
    assert averaged.t_ == whole.t_


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_averages_have_the_same_bits_on_any_workers_and_learn(k, solver, two, some):
    data = parted(X, SUMS, WEIGHTS)
    settings = {"solver": solver, "batch_size": 8, "max_iter": 5, "alpha": 0.01}
    model = fit(regressor(**settings), data, two, average=k)
    assert bits(fit(regressor(**settings), data, some, average=k)) == bits(model)
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_averages_are_those_of_local_passes_weighted_by_sequences(some):
    settings = {"batch_size": 8, "shuffle": False, "warm_start": True, "max_iter": 1}
    start = regressor(**settings).fit(X, SUMS)
    parts = parted(X, SUMS)
    local = [pickle.loads(pickle.dumps(start)).partial_fit(*part) for part in parts]
    expected = average(local, SIZES)
    model = fit(start, parts, some, average=4)  # an epoch has one average
    assert_allclose(model.parameters_, expected.parameters_, rtol=1e-9, atol=1e-12)
    for name in ("mean", "square"):
        assert_allclose(
            model._solver_state[name], expected._solver_state[name], rtol=1e-8, atol=1e-12
        )


BROKEN = {
    "a value": (2, lambda X, y: ([np.full((3, 3), np.nan), *X[1:]], y), "n partition 2: .*NaN"),
    "targets": (1, lambda X, y: (X, y[:-1]), "n partition 1: X has 23 sequences, but y has 22"),
    "features": (3, lambda X, y: ([x[:, :2] for x in X], y), "n partition 3: X has other features"),
    "kinds": (1, lambda X, y: (X, y.astype(str)), "mixes"),
    "no tuple": (0, lambda X, y: 7, "artition 0 cannot be read: TypeError: It is of type int"),
    "no file": (1, lambda X, y: "nowhere.arrow", "artition 1 cannot be read"),
    "weights": (1, lambda X, y: (X, y, np.ones(len(y))), "some partitions have weights"),
    "a negative weight": (0, lambda X, y: (X, y, np.full(len(y), -1.0)), "weights"),
}


def test_each_partition_needs_its_own_weights(some):
    # of which the sum over all partitions is right
    parts = [
        (*part, np.ones(len(part[1]) + more))
        for part, more in zip(parted(X, SUMS), (1, -1, 0, 0), strict=True)
    ]
    with pytest.raises(ValueError, match=r"n partition [01]: X has .* but sample_weight has"):
        fit(regressor(), parts, some)


def test_sequences_from_a_message_may_be_at_any_address():
    buffers = []
    state = pickle.dumps(Sequences.of_arrays(X, "list"), 5, buffer_callback=buffers.append)
    moved = [memoryview(b"x" + bytes(buffer.raw()))[1:] for buffer in buffers]
    assert_array_equal(pickle.loads(state, buffers=moved).take([3]).values, X[3])


@pytest.mark.parametrize("case", BROKEN)
def test_a_partition_that_cannot_be_read_is_named_and_the_estimator_stays(case, some):
    number, spoil, message = BROKEN[case]
    parts = parted(X, SUMS)
    model = regressor().fit(X, SUMS)
    before = bits(model)
    parts[number] = spoil(*parts[number])
    with pytest.raises((ValueError, TypeError, RuntimeError), match=message):
        fit(model, parts, some)
    assert bits(model) == before


def test_a_delayed_partition_that_fails_is_named(two):
    def fails():
        raise OSError("the disk is gone")

    parts = parted(X, SUMS)
    parts[2] = dask.delayed(fails)()
    with pytest.raises(RuntimeError, match="Partition 2 cannot be read: OSError: the disk is gone"):
        fit(regressor(), parts, two)
    with pytest.raises(RuntimeError, match="Validation partition 0 cannot be read"):
        fit(regressor(early_stopping=True), parts[:2], two, validation_parts=parts[2:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimator": "LSTM"}, "expected an LSTMClassifier or an LSTMRegressor"),
        ({"parts": []}, "at least one partition"),
        ({"parts": "part.arrow"}, "at least one partition"),
        ({"parts": dask.delayed([(X, SUMS)])}, "parts must be a list .* got Delayed"),
        ({"parts": [(X, None)]}, "Its y is None"),
        ({"validation_parts": []}, "validation_parts must be a list of at least one"),
        ({"client": "tcp://127.0.0.1:8786"}, r"pass distributed\.Client\(address\)"),
        ({"average": 0}, "average is 0"),
        ({"average": True}, "average is True"),
        ({"average": 1.5}, "average is 1.5"),
        ({"estimator": regressor(categorical_features="from_dtype")}, "SequenceEncoder"),
        ({"validation_parts": parted(X, SUMS)}, "no effect with early_stopping=False"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(arguments, message, some):
    given = {"estimator": regressor(), "parts": parted(X, SUMS), "client": some} | arguments
    with pytest.raises((ValueError, TypeError, RuntimeError), match=message):
        fit(**given)


@pytest.mark.parametrize("look", [len, lambda X: X[0], list], ids=["len", "item", "list"])
def test_a_scorer_that_looks_at_the_sequences_is_told_where_they_are(look, some):
    def score(model, X, y):
        return look(X)

    with pytest.raises(ValueError, match=r"on the workers.* model.predict\(X\)"):
        fit(regressor(early_stopping=True, scoring=score), parted(X, SUMS), some)


def test_a_closed_client_is_refused():
    client = distributed.Client(processes=False, dashboard_address=None)
    client.close()
    with pytest.raises(RuntimeError, match="client is closed"):
        fit(regressor(), parted(X, SUMS), client)


def test_an_interrupt_keeps_what_was_learned(some):
    calls = []

    def score(model, X, y):
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return float(len(calls))

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = fit(regressor(early_stopping=True, scoring=score), parted(X, SUMS), some)
    assert model.n_iter_ == 2
    assert np.isfinite(model.parameters_).all()


# ------------------------------------------------------------------------------------ averages


def trained(n=3):
    model = regressor().initialize(3)
    return [
        pickle.loads(pickle.dumps(model)).partial_fit(X[k : k + 20], SUMS[k : k + 20])
        for k in range(0, 20 * n, 20)
    ]


def test_average_is_the_weighted_mean_of_parameters_and_of_the_solvers():
    models = trained()
    before = [bits(model) for model in models]
    mean = average(models, [1, 2, 1])
    shares = np.array([0.25, 0.5, 0.25])
    vectors = np.array([model.parameters_ for model in models])
    assert_allclose(mean.parameters_, shares @ vectors, rtol=1e-13, atol=1e-16)
    squares = np.array([model._solver_state["square"] for model in models])
    assert_allclose(mean._solver_state["square"], shares @ squares, rtol=1e-13)
    assert [bits(model) for model in models] == before
    mean.partial_fit(X[:20], SUMS[:20])
    assert average(models[:1]).parameters_.tobytes() == models[0].parameters_.tobytes()


@pytest.mark.parametrize(
    ("models", "weights", "message"),
    [
        (list, None, "models is empty"),
        (trained, [1, 2], "expected 3 finite numbers"),
        (trained, [0, 0, 0], "expected 3 finite numbers"),
        (trained, [1, -1, 1], "expected 3 finite numbers"),
        (trained, [1, np.nan, 1], "expected 3 finite numbers"),
        (lambda: [*trained(1), 3], None, "Model 1 is of type int"),
        (lambda: [*trained(1), regressor(hidden_layer_sizes=2).initialize(3)], None, "another net"),
    ],
)
def test_models_that_have_no_average_are_refused(models, weights, message):
    with pytest.raises(ValueError, match=message):
        average(models(), weights)

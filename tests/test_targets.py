"""y and weights in every form, as the kernels get them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import LENGTHS, cube, sequences, step_numbers
from rows import N_STEPS, by_step, ragged, rows_of
from sklearn.exceptions import DataConversionWarning

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._sequences import object_array
from sklstm._targets import Examples, read_regression, read_weights

# ------------------------------------------------------------------------------------ weights


@pytest.mark.parametrize("per_step", [False, True])
def test_no_weights_are_ones(per_step):
    rows = ragged(per_step)
    weights = read_weights(None, rows)
    assert_array_equal(weights, np.ones(N_STEPS if per_step else 6))
    assert weights.dtype == np.float64


def test_weights_of_sequences_hold_for_each_of_their_steps():
    weights = read_weights([1, 2, 3, 4, 5, 6], ragged(True))
    assert_array_equal(weights, np.repeat([1.0, 2, 3, 4, 5, 6], LENGTHS))


@pytest.mark.parametrize("container", [list, tuple, object_array])
def test_weights_of_steps_come_in_the_containers_of_y(container):
    given = container(by_step(np.arange(N_STEPS)))
    assert_array_equal(read_weights(given, ragged(True)), np.arange(N_STEPS))


def test_weights_of_steps_may_be_an_array_if_all_sequences_are_equally_long():
    weights = np.arange(12).reshape(3, 4)
    assert_array_equal(read_weights(weights, rows_of(cube(3), True)), np.arange(12))


def test_one_number_is_the_weight_of_every_row():
    assert_array_equal(read_weights(2, ragged(False)), np.full(6, 2.0))


def test_the_weight_of_a_sequence_is_the_mean_over_its_steps_with_a_weight():
    rows = ragged(True)
    weights = np.arange(N_STEPS, dtype=float)
    weights[-3:] = 0
    means = [part[part > 0].mean() if part.any() else 0 for part in by_step(weights)]
    assert_allclose(rows.per_sequence(weights), means)
    assert 0 in weights and 0 not in means[:-1]


def test_a_step_with_some_of_its_outputs_counts_in_part():
    rng = np.random.default_rng(0)
    targets, weights = rng.normal(size=(N_STEPS, 4)), rng.uniform(size=N_STEPS)
    targets[rng.uniform(size=targets.shape) < 0.4] = np.nan
    examples = Examples(ragged(True), targets, weights)
    counts = weights * (~np.isnan(targets)).sum(axis=1) / 4
    assert_allclose(examples.total_weight(), counts.sum())
    chosen = np.array([3, 0])
    assert_allclose(examples.total_weight(chosen), sum(by_step(counts)[k].sum() for k in chosen))


@pytest.mark.parametrize(
    "weights, message",
    [
        ([1, 1, 1, 1, 1, 1e308], r"sample_weight is 1e\+308 at sequence 5.* Divide all weights"),
        ([1, 1], r"sample_weight has shape \(2,\), expected \(6,\)"),
        (np.ones((6, 2)), r"sample_weight has shape \(6, 2\), expected \(6,\)"),
        (by_step(np.ones(N_STEPS)), r"see sequence 1\. .* return_sequences=True"),
    ],
)
def test_bad_weights_are_named_by_their_sequence(weights, message):
    with pytest.raises(ValueError, match=message):
        read_weights(weights, ragged(False))


def test_weights_of_steps_that_do_not_fit_x_are_named_by_their_sequence():
    weights = by_step(np.ones(N_STEPS))
    weights[3] = weights[3][:2]
    with pytest.raises(ValueError, match="Sequence 3 of sample_weight has weights for 2 steps"):
        read_weights(weights, ragged(True))


def test_there_is_one_weight_per_step_not_one_per_output():
    with pytest.raises(ValueError, match=r"sample_weight has 2 columns.*NaN in y"):
        read_weights(by_step(np.ones((N_STEPS, 2))), ragged(True))


def test_without_any_weight_there_is_nothing_to_learn_from():
    rows = ragged(False)
    examples = Examples(rows, np.zeros((6, 1)), np.array([3.0, 0, 0, 0, 0, 0]))
    assert examples.of_mean_1().weights.tolist() == [6, 0, 0, 0, 0, 0]
    with pytest.raises(ValueError, match="sample_weight is zero"):
        examples.weighted(0).of_mean_1()


# ---------------------------------------------------------------------------------- regression


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "y", [range(6), np.arange(6.0), np.arange(6, dtype=object), np.arange(6, dtype=np.float32)]
)
def test_targets_of_sequences_are_one_contiguous_column(y, dtype):
    targets, weights = read_regression(y, np.ones(6), ragged(False), dtype)
    assert targets.dtype == np.float64 and targets.flags.c_contiguous
    assert_array_equal(targets, np.arange(6.0)[:, None])
    assert_array_equal(weights, np.ones(6))


def test_several_outputs_are_several_columns():
    y = np.arange(12).reshape(6, 2, order="F")
    targets, _ = read_regression(y, np.ones(6), ragged(False), np.float64)
    assert_array_equal(targets, y)
    assert targets.flags.c_contiguous


def test_a_single_column_becomes_1d_with_a_warning():
    with pytest.warns(DataConversionWarning, match="1d array was expected"):
        targets, _ = read_regression(np.ones((6, 1)), np.ones(6), ragged(False), np.float64)
    assert targets.shape == (6, 1)


@pytest.mark.parametrize("k", [None, 2])
def test_targets_of_steps_are_packed_one_after_the_other(k):
    y = np.arange(N_STEPS * (k or 1), dtype=float).reshape(N_STEPS, *((k,) if k else ()))
    targets, _ = read_regression(by_step(y), np.ones(N_STEPS), ragged(True), np.float64)
    assert_array_equal(targets, y.reshape(N_STEPS, -1))


def test_a_step_whose_targets_are_all_nan_has_no_weight():
    y = np.zeros((N_STEPS, 2))
    y[3, 0] = y[5] = np.nan
    given = np.ones(N_STEPS)
    targets, weights = read_regression(by_step(y), given, ragged(True), np.float64)
    assert_array_equal(targets, y)
    assert_array_equal(np.flatnonzero(weights == 0), [5])
    assert given.all()


@pytest.mark.parametrize(
    "y, message",
    [
        ([0, 0, 0, 0, 1e300, 0], "too large for float32: sequence 4"),
        ([0, 0, 0, 0, 0], "y has 5 rows of targets, but X has 6 sequences"),
        (np.zeros((6, 0)), "y has 0 columns"),
        (np.zeros((6, 4, 1)), "Set return_sequences=True"),
        (by_step(np.zeros(N_STEPS)), r"see sequence 1\. .* return_sequences=True"),
        (None, "requires y to be passed, but the target y is None"),
        (1.0, "y should be a 1d array"),
    ],
)
def test_bad_targets_are_named_by_their_sequence(y, message):
    with pytest.raises(ValueError, match=message):
        read_regression(y, np.ones(6), ragged(False), np.float32)


# ------------------------------------------------------- what the estimators make of all that


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def small(kind=LSTMRegressor, **kwargs):
    return kind(**{"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0} | kwargs)


def test_nan_is_the_same_as_weight_zero_to_fit_and_to_score():
    X = sequences(12)
    y = step_numbers(X)
    holes = [np.where(np.arange(len(t)) % 2, t, np.nan) for t in y]
    weights = [np.arange(len(t)) % 2 for t in y]
    by_nan = small(return_sequences=True).fit(X, holes)
    by_weight = small(return_sequences=True).fit(X, y, weights)
    assert_array_equal(by_nan.parameters_, by_weight.parameters_)
    assert by_nan.score(X, holes) == by_weight.score(X, y, weights)


def test_nan_in_one_output_leaves_the_others_to_be_learned():
    X = sequences(6)
    y = [np.stack([t, -t], axis=1) for t in step_numbers(X)]
    for t in y:
        t[:, 1] = np.nan
    model = small(return_sequences=True).initialize(2, n_outputs=2)
    before = model.output_weights_.copy()
    model.partial_fit(X, y)
    assert (model.output_weights_[0] != before[0]).any()
    assert_array_equal(model.output_weights_[1], before[1])


@pytest.mark.parametrize("missing", [np.nan, pd.NA])
def test_what_is_missing_at_a_step_is_no_target(missing):
    X = sequences(6)
    y = [np.where(np.arange(len(t)) % 2, t, np.nan) for t in step_numbers(X)]
    given = [np.where(np.isnan(t), missing, t.astype(object)) for t in y]
    expected = small(return_sequences=True).fit(X, y).parameters_
    assert_array_equal(small(return_sequences=True).fit(X, given).parameters_, expected)
    masked = [np.ma.masked_array(np.nan_to_num(t), np.isnan(t)) for t in y]
    assert_array_equal(small(return_sequences=True).fit(X, masked).parameters_, expected)


@pytest.mark.parametrize("missing", [pd.array([1, 2, None, 1, 2, 3], dtype="Int64"), "masked"])
def test_what_is_missing_for_a_sequence_is_an_error_with_its_place(missing):
    y = np.ma.masked_equal([0, 0, 1, 0, 0, 0], 1) if isinstance(missing, str) else missing
    with pytest.raises(ValueError, match="y contains NaN: sequence 2"):
        read_regression(y, np.ones(6), ragged(False), np.float64)
    with pytest.raises(ValueError, match=r"sample_weight .*sequence 2"):
        read_weights(y, ragged(False))


@pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
@pytest.mark.parametrize("call", ["fit", "partial_fit", "score", "X_val"])
def test_wrong_containers_of_y_and_weights_are_named(kind, call):
    X, y = sequences(6), np.arange(6) % 2
    model = small(kind).fit(X, y)
    for wrong, message in (
        (dict(enumerate(y)), r"is of type dict, .*list\({}.values\(\)\)"),
        ((v for v in y), r"is of type generator, .*list\({}\)"),
        (zip(y, strict=True), r"is of type zip, .*list\({}\)"),
        ({0, 1}, "is of type set, which has no order"),
        ("010101", "is of type str"),
    ):
        for name in ("y", "sample_weight"):
            given = {"y": y, "sample_weight": None} | {name: wrong}
            if call == "X_val":
                name += "_val"
                val = {"X_val": X, "y_val": given["y"], "sample_weight_val": given["sample_weight"]}
                arguments, model.early_stopping = {"y": y} | val, True
            else:
                arguments = given
            method = getattr(model, "fit" if call == "X_val" else call)
            with pytest.raises(TypeError, match=f"^{name} {message.format(name)}"):
                method(X, **arguments)


@pytest.mark.parametrize("scale", [1e39, 1e160])
def test_targets_that_are_too_large_are_told_of_as_targets(scale):
    X = sequences(12, dtype=np.float32)
    y = scale * np.linspace(-1, 1, 12)
    with pytest.raises(ValueError, match=r"^Input y contains .* too large for float32: sequence 0"):
        small().fit(X, y)
    model = small(early_stopping=True)
    with pytest.raises(ValueError, match=r"^Input y_val contains .*float32: sequence 0"):
        model.fit(X, np.zeros(12), X_val=X, y_val=y)

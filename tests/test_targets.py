"""y, weights and classes in every form, as the kernels get them."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import LENGTHS, cube, sequences, step_numbers
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.class_weight import compute_class_weight

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._labels import (
    class_factors,
    encode_classes,
    learn_classes,
    named_classes,
    read_labels,
)
from sklstm._sequences import object_array, read_sequences
from sklstm._targets import Examples, Rows, mean_weight, read_regression, read_weights

N_STEPS = sum(LENGTHS)


def rows_of(X, per_step):
    return Rows(read_sequences(LSTMClassifier(), X, reset=True), per_step)


def ragged(per_step):
    return rows_of(sequences(len(LENGTHS)), per_step)


def by_step(values):
    """A flat list of values, cut into sequences."""
    return np.split(np.asarray(values), np.cumsum(LENGTHS)[:-1])


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


@pytest.mark.parametrize(
    "weights, message",
    [
        ([1, 1, -2, 1, 1, 1], r"Negative values .* sample_weight: -2 at sequence 2"),
        ([1, 1, 1, np.nan, 1, 1], "sample_weight contains NaN or infinity: nan at sequence 3"),
        ([1, np.inf, 1, 1, 1, 1], "sample_weight contains NaN or infinity: inf at sequence 1"),
        ([1, 1], r"sample_weight has shape \(2,\), expected \(6,\)"),
        (np.ones((6, 2)), r"sample_weight has shape \(6, 2\), expected \(6,\)"),
        (["1", "1", "1", "1", "1", "1"], "sample_weight must hold real numbers"),
        ([1, None, 1, 1, 1, 1], "sample_weight must hold real numbers, but sequence 1 has None"),
        (np.ones(6, dtype=complex), "Complex data not supported: sample_weight"),
        (by_step(np.ones(N_STEPS)), "set return_sequences=True"),
    ],
)
def test_bad_weights_are_named_by_their_sequence(weights, message):
    with pytest.raises(ValueError, match=message):
        read_weights(weights, ragged(False))


def test_bad_weights_of_steps_are_named_by_sequence_and_step():
    weights = np.ones(N_STEPS)
    weights[5] = -1  # sequence 0 has three steps, so this is step 2 of sequence 1
    with pytest.raises(ValueError, match="-1 at sequence 1, step 2"):
        read_weights(by_step(weights), ragged(True))


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
    examples = Examples(rows, np.zeros((6, 1)), np.array([1.0, 0, 0, 0, 0, 0]))
    assert mean_weight(examples, np.array([0, 1])) == 0.5
    with pytest.raises(ValueError, match="sample_weight is zero"):
        mean_weight(examples, np.arange(1, 6))


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
    "y, error, message",
    [
        ([0, 0, np.nan, 0, 0, 0], ValueError, "Input y contains NaN: sequence 2"),
        ([0, 0, 0, 0, -np.inf, 0], ValueError, "Input y contains infinity.*sequence 4"),
        ([0, 0, 0, 0, 1e300, 0], ValueError, "too large for float32: sequence 4"),
        ([0, 0, 0, 0, 0], ValueError, "y has 5 rows of targets, but X has 6 sequences"),
        (["0"] * 6, ValueError, "y must hold real numbers, but sequence 0 has"),
        ([0, "1", 0, 0, 0, 0], ValueError, "y must hold real numbers"),
        (np.array([0, 1, None, 3, 4, 5]), ValueError, "but sequence 2 has None"),
        (np.array([0, 1, "2", 3, 4, 5], dtype=object), ValueError, "but sequence 2 has '2'"),
        (np.ones(6, dtype=complex), ValueError, "Complex data not supported: y"),
        (np.array([1, 1j, 1, 1, 1, 1], dtype=object), ValueError, "Complex data not supported: y"),
        (np.arange(6).astype("M8[D]"), TypeError, "y must hold real numbers"),
        (np.zeros((6, 0)), ValueError, "y has 0 columns"),
        (np.zeros((6, 4, 1)), ValueError, "set return_sequences=True"),
        (by_step(np.zeros(N_STEPS)), ValueError, "set return_sequences=True"),
        (None, ValueError, "requires y to be passed, but the target y is None"),
        (1.0, ValueError, "y should be a 1d array"),
    ],
)
def test_bad_targets_are_named_by_their_sequence(y, error, message):
    with pytest.raises(error, match=message):
        read_regression(y, np.ones(6), ragged(False), np.float32)


def test_bad_targets_of_steps_are_named_by_sequence_and_step():
    y = np.zeros(N_STEPS)
    y[9] = np.inf
    with pytest.raises(ValueError, match=r"infinity.*sequence 2, step 0"):
        read_regression(by_step(y), np.ones(N_STEPS), ragged(True), np.float64)
    with pytest.raises(ValueError, match="Complex"):
        read_regression(
            by_step(np.zeros(N_STEPS, dtype=complex)), np.ones(N_STEPS), ragged(True), np.float64
        )
    strings = by_step(np.array(["a"] * N_STEPS))
    with pytest.raises(ValueError, match="sequence 0, step 0 has"):
        read_regression(strings, np.ones(N_STEPS), ragged(True), np.float64)


# ------------------------------------------------------------------------------ classification


@pytest.mark.parametrize(
    "names", [[0, 1], [5, 7], ["no", "yes"], [False, True], [-1.0, 1.0]], ids=str
)
@pytest.mark.parametrize("dtype", [None, object])
def test_labels_of_any_type_become_numbers_of_sorted_classes(names, dtype):
    y = np.array(names * 3, dtype=None if isinstance(names[0], (float, int)) else dtype)
    rows, weights = ragged(False), np.ones(6)
    labels = read_labels(y, weights, rows)
    classes, multilabel = learn_classes(labels, weights, rows)
    assert classes.tolist() == names and not multilabel
    assert_array_equal(encode_classes(labels, classes, weights, rows, "y"), [0, 1] * 3)


def test_an_indicator_of_several_labels_is_multilabel():
    y = np.array([[0, 1, 1]] * 6)
    classes, multilabel = learn_classes(y, np.ones(6), ragged(False))
    assert_array_equal(classes, [0, 1, 2])
    assert multilabel


def test_labels_at_steps_without_weight_are_ignored_whatever_they_are():
    labels = np.array(["a", "b"] * N_STEPS)[:N_STEPS].astype(object)
    weights = np.ones(N_STEPS)
    labels[4], labels[7], weights[[4, 7]] = None, np.nan, 0
    rows = ragged(True)
    read = read_labels(by_step(labels), weights, rows)
    classes, _ = learn_classes(read, weights, rows)
    assert classes.tolist() == ["a", "b"]
    encoded = encode_classes(read, classes, weights, rows, "y")
    expected = np.arange(N_STEPS) % 2
    expected[[4, 7]] = 0
    assert_array_equal(encoded, expected)


@pytest.mark.parametrize(
    "y, message",
    [
        ([0, 1, np.nan, 0, 1, 0], "Input y contains NaN, infinity or None: sequence 2"),
        (
            np.array(["a", "b", "a", None, "a", "b"], dtype=object),
            "NaN, infinity or None: sequence 3",
        ),
        (pd.Series([0, 1, 0, 1, 0, None], dtype="Int64"), "NaN, infinity or None: sequence 5"),
        ([0.5, 1.5, 2.25, 3, 4, 5], "Unknown label type"),
        (np.ones(6, dtype=complex), "Complex data not supported: y"),
        ([[0, 1], [1, 2], [2, 0], [0, 1], [1, 1], [0, 0]], "multiclass-multioutput"),
        ([[1, 2]] * 6, "indicator of 0 and 1"),
        ([3] * 6, "only one class with a weight above zero, .*3"),
        (["a"] * 6, "only one class.*'a'"),
    ],
)
def test_bad_labels_are_refused(y, message):
    rows = ragged(False)
    with pytest.raises(ValueError, match=message):
        learn_classes(read_labels(y, np.ones(6), rows), np.ones(6), rows)


def test_a_class_whose_weights_are_zero_leaves_one_class():
    rows, weights = ragged(False), np.array([0.0, 1, 0, 1, 0, 1])
    with pytest.raises(ValueError, match="only one class with a weight above zero"):
        learn_classes(np.arange(6) % 2, weights, rows)


@pytest.mark.parametrize("label", [2, 9, -1])
def test_an_unknown_label_is_named_with_its_place(label):
    y = np.array([0, 1, 3, label, 0, 1])
    with pytest.raises(ValueError, match=rf"label .*{label}.* at sequence 3.*\[0, 1, 3\]"):
        encode_classes(y, np.array([0, 1, 3]), np.ones(6), ragged(False), "y")


@pytest.mark.parametrize("classes, y", [([0, 1], ["a", "b"]), (["a", "b"], [0, 1])])
def test_labels_of_another_type_are_unknown(classes, y):
    for dtype in (None, object):
        labels = read_labels(np.array(y * 3, dtype=dtype), np.ones(6), ragged(False))
        with pytest.raises(ValueError, match=r"at sequence 0.*not among the known classes"):
            encode_classes(labels, np.array(classes), np.ones(6), ragged(False), "y")


def test_an_unknown_label_of_a_step_is_named_with_its_place():
    labels, weights = np.zeros(N_STEPS, dtype=int), np.ones(N_STEPS)
    labels[[1, 4]], weights[1] = 7, 0
    with pytest.raises(ValueError, match="sequence 1, step 1"):
        encode_classes(labels, np.array([0, 1]), weights, ragged(True), "y")


def test_named_classes_are_sorted_but_names_of_columns_keep_their_order():
    assert named_classes(["b", "a", "b"]).tolist() == ["a", "b"]
    assert named_classes(["b", "a"], 2).tolist() == ["b", "a"]
    assert named_classes(None, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "classes, n_labels", [([1], None), ([[0, 1]], None), ([0, np.nan], None), ([0, 1], 3)]
)
def test_classes_that_cannot_be_are_refused(classes, n_labels):
    with pytest.raises(ValueError, match=r"class(es)?\b"):
        named_classes(classes, n_labels)


def test_balanced_weights_give_every_class_the_same_sum():
    index, weights = np.array([0, 0, 0, 1, 1, 2]), np.array([1.0, 2, 1, 1, 1, 3])
    factors = class_factors("balanced", index, np.arange(3), weights)
    assert_allclose(np.bincount(index, weights * factors[index]), weights.sum() / 3)
    ones = class_factors("balanced", index, np.arange(3), np.ones(6))
    assert_allclose(ones, compute_class_weight("balanced", classes=np.arange(3), y=index))


def test_a_class_weight_without_an_entry_is_one():
    factors = class_factors({"b": 3.0}, np.array([0]), np.array(["a", "b"]), np.ones(1))
    assert_array_equal(factors, [1, 3])


@pytest.mark.parametrize("bad", [{0: -1.0}, {0: np.nan}, {0: np.inf}, {7: 1.0}])
def test_class_weights_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match=r"class_weight"):
        class_factors(bad, np.array([0]), np.array([0, 1]), np.ones(1))


# ------------------------------------------------------- what the estimators make of all that


def small(kind=LSTMRegressor, **kwargs):
    return kind(**{"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0} | kwargs)


pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


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


def test_class_weights_multiply_sample_weights():
    X, y = sequences(12), np.arange(12) % 3
    weights = np.linspace(0.5, 2, 12)
    by_class = small(LSTMClassifier, class_weight={0: 2.0, 1: 0.5, 2: 3.0}).fit(X, y, weights)
    by_sample = small(LSTMClassifier).fit(X, y, weights * np.array([2, 0.5, 3])[y])
    assert_array_equal(by_class.parameters_, by_sample.parameters_)


def test_balanced_class_weights_count_the_weighted_steps():
    X = sequences(12)
    y = [np.arange(len(x)) % 3 == 0 for x in X]
    weights = [np.ones(len(x)) for x in X]
    weights[1][:] = 0
    flat, w = np.concatenate(y), np.concatenate(weights)
    factor = w.sum() / 2 / np.array([w[~flat].sum(), w[flat].sum()])
    by_hand = [v * factor[t.astype(int)] for v, t in zip(weights, y, strict=True)]
    settings = {"return_sequences": True}
    balanced = small(LSTMClassifier, class_weight="balanced", **settings).fit(X, y, weights)
    expected = small(LSTMClassifier, **settings).fit(X, y, by_hand)
    assert_allclose(balanced.parameters_, expected.parameters_, rtol=1e-12)


def test_class_weights_do_not_go_with_several_labels_per_row():
    y = np.eye(6, 3, dtype=int)
    with pytest.raises(ValueError, match="use sample_weight"):
        small(LSTMClassifier, class_weight={0: 2.0}).fit(sequences(6), y)


def test_an_indicator_may_hold_anything_at_steps_without_weight():
    X = sequences(6)
    y = [np.eye(len(x), 3) for x in X]
    holes = [t.copy() for t in y]
    weights = [np.ones(len(x)) for x in X]
    holes[1][2], weights[1][2] = np.nan, 0
    holes[3][0], weights[3][0] = 7, 0
    settings = {"return_sequences": True}
    one = small(LSTMClassifier, **settings).fit(X, holes, weights)
    other = small(LSTMClassifier, **settings).fit(X, y, weights)
    assert_array_equal(one.parameters_, other.parameters_)
    assert one.score(X, holes, weights) == other.score(X, y, weights)

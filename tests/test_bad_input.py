"""Bad input: the right error, a message with the place and the remedy, and a model as it was."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from problems import attributes, cube, labels, numbers, sequences, step_labels, step_numbers
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._sklearn import InvalidParameterError

pytestmark = pytest.mark.filterwarnings("ignore:Maximum iterations")

SMALL = {"hidden_layer_sizes": 2, "max_iter": 2, "random_state": 0, "n_jobs": 1}
KINDS = [LSTMClassifier, LSTMRegressor]


def fitted(kind, X=None, **kwargs):
    X = sequences(6) if X is None else X
    return kind(**SMALL | kwargs).fit(X, targets(kind, X))


def targets(kind, X):
    return labels(len(X)) if kind is LSTMClassifier else np.arange(float(len(X)))


def fails(error, message, model, call, *args, **kwargs):
    """``call`` raises this ``error`` and leaves ``model`` as it was."""
    before = attributes(model)
    with pytest.raises(error, match=message):
        call(*args, **kwargs)
    assert attributes(model) == before


# ----------------------------------------------------------------------------------------- X


def with_value(value, sequence, step, feature=0):
    X = sequences(6)
    X[sequence][step, feature] = value
    return X


def nan_padded():
    X = cube(6)
    X[2, 3:] = np.nan
    return X


BAD_X = {
    "nan": (with_value(np.nan, 4, 2), ValueError, "NaN: sequence 4, step 2"),
    "ragged features": (
        [np.zeros((3, 2)), np.zeros((2, 2)), np.zeros((3, 5))],
        ValueError,
        "Sequence 2 of X has 5 features, but sequence 0 has 2",
    ),
    "empty sequence": ([np.zeros((3, 2)), np.zeros((0, 2))], ValueError, "Sequence 1 .*is empty"),
    "empty list": ([], ValueError, "X is empty"),
    "4-D": (np.zeros((6, 3, 2, 1)), ValueError, r"4 dimensions .*reshape"),
    "sparse in a list": ([csr_array(np.ones((6, 4)))] * 6, TypeError, "[Ss]parse.*toarray"),
    "dates in a frame": (
        pd.DataFrame({"a": pd.date_range("2020-01-01", periods=6), "b": 1.0}),
        TypeError,
        "dates.*'a'",
    ),
    "1-D arrays": (
        [np.zeros(k) for k in (3, 2, 4)],
        ValueError,
        r"1-D arrays of unequal length.*np.reshape.*SequenceEncoder",
    ),
    "nan padding": (nan_padded(), ValueError, "sequence 2, step 3.*from_padded"),
    "one sequence": (np.zeros(5), ValueError, "Reshape your data"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", BAD_X)
def test_bad_x_is_refused_by_every_method(kind, case):
    X, error, message = BAD_X[case]
    model = fitted(kind)
    y = targets(kind, range(6))
    fails(error, message, model, model.fit, X, y)
    fails(error, message, model, model.partial_fit, X, y)
    if case != "dates in a frame":  # at predict a table is refused for being one
        fails(error, message, model, model.predict, X)
        fails(error, message, model, model.score, X, y)
    unfitted = kind(**SMALL)
    fails(error, message, unfitted, unfitted.fit, X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_another_number_of_features_is_refused(kind):
    model = fitted(kind)
    for X in (cube(6, n_features=3), sequences(6, n_features=1)):
        message = f"X has {X[0].shape[1]} features, but {kind.__name__} is expecting 2 features"
        fails(ValueError, message, model, model.predict, X)
        fails(ValueError, message, model, model.partial_fit, X, targets(kind, X))


@pytest.mark.parametrize("kind", KINDS)
def test_another_number_of_columns_is_refused(kind):
    table = np.random.default_rng(0).normal(size=(6, 4))
    model = fitted(kind, table)
    fails(ValueError, "X has 3 features, but .* 4 features", model, model.predict, table[:, :3])
    fails(ValueError, "fitted on a 2-D table", model, model.predict, cube(6))
    fails(ValueError, "fitted on a 2-D table", model, model.predict, sequences(6))
    sequential = fitted(kind)
    fails(ValueError, "fitted on sequences", sequential, sequential.predict, table)


def test_features_per_step_must_divide_the_columns():
    model = LSTMRegressor(**SMALL, features_per_step=3)
    table = np.zeros((6, 8))
    fails(
        ValueError, "features_per_step=3 does not divide the 8", model, model.fit, table, range(6)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_predicted_before_fit(kind):
    model, X = kind(), sequences(6)
    for name in ("predict", "predict_proba", "decision_function", "predict_log_proba"):
        if hasattr(model, name):
            with pytest.raises(NotFittedError, match="not fitted yet"):
                getattr(model, name)(X)
    with pytest.raises(NotFittedError):
        model.score(X, targets(kind, X))
    for name in ("layers_", "output_weights_", "output_bias_", "n_parameters_", "parameters_"):
        assert not hasattr(model, name)


# ---------------------------------------------------------------------------- y and the weights


@pytest.mark.parametrize("call", ["fit", "partial_fit", "score"])
@pytest.mark.parametrize("kind", KINDS)
def test_y_has_a_row_per_sequence(kind, call):
    model = fitted(kind)
    message = r"inconsistent numbers of samples|y has 5 rows of \w+, but X has 6 sequences"
    fails(ValueError, message, model, getattr(model, call), sequences(6), targets(kind, range(5)))


BAD_TARGETS = [
    (LSTMRegressor, [0, 1, 2, np.nan, 4, 5], "NaN: sequence 3.*return_sequences=True"),
    (LSTMRegressor, [0, 1, 2, 3, 4, np.inf], "infinity .*sequence 5. Clip"),
    (LSTMRegressor, np.zeros((6, 3)), "3 outputs"),
    (LSTMRegressor, None, "requires y to be passed"),
    (LSTMClassifier, [0, 1, np.nan, 0, 1, 0], "NaN, infinity or None: sequence 2"),
    (LSTMClassifier, [0, 1, 0, 1, np.inf, 0], "NaN, infinity or None: sequence 4"),
    (LSTMClassifier, None, "requires y to be passed"),
    (LSTMClassifier, np.eye(6, 2), "2 columns|only one class"),
]


@pytest.mark.parametrize("kind, y, message", BAD_TARGETS)
def test_bad_targets_are_refused(kind, y, message):
    model = fitted(kind)
    fails(ValueError, message, model, model.partial_fit, sequences(6), y)
    if np.ndim(y) < 2:
        fails(ValueError, message, model, model.fit, sequences(6), y)
        unfitted = kind(**SMALL)
        fails(ValueError, message, unfitted, unfitted.fit, sequences(6), y)


@pytest.mark.parametrize("kind", KINDS)
def test_dates_are_no_targets(kind):
    model, y = fitted(kind), np.arange(6).astype("M8[D]")
    fails(
        (TypeError, ValueError),
        "y contains dates|a label is a string, a whole number",
        model,
        model.partial_fit,
        sequences(6),
        y,
    )


def test_targets_of_steps_fit_the_steps_of_x():
    X = sequences(6)
    for kind, y in ((LSTMClassifier, step_labels(X)), (LSTMRegressor, step_numbers(X))):
        model = kind(**SMALL, return_sequences=True).fit(X, y)
        short = [*y[:4], y[4][:-1], *y[5:]]
        message = "Sequence 4 of y has .* 6 steps, but sequence 4 of X has 7"
        fails(ValueError, message, model, model.fit, X, short)
        fails(ValueError, message, model, model.partial_fit, X, short)
        fails(ValueError, message, model, model.score, X, short)
        fails(ValueError, "y has 5 sequences, but X has 6", model, model.partial_fit, X, y[:5])
        fails(ValueError, "With return_sequences=True", model, model.fit, X, np.zeros(6))


def test_targets_per_step_without_return_sequences_are_a_hint():
    X = sequences(6)
    model = fitted(LSTMRegressor)
    fails(ValueError, "return_sequences=True", model, model.fit, X, step_numbers(X))
    fails(ValueError, "return_sequences=True", model, model.fit, cube(6), np.zeros((6, 4, 1)))


@pytest.mark.parametrize("y", [np.zeros(6, dtype=int), ["a"] * 6, [True] * 6])
def test_one_class_is_not_enough(y):
    model = fitted(LSTMClassifier)
    fails(ValueError, "only one class", model, model.fit, sequences(6), y)


def test_several_columns_of_many_classes_are_refused():
    model = fitted(LSTMClassifier)
    y = np.arange(12).reshape(6, 2) % 5
    fails(ValueError, "multioutput", model, model.fit, sequences(6), y)


def test_an_unknown_label_is_refused_by_partial_fit():
    model = fitted(LSTMClassifier)
    y = [0, 1, 0, 7, 1, 0]
    fails(ValueError, "label 7 at sequence 3", model, model.partial_fit, sequences(6), y)
    fails(ValueError, "label 'b'", model, model.partial_fit, sequences(6), ["b"] * 6)


def test_the_first_partial_fit_needs_classes_and_the_next_the_same():
    X, y = sequences(6), labels(6)
    model = LSTMClassifier(**SMALL)
    fails(ValueError, "classes must be passed on the first call", model, model.partial_fit, X, y)
    fails(ValueError, "at least two classes", model, model.partial_fit, X, y, [0])
    model.partial_fit(X, y, [0, 1])
    fails(ValueError, "not the same as on", model, model.partial_fit, X, y, [0, 1, 2])
    model.partial_fit(X, y, [1, 0])


def test_the_next_partial_fit_needs_the_same_kind_of_y():
    X = sequences(6)
    single = fitted(LSTMClassifier)
    fails(
        ValueError, "fitted with one label", single, single.partial_fit, X, np.eye(6, 3, dtype=int)
    )
    several = LSTMClassifier(**SMALL).fit(X, np.eye(6, 3, dtype=int))
    fails(ValueError, "fitted with 3 labels", several, several.partial_fit, X, labels(6))
    fails(
        ValueError, "fitted with 3 labels", several, several.partial_fit, X, np.eye(6, 2, dtype=int)
    )
    fails(ValueError, "0 and 1", several, several.partial_fit, X, np.full((6, 3), 2))
    regressor = fitted(LSTMRegressor)
    fails(ValueError, "was fitted with 1", regressor, regressor.partial_fit, X, numbers(X, 2))


def test_balanced_classes_cannot_be_counted_by_partial_fit():
    model = LSTMClassifier(**SMALL, class_weight="balanced")
    call = model.partial_fit
    fails(ValueError, "Pass a dict", model, call, sequences(6), labels(6), [0, 1])


def test_early_stopping_needs_fit():
    model = LSTMRegressor(**SMALL, early_stopping=True)
    fails(ValueError, "Use fit", model, model.partial_fit, sequences(6), np.zeros(6))


BAD_WEIGHTS = {
    "too few": ([1, 1], r"shape \(2,\), expected \(6,\)"),
    "a column": (np.ones((6, 1)), r"shape \(6, 1\), expected \(6,\)"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights_are_refused(kind, case):
    weights, message = BAD_WEIGHTS[case]
    model, X = fitted(kind), sequences(6)
    y = targets(kind, X)
    fails(ValueError, message, model, model.fit, X, y, sample_weight=weights)
    fails(ValueError, message, model, model.partial_fit, X, y, sample_weight=weights)


@pytest.mark.parametrize("kind", KINDS)
def test_there_must_be_a_weight_to_fit(kind):
    model, X = fitted(kind), sequences(6)
    y = targets(kind, X)
    fails(ValueError, "sample_weight is zero", model, model.fit, X, y, np.zeros(6))
    y = step_labels(X) if kind is LSTMClassifier else step_numbers(X)
    model.set_params(return_sequences=True)
    zero = [np.zeros(len(x)) for x in X]
    fails(ValueError, "weights? .*zero", model, model.fit, X, y, zero)


@pytest.mark.parametrize("kind", KINDS)
def test_there_must_be_a_weight_to_score_steps(kind):
    X = sequences(6)
    y = step_labels(X) if kind is LSTMClassifier else step_numbers(X)
    model = kind(**SMALL, return_sequences=True).fit(X, y)
    fails(ValueError, "nothing to score", model, model.score, X, y, np.zeros(6))


def test_steps_are_scored_by_labels_like_those_that_are_predicted():
    X = sequences(6)
    model = LSTMClassifier(**SMALL, return_sequences=True).fit(X, step_labels(X))
    several = [np.zeros((len(x), 2), dtype=int) for x in X]
    fails(ValueError, "y has 2 labels per row, but 1", model, model.score, X, several)


def test_targets_that_are_all_nan_are_none():
    X = sequences(6)
    model = LSTMRegressor(**SMALL, return_sequences=True).fit(X, step_numbers(X))
    none = [np.full(len(x), np.nan) for x in X]
    fails(ValueError, "There is no target to learn from", model, model.fit, X, none)
    fails(ValueError, "nothing to score", model, model.score, X, none)


# ------------------------------------------------------------------------------- validation data


@pytest.mark.parametrize(
    "given, message",
    [
        ({"X_val": sequences(6)}, "y_val is missing"),
        ({"y_val": np.zeros(6)}, "X_val is missing"),
        ({"sample_weight_val": np.ones(6)}, "X_val is missing"),
        ({"X_val": sequences(6, 3), "y_val": np.zeros(6)}, "X has 3 features, but"),
        ({"X_val": sequences(6), "y_val": np.zeros(5)}, "y_val has 5 rows"),
        (
            {"X_val": sequences(6), "y_val": [0, 0, np.nan, 0, 0, 0]},
            "y_val contains NaN: sequence 2",
        ),
        ({"X_val": sequences(1), "y_val": [0]}, "validation set is too small"),
        (
            {"X_val": sequences(6), "y_val": np.zeros(6), "sample_weight_val": -np.ones(6)},
            "sample_weight_val: -1 at sequence 0",
        ),
        (
            {"X_val": sequences(6), "y_val": np.zeros(6), "sample_weight_val": np.zeros(6)},
            "a weight above zero",
        ),
    ],
)
def test_bad_validation_data_are_refused(given, message):
    model = fitted(LSTMRegressor).set_params(early_stopping=True)
    fails(ValueError, message, model, model.fit, sequences(6), np.zeros(6), **given)


def test_validation_data_without_early_stopping_would_be_ignored():
    model = fitted(LSTMRegressor)
    val = {"X_val": sequences(6), "y_val": np.zeros(6)}
    fails(ValueError, "Set early_stopping=True", model, model.fit, sequences(6), np.zeros(6), **val)


def test_unknown_labels_of_the_validation_data_are_refused():
    model = fitted(LSTMClassifier).set_params(early_stopping=True)
    val = {"X_val": sequences(6), "y_val": [0, 1, 2, 0, 1, 2]}
    fails(ValueError, "y_val has the label 2", model, model.fit, sequences(6), labels(6), **val)


def test_too_few_sequences_to_hold_some_out_are_refused():
    model = fitted(LSTMRegressor).set_params(early_stopping=True)
    fails(ValueError, "too small", model, model.fit, sequences(6), np.zeros(6))


# ------------------------------------------------------------------------------------ parameters

BAD_PARAMETERS = [
    ("categorical_features", ["types", 2.5]),
    ("hidden_layer_sizes", [(), 0, -1, (3, 0), (3, -1), 2.5, (3, 2.5), "3", None, True, ((2,), 3)]),
    ("block_size", [0, -1, 1.5, "1", None]),
    ("cell", ["lstm", None, 1997]),
    ("gradient", ["both", None, True]),
    ("bidirectional", ["yes", None, 2]),
    ("pooling", ["min", None, 1]),
    ("return_sequences", ["yes", None]),
    ("features_per_step", [0, -1, 1.5, None]),
    ("solver", ["lbfgs", None]),
    ("alpha", [-1e-9, np.nan, np.inf, "0", None]),
    ("dropout", [-0.1, 1.0, np.nan, "0", None]),
    ("recurrent_dropout", [-0.1, 1.0, np.nan, "0", None]),
    ("batch_size", [0, -1, 1.5, "all", None]),
    ("learning_rate", ["optimal", 0.1, None]),
    ("learning_rate_init", [0, -1, np.nan, np.inf, "0.1", None]),
    ("power_t", [-0.1, "0.5", None]),
    ("max_iter", [0, -1, 1.5, np.inf, None]),
    ("shuffle", ["no", None]),
    ("clip_norm", [0, -1, np.nan, np.inf, "1"]),
    ("tol", [-1e-9, np.nan, "0"]),
    ("n_iter_no_change", [0, -1, 1.5, None]),
    ("early_stopping", ["auto", None]),
    ("scoring", [1.0, ["accuracy"]]),
    ("validation_fraction", [0, 1, -0.1, 1.1, np.nan, None]),
    ("momentum", [-0.1, 1.1, np.nan, None]),
    ("nesterovs_momentum", ["yes", None]),
    ("beta_1", [-0.1, 1, np.nan, None]),
    ("beta_2", [-0.1, 1, np.nan, None]),
    ("epsilon", [0, -1e-8, np.nan, None]),
    ("bias", ["none", "output", True]),
    ("gate_bias", [1.0, "forget", [("input", 1)]]),
    ("init_range", [0, -0.1, np.nan, np.inf, "0.1"]),
    ("warm_start", ["yes", None]),
    ("random_state", [-1, "0", 1.5, np.random.default_rng(0)]),
    ("verbose", [-1, "yes"]),
    ("n_jobs", [0, 1.5, "2"]),
]


def test_the_parameters_below_are_all_there_are():
    own = {"class_weight", "loss", "quantile", "out_activation", "normalize_y"}
    tested = {name for name, _ in BAD_PARAMETERS}
    assert (
        tested == (LSTMClassifier().get_params().keys() | LSTMRegressor().get_params().keys()) - own
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in BAD_PARAMETERS for value in values]
)
def test_a_bad_parameter_is_named(kind, name, value):
    X = sequences(6)
    model = fitted(kind)
    model.set_params(**{name: value})
    message = f"'{name}' parameter.* must be .* Got {re.escape(repr(value)[:5])}"
    fails(InvalidParameterError, message, model, model.fit, X, targets(kind, X))
    fails(InvalidParameterError, message, model, model.partial_fit, X, targets(kind, X))
    unfitted = kind(**SMALL | {name: value})
    given = {"classes": [0, 1]} if kind is LSTMClassifier else {}
    fails(InvalidParameterError, message, unfitted, unfitted.initialize, 2, **given)


@pytest.mark.parametrize(
    "kind, name, value",
    [
        (LSTMClassifier, "class_weight", "uniform"),
        (LSTMClassifier, "class_weight", [1, 2]),
        (LSTMRegressor, "loss", "huber"),
        (LSTMRegressor, "quantile", 1.5),
        (LSTMRegressor, "quantile", "half"),
        (LSTMRegressor, "loss", None),
        (LSTMRegressor, "out_activation", "relu"),
        (LSTMRegressor, "out_activation", None),
        (LSTMRegressor, "normalize_y", "yes"),
        (LSTMRegressor, "normalize_y", None),
    ],
)
def test_a_bad_parameter_of_one_kind_is_named(kind, name, value):
    model = fitted(kind).set_params(**{name: value})
    call = model.fit
    fails(InvalidParameterError, f"'{name}' parameter", model, call, sequences(6), labels(6))


@pytest.mark.parametrize(
    "gate_bias, settings, message",
    [
        (
            {"forget": 1},
            {"cell": "1997"},
            "'forget', but the gates of cell='1997' are 'input', 'output'",
        ),
        ({"cell": 1}, {}, "'cell', but the gates"),
        ({"input": (1, 2, 3)}, {}, "has 3 numbers, expected .* 2 blocks"),
        ({"input": (1, 2)}, {"hidden_layer_sizes": (2, 2)}, "one number for all 2 layers"),
        ({"input": np.nan}, {}, "a finite number"),
        ({"input": "1"}, {}, "a finite number"),
        ({"input": None}, {}, "a finite number"),
        ({"input": ((1, 2), (3, 4))}, {}, "a finite number"),
        ({"input": 1}, {"bias": None}, "bias=None"),
    ],
)
def test_gate_biases_must_belong_to_biased_gates(gate_bias, settings, message):
    model = LSTMRegressor(**SMALL | settings | {"gate_bias": gate_bias})
    fails(InvalidParameterError, message, model, model.fit, sequences(6), np.zeros(6))
    fails(InvalidParameterError, message, model, model.initialize, 2)


REALS = ["alpha", "learning_rate_init", "power_t", "clip_norm", "tol", "epsilon", "init_range"]


@pytest.mark.parametrize("name", REALS)
def test_whole_numbers_that_no_float_can_hold_are_bad_parameters(name):
    model = LSTMRegressor(**SMALL | {name: 10**400})
    message = f"'{name}' parameter .* must be a float in the range"
    fails(InvalidParameterError, message, model, model.fit, sequences(6), np.zeros(6))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_init_range_that_cannot_be_drawn_from_is_named(dtype):
    X = [x.astype(dtype) for x in sequences(6)]
    model = LSTMRegressor(**SMALL | {"init_range": float(np.finfo(dtype).max)})
    fails(InvalidParameterError, "too large for float", model, model.fit, X, np.zeros(6))


@pytest.mark.parametrize("n_jobs", [2**31, 2**70, -(2**70)])
def test_any_number_of_threads_may_be_asked_for(n_jobs):
    X, y = sequences(6), np.arange(6.0)
    alone, many = (LSTMRegressor(**SMALL | {"n_jobs": n}).fit(X, y) for n in (1, n_jobs))
    np.testing.assert_array_equal(many.parameters_, alone.parameters_)


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", None, True])
def test_initialize_needs_whole_numbers(value):
    model = fitted(LSTMRegressor)
    fails(ValueError, "n_features must be an int", model, model.initialize, value)
    fails(ValueError, "n_outputs must be an int", model, model.initialize, 2, n_outputs=value)


def test_initialize_needs_classes_that_fit():
    model = fitted(LSTMClassifier)
    fails(ValueError, "initialize needs classes", model, model.initialize, 2)
    fails(ValueError, "at least two classes", model, model.initialize, 2, classes=["a"])
    call = model.initialize
    fails(ValueError, "each of the 3 labels", model, call, 2, n_outputs=3, classes=["a", "b"])


# -------------------------------------------------------------------------------- absurd sizes


@pytest.mark.parametrize("sizes", [10**7, 10**12, (10, 10**9)])
def test_a_network_larger_than_the_memory_is_refused(sizes):
    model = LSTMRegressor(sizes, max_iter=1)
    message = "parameters and needs .* GiB for training.*Make it smaller"
    fails(MemoryError, message, model, model.fit, sequences(6), np.zeros(6))
    fails(MemoryError, message, model, model.initialize, 2)


def test_steps_without_number_are_refused():
    X = np.broadcast_to(np.zeros((1, 1, 2)), (10**6, 10**9, 2))
    model = fitted(LSTMRegressor)
    fails(MemoryError, "X has 10+ steps .* GiB", model, model.predict, X)


# ---------------------------------------------------------------------------------- divergence


def exploding(kind=LSTMRegressor, **kwargs):
    settings = {"solver": "sgd", "learning_rate_init": 1e300, "clip_norm": None, "batch_size": 3}
    if kind is LSTMRegressor:
        settings["normalize_y"] = False
    return kind(**SMALL | {"max_iter": 5, "gate_bias": None} | settings | kwargs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [1e10, 1e200])
def test_a_fit_that_diverges_keeps_the_parameters_of_the_last_finite_loss(dtype, rate):
    X = sequences(6, dtype=dtype)
    model = exploding(learning_rate_init=rate, max_iter=20)
    with pytest.warns(ConvergenceWarning, match="Training diverged in epoch .*learning_rate_init"):
        model.fit(X, numbers(X) + 1)
    assert np.isfinite(model.parameters_).all() and np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.loss_curve_).all()


def test_a_partial_fit_that_diverges_changes_nothing():
    X = sequences(6)
    model = exploding(learning_rate_init=1e-3).fit(X, numbers(X))
    model.set_params(learning_rate_init=1e300)
    before, parameters = vars(model).copy(), model.parameters_.copy()
    with pytest.warns(ConvergenceWarning, match="Training diverged.*before the call are kept"):
        assert model.partial_fit(X, numbers(X)) is model
    assert_array_equal(model.parameters_, parameters)
    for name in set(before) - {"_validated"}:
        assert vars(model)[name] is before[name]


def test_a_first_partial_fit_that_diverges_leaves_the_initial_parameters():
    X = sequences(6)
    model = exploding()
    with pytest.warns(ConvergenceWarning, match="Training diverged"):
        model.partial_fit(X, numbers(X))
    assert_array_equal(model.parameters_, exploding().initialize(2).parameters_)
    assert model.n_iter_ == model.t_ == 0


def test_the_state_is_restored_before_the_warning_is_issued():
    X = sequences(6)
    model = exploding(learning_rate_init=1e-3).fit(X, numbers(X))
    model.set_params(learning_rate_init=1e300)
    before = model.parameters_.copy()
    # here, as everywhere in these tests, a warning is an error
    with pytest.raises(ConvergenceWarning, match="Training diverged"):
        model.partial_fit(X, numbers(X))
    assert_array_equal(model.parameters_, before)
    with pytest.raises(ConvergenceWarning, match="Training diverged"):
        model.fit(X, numbers(X))
    assert np.isfinite(model.parameters_).all()


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_training_goes_on_after_divergence_without_the_history_that_led_to_it(solver):
    X = sequences(6)
    model = exploding(solver=solver, learning_rate_init=1e308, warm_start=True)
    with pytest.warns(ConvergenceWarning, match="Training diverged"):
        model.fit(X, numbers(X))
    other = exploding(solver=solver).initialize(2)
    other.parameters_[:] = model.parameters_
    for each in (model, other):
        each.set_params(learning_rate_init=1e-3).partial_fit(X, numbers(X))
    assert_array_equal(model.parameters_, other.parameters_)


def test_validation_outputs_that_are_not_finite_are_divergence():
    X = sequences(6)
    y = 10 * np.arange(6)
    model = exploding(learning_rate_init=1.7e308, batch_size=6, early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="Training diverged in epoch 1"):
        model.fit(X, y, X_val=X, y_val=y)
    assert model.validation_scores_ == []
    assert np.isfinite(model.parameters_).all()


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_an_error_in_the_middle_of_training_leaves_the_model_as_it_was(call, monkeypatch):
    X = sequences(6)
    model = fitted(LSTMRegressor, warm_start=True)

    def broken(self, t):
        raise RuntimeError("in the middle")

    monkeypatch.setattr("sklstm._solvers.Adam.end_epoch", broken)
    fails(RuntimeError, "in the middle", model, getattr(model, call), X, numbers(X))


@pytest.mark.parametrize(
    "other",
    [np.zeros(3), np.zeros((5, 7)), np.zeros(1000), np.zeros(43, dtype=np.float16)],
    ids=["short", "two-dimensional", "long", "float16"],
)
@pytest.mark.parametrize("call", ["predict", "fit", "partial_fit", "stream"])
def test_parameters_of_another_network_are_refused(call, other):
    X = sequences(6)
    model = fitted(LSTMRegressor, warm_start=True)
    model.parameters_ = other
    arguments = {"predict": [X], "stream": []}.get(call, [X, numbers(X)])
    message = rf"parameters_ .* shape {re.escape(str(other.shape))} .* vector of 43 numbers"
    fails(ValueError, message, model, getattr(model, call), *arguments)

"""scikit-learn's own checks."""

import pytest
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklstm import LSTMClassifier, LSTMRegressor

# Checks that scikit-learn has, but yields to nobody else, or only to another sort of estimator.
EXTRA = [
    "check_param_validation",
    "check_dataframe_column_names_consistency",
    "check_classifier_multioutput",
]

CONFIGURATIONS = [
    LSTMClassifier(),
    LSTMRegressor(),
    LSTMClassifier(16, cell="1997", block_size=2),
    LSTMClassifier(16, cell="peephole", gradient="full"),
    LSTMClassifier(16, cell="coupled", features_per_step=2, max_iter=100),
    LSTMClassifier((8, 8), bidirectional=True, gradient="full", max_iter=100),
    LSTMClassifier(16, solver="sgd", learning_rate="adaptive", learning_rate_init=0.1),
    LSTMClassifier(16, batch_size=8),
    LSTMRegressor(16, cell="1997", out_activation="identity"),
    LSTMRegressor(16, cell="peephole", bidirectional=True, gradient="full", max_iter=100),
    LSTMRegressor((8, 8), cell="coupled"),
    LSTMRegressor(16, solver="sgd", learning_rate_init=0.05, momentum=0.5),
]


def expected_failures(estimator):
    if estimator.batch_size == "auto":
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": "copies of a sequence are spread over "
        "several batches, its weight acts in one"
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [LSTMClassifier(), LSTMRegressor()])
def test_the_defaults_pass_check_estimator_without_an_expected_failure(estimator):
    results = check_estimator(estimator, on_skip=None)
    assert {r["check_name"] for r in results if r["status"] != "passed"} <= {
        "check_array_api_input"
    }
    assert len(results) > 50


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    CONFIGURATIONS[2:], expected_failed_checks=expected_failures, xfail_strict=True
)
def test_every_configuration_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", CONFIGURATIONS[:2])
@pytest.mark.parametrize("name", EXTRA)
def test_the_defaults_pass_checks_that_are_not_yielded(estimator, name):
    if name == "check_classifier_multioutput" and isinstance(estimator, LSTMRegressor):
        pytest.skip("for classifiers")
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


def test_three_dimensional_x_is_declared():
    for estimator in CONFIGURATIONS[:2]:
        tags = estimator.__sklearn_tags__()
        assert tags.input_tags.three_d_array and tags.input_tags.two_d_array
        assert not tags.input_tags.allow_nan and not tags.input_tags.sparse
    assert CONFIGURATIONS[0].__sklearn_tags__().classifier_tags.multi_label
    assert CONFIGURATIONS[1].__sklearn_tags__().target_tags.multi_output

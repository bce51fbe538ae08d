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

# Random labels are learned by heart in one of the checks, to seven digits whatever the order of
# the sums. Over hundreds of epochs rounding grows beyond that, so these train for a few tens.
SHORT = {"max_iter": 40, "learning_rate_init": 0.02, "n_jobs": 1}
CONFIGURATIONS = [
    LSTMClassifier(8, cell="1997", block_size=2, **SHORT),
    LSTMClassifier(8, cell="peephole", **SHORT),
    LSTMClassifier(8, cell="coupled", gradient="full", **SHORT),
    LSTMClassifier((4, 4), gradient="full", **SHORT),
    LSTMClassifier(4, bidirectional=True, **SHORT),
    LSTMClassifier(
        8, solver="sgd", learning_rate="adaptive", **SHORT | {"learning_rate_init": 0.2}
    ),
    LSTMClassifier(8, batch_size=8, **SHORT),
    LSTMRegressor(16, cell="peephole", gradient="full", **SHORT),
    LSTMRegressor((8, 8), cell="coupled", gradient="full", **SHORT | {"max_iter": 100}),
    LSTMRegressor(8, bidirectional=True, gradient="full", **SHORT | {"max_iter": 60}),
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


CHECKS = parametrize_with_checks(CONFIGURATIONS, expected_failed_checks=expected_failures)
names, pairs = CHECKS.args


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(names, list(pairs), **CHECKS.kwargs)  # 1.7 gives pytest a generator
def test_every_configuration_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [LSTMClassifier(), LSTMRegressor()])
@pytest.mark.parametrize("name", EXTRA)
def test_the_defaults_pass_checks_that_are_not_yielded(estimator, name):
    if name == "check_classifier_multioutput" and isinstance(estimator, LSTMRegressor):
        pytest.skip("for classifiers")
    getattr(estimator_checks, name)(type(estimator).__name__, estimator)


def test_three_dimensional_x_is_declared():
    for estimator in (LSTMClassifier(), LSTMRegressor()):
        tags = estimator.__sklearn_tags__()
        assert tags.input_tags.three_d_array and tags.input_tags.two_d_array
        assert not tags.input_tags.allow_nan and not tags.input_tags.sparse
    assert LSTMClassifier().__sklearn_tags__().classifier_tags.multi_label
    assert LSTMRegressor().__sklearn_tags__().target_tags.multi_output

"""Early stopping: what is held out, what is watched, and when training ends."""

import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import cube, labels, numbers, sequences, step_labels
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import f1_score

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._training import Records
from sklstm._validation import hold_out

SMALL = {"hidden_layer_sizes": 3, "max_iter": 5, "random_state": 0, "n_jobs": 1}
STOP = SMALL | {"early_stopping": True}


def pulses(n=300, seed=0, n_steps=8):
    X = np.random.default_rng(seed).normal(size=(n, n_steps, 2))
    return X, (X[:, 2, 0] > 0).astype(int)


# ----------------------------------------------------------------- what belongs to one call of fit


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_second_fit_learns_from_the_data_it_is_given(early_stopping):
    X, y = pulses()
    model = LSTMClassifier(
        16, warm_start=True, early_stopping=early_stopping, n_iter_no_change=60, random_state=0
    ).fit(X, y)
    first = model.parameters_.copy()
    assert model.score(X, y) > 0.9
    model.fit(X, 1 - y)
    assert (model.parameters_ != first).any()
    assert model.score(X, 1 - y) > 0.9


def test_the_best_of_a_fit_are_of_that_fit():
    X, y = sequences(24), labels(24)
    model = LSTMClassifier(**STOP, warm_start=True).fit(X, y, X_val=X, y_val=y)
    n = model.n_iter_
    model.fit(X, 1 - y, X_val=X, y_val=1 - y)
    assert model.best_validation_score_ == max(model.validation_scores_[n:])
    plain = LSTMClassifier(**SMALL, warm_start=True).fit(X, y)
    n = plain.n_iter_
    plain.fit(X, 1 - y)
    assert plain.best_loss_ == min(plain.loss_curve_[n:])


# ------------------------------------------------------------------------------ what is watched


def test_the_score_decides_and_the_loss_breaks_ties():
    records = Records(best_loss=None, best_score=-np.inf)
    outcomes = [(0.5, 1.0), (0.5, 0.9), (0.5, 1.1), (0.6, 2.0), (0.6, 1.9), (0.5, 0.1)]
    best = [records.compare_validation(*outcome, None) for outcome in outcomes]
    assert best == [True, True, False, True, True, False]
    assert (records.best_score, records.best_validation_loss) == (0.6, 1.9)


def test_patience_lasts_while_score_or_loss_improves():
    records = Records(best_loss=None, best_score=-np.inf)
    counts = []
    for outcome in [(0.5, 1.0), (0.5, 0.9), (0.4, 0.95), (0.5, 0.9), (0.3, 0.8), (0.6, 3.0)]:
        records.compare_validation(*outcome, None)
        counts.append(records.n_no_change)
    assert counts == [0, 0, 1, 2, 0, 0]
    records = Records(best_loss=None, best_score=-np.inf)
    for outcome in [(0.5, 1.0), (0.55, 0.95), (0.58, 0.92)]:
        records.compare_validation(*outcome, 0.1)
    assert records.n_no_change == 2  # each is better than the best before by less than tol


def test_few_positives_are_learned_though_accuracy_does_not_move():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(800, 10, 2))
    y = (X[:, 2, 0] > np.quantile(X[:, 2, 0], 0.95)).astype(int)
    model = LSTMClassifier(16, early_stopping=True, random_state=0, learning_rate_init=0.01)
    assert model.fit(X, y).score(X, y) > 0.97


def test_the_validation_loss_is_the_mean_over_targets():
    X, y = sequences(24), labels(24, 3)
    w = np.linspace(0, 2, 24)
    model = LSTMClassifier(**STOP).fit(X, y, X_val=X, y_val=y, sample_weight_val=w)
    assert len(model.validation_loss_curve_) == model.n_iter_
    best = min(
        loss
        for loss, score in zip(model.validation_loss_curve_, model.validation_scores_, strict=True)
        if score == model.best_validation_score_
    )
    log_proba = model.predict_log_proba(X)[np.arange(24), y]
    assert best == pytest.approx(-(w * log_proba).sum() / w.sum(), rel=1e-9)
    assert LSTMClassifier(**SMALL).fit(X, y).validation_loss_curve_ is None


def test_scoring_loss_keeps_the_parameters_of_the_lowest_validation_loss():
    X, y = sequences(24), labels(24)
    model = LSTMClassifier(**STOP, scoring="loss").fit(X, y, X_val=X, y_val=y)
    assert_allclose(model.validation_scores_, -np.array(model.validation_loss_curve_))
    log_proba = model.predict_log_proba(X)[np.arange(24), y]
    assert model.best_validation_score_ == pytest.approx(log_proba.mean(), rel=1e-9)


def test_scoring_takes_the_name_of_a_scorer():
    X, y = sequences(24), labels(24, 3)
    model = LSTMClassifier(**STOP, scoring="f1_macro").fit(X, y, X_val=X, y_val=y)
    expected = f1_score(y, model.predict(X), average="macro")
    assert model.best_validation_score_ == pytest.approx(expected)
    held_out = LSTMClassifier(**STOP, scoring="f1_macro", validation_fraction=0.5).fit(X, y)
    assert 0 <= held_out.best_validation_score_ <= 1


def test_scoring_takes_a_callable_and_hands_it_the_data_of_the_user():
    X, y = sequences(24), labels(24, names=["no", "yes"])
    seen = []

    def scorer(estimator, X, y, sample_weight=None):
        seen.append((X, y, sample_weight))
        return estimator.predict_proba(X)[:, 1].mean()

    w = np.linspace(1, 2, 24)
    model = LSTMClassifier(**STOP, scoring=scorer, validation_fraction=0.25).fit(X, y, w)
    X_out, y_out, w_out = seen[0]
    assert [type(x) for x in X_out] == [np.ndarray] * 6 and set(y_out) == {"no", "yes"}
    rows = [next(k for k, x in enumerate(X) if x is x_out) for x_out in X_out]
    assert_array_equal(y_out, y[rows])
    assert_array_equal(w_out, w[rows])
    assert model.predict_proba(X_out)[:, 1].mean() == model.best_validation_score_


def test_scoring_by_name_is_over_steps_where_targets_are():
    X = sequences(40)
    y = step_labels(X)
    model = LSTMClassifier(**STOP, return_sequences=True, scoring="balanced_accuracy").fit(X, y)
    assert 0 <= model.best_validation_score_ <= 1


@pytest.mark.parametrize("weights", [None, 2.0, np.linspace(1, 2, 24)], ids=["none", "two", "own"])
@pytest.mark.parametrize(
    "scoring",
    [lambda model, X, y: model.score(X, y), "adjusted_rand_score", "accuracy"],
    ids=["function", "adjusted_rand_score", "accuracy"],
)
def test_scorers_need_not_take_weights(scoring, weights):
    model = LSTMClassifier(**STOP, scoring=scoring)
    model.fit(sequences(24), labels(24), weights)
    assert len(model.validation_scores_) == model.n_iter_


@pytest.mark.parametrize(
    "scoring",
    ["f1", "no_such_score", lambda model, X: 0.0],
    ids=["f1", "no_such_score", "without_y"],
)
def test_a_scorer_that_fails_is_named(scoring):
    model = LSTMRegressor(**STOP, scoring=scoring)
    with pytest.raises(ValueError, match=r"scoring=.*no_such|scoring=.* failed on the validation"):
        model.fit(sequences(24), numbers(sequences(24)) + 0.5)


@pytest.mark.parametrize("kind", ["plain", "stratified", "groups"])
def test_what_is_not_held_out_stays_in_order(kind):
    labels = np.arange(60) % 3 if kind == "stratified" else None
    groups = np.arange(60) % 7 if kind == "groups" else None
    order, others = hold_out(60, 0.2, 0, labels=labels, groups=groups)
    assert (np.diff(order) > 0).all()
    assert_array_equal(np.sort(np.concatenate([order, others])), np.arange(60))


def test_one_sequence_is_too_few_to_hold_out():
    with pytest.raises(ValueError, match=r"X has only 1\. Pass X_val and y_val"):
        LSTMRegressor(**STOP).fit(sequences(1), [1.0])


def test_a_score_that_is_not_a_number_is_an_error():
    X, y = sequences(24), labels(24)
    model = LSTMClassifier(**STOP, scoring=lambda *_: np.nan)
    with pytest.raises(ValueError, match=r"scoring=.* returned nan on the validation data"):
        model.fit(X, y)
    assert not hasattr(model, "parameters_")


# -------------------------------------------------------------------------------- what is held out


def test_whole_groups_are_held_out():
    X, groups = sequences(40), np.repeat(np.arange(10), 4)
    seen = []

    def scorer(estimator, X, y):
        seen.append(X)
        return 0.0

    model = LSTMClassifier(**STOP, scoring=scorer, validation_fraction=0.2)
    model.fit(X, labels(40), validation_groups=groups)
    rows = [next(k for k, x in enumerate(X) if x is x_out) for x_out in seen[0]]
    assert len(rows) == 8 and len(set(groups[rows])) == 2


@pytest.mark.parametrize(
    "groups, kwargs, message",
    [
        ([1, None] * 6, {}, "must contain one group per sequence"),
        ([1.0, np.nan] * 6, {}, "must contain one group per sequence"),
        ([1] * 12, {}, "only one group"),
        ([1, 2], {}, r"validation_groups has shape \(2,\), expected \(12,\)"),
        ([1, 2] * 6, {"early_stopping": False}, "no effect with early_stopping=False"),
    ],
)
def test_bad_groups_are_named(groups, kwargs, message):
    model = LSTMClassifier(**STOP | kwargs)
    with pytest.raises(ValueError, match=message):
        model.fit(sequences(12), labels(12), validation_groups=groups)


def test_a_class_that_is_held_out_whole_is_told_by_its_label():
    groups = np.repeat([0, 1], 12)
    y = np.where(groups == 0, "cat", "dog")
    with pytest.raises(ValueError, match=r"All sequences of class '(cat|dog)' are in the groups"):
        LSTMClassifier(**STOP).fit(sequences(24), y, validation_groups=groups)


def test_a_fraction_that_holds_out_every_group_is_told():
    groups = np.repeat([0, 1, 2], 8)
    with pytest.raises(ValueError, match=r"validation_fraction=0.9 holds out all 3 of val"):
        LSTMClassifier(**STOP, validation_fraction=0.9).fit(
            sequences(24), labels(24), validation_groups=groups
        )


def test_groups_and_validation_data_exclude_each_other():
    X, y = sequences(12), labels(12)
    with pytest.raises(ValueError, match="Pass either X_val or validation_groups"):
        LSTMClassifier(**STOP).fit(X, y, X_val=X, y_val=y, validation_groups=y)


def test_a_class_with_one_member_is_told_by_its_label():
    y = np.array(["cat"] * 12 + ["dog"] * 11 + ["emu"])
    with pytest.raises(ValueError, match=r"Class 'emu' has only one sequence.*validation_fraction"):
        LSTMClassifier(**STOP).fit(sequences(24), y)


def test_a_fraction_too_small_for_the_classes_is_told():
    y = labels(24, 8)
    with pytest.raises(ValueError, match=r"validation_fraction=0.1 of 24 sequences leaves 3 .*8"):
        LSTMClassifier(**STOP).fit(sequences(24), y)


@pytest.mark.parametrize("container", [list, tuple, np.array])
def test_scorers_get_any_container(container):
    X = container(cube(24))
    model = LSTMClassifier(**STOP, scoring="accuracy").fit(X, labels(24))
    plain = LSTMClassifier(**STOP).fit(X, labels(24))
    assert model.validation_scores_ == plain.validation_scores_


# --------------------------------------------------------------------------------- X_val as it came


def test_validation_data_that_were_not_scaled_are_told():
    X, y = pulses(40)
    model = LSTMClassifier(**STOP)
    for bad in (50 + 10 * X, X * 1e-3, X * 50, 3 + X, 5 + 2 * X, 5 * X, X / 5):
        with pytest.warns(UserWarning, match=r"X_val is far from X: feature 0 .*transform_input"):
            model.fit(X, y, X_val=bad, y_val=y)


def test_validation_data_of_the_same_kind_are_not():
    X, y = pulses(40)
    model = LSTMClassifier(**STOP)
    constant = np.concatenate([X[:4], np.zeros((4, 8, 2))])
    for good in (X[:3] + 1, 2 * X, X[:2] * 0.5, constant):
        model.fit(X, y, X_val=good, y_val=y[: len(good)])


def test_a_pipeline_can_scale_the_validation_data():
    from sklearn import config_context
    from sklearn.pipeline import Pipeline

    from sklstm.preprocessing import SequenceScaler

    X, y = pulses(60)
    X = 50 + 10 * X
    with config_context(enable_metadata_routing=True):
        model = LSTMClassifier(**STOP).set_fit_request(X_val=True, y_val=True)
        steps = [("scaler", SequenceScaler()), ("lstm", model)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
        assert pipeline[-1].best_validation_score_ == pipeline.score(X[40:], y[40:])


# --------------------------------------------------------------------------- training that explodes


@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_a_loss_far_above_that_of_outputs_of_0_is_told(clip_norm):
    X = np.random.default_rng(0).normal(size=(100, 8, 2))
    model = LSTMRegressor(8, solver="sgd", learning_rate_init=1e3, random_state=0, max_iter=30)
    model.set_params(clip_norm=clip_norm)
    with pytest.warns(
        ConvergenceWarning, match=r"Training (exploded|diverged).*learning_rate_init"
    ):
        model.fit(X, X[:, -1, 0])
    assert np.isfinite(model.predict(X)).all()


def test_the_best_parameters_are_kept_after_an_explosion():
    X, y = pulses(64)
    good = LSTMRegressor(4, random_state=0, max_iter=3, warm_start=True).fit(X, y)
    best = good.parameters_.copy()
    good.set_params(solver="sgd", learning_rate_init=50.0, max_iter=40)
    with pytest.warns(ConvergenceWarning, match="Training exploded") as seen:
        good.fit(X, y)
    losses = good.loss_curve_[3:]
    told = re.search(
        r"was (\S+) at the start, (\S+) in the best epoch and (\S+) in the last",
        f"{seen[0].message}",
    )
    start, lowest, last = map(float, told.groups())
    assert (lowest, last) == pytest.approx((min(losses), losses[-1]), rel=0.01)
    assert start >= 0.49  # of outputs of 0, in units of the standard deviation
    assert good.loss_ == losses[-1] > 2 * min(losses)
    assert (good.parameters_ != best).any()
    assert good.score(X, y) > 1 - 2 * losses[-1] / y.std() ** 2


@pytest.mark.parametrize(
    "settings",
    [
        {"solver": "sgd", "learning_rate_init": 1.0},
        {"learning_rate_init": 0.2},
        {"learning_rate_init": 1.0, "clip_norm": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
@pytest.mark.parametrize("seed", range(4))
def test_a_last_loss_far_above_the_best_is_told(kind, settings, seed):
    X = np.random.default_rng(seed).normal(size=(100, 8, 2))
    y = (X[:, 2, 0] > 0).astype(int) if kind is LSTMClassifier else X[:, -1, 0]
    model = kind(8, random_state=seed, **settings)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model.fit(X, y)
    at_zero = np.log(2) if kind is LSTMClassifier else 0.5
    if model.loss_ > 2.5 * model.best_loss_ and model.loss_ > at_zero / 2:
        assert "Training exploded" in str(seen[0].message)
    if not seen:
        assert model.loss_ < max(2.5 * model.best_loss_, at_zero / 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("alpha", [0.0, 10.0])
def test_an_ordinary_fit_is_not_called_an_explosion(alpha):
    X, y = pulses(64)
    rare = (X[:, 0, 0] > 2).astype(int)  # cross-entropy of the classes far below log 2
    assert 0 < rare.mean() < 0.1
    for max_iter in (1, 2, 20):
        settings = {"max_iter": max_iter, "alpha": alpha, "random_state": 0}
        LSTMClassifier(8, **settings).fit(X, rare)
        LSTMClassifier(8, **settings).fit(X, y)
        LSTMRegressor(8, **settings).fit(X, y)
        LSTMRegressor(8, normalize_y=False, **settings).fit(X, 100.0 + y)


def test_the_message_names_what_is_large():
    X, y = sequences(24), numbers(sequences(24))
    model = LSTMRegressor(**SMALL, normalize_y=False, clip_norm=None, solver="sgd")
    with pytest.warns(
        ConvergenceWarning, match=r"y has values up to .*e\+160.*normalize_y"
    ) as seen:
        model.fit(X, 1e160 * y)
    assert "X has values" not in str(seen[0].message)
    model.set_params(learning_rate_init=1e300)
    large = [1e5 * x for x in X]
    with pytest.warns(ConvergenceWarning, match=r"X has values up to .*SequenceScaler") as seen:
        model.fit(large, y)
    assert "y has values" not in str(seen[0].message)


def test_the_adaptive_schedule_needs_no_number_in_tol():
    X, y = pulses(64)
    settings = {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 3}
    model = LSTMClassifier(4, learning_rate_init=0.5, max_iter=200, random_state=0, **settings)
    model.fit(X, y)
    assert model._solver_state["learning_rate"] < 0.5


def test_balanced_class_weights_raise_the_balanced_accuracy_of_classes_that_overlap():
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(int)
    X = rng.normal(size=(600, 6, 1)) + 0.4 * y[:, None, None]
    plain, balanced = (
        LSTMClassifier(8, max_iter=15, class_weight=weight, random_state=0).fit(X[:300], y[:300])
        for weight in (None, "balanced")
    )
    scores = [balanced_accuracy_score(y[300:], m.predict(X[300:])) for m in (plain, balanced)]
    assert scores[1] > scores[0] + 0.1

"""
Tune an LSTM: which parameters first, and with which search
===========================================================

This example is for people who have a first model and want a better one. It searches the parameters
of a pipeline with scikit-learn's successive halving and with Optuna. The data are real: nine
speakers say the same two Japanese vowels, and the model must tell who speaks. Settings are chosen
on the training data by cross-validation. The test data are scored once, at the end.
"""

# %%
# What to tune first
# ------------------
# Start at the top of this list and stop when the score no longer improves:
#
# 1. ``hidden_layer_sizes``: the number of units. More units cost time and overfit small data.
# 2. ``learning_rate_init``: always on a logarithmic scale.
# 3. ``gate_bias``: how long a cell remembers before training. ``"auto"`` derives it from the
#    length of the sequences. A larger forget bias keeps the state for longer.
# 4. The window. For a series that you cut yourself this is the width of
#    :func:`~sklstm.preprocessing.sliding_windows`. Here it is the context of
#    :class:`~sklstm.preprocessing.SequenceContext`: how many neighbouring frames a step sees.
#
# ``max_iter`` and ``early_stopping`` set how long training takes. Fix them while you search.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels
from sklstm.preprocessing import SequenceContext, SequenceScaler

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
folds = StratifiedKFold(3, shuffle=True, random_state=0)


def pipeline(**settings):
    return make_pipeline(
        SequenceScaler(),
        SequenceContext(before=0, after=0),
        LSTMClassifier(max_iter=40, random_state=0, **settings),
    )


print(f"{len(X)} training and {len(X_test)} test sequences")
start = cross_val_score(pipeline(), X, y, cv=folds).mean()
print(f"Defaults: accuracy in cross-validation {start:.3f}")

# %%
# Successive halving
# ------------------
# :class:`~sklearn.model_selection.HalvingRandomSearchCV` starts many candidates with few resources
# and gives more to the best third of them. The resource is usually the number of sequences. With a
# small data set, use the number of epochs instead: ``max_iter`` of the LSTM.

space = {
    "lstmclassifier__hidden_layer_sizes": [8, 16, 32],
    "lstmclassifier__learning_rate_init": loguniform(1e-3, 5e-2),
    "lstmclassifier__gate_bias": ["auto", {"forget": 0.0}, {"forget": 3.0}],
    "sequencecontext__before": [0, 1, 2],
}
search = HalvingRandomSearchCV(
    pipeline(),
    space,
    n_candidates=12,
    resource="lstmclassifier__max_iter",
    min_resources=5,
    max_resources=45,
    factor=3,
    cv=folds,
    random_state=0,
).fit(X, y)
print(f"Halving: accuracy in cross-validation {search.best_score_:.3f} with")
for name, value in search.best_params_.items():
    print(f"  {name}: {value}")

# %%
# What the search has seen
# ------------------------
# Each dot is a candidate. The darkest dots had the most epochs.

results = pd.DataFrame(search.cv_results_)
figure, axes = plt.subplots(1, 4, figsize=(12, 3.6), sharey=True, layout="constrained")
for axis, (name, choices) in zip(axes, space.items(), strict=True):
    values = results[f"param_{name}"]
    if isinstance(choices, list):
        values = [choices.index(value) for value in values]
        labels = [c["forget"] if isinstance(c, dict) else c for c in choices]
        axis.set_xticks(range(len(choices)), labels)
        axis.margins(x=0.2)
    else:
        axis.set_xscale("log")
        axis.set_xticks([0.001, 0.01], [0.001, 0.01])
        axis.tick_params(which="minor", labelbottom=False)
    dots = axis.scatter(
        *(values, results["mean_test_score"]),
        **dict(c=results["n_resources"], cmap="viridis_r", vmin=0, edgecolors="gray"),
    )
    axis.set_xlabel(name.split("__")[1])
axes[2].set_xlabel("gate_bias, forget gate")
axes[0].set_ylabel("Accuracy, cross-validation")
figure.colorbar(dots, ax=axes, label="Epochs")

# %%
# Optuna
# ------
# Optuna uses earlier trials to choose the next one. It needs a function that returns the score. The
# `recipe for Optuna <https://sklstm.readthedocs.io/en/stable/recipes/optuna.html>`_ also ends bad
# trials early.

try:
    import optuna
except ImportError:
    optuna = None
    print("Optuna is not installed (pip install optuna): this part is skipped.")


def objective(trial):
    model = pipeline(
        hidden_layer_sizes=trial.suggest_categorical("hidden_layer_sizes", [8, 16, 32]),
        learning_rate_init=trial.suggest_float("learning_rate_init", 1e-3, 5e-2, log=True),
        gate_bias={"forget": trial.suggest_float("forget", 0, 3)},
    ).set_params(sequencecontext__before=trial.suggest_int("before", 0, 2))
    return cross_val_score(model, X, y, cv=folds).mean()


candidates = {"halving": (search.best_score_, search.best_estimator_)}
if optuna is not None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=10)
    print(f"Optuna: accuracy in cross-validation {study.best_value:.3f} with {study.best_params}")
    best = dict(study.best_params)
    settings = {"gate_bias": {"forget": best.pop("forget")}}
    before = best.pop("before")
    model = pipeline(**best, **settings).set_params(sequencecontext__before=before)
    candidates["Optuna"] = (study.best_value, model.fit(X, y))

    figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
    scores = [trial.value for trial in study.trials]
    axis.plot(scores, "o", label="trial")
    axis.plot(np.maximum.accumulate(scores), drawstyle="steps-post", label="best so far")
    axis.axhline(start, color="gray", linestyle="--", label="defaults")
    axis.set(xlabel="Trial", ylabel="Accuracy, cross-validation", title="Optuna")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))

# %%
# One score on the test data
# --------------------------
# Only the winner of the cross-validation and, for comparison, the defaults are scored. The standard
# error says how far a score may be from the truth because the test set is small. A difference of
# less than two standard errors is no evidence that tuning has helped.

candidates["defaults"] = (start, pipeline().fit(X, y))
winner = max(candidates, key=lambda name: candidates[name][0])
print(f"Best in cross-validation: {winner}")
for name in dict.fromkeys([winner, "defaults"]):
    score = candidates[name][1].score(X_test, y_test)
    error = np.sqrt(score * (1 - score) / len(y_test))
    print(f"Accuracy on the test data, {name}: {score:.3f}, standard error {error:.3f}")
plt.show()

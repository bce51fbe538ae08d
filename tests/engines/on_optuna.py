"""Cases: processes that share a study of Optuna in a journal."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joblib import Parallel, delayed

from tests.cases import callbacks, needs, package
from tests.engines.work import X, digest, pipeline, threads_of_a_fit, y

N_TRIALS = 12
LIMIT = 60  # seconds that a process waits for the other one


def study(journal: str, **options: Any) -> Any:
    """The study in the journal; every process opens it for itself."""
    import optuna

    backend = optuna.storages.journal.JournalFileBackend(journal)
    return optuna.create_study(
        study_name="lstm",
        storage=optuna.storages.JournalStorage(backend),
        direction="maximize",
        load_if_exists=True,
        **options,
    )


def model(parameters: dict[str, float], callback: Any = None) -> Any:
    """The pipeline of a trial, with a callback on its network."""
    found = pipeline(max_iter=8, early_stopping=True, **parameters)
    if callback is not None:
        found[-1].set_callbacks(callback)
    return found


def search(journal: str, seed: int) -> None:
    """Run trials until the study has enough of them."""
    import optuna
    from sklearn.callback import FitCallback

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    class Pruning(FitCallback):
        def __init__(self, trial: Any) -> None:
            self.trial = trial

        def on_fit_task_end(self, estimator: Any, context: Any, *, fitted_estimator: Any) -> None:
            if context.task_name == "epoch":
                score = fitted_estimator.validation_scores_[-1]
                self.trial.report(score, fitted_estimator.n_iter_)
                # a pruner decides by other trials; every fourth trial ends, so that some do
                if self.trial.number % 4 == 3:
                    raise optuna.TrialPruned

    def objective(trial: Any) -> float:
        trial.set_user_attr("process", os.getpid())
        rate = trial.suggest_float("learning_rate_init", 1e-3, 0.1, log=True)
        network = model({"learning_rate_init": rate}, Pruning(trial)).fit(X, y)[-1]
        trial.set_user_attr("bits", digest(network.parameters_))
        return network.best_validation_score_

    enough = optuna.study.MaxTrialsCallback(N_TRIALS, states=None)
    sampler = optuna.samplers.RandomSampler(seed=seed)
    study(journal, sampler=sampler).optimize(objective, n_trials=N_TRIALS, callbacks=[enough])


@needs(package("optuna"), callbacks)
def a_journal_of_two_processes(rounds: int) -> int:
    """The trials of both are in one study, some end early, and the best one can be repeated."""
    for _ in range(rounds):
        with TemporaryDirectory() as folder:
            journal = str(Path(folder, "journal.log"))
            study(journal)
            Parallel(n_jobs=2)(delayed(search)(journal, seed) for seed in range(2))
            trials = study(journal).trials
            best = study(journal).best_trial
        assert [trial.number for trial in trials] == list(range(len(trials)))
        assert len(trials) in (N_TRIALS, N_TRIALS + 1)  # the other process had begun one
        assert {trial.state.name for trial in trials} == {"COMPLETE", "PRUNED"}
        processes = {trial.user_attrs["process"] for trial in trials}
        assert len(processes) == 2 and os.getpid() not in processes
        again = model(best.params).fit(X, y)[-1]
        assert digest(again.parameters_) == best.user_attrs["bits"]
    return rounds


@needs(package("optuna"))
def threads_in_trials(rounds: int) -> int:
    """The threads of ``optimize(n_jobs=2)`` are not joblib's: each fit uses all processors."""
    import optuna

    for _ in range(rounds):
        study = optuna.create_study()
        study.optimize(lambda trial: threads_of_a_fit(), n_trials=4, n_jobs=2)
        assert {trial.value for trial in study.trials} == {threads_of_a_fit()}
    return rounds

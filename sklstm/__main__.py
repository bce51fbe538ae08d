"""``python -m sklstm``: a complete example on real data, from loading to a saved model.

It recognises which of nine speakers said an utterance (the Japanese vowels). A pipeline of a scaler
and an LSTM classifier is tuned by grid search, tested on utterances recorded on other occasions,
saved and loaded again.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import joblib
import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier
from sklstm._files import replace_file
from sklstm.datasets import load_japanese_vowels
from sklstm.preprocessing import SequenceScaler

STEP = "lstmclassifier__"  # prefix of the classifier's parameters in the pipeline
GRID = {STEP + "hidden_layer_sizes": [32, 64], STEP + "bidirectional": [False, True]}


def main(argv: Sequence[str] | None = None, grid: Mapping[str, Sequence[Any]] = GRID) -> int:
    """Run the example; return 0, or 1 if the loaded model predicts something else."""
    start = perf_counter()
    arguments = _parse(argv)
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
    lengths = [len(x) for x in X + X_test]
    print(
        f"Japanese vowels: {len(X)} utterances for training and {len(X_test)} for testing, "
        f"{len(set(y))} speakers, {X[0].shape[1]} features, {min(lengths)} to {max(lengths)} steps."
    )

    # Fits run in parallel on one thread each. They share one process, because the kernels release
    # the GIL.
    search = GridSearchCV(
        make_pipeline(SequenceScaler(), LSTMClassifier(random_state=arguments.seed, n_jobs=1)),
        dict(grid),
        cv=StratifiedKFold(3, shuffle=True, random_state=arguments.seed),
        n_jobs=arguments.n_jobs,
        verbose=3,
    )
    with joblib.parallel_config(backend="threading"):
        search.fit(X, y)
    chosen = ", ".join(
        f"{name.removeprefix(STEP)}={value!r}" for name, value in search.best_params_.items()
    )
    print(f"Best parameters: {chosen} (cross-validated accuracy {search.best_score_:.3f}).")
    right = int((search.predict(X_test) == y_test).sum())
    print(f"Test accuracy: {right / len(y_test):.3f} ({right} of {len(y_test)} utterances).")

    same = _save_and_load(search.best_estimator_, X_test, arguments.output)
    print(f"Time: {perf_counter() - start:.1f} s.")
    return 0 if same else 1


def _save_and_load(model: Any, X: list[np.ndarray], output: Path | None) -> bool:
    """Save and load the model; True if the loaded one predicts the same probabilities."""
    with TemporaryDirectory() as folder:
        file = output or Path(folder) / "model.joblib"
        replace_file(file, lambda out: joblib.dump(model, out))
        loaded = joblib.load(file)
        size = file.stat().st_size
    same = np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    where = f"to {file}" if output else "to a temporary file (pass --output FILE to keep it)"
    print(f"Saved {where}: {size / 1000:.0f} kB.")
    print(f"Loaded: predicts {'the same' if same else 'DIFFERENT'} probabilities.")
    return same


def _parse(argv: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(
        prog="python -m sklstm",
        description=(
            "Run a complete example on real data: recognise nine speakers (the Japanese vowels, "
            "shipped with sklstm). It tunes a pipeline of SequenceScaler and LSTMClassifier by a "
            "small grid search, tests it on the published test set, saves it with joblib and "
            "loads it again. It takes less than a minute on two cores, needs no network, and "
            "writes only the file of --output."
        ),
    )
    parser.add_argument(
        "--n-jobs",
        type=int,
        default=-1,
        metavar="N",
        help="number of fits that run in parallel; -1 is one per processor (default). The result "
        "does not depend on it",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="save the model to this file, and replace it if it exists. Default: a temporary file "
        "that is removed",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the initial weights, the order of the sequences and the folds (default: 0)",
    )
    arguments = parser.parse_args(argv)
    # Check before training what would fail after it.
    if arguments.n_jobs == 0:
        parser.error("argument --n-jobs: must not be 0. Use -1 for all processors")
    if not 0 <= arguments.seed < 2**32:
        parser.error("argument --seed: must be from 0 to 4294967295")
    if arguments.output is not None and arguments.output.is_dir():
        parser.error(f"argument --output: {arguments.output} is a folder. Name a file")
    if arguments.output is not None and not arguments.output.parent.is_dir():
        parser.error(f"argument --output: there is no folder {arguments.output.parent}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())

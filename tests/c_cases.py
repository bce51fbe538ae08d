"""Models of every kind, to be written as C."""

import numpy as np
from c_programs import Case
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.preprocessing import (
    SequenceContext,
    SequenceDifferences,
    SequenceImputer,
    SequenceScaler,
)

CELLS = ("forget", "1997", "peephole", "coupled")
NETS = {  # layers, and cells of a block: rows that fill tiles of weights, and rows left over
    "one layer": {"hidden_layer_sizes": 3},
    "blocks of 3": {"hidden_layer_sizes": 5, "block_size": 3},
    "two layers of blocks": {"hidden_layer_sizes": (4, 3), "block_size": 2},
    "three layers": {"hidden_layer_sizes": (2, 9, 1)},
}
SMALL = {"hidden_layer_sizes": 4, "init_range": 0.9, "max_iter": 1, "random_state": 0, "n_jobs": 1}


def sequences(n=12, n_features=3, dtype=np.float64):
    """Ragged sequences whose values float32 holds as they are."""
    rng = np.random.default_rng(1)
    lengths = (4, 1, 6, 3, 5, 2)
    drawn = [rng.normal(size=(lengths[k % 6], n_features)) for k in range(n)]
    return [x.astype(np.float32).astype(dtype) for x in drawn]


def classifier(y, X=None, **settings):
    X = sequences() if X is None else X
    return LSTMClassifier(**SMALL | settings).fit(X, y)


def classes(n, X=None, **settings):
    return classifier(np.arange(12) % n, X, **settings)


def regressor(n=1, X=None, y=None, **settings):
    X = sequences() if X is None else X
    if y is None:
        y = np.array([x.sum(axis=0) for x in X])[:, :n].squeeze()
    return LSTMRegressor(**SMALL | settings).fit(X, y)


def pipeline(*transformers, X, last=None):
    last = LSTMRegressor(**SMALL) if last is None else last
    return make_pipeline(*transformers, last).fit(X, np.arange(12.0) % 5)


def with_gaps(X):
    """Sequences in which values are missing, also first ones."""
    rng = np.random.default_rng(2)
    return [np.where(rng.random(x.shape) < 0.3, np.nan, x) for x in X]


def with_codes(X):
    """Two numbers between two codes; some codes are missing, negative or not seen in training."""
    rng = np.random.default_rng(3)
    return [
        np.column_stack(
            [
                rng.choice([0, 1, 2, -1], len(x)),
                x[:, :2],
                rng.choice([3, 4, 7, 11, np.nan], len(x)),
            ]
        )
        for x in X
    ]


def models_with_codes():
    """Models that read codes, by name."""
    X = with_codes(sequences())
    shown = [*X[:2], np.array([[5.0, 1, 1, 5], [-3, 0, 0, 12], [2, 0, 1, np.nan]])]
    settings = {"categorical_features": [0, 3]}
    found = {}
    for cell in CELLS:
        net = dict(cell=cell, block_size=2, hidden_layer_sizes=(5, 2))
        found[f"codes, {cell}"] = Case(classes(3, X=X, **net, **settings), shown)
    found["codes, int8"] = Case(classes(3, X=X, **settings), shown, int8=True)
    later = classes(2, X=[x[:, :4] * [1, 1, 1, np.nan] for x in X], **settings)
    later.partial_fit([[[7.0, 0, 0, 2], [4, 0, 0, 1]]], [1]).partial_fit([[[3.0, 0, 0, 0]]], [0])
    later.parameters_[:] = np.random.default_rng(0).normal(size=later.parameters_.shape) / 2
    found["codes that came later"] = Case(later, [*shown, with_codes(sequences())[2]])
    only = [x[:, [0, 3]] for x in X]
    found["only codes"] = Case(
        classes(3, X=only, categorical_features=[0, 1]), [x[:, [0, 3]] for x in shown]
    )
    told = LSTMRegressor(**SMALL, categorical_features=[1]).initialize(3, categories=[4])
    found["codes, told"] = Case(told, [np.array([[0.5, 3, 1], [0.5, 4, 1], [1, np.nan, 1]])])
    none = LSTMRegressor(**SMALL, categorical_features=[1]).initialize(3, categories=[0])
    found["codes that nobody has seen"] = Case(none, [np.array([[0.5, 3, 1], [0.5, -1, 1]])])
    before = {
        "scaler": [SequenceScaler(**settings)],
        "imputer": [SequenceImputer(**settings), SequenceScaler(**settings)],
        "constant": [SequenceImputer("constant", **settings)],
    }
    for name, transformers in before.items():
        last = LSTMRegressor(**SMALL, **settings)
        found[f"codes, {name}"] = Case(pipeline(*transformers, X=X, last=last), shown)
    moving = SequenceScaler(with_std=False).fit(X)
    moving.mean_[[0, 3]] = 1.0, -2.0
    last = LSTMRegressor(**SMALL, **settings).fit(moving.transform(X), np.arange(12.0) % 5)
    found["codes that a scaler moves"] = Case(make_pipeline(moving, last), shown)
    single = [x.astype(np.float32) for x in X]
    found["codes, single"] = Case(classes(2, X=single, **settings), single[:2])
    return found


def cases():
    """Models by name, each with the sequences that it is shown."""
    X, few = sequences(), sequences()[:3]
    found = {}
    for cell in CELLS:
        for name, net in NETS.items():
            found[f"{cell}, {name}"] = Case(classes(3, cell=cell, **net), few)
        for pooling in ("max", "mean"):
            model = classes(2, cell=cell, block_size=2, pooling=pooling)
            found[f"{cell}, {pooling}"] = Case(model, few)
        int8 = classes(3, cell=cell, block_size=2, hidden_layer_sizes=(9, 5))
        found[f"{cell}, int8"] = Case(int8, few, int8=True)
    positive = np.abs([x.sum(axis=0) for x in X])
    several = {"loss": "quantile", "quantile": [0.1, 0.4, 0.6, 0.9]}
    models = {
        "two classes": classes(2),
        "ten classes": classes(6, hidden_layer_sizes=11),
        "labels": classifier(np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]] * 3)),
        "per step": classifier([np.arange(len(x)) % 3 for x in X], return_sequences=True),
        "a number": regressor(),
        "numbers": regressor(3),
        "number as it is": regressor(normalize_y=False),
        "numbers as they are": regressor(2, normalize_y=False),
        "numbers per step": regressor(
            y=[x[:, :2] for x in X], return_sequences=True, hidden_layer_sizes=(3, 2)
        ),
        "logistic": regressor(2, out_activation="logistic"),
        "tanh": regressor(out_activation="tanh"),
        "absolute": regressor(2, loss="absolute_error"),
        "poisson": regressor(y=positive[:, 0], loss="poisson"),
        "two poisson": regressor(y=positive[:, :2], loss="poisson"),
        "quantile": regressor(loss="quantile", quantile=0.8),
        "one quantile in a list": regressor(loss="quantile", quantile=[0.8]),
        "quantiles": regressor(**several),
        "quantiles of two": regressor(2, **several),
        "quantiles of two in a range": regressor(2, **several, out_activation="logistic"),
        "biases of gates only": classes(3, bias="gates"),
        "no biases": classes(2, bias=None, cell="1997"),
        "a row of one column": LSTMClassifier(**SMALL).fit(np.eye(4, dtype=float), [0, 1] * 2),
        "only initialised": LSTMClassifier(**SMALL).initialize(3, classes=["no", "yes"]),
    }
    found |= {name: Case(model, few) for name, model in models.items()}
    found["a row of one column"].X = [np.eye(4)[:, :1]]
    large = [np.float32(5000 + 20 * x).astype(float) for x in X]
    gaps = with_gaps(X)
    filling = dict(add_indicator=True, add_elapsed=True)
    lines = {
        "scaler": ([SequenceScaler()], [1 + 2 * x for x in X]),
        "scaler without mean": ([SequenceScaler(with_mean=False)], [1 + 20 * x for x in X]),
        "scaler without scale": ([SequenceScaler(with_std=False)], [1 + 2 * x for x in X]),
        "scaler of large means": ([SequenceScaler()], large),
        "two scalers": ([SequenceScaler(), SequenceScaler()], X),
        "differences": ([SequenceDifferences(2), SequenceScaler()], X),
        "only differences": ([SequenceDifferences(keep=False)], X),
        "context": ([SequenceContext(2, 0)], X),
        "context as it is": ([SequenceContext(1, 0, relative=False), SequenceScaler()], X),
        "no context": ([SequenceContext(0, 0)], X),
        "forward": ([SequenceImputer(), SequenceScaler()], gaps),
        "forward with more": ([SequenceScaler(), SequenceImputer(**filling)], gaps),
        "median": ([SequenceImputer("median", add_elapsed=True)], gaps),
        "constant": ([SequenceImputer("constant", fill_value=0.5)], gaps),
        "all": ([SequenceImputer(), SequenceDifferences(), SequenceContext(1, 0)], gaps),
    }
    for name, (transformers, data) in lines.items():
        found[name] = Case(pipeline(*transformers, X=data), data[:3])
    scaled = pipeline(SequenceScaler(), X=large, last=LSTMClassifier(**SMALL))
    found["int8 and a scaler"] = Case(scaled, large[:3], int8=True)
    found |= models_with_codes()
    single = sequences(dtype=np.float32)
    found["single"] = Case(classes(3, X=single), single[:3])
    found["single with a scaler"] = Case(pipeline(SequenceScaler(), X=single), single[:3])
    return found

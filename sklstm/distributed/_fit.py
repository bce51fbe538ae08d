"""Data-parallel training on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._steps import check_one_type
from sklstm.distributed._worker import targets_of
from sklstm.export._optional import optional

Model = TypeVar("Model", bound=BaseLSTM)


def fit(
    estimator: Model,
    parts: Sequence[Any],
    client: Any = None,
    *,
    validation_parts: Sequence[Any] | None = None,
    average: int | None = None,
) -> Model:
    """Train an LSTM on partitions of sequences that stay on the workers of a Dask cluster.

    In every step each worker computes the gradient of its sequences of the batch. The sum of the
    gradients makes the step, so the result is that of ``estimator.fit`` on all sequences, up to
    rounding. The order of the partitions determines the bits, not the number of workers.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        It is fitted in place, with all of its settings: early stopping, callbacks, ``verbose``,
        ``warm_start`` and others.
    parts : sequence
        The partitions, at least one, each with at least one sequence. A partition is a future or a
        delayed object of a tuple (X, y) or (X, y, sample_weight), such a tuple, or the path of an
        Arrow file that every worker can open, with the columns ``X``, ``y`` and, if you like,
        ``sample_weight``; see :func:`sklstm.datasets.to_arrow`. X, y and the weights of a partition
        have the forms that ``estimator.fit`` accepts.
    client : distributed.Client, default=None
        The client of the cluster. None is the current one.
    validation_parts : sequence, default=None
        Partitions for ``early_stopping``, in the form of ``parts``. None holds out sequences of all
        partitions, those that ``estimator.fit`` would hold out.
    average : int, default=None
        Number of batches that every partition trains on alone before the parameters of all
        partitions are averaged, for slow networks. Each of these batches has ``batch_size``
        sequences of one partition. The result is then not that of ``estimator.fit``. None adds up
        gradients in every step.

    Returns
    -------
    estimator : LSTMClassifier or LSTMRegressor
        The fitted estimator itself.

    Raises
    ------
    ValueError, TypeError
        If data or parameters are invalid. The message names the partition, and the estimator is
        unchanged.
    RuntimeError
        If a partition cannot be read, if it was lost with its worker and cannot be made again, or
        if there are no workers. The estimator is unchanged.
    ImportError
        If ``distributed`` is not installed.

    Notes
    -----
    The targets and weights of all partitions are collected by the calling process, which then sends
    each partition its own. The steps of X stay where they are.

    If a worker is lost, Dask makes its partitions again on other workers and repeats the step. The
    bits of the result stay the same on processors with the same instruction set. Partitions that
    were scattered by a client cannot be made again.

    Ctrl-C keeps what was learned, as in ``estimator.fit``.

    ``n_jobs=None`` uses one thread on the workers that a Dask nanny has started.

    Examples
    --------
    >>> from dask.distributed import Client  # doctest: +SKIP
    >>> from sklstm import LSTMClassifier, distributed  # doctest: +SKIP
    >>> client = Client(n_workers=2, threads_per_worker=1)  # doctest: +SKIP
    >>> paths = ["part-0.arrow", "part-1.arrow"]  # doctest: +SKIP
    >>> model = distributed.fit(LSTMClassifier(), paths, client)  # doctest: +SKIP
    """
    _check(estimator, parts, average)
    if validation_parts is not None:
        _check_parts(validation_parts, "validation_parts")
    engine = optional("distributed", "sklstm.distributed.fit")
    from sklstm.distributed._cluster import Cluster
    from sklstm.distributed._partitions import Partitions

    client = engine.default_client() if client is None else client
    if not isinstance(client, engine.Client):
        raise TypeError(
            f"client is of type {type(client).__name__}; expected a distributed.Client. For the "
            "address of a scheduler, pass distributed.Client(address)."
        )
    if client.status in ("closing", "closed"):
        raise RuntimeError("The client is closed. Make a new one, distributed.Client(address).")
    per_step = estimator.return_sequences
    training = Cluster(client, parts, "Partition")
    y, weights = _joined(training, per_step)
    given: dict[str, Any] = {"sample_weight": weights}
    if validation_parts is not None:
        validation = Cluster(client, validation_parts, "Validation partition")
        y_val, weights_val = _joined(validation, per_step)
        given |= {"y_val": y_val, "sample_weight_val": weights_val}
        given |= {"X_val": Partitions(validation)}
    return estimator.fit(Partitions(training, average), y, **given)


def _check(estimator: Any, parts: Any, average: Any) -> None:
    if not isinstance(estimator, BaseLSTM):
        raise TypeError(
            f"estimator is of type {type(estimator).__name__}; expected an LSTMClassifier or an "
            "LSTMRegressor. For a pipeline, transform the partitions first, then fit its last step."
        )
    _check_parts(parts, "parts")
    if isinstance(estimator.categorical_features, str):
        raise ValueError(
            "categorical_features='from_dtype' needs all categories in one process. Convert the "
            "columns to codes with sklstm.preprocessing.SequenceEncoder, and pass the numbers of "
            "these features."
        )
    whole = isinstance(average, Integral) and not isinstance(average, (bool, np.bool_))
    if average is not None and not (whole and average >= 1):
        raise ValueError(f"average is {average!r}; expected a whole number of at least 1, or None.")


def _check_parts(parts: Any, name: str) -> None:
    is_list = isinstance(parts, (list, tuple, np.ndarray))
    if not is_list or len(parts) == 0:
        found = "an empty list" if is_list else type(parts).__name__
        raise ValueError(
            f"{name} must be a list of at least one partition, got {found}. A "
            "partition is a tuple (X, y), a future or a delayed object of one, or a path."
        )


def _joined(cluster: Any, per_step: bool) -> tuple[Any, Any]:
    """y and the weights of all partitions."""
    found = cluster.collect(targets_of, cluster.opened, per_step)
    targets = [y for y, _ in found]
    weights = [weight for _, weight in found]
    with_weights = [weight is not None for weight in weights]
    if any(with_weights) and not all(with_weights):
        raise ValueError(
            f"{cluster.name} {with_weights.index(not with_weights[0])}: some partitions have "
            "weights and others have none. Pass weights in all partitions or in none."
        )
    sizes = [len(y) for y in targets]
    weights = [
        np.full(size, float(weight)) if isinstance(weight, Real) else weight
        for weight, size in zip(weights, sizes, strict=True)
    ]
    if per_step:
        y = [one for part in targets for one in part]
        return y, [one for part in weights for one in part] if with_weights[0] else None
    for k, part in enumerate(targets):
        if part.shape[1:] != targets[0].shape[1:]:
            raise ValueError(
                f"{cluster.name} {k}: y has shape {part.shape}, but partition 0 has shape "
                f"{targets[0].shape}: the numbers of targets must be equal."
            )
    check_one_type(targets, "y", "targets", "partition")
    return np.concatenate(targets), np.concatenate(weights) if with_weights[0] else None

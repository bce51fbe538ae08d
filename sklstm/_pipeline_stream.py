"""A pipeline on a stream: its transformers, one after the other, and the network at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from sklstm._restored import check, require_list, restoring
from sklstm._stream import Stream
from sklstm._time_step import read_rows


class PipelineStream(Stream):
    """State of one stream of raw time steps, with the transformers and the network of a pipeline.

    Made by :func:`sklstm.stream`. It is a `Stream` whose steps are transformed first. It learns
    with the network only. If you call ``partial_fit`` of a transformer, that takes effect at the
    next step.

    Parameters
    ----------
    stream : Stream
        Of the estimator at the end of the pipeline.
    transforms : list
        Streams of the transformers before it, in their order.

    Examples
    --------
    >>> import numpy as np
    >>> import sklstm
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm.preprocessing import SequenceDifferences, SequenceScaler
    >>> X = np.random.default_rng(0).normal(size=(40, 6, 2))
    >>> lstm = sklstm.LSTMClassifier(4, random_state=0)
    >>> model = make_pipeline(SequenceDifferences(), SequenceScaler(), lstm)
    >>> model = model.fit(X, X[:, -1, 0] > X[:, -2, 0])
    >>> stream = sklstm.stream(model)
    >>> for x in X[0]:
    ...     value = stream.step(x)
    >>> bool(stream.predict() == model.predict(X[:1])[0])
    True
    """

    def __init__(self, stream: Stream, transforms: list) -> None:
        super().__init__(stream._learner)
        self._transforms = transforms

    def step(self, x: Any) -> float | np.ndarray:
        """Feed one time step.

        Parameters
        ----------
        x : array-like of shape (F,)
            Features of the step as the pipeline takes them: finite, or NaN if a `SequenceImputer`
            fills it in. If the pipeline begins with a `SequenceEncoder`, a symbol, or a row with
            symbols.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            What `decision_function` (classifiers) or `predict` (regressors) of the pipeline gives
            for the steps since the last `reset`. With a list of Q quantiles, one more axis of
            length Q.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()  # where all was fitted anew, this is told first
        with self._memory():
            for transform in self._transforms:
                x = transform.step(x)
            return super().step(x)

    def peek(self, x: Any) -> float | np.ndarray:
        """The output that ``step(x)`` would return; the stream stays as it is.

        Parameters
        ----------
        x : as in `step`

        Returns
        -------
        output : as in `step`
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()  # where all was fitted anew, this is told first
        with self._memory(kept=True):
            for transform in self._transforms:
                x = transform.step(x)
            return super().peek(x)

    def steps(self, X: Any) -> np.ndarray:
        """Feed several time steps at once.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Features of the steps as the pipeline takes them; before a `SequenceEncoder` whatever
            it takes as one sequence.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            What `step` would have returned for each of them.

        Raises
        ------
        ValueError
            If a step is not valid. None has been fed then.
        """
        with self._memory():
            return super().steps(self._transformed(X))

    def learn_steps(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Feed several time steps, and learn at each that has a target: predict, then learn.

        Parameters
        ----------
        X : as in `steps`
        y : array-like of shape (T,) or (T, n_outputs)
            Targets of the steps. For regressors NaN is no target.
        sample_weight : array-like of shape (T,), default=None
            Factors of the losses; 0 is no target. None is 1.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            What `step` returns at each step, before anything is learned from its target.
        losses : ndarray of shape (T,)
            What `learn` returns; NaN where there is no target.
        """
        with self._memory():
            return super().learn_steps(self._transformed(X), y, sample_weight)

    def _transformed(self, X: Any) -> np.ndarray:
        """Raw steps through all transformers, which then remember them."""
        if self._holder.parameters_ is not self._vector:
            self._follow()  # where all was fitted anew, this is told first
        first = self._transforms[0] if self._transforms else None
        rows = []
        for t, x in enumerate(first.rows(X) if first else read_rows(X, self._n_features)):
            try:
                for transform in self._transforms:
                    x = transform.step(x)
            except (ValueError, TypeError) as error:
                raise type(error)(f"Step {t}: {error}") from None
            rows.append(x)
        return np.array(rows) if rows else np.empty((0, self._n_features))

    @contextmanager
    def _memory(self, *, kept: bool = False) -> Iterator[None]:
        """Undo what transformers remember of this block if it fails, or in any case."""
        before = [transform.memory for transform in self._transforms]
        try:
            yield
        except BaseException:
            kept = True
            raise
        finally:
            if kept:
                for transform, memory in zip(self._transforms, before, strict=True):
                    transform.memory = memory

    def reset(self) -> PipelineStream:
        """Forget the steps so far, also those that the transformers keep."""
        super().reset()
        for transform in self._transforms:
            transform.reset()
        return self

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"transforms": self._transforms}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        with restoring(self):
            transforms = state["transforms"]
            require_list("transforms", transforms, object)
            for transform in transforms:
                steps = all(hasattr(transform, name) for name in ("step", "memory", "reset"))
                check(steps, "transforms", transform, "streams of transformers")
            self._transforms = transforms


def stream(model):
    """A stream of raw time steps through a fitted pipeline.

    Parameters
    ----------
    model : Pipeline or LSTM estimator
        Fitted. The last step of a pipeline is an `LSTMClassifier` or `LSTMRegressor`, the others
        are transformers of `sklstm.preprocessing`: `SequenceEncoder`, `SequenceScaler`,
        `SequenceDifferences`, `SequenceContext` with ``after=0``, `SequenceImputer` with any
        strategy but "linear".

    Returns
    -------
    stream : PipelineStream or Stream
        With ``step``, ``learn``, ``predict``, ``predict_proba`` and ``reset``. Of an estimator
        alone it is ``model.stream()``.

    Raises
    ------
    TypeError
        If the model, or the last step of the pipeline, is no LSTM estimator.
    ValueError
        If a step of the pipeline has no stream. The message names it.
    NotFittedError
        If something is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> import sklstm
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm.preprocessing import SequenceScaler
    >>> X = np.random.default_rng(0).normal(size=(40, 6, 2))
    >>> model = make_pipeline(SequenceScaler(), sklstm.LSTMRegressor(4, random_state=0))
    >>> stream = sklstm.stream(model.fit(X, X[:, -2, 0]))
    >>> for x in X[0]:
    ...     value = stream.step(x)
    >>> bool(np.isclose(value, model.predict(X[:1])[0]))
    True
    """
    *transformers, (_, last) = list(parts_of(model)) or [("", model)]
    transforms = [_stream_of(name, transformer) for name, transformer in transformers]
    opened = last.stream() if hasattr(last, "stream") else None
    if not isinstance(opened, Stream):
        raise TypeError(
            "stream takes a fitted LSTMClassifier or LSTMRegressor, or a Pipeline that ends with "
            f"one, got {_described(model, last)}. Of a search, pass search.best_estimator_."
        )
    return PipelineStream(opened, transforms) if isinstance(model, Pipeline) else opened


def parts_of(model: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What a model does one after the other, by name; a pipeline inside of another in its place."""
    if isinstance(model, Pipeline):
        for inner, step in model.steps:
            yield from parts_of(step, inner)
    elif not (model is None or isinstance(model, str)):  # "passthrough"
        yield name, model


def _stream_of(name: str, transformer: Any) -> Any:
    if not hasattr(transformer, "stream"):
        raise ValueError(
            f"Step {name!r} of the pipeline, {type(transformer).__name__}, has no stream; "
            "SequenceEncoder, SequenceScaler, SequenceImputer (but 'linear'), SequenceDifferences "
            "and SequenceContext(after=0) have one. Leave the step out, or transform each row "
            "yourself and pass it to the stream of the estimator, model[-1].stream()."
        )
    return transformer.stream()


def _described(model: Any, last: Any) -> str:
    name = type(last).__name__
    return name if last is model else f"a Pipeline that ends with {name}"

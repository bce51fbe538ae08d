"""Stream through a pipeline: its transformers one after the other, then the network."""

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
    """Stream that transforms each time step with a pipeline before the network reads it.

    Call :func:`sklstm.stream` to open one. It has the methods of :class:`Stream`. ``learn`` trains
    the network only; the transformers stay as they were fitted. If you call ``partial_fit`` of a
    transformer, the change takes effect at the next step.

    Parameters
    ----------
    stream : Stream
        Stream of the estimator at the end of the pipeline.
    transforms : list
        Streams of the transformers before it, in the order of the pipeline.

    See Also
    --------
    stream : Opens a stream through a pipeline.
    Stream : Stream of a single estimator.

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
            Raw features of the step, as the pipeline expects them. Values must be finite, or NaN if
            a ``SequenceImputer`` replaces it. If the pipeline begins with a ``SequenceEncoder``,
            pass a symbol or a row with symbols.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            Output of ``decision_function`` (classifiers) or ``predict`` (regressors) of the
            pipeline for all steps since the last ``reset``. With a list of Q quantiles, one more
            axis of length Q.

        Raises
        ------
        ValueError
            If the step is invalid. The stream is then unchanged.
        RuntimeError
            If the estimator was fitted again. Open a new stream.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()  # if the whole pipeline was fitted again, this error comes first
        with self._memory():
            for transform in self._transforms:
                x = transform.step(x)
            return super().step(x)

    def peek(self, x: Any) -> float | np.ndarray:
        """Return the output of ``step(x)`` without feeding the step.

        Parameters
        ----------
        x : array-like of shape (F,)
            Raw features of the step, as in ``step``.

        Returns
        -------
        output : float, or ndarray of shape (n_outputs,)
            The output that ``step(x)`` would return.
        """
        if self._holder.parameters_ is not self._vector:
            self._follow()  # if the whole pipeline was fitted again, this error comes first
        with self._memory(kept=True):
            for transform in self._transforms:
                x = transform.step(x)
            return super().peek(x)

    def steps(self, X: Any) -> np.ndarray:
        """Feed several time steps at once.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Raw features of the T steps, as the pipeline expects them. If the pipeline begins with a
            ``SequenceEncoder``, pass one sequence in any form that it accepts.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            The output that ``step`` would have returned for each step.

        Raises
        ------
        ValueError
            If a step is invalid. The message names the step, and no step is fed.
        """
        with self._memory():
            return super().steps(self._transformed(X))

    def learn_steps(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Feed several time steps and learn at each step that has a target.

        Parameters
        ----------
        X : array-like of shape (T, F)
            Raw features of the T steps, as in ``steps``.
        y : array-like of shape (T,) or (T, n_outputs)
            Targets of the steps. For regressors, steps with a target of NaN learn nothing.
        sample_weight : array-like of shape (T,), default=None
            Factors of the losses. Steps with weight 0 learn nothing, and their targets are ignored.
            None is 1.

        Returns
        -------
        outputs : ndarray of shape (T,), or (T, n_outputs)
            Output of ``step`` at each step, computed before the step's target is learned.
        losses : ndarray of shape (T,)
            Return value of ``learn`` at each step, or NaN if the step has no target.

        Raises
        ------
        ValueError
            If a step, a target or a weight is invalid. The message names the step, and no step is
            fed.
        """
        with self._memory():
            return super().learn_steps(self._transformed(X), y, sample_weight)

    def _transformed(self, X: Any) -> np.ndarray:
        """Pass raw steps through all transformers, which update their memory."""
        if self._holder.parameters_ is not self._vector:
            self._follow()  # if the whole pipeline was fitted again, this error comes first
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
        """Restore the memory of the transformers if the block fails, or always with ``kept``."""
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
        """Forget all steps, including those that the transformers remember.

        Call it before a new sequence begins. The parameters do not change.

        Returns
        -------
        self : PipelineStream
            The stream itself.
        """
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


def stream(model: Any) -> Stream | PipelineStream:
    """Open a stream of raw time steps through a fitted pipeline.

    Parameters
    ----------
    model : Pipeline or LSTM estimator
        Fitted model. The last step of a pipeline must be an :class:`LSTMClassifier` or
        :class:`LSTMRegressor`. The other steps must be transformers of
        `sklstm.preprocessing` that can work step by step: ``SequenceEncoder``,
        ``SequenceScaler``, ``SequenceDifferences``, ``SequenceContext`` with ``after=0``, or
        ``SequenceImputer`` with any strategy except "linear".

    Returns
    -------
    stream : PipelineStream or Stream
        Object with the methods ``step``, ``learn``, ``predict``, ``predict_proba`` and ``reset``.
        For a single estimator it is ``model.stream()``.

    Raises
    ------
    TypeError
        If the model, or the last step of the pipeline, is not an LSTM estimator.
    ValueError
        If a step of the pipeline has no stream. The message names the step.
    NotFittedError
        If the model is not fitted.

    See Also
    --------
    Stream : Stream of a single estimator.
    PipelineStream : Stream through a pipeline.

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
            "stream needs a fitted LSTMClassifier or LSTMRegressor, or a Pipeline that ends with "
            f"one, got {_described(model, last)}. For a search, pass search.best_estimator_."
        )
    return PipelineStream(opened, transforms) if isinstance(model, Pipeline) else opened


def parts_of(model: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Names and steps of a model in order; pipelines inside pipelines are flattened."""
    if isinstance(model, Pipeline):
        for inner, step in model.steps:
            yield from parts_of(step, inner)
    elif not (model is None or isinstance(model, str)):  # "passthrough"
        yield name, model


def _stream_of(name: str, transformer: Any) -> Any:
    if not hasattr(transformer, "stream"):
        raise ValueError(
            f"Step {name!r} of the pipeline, {type(transformer).__name__}, has no stream. "
            "SequenceEncoder, SequenceScaler, SequenceImputer (except strategy='linear'), "
            "SequenceDifferences and SequenceContext(after=0) have one. Leave the step out, or "
            "transform each row yourself and pass it to the stream of the estimator, "
            "model[-1].stream()."
        )
    return transformer.stream()


def _described(model: Any, last: Any) -> str:
    name = type(last).__name__
    return name if last is model else f"a Pipeline that ends with {name}"

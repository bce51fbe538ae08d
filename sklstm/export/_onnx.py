"""to_onnx: models as ONNX graphs."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklstm import LSTMClassifier
from sklstm._base import BaseLSTM
from sklstm._parameters import flag
from sklstm._version import __version__
from sklstm.compose import RelativeRegressor
from sklstm.export._model import Chain, chain_of
from sklstm.export._optional import optional

BYTES = 2**31 - 1  # largest size of a protobuf file


def to_onnx(model: Any, *, opset: int = 18, lengths: bool = True, raw: bool = False) -> Any:
    """Convert a fitted model to an ONNX graph, for ONNX Runtime and other ONNX tools.

    Parameters
    ----------
    model : LSTMClassifier, LSTMRegressor, RelativeRegressor or Pipeline
        Fitted model. The earlier steps of a pipeline may be
        :class:`~sklstm.preprocessing.SequenceScaler`,
        :class:`~sklstm.preprocessing.SequenceImputer` (except "linear"),
        :class:`~sklstm.preprocessing.SequenceDifferences` and
        :class:`~sklstm.preprocessing.SequenceContext`.
    opset : int, default=18
        Version of the ONNX operators, 13 or more. Increase it if your tools require it. A runtime
        that is older than the version cannot load the graph.
    lengths : bool, default=True
        True adds a second input, the number of steps of each sequence, for sequences that are
        padded at the end to a common length. Set it to False if all sequences of a batch have the
        same length.
    raw : bool, default=False
        True returns raw outputs of the output layer (those of ``decision_function`` for a
        classifier). False returns labels and probabilities, or values.

    Returns
    -------
    model : onnx.ModelProto
        The graph. ``model.SerializeToString()`` returns the bytes of the file. Its inputs are

        - ``X``, float32 (n, T, F), or a table (n, d) if the model was fitted on one. Pad shorter
          sequences at the end with any finite numbers.
        - ``lengths``, int64 (n,), from 1 to T, unless ``lengths=False`` or ``X`` is a table.

        Its outputs have the shapes of ``predict`` and ``predict_proba``:

        - ``label`` and ``probabilities`` for a classifier,
        - ``variable`` for a regressor. It is in double precision if ``predict`` needs more digits
          than float32 has, as it always does for a ``RelativeRegressor``,
        - ``raw`` with ``raw=True``.

        With ``return_sequences`` all outputs start with the axes (n, T). Ignore their values at
        padding.

    Raises
    ------
    TypeError
        If the model does not end with an LSTM estimator.
    ValueError
        If a step of the pipeline cannot be converted, if a parameter of the network is too large
        for float32, or if an argument has another value. The message names the step and says what
        to do instead.
    sklearn.exceptions.NotFittedError
        If the model or a step of it is not fitted.
    ImportError
        If the package onnx is not installed.

    See Also
    --------
    register_skl2onnx : Convert pipelines with skl2onnx.

    Notes
    -----
    The graph accepts any number of sequences and steps. It computes in float32. Its results equal
    those of a model that was fitted on float32 data, and those of other models to the precision of
    float32.

    Each layer is one LSTM operator, for every cell. To feed back the gates of the 1997 cell, the
    operator has 2 more cells per block, so it is slower than the other cells. The exception is
    ``cell="peephole"`` with ``block_size`` above 1, which is a Scan.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.export import to_onnx
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2)).astype(np.float32)
    >>> model = LSTMClassifier(4, max_iter=2, random_state=0).fit(X, X[:, -1, 0] > 0)
    >>> content = to_onnx(model, lengths=False).SerializeToString()
    >>> session = onnxruntime.InferenceSession(content)
    >>> label, probabilities = session.run(None, {"X": X})
    >>> bool(np.allclose(probabilities, model.predict_proba(X), atol=1e-6))
    True
    """
    chain = chain_of(model, "to_onnx")
    lengths, raw = flag(lengths, "lengths"), flag(raw, "raw")
    onnx = optional("onnx", "to_onnx")
    from sklstm.export._graph import OLDEST, Graph, largest_opset

    _require_known_steps(chain)
    newest = largest_opset()
    if isinstance(opset, bool) or not isinstance(opset, (int, np.integer)):
        raise ValueError(f"opset must be an int, got {opset!r}.")
    if not OLDEST <= opset <= newest:
        raise ValueError(
            f"opset must be from {OLDEST} to {newest}, the newest of this onnx, got {opset}."
        )
    require_float32(chain.estimator)
    graph = Graph(int(opset))
    ragged = lengths and not chain.is_table
    outputs = add_model(graph, chain, "X", "lengths" if ragged else "", raw=raw)

    helper = onnx.helper
    inputs = [helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, chain.input_shape)]
    if ragged:
        inputs.append(helper.make_tensor_value_info("lengths", onnx.TensorProto.INT64, ["batch"]))
    infos = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, (kind, shape) in output_types(
            chain.estimator, raw=raw, levels=chain.is_relative
        ).items()
    ]
    for name, inside in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [inside], [name], f"name_{name}"))
    whole = helper.make_graph(graph.nodes, "sklstm", inputs, infos, graph.constants)
    opsets = [helper.make_opsetid("", int(opset))]
    made = helper.make_model(
        whole,
        opset_imports=opsets,
        ir_version=helper.find_min_ir_version_for(opsets),
        producer_name="sklstm",
        producer_version=__version__,
    )
    onnx.checker.check_model(made, full_check=True)
    return made


def add_model(graph: Any, chain: Chain, x: str, lengths: str, *, raw: bool) -> dict[str, str]:
    """Add a whole model to a graph and return the names of its outputs in the graph."""
    from sklstm.export._graph import Steps
    from sklstm.export._onnx_outputs import label_values, number_values, raw_outputs, raw_values
    from sklstm.export._onnx_steps import CONVERTERS, relative

    if chain.is_table:
        x = graph.add("Reshape", x, graph.ints(0, -1, chain.n_features))
    steps = Steps(graph, x, lengths)
    now = []
    for name, transformer in chain.transformers:
        if isinstance(transformer, RelativeRegressor):
            x, values = relative(transformer, steps)
            steps, now = steps.with_x(x), [*now, values]
            continue
        try:
            steps = steps.with_x(CONVERTERS[type(transformer)](transformer, steps))
        except ValueError as error:
            raise ValueError(f"to_onnx: {_step(name, transformer)}: {error}.") from None
    estimator = chain.estimator
    values = raw_outputs(estimator, steps)
    if raw:
        return raw_values(estimator, graph, values)
    if isinstance(estimator, LSTMClassifier):
        return label_values(estimator, graph, values, estimator.classes_)
    return number_values(estimator, graph, values, now=now)


def output_types(
    estimator: BaseLSTM, *, raw: bool = False, squeeze: bool = True, levels: bool = False
) -> dict[str, tuple[int, list]]:
    """Type and shape of each output. ``levels`` is True if values of X are added to it."""
    from onnx import TensorProto

    from sklstm.export._graph import BOOL, DOUBLE, FLOAT, INT64

    rows: list[Any] = ["batch", "time"] if estimator.return_sequences else ["batch"]
    outputs = estimator._outputs_now()
    if raw:
        single = isinstance(estimator, LSTMClassifier) and estimator.n_outputs_ == 1
        return {"raw": (FLOAT, rows if single else [*rows, outputs.n_raw])}
    if isinstance(estimator, LSTMClassifier):
        kinds = {"b": BOOL, "f": DOUBLE, "i": INT64, "u": INT64}
        kind = kinds.get(estimator.classes_.dtype.kind, TensorProto.STRING)
        n = [len(estimator.classes_)]
        label = (INT64, rows + n) if outputs.multilabel else (kind, rows)
        return {"label": label, "probabilities": (FLOAT, rows + n)}
    single = outputs._value_dtype(np.dtype(np.float32)) == np.float32 and not levels
    kind = FLOAT if single else DOUBLE
    shape = rows if squeeze and estimator.n_outputs_ == 1 else [*rows, estimator.n_outputs_]
    if isinstance(estimator._goal[1], tuple):
        shape = [*shape, len(estimator._goal[1])]
    return {"variable": (kind, shape)}


def require_float32(estimator: BaseLSTM) -> None:
    """Raise an error if parameters are not finite in float32, or too many for a file."""
    vector = estimator.parameters_
    if 4 * len(vector) > BYTES:
        raise ValueError(
            f"to_onnx: {len(vector):.3g} parameters are more than the 2 GB that an ONNX file holds."
        )
    with np.errstate(over="ignore"):
        if not np.isfinite(vector.astype(np.float32)).all():
            raise ValueError(
                "to_onnx: parameters_ has values that are not finite in float32. Fit on scaled "
                "data, for example with SequenceScaler."
            )


def _require_known_steps(chain: Chain) -> None:
    from sklstm.export._onnx_steps import CONVERTERS

    for name, transformer in chain.transformers:
        if type(transformer) not in (*CONVERTERS, RelativeRegressor):
            known = ", ".join(sorted(kind.__name__ for kind in CONVERTERS))
            raise ValueError(
                f"to_onnx: {_step(name, transformer)}, cannot be converted; {known} can. Export "
                "the steps after it by to_onnx(model[k:]), and transform X before you run the "
                "graph. For steps of scikit-learn, see register_skl2onnx."
            )


def _step(name: str, transformer: Any) -> str:
    return f"step {name!r} of the pipeline, {type(transformer).__name__}"

"""register_skl2onnx: converters for skl2onnx."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.export._model import Chain, require_fitted
from sklstm.export._onnx import output_types, require_float32
from sklstm.export._optional import optional

OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}


def register_skl2onnx() -> None:
    """Register the estimators and transformers of this package with skl2onnx.

    Call it once before ``skl2onnx.to_onnx`` or ``skl2onnx.convert_sklearn``. It registers
    ``LSTMClassifier``, ``LSTMRegressor``, ``SequenceScaler``, ``SequenceImputer`` (except
    "linear"), ``SequenceDifferences`` and ``SequenceContext``. Use it for pipelines that also
    contain steps of scikit-learn.

    Raises
    ------
    ImportError
        If the package skl2onnx is not installed.

    See Also
    --------
    to_onnx : Convert models of this package only. It also takes sequences of different lengths.

    Notes
    -----
    All sequences of a batch must have the same number of steps, because skl2onnx passes a single
    input from step to step. If you pass an example of ``X``, skl2onnx fixes the number of steps.
    Pass ``initial_types`` to accept any number.

    Classifiers take skl2onnx's options ``zipmap``, ``nocl``, ``output_class_labels`` and
    ``raw_scores``. Set ``zipmap`` to False for labels per step and for a multilabel indicator.
    Regressors with one output return shape (n, 1), as all regressors do in skl2onnx.

    Examples
    --------
    >>> import numpy as np
    >>> import onnxruntime
    >>> import skl2onnx
    >>> from skl2onnx.common.data_types import FloatTensorType
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.export import register_skl2onnx
    >>> from sklstm.preprocessing import SequenceScaler
    >>> X = np.random.default_rng(0).normal(size=(20, 6, 2)).astype(np.float32)
    >>> lstm = LSTMClassifier(4, max_iter=2, random_state=0)
    >>> model = make_pipeline(SequenceScaler(), lstm).fit(X, X[:, -1, 0] > 0)
    >>> register_skl2onnx()
    >>> written = skl2onnx.to_onnx(
    ...     model,
    ...     initial_types=[("X", FloatTensorType([None, None, 2]))],
    ...     options={"zipmap": False},
    ... )
    >>> session = onnxruntime.InferenceSession(written.SerializeToString())
    >>> label, probabilities = session.run(None, {"X": X})
    >>> bool(np.allclose(probabilities, model.predict_proba(X), atol=1e-6))
    True
    """
    optional("onnx", "register_skl2onnx")
    skl2onnx = optional("skl2onnx", "register_skl2onnx")
    from sklstm.export._onnx_steps import CONVERTERS

    register = partial(skl2onnx.update_registered_converter, overwrite=True)
    for kind, convert in CONVERTERS.items():
        to_graph = partial(_transformed, convert)
        register(kind, f"Sklstm{kind.__name__}", _transformer_types, to_graph)
    register(LSTMClassifier, "SklstmLSTMClassifier", _label_types, _labels, options=OPTIONS)
    register(LSTMRegressor, "SklstmLSTMRegressor", _number_types, _numbers)


# ---------------------------------------------------------------------------- types of outputs


def _tensor_type(kind: int, shape: list) -> Any:
    from skl2onnx.common import data_types

    from sklstm.export._graph import DOUBLE, FLOAT, INT64

    types = {
        FLOAT: data_types.FloatTensorType,
        DOUBLE: data_types.DoubleTensorType,
        INT64: data_types.Int64TensorType,
    }
    return types.get(kind, data_types.StringTensorType)(shape)


def _transformer_types(operator: Any) -> None:
    from sklstm.export._graph import FLOAT

    transformer, shape = operator.raw_operator, list(operator.inputs[0].type.shape)
    require_fitted(transformer, "a step of the pipeline")
    suffixes = getattr(transformer, "_suffixes", lambda: [""])()
    shape[-1] = shape[-1] and shape[-1] * len(suffixes)
    operator.outputs[0].type = _tensor_type(FLOAT, shape)


def _label_types(operator: Any) -> None:
    from sklstm.export._graph import INT64

    model = operator.raw_operator
    require_fitted(model, "the last step of the pipeline")
    scope = operator.scope_inst
    multilabel = model._outputs_now().multilabel
    if (model.return_sequences or multilabel) and scope.get_options(model, {"zipmap": True})[
        "zipmap"
    ]:
        what = "labels per step" if model.return_sequences else "a multilabel indicator"
        raise ValueError(
            f"The option zipmap makes a dict of one label per sequence, but LSTMClassifier has "
            f'{what}: pass options={{"zipmap": False}}.'
        )
    types = output_types(model)
    kind, shape = types["label"]
    is_text = model.classes_.dtype.kind in "UO" and not multilabel
    if not is_text or scope.get_options(model, {"nocl": False})["nocl"]:
        kind = INT64
    operator.outputs[0].type = _tensor_type(kind, _open(shape, operator))
    kind, shape = types["probabilities"]
    if scope.get_options(model, {"raw_scores": False})["raw_scores"]:
        shape = [*_open(shape, operator)[:-1], model.n_outputs_]
    operator.outputs[1].type = _tensor_type(kind, _open(shape, operator))


def _number_types(operator: Any) -> None:
    model = operator.raw_operator
    require_fitted(model, "the last step of the pipeline")
    kind, shape = output_types(model, squeeze=False)["variable"]
    operator.outputs[0].type = _tensor_type(kind, _open(shape, operator))


def _open(shape: list, operator: Any) -> list:
    """A shape for skl2onnx: sizes that the input leaves open are None."""
    given = operator.inputs[0].type.shape
    known = {"batch": given[0], "time": given[1] if len(given) == 3 else None}
    return [known.get(size, size) if isinstance(size, str) else size for size in shape]


# ---------------------------------------------------------------------------- operators


def _transformed(convert: Any, scope: Any, operator: Any, container: Any) -> None:
    from sklstm.export._graph import Steps

    transformer = operator.raw_operator
    graph, x = _start(scope, operator, container)
    chain = Chain([("", transformer)], None)
    if chain.is_table:
        x = graph.add("Reshape", x, graph.ints(0, -1, chain.n_features))
    x = convert(transformer, Steps(graph, x, ""))
    if chain.is_table:
        x = graph.add("Reshape", x, graph.ints(0, -1))
    _finish(graph, [x], operator, container)


def _labels(scope: Any, operator: Any, container: Any) -> None:
    from sklstm.export._onnx_outputs import label_values

    model = operator.raw_operator
    options = container.get_options(model, {"nocl": False, "raw_scores": False})
    graph, raw = _network(scope, operator, container)
    classes = np.arange(len(model.classes_)) if options["nocl"] else model.classes_
    if classes.dtype.kind not in "UO":
        classes = classes.astype(np.int64)  # skl2onnx converts all numeric labels to int64
    values = label_values(model, graph, raw, classes)
    second = raw if options["raw_scores"] else values["probabilities"]
    _finish(graph, [values["label"], second], operator, container)


def _numbers(scope: Any, operator: Any, container: Any) -> None:
    from sklstm.export._onnx_outputs import number_values

    graph, raw = _network(scope, operator, container)
    values = number_values(operator.raw_operator, graph, raw, squeeze=False)
    _finish(graph, [values["variable"]], operator, container)


def _network(scope: Any, operator: Any, container: Any) -> tuple[Any, str]:
    """A graph, and the name of the raw outputs in it."""
    from sklstm.export._graph import Steps
    from sklstm.export._onnx_outputs import raw_outputs

    model = operator.raw_operator
    require_float32(model)
    graph, x = _start(scope, operator, container)
    if model._sequence_input == "table":
        x = graph.add("Reshape", x, graph.ints(0, -1, model._n_step_features))
    return graph, raw_outputs(model, Steps(graph, x, ""))


def _start(scope: Any, operator: Any, container: Any) -> tuple[Any, str]:
    """A graph with unique names, and the name of its input as float."""
    from sklstm.export._graph import FLOAT, Graph

    prefix = scope.get_unique_variable_name("sklstm")
    # skl2onnx waits for an input without a name, so all inputs get names
    graph = Graph(container.target_opset, f"{prefix}_", explicit=True)
    return graph, graph.cast(operator.inputs[0].full_name, FLOAT)


def _finish(graph: Any, names: list[str], operator: Any, container: Any) -> None:
    """Add all nodes and constants of a graph to those of skl2onnx."""
    from onnx import TensorProto, helper

    for tensor in graph.constants:
        if tensor.data_type == TensorProto.STRING:
            shape, content = list(tensor.dims), list(tensor.string_data)
            container.add_initializer(tensor.name, tensor.data_type, shape, content)
        else:
            container.add_initializer(tensor.name, None, None, tensor)
    opset = container.target_opset
    for node in graph.nodes:
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        container.add_node(
            node.op_type,
            list(node.input),
            list(node.output),
            op_version=opset,
            name=node.name,
            **attributes,
        )
    for name, output in zip(names, operator.outputs, strict=True):
        container.add_node("Identity", [name], [output.full_name], op_version=opset)

"""to_c: a fitted network as one C header without allocation, mutable globals or dependencies."""

from __future__ import annotations

from typing import Any

from sklstm._parameters import flag
from sklstm.export import _c_code as code
from sklstm.export._c_banner import banner
from sklstm.export._c_layers import constants_of, interface, raw_outputs, reset, step
from sklstm.export._c_network import read_network
from sklstm.export._c_outputs import head_of
from sklstm.export._c_text import check_name


def to_c(estimator: Any, name: str = "net", *, int8: bool = False) -> str:
    """Convert a fitted network to a C header for C99 and C++, for devices of any size.

    The code processes a sequence one step at a time, like a stream. It allocates no memory. All
    state is in a struct that the caller owns.

    Parameters
    ----------
    estimator : LSTMClassifier, LSTMRegressor or Pipeline
        Fitted model with ``bidirectional=False``. The earlier steps of a pipeline may be
        :class:`~sklstm.preprocessing.SequenceScaler`,
        :class:`~sklstm.preprocessing.SequenceDifferences`,
        :class:`~sklstm.preprocessing.SequenceContext` with ``after=0`` and
        :class:`~sklstm.preprocessing.SequenceImputer` with any strategy except "linear".
    name : str, default="net"
        Prefix of all names in the header. In capitals it is the prefix of the macros. Change it to
        use several networks in one program.
    int8 : bool, default=False
        True stores weights in 8 bits with one scale per unit. This needs about a third of the flash
        and up to 1.7 times the instructions. The arithmetic stays that of float, so no calibration
        data is needed. Outputs change slightly: compare the accuracy before you use it. Biases and
        peepholes keep their precision.

    Returns
    -------
    header : str
        Text of a file such as ``net.h``. For ``name="net"`` it defines:

        - ``net_state`` : the state of one sequence or stream.
        - ``net_real`` : float, or double if ``NET_DOUBLE`` is defined before the first include.
        - ``void net_reset(net_state *state)`` : forget all steps. Call it before the first step.
        - ``int net_step(net_state *state, const net_real *x)`` : feed the ``NET_FEATURES`` features
          of one time step. A categorical feature is a code, or NaN if it is missing. Returns 1 if
          all values are valid. Returns 0 if a value is NaN or infinite, and then the state does not
          change.
        - ``net_predict(state)`` : the prediction after the steps so far: the number of the class,
          or a number. Several numbers are written to an array that you pass.
        - ``net_predict_proba``, ``net_decision``, ``net_label`` (classifiers only) : the methods
          ``predict_proba`` and ``decision_function``, and the label of a class.

    Raises
    ------
    ValueError
        If the network is bidirectional or has a value that is not finite, if a step of the pipeline
        cannot be converted, if ``name`` is not a valid name in C, or if ``int8`` is not a bool. The
        message names the step and says what to do instead.
    TypeError
        If the model, or the last step of the pipeline, is not an LSTM of this package.
    sklearn.exceptions.NotFittedError
        If the model or a step of it is not fitted.

    See Also
    --------
    sklstm.stream : Predict and learn step by step in Python.

    Notes
    -----
    A scaler right before the network is folded into the weights. If a mean is more than 4 standard
    deviations from 0, folding would cost digits. Then, and with ``int8``, the scaler is applied at
    each step.

    In float the header needs nothing of libm but ``log1pf`` for several quantiles and ``floorf``
    for codes; its ``exp`` and ``tanh`` are within 3 units in the last place. Do not compile it with
    ``-ffast-math``, which takes out the test for values that are not finite.

    The code is yours: sklstm claims no rights in it.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.export import to_c
    >>> X = np.random.default_rng(0).normal(size=(20, 5, 3))
    >>> model = LSTMClassifier(4, max_iter=2, random_state=0).fit(X, X[:, -1, 0] > 0)
    >>> header = to_c(model, "sensor")
    >>> "int sensor_step(sensor_state *state, const sensor_real *x)" in header
    True
    """
    name, int8 = check_name(name), flag(int8, "int8")
    network = read_network(estimator, int8)
    head = head_of(network.estimator._outputs_now())
    constants = constants_of(network, head, int8)
    written = [
        interface(network, head, int8),
        code.FUNCTIONS,
        "\n".join(constant.text(network.single) for constant in constants),
        code.product(int8),
        code.cells(network.topology.cell, network.topology.block_size),
        *([] if network.categories is None else network.categories.functions(int8)),
        *(stage.function for stage in network.stages),
        reset(network),
        step(network, int8),
        raw_outputs(network, head, int8),
        head.code,
        "#endif\n",
    ]
    top = banner(network, head, constants, name, int8)
    return top + "\n" + code.named("\n".join(written), name)

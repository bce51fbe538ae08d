"""A fitted network as one header of C: no allocation, no globals that change, no other library."""

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
    """Write a fitted network as C: one header for C99 and C++, for devices of any size.

    The code goes through a sequence step by step, as a stream does. It allocates nothing, and all
    that changes is in a struct of the caller's.

    Parameters
    ----------
    estimator : LSTMClassifier, LSTMRegressor or Pipeline
        Fitted, in one direction. The steps of a pipeline before the last one may be
        `SequenceScaler`, `SequenceDifferences`, `SequenceContext` with ``after=0`` and
        `SequenceImputer` with any strategy but "linear".
    name : str, default="net"
        What all names in the header begin with, so that several networks fit into one program. Its
        capitals begin the macros.
    int8 : bool, default=False
        Store weights in 8 bits with one scale per unit, which takes about a third of the flash and
        up to 1.7 times the instructions. The arithmetic is that of float, so that no data is needed
        to calibrate it. Outputs change a little: compare the accuracy before you use it. Biases
        and peepholes keep their precision.

    Returns
    -------
    header : str
        For a file such as ``net.h``. It defines, for ``name="net"``:

        - ``net_state`` : the state of one sequence or stream; ``net_real``, which is float, or
          double if ``NET_DOUBLE`` is defined before the first include.
        - ``void net_reset(net_state *state)`` : forget all steps. Call it before the first one.
        - ``int net_step(net_state *state, const net_real *x)`` : feed the ``NET_FEATURES`` features
          of one time step; of categorical ones the codes, where NaN is missing. 1 if they are
          valid. 0 if a value is NaN or infinite, which leaves the state as it was.
        - ``net_predict(state)`` : the prediction for the steps so far: the number of the class, a
          number, or several in an array that is passed too.
        - ``net_predict_proba``, ``net_decision``, ``net_label`` : classifiers only. As the methods
          `predict_proba` and `decision_function`, and what a class was called in training.

    Raises
    ------
    ValueError
        If the network is bidirectional, holds a value that is not finite, or if a step of the
        pipeline has no form in C. The message names the step and says what to do instead. Also if
        ``name`` is no name in C, or ``int8`` is not True or False.
    TypeError
        If the model, or the last step of the pipeline, is no LSTM estimator.
    NotFittedError
        If something is not fitted.

    See Also
    --------
    sklstm.stream : The same in Python, with learning.

    Notes
    -----
    A scaler right before the network is folded into its weights, unless a mean is more than 4
    standard deviations from 0, which would cost digits, or ``int8`` is set: then it is applied to
    each step.

    In float the header needs nothing of libm but `log1pf` for several quantiles and `floorf` for
    codes; its `exp` and `tanh` are within 3 units in the last place. Do not compile it with
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

"""RecurrentRegressor: a recurrent net with three algorithms for its gradient."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Literal

import numpy as np

from sklstm._restored import is_flag, is_size
from sklstm._sequences import Sequences
from sklstm._sklearn import StrOptions
from sklstm._targets import Examples
from sklstm._typing import OutActivation, RandomState
from sklstm.baselines._baseline import AT_LEAST_1, DESCENT, BaselineRegressor
from sklstm.baselines._entries import Steps
from sklstm.baselines._gradients import GRADIENTS, Recurrent


class RecurrentRegressor(BaselineRegressor):
    """Regression on sequences by a recurrent net of logistic units.

    The net minimises half the squared error by plain gradient descent, with one update per sequence
    or per time step. All choices of ``gradient`` use the same net and parameters.

    Parameters
    ----------
    n_hidden : int, default=12
        Number of hidden units, all logistic.

    connections : {"layered", "shortcuts", "full"}, default="layered"
        Connections of the net. "layered": hidden units read the inputs and the hidden units of the
        previous step, and outputs read the hidden units. "shortcuts": outputs read the inputs too.
        "full": every hidden unit and every output reads the inputs, and all hidden units and
        outputs of the previous step. An input then reaches an output through a hidden unit after
        two steps.

    bias : bool, default=True
        If True, hidden units and outputs have biases. The nets of the 1997 paper have none.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs. The 1997 paper uses "logistic". Targets outside its range are
        allowed, but cannot be reached.

    gradient : {"bptt", "rtrl", "elman"}, default="bptt"
        Algorithm that computes the gradient, for n units with W weights. "bptt" goes back through
        the whole sequence [1]_, with time O(W) and memory O(n) per step. "rtrl" carries the
        derivatives of all units forward in time [2]_. It computes the same gradient with memory
        O(n W), O(n^3), for any length, but needs time O(n^2 W), O(n^4), per step. "elman" treats
        the hidden units of the previous step as inputs that do not depend on the weights [3]_. It
        is cheap, but cannot learn what to remember.

    update : {"sequence", "step"}, default="sequence"
        When the weights change: after each sequence, or after each step that has a target. "bptt"
        requires "sequence", because it knows its gradient only at the end.

    return_sequences : bool, default=False
        If False, there is one target per sequence, predicted at its last step. If True, there is
        one target per step.

    features_per_step : int, default=1
        Number of columns that make one step if ``X`` is a 2-D table. Each row of a table is one
        sequence. 3-D arrays and lists ignore this parameter.

    learning_rate_init : float, default=0.1
        Learning rate. It multiplies the gradient of a sequence, which is a sum over its steps, and
        stays constant.

    max_iter : int, default=200
        Largest number of epochs that ``fit`` runs. An epoch is one pass over all sequences.

    shuffle : bool, default=True
        If True, ``fit`` shuffles the sequences before each epoch. ``partial_fit`` never shuffles.

    tol : float, default=1e-4
        Smallest improvement of the loss that counts for ``n_iter_no_change``.

    n_iter_no_change : int or inf, default=10
        Number of epochs without improvement that ``fit`` tolerates. It stops after more than this
        many in a row.

    init_range : float, default=0.2
        Initial weights and biases are drawn from U[-init_range, init_range]. The default is that of
        experiments 1 and 2 of the 1997 paper.

    warm_start : bool, default=False
        If True, ``fit`` continues from the parameters of the previous ``fit``.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights and the order of the sequences. Pass an int to get the same
        result in every run.

    verbose : int, default=0
        With 1 or more, ``fit`` prints its progress. 0 prints nothing.

    Attributes
    ----------
    unit_weights_ : ndarray of shape (n_sources, n_units)
        Weights into the units, with one row per source: each unit of the previous step, the bias if
        there is one, each input. Units are the hidden units and, for "full", then the outputs.
        Writing into this array changes the model.
    output_weights_ : ndarray of shape (n_sources, `n_outputs_`) or None
        Weights into the outputs, with one row per source: each hidden unit of the same step, the
        bias, and for "shortcuts" each input. None for "full".
    parameters_ : ndarray of shape (W,)
        Both matrices in one vector.
    n_parameters_ : int
        Number of weights, the size of ``parameters_``.
    n_features_in_ : int
        Number of columns if ``X`` is a 2-D table, else number of features per step.
    feature_names_in_ : ndarray of str
        Column names. Set only if ``X`` is a data frame whose column names are all strings.
    n_outputs_ : int
        Number of targets per sequence or step.
    out_activation_ : str
        Function applied to the outputs: that of ``out_activation`` at the fit.
    n_iter_ : int
        Number of epochs of the last call.
    t_ : int
        Number of sequences seen in training, summed over all epochs.
    loss_ : float
        Mean loss per sequence in the last epoch: half the squared error, summed over the targets of
        a sequence.
    loss_curve_ : list of float
        Loss after each epoch.
    best_loss_ : float
        Smallest loss of any epoch since the weights were drawn.

    See Also
    --------
    sklstm.LSTMRegressor : Regression with memory cells, which bridge lags that these nets do not
        learn.

    Notes
    -----
    With ``update="step"`` the weights change during a sequence. "rtrl" is then only approximately
    the gradient, with an error of the order of the learning rate.

    References
    ----------
    .. [1] Werbos, P. J. (1990). Backpropagation through time: what it does and how to do it.
       Proceedings of the IEEE, 78(10), 1550-1560.
    .. [2] Williams, R. J., & Zipser, D. (1989). A learning algorithm for continually running fully
       recurrent neural networks. Neural Computation, 1(2), 270-280.
    .. [3] Elman, J. L. (1990). Finding structure in time. Cognitive Science, 14(2), 179-211.

    Examples
    --------
    Is the first of three inputs positive?

    >>> import numpy as np
    >>> from sklstm.baselines import RecurrentRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1, 1, size=(500, 3, 1))
    >>> y = (X[:, 0, 0] > 0).astype(float)
    >>> net = RecurrentRegressor(4, learning_rate_init=0.5, random_state=0)
    >>> net.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.7
    True
    """

    _parameter_constraints = {
        "n_hidden": [AT_LEAST_1],
        "connections": [StrOptions({"layered", "shortcuts", "full"})],
        "bias": ["boolean"],
        "gradient": [StrOptions(set(GRADIENTS))],
        "update": [StrOptions({"sequence", "step"})],
    } | DESCENT

    def __init__(
        self,
        n_hidden: int = 12,
        *,
        connections: Literal["layered", "shortcuts", "full"] = "layered",
        bias: bool = True,
        out_activation: OutActivation = "identity",
        gradient: Literal["bptt", "elman", "rtrl"] = "bptt",
        update: Literal["sequence", "step"] = "sequence",
        return_sequences: bool = False,
        features_per_step: int = 1,
        learning_rate_init: float = 0.1,
        max_iter: int = 200,
        shuffle: bool = True,
        tol: float | None = 1e-4,
        n_iter_no_change: float = 10,
        init_range: float = 0.2,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self._set_parameters(locals())

    @property
    def unit_weights_(self) -> np.ndarray:
        n_sources, n_units = self._sizes()[0]
        return self.parameters_[: n_sources * n_units].reshape(n_sources, n_units)

    @property
    def output_weights_(self) -> np.ndarray | None:
        (n_sources, n_units), readout = self._sizes()
        return self.parameters_[n_sources * n_units :].reshape(readout) if readout else None

    # ---------------------------------------------------------------------------------- private

    def _parameter_shape(self) -> dict[str, Any]:
        if self.gradient == "elman" and self.connections == "full":
            raise ValueError(
                "gradient='elman' cannot train connections='full', because no error of the same "
                "step reaches the hidden units. Use connections='layered'."
            )
        if self.gradient == "bptt" and self.update == "step":
            raise ValueError(
                "gradient='bptt' needs update='sequence', because the gradient is known only at "
                "the end of a sequence. Use gradient='rtrl' for updates at every step."
            )
        return {
            "n_hidden": int(self.n_hidden),
            "connections": str(self.connections),
            "bias": bool(self.bias),
        }

    def _sizes(self) -> tuple[tuple[int, int], tuple[int, int] | None]:
        """Return the shapes of the matrices of the units and of the outputs: sources by targets."""
        shape = self._shape
        n_hidden, n_features, n_outputs = (
            shape[name] for name in ("n_hidden", "n_features", "n_outputs")
        )
        if shape["connections"] == "full":
            n_units = n_hidden + n_outputs
            return (n_units + shape["bias"] + n_features, n_units), None
        shortcuts = n_features if shape["connections"] == "shortcuts" else 0
        n_dense = n_hidden + shape["bias"]
        return (n_dense + n_features, n_hidden), (n_dense + shortcuts, n_outputs)

    def _shape_constraints(self) -> dict[str, Any]:
        return {
            "n_hidden": is_size,
            "connections": lambda v: v in ("full", "layered", "shortcuts"),
            "bias": is_flag,
        }

    def _n_weights(self) -> int:
        return sum(prod(size) for size in self._sizes() if size)

    def _draw(self, rng: np.random.RandomState) -> np.ndarray:
        return self._weights(rng, self._n_weights())

    def _net(self, vector: np.ndarray) -> Recurrent:
        """Return a net that shares ``vector`` and updates it when it learns."""
        shape = self._shape
        return Recurrent(
            vector,
            n_features=shape["n_features"],
            n_hidden=shape["n_hidden"],
            n_outputs=shape["n_outputs"],
            fully=shape["connections"] == "full",
            shortcuts=shape["connections"] == "shortcuts",
            bias=shape["bias"],
            out_activation=self.out_activation_,
        )

    def _learner(self, vector: np.ndarray, examples: Examples) -> Callable[[np.ndarray], float]:
        net = self._net(vector)
        sequences = examples.rows.sequences
        steps = Steps.dense(sequences.values, sequences.offsets)
        targets = np.ascontiguousarray(examples.targets, dtype=np.float64)

        def learn(order: np.ndarray) -> float:
            return net.learn(
                steps,
                targets,
                examples.weights,
                order,
                per_step=examples.rows.per_step,
                gradient=self.gradient,
                rate=self.learning_rate_init,
                every_step=self.update == "step",
            )

        return learn

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        n_rows = sequences.n_steps if self.return_sequences else len(sequences)
        out = np.empty((n_rows, self.n_outputs_))
        steps = Steps.dense(sequences.values, sequences.offsets)
        vector = np.require(self.parameters_, requirements="W")  # copies a read-only array
        self._net(vector).output(steps, out, per_step=self.return_sequences)
        return out

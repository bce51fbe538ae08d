"""RecurrentRegressor: simple recurrent units, and three ways to their gradient."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from sklstm._restored import is_flag, is_size
from sklstm._sequences import Sequences
from sklstm._sklearn import StrOptions
from sklstm._targets import Examples
from sklstm.baselines._baseline import AT_LEAST_1, DESCENT, BaselineRegressor
from sklstm.baselines._entries import Steps
from sklstm.baselines._gradients import GRADIENTS, Recurrent


class RecurrentRegressor(BaselineRegressor):
    """Regression on sequences by a net of logistic units that feed back into each other.

    It minimises half the squared error by plain gradient descent, one update per sequence or per
    time step. All gradients share the net and its parameters.

    Parameters
    ----------
    n_hidden : int, default=12
        Hidden units, all logistic.

    connections : {"layered", "shortcuts", "full"}, default="layered"
        Who sees whom. "layered": hidden units see the inputs and the hidden units of the step
        before; outputs see the hidden units. "shortcuts": outputs see the inputs too. "full": every
        hidden unit and every output sees the inputs, and all hidden units and outputs of the step
        before; an input needs two steps to reach an output through a hidden unit.

    bias : bool, default=True
        Whether hidden units and outputs have biases. The nets of the 1997 paper have none.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs, "logistic" in the 1997 paper. Targets outside its range are
        allowed; they are never reached.

    gradient : {"bptt", "rtrl", "elman"}, default="bptt"
        "bptt" goes back through the whole sequence [1]_: time O(W) and memory O(n) per step, for n
        units with W weights. "rtrl" carries the derivatives of all units forward in time [2]_: the
        same gradient, with memory O(n W), O(n^3), whatever the length, but time O(n^2 W), O(n^4),
        per step. "elman" takes the hidden units of the step before for inputs, as if they did not
        depend on weights [3]_: cheap, and blind to what is worth remembering.

    update : {"sequence", "step"}, default="sequence"
        When the weights move: after each sequence, or after each step that has a target. "bptt"
        knows its gradient at the end only and takes "sequence".

    return_sequences : bool, default=False
        False: one target per sequence, read at its last step. True: one per step.

    features_per_step : int, default=1
        For 2-D `X` only: each row is one sequence, and this many of its columns make a step.

    learning_rate_init : float, default=0.1
        Size of a step along the gradient of a sequence, which is a sum over its steps. It stays as
        it is.

    max_iter : int, default=200
        Epochs, passes over all sequences, that `fit` makes at most.

    shuffle : bool, default=True
        Whether `fit` draws a new order of the sequences for each epoch. `partial_fit` never does.

    tol : float, default=1e-4
        An epoch that does not improve the loss by this much counts as no improvement.

    n_iter_no_change : int or inf, default=10
        `fit` stops after more than this many epochs in a row without improvement.

    init_range : float, default=0.2
        Initial weights and biases are drawn from U[-init_range, init_range]. The default is that of
        experiments 1 and 2 of the 1997 paper.

    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the fit before.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights and the order of the sequences.

    verbose : int, default=0
        Above 0, the progress is shown.

    Attributes
    ----------
    unit_weights_ : ndarray of shape (n_sources, n_units)
        Row by row: the weights from each unit of the step before, from the bias if there is one,
        from each input. Units are the hidden units and, for "full", then the outputs. Assigning
        into this array changes the model.
    output_weights_ : ndarray of shape (n_sources, n_outputs_) or None
        Row by row: from each hidden unit of the same step, the bias, and for "shortcuts" each
        input. None for "full".
    parameters_ : ndarray of shape (W,)
        Both in one vector.
    n_parameters_ : int
    n_features_in_ : int
        Columns for 2-D `X`, else features per step.
    feature_names_in_ : ndarray of str
        Columns of a data frame, if all of them are strings.
    n_outputs_ : int
    out_activation_ : str
    n_iter_ : int
        Epochs of the last call.
    t_ : int
        Sequences seen in training, over all epochs.
    loss_ : float
        Mean loss per sequence in the last epoch: half the squared error of the targets.
    loss_curve_ : list of float
        The loss after each epoch.
    best_loss_ : float

    See Also
    --------
    sklstm.LSTMRegressor : With memory cells, for lags that these nets do not learn to bridge.

    Notes
    -----
    With ``update="step"`` the weights move while a sequence runs, so that "rtrl" follows the
    gradient of no fixed weights: the difference is of the order of the learning rate.

    References
    ----------
    .. [1] Werbos, P. J. (1990). Backpropagation through time: what it does and how to do it.
       Proceedings of the IEEE, 78(10), 1550-1560.
    .. [2] Williams, R. J., & Zipser, D. (1989). A learning algorithm for continually running fully
       recurrent neural networks. Neural Computation, 1(2), 270-280.
    .. [3] Elman, J. L. (1990). Finding structure in time. Cognitive Science, 14(2), 179-211.

    Examples
    --------
    Was the first input of three high?

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
        n_hidden=12,
        *,
        connections="layered",
        bias=True,
        out_activation="identity",
        gradient="bptt",
        update="sequence",
        return_sequences=False,
        features_per_step=1,
        learning_rate_init=0.1,
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        init_range=0.2,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
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
                "gradient='elman' cannot train connections='full': outputs see the hidden units of "
                "the step before, so that no error of the same step reaches them. Use "
                "connections='layered'."
            )
        if self.gradient == "bptt" and self.update == "step":
            raise ValueError(
                "gradient='bptt' is known at the end of a sequence only: use update='sequence', or "
                "gradient='rtrl' for updates at every step."
            )
        return {
            "n_hidden": int(self.n_hidden),
            "connections": str(self.connections),
            "bias": bool(self.bias),
        }

    def _sizes(self) -> tuple[tuple[int, int], tuple[int, int] | None]:
        """Shapes of the matrix of the units and that of the outputs: sources, then targets."""
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
        """The net with these weights, which it moves when it learns."""
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
        n_rows = len(sequences.values) if self.return_sequences else len(sequences)
        out = np.empty((n_rows, self.n_outputs_))
        steps = Steps.dense(sequences.values, sequences.offsets)
        vector = np.require(self.parameters_, requirements="W")  # a copy of what is memory-mapped
        self._net(vector).output(steps, out, per_step=self.return_sequences)
        return out

"""SequenceChunker: a net that learns from a second one, which sees only what the first missed."""

from __future__ import annotations

from collections.abc import Callable
from sys import maxsize
from typing import Any

import numpy as np

from sklstm._restored import is_flag, is_size
from sklstm._sequences import Sequences
from sklstm._targets import Examples
from sklstm.baselines._baseline import AT_LEAST_1, DESCENT, NOT_NEGATIVE, BaselineRegressor
from sklstm.baselines._chunker import Chunker
from sklstm.baselines._entries import Steps


class SequenceChunker(BaselineRegressor):
    """Regression on sequences by the neural sequence chunker with two recurrent nets.

    The automatizer sees every input and predicts the targets, the next input, and the state of the
    chunker. The chunker sees only the inputs that the automatizer did not predict, so that for it
    what is far apart may be close; it learns to predict each of them from the one before. As the
    automatizer has to know the chunker's state, it learns to remember what the chunker found to be
    worth it. Predictions come from the automatizer alone.

    Parameters
    ----------
    n_hidden : int, default=4
        Hidden units of each net, all logistic: 1 in experiment 2a of the 1997 paper.

    threshold : float, default=0.25
        An input was unexpected if any of its numbers was predicted with a larger error. Not
        published; the default is the paper's criterion for a correct prediction.

    n_steps : int, default=3
        Steps that errors go back in time, in each net over those that it has seen. 3 is named in
        [1]_ as an example.

    next_input : bool, default=False
        Whether the targets are the next inputs. Then one output serves both, and the target of the
        last step is an input that the chunker learns to predict too, although `X` does not hold it.
        Needs ``return_sequences=True`` and a target for every feature. Otherwise the automatizer
        has outputs for targets and for the next input.

    chunker_shortcuts : bool, default=False
        Whether the chunker's outputs see its inputs. Then it can predict an input from the last one
        without its hidden units, which have no reason to tell the two apart, and the automatizer
        learns nothing worth knowing from them: on experiment 2a it fails at any lag that was tried.

    bias : bool, default=True
        Whether hidden units and outputs have biases. The nets of the 1997 paper have none.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs for targets and inputs, "logistic" in the 1997 paper. Those for the
        chunker's state are logistic, as that is.

    return_sequences : bool, default=False
        False: one target per sequence, read at its last step. True: one per step.

    features_per_step : int, default=1
        For 2-D `X` only: each row is one sequence, and this many of its columns make a step.

    learning_rate_init : float, default=0.1
        Size of a step along the gradient; both nets move at every step of a sequence.

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
        experiment 2 of the 1997 paper.

    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of the fit before.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights and the order of the sequences.

    verbose : int, default=0
        Above 0, the progress is shown.

    Attributes
    ----------
    parameters_ : ndarray of shape (W,)
        The weights of the automatizer, then those of the chunker; of each the matrix of the hidden
        units, then that of the outputs, a row per source: hidden units, bias, inputs. Outputs of
        the automatizer are targets, next input (unless it is the target), state of the chunker.
    n_automatizer_parameters_ : int
        How many of them are the automatizer's.
    n_parameters_ : int
    n_surprises_ : int
        Inputs that the automatizer did not predict in the last epoch, first ones included.
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
    RecurrentRegressor : One net, and the gradient through the whole sequence.

    Notes
    -----
    Weights are those of targets. What else the nets learn has weight 1.

    References
    ----------
    .. [1] Schmidhuber, J. (1992). Learning complex, extended sequences using the principle of
       history compression. Neural Computation, 4(2), 234-242.

    Examples
    --------
    >>> from sklstm.baselines import SequenceChunker
    >>> from sklstm.datasets import make_noise_free_lag
    >>> X, y = make_noise_free_lag(100, lag=10, targets="one_hot", random_state=0)
    >>> net = SequenceChunker(
    ...     1, next_input=True, bias=False, out_activation="logistic", return_sequences=True,
    ...     learning_rate_init=1.0, random_state=0,
    ... )
    >>> for _ in range(10):
    ...     net = net.partial_fit(X, y)
    >>> net.n_surprises_  # of 100 sequences of 10 steps: the first and the last symbol
    200
    """

    _parameter_constraints = {
        "n_hidden": [AT_LEAST_1],
        "threshold": [NOT_NEGATIVE],
        "n_steps": [AT_LEAST_1],
        "next_input": ["boolean"],
        "chunker_shortcuts": ["boolean"],
        "bias": ["boolean"],
    } | DESCENT

    def __init__(
        self,
        n_hidden=4,
        *,
        threshold=0.25,
        n_steps=3,
        next_input=False,
        chunker_shortcuts=False,
        bias=True,
        out_activation="identity",
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
    def n_automatizer_parameters_(self) -> int:
        return self._sizes()[0]

    # ---------------------------------------------------------------------------------- private

    def _parameter_shape(self) -> dict[str, Any]:
        if self.next_input and not self.return_sequences:
            raise ValueError(
                "next_input=True means that each step has a target, the next input: use it with "
                "return_sequences=True."
            )
        return {
            "n_hidden": int(self.n_hidden),
            "next_input": bool(self.next_input),
            "chunker_shortcuts": bool(self.chunker_shortcuts),
            "bias": bool(self.bias),
        }

    def _sizes(self) -> tuple[int, int]:
        """Weights of the automatizer and of the chunker."""
        shape = self._shape
        n_hidden, n_features = shape["n_hidden"], shape["n_features"]
        n_sources = n_hidden + shape["bias"] + n_features
        n_predicted = shape["n_outputs"] + (0 if shape["next_input"] else n_features)
        n_readout = n_sources if shape["chunker_shortcuts"] else n_hidden + shape["bias"]
        automatizer = n_sources * (2 * n_hidden + n_predicted)
        return automatizer, n_sources * n_hidden + n_readout * n_features

    def _shape_constraints(self) -> dict[str, Any]:
        flags = dict.fromkeys(("next_input", "chunker_shortcuts", "bias"), is_flag)
        return {"n_hidden": is_size} | flags

    def _n_weights(self) -> int:
        return sum(self._sizes())

    def _draw(self, rng: np.random.RandomState) -> np.ndarray:
        shape = self._shape
        if shape["next_input"] and shape["n_outputs"] != shape["n_features"]:
            raise ValueError(
                f"next_input=True needs one target per feature, got {shape['n_outputs']} outputs "
                f"for {shape['n_features']} features. Give the next inputs as y, or set "
                "next_input=False."
            )
        self.n_surprises_ = 0
        return self._weights(rng, sum(self._sizes()))

    def _nets(self, vector: np.ndarray) -> Chunker:
        """Both nets with these weights, which they move when they learn."""
        shape = self._shape
        return Chunker(
            vector,
            n_features=shape["n_features"],
            n_hidden=shape["n_hidden"],
            n_outputs=shape["n_outputs"],
            shared=shape["next_input"],
            bias=shape["bias"],
            out_activation=self.out_activation_,
            n_steps=min(self.n_steps, maxsize),
            threshold=self.threshold,
            chunker_shortcuts=shape["chunker_shortcuts"],
        )

    def _learner(self, vector: np.ndarray, examples: Examples) -> Callable[[np.ndarray], float]:
        nets = self._nets(vector)
        sequences = examples.rows.sequences
        steps = Steps.dense(sequences.values, sequences.offsets)
        targets = np.ascontiguousarray(examples.targets, dtype=np.float64)

        def learn(order: np.ndarray) -> float:
            loss = nets.learn(
                steps,
                targets,
                examples.weights,
                order,
                per_step=examples.rows.per_step,
                rate=self.learning_rate_init,
            )
            self.n_surprises_ = nets.n_surprises
            return loss

        return learn

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        n_rows = len(sequences.values) if self.return_sequences else len(sequences)
        out = np.empty((n_rows, self.n_outputs_))
        steps = Steps.dense(sequences.values, sequences.offsets)
        vector = np.require(self.parameters_, requirements="W")  # a copy of what is memory-mapped
        self._nets(vector).output(steps, out, per_step=self.return_sequences)
        return out

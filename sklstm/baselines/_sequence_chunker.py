"""SequenceChunker: two recurrent nets; the second reads only what the first did not predict."""

from __future__ import annotations

from collections.abc import Callable
from sys import maxsize
from typing import Any

import numpy as np

from sklstm._restored import is_flag, is_size
from sklstm._sequences import Sequences
from sklstm._targets import Examples
from sklstm._typing import OutActivation, RandomState
from sklstm.baselines._baseline import AT_LEAST_1, DESCENT, NOT_NEGATIVE, BaselineRegressor
from sklstm.baselines._chunker import Chunker
from sklstm.baselines._entries import Steps


class SequenceChunker(BaselineRegressor):
    """Regression on sequences by the neural sequence chunker, with two recurrent nets.

    The automatizer reads every input. It predicts the targets, the next input, and the state of the
    chunker. The chunker reads only inputs that the automatizer did not predict, and learns to
    predict each of them from the previous one. Events that are far apart in the sequence can be
    neighbours for the chunker. Since the automatizer learns to predict the chunker's state, it
    learns to remember the same information. ``predict`` uses the automatizer alone.

    Parameters
    ----------
    n_hidden : int, default=4
        Number of hidden units of each net, all logistic. Experiment 2a of the 1997 paper uses 1.

    threshold : float, default=0.25
        An input is unexpected if any of its elements was predicted with a larger error. The value
        is not published. The default is the paper's criterion for a correct prediction.

    n_steps : int, default=3
        Number of steps that errors go back in time, counted in steps that the net has read. [1]_
        names 3 as an example.

    next_input : bool, default=False
        Set it to True if the targets are the next inputs. One set of outputs then serves both. The
        target of the last step is an input that ``X`` does not contain, and the chunker learns to
        predict it as well. This needs ``return_sequences=True`` and one target per feature. If
        False, the automatizer has separate outputs for the targets and the next input.

    chunker_shortcuts : bool, default=False
        If True, the chunker's outputs read its inputs. They can then predict an input from the
        previous one without the hidden units, whose state then contains nothing that the
        automatizer could learn. With True, experiment 2a failed at every lag that was tried.

    bias : bool, default=True
        If True, hidden units and outputs have biases. The nets of the 1997 paper have none.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs for targets and inputs. The 1997 paper uses "logistic". The outputs
        for the chunker's state are always logistic.

    return_sequences : bool, default=False
        If False, there is one target per sequence, predicted at its last step. If True, there is
        one target per step.

    features_per_step : int, default=1
        Number of columns that make one step if ``X`` is a 2-D table. Each row of a table is one
        sequence. 3-D arrays and lists ignore this parameter.

    learning_rate_init : float, default=0.1
        Learning rate of both nets, which learn at every step of a sequence. It stays constant.

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
        experiment 2 of the 1997 paper.

    warm_start : bool, default=False
        If True, ``fit`` continues from the parameters of the previous ``fit``.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights and the order of the sequences. Pass an int to get the same
        result in every run.

    verbose : int, default=0
        With 1 or more, ``fit`` prints its progress. 0 prints nothing.

    Attributes
    ----------
    parameters_ : ndarray of shape (W,)
        Weights of the automatizer, then those of the chunker. Each net has the matrix of the hidden
        units, then that of the outputs, with one row per source: hidden units, bias, inputs. The
        outputs of the automatizer are the targets, the next input (unless it is the target), and
        the state of the chunker.
    n_automatizer_parameters_ : int
        Number of weights of the automatizer.
    n_parameters_ : int
        Number of weights, the size of ``parameters_``.
    n_surprises_ : int
        Number of inputs that the automatizer did not predict in the last epoch. The first input of
        each sequence counts.
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
    RecurrentRegressor : A single recurrent net, with the gradient through the whole sequence.

    Notes
    -----
    Sample weights apply to the targets. The other outputs of the nets always have weight 1.

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
        n_hidden: int = 4,
        *,
        threshold: float = 0.25,
        n_steps: int = 3,
        next_input: bool = False,
        chunker_shortcuts: bool = False,
        bias: bool = True,
        out_activation: OutActivation = "identity",
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
    def n_automatizer_parameters_(self) -> int:
        return self._sizes()[0]

    # ---------------------------------------------------------------------------------- private

    def _parameter_shape(self) -> dict[str, Any]:
        if self.next_input and not self.return_sequences:
            raise ValueError(
                "next_input=True needs return_sequences=True, because each step has a target: the "
                "next input."
            )
        return {
            "n_hidden": int(self.n_hidden),
            "next_input": bool(self.next_input),
            "chunker_shortcuts": bool(self.chunker_shortcuts),
            "bias": bool(self.bias),
        }

    def _sizes(self) -> tuple[int, int]:
        """Return the numbers of weights of the automatizer and of the chunker."""
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
                f"for {shape['n_features']} features. Pass the next inputs as y, or set "
                "next_input=False."
            )
        self.n_surprises_ = 0
        return self._weights(rng, sum(self._sizes()))

    def _nets(self, vector: np.ndarray) -> Chunker:
        """Return both nets, which share ``vector`` and update it when they learn."""
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
        n_rows = sequences.n_steps if self.return_sequences else len(sequences)
        out = np.empty((n_rows, self.n_outputs_))
        steps = Steps.dense(sequences.values, sequences.offsets)
        vector = np.require(self.parameters_, requirements="W")  # copies a read-only array
        self._nets(vector).output(steps, out, per_step=self.return_sequences)
        return out

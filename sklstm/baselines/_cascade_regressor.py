"""RecurrentCascadeRegressor: a net that adds self-recurrent units one by one."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields
from typing import Any

import numpy as np

from sklstm._callbacks import Watch, attributes_after
from sklstm._progress import progress
from sklstm._restored import require_int
from sklstm._sequences import Sequences
from sklstm._sklearn import Interval
from sklstm._targets import Examples
from sklstm._training import End, Records, Training
from sklstm._typing import OutActivation, RandomState
from sklstm.baselines._baseline import (
    AT_LEAST_1,
    CONSTRAINTS,
    NOT_NEGATIVE,
    POSITIVE,
    BaselineRegressor,
    Integral,
)
from sklstm.baselines._growth import Cascade, Growth, Settings, cascade_weights

COUNT = Interval(Integral, 0, None, closed="left")


class RecurrentCascadeRegressor(BaselineRegressor):
    """Regression on sequences by recurrent cascade-correlation.

    The net starts without hidden units. When its outputs stop improving, a pool of candidate units
    is trained to correlate with the remaining error. The best candidate becomes a hidden unit whose
    weights stay fixed, and the outputs are trained again [1]_. A unit reads the bias, the inputs,
    all earlier units and its own previous value. All updates are quickprop steps over all
    sequences [3]_.

    Parameters
    ----------
    max_hidden : int, default=16
        Largest number of hidden units. ``fit`` ends when a net of this size stops improving.

    n_candidates : int, default=8
        Number of candidates for each hidden unit. [1]_ uses 8.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs. Hidden units are tanh.

    return_sequences : bool, default=False
        If False, there is one target per sequence, predicted at its last step. If True, there is
        one target per step.

    features_per_step : int, default=1
        Number of columns that make one step if ``X`` is a 2-D table. Each row of a table is one
        sequence. 3-D arrays and lists ignore this parameter.

    output_rate : float, default=1.0
        Quickprop rate of the outputs (Fahlman's epsilon). It is divided by the number of steps that
        have a target.

    candidate_rate : float, default=100.0
        Quickprop rate of the candidates. It is divided by the number of steps that have a target
        and by the number of sources of a candidate.

    growth : float, default=2.0
        Largest ratio of a quickprop step to the previous one (Fahlman's mu).

    output_decay : float, default=1e-4
        Weight decay of the outputs. This fraction of a weight is added to its slope.

    candidate_decay : float, default=0.0
        Weight decay of the candidates.

    output_patience : int, default=12
        Output training ends after this many epochs in which the loss has changed by less than
        ``output_threshold``.

    candidate_patience : int, default=8
        Candidate training ends after this many epochs in which the best correlation has changed by
        less than ``candidate_threshold``.

    output_threshold : float, default=0.01
        Relative change of the loss that counts as progress.

    candidate_threshold : float, default=0.03
        Relative change of the best correlation that counts as progress.

    max_phase_iter : int, default=100
        Largest number of epochs of one training phase.

    slope_offset : float, default=0.1
        Constant that is added to the slope of logistic and tanh outputs, so that saturated outputs
        can still learn.

    tolerance : float, default=0.0
        ``fit`` ends when all outputs are closer than this to their targets. Fahlman uses 0.4 for
        targets that differ by 1.

    max_iter : int, default=2000
        Largest number of epochs that ``fit`` runs, over both kinds of phases.

    init_range : float, default=1.0
        Initial weights of outputs and candidates are drawn from U[-init_range, init_range].

    warm_start : bool, default=False
        If True, ``fit`` continues with the net of the previous ``fit``, up to ``max_hidden`` units
        in total.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights. Pass an int to get the same result in every run.

    verbose : int, default=0
        With 1 or more, ``fit`` prints its progress. 0 prints nothing.

    Attributes
    ----------
    n_hidden_ : int
        Number of hidden units that were added.
    unit_weights_ : list of ndarray of shape (1 + n_features + h + 1,)
        Weights into hidden unit h: from the bias, the inputs, the earlier units, and itself.
        Writing into these arrays changes the model.
    output_weights_ : ndarray of shape (1 + n_features + `n_hidden_`, `n_outputs_`)
        Weights into the outputs: from the bias, the inputs and the hidden units. Writing into this
        array changes the model.
    parameters_ : ndarray of shape (W,)
        All weights in one vector.
    n_parameters_ : int
        Number of weights, the size of ``parameters_``.
    correlations_ : list of float
        Correlation score of each unit that the last call added.
    n_features_in_ : int
        Number of columns if ``X`` is a 2-D table, else number of features per step.
    feature_names_in_ : ndarray of str
        Column names. Set only if ``X`` is a data frame whose column names are all strings.
    n_outputs_ : int
        Number of targets per sequence or step.
    out_activation_ : str
        Function applied to the outputs: that of ``out_activation`` at the fit.
    n_iter_ : int
        Number of epochs of the last call, over both kinds of phases.
    t_ : int
        Number of sequences seen in training, summed over all epochs.
    loss_ : float
        Mean loss per sequence in the last epoch: half the squared error, summed over the targets of
        a sequence.
    loss_curve_ : list of float
        Loss after each epoch. It is constant while candidates are trained.
    best_loss_ : float
        Smallest loss of any epoch since the weights were drawn.

    See Also
    --------
    RecurrentRegressor : A recurrent net of fixed size.

    Notes
    -----
    There is no ``partial_fit``, because quickprop and the choice of candidates need all sequences
    at once. The settings of [1]_ are not published. The defaults of rates, thresholds, patience and
    ranges are those that Fahlman's public code for cascade-correlation without recurrence [2]_
    advises for the two spirals.

    References
    ----------
    .. [1] Fahlman, S. E. (1991). The recurrent cascade-correlation architecture. Advances in Neural
       Information Processing Systems 3, 190-196.
    .. [2] Fahlman, S. E., & Lebiere, C. (1990). The cascade-correlation learning architecture.
       Advances in Neural Information Processing Systems 2, 524-532.
    .. [3] Fahlman, S. E. (1988). An empirical study of learning speed in back-propagation networks.
       Technical report CMU-CS-88-162, Carnegie Mellon University.

    Examples
    --------
    Output the previous input at every step:

    >>> import numpy as np
    >>> from sklstm.baselines import RecurrentCascadeRegressor
    >>> X = np.random.default_rng(0).integers(0, 2, size=(50, 10, 1)).astype(float)
    >>> y = np.hstack([np.zeros((50, 1)), X[:, :-1, 0]])
    >>> net = RecurrentCascadeRegressor(
    ...     out_activation="logistic", return_sequences=True, tolerance=0.4, random_state=0
    ... ).fit(X, y)
    >>> bool(net.score(X, y) > 0.9)
    True
    """

    _parameter_constraints = {
        "max_hidden": [COUNT],
        "n_candidates": [AT_LEAST_1],
        "output_rate": [POSITIVE],
        "candidate_rate": [POSITIVE],
        "growth": [POSITIVE],
        "output_decay": [NOT_NEGATIVE],
        "candidate_decay": [NOT_NEGATIVE],
        "output_patience": [AT_LEAST_1],
        "candidate_patience": [AT_LEAST_1],
        "output_threshold": [NOT_NEGATIVE],
        "candidate_threshold": [NOT_NEGATIVE],
        "max_phase_iter": [AT_LEAST_1],
        "slope_offset": [NOT_NEGATIVE],
        "tolerance": [NOT_NEGATIVE],
    } | CONSTRAINTS

    def __init__(
        self,
        max_hidden: int = 16,
        *,
        n_candidates: int = 8,
        out_activation: OutActivation = "identity",
        return_sequences: bool = False,
        features_per_step: int = 1,
        output_rate: float = 1.0,
        candidate_rate: float = 100.0,
        growth: float = 2.0,
        output_decay: float = 1e-4,
        candidate_decay: float = 0.0,
        output_patience: int = 12,
        candidate_patience: int = 8,
        output_threshold: float = 0.01,
        candidate_threshold: float = 0.03,
        max_phase_iter: int = 100,
        slope_offset: float = 0.1,
        tolerance: float = 0.0,
        max_iter: int = 2000,
        init_range: float = 1.0,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self._set_parameters(locals())

    @property
    def partial_fit(self):
        raise AttributeError(
            "RecurrentCascadeRegressor has no partial_fit, because its updates need all sequences. "
            "Use fit, with warm_start=True to continue."
        )

    @property
    def unit_weights_(self) -> list[np.ndarray]:
        return self._net(self.parameters_).units

    @property
    def output_weights_(self) -> np.ndarray:
        return self._net(self.parameters_).outputs

    # ---------------------------------------------------------------------------------- private

    def _parameter_shape(self) -> dict[str, Any]:
        return {}  # the net grows during fit, so no parameter sets its size

    def _shape_constraints(self) -> dict[str, Any]:
        return {}

    def _n_weights(self) -> int:
        require_int("n_hidden_", self.n_hidden_)
        return cascade_weights(self._shape["n_features"], self._shape["n_outputs"], self.n_hidden_)

    def _draw(self, rng: np.random.RandomState) -> np.ndarray:
        self.n_hidden_, self.correlations_ = 0, []
        n = (1 + self._shape["n_features"]) * self._shape["n_outputs"]
        return self._weights(rng, n)

    def _net(self, vector: np.ndarray) -> Cascade:
        return Cascade(vector, self._shape["n_features"], self._shape["n_outputs"], self.n_hidden_)

    def _growth(
        self,
        x: np.ndarray,
        offsets: np.ndarray,
        rows: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        rng: np.random.RandomState,
    ) -> Growth:
        """Return a copy of the net that can grow."""
        settings = {field.name: getattr(self, field.name) for field in fields(Settings)}
        settings["out_activation"] = self.out_activation_
        net = self._net(np.array(self.parameters_))
        return Growth(net, Settings(**settings), rng, x, offsets, rows, targets, weights)

    def _train(
        self, examples: Examples, *, max_iter: int | None = None, watch: Watch | None = None
    ) -> End:
        """Run epochs until growth ends. The result is kept, also after an interruption."""
        rng = self._rng_copy()
        sequences = examples.rows.sequences
        growth = self._growth(
            sequences.values,
            sequences.offsets,
            self._target_rows(sequences),
            np.asarray(examples.targets, dtype=np.float64),
            examples.weights,
            rng,
        )
        records = Records(self.t_, self.loss_, self.best_loss_)
        shown = progress(self.verbose, max_iter)
        if watch is not None:

            def keep(copied: RecurrentCascadeRegressor) -> None:
                copied._keep_net(growth.net, list(growth.scores), records, deepcopy(rng))

            watch.begin(max_iter, lambda training: attributes_after(self, keep))
        with Training(growth.net.copy(), records, shown, watch=watch) as training:
            epochs = growth.epochs()
            while True:
                training.begin_epoch()
                if next(epochs, None) is None:
                    training.stop(End.CONVERGED)
                training.require_finite(growth.loss)
                training.kept = growth.net.copy()
                training.end_epoch(len(examples), growth.loss / len(examples))
                if records.n_iter == max_iter:
                    training.stop(End.MAX_ITER)
        net = training.kept if training.end is End.DIVERGED else growth.net
        self._keep_net(net, growth.scores, records, rng)
        return training.end

    def _keep_net(
        self, net: Cascade, scores: list[float], records: Records, rng: np.random.RandomState
    ) -> None:
        self.n_hidden_, self.correlations_ = len(net.units), scores
        self._keep(net.vector, records, rng)

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        net = self._net(self.parameters_)
        values = net.values(sequences.values, sequences.offsets)
        return values[self._target_rows(sequences)] @ net.outputs

    def _target_rows(self, sequences: Sequences) -> np.ndarray:
        """Return the numbers of the steps that have an output."""
        if self.return_sequences:
            return np.arange(sequences.n_steps)
        return sequences.offsets[1:] - 1

"""RecurrentCascadeRegressor: a net that grows by one self-recurrent unit at a time."""

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

    The net begins without hidden units. When its outputs have stopped improving, a pool of
    candidates is trained, each to go up and down with the remaining error; the best one gets
    tenure: it becomes a hidden unit whose weights never change again. Then the outputs learn anew
    [1]_. A unit sees the bias, the inputs, all units before it, and its own last value. All steps
    are those of quickprop over all sequences.

    Parameters
    ----------
    max_hidden : int, default=16
        Hidden units at most. `fit` ends when a net of this size has stopped improving.

    n_candidates : int, default=8
        Candidates for each hidden unit, 8 in [1]_.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs. Hidden units are tanh.

    return_sequences : bool, default=False
        False: one target per sequence, read at its last step. True: one per step.

    features_per_step : int, default=1
        For 2-D `X` only: each row is one sequence, and this many of its columns make a step.

    output_rate : float, default=1.0
        Step size of quickprop for the outputs (Fahlman's epsilon). It is divided by the number of
        steps that have a target.

    candidate_rate : float, default=100.0
        Step size of quickprop for the candidates. It is divided by the number of steps that have
        a target and by the number of sources of a candidate.

    growth : float, default=2.0
        Largest ratio of a quickprop step to the step before it (Fahlman's mu).

    output_decay : float, default=1e-4
        Weight decay of the outputs: this fraction of a weight is added to its slope.

    candidate_decay : float, default=0.0
        Weight decay of the candidates.

    output_patience : int, default=12
        A phase that trains the outputs ends after this number of epochs in which the loss has
        changed by less than `output_threshold`.

    candidate_patience : int, default=8
        A phase that trains candidates ends after this number of epochs in which the best
        correlation has changed by less than `candidate_threshold`.

    output_threshold : float, default=0.01
        Relative change of the loss that counts as progress.

    candidate_threshold : float, default=0.03
        Relative change of the best correlation that counts as progress.

    max_phase_iter : int, default=100
        Epochs of a phase at most.

    slope_offset : float, default=0.1
        Added to the slope of logistic and tanh outputs, so that none is stuck where it is flat.

    tolerance : float, default=0.0
        `fit` ends when all outputs are closer than this to their targets. Fahlman has 0.4 for
        targets 1 apart.

    max_iter : int, default=2000
        Epochs that `fit` makes at most, over both kinds of phases.

    init_range : float, default=1.0
        Initial weights of outputs and candidates are drawn from U[-init_range, init_range].

    warm_start : bool, default=False
        Whether `fit` goes on with the net of the fit before, up to `max_hidden` units in all.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights.

    verbose : int, default=0
        Above 0, the progress is shown.

    Attributes
    ----------
    n_hidden_ : int
        Hidden units with tenure.
    unit_weights_ : list of ndarray of shape (1 + n_features + h + 1,)
        Of hidden unit h: from the bias, the inputs, the units before it, and itself. Assigning into
        these arrays changes the model.
    output_weights_ : ndarray of shape (1 + n_features + n_hidden_, n_outputs_)
        From the bias, the inputs and the hidden units. A view as well.
    parameters_ : ndarray of shape (W,)
        All in one vector.
    n_parameters_ : int
    correlations_ : list of float
        Correlation score of each unit that was installed in the last call, at its tenure.
    n_features_in_ : int
        Columns for 2-D `X`, else features per step.
    feature_names_in_ : ndarray of str
        Columns of a data frame, if all of them are strings.
    n_outputs_ : int
    out_activation_ : str
    n_iter_ : int
        Epochs of the last call, over both kinds of phases.
    t_ : int
        Sequences seen in training, over all epochs.
    loss_ : float
        Mean loss per sequence in the last epoch: half the squared error of the targets.
    loss_curve_ : list of float
        The loss after each epoch; it stands still while candidates learn.
    best_loss_ : float

    See Also
    --------
    RecurrentRegressor : A net of fixed size.

    Notes
    -----
    A step of quickprop needs the slope over all sequences, and a unit the error that is left over
    all of them: there is no `partial_fit`. The settings of [1]_ are not published. The defaults of
    rates, thresholds, patience and ranges are those that Fahlman's public code for
    cascade-correlation without recurrence advises for the two spirals.

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
    Was the last input but one high?

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
        max_hidden=16,
        *,
        n_candidates=8,
        out_activation="identity",
        return_sequences=False,
        features_per_step=1,
        output_rate=1.0,
        candidate_rate=100.0,
        growth=2.0,
        output_decay=1e-4,
        candidate_decay=0.0,
        output_patience=12,
        candidate_patience=8,
        output_threshold=0.01,
        candidate_threshold=0.03,
        max_phase_iter=100,
        slope_offset=0.1,
        tolerance=0.0,
        max_iter=2000,
        init_range=1.0,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
        self._set_parameters(locals())

    @property
    def partial_fit(self):
        raise AttributeError(
            "RecurrentCascadeRegressor has no partial_fit: its steps need the slope over all "
            "sequences. Use fit, with warm_start=True to go on."
        )

    @property
    def unit_weights_(self) -> list[np.ndarray]:
        return self._net(self.parameters_).units

    @property
    def output_weights_(self) -> np.ndarray:
        return self._net(self.parameters_).outputs

    # ---------------------------------------------------------------------------------- private

    def _parameter_shape(self) -> dict[str, Any]:
        return {}  # the net grows: no parameter decides what it looks like

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
        """A copy of the net, ready to grow."""
        settings = {field.name: getattr(self, field.name) for field in fields(Settings)}
        settings["out_activation"] = self.out_activation_
        net = self._net(np.array(self.parameters_))
        return Growth(net, Settings(**settings), rng, x, offsets, rows, targets, weights)

    def _train(
        self, examples: Examples, *, max_iter: int | None = None, watch: Watch | None = None
    ) -> End:
        """Epochs until there is nothing more to do; what was learned is kept whatever ends it."""
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
        """Numbers of the steps that have an output."""
        if self.return_sequences:
            return np.arange(len(sequences.values))
        return sequences.offsets[1:] - 1

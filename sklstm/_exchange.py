"""Gradients that other processes compute, and steps along their sum.

For training on several machines: each computes the gradient of its sequences, they add up loss,
weight and gradient in a fixed order, and all make the same step.
"""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklstm._advice import slower
from sklstm._estimator import SequenceEstimator
from sklstm._gradient import Gradient
from sklstm._network import Network, add_penalty
from sklstm._outputs import Outputs
from sklstm._snapshots import revised, snapshot
from sklstm._solvers import SOLVERS, continued
from sklstm._targets import Rows
from sklstm._threads import effective_n_jobs
from sklstm._topology import Topology


class GradientExchange(SequenceEstimator):
    """Mixin of estimators that are trained by gradients."""

    _solver_state: dict[str, Any]
    _split_seed: int
    t_: int

    @property
    def _topology(self) -> Topology:
        raise NotImplementedError

    def _network(self, vector: np.ndarray) -> Network:
        raise NotImplementedError

    def compute_gradient(
        self, X: Any, y: Any, sample_weight: Any = None
    ) -> tuple[float, float, np.ndarray]:
        """Loss and gradient of some sequences at the current parameters.

        For training loops of your own, for example on several machines. Add up the three results
        over all parts of a batch, always in the same order, and pass the sums to
        :meth:`apply_gradient`.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences, as in ``predict``.
        y : array-like
            Targets, as in ``partial_fit``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences or steps, as in ``partial_fit``. None is 1.

        Returns
        -------
        loss : float
            Sum of the weighted losses of all targets, in the units of training, without the penalty
            of ``alpha``.
        weight : float
            Sum of the weights of the sequences. With ``return_sequences=True`` the weight of a
            sequence is the mean weight of its targets.
        gradient : ndarray of shape (n_total,)
            Gradient of ``loss`` at ``parameters_``, in their order and precision. It is 0 for
            parameters that do not train.

        Raises
        ------
        NotFittedError
            If the estimator has no parameters. Call ``initialize``, ``partial_fit`` or ``fit``
            first.
        ValueError
            If ``X``, ``y`` or a weight is invalid, or if a hyper-parameter asks for another network
            than the fitted one.

        See Also
        --------
        apply_gradient : Make a step along the sum of such gradients.
        sklstm.distributed.fit : The whole training on the workers of a Dask cluster.

        Notes
        -----
        The estimator is not changed. The dropout mask of a sequence depends on its number in ``X``
        and on ``t_``.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import LSTMRegressor
        >>> X, y = np.random.default_rng(0).normal(size=(6, 5, 2)), np.arange(6.0)
        >>> model = LSTMRegressor(4, random_state=0).initialize(n_features=2)
        >>> parts = [model.compute_gradient(X[:4], y[:4]), model.compute_gradient(X[4:], y[4:])]
        >>> loss, weight, gradient = (sum(values) for values in zip(*parts))
        >>> weight
        6.0
        >>> model.apply_gradient(gradient, weight).t_
        6
        """
        self._check_fitted()
        now = snapshot(self)
        outputs = now._ready_outputs()
        outputs.factors()  # class_weight="balanced" needs all targets
        rows = Rows(now._read_fitted(X), now.return_sequences)
        examples = outputs.class_weighted(outputs.trainable(now._examples(y, sample_weight, rows)))
        order = np.arange(len(examples), dtype=np.int64)
        weights = examples.sequence_weights
        trainer = now._network(np.array(now.parameters_)).trainer(
            rows.sequences,
            examples.targets,
            examples.weights,
            weights,
            outputs.objective,
            dropout=now.dropout,
            recurrent_dropout=now.recurrent_dropout,
            seed=now._split_seed,
            n_threads=effective_n_jobs(now.n_jobs),
            batch_size=len(order),
        )
        trainer.begin_epoch(now.t_ % 2**64)  # other dropout masks in every step
        loss = trainer.gradient(order, 1)
        if loss is None:  # all weights are 0
            return 0.0, 0.0, np.zeros_like(now.parameters_)
        return loss, float(weights.sum()), trainer.found.whole(now.parameters_)

    def apply_gradient(self, gradient: Any, weight: float) -> Self:
        """Make one step of the solver along a sum of gradients.

        The step follows ``gradient / weight`` plus the penalty ``alpha / weight`` times the
        weights. It is the step that ``partial_fit`` makes for a batch of all these sequences if
        each has weight 1.

        Parameters
        ----------
        gradient : array-like of shape (n_total,)
            Sum of the gradients that :meth:`compute_gradient` returned at the current parameters.
        weight : float
            Sum of their weights. 0 makes no step.

        Returns
        -------
        self : object
            The estimator after the step.

        Raises
        ------
        NotFittedError
            If the estimator has no parameters.
        ValueError
            If ``gradient`` has another shape than ``parameters_``, or if ``weight`` is negative or
            not finite.

        Warns
        -----
        ConvergenceWarning
            If the gradient or the new parameters are not finite. The estimator is then unchanged.

        See Also
        --------
        compute_gradient : Loss and gradient of some sequences.

        Notes
        -----
        The gradient is clipped to ``clip_norm``, the state of the solver continues, and ``t_``
        grows by ``weight``, rounded. ``loss_`` and ``loss_curve_`` do not change.
        """
        self._check_fitted()
        with revised(self) as draft:
            draft._ready_outputs()
            made = draft._make_step(*draft._checked_gradient(gradient, weight))
        if not made:
            warnings.warn(
                "The gradient, or the parameters after this step, would not be finite: nothing was "
                f"learned. {slower(self)}.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _ready_outputs(self) -> Outputs:
        """The outputs, after checking that the settings ask for the fitted network."""
        self._check_shape(self._check_parameters())
        self._check_outputs(None)
        return self._outputs_now()

    def _checked_gradient(self, gradient: Any, weight: float) -> tuple[np.ndarray, float]:
        parameters = self.parameters_
        try:
            given = np.asarray(gradient)
        except ValueError:
            raise ValueError(
                f"gradient is of type {type(gradient).__name__}; expected an array. Pass the third "
                "of the values that compute_gradient returned."
            ) from None
        if given.shape != parameters.shape or given.dtype.kind not in "iuf":
            raise ValueError(
                f"gradient has shape {given.shape} and type {given.dtype}, but parameters_ has "
                f"{len(parameters)} real numbers. Pass the sum of the arrays that compute_gradient "
                "returned."
            )
        number = np.asarray(weight)
        if number.ndim > 0 or number.dtype.kind not in "iuf" or not 0 <= number < np.inf:
            raise ValueError(
                f"weight is {weight!r}; expected a finite number that is not negative. Pass the "
                "sum of the weights that compute_gradient returned."
            )
        return given, float(weight)

    def _make_step(self, total: np.ndarray, weight: float) -> bool:
        """Step along the mean gradient. False if it would not be finite."""
        if weight == 0:
            return True
        topology, vector = self._topology, np.array(self.parameters_)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = (total / weight).astype(vector.dtype)
        if not np.isfinite(mean).all():
            return False
        found = Gradient.of(topology, vector.dtype)
        found.put(mean)
        add_penalty(topology, vector, found, float(self.alpha) / weight)
        state = continued(self._solver_state, vector, self)
        solver = SOLVERS[self.solver](state, self)
        step, _ = solver.step_on(vector, found)
        if not step():
            return False
        self.t_ += round(weight)
        solver.end_epoch(self.t_)
        self.parameters_, self._solver_state = vector, solver.state
        return True

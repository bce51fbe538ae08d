"""GuessingRegressor: all weights are drawn at random until all sequences are right."""

from __future__ import annotations

from copy import deepcopy
from math import ceil
from numbers import Integral
from typing import Any, Literal

import numpy as np

from sklstm._callbacks import Watch, attributes_after
from sklstm._progress import progress
from sklstm._restored import is_size
from sklstm._sequences import Sequences
from sklstm._sklearn import Interval, StrOptions
from sklstm._targets import Examples
from sklstm._training import End, Records, Training
from sklstm._typing import OutActivation, RandomState
from sklstm.baselines._baseline import CONSTRAINTS, POSITIVE, BaselineRegressor
from sklstm.baselines._entries import Steps
from sklstm.baselines._guesses import Guesses

TRIALS_AT_A_TIME = 500  # between two checks of the clock and of signals


class GuessingRegressor(BaselineRegressor):
    """Regression on sequences by a recurrent net whose weights are guessed.

    All weights are drawn at random again and again until every output is close enough to its
    target. If guessing solves a benchmark quickly, the benchmark is too easy to compare learning
    algorithms [1]_.

    Parameters
    ----------
    n_hidden : int, default=1
        Number of hidden units, all logistic. With 0 the net consists of its outputs.

    connections : {"full", "self", "outputs"}, default="full"
        What hidden units read from the previous step: all units ("full", net A1 of [1]_), the
        outputs and themselves ("self", net A2), or the outputs only ("outputs"). All hidden units
        read the inputs. Outputs read the inputs, the hidden units of the same step, and for "full"
        the outputs of the previous step.

    bias : {"all", "hidden"} or None, default="all"
        Units with a bias: all, only the hidden ones (net A1), or none.

    out_activation : {"identity", "logistic", "tanh"}, default="logistic"
        Function of the outputs. Targets outside its range cannot be reached.

    tolerance : float, default=0.1
        A sequence is right if all its outputs are closer than this to their targets. The default is
        that of [1]_ for targets of 0 and 1.

    return_sequences : bool, default=False
        If False, there is one target per sequence, predicted at its last step. If True, there is
        one target per step.

    features_per_step : int, default=1
        Number of columns that make one step if ``X`` is a 2-D table. Each row of a table is one
        sequence. 3-D arrays and lists ignore this parameter.

    max_iter : int, default=100000
        Largest number of trials of one call. The hardest task of [1]_ took 35,610 on average.

    init_range : float, default=100.0
        Weights are drawn from U[-init_range, init_range].

    warm_start : bool, default=False
        If True, ``fit`` first tries the weights of the previous ``fit``.

    random_state : int, RandomState instance or None, default=None
        Seed of the weights. Pass an int to get the same result in every run.

    verbose : int, default=0
        With 1 or more, ``fit`` prints its progress. An epoch is then one group of trials, and the
        loss is the share of sequences after the first wrong one. 0 prints nothing.

    Attributes
    ----------
    n_right_ : int
        Number of sequences before the first one that ``parameters_`` get wrong. It is the number of
        all sequences if the search succeeded.
    weights_ : ndarray of shape (n_sources, n_units)
        The net as a matrix: from each unit, the bias and each input, to each unit. Hidden units
        come first. This is a copy, with 0 for units that are not connected.
    parameters_ : ndarray of shape (W,)
        The weights of all connections. If no trial succeeded, those with the largest ``n_right_``,
        and of several the first.
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
        Number of trials of the last call.
    t_ : int
        Number of trials of all calls.

    See Also
    --------
    RecurrentRegressor : A recurrent net that learns by gradient descent.

    Notes
    -----
    A sample weight of 0 excludes a sequence or step; other weights have no effect. A trial ends at
    the first wrong sequence, so mix the sequences of the classes to make trials short.
    ``partial_fit`` first tries the current weights, and draws new ones only if they are wrong.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). LSTM can solve hard long time lag problems.
       Advances in Neural Information Processing Systems 9, 473-479.

    Examples
    --------
    Predict the sign of the first element of a long sequence. The rest of the sequence is noise. One
    tanh unit with three weights can do it, and the right weights are found quickly:

    >>> import numpy as np
    >>> from sklstm.baselines import GuessingRegressor
    >>> from sklstm.datasets import make_two_sequence
    >>> X, y = make_two_sequence(200, length=500, n_informative=1, random_state=0)
    >>> y = 2 * y - 1
    >>> guess = GuessingRegressor(0, out_activation="tanh", random_state=0).fit(X[:100], y[:100])
    >>> guess.n_parameters_, guess.n_right_, bool(guess.n_iter_ < 1000)
    (3, 100, True)
    >>> bool((np.abs(guess.predict(X[100:]) - y[100:]) < 0.1).all())
    True
    """

    _parameter_constraints = {
        "n_hidden": [Interval(Integral, 0, None, closed="left")],
        "connections": [StrOptions({"full", "self", "outputs"})],
        "bias": [StrOptions({"all", "hidden"}), None],
        "tolerance": [POSITIVE],
    } | CONSTRAINTS

    def __init__(
        self,
        n_hidden: int = 1,
        *,
        connections: Literal["full", "self", "outputs"] = "full",
        bias: Literal["all", "hidden"] | None = "all",
        out_activation: OutActivation = "logistic",
        tolerance: float = 0.1,
        return_sequences: bool = False,
        features_per_step: int = 1,
        max_iter: int = 100000,
        init_range: float = 100.0,
        warm_start: bool = False,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self._set_parameters(locals())

    @property
    def weights_(self) -> np.ndarray:
        matrix = np.zeros(self._connected().shape)
        matrix.flat[self._places()] = self.parameters_
        return matrix

    # ---------------------------------------------------------------------------------- private

    def _parameter_shape(self) -> dict[str, Any]:
        return {
            "n_hidden": int(self.n_hidden),
            "connections": str(self.connections),
            "bias": self.bias,
        }

    def _shape_constraints(self) -> dict[str, Any]:
        return {
            "n_hidden": lambda v: v == 0 or is_size(v),
            "connections": lambda v: v in ("full", "self", "outputs"),
            "bias": lambda v: v in ("all", "hidden", None),
        }

    def _n_weights(self) -> int:
        """Return the number of True elements of `_connected`."""
        shape = self._shape
        H, K, n_features = shape["n_hidden"], shape["n_outputs"], shape["n_features"]
        among = {"full": (H + K) ** 2, "self": H + 2 * H * K, "outputs": 2 * H * K}
        biased = {"all": H + K, "hidden": H, None: 0}
        return among[shape["connections"]] + biased[shape["bias"]] + (H + K) * n_features

    def _connected(self) -> np.ndarray:
        """Return which source feeds which unit: (units, 1, inputs) by units."""
        shape = self._shape
        H, n = shape["n_hidden"], shape["n_hidden"] + shape["n_outputs"]
        connected = np.ones((n + 1 + shape["n_features"], n), dtype=bool)
        if shape["connections"] != "full":
            connected[H:n, H:] = False
            connected[:H, :H] = np.eye(H) if shape["connections"] == "self" else False
        connected[n, :H] = shape["bias"] is not None
        connected[n, H:] = shape["bias"] == "all"
        return connected

    def _places(self) -> np.ndarray:
        return np.flatnonzero(self._connected())

    def _draw(self, rng: np.random.RandomState) -> np.ndarray:
        shape = self._shape
        n_units = shape["n_hidden"] + shape["n_outputs"]
        self._require_memory(n_units * (n_units + 1 + shape["n_features"]))
        return self._candidates(rng, 1)[0]

    def _candidates(self, rng: np.random.RandomState, n: int) -> np.ndarray:
        size = (n, np.count_nonzero(self._connected()))
        return rng.uniform(-self.init_range, self.init_range, size)

    def _start_records(self) -> None:
        self.n_right_ = 0

    def _net(self) -> Guesses:
        return Guesses(
            self._places(),
            n_features=self._shape["n_features"],
            n_hidden=self._shape["n_hidden"],
            n_outputs=self._shape["n_outputs"],
            out_activation=self.out_activation_,
        )

    def _train(
        self, examples: Examples, *, max_iter: int | None = None, watch: Watch | None = None
    ) -> End:
        """Try the current weights, then new ones, until all sequences are right."""
        rng = self._rng_copy()
        sequences = examples.rows.sequences
        steps = Steps.dense(sequences.values, sequences.offsets)
        targets = np.ascontiguousarray(examples.targets, dtype=np.float64)
        net, n_sequences = self._net(), len(examples)
        candidates, most = np.array(self.parameters_)[None], -1
        records, shown = Records(self.t_), progress(self.verbose, self.max_iter)
        if watch is not None:

            def keep(copied: GuessingRegressor) -> None:
                copied._keep_best(training.kept, most, records, deepcopy(rng))

            more = ceil((self.max_iter - 1) / TRIALS_AT_A_TIME)
            watch.begin(1 + more, lambda training: attributes_after(self, keep))
        with Training(candidates[0].copy(), records, shown, watch=watch) as training:
            while records.n_iter < self.max_iter:
                training.begin_epoch()
                tried, which, right = net.search(
                    candidates,
                    steps,
                    targets,
                    examples.weights,
                    per_step=examples.rows.per_step,
                    tolerance=self.tolerance,
                )
                if right > most:
                    training.kept, most = candidates[which].copy(), right
                training.end_epoch(tried, 1 - most / n_sequences, n_iter=tried)
                if most == n_sequences:
                    training.stop(End.CONVERGED)
                n = min(TRIALS_AT_A_TIME, self.max_iter - records.n_iter)
                candidates = self._candidates(rng, n)
        self._keep_best(training.kept, most, records, rng)
        return training.end

    def _keep_best(
        self, vector: np.ndarray, n_right: int, records: Records, rng: np.random.RandomState
    ) -> None:
        """Store the result of the search. Nothing here can fail."""
        self._rng, self.n_right_ = rng, n_right
        self.n_iter_, self.t_ = records.n_iter, records.t
        self.parameters_ = vector

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        n_rows = sequences.n_steps if self.return_sequences else len(sequences)
        out = np.empty((n_rows, self.n_outputs_))
        steps = Steps.dense(sequences.values, sequences.offsets)
        self._net().output(self.parameters_, steps, out, per_step=self.return_sequences)
        return out

"""GuessingRegressor: draw all weights at random until they are right."""

from __future__ import annotations

from copy import deepcopy
from math import ceil
from numbers import Integral
from typing import Any

import numpy as np

from sklstm._callbacks import Watch, attributes_after
from sklstm._progress import progress
from sklstm._restored import is_size
from sklstm._sequences import Sequences
from sklstm._sklearn import Interval, StrOptions
from sklstm._targets import Examples
from sklstm._training import End, Records, Training
from sklstm.baselines._baseline import CONSTRAINTS, POSITIVE, BaselineRegressor
from sklstm.baselines._entries import Steps
from sklstm.baselines._guesses import Guesses

TRIALS_AT_A_TIME = 500  # drawn and tried between two looks at the clock and at Ctrl-C


class GuessingRegressor(BaselineRegressor):
    """Regression on sequences by a recurrent net whose weights are guessed.

    All weights are drawn anew until every output is close enough to its target. A problem that this
    solves quickly says little about whoever solves it, too [1]_.

    Parameters
    ----------
    n_hidden : int, default=1
        Hidden units, all logistic. 0 leaves the outputs.

    connections : {"full", "self", "outputs"}, default="full"
        What hidden units see of the step before: everything ("full", net A1 of [1]_), the outputs
        and each itself ("self", net A2), or the outputs only. All see the inputs. Outputs see the
        inputs, the hidden units of the same step, and for "full" the outputs of the step before.

    bias : {"all", "hidden"} or None, default="all"
        Units with a bias: all, the hidden ones (net A1), or none.

    out_activation : {"identity", "logistic", "tanh"}, default="logistic"
        Function of the outputs. Targets outside its range are never reached.

    tolerance : float, default=0.1
        A sequence is right if all its outputs are closer than this to their targets. The default is
        that of [1]_ for targets of 0 and 1.

    return_sequences : bool, default=False
        False: one target per sequence, read at its last step. True: one per step.

    features_per_step : int, default=1
        For 2-D `X` only: each row is one sequence, and this many of its columns make a step.

    max_iter : int, default=100000
        Trials that a call makes at most. The hardest task of [1]_ took 35,610 on average.

    init_range : float, default=100.0
        Weights are drawn from U[-init_range, init_range].

    warm_start : bool, default=False
        Whether `fit` begins with the weights of the fit before instead of new ones.

    random_state : int, RandomState instance or None, default=None
        Draws the weights.

    verbose : int, default=0
        Above 0, the progress is shown; an epoch is then as many trials as are drawn at a time, the
        loss the share of sequences behind the first wrong one.

    Attributes
    ----------
    n_right_ : int
        Sequences, counted up to the first wrong one, that `parameters_` are right about: all if the
        search has succeeded.
    weights_ : ndarray of shape (n_sources, n_units)
        The net as a matrix: from each unit, the bias, each input, to each unit; hidden units first.
        A copy; what is not connected is 0.
    parameters_ : ndarray of shape (W,)
        The weights of all connections. If none were right, the first that came furthest.
    n_parameters_ : int
    n_features_in_ : int
        Columns for 2-D `X`, else features per step.
    feature_names_in_ : ndarray of str
        Columns of a data frame, if all of them are strings.
    n_outputs_ : int
    out_activation_ : str
    n_iter_ : int
        Trials of the last call.
    t_ : int
        Trials of all calls.

    See Also
    --------
    RecurrentRegressor : A net that learns.

    Notes
    -----
    Of sample weights only matters whether they are 0: such a sequence or step has no target. A
    trial ends at the first wrong sequence, so that it is of use to have the classes mixed.
    `partial_fit` first tries the weights it has, and draws only if they are wrong.

    References
    ----------
    .. [1] Hochreiter, S., & Schmidhuber, J. (1997). LSTM can solve hard long time lag problems.
       Advances in Neural Information Processing Systems 9, 473-479.

    Examples
    --------
    The sign of the first element of a long sequence, whatever noise follows. One tanh unit with
    three weights will do, and they are soon found:

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
        n_hidden=1,
        *,
        connections="full",
        bias="all",
        out_activation="logistic",
        tolerance=0.1,
        return_sequences=False,
        features_per_step=1,
        max_iter=100000,
        init_range=100.0,
        warm_start=False,
        random_state=None,
        verbose=0,
    ):
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
        """As many as are True in `_connected`."""
        shape = self._shape
        H, K, n_features = shape["n_hidden"], shape["n_outputs"], shape["n_features"]
        among = {"full": (H + K) ** 2, "self": H + 2 * H * K, "outputs": 2 * H * K}
        biased = {"all": H + K, "hidden": H, None: 0}
        return among[shape["connections"]] + biased[shape["bias"]] + (H + K) * n_features

    def _connected(self) -> np.ndarray:
        """Which source feeds which unit: (units, 1, inputs) by units."""
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
        """Try the weights there are, then others, until they are right."""
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
        """Take over what was found; nothing here can fail."""
        self._rng, self.n_right_ = rng, n_right
        self.n_iter_, self.t_ = records.n_iter, records.t
        self.parameters_ = vector

    def _raw_outputs(self, sequences: Sequences, owner: Any) -> np.ndarray:
        n_rows = len(sequences.values) if self.return_sequences else len(sequences)
        out = np.empty((n_rows, self.n_outputs_))
        steps = Steps.dense(sequences.values, sequences.offsets)
        self._net().output(self.parameters_, steps, out, per_step=self.return_sequences)
        return out

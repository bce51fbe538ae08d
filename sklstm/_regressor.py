"""LSTMRegressor: numbers, and the function of the outputs that predicts them."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from sklstm._base import BaseLSTM
from sklstm._number_losses import LOSSES, OUT_ACTIVATIONS, goal_of
from sklstm._number_outputs import Numbers
from sklstm._outputs import Given
from sklstm._parameters import CONSTRAINTS, positive_number, size_of_network
from sklstm._regression import SequenceRegressor
from sklstm._restored import check_units
from sklstm._sklearn import Interval, StrOptions
from sklstm._snapshots import revised
from sklstm._units import per_output


class LSTMRegressor(SequenceRegressor, BaseLSTM):
    """Regression on sequences, or on every step of them, by Long Short-Term Memory.

    It minimises the squared error or another `loss`, summed over outputs (and steps), of outputs
    read from the last layer of memory cells.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=64
        Memory blocks of each layer. Time and memory grow with the square.

    loss : {"squared_error", "absolute_error", "quantile", "poisson"}, default="squared_error"
        What is minimised, as in `sklearn.ensemble.HistGradientBoostingRegressor`: half the squared
        error, the absolute error (predicts the median), the pinball loss of `quantile`, or half the
        Poisson deviance. "poisson" predicts the mean of counts and other `y` >= 0: exp of the
        outputs, so `out_activation` must be "identity". `score` is R² for "squared_error", for the
        others D² of the loss.

    quantile : float, list of float or None, default=None
        For `loss="quantile"` only: the quantile to predict, from 0 to 1, or a list of up to 128 in
        rising order. With a list of Q quantiles `predict` returns one more axis, of length Q, and
        each output has Q rows in `output_weights_` and `output_bias_`. The quantiles never cross.

    out_activation : {"identity", "logistic", "tanh"}, default="identity"
        Function of the outputs. Targets outside its range are allowed; they are never reached.

    normalize_y : bool, default=True
        Whether `fit` trains in units of the mean and standard deviation of each output
        (`y_mean_`, `y_scale_`) and `predict` returns to those of `y`. The unit of `y` then has no
        influence on training, nor on the meaning of `tol`, `alpha` and `clip_norm`. With
        `loss="poisson"` the unit is the mean alone, and `y_mean_` is 0. Only with
        `out_activation="identity"`; the others have a range of their own and train on `y` as it
        is. `partial_fit` and `initialize` cannot know the units and use 0 and 1, unless a `fit`
        came before or `initialize` was told. A `fit` with `warm_start` learns the units of its
        own `y` if they were learned by the `fit` before. For float32 `X`, predictions are float32
        unless the mean of `y` is more than 256 times its standard deviation.

    block_size : int, default=1
        Memory cells per block. The cells of a block share their gates.

    cell : {"forget", "1997", "peephole", "coupled"}, default="forget"
        How the cell state is kept. "forget" has a forget gate and is the cell of PyTorch and Keras;
        "1997" is the original: it forgets nothing, and its gates feed the hidden layer too;
        "peephole" lets the gates see the cell state; "coupled" forgets exactly as much as it takes
        in.

    gradient : {"auto", "truncated", "full"}, default="auto"
        "full" is back-propagation through time. "truncated" is the gradient of 1997: errors flow
        through the cell states only, not through the recurrent connections. It takes about three
        quarters of the time per epoch and scores lower on most real data. "auto" is "truncated" for
        `cell="1997"` and "full" for the other cells.

    bidirectional : bool, default=False
        Read each sequence from both ends. The output sees both halves after they have read all of
        it (with `return_sequences`: at the same step).

    pooling : {"last", "max", "mean"}, default="last"
        What the output of a sequence reads: the cells at its last step, or the maximum or the mean
        of each cell over all steps. Use "max" if a short event decides, wherever it is, and "mean"
        if all steps count alike. Not with `return_sequences`.

    return_sequences : bool, default=False
        False: one target per sequence, read at its last step. True: one per step; `y` is then
        `(n, T)`, `(n, T, k)` or a list of `(T_i,)` or `(T_i, k)` arrays, and predictions come in
        the container of `X`. It may be changed on a fitted model to see its outputs at every step.

    features_per_step : int, default=1
        For 2-D `X` only: each row is one sequence, and this many of its columns make a step. A
        single long sequence `x` of shape `(T, F)` is `[x]`, with targets `[y]` per step.

    categorical_features : array-like of int, str or bool, "from_dtype" or None, default=None
        Features that are categories: their numbers, their names, a mask, or with "from_dtype" all
        columns of data frames that pandas or polars keep as categories. They hold codes, whole
        numbers; `sklstm.preprocessing.SequenceEncoder` makes codes of words, events or letters.
        Each category has weights of its own, as if it were a feature that is 1 or 0, but a step
        reads its own alone. In training every code of 0 or more becomes a category, and so does
        NaN, for missing ones. A code that was not seen in training contributes nothing to the
        output, nor does a negative one, or NaN if it was not seen. `partial_fit` and `warm_start`
        add the categories that are new. `solver="sgd"` with `momentum=0` and `alpha=0` updates
        only what a batch has read; with all others every update moves the weights of all
        categories, which takes time in proportion to their number.

    solver : {"adam", "sgd"}, default="adam"
        How the parameters follow the gradient. Adam's rates do not depend on the schedule.

    alpha : float, default=0.0
        Strength of the L2 penalty on weights (not on biases). The penalty of a batch is divided by
        the sum of the batch's sample weights.

    dropout : float, default=0.0
        Probability that a cell is dropped while a sequence is learned. The layer above, or the
        output layer, then sees 0 in its place at all steps; the other cells are multiplied by
        1 / (1 - dropout). Increase it if the network overfits. Predictions, streams and validation
        use all cells. What is dropped depends on `random_state`, the epoch and the position of the
        sequence in `X`, and not on `n_jobs` or the order of batches.

    recurrent_dropout : float, default=0.0
        The same for what a layer sees of its own previous step.

    batch_size : int or "auto", default="auto"
        Sequences per gradient step, at most as many as there are. "auto" is 32.

    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        For "sgd" only. "invscaling" divides `learning_rate_init` by `(t_ + 1) ** power_t` after
        each epoch; "adaptive" divides it by 5 each time the stop rule is met, and goes on.

    learning_rate_init : float, default=0.005
        Size of a step, in units of the weights for "adam". From 0.001 to 0.01 the choice made no
        clear difference on real data.

    power_t : float, default=0.5
        Exponent of "invscaling".

    max_iter : int or "auto", default="auto"
        Epochs, passes over all sequences, that `fit` makes at most. "auto" is 50 epochs, more for
        less than 20 batches (about 1000 gradient steps, at most 200 epochs) and fewer for more than
        400 batches (about 20,000 gradient steps, at least 10 epochs).

    shuffle : bool, default=True
        Whether `fit` draws a new order of the sequences for each epoch. `partial_fit` never does.

    clip_norm : float or None, default=5.0
        Largest Euclidean norm of the gradient of a batch; a longer one is scaled down to it. None
        does not clip. With 1, scores were the same or lower on real data.

    tol : float or None, default=None
        `fit` stops after more than `n_iter_no_change` epochs in a row that do not improve the loss
        by `tol`. None trains for `max_iter` epochs, as LSTMs often improve again after a plateau.
        With `early_stopping`, `tol` applies to the validation score and loss, and None counts any
        improvement. With `learning_rate="adaptive"` None is 1e-4.

    n_iter_no_change : int or inf, default=50
        Epochs without improvement before `fit` stops, with a number in `tol` or with
        `early_stopping`. Fewer stop on a plateau: 10 scored far lower on real data.

    early_stopping : bool, default=False
        Watch the score and the loss on validation sequences instead of the training loss. The
        parameters with the best score are kept; the loss breaks ties, and training goes on while
        either improves. The sequences are those given to `fit` as `X_val`, or held out from `X`.

    scoring : None, "loss", str or callable, default=None
        What `early_stopping` maximises: None is the estimator's own `score`, "loss" the negative
        loss, a str a scorer of scikit-learn (with `return_sequences` over all steps), and a
        callable has the signature `scorer(estimator, X, y)`.

    validation_fraction : float, default=0.1
        Share of the sequences that is held out; stratified if each sequence has one label.

    momentum : float, default=0.9
        For "sgd" only: how much of the last step is added to the next.

    nesterovs_momentum : bool, default=True
        For "sgd" only: whether the gradient acts ahead of the momentum.

    beta_1 : float, default=0.9
        Only used with "adam": decay of the running mean of the gradient.

    beta_2 : float, default=0.999
        Only used with "adam": decay of the running mean of the squared gradient.

    epsilon : float, default=1e-8
        For "adam" only: added to the root of the mean square.

    bias : {"all", "hidden", "gates"} or None, default="all"
        Units with a bias: all, all but the outputs, the gates only, or none.

    gate_bias : "auto", dict or None, default="auto"
        Initial biases of gates, for example `{"input": -1.0, "output": (-2, -4, -6)}`: a number, or
        one per block if there is a single layer. None starts forget gates at 1, and the input gates
        of "coupled" at -1, so that blocks remember at first. "auto" does the same for three
        quarters of the blocks of a layer and starts the others on longer time scales u, drawn from
        U[1, mean length of the training sequences]: forget gates at log u, input gates at -log u.
        It is None for "1997" and with `init_range`. Shares are rounded: of fewer than 3 blocks none
        is slow.

    init_range : float or None, default=None
        Initial weights and biases are drawn from U[-init_range, init_range]. None draws weights
        from Glorot's uniform distribution and starts biases at 0.

    warm_start : bool, default=False
        Whether `fit` goes on from the parameters (and the state of the solver) of the fit before.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the order of the sequences and the validation split.

    verbose : int, default=0
        Above 0, the progress is shown: on a terminal in one line, elsewhere in a line per epoch.

    n_jobs : int or None, default=None
        Threads. None is what OpenMP allows, -1 every processor. The result is the same bit by bit.

    Attributes
    ----------
    y_mean_, y_scale_ : ndarray of shape (n_outputs_,)
        Units of the targets, see `normalize_y`: 0 and 1 if they were not learned.
    layers_ : list of dict of ndarray
        Layer 0 forward, layer 0 backward if `bidirectional`, layer 1, and so on. With H blocks of S
        cells, G gates and R recurrent sources: "input" `((G + S)·H, F)`, "recurrent"
        `((G + S)·H, R)`, "bias" `((G + S)·H,)`, for peepholes "peephole" `(3·H, S)`; rows in the
        order input gates, forget gates, cells, output gates. Assigning into these arrays changes
        the model.
    output_weights_ : ndarray of shape (n_outputs_, cells of the last layer)
    output_bias_ : ndarray of shape (n_outputs_,)
        As `layers_`, writable views of `parameters_`.
    parameters_ : ndarray of shape (W,)
        Everything that is learned, in one vector.
    n_parameters_ : int
        Trainable numbers.
    n_features_in_ : int
        Columns for 2-D `X`, else features per step.
    feature_names_in_ : ndarray of str
        Column names, if `X` was a data frame or a list of data frames with names that are strings.
    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Which features are categories; None if there are none.
    categories_ : list of ndarray, or None
        For each categorical feature its codes, or its labels with "from_dtype"; those that a step
        has select columns of `layers_[0]["category"]`, in this order, feature after feature.
    n_outputs_ : int
    out_activation_ : str
    n_iter_ : int
        Epochs of the last call.
    t_ : int
        Sequences seen in training, over all epochs.
    loss_ : float
        Loss of the last epoch: in `fit` the mean over targets, in `partial_fit` the mean over
        sequences, each with the sum over its targets.
    loss_curve_ : list of float
        The loss after each epoch.
    best_loss_ : float or None
        The smallest loss of the last `fit` and of `partial_fit` since; None with `early_stopping`.
    validation_scores_ : list of float or None
        The validation score after each epoch; None without `early_stopping`.
    validation_loss_curve_ : list of float or None
        The validation loss after each epoch, the mean over targets; None without `early_stopping`.
    best_validation_score_ : float or None
        Of the last call of `fit`.

    See Also
    --------
    LSTMClassifier : The same for labels.

    Notes
    -----
    `fit` minimises the mean loss over all targets; with `alpha=0` only ratios of sample weights
    matter.
    `partial_fit` minimises, as the paper does, the sum over the targets of a sequence, averaged
    over the sequences of a batch, and takes weights as they are. With `return_sequences`, targets
    of NaN are ignored.

    Examples
    --------
    The mean of a sequence of any length:

    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(rng.normal(), 1, size=(rng.integers(5, 20), 1)) for _ in range(200)]
    >>> y = [x.mean() for x in X]
    >>> model = LSTMRegressor(random_state=0).fit(X[:150], y[:150])
    >>> model.score(X[150:], y[150:]) > 0.9
    True
    """

    _parameter_constraints = {
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="both"), "array-like", None],
        "out_activation": [StrOptions(set(OUT_ACTIVATIONS))],
        "normalize_y": ["boolean"],
    } | CONSTRAINTS

    def __init__(
        self,
        hidden_layer_sizes=64,
        *,
        loss="squared_error",
        quantile=None,
        out_activation="identity",
        normalize_y=True,
        block_size=1,
        cell="forget",
        gradient="auto",
        bidirectional=False,
        pooling="last",
        return_sequences=False,
        features_per_step=1,
        categorical_features=None,
        solver="adam",
        alpha=0.0,
        dropout=0.0,
        recurrent_dropout=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.005,
        power_t=0.5,
        max_iter="auto",
        shuffle=True,
        clip_norm=5.0,
        tol=None,
        n_iter_no_change=50,
        early_stopping=False,
        scoring=None,
        validation_fraction=0.1,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        bias="all",
        gate_bias="auto",
        init_range=None,
        warm_start=False,
        random_state=None,
        verbose=0,
        n_jobs=None,
    ):
        self._set_parameters(locals())

    def initialize(
        self,
        n_features: int,
        *,
        n_outputs: int = 1,
        expected_length: float | None = None,
        y_mean: Any = None,
        y_scale: Any = None,
        categories: Any = None,
    ):
        """Draw the parameters for sequences of ``n_features`` and learn nothing.

        Parameters
        ----------
        n_features : int
            Features per step.
        n_outputs : int, default=1
            Numbers to predict.
        expected_length : float, default=None
            Steps over which something may have to be remembered, for `gate_bias="auto"`. None,
            not known: all blocks start alike, as with `gate_bias=None`.
        y_mean, y_scale : float or array-like of shape (n_outputs,), default=None
            Units of the targets, where they are known beforehand: the network learns
            `(y - y_mean) / y_scale`. None is 0 and 1. Identity output only.
        categories : list, default=None
            With `categorical_features`: for each of them its codes, or how many there are, counted
            from 0.

        Returns
        -------
        self : object
        """
        n_features = size_of_network(n_features, "n_features")
        n_outputs = size_of_network(n_outputs, "n_outputs")
        expected_length = positive_number(expected_length, "expected_length")
        if self.out_activation != "identity" and not (y_mean is None and y_scale is None):
            raise ValueError(
                f"y_mean and y_scale are for out_activation='identity', not for "
                f"{self.out_activation!r}, whose outputs have a range of their own."
            )
        mean = per_output(y_mean, 0.0, n_outputs, "y_mean")
        scale = per_output(y_scale, 1.0, n_outputs, "y_scale", positive=True)
        with revised(self) as draft:
            draft._check_parameters()
            draft._goal = goal_of(draft)
            if LOSSES[draft._goal[0]].link is not None and mean.any():
                raise ValueError(
                    f"y_mean must be 0 with loss={draft.loss!r}, whose values are never negative: "
                    "its unit is y_scale alone."
                )
            draft.n_outputs_, draft.out_activation_ = n_outputs, draft.out_activation
            draft.y_mean_, draft.y_scale_, draft._learned_units = mean, scale, False
            draft._initialize_categories(n_features, categories)
            draft._initialize(n_features, expected_length)
        return self

    # ---------------------------------------------------------------------------------- private

    _goal: tuple[str, Any] = ("squared_error", None)  # loss and quantile of the fitted outputs

    def _check_parameters(self) -> dict[str, Any]:
        shape = super()._check_parameters()
        goal_of(self)
        return shape

    def _check_outputs(self, classes: Any) -> None:
        super()._check_outputs(classes)
        for name, now, then in zip(("loss", "quantile"), goal_of(self), self._goal, strict=True):
            if now != then:
                raise ValueError(
                    f"{name} is now {now!r}, but was {then!r}. Set it back, or start anew: fit, "
                    "warm_start=False."
                )

    @property
    def _units_of_fit(self) -> bool:
        return self._learned_units and self.normalize_y

    def _learn_outputs(self, given: Given, classes: Any) -> None:
        super()._learn_outputs(given, classes)
        self._goal = goal_of(self)
        self._learned_units = False
        self.y_mean_, self.y_scale_ = np.zeros(self.n_outputs_), np.ones(self.n_outputs_)

    def _learn_units(self, targets: np.ndarray, weights: np.ndarray) -> None:
        self._learned_units = True
        if self.normalize_y and self.out_activation_ == "identity":
            self.y_mean_, self.y_scale_ = LOSSES[self._goal[0]].units(targets, weights)

    def _check_restored(self) -> None:
        if self.__sklearn_is_fitted__():
            check_units(self)
        super()._check_restored()

    def _outputs_now(self) -> Numbers:
        return Numbers(
            self.n_outputs_,
            self.out_activation_,
            type(self).__name__,
            *self._goal,
            self.y_mean_,
            self.y_scale_,
        )

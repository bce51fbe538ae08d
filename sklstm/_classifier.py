"""LSTMClassifier: labels, and what the outputs say about them."""

from __future__ import annotations

from typing import Any

from sklearn.base import ClassifierMixin

from sklstm._base import BaseLSTM
from sklstm._label_outputs import UNBALANCED, Labels
from sklstm._outputs import Given
from sklstm._parameters import CONSTRAINTS, positive_number, size_of_network
from sklstm._restored import check_labels
from sklstm._sklearn import StrOptions
from sklstm._snapshots import revised
from sklstm._targets import Rows


class LSTMClassifier(ClassifierMixin, BaseLSTM):
    """Classifier of sequences, or of every step of them, by Long Short-Term Memory.

    It minimises the log-loss of a softmax, or of one logistic output for two classes or for each
    label of a multilabel indicator, read from the last layer of memory cells.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=64
        Memory blocks of each layer. Time and memory grow with the square.

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
    class_weight : dict, "balanced" or None, default=None
        Factor for the sample weights of each class. "balanced" makes the weights of all classes
        add up to the same; it needs all of `y`, and so does not go with `partial_fit`.

    random_state : int, RandomState instance or None, default=None
        Draws the initial weights, the order of the sequences and the validation split.

    verbose : int, default=0
        Above 0, the progress is shown: on a terminal in one line, elsewhere in a line per epoch.

    n_jobs : int or None, default=None
        Threads. None is what OpenMP allows, -1 every processor. The result is the same bit by bit.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted. If `y` is a multilabel indicator: its columns, by number or as they were
        named in `partial_fit` or `initialize`.
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
    LSTMRegressor : The same for numbers.

    Notes
    -----
    `fit` minimises the mean loss over all targets; with `alpha=0` only ratios of sample weights
    matter.
    `partial_fit` minimises, as the paper does, the sum over the targets of a sequence, averaged
    over the sequences of a batch, and takes weights as they are.

    Examples
    --------
    Which came first, the high or the low?

    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(scale=0.1, size=(rng.integers(5, 20), 1)) for _ in range(200)]
    >>> y = rng.integers(2, size=200)
    >>> for x, up in zip(X, y):
    ...     x[[1, 3], 0] = (-1, 1) if up else (1, -1)
    >>> LSTMClassifier(random_state=0).fit(X[:150], y[:150]).score(X[150:], y[150:])
    1.0
    """

    _parameter_constraints = CONSTRAINTS | {"class_weight": [dict, StrOptions({"balanced"}), None]}

    def __init__(
        self,
        hidden_layer_sizes=64,
        *,
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
        class_weight=None,
        random_state=None,
        verbose=0,
        n_jobs=None,
    ):
        self._set_parameters(locals())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None):
        """Learn from some sequences more: one epoch, batch after batch in the order given.

        Parameters
        ----------
        X, y : as in `fit`
        classes : array-like of shape (n_classes,), default=None
            All labels there will be; needed in the first call, unless `initialize` or `fit` came
            before. For a multilabel indicator, names for its columns.
        sample_weight : as in `fit`, but taken as they are

        Returns
        -------
        self : object
        """
        return self._partial_fit(X, y, sample_weight, classes)

    def initialize(
        self,
        n_features: int,
        *,
        classes: Any = None,
        n_outputs: int = 1,
        expected_length: float | None = None,
        categories: Any = None,
    ):
        """Draw the parameters for sequences of ``n_features`` and learn nothing.

        Parameters
        ----------
        n_features : int
            Features per step.
        classes : array-like of shape (n_classes,), default=None
            All labels there will be.
        n_outputs : int, default=1
            More than 1: labels of a multilabel indicator; ``classes`` may name them.
        expected_length : float, default=None
            Steps over which something may have to be remembered, for `gate_bias="auto"`. None,
            not known: all blocks start alike, as with `gate_bias=None`.
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
        if classes is None and n_outputs == 1:
            raise ValueError("initialize needs classes: all labels there will be.")
        with revised(self) as draft:
            draft._check_parameters()
            draft._set_outputs(Labels.named(classes, n_outputs, type(self).__name__))
            draft._initialize_categories(n_features, categories)
            draft._initialize(n_features, expected_length)
        return self

    def decision_function(self, X: Any) -> Any:
        """Raw outputs, before the logistic function or the softmax.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        decision : ndarray of shape (n,) for two classes, else (n, n_outputs_)
            With `return_sequences`, one row per step in the container of `X`.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(raw[:, 0] if now.n_outputs_ == 1 else raw, sequences)

    def predict(self, X: Any) -> Any:
        """The most probable label of each sequence.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        labels : ndarray of shape (n,), or an indicator of shape (n, n_outputs_) if multilabel
            With `return_sequences`, one row per step in the container of `X`.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().predict(raw), sequences)

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes, in the order of `classes_`.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        proba : ndarray of shape (n, n_classes)
            Rows add up to 1, unless multilabel, where each label has its own.
            With `return_sequences`, one row per step in the container of `X`.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().probabilities(raw), sequences)

    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of the probabilities, exact also where those are 0 in floating point.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        log_proba : ndarray of shape (n, n_classes)
            With `return_sequences`, one row per step in the container of `X`.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().log_probabilities(raw), sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Accuracy; with `return_sequences`, over all steps with a weight.

        Parameters
        ----------
        X : as in `predict`
        y : as in `fit`
        sample_weight : array-like of shape (n,), or with `return_sequences` per step, default=None

        Returns
        -------
        score : float
        """
        now, raw, sequences = self._run(X)
        rows = Rows(sequences, now.return_sequences)
        return now._outputs_now().score(raw, y, sample_weight, rows)

    # ---------------------------------------------------------------------------------- private

    def _check_partial_fit(self, classes: Any) -> None:
        super()._check_partial_fit(classes)
        if self.class_weight == "balanced":
            raise ValueError(UNBALANCED)
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError(
                "classes must be passed on the first call to partial_fit: all labels there will be."
            )

    _kind = Labels

    def _check_restored(self) -> None:
        if self.__sklearn_is_fitted__():
            check_labels(self)
        super()._check_restored()

    def _outputs_now(self) -> Labels:
        multilabel = self.out_activation_ == "logistic" and self.n_outputs_ > 1
        return Labels(self.classes_, multilabel, type(self).__name__, self.class_weight)

    def _learn_outputs(self, given: Given, classes: Any) -> None:
        self._set_outputs(Labels.of(given, classes, type(self).__name__))

    def _set_outputs(self, labels: Labels) -> None:
        self.classes_, self.n_outputs_ = labels.classes, labels.n_outputs
        self.out_activation_ = labels.activation

    def _check_outputs(self, classes: Any) -> None:
        if classes is not None:
            self._outputs_now().check_named(classes)

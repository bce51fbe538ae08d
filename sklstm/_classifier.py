"""LSTMClassifier: the estimator for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from sklearn.base import ClassifierMixin

from sklstm._base import BaseLSTM
from sklstm._label_outputs import UNBALANCED, Labels
from sklstm._outputs import Given
from sklstm._parameters import CONSTRAINTS, positive_number, size_of_network
from sklstm._restored import check_labels
from sklstm._sklearn import StrOptions
from sklstm._snapshots import revised
from sklstm._targets import Rows
from sklstm._typing import (
    Bias,
    Categorical,
    Cell,
    ClassWeight,
    GateBias,
    Gradient,
    LearningRate,
    PerStep,
    Pooling,
    RandomState,
    Scoring,
    Solver,
)


class LSTMClassifier(ClassifierMixin, BaseLSTM):
    """LSTM classifier for sequences, or for every step of sequences.

    The network is a stack of layers of memory cells (Long Short-Term Memory) and an output layer.
    Training minimises the log-loss. The output layer is a softmax for three or more classes, one
    logistic output for two classes, and one logistic output per label for a multilabel indicator.

    Parameters shared with :class:`sklearn.neural_network.MLPClassifier` have the same name and
    meaning; some defaults differ. ``X`` is an array of shape (n, T, F), a list of arrays of shape
    (T_i, F), or a table with one sequence per row. Scale the features first, for example with
    :class:`~sklstm.preprocessing.SequenceScaler`.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=64
        Number of memory blocks in each hidden layer. An int makes one layer, and ``(64, 32)`` makes
        two. Increase it if the network underfits and decrease it if it overfits. The number of
        weights, and with it time and memory, grows with the square of a layer's size. Try one layer
        first: on real data a second layer did not improve the scores.

    block_size : int, default=1
        Number of memory cells in each block. The cells of a block share its gates. 1 is the layout
        of PyTorch and Keras. Increase it to store more values per gate, or to reproduce the 1997
        paper, which uses blocks of several cells.

    cell : {"forget", "1997", "peephole", "coupled"}, default="forget"
        Type of memory cell. "forget" has a forget gate and computes the same as the cell of PyTorch
        and Keras; keep it unless you have a reason to change it. "1997" is the original cell,
        equations (4) to (9) of the paper: it has no forget gate, so its state never decays, and its
        gate activations are recurrent inputs too. "peephole" adds connections from the cell state
        to the gates; try it if exact timing matters. "coupled" has no separate forget gate: it
        keeps the fraction of the state that its input gate does not replace, which saves the
        weights of one gate.

    gradient : {"auto", "truncated", "full"}, default="auto"
        Gradient that training follows. "full" is back-propagation through time. "truncated" is the
        gradient of the 1997 paper (appendix A.1): errors flow back through the cell states, but not
        through the recurrent connections. It takes about three quarters of the time per epoch and
        scores lower on most real data. "auto" is "truncated" for ``cell="1997"`` and "full" for the
        other cells. Streams always use the truncated gradient.

    bidirectional : bool, default=False
        If True, each hidden layer has a second half of the same size that reads the sequence from
        its end. Use it if the whole sequence is known at prediction time. The output layer reads
        both halves after they have read the whole sequence; with ``return_sequences=True`` it reads
        both at the same step. A bidirectional network has no stream.

    pooling : {"last", "max", "mean"}, default="last"
        What the output layer reads from a sequence. "last" reads the cells after the last step,
        "max" the maximum and "mean" the mean of each cell over all steps. Use "max" if a short
        event decides wherever it occurs, and "mean" if all steps count alike. Only "last" is
        allowed with ``return_sequences=True``.

    return_sequences : bool, default=False
        If False, there is one target per sequence. If True, there is one target per step: ``y`` is
        then an array of shape (n, T) or (n, T, k), or a list of arrays of shape (T_i,) or (T_i, k),
        and predictions are returned in the same container type as ``X``. You can change it on a
        fitted model to see its outputs at every step.

    features_per_step : int, default=1
        Number of columns that make one step if ``X`` is a 2-D table. Each row of a table is one
        sequence. 3-D arrays and lists ignore this parameter. To pass one long sequence ``x`` of
        shape (T, F), use the list ``[x]`` instead of a table.

    categorical_features : array-like of int, str or bool, "from_dtype" or None, default=None
        Features that hold categories instead of quantities. Pass their numbers, their column names
        or a boolean mask. "from_dtype" selects the columns of data frames with a categorical dtype
        of pandas or polars. Except with "from_dtype", values must be integer codes;
        :class:`~sklstm.preprocessing.SequenceEncoder` makes codes from words, events or letters.
        Each category has its own weights, as with one-hot encoding, but without its cost in memory.
        Every code of 0 or more in the training data is a category, and so is NaN (missing).
        Negative codes, and codes not seen in training, contribute nothing to the output.
        ``partial_fit`` and ``warm_start`` add new categories. For large vocabularies, use
        ``solver="sgd"`` with ``momentum=0`` and ``alpha=0``: an update then changes only the
        categories in the batch. With all other settings every update changes the weights of all
        categories.

    solver : {"adam", "sgd"}, default="adam"
        Algorithm that updates the weights. "adam" adapts the step size of each weight and needs
        little tuning. "sgd" is stochastic gradient descent with momentum; use it with the learning
        rate schedules, for very large vocabularies, or to reproduce the 1997 paper.

    alpha : float, default=0.0
        Strength of the L2 penalty on the weights. Biases are not penalised. Increase it if the
        network overfits, for example to 1e-4. The penalty is divided by the sum of the sample
        weights of the batch, as in :class:`sklearn.neural_network.MLPClassifier`.

    dropout : float, default=0.0
        Probability that the output of a cell is dropped during training. The next layer, or the
        output layer, then reads 0 instead of that cell at all steps of the sequence, and the other
        cells are multiplied by ``1 / (1 - dropout)``. Increase it, for example to 0.3, if the
        network overfits. Prediction, streams and validation use all cells. The dropped cells depend
        on ``random_state``, the epoch and the position of the sequence in ``X``. They do not depend
        on ``n_jobs`` or on the order of batches.

    recurrent_dropout : float, default=0.0
        Probability that a recurrent connection from a cell is dropped during training. It works as
        ``dropout`` does, but on what a layer reads from its own previous step. Use small values,
        for example 0.1, if the network still overfits with ``dropout``.

    batch_size : int or "auto", default="auto"
        Number of sequences per gradient step. "auto" is 32. Values larger than the number of
        sequences use all sequences. Larger batches use several threads better but make fewer
        updates per epoch.

    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of the learning rate for ``solver="sgd"``. "constant" keeps ``learning_rate_init``.
        "invscaling" sets the rate to ``learning_rate_init / (t_ + 1) ** power_t`` after each epoch.
        "adaptive" divides the rate by 5 whenever training would stop because nothing improves.
        ``solver="adam"`` ignores this parameter.

    learning_rate_init : float, default=0.005
        Initial learning rate: the size of the update steps. Lower it if training diverges or the
        loss oscillates, and raise it if the loss falls too slowly. On real data, values from 0.001
        to 0.01 scored about the same with "adam". "sgd" often needs a larger rate.

    power_t : float, default=0.5
        Exponent of the "invscaling" schedule. Larger values lower the learning rate faster. Other
        schedules ignore it.

    max_iter : int or "auto", default="auto"
        Largest number of epochs that ``fit`` runs. An epoch is one pass over all sequences. "auto"
        is 50 epochs for 20 to 400 batches per epoch. With fewer batches it runs more epochs (about
        1000 gradient steps, at most 200 epochs). With more batches it runs fewer (about 20,000
        gradient steps, at least 10 epochs). Increase it if the loss is still falling at the end,
        and decrease it if the network overfits.

    shuffle : bool, default=True
        If True, ``fit`` shuffles the sequences before each epoch. Set it to False only if the order
        matters. ``partial_fit`` never shuffles.

    clip_norm : float or None, default=5.0
        Largest Euclidean norm of the gradient of a batch. A longer gradient is scaled down to this
        norm, which prevents steps that are too large. Lower it if training is unstable. None turns
        clipping off. On real data 1 did not score higher than 5.

    tol : float or None, default=None
        Smallest improvement of the loss that counts for the stopping rule. With a number, ``fit``
        stops after more than ``n_iter_no_change`` epochs in a row without an improvement by at
        least ``tol``. With None, ``fit`` runs all ``max_iter`` epochs, because the loss of an LSTM
        often improves again after a long plateau. With ``early_stopping=True``, ``tol`` applies to
        the validation score and loss, and None counts any improvement. With
        ``learning_rate="adaptive"`` and ``solver="sgd"``, None is 1e-4.

    n_iter_no_change : int or inf, default=50
        Number of epochs without improvement that ``fit`` tolerates. It applies if ``tol`` is a
        number or ``early_stopping=True``. Lower values save time but stop on plateaus: on real data
        10 scored far lower than 50.

    early_stopping : bool, default=False
        If True, ``fit`` watches the score and the loss on validation sequences and stops when
        neither improves. It keeps the parameters with the best score; the loss breaks ties. The
        validation sequences are ``X_val`` of ``fit``, or a part of ``X``. Use it if you have enough
        sequences: on small sets the held-out part costs more accuracy than early stopping gains.

    scoring : None, "loss", str or callable, default=None
        Validation score that ``early_stopping`` maximises. None is the estimator's own ``score``.
        "loss" is the negative validation loss. Any other str is the name of a scikit-learn scorer;
        with ``return_sequences=True`` it is computed over all steps. A callable has the signature
        ``scorer(estimator, X, y)`` and returns a number. Change it if your own metric differs from
        the default, for example to "balanced_accuracy" for rare classes.

    validation_fraction : float, default=0.1
        Fraction of the sequences that ``early_stopping`` holds out for validation, between 0 and 1.
        The split is stratified if each sequence has one label. Increase it if the validation scores
        are noisy. It is ignored if you pass ``X_val``.

    momentum : float, default=0.9
        Momentum of ``solver="sgd"``, from 0 to 1: the fraction of the previous step that is added
        to the next. 0 is plain gradient descent. ``solver="adam"`` ignores it.

    nesterovs_momentum : bool, default=True
        If True, ``solver="sgd"`` uses Nesterov's momentum. It has no effect if ``momentum`` is 0.

    beta_1 : float, default=0.9
        Decay rate of Adam's running mean of the gradient, from 0 to below 1. It rarely needs
        tuning. ``solver="sgd"`` ignores it.

    beta_2 : float, default=0.999
        Decay rate of Adam's running mean of the squared gradient, from 0 to below 1. It rarely
        needs tuning. ``solver="sgd"`` ignores it.

    epsilon : float, default=1e-8
        Constant that Adam adds to the denominator for numerical stability. It rarely needs tuning.
        ``solver="sgd"`` ignores it.

    bias : {"all", "hidden", "gates"} or None, default="all"
        Units that have a bias. "all" is every unit, "hidden" is gates and cells without the output
        layer, "gates" is gates only, and None is no unit. Change it to reproduce networks of the
        1997 paper, in which only some units have a bias.

    gate_bias : "auto", dict or None, default="auto"
        Initial biases of the gates. They set how long a block keeps its state at the start of
        training. None starts forget gates at 1 and the input gates of ``cell="coupled"`` at -1.
        "auto" does the same for three quarters of the blocks of a layer and starts the other, slow
        blocks on longer time scales. The time scales u are drawn from U[1, mean length of the
        training sequences]; forget gates start at log u and input gates at -log u. A layer with
        fewer than 3 blocks has no slow block. "auto" is the same as None for ``cell="1997"`` and if
        ``init_range`` is set. Pass a dict to set the biases yourself, for example
        ``{"input": -1.0, "output": (-2, -4, -6)}``: one number per gate, or one per block if there
        is a single layer.

    init_range : float or None, default=None
        Range of the initial weights and biases, which are drawn from U[-init_range, init_range].
        None draws the weights from Glorot's uniform distribution and starts biases at 0. Set it to
        reproduce the 1997 paper, for example to 0.1.

    warm_start : bool, default=False
        If True, ``fit`` continues from the parameters and the solver state of the previous ``fit``
        instead of starting anew. Use it to train in stages or to resume from a checkpoint.

    class_weight : dict, "balanced" or None, default=None
        Factor for the sample weights of each class. A dict maps labels to factors; labels that are
        missing in it have the factor 1. "balanced" gives all classes the same total weight, which
        helps if some classes are rare. "balanced" needs all of ``y``, so ``partial_fit`` and
        streams raise an error. Multilabel targets raise an error too; use ``sample_weight`` for
        them.

    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the sequences, dropout and the validation split.
        Pass an int to get the same result in every run.

    verbose : int, default=0
        Amount of output during training. With 1 or more, ``fit`` prints the epoch, the loss, the
        validation score and the time. On a terminal it updates one line. Elsewhere it prints one
        line per epoch. 0 prints nothing.

    n_jobs : int or None, default=None
        Number of threads. None uses what OpenMP allows (``OMP_NUM_THREADS``, else all available
        processors), or one thread inside a joblib worker. -1 uses all processors. Set it to 1 if
        you run several fits in parallel. Results are bit-identical for any number of threads.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels in sorted order. For a multilabel indicator, the numbers of its columns, or the names
        passed as ``classes`` to ``partial_fit`` or ``initialize``.

    layers_ : list of dict of ndarray
        Weights of each layer and direction: layer 0 forward, layer 0 backward (if
        ``bidirectional``), layer 1, and so on. With H blocks of S cells, G gates and R recurrent
        sources, "input" has shape ((G + S)·H, F), "recurrent" ((G + S)·H, R) and "bias"
        ((G + S)·H,). Peephole cells also have "peephole" of shape (3·H, S), and categorical
        features add "category". Rows are in the order input gates, forget gates, cells, output
        gates. The arrays are views: assigning to their elements changes the model.

    output_weights_ : ndarray of shape (`n_outputs_`, n_cells)
        Weights of the output layer; n_cells is the number of cells of the last hidden layer. It is
        a view of ``parameters_``. With a list of Q quantiles there are Q rows per output.

    output_bias_ : ndarray of shape (`n_outputs_`,)
        Biases of the output layer, a view of ``parameters_``. With a list of Q quantiles there are
        Q entries per output.

    parameters_ : ndarray of shape (n_weights,)
        All learned numbers in one vector.

    n_parameters_ : int
        Number of trainable parameters.

    n_features_in_ : int
        Number of columns if ``X`` is a 2-D table, else number of features per step.

    feature_names_in_ : ndarray of str
        Column names. Set only if ``X`` is a data frame or a list of data frames whose column names
        are all strings.

    is_categorical_ : ndarray of bool of shape (n_features,), or None
        Mask of the categorical features, or None if there are none.

    categories_ : list of ndarray, or None
        Categories of each categorical feature: codes, or labels with "from_dtype". The columns of
        ``layers_[0]["category"]`` are in this order, feature after feature. None if there are no
        categorical features.

    n_outputs_ : int
        Number of outputs of the network: 1 for two classes, n_classes for more, the number of
        labels for a multilabel indicator.

    out_activation_ : str
        Function applied to the outputs: "softmax" for three or more classes, else "logistic".

    n_iter_ : int
        Number of epochs of the last call of ``fit`` or ``partial_fit``.

    t_ : int
        Number of sequences seen in training, summed over all epochs. A stream adds 1 per update.

    loss_ : float
        Loss of the last epoch. ``fit`` reports the mean over all targets. ``partial_fit`` reports
        the mean over sequences of the loss summed over the targets of a sequence.

    loss_curve_ : list of float
        Loss after each epoch.

    best_loss_ : float or None
        Smallest loss of the last ``fit`` and of the calls of ``partial_fit`` since. None with
        ``early_stopping=True``.

    validation_scores_ : list of float or None
        Validation score after each epoch. None without ``early_stopping``.

    validation_loss_curve_ : list of float or None
        Validation loss after each epoch, the mean over targets. None without ``early_stopping``.

    best_validation_score_ : float or None
        Best validation score of the last call of ``fit``. None without ``early_stopping``.

    See Also
    --------
    LSTMRegressor : LSTM that predicts numbers.
    sklstm.preprocessing.SequenceScaler : Standardises features; use it before the network.
    sklstm.stream : Predicts and learns one time step at a time.

    Notes
    -----
    ``fit`` minimises the mean loss over all targets. With ``alpha=0`` only the ratios of sample
    weights matter.

    ``partial_fit`` follows the paper: it minimises the sum of the losses over the targets of a
    sequence, averaged over the sequences of a batch, and uses sample weights as they are.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997,
    pages 1735 to 1780.

    Examples
    --------
    The label is 1 if a low value (-1) comes before a high value (1), else 0:

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
        hidden_layer_sizes: int | Sequence[int] = 64,
        *,
        block_size: int = 1,
        cell: Cell = "forget",
        gradient: Gradient = "auto",
        bidirectional: bool = False,
        pooling: Pooling = "last",
        return_sequences: bool = False,
        features_per_step: int = 1,
        categorical_features: Categorical = None,
        solver: Solver = "adam",
        alpha: float = 0.0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        batch_size: int | Literal["auto"] = "auto",
        learning_rate: LearningRate = "constant",
        learning_rate_init: float = 0.005,
        power_t: float = 0.5,
        max_iter: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        clip_norm: float | None = 5.0,
        tol: float | None = None,
        n_iter_no_change: float = 50,
        early_stopping: bool = False,
        scoring: Scoring = None,
        validation_fraction: float = 0.1,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        bias: Bias | None = "all",
        gate_bias: GateBias = "auto",
        init_range: float | None = None,
        warm_start: bool = False,
        class_weight: ClassWeight = None,
        random_state: RandomState = None,
        verbose: int = 0,
        n_jobs: int | None = None,
    ) -> None:
        self._set_parameters(locals())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on more sequences, in the given order.

        Use it for data that arrive in parts or do not fit in memory.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences, in any form that ``fit`` accepts.
        y : array-like
            Targets as in ``fit``: one per sequence, or one per step with ``return_sequences=True``.
        classes : array-like of shape (n_classes,), default=None
            All labels that can occur. Pass it on the first call, unless ``initialize`` or ``fit``
            was called before. For a multilabel indicator, these are the names of its columns.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, or of steps in the container type of ``y``. They multiply the
            losses as they are, so their scale matters. None is 1.

        Returns
        -------
        self : object
            The estimator, trained for one more epoch.

        Raises
        ------
        ValueError
            If ``X``, ``y``, ``classes`` or a weight is invalid, or if ``early_stopping=True`` or
            ``class_weight="balanced"``. The estimator is then unchanged.

        Warns
        -----
        ConvergenceWarning
            If the loss is not finite. The parameters from before the call are kept.
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
    ) -> Self:
        """Draw initial parameters without training.

        Use it before online learning (``partial_fit`` or a stream), or to import parameters.

        Parameters
        ----------
        n_features : int
            Number of features per step.
        classes : array-like of shape (n_classes,), default=None
            All labels that can occur. Required unless ``n_outputs`` is more than 1.
        n_outputs : int, default=1
            Number of labels of a multilabel indicator. Keep 1 for a single label. With more than
            1, ``classes`` may contain the names of the labels.
        expected_length : float, default=None
            Number of steps over which the network may have to remember, for ``gate_bias="auto"``.
            None starts all blocks alike, as with ``gate_bias=None``. Set it if you know the
            typical length of a sequence.
        categories : list, default=None
            Categories of each categorical feature, in the order of the features: an array of codes,
            or the number of codes, counted from 0. Required with ``categorical_features``.

        Returns
        -------
        self : object
            The initialized estimator.

        Raises
        ------
        ValueError
            If an argument is invalid. The estimator is then unchanged.
        MemoryError
            If the network needs more memory than the machine has.
        """
        n_features = size_of_network(n_features, "n_features")
        n_outputs = size_of_network(n_outputs, "n_outputs")
        expected_length = positive_number(expected_length, "expected_length")
        if classes is None and n_outputs == 1:
            raise ValueError(
                "initialize needs classes: pass all labels that can occur, such as classes=[0, 1]."
            )
        with revised(self) as draft:
            draft._check_parameters()
            draft._set_outputs(Labels.named(classes, n_outputs, type(self).__name__))
            draft._initialize_categories(n_features, categories)
            draft._initialize(n_features, expected_length)
        return self

    def decision_function(self, X: Any) -> PerStep:
        """Return raw outputs, before the logistic function or the softmax.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        decision : ndarray of shape (n,) for two classes, else (n, `n_outputs_`)
            Raw outputs. For two classes, positive values predict ``classes_[1]``. With
            ``return_sequences=True``, one row per step in the container type of ``X``.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(raw[:, 0] if now.n_outputs_ == 1 else raw, sequences)

    def predict(self, X: Any) -> PerStep:
        """Predict the most probable label of each sequence.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        labels : ndarray of shape (n,), or an indicator of shape (n, `n_outputs_`) if multilabel
            Predicted labels. With ``return_sequences=True``, one row per step in the container
            type of ``X``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``X`` is invalid. The message names the sequence and the step.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().predict(raw), sequences)

    def predict_proba(self, X: Any) -> PerStep:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        proba : ndarray of shape (n, n_classes)
            Probabilities in the order of ``classes_``. Rows add up to 1, except for a multilabel
            indicator, where each label has its own probability. With ``return_sequences=True``, one
            row per step in the container type of ``X``.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().probabilities(raw), sequences)

    def predict_log_proba(self, X: Any) -> PerStep:
        """Predict the logarithm of the probability of each class.

        The values are accurate even if a probability is 0 in floating point.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.

        Returns
        -------
        log_proba : ndarray of shape (n, n_classes)
            Natural logarithms in the order of ``classes_``. With ``return_sequences=True``, one row
            per step in the container type of ``X``.
        """
        now, raw, sequences = self._run(X)
        return now._in_container(now._outputs_now().log_probabilities(raw), sequences)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : array of shape (n, T, F), list of (T_i, F) arrays, or table of shape (n, d)
            The sequences.
        y : array-like
            True targets as in ``fit``: one per sequence, or one per step with
            ``return_sequences=True``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the sequences, or of steps in the container type of ``y``. Steps with weight
            0 are ignored. None is 1.

        Returns
        -------
        score : float
            Fraction of correct predictions, from 0 to 1. With ``return_sequences=True`` it is
            computed over all steps. For a multilabel indicator a row is correct if all its labels
            are.
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
                "classes must be passed on the first call to partial_fit: all labels that can "
                "occur."
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

"""The part of the docstrings that the classifier and the regressor share."""

from __future__ import annotations

from textwrap import indent

PARAMETERS = """\
block_size : int, default=1
    Memory cells per block. The cells of a block share their gates.

cell : {"forget", "1997", "peephole", "coupled"}, default="forget"
    How the cell state is kept. "forget" has a forget gate and is the cell of PyTorch and Keras;
    "1997" is the original: it forgets nothing, and its gates feed the hidden layer too;
    "peephole" lets the gates see the cell state; "coupled" forgets exactly as much as it takes in.

gradient : {"auto", "truncated", "full"}, default="auto"
    "full" is back-propagation through time. "truncated" is the gradient of 1997: errors flow
    through the cell states only, not through the recurrent connections. It takes about three
    quarters of the time per epoch and scores lower on most real data. "auto" is "truncated" for
    `cell="1997"` and "full" for the other cells.

bidirectional : bool, default=False
    Read each sequence from both ends. The output sees both halves after they have read all of it
    (with `return_sequences`: at the same step).

return_sequences : bool, default=False
    False: one target per sequence, read at its last step. True: one per step; `y` is then
    `(n, T)`, `(n, T, k)` or a list of `(T_i,)` or `(T_i, k)` arrays, and predictions come in the
    container of `X`. It may be changed on a fitted model to see its outputs at every step.

features_per_step : int, default=1
    For 2-D `X` only: each row is one sequence, and this many of its columns make a step. A single
    long sequence `x` of shape `(T, F)` is `[x]`, with targets `[y]` per step.

solver : {"adam", "sgd"}, default="adam"
    How the parameters follow the gradient. Adam's rates do not depend on the schedule.

alpha : float, default=0.0
    Strength of the L2 penalty on weights (not on biases). The penalty of a batch is divided by
    the sum of the batch's sample weights.

batch_size : int or "auto", default="auto"
    Sequences per gradient step, at most as many as there are. "auto" is 32.

learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
    For "sgd" only. "invscaling" divides `learning_rate_init` by `(t_ + 1) ** power_t` after each
    epoch; "adaptive" divides it by 5 each time the stop rule is met, and goes on.

learning_rate_init : float, default=0.005
    Size of a step, in units of the weights for "adam". From 0.001 to 0.01 the choice made no clear
    difference on real data.

power_t : float, default=0.5
    Exponent of "invscaling".

max_iter : int or "auto", default="auto"
    Epochs, passes over all sequences, that `fit` makes at most. "auto" is 50 epochs, more for less
    than 20 batches (about 1000 gradient steps, at most 200 epochs) and fewer for more than 400
    batches (about 20,000 gradient steps, at least 10 epochs).

shuffle : bool, default=True
    Whether `fit` draws a new order of the sequences for each epoch. `partial_fit` never does.

clip_norm : float or None, default=5.0
    Largest Euclidean norm of the gradient of a batch; a longer one is scaled down to it. None
    does not clip. With 1, scores were the same or lower on real data.

tol : float or None, default=None
    `fit` stops after more than `n_iter_no_change` epochs in a row that do not improve the loss by
    `tol`. None trains for `max_iter` epochs, as LSTMs often improve again after a plateau. With
    `early_stopping`, `tol` applies to the validation score and loss, and None counts any
    improvement. With `learning_rate="adaptive"` None is 1e-4.

n_iter_no_change : int or inf, default=50
    Epochs without improvement before `fit` stops, with a number in `tol` or with
    `early_stopping`. Fewer stop on a plateau: 10 scored far lower on real data.

early_stopping : bool, default=False
    Watch the score and the loss on validation sequences instead of the training loss. The
    parameters with the best score are kept; the loss breaks ties, and training goes on while
    either improves. The sequences are those given to `fit` as `X_val`, or held out from `X`.

scoring : None, "loss", str or callable, default=None
    What `early_stopping` maximises: None is the estimator's own `score`, "loss" the negative loss,
    a str a scorer of scikit-learn (with `return_sequences` over all steps), and a callable has
    the signature `scorer(estimator, X, y)`.

validation_fraction : float, default=0.1
    Share of the sequences that is held out; stratified if each sequence has one label.

momentum : float, default=0.9
    For "sgd" only: how much of the last step is added to the next.

nesterovs_momentum : bool, default=True
    For "sgd" only: whether the gradient acts ahead of the momentum.

beta_1, beta_2 : float, default=0.9 and 0.999
    For "adam" only: decay of the running means of the gradient and of its square.

epsilon : float, default=1e-8
    For "adam" only: added to the root of the mean square.

bias : {"all", "hidden", "gates"} or None, default="all"
    Units with a bias: all, all but the outputs, the gates only, or none.

gate_bias : "auto", dict or None, default="auto"
    Initial biases of gates, for example `{"input": -1.0, "output": (-2, -4, -6)}`: a number, or
    one per block if there is a single layer. None starts forget gates at 1, and the input gates of
    "coupled" at -1, so that blocks remember at first. "auto" does the same for three quarters of
    the blocks of a layer and starts the others on longer time scales u, drawn from U[1, mean
    length of the training sequences]: forget gates at log u, input gates at -log u. It is None for
    "1997" and with `init_range`. Shares are rounded: of fewer than 3 blocks none is slow.

init_range : float or None, default=None
    Initial weights and biases are drawn from U[-init_range, init_range]. None draws weights from
    Glorot's uniform distribution and starts biases at 0.

warm_start : bool, default=False
    Whether `fit` goes on from the parameters (and the state of the solver) of the fit before.
"""

COMMON = """\
random_state : int, RandomState instance or None, default=None
    Draws the initial weights, the order of the sequences and the validation split.

verbose : int, default=0
    Above 0, the progress is shown: on a terminal in one line, elsewhere in a line per epoch.

n_jobs : int or None, default=None
    Threads. None is what OpenMP allows, -1 every processor. The result is the same bit by bit.
"""

ATTRIBUTES = """\
layers_ : list of dict of ndarray
    Layer 0 forward, layer 0 backward if `bidirectional`, layer 1, and so on. With H blocks of S
    cells, G gates and R recurrent sources: "input" `((G + S)·H, F)`, "recurrent" `((G + S)·H, R)`,
    "bias" `((G + S)·H,)`, for peepholes "peephole" `(3·H, S)`; rows in the order input gates,
    forget gates, cells, output gates. Assigning into these arrays changes the model.
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

"""


def documented(cls: type) -> type:
    """Fill what is shared into the docstring of an estimator."""
    if cls.__doc__:  # not under -OO
        parts = {"<parameters>": PARAMETERS, "<common>": COMMON, "<attributes>": ATTRIBUTES}
        for mark, text in parts.items():
            cls.__doc__ = cls.__doc__.replace(f"    {mark}\n", indent(text, "    "))
    return cls

"""Hyper-parameters of the estimators: allowed values, and their meaning for a network."""

from __future__ import annotations

from math import ceil
from numbers import Integral, Real
from typing import Any

import numpy as np

from sklstm._memory import about, fits, gib, require
from sklstm._numbers import row_of_numbers, scalar
from sklstm._sklearn import Interval, InvalidParameterError, Options, StrOptions
from sklstm._topology import BIASES, CELLS, GATES, POOLINGS, topology

AUTO_BATCH = 32  # batch_size="auto", or all sequences if there are fewer
# max_iter="auto": 50 to 200 epochs, for at least 1000 gradient steps; but at most 20,000 gradient
# steps if these are at least 10 epochs. See docs/defaults.md.
AUTO_UPDATES = (1000, 20_000)
AUTO_EPOCHS = (50, 200)
AUTO_EPOCHS_LARGE = 10

_AT_LEAST_1 = Interval(Integral, 1, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_DECAY = _SHARE = Interval(Real, 0, 1, closed="left")

ONE_READING = (
    "pooling={!r} makes one output per sequence, but return_sequences=True asks for one per step. "
    "Set return_sequences=False, or set pooling='last' and fit again."
)

CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", _AT_LEAST_1],
    "block_size": [_AT_LEAST_1],
    "cell": [StrOptions(set(CELLS))],
    "gradient": [StrOptions({"auto", "truncated", "full"})],
    "bidirectional": ["boolean"],
    "pooling": [StrOptions(set(POOLINGS))],
    "return_sequences": ["boolean"],
    "features_per_step": [_AT_LEAST_1],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
    "solver": [StrOptions({"adam", "sgd"})],
    "alpha": [_NOT_NEGATIVE],
    "dropout": [_SHARE],
    "recurrent_dropout": [_SHARE],
    "batch_size": [StrOptions({"auto"}), _AT_LEAST_1],
    "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
    "learning_rate_init": [_POSITIVE],
    "power_t": [_NOT_NEGATIVE],
    "max_iter": [StrOptions({"auto"}), _AT_LEAST_1],
    "shuffle": ["boolean"],
    "clip_norm": [_POSITIVE, None],
    "tol": [_NOT_NEGATIVE, None],
    "n_iter_no_change": [_AT_LEAST_1, Options(Real, {np.inf})],
    "early_stopping": ["boolean"],
    "scoring": [str, callable, None],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "beta_1": [_DECAY],
    "beta_2": [_DECAY],
    "epsilon": [_POSITIVE],
    "bias": [StrOptions({name for name in BIASES if name}), None],
    "gate_bias": [StrOptions({"auto"}), dict, None],
    "init_range": [_POSITIVE, None],
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
    "n_jobs": [Interval(Integral, None, -1, closed="right"), _AT_LEAST_1, None],
}


def shape_of(parameters: Any) -> dict[str, Any]:
    """The part of a topology that depends on hyper-parameters, as plain scalars.

    The constraints are validated before. Combinations of parameters are checked here.
    """
    sizes = _layer_sizes(parameters.hidden_layer_sizes)
    if parameters.return_sequences and parameters.pooling != "last":
        raise InvalidParameterError(ONE_READING.format(parameters.pooling))
    return {
        "cell": str(parameters.cell),
        "hidden_layer_sizes": sizes,
        "block_size": int(parameters.block_size),
        "bidirectional": bool(parameters.bidirectional),
        "bias": parameters.bias,
        "pooling": str(parameters.pooling),
    }


def draw(
    shape: dict[str, Any],
    parameters: Any,
    rng: np.random.RandomState,
    dtype: Any,
    expected_length: float | None,
) -> np.ndarray:
    """The initial vector of parameters of a network of this shape.

    ``expected_length`` is the number of steps that ``gate_bias="auto"`` uses.
    """
    largest = np.finfo(dtype).max / 2
    if parameters.init_range is not None and parameters.init_range > largest:
        raise InvalidParameterError(
            f"init_range={parameters.init_range!r} is too large for {np.dtype(dtype)} numbers. Use "
            f"at most {largest:.3g}."
        )
    automatic = isinstance(parameters.gate_bias, str)
    gate_bias = None if automatic else _gate_biases(parameters.gate_bias, shape)
    layout = topology(**shape)
    # Drawing needs doubles. Training needs six vectors: current, previous and best parameters,
    # gradient, and the two vectors of Adam.
    n_bytes = layout.n_dense * 8 + layout.n_total * 6 * np.dtype(dtype).itemsize
    try:
        if not fits(n_bytes):
            raise MemoryError
        return layout.initial(
            rng,
            gate_bias=gate_bias,
            init_range=parameters.init_range,
            expected_length=expected_length if automatic else None,
            dtype=dtype,
        )
    except MemoryError:
        raise MemoryError(
            f"A network with hidden_layer_sizes={shape['hidden_layer_sizes']}, block_size="
            f"{shape['block_size']}, {shape['n_features']} features per step and "
            f"{shape['n_outputs']} outputs has {about(layout.n_total)} parameters and needs "
            f"{gib(n_bytes)} GiB for training: there is not enough memory. Make it smaller."
        ) from None


def batch_size(parameters: Any, n: int) -> int:
    """Number of sequences per gradient step, for ``n`` sequences."""
    size = AUTO_BATCH if isinstance(parameters.batch_size, str) else int(parameters.batch_size)
    return min(size, n)


def epochs(parameters: Any, n: int, batch_size: int) -> int:
    """Largest number of epochs of ``fit``, for ``n`` sequences."""
    if not isinstance(parameters.max_iter, str):
        return int(parameters.max_iter)
    n_batches = ceil(n / batch_size)
    few, many = (updates // n_batches for updates in AUTO_UPDATES)
    fewest, most = AUTO_EPOCHS
    return min(max(few, fewest), most, max(many, AUTO_EPOCHS_LARGE))


def gradient_of(gradient: str, cell: str) -> str:
    """Either "truncated" or "full". "auto" is "truncated" only for the paper's cell."""
    if gradient != "auto":
        return gradient
    return "truncated" if cell == "1997" else "full"


def setting_of(estimator: Any, name: str, default: Any) -> Any:
    """The parameter ``name`` of an estimator, or of the first of its parts that has it."""
    parameters = estimator.get_params().items()
    return next((v for key, v in parameters if key.rpartition("__")[2] == name), default)


def positive_int(value: Any, name: str) -> int:
    """An argument as an int of 1 or more, or an error that names it."""
    if not _is_size(value):
        raise ValueError(f"{name} must be an int of 1 or more, got {value!r}.")
    return int(value)


def size_of_network(value: Any, name: str) -> int:
    """A number of features or outputs as an int; MemoryError if its weights cannot fit."""
    size = positive_int(value, name)
    # each needs at least one weight, in the six float64 vectors of training
    require(48 * size, f"{name}={value}", "Make it smaller.")
    return size


def flag(value: Any, name: str) -> bool:
    """An argument as a bool, or an error that names it."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}.")
    return bool(value)


def positive_number(value: Any, name: str) -> float | None:
    """A finite number above 0, or None; else an error that names the argument."""
    if value is None:
        return None
    number = scalar(value)
    if isinstance(value, bool) or not 0 < number < np.inf:
        raise ValueError(f"{name} must be a finite number above 0 or None, got {value!r}.")
    return number


def _layer_sizes(sizes: Any) -> tuple[int, ...]:
    several = (sizes,) if isinstance(sizes, Integral) else tuple(sizes)
    if not several or not all(_is_size(size) for size in several):
        raise InvalidParameterError(
            "The 'hidden_layer_sizes' parameter must be an int or a non-empty tuple of ints of 1 "
            f"or more, the memory blocks of each layer. Got {sizes!r} instead."
        )
    return tuple(int(size) for size in several)


def _is_size(size: Any) -> bool:
    return isinstance(size, Integral) and not isinstance(size, (bool, np.bool_)) and size >= 1


def _gate_biases(gate_bias: dict | None, shape: dict[str, Any]) -> dict | None:
    """The initial gate biases as arrays, or an error if they do not match the network."""
    if gate_bias is None:
        return None
    cell, sizes = shape["cell"], shape["hidden_layer_sizes"]
    if gate_bias and shape["bias"] is None:
        raise InvalidParameterError(
            f"gate_bias={gate_bias!r} sets biases, but with bias=None no unit has one. Set bias to "
            "'gates', 'hidden' or 'all'."
        )
    biases = {}
    for gate, value in gate_bias.items():
        if gate not in GATES[cell]:
            raise InvalidParameterError(
                f"gate_bias has a bias for {gate!r}, but the gates of cell={cell!r} are "
                f"{', '.join(map(repr, GATES[cell]))}."
            )
        bias = row_of_numbers(value)
        if bias is None or not np.isfinite(bias).all():
            raise InvalidParameterError(
                f"gate_bias[{gate!r}] must be a finite number or one per block, got {value!r}."
            )
        if np.ndim(value) == 0:
            bias = bias[0]
        elif len(sizes) > 1 or len(bias) != sizes[0]:
            needed = (
                f"one number for all {len(sizes)} layers"
                if len(sizes) > 1
                else f"one number, or one for each of the {sizes[0]} blocks"
            )
            raise InvalidParameterError(
                f"gate_bias[{gate!r}] has {len(bias)} numbers, expected {needed}."
            )
        biases[gate] = bias
    return biases

"""Timed work: sizes, their data and initial parameters, and sklstm running them."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sklstm import LSTMRegressor

SHORTEST, LONGEST = 10, 200  # of ragged sequences
RATE = 1e-3  # of learning: small enough to train for thousands of steps on noise
BETAS = (0.9, 0.999)  # of Adam
EPSILON = 1e-16  # of Adam: PyTorch adds it elsewhere, which must not show in the comparison


@dataclass(frozen=True)
class Work:
    """A task at one size: "training" (the unit is a step, a batch) or "inference" (a call)."""

    task: str
    batch: int
    steps: int | None  # None: ragged
    features: int
    hidden: int
    dtype: str = "float32"
    solver: str = "sgd"  # or "adam"
    sequences: int | None = None  # in X; None: many small batches, or some large ones

    def __str__(self) -> str:
        steps = "-" if self.steps is None else self.steps
        return f"({self.batch}, {steps}, {self.features}, {self.hidden})"

    @property
    def special(self) -> str:
        """What the sizes do not say, such as "Adam, float64"; mostly nothing."""
        found = {"ragged": self.ragged, "Adam": self.solver == "adam"}
        found[self.dtype] = self.dtype != "float32"
        return ", ".join(name for name, holds in found.items() if holds)

    @property
    def title(self) -> str:
        """The task, and what is special about it."""
        return f"{self.task} ({self.special})" if self.special else self.task

    @property
    def ragged(self) -> bool:
        return self.steps is None

    @property
    def mean_steps(self) -> float:
        return (SHORTEST + LONGEST) / 2 if self.steps is None else self.steps

    @property
    def n_batches(self) -> int:
        """Batches in X."""
        if self.task == "inference":
            return 1
        if self.sequences is not None:
            return self.sequences // self.batch
        numbers = self.batch * self.mean_steps * (self.features + self.hidden)
        return min(64, max(4, int(4e6 / numbers)))

    def batches(self) -> list[tuple[Any, np.ndarray]]:
        """X and y of each batch; X is an array, or a list if ragged."""
        rng = np.random.default_rng(0)
        found = []
        for _ in range(self.n_batches):
            longest = self.steps or LONGEST
            X = rng.standard_normal((self.batch, longest, self.features)).astype(self.dtype)
            y = rng.standard_normal(self.batch).astype(self.dtype)
            if self.ragged:
                lengths = rng.integers(SHORTEST, LONGEST + 1, self.batch)
                X = [x[:length].copy() for x, length in zip(X, lengths, strict=True)]
            found.append((X, y))
        return found

    def parameters(self) -> dict[str, np.ndarray]:
        """First parameters, the same for everyone: PyTorch's layout."""
        rng = np.random.default_rng(1)
        H = self.hidden
        shapes = {
            "input": (4 * H, self.features),
            "recurrent": (4 * H, H),
            "bias": (4 * H,),
            "output_weights": (1, H),
            "output_bias": (1,),
        }
        return {
            name: rng.uniform(-1, 1, shape).astype(self.dtype) / np.sqrt(H).astype(self.dtype)
            for name, shape in shapes.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"n_batches": self.n_batches}

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Work:
        return cls(**{name: value for name, value in given.items() if name != "n_batches"})

    @property
    def flop(self) -> float:
        """Floating-point operations that a unit really needs, training with the full gradient.

        Per step and sequence and each of the 4 H rows: forward, a product with F inputs and H
        cells; training also the error's way back to the H cells, and the gradient of F + H + 1
        columns.
        """
        F, H = self.features, self.hidden
        columns = F + H
        if self.task == "training":
            columns += H + (F + H + 1)
        return self.batch * self.mean_steps * 2 * 4 * H * columns


class Sklstm:
    """sklstm through its public interface."""

    def __init__(
        self,
        work: Work,
        n_threads: int | None,
        gradient: str = "full",
        rate: float = RATE,
        **parameters: Any,
    ) -> None:
        self.work = work
        self.first, *_ = batches = work.batches()
        self.X = [x for X, _ in batches for x in X]
        if not work.ragged:
            self.X = np.stack(self.X)
        self.y = np.concatenate([y for _, y in batches])
        self.model = LSTMRegressor(
            work.hidden,
            gradient=gradient,
            solver="sgd",
            learning_rate_init=rate,
            momentum=0.0,
            beta_1=BETAS[0],
            beta_2=BETAS[1],
            epsilon=EPSILON,
            clip_norm=None,
            normalize_y=False,  # the peers learn y as it is
            shuffle=False,
            tol=0.0,
            n_iter_no_change=inf,
            batch_size=work.batch,
            n_jobs=n_threads,
            **parameters,
        )
        self._fit(self.X[:1], self.y[:1], 1)
        self.model.solver = work.solver  # Adam begins here: it knows nothing of that fit
        for name, values in work.parameters().items():
            self._views()[name][:] = values

    def run(self, n: int) -> int:
        """Do n units or a few more; how many it were.

        Training is one whole ``fit`` of many steps, with its checks and its work arrays.
        """
        if self.work.task == "inference":
            for _ in range(n):
                self.model.predict(self.X)
            return n
        n_epochs = -(-n // self.work.n_batches)
        self._fit(self.X, self.y, n_epochs)
        return n_epochs * self.work.n_batches

    def learn_once(self) -> tuple[float, dict[str, np.ndarray]]:
        """Loss of the first batch, and the parameters after one step on it."""
        self.model.partial_fit(*self.first)
        return self.model.loss_, {name: view.copy() for name, view in self._views().items()}

    def outputs(self) -> np.ndarray:
        return self.model.predict(self.X)

    def _fit(self, X: Any, y: np.ndarray, n_epochs: int) -> None:
        self.model.max_iter = n_epochs
        with warnings.catch_warnings():  # that it ends before it converges is the point
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model.fit(X, y)

    def _views(self) -> dict[str, np.ndarray]:
        return self.model.layers_[0] | {
            "output_weights": self.model.output_weights_,
            "output_bias": self.model.output_bias_,
        }

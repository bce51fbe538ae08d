"""The same work in PyTorch, JAX and ONNX Runtime, written as in their documentation.

Batches are prepared in the peer's own arrays and axis order before the clock starts. The times of
sklstm include the conversion of X in ``fit`` and ``predict``.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from itertools import cycle, islice
from typing import Any

import numpy as np

from benchmarks.work import BETAS, EPSILON, RATE, Work

PACKAGES = {"PyTorch": "torch", "JAX": "jax", "ONNX Runtime": "onnxruntime"}


def installed() -> dict[str, bool]:
    """Which peers are here."""
    needs = {name: [package] for name, package in PACKAGES.items()}
    needs["ONNX Runtime"].append("onnx")
    return {name: all(map(find_spec, packages)) for name, packages in needs.items()}


def steps_first(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """X as (T, B, F), padded with zeros if ragged, and the last step of each sequence."""
    lengths = np.array([len(x) for x in X])
    padded = np.zeros((lengths.max(), len(X), X[0].shape[1]), X[0].dtype)
    for k, x in enumerate(X):
        padded[: len(x), k] = x
    return padded, lengths - 1


class PyTorch:
    """``nn.LSTM`` and ``nn.Linear``. ``form`` of ragged batches: "padded" or "packed"."""

    def __init__(
        self, work: Work, n_threads: int, form: str = "padded", rate: float = RATE
    ) -> None:
        import torch
        from torch import nn

        torch.set_num_threads(n_threads)
        self.torch, self.work, self.form = torch, work, form
        dtype = getattr(torch, work.dtype)
        self.lstm = nn.LSTM(work.features, work.hidden, dtype=dtype)
        self.head = nn.Linear(work.hidden, 1, dtype=dtype)
        self.named = {
            "input": self.lstm.weight_ih_l0,
            "recurrent": self.lstm.weight_hh_l0,
            "bias": self.lstm.bias_ih_l0,  # the second bias starts at zero
            "output_weights": self.head.weight,
            "output_bias": self.head.bias,
        }
        with torch.no_grad():
            self.lstm.bias_hh_l0.zero_()
            for name, values in work.parameters().items():
                self.named[name].copy_(torch.from_numpy(values))
        parameters = [*self.lstm.parameters(), *self.head.parameters()]
        if work.solver == "adam":
            self.optimizer = torch.optim.Adam(
                parameters, lr=rate, betas=BETAS, eps=EPSILON, fused=True
            )
        else:
            self.optimizer = torch.optim.SGD(parameters, lr=rate)
        self.loss_of = nn.MSELoss()
        self.batches = [self._batch(X, y) for X, y in work.batches()]

    def _batch(self, X: Any, y: np.ndarray) -> tuple[Any, Any, Any]:
        torch = self.torch
        targets = torch.from_numpy(y)[:, None]
        padded, last = steps_first(X)
        if not self.work.ragged:
            return torch.from_numpy(padded), None, targets
        if self.form == "padded":
            return torch.from_numpy(padded), torch.from_numpy(last), targets
        packed = torch.nn.utils.rnn.pack_sequence(
            [torch.from_numpy(x) for x in X], enforce_sorted=False
        )
        return packed, None, targets

    def _forward(self, x: Any, last: Any) -> Any:
        steps, (h, _) = self.lstm(x)
        return self.head(h[0] if last is None else steps[last, self.torch.arange(len(last))])

    def run(self, n: int) -> int:
        """Do n units."""
        if self.work.task == "inference":
            x, last, _ = self.batches[0]
            with self.torch.inference_mode():
                for _ in range(n):
                    self._forward(x, last)
            return n
        for x, last, y in islice(cycle(self.batches), n):
            self.optimizer.zero_grad()
            loss = 0.5 * self.loss_of(self._forward(x, last), y)
            loss.backward()
            self.optimizer.step()
            self.loss = loss.item()
        return n

    def learn_once(self) -> tuple[float, dict[str, np.ndarray]]:
        """Loss of the first batch, and the parameters after one step more on it."""
        self.run(1)
        with self.torch.no_grad():
            self.lstm.bias_hh_l0.zero_()  # two biases would move twice as fast as one
        return self.loss, {name: p.detach().numpy().copy() for name, p in self.named.items()}

    def outputs(self) -> np.ndarray:
        x, last, _ = self.batches[0]
        return self._forward(x, last).detach().numpy()[:, 0]


class JAX:
    """``lax.scan`` under ``jit``; the step with its gradient and its update is one program.

    ``unroll`` is that of the scan: 1 is JAX's default, 4 is faster for single sequences.
    """

    def __init__(self, work: Work, n_threads: int, unroll: int = 1, rate: float = RATE) -> None:
        import jax

        if work.dtype == "float64":
            jax.config.update("jax_enable_x64", True)
        self.jax, self.work = jax, work
        self.p = {
            name: jax.device_put(np.ascontiguousarray(values.T))
            for name, values in work.parameters().items()
        }
        if work.solver == "adam":
            zeros = jax.tree.map(jax.numpy.zeros_like, self.p)
            steps = jax.numpy.zeros((), work.dtype)
            self.moments = (steps, zeros, jax.tree.map(jax.numpy.zeros_like, self.p))
        else:
            self.moments = ()
        self.batches = [
            (jax.device_put(steps_first(X)[0]), jax.device_put(y)) for X, y in work.batches()
        ]
        self._forward = jax.jit(partial(self._network, unroll))
        self._step = jax.jit(partial(self._learn, unroll, rate), donate_argnums=(0, 1))

    def _network(self, unroll: int, p: dict[str, Any], x: Any) -> Any:
        jax, jnp = self.jax, self.jax.numpy
        sigmoid = jax.nn.sigmoid

        def step(carry, x_t):
            h, s = carry
            z = x_t @ p["input"] + h @ p["recurrent"] + p["bias"]
            i, f, g, o = jnp.split(z, 4, axis=-1)
            s = sigmoid(f) * s + sigmoid(i) * jnp.tanh(g)
            return (sigmoid(o) * jnp.tanh(s), s), None

        zero = jnp.zeros((x.shape[1], self.work.hidden), x.dtype)
        (h, _), _ = jax.lax.scan(step, (zero, zero), x, unroll=unroll)
        return (h @ p["output_weights"] + p["output_bias"])[:, 0]

    def _learn(
        self, unroll: int, rate: float, p: dict[str, Any], moments: tuple, x: Any, y: Any
    ) -> Any:
        jax, jnp = self.jax, self.jax.numpy

        def loss_of(p):
            return 0.5 * jnp.mean((self._network(unroll, p, x) - y) ** 2)

        loss, d_p = jax.value_and_grad(loss_of)(p)
        if self.work.solver == "adam":
            return *self._adam(rate, p, d_p, moments), loss
        return jax.tree.map(lambda value, slope: value - rate * slope, p, d_p), moments, loss

    def _adam(self, rate: float, p: dict[str, Any], d_p: dict[str, Any], moments: tuple) -> Any:
        """Parameters and moments after a step, with sklstm's arithmetic."""
        tree, sqrt = self.jax.tree, self.jax.numpy.sqrt
        beta_1, beta_2 = BETAS
        n_steps, mean, square = moments
        n_steps = n_steps + 1
        mean = tree.map(lambda m, slope: beta_1 * m + (1 - beta_1) * slope, mean, d_p)
        square = tree.map(lambda v, slope: beta_2 * v + (1 - beta_2) * slope**2, square, d_p)
        rate = rate * sqrt(1 - beta_2**n_steps) / (1 - beta_1**n_steps)
        p = tree.map(lambda p, m, v: p - rate * m / (sqrt(v) + EPSILON), p, mean, square)
        return p, (n_steps, mean, square)

    def run(self, n: int) -> int:
        """Do n units."""
        if self.work.task == "inference":
            for _ in range(n):
                self._forward(self.p, self.batches[0][0]).block_until_ready()
            return n
        for x, y in islice(cycle(self.batches), n):
            self.p, self.moments, loss = self._step(self.p, self.moments, x, y)
            self.loss = float(loss)
        self.jax.block_until_ready(self.p)
        return n

    def learn_once(self) -> tuple[float, dict[str, np.ndarray]]:
        """As PyTorch's."""
        self.run(1)
        return self.loss, {name: np.asarray(values).T for name, values in self.p.items()}

    def outputs(self) -> np.ndarray:
        return np.asarray(self._forward(self.p, self.batches[0][0]))


class ONNXRuntime:
    """A graph of LSTM and Gemm: inference only."""

    def __init__(self, work: Work, n_threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
        self.session = onnxruntime.InferenceSession(
            self._model(work), options, providers=["CPUExecutionProvider"]
        )
        x, _ = steps_first(work.batches()[0][0])
        self.feed = {"x": x}

    @staticmethod
    def _model(work: Work) -> bytes:
        from onnx import TensorProto, helper, numpy_helper

        p = work.parameters()
        # ONNX's order of rows is input, output, forget, cell
        i, f, g, o = np.split(np.arange(4 * work.hidden), 4)
        rows = np.concatenate([i, o, f, g])
        bias = np.concatenate([p["bias"][rows], np.zeros_like(p["bias"])])
        tensors = {
            "W": p["input"][rows][None],
            "R": p["recurrent"][rows][None],
            "B": bias[None],
            "head": p["output_weights"],
            "head_bias": p["output_bias"],
            "axis": np.array([0]),
        }
        nodes = [
            helper.make_node("LSTM", ["x", "W", "R", "B"], ["", "h"], hidden_size=work.hidden),
            helper.make_node("Squeeze", ["h", "axis"], ["last"]),
            helper.make_node("Gemm", ["last", "head", "head_bias"], ["out"], transB=1),
        ]
        real = getattr(TensorProto, {"float32": "FLOAT", "float64": "DOUBLE"}[work.dtype])
        shape = [work.steps, work.batch, work.features]
        graph = helper.make_graph(
            nodes,
            "lstm",
            [helper.make_tensor_value_info("x", real, shape)],
            [helper.make_tensor_value_info("out", real, [work.batch, 1])],
            [numpy_helper.from_array(values, name) for name, values in tensors.items()],
        )
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()

    def run(self, n: int) -> int:
        """Do n units."""
        for _ in range(n):
            self.session.run(None, self.feed)
        return n

    def outputs(self) -> np.ndarray:
        return self.session.run(None, self.feed)[0][:, 0]


def peers_of(work: Work, unroll: int = 1) -> dict[str, tuple[type, dict[str, Any]]]:
    """Who is here to do this work: name, class and settings. Ragged batches are PyTorch's."""
    known = {
        "PyTorch": (PyTorch, {}),
        "JAX": (JAX, {"unroll": unroll}),
        "ONNX Runtime": (ONNXRuntime, {}),
    }
    if work.task == "training":
        del known["ONNX Runtime"]
    found = {name: peer for name, peer in known.items() if installed()[name]}
    if work.ragged and "PyTorch" in found:
        return {f"PyTorch {form}": (PyTorch, {"form": form}) for form in ("padded", "packed")}
    return {} if work.ragged else found


def same_answer(ours: Any, theirs: Any) -> float:
    """Largest difference of two answers, relative to the largest number of ours."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.abs(ours - theirs).max() / np.abs(ours).max())

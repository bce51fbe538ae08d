"""SequenceChunker's nets in NumPy, as its docstring says it. Losses also take complex weights."""

import numpy as np

ACTIVATIONS = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


class Net:
    """One net: its weights, and what it has seen."""

    def __init__(self, model, vector, n_outputs, n_plain, shortcuts):
        self.model, self.vector, self.n_plain = model, vector, n_plain
        self.n_sources = model.n_hidden + model.bias + model._shape["n_features"]
        self.n_outputs, self.shortcuts = n_outputs, shortcuts
        self.states, self.inputs = [np.zeros(model.n_hidden)], []

    def forward(self, vector, state, x):
        n, one = self.model.n_hidden, [1.0] if self.model.bias else []
        split = self.n_sources * n
        w, v = vector[:split].reshape(-1, n), vector[split:].reshape(-1, self.n_outputs)
        hidden = ACTIVATIONS["logistic"](np.concatenate([state, one, x]) @ w)
        z = np.concatenate([hidden, one, x if self.shortcuts else []]) @ v
        plain = ACTIVATIONS[self.model.out_activation](z[: self.n_plain])
        return hidden, np.concatenate([plain, ACTIVATIONS["logistic"](z[self.n_plain :])])

    def miss(self, wanted, moved):
        """The gradient of having predicted something else."""
        return self.gradient(lambda out: ((out - wanted) ** 2).sum() / 2, moved)

    def slide(self, vector, state, x):
        """Derivative of what reaches the hidden units."""
        n, one = self.model.n_hidden, [1.0] if self.model.bias else []
        w = vector[: self.n_sources * n].reshape(-1, n)
        return (np.concatenate([state, one, x]) @ w).imag

    def see(self, x):
        hidden, out = self.forward(self.vector, self.states[-1], x)
        self.states.append(hidden), self.inputs.append(x)
        return out

    def gradient(self, loss, moved):
        """Of a loss of the last outputs, with the state n_steps ago as it is, by complex step.

        If weights have ``moved`` in between, the states in between are those that were, not those
        that the weights of now would give: only their derivatives (the imaginary parts) go on.
        """
        k = max(len(self.inputs) - self.model.n_steps, 0)
        result = np.empty(len(self.vector))
        for i in range(len(result)):
            vector, state = self.vector.astype(complex), self.states[k]
            vector[i] += 1e-30j
            for x, was in zip(self.inputs[k:], self.states[k + 1 :], strict=True):
                before, (state, out) = state, self.forward(vector, state, x)
                if moved and x is not self.inputs[-1]:
                    state = was + 1j * self.slide(vector, before, x) * was * (1 - was)
            result[i] = loss(out).imag / 1e-30
        return result


def run(model, vector, x, d, weights, rate=0.0, only=None):
    """Both nets over one sequence; the vector that is left, or both gradients at step ``only``."""
    F, K, n = x.shape[1], d.shape[1], model.n_hidden
    n_main = K + (0 if model.next_input else F)
    split = model.n_automatizer_parameters_
    A = Net(model, vector[:split].copy(), n_main + n, n_main, True)
    C = Net(model, vector[split:].copy(), F, F, model.chunker_shortcuts)
    gradients = [np.zeros_like(A.vector), np.zeros_like(C.vector)]
    unexpected, wanted, moved = True, None, only is None
    for t in range(len(x)):
        if unexpected:
            if t > 0:
                gradients[1] = C.miss(wanted, moved)
                C.vector -= rate * gradients[1]
            C.see(x[t])
        elif only is not None:
            gradients[1] = np.zeros_like(C.vector)
        out = A.see(x[t])
        wanted = d[t] if model.next_input else x[t + 1] if t + 1 < len(x) else None
        state = C.states[-1]

        def loss(out, t=t, wanted=wanted, state=state):
            targets = weights[t] * np.where(np.isnan(d[t]), 0, out[:K] - np.nan_to_num(d[t])) ** 2
            total = targets.sum() + ((out[n_main:] - state) ** 2).sum()
            if wanted is not None and not model.next_input:
                total += ((out[K:n_main] - wanted) ** 2).sum()
            return total / 2

        gradients[0] = A.gradient(loss, moved)
        if t == only:
            return gradients
        A.vector -= rate * gradients[0]
        predicted = out[:K] if model.next_input else out[K:n_main]
        unexpected = wanted is not None and bool(
            (np.abs(predicted - wanted) > model.threshold).any()
        )
    if unexpected:
        C.vector -= rate * C.miss(wanted, moved)
    return np.concatenate([A.vector, C.vector])

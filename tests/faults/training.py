"""Faults: training."""

from faults.fault import Fault

FAULTS = [
    Fault(
        "adam",
        "epsilon is added under the root",
        "sklstm/_optimizers.pyx",
        "(square_root(v[i]) + eps)",
        "square_root(v[i] + eps)",
        "test_optimizers.py",
    ),
    Fault(
        "schedule",
        "the schedule invscaling begins one sequence late",
        "sklstm/_solvers.py",
        "divisor = float(t + 1) ** self.power_t",
        "divisor = float(t) ** self.power_t",
        "test_optimizers.py test_training.py",
    ),
    Fault(
        "schedule-end",
        "the schedule adaptive never gives up",
        "sklstm/_solvers.py",
        ' or self.state["learning_rate"] <= SMALLEST_RATE',
        "",
        "test_optimizers.py test_training.py",
    ),
    Fault(
        "diverged",
        "after divergence the last step stays",
        "sklstm/_descent.py",
        "        self.undo()\n",
        "",
        "test_training.py",
    ),
    Fault(
        "mean-loss",
        "a smaller last batch counts as much as the others in the loss of an epoch",
        "sklstm/_descent.py",
        "total += loss * size",
        "total += loss * batch_size",
        "test_training.py",
    ),
    Fault(
        "best-score",
        "among epochs of the same validation score the first is kept, not that of the lowest loss",
        "sklstm/_training.py",
        "(score, -loss) > (self.best_score, -self.best_validation_loss)",
        "score > self.best_score",
        "test_training.py test_validation.py",
    ),
    Fault(
        "patience",
        "patience ends one epoch early",
        "sklstm/_training.py",
        "records.n_no_change > self.n_iter_no_change",
        "records.n_no_change >= self.n_iter_no_change",
        "test_training.py",
    ),
    Fault(
        "validation-order",
        "early stopping without shuffling learns in a random order",
        "sklstm/_validation.py",
        "    order.sort()\n",
        "",
        "test_validation.py test_training.py",
    ),
]

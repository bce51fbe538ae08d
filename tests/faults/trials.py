"""Faults: trials of the paper."""

from faults.fault import LANES, TRIALS, TRIALS_PYX, Fault

CHOICES = "test_paper_choices.py"

FAULTS = [
    Fault(
        "lanes-grown",
        "errors reach the cell of a net that has not grown it",
        LANES,
        "store(nets.d_s + c * LANES, load(nets.d_s + c * LANES) * load(nets.grown))",
        "pass",
        TRIALS,
    ),
    Fault(
        "lanes-symbols",
        "only the symbol of this step learns from the traces",
        LANES,
        "for symbol in range(symbols.n):",
        "for symbol in range(symbols.now[lane], symbols.now[lane] + 1):",
        TRIALS,
    ),
    Fault(
        "lanes-rest",
        "traces of symbols outlast their sequence",
        LANES,
        "    if symbols.n:\n        memset(",
        "    if symbols.n < 0:\n        memset(",
        TRIALS,
    ),
    Fault(
        "lanes-company",
        "an update of one lane forgets what the others have to add",
        LANES,
        "kept[lane] = not now[lane]",
        "kept[lane] = 0",
        TRIALS,
    ),
    Fault(
        "trials-rate",
        "a falling rate is a step ahead",
        TRIALS_PYX,
        "for _t in range(self.trials[lane].now.t):",
        "for _t in range(self.trials[lane].now.t + 1):",
        TRIALS,
    ),
    Fault(
        "trials-test",
        "nets learn from the sequences of their tests",
        TRIALS_PYX,
        "self.learns[lane] = self.targeted[lane] and trial.phase == TRAINING",
        "self.learns[lane] = self.targeted[lane]",
        TRIALS,
    ),
    Fault(
        "trials-nan",
        "outputs of NaN are right",
        "sklstm/paper/_judgement.pxd",
        "within[lane] &= fabs(targets[k * LANES + lane] - out[k * LANES + lane]) < tolerance",
        "within[lane] &= not fabs(targets[k * LANES + lane] - out[k * LANES + lane]) >= tolerance",
        "test_criterion.py",
    ),
    Fault(
        "trials-continue",
        "a training sequence continues the sequences of a test",
        TRIALS_PYX,
        "continues = training and trial.phase == TRAINING and (",
        "continues = trial.phase == TRAINING and (",
        CHOICES,
    ),
    Fault(
        "lanes-decay",
        "an update of one lane decays the biases of all",
        LANES,
        "if now[lane] and nets.bias_decay:",
        "if nets.bias_decay:",
        CHOICES,
    ),
    Fault(
        "trials-accepted",
        "the outputs of the first lane are judged for all",
        "sklstm/paper/_judgement.pxd",
        "out[trial.now.following * LANES + lane] > criterion.accepted",
        "out[trial.now.following * LANES] > criterion.accepted",
        CHOICES,
    ),
]

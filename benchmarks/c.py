"""C for small devices: instructions per step on a Cortex-M4, bytes, precision, accuracy in int8.

Steps run on an emulated Cortex-M4, which counts instructions instead of cycles. The networks have 6
features, one output, and random weights, which do not affect the figures. Precision and accuracy
are measured with the compiler of this machine.
"""

from __future__ import annotations

import shutil
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline

from benchmarks.device import cortex
from benchmarks.report import machine, table, write_json
from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.datasets import load_japanese_vowels
from sklstm.export import to_c
from sklstm.preprocessing import SequenceScaler

N_FEATURES, UNITS, CELLS = 6, (8, 16, 32, 64), ("forget", "coupled", "peephole", "1997")
GOALS = {  # of 32 units of the cell "forget": what, in which weights -> the most there may be
    ("instructions", "float"): 30_000,
    ("constants", "float"): 21_000,
    ("constants", "int8"): 6_000,
}
UNITS_OF_VOWELS = 32
POINTS = 0.5  # of accuracy on the Japanese vowels, that int8 may change
FLAGS = "-O2"
DEVICE = Path(__file__).with_name("device")


def main(argv: list[str]) -> int:
    """Print the tables, and write the results if a file is given; 1 if a goal is missed."""
    parser = ArgumentParser(prog="python -m benchmarks c", description=__doc__)
    parser.add_argument(
        "--seeds", type=int, default=10, help="fits to the Japanese vowels (default: 10)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results to this file")
    parser.add_argument("--flags", default=FLAGS, help=f"compiler flags (default: {FLAGS})")
    options = parser.parse_args(argv)
    if shutil.which("cc") is None or not cortex.is_here():
        parser.error("this needs cc, arm-none-eabi-gcc and qemu-system-arm. Install them first")
    results = {
        "compiler": f"{cortex.version()} {options.flags}",
        "networks": [*networks(options.flags)],
        "errors": errors_of_functions(),
        "vowels": [vowels(UNITS_OF_VOWELS, seed) for seed in range(options.seeds)],
    }
    print(f"{machine()}; {results['compiler']}\n")
    print(costs(results), accuracies(results), sep="\n\n", end="\n\n")
    errors = (f"{name} {error:.1f}" for name, error in results["errors"].items())
    print(f"Largest errors in float, in units in the last place: {', '.join(errors)}.\n")
    write_json(options.json, results)
    met = True
    for what, most, found in goals(results):
        met = met and found <= most
        verdict = "met" if found <= most else f"missed by {found - most:,}"
        print(f"Goal: {what}, at most {most:,}. Found: {found:,}. {verdict}.")
    return 0 if met else 1


def costs(results: dict[str, Any]) -> str:
    """The table of what networks cost on a Cortex-M4."""
    nets = results["networks"]
    rows = (
        (
            f"{net['cell']}, {net['units']}",
            net["weights"],
            *map("{:,}".format, net["found"].values()),
        )
        for net in nets
    )
    return table(("cell, units", "weights", *nets[0]["found"]), rows)


def accuracies(results: dict[str, Any]) -> str:
    """The table of accuracies on the Japanese vowels."""
    scores = results["vowels"]
    means = {name: np.mean([found[name] for found in scores]) for name in scores[0]}
    rows = [
        (name, *(f"{100 * found[name]:.2f} %" for name in found))
        for name, found in [*((f"seed {k}", s) for k, s in enumerate(scores)), ("mean", means)]
    ]
    return table((f"{UNITS_OF_VOWELS} units", *scores[0]), rows)


def goals(results: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """What was to be reached: the most that there may be, and what was found."""
    for net in results["networks"]:
        for (what, weights), most in GOALS.items():
            if (net["cell"], net["units"], net["weights"]) == ("forget", 32, weights):
                yield f"{what} of 32 units in {weights}", most, net["found"][what]
    changes = [100 * abs(found["C, int8"] - found["predict"]) for found in results["vowels"]]
    yield "points of accuracy by int8, any seed", POINTS, round(max(changes), 2)


# ---------------------------------------------------------------------------------- Cortex-M4


def networks(flags: str) -> Iterator[dict[str, Any]]:
    """All networks of the table, in float and in int8."""
    sizes = [("forget", n) for n in UNITS] + [(cell, 32) for cell in CELLS[1:]]
    for cell, n_units in sizes:
        for weights in ("float", "int8"):
            model = LSTMRegressor(n_units, cell=cell, random_state=0).initialize(N_FEATURES)
            found = on_cortex(model, int8=weights == "int8", flags=flags)
            yield {"cell": cell, "units": n_units, "weights": weights, "found": found}


def on_cortex(model: Any, int8: bool, flags: str = FLAGS) -> dict[str, int]:
    """Instructions of a step, and bytes: constants and code in flash, state and stack in RAM."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.h").write_text(to_c(model, int8=int8), encoding="ascii")
        shutil.copy(DEVICE / "steps.c", folder / "main.c")
        instructions, state, stack, _ = cortex.run(
            folder, ["-Wall", "-Wextra", "-Werror", *flags.split()]
        ).split()
        symbols = cortex.symbols(folder / "program.elf")
    constants = (s for s in symbols if s.name.startswith("net_") and s.kind in "rR")
    functions = {"reset", "step", "predict"}
    code = (s for s in symbols if s.name in functions or (s.name[:4] == "net_" and s.kind in "tT"))
    return {
        "instructions": int(instructions),
        "constants": sum(s.bytes for s in constants),
        "code": sum(s.bytes for s in code),
        "state": int(state),
        "stack": int(stack),
    }


# --------------------------------------------------------------------------------- this machine


def here(header: str, program: str, given: str = "") -> str:
    """What a program of `device` prints on this machine."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.h").write_text(header, encoding="ascii")
        source, binary = str(DEVICE / program), str(folder / "program")
        command = ["cc", "-O2", "-std=c99", f"-I{folder}", source, "-o", binary, "-lm"]
        subprocess.run(command, check=True)
        done = subprocess.run([binary], input=given, text=True, capture_output=True, check=True)
    return done.stdout


def errors_of_functions() -> dict[str, float]:
    """Largest errors in float, in units in the last place, over one float in 1009."""
    found = here(to_c(LSTMRegressor(1, random_state=0).initialize(1)), "functions.c").split()
    return dict(zip(("exp", "tanh", "logistic"), map(float, found), strict=True))


def last_classes(model: Any, X: Sequence[np.ndarray], int8: bool = False) -> np.ndarray:
    """Numbers of the classes that C predicts for whole sequences."""
    values = (" ".join(map(repr, np.ravel(x).astype(float).tolist())) for x in X)
    given = "\n".join(f"{len(x)} {steps}" for x, steps in zip(X, values, strict=True))
    return np.array(here(to_c(model, int8=int8), "last.c", given).split(), dtype=int)


def vowels(n_units: int, seed: int) -> dict[str, float]:
    """Accuracies on the test set of the Japanese vowels, whose classes are their own numbers."""
    X, y = load_japanese_vowels(split="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
    lstm = LSTMClassifier(n_units, random_state=seed)
    model = make_pipeline(SequenceScaler(), lstm).fit(X, y)
    found = {
        "predict": model.predict(X_test),
        "C, float": last_classes(model, X_test),
        "C, int8": last_classes(model, X_test, int8=True),
    }
    return {name: float(np.mean(classes == y_test)) for name, classes in found.items()}

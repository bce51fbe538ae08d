"""
Save, export and serve a model
==============================

This example is for people who want to use a fitted model in another process, program or device. It
saves one pipeline in four ways: with joblib, with skops, as an ONNX file and as a C header. It
checks that each way returns the predictions of ``predict``, and prints how long a call for one
sequence takes. The model tells nine speakers apart by two vowels. Parts whose package or compiler
is not installed are skipped with a printed line.
"""

# %%
# The model
# ---------
# ONNX files and C headers compute in float32, so the model is fitted on float32 as well. The file
# sizes below depend on the number of units: use few for a small device.

import shutil
import subprocess
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

import sklstm
from sklstm import LSTMClassifier
from sklstm.datasets import load_japanese_vowels
from sklstm.export import to_c, to_onnx
from sklstm.preprocessing import SequenceScaler, to_padded

X, y = load_japanese_vowels(split="train", return_X_y=True)
X_test, y_test = load_japanese_vowels(split="test", return_X_y=True)
X, X_test = ([x.astype(np.float32) for x in part] for part in (X, X_test))
model = make_pipeline(SequenceScaler(), LSTMClassifier(32, random_state=0)).fit(X, y)
expected = model.predict(X_test)
print(f"Accuracy on the test set: {np.mean(expected == y_test):.3f}")

folder = TemporaryDirectory()
path = Path(folder.name)
sizes, microseconds = {}, {}


def time_of_a_call(predict):
    """Median time for one sequence, in microseconds."""
    times = []
    for x in X_test[:200]:
        start = perf_counter()
        predict(x)
        times.append(perf_counter() - start)
    return 1e6 * median(times)


def report(name, predicted, file, microseconds_of_a_call):
    sizes[name], microseconds[name] = file.stat().st_size / 1024, microseconds_of_a_call
    agree = np.mean(np.asarray(predicted) == expected)
    print(
        f"{name}: {agree:.1%} of the predictions are equal, file {sizes[name]:.0f} kB, "
        f"{microseconds[name]:.0f} microseconds for one sequence"
    )


# %%
# joblib
# ------
# The simplest way between your own processes. A joblib file can run any code when it is loaded, so
# load only files that you trust, and load them with the version of sklstm that wrote them.

joblib.dump(model, path / "model.joblib")
loaded = joblib.load(path / "model.joblib")
report(
    "joblib",
    loaded.predict(X_test),
    path / "model.joblib",
    time_of_a_call(lambda x: loaded.predict([x])),
)

# %%
# skops
# -----
# A skops file runs no code. Name the types that you trust.

try:
    from skops import io
except ImportError:
    print("skops is not installed (pip install skops): this part is skipped.")
else:
    io.dump(model, path / "model.skops")
    types = io.get_untrusted_types(file=path / "model.skops")
    print(f"types to trust: {', '.join(types)}")
    restored = io.load(path / "model.skops", trusted=types)
    report(
        "skops",
        restored.predict(X_test),
        path / "model.skops",
        time_of_a_call(lambda x: restored.predict([x])),
    )

# %%
# ONNX
# ----
# ONNX Runtime runs the file from many languages and needs neither Python nor sklstm. Sequences of
# unequal lengths are padded behind, and the lengths are the second input.

try:
    import onnxruntime

    content = to_onnx(model).SerializeToString()
except ImportError:
    print(
        "onnx or onnxruntime is not installed (pip install 'sklstm[onnx]'): this part is skipped."
    )
else:
    (path / "model.onnx").write_bytes(content)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path / "model.onnx", options)
    lengths = np.array([len(x) for x in X_test])
    padded = to_padded(X_test, value=0)
    labels, _ = session.run(None, {"X": padded, "lengths": lengths})

    def run(x):
        return session.run(None, {"X": x[None], "lengths": np.array([len(x)])})

    report("ONNX", labels, path / "model.onnx", time_of_a_call(run))

# %%
# A C header
# ----------
# The header needs no library. This program reads sequences from a file, feeds them step by step and
# prints the label of each. It also measures the time of a call on this computer. A microcontroller
# is much slower.

PROGRAM = r"""
#include <stdio.h>
#include <time.h>
#include "vowels.h"

int main(void)
{
    static vowels_state state;
    static float x[1000][VOWELS_FEATURES];
    int n_steps, t, k;
    double seconds = 0;
    while (scanf("%d", &n_steps) == 1) {
        clock_t start;
        int label = 0, repeat;
        for (t = 0; t < n_steps; t++)
            for (k = 0; k < VOWELS_FEATURES; k++)
                if (scanf("%f", &x[t][k]) != 1) return 1;
        start = clock();
        for (repeat = 0; repeat < 100; repeat++) {
            vowels_reset(&state);
            for (t = 0; t < n_steps; t++) vowels_step(&state, x[t]);
            label = vowels_predict(&state);
        }
        seconds += (double)(clock() - start) / CLOCKS_PER_SEC / 100;
        printf("%d\n", vowels_label(label)); /* labels were numbers in training */
    }
    fprintf(stderr, "%g\n", seconds);
    return 0;
}
"""

compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
if compiler is None:
    print("There is no C compiler: this part is skipped.")
else:
    (path / "vowels.h").write_text(to_c(model, "vowels"))
    (path / "main.c").write_text(PROGRAM)
    subprocess.run([compiler, "-O2", "main.c", "-o", "vowels", "-lm"], cwd=path, check=True)
    lines = [f"{len(x)} {' '.join(f'{value:.9g}' for value in x.flat)}" for x in X_test]
    done = subprocess.run(
        path / "vowels", input="\n".join(lines), capture_output=True, text=True, check=True
    )
    labels = [int(label) for label in done.stdout.split()]
    report("C header", labels, path / "vowels.h", 1e6 * float(done.stderr) / len(X_test))

# %%
# Serve a stream
# --------------
# If steps arrive one at a time, do not call ``predict`` on a growing sequence. A
# :func:`~sklstm.stream` keeps the state and processes each step once.

stream = sklstm.stream(model)
guesses = []
for step in X_test[0]:
    stream.step(step)
    guesses.append(stream.predict())
print(f"Stream: predictions while one utterance comes in: {[int(guess) for guess in guesses]}")

# %%
# Time of a call
# --------------
# The times depend on the machine, so compare them on yours. ``predict`` of a pipeline checks its
# input and runs the scaler in Python, which is much of the time of a call for one short sequence.
# Pass many sequences in one call if you can.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
left.barh([*microseconds], [*microseconds.values()], color="C0")
left.set_xlabel("Time for one sequence (microseconds)")
right.barh([*sizes], [*sizes.values()], color="C1")
right.set_xlabel("Size of the file (kB)")
left.invert_yaxis()
folder.cleanup()
plt.show()

"""Faults put into the package on purpose: does a test notice each of them?

    python tests/mutations.py                    # all, about an hour
    python tests/mutations.py rounds lock        # those whose names begin so
    python tests/mutations.py --quick            # only the tests that should notice, no whole suite
    python tests/mutations.py --check            # only whether every text to be replaced occurs

Each mutation is made in a copy of the checkout, which is rebuilt for the instruction set of this
machine. The tests that should notice it run first, then, if none did, the whole suite. A test that
fails in an unchanged copy, too, counts for nothing. The exit code is 1 if a mutation survives, or
if its text no longer occurs exactly once: then bring the table below up to date.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMEOUT = 3600  # seconds; a test that hangs has noticed something
# without the test that the texts below are there, which notices every fault
WHOLE_SUITE = ("tests", "--ignore=tests/test_mutations.py")


@dataclass
class Mutation:
    """A fault: one text of a file replaced by another."""

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: str  # files of tests that should notice, the quick ones

    def apply(self, folder):
        path = folder / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: its text occurs {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


EDGES, STREAM_EDGES = "test_edges.py", "test_stream_edges.py"
CELL, STREAM, THREADS = "test_cell.py", "test_stream.py", "test_threads.py"
CELL_PYX, ONLINE_PYX = "sklstm/_cell.pyx", "sklstm/_online.pyx"
PRODUCTS, LAYERS = "sklstm/_kernels/products.pxd", "sklstm/_kernels/layers.pxd"
GRADIENTS, TILES = "sklstm/_kernels/gradients.pxd", "sklstm/_kernels/tiles.h"
OPTIMIZERS = "sklstm/_optimizers.pyx"
STEPS, SIMD = "sklstm/_kernels/steps.pxd", "sklstm/_kernels/simd.h"
LANES, TRIALS_PYX = "sklstm/paper/_lanes.pxd", "sklstm/paper/_trials.pyx"
TRIALS = "test_trials.py"

MUTATIONS = [
    # ------------------------------------------------------------------ batches
    Mutation(
        "chunks",
        "every chunk of sequences reads the first ones",
        CELL_PYX,
        "first = self.n_wide + (index - self.n_wide) * self.chunk_size",
        "first = self.n_wide",
        EDGES,
    ),
    Mutation(
        "chunk-rest",
        "the last chunk, which is not full, is left out",
        CELL_PYX,
        "(self.n_alone + self.chunk_size - 1) // self.chunk_size\n",
        "max(1, self.n_alone // self.chunk_size)\n",
        EDGES,
    ),
    Mutation(
        "chunk-size",
        "a chunk of a large layer has more sequences than there is room for",
        CELL_PYX,
        "16 if numbers <= NUMBERS_MANY",
        "64 if numbers <= NUMBERS_MANY",
        EDGES,
    ),
    Mutation(
        "chunk-numbers",
        "a layer that no cache holds is read for as few sequences as one that the cache holds",
        CELL_PYX,
        "if numbers <= NUMBERS_MANY else CHUNK_MAX",
        "if numbers <= NUMBERS_MANY else 8",
        EDGES,
    ),
    Mutation(
        "loss",
        "the loss of a bundle is added to that of the batch before",
        CELL_PYX,
        "chunk.bundles[b].loss = self.loss_of(",
        "chunk.bundles[b].loss += self.loss_of(",
        CELL,
    ),
    Mutation(
        "pieces",
        "the last rows of the weights do not learn",
        CELL_PYX,
        "            for index in range(self.n_pieces):\n",
        "            for index in range(self.n_pieces - 1):\n",
        CELL,
    ),
    Mutation(
        "threads-batch",
        "a batch never wakes a second thread",
        CELL_PYX,
        "return min(self.n_threads, max(self.n_chunks, self.n_pieces))",
        "return 1",
        THREADS,
    ),
    Mutation(
        "rounds",
        "only the first round of chunks is learned from",
        CELL_PYX,
        "            while first < self.n_chunks:\n",
        "            while first == 0:\n",
        EDGES,
    ),
    Mutation(
        "rounds-room",
        "a round's weight gradient takes the first room alone",
        CELL_PYX,
        "        for room in range(count):\n            add_chunk(",
        "        for room in range(1):\n            add_chunk(",
        f"{CELL} {EDGES}",
    ),
    Mutation(
        "rounds-threads",
        "two chunks of a round learn in one room",
        CELL_PYX,
        "self.learn_chunk(first + room, room, n)\n            for index in prange",
        "self.learn_chunk(first + room, room // 2, n)\n            for index in prange",
        f"{CELL} {EDGES}",
    ),
    Mutation(
        "table",
        "the sums of a batch are added to those of the batch before",
        GRADIENTS,
        "    memset(piece.table, 0, table_size(net, piece) * sizeof(real))\n",
        "",
        CELL,
    ),
    Mutation(
        "biases-rounds",
        "a bias learns from the last steps of a round alone",
        GRADIENTS,
        "parts[r] = sums[<Py_ssize_t> r * columns] if r < count else 0",
        "parts[r] = 0",
        f"{CELL} {EDGES}",
    ),
    Mutation(
        "peepholes-rounds",
        "peepholes learn from the last sequence alone",
        GRADIENTS,
        "total[0] += chunk.bundles[b]",
        "total[0] = chunk.bundles[b]",
        CELL,
    ),
    Mutation(
        "room-large",
        "work arrays beyond 2^31 numbers get too little memory",
        "sklstm/_kernels/bundles.pxd",
        "room.used += (size + LANES - 1) // LANES * LANES",
        "room.used += <int> ((size + LANES - 1) // LANES * LANES)",
        CELL,
    ),
    Mutation(
        "threads-rooms",
        "all threads predict in the room of the first",
        CELL_PYX,
        "self.output_chunk(index, count, threadid())",
        "self.output_chunk(index, count, 0)",
        f"{CELL} {EDGES}",
    ),
    Mutation(
        "gradient-rows",
        "fewer rows of the gradient than a tile are left out",
        GRADIENTS,
        "            while R > min(piece.stop, row // n * n + n) - row:\n                R //= 2\n",
        "            if R > min(piece.stop, row // n * n + n) - row:\n                break\n",
        EDGES,
    ),
    Mutation(
        "columns",
        "the gradient of later columns is that of the first ones",
        GRADIENTS,
        "terms.d_z, row, terms.x, v * LANES,",
        "terms.d_z, row, terms.x, 0,",
        EDGES,
    ),
    Mutation(
        "columns-lanes",
        "the gradient of later columns of a small net is that of the first ones",
        GRADIENTS,
        "column_at[c] = min(column + c,",
        "column_at[c] = min(c,",
        EDGES,
    ),
    Mutation(
        "terms",
        "only the first steps that the cache holds are learned from",
        GRADIENTS,
        "            if terms.n < TERMS:\n                break\n            terms.n = 0\n",
        "            break\n",
        EDGES,
    ),
    Mutation(
        "biases",
        "biases do not learn",
        GRADIENTS,
        "    add_biases(piece, terms, 1, n, m.units, columns)\n",
        "",
        CELL,
    ),
    Mutation(
        "sums-side-by-side",
        "the last of the sums that run side by side is dropped",
        TILES,
        "for (int way = 1; way < ways; way++)",
        "for (int way = 1; way < ways - 1; way++)",
        EDGES,
    ),
    Mutation(
        "tiles",
        "two tiles of weights that are read together count as one",
        PRODUCTS,
        "packed += V * LANES * columns",
        "packed += size * columns",
        EDGES,
    ),
    Mutation(
        "sequences",
        "all sequences beyond a tile's read what the first ones do",
        PRODUCTS,
        "x + first, start, bias, z + first, row)",
        "x, start, bias, z + first, row)",
        EDGES,
    ),
    Mutation(
        "reverse",
        "the backward direction starts in the padding of shorter sequences",
        LAYERS,
        "        silence_ended(bundle, width, t, S * H, s)\n",
        "",
        CELL,
    ),
    Mutation(
        "truncated",
        "the truncated gradient passes the error of a step on to the step before",
        LAYERS,
        "            if not net.full:\n",
        "            if step == 0:\n",
        CELL,
    ),
    Mutation(
        "directions",
        "both directions get the errors of the first",
        LAYERS,
        "                d_y[b] += d * size\n",
        "",
        CELL,
    ),
    Mutation(
        "norm",
        "the norm leaves out what is left over",
        OPTIMIZERS,
        "for i in range(rounds * SUMS, n):",
        "for i in range(n, n):",
        "test_optimizers.py",
    ),
    # ------------------------------------------------------------------ batches: chunks, threads
    Mutation(
        "output-batches",
        "the second batch of a prediction reads the sequences of the first",
        CELL_PYX,
        "self.start(NULL, first, count)",
        "self.start(NULL, 0, count)",
        EDGES,
    ),
    # ------------------------------------------------------------------ products
    # ------------------------------------------------------------------ layers and cells
    Mutation(
        "peephole",
        "the output gate sees the state before the step",
        STEPS,
        "o = o + load(peephole + 2 * S * n + c) * state",
        "o = o + load(peephole + 2 * S * n + c) * load(s_prev + c)",
        CELL,
    ),
    Mutation(
        "coupled",
        "the coupled cell keeps its state as the forget cell does",
        STEPS,
        "store(d_s + c, d_state * (one - i))",
        "store(d_s + c, d_state * i)",
        CELL,
    ),
    Mutation(
        "penalty",
        "alpha penalises biases, too",
        "sklstm/_kernels/losses.pxd",
        "        if decayed[p]:\n",
        "        if True:\n",
        CELL,
    ),
    # ------------------------------------------------------------------ vectors
    Mutation(
        "exp-double",
        "exp in double precision is clamped at 40",
        SIMD,
        "#define SKLSTM_EXP_MAX ((real)708.0)",
        "#define SKLSTM_EXP_MAX ((real)40.0)",
        "test_simd.py",
    ),
    Mutation(
        "tanh-float",
        "tanh in single precision is clamped at 6",
        SIMD,
        "#define SKLSTM_TANH_MAX ((real)9.1)",
        "#define SKLSTM_TANH_MAX ((real)6.0)",
        "test_simd.py",
    ),
    Mutation(
        "exp-polynomial",
        "one coefficient of the polynomial of exp is wrong in the fourth digit",
        SIMD,
        "2.48015044377332511e-05",
        "2.48115044377332511e-05",
        "test_simd.py",
    ),
    Mutation(
        "denormals",
        "threads are given back flushing denormal numbers",
        SIMD,
        "SKLSTM_INLINE void restore_float_mode(float_mode before) { _mm_setcsr(before); }",
        "SKLSTM_INLINE void restore_float_mode(float_mode before) { (void)before; }",
        THREADS,
    ),
    # ------------------------------------------------------------------ streams
    Mutation(
        "stream-unit-learn",
        "the last block of a stream that several threads work on does not learn",
        ONLINE_PYX,
        "for j in prange(self.net.layers[0].n_blocks, num_threads=self.n_threads,",
        "for j in prange(self.net.layers[0].n_blocks - 1, num_threads=self.n_threads,",
        STREAM_EDGES,
    ),
    Mutation(
        "stream-unit-trace",
        "the last block of a stream that several threads work on keeps no traces",
        ONLINE_PYX,
        'for j in prange(layer.n_blocks, num_threads=self.n_threads, schedule="static"):',
        'for j in prange(layer.n_blocks - 1, num_threads=self.n_threads, schedule="static"):',
        STREAM_EDGES,
    ),
    Mutation(
        "stream-rows",
        "the last row of each group of a stream that several threads work on is not computed",
        ONLINE_PYX,
        "self.forward_rows(layer, unit, g * n, (g + 1) * n)",
        "self.forward_rows(layer, unit, g * n, g * n + layer.n_blocks - 1)",
        STREAM_EDGES,
    ),
    Mutation(
        "stream-vectors",
        "only the first sixteen vectors of a row count",
        ONLINE_PYX,
        "    for p in range(n // LANES):\n        total = total",
        "    for p in range(min(n // LANES, 16)):\n        total = total",
        STREAM_EDGES,
    ),
    Mutation(
        "stream-rest",
        "the first number behind the whole vectors of a row is left out",
        ONLINE_PYX,
        "    for k in range(n // LANES * LANES, n):\n        rest",
        "    for k in range(n // LANES * LANES + (n > LANES), n):\n        rest",
        STREAM_EDGES,
    ),
    Mutation(
        "stream-memory",
        "a stream neither saves nor resets the traces of its peepholes",
        ONLINE_PYX,
        "                self.remember(unit.peephole_traces, 1, 2 * cells * layer.block_size, 0)\n",
        "",
        STREAM,
    ),
    Mutation(
        "lock",
        "streams of one model learn at the same time",
        "sklstm/_stream.py",
        "        with self._learner.lock:\n",
        "        if True:\n",
        STREAM,
    ),
    Mutation(
        "lock-own",
        "every stream has a lock of its own",
        "sklstm/_learner.py",
        "self.lock = _locks.setdefault(holder, threading.Lock())",
        "self.lock = threading.Lock()",
        STREAM,
    ),
    Mutation(
        "threads-step",
        "a step of a stream never uses a second thread",
        "sklstm/_stream.py",
        "self._online.n_threads = self._learner.n_threads",
        "self._online.n_threads = 1",
        THREADS,
    ),
    Mutation(
        "threads-learn",
        "learning in a stream uses the threads of the last step, whatever n_jobs is now",
        "sklstm/_stream.py",
        "            self._online.n_threads = learner.n_threads\n",
        "            pass\n",
        THREADS,
    ),
    Mutation(
        "stream-finite",
        "parameters that are not finite stay after a step of learning",
        "sklstm/_stream.py",
        "np.copyto(self._vector, self._before)",
        "pass",
        STREAM,
    ),
    Mutation(
        "stream-reset",
        "after a reset there still is a current step",
        "sklstm/_stream.py",
        "        self._online.reset()\n        self._stepped = False\n",
        "        self._online.reset()\n",
        STREAM,
    ),
    # ------------------------------------------------------------------ training
    Mutation(
        "adam",
        "epsilon is added under the root",
        "sklstm/_optimizers.pyx",
        "(square_root(square[i]) + eps)",
        "square_root(square[i] + eps)",
        "test_optimizers.py",
    ),
    Mutation(
        "schedule",
        "the schedule invscaling begins one sequence late",
        "sklstm/_solvers.py",
        "self.rate_init / (t + 1) ** self.power_t",
        "self.rate_init / t**self.power_t",
        "test_optimizers.py test_training.py",
    ),
    Mutation(
        "schedule-end",
        "the schedule adaptive never gives up",
        "sklstm/_solvers.py",
        ' or self.state["learning_rate"] <= SMALLEST_RATE',
        "",
        "test_optimizers.py test_training.py",
    ),
    Mutation(
        "diverged",
        "after divergence the parameters are the initial ones",
        "sklstm/_descent.py",
        "                copy(kept, vector)\n",
        "",
        "test_training.py",
    ),
    Mutation(
        "mean-loss",
        "a smaller last batch counts as much as the others in the loss of an epoch",
        "sklstm/_descent.py",
        "total += loss * size",
        "total += loss * batch_size",
        "test_training.py",
    ),
    Mutation(
        "best-score",
        "among epochs of the same validation score the first is kept, not that of the lowest loss",
        "sklstm/_training.py",
        "(score, -loss) > (self.best_score, -self.best_validation_loss)",
        "score > self.best_score",
        "test_training.py test_validation.py",
    ),
    Mutation(
        "patience",
        "patience ends one epoch early",
        "sklstm/_training.py",
        "records.n_no_change > self.n_iter_no_change",
        "records.n_no_change >= self.n_iter_no_change",
        "test_training.py",
    ),
    Mutation(
        "validation-order",
        "early stopping without shuffling learns in a random order",
        "sklstm/_validation.py",
        "    order.sort()\n",
        "",
        "test_validation.py test_training.py",
    ),
    # ------------------------------------------------------------------ trials of the paper
    Mutation(
        "lanes-grown",
        "errors reach the cell of a net that has not grown it",
        LANES,
        "store(nets.d_s + c * LANES, load(nets.d_s + c * LANES) * load(nets.grown))",
        "pass",
        TRIALS,
    ),
    Mutation(
        "lanes-symbols",
        "only the symbol of this step learns from the traces",
        LANES,
        "for symbol in range(symbols.n):",
        "for symbol in range(symbols.now[lane], symbols.now[lane] + 1):",
        TRIALS,
    ),
    Mutation(
        "lanes-rest",
        "traces of symbols outlast their sequence",
        LANES,
        "    if symbols.n:\n        memset(",
        "    if symbols.n < 0:\n        memset(",
        TRIALS,
    ),
    Mutation(
        "lanes-company",
        "an update of one lane forgets what the others have to add",
        LANES,
        "kept[lane] = not now[lane]",
        "kept[lane] = 0",
        TRIALS,
    ),
    Mutation(
        "trials-rate",
        "a falling rate is a step ahead",
        TRIALS_PYX,
        "for _t in range(self.trials[lane].now.t):",
        "for _t in range(self.trials[lane].now.t + 1):",
        TRIALS,
    ),
    Mutation(
        "trials-test",
        "nets learn from the sequences of their tests",
        TRIALS_PYX,
        "self.learns[lane] = self.targeted[lane] and trial.phase == TRAINING",
        "self.learns[lane] = self.targeted[lane]",
        TRIALS,
    ),
    Mutation(
        "trials-nan",
        "outputs of NaN are right",
        TRIALS_PYX,
        "if not fabs(wanted(&self.task, &trial.now, k, True) - y) < self.criterion.tolerance:",
        "if fabs(wanted(&self.task, &trial.now, k, True) - y) >= self.criterion.tolerance:",
        "test_criterion.py",
    ),
    Mutation(
        "trials-vector",
        "a vector of any length is taken for a net's",
        TRIALS_PYX,
        "if vector.shape[0] != self.n_total:",
        "if vector.shape[0] < 0:",
        TRIALS,
    ),
    # ------------------------------------------------------------------ X, y, weights
    Mutation(
        "errors-change",
        "an error in y leaves behind what was learned of X",
        "sklstm/_sequences.py",
        "        vars(estimator).clear()\n",
        "",
        "test_bad_input.py test_sequences.py",
    ),
    Mutation(
        "take",
        "a selection of sequences is named by the offsets of the whole set",
        "sklstm/_sequences.py",
        "return Sequences(self.values[steps], offsets, self.container)",
        "return Sequences(self.values[steps], self.offsets[: len(offsets)], self.container)",
        "test_sequences.py",
    ),
    Mutation(
        "steps-of-y",
        "y may have more steps than X",
        "sklstm/_steps.py",
        "wrong = lengths != sequences.lengths",
        "wrong = lengths < sequences.lengths",
        "test_sequences.py",
    ),
    Mutation(
        "weight-per-sequence",
        "steps without a target lower the weight of their sequence",
        "sklstm/_targets.py",
        "np.add.reduceat(weights > 0, starts, dtype=np.int64)",
        "np.add.reduceat(weights >= 0, starts, dtype=np.int64)",
        "test_targets.py",
    ),
    Mutation(
        "weight-in-part",
        "a step with some of its outputs counts as a whole",
        "sklstm/_targets.py",
        "(1 - np.isnan(self.targets).mean(axis=1))",
        "(1 - np.isnan(self.targets).all(axis=1))",
        "test_targets.py",
    ),
    Mutation(
        "balanced",
        "balanced class weights count rows, not weights",
        "sklstm/_labels.py",
        "sums = np.bincount(index, weights, len(classes))",
        "sums = np.bincount(index, minlength=len(classes)) * 1.0",
        "test_labels.py",
    ),
    Mutation(
        "label-array",
        "a stream does not know a label in an array of no dimensions",
        "sklstm/_labels.py",
        "one[0] = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value",
        "one[0] = value",
        "test_stream.py test_labels.py",
    ),
    Mutation(
        "label-type",
        "a stream takes for a label whatever is equal to one",
        "sklstm/_labels.py",
        "return as_class_array(one).tolist()[0]",
        "return one.tolist()[0]",
        "test_stream.py test_bad_values.py test_labels.py",
    ),
    Mutation(
        "units-stream",
        "a stream of one output keeps the units of the fit before",
        "sklstm/_regressor.py",
        "self.parameters_ = self.parameters_.view()",
        "pass",
        "test_units.py",
    ),
    Mutation(
        "units-missing",
        "targets without a weight count in the units of y",
        "sklstm/_units.py",
        "rows = ~np.isnan(column) & (weights > 0)",
        "rows = ~np.isnan(column)",
        "test_units.py",
    ),
    # ------------------------------------------------------------------ preprocessing
    Mutation(
        "scaler-merge",
        "partial_fit of the scaler forgets how far apart the means are",
        "sklstm/preprocessing/_scaler.py",
        "(self.var_ + share * shift**2)",
        "self.var_",
        "test_preprocessing.py",
    ),
    Mutation(
        "windows-nan",
        "windows whose target is NaN are kept",
        "sklstm/preprocessing/_windows.py",
        "        bad |= np.isnan(y).any(axis=(1, 2))\n",
        "",
        "test_preprocessing_windows.py",
    ),
    Mutation(
        "windows-step",
        "the targets of windows that are several steps apart are one step apart",
        "sklstm/preprocessing/_windows.py",
        "table[ends.start + h :: step, targets]",
        "table[ends.start + h ::, targets]",
        "test_preprocessing_windows.py",
    ),
    Mutation(
        "padding-float32",
        "a padding value that float32 rounded is not found",
        "sklstm/preprocessing/_padding.py",
        " | (array == np.float32(value))",
        "",
        "test_preprocessing_padding.py",
    ),
]


def python(folder, *arguments, isa):
    """Run Python in a copy of the checkout, with its package and kernels of one instruction set."""
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",  # a file changed twice in a second looks unchanged
        "SKLSTM_BUILD": isa,
        "SKLSTM_ISA": isa,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def copy_of_checkout(folder, isa):
    """The checkout, with the kernels of one instruction set alone."""

    def unwanted(path, names):
        if Path(path) == ROOT / "build":
            return [name for name in names if name != "kept"]
        kernels = [name for name in names if name.endswith(".so") and Path(path).name == "_kernels"]
        others = [name for name in kernels if f"_{isa}_" not in name]
        return [name for name in names if name in (".git", "__pycache__")] + others

    shutil.copytree(ROOT, folder, ignore=unwanted)
    build(folder, isa)
    where = python(folder, "-c", "import sklstm; print(sklstm.__file__)", isa=isa)
    assert Path(where.stdout.strip()).is_relative_to(folder), where


def build(folder, isa):
    done = python(folder, "setup.py", "build_ext", "--inplace", isa=isa)
    if done.returncode:
        raise ValueError(f"does not compile: {done.stderr[-2000:]}")


def failure(folder, tests, isa):
    """The first of these tests that fails, or how pytest ended; None if all pass."""
    options = ("-m", "pytest", "-x", "-q", "-rfE", "--tb=no", "-p", "no:cacheprovider")
    try:
        done = python(folder, *options, *tests, isa=isa)
    except subprocess.TimeoutExpired:
        return "it hangs"
    found = re.search(r"^(?:FAILED|ERROR) (tests/\S+?(?:\[.*?\])?)(?: - .*)?$", done.stdout, re.M)
    if done.returncode and not found:
        return f"pytest ended with {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}"
    return found and found[1]


def run(mutation, folder, isa, quick):
    """What notices a mutation; None if nothing does."""
    kept = (folder / mutation.file).read_text(encoding="utf-8")
    mutation.apply(folder)
    try:
        build(folder, isa)  # also brings back the modules of the mutation before
        first = [f"tests/{name}" for name in mutation.tests.split()]
        noticed = failure(folder, first, isa)
        return noticed if noticed or quick else failure(folder, WHOLE_SUITE, isa)
    finally:
        (folder / mutation.file).write_text(kept, encoding="utf-8")


def table(results):
    width = max(len(mutation.name) for mutation, _ in results)
    for mutation, noticed in results:
        print(f"{mutation.name:{width}}  {noticed or 'SURVIVES'}\n{'':{width}}  ({mutation.what})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="beginnings of names; all if there are none")
    parser.add_argument("--quick", action="store_true", help="without the whole suite")
    parser.add_argument("--check", action="store_true", help="only look for the texts")
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if m.name.startswith(tuple(options.names) or "")]
    for mutation in chosen:
        if (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.old) != 1:
            sys.exit(f"{mutation.name}: bring its text in line with {mutation.file}")
    if options.check:
        return
    sys.path.insert(0, str(ROOT))
    from sklstm import _isa

    results = []
    with tempfile.TemporaryDirectory() as folder:
        changed, unchanged = Path(folder) / "changed", Path(folder) / "unchanged"
        copy_of_checkout(changed, _isa.name)
        copy_of_checkout(unchanged, _isa.name)
        for mutation in chosen:
            start = time.monotonic()
            noticed = run(mutation, changed, _isa.name, options.quick)
            print(f"{mutation.name}, {time.monotonic() - start:.0f} s: {noticed}", flush=True)
            results.append((mutation, noticed))
        tests = {noticed for _, noticed in results if noticed and noticed.startswith("tests/")}
        always = failure(unchanged, sorted(tests), _isa.name) if tests else None
    print()
    table(results)
    survivors = [mutation.name for mutation, noticed in results if noticed is None]
    print(f"\n{len(results) - len(survivors)} of {len(results)} mutations were noticed.")
    if always:
        sys.exit(f"{always} fails without any mutation, too.")
    if survivors:
        sys.exit(f"These survive: {', '.join(survivors)}")


if __name__ == "__main__":
    main()

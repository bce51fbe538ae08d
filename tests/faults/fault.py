"""A fault that `mutations.py` puts into the package, and the files that many of them are in."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Fault:
    """One text of a file replaced by another."""

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
PLAN, PACE = "sklstm/_kernels/plan.pxd", "sklstm/_kernels/pace.pxd"
TEAMS = "sklstm/_kernels/teams.pxd"
CELL_PYX, ONLINE_PYX = "sklstm/_cell.pyx", "sklstm/_online.pyx"
PRODUCTS, LAYERS = "sklstm/_kernels/products.pxd", "sklstm/_kernels/layers.pxd"
STACKS = "sklstm/_kernels/stacks.pxd"
GRADIENTS, TILES = "sklstm/_kernels/gradients.pxd", "sklstm/_kernels/tiles.h"
LOSSES = "sklstm/_kernels/losses.pxd"
OPTIMIZERS = "sklstm/_optimizers.pyx"
STEPS, SIMD = "sklstm/_kernels/steps.pxd", "sklstm/_kernels/simd.h"
LANES, TRIALS_PYX = "sklstm/paper/_lanes.pxd", "sklstm/paper/_trials.pyx"
TRIALS = "test_trials.py"

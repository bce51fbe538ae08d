"""Faults: calls that Ctrl-C does not end, or tears."""

from faults.fault import ONLINE_PYX, Fault

SIGNALS = "sklstm/_kernels/signals.pxd"
TESTS = "test_signals.py"

FAULTS = [
    Fault(
        "signals-stop",
        "a look at signals without one ends the loop",
        SIGNALS,
        "return watch.left <= 0 and look(watch, member)",
        "return watch.left <= 0 and not look(watch, member)",
        "test_looks.py",
    ),
    Fault(
        "signals-again",
        "a call of many sequences that was ended goes on with the next one",
        SIGNALS,
        "    watch.left = 0 if over else LOOK",
        "    watch.left = LOOK",
        TESTS,
    ),
    Fault(
        "signals-never",
        "nobody asks for signals",
        SIGNALS,
        "    if watch.asks and not is_over(watch):\n        ask(watch.signals)\n    wait(member)",
        "    wait(member)",
        TESTS,
    ),
    Fault(
        "signals-asleep",
        "who waits for other threads does not ask for signals",
        SIGNALS,
        "        if not is_over(watch):\n            ask(watch.signals)",
        "        pass",
        TESTS,
    ),
    Fault(
        "signals-silent",
        "a call that was ended returns what it has",
        SIGNALS,
        "    return -1 if is_over(watch) else 0",
        "    return 0",
        TESTS,
    ),
    Fault(
        "signals-torn",
        "steps of a stream that were fed before Ctrl-C stay",
        ONLINE_PYX,
        "            self.restore(before)\n",
        "",
        TESTS,
    ),
]

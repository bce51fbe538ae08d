"""Faults: calls that Ctrl-C does not end, or tears."""

from faults.fault import CELL_PYX, ONLINE_PYX, Fault

SIGNALS = "sklstm/_kernels/signals.pxd"
TESTS = "test_signals.py"

FAULTS = [
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
        CELL_PYX,
        "                    keep_pace(&self.kept.pace, n_threads, work, seconds_now() - start)\n"
        "            require_going(&self.watch)",
        "                    keep_pace(&self.kept.pace, n_threads, work, seconds_now() - start)",
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

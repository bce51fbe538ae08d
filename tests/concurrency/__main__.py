"""Test processes and threads: forks, pools, threads that share a model, other OpenMP runtimes.

Each case runs in its own process with a time limit, several rounds each. A case fails if a result
differs from the expected bits, if an exception escapes, or if the process crashes or hangs; the
stacks of a hanging process are then printed.

The short form takes minutes, --long hours. Every line of the output is a case: how often something
was tried, how often it failed, and the seconds. "not tried" is followed by the reason why a case
cannot run here. The exit code is 1 if a case failed.
"""

import sys

from tests.cases import main
from tests.concurrency.cases import CASES

if __name__ == "__main__":
    sys.exit(main("tests.concurrency", CASES, __doc__))

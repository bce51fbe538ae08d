"""Test mishaps: kills, full and read-only disks, little memory, Ctrl-C, clocks that jump.

Each case runs in its own process with a time limit, several rounds each. After each mishap, files
must be the complete old or the complete new one, and estimators unchanged or completely updated. A
case fails otherwise, or if the process crashes or hangs.

The short form takes minutes, --long hours. Every line of the output is a case: how often something
was tried, how often it failed, and the seconds. "not tried" is followed by the reason why a case
cannot run here. The exit code is 1 if a case failed.
"""

import sys

from tests.cases import main
from tests.mishaps.cases import CASES

if __name__ == "__main__":
    sys.exit(main("tests.mishaps", CASES, __doc__))

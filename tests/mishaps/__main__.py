"""``python -m tests.mishaps``: try the cases, each in time, and count what failed."""

import sys

from tests.cases import main
from tests.mishaps.cases import CASES

if __name__ == "__main__":
    sys.exit(main("tests.mishaps", CASES, __doc__))

"""``python -m tests.concurrency``: try the cases, each in time, and count what failed."""

import sys

from tests.cases import main
from tests.concurrency.cases import CASES

if __name__ == "__main__":
    sys.exit(main("tests.concurrency", CASES, __doc__))

"""Test engines that run work on several workers: joblib, Dask, Ray, Optuna and MPI.

Each case runs in its own process with a time limit and starts its own workers. A case fails if a
result differs from that of one process, if an exception escapes, or if a worker hangs.

Every line of the output is a case: how often something was tried, how often it failed, and the
seconds. "not tried" is followed by the reason why a case cannot run here. The exit code is 1 if a
case failed.
"""

import sys

from tests.cases import main
from tests.engines.cases import CASES

if __name__ == "__main__":
    sys.exit(main("tests.engines", CASES, __doc__))

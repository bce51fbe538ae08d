"""All cases: what each needs, how often it is tried, and how long that may take."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import NamedTuple


class Case(NamedTuple):
    """A function of a module here, which returns how often something was tried.

    Attributes
    ----------
    rounds : int
        In the long form; in the short one each is tried once, or ``short`` times.
    environment : dict
        Changes that the process begins with.
    one_processor : bool
        Whether the process may use one only.
    """

    module: str
    name: str
    rounds: int
    short: int = 1
    environment: dict[str, str] = {}  # noqa: RUF012, a constant
    one_processor: bool = False

    def why_not(self) -> str:
        """Why it cannot be tried here; empty if it can."""
        forks = self.module in ("forks", "runtimes") or self.name.startswith("of_")
        if forks and not hasattr(os, "fork"):
            return "this platform does not fork"
        if self.module == "runtimes" and find_spec("torch") is None:
            return "PyTorch is not installed"
        if (self.one_processor or self.name == "on_one_processor") and not hasattr(
            os, "sched_setaffinity"
        ):
            return "processors cannot be chosen here"
        if self.name == "in_the_middle_of_a_fit":
            from sklstm.callback._needed import require_callbacks

            try:
                require_callbacks("This")
            except ImportError as error:
                return str(error)
        if self.name == "under_a_quota":
            from tests.concurrency.threads import why_no_quota

            return why_no_quota()
        return ""


ACTIVE = {"OMP_WAIT_POLICY": "active", "OMP_NUM_THREADS": "8"}

CASES = [
    Case("forks", "of_a_child", 200),
    Case("forks", "of_a_stream", 200, 4),
    Case("forks", "while_threads_work", 900, 8),
    Case("forks", "of_a_server", 50),
    Case("forks", "with_threads", 100),
    Case("forks", "in_the_middle_of_an_update", 100, 2),
    Case("pools", "of_an_executor", 50),
    Case("pools", "of_forking_joblib", 50),
    Case("pools", "of_a_fork_server", 50),
    Case("pools", "spawned", 50),
    Case("pools", "nested", 20),
    Case("pools", "searches", 10),
    Case("pools", "shared_model", 20),
    Case("threads", "streams_of_a_model", 200, 2),
    Case("threads", "calls_of_a_model", 50),
    Case("threads", "fits_side_by_side", 50),
    Case("threads", "short_lives", 20),
    Case("threads", "on_one_processor", 50),
    Case("threads", "told_of_a_quota", 50),
    Case("threads", "under_a_quota", 20),
    Case("threads", "from_one_processor", 50, one_processor=True),
    Case("threads", "more_threads_than_processors", 50, environment=ACTIVE),
    Case("runtimes", "torch_first", 50),
    Case("runtimes", "torch_last", 50),
]

"""Partitions on the workers of a Dask cluster: where each is, and calls with them.

Dask makes the partitions of a lost worker again, on other workers. A call then takes place there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from sys import maxsize
from typing import Any

import dask
from distributed import CancelledError, Client, Future, get_worker, wait

from sklstm.distributed._worker import opened


class Cluster:
    """The workers that hold the partitions of a data set.

    Parameters
    ----------
    client : distributed.Client
    parts : sequence
        Futures or delayed objects of (X, y) or (X, y, sample_weight), such tuples, or paths of
        Arrow files.
    name : str
        Name of the partitions in error messages.

    Attributes
    ----------
    opened : list of Future
        A partition each, as the user passed it.
    homes : list of str
        Address of the worker of each partition.
    known : dict
        The sequences that were read last, and how.
    """

    def __init__(self, client: Client, parts: Sequence[Any], name: str) -> None:
        self.client, self.name = client, name
        self.known: dict[bytes, Any] = {}
        self.workers()
        self.moved: set[str] = set()  # homes whose partitions are still elsewhere
        self.opened = []
        for part in parts:
            if hasattr(part, "__dask_graph__"):
                part = client.compute(part)
            part = os.fspath(part) if isinstance(part, os.PathLike) else part
            self.opened.append(client.submit(opened, part, pure=False))
        self._require(self.opened)
        self.homes = [""] * len(self.opened)
        self._find(self.opened)

    def workers(self) -> list[str]:
        """Addresses of the workers, which must be there."""
        found = sorted(self.client.ncores())
        if not found:
            raise RuntimeError("The cluster has no workers. Start some, then call fit again.")
        return found

    def hold(self, function: Callable, *columns: Sequence[Any], **shared: Any) -> list[Future]:
        """A task for each partition at its home; ``columns`` has an argument for each partition."""
        made = [
            self._submit("", function, *arguments, **shared)
            for arguments in zip(*columns, strict=True)
        ]
        self._require(made)
        return made

    def collect(self, function: Callable, held: list[Future], *shared: Any) -> list[Any]:
        """``function`` of each partition, in their order."""
        return self.call(function, held, [()] * len(held), *shared)

    def call(
        self, function: Callable, held: list[Future], arguments: list[tuple | None], *shared: Any
    ) -> list[Any]:
        """``function(partition, *its arguments, *shared)``, in the order of the partitions.

        One task for each worker calls it for all of its partitions. Partitions without arguments
        (None) are left out; their result is None.
        """
        tasks: dict[str, list[int]] = {}
        for k, own in enumerate(arguments):
            if own is not None:
                tasks.setdefault(self.homes[k], []).append(k)
        futures = [
            self._submit(
                home,
                _each,
                function,
                [held[k] for k in numbers],
                [arguments[k] for k in numbers],
                shared,
            )
            for home, numbers in tasks.items()
        ]
        try:
            answers = self.client.gather(futures)
        except CancelledError:
            self._require(held)
            raise
        results: list[Any] = [None] * len(arguments)
        for numbers, (_, found) in zip(tasks.values(), answers, strict=True):
            for k, result in zip(numbers, found, strict=True):
                results[k] = result
        self.moved.difference_update(tasks)
        if any(home != where for home, (where, _) in zip(tasks, answers, strict=True)):
            self._find(held)
        return results

    def _submit(self, home: str, function: Callable, *arguments: Any, **shared: Any) -> Future:
        # Parameters and targets have to be sent, so Dask's advice about large tasks does not help
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": maxsize}):
            return self.client.submit(function, *arguments, pure=False, **shared, **self._at(home))

    def _at(self, home: str) -> dict[str, Any]:
        # If all workers are lost, Dask does not run tasks that are bound to one of them
        return {"workers": [home], "allow_other_workers": True} if home in self.moved else {}

    def _find(self, held: list[Future]) -> None:
        """Find out where the partitions are, and spread them if some workers have none."""
        there = self.client.who_has(held)
        workers = self.workers()
        for k, future in enumerate(held):
            holders = [address for address in there.get(future.key, ()) if address in workers]
            if self.homes[k] not in holders:
                self.homes[k] = holders[0] if holders else workers[k % len(workers)]
        self._spread(workers)

    def _spread(self, workers: list[str]) -> None:
        """Give workers without a partition some of those of the fullest."""
        for idle in workers:
            counts = {home: self.homes.count(home) for home in workers}
            fullest = max(workers, key=lambda home: counts[home])
            if counts[idle] == 0 and counts[fullest] > 1:
                for _ in range(counts[fullest] // 2):
                    last = len(self.homes) - 1 - self.homes[::-1].index(fullest)
                    self.homes[last] = idle
                self.moved.add(idle)

    def _require(self, futures: list[Future]) -> None:
        """Wait for these tasks; an error names the partition."""
        lost = None
        try:
            wait(futures)
        except CancelledError as error:
            lost = error  # the loop names the partition
        for k, future in enumerate(futures):
            if future.status == "finished" or (lost and future.status == "pending"):
                continue
            if future.status in ("cancelled", "lost"):
                raise RuntimeError(
                    f"{self.name} {k} was lost with its worker. Pass delayed objects or paths "
                    "instead of scattered data, so that it can be read again."
                )
            error = future.exception()
            if isinstance(error, (ValueError, TypeError)) and f"n partition {k}:" in str(error):
                raise error
            raise RuntimeError(
                f"{self.name} {k} cannot be read: {type(error).__name__}: {error} The estimator "
                "is unchanged."
            ) from error
        if lost is not None:
            raise lost


def _each(
    function: Callable, partitions: list[Any], arguments: list[tuple], shared: tuple
) -> tuple[str, list[Any]]:
    """The address of this worker, and a result for each partition."""
    results = [
        function(partition, *own, *shared)
        for partition, own in zip(partitions, arguments, strict=True)
    ]
    return get_worker().address, results

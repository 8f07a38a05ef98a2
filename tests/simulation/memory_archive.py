"""An archive in memory, in the place of SQLite's file: what the keeper of the history writes to and asks.

Owns the orders that are kept, and fails now and then as a card does. That the real archive keeps what it was given is
its own tests' matter; here it is about the keeper's way over the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from appliance.core.delivery import Finished
from appliance.history.archive import Progress, Query
from appliance.history.schema import ArchiveError
from tests.simulation.disk import Disk

MOST = 2000
"""Orders that are kept of a gateway: some days."""


class MemoryArchive:
    """Stands for Archive. disk: where it would lie; what ails that ails this."""

    def __init__(self, disk: Disk) -> None:
        self.directory = Path("/state")
        self._disk = disk
        self._orders: dict[str, dict[str, Finished]] = {}
        self._progress: dict[str, Progress] = {}

    def progress(self, gateway: str) -> Progress:
        self._ail(writes=False)
        return self._progress.get(gateway, Progress())

    def keep(
        self, gateway: str, orders: Iterable[Finished], progress: Progress, seen: Mapping[str, Finished] | None = None
    ) -> int:
        self._ail(writes=True)
        kept = self._orders.setdefault(gateway, {})
        before = len(kept)
        for order in orders:
            kept.setdefault(order.uuid, order)
        new = len(kept) - before
        while len(kept) > MOST:
            del kept[next(iter(kept))]
        self._progress[gateway] = progress
        return new

    def latest(self, gateway: str) -> float | None:
        self._ail(writes=False)
        times = [order.created for order in self._orders.get(gateway, {}).values() if order.created is not None]
        return max(times, default=None)

    def holds(self, gateway: str, uuids: Iterable[str]) -> frozenset[str]:
        self._ail(writes=False)
        return frozenset(uuids) & self._orders.get(gateway, {}).keys()

    def orders(self, gateway: str, query: Query) -> Iterator[Finished]:
        self._ail(writes=False)
        begin, end = query.begin or float("-inf"), query.end or float("inf")
        for order in self._orders.get(gateway, {}).values():
            if order.created is not None and begin <= order.created < end:
                yield order

    def _ail(self, *, writes: bool) -> None:
        disk = self._disk
        if (writes and (disk.full or disk.read_only)) or (disk.failing and disk.random.random() < disk.failing):
            raise ArchiveError("the card fails")

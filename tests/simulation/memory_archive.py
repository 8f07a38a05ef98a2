"""An archive in memory that replaces SQLite's file for the archiver.

Owns the archived orders, and fails like the disk does. The real archive has its own tests; this one serves to test the
archiver's network requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from appliance.core.delivery import Finished
from appliance.history.archive import Progress, Query
from appliance.history.schema import ArchiveError
from tests.simulation.disk import Disk

MOST = 2000
"""Orders kept for each gateway: some days."""


class MemoryArchive:
    """Replaces Archive. disk: its faults also affect this archive."""

    def __init__(self, disk: Disk) -> None:
        self.directory = Path("/state")
        self._disk = disk
        self._orders: dict[str, dict[str, Finished]] = {}
        self._progress: dict[str, Progress] = {}

    def progress(self, gateway: str) -> Progress:
        self._fail_like_disk(writes=False)
        return self._progress.get(gateway, Progress())

    def add(
        self, gateway: str, orders: Iterable[Finished], progress: Progress, seen: Mapping[str, Finished] | None = None
    ) -> int:
        self._fail_like_disk(writes=True)
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
        self._fail_like_disk(writes=False)
        times = [order.created for order in self._orders.get(gateway, {}).values() if order.created is not None]
        return max(times, default=None)

    def holds(self, gateway: str, uuids: Iterable[str]) -> frozenset[str]:
        self._fail_like_disk(writes=False)
        return frozenset(uuids) & self._orders.get(gateway, {}).keys()

    def orders(self, gateway: str, query: Query) -> Iterator[Finished]:
        self._fail_like_disk(writes=False)
        begin, end = query.begin or float("-inf"), query.end or float("inf")
        for order in self._orders.get(gateway, {}).values():
            if order.created is not None and begin <= order.created < end:
                yield order

    def _fail_like_disk(self, *, writes: bool) -> None:
        disk = self._disk
        if (writes and (disk.full or disk.read_only)) or (disk.failing and disk.random.random() < disk.failing):
            raise ArchiveError("the card fails")

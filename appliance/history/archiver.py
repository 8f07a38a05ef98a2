"""Updates the appliance's archive from the gateway's history, and summarises the archived orders of today."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from appliance.aio import in_daemon_thread
from appliance.core.day_stats import DeliveryStats, GatewayStats
from appliance.core.delivery import Finished, day_at, start_of
from appliance.core.effects import SyncHistory
from appliance.core.events import HistorySynced, HistorySyncFailed
from appliance.core.values import Benchmarks
from appliance.gateway.feed_priority import FeedPriority
from appliance.gateway.history import HistoryError, ListedOrder, read_orders, read_statistics
from appliance.history.archive import Archive, Progress, Query
from appliance.history.fetch import FetchChunk, OnProgress, Read, fetch
from appliance.history.locate import CurrentAddresses, Resolve
from appliance.history.schema import ArchiveError, BusyError, DamagedError, update_lock

T = TypeVar("T")

FULL_READ_EVERY = 24
"""One update in so many reads the gateway's whole history; the others read what started since the day before."""
BUSY_TIMEOUT, BUSY_POLL = 60.0, 0.5
"""Seconds to wait for another program that is updating the archive, and between two checks."""
DISK_DEADLINE = 120.0
"""Timeout in seconds for one call of the archive: the check at the start takes about ten on the slowest cards."""

ARCHIVED = "Archived %d orders"
"""The log message after each sync with new orders."""

log = logging.getLogger(__name__)


async def update(
    archive: Archive,
    gateway: str,
    fetch_chunk: FetchChunk,
    *,
    whole: bool,
    seen: Mapping[str, Finished] | None = None,
    on_progress: OnProgress = lambda read, part: None,
    on_busy: Callable[[], None] | None = None,
) -> Read:
    """Update an archive from a gateway, while holding the archive's lock. seen: see `Archive.add`.

    on_busy: called repeatedly while another program holds the lock; without it, that is an error.

    Raises:
        HistoryError: The gateway's history could not be read completely.
        ArchiveError: The archive can't be used.
        TimeoutError: The disk does not respond.
    """

    async def store(orders: list[Finished], reached: Progress) -> int:
        return await on_disk(lambda: archive.add(gateway, orders, reached, seen))

    async def once() -> Read:
        progress = await on_disk(lambda: archive.progress(gateway))
        return await fetch(
            fetch_chunk, store, progress, whole=whole or progress.mark is not None, on_progress=on_progress
        )

    ends = asyncio.get_running_loop().time() + BUSY_TIMEOUT
    while True:
        lock = update_lock(archive.directory)
        try:
            await on_disk(lock.__enter__)
            break
        except BusyError:
            if on_busy is None or asyncio.get_running_loop().time() > ends:
                raise
        on_busy()
        await asyncio.sleep(BUSY_POLL)
    try:
        try:
            return await once()
        except DamagedError:
            # The damaged file was renamed: archive into a new one.
            return await once()
    finally:
        lock.__exit__(None, None, None)


async def on_disk(call: Callable[[], T]) -> T:
    """The result of a blocking call of the archive. Raises TimeoutError if the disk does not respond."""
    async with asyncio.timeout(DISK_DEADLINE):
        return await in_daemon_thread(call, "sync the history")


class Archiver:
    """Updates one archive. Each disk access runs on a thread, with a timeout."""

    def __init__(self, archive: Archive, benchmarks: Benchmarks) -> None:
        self._archive = archive
        self._benchmarks = benchmarks
        self._read: dict[str, int] = {}
        self._logged = ""

    async def sync(
        self,
        what: SyncHistory,
        feed_priority: FeedPriority,
        resolve: Resolve,
        on_progress: OnProgress = lambda read, part: None,
    ) -> HistorySynced | HistorySyncFailed:
        """Update the archive and summarise its orders of the day. Does not raise for gateway and disk errors.

        resolve: resolves the gateway's current address.
        """
        try:
            done = await self._sync(what, feed_priority, CurrentAddresses(resolve), on_progress)
        except (HistoryError, ArchiveError, TimeoutError) as error:
            reason = str(error) or "the disk does not respond"
            if reason != self._logged:
                self._logged = reason
                log.warning("Could not update the archive: %s", reason)
            return HistorySyncFailed(what.attempt, reason)
        self._logged = ""
        return done

    async def _sync(
        self, what: SyncHistory, feed_priority: FeedPriority, where: CurrentAddresses, on_progress: OnProgress
    ) -> HistorySynced:
        name = what.gateway
        number = self._read.get(name, 0)

        async def fetch_chunk(offset: int, since: float | None) -> list[ListedOrder]:
            async def chunk() -> list[ListedOrder]:
                await where.confirm(what.address)
                return await read_orders(what.address, what.token, offset, since)

            return await feed_priority.request(chunk)

        seen = {order.uuid: order for order in what.seen}
        whole = what.requested or number % FULL_READ_EVERY == 0
        read = await update(self._archive, name, fetch_chunk, whole=whole, seen=seen, on_progress=on_progress)
        self._read[name] = number + 1
        # The gateway's figures are of its own day, from midnight to midnight.
        own = None if self._benchmarks.day_ends else await self._statistics(what, feed_priority, where)
        day, figures, uuids, measured = await on_disk(lambda: self._day(what))
        self._log(read)
        own = own if day == what.day else None
        return HistorySynced(what.attempt, day, figures, uuids, measured, own, read.unusable)

    def _day(self, what: SyncHistory) -> tuple[int | None, DeliveryStats, frozenset[str], frozenset[str]]:
        """The archived orders of the requested or latest day, and which of the box's orders are archived. Blocks."""
        day, day_ends = what.day, self._benchmarks.day_ends
        if day is None:
            latest = self._archive.latest(what.gateway)
            day = None if latest is None else day_at(latest, day_ends)
        held = self._archive.holds(what.gateway, (order.uuid for order in what.seen))
        if day is None:
            return None, DeliveryStats(), frozenset(), held
        orders = list(self._archive.orders(what.gateway, Query(start_of(day, day_ends), start_of(day + 1, day_ends))))
        figures = DeliveryStats().plus(orders, self._benchmarks.forget_after, day_ends)
        return day, figures, frozenset(order.uuid for order in orders), held

    async def _statistics(
        self, what: SyncHistory, feed_priority: FeedPriority, where: CurrentAddresses
    ) -> GatewayStats | None:
        async def figures() -> GatewayStats | None:
            await where.confirm(what.address)
            return await read_statistics(what.address, what.token, self._benchmarks.late_after)

        try:
            return await feed_priority.request(figures)
        except HistoryError:
            # The gateway's own statistics are optional: they are only compared with the box's.
            return None

    def _log(self, read: Read) -> None:
        if read.new:
            log.info(ARCHIVED, read.new)
        if read.unusable:
            log.warning("Ignored %d unreadable entries of the gateway's history", read.unusable)

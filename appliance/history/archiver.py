"""Keeps the appliance's archive: asks the gateway for what it still knows, and says what the archive makes of today."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TypeVar

from appliance.aio import in_daemon_thread
from appliance.core.day_stats import DeliveryStats, GatewayStats
from appliance.core.delivery import DAY, Finished
from appliance.core.effects import SyncHistory
from appliance.core.events import HistorySynced, HistorySyncFailed
from appliance.core.values import Benchmarks
from appliance.gateway.feed_priority import FeedPriority
from appliance.gateway.history import HistoryError, ListedOrder, read_orders, read_statistics
from appliance.history.archive import Archive, Progress, Query
from appliance.history.fetch import Ask, Read, Tell, fetch
from appliance.history.locate import CurrentAddresses, Resolve
from appliance.history.schema import ArchiveError, BusyError, DamagedError, alone

T = TypeVar("T")

WHOLE_EVERY = 24
"""Fillings between two that read all that the gateway has; those in between read what began since the day before."""
PATIENCE, LOOK_AGAIN = 60.0, 0.5
"""Seconds for which another program is waited for at the most, and between two looks whether it is done."""
DISK_DEADLINE = 120.0
"""Seconds for one call of the archive: on the slowest card its check after the start takes some ten."""

log = logging.getLogger(__name__)


async def fill(
    archive: Archive,
    gateway: str,
    ask: Ask,
    *,
    whole: bool,
    seen: Mapping[str, Finished] | None = None,
    tell: Tell = lambda read, part: None,
    busy: Callable[[], None] | None = None,
) -> Read:
    """Bring an archive up to date with a gateway, while no other program does. seen: see `Archive.keep`.

    busy: is called again and again while another program is waited for; without it none is.

    Raises:
        HistoryError: The gateway can't be read to the end.
        ArchiveError: The archive can't be used this time.
        TimeoutError: The disk does not answer.
    """

    async def keep(orders: list[Finished], reached: Progress) -> int:
        return await on_disk(lambda: archive.keep(gateway, orders, reached, seen))

    async def once() -> Read:
        progress = await on_disk(lambda: archive.progress(gateway))
        return await fetch(ask, keep, progress, whole=whole or progress.mark is not None, tell=tell)

    ends = asyncio.get_running_loop().time() + PATIENCE
    while True:
        taken = alone(archive.directory)
        try:
            await on_disk(taken.__enter__)
            break
        except BusyError:
            if busy is None or asyncio.get_running_loop().time() > ends:
                raise
        busy()
        await asyncio.sleep(LOOK_AGAIN)
    try:
        try:
            return await once()
        except DamagedError:
            # It was put aside, and this begins the new one, with all that the gateway still has.
            return await once()
    finally:
        taken.__exit__(None, None, None)


async def on_disk(call: Callable[[], T]) -> T:
    """What a call of the archive gives. Raises TimeoutError where the disk does not answer."""
    async with asyncio.timeout(DISK_DEADLINE):
        return await in_daemon_thread(call, "sync the history")


class Keeper:
    """Fills one archive. Every call of the disk is made on a thread of its own, with a deadline."""

    def __init__(self, archive: Archive, benchmarks: Benchmarks) -> None:
        self._archive = archive
        self._benchmarks = benchmarks
        self._read: dict[str, int] = {}
        self._said = ""

    async def keep(
        self, what: SyncHistory, feed_priority: FeedPriority, resolve: Resolve
    ) -> HistorySynced | HistorySyncFailed:
        """Bring the archive up to date, and tell what it holds of the day.

        resolve: asks afresh where the gateway is. Neither the gateway nor the disk makes it raise.
        """
        try:
            done = await self._fill(what, feed_priority, CurrentAddresses(resolve))
        except (HistoryError, ArchiveError, TimeoutError) as error:
            words = str(error) or "the disk does not answer"
            if words != self._said:
                self._said = words
                log.warning("The history can't be kept now: %s", words)
            return HistorySyncFailed(what.attempt)
        self._said = ""
        return done

    async def _fill(self, what: SyncHistory, feed_priority: FeedPriority, where: CurrentAddresses) -> HistorySynced:
        name = what.gateway
        number = self._read.get(name, 0)

        async def ask(offset: int, since: float | None) -> list[ListedOrder]:
            async def page() -> list[ListedOrder]:
                await where.confirm(what.address)
                return await read_orders(what.address, what.token, offset, since)

            return await feed_priority.request(page)

        seen = {order.uuid: order for order in what.seen}
        read = await fill(self._archive, name, ask, whole=number % WHOLE_EVERY == 0, seen=seen)
        self._read[name] = number + 1
        own = await self._statistics(what, feed_priority, where)
        day, figures, uuids, measured = await on_disk(lambda: self._day(what))
        self._tell(read)
        return HistorySynced(what.attempt, day, figures, uuids, measured, own if day == what.day else None)

    def _day(self, what: SyncHistory) -> tuple[int | None, DeliveryStats, frozenset[str], frozenset[str]]:
        """What the archive holds of the day that was asked for, or of its latest, and of what the box saw. Blocks."""
        day = what.day
        if day is None:
            latest = self._archive.latest(what.gateway)
            day = None if latest is None else int(latest // DAY)
        held = self._archive.holds(what.gateway, (order.uuid for order in what.seen))
        if day is None:
            return None, DeliveryStats(), frozenset(), held
        orders = list(self._archive.orders(what.gateway, Query(day * DAY, (day + 1) * DAY)))
        figures = DeliveryStats().plus(orders, self._benchmarks.forget_after)
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
            # The orders themselves were read; its own figures are only there to be compared with.
            return None

    def _tell(self, read: Read) -> None:
        if read.new:
            log.info("%d more orders are kept", read.new)
        if read.unusable:
            log.warning("%d entries of the gateway's history can't be read", read.unusable)

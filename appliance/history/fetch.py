"""Reads a gateway's history from one end to the other, and hands it on in batches that are kept as they come.

One request at a time. What fails in passing is asked again a few times; what breaks off leaves a mark to go on from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from appliance.core.delivery import DAY, Finished
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder
from appliance.history.archive import Progress
from appliance.history.paging import Paging, RestlessError

Ask = Callable[[int, float | None], Awaitable[list[ListedOrder]]]
"""One page: its offset, and the local time after which its orders began."""
Keep = Callable[[list[Finished], Progress], Awaitable[int]]
"""Keeps a batch, and says how many orders in it are new."""
Tell = Callable[[int, float], None]
"""Takes how many finished orders were read, and which part of the whole that may be, up to 1."""

BATCH = 2000
"""Orders that are kept at once: the whole of a busy fortnight is seven writes, and a power cut costs a few seconds."""
KEPT_BY_GATEWAY = 14 * DAY
"""How long the gateway remembers at the most (gateway API, orders)."""
LOOKS_AGAIN = 5
"""Readings at the most of what is new since a reading began, until one finds nothing more."""
SAME = 2
"""Pages of a reading that nothing can have moved in: the first, and the one that finds nothing after it."""
PAUSES = (1.0, 2.0, 4.0)
"""Seconds before each further try of a page that could not be had in passing."""
PASSING = {HistoryFailure.NO_ANSWER, HistoryFailure.TRUNCATED, HistoryFailure.UNAVAILABLE}
OUTLIERS = 50
"""One in so many of the newest times may be of a clock that ran ahead, and does not say how far was read."""


@dataclass(slots=True)
class Read:
    """What a reading brought. orders: finished ones. new: those that were not kept before. unusable: could not be read.

    requests: pages that were asked for.
    """

    uuids: set[str] = field(default_factory=set)
    new: int = 0
    unusable: int = 0
    requests: int = 0
    times: list[float] = field(default_factory=list)
    waiting: list[Finished] = field(default_factory=list)

    @property
    def read_to(self) -> float | None:
        """The newest local time that can be believed."""
        newest = sorted(self.times)
        return newest[-1 - len(newest) // OUTLIERS] if newest else None


async def fetch(
    ask: Ask, keep: Keep, progress: Progress, *, whole: bool = True, tell: Tell = lambda read, part: None
) -> Read:
    """Read the history and keep it. whole: all that the gateway has; else what began since a day before the last time.

    Raises:
        HistoryError: It broke off. What was read is kept, with a mark.
    """
    read = Read()
    resumed = progress.mark if whole else None
    since = None if whole or progress.read_to is None else progress.read_to - DAY
    reading = Paging(resumed)
    await _through(ask, keep, reading, read, since, progress, tell, marks=whole)
    if reading.pages > SAME or resumed is not None:
        after = min(filter(None, (read.read_to, progress.read_to if resumed else None)), default=None)
        for _ in range(LOOKS_AGAIN):
            before = len(read.uuids)
            again = Paging()
            await _through(ask, keep, again, read, None if after is None else after - DAY, progress, tell)
            if len(read.uuids) == before:
                break
    await _flush(keep, read, Progress(read.read_to or progress.read_to))
    tell(len(read.uuids), 1.0)
    return read


async def _through(
    ask: Ask,
    keep: Keep,
    paging: Paging,
    read: Read,
    since: float | None,
    progress: Progress,
    tell: Tell,
    *,
    marks: bool = False,
) -> None:
    """Read to the end of the list."""
    began: float | None = None

    def place() -> Progress:
        return Progress(read.read_to or progress.read_to, paging.mark if marks else progress.mark)

    try:
        while not paging.done:
            try:
                page = await _patiently(ask, paging.offset, since)
            except HistoryError as error:
                if error.failure is HistoryFailure.DATE and since is not None:
                    since, paging = None, Paging()
                    continue
                if error.failure is not HistoryFailure.OFFSET:
                    raise
                paging.refused()
                continue
            read.requests += 1
            read.unusable += sum(not listed.uuid for listed in page)
            paging.take([listed.uuid for listed in page])
            times = _take(page, read)
            if times and began is None:
                began = times[0]
            if times and began is not None and marks:
                tell(len(read.uuids), min(0.99, abs(times[-1] - began) / KEPT_BY_GATEWAY))
            if len(read.waiting) >= BATCH:
                await _flush(keep, read, place())
    except (HistoryError, RestlessError) as error:
        await _flush(keep, read, place())
        raise error if isinstance(error, HistoryError) else HistoryError(HistoryFailure.CHANGING) from None


def _take(page: list[ListedOrder], read: Read) -> list[float]:
    """Put a page's finished orders with those that wait to be kept; gives when they began."""
    times: list[float] = []
    for listed in page:
        order = listed.finished
        if order is None:
            continue
        if order.created is not None:
            times.append(order.created)
        if order.uuid not in read.uuids:
            read.uuids.add(order.uuid)
            read.waiting.append(order)
    read.times += times
    return times


async def _patiently(ask: Ask, offset: int, since: float | None) -> list[ListedOrder]:
    for pause in PAUSES:
        try:
            return await ask(offset, since)
        except HistoryError as error:
            if error.failure not in PASSING:
                raise
        await asyncio.sleep(pause)
    return await ask(offset, since)


async def _flush(keep: Keep, read: Read, progress: Progress) -> None:
    """Keep what waits, the oldest first."""
    batch, read.waiting = sorted(read.waiting, key=lambda order: order.created or order.cleared or 0.0), []
    read.new += await keep(batch, progress)

"""Reads a gateway's history in chunks and stores it in batches.

One request at a time. Retries transient errors; after other errors, a stored mark lets the next reading resume.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from appliance.core.delivery import DAY, Finished
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder
from appliance.history.archive import Progress
from appliance.history.chunks import ChunkedReading, UnstableListError

FetchChunk = Callable[[int, float | None], Awaitable[list[ListedOrder]]]
"""Fetches one chunk: its offset, and the local time after which its orders started."""
Store = Callable[[list[Finished], Progress], Awaitable[int]]
"""Stores a batch; the number of new orders in it."""
OnProgress = Callable[[int, float], None]
"""Called with the number of finished orders read, and the estimated progress from 0.0 to 1.0."""

BATCH = 2000
"""Orders per write: seven writes for a busy fortnight, and a power cut loses a few seconds of reading."""
KEPT_BY_GATEWAY = 14 * DAY
"""How long the gateway stores orders (gateway API, orders)."""
MAX_REREADS = 5
"""Maximum number of further readings, each for orders that were added during the last one."""
STABLE_CHUNKS = 2
"""Readings of so few chunks can't miss an order: the second one then has no new order."""
RETRY_DELAYS = (1.0, 2.0, 4.0)
"""Seconds before each retry of a chunk."""
TRANSIENT = {HistoryFailure.NO_ANSWER, HistoryFailure.TRUNCATED, HistoryFailure.UNAVAILABLE}
OUTLIERS = 50
"""One in so many of the newest times may come from a clock that ran ahead, and is ignored."""


@dataclass(slots=True)
class Read:
    """The result of a reading. new: orders that were not archived yet. unusable: unreadable entries.

    requests: chunks read. waiting: orders that are not stored yet.
    """

    uuids: set[str] = field(default_factory=set)
    new: int = 0
    unusable: int = 0
    requests: int = 0
    times: list[float] = field(default_factory=list)
    waiting: list[Finished] = field(default_factory=list)

    @property
    def read_to(self) -> float | None:
        """The newest plausible local time."""
        newest = sorted(self.times)
        return newest[-1 - len(newest) // OUTLIERS] if newest else None


async def fetch(
    fetch_chunk: FetchChunk,
    store: Store,
    progress: Progress,
    *,
    whole: bool = True,
    on_progress: OnProgress = lambda read, part: None,
) -> Read:
    """Read and store the history. whole: all of it; otherwise what started since a day before the last reading.

    Raises:
        HistoryError: The reading failed. The orders read so far are stored, with a mark to resume from.
    """
    read = Read()
    resumed = progress.mark if whole else None
    since = None if whole or progress.read_to is None else progress.read_to - DAY
    reading = ChunkedReading(resumed)
    await _read_all(fetch_chunk, store, reading, read, since, progress, on_progress, marks=whole)
    if reading.chunks > STABLE_CHUNKS or resumed is not None:
        after = min(filter(None, (read.read_to, progress.read_to if resumed else None)), default=None)
        for _ in range(MAX_REREADS):
            before = len(read.uuids)
            again = ChunkedReading()
            await _read_all(
                fetch_chunk, store, again, read, None if after is None else after - DAY, progress, on_progress
            )
            if len(read.uuids) == before:
                break
    await _flush(store, read, Progress(read.read_to or progress.read_to))
    on_progress(len(read.uuids), 1.0)
    return read


async def _read_all(
    fetch_chunk: FetchChunk,
    store: Store,
    reading: ChunkedReading,
    read: Read,
    since: float | None,
    progress: Progress,
    on_progress: OnProgress,
    *,
    marks: bool = False,
) -> None:
    """Read to the end of the list."""
    began: float | None = None

    def place() -> Progress:
        return Progress(read.read_to or progress.read_to, reading.mark if marks else progress.mark)

    try:
        while not reading.done:
            try:
                chunk = await _with_retries(fetch_chunk, reading.offset, since)
            except HistoryError as error:
                if error.failure is HistoryFailure.DATE and since is not None:
                    since, reading = None, ChunkedReading()
                    continue
                if error.failure is not HistoryFailure.OFFSET:
                    raise
                reading.refused()
                continue
            read.requests += 1
            read.unusable += sum(not listed.uuid for listed in chunk)
            reading.take([listed.uuid for listed in chunk])
            times = _take(chunk, read)
            if times and began is None:
                began = times[0]
            if times and began is not None and marks:
                on_progress(len(read.uuids), min(0.99, abs(times[-1] - began) / KEPT_BY_GATEWAY))
            if len(read.waiting) >= BATCH:
                await _flush(store, read, place())
    except (HistoryError, UnstableListError) as error:
        await _flush(store, read, place())
        raise error if isinstance(error, HistoryError) else HistoryError(HistoryFailure.CHANGING) from None


def _take(chunk: list[ListedOrder], read: Read) -> list[float]:
    """Collect a chunk's finished orders; their start times."""
    times: list[float] = []
    for listed in chunk:
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


async def _with_retries(fetch_chunk: FetchChunk, offset: int, since: float | None) -> list[ListedOrder]:
    for pause in RETRY_DELAYS:
        try:
            return await fetch_chunk(offset, since)
        except HistoryError as error:
            if error.failure not in TRANSIENT:
                raise
        await asyncio.sleep(pause)
    return await fetch_chunk(offset, since)


async def _flush(store: Store, read: Read, progress: Progress) -> None:
    """Store the collected orders, oldest first."""
    batch, read.waiting = sorted(read.waiting, key=lambda order: order.created or order.cleared or 0.0), []
    read.new += await store(batch, progress)

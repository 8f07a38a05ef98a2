"""The history syncs that the core starts, and requests from outside for one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from traceback import walk_tb
from typing import Protocol

from appliance.aio import in_daemon_thread
from appliance.core.effects import SyncHistory
from appliance.core.events import Event, HistoryRequested, HistorySynced, HistorySyncFailed
from appliance.core.values import Gateway
from appliance.gateway.feed_priority import FeedPriority

REQUEST_PATIENCE, REQUEST_RETRY = 10.0, 0.2
"""Seconds for which a request waits for a live feed, and between two attempts."""
UNEXPECTED_HISTORY_ERROR = "Can't update the history: unexpected error"
"""The log's message for a bug in the history code. Every test fails if it is logged."""

Resolve = Callable[[], Awaitable[Gateway | None]]
"""Resolves the gateway's name, bypassing every cache."""
OnProgress = Callable[[int, float], None]
"""Called with the number of past orders read so far, and the estimated progress from 0.0 to 1.0."""
Outcome = HistorySynced | HistorySyncFailed


class Archiver(Protocol):
    """Archives finished orders."""

    async def sync(
        self, what: SyncHistory, feed_priority: FeedPriority, resolve: Resolve, on_progress: OnProgress
    ) -> Outcome:
        """Bring the archive up to date.

        Returns HistorySyncFailed for every expected failure. An exception is a bug, and only fails this one sync.
        """


class HistorySyncs:
    """Runs history syncs. make_archiver: as in EffectHandlers. log_once: logs a message the first time."""

    def __init__(
        self,
        make_archiver: Callable[[], Archiver] | None,
        feed_priority: FeedPriority,
        log_once: Callable[[int, str], None],
    ) -> None:
        self._make_archiver = make_archiver
        self._feed_priority = feed_priority
        self._log_once = log_once
        self._archiver: Archiver | None = None
        self._running: dict[int, asyncio.Task[Outcome]] = {}
        self._request_lock = asyncio.Lock()
        self._requested: asyncio.Future[asyncio.Task[Outcome]] | None = None
        self._on_progress: OnProgress = lambda orders, part: None

    def note(self, effect: SyncHistory, sync: asyncio.Task[Outcome]) -> None:
        """Note the task of an effect, which runs `sync`."""
        self._running[effect.attempt] = sync
        sync.add_done_callback(lambda _: self._running.pop(effect.attempt, None))
        if effect.requested and self._requested is not None and not self._requested.done():
            self._requested.set_result(sync)

    def stop(self, attempt: int) -> None:
        """Stop a sync, if it is running."""
        sync = self._running.pop(attempt, None)
        if sync is not None:
            sync.cancel()

    async def sync(self, effect: SyncHistory, resolve: Resolve) -> Outcome:
        """Bring the archive up to date, as an effect says."""
        if self._make_archiver is None:
            return HistorySyncFailed(effect.attempt, "there is no archive")
        try:
            if self._archiver is None:
                # Imported only now, so that the first count need not wait for its libraries.
                self._archiver = await in_daemon_thread(self._make_archiver, "load the archive")
            report = self._on_progress if effect.requested else lambda orders, part: None
            return await self._archiver.sync(effect, self._feed_priority, resolve, report)
        except Exception as error:  # noqa: BLE001 - a bug in the history must not stop the count
            # Without the error's text, which may quote the gateway.
            where = f"{type(error).__name__} {_error_location(error)}"
            self._log_once(logging.ERROR, f"{UNEXPECTED_HISTORY_ERROR}: {where}")
            return HistorySyncFailed(effect.attempt, f"unexpected error: {where}")

    async def request(self, emit: Callable[[Event], None], on_progress: OnProgress) -> Outcome | None:
        """Have the core start a sync now; its outcome, or None if no feed was live in time.

        Cancelling it only stops waiting.
        """
        async with self._request_lock:
            if self._running:
                # One that is under way may have read past the newest orders.
                await asyncio.wait(self._running.values())
            requested: asyncio.Future[asyncio.Task[Outcome]] = asyncio.get_running_loop().create_future()
            self._requested = requested
            self._on_progress = on_progress
            try:
                async with asyncio.timeout(REQUEST_PATIENCE):
                    while not requested.done():
                        emit(HistoryRequested())
                        await asyncio.wait({requested}, timeout=REQUEST_RETRY)
                sync = requested.result()
                await asyncio.wait({sync})
            except TimeoutError:
                return None
            finally:
                self._requested = None
                self._on_progress = lambda orders, part: None
        if sync.cancelled():
            return HistorySyncFailed(0, "the connection to the gateway was lost")
        return sync.result()


def _error_location(error: Exception) -> str:
    """Format where an error was raised, and the innermost line of the appliance's own code, if different."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if Path(__file__).parent in frame[0].parents]
    places = dict.fromkeys((*ours[-1:], *frames[-1:]))
    return ", ".join(f"at {path.parent.name}/{path.name}:{line}" for path, line in places)

"""Gives opening a feed priority over other requests to the gateway.

Low-priority requests, which read the history, run one at a time and are cancelled when a feed starts to open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class FeedPriority:
    """Tracks the feeds that are opening. Not thread-safe: call it in the loop's thread."""

    def __init__(self) -> None:
        self._opening: set[int] = set()
        self._free = asyncio.Event()
        self._free.set()
        self._request: asyncio.Future[Any] | None = None
        self._lock = asyncio.Lock()

    def opening(self, feed: int) -> None:
        """Note that a feed is opening; cancels the running request, which is retried later."""
        self._opening.add(feed)
        self._free.clear()
        if self._request is not None:
            self._request.cancel()

    def settled(self, feed: int) -> None:
        """Note that a feed is open, or failed to open."""
        self._opening.discard(feed)
        if not self._opening:
            self._free.set()

    async def request(self, start_request: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a request. start_request: starts it; called again after each cancellation by a feed."""
        async with self._lock:
            while True:
                await self._free.wait()
                self._request = request = asyncio.ensure_future(start_request())
                try:
                    await asyncio.wait({request})
                finally:
                    self._request = None
                    if not request.done():
                        # Wait until it has ended: only one request may run at a time.
                        request.cancel()
                        with suppress(asyncio.CancelledError, Exception):
                            await request
                    elif not request.cancelled():
                        # The caller may be cancelled just as the request fails: mark the exception as retrieved.
                        request.exception()
                if not request.cancelled():
                    return request.result()

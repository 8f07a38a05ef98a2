"""Requests that can wait give way to a feed that is being opened, and go one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class FeedPriority:
    """Knows which feeds are being opened. For the loop's own thread.

    tell: is told whenever the first of them begins to open, and when none does any more.
    """

    def __init__(self, tell: Callable[[bool], None] = lambda opening: None) -> None:
        self._tell = tell
        self._opening: set[int] = set()
        self._free = asyncio.Event()
        self._free.set()
        self._request: asyncio.Future[Any] | None = None
        self._turn = asyncio.Lock()

    def opening(self, feed: int) -> None:
        """A feed is being opened: what is under way is broken off, and asked again later."""
        if not self._opening:
            self._tell(True)
        self._opening.add(feed)
        self._free.clear()
        if self._request is not None:
            self._request.cancel()

    def settled(self, feed: int) -> None:
        """It is live, or will not be."""
        self._opening.discard(feed)
        if not self._opening and not self._free.is_set():
            self._free.set()
            self._tell(False)

    async def request(self, make: Callable[[], Awaitable[T]]) -> T:
        """What a request gives. make: begins it, and is called again where it had to give way."""
        async with self._turn:
            while True:
                await self._free.wait()
                self._request = request = asyncio.ensure_future(make())
                try:
                    await asyncio.wait({request})
                finally:
                    self._request = None
                    if not request.done():
                        # It is over before anything else begins: one request at a time.
                        request.cancel()
                        with suppress(asyncio.CancelledError, Exception):
                            await request
                    elif not request.cancelled():
                        # Whoever waits may leave at the very moment at which it failed; or it counts as never seen.
                        request.exception()
                if not request.cancelled():
                    return request.result()

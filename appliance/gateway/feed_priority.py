"""Gives opening a feed priority over other requests to the gateway, in this process and in others.

Within the process, low-priority requests run one at a time and are cancelled when a feed starts to open. Other
processes, which download the history, see a signal: a socket bound in Linux's abstract namespace. The signal needs no
file and no disk I/O, and the kernel removes it when the process ends.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

MOST_WAIT = 30.0
"""Seconds after which a reader stops waiting: the feed has opened, or its gateway is unreachable."""
POLL_INTERVAL = 0.1


class FeedPriority:
    """Tracks the feeds that are opening. Not thread-safe: call it in the loop's thread.

    on_change: called with True when the first feed starts to open, and with False when none is opening any more.
    """

    def __init__(self, on_change: Callable[[bool], None] = lambda opening: None) -> None:
        self._on_change = on_change
        self._opening: set[int] = set()
        self._free = asyncio.Event()
        self._free.set()
        self._request: asyncio.Future[Any] | None = None
        self._lock = asyncio.Lock()

    def opening(self, feed: int) -> None:
        """Note that a feed is opening; cancels the running request, which is retried later."""
        if not self._opening:
            self._on_change(True)
        self._opening.add(feed)
        self._free.clear()
        if self._request is not None:
            self._request.cancel()

    def settled(self, feed: int) -> None:
        """Note that a feed is open, or failed to open."""
        self._opening.discard(feed)
        if not self._opening and not self._free.is_set():
            self._free.set()
            self._on_change(False)

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


class FeedSignal:
    """The sending end of the signal. directory: the appliance's state directory, which identifies it to readers."""

    def __init__(self, directory: Path) -> None:
        self._name = _name(directory)
        self._socket: socket.socket | None = None

    def show(self, opening: bool) -> None:
        """Raise or clear the signal. Never blocks."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if opening:
            # Without an abstract namespace, readers simply don't wait.
            with suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.bind(self._name)


async def wait_for_feed(directory: Path) -> None:
    """Wait while the appliance with this state directory is opening a feed, for MOST_WAIT at most."""
    name = _name(directory)
    with suppress(TimeoutError):
        async with asyncio.timeout(MOST_WAIT):
            while _is_raised(name):  # noqa: ASYNC110 - another process can't set an event here
                await asyncio.sleep(POLL_INTERVAL)


def _is_raised(name: bytes) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as look:
        look.setblocking(False)
        try:
            look.connect(name)
        except OSError:
            return False
    return True


def _name(directory: Path) -> bytes:
    # Hashed, because a path may be longer than a socket name.
    return b"\0tt-appliance-feed-" + hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest().encode()

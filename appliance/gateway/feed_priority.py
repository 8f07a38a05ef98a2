"""Gives a feed that is being opened priority over other requests to the gateway, in this process and beside it.

Within the process, requests that can wait run one at a time and are cancelled when a feed begins to open. Programs
beside it, which read the history, see a signal: a socket bound to a name in Linux's abstract namespace. It needs no
file, waits for no disk, and disappears with its process.
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

PATIENCE = 30.0
"""Seconds that a reader waits at the most: a feed is open by then, or its gateway is not there."""
LOOK_AGAIN = 0.1


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


class FeedSignal:
    """The appliance's own end of it. directory: where its state is, which is what readers know it by."""

    def __init__(self, directory: Path) -> None:
        self._name = _name(directory)
        self._socket: socket.socket | None = None

    def show(self, opening: bool) -> None:
        """A feed is being opened, or none is any more. Never waits."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if opening:
            # Where there is no such namespace, readers are a little less polite.
            with suppress(OSError):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.bind(self._name)


async def wait_for_feed(directory: Path) -> None:
    """Wait while the appliance beside this program is opening a feed."""
    name = _name(directory)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while _shown(name):  # noqa: ASYNC110 - what another process does has no event here
                await asyncio.sleep(LOOK_AGAIN)


def _shown(name: bytes) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as look:
        look.setblocking(False)
        try:
            look.connect(name)
        except OSError:
            return False
    return True


def _name(directory: Path) -> bytes:
    # A path may be longer than a socket's name.
    return b"\0tt-appliance-feed-" + hashlib.sha256(os.fsencode(os.path.realpath(directory))).hexdigest().encode()

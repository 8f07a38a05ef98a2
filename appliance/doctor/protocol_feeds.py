"""Feeds that the doctor opens to see what a gateway says on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from appliance.core.events import Event, FeedFailure, FeedLost, FeedOpened, TokenRefused
from appliance.core.values import Address, Credential
from appliance.doctor.protocol_facts import FeedMessages
from appliance.gateway.feed import run_feed
from appliance.gateway.feed_tap import TappedConnection


class WatchedFeed:
    """One feed. seen: what it said. status: of its handshake; None without an answer. ended: why it ended.

    wants_header: the gateway asked for the token in the handshake.
    """

    def __init__(self) -> None:
        self.seen = FeedMessages()
        self.status: int | None = None
        self.ended: str | None = None
        self.wants_header = False
        self._live = False
        self._settled = asyncio.Event()

    def is_live(self) -> bool:
        """Whether it is live."""
        return self._live

    async def settle(self) -> None:
        """Wait until it is live or has ended."""
        await self._settled.wait()

    def note(self, event: Event) -> None:
        """Take an event."""
        match event:
            case FeedOpened():
                self._live = True
            case FeedLost(_, why):
                self.wants_header = why is FeedFailure.UNAUTHORIZED
                self._end(why.name.lower().replace("_", " "))
            case TokenRefused():
                self._end("token refused")
            case _:
                return
        self._settled.set()

    def handshake(self, status: int, reason: str, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        """Take the answer to the handshake."""
        self.status = status

    def message(self, data: bytes, binary: bool, fragments: int) -> None:
        """Take a message."""
        self.seen.take(data.decode("utf-8", "replace"))

    def control(self, kind: str, data: bytes) -> None:
        """Ignore a ping."""

    def close(self, code: int, reason: str) -> None:
        """Note a close frame."""
        self.ended = f"closed with {code}"

    def _end(self, why: str) -> None:
        self._live = False
        refused = self.status is not None and self.status != 101
        self.ended = f"HTTP {self.status}" if refused else self.ended or why


@asynccontextmanager
async def open_feed(
    address: Address, credential: Credential, opened: Callable[[WatchedFeed], None]
) -> AsyncIterator[WatchedFeed]:
    """A feed that has settled, and is closed at the end of the block. opened: takes each that is tried."""
    header = credential.header
    while True:
        feed = WatchedFeed()
        opened(feed)
        running = asyncio.create_task(
            run_feed(1, address, credential.token, feed.note, header, partial(TappedConnection, tap=feed))
        )
        try:
            await feed.settle()
            if feed.wants_header and not header:
                header = True
                continue
            yield feed
            return
        finally:
            running.cancel()
            await asyncio.wait([running])

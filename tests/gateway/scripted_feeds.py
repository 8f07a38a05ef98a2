"""What the tests of the feed share: one that listens, and a gateway's side that follows a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from appliance.core.events import Event, FeedFailure, FeedLost, FeedNotified, FeedOpened, Notification, TokenRefused
from appliance.core.values import Address, Token
from appliance.gateway.feed import run_feed

from .conftest import SECRET, TOKEN

ATTEMPT = 7
EMPTY = json.dumps({"type": "ACTIVE_ORDERS", "count": 0, "items": []})
OPENED = FeedOpened(ATTEMPT, ())
REFUSED = TokenRefused(ATTEMPT)
UNREACHABLE = FeedLost(ATTEMPT, FeedFailure.UNREACHABLE)
CLOSED = FeedLost(ATTEMPT, FeedFailure.CLOSED)
TOO_MUCH = FeedLost(ATTEMPT, FeedFailure.TOO_MUCH)
CLOSED_EARLY = FeedLost(ATTEMPT, FeedFailure.CLOSED_EARLY)


class Listener:
    """Keeps what a feed tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._heard = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._heard.set()

    @property
    def notifications(self) -> list[Notification]:
        """All that was notified, in order."""
        batches = [event.notifications for event in self.events if isinstance(event, FeedNotified)]
        return [notification for batch in batches for notification in batch]

    async def until(self, true: Callable[[Listener], bool], within: float = 5.0) -> None:
        """Wait until a condition on the received events holds."""
        async with asyncio.timeout(within):
            while not true(self):
                self._heard.clear()
                await self._heard.wait()

    async def opened(self) -> None:
        """Wait until the feed is live."""
        await self.until(lambda heard: any(isinstance(event, FeedOpened) for event in heard.events))


@asynccontextmanager
async def feeding(address: Address, token: Token = TOKEN) -> AsyncIterator[tuple[Listener, asyncio.Task[None]]]:
    """Give a feed's listener and its task, which is cancelled at the end if it still runs."""
    listener = Listener()
    task = asyncio.create_task(run_feed(ATTEMPT, address, token, listener))
    try:
        yield listener, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def feed_events(address: Address, token: Token = TOKEN, within: float = 5.0) -> list[Event]:
    """All that a feed tells until it ends by itself."""
    listener = Listener()
    async with asyncio.timeout(within):
        await run_feed(ATTEMPT, address, token, listener)
    return listener.events


Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def gateway_that(script: Script, **more: Any) -> AsyncIterator[Address]:
    """Give the address of a gateway that takes any token, and then follows a script."""

    async def answer(connection: ServerConnection) -> None:
        assert json.loads(await connection.recv()) == {"accesstoken": SECRET}
        await script(connection)

    async with serve(answer, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2, **more) as server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])


def sending(*messages: str | bytes, code: int = 1000) -> Script:
    """Script: say all this, and close."""

    async def script(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.close(code)

    return script


async def waiting(connection: ServerConnection) -> None:
    """Script: say nothing, until the other side leaves."""
    await connection.wait_closed()

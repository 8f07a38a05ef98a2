"""Shared by the tests of the feed: an event recorder, and a gateway that follows a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from appliance.core.events import (
    Event,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    TokenRefused,
)
from appliance.core.notifications import Notification
from appliance.core.values import Address, Token
from appliance.gateway.feed import run_feed

from .conftest import SECRET, TOKEN

ATTEMPT = 7
EMPTY = json.dumps({"type": "ACTIVE_ORDERS", "count": 0, "items": []})
OPENED = FeedOpened(ATTEMPT, ())
REFUSED = TokenRefused(ATTEMPT)
UNREACHABLE = FeedLost(ATTEMPT, FeedFailure.UNREACHABLE)
CLOSED = FeedLost(ATTEMPT, FeedFailure.CLOSED)
UNAUTHORIZED = FeedLost(ATTEMPT, FeedFailure.UNAUTHORIZED)
UNREADABLE = FeedLost(ATTEMPT, FeedFailure.UNREADABLE)
SILENT = FeedLost(ATTEMPT, FeedFailure.SILENT)
TOO_MUCH = FeedLost(ATTEMPT, FeedFailure.TOO_MUCH)
CLOSED_EARLY = FeedLost(ATTEMPT, FeedFailure.CLOSED_EARLY)


class FeedRecorder:
    """Records a feed's events."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._changed_event = asyncio.Event()

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._changed_event.set()

    @property
    def notifications(self) -> list[Notification]:
        """All notifications, in order."""
        batches = [event.notifications for event in self.events if isinstance(event, FeedNotified)]
        return [notification for batch in batches for notification in batch]

    async def wait_until(self, true: Callable[[FeedRecorder], bool], within: float = 5.0) -> None:
        """Wait until a condition on the events holds."""
        async with asyncio.timeout(within):
            while not true(self):
                self._changed_event.clear()
                await self._changed_event.wait()

    async def wait_opened(self) -> None:
        """Wait until the feed is live."""
        await self.wait_until(lambda recorder: any(isinstance(event, FeedOpened) for event in recorder.events))


@asynccontextmanager
async def running_feed(
    address: Address, token: Token = TOKEN
) -> AsyncIterator[tuple[FeedRecorder, asyncio.Task[None]]]:
    """Run a feed; yields its recorder and its task, which is cancelled at the end."""
    recorder = FeedRecorder()
    task = asyncio.create_task(run_feed(ATTEMPT, address, token, recorder))
    try:
        yield recorder, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def feed_events(address: Address, token: Token = TOKEN, within: float = 5.0) -> list[Event]:
    """All events of a feed until it ends by itself."""
    recorder = FeedRecorder()
    async with asyncio.timeout(within):
        await run_feed(ATTEMPT, address, token, recorder)
    return recorder.events


Script = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def scripted_gateway(script: Script, **more: Any) -> AsyncIterator[Address]:
    """The address of a gateway that accepts any token and then follows a script."""

    async def answer(connection: ServerConnection) -> None:
        assert json.loads(await connection.recv()) == {"accesstoken": SECRET}
        await script(connection)

    async with serve(answer, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2, **more) as server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])


def send_and_close(*messages: str | bytes, code: int = 1000) -> Script:
    """Script: send these messages, and close."""

    async def script(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        await connection.close(code)

    return script


async def wait_for_close(connection: ServerConnection) -> None:
    """Script: send nothing until the client closes."""
    await connection.wait_closed()

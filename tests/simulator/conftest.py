"""Shared by the simulator's tests: a gateway over real sockets, its clock, and independent clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from websockets.asyncio.client import ClientConnection, connect

from appliance.simulator.gateway import SimulatedGateway


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """Fail any test in which something blocks the loop."""
    with blockbuster_ctx() as found:
        yield found


class Clock:
    """The gateway's local time, which only `advance` changes."""

    def __init__(self) -> None:
        self.now = datetime(2016, 9, 22, 19, 8, 52, 400_000)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Let time pass, with the arguments of timedelta."""
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    """A stopped clock."""
    return Clock()


@pytest.fixture
async def gateway(clock: Clock) -> AsyncIterator[SimulatedGateway]:
    """A running gateway on a free port, without mDNS."""
    async with SimulatedGateway(clock=clock) as running:
        yield running


@dataclass
class Answer:
    """An HTTP answer: its status and its envelope."""

    status: int
    body: dict[str, Any]

    @property
    def outcome(self) -> tuple[int, int]:
        """The HTTP status, equal to the envelope's, and the return code."""
        assert self.body["status"] == self.status
        return self.status, self.body["returnCode"]


class Client:
    """An HTTP client of one gateway, with or without a token."""

    def __init__(self, gateway: SimulatedGateway, session: aiohttp.ClientSession) -> None:
        self.gateway = gateway
        self.token: str | None = None
        self._session = session

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        """Call the API. path: after /api/v2."""
        headers = more.pop("headers", {} if self.token is None else {"Authorization": f"Bearer {self.token}"})
        url = f"http://{self.gateway.address}/api/v2{path}"
        async with self._session.request(method, url, headers=headers, **more) as response:
            return Answer(response.status, await response.json())


@pytest.fixture
async def client(gateway: SimulatedGateway) -> AsyncIterator[Client]:
    """An HTTP client without a token."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield Client(gateway, session)


@pytest.fixture
def paired(gateway: SimulatedGateway, client: Client) -> Client:
    """An HTTP client with a valid token."""
    client.token = gateway.issue_token()
    return client


def dial(gateway: SimulatedGateway, **more: Any) -> connect:
    """Open a WebSocket connection to a gateway."""
    return connect(f"ws://{gateway.address}/api/v2/websocket", max_size=None, ping_interval=None, **more)


async def receive(feed: ClientConnection) -> dict[str, Any]:
    """Receive a feed's next message."""
    message: dict[str, Any] = json.loads(await feed.recv())
    return message


@asynccontextmanager
async def open_feed(gateway: SimulatedGateway, token: str | None = None) -> AsyncIterator[ClientConnection]:
    """A live feed, after its whole set."""
    async with dial(gateway) as feed:
        await feed.send(json.dumps({"accesstoken": token or gateway.issue_token()}))
        assert (await receive(feed))["type"] == "ACTIVE_ORDERS"
        yield feed

"""A served status: a publisher on a recording panel, its sockets, and a client of them."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.core.events import HistorySyncFailed
from appliance.core.view import LedMode, Leds, Line, Message, View
from appliance.demo.recording_panel import RecordingPanel
from appliance.history_syncs import OnProgress, Outcome
from appliance.logs import LastProblem
from appliance.status import places
from appliance.status.publisher import StatusPublisher
from appliance.status.server import Fill, serving


def view(active: int = 12, oldest: int | None = 431, state: str = "connected") -> View:
    words = Message((Line(str(active)), Line("orders")))
    leds = Leds(green=LedMode.ON)
    return View(state, None, "Bar", "10.0.0.2:8000", active, 1, oldest, leds, words, late=3)


async def no_connection(on_progress: OnProgress) -> Outcome | None:
    return None


async def refused(on_progress: OnProgress) -> Outcome | None:
    return HistorySyncFailed(1, "the gateway refused the token")


@pytest.fixture
def last_problem() -> Iterator[LastProblem]:
    handler = LastProblem.of_the_log()
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def publisher(tmp_path: Path, last_problem: LastProblem) -> StatusPublisher:
    return StatusPublisher(RecordingPanel(), last_problem, tmp_path / "state")


@asynccontextmanager
async def served(publisher: StatusPublisher, fill: Fill = no_connection) -> AsyncIterator[None]:
    """Serve a publisher that shows a first view."""
    publisher.start(lambda event: None, lambda: None)
    publisher.show(view(), None)
    async with serving(publisher, fill):
        yield


async def connected(publisher: StatusPublisher, name: str = places.STATUS) -> socket.socket:
    """A connection to one of the publisher's own sockets, which does not block."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = places.own_folder(publisher.state_dir, os.geteuid())
    client.connect(str(places.socket_path(folder, name)))
    client.setblocking(False)
    return client


async def received(client: socket.socket) -> bytes:
    """What a connection receives next; empty at its end."""
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(client, 1 << 20)

"""Serves the status, and takes requests to fill the archive: one task for each client, bounded in number and time."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress

from appliance.aio import in_daemon_thread
from appliance.core.events import HistorySyncFailed
from appliance.history_syncs import OnProgress, Outcome
from appliance.status.listeners import listening
from appliance.status.places import ARCHIVE, REQUEST, STATUS
from appliance.status.publisher import StatusPublisher

MOST_CLIENTS = 16
"""Clients of one socket. The next one replaces the oldest, so that none can lock others out by staying."""
ACCEPT_PAUSE = 0.02
"""Seconds between two connections: a program that connects without end costs little."""
SLOW = 10.0
"""Seconds after which a client that does not read, or that asks nothing, is left."""
PROGRESS_EVERY = 0.5
"""Seconds between two lines about the progress, which also say that the appliance is alive."""

Fill = Callable[[OnProgress], Awaitable[Outcome | None]]
Serve = Callable[[socket.socket], Awaitable[None]]

log = logging.getLogger("appliance")


@asynccontextmanager
async def serving(publisher: StatusPublisher, fill: Fill) -> AsyncIterator[None]:
    """Serve while the block runs. fill: brings the archive up to date, as EffectHandlers.fill_archive."""

    async def status(client: socket.socket) -> None:
        await _serve_status(client, publisher)

    async def archive(client: socket.socket) -> None:
        await _serve_archive(client, publisher, fill)

    serve: dict[str, Serve] = {STATUS: status, ARCHIVE: archive}
    with ExitStack() as stack:
        sockets = await in_daemon_thread(
            lambda: stack.enter_context(listening(publisher.state_dir)), "make the sockets"
        )
        running = [asyncio.create_task(_accept(each, serve[name]), name=name) for name, each in sockets.items()]
        try:
            yield
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


async def _accept(listener: socket.socket, serve: Serve) -> None:
    """Accept clients for ever, and end their tasks at the end."""
    loop = asyncio.get_running_loop()
    clients: dict[asyncio.Task[None], None] = {}
    try:
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError as error:
                # For example too many open files.
                log.debug("can't accept a connection: %s", error)
                await asyncio.sleep(1.0)
                continue
            if len(clients) >= MOST_CLIENTS:
                next(iter(clients)).cancel()
            task = asyncio.create_task(_serve(client, serve))
            clients[task] = None
            task.add_done_callback(clients.pop)
            await asyncio.sleep(ACCEPT_PAUSE)
    finally:
        for task in list(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


async def _serve(client: socket.socket, serve: Serve) -> None:
    with client:
        client.setblocking(False)
        try:
            await serve(client)
        except (OSError, TimeoutError):
            # The client is gone, or does not read.
            return
        except Exception as error:  # noqa: BLE001 - a bug in the status must not stop the count
            log.error("Can't serve the status: unexpected error: %s", type(error).__name__)


async def _serve_status(client: socket.socket, publisher: StatusPublisher) -> None:
    """Write the present line, and each that follows, until the client sends anything or closes its end."""
    lines = publisher.subscribe()
    try:
        writing = asyncio.create_task(_write(client, lines))
        # Nothing is taken on this socket, so nothing is read from it but one byte or the end.
        reading = asyncio.create_task(_read(client, 1))
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
    finally:
        publisher.unsubscribe(lines)


async def _write(client: socket.socket, lines: asyncio.Queue[bytes]) -> None:
    while True:
        await _send(client, await lines.get())


async def _read(client: socket.socket, most: int) -> bytes:
    return await asyncio.get_running_loop().sock_recv(client, most)


async def _send(client: socket.socket, line: bytes) -> None:
    async with asyncio.timeout(SLOW):
        await asyncio.get_running_loop().sock_sendall(client, line)


async def _serve_archive(client: socket.socket, publisher: StatusPublisher, fill: Fill) -> None:
    """Fill the archive if the client asks for it; lines about the progress, and one about the outcome."""
    request = b""
    async with asyncio.timeout(SLOW):
        while len(request) < len(REQUEST) and (more := await _read(client, len(REQUEST))):
            request += more
    if request != REQUEST:
        await _send(client, _encoded(error="unknown request"))
        return
    progress = {"orders": 0, "part": 0.0}

    def note(orders: int, part: float) -> None:
        progress.update(orders=orders, part=round(part, 3))

    filling = asyncio.ensure_future(fill(note))
    try:
        while not filling.done():
            await _send(client, _encoded(**progress))
            await asyncio.wait({filling}, timeout=PROGRESS_EVERY)
        outcome = filling.result()
    finally:
        filling.cancel()
        with suppress(asyncio.CancelledError):
            await filling
    if outcome is None:
        error: str | None = f"the appliance has no connection to its gateway: {publisher.situation}"
    else:
        error = outcome.why if isinstance(outcome, HistorySyncFailed) else None
    unreadable = 0 if outcome is None or isinstance(outcome, HistorySyncFailed) else outcome.unreadable
    await _send(client, _encoded(done=True, error=error, unreadable=unreadable))


def _encoded(**facts: object) -> bytes:
    return json.dumps(facts).encode() + b"\n"

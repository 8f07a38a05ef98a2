"""Shared by the gateway's tests: checks for blocking calls and leaks, and a TCP server that follows a script."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from blockbuster import blockbuster_ctx

from appliance.core.values import Address, Token

SECRET = "2f1f4339c7b77fa3474bf8ba8852349273e928bb8ad9d186"
TOKEN = Token(SECRET)

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def open_ip_sockets() -> set[int]:
    """The inodes of this process's TCP and UDP sockets."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names of descriptors, not paths
        with suppress(OSError):  # the listing's own descriptor is closed by now
            kind = os.fstat(int(descriptor))
            if stat.S_ISSOCK(kind.st_mode):
                with socket.socket(fileno=os.dup(int(descriptor))) as copy:
                    if copy.family in (socket.AF_INET, socket.AF_INET6):
                        found.add(kind.st_ino)
    return found


@pytest.fixture(autouse=True)
def no_leaked_threads_or_sockets() -> Iterator[None]:
    """Fail a test that leaks a thread or a socket."""
    threads, sockets = set(threading.enumerate()), open_ip_sockets()
    yield
    deadline = time.monotonic() + 2
    while True:
        left = [thread.name for thread in threading.enumerate() if thread not in threads]
        left += [f"socket {inode}" for inode in open_ip_sockets() - sockets]
        if not left:
            return
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.005)


@pytest.fixture(autouse=True, scope="module")
def no_blocking_calls() -> Iterator[None]:
    """Fail a test in which a call blocks the event loop."""
    with blockbuster_ctx():
        yield


class Server:
    """A TCP server that follows a script on each connection. seen: the request heads received."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.seen: list[bytes] = []
        self.ended = 0
        self.address = Address("127.0.0.1", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request's head, then follow the script."""
        self.seen.append(b"")
        number = len(self.seen) - 1
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                self.seen[number] = await reader.readuntil(b"\r\n\r\n")
                await self._script(reader, writer)
        finally:
            self.ended += 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def serving(script: Script, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    """Run a server on a free port; it closes its connections at the end."""
    server = Server(script)
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)
        task.add_done_callback(lambda _: writer.close())  # the task may be cancelled before its first step

    listening = await asyncio.start_server(accept, host, 0)
    server.address = Address(host, listening.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listening.close()
        for _ in range(10):  # the loop creates the tasks of new connections a few iterations later
            await asyncio.sleep(0)
            left = list(connections)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


def respond_with(data: bytes) -> Script:
    """Script: send this, and close."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return script


async def never_respond(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Script: send nothing until the client closes."""
    await reader.read()


def respond_slowly(data: bytes, every: float = 1.0) -> Script:
    """Script: send this, one byte at a time."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for at in range(len(data)):
            writer.write(data[at : at + 1])
            await writer.drain()
            await asyncio.sleep(every)

    return script


def http(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A complete HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture
def refusing_address() -> Iterator[Address]:
    """An address that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Address("127.0.0.1", taken.getsockname()[1])

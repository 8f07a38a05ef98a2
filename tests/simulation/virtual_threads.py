"""Blocking calls in virtual time: the product's threaded calls run in the event loop after a delay.

Owns the calls in progress. As with threads, a call whose caller timed out continues; a call of a dead process does
not. Only the HTTP exchange itself is replaced: the simulated network stands in for `requests`, with the same limits;
all code around it is the product's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from appliance.gateway.http import CONNECT_TIMEOUT, Answer, NoAnswerError
from appliance.gateway.wire import decode
from tests.simulation.disk import PowerCutError
from tests.simulation.loop import SimLoop
from tests.simulation.simulated_network import Network

DISK_CALLS = frozenset({"load the token", "write the pairing"})
"""Names of the calls of the token store."""
QUICK_CALLS = frozenset(
    {
        "load the network's libraries",
        "load the archive",
        "sync the history",
        "read the board",
        "look up the gateway",
        "write the display's driver",
    }
)
"""Names of the other calls that are no HTTP request."""


class _Suspended(BaseException):
    """The call has reached the network; carries its arguments."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__()
        self.arguments = arguments


class VirtualThreads:
    """slow_disk: maximum seconds of a disk call. power_cut: called when the power fails during one."""

    def __init__(self, loop: SimLoop, random: Random, network: Network, power_cut: Callable[[], None]) -> None:
        self.loop, self.random, self.network = loop, random, network
        self.slow_disk = 0.05
        self.boot = 0
        self.running = 0
        self._power_cut = power_cut
        self._answer: Answer | NoAnswerError | None = None
        self._waiting: list[Callable[[], None]] = []
        self._disk_busy = False
        self.requests: set[asyncio.Task[None]] = set()

    def kill(self) -> None:
        """The process has ended, so none of its calls completes."""
        self.boot += 1
        self.running = 0
        self._waiting.clear()
        self._disk_busy = False
        for request in list(self.requests):
            request.cancel()

    async def run(self, call: Callable[[], Any], name: str) -> Any:
        """Replaces in_daemon_thread."""
        if name not in DISK_CALLS | QUICK_CALLS and not name.startswith("GET "):
            # Guessing would exempt a renamed call from its faults, unnoticed.
            raise ValueError(f"the simulation does not know the call {name!r}")
        done: asyncio.Future[Any] = self.loop.create_future()
        self.running += 1
        if name.startswith("GET "):
            task = self.loop.create_task(self._run_request(call, done, self.boot))
            self.requests.add(task)
            task.add_done_callback(self.requests.discard)
        elif name in DISK_CALLS:
            # The store's calls take turns; the kernel chooses the next one among those that wait.
            self._waiting.insert(self.random.randrange(len(self._waiting) + 1), self._disk_job(call, done))
            self._next_disk_job()
        else:
            self.loop.call_later(self.random.uniform(0.001, 0.05), self._finish, call, done, self.boot)
        return await done

    def fetch(
        self,
        address: Any,
        path: str,
        headers: Any,
        read_timeout: float,
        connected: Any,
        *,
        read_success: bool,
        largest: int,
    ) -> Any:
        """Replaces http._fetch: the first call records the request, the second returns its answer."""
        answer, self._answer = self._answer, None
        if answer is None:
            raise _Suspended(address, path, headers, read_timeout, connected, read_success, largest)
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer

    def _finish(self, call: Callable[[], Any], done: asyncio.Future[Any], boot: int) -> None:
        if boot != self.boot:
            return
        self.running -= 1
        result: Any = None
        error: BaseException | None = None
        try:
            result = call()
        except PowerCutError:
            self._power_cut()
            return
        except Exception as caught:  # noqa: BLE001 - raised in the caller, as from a thread
            error = caught
        # The loop learns of a thread's result a moment later.
        self.loop.call_later(self.random.uniform(0.0, 0.002), self._settle, done, result, error)

    def _settle(self, done: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def _disk_job(self, call: Callable[[], Any], done: asyncio.Future[Any]) -> Callable[[], None]:
        boot = self.boot

        def work() -> None:
            self._finish(call, done, boot)
            if boot == self.boot:
                self._disk_busy = False
                self._next_disk_job()

        return work

    def _next_disk_job(self) -> None:
        if self._waiting and not self._disk_busy:
            self._disk_busy = True
            boot, work = self.boot, self._waiting.pop(0)
            self.loop.call_later(self.random.uniform(0.001, self.slow_disk), lambda: boot == self.boot and work())

    async def _run_request(self, call: Callable[[], Any], done: asyncio.Future[Any], boot: int) -> None:
        try:
            call()
        except _Suspended as suspended:
            answer: Answer | NoAnswerError
            try:
                answer = await self._exchange(*suspended.arguments)
            except (OSError, TimeoutError, ValueError) as error:
                answer = NoAnswerError(type(error).__name__)

        def fetched() -> Any:
            self._answer = answer
            return call()

        self._finish(fetched, done, boot)

    async def _exchange(
        self,
        address: Any,
        path: str,
        headers: Any,
        patience: float,
        connected: Any,
        read_success: bool,
        largest: int,
    ) -> Answer:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            end = await self.network.dial(address.host, address.port)
        reader = _Reader()
        end.set_protocol(reader)
        try:
            connected(_Handle(end.abort))
            lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
            end.write(f"GET {path} HTTP/1.1\r\nHost: {address.host}\r\n{lines}\r\n".encode())
            head = await reader.until(lambda data: b"\r\n\r\n" in data, patience)
            status = int(head.split(b" ", 2)[1])
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if not read_success and 200 <= status < 300:
                return Answer(status, None)
            start = head.index(b"\r\n\r\n") + 4
            data = await reader.until(lambda data: len(data) >= start + length, patience)
            body = data[start : start + length]
            return Answer(status, decode(body) if len(body) <= largest else None)
        finally:
            end.close()


class _Handle:
    """The part of a socket that is needed to cancel a request."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def shutdown(self, how: int) -> None:
        """Cancel the request."""
        self._end()


class _Reader(asyncio.Protocol):
    """Collects received data."""

    def __init__(self) -> None:
        self._data = b""
        self._closed = False
        self._more = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._more.set()

    def eof_received(self) -> None:
        self._closed = True
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._more.set()

    async def until(self, enough: Callable[[bytes], bool], patience: float) -> bytes:
        """The data received, once it is enough. patience: seconds between two pieces. Raises OSError, TimeoutError."""
        while not enough(self._data):
            if self._closed:
                raise ConnectionError("closed early")
            self._more.clear()
            async with asyncio.timeout(patience):
                await self._more.wait()
        return self._data

"""Shared by the tests of discovery: an event recorder, and two kinds of mDNS responders on the loopback interface.

Other tests may announce gateways there at the same time, so each test uses its own name prefix and records only names
with it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.values import Address, Gateway
from appliance.gateway.discovery import Discovery
from appliance.gateway.dns_sd import SERVICE_TYPE

LOOPBACK = "127.0.0.1"


class EventRecorder:
    """Records discovery's events about gateways whose name has a prefix, and its other events separately."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.events: list[Event] = []
        self.other_events: list[Event] = []
        self._changed_event = asyncio.Event()

    def __call__(self, event: Event) -> None:
        match event:
            case GatewayFound(Gateway(name)) | GatewayLost(name):
                if name.startswith(self._prefix):
                    self.events.append(event)
            case _:
                self.other_events.append(event)
        self._changed_event.set()

    @property
    def last(self) -> Event | None:
        """The last event about a gateway."""
        return self.events[-1] if self.events else None

    async def wait_until(self, true: Callable[[], bool], within: float = 4.0) -> None:
        """Wait until a condition on the events holds."""
        async with asyncio.timeout(within):
            while not true():
                self._changed_event.clear()
                await self._changed_event.wait()

    async def wait_found(self, name: str, *hosts: str, port: int = 8000, within: float = 4.0) -> None:
        """Wait until the last event reports a gateway at exactly these addresses."""
        wanted = found(name, *hosts, port=port)
        await self.wait_until(lambda: self.last == wanted, within)


def found(name: str, *hosts: str, port: int = 8000) -> GatewayFound:
    return GatewayFound(gateway(name, *hosts, port=port))


def gateway(name: str, *hosts: str, port: int = 8000) -> Gateway:
    return Gateway(name, tuple(Address(host, port) for host in hosts))


@asynccontextmanager
async def browsing(recorder: EventRecorder, only: str | None = None) -> AsyncIterator[Discovery]:
    """Run discovery on the loopback interface, and check that it leaves no tasks."""
    before = asyncio.all_tasks()
    discovery = Discovery(recorder, only, ("lo",))
    task = asyncio.create_task(discovery.run())
    try:
        await recorder.wait_until(lambda: bool(recorder.other_events))
        await asyncio.sleep(0.02)  # zeroconf binds its sockets
        yield discovery
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    left = asyncio.all_tasks() - before - {task}
    assert not left, f"tasks left behind: {left}"


class Responder:
    """Announces and resolves gateways with python-zeroconf. without_goodbye: leave silently."""

    def __init__(self) -> None:
        self._zeroconf = AsyncZeroconf(interfaces=[LOOPBACK], ip_version=IPVersion.V4Only)
        self._sending: list[asyncio.Future[object]] = []

    async def announce(
        self, name: str, *hosts: str, port: int = 8000, server: str | None = "", again: bool = False
    ) -> AsyncServiceInfo:
        """Announce a gateway. server: its host name; derived from the gateway's if empty, None for no host name."""
        info = service(name, *hosts, port=port, server=server)
        registry = self._zeroconf.async_update_service if again else self._zeroconf.async_register_service
        more = {} if again else {"cooperating_responders": True, "strict": False}
        self._sending.append(asyncio.ensure_future(await registry(info, **more)))
        return info

    def answer(self, name: str, *hosts: str, port: int = 8000) -> None:
        """Answer queries for a gateway from now on, without an announcement."""
        self._zeroconf.zeroconf.registry.async_add(service(name, *hosts, port=port))

    async def unannounce(self, info: AsyncServiceInfo) -> None:
        """Send a goodbye for a gateway."""
        await (await self._zeroconf.async_unregister_service(info))

    async def close(self, *, without_goodbye: bool = False) -> None:
        for sending in self._sending:
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        if without_goodbye:
            registry = self._zeroconf.zeroconf.registry
            registry.async_remove(registry.async_get_service_infos())
        await self._zeroconf.async_close()


@asynccontextmanager
async def responding() -> AsyncIterator[Responder]:
    """Run a responder, which says goodbye at the end."""
    responder = Responder()
    await responder._zeroconf.zeroconf.async_wait_for_start()
    try:
        yield responder
    finally:
        await responder.close()


def service(name: str, *hosts: str, port: int = 8000, server: str | None = "") -> AsyncServiceInfo:
    host = f"{name.encode().hex()[:60]}.local." if server == "" else server
    return AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}", port, server=host, parsed_addresses=list(hosts))


PTR, A, AAAA, SRV, TXT = 12, 1, 28, 33, 16
FLUSH = 0x8000
MDNS = ("224.0.0.251", 5353)


def labels(*parts: bytes) -> bytes:
    """A DNS name from its labels, which may contain dots."""
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


TYPE_NAME = labels(b"_tracker-http", b"_tcp", b"local")


def record(owner: bytes, kind: int, data: bytes, ttl: int = 120) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1 | (0 if kind == PTR else FLUSH), ttl, len(data)) + data


class RawResponder:
    """A responder that builds its packets by hand: it sends announcements, and answers a browser's queries."""

    def __init__(self) -> None:
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        loopback = socket.inet_aton(LOOPBACK)
        self.line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
        self.line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        self.line.bind(MDNS)
        self.line.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(MDNS[0]) + loopback)
        self.line.setblocking(False)
        self.questions: list[bytes] = []
        self._answer: list[bytes] = []
        self._after = 0.0
        self._asked_for: tuple[bytes, ...] = ()
        self._label = b""
        asyncio.get_running_loop().add_reader(self.line, self._read)

    def send(self, records: Iterable[bytes]) -> None:
        """Send an announcement."""
        self.line.sendto(packet(records), MDNS)

    def answer(
        self,
        name: bytes,
        *hosts: str,
        host_name: bytes = b"",
        backwards: bool = False,
        apart: bool = False,
        after: float = 0.0,
        made: list[bytes] | None = None,
    ) -> None:
        """From now on answer every query for the service type or for this instance, if it is encoded correctly.

        backwards: send address records before the others. apart: send each record in its own packet. after: seconds
        until the answer. made: other records to answer with.
        """
        made = made or records(name, *hosts, host_name=host_name)
        if backwards:
            made.reverse()
        self._answer = [packet([one]) for one in made] if apart else [packet(made)]
        self._after = after
        self._label = labels(name)[:-1]
        self._asked_for = (TYPE_NAME + struct.pack("!H", PTR), self._label + TYPE_NAME)

    def answer_for_host(self, host: bytes, address: str) -> None:
        """From now on answer every query for a host's address."""
        name = labels(host, b"local")
        self._answer = [packet([record(name, A, socket.inet_aton(address))])]
        self._asked_for = (name,)

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                data = self.line.recv(9000)
                if data[2] & 0x80:
                    continue  # an answer, not a query
                self.questions.append(data)
                # A responder omits an answer that the querier already knows (RFC 6762, 7.1).
                known = data[12:].startswith(TYPE_NAME) and self._label in data
                asked_for = tuple(map(bytes.lower, self._asked_for))
                if self._answer and not known and data[12:].lower().startswith(asked_for):
                    asyncio.get_running_loop().call_later(self._after, self._send_answer)

    def _send_answer(self) -> None:
        for one in self._answer:
            if self.line.fileno() >= 0:
                self.line.sendto(one, MDNS)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.line)
        self.line.close()


def packet(records: Iterable[bytes]) -> bytes:
    whole = list(records)
    return struct.pack("!6H", 0, 0x8400, 0, len(whole), 0, 0) + b"".join(whole)


def records(
    name: bytes,
    *hosts: str,
    port: int = 8000,
    host_name: bytes = b"",
    ttl: int = 120,
    kinds: Iterable[int] = (),
) -> list[bytes]:
    """A gateway's records. host_name: derived from its name if empty. kinds: only these kinds, if given."""
    instance = labels(name)[:-1] + TYPE_NAME
    server = labels(host_name or name.hex()[:60].encode(), b"local")
    made = {
        PTR: [record(TYPE_NAME, PTR, instance, ttl)],
        SRV: [record(instance, SRV, struct.pack("!3H", 0, 0, port) + server, ttl)],
        TXT: [record(instance, TXT, b"\0", ttl)],
        A: [record(server, A, socket.inet_aton(host), ttl) for host in hosts if ":" not in host],
        AAAA: [record(server, AAAA, socket.inet_pton(socket.AF_INET6, host), ttl) for host in hosts if ":" in host],
    }
    return [one for kind, ones in made.items() if not kinds or kind in kinds for one in ones]

"""Simulated TCP between hosts. Owns each connection and the data on its way.

Lost segments are resent with a growing delay, so loss appears as a stall; a host without power never answers, and a
restarted one resets connections that it no longer knows. Each connection has its own random delays, so connections
overtake each other and data arrives in pieces of any size.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.simulation.simulated_network import Network

FIRST_RTO, LAST_RTO = 0.2, 60.0
"""Seconds until a lost segment is resent: doubled each time, as in the kernel."""


class Host:
    """A machine with an address, on or off. accept: returns the protocol for a connection; None refuses it."""

    def __init__(self, ip: str | None, *, box: bool = False) -> None:
        self.ip = ip
        self.box = box
        self.up = True
        self.cable = True
        self.link_losses = 0
        """How often the kernel reported an interface that lost its link or address."""
        self.ends: dict[int, TcpEnd] = {}
        self.accept: Callable[[int, TcpEnd], asyncio.Protocol | None] = lambda port, end: None

    @property
    def reachable(self) -> bool:
        return self.up and self.cable and self.ip is not None

    def power_cut(self) -> None:
        """Drop every connection without notice."""
        for end in list(self.ends.values()):
            end.forget()


class TcpEnd(asyncio.Transport):
    """One end of a TCP connection: a transport to its own side, with the data on its way to the other."""

    def __init__(self, network: Network, number: int, host: Host, peer_address: tuple[str, int]) -> None:
        super().__init__({"peername": peer_address, "sockname": (host.ip, 50_000)})
        self.network, self.number, self.host = network, number, host
        self.own_ip, self.peer_ip = host.ip, peer_address[0]
        self.random = Random(network.random.getrandbits(32))
        self.peer: TcpEnd = self
        self.protocol: asyncio.Protocol | None = None
        self.delivered = 0
        self.written_at = 0.0
        """When the other side wrote the data that was delivered last."""
        self.on_delivery: Callable[[], None] | None = None
        self.tag: int | None = None
        self._out: deque[tuple[float, str, bytes, float]] = deque()
        self._in: deque[tuple[str, bytes, float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._rto = FIRST_RTO
        self.last_written = b""
        self._closing = self._gone = self._paused = self._eof_sent = self._eof_delivered = False
        host.ends[number] = self

    # The transport's methods.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing and not self._eof_sent:
            self.last_written = bytes(data)
            self._send("data", self.last_written)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._eof_sent and not self._closing:
            self._eof_sent = True
            self._send("eof")

    def close(self) -> None:
        if not self._closing:
            self.write_eof()
            self._end(None)

    def abort(self) -> None:
        if not self._closing:
            self._send("reset")
            self._end(None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self.network.loop.call_soon(self._deliver)

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """The buffer has no limit."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)
        self.protocol = protocol
        protocol.connection_made(self)
        self.network.loop.call_soon(self._deliver)

    def forget(self) -> None:
        """The host lost power, or its process ended without closing."""
        if not self._closing:
            self._end(ConnectionResetError(errno.ECONNRESET, "the machine is gone"))
        self._gone = True
        self._out.clear()
        self._stop()

    def cut(self) -> None:
        """A device on the path resets both sides."""
        for end in (self, self.peer):
            if not end._closing:
                end._end(ConnectionResetError(errno.ECONNRESET, "reset on the way"))

    # Transmission.

    def _send(self, kind: str, data: bytes = b"") -> None:
        now = self.network.loop.time()
        impairment = self.network.impairment
        due = now + self.random.uniform(*impairment.latency)
        if impairment.loss and self.random.random() < impairment.loss:
            due += FIRST_RTO * self.random.choice((1, 1, 1, 3, 7))
        if self._out:
            due = max(due, self._out[-1][0])
        self._out.append((due, kind, data, now))
        if self._timer is None:
            self._timer = self.network.loop.call_at(due, self._send_due)

    def _send_due(self) -> None:
        self._timer = None
        now = self.network.loop.time()
        if not self.network.can_deliver(self.own_ip, self.peer_ip, self.host):
            self._rto = min(LAST_RTO, 2 * self._rto)
            self._timer = self.network.loop.call_at(now + self._rto, self._send_due)
            return
        self._rto = FIRST_RTO
        known = self.network.hosts().get(self.peer_ip) is self.peer.host
        while self._out and self._out[0][0] <= now:
            _, kind, data, written_at = self._out.popleft()
            if kind == "data" and len(data) > 1 and self.random.random() < self.network.impairment.fragmented:
                # The rest arrives a moment later.
                part = self.random.randrange(1, len(data))
                self._out.appendleft((now + self.random.uniform(0.0, 0.05), kind, data[part:], written_at))
                data = data[:part]
            if known and not self.peer._gone and not self.peer._closing:
                self.peer._receive(kind, data, written_at)
            elif kind != "reset" and not self._closing:
                # The host that now has the address does not know this connection.
                self._end(ConnectionResetError(errno.ECONNRESET, "reset by peer"))
        if self._out and self._timer is None:
            self._timer = self.network.loop.call_at(max(now, self._out[0][0]), self._send_due)

    def _receive(self, kind: str, data: bytes, written_at: float) -> None:
        self._in.append((kind, data, written_at))
        self._deliver()

    def _deliver(self) -> None:
        while self._in and not self._paused and self.protocol is not None and not self._closing:
            kind, data, self.written_at = self._in.popleft()
            if kind == "data":
                self.delivered += len(data)
                if self.on_delivery is not None:
                    self.on_delivery()
                self.protocol.data_received(data)
            elif kind == "eof":
                if not self._eof_delivered:
                    self._eof_delivered = True
                    if not self.protocol.eof_received():
                        self.close()
            else:
                self._end(ConnectionResetError(errno.ECONNRESET, "reset by peer"))

    def _end(self, error: Exception | None) -> None:
        """This side's connection is over; data written before may still be on its way."""
        self._closing = True
        self._in.clear()
        self.host.ends.pop(self.number, None)
        if error is not None:
            self._out.clear()
            self._stop()
        self.network.loop.call_soon(self._notify_connection_lost, error)

    def _notify_connection_lost(self, error: Exception | None) -> None:
        if self.protocol is not None:
            self.protocol.connection_lost(error)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Socket:
    """The feed's socket until there is a transport."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.end: TcpEnd | None = None
        self.closed = False
        network.sockets.add(self)

    def setblocking(self, flag: bool) -> None:
        """The simulated socket never blocks."""

    def setsockopt(self, *_: Any) -> None:
        """Socket options have no effect."""

    def shutdown(self, how: int) -> None:
        """End the connection."""
        if self.end is not None:
            self.end.abort()

    def close(self) -> None:
        self._network.sockets.discard(self)
        if self.end is not None and not self.closed:
            self.end.close()
        self.closed = True

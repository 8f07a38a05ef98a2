"""The site's network: its hosts and their addresses, its current impairment, and new connections."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulation.loop import SimLoop
from tests.simulation.tcp import Host, Socket, TcpEnd

ARP_TIMEOUT = 3.0
"""Seconds until the kernel reports an absent host as unreachable."""
HANDSHAKE_RETRIES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between retries of a lost SYN."""


@dataclass
class Impairment:
    """The current quality of the network.

    latency: minimum and maximum seconds. loss: share of segments that must be resent. blocked: directions in which
    no packet passes, of `out` (from the box) and `in`. multicast_loss: share of lost mDNS packets. fragmented: share
    of deliveries that arrive in pieces.
    """

    latency: tuple[float, float] = (0.001, 0.01)
    loss: float = 0.0
    blocked: frozenset[str] = frozenset()
    multicast_loss: float = 0.0
    fragmented: float = 0.1


class Network:
    """All hosts. box: the host of the appliance."""

    def __init__(self, loop: SimLoop, random: Random) -> None:
        self.loop, self.random = loop, random
        self.impairment = Impairment()
        self.box = Host("192.0.2.50", box=True)
        self.gateway_hosts: list[Host] = []
        self.sockets: set[Socket] = set()
        self._ends = 0
        loop.connect, loop.attach = self._connect_socket, self._attach

    def hosts(self) -> dict[str, Host]:
        """Hosts by address; of two with the same address, the one added last."""
        return {host.ip: host for host in (self.box, *self.gateway_hosts) if host.ip is not None}

    def can_deliver(self, source: str | None, target: str | None, sender: Host) -> bool:
        """Whether packets get from one address to the other at the moment."""
        if source is None or target is None or sender.ip != source or not sender.reachable:
            return False
        host = self.hosts().get(target)
        return host is not None and host.reachable and ("out" if sender.box else "in") not in self.impairment.blocked

    async def dial(self, ip: str, port: int, tag: int | None = None) -> TcpEnd:
        """Connect from the box. Raises OSError; may never return."""
        box = self.box
        if not box.reachable:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        for pause in HANDSHAKE_RETRIES:
            await asyncio.sleep(self.random.uniform(*self.impairment.latency))
            host = self.hosts().get(ip)
            if self.impairment.blocked or not box.reachable or self.random.random() < self.impairment.loss:
                await asyncio.sleep(pause)
                continue
            if host is None or not host.reachable:
                await asyncio.sleep(ARP_TIMEOUT)
                raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
            self._ends += 2
            near, far = (
                TcpEnd(self, self._ends, box, (ip, port)),
                TcpEnd(self, self._ends + 1, host, (box.ip or "", 50_000)),
            )
            near.peer, far.peer, near.tag, far.tag = far, near, tag, tag
            protocol = host.accept(port, far)
            if protocol is None:
                near.forget()
                far.forget()
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            far.set_protocol(protocol)
            try:
                await asyncio.sleep(self.random.uniform(*self.impairment.latency))
            except asyncio.CancelledError:
                near.close()
                raise
            return near
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    async def _connect_socket(self, sock: Socket, address: tuple[str, int]) -> None:
        from tests.simulation.patch_points import ATTEMPT

        sock.end = await self.dial(address[0], address[1], ATTEMPT.get())

    def _attach(self, factory: Callable[[], asyncio.Protocol], sock: Socket) -> tuple[TcpEnd, asyncio.Protocol]:
        assert sock.end is not None
        # From here on the transport must be closed, not the socket.
        self.sockets.discard(sock)
        protocol = factory()
        sock.end.set_protocol(protocol)
        return sock.end, protocol

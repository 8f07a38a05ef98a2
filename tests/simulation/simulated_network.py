"""The site's network: who is at which address, and what gets through at the moment. Owns the making of connections."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.simulation.loop import SimLoop
from tests.simulation.tcp import End, Host, Socket

ARP_GIVES_UP = 3.0
"""Seconds until a host that is not there counts as such."""
HANDSHAKE_RETRIES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds between tries of a lost SYN."""


@dataclass
class Weather:
    """What the wires do at the moment.

    latency: seconds, the least and the most. loss: the share of segments that have to be sent again. deaf: the
    directions in which nothing goes, of `out` (from the box) and `in`. multicast: the share of mDNS that gets lost.
    torn: the share of deliveries that come in pieces.
    """

    latency: tuple[float, float] = (0.001, 0.01)
    loss: float = 0.0
    deaf: frozenset[str] = frozenset()
    multicast: float = 0.0
    torn: float = 0.1


class Network:
    """All hosts. box: the one that the appliance runs on."""

    def __init__(self, loop: SimLoop, random: Random) -> None:
        self.loop, self.random = loop, random
        self.weather = Weather()
        self.box = Host("192.0.2.50", box=True)
        self.others: list[Host] = []
        self.sockets: set[Socket] = set()
        self._ends = 0
        loop.connect, loop.attach = self._connect_socket, self._attach

    def hosts(self) -> dict[str, Host]:
        """By address; of two with the same one, the last that was switched on."""
        return {host.ip: host for host in (self.box, *self.others) if host.ip is not None}

    def carries(self, source: str | None, target: str | None, sender: Host) -> bool:
        """Whether anything gets from one address to the other now."""
        if source is None or target is None or sender.ip != source or not sender.reachable:
            return False
        host = self.hosts().get(target)
        return host is not None and host.reachable and ("out" if sender.box else "in") not in self.weather.deaf

    async def dial(self, ip: str, port: int, tag: int | None = None) -> End:
        """A connection from the box. Raises OSError; may take for ever."""
        box = self.box
        if not box.reachable:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        for pause in HANDSHAKE_RETRIES:
            await asyncio.sleep(self.random.uniform(*self.weather.latency))
            host = self.hosts().get(ip)
            if self.weather.deaf or not box.reachable or self.random.random() < self.weather.loss:
                await asyncio.sleep(pause)
                continue
            if host is None or not host.reachable:
                await asyncio.sleep(ARP_GIVES_UP)
                raise OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH))
            self._ends += 2
            near, far = End(self, self._ends, box, (ip, port)), End(self, self._ends + 1, host, (box.ip or "", 50_000))
            near.peer, far.peer, near.tag, far.tag = far, near, tag, tag
            protocol = host.accept(port, far)
            if protocol is None:
                near.vanish()
                far.vanish()
                raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
            far.set_protocol(protocol)
            try:
                await asyncio.sleep(self.random.uniform(*self.weather.latency))
            except asyncio.CancelledError:
                near.close()
                raise
            return near
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    async def _connect_socket(self, sock: Socket, address: tuple[str, int]) -> None:
        from tests.simulation.patch_points import ATTEMPT

        sock.end = await self.dial(address[0], address[1], ATTEMPT.get())

    def _attach(self, factory: Callable[[], asyncio.Protocol], sock: Socket) -> tuple[End, asyncio.Protocol]:
        assert sock.end is not None
        # From here on the transport is what has to be closed.
        self.sockets.discard(sock)
        protocol = factory()
        sock.end.set_protocol(protocol)
        return sock.end, protocol

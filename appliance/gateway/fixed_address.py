"""A gateway whose address was typed in: no mDNS, and a host name is looked up afresh each time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from appliance.aio import in_daemon_thread
from appliance.core.events import Event, GatewayFound, NetworkChanged
from appliance.core.values import Address, Gateway
from appliance.gateway.own_addresses import LOOK_AT_NETWORK_EVERY, own_addresses, until_next_look

LOOK_UP_EVERY, LOOK_UP_AGAIN = 10.0, 30.0
"""Seconds between look-ups of a host name that nobody knows yet, and of one that is known but may lead elsewhere."""
LOOK_UP_TIMEOUT = 5.0
"""Seconds for one look-up; the resolver's own patience is half a minute."""


class FixedGateway:
    """Stands in for discovery where the config names an address. name: what its token is bound to."""

    def __init__(self, tell: Callable[[Event], None], address: Address, name: str | None = None) -> None:
        self._tell = tell
        self._address = address
        self.name = name or str(address)

    async def run(self) -> None:
        """Find the gateway, and watch this box's own addresses, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._find(), name="find the typed-in gateway")
            told = None
            while True:
                own = tuple(one.address for one in own_addresses())
                if own != told:
                    self._tell(NetworkChanged(own))
                    told = own
                await asyncio.sleep(until_next_look(LOOK_AT_NETWORK_EVERY))

    async def resolve(self, name: str) -> Gateway | None:
        """Look the address up afresh; None where it is not known, or the name is another gateway's."""
        if name != self.name:
            return None
        host, port = self._address.host, self._address.port
        try:
            async with asyncio.timeout(LOOK_UP_TIMEOUT):
                found = await in_daemon_thread(
                    lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), "look up the gateway"
                )
        except (OSError, TimeoutError, UnicodeError):
            return None
        # IPv4 first, as for gateways that are announced.
        hosts = sorted((_numeric(where) for family, _, _, _, where in found), key=lambda host: ":" in host)
        return Gateway(name, tuple(Address(host, port) for host in dict.fromkeys(hosts)))

    async def _find(self) -> None:
        told: Gateway | None = None
        while True:
            gateway = await self.resolve(self.name)
            if gateway is not None and (told is None or set(gateway.addresses) != set(told.addresses)):
                self._tell(GatewayFound(gateway))
                told = gateway
            if told == Gateway(self.name, (self._address,)):
                # An address that is its own answer, now and for ever.
                return
            # Unpaired, nobody asks for the name: without this, a gateway that moved would never be found to pair with.
            await asyncio.sleep(LOOK_UP_EVERY if told is None else LOOK_UP_AGAIN)


def _numeric(where: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """The numeric host of a socket address, with its scope."""
    return socket.getnameinfo(where, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]

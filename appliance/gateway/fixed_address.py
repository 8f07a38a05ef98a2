"""A gateway with an address from the settings: no mDNS, and a new DNS lookup each time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from appliance.aio import in_daemon_thread
from appliance.core.events import Event, GatewayFound, NetworkChanged
from appliance.core.values import Address, Gateway
from appliance.gateway.own_addresses import NETWORK_POLL_INTERVAL, own_addresses, seconds_until_poll

LOOKUP_INTERVAL_UNRESOLVED, LOOKUP_INTERVAL = 10.0, 30.0
"""Seconds between DNS lookups of a host name: until it first resolves, and afterwards, since its address may change."""
LOOKUP_TIMEOUT = 5.0
"""Seconds for one lookup; the resolver's own timeout is half a minute."""


class FixedGateway:
    """Replaces discovery if the settings have the gateway's address. name: the name that its token is bound to."""

    def __init__(self, emit: Callable[[Event], None], address: Address, name: str | None = None) -> None:
        self._emit = emit
        self._address = address
        self.name = name or str(address)

    async def run(self) -> None:
        """Find the gateway, and watch this box's own addresses, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._find(), name="find the typed-in gateway")
            reported = None
            while True:
                own = tuple(one.address for one in own_addresses())
                if own != reported:
                    self._emit(NetworkChanged(own))
                    reported = own
                await asyncio.sleep(seconds_until_poll(NETWORK_POLL_INTERVAL))

    async def resolve(self, name: str) -> Gateway | None:
        """Look the address up; None if the lookup fails, or the name is another gateway's."""
        if name != self.name:
            return None
        host, port = self._address.host, self._address.port
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT):
                found = await in_daemon_thread(
                    lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), "look up the gateway"
                )
        except (OSError, TimeoutError, UnicodeError):
            return None
        # IPv4 first, as in discovery.
        hosts = sorted((_numeric(where) for family, _, _, _, where in found), key=lambda host: ":" in host)
        return Gateway(name, tuple(Address(host, port) for host in dict.fromkeys(hosts)))

    async def _find(self) -> None:
        reported: Gateway | None = None
        while True:
            gateway = await self.resolve(self.name)
            if gateway is not None and (reported is None or set(gateway.addresses) != set(reported.addresses)):
                self._emit(GatewayFound(gateway))
                reported = gateway
            if reported == Gateway(self.name, (self._address,)):
                # The setting is an IP address, which never changes.
                return
            # An unpaired box never calls resolve(): without this, it could not pair with a gateway that moved.
            await asyncio.sleep(LOOKUP_INTERVAL_UNRESOLVED if reported is None else LOOKUP_INTERVAL)


def _numeric(where: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """The numeric host of a socket address, including its IPv6 scope."""
    return socket.getnameinfo(where, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]

"""A gateway with an address from the settings: a new lookup each time, by DNS, or by mDNS for a name in `.local`."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from appliance.aio import in_daemon_thread
from appliance.core.events import Event, GatewayFound, HostUnresolved
from appliance.core.values import Address, Gateway, name_key
from appliance.gateway.network_watch import NetworkWatch

if TYPE_CHECKING:
    from appliance.gateway.mdns import MdnsHosts

LOOKUP_INTERVAL_UNRESOLVED, LOOKUP_INTERVAL = 10.0, 30.0
"""Seconds between lookups of a host name: until it first resolves, and afterwards, since its address may change."""
LOOKUP_TIMEOUT = 5.0
"""Seconds for one lookup; the resolver's own timeout is half a minute."""


class FixedGateway:
    """Replaces discovery if the settings have the gateway's address.

    name: the name that its token is bound to. interfaces: for mDNS, see own_network().
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        address: Address,
        name: str | None = None,
        interfaces: Sequence[str] = (),
    ) -> None:
        self._emit = emit
        self._address = address
        self.name = name or str(address)
        self._reported: Gateway | None = None
        self._unresolved = False
        self._mdns: MdnsHosts | None = None
        if is_mdns_host(address.host):
            # Only here, because it takes up to a second on a small board.
            from appliance.gateway.mdns import MdnsHosts

            self._mdns = MdnsHosts(emit, interfaces)

    async def run(self) -> None:
        """Find the gateway, and watch this box's own addresses, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._find(), name="find the gateway of the settings")
            if self._mdns is not None:
                await self._mdns.run()
            # A gateway on this very machine needs no network.
            watch = NetworkWatch(self._emit, ("lo",) if _is_loopback(self._address.host) else ())
            try:
                while True:
                    watch.poll()
                    await watch.wait()
            finally:
                watch.close()

    async def resolve(self, name: str, hoped: Address | None = None) -> Gateway | None:
        """Look the address up; None if the lookup fails, or the name is another gateway's. hoped: see Discovery."""
        if name_key(name) != name_key(self.name):
            return None
        hosts = await self._look_up(None if hoped is None else hoped.host)
        if not hosts:
            self._reported = None
            if not self._unresolved:
                self._unresolved = True
                self._emit(HostUnresolved(self._address.host))
            return None
        self._unresolved = False
        return Gateway(name, tuple(Address(host, self._address.port) for host in dict.fromkeys(hosts)))

    async def _find(self) -> None:
        while True:
            gateway = await self.resolve(self.name)
            reported = self._reported
            if gateway is not None and (reported is None or set(gateway.addresses) != set(reported.addresses)):
                self._emit(GatewayFound(gateway))
                self._reported = gateway
            if self._reported == Gateway(self.name, (self._address,)):
                # The setting is an IP address, which never changes.
                return
            # An unpaired box never calls resolve(): without this, it could not pair with a gateway that moved.
            await asyncio.sleep(LOOKUP_INTERVAL_UNRESOLVED if self._reported is None else LOOKUP_INTERVAL)

    async def _look_up(self, hoped: str | None) -> Sequence[str]:
        """The host's addresses. A name in `.local` that mDNS does not know may be in DNS, as in some companies."""
        if self._mdns is None:
            return await _look_up_dns(self._address)
        dns = asyncio.create_task(_look_up_dns(self._address), name="look up the gateway by DNS as well")
        try:
            return await self._mdns.addresses(self._address.host, hoped) or await dns
        finally:
            dns.cancel()


def is_mdns_host(host: str) -> bool:
    """Whether a host name is looked up by mDNS (RFC 6762, 3)."""
    return host.lower().removesuffix(".").endswith(".local")


async def _look_up_dns(address: Address) -> Sequence[str]:
    with suppress(OSError, TimeoutError, UnicodeError):
        async with asyncio.timeout(LOOKUP_TIMEOUT):
            found = await in_daemon_thread(
                lambda: socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM), "look up the gateway"
            )
        # IPv4 first, as in discovery.
        return sorted((_numeric(where) for family, _, _, _, where in found), key=lambda host: ":" in host)
    return ()


def _numeric(where: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]) -> str:
    """The numeric host of a socket address, including its IPv6 scope."""
    return socket.getnameinfo(where, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host.lower().removesuffix(".") == "localhost"

"""Simulated mDNS: replaces the zeroconf library in the product's discovery.

Owns the announcements, who receives them, and each box's cache with times to live as in zeroconf.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.gateway import Gateway
from tests.simulation.simulated_network import Network

PTR_TTL, HOST_TTL = 4500.0, 120.0
"""Times to live of a service and of a host's address, in seconds (RFC 6762, 10)."""
FLUSH = 1.0
"""Seconds for which a replaced record stays in the cache (RFC 6762, 10.2)."""


class MulticastChannel:
    """The site's multicast packets; the box may miss some."""

    def __init__(self, network: Network, random: Random) -> None:
        self.network, self.random = network, random
        self.gateways: list[Gateway] = []
        self.listeners: list[SimZeroconf] = []
        self.heard_names: dict[str | None, list[tuple[float, str]]] = {}
        """Announcements that reached the box since it started: for each address the names, and since when."""

    def announce(self, gateway: Gateway, times: int = 3) -> None:
        """Announce a gateway as avahi does: several times, more than a second apart."""
        for number in range(times):
            self.network.loop.call_later(
                self.random.uniform(0.05, 0.4) + 1.1 * number, self._send_announcement, gateway
            )

    def goodbye(self, gateway: Gateway, name: str) -> None:
        if self._reaches_box(gateway):
            for zeroconf in self._members():
                zeroconf.receive_goodbye(name)

    def drop_memberships(self) -> None:
        """The box's interface went away: sockets that joined the multicast group hear nothing any more."""
        for zeroconf in self.listeners:
            zeroconf.joined = False

    def _members(self) -> list[SimZeroconf]:
        return [zeroconf for zeroconf in self.listeners if zeroconf.joined]

    def query(self) -> None:
        """Send a query from the box; every gateway answers."""
        if not self.network.box.reachable or self._lost("out"):
            return
        for gateway in self.gateways:
            self.network.loop.call_later(self.random.uniform(0.02, 0.15), self._send_announcement, gateway)

    def _send_announcement(self, gateway: Gateway) -> None:
        if self._reaches_box(gateway):
            heard = self.heard_names.setdefault(gateway.host.ip, [])
            if self._members() and (not heard or heard[-1][1] != gateway.name):
                heard.append((self.network.loop.time(), gateway.name))
            for zeroconf in self._members():
                zeroconf.receive_announcement(gateway.name, gateway.host.ip or "", gateway.port)

    def _reaches_box(self, gateway: Gateway) -> bool:
        return gateway.host.reachable and self.network.box.reachable and not self._lost("in")

    def _lost(self, direction: str) -> bool:
        impairment = self.network.impairment
        return direction in impairment.blocked or self.random.random() < impairment.multicast_loss


class CacheRecord:
    """One record of the cache. server: for a service, the name of its host's address records."""

    def __init__(self, name: str, until: float, server: str = "", ip: str = "", port: int = 0) -> None:
        self.name, self.until, self.server, self.ip, self.port = name, until, server, ip, port
        self.alias = name
        self.created = self.since = 0.0


class SimZeroconf:
    """Replaces zeroconf.Zeroconf and its cache."""

    def __init__(self, multicast: MulticastChannel, suffix: str) -> None:
        self.multicast = multicast
        self.cache = self
        self.services: dict[str, CacheRecord] = {}
        self.addresses: dict[str, list[CacheRecord]] = {}
        self.listener: Any = None
        self.joined = True
        self.waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._suffix = suffix
        self._expiry: dict[str, asyncio.TimerHandle] = {}
        self._now: Callable[[], float] = multicast.network.loop.time

    def async_add_listener(self, listener: Any, question: Any) -> None:
        """Do nothing: no simulated gateway announces itself in other capitals."""

    def async_send(self, out: Any) -> None:
        self.multicast.query()

    def async_entries_with_name(self, name: str) -> list[CacheRecord]:
        if "." + name == self._suffix:
            return list(self.services.values())
        found = [self.services[name]] if name in self.services else []
        return found + self.addresses.get(name, [])

    def async_remove_records(self, records: list[CacheRecord]) -> None:
        for record in records:
            if self.services.get(record.name) is record:
                del self.services[record.name]
            elif record in self.addresses.get(record.name, []):
                self.addresses[record.name].remove(record)

    def receive_announcement(self, short: str, ip: str, port: int) -> None:
        name, now = short + self._suffix, self._now()
        known, hosts = self.services.get(name), self.addresses.setdefault(short, [])
        for other in hosts:
            if other.ip != ip and other.since < now - FLUSH:
                other.until = min(other.until, now + FLUSH)
        hosts[:] = [record for record in hosts if record.ip != ip and record.until > now]
        changed = known is None or known.port != port or all(one.ip != ip for one in self.valid_addresses(short))
        address = CacheRecord(short, now + HOST_TTL, ip=ip)
        address.since = now
        hosts.insert(0, address)
        self.services[name] = CacheRecord(name, now + PTR_TTL, server=short, port=port)
        self.services[name].created = now
        # A browser knows a service by its PTR record, which only a goodbye or its expiry removes.
        first = name not in self._expiry
        if not first:
            self._expiry[name].cancel()
        self._expiry[name] = self.multicast.network.loop.call_later(PTR_TTL, self._gone, name)
        if self.listener is not None and (first or changed):
            (self.listener.add_service if first else self.listener.update_service)(self, "", name)
        for wanted, future in list(self.waiting):
            if wanted == name and not future.done():
                future.set_result(None)

    def receive_goodbye(self, short: str) -> None:
        name = short + self._suffix
        if name in self._expiry:
            self._expiry[name].cancel()
            self._expiry[name] = self.multicast.network.loop.call_later(FLUSH, self._gone, name)

    def valid_addresses(self, short: str) -> list[CacheRecord]:
        now = self._now()
        return [record for record in self.addresses.get(short, []) if record.until > now]

    def valid_hosts(self, short: str) -> list[str]:
        return [record.ip for record in self.valid_addresses(short)]

    def stop(self) -> None:
        for handle in self._expiry.values():
            handle.cancel()
        self._expiry.clear()
        if self in self.multicast.listeners:
            self.multicast.listeners.remove(self)

    def _gone(self, name: str) -> None:
        self._expiry.pop(name, None)
        self.services.pop(name, None)
        if self.listener is not None:
            self.listener.remove_service(self, "", name)


class SimAsyncZeroconf:
    """Replaces zeroconf.asyncio.AsyncZeroconf. multicast: set by the simulation before instances are created."""

    multicast: MulticastChannel

    def __init__(self, interfaces: Any = None, ip_version: Any = None) -> None:
        if not self.multicast.network.box.reachable or self.multicast.network.box.ip not in interfaces:
            raise OSError(99, "Cannot assign requested address")
        self.zeroconf = SimZeroconf(self.multicast, "._tracker-http._tcp.local.")
        self.multicast.listeners.append(self.zeroconf)

    async def async_add_service_listener(self, kind: str, listener: Any) -> None:
        self.zeroconf.listener = listener
        for pause in (0.1, 1.1, 3.1, 7.1):
            self.multicast.network.loop.call_later(pause, self._query)

    async def async_close(self) -> None:
        self.zeroconf.stop()
        await asyncio.sleep(0)

    def _query(self) -> None:
        if self.zeroconf in self.multicast.listeners:
            self.multicast.query()


class SimServiceInfo:
    """Replaces zeroconf.asyncio.AsyncServiceInfo."""

    def __init__(self, kind: str, name: str) -> None:
        self._name = name
        self.port: int | None = None
        self._hosts: list[str] = []

    async def async_request(self, zeroconf: SimZeroconf, timeout: float) -> bool:  # noqa: ASYNC109 - zeroconf's name
        """Like zeroconf's. timeout: milliseconds."""
        if self._resolve_from_cache(zeroconf):
            return True
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (self._name, heard)
        zeroconf.waiting.append(waiting)
        zeroconf.multicast.query()
        try:
            async with asyncio.timeout(timeout / 1000):
                await heard
        except TimeoutError:
            return False
        finally:
            zeroconf.waiting.remove(waiting)
        return self._resolve_from_cache(zeroconf)

    def parsed_addresses(self) -> list[str]:
        return self._hosts

    parsed_scoped_addresses = parsed_addresses

    def _resolve_from_cache(self, zeroconf: SimZeroconf) -> bool:
        service = zeroconf.services.get(self._name)
        if service is None:
            return False
        self.port = service.port
        self._hosts = [record.ip for record in zeroconf.valid_addresses(service.server)]
        return bool(self._hosts)

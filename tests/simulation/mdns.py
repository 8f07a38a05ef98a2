"""mDNS at zeroconf's own seam: what the product's discovery is given in place of the library.

Owns who is announced, who hears of it, and each box's cache with its times to live, as zeroconf keeps it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.gateway import Gateway
from tests.simulation.simulated_network import Network

PTR_TTL, HOST_TTL = 4500.0, 120.0
"""Seconds that a service, and a host's address, are believed (RFC 6762, 10)."""
FLUSH = 1.0
"""Seconds for which a record that was replaced stays (RFC 6762, 10.2)."""


class Air:
    """The multicast that everyone on the site's network hears, or misses."""

    def __init__(self, network: Network, random: Random) -> None:
        self.network, self.random = network, random
        self.gateways: list[Gateway] = []
        self.listening: list[SimZeroconf] = []
        self.heard: dict[str | None, list[tuple[float, str]]] = {}
        """What reached the box since it was started: for each address the names announced there, and since when."""

    def announce(self, gateway: Gateway, times: int = 3) -> None:
        """As avahi does: some times, a second and more apart."""
        for number in range(times):
            self.network.loop.call_later(self.random.uniform(0.05, 0.4) + 1.1 * number, self._say, gateway)

    def goodbye(self, gateway: Gateway, name: str) -> None:
        if self._heard(gateway):
            for zeroconf in self.listening:
                zeroconf.bye(name)

    def ask(self) -> None:
        """Somebody on the box asks all gateways for all they have to say."""
        if not self.network.box.reachable or self._lost("out"):
            return
        for gateway in self.gateways:
            self.network.loop.call_later(self.random.uniform(0.02, 0.15), self._say, gateway)

    def _say(self, gateway: Gateway) -> None:
        if self._heard(gateway):
            heard = self.heard.setdefault(gateway.host.ip, [])
            if self.listening and (not heard or heard[-1][1] != gateway.name):
                heard.append((self.network.loop.time(), gateway.name))
            for zeroconf in list(self.listening):
                zeroconf.heard(gateway.name, gateway.host.ip or "", gateway.port)

    def _heard(self, gateway: Gateway) -> bool:
        return gateway.host.reachable and self.network.box.reachable and not self._lost("in")

    def _lost(self, direction: str) -> bool:
        weather = self.network.weather
        return direction in weather.deaf or self.random.random() < weather.multicast


class Record:
    """One line of the cache. server: of a service alone; it leads to the host's addresses."""

    def __init__(self, name: str, until: float, server: str = "", ip: str = "", port: int = 0) -> None:
        self.name, self.until, self.server, self.ip, self.port = name, until, server, ip, port
        self.alias = name
        self.since = 0.0


class SimZeroconf:
    """Stands for zeroconf.Zeroconf and its cache in one."""

    def __init__(self, air: Air, suffix: str) -> None:
        self.air = air
        self.cache = self
        self.services: dict[str, Record] = {}
        self.addresses: dict[str, list[Record]] = {}
        self.listener: Any = None
        self.waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._suffix = suffix
        self._expiry: dict[str, asyncio.TimerHandle] = {}
        self._now: Callable[[], float] = air.network.loop.time

    def async_send(self, out: Any) -> None:
        self.air.ask()

    def async_entries_with_name(self, name: str) -> list[Record]:
        found = [self.services[name]] if name in self.services else []
        return found + self.addresses.get(name, [])

    def async_remove_records(self, records: list[Record]) -> None:
        for record in records:
            if self.services.get(record.name) is record:
                del self.services[record.name]
            elif record in self.addresses.get(record.name, []):
                self.addresses[record.name].remove(record)

    def heard(self, short: str, ip: str, port: int) -> None:
        name, now = short + self._suffix, self._now()
        known, hosts = self.services.get(name), self.addresses.setdefault(short, [])
        for other in hosts:
            if other.ip != ip and other.since < now - FLUSH:
                other.until = min(other.until, now + FLUSH)
        hosts[:] = [record for record in hosts if record.ip != ip and record.until > now]
        changed = known is None or known.port != port or all(one.ip != ip for one in self.live(short))
        address = Record(short, now + HOST_TTL, ip=ip)
        address.since = now
        hosts.insert(0, address)
        self.services[name] = Record(name, now + PTR_TTL, server=short, port=port)
        # A browser knows a service from its pointer, which nothing takes away but a goodbye or time.
        first = name not in self._expiry
        if not first:
            self._expiry[name].cancel()
        self._expiry[name] = self.air.network.loop.call_later(PTR_TTL, self._gone, name)
        if self.listener is not None and (first or changed):
            (self.listener.add_service if first else self.listener.update_service)(self, "", name)
        for wanted, future in list(self.waiting):
            if wanted == name and not future.done():
                future.set_result(None)

    def bye(self, short: str) -> None:
        name = short + self._suffix
        if name in self._expiry:
            self._expiry[name].cancel()
            self._expiry[name] = self.air.network.loop.call_later(FLUSH, self._gone, name)

    def live(self, short: str) -> list[Record]:
        now = self._now()
        return [record for record in self.addresses.get(short, []) if record.until > now]

    def stop(self) -> None:
        for handle in self._expiry.values():
            handle.cancel()
        self._expiry.clear()
        if self in self.air.listening:
            self.air.listening.remove(self)

    def _gone(self, name: str) -> None:
        self._expiry.pop(name, None)
        self.services.pop(name, None)
        if self.listener is not None:
            self.listener.remove_service(self, "", name)


class SimAsyncZeroconf:
    """Stands for zeroconf.asyncio.AsyncZeroconf. air: set by the simulation before it is made."""

    air: Air

    def __init__(self, interfaces: Any = None, ip_version: Any = None) -> None:
        if not self.air.network.box.reachable or self.air.network.box.ip not in interfaces:
            raise OSError(99, "Cannot assign requested address")
        self.zeroconf = SimZeroconf(self.air, "._tracker-http._tcp.local.")
        self.air.listening.append(self.zeroconf)

    async def async_add_service_listener(self, kind: str, listener: Any) -> None:
        self.zeroconf.listener = listener
        for pause in (0.1, 1.1, 3.1, 7.1):
            self.air.network.loop.call_later(pause, self._ask)

    async def async_close(self) -> None:
        self.zeroconf.stop()
        await asyncio.sleep(0)

    def _ask(self) -> None:
        if self.zeroconf in self.air.listening:
            self.air.ask()


class SimServiceInfo:
    """Stands for zeroconf.asyncio.AsyncServiceInfo."""

    def __init__(self, kind: str, name: str) -> None:
        self._name = name
        self.port: int | None = None
        self._hosts: list[str] = []

    async def async_request(self, zeroconf: SimZeroconf, timeout: float) -> bool:  # noqa: ASYNC109 - its name there
        """As zeroconf's. timeout: milliseconds."""
        if self._look(zeroconf):
            return True
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (self._name, heard)
        zeroconf.waiting.append(waiting)
        zeroconf.air.ask()
        try:
            async with asyncio.timeout(timeout / 1000):
                await heard
        except TimeoutError:
            return False
        finally:
            zeroconf.waiting.remove(waiting)
        return self._look(zeroconf)

    def parsed_addresses(self) -> list[str]:
        return self._hosts

    parsed_scoped_addresses = parsed_addresses

    def _look(self, zeroconf: SimZeroconf) -> bool:
        service = zeroconf.services.get(self._name)
        if service is None:
            return False
        self.port = service.port
        self._hosts = [record.ip for record in zeroconf.live(service.server)]
        return bool(self._hosts)

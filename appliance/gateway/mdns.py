"""Runs zeroconf on this box's networks, and restarts it whenever its sockets may be deaf."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

import zeroconf
from zeroconf import AddressResolver, ServiceInfo, Zeroconf  # type: ignore[attr-defined]
from zeroconf.asyncio import AsyncZeroconf

from appliance.core.events import Event
from appliance.gateway.network_watch import NetworkWatch
from appliance.gateway.own_addresses import OwnNetwork

log = logging.getLogger(__name__)

RESOLVE_TIMEOUT, QUERIES_PER_RESOLVE = 3.0, 3
"""Seconds to resolve a name, and the number of queries in that time: one a second, as mDNS repeats them."""
LINGER = 0.3
"""Seconds to wait for more answers, if the first ones lack the address that worked: responders answer within 0.12 s."""
DEAF_AFTER, DEAF_AFTER_MOST = 120.0, 600.0
"""Seconds without an answer to any query after which zeroconf restarts, because its multicast memberships may be lost.
Each time without success doubles them."""


class Mdns:
    """Runs zeroconf, and restarts it with each change of the network: it binds its sockets once.

    interfaces: see own_network(). Subclasses override the methods that do nothing here.
    """

    def __init__(self, emit: Callable[[Event], None], interfaces: Sequence[str] = ()) -> None:
        self._emit = emit
        self._watch = NetworkWatch(emit, interfaces)
        self._zeroconf: AsyncZeroconf | None = None
        self._started = asyncio.Event()
        self._start_error = ""
        self._heard_at = 0.0
        self._patience = DEAF_AFTER

    @property
    def start_error(self) -> str:
        """The error that keeps mDNS from starting; empty if it runs."""
        return self._start_error

    async def run(self) -> None:
        """Keep zeroconf running until cancelled."""
        try:
            while True:
                now = asyncio.get_running_loop().time()
                if self._watch.poll():
                    self._patience = DEAF_AFTER
                    await self._stop()
                elif self._zeroconf is not None and (self._is_crowded() or self._is_deaf(now)):
                    await self._stop()
                if self._zeroconf is not None:
                    self._poll(self._zeroconf.zeroconf, now)
                elif self._watch.network.addresses:
                    await self._start(now)
                await self._watch.wait()
        finally:
            self._watch.close()
            await self._close()

    async def _begin(self, running: AsyncZeroconf) -> None:
        """Start browsing, or whatever the subclass needs zeroconf for."""

    def _end(self) -> None:
        """Forget zeroconf's results: it stopped."""

    def _poll(self, zeroconf_: Zeroconf, now: float) -> None:
        """Do what is due every few seconds."""

    def _is_crowded(self) -> bool:
        """Whether zeroconf holds more than it should."""
        return False

    def _heard(self) -> None:
        """Note an answer to a query: multicast works."""
        self._heard_at = asyncio.get_running_loop().time()
        self._patience = DEAF_AFTER

    def _is_deaf(self, now: float) -> bool:
        if now < self._heard_at + self._patience:
            return False
        log.debug("No answer by mDNS for %.0f s: restarting it", self._patience)
        self._patience = min(DEAF_AFTER_MOST, 2 * self._patience)
        return True

    async def _start(self, now: float) -> None:
        self._heard_at = now
        try:
            # The IP versions follow from the list.
            self._zeroconf = AsyncZeroconf(interfaces=_zeroconf_interfaces(self._watch.network))
            await self._begin(self._zeroconf)
        except (OSError, RuntimeError) as error:
            # An address is gone again, or not ready yet: the next poll retries.
            level = logging.DEBUG if str(error) == self._start_error else logging.INFO
            self._start_error = str(error)
            log.log(level, "mDNS can't start on this network yet (%s); retrying", self._start_error)
            await self._stop()
        else:
            self._start_error = ""
            self._started.set()

    async def _stop(self) -> None:
        await self._close()
        self._end()

    async def _close(self) -> None:
        self._started.clear()
        stopping, self._zeroconf = self._zeroconf, None
        if stopping is not None:
            # The interfaces, and with them the sockets, may be gone already.
            with suppress(OSError, TimeoutError):
                await stopping.async_close()


class MdnsHosts(Mdns):
    """Looks up host names that end in `.local`."""

    async def addresses(self, host: str, hoped: str | None = None) -> tuple[str, ...]:
        """A host's addresses by new answers, IPv4 first; none without an answer. hoped: see Discovery.resolve()."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                await self._started.wait()
        running = self._zeroconf
        if running is None:
            return ()
        resolver = AddressResolver(f"{host.rstrip('.').lower()}.")
        cache = running.zeroconf.cache
        cache.async_remove_records(cache.async_entries_with_name(resolver.name))
        found: list[str] = []
        with suppress(zeroconf.Error, OSError, UnicodeError):
            for _ in range(QUERIES_PER_RESOLVE):
                await resolver.async_request(running.zeroconf, RESOLVE_TIMEOUT / QUERIES_PER_RESOLVE * 1000)
                if self._zeroconf is not running:
                    return ()
                if found := usable_addresses(resolver):
                    break
            if found and hoped is not None and hoped not in found:
                await asyncio.sleep(LINGER)
                found = cached_addresses(running.zeroconf, resolver.name)
        if found:
            self._heard()
        return tuple(sorted(found, key=lambda address: ":" in address))


def cached_addresses(zeroconf_: Zeroconf, host: str) -> list[str]:
    """The usable addresses of a host that zeroconf's cache has."""
    resolver = AddressResolver(host)
    resolver.load_from_cache(zeroconf_)
    return usable_addresses(resolver)


def usable_addresses(info: ServiceInfo) -> list[str]:
    """The addresses that zeroconf found, newest first, but for those that lack the scope that they need."""
    return [address for address in info.parsed_scoped_addresses() if is_usable(address)]


def is_usable(address: str) -> bool:
    """Whether an address can be used as it is; a link-local IPv6 address needs its scope."""
    ip = ipaddress.ip_address(address)
    return ip.version == 4 or not ip.is_link_local or "%" in address


def _zeroconf_interfaces(network: OwnNetwork) -> list[str]:
    """The addresses to bind to: every IPv4 one, and one IPv6 address of each interface, if possible link-local."""
    # Link-local ones come last.
    by_index = {own.index: own.address for own in network.addresses if ":" in own.address}
    return [own.address for own in network.addresses if ":" not in own.address] + list(by_index.values())

"""Discovers gateways by mDNS. Its results are hints: a gateway may be reachable without being announced.

Source: vendor's quickstart. The service type is `_tracker-http._tcp`, the SRV record has the port, and the address may
change whenever the gateway restarts, so browsing never ends.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

import zeroconf
from zeroconf import DNSOutgoing, DNSQuestion, IPVersion, ServiceListener, Zeroconf  # type: ignore[attr-defined]
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
from zeroconf.const import _CLASS_IN, _FLAGS_QR_QUERY, _TYPE_PTR

from appliance.core.events import Event, GatewayFound, GatewayLost, NetworkChanged
from appliance.core.limits import LONGEST_LABEL, MOST_ANNOUNCED, MOST_GATEWAYS
from appliance.core.values import Address, Gateway
from appliance.gateway.own_addresses import NETWORK_POLL_INTERVAL, OwnAddress, own_addresses, seconds_until_poll

log = logging.getLogger(__name__)

SERVICE_TYPE = "_tracker-http._tcp.local."
RESOLVE_TIMEOUT, QUERIES_PER_RESOLVE = 3.0, 3
"""Seconds to resolve a name, and the number of queries in that time: one a second, as mDNS repeats them."""
CACHE_FLUSH_DELAY = 1.2
"""Seconds after which the cache has dropped a replaced record (RFC 6762, 10.2: one second)."""
TOO_MANY_ANNOUNCED = "Too many gateways are announced on this network; restarting mDNS browsing with an empty cache"
QUERY_INTERVAL_SEARCHING, QUERY_INTERVAL = 10.0, 60.0
"""Seconds between browse queries: while no gateway is known, and afterwards."""


class Discovery:
    """Browses for gateways on this box's networks, and restarts when the box's addresses change.

    only: the one gateway name to report; None for all. interfaces: see own_addresses().
    """

    def __init__(self, emit: Callable[[Event], None], only: str | None = None, interfaces: Sequence[str] = ()) -> None:
        self._emit = emit
        self._only = only
        self._interfaces = tuple(interfaces)
        self._own_addresses: tuple[OwnAddress, ...] | None = None
        self._zeroconf: AsyncZeroconf | None = None
        self._start_error = ""
        self._queried_at = 0.0
        self._announced = 0
        self._crowding_logged = False
        self._reported: dict[str, Gateway] = {}
        self._rechecked: dict[str, frozenset[Address]] = {}
        self._resolving: set[str] = set()
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._changes: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    @property
    def start_error(self) -> str:
        """The error that keeps mDNS from starting; empty if it runs."""
        return self._start_error

    async def run(self) -> None:
        """Browse until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_network(), name="watch the network")
                while True:
                    name, announced = await self._changes.get()
                    if announced and name in self._resolving:
                        continue  # resolve() is waiting for this very answer
                    if (following := self._followers.pop(name, None)) is not None:
                        following.cancel()
                    if announced and self._has_room(name):
                        self._followers[name] = tasks.create_task(self._follow(name), name="follow an announcement")
                    elif not announced:
                        self._report_lost(name)
        finally:
            await self._stop()

    async def resolve(self, name: str) -> Gateway | None:
        """Resolve a gateway's name, bypassing every cache; None without an answer."""
        gateway = await self._resolve_uncached(name)
        if gateway is None:
            # Its return must be reported, even with the same address.
            self._reported.pop(name, None)
        else:
            self._reported[name] = gateway
        return gateway

    async def _watch_network(self) -> None:
        """Restart zeroconf with each address change: it binds its sockets once and ignores later addresses."""
        while True:
            own = own_addresses(self._interfaces)
            if own != self._own_addresses:
                await self._stop()
                self._own_addresses = own
                self._emit(NetworkChanged(tuple(one.address for one in own)))
                self._report_all_lost()
            elif self._announced > MOST_ANNOUNCED:
                # Evicting names from the cache is not enough: zeroconf's browser keeps a query schedule for each.
                log.log(logging.DEBUG if self._crowding_logged else logging.INFO, "%s", TOO_MANY_ANNOUNCED)
                self._crowding_logged = True
                await self._stop()
                self._report_all_lost()
            if own and self._zeroconf is None:
                await self._start(own)
            elif self._zeroconf is not None:
                self._query_periodically(self._zeroconf.zeroconf)
            await asyncio.sleep(seconds_until_poll(NETWORK_POLL_INTERVAL))

    def _query_periodically(self, zeroconf_: Zeroconf) -> None:
        """Repeat the browse query: zeroconf's browser sends it four times only, and a gateway may miss all of them."""
        now = asyncio.get_running_loop().time()
        if now >= self._queried_at + (QUERY_INTERVAL if self._reported else QUERY_INTERVAL_SEARCHING):
            self._queried_at = now
            _query_all(zeroconf_)

    async def _start(self, own: tuple[OwnAddress, ...]) -> None:
        try:
            self._zeroconf = AsyncZeroconf(interfaces=[one.address for one in own], ip_version=IPVersion.V4Only)
            self._queried_at = asyncio.get_running_loop().time()
            self._announced = 0
            await self._zeroconf.async_add_service_listener(SERVICE_TYPE, _Listener(self._queue_change))
        except OSError as error:
            # The address is gone again, or not ready yet: the next poll retries.
            level = logging.DEBUG if str(error) == self._start_error else logging.INFO
            self._start_error = str(error)
            log.log(level, "mDNS can't start on this network yet (%s); retrying", self._start_error)
            await self._stop()
        else:
            self._start_error = ""

    async def _stop(self) -> None:
        stopping, self._zeroconf = self._zeroconf, None
        if stopping is not None:
            # The interfaces, and with them the sockets, may be gone already.
            with suppress(OSError, TimeoutError):
                await stopping.async_close()

    def _queue_change(self, name: str, announced: bool) -> None:
        self._announced += announced
        short = name.removesuffix("." + SERVICE_TYPE)
        if self._only is None or short == self._only:
            self._changes.put_nowait((short, announced))

    def _has_room(self, name: str) -> bool:
        """Whether the limit allows one more; a paired gateway beyond it can still be found by resolve()."""
        return name in self._reported or len(self._followers.keys() | self._reported.keys()) < MOST_GATEWAYS

    async def _follow(self, name: str) -> None:
        """Report an announced gateway, and report it again if some of its addresses were outdated."""
        try:
            self._report_if_new(await self._resolve_cached(name))
            await asyncio.sleep(CACHE_FLUSH_DELAY)
            gateway = await self._resolve_cached(name)
            self._report_if_new(gateway)
            # The cache does not replace a record younger than a second, so an outdated address could stay for two
            # minutes. Each set of addresses is rechecked once, so that a gateway with several causes no endless loop.
            if gateway is not None and self._rechecked.get(name) != (several := frozenset(gateway.addresses)):
                self._rechecked[name] = several
                if len(several) > 1:
                    self._report_if_new(await self._resolve_uncached(name))
        finally:
            if self._followers.get(name) is asyncio.current_task():
                del self._followers[name]

    def _report_if_new(self, gateway: Gateway | None) -> None:
        if gateway is not None and gateway != self._reported.get(gateway.name):
            self._reported[gateway.name] = gateway
            self._emit(GatewayFound(gateway))

    def _report_lost(self, name: str) -> None:
        self._rechecked.pop(name, None)
        if self._reported.pop(name, None) is not None:
            self._emit(GatewayLost(name))

    def _report_all_lost(self) -> None:
        for name in list(self._reported):
            self._report_lost(name)

    async def _resolve_uncached(self, name: str) -> Gateway | None:
        if self._zeroconf is None:
            return None
        self._resolving.add(name)
        try:
            _evict(self._zeroconf.zeroconf, _instance_name(name))
            _query_all(self._zeroconf.zeroconf)
            return await self._resolve_cached(name)
        finally:
            self._resolving.discard(name)

    async def _resolve_cached(self, name: str) -> Gateway | None:
        running = self._zeroconf
        if running is None:
            return None
        try:
            info = AsyncServiceInfo(SERVICE_TYPE, _instance_name(name))
            for _ in range(QUERIES_PER_RESOLVE):
                # Each query reads the cache first: if an answer lists the host's address before its SRV record,
                # zeroconf only caches the address.
                await info.async_request(running.zeroconf, RESOLVE_TIMEOUT / QUERIES_PER_RESOLVE * 1000)
                if self._zeroconf is not running:
                    # The network changed during the query: the answer belongs to the old one.
                    return None
                # zeroconf also waits for a TXT record, which the appliance does not use.
                if info.port and info.parsed_addresses():
                    break
        except (zeroconf.Error, OSError, UnicodeError) as error:
            # The name is invalid, or a network change closed the sockets during the query.
            log.debug("Can't query a gateway's address: %s", type(error).__name__)
            return None
        if not info.port:
            return None
        hosts = sorted(filter(_reachable, info.parsed_scoped_addresses()), key=self._distance)
        return Gateway(name, tuple(Address(host, info.port) for host in hosts)) if hosts else None

    def _distance(self, host: str) -> int:
        """Sort key: the box's own networks, then other IPv4 addresses, then IPv6; newest first within each."""
        address = ipaddress.ip_address(host)
        if address.version == 6:
            return 2
        nets = (ipaddress.ip_interface(f"{one.address}/{one.prefix}").network for one in self._own_addresses or ())
        return 0 if any(address in net for net in nets) else 1


class _Listener(ServiceListener):
    """Passes on the browser's events: an instance's full name, and whether it was announced or withdrawn."""

    def __init__(self, changed: Callable[[str, bool], None]) -> None:
        self._changed = changed

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        if any(len(label.encode()) > LONGEST_LABEL for label in name.split(".")):
            # Decoding replaced bytes that are not UTF-8, which made the label too long to encode. The browser would
            # fail to send its next query, which lists known answers, and never send another.
            pointers = zc.cache.async_entries_with_name(SERVICE_TYPE)
            zc.cache.async_remove_records([one for one in pointers if getattr(one, "alias", None) == name])
            return
        self._changed(name, True)

    update_service = add_service

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._changed(name, False)


def _instance_name(name: str) -> str:
    return f"{name}.{SERVICE_TYPE}"


def _reachable(host: str) -> bool:
    """Whether an address can be used as it is; a link-local IPv6 address needs its scope."""
    address = ipaddress.ip_address(host)
    return address.version == 4 or not address.is_link_local or "%" in host


def _query_all(zeroconf_: Zeroconf) -> None:
    """Send a browse query, which every gateway answers with all its records.

    It finds a gateway whose announcement was lost, or which took over another one's address. It is also the only way to
    resolve a name with a dot in it, because zeroconf splits names at each dot.
    """
    out = DNSOutgoing(_FLAGS_QR_QUERY)
    out.add_question(DNSQuestion(SERVICE_TYPE, _TYPE_PTR, _CLASS_IN))
    zeroconf_.async_send(out)


def _evict(zeroconf_: Zeroconf, name: str) -> None:
    """Remove a service's and its host's records from the cache, so that resolving needs a new answer."""
    cache = zeroconf_.cache
    records = set(cache.async_entries_with_name(name))
    for server in {server for record in records if (server := getattr(record, "server", None))}:
        records |= set(cache.async_entries_with_name(server))
    cache.async_remove_records(records)

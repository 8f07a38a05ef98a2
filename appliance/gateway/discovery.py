"""Discovers gateways by mDNS. Its results are hints: a gateway may be reachable without being announced.

Source: vendor's quickstart. The service type is `_tracker-http._tcp`, the SRV record has the port, and the address may
change whenever the gateway restarts, so browsing never ends.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable, Sequence

import zeroconf
from zeroconf import RecordUpdateListener, Zeroconf
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from appliance.core.events import Event, GatewayFound, GatewayLost
from appliance.core.limits import MOST_ANNOUNCED, MOST_GATEWAYS
from appliance.core.values import Address, Gateway, name_key
from appliance.gateway.dns_sd import (
    SERVICE_TYPE,
    InstanceListener,
    OtherCaseListener,
    cached_pointers,
    cached_services,
    evict,
    instance_name,
    query_all,
    short_name,
)
from appliance.gateway.mdns import (
    LINGER,
    QUERIES_PER_RESOLVE,
    RESOLVE_TIMEOUT,
    Mdns,
    cached_addresses,
    usable_addresses,
)

log = logging.getLogger(__name__)

CACHE_FLUSH_DELAY = 1.2
"""Seconds after which the cache has dropped a replaced record (RFC 6762, 10.2: one second)."""
POINTER_DELAY = 1.0
"""Seconds in which a gateway that was just resolved also answers the browse query (RFC 6762, 6 and 7.2: 0.6 s)."""
TOO_MANY_ANNOUNCED = "Too many gateways are announced on this network; restarting mDNS browsing with an empty cache"
QUERY_INTERVAL_SEARCHING, QUERY_INTERVAL = 10.0, 60.0
"""Seconds between browse queries: while no gateway is known or none answers, and otherwise."""


class Discovery(Mdns):
    """Browses for gateways on this box's networks.

    only: the one gateway name to report; None for all. Names are compared by `name_key`. listener: also hears every
    record.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        only: str | None = None,
        interfaces: Sequence[str] = (),
        listener: RecordUpdateListener | None = None,
    ) -> None:
        super().__init__(emit, interfaces)
        self._listener = listener
        self._only = None if only is None else name_key(only)
        self._queried_at = 0.0
        self._newest_answer = 0.0
        self._announced = 0
        self._crowding_logged = False
        self._reported: dict[str, Gateway] = {}
        self._unanswered: set[str] = set()
        self._resolved_at = 0.0
        self._rechecked: dict[str, frozenset[Address]] = {}
        self._resolving: set[str] = set()
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._changes: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    async def run(self) -> None:
        """Browse until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_network(), name="watch the network")
            while True:
                name, announced = await self._changes.get()
                key = name_key(name)
                if announced and key in self._resolving:
                    continue  # resolve() is waiting for this very answer
                if (following := self._followers.pop(key, None)) is not None:
                    following.cancel()
                if not announced and not self._spellings(name, but=name):
                    self._report_lost(key)
                elif self._has_room(key):
                    self._followers[key] = tasks.create_task(self._follow(name), name="follow an announcement")

    async def resolve(self, name: str, hoped: Address | None = None) -> Gateway | None:
        """Resolve a gateway's name, bypassing every cache; None without an answer.

        hoped: the address that worked. If the first answers lack it, others may still follow: somebody else may
        announce the gateway's host, and answer faster.
        """
        gateway = await self._resolve_uncached(name, hoped)
        if gateway is not None:
            self._note_reported(gateway)
        elif name_key(name) in self._reported:
            # Its return must be reported, even with the same address, and so must its goodbye.
            self._unanswered.add(name_key(name))
        return gateway

    async def _watch_network(self) -> None:
        await super().run()

    async def _begin(self, running: AsyncZeroconf) -> None:
        self._queried_at = asyncio.get_running_loop().time()
        self._newest_answer = 0.0
        self._announced = 0
        if self._listener is not None:
            running.zeroconf.async_add_listener(self._listener, None)
        listener = InstanceListener(self._queue_change)
        await running.async_add_service_listener(SERVICE_TYPE, listener)
        running.zeroconf.async_add_listener(OtherCaseListener(listener), None)

    def _end(self) -> None:
        for key in list(self._reported):
            self._report_lost(key)

    def _is_crowded(self) -> bool:
        """Whether too many names were announced: zeroconf's browser keeps a query schedule for each of them."""
        if self._announced <= MOST_ANNOUNCED:
            return False
        log.log(logging.DEBUG if self._crowding_logged else logging.INFO, "%s", TOO_MANY_ANNOUNCED)
        self._crowding_logged = True
        return True

    def _poll(self, zeroconf_: Zeroconf, now: float) -> None:
        """Repeat the browse query: zeroconf's browser sends it four times only, and a gateway may miss all of them.

        Also report the loss of gateways that were resolved, but did not answer the browse query: a goodbye within the
        tenth of a second between the two answers withdraws a record that zeroconf never had.
        """
        newest = max((pointer.created for pointer in cached_pointers(zeroconf_)), default=0.0)
        if newest > self._newest_answer:
            self._newest_answer = newest
            self._heard()
        if not self._resolving and now >= self._resolved_at + POINTER_DELAY:
            for key in [key for key in self._reported if not self._spellings(key)]:
                self._report_lost(key)
        answered = self._reported.keys() - self._unanswered and self._heard_at >= self._queried_at
        if now >= self._queried_at + (QUERY_INTERVAL if answered else QUERY_INTERVAL_SEARCHING):
            self._queried_at = now
            query_all(zeroconf_)

    def _queue_change(self, name: str, announced: bool) -> None:
        self._announced += announced
        short = short_name(name)
        if self._only is None or name_key(short) == self._only:
            self._changes.put_nowait((short, announced))

    def _has_room(self, key: str) -> bool:
        """Whether the limit allows one more; a paired gateway beyond it can still be found by resolve()."""
        return key in self._reported or len(self._followers.keys() | self._reported.keys()) < MOST_GATEWAYS

    def _spellings(self, name: str, but: str | None = None) -> list[str]:
        """The announced spellings of a gateway's name, newest first. but: one to leave out."""
        if self._zeroconf is None:
            return []
        key = name_key(name)
        pointers = cached_pointers(self._zeroconf.zeroconf)
        found = [(one.created, short) for one in pointers if name_key(short := short_name(one.alias)) == key]
        return [short for _, short in sorted(found, reverse=True) if short != but]

    async def _follow(self, name: str) -> None:
        """Report an announced gateway, and report it again if some of its addresses were outdated."""
        key = name_key(name)
        before = self._reported.get(key)
        try:
            self._report_if_new(await self._resolve_cached(name))
            await asyncio.sleep(CACHE_FLUSH_DELAY)
            gateway = await self._resolve_cached(name)
            self._report_if_new(gateway)
            if gateway is not None and self._is_doubtful(gateway, before):
                self._report_if_new(await self._resolve_uncached(name))
        finally:
            if self._followers.get(key) is asyncio.current_task():
                del self._followers[key]

    def _is_doubtful(self, gateway: Gateway, before: Gateway | None) -> bool:
        """Whether to ask for the addresses once more: there are several, or others than before.

        The cache does not replace a record younger than a second, so an outdated address could stay for two minutes;
        and somebody else may have announced one. Each set of addresses is rechecked once, so that a gateway with
        several causes no endless loop.
        """
        key, addresses = name_key(gateway.name), frozenset(gateway.addresses)
        if self._rechecked.get(key) == addresses:
            return False
        self._rechecked[key] = addresses
        return len(addresses) > 1 or (before is not None and not addresses >= set(before.addresses))

    def _report_if_new(self, gateway: Gateway | None) -> None:
        if gateway is None:
            return
        key = name_key(gateway.name)
        if key in self._unanswered or gateway != self._reported.get(key):
            self._note_reported(gateway)
            self._emit(GatewayFound(gateway))

    def _note_reported(self, gateway: Gateway) -> None:
        self._reported[name_key(gateway.name)] = gateway
        self._unanswered.discard(name_key(gateway.name))

    def _report_lost(self, key: str) -> None:
        self._rechecked.pop(key, None)
        self._unanswered.discard(key)
        if (lost := self._reported.pop(key, None)) is not None:
            self._emit(GatewayLost(lost.name))

    async def _resolve_uncached(self, name: str, hoped: Address | None = None) -> Gateway | None:
        running = self._zeroconf
        if running is None:
            return None
        key = name_key(name)
        self._resolving.add(key)
        try:
            for spelling in {*self._spellings(name), name}:
                evict(running.zeroconf, instance_name(spelling))
            query_all(running.zeroconf)
            gateway = await self._resolve_cached(name)
            if gateway is not None and hoped is not None and hoped not in gateway.addresses:
                await asyncio.sleep(LINGER)
                late = [one for one in self._cached_addresses(name) if one not in gateway.addresses]
                gateway = Gateway(name, (*gateway.addresses, *late))
            return gateway if self._zeroconf is running else None
        finally:
            self._resolving.discard(key)
            self._resolved_at = asyncio.get_running_loop().time()

    def _cached_addresses(self, name: str) -> list[Address]:
        """All addresses of all hosts that have been announced for a name and are still in the cache."""
        if self._zeroconf is None:
            return []
        found: list[Address] = []
        for spelling in self._spellings(name) or [name]:
            for service in cached_services(self._zeroconf.zeroconf, spelling):
                hosts = cached_addresses(self._zeroconf.zeroconf, service.server)
                found += [Address(host, service.port) for host in hosts]
        return found

    async def _resolve_cached(self, name: str) -> Gateway | None:
        running = self._zeroconf
        if running is None:
            return None
        addresses: list[Address] = []
        for _ in range(QUERIES_PER_RESOLVE):
            # Each query reads the cache first: if an answer lists the host's address before its SRV record, zeroconf
            # only caches the address.
            spelling, *others = self._spellings(name) or [name]
            answers = [await self._request(running, spelling)]
            if others:
                answers += await asyncio.gather(*(self._request(running, other) for other in others))
            if self._zeroconf is not running:
                # The network changed during the query: the answer belongs to the old one.
                return None
            found = dict.fromkeys(address for answer in answers for address in answer)
            addresses = sorted(found, key=self._distance)
            if addresses:
                break
        return Gateway(name, tuple(addresses)) if addresses else None

    async def _request(self, running: AsyncZeroconf, spelling: str) -> list[Address]:
        """The addresses of one spelling of a name, from the cache or else by a query."""
        try:
            info = AsyncServiceInfo(SERVICE_TYPE, instance_name(spelling))
            await info.async_request(running.zeroconf, RESOLVE_TIMEOUT / QUERIES_PER_RESOLVE * 1000)
            # Whatever the answer of async_request: zeroconf also waits for a TXT record, which the appliance ignores.
            return [Address(host, info.port) for host in usable_addresses(info)] if info.port else []
        except (zeroconf.Error, OSError, UnicodeError) as error:
            # The name is invalid, or a network change closed the sockets during the query.
            log.debug("Can't query a gateway's address: %s", type(error).__name__)
            return []

    def _distance(self, address: Address) -> int:
        """Sort key: the box's own networks, then other IPv4 addresses, then IPv6; newest first within each."""
        ip = ipaddress.ip_address(address.host)
        if ip.version == 6:
            return 2
        own = (one for one in self._watch.network.addresses if ":" not in one.address)
        nets = (ipaddress.ip_interface(f"{one.address}/{one.prefix}").network for one in own)
        return 0 if any(ip in net for net in nets) else 1

"""Gateways in sight, by mDNS. A hint, never a verdict: who is not announced may still be there.

Facts: the service type is `_tracker-http._tcp`, the port that of the SRV record, and the address may change whenever
the gateway restarts (vendor's quickstart), so that browsing never ends.
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
from appliance.gateway.own_addresses import LOOK_AT_NETWORK_EVERY, OwnAddress, own_addresses, until_next_look

log = logging.getLogger(__name__)

SERVICE_TYPE = "_tracker-http._tcp.local."
RESOLVE_TIMEOUT, QUESTIONS = 3.0, 3
"""Seconds to wait for an answer to a name, and how often it is asked for meanwhile: once a second, as mDNS repeats."""
SETTLE = 1.2
"""Seconds after which a record that was replaced is out of the cache (RFC 6762, 10.2, says one)."""
CROWDED = "More gateways are announced on this network than can be followed; browsing begins anew"
ASK_AGAIN_IN_VAIN, ASK_AGAIN = 10.0, 60.0
"""Seconds between questions for gateways while there is none in sight, and once there is."""


class Discovery:
    """Browses for gateways on this box's networks, and begins anew whenever its own addresses change.

    only: the one gateway name that counts, if it is set. interfaces: see own_addresses().
    """

    def __init__(self, tell: Callable[[Event], None], only: str | None = None, interfaces: Sequence[str] = ()) -> None:
        self._tell = tell
        self._only = only
        self._interfaces = tuple(interfaces)
        self._own: tuple[OwnAddress, ...] | None = None
        self._zeroconf: AsyncZeroconf | None = None
        self._trouble = ""
        self._asked_at = 0.0
        self._announced = 0
        self._crowded = False
        self._told: dict[str, Gateway] = {}
        self._questioned: dict[str, frozenset[Address]] = {}
        self._resolving: set[str] = set()
        self._following: dict[str, asyncio.Task[None]] = {}
        self._changes: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()

    @property
    def trouble(self) -> str:
        """Why nobody can be asked for at the moment; empty where all is well."""
        return self._trouble

    async def run(self) -> None:
        """Browse until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_network(), name="watch the network")
                while True:
                    name, announced = await self._changes.get()
                    if announced and name in self._resolving:
                        continue  # what is heard now is the answer that somebody waits for
                    if (following := self._following.pop(name, None)) is not None:
                        following.cancel()
                    if announced and self._has_room(name):
                        self._following[name] = tasks.create_task(self._follow(name), name="follow an announcement")
                    elif not announced:
                        self._lose(name)
        finally:
            await self._stop()

    async def resolve(self, name: str) -> Gateway | None:
        """Ask for a gateway's name afresh, past every cache; None where nobody answers."""
        gateway = await self._ask_afresh(name)
        if gateway is None:
            # When it comes back it is news, even at the old address.
            self._told.pop(name, None)
        else:
            self._told[name] = gateway
        return gateway

    async def _watch_network(self) -> None:
        """Begin anew with each change: zeroconf binds its sockets once and is deaf on addresses that come later."""
        while True:
            own = own_addresses(self._interfaces)
            if own != self._own:
                await self._stop()
                self._own = own
                self._tell(NetworkChanged(tuple(one.address for one in own)))
                self._lose_all()
            elif self._announced > MOST_ANNOUNCED:
                # Of what was announced and pushed out of its cache zeroconf's browser still remembers when to ask.
                log.log(logging.DEBUG if self._crowded else logging.INFO, "%s", CROWDED)
                self._crowded = True
                await self._stop()
                self._lose_all()
            if own and self._zeroconf is None:
                await self._start(own)
            elif self._zeroconf is not None:
                self._ask_now_and_then(self._zeroconf.zeroconf)
            await asyncio.sleep(until_next_look(LOOK_AT_NETWORK_EVERY))

    def _ask_now_and_then(self, zeroconf_: Zeroconf) -> None:
        """The browser asks four times and then only keeps up what it knows; a gateway may have missed all of them."""
        now = asyncio.get_running_loop().time()
        if now >= self._asked_at + (ASK_AGAIN if self._told else ASK_AGAIN_IN_VAIN):
            self._asked_at = now
            _ask_all(zeroconf_)

    async def _start(self, own: tuple[OwnAddress, ...]) -> None:
        try:
            self._zeroconf = AsyncZeroconf(interfaces=[one.address for one in own], ip_version=IPVersion.V4Only)
            self._asked_at = asyncio.get_running_loop().time()
            self._announced = 0
            await self._zeroconf.async_add_service_listener(SERVICE_TYPE, _Listener(self._changed))
        except OSError as error:
            # The address went again, or is not ready yet: the next look begins once more.
            level = logging.DEBUG if str(error) == self._trouble else logging.INFO
            self._trouble = str(error)
            log.log(level, "mDNS can't start on this network yet: %s", self._trouble)
            await self._stop()
        else:
            self._trouble = ""

    async def _stop(self) -> None:
        stopping, self._zeroconf = self._zeroconf, None
        if stopping is not None:
            # Interfaces may be gone already, and with them what there was to close.
            with suppress(OSError, TimeoutError):
                await stopping.async_close()

    def _changed(self, name: str, announced: bool) -> None:
        self._announced += announced
        short = name.removesuffix("." + SERVICE_TYPE)
        if self._only is None or short == self._only:
            self._changes.put_nowait((short, announced))

    def _has_room(self, name: str) -> bool:
        """Whether one more may be followed; a paired one that is left out is still found whenever it is asked for."""
        return name in self._told or len(self._following.keys() | self._told.keys()) < MOST_GATEWAYS

    async def _follow(self, name: str) -> None:
        """Tell of a gateway that was announced, and again if its addresses were not all true."""
        try:
            self._tell_if_new(await self._ask(name))
            await asyncio.sleep(SETTLE)
            gateway = await self._ask(name)
            self._tell_if_new(gateway)
            # On a busy network an old address may be too young to be replaced, and would be believed for two minutes.
            # Each set of addresses is questioned once, or a gateway that has several would be without end.
            if gateway is not None and self._questioned.get(name) != (several := frozenset(gateway.addresses)):
                self._questioned[name] = several
                if len(several) > 1:
                    self._tell_if_new(await self._ask_afresh(name))
        finally:
            if self._following.get(name) is asyncio.current_task():
                del self._following[name]

    def _tell_if_new(self, gateway: Gateway | None) -> None:
        if gateway is not None and gateway != self._told.get(gateway.name):
            self._told[gateway.name] = gateway
            self._tell(GatewayFound(gateway))

    def _lose(self, name: str) -> None:
        self._questioned.pop(name, None)
        if self._told.pop(name, None) is not None:
            self._tell(GatewayLost(name))

    def _lose_all(self) -> None:
        for name in list(self._told):
            self._lose(name)

    async def _ask_afresh(self, name: str) -> Gateway | None:
        if self._zeroconf is None:
            return None
        self._resolving.add(name)
        try:
            _forget(self._zeroconf.zeroconf, _full(name))
            _ask_all(self._zeroconf.zeroconf)
            return await self._ask(name)
        finally:
            self._resolving.discard(name)

    async def _ask(self, name: str) -> Gateway | None:
        running = self._zeroconf
        if running is None:
            return None
        try:
            info = AsyncServiceInfo(SERVICE_TYPE, _full(name))
            for _ in range(QUESTIONS):
                # Each begins with what is in the cache by now: of an answer that names the host's address before the
                # host, zeroconf takes the address there and nowhere else.
                await info.async_request(running.zeroconf, RESOLVE_TIMEOUT / QUESTIONS * 1000)
                if self._zeroconf is not running:
                    # The network changed under the question; its answers are of another one.
                    return None
                # Complete it is only with a TXT record, of which nothing is used.
                if info.port and info.parsed_addresses():
                    break
        except (zeroconf.Error, OSError, UnicodeError) as error:
            # A name that is none, or sockets that were closed under the question by a change of network.
            log.debug("Could not ask for a gateway's address: %s", type(error).__name__)
            return None
        if not info.port:
            return None
        hosts = sorted(filter(_reachable, info.parsed_scoped_addresses()), key=self._distance)
        return Gateway(name, tuple(Address(host, info.port) for host in hosts)) if hosts else None

    def _distance(self, host: str) -> int:
        """Nearest first: our own networks, then other IPv4 addresses, then IPv6. Newest first within each."""
        address = ipaddress.ip_address(host)
        if address.version == 6:
            return 2
        nets = (ipaddress.ip_interface(f"{one.address}/{one.prefix}").network for one in self._own or ())
        return 0 if any(address in net for net in nets) else 1


class _Listener(ServiceListener):
    """Passes on what zeroconf's browser sees: an instance's whole name, and whether it is announced or taken back."""

    def __init__(self, changed: Callable[[str, bool], None]) -> None:
        self._changed = changed

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        if any(len(label.encode()) > LONGEST_LABEL for label in name.split(".")):
            # Bytes that are no UTF-8 became longer when they were read. As an answer that is known already, the name
            # would be a part of the browser's next question, which can't be written then, and would be its last.
            pointers = zc.cache.async_entries_with_name(SERVICE_TYPE)
            zc.cache.async_remove_records([one for one in pointers if getattr(one, "alias", None) == name])
            return
        self._changed(name, True)

    update_service = add_service

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self._changed(name, False)


def _full(name: str) -> str:
    return f"{name}.{SERVICE_TYPE}"


def _reachable(host: str) -> bool:
    """Whether an address means something on its own; a link-local IPv6 one does not without its scope."""
    address = ipaddress.ip_address(host)
    return address.version == 4 or not address.is_link_local or "%" in host


def _ask_all(zeroconf_: Zeroconf) -> None:
    """Ask every gateway for all that it has to say.

    It finds the one whose announcement was lost, and the stranger at an address that was another's; and it is the only
    way to a name with a dot in it: zeroconf takes each dot for the border of a label.
    """
    out = DNSOutgoing(_FLAGS_QR_QUERY)
    out.add_question(DNSQuestion(SERVICE_TYPE, _TYPE_PTR, _CLASS_IN))
    zeroconf_.async_send(out)


def _forget(zeroconf_: Zeroconf, name: str) -> None:
    """Take a service and its host's addresses out of the cache, so that only a fresh answer counts."""
    cache = zeroconf_.cache
    records = set(cache.async_entries_with_name(name))
    for server in {server for record in records if (server := getattr(record, "server", None))}:
        records |= set(cache.async_entries_with_name(server))
    cache.async_remove_records(records)

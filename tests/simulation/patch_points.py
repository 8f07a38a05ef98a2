"""The places where the simulation replaces libraries and the operating system; the product between them is unchanged.

Owns the list of replacements. Everything outside it is the product's own code.
"""

from __future__ import annotations

import gc
import logging
import secrets
import socket
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import websockets.asyncio.connection
import websockets.frames
import websockets.utils

import appliance.atomic_file
import appliance.board
import appliance.core.connected
import appliance.core.heartbeat
import appliance.effect_handlers
import appliance.gateway.discovery
import appliance.gateway.feed
import appliance.gateway.feed_connection
import appliance.gateway.fixed_address
import appliance.gateway.http
import appliance.gateway.mdns
import appliance.gateway.network_watch
import appliance.gateway.wire
import appliance.history.archiver
import appliance.history_syncs
import appliance.panel.hardware
import appliance.store
from appliance.core.values import Board, Interfaces
from appliance.gateway.own_addresses import OwnAddress, OwnNetwork
from tests.simulation.mdns import SimAsyncZeroconf, SimServiceInfo
from tests.simulation.panel import SimOled
from tests.simulation.tcp import Host, Socket

if TYPE_CHECKING:
    from tests.simulation.site import SimulatedSite

MOST_ORDERS = 150
"""Orders that the product holds in the simulation; 100,000 would take too long."""
ATTEMPT: ContextVar[int | None] = ContextVar("attempt", default=None)
"""The number of the feed that the running task opens; it identifies the feed's connection."""


INTERFACE = 2
"""The index of the box's only interface."""


class SimLinkEvents:
    """Replaces the kernel's reports of interfaces, which would be the real machine's."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._seen = host.link_losses

    def interrupted(self, indexes: Collection[int], *, ipv6: bool) -> bool:
        """Whether an interface lost its link or its address since the last call."""
        seen, self._seen = self._seen, self._host.link_losses
        return seen != self._seen and INTERFACE in indexes

    def close(self) -> None:
        pass


@contextmanager
def only_log_handler(handler: logging.Handler) -> Iterator[None]:
    """Replace all handlers of the root logger."""
    logger = logging.getLogger()
    level, handlers = logger.level, logger.handlers[:]
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers[:] = handlers
        logger.setLevel(level)


@contextmanager
def manual_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector.

    asyncio reports an unretrieved exception when its task is collected: the simulation collects at fixed moments, so
    that each run of a seed reports it at the same one.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


@contextmanager
def patched_environment(site: SimulatedSite) -> Iterator[None]:
    """Replace the real environment with the simulated site's."""
    random = Random(site.random.getrandbits(32))
    run_feed = appliance.gateway.feed.run_feed

    async def run_numbered_feed(attempt: int, *arguments: Any) -> None:
        ATTEMPT.set(attempt)
        await run_feed(attempt, *arguments)

    def own_network(interfaces: Any = ()) -> OwnNetwork:
        box = site.network.box
        addresses = (OwnAddress(box.ip, 24, "eth0", INTERFACE),) if box.cable and box.ip is not None else ()
        return OwnNetwork(addresses, Interfaces(plugged=box.cable))

    def getaddrinfo(host: str, port: int, **named: Any) -> Any:
        """The site's name server knows one name; an address resolves to itself."""
        ip = site.resolve_host(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    socket_module = SimpleNamespace(**{**vars(socket), "socket": lambda *_: Socket(site.network)})
    resolver_module = SimpleNamespace(**{**vars(socket), "getaddrinfo": getaddrinfo})
    secrets_module = SimpleNamespace(token_bytes=random.randbytes, token_hex=secrets.token_hex)
    random_module = SimpleNamespace(random=random.random, getrandbits=random.getrandbits)
    SimAsyncZeroconf.multicast, SimOled.hardware = site.multicast, site.display
    replacements = [
        (appliance.gateway.feed_connection, "socket", socket_module),
        (appliance.gateway.feed, "run_feed", run_numbered_feed),
        (appliance.gateway.feed, "_logged", set()),
        (appliance.gateway.wire, "MOST_ORDERS", MOST_ORDERS),
        (appliance.core.connected, "MOST_ORDERS", MOST_ORDERS),
        (appliance.gateway.http, "in_daemon_thread", site.threads.run),
        (appliance.gateway.http, "_fetch", site.threads.fetch),
        (appliance.gateway.fixed_address, "in_daemon_thread", site.threads.run),
        (appliance.gateway.fixed_address, "socket", resolver_module),
        (appliance.gateway.network_watch, "own_network", own_network),
        (appliance.gateway.network_watch, "LinkEvents", lambda: SimLinkEvents(site.network.box)),
        # Listed only so that the patch restores them: see SimulatedSite.set_polling.
        (appliance.core.heartbeat, "BEAT", appliance.core.heartbeat.BEAT),
        (
            appliance.gateway.network_watch,
            "NETWORK_POLL_INTERVAL",
            appliance.gateway.network_watch.NETWORK_POLL_INTERVAL,
        ),
        (appliance.gateway.mdns, "AsyncZeroconf", SimAsyncZeroconf),
        (appliance.gateway.discovery, "cached_addresses", lambda zeroconf, host: zeroconf.valid_hosts(host)),
        (appliance.gateway.discovery, "AsyncServiceInfo", SimServiceInfo),
        (appliance.board, "in_daemon_thread", site.threads.run),
        (appliance.board, "read_board", lambda fault_directory: Board(45.0, site.undervoltage, None)),
        (appliance.effect_handlers, "in_daemon_thread", site.threads.run),
        (appliance.history_syncs, "in_daemon_thread", site.threads.run),
        (appliance.effect_handlers, "random", random_module),
        # Many boxes run in this process; frozen objects of each would never be freed.
        (appliance.effect_handlers, "gc", SimpleNamespace(freeze=lambda: None)),
        (appliance.atomic_file, "os", site.disk.module()),
        (appliance.store, "os", site.disk.module()),
        (appliance.history.archiver, "in_daemon_thread", site.threads.run),
        (appliance.history.archiver, "update_lock", nullcontext),
        (appliance.panel.hardware, "Oled", SimOled),
        (websockets.asyncio.connection, "random", random_module),
        (websockets.frames, "secrets", secrets_module),
        (websockets.utils, "secrets", secrets_module),
        (time, "time", lambda: site.loop.time() + site.wall_offset),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in replacements:
            patch.setattr(module, name, value)
        yield

"""Where the simulation takes the place of the world: each library's own seam, and nothing of the product between them.

Owns the list of what is replaced while a simulation runs. What is not in it is the product's and runs as it is.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator
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
import appliance.gateway.fixed_address
import appliance.gateway.http
import appliance.gateway.own_addresses
import appliance.gateway.wire
import appliance.history.archiver
import appliance.panel.hardware
import appliance.store
from appliance.core.values import Board
from appliance.gateway.own_addresses import OwnAddress
from tests.simulation.mdns import SimAsyncZeroconf, SimServiceInfo
from tests.simulation.panel import SimOled
from tests.simulation.tcp import Socket

if TYPE_CHECKING:
    from tests.simulation.site import World

MOST_ORDERS = 150
"""Orders that the product holds here, where each of 100,000 would take its time."""
ATTEMPT: ContextVar[int | None] = ContextVar("attempt", default=None)
"""The number of the feed that the running task opens, by which its connection is known."""


@contextmanager
def seams(world: World) -> Iterator[None]:
    """Put the simulated world in the real one's place."""
    luck = Random(world.random.getrandbits(32))
    run_feed = appliance.gateway.feed.run_feed

    async def numbered(attempt: int, *arguments: Any) -> None:
        ATTEMPT.set(attempt)
        await run_feed(attempt, *arguments)

    def own_addresses(interfaces: Any = ()) -> tuple[OwnAddress, ...]:
        box = world.network.box
        return (OwnAddress(box.ip, 24),) if box.cable and box.ip is not None else ()

    def getaddrinfo(host: str, port: int, **named: Any) -> Any:
        """The site's name server knows one name; an address is its own."""
        ip = world.resolve_host(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    sockets = SimpleNamespace(**{**vars(socket), "socket": lambda *_: Socket(world.network)})
    names = SimpleNamespace(**{**vars(socket), "getaddrinfo": getaddrinfo})
    entropy = SimpleNamespace(token_bytes=luck.randbytes, token_hex=secrets.token_hex)
    chance = SimpleNamespace(random=luck.random, getrandbits=luck.getrandbits)
    SimAsyncZeroconf.air, SimOled.glass = world.air, world.glass
    replaced = [
        (appliance.gateway.feed, "socket", sockets),
        (appliance.gateway.feed, "run_feed", numbered),
        (appliance.gateway.feed, "_logged", set()),
        (appliance.gateway.wire, "MOST_ORDERS", MOST_ORDERS),
        (appliance.core.connected, "MOST_ORDERS", MOST_ORDERS),
        (appliance.gateway.http, "in_daemon_thread", world.threads.run),
        (appliance.gateway.http, "_fetch", world.threads.fetch),
        (appliance.gateway.fixed_address, "in_daemon_thread", world.threads.run),
        (appliance.gateway.fixed_address, "socket", names),
        (appliance.gateway.fixed_address, "own_addresses", own_addresses),
        (appliance.gateway.discovery, "own_addresses", own_addresses),
        # Only so that they are put back: see World.pace.
        (appliance.core.heartbeat, "BEAT", appliance.core.heartbeat.BEAT),
        (appliance.gateway.discovery, "NETWORK_POLL_INTERVAL", appliance.gateway.own_addresses.NETWORK_POLL_INTERVAL),
        (
            appliance.gateway.fixed_address,
            "NETWORK_POLL_INTERVAL",
            appliance.gateway.own_addresses.NETWORK_POLL_INTERVAL,
        ),
        (appliance.gateway.discovery, "AsyncZeroconf", SimAsyncZeroconf),
        (appliance.gateway.discovery, "AsyncServiceInfo", SimServiceInfo),
        (appliance.board, "in_daemon_thread", world.threads.run),
        (appliance.board, "read_board", lambda fault_directory: Board(45.0, world.weak_power, None)),
        (appliance.effect_handlers, "in_daemon_thread", world.threads.run),
        (appliance.effect_handlers, "random", chance),
        # Many boxes live in this one process, and what each of them freezes would stay for ever.
        (appliance.effect_handlers, "gc", SimpleNamespace(freeze=lambda: None)),
        (appliance.atomic_file, "os", world.disk.module()),
        (appliance.store, "os", world.disk.module()),
        (appliance.history.archiver, "in_daemon_thread", world.threads.run),
        (appliance.history.archiver, "alone", nullcontext),
        (appliance.panel.hardware, "Oled", SimOled),
        (websockets.asyncio.connection, "random", chance),
        (websockets.frames, "secrets", entropy),
        (websockets.utils, "secrets", entropy),
        (time, "time", lambda: world.loop.time() + world.wall_offset),
    ]
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in replaced:
            patch.setattr(module, name, value)
        yield

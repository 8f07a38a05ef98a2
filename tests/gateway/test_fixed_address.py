"""A gateway with a configured address: looked up again when needed, without blocking anything."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.core.events import Event, GatewayFound, HostUnresolved, NetworkChanged
from appliance.core.values import Address, Gateway
from appliance.gateway import fixed_address as module
from appliance.gateway import network_watch
from appliance.gateway.fixed_address import FixedGateway
from appliance.gateway.own_addresses import OwnAddress, OwnNetwork
from tests.clock import until

LITERAL = Address("127.0.0.1", 8000)
UNKNOWN = "no-such-gateway.invalid"
"""A reserved name (RFC 6761); the test's resolver answers for it, so no real one is queried."""


class Resolver:
    """Replaces the system's resolver for one name; others are looked up as usual. hosts: the name's addresses."""

    def __init__(self) -> None:
        self.hosts: tuple[str, ...] = ()
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self._system = socket.getaddrinfo

    def __call__(self, host: str, port: int, *args: Any, **more: Any) -> list[Any]:
        if host != UNKNOWN:
            return self._system(host, port, *args, **more)
        self.asked += 1
        self.gate.wait(5)
        if not self.hosts:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [answer for known in self.hosts for answer in self._system(known, port, *args, **more)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.gate.set()


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> list[OwnAddress]:
    """This box's own addresses, set by the test."""
    own = [OwnAddress("192.0.2.7", 24)]
    monkeypatch.setattr(network_watch, "own_network", lambda _: OwnNetwork(tuple(own)))
    monkeypatch.setattr(network_watch, "NETWORK_POLL_INTERVAL", 0.01)
    return own


async def ignore(_: Event) -> None:
    raise AssertionError("never called")


def fixed_gateway(address: Address, name: str | None = None) -> FixedGateway:
    return FixedGateway(lambda _: None, address, name)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%lo", "192.0.2.9"])
async def test_an_ip_address_resolves_to_itself(host: str) -> None:
    found = await fixed_gateway(Address(host, 8123)).resolve(str(Address(host, 8123)))
    assert found == Gateway(str(Address(host, 8123)), (Address(host, 8123),))


async def test_a_host_name_resolves_to_ipv4_addresses_first(resolver: Resolver) -> None:
    found = await fixed_gateway(Address("localhost", 8000)).resolve("localhost:8000")
    assert found is not None
    assert found.addresses[0] == Address("127.0.0.1", 8000)
    resolver.hosts = ("2001:db8::7", "192.0.2.7", "192.0.2.7", "fe80::7%lo")
    found = await fixed_gateway(Address(UNKNOWN, 8000)).resolve(f"{UNKNOWN}:8000")
    assert found is not None
    assert [address.host for address in found.addresses] == ["192.0.2.7", "2001:db8::7", "fe80::7%lo"]
    resolver.hosts = ("192.0.2.8",)
    found = await fixed_gateway(Address(UNKNOWN, 8000)).resolve(f"{UNKNOWN}:8000")
    assert found == Gateway(f"{UNKNOWN}:8000", (Address("192.0.2.8", 8000),))


async def test_another_gateways_name_is_not_resolved() -> None:
    assert await fixed_gateway(LITERAL).resolve("Another gateway") is None
    assert await fixed_gateway(LITERAL, "Mine").resolve("127.0.0.1:8000") is None
    assert await fixed_gateway(LITERAL, "Mine").resolve("Mine") == Gateway("Mine", (LITERAL,))


@pytest.mark.parametrize("host", ["x" * 64 + ".local", "x" * 300, "é" * 70, "a..b", "a b", UNKNOWN, "\ud800", ""])
async def test_unknown_host_names_resolve_to_nothing(host: str, resolver: Resolver) -> None:
    if host in ("x" * 300, "a b", ""):
        resolver._system = lambda *_, **__: (_ for _ in ()).throw(socket.gaierror(-2, "not known"))  # queries no server
    assert await fixed_gateway(Address(host, 8000), "Mine").resolve("Mine") is None


async def running(gateway: FixedGateway) -> asyncio.Task[None]:
    return asyncio.create_task(gateway.run())


async def test_the_gateway_is_reported_once_and_each_network_change(own: list[OwnAddress]) -> None:
    events: list[Event] = []
    task = asyncio.create_task(FixedGateway(events.append, LITERAL).run())
    await until(lambda: len(events) == 2)
    assert GatewayFound(Gateway("127.0.0.1:8000", (LITERAL,))) in events
    assert NetworkChanged(("192.0.2.7",)) in events
    own.clear()
    await until(lambda: len(events) == 3)
    own.append(OwnAddress("192.0.2.8", 24))
    await until(lambda: len(events) == 4)
    assert events[2:] == [NetworkChanged(()), NetworkChanged(("192.0.2.8",))]
    await asyncio.sleep(0.05)
    assert len(events) == 4
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_failed_lookup_is_retried(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_INTERVAL_UNRESOLVED", 0.01)
    events: list[Event] = []
    task = asyncio.create_task(FixedGateway(events.append, Address(UNKNOWN, 8000), "Mine").run())
    await until(lambda: resolver.asked >= 3)
    assert events == [NetworkChanged(("192.0.2.7",)), HostUnresolved(UNKNOWN)]
    resolver.hosts = ("192.0.2.9",)
    await until(lambda: len(events) == 3)
    assert events[2] == GatewayFound(Gateway("Mine", (Address("192.0.2.9", 8000),)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_changed_lookup_result_is_reported(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_INTERVAL", 0.01)
    monkeypatch.setattr(module, "LOOKUP_INTERVAL_UNRESOLVED", 0.01)
    events: list[Event] = []
    resolver.hosts = ("192.0.2.9",)
    task = asyncio.create_task(FixedGateway(events.append, Address(UNKNOWN, 8000), "Mine").run())
    await until(lambda: resolver.asked >= 3)
    resolver.hosts = ()
    asked = resolver.asked
    await until(lambda: resolver.asked >= asked + 2)
    assert events[2:] == [HostUnresolved(UNKNOWN)]
    resolver.hosts = ("192.0.2.10",)
    await until(lambda: len(events) == 4)
    found = [event for event in events if isinstance(event, GatewayFound)]
    assert [event.gateway.addresses for event in found] == [(Address("192.0.2.9"),), (Address("192.0.2.10"),)]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_hanging_resolver_blocks_nothing(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_TIMEOUT", 0.05)
    resolver.gate.clear()
    gateway = fixed_gateway(Address(UNKNOWN, 8000), "Mine")
    assert await asyncio.wait_for(gateway.resolve("Mine"), 1) is None
    monkeypatch.setattr(module, "LOOKUP_TIMEOUT", 60.0)
    task = asyncio.create_task(gateway.run())
    await until(lambda: resolver.asked == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 0.2)

"""Resolving: each resolve queries the network, whatever the cache contains, and its answer causes no event."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from appliance.core.events import GatewayLost
from appliance.gateway import discovery as module
from appliance.gateway import network_watch
from appliance.gateway.discovery import Discovery
from appliance.gateway.own_addresses import OwnAddress, OwnNetwork

from .mdns_peers import (
    PTR,
    SRV,
    A,
    EventRecorder,
    RawResponder,
    Responder,
    browsing,
    found,
    gateway,
    records,
    responding,
)


@pytest.fixture
def name() -> str:
    """A name unique to this test."""
    return f"T{uuid4().hex[:10]} gateway"


@pytest.fixture
def recorder(name: str) -> EventRecorder:
    return EventRecorder(name)


@pytest.fixture
async def other() -> AsyncIterator[RawResponder]:
    """A responder that is not python-zeroconf."""
    stranger = RawResponder()
    yield stranger
    stranger.close()


async def test_resolving_returns_an_address_that_changed_without_announcement(
    name: str, recorder: EventRecorder
) -> None:
    async with browsing(recorder) as discovery:
        old = Responder()
        await old.announce(name, "127.0.0.2")
        await recorder.wait_found(name, "127.0.0.2")
        await old.close(without_goodbye=True)
        async with responding() as new:
            new.answer(name, "127.0.0.3", port=8001)
            for _ in range(2):
                assert await discovery.resolve(name) == gateway(name, "127.0.0.3", port=8001)
            await asyncio.sleep(0.05)
            news = recorder.events[1:]
    # The browser's own query may have had the same answer, before or after; no other event is allowed.
    assert news in ([], [found(name, "127.0.0.3", port=8001)])


async def test_resolving_never_returns_a_cached_address(
    name: str, recorder: EventRecorder, other: RawResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.1)
    async with browsing(recorder) as discovery:
        other.send(records(name.encode(), "127.0.0.2"))
        await recorder.wait_found(name, "127.0.0.2")
        for _ in range(3):
            assert await discovery.resolve(name) is None
        for at in range(3, 9):
            other.answer(name.encode(), f"127.0.0.{at}")
            assert await discovery.resolve(name) == gateway(name, f"127.0.0.{at}")
        assert len(recorder.events) == 1


async def test_an_unresolved_gateway_is_reported_again_when_it_is_announced(
    name: str, recorder: EventRecorder, other: RawResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.2)
    async with browsing(recorder) as discovery:
        other.send(records(name.encode(), "127.0.0.2"))
        await recorder.wait_found(name, "127.0.0.2")
        began = time.monotonic()
        assert await discovery.resolve(name) is None
        assert 0.2 <= time.monotonic() - began < 0.5
        assert len(recorder.events) == 1
        other.send(records(name.encode(), "127.0.0.2", ttl=119))
        await recorder.wait_until(lambda: len(recorder.events) == 2)
        await recorder.wait_found(name, "127.0.0.2")


async def test_resolving_an_unknown_name(name: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.1)
    async with browsing(recorder) as discovery, responding() as responder:
        for unknown in (name, "", ".", "x" * 64, "é" * 40, "x" * 300, "\x00", "127.0.0.1:8000", "\ud800"):
            assert await discovery.resolve(unknown) is None
        responder.answer(name, "127.0.0.2")
        monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 3.0)
        assert await discovery.resolve(name) == gateway(name, "127.0.0.2")


async def test_resolving_without_a_network_returns_nothing() -> None:
    assert await Discovery(EventRecorder("x")).resolve("x") is None


async def test_a_gateway_with_its_service_name_as_host_name_is_resolved(name: str, recorder: EventRecorder) -> None:
    """python-zeroconf announces services without a host name in this way."""
    async with browsing(recorder) as discovery, responding() as responder:
        await responder.announce(name, "127.0.0.2", server=None)
        await recorder.wait_found(name, "127.0.0.2")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.2")


async def test_an_answer_with_the_address_before_the_srv_record_is_resolved(
    name: str, recorder: EventRecorder, other: RawResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.9)  # less than a second, within which zeroconf ignores duplicates
    async with browsing(recorder) as discovery:
        other.answer(name.encode(), "127.0.0.3", backwards=True)
        assert await discovery.resolve(name) == gateway(name, "127.0.0.3")


async def test_host_names_that_differ_only_in_case_are_one_host(
    name: str, recorder: EventRecorder, other: RawResponder
) -> None:
    async with browsing(recorder) as discovery:
        for host in (b"Gateway-7", b"gateway-7", b"GATEWAY-7"):
            other.send(records(name.encode(), "127.0.0.2", host_name=host))
            await asyncio.sleep(0.01)
        await recorder.wait_found(name, "127.0.0.2")
        other.answer(name.encode(), "127.0.0.3", host_name=b"gateway-7")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.3")


async def test_resolving_one_gateway_reports_no_other(name: str, recorder: EventRecorder, other: RawResponder) -> None:
    async with browsing(recorder) as discovery:
        other.send(records(name.encode(), "127.0.0.2", host_name=b"one"))
        await recorder.wait_found(name, "127.0.0.2")
        other.send(records(name.encode() + b" B", "127.0.0.3", host_name=b"two"))
        await recorder.wait_found(name + " B", "127.0.0.3")
        other.answer(name.encode(), "127.0.0.4", host_name=b"one")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.4")
        await asyncio.sleep(0.05)
        assert len(recorder.events) == 2


async def test_a_goodbye_after_resolving_is_reported(name: str, recorder: EventRecorder, other: RawResponder) -> None:
    async with browsing(recorder) as discovery:
        other.send(records(name.encode(), "127.0.0.2"))
        await recorder.wait_found(name, "127.0.0.2")
        other.answer(name.encode(), "127.0.0.3")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.3")
        other.send(records(name.encode(), ttl=0, kinds=[PTR]))
        await recorder.wait_until(lambda: recorder.last == GatewayLost(name))


async def test_a_goodbye_after_a_failed_resolve_is_reported(
    name: str, recorder: EventRecorder, other: RawResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.1)
    async with browsing(recorder) as discovery:
        other.send(records(name.encode(), "127.0.0.2"))
        await recorder.wait_found(name, "127.0.0.2")
        assert await discovery.resolve(name) is None
        other.send(records(name.encode(), ttl=0, kinds=[PTR]))
        await recorder.wait_until(lambda: recorder.last == GatewayLost(name))


async def test_a_goodbye_before_the_answer_to_the_browse_query_is_reported(
    name: str, recorder: EventRecorder, other: RawResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A responder delays that answer, and drops it if the gateway leaves meanwhile."""
    monkeypatch.setattr(network_watch, "NETWORK_POLL_INTERVAL", 0.05)
    monkeypatch.setattr(module, "POINTER_DELAY", 0.2)
    async with browsing(recorder) as discovery:
        other.answer(name.encode(), made=records(name.encode(), "127.0.0.2", kinds=[SRV, A]))
        assert await discovery.resolve(name) == gateway(name, "127.0.0.2")
        other.send(records(name.encode(), ttl=0, kinds=[PTR]))
        await recorder.wait_until(lambda: recorder.last == GatewayLost(name))


async def test_discovery_continues_after_a_cancelled_resolve(
    name: str, recorder: EventRecorder, other: RawResponder
) -> None:
    async with browsing(recorder) as discovery:
        other.send(records(name.encode(), "127.0.0.2"))
        await recorder.wait_found(name, "127.0.0.2")
        question = asyncio.create_task(discovery.resolve(name))
        await asyncio.sleep(0.05)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        other.send(records(name.encode(), "127.0.0.3"))
        await recorder.wait_found(name, "127.0.0.3")


async def test_losing_the_network_ends_a_resolve_but_not_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    network: list[tuple[OwnAddress, ...]] = [(OwnAddress("127.0.0.1", 8),)]
    monkeypatch.setattr(network_watch, "own_network", lambda _: OwnNetwork(network[0]))
    monkeypatch.setattr(network_watch, "NETWORK_POLL_INTERVAL", 0.05)
    discovery = Discovery(lambda _: None, None, ["lo"])
    running = asyncio.create_task(discovery.run())
    await asyncio.sleep(0.1)
    asking = asyncio.create_task(discovery.resolve("Nobody of this name"))
    await asyncio.sleep(0.1)
    network[0] = ()
    assert await asking is None
    assert not running.done()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running

"""Browsing with real mDNS on loopback: gateways that appear, move, leave, or have unusual or invalid names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from appliance.core.events import GatewayFound, GatewayLost, NetworkChanged
from appliance.gateway import discovery as module
from appliance.gateway.discovery import Discovery
from appliance.simulator.gateway import SimulatedGateway

from .mdns_peers import PTR, SRV, EventRecorder, RawResponder, browsing, found, records, responding


@pytest.fixture
def prefix() -> str:
    """A name prefix unique to this test."""
    return f"T{uuid4().hex[:10]}"


@pytest.fixture
def recorder(prefix: str) -> EventRecorder:
    return EventRecorder(prefix)


@asynccontextmanager
async def raw_responder() -> AsyncIterator[RawResponder]:
    """Run a responder that is not python-zeroconf."""
    other = RawResponder()
    try:
        yield other
    finally:
        other.close()


async def test_discovery_reports_a_gateway_that_appears_moves_and_leaves(prefix: str, recorder: EventRecorder) -> None:
    async with browsing(recorder):
        async with SimulatedGateway(prefix, advertise_on=("127.0.0.1",)) as gateway:
            await recorder.wait_found(prefix, "127.0.0.1", port=gateway.port)
            await gateway.move("127.0.0.2")
            await recorder.wait_until(lambda: len(recorder.events) > 1)
            moved = time.monotonic()
            first = recorder.events[1]
            assert isinstance(first, GatewayFound)
            assert first.gateway.addresses[0].host == "127.0.0.2", "the new address must come first at once"
            await recorder.wait_found(prefix, "127.0.0.2", port=gateway.port)
            assert time.monotonic() - moved < 3, "the old address must be removed soon"
        await recorder.wait_until(lambda: GatewayLost(prefix) in recorder.events)
    assert recorder.other_events == [NetworkChanged(("127.0.0.1",))]


async def test_a_record_younger_than_a_second_stays_beside_its_replacement(
    prefix: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache keeps both records for a second (RFC 6762, 10.2)."""
    monkeypatch.setattr(module, "CACHE_FLUSH_DELAY", 0.1)
    async with browsing(recorder), raw_responder() as other:
        other.send(records(prefix.encode(), "127.0.0.4"))
        await recorder.wait_found(prefix, "127.0.0.4")
        other.answer(prefix.encode(), "127.0.0.5")
        other.send(records(prefix.encode(), "127.0.0.5"))
        await recorder.wait_found(prefix, "127.0.0.5", "127.0.0.4")
        await recorder.wait_found(prefix, "127.0.0.5")


@pytest.mark.parametrize("apart", [False, True], ids=["in one packet", "in several packets"])
async def test_a_gateway_with_several_addresses_causes_few_queries(
    apart: bool, prefix: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHE_FLUSH_DELAY", 0.05)
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.15)
    hosts = ("127.0.0.4", "127.0.0.5", "127.0.0.6")
    async with browsing(recorder), raw_responder() as other:
        other.answer(prefix.encode(), *hosts, apart=apart)
        other.send(records(prefix.encode(), *hosts))
        await recorder.wait_until(lambda: bool(recorder.events))
        await asyncio.sleep(0.6)
        assert recorder.last == found(prefix, *reversed(hosts)) or not apart
        assert len(recorder.events) <= (4 if apart else 1)
        asked = [question for question in other.questions if question[13:].startswith(prefix.encode())]
        assert len(asked) < 8, "repeated queries would be a dozen by now"


async def test_a_gateway_announced_before_browsing_is_found(prefix: str, recorder: EventRecorder) -> None:
    async with responding() as responder:
        await responder.announce(prefix, "127.0.0.3", port=8123)
        await asyncio.sleep(0.05)
        async with browsing(recorder):
            await recorder.wait_found(prefix, "127.0.0.3", port=8123)


async def test_discovery_reports_each_of_several_gateways(prefix: str, recorder: EventRecorder) -> None:
    names = [f"{prefix} {place}" for place in ("bar", "garden", "terrace")]
    async with browsing(recorder), responding() as responder:
        for at, name in enumerate(names):
            await responder.announce(name, f"127.0.0.{at + 2}")
        await recorder.wait_until(lambda: len(recorder.events) == 3)
    wanted = [found(name, f"127.0.0.{at + 2}") for at, name in enumerate(names)]
    assert sorted(recorder.events[:3], key=repr) == wanted


async def test_discovery_limited_to_one_name_ignores_others(prefix: str, recorder: EventRecorder) -> None:
    async with browsing(recorder, f"{prefix} garden"), raw_responder() as other:
        for at, place in enumerate((b" bar", b" garden", b" garden 2", b" terrace")):
            other.send(records(prefix.encode() + place, f"127.0.0.{at + 2}"))
        await recorder.wait_until(lambda: bool(recorder.events))
        await asyncio.sleep(0.05)
        assert recorder.events == [found(f"{prefix} garden", "127.0.0.3")]


async def test_addresses_in_own_networks_come_first_then_ipv4_then_ipv6(prefix: str, recorder: EventRecorder) -> None:
    hosts = ("2001:db8::7", "198.51.100.7", "127.0.0.7", "fe80::7")
    async with browsing(recorder), raw_responder() as other:
        other.send(records(prefix.encode(), *hosts))
        # A link-local address needs its scope, which zeroconf does not know on an IPv4 socket.
        await recorder.wait_found(prefix, "127.0.0.7", "198.51.100.7", "2001:db8::7")


ODD = [
    b" Gateway",
    b" v1.2 (No. 3)",
    b"...",
    b".local.",
    b"._tracker-http._tcp.local",
    "Küche 厨房 🍽".encode(),
    b"x" * 52,
    " é".encode() * 17,
    b" \\ \" ' ; $(reboot)",
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
async def test_unusual_names_are_reported_and_resolved(odd: bytes, prefix: str, recorder: EventRecorder) -> None:
    name = prefix.encode() + odd
    assert len(name) <= 63
    async with browsing(recorder) as discovery, raw_responder() as other:
        other.send(records(name, "127.0.0.4"))
        await recorder.wait_found(name.decode(), "127.0.0.4")
        other.answer(name, "127.0.0.5")
        resolved = await discovery.resolve(name.decode())
        assert resolved == found(name.decode(), "127.0.0.5").gateway
        assert len(recorder.events) == 1


@pytest.mark.parametrize("odd", [b"\xff\xfe", b"\x00\x07\x1b[31m", b"\r\n", b" ", b"x" * 51 + "é".encode()[:1]])
async def test_invalid_names_do_not_stop_discovery(odd: bytes, prefix: str, recorder: EventRecorder) -> None:
    async with browsing(recorder), raw_responder() as other:
        other.send(records(prefix.encode() + odd, "127.0.0.4"))
        other.send(records(prefix.encode() + b" good", "127.0.0.5", host_name=b"good"))
        good = found(f"{prefix} good", "127.0.0.5")
        await recorder.wait_until(lambda: good in recorder.events)


async def test_a_name_that_cannot_be_encoded_does_not_stop_discovery(prefix: str, recorder: EventRecorder) -> None:
    async with browsing(recorder), raw_responder() as other:
        for odd in (b"\xff" * 40, b"x" * 51 + b"\xc3"):
            other.send(records(prefix.encode() + odd, "127.0.0.4"))
        await asyncio.sleep(0.15)  # the browser has sent its first query
        asked = len(other.questions)
        other.answer(prefix.encode() + b" shy", "127.0.0.5")
        await recorder.wait_found(f"{prefix} shy", "127.0.0.5")
        assert len(other.questions) > asked, "discovery must query for the name itself"


async def test_services_without_an_address_or_a_port_are_ignored(
    prefix: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.2)
    monkeypatch.setattr(module, "CACHE_FLUSH_DELAY", 0.1)
    name = prefix.encode()
    async with browsing(recorder), raw_responder() as other:
        other.send(records(name + b" no port", "127.0.0.4", port=0))
        other.send(records(name + b" no address", host_name=b"nowhere"))
        other.send(records(name + b" no scope", "fe80::1", host_name=b"no-scope"))
        other.send(records(name + b" no place", "127.0.0.4", kinds=[PTR]))
        other.send([b"\xc0\x0c" * 20])
        await asyncio.sleep(0.7)
        assert recorder.events == []
        other.send(records(name + b" good", "127.0.0.5", host_name=b"good"))
        await recorder.wait_found(f"{prefix} good", "127.0.0.5")
        assert len(recorder.events) == 1


async def test_a_gateway_without_a_txt_record_is_found(
    prefix: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.3)
    async with browsing(recorder), raw_responder() as other:
        other.send(records(prefix.encode(), "127.0.0.4", kinds=[PTR, SRV, 1]))
        await recorder.wait_found(prefix, "127.0.0.4")


async def test_a_goodbye_for_the_ptr_record_is_enough(
    prefix: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHE_FLUSH_DELAY", 0.2)
    async with browsing(recorder), raw_responder() as other:
        other.send(records(prefix.encode(), "127.0.0.4"))
        await recorder.wait_found(prefix, "127.0.0.4")
        other.send(records(prefix.encode(), ttl=0, kinds=[PTR]))
        await recorder.wait_until(lambda: recorder.last == GatewayLost(prefix))
        await asyncio.sleep(0.4)
        assert len(recorder.events) == 2, "the remaining records must not report the gateway again"
        # zeroconf ignores an identical packet within a second as a duplicate.
        other.send(records(prefix.encode(), "127.0.0.4", ttl=119))
        await recorder.wait_found(prefix, "127.0.0.4")


async def test_a_flood_of_announcements_starts_few_tasks(prefix: str, recorder: EventRecorder) -> None:
    before = len(asyncio.all_tasks())
    async with browsing(recorder), raw_responder() as other:
        for at in range(100):
            other.send(records(prefix.encode(), f"127.0.1.{at}", port=1 + at))
            await asyncio.sleep(0)
        await recorder.wait_until(lambda: len(recorder.events) > 1)
        assert len(asyncio.all_tasks()) - before < 10
        await asyncio.sleep(0.1)
        other.send(records(prefix.encode(), "127.0.2.1", port=8000))
        await recorder.wait_until(
            lambda: isinstance(recorder.last, GatewayFound) and recorder.last.gateway.addresses[0].port == 8000
        )


async def test_discovery_can_be_cancelled_at_any_moment(recorder: EventRecorder) -> None:
    for pause in (0.0, 0.001, 0.05):
        before = asyncio.all_tasks()
        task = asyncio.create_task(Discovery(recorder, interfaces=("lo",)).run())
        await asyncio.sleep(pause)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)
        assert asyncio.all_tasks() - before - {task} == set()

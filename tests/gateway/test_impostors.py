"""Somebody else announces a gateway's name or host: what discovery tells, over real mDNS on loopback."""

from __future__ import annotations

import asyncio
import socket
import struct
import unicodedata
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from appliance.core.events import GatewayFound, GatewayLost
from appliance.core.values import Address
from appliance.gateway import fixed_address
from appliance.gateway.fixed_address import FixedGateway
from appliance.gateway.own_addresses import OwnAddress, OwnNetwork
from tests.clock import until

from .mdns_peers import (
    PTR,
    SRV,
    TXT,
    A,
    EventRecorder,
    RawResponder,
    browsing,
    gateway,
    labels,
    record,
    records,
)

REAL, IMPOSTOR = "127.0.0.2", "127.0.0.66"


@pytest.fixture
def name() -> str:
    """A name unique to this test."""
    return f"T{uuid4().hex[:10]} Küche"


@pytest.fixture
def recorder(name: str) -> EventRecorder:
    return EventRecorder(name[:11])


@pytest.fixture
async def real() -> AsyncIterator[RawResponder]:
    responder = RawResponder()
    yield responder
    responder.close()


@pytest.fixture
async def impostor() -> AsyncIterator[RawResponder]:
    responder = RawResponder()
    yield responder
    responder.close()


def forged(name: str, what: str) -> list[bytes]:
    """An impostor's records."""
    match what:
        case "address":
            return records(name.encode(), IMPOSTOR, kinds=[A])
        case "second address":
            host = labels(name.encode().hex()[:60].encode(), b"local")
            return [record(host, A, socket.inet_aton(one)) for one in (IMPOSTOR, REAL)]
        case "host":
            return records(name.encode(), IMPOSTOR, host_name=b"impostor", kinds=[SRV, A])
        case "port":
            return records(name.encode(), port=666, kinds=[SRV])
        case "everything":
            return records(name.encode(), IMPOSTOR, host_name=b"impostor")
        case _:
            return records(name.encode(), kinds=[PTR], ttl=0)


FORGERIES = ["address", "second address", "host", "port", "everything", "goodbye"]


@pytest.mark.parametrize("what", FORGERIES)
async def test_after_an_impostors_record_the_gateway_answers_for_itself(
    what: str, name: str, recorder: EventRecorder, real: RawResponder, impostor: RawResponder
) -> None:
    async with browsing(recorder) as discovery:
        real.answer(name.encode(), REAL)
        real.send(records(name.encode(), REAL))
        await recorder.wait_found(name, REAL)
        impostor.send(forged(name, what))
        await asyncio.sleep(0.05)
        assert await discovery.resolve(name, Address(REAL)) == gateway(name, REAL)


@pytest.mark.parametrize("what", FORGERIES[:-1])
async def test_an_impostors_record_is_checked_and_what_is_announced_heals(
    what: str, name: str, recorder: EventRecorder, real: RawResponder, impostor: RawResponder
) -> None:
    async with browsing(recorder):
        real.answer(name.encode(), REAL)
        real.send(records(name.encode(), REAL))
        await recorder.wait_found(name, REAL)
        impostor.send(forged(name, what))
        await recorder.wait_until(lambda: len(recorder.events) > 1)
        await recorder.wait_found(name, REAL, within=8.0)


@pytest.mark.parametrize("what", ["address", "host", "port", "everything"])
async def test_an_impostor_who_answers_faster_does_not_hide_the_address_that_worked(
    what: str, name: str, recorder: EventRecorder, real: RawResponder, impostor: RawResponder
) -> None:
    async with browsing(recorder) as discovery:
        real.answer(name.encode(), REAL, after=0.1)
        impostor.answer(name.encode(), made=forged(name, what))
        for _ in range(3):
            resolved = await discovery.resolve(name, Address(REAL))
            assert resolved is not None
            assert Address(REAL) in resolved.addresses, what
            await asyncio.sleep(1.1)


SPELLINGS = ["Küche", "KÜCHE", "küche", unicodedata.normalize("NFD", "Küche"), unicodedata.normalize("NFD", "KÜCHE")]


@pytest.mark.parametrize(
    ("announced", "wanted"),
    [
        # `make release` tries each spelling with each other one.
        pytest.param(announced, wanted, marks=() if SPELLINGS[0] in (announced, wanted) else pytest.mark.release)
        for announced in SPELLINGS
        for wanted in SPELLINGS
    ],
)
async def test_a_name_in_another_spelling_is_the_same(
    announced: str, wanted: str, name: str, recorder: EventRecorder, real: RawResponder
) -> None:
    announced, wanted = name[:12] + announced, name[:12].swapcase() + wanted
    async with browsing(recorder, wanted) as discovery:
        real.answer(announced.encode(), REAL)
        real.send(records(announced.encode(), REAL))
        await recorder.wait_found(announced, REAL)
        assert await discovery.resolve(wanted) == gateway(wanted, REAL)


async def test_a_gateway_that_announces_itself_in_another_spelling_stays(
    name: str, recorder: EventRecorder, real: RawResponder
) -> None:
    other = unicodedata.normalize("NFD", name.upper())
    recorder = EventRecorder("")
    async with browsing(recorder, name) as discovery:
        real.answer(name.encode(), REAL)
        real.send(records(name.encode(), REAL))
        await recorder.wait_found(name, REAL)
        real.answer(other.encode(), REAL)
        real.send(records(other.encode(), REAL))
        await recorder.wait_found(other, REAL)
        assert await discovery.resolve(name) == gateway(name, REAL)
        real.send(records(name.encode(), kinds=[PTR], ttl=0))
        await asyncio.sleep(1.5)
        assert not any(isinstance(event, GatewayLost) for event in recorder.events)
        real.send(records(other.encode(), kinds=[PTR], ttl=0))
        await recorder.wait_until(lambda: isinstance(recorder.last, GatewayLost))


@pytest.mark.parametrize(
    "kind",
    [
        (b"_Tracker-HTTP", b"_tcp", b"local"),
        (b"_tracker-http", b"_TCP", b"local"),
        (b"_tracker-http", b"_tcp", b"Local"),
        (b"_TRACKER-HTTP", b"_TCP", b"LOCAL"),
    ],
)
async def test_the_service_type_in_other_letters_is_found(
    kind: tuple[bytes, ...], name: str, recorder: EventRecorder, real: RawResponder
) -> None:
    type_name, host = labels(*kind), labels(b"gw", kind[2])
    instance = labels(name.encode())[:-1] + type_name
    announced = [
        record(type_name, PTR, instance),
        record(instance, SRV, struct.pack("!3H", 0, 0, 8000) + host),
        record(instance, TXT, b"\0"),
        record(host, A, socket.inet_aton(REAL)),
    ]
    async with browsing(recorder) as discovery:
        real.answer(name.encode(), made=announced)
        real.send(announced)
        await recorder.wait_found(name, REAL)
        assert await discovery.resolve(name) == gateway(name, REAL)


@pytest.mark.parametrize("host", ["{}.local", "{}.LOCAL", "{}.local.", "{}.Local."])
async def test_a_host_in_local_is_looked_up_by_mdns(
    host: str, real: RawResponder, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = OwnNetwork((OwnAddress("127.0.0.1", 8, "lo", socket.if_nametoindex("lo")),))
    monkeypatch.setattr("appliance.gateway.network_watch.own_network", lambda _: own)
    monkeypatch.setattr(fixed_address, "_look_up_dns", no_dns)
    label = f"T{uuid4().hex[:10]}"
    events: list[object] = []
    address = Address(host.format(label), 8123)
    source = FixedGateway(events.append, address, interfaces=("lo",))
    running = asyncio.create_task(source.run())
    try:
        real.answer_for_host(label.lower().encode(), REAL)
        resolved = await source.resolve(str(address))
        assert resolved == gateway(str(address), REAL, port=8123)
        await until(lambda: any(isinstance(event, GatewayFound) and event.gateway == resolved for event in events))
        real.answer_for_host(label.lower().encode(), "127.0.0.3")
        resolved = await source.resolve(str(address), Address("127.0.0.3", 8123))
        assert resolved == gateway(str(address), "127.0.0.3", port=8123)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def no_dns(_: Address) -> tuple[str, ...]:
    await asyncio.sleep(0)
    return ()

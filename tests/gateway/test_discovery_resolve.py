"""Resolving: a name is asked for afresh, whatever the cache believes, and the answer starts nothing by itself."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from appliance.core.events import GatewayLost
from appliance.gateway import discovery as module
from appliance.gateway.discovery import Discovery
from appliance.gateway.own_addresses import OwnAddress

from .mdns_peers import PTR, EventRecorder, Responder, Stranger, browsing, found, gateway, records, responding


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"T{uuid4().hex[:10]} gateway"


@pytest.fixture
def recorder(name: str) -> EventRecorder:
    return EventRecorder(name)


@pytest.fixture
async def other() -> AsyncIterator[Stranger]:
    """A responder of another make."""
    stranger = Stranger()
    yield stranger
    stranger.close()


async def test_an_address_that_changed_without_an_announcement(name: str, recorder: EventRecorder) -> None:
    async with browsing(recorder) as discovery:
        old = Responder()
        await old.announce(name, "127.0.0.2")
        await recorder.found(name, "127.0.0.2")
        await old.close(as_if_dead=True)
        async with responding() as new:
            new.answer(name, "127.0.0.3", port=8001)
            for _ in range(2):
                assert await discovery.resolve(name) == gateway(name, "127.0.0.3", port=8001)
            await asyncio.sleep(0.05)
            news = recorder.events[1:]
    # The browser's own question may have had the same answer, before or after; more than that is no news.
    assert news in ([], [found(name, "127.0.0.3", port=8001)])


async def test_a_stale_address_is_never_believed(
    name: str, recorder: EventRecorder, other: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.1)
    async with browsing(recorder) as discovery:
        other.say(records(name.encode(), "127.0.0.2"))
        await recorder.found(name, "127.0.0.2")
        for _ in range(3):
            assert await discovery.resolve(name) is None
        for at in range(3, 9):
            other.answer(name.encode(), f"127.0.0.{at}")
            assert await discovery.resolve(name) == gateway(name, f"127.0.0.{at}")
        assert len(recorder.events) == 1


async def test_nobody_answers_and_then_somebody_announces_it_again(
    name: str, recorder: EventRecorder, other: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.2)
    async with browsing(recorder) as discovery:
        other.say(records(name.encode(), "127.0.0.2"))
        await recorder.found(name, "127.0.0.2")
        began = time.monotonic()
        assert await discovery.resolve(name) is None
        assert 0.2 <= time.monotonic() - began < 0.5
        assert len(recorder.events) == 1
        other.say(records(name.encode(), "127.0.0.2", ttl=119))
        await recorder.until(lambda: len(recorder.events) == 2)
        await recorder.found(name, "127.0.0.2")


async def test_a_name_that_was_never_seen(name: str, recorder: EventRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.1)
    async with browsing(recorder) as discovery, responding() as responder:
        for unknown in (name, "", ".", "x" * 64, "é" * 40, "x" * 300, "\x00", "127.0.0.1:8000", "\ud800"):
            assert await discovery.resolve(unknown) is None
        responder.answer(name, "127.0.0.2")
        monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 3.0)
        assert await discovery.resolve(name) == gateway(name, "127.0.0.2")


async def test_before_there_is_a_network() -> None:
    assert await Discovery(EventRecorder("x")).resolve("x") is None


async def test_a_gateway_whose_host_has_the_name_of_the_service(name: str, recorder: EventRecorder) -> None:
    """As python-zeroconf announces one that names no host."""
    async with browsing(recorder) as discovery, responding() as responder:
        await responder.announce(name, "127.0.0.2", server=None)
        await recorder.found(name, "127.0.0.2")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.2")


async def test_an_answer_that_names_the_address_before_the_host(
    name: str, recorder: EventRecorder, other: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESOLVE_TIMEOUT", 0.9)  # less than the second after which the same words count again
    async with browsing(recorder) as discovery:
        other.answer(name.encode(), "127.0.0.3", backwards=True)
        assert await discovery.resolve(name) == gateway(name, "127.0.0.3")


async def test_hosts_that_differ_in_case_alone(name: str, recorder: EventRecorder, other: Stranger) -> None:
    async with browsing(recorder) as discovery:
        for host in (b"Gateway-7", b"gateway-7", b"GATEWAY-7"):
            other.say(records(name.encode(), "127.0.0.2", host_name=host))
            await asyncio.sleep(0.01)
        await recorder.found(name, "127.0.0.2")
        other.answer(name.encode(), "127.0.0.3", host_name=b"gateway-7")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.3")


async def test_resolving_one_gateway_leaves_the_others_alone(
    name: str, recorder: EventRecorder, other: Stranger
) -> None:
    async with browsing(recorder) as discovery:
        other.say(records(name.encode(), "127.0.0.2", host_name=b"one"))
        await recorder.found(name, "127.0.0.2")
        other.say(records(name.encode() + b" B", "127.0.0.3", host_name=b"two"))
        await recorder.found(name + " B", "127.0.0.3")
        other.answer(name.encode(), "127.0.0.4", host_name=b"one")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.4")
        await asyncio.sleep(0.05)
        assert len(recorder.events) == 2


async def test_a_goodbye_after_it_was_resolved(name: str, recorder: EventRecorder, other: Stranger) -> None:
    async with browsing(recorder) as discovery:
        other.say(records(name.encode(), "127.0.0.2"))
        await recorder.found(name, "127.0.0.2")
        other.answer(name.encode(), "127.0.0.3")
        assert await discovery.resolve(name) == gateway(name, "127.0.0.3")
        other.say(records(name.encode(), ttl=0, kinds=[PTR]))
        await recorder.until(lambda: recorder.last == GatewayLost(name))


async def test_cancelling_a_question(name: str, recorder: EventRecorder, other: Stranger) -> None:
    async with browsing(recorder) as discovery:
        other.say(records(name.encode(), "127.0.0.2"))
        await recorder.found(name, "127.0.0.2")
        question = asyncio.create_task(discovery.resolve(name))
        await asyncio.sleep(0.05)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        other.say(records(name.encode(), "127.0.0.3"))
        await recorder.found(name, "127.0.0.3")


async def test_a_network_that_goes_under_a_question_ends_the_question_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    network: list[tuple[OwnAddress, ...]] = [(OwnAddress("127.0.0.1", 8),)]
    monkeypatch.setattr(module, "own_addresses", lambda _: network[0])
    monkeypatch.setattr(module, "NETWORK_POLL_INTERVAL", 0.05)
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

"""How a live feed ends, and what is told of it: closed, reset, silent, too large."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import struct
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from appliance.core.events import FeedAnswered, FeedNotified, MessageUnusable
from appliance.core.values import Address, Token
from appliance.gateway import feed as module
from appliance.simulator.gateway import SimulatedGateway
from tests.hostile.scripted_websocket import closings

from .conftest import SECRET
from .scripted_feeds import (
    ATTEMPT,
    CLOSED,
    CLOSED_EARLY,
    EMPTY,
    OPENED,
    REFUSED,
    TOO_MUCH,
    UNREACHABLE,
    feed_events,
    feeding,
    gateway_that,
    sending,
    waiting,
)

CLOSINGS = closings(SECRET)


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """Pings in a fraction of their time; gives the seconds within which a silent line is found."""
    monkeypatch.setattr(module, "PING_INTERVAL", 0.1)
    monkeypatch.setattr(module, "PING_TIMEOUT", 0.1)
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.1)
    return 0.3 + 0.2


def test_a_silent_line_is_found_within_half_a_minute() -> None:
    assert module.PING_INTERVAL + module.PING_TIMEOUT + module.CLOSE_TIMEOUT < 30
    assert module.CLOSE_TIMEOUT < 2  # SIGTERM waits for it


def transport(connection: ServerConnection) -> asyncio.Transport:
    return connection.transport


def reset(connection: ServerConnection) -> None:
    """End a TCP connection with a RST."""
    line = transport(connection).get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport(connection).abort()


@pytest.mark.parametrize("closing", CLOSINGS.values(), ids=CLOSINGS)
@pytest.mark.parametrize("live", [True, False])
async def test_every_way_to_close(closing: bytes, live: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def script(connection: ServerConnection) -> None:
        if live:
            await connection.send(EMPTY)
        transport(connection).write(closing)
        await connection.wait_closed()

    caplog.set_level(logging.DEBUG, module.log.name)
    async with gateway_that(script) as address:
        for _ in range(2):
            assert await feed_events(address) == ([OPENED, CLOSED] if live else [CLOSED_EARLY])
    ended = [record.getMessage() for record in caplog.records if record.name == module.log.name]
    assert len(ended) == 2
    assert not any(SECRET in words for words in ended)
    assert all(words.isprintable() for words in ended)


@pytest.mark.parametrize("live", [True, False])
async def test_a_reset(live: bool) -> None:
    async def script(connection: ServerConnection) -> None:
        if live:
            await connection.send(EMPTY)
        reset(connection)

    async with gateway_that(script) as address:
        events = await feed_events(address)
    # A reset may overtake what was sent before it.
    assert events in ([OPENED, CLOSED], [CLOSED_EARLY]) if live else events == [CLOSED_EARLY]


@pytest.mark.parametrize("live", [True, False])
async def test_an_end_of_the_stream_without_a_close_frame(live: bool) -> None:
    async def script(connection: ServerConnection) -> None:
        if live:
            await connection.send(EMPTY)
        transport(connection).close()

    async with gateway_that(script) as address:
        assert await feed_events(address) == ([OPENED, CLOSED] if live else [CLOSED_EARLY])


async def test_a_gateway_that_loses_its_power(gateway: SimulatedGateway) -> None:
    async with feeding(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        await gateway.stop()
        await asyncio.wait_for(task, 2)
        assert heard.events[1:] == [CLOSED]


async def test_a_silent_line_is_found_by_pings(gateway: SimulatedGateway, short: float) -> None:
    async with feeding(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        await asyncio.sleep(0.25)
        assert heard.events[1:] == [FeedAnswered(ATTEMPT)] * 2, "a line that answers pings lives on, and it is told"
        gateway.silent = True
        heard.events.clear()
        began = time.monotonic()
        await asyncio.wait_for(task, 2)
        assert time.monotonic() - began < short
        assert heard.events == [UNREACHABLE]
        gateway.silent = False


async def test_a_line_that_nobody_reads_any_more_is_found_by_pings(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with gateway_that(script) as address, feeding(address) as (heard, task):
        await heard.opened()
        began = time.monotonic()
        await asyncio.wait_for(task, 2)
        assert time.monotonic() - began < short
        assert heard.events == [OPENED, UNREACHABLE]


async def test_a_gateway_that_talks_but_answers_no_ping(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).pause_reading()
        for _ in range(25):
            transport(connection).write(Frame(Opcode.TEXT, b"[]").serialize(mask=False))
            await asyncio.sleep(0.02)
        transport(connection).abort()

    async with gateway_that(script) as address:
        events = await feed_events(address)
    assert (events[0], events[-1]) == (OPENED, UNREACHABLE)
    assert FeedNotified(ATTEMPT, (MessageUnusable(),)) in events


async def test_a_message_over_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_MESSAGE", 10_000)
    async with gateway_that(sending(EMPTY, "x" * 10_000)) as address:
        assert await feed_events(address) == [OPENED, FeedNotified(ATTEMPT, (MessageUnusable(),)), CLOSED]
    async with gateway_that(sending(EMPTY, "x" * 10_001)) as address:
        assert await feed_events(address) == [OPENED, CLOSED]

    async def in_fragments(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await connection.send("x" * 100 for _ in range(101))
        await connection.wait_closed()

    async with gateway_that(in_fragments) as address:
        assert await feed_events(address) == [OPENED, CLOSED]
    async with gateway_that(sending(json.dumps({"type": "ACTIVE_ORDERS", "items": [], "x": "x" * 10_000}))) as address:
        assert await feed_events(address) == [TOO_MUCH]


async def test_who_reads_nothing_of_what_is_sent_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library would wait for ever to send its next ping; see tests/hostile for one that floods and never reads."""
    monkeypatch.setattr(module, "WATCHDOG_INTERVAL", 0.05)
    monkeypatch.setattr(module, "MOST_UNSENT", -1)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await connection.wait_closed()

    async with gateway_that(script) as address:
        assert await feed_events(address) == [OPENED, UNREACHABLE]


async def test_a_line_whose_pings_are_answered_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(module, "PING_TIMEOUT", 2.0)
    monkeypatch.setattr(module, "WATCHDOG_INTERVAL", 0.05)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await asyncio.sleep(3.5)

    async with gateway_that(script) as address:
        events = await feed_events(address)
    assert events[0] == OPENED
    assert events[-1] == CLOSED, "it was let go, although it answered"


async def test_the_simulators_own_huge_message(gateway: SimulatedGateway) -> None:
    async with feeding(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        gateway.send_garbage("huge")
        await asyncio.wait_for(task, 5)
        assert heard.events[1:] == [CLOSED]


@pytest.mark.parametrize(
    "frame",
    [b"\x83\x00", b"\xf1\x00", b"\x80\x01a", b"\x81\x82aaaa::", b"\x09\x00", b"\x88\x01\x03"],
    ids=["unknown kind", "reserved bits", "no beginning", "masked", "ping in parts", "half a close code"],
)
async def test_frames_that_break_the_protocol(frame: bytes) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).write(frame)
        await connection.wait_closed()

    async with gateway_that(script) as address:
        assert await feed_events(address) == [OPENED, CLOSED]


async def test_text_that_is_none_is_a_message_that_can_not_be_used() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).write(b"\x81\x02\xff\xfe")

    async with gateway_that(script) as address:
        assert await feed_events(address) == [OPENED, FeedNotified(ATTEMPT, (MessageUnusable(),)), CLOSED]


@pytest.mark.parametrize(
    ("code", "end"), [(-2, REFUSED), (-1, REFUSED), (-5, CLOSED), (-32, CLOSED), (-99, CLOSED)], ids=str
)
@pytest.mark.parametrize("live", [True, False])
async def test_an_error_in_words(code: int, end: object, live: bool) -> None:
    error = json.dumps({"status": 401, "returnCode": code, "message": "No."})
    messages = [EMPTY, error] if live else [error]
    async with gateway_that(sending(*messages, EMPTY)) as address:
        assert await feed_events(address) == ([OPENED, end] if live else [end])


async def test_an_error_in_words_need_not_be_followed_by_a_close(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send('{"returnCode": -2}')
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with gateway_that(script) as address:
        began = time.monotonic()
        assert await feed_events(address) == [REFUSED]
        assert time.monotonic() - began < short


async def test_the_whole_set_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_MESSAGE_TIMEOUT", 0.1)
    async with gateway_that(waiting) as address:
        assert await feed_events(address, within=1) == [UNREACHABLE]

    async def chatting(connection: ServerConnection) -> None:
        while True:
            await connection.send('{"type": "NEWER"}')
            await asyncio.sleep(0.01)

    async with gateway_that(chatting) as address:
        assert await feed_events(address, within=1) == [UNREACHABLE]


async def test_the_line_goes_silent_before_the_whole_set(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with gateway_that(script) as address:
        began = time.monotonic()
        assert await feed_events(address) == [UNREACHABLE]
        assert time.monotonic() - began < short

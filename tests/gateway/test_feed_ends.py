"""The ends of a live feed and their events: close codes, resets, silence and oversized messages."""

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

from appliance.core.events import (
    FeedAnswered,
    FeedNotified,
)
from appliance.core.notifications import MessageUnusable
from appliance.core.values import Address, Token
from appliance.gateway import feed as module
from appliance.gateway import feed_connection
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
    SILENT,
    TOO_MUCH,
    UNAUTHORIZED,
    UNREACHABLE,
    UNREADABLE,
    feed_events,
    running_feed,
    scripted_gateway,
    send_and_close,
    wait_for_close,
)

CLOSINGS = closings(SECRET)


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> float:
    """Faster pings; returns the seconds within which a silent connection must be detected."""
    monkeypatch.setattr(feed_connection, "PING_INTERVAL", 0.1)
    monkeypatch.setattr(feed_connection, "PING_TIMEOUT", 0.1)
    monkeypatch.setattr(feed_connection, "CLOSE_TIMEOUT", 0.1)
    return 0.3 + 0.2


def test_ping_settings_detect_a_dead_connection_within_30_s() -> None:
    assert feed_connection.PING_INTERVAL + feed_connection.PING_TIMEOUT + feed_connection.CLOSE_TIMEOUT < 30
    assert feed_connection.CLOSE_TIMEOUT < 2  # SIGTERM waits for it


def transport(connection: ServerConnection) -> asyncio.Transport:
    return connection.transport


def reset(connection: ServerConnection) -> None:
    """End a TCP connection with a RST."""
    line = transport(connection).get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport(connection).abort()


@pytest.mark.parametrize("closing", CLOSINGS.values(), ids=CLOSINGS)
@pytest.mark.parametrize("live", [True, False])
async def test_each_close_code_ends_the_feed_with_its_event(
    closing: bytes, live: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(connection: ServerConnection) -> None:
        if live:
            await connection.send(EMPTY)
        transport(connection).write(closing)
        await connection.wait_closed()

    monkeypatch.setattr(module, "_logged", set())
    caplog.set_level(logging.DEBUG, module.log.name)
    async with scripted_gateway(script) as address:
        for _ in range(2):
            assert await feed_events(address) == ([OPENED, CLOSED] if live else [CLOSED_EARLY])
    records = [record for record in caplog.records if record.name == module.log.name]
    assert [record.levelno for record in records] == [logging.INFO, logging.DEBUG], "once in the usual log"
    ended = [record.getMessage() for record in records]
    assert not any(SECRET in words for words in ended)
    assert all(words.isprintable() for words in ended)


@pytest.mark.parametrize("live", [True, False])
async def test_a_connection_reset_ends_the_feed(live: bool) -> None:
    async def script(connection: ServerConnection) -> None:
        if live:
            await connection.send(EMPTY)
        reset(connection)

    async with scripted_gateway(script) as address:
        events = await feed_events(address)
    # A reset may overtake what was sent before it.
    assert events in ([OPENED, CLOSED], [CLOSED_EARLY]) if live else events == [CLOSED_EARLY]


@pytest.mark.parametrize("live", [True, False])
async def test_end_of_stream_without_a_close_frame_ends_the_feed(live: bool) -> None:
    async def script(connection: ServerConnection) -> None:
        if live:
            await connection.send(EMPTY)
        transport(connection).close()

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == ([OPENED, CLOSED] if live else [CLOSED_EARLY])


async def test_a_gateway_power_cut_ends_the_feed(gateway: SimulatedGateway) -> None:
    async with running_feed(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (recorder, task):
        await recorder.wait_opened()
        await gateway.stop()
        await asyncio.wait_for(task, 2)
        assert recorder.events[1:] == [CLOSED]


async def test_pings_detect_a_silent_gateway(gateway: SimulatedGateway, short: float) -> None:
    async with running_feed(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (recorder, task):
        await recorder.wait_opened()
        await asyncio.sleep(0.25)
        assert recorder.events[1:] == [FeedAnswered(ATTEMPT)] * 2, "a feed with pongs must live on and report them"
        gateway.silent = True
        recorder.events.clear()
        began = time.monotonic()
        await asyncio.wait_for(task, 2)
        assert time.monotonic() - began < short
        assert recorder.events == [UNREACHABLE]
        gateway.silent = False


async def test_pings_detect_a_gateway_that_stopped_reading(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with scripted_gateway(script) as address, running_feed(address) as (recorder, task):
        await recorder.wait_opened()
        began = time.monotonic()
        await asyncio.wait_for(task, 2)
        assert time.monotonic() - began < short
        assert recorder.events == [OPENED, UNREACHABLE]


async def test_a_gateway_that_pings_but_sends_no_pongs_is_silent(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).pause_reading()
        while not transport(connection).is_closing():
            transport(connection).write(Frame(Opcode.PING, b"").serialize(mask=False))
            await asyncio.sleep(0.02)

    async with scripted_gateway(script) as address, running_feed(address) as (recorder, task):
        await recorder.wait_opened()
        await asyncio.wait_for(task, 2)
        assert recorder.events == [OPENED, UNREACHABLE]


async def test_a_gateway_that_sends_messages_but_no_pongs_keeps_the_feed_until_it_is_silent(short: float) -> None:
    ended: list[float] = []

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).pause_reading()
        for _ in range(50):
            transport(connection).write(Frame(Opcode.TEXT, b"[]").serialize(mask=False))
            await asyncio.sleep(0.02)
        ended.append(time.monotonic())
        await asyncio.sleep(short + 0.1)
        transport(connection).abort()

    async with scripted_gateway(script) as address:
        events = await feed_events(address)
        assert ended, "the feed was dropped while messages came"
        assert time.monotonic() - ended[0] < short
    assert (events[0], events[-1]) == (OPENED, UNREACHABLE)
    assert sum(len(event.notifications) for event in events if isinstance(event, FeedNotified)) == 50


async def test_a_message_over_the_size_limit_ends_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_connection, "LARGEST_MESSAGE", 10_000)
    async with scripted_gateway(send_and_close(EMPTY, "x" * 10_000)) as address:
        assert await feed_events(address) == [OPENED, FeedNotified(ATTEMPT, (MessageUnusable(),)), CLOSED]
    async with scripted_gateway(send_and_close(EMPTY, "x" * 10_001)) as address:
        assert await feed_events(address) == [OPENED, CLOSED]

    async def in_fragments(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await connection.send("x" * 100 for _ in range(101))
        await connection.wait_closed()

    async with scripted_gateway(in_fragments) as address:
        assert await feed_events(address) == [OPENED, CLOSED]
    async with scripted_gateway(
        send_and_close(json.dumps({"type": "ACTIVE_ORDERS", "items": [], "x": "x" * 10_000}))
    ) as address:
        assert await feed_events(address) == [TOO_MUCH]


async def test_a_gateway_that_never_reads_loses_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """websockets would wait for ever to send its next ping; tests/hostile has a peer that floods and never reads."""
    monkeypatch.setattr(feed_connection, "WATCHDOG_INTERVAL", 0.05)
    monkeypatch.setattr(feed_connection, "MOST_UNSENT", -1)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await connection.wait_closed()

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == [OPENED, UNREACHABLE]


async def test_a_feed_with_pongs_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_connection, "PING_INTERVAL", 0.05)
    monkeypatch.setattr(feed_connection, "PING_TIMEOUT", 2.0)
    monkeypatch.setattr(feed_connection, "WATCHDOG_INTERVAL", 0.05)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await asyncio.sleep(3.5)

    async with scripted_gateway(script) as address:
        events = await feed_events(address)
    assert events[0] == OPENED
    assert events[-1] == CLOSED, "the feed was dropped although the gateway answered"


async def test_the_simulators_oversized_message_ends_the_feed(gateway: SimulatedGateway) -> None:
    async with running_feed(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (recorder, task):
        await recorder.wait_opened()
        gateway.send_garbage("huge")
        await asyncio.wait_for(task, 5)
        assert recorder.events[1:] == [CLOSED]


@pytest.mark.parametrize(
    "frame",
    [b"\x83\x00", b"\xf1\x00", b"\x80\x01a", b"\x81\x82aaaa::", b"\x09\x00", b"\x88\x01\x03"],
    ids=["unknown kind", "reserved bits", "no first fragment", "masked", "fragmented ping", "half a close code"],
)
async def test_frames_that_violate_the_protocol_end_the_feed(frame: bytes) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).write(frame)
        await connection.wait_closed()

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == [OPENED, CLOSED]


async def test_invalid_utf8_is_an_unusable_message() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        transport(connection).write(b"\x81\x02\xff\xfe")

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == [OPENED, FeedNotified(ATTEMPT, (MessageUnusable(),)), CLOSED]


@pytest.mark.parametrize(
    ("code", "end"), [(-2, REFUSED), (-1, UNAUTHORIZED), (-5, CLOSED), (-32, UNAUTHORIZED), (-99, CLOSED)], ids=str
)
@pytest.mark.parametrize("live", [True, False])
async def test_an_error_message_ends_the_feed(code: int, end: object, live: bool) -> None:
    error = json.dumps({"status": 401, "returnCode": code, "message": "No."})
    messages = [EMPTY, error] if live else [error]
    async with scripted_gateway(send_and_close(*messages, EMPTY)) as address:
        assert await feed_events(address) == ([OPENED, end] if live else [end])


async def test_a_token_error_ends_the_feed_without_a_close_frame(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send('{"returnCode": -2}')
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with scripted_gateway(script) as address:
        began = time.monotonic()
        assert await feed_events(address) == [REFUSED]
        assert time.monotonic() - began < short


async def test_a_feed_without_a_full_set_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_MESSAGE_TIMEOUT", 0.2)
    async with scripted_gateway(wait_for_close) as address:
        assert await feed_events(address, within=1) == [SILENT]

    async def pinging(connection: ServerConnection) -> None:
        while True:
            await connection.ping()
            await asyncio.sleep(0.01)

    async with scripted_gateway(pinging) as address:
        assert await feed_events(address, within=1) == [SILENT]

    async def chatting(connection: ServerConnection) -> None:
        while True:
            await connection.send('{"type": "NEWER"}')
            await asyncio.sleep(0.01)

    async with scripted_gateway(chatting) as address:
        assert await feed_events(address, within=1) == [UNREADABLE]


async def test_a_feed_that_goes_silent_before_the_full_set_times_out(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with scripted_gateway(script) as address:
        began = time.monotonic()
        assert await feed_events(address) == [SILENT], "it answered the handshake"
        assert time.monotonic() - began < short


async def test_a_feed_that_goes_silent_after_an_unknown_message_is_unreadable(short: float) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send('{"type": "HELLO"}')
        transport(connection).pause_reading()
        await asyncio.sleep(0.5)
        transport(connection).abort()

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == [UNREADABLE]

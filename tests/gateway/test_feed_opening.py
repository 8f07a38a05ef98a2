"""Opening a feed: failures of TCP, of the handshake and of the token, and where the token is sent."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.core.values import Address, Token
from appliance.gateway import feed_connection
from appliance.simulator.gateway import SimulatedGateway
from tests.clock import until

from .conftest import SECRET, TOKEN, Script, http, never_respond, respond_slowly, respond_with, serving
from .scripted_feeds import (
    CLOSED,
    CLOSED_EARLY,
    OPENED,
    REFUSED,
    UNAUTHORIZED,
    UNREACHABLE,
    UNREADABLE,
    feed_events,
    running_feed,
)


@pytest.fixture
def short_open_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_connection, "OPEN_TIMEOUT", 0.15)


async def test_a_wrong_token_is_refused() -> None:
    async with SimulatedGateway() as gateway:
        assert await feed_events(Address(gateway.host, gateway.port)) == [REFUSED]


async def test_a_starting_gateway_closes_the_feed_early() -> None:
    async with SimulatedGateway() as gateway:
        gateway.half_booted = True
        assert await feed_events(Address(gateway.host, gateway.port), Token(gateway.issue_token())) == [CLOSED_EARLY]


async def test_the_token_is_in_the_first_message_and_not_in_the_handshake() -> None:
    async with serving(never_respond) as server:
        async with running_feed(server.address) as (_, task):
            await until(lambda: server.seen[:1] not in ([], [b""]))
            assert not task.done()
        (handshake,) = server.seen
    assert handshake.startswith(b"GET /api/v2/websocket HTTP/1.1\r\n")
    assert f"Host: {server.address}\r\n".encode() in handshake
    assert b"permessage-deflate" not in handshake
    assert b"Authorization" not in handshake
    assert SECRET.encode() not in handshake


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("401 Unauthorized", UNAUTHORIZED),
        ("403 Forbidden", UNAUTHORIZED),
        ("200 OK", UNREADABLE),
        ("204 No Content", UNREADABLE),
        ("400 Bad Request", UNREADABLE),
        ("404 Not Found", UNREADABLE),
        ("426 Upgrade Required", UNREADABLE),
        ("500 Oops", CLOSED),
        ("503 Later", CLOSED),
        ("511 Network Authentication Required", UNREADABLE),
    ],
)
async def test_a_handshake_with_another_status_ends_the_feed(status: str, end: object) -> None:
    async with serving(respond_with(http(status, b"<html>", "Retry-After: 1"))) as server:
        assert await feed_events(server.address) == [end]
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", ["300 Many", "301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("scheme", ["ws", "http", "wss"])
async def test_a_redirect_is_not_followed(status: str, scheme: str) -> None:
    async with serving(never_respond) as other:
        location = f"Location: {scheme}://{other.address}/api/v2/websocket"
        async with serving(respond_with(http(status, b"", location))) as server:
            assert await feed_events(server.address) == [UNREADABLE]
            assert [SECRET.encode() in seen for seen in server.seen] == [False]
        assert other.seen == []


async def test_a_redirect_to_the_same_gateway_is_not_followed() -> None:
    async with serving(respond_with(http("302 Found", b"", "Location: /api/v3/websocket"))) as server:
        assert await feed_events(server.address) == [UNREADABLE]
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"hello\r\n\r\n",
        b"\x00" * 1000,
        b"x" * 100_000,
        b"HTTP/1.1 101\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx",
    ],
    ids=lambda data: repr(data[:36]),
)
async def test_a_handshake_without_valid_http_ends_the_feed(data: bytes) -> None:
    async with serving(respond_with(data)) as server:
        assert await feed_events(server.address) == [UNREADABLE if data else UNREACHABLE]


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n",
        "Upgrade: http2\r\nConnection: Upgrade\r\n",
    ],
)
async def test_a_handshake_with_a_wrong_accept_key_gets_no_token(lines: str) -> None:
    async with serving(respond_with(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())) as server:
        assert await feed_events(server.address) == [UNREADABLE]
        assert SECRET.encode() not in server.seen[0]


@pytest.mark.usefixtures("short_open_timeout")
@pytest.mark.parametrize(
    ("script", "end"),
    [
        (never_respond, UNREACHABLE),
        (respond_slowly(b"HTTP/1.1 101 Switching Protocols\r\n" + b"A: b\r\n" * 100, 0.02), UNREADABLE),
    ],
    ids=["silence", "a byte at a time"],
)
async def test_the_handshake_has_a_deadline(script: Script, end: object) -> None:
    async with serving(script) as server:
        began = time.monotonic()
        assert await feed_events(server.address) == [end]
        assert time.monotonic() - began < 0.5


@pytest.mark.usefixtures("short_open_timeout")
async def test_an_endless_handshake_answer_times_out() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(script) as server:
        assert await feed_events(server.address) == [UNREADABLE]


async def test_a_refused_connection_is_unreachable(refusing_address: Address) -> None:
    assert await feed_events(refusing_address) == [UNREACHABLE]


@pytest.mark.parametrize("host", ["gateway.local", "256.1.1.1", "fe80::1", "::1%nowhere", "", "[::1]", "a b", "\x00"])
async def test_invalid_addresses_are_unreachable(host: str) -> None:
    """A host name is unreachable too: run_feed never looks names up, because that may block."""
    assert await feed_events(Address(host, 9)) == [UNREACHABLE]


@pytest.mark.parametrize("host", ["::1", "::1%1"])
async def test_ipv6_works_with_and_without_a_scope(host: str) -> None:
    async with (
        SimulatedGateway(host="::1") as gateway,
        running_feed(Address(host, gateway.port), Token(gateway.issue_token())) as (recorder, _),
    ):
        await recorder.wait_opened()
        assert recorder.events == [OPENED]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "WS_PROXY", "ws_proxy"])
async def test_proxy_variables_are_ignored(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with serving(never_respond) as proxy, SimulatedGateway() as gateway:
        monkeypatch.setenv(name, f"http://{proxy.address}")
        async with running_feed(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (recorder, _):
            await recorder.wait_opened()
        assert proxy.seen == []


async def test_a_feed_can_be_cancelled_while_it_opens() -> None:
    async with serving(never_respond) as server:
        for pause in (0.0, 0.001, 0.02):
            async with running_feed(server.address, TOKEN) as (recorder, task):
                await asyncio.sleep(pause)
                task.cancel()
                began = time.monotonic()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert time.monotonic() - began < 0.2
                assert recorder.events == []

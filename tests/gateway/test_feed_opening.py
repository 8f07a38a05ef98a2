"""Opening a feed: the ways in which TCP, the handshake or the token can fail, and where the token goes then."""

from __future__ import annotations

import asyncio
import time

import pytest

from appliance.core.values import Address, Token
from appliance.gateway import feed as module
from appliance.simulator.gateway import SimulatedGateway
from tests.clock import until

from .conftest import SECRET, TOKEN, Script, dripping, http, saying, serving, silence
from .scripted_feeds import CLOSED, CLOSED_EARLY, OPENED, REFUSED, UNREACHABLE, feed_events, feeding


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_TIMEOUT", 0.15)


async def test_a_wrong_token_is_refused_in_words() -> None:
    async with SimulatedGateway() as gateway:
        assert await feed_events(Address(gateway.host, gateway.port)) == [REFUSED]


async def test_a_gateway_that_is_half_booted_closes_without_a_word() -> None:
    async with SimulatedGateway() as gateway:
        gateway.half_booted = True
        assert await feed_events(Address(gateway.host, gateway.port), Token(gateway.issue_token())) == [CLOSED_EARLY]


async def test_the_token_is_in_the_first_message_and_not_in_the_handshake() -> None:
    async with serving(silence) as server:
        async with feeding(server.address) as (_, task):
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
        ("401 Unauthorized", CLOSED_EARLY),
        ("403 Forbidden", CLOSED_EARLY),
        ("200 OK", CLOSED),
        ("204 No Content", CLOSED),
        ("400 Bad Request", CLOSED),
        ("404 Not Found", CLOSED),
        ("426 Upgrade Required", CLOSED),
        ("500 Oops", CLOSED),
        ("503 Later", CLOSED),
    ],
)
async def test_a_handshake_answered_with_another_status(status: str, end: object) -> None:
    async with serving(saying(http(status, b"<html>", "Retry-After: 1"))) as server:
        assert await feed_events(server.address) == [end]
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", ["300 Many", "301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("scheme", ["ws", "http", "wss"])
async def test_a_redirect_is_not_followed(status: str, scheme: str) -> None:
    async with serving(silence) as other:
        location = f"Location: {scheme}://{other.address}/api/v2/websocket"
        async with serving(saying(http(status, b"", location))) as server:
            assert await feed_events(server.address) == [CLOSED]
            assert [SECRET.encode() in seen for seen in server.seen] == [False]
        assert other.seen == []


async def test_a_redirect_within_the_gateway_is_not_followed_either() -> None:
    async with serving(saying(http("302 Found", b"", "Location: /api/v3/websocket"))) as server:
        assert await feed_events(server.address) == [CLOSED]
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
async def test_a_handshake_answered_with_what_is_no_http(data: bytes) -> None:
    async with serving(saying(data)) as server:
        assert await feed_events(server.address) in ([UNREACHABLE], [CLOSED])


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "Upgrade: websocket\r\nConnection: Upgrade\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n",
        "Upgrade: http2\r\nConnection: Upgrade\r\n",
    ],
)
async def test_a_handshake_that_promises_what_it_does_not_prove(lines: str) -> None:
    async with serving(saying(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())) as server:
        assert await feed_events(server.address) == [CLOSED]
        assert SECRET.encode() not in server.seen[0]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "script",
    [silence, dripping(b"HTTP/1.1 101 Switching Protocols\r\n" + b"A: b\r\n" * 100, 0.02)],
    ids=["silence", "a drip"],
)
async def test_the_handshake_has_a_deadline(script: Script) -> None:
    async with serving(script) as server:
        began = time.monotonic()
        assert await feed_events(server.address) == [UNREACHABLE]
        assert time.monotonic() - began < 0.5


@pytest.mark.usefixtures("hasty")
async def test_an_endless_answer_to_the_handshake() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(script) as server:
        assert await feed_events(server.address) in ([UNREACHABLE], [CLOSED])


async def test_nobody_listens(nobody: Address) -> None:
    assert await feed_events(nobody) == [UNREACHABLE]


@pytest.mark.parametrize("host", ["gateway.local", "256.1.1.1", "fe80::1", "::1%nowhere", "", "[::1]", "a b", "\x00"])
async def test_addresses_that_lead_nowhere(host: str) -> None:
    """A name leads nowhere too: it is looked up before, where a look-up may take its time."""
    assert await feed_events(Address(host, 9)) == [UNREACHABLE]


@pytest.mark.parametrize("host", ["::1", "::1%1"])
async def test_ipv6_with_a_scope_or_without(host: str) -> None:
    async with (
        SimulatedGateway(host="::1") as gateway,
        feeding(Address(host, gateway.port), Token(gateway.issue_token())) as (heard, _),
    ):
        await heard.opened()
        assert heard.events == [OPENED]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "WS_PROXY", "ws_proxy"])
async def test_no_proxy_is_looked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with serving(silence) as proxy, SimulatedGateway() as gateway:
        monkeypatch.setenv(name, f"http://{proxy.address}")
        async with feeding(Address(gateway.host, gateway.port), Token(gateway.issue_token())) as (heard, _):
            await heard.opened()
        assert proxy.seen == []


async def test_cancelling_while_it_opens() -> None:
    async with serving(silence) as server:
        for pause in (0.0, 0.001, 0.02):
            async with feeding(server.address, TOKEN) as (heard, task):
                await asyncio.sleep(pause)
                task.cancel()
                began = time.monotonic()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert time.monotonic() - began < 0.2
                assert heard.events == []

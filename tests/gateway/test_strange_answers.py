"""What answers a feed without being a gateway: the box says so, and the log says what it was, without the token."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode

from appliance.core.events import FeedOpened
from appliance.core.limits import LONGEST_TOKEN
from appliance.core.values import Token
from appliance.gateway import feed as module
from appliance.gateway.strange_answers import MOST_READ, MOST_SHOWN, SHORTEST_PART, describe

from .conftest import SECRET, TOKEN, Server, http, respond_with, serving
from .scripted_feeds import ATTEMPT, CLOSED_EARLY, EMPTY, UNREADABLE, FeedRecorder, feed_events, scripted_gateway

ORDERS = json.loads(EMPTY)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience, and nothing logged before."""
    monkeypatch.setattr(module, "UNUSABLE_PATIENCE", 0.1)
    monkeypatch.setattr(module, "FIRST_MESSAGE_TIMEOUT", 0.5)
    monkeypatch.setattr(module, "_logged", set())


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged for people."""
    caplog.set_level(logging.INFO, module.log.name)
    return lambda: [record.getMessage() for record in caplog.records if record.name == module.log.name]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", r"21 bytes, beginning with 'SSH-2.0-OpenSSH_9.2\r\n'"),
        (b"\x15\x03\x01\x00\x02\x02F", r"7 bytes, beginning with '\x15\x03\x01\x00\x02\x02F'"),
        (http("200 OK", b"<html>Sign in</html>"), "HTTP 200, 20 bytes, beginning with '<html>Sign in</html>'"),
        (b"HTTP/1.0 200 OK\n\n<html>", "HTTP 200, 6 bytes, beginning with '<html>'"),
        (http("302 Found", b"", "Location: http://127.0.0.1:1/"), "HTTP 302, 0 bytes"),
        (b"HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n", r"'HTTP/1.1 101\r\nUpgrade: websocket\r\n\r\n'"),
        (b"HTTP/1.1 101 X\nUpgrade: websocket\n\n", r"'HTTP/1.1 101 X\nUpgrade"),
        (b"HTTP/1.1 101 X\r\n" + b"A: b\r\n" * 200 + b"\r\n", r"1218 bytes, beginning with 'HTTP/1.1 101 X\r\n"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
async def test_another_device_at_the_address_is_named_once(
    data: bytes, what: str, lines: Callable[[], list[str]]
) -> None:
    async with serving(respond_with(data)) as server:
        for _ in range(3):
            assert await feed_events(server.address) == [UNREADABLE]
        (line,) = lines()
    assert line.startswith(f"{server.address} answers, but not as a gateway: ")
    assert what in line
    assert line.isprintable()


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"[{EMPTY}]", "array"),
        (EMPTY + EMPTY, "two texts"),
        (EMPTY.encode().replace(b"[]", b'["B\xfcro"]'), "latin-1"),
        ('{"type": "ACTIVE_ORDERS", "data": []}', "no items"),
        ("hello", "no JSON"),
        ("", "empty"),
        (json.dumps({"type": "WELCOME"}), "another type"),
        (json.dumps({"type": 7}), "no type"),
        (b"\x00\x01\x02", "binary"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 13 else "",
)
async def test_an_unusable_first_message_is_named_once(
    message: str | bytes, kind: str, lines: Callable[[], list[str]]
) -> None:
    async def script(connection: ServerConnection) -> None:
        data = message if isinstance(message, bytes) else message.encode()
        connection.transport.write(Frame(Opcode.TEXT, data).serialize(mask=False))
        await connection.wait_closed()

    async with scripted_gateway(script) as address:
        for _ in range(2):
            assert await feed_events(address) == [UNREADABLE], kind
    (line,) = lines()
    assert f"an unusable message of {len(message)} bytes" in line
    assert line.isprintable()


@pytest.mark.parametrize("around", ["{}\0", "{}\0\r\n", "{}\r\n", "\ufeff{}", " {} ", "\ufeff{}\0\0"])
async def test_padding_around_the_orders_changes_nothing(around: str) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(around.format(json.dumps(ORDERS)))
        await connection.close()

    async with scripted_gateway(script) as address:
        events = await feed_events(address)
    assert events[0] == FeedOpened(ATTEMPT, ())


async def test_orders_after_an_unusable_message_open_the_feed() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send("[]")
        await connection.send(EMPTY)
        await connection.close()

    async with scripted_gateway(script) as address:
        assert (await feed_events(address))[0] == FeedOpened(ATTEMPT, ())


async def test_a_feed_that_closes_after_an_unusable_message_has_its_token_checked(
    lines: Callable[[], list[str]],
) -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send("Unauthorized")
        await connection.close()

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == [CLOSED_EARLY]
    assert "Unauthorized" in lines()[0]


async def test_bytes_that_are_no_websocket_frames_are_unreadable(lines: Callable[[], list[str]]) -> None:
    async def script(connection: ServerConnection) -> None:
        connection.transport.write(b"\xf1\x00")
        await connection.wait_closed()

    async with scripted_gateway(script) as address:
        assert await feed_events(address) == [UNREADABLE]
    assert "no WebSocket (reserved bits must be 0)" in lines()[0]


async def test_a_server_that_sends_the_request_back_brings_no_token_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "appliance")

    async def run(server: Server, *, header: bool) -> None:
        recorder = FeedRecorder()
        await module.run_feed(ATTEMPT, server.address, TOKEN, recorder, header)
        assert recorder.events == [UNREADABLE]

    for header in (False, True):
        async with serving(respond_with(b"")) as server:

            async def echo(_: object, writer: object, server: Server = server) -> None:
                writer.write(server.seen[-1])  # type: ignore[attr-defined]

            server._script = echo
            await run(server, header=header)
            server._script = respond_with(f"HTTP/1.1 200 OK\r\n\r\nAuthorization: Bearer {SECRET[:20]}".encode())
            await run(server, header=header)

    async def echo_message(connection: ServerConnection) -> None:
        for text in (f'{{"accesstoken": "{SECRET}"}}', f'{{"accesstoken": "{SECRET[:17]}', SECRET.upper()):
            await connection.send(text)
        await connection.wait_closed()

    async with scripted_gateway(echo_message) as address:
        assert await feed_events(address) == [UNREADABLE]
    words = "\n".join(
        record.getMessage() + repr(record.args) for record in caplog.records if "appliance" in record.name
    ).lower()
    assert "(repeats the token)" in words
    for at in range(len(SECRET) - SHORTEST_PART):
        assert SECRET[at : at + SHORTEST_PART] not in words


tokens = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=64)


@given(tokens, st.binary(max_size=100), st.binary(max_size=100), st.data())
def test_no_description_has_a_part_of_the_token(secret: str, before: bytes, after: bytes, data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(secret) - 12))
    part = secret[begin : data.draw(st.integers(begin + 12, len(secret)))]
    words = describe(before + part.encode() + after, Token(secret))
    assert len(words) < 8 * MOST_SHOWN
    assert words.isprintable()
    assert not any(
        secret[at : at + 12] in words and sum(c.isalnum() for c in secret[at : at + 12]) >= SHORTEST_PART
        for at in range(len(secret) - 11)
    )


def test_a_long_token_that_begins_in_what_is_shown_is_found() -> None:
    token = Token("aB3$" * (LONGEST_TOKEN // 4))
    assert "(repeats" in describe(b"x" * (MOST_SHOWN - 1) + token.reveal().encode(), token)
    assert len(describe(b"y" * (2 * MOST_READ), token)) < 2 * MOST_SHOWN

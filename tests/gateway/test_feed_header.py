"""The two ways of a feed's token: in the first message, and in the header of the handshake."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from appliance.core.events import Event, FeedOpened
from appliance.core.values import Address
from appliance.gateway import feed as module
from appliance.gateway import feed_connection
from appliance.gateway.feed import run_feed
from tests.blackbox.other_feed import accept

from .conftest import SECRET, TOKEN, http, respond_with, serving
from .scripted_feeds import ATTEMPT, CLOSED, EMPTY, OPENED, REFUSED, UNAUTHORIZED, UNREADABLE, FeedRecorder

BEARER = f"Bearer {SECRET}"
BY_HEADER = FeedOpened(ATTEMPT, (), header=True)


async def events_at(address: Address, *, header: bool) -> list[Event]:
    """A feed's events until it is live or ends."""
    recorder = FeedRecorder()
    task = asyncio.create_task(run_feed(ATTEMPT, address, TOKEN, recorder, header))
    await recorder.wait_until(lambda recorder: bool(recorder.events))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return recorder.events


async def met(*, wants_header: bool, wants_message: bool, header: bool) -> list[Event]:
    """A feed's events at a gateway that wants the token in one way, in both, or in either. header: as in run_feed."""

    def handshake(connection: ServerConnection, request: Request) -> Response | None:
        if wants_header and request.headers.get("Authorization") != BEARER:
            return connection.respond(401, json.dumps({"status": 401, "returnCode": -2}))
        return None

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        if wants_message or "Authorization" not in connection.request.headers:
            assert json.loads(await connection.recv()) == {"accesstoken": SECRET}
        await connection.send(EMPTY)
        # Whatever else comes, is too much.
        async for message in connection:
            raise AssertionError(message)

    async with serve(answer, "127.0.0.1", 0, process_request=handshake, close_timeout=0.2) as server:
        return await events_at(Address("127.0.0.1", server.sockets[0].getsockname()[1]), header=header)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEADER_PATIENCE", 0.1)


async def test_a_gateway_that_takes_only_the_header_asks_for_it() -> None:
    assert await met(wants_header=True, wants_message=False, header=False) == [UNAUTHORIZED]
    assert await met(wants_header=True, wants_message=False, header=True) == [BY_HEADER]


async def test_a_gateway_that_takes_either_gets_it_as_it_was_asked_to() -> None:
    assert await met(wants_header=False, wants_message=False, header=False) == [OPENED]
    assert await met(wants_header=False, wants_message=False, header=True) == [BY_HEADER]


@pytest.mark.usefixtures("impatient")
async def test_a_gateway_that_takes_only_the_message_gets_it_after_a_moment_of_silence() -> None:
    assert await met(wants_header=False, wants_message=True, header=True) == [OPENED]


@pytest.mark.usefixtures("impatient")
async def test_a_gateway_that_wants_both_gets_both() -> None:
    assert await met(wants_header=True, wants_message=True, header=False) == [UNAUTHORIZED]
    assert await met(wants_header=True, wants_message=True, header=True) == [OPENED]


async def test_a_refusal_in_the_same_packet_as_the_handshake_leaves_no_ping_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed_connection, "PING_INTERVAL", 0.05)

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (line,) = [line for line in server.seen[-1].split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")]
        head = accept(line.partition(b":")[2].strip().decode())
        refusal = Frame(Opcode.TEXT, b'{"returnCode": -2}').serialize(mask=False)
        writer.write(head + refusal + Frame(Opcode.CLOSE, b"\x03\xf0").serialize(mask=False))

    async with serving(script) as server:
        for _ in range(5):
            assert await events_at(server.address, header=True) == [REFUSED]
        await asyncio.sleep(0.2)
    assert not caplog.records


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_in_the_header_is_refused_by_the_status(status: int, end: bytes, version: str) -> None:
    data = end.join([f"HTTP/{version} {status}".encode(), b"Content-Length: 0", b"", b""])
    async with serving(respond_with(data)) as server:
        assert await events_at(server.address, header=False) == [UNAUTHORIZED]
        assert await events_at(server.address, header=True) == [REFUSED]
        without, with_header = server.seen
    assert SECRET.encode() not in without
    assert f"Authorization: {BEARER}\r\n".encode() in with_header


@pytest.mark.parametrize(
    ("status", "code", "end"),
    [
        ("400 Bad", -1, UNAUTHORIZED),
        ("403 No", -2, UNAUTHORIZED),
        ("403 No", -5, CLOSED),
        ("401 No", -5, CLOSED),
        ("404 No", -6, CLOSED),
        ("400 Bad", None, UNREADABLE),
    ],
)
async def test_the_return_code_of_a_refused_handshake_decides(status: str, code: int | None, end: object) -> None:
    body = json.dumps({} if code is None else {"returnCode": code}).encode()
    async with serving(respond_with(http(status, body))) as server:
        assert await events_at(server.address, header=False) == [end]

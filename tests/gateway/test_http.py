"""One GET, and every way in which a server can answer it, or not."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from pathlib import Path

import pytest

from appliance.core.limits import LARGEST_ANSWER
from appliance.core.values import Address
from appliance.gateway.http import Answer, NoAnswerError, get
from tests.clock import until

from .conftest import SECRET, TOKEN, Script, dripping, http, saying, serving, silence

SOON = 0.15
"""Seconds: a deadline for calls that are to miss it."""
JSON = "Content-Type: application/json"
OK = http("200 OK", b'{"returnCode": 1}', JSON)


async def ask(script: Script, deadline: float = 5.0, *, read_success: bool = True) -> Answer:
    async with serving(script) as server:
        return await get(server.address, "/api/v2", deadline, TOKEN, read_success=read_success)


async def fails(script: Script, deadline: float = 5.0) -> str:
    with pytest.raises(NoAnswerError) as error:
        await ask(script, deadline)
    return str(error.value)


async def test_what_is_sent_and_what_comes_back() -> None:
    async with serving(saying(OK)) as server:
        assert await get(server.address, "/api/v2/x", 5.0) == Answer(200, {"returnCode": 1})
        assert await get(server.address, "/api/v2/x", 5.0, TOKEN) == Answer(200, {"returnCode": 1})
        without, with_token = (seen.decode() for seen in server.seen)
    assert without.startswith("GET /api/v2/x HTTP/1.1\r\n")
    assert f"Host: {server.address}\r\n" in without
    assert "Authorization" not in without
    assert f"Authorization: Bearer {SECRET}\r\n" in with_token
    assert "Accept-Encoding: identity\r\n" in with_token


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "500 Oops", "299", "999 Odd"])
async def test_a_body_that_is_no_json(status: str) -> None:
    answer = await ask(saying(http(status, b"<html>Sign in</html>")))
    assert answer == Answer(int(status[:3]), None)


@pytest.mark.parametrize("token", [None, TOKEN], ids=["without a token", "with a token"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_never_followed(status: str, token: None) -> None:
    async with serving(saying(OK)) as other:
        redirect = http(status, b"{}", f"Location: http://{other.address}/api/v2")
        async with serving(saying(redirect)) as server:
            assert await get(server.address, "/api/v2", 5.0, token) == Answer(int(status[:3]), {})
            assert len(server.seen) == 1
        assert other.seen == []


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Script: a redirect whose body never ends."""
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()
        await asyncio.sleep(0)


async def test_an_endless_body_is_not_read_to_its_end() -> None:
    assert await ask(endless) == Answer(302, None)
    assert await ask(endless, read_success=False) == Answer(302, None)


async def test_a_redirect_to_no_address_at_all() -> None:
    assert (await ask(saying(http("302 Found", b"", "Location: http://[oops:x/")))).status == 302
    assert (await ask(saying(b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n"))).status == 302


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


async def begun(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"{")
    await reader.read()


async def continuing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "script",
    [
        silence,
        begun,
        continuing,
        dripping(HEAD, 0.02),
        dripping(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100, 0.02),
    ],
    ids=["silence", "half a body", "100 for ever", "a dripped head", "dripped headers"],
)
async def test_the_deadline_holds(script: Script) -> None:
    began = time.monotonic()
    assert await fails(script, SOON) == "timed out"
    assert SOON <= time.monotonic() - began < SOON + 0.5


async def test_the_deadline_holds_while_a_body_drips() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await dripping(b" " * 1000, 0.02)(reader, writer)

    assert await fails(script, SOON) == "timed out"


async def test_after_the_deadline_no_thread_and_no_connection_is_left() -> None:
    threads = threading.active_count()
    async with serving(silence) as server:
        with pytest.raises(NoAnswerError):
            await get(server.address, "/", SOON)
        await until(lambda: server.ended == 1 and threading.active_count() == threads, within=1)


async def test_cancelling_leaves_no_thread_and_no_connection() -> None:
    threads = threading.active_count()
    async with serving(silence) as server:
        calls = [asyncio.create_task(get(server.address, "/", 60.0, TOKEN)) for _ in range(5)]
        await until(lambda: len(server.seen) == 5 and all(server.seen))
        for call in calls:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        await until(lambda: server.ended == 5 and threading.active_count() == threads, within=1)


async def test_cancelling_before_it_is_connected() -> None:
    threads = threading.active_count()
    async with serving(silence) as server:
        call = asyncio.create_task(get(server.address, "/", 60.0))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: threading.active_count() == threads, within=1)
        await asyncio.sleep(0.02)  # the server's turn


async def test_nobody_listens(nobody: Address) -> None:
    with pytest.raises(NoAnswerError, match="ConnectionError"):
        await get(nobody, "/api/v2", 5.0)


@pytest.mark.parametrize("host", ["256.1.1.1", "fe80::1", "::1%nowhere", "127.0.0.1:1", "a b", "[", "-", "x" * 300])
async def test_addresses_that_lead_nowhere(host: str) -> None:
    with pytest.raises(NoAnswerError):
        await get(Address(host, 9), "/api/v2", 5.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"hello\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00" * 5000,
        b"x" * 200_000,
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}",
    ],
    ids=lambda data: repr(data[:40]),
)
async def test_what_is_no_http_is_no_answer(data: bytes) -> None:
    await fails(saying(data))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=lambda head: repr(head[9:40]),
)
async def test_sloppy_http_is_an_answer(head: bytes) -> None:
    tail = b"\r\n0\r\n\r\n" if b"chunked" in head else b""
    assert (await ask(saying(head + b"{}" + tail))).status == 200


async def test_a_content_length_that_is_too_short() -> None:
    assert await ask(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + b"x" * 1000)) == Answer(200, {})


async def test_a_huge_body_is_no_json() -> None:
    body = json.dumps({"padding": "x" * LARGEST_ANSWER}).encode()
    assert await ask(saying(http("200 OK", body))) == Answer(200, None)
    fits = json.dumps({"padding": "x" * (LARGEST_ANSWER - 20)}).encode()
    assert (await ask(saying(http("200 OK", fits)))).body is not None


async def test_a_bomb_does_not_go_off() -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    assert await ask(saying(http("200 OK", bomb, "Content-Encoding: gzip"))) == Answer(200, None)


async def test_a_success_need_not_be_read() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{")
        await reader.read()

    assert await ask(script, read_success=False) == Answer(200, None)
    refusal = http("401 No", b'{"returnCode": -2}')
    assert await ask(saying(refusal), read_success=False) == Answer(401, {"returnCode": -2})


@pytest.fixture
def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A .netrc with a password for everyone."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))


async def test_the_environment_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, netrc: None) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with serving(saying(OK)) as proxy, serving(saying(OK)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
        assert (await get(server.address, "/", 5.0)).status == 200
        assert (await get(server.address, "/", 5.0, TOKEN)).status == 200
        assert proxy.seen == []
        assert b"Authorization" not in server.seen[0]
        assert f"Bearer {SECRET}".encode() in server.seen[1]


@pytest.mark.parametrize("host", ["::1", "::1%1"])
async def test_ipv6_with_a_scope_or_without(host: str) -> None:
    async with serving(saying(OK), "::1") as server:
        assert (await get(Address(host, server.address.port), "/", 5.0, TOKEN)).status == 200
        assert f"Host: [::1]:{server.address.port}\r\n".encode() in server.seen[0]


async def test_an_answer_that_comes_late_but_in_time() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(http("201 Created", b'{"returnCode": 2}'))

    assert await ask(script, 2.0) == Answer(201, {"returnCode": 2})

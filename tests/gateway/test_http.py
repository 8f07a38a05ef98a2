"""A single GET, and the ways in which a server can answer it or fail to."""

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

from .conftest import SECRET, TOKEN, Script, http, never_respond, respond_slowly, respond_with, serving

SOON = 0.15
"""A deadline, in seconds, that the calls are meant to miss."""
JSON = "Content-Type: application/json"
OK = http("200 OK", b'{"returnCode": 1}', JSON)


async def ask(script: Script, deadline: float = 5.0, *, read_success: bool = True) -> Answer:
    async with serving(script) as server:
        return await get(server.address, "/api/v2", deadline, TOKEN, read_success=read_success)


async def failure_of(script: Script, deadline: float = 5.0) -> str:
    with pytest.raises(NoAnswerError) as error:
        await ask(script, deadline)
    return str(error.value)


async def test_a_get_sends_the_request_and_returns_the_answer() -> None:
    async with serving(respond_with(OK)) as server:
        assert await get(server.address, "/api/v2/x", 5.0) == Answer(200, {"returnCode": 1})
        assert await get(server.address, "/api/v2/x", 5.0, TOKEN) == Answer(200, {"returnCode": 1})
        without, with_token = (seen.decode() for seen in server.seen)
    assert without.startswith("GET /api/v2/x HTTP/1.1\r\n")
    assert f"Host: {server.address}\r\n" in without
    assert "Authorization" not in without
    assert f"Authorization: Bearer {SECRET}\r\n" in with_token
    assert "Accept-Encoding: identity\r\n" in with_token


@pytest.mark.parametrize("status", ["200 OK", "403 Forbidden", "500 Oops", "299", "999 Odd"])
async def test_a_body_without_json_is_none(status: str) -> None:
    answer = await ask(respond_with(http(status, b"<html>Sign in</html>")))
    assert answer == Answer(int(status[:3]), None)


@pytest.mark.parametrize("token", [None, TOKEN], ids=["without a token", "with a token"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_never_followed(status: str, token: None) -> None:
    async with serving(respond_with(OK)) as other:
        redirect = http(status, b"{}", f"Location: http://{other.address}/api/v2")
        async with serving(respond_with(redirect)) as server:
            assert await get(server.address, "/api/v2", 5.0, token) == Answer(int(status[:3]), {})
            assert len(server.seen) == 1
        assert other.seen == []


async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Script: a redirect with an endless body."""
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()
        await asyncio.sleep(0)


async def test_an_endless_body_is_not_read_completely() -> None:
    assert await ask(endless) == Answer(302, None)
    assert await ask(endless, read_success=False) == Answer(302, None)


async def test_a_redirect_to_an_invalid_address_is_an_answer() -> None:
    assert (await ask(respond_with(http("302 Found", b"", "Location: http://[oops:x/")))).status == 302
    assert (
        await ask(respond_with(b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\nContent-Length: 0\r\n\r\n"))
    ).status == 302


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


async def start_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"{")
    await reader.read()


async def send_100_continue(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "script",
    [
        never_respond,
        start_body,
        send_100_continue,
        respond_slowly(HEAD, 0.02),
        respond_slowly(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100, 0.02),
    ],
    ids=["silence", "half a body", "endless 100 Continue", "a slow head", "slow headers"],
)
async def test_the_deadline_holds(script: Script) -> None:
    began = time.monotonic()
    assert await failure_of(script, SOON) == "timed out"
    assert SOON <= time.monotonic() - began < SOON + 0.5


async def test_the_deadline_holds_for_a_very_slow_body() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        await respond_slowly(b" " * 1000, 0.02)(reader, writer)

    assert await failure_of(script, SOON) == "timed out"


async def test_the_deadline_leaves_no_thread_and_no_connection() -> None:
    threads = threading.active_count()
    async with serving(never_respond) as server:
        with pytest.raises(NoAnswerError):
            await get(server.address, "/", SOON)
        await until(lambda: server.ended == 1 and threading.active_count() == threads, within=1)


async def test_cancelling_leaves_no_thread_and_no_connection() -> None:
    threads = threading.active_count()
    async with serving(never_respond) as server:
        calls = [asyncio.create_task(get(server.address, "/", 60.0, TOKEN)) for _ in range(5)]
        await until(lambda: len(server.seen) == 5 and all(server.seen))
        for call in calls:
            call.cancel()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        await until(lambda: server.ended == 5 and threading.active_count() == threads, within=1)


async def test_cancelling_before_the_connection_leaves_no_thread() -> None:
    threads = threading.active_count()
    async with serving(never_respond) as server:
        call = asyncio.create_task(get(server.address, "/", 60.0))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await until(lambda: threading.active_count() == threads, within=1)
        await asyncio.sleep(0.02)  # let the server run


async def test_a_refused_connection_is_unreachable(refusing_address: Address) -> None:
    with pytest.raises(NoAnswerError, match="ConnectionError"):
        await get(refusing_address, "/api/v2", 5.0)


@pytest.mark.parametrize("host", ["256.1.1.1", "fe80::1", "::1%nowhere", "127.0.0.1:1", "a b", "[", "-", "x" * 300])
async def test_invalid_addresses_are_unreachable(host: str) -> None:
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
async def test_invalid_http_is_no_answer(data: bytes) -> None:
    await failure_of(respond_with(data))


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
async def test_malformed_but_readable_http_is_an_answer(head: bytes) -> None:
    tail = b"\r\n0\r\n\r\n" if b"chunked" in head else b""
    assert (await ask(respond_with(head + b"{}" + tail))).status == 200


async def test_a_body_is_cut_at_its_content_length() -> None:
    assert await ask(respond_with(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" + b"x" * 1000)) == Answer(200, {})


async def test_an_oversized_body_is_not_decoded() -> None:
    body = json.dumps({"padding": "x" * LARGEST_ANSWER}).encode()
    assert await ask(respond_with(http("200 OK", body))) == Answer(200, None)
    fits = json.dumps({"padding": "x" * (LARGEST_ANSWER - 20)}).encode()
    assert (await ask(respond_with(http("200 OK", fits)))).body is not None


async def test_a_compression_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    assert await ask(respond_with(http("200 OK", bomb, "Content-Encoding: gzip"))) == Answer(200, None)


async def test_the_body_of_a_success_is_optional() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{")
        await reader.read()

    assert await ask(script, read_success=False) == Answer(200, None)
    refusal = http("401 No", b'{"returnCode": -2}')
    assert await ask(respond_with(refusal), read_success=False) == Answer(401, {"returnCode": -2})


@pytest.fixture
def netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A .netrc with a password for every host."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login someone password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))


async def test_proxy_variables_and_netrc_are_ignored(monkeypatch: pytest.MonkeyPatch, netrc: None) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with serving(respond_with(OK)) as proxy, serving(respond_with(OK)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
        assert (await get(server.address, "/", 5.0)).status == 200
        assert (await get(server.address, "/", 5.0, TOKEN)).status == 200
        assert proxy.seen == []
        assert b"Authorization" not in server.seen[0]
        assert f"Bearer {SECRET}".encode() in server.seen[1]


@pytest.mark.parametrize("host", ["::1", "::1%1"])
async def test_ipv6_works_with_and_without_a_scope(host: str) -> None:
    async with serving(respond_with(OK), "::1") as server:
        assert (await get(Address(host, server.address.port), "/", 5.0, TOKEN)).status == 200
        assert f"Host: [::1]:{server.address.port}\r\n".encode() in server.seen[0]


async def test_a_late_answer_within_the_deadline_is_returned() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(http("201 Created", b'{"returnCode": 2}'))

    assert await ask(script, 2.0) == Answer(201, {"returnCode": 2})

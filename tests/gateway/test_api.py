"""The meaning of answers: a token, a refusal or a verdict; from the simulated gateway and from misbehaving servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from appliance.core.events import Denial
from appliance.core.values import Address, Token
from appliance.gateway import api
from appliance.gateway.api import Denied, Verdict, ask_for_token, check_token
from appliance.simulator.gateway import SimulatedGateway

from .conftest import SECRET, TOKEN, Script, http, never_respond, respond_with, serving


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


def answer(status: str, body: object) -> bytes:
    return http(status, json.dumps(body).encode())


ISSUED = {"status": 201, "returnCode": 2, "token": {"name": "default", "token": SECRET}}


async def asked(script: Script) -> Token | Denied:
    async with serving(script) as server:
        return await ask_for_token(server.address)


async def checked(script: Script) -> Verdict:
    async with serving(script) as server:
        return await check_token(server.address, TOKEN)


async def test_one_press_of_the_gateways_button_issues_one_token(gateway: SimulatedGateway) -> None:
    denied = await ask_for_token(at(gateway))
    assert denied == Denied(Denial.NOT_PRESSED, "Time window expired or gateway button not pressed.")
    gateway.press_button()
    token = await ask_for_token(at(gateway))
    assert isinstance(token, Token)
    assert len(token.reveal()) == 48
    assert await check_token(at(gateway), token) is Verdict.ACCEPTED
    assert isinstance(await ask_for_token(at(gateway)), Denied)


async def test_a_check_tells_a_deleted_token_from_a_starting_gateway(gateway: SimulatedGateway) -> None:
    token = Token(gateway.issue_token())
    gateway.half_booted = True
    assert await check_token(at(gateway), token) is Verdict.UNKNOWN
    gateway.half_booted = False
    assert await check_token(at(gateway), token) is Verdict.ACCEPTED
    gateway.delete_tokens()
    assert await check_token(at(gateway), token) is Verdict.REFUSED


@pytest.mark.parametrize("status", ["201 Created", "200 OK"])
async def test_the_issued_token_is_returned_for_either_success_status(status: str) -> None:
    assert await asked(respond_with(answer(status, ISSUED))) == TOKEN


async def test_a_delayed_token_is_returned() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(answer("201 Created", ISSUED))

    assert await asked(script) == TOKEN


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        ("403 Forbidden", -3, Denial.NOT_PRESSED),
        ("401 Unauthorized", -32, Denial.NOT_PRESSED),
        ("200 OK", -3, Denial.NOT_PRESSED),
        ("400 Bad Request", -4, Denial.REFUSED),
        ("403 Forbidden", -5, Denial.REFUSED),
        ("403 Forbidden", None, Denial.REFUSED),
        ("404 Not Found", -99, Denial.REFUSED),
        ("500 Oops", "x", Denial.REFUSED),
        ("503 Later", -5, Denial.REFUSED),
    ],
)
async def test_each_error_answer_maps_to_its_denial(status: str, code: object, why: Denial) -> None:
    denied = await asked(respond_with(answer(status, {"returnCode": code, "message": "Some words."})))
    assert isinstance(denied, Denied)
    assert denied.why is why
    assert "Some words." in denied.message


@pytest.mark.parametrize(
    "data",
    [
        http("403 Forbidden", b"<html>No</html>"),
        http("500 Oops", b"<html>Restarting</html>"),
        http("302 Found", json.dumps(ISSUED).encode()),
        answer("201 Created", {"returnCode": 2}),
        answer("201 Created", {"returnCode": 2, "token": {"token": "a b"}}),
        answer("403 Forbidden", ISSUED | {"returnCode": -5}),
    ],
)
async def test_an_answer_without_a_valid_token_is_a_refusal(data: bytes) -> None:
    denied = await asked(respond_with(data))
    assert isinstance(denied, Denied)
    assert denied.why is Denial.REFUSED
    assert SECRET not in denied.message


@pytest.mark.parametrize(
    "data",
    [
        http("200 OK", b"<html>Sign in</html>"),
        http("404 Not Found", b"<html>No</html>"),
        http("302 Found", b"", "Location: http://127.0.0.1:1/"),
        http("204 No Content"),
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        b"\x15\x03\x01\x00\x02\x02F",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n{}",
    ],
    ids=lambda data: repr(data[:30]),
)
async def test_what_no_gateway_answers_is_told_apart_from_silence(data: bytes) -> None:
    denied = await asked(respond_with(data))
    assert isinstance(denied, Denied)
    assert denied.why is Denial.UNREADABLE
    assert await checked(respond_with(data)) in (Verdict.UNKNOWN, Verdict.ACCEPTED)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
async def test_http_1_0_and_lines_that_end_in_lf_are_read(version: str, end: str) -> None:
    body = json.dumps(ISSUED)
    data = end.join([f"HTTP/{version} 201 Created", "Content-Type: application/json", "", body]).encode()
    assert await asked(respond_with(data)) == TOKEN


async def test_an_unreachable_or_silent_gateway_is_reported_as_unreachable(
    refusing_address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await ask_for_token(refusing_address) == Denied(Denial.UNREACHABLE, "ConnectionError")
    assert await check_token(refusing_address, TOKEN) is Verdict.UNKNOWN
    monkeypatch.setattr(api, "TOKEN_DEADLINE", 0.1)
    monkeypatch.setattr(api, "CHECK_DEADLINE", 0.1)
    assert await asked(never_respond) == Denied(Denial.UNREACHABLE, "timed out")
    assert await checked(never_respond) is Verdict.UNKNOWN


async def test_token_requests_follow_no_redirect() -> None:
    async with serving(respond_with(answer("201 Created", ISSUED))) as other:
        redirect = http("307 Temporary Redirect", b"", f"Location: http://{other.address}/")
        denied = await asked(respond_with(redirect))
        assert isinstance(denied, Denied)
        assert denied.why is Denial.UNREADABLE
        assert await checked(respond_with(redirect)) is Verdict.UNKNOWN
        assert other.seen == []


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        ("200 OK", b'{"returnCode": 5, "count": 0, "items": []}', Verdict.ACCEPTED),
        ("200 OK", b"<html>", Verdict.ACCEPTED),
        ("401 Unauthorized", b'{"returnCode": -2}', Verdict.REFUSED),
        ("403 Forbidden", b'{"returnCode": -2}', Verdict.REFUSED),
        ("400 Bad Request", b'{"returnCode": -2}', Verdict.REFUSED),
        ("500 Oops", b'{"returnCode": -2}', Verdict.REFUSED),
        ("400 Bad Request", b'{"returnCode": -1}', Verdict.REFUSED),
        ("401 Unauthorized", b"", Verdict.REFUSED),
        ("403 Forbidden", b"<html>", Verdict.REFUSED),
        ("401 Unauthorized", b'{"returnCode": "x"}', Verdict.REFUSED),
        ("403 Forbidden", b'{"returnCode": -5}', Verdict.UNKNOWN),
        ("401 Unauthorized", b'{"returnCode": -5}', Verdict.UNKNOWN),
        ("400 Bad Request", b"", Verdict.UNKNOWN),
        ("404 Not Found", b'{"returnCode": -6}', Verdict.UNKNOWN),
        ("500 Oops", b"", Verdict.UNKNOWN),
        ("503 Later", b'{"returnCode": -5}', Verdict.UNKNOWN),
        ("302 Found", b"", Verdict.UNKNOWN),
    ],
)
async def test_each_answer_to_a_token_check_maps_to_its_verdict(status: str, body: bytes, verdict: Verdict) -> None:
    assert await checked(respond_with(http(status, body))) is verdict


async def test_a_token_check_does_not_download_the_body() -> None:
    sent = 0

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            sent += 65536
            await writer.drain()
            await asyncio.sleep(0)

    assert await checked(script) is Verdict.ACCEPTED
    assert sent < 50_000_000


async def test_the_token_is_sent_only_in_the_authorization_header() -> None:
    async with serving(respond_with(answer("200 OK", {}))) as server:
        await check_token(server.address, TOKEN)
        first, *headers = server.seen[0].decode().split("\r\n")
    assert first == "GET /api/v2/activeorders HTTP/1.1"
    assert [header for header in headers if SECRET in header] == [f"Authorization: Bearer {SECRET}"]

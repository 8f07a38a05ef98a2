"""Chunks of past orders and the gateway's statistics, from the simulated gateway and from misbehaving servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from appliance.core.day_stats import GatewayStats
from appliance.core.delivery import DAY, Finished
from appliance.core.values import Address, Token
from appliance.gateway import history as module
from appliance.gateway.history import (
    HistoryError,
    HistoryFailure,
    ListedOrder,
    format_local_time,
    parse_statistics,
    read_orders,
    read_statistics,
)
from appliance.gateway.order_json import read_time
from appliance.simulator.gateway import SimulatedGateway

from .conftest import SECRET, TOKEN, Script, http, never_respond, respond_slowly, respond_with, serving

ORDER = {
    "name": "23",
    "uuid": "ac3efe43-c9ac-4a4d-8ea5-38bd816ec52f",
    "orderType": "ON_PREMISE",
    "locationName": "8",
    "state": "cleared",
    "created": "2016-12-09T09:00:23",
    "stateChanged": "2016-12-09T09:04:23",
    "paged": True,
    "elapsedTime": 0,
}
CREATED = 534589223.0


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


def answer(status: str, body: object) -> bytes:
    return http(status, json.dumps(body).encode())


def items(*orders: object) -> bytes:
    return answer("200 OK", {"status": 200, "returnCode": 7, "count": len(orders), "items": orders})


async def read_chunk(script: Script) -> list[ListedOrder]:
    async with serving(script) as server:
        return await read_orders(server.address, TOKEN, 0)


async def failure_of(script: Script) -> HistoryFailure:
    with pytest.raises(HistoryError) as caught:
        await read_chunk(script)
    assert SECRET not in str(caught.value)
    return caught.value.failure


async def test_finished_orders_are_distinguished_from_active_ones(gateway: SimulatedGateway) -> None:
    token = Token(gateway.issue_token())
    done = gateway.restaurant.create("7", order_type="TO_GO")
    gateway.restaurant.clear(done.uuid)
    active = gateway.restaurant.create("8")
    listed = {one.uuid: one.finished for one in await read_orders(at(gateway), token, 0)}
    assert listed[active.uuid] is None
    finished = listed[done.uuid]
    assert finished is not None
    assert (finished.name, finished.order_type) == ("7", "TO_GO")
    assert await read_orders(at(gateway), token, 2) == []
    assert len(await read_orders(at(gateway), token, 0, 9e8)) == 0, "the filter must be sent"


async def test_the_request_for_a_chunk_follows_the_documentation() -> None:
    async with serving(respond_with(items())) as server:
        await read_orders(server.address, TOKEN, 190, CREATED)
        first, *headers = server.seen[0].decode().split("\r\n")
    assert first == "GET /api/v2/orders?offset=190&limit=100&created_after=2016-12-09T09%3A00%3A23 HTTP/1.1"
    assert [header for header in headers if SECRET in header] == [f"Authorization: Bearer {SECRET}"]
    assert format_local_time(CREATED + 0.9) == "2016-12-09T09:00:23"


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_a_time_out_of_range_is_clamped(end: str) -> None:
    """The sync starts a day before the newest order, and the gateway's clock may have any value."""
    time = read_time(end)
    assert time is not None
    beyond = -DAY if time < 0 else DAY
    assert format_local_time(time) == format_local_time(time + beyond) == end
    assert format_local_time(time - beyond) != end
    assert format_local_time(beyond * 1e9) == end


async def test_the_documented_order_is_parsed() -> None:
    (listed,) = await read_chunk(respond_with(items(ORDER)))
    assert listed.finished == Finished(
        "ac3efe43-c9ac-4a4d-8ea5-38bd816ec52f",
        "23",
        "ON_PREMISE",
        "8",
        True,
        CREATED,
        CREATED + 240.0,
        0.0,
    )


async def test_undocumented_values_are_tolerated() -> None:
    odd = [
        {**ORDER, "state": "delighted", "cleared": "2016-12-09T09:05:00"},
        {**ORDER, "created": "yesterday", "surprise": [1]},
        {**ORDER, "uuid": None},
        "no order",
        {**ORDER, "uuid": "b", "state": "started"},
    ]
    first, second, *rest = await read_chunk(respond_with(items(*odd)))
    assert first.finished is not None
    assert first.finished.cleared == CREATED + 277.0
    assert second.finished is not None
    assert second.finished.created is None
    assert rest == [ListedOrder(""), ListedOrder(""), ListedOrder("b")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (answer("401 Unauthorized", {"returnCode": -2}), HistoryFailure.REFUSED),
        (answer("403 Forbidden", {"returnCode": -2}), HistoryFailure.REFUSED),
        (answer("200 OK", {"returnCode": -2}), HistoryFailure.REFUSED),
        (http("401 Unauthorized"), HistoryFailure.REFUSED),
        (http("403 Forbidden", b"<html>"), HistoryFailure.REFUSED),
        (answer("400 Bad Request", {"returnCode": -1}), HistoryFailure.MALFORMED),
        (answer("403 Forbidden", {"returnCode": -99}), HistoryFailure.FORBIDDEN),
        (answer("401 Unauthorized", {"returnCode": -99}), HistoryFailure.FORBIDDEN),
        (answer("503 Later", {"returnCode": -5}), HistoryFailure.UNAVAILABLE),
        (answer("200 OK", {"returnCode": -5}), HistoryFailure.UNAVAILABLE),
        (http("500 Oops"), HistoryFailure.UNAVAILABLE),
        (answer("400 Bad Request", {"returnCode": -23}), HistoryFailure.LIMIT),
        (answer("400 Bad Request", {"returnCode": -24}), HistoryFailure.OFFSET),
        (answer("400 Bad Request", {"returnCode": -25}), HistoryFailure.DATE),
        (answer("404 Not Found", {"returnCode": -6}), HistoryFailure.UNEXPECTED),
        (http("302 Found", b"", "Location: http://127.0.0.1:1/"), HistoryFailure.UNEXPECTED),
        (answer("200 OK", {"returnCode": 7, "count": 2}), HistoryFailure.TRUNCATED),
        (answer("200 OK", {"returnCode": 7, "items": "many"}), HistoryFailure.TRUNCATED),
        (http("200 OK", b'{"returnCode": 7, "items": [{"uuid": "a'), HistoryFailure.TRUNCATED),
        (http("200 OK", b""), HistoryFailure.TRUNCATED),
        (items(ORDER)[:-20], HistoryFailure.NO_ANSWER),
        (b"", HistoryFailure.NO_ANSWER),
    ],
)
async def test_each_error_answer_maps_to_its_failure(data: bytes, expected: HistoryFailure) -> None:
    assert await failure_of(respond_with(data)) is expected


async def test_history_requests_follow_no_redirect() -> None:
    async with serving(respond_with(items(ORDER))) as other:
        redirect = http("307 Temporary Redirect", b"", f"Location: http://{other.address}/api/v2/orders")
        assert await failure_of(respond_with(redirect)) is HistoryFailure.UNEXPECTED
        assert other.seen == []


async def test_a_silent_or_very_slow_server_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_DEADLINE", 0.2)
    assert await failure_of(never_respond) is HistoryFailure.NO_ANSWER
    assert await failure_of(respond_slowly(items(ORDER), 0.05)) is HistoryFailure.NO_ANSWER


async def test_an_endless_answer_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_CHUNK", 10_000)

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b"[" * 65536)
            await writer.drain()
            await asyncio.sleep(0)

    assert await failure_of(script) is HistoryFailure.TRUNCATED


async def test_a_chunk_of_long_orders_is_read_completely() -> None:
    long = [{**ORDER, "uuid": str(number), "notes": "x" * 5000} for number in range(100)]
    assert len(await read_chunk(respond_with(items(*long)))) == 100


async def test_the_simulated_gateways_statistics_are_read(gateway: SimulatedGateway) -> None:
    token = Token(gateway.issue_token())
    for age in (100.0, 200.0):
        gateway.restaurant.clear(gateway.restaurant.create(age=age).uuid)
    figures = await read_statistics(at(gateway), token, 300.0)
    assert figures is not None
    assert figures.finished == 2
    assert figures.average == pytest.approx(150, abs=1)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ({"finishedOrders": 5, "averageTime": 61.5}, GatewayStats(5, 61.5)),
        ({"average_delivery_time": 61, "orders_delivered": 5}, GatewayStats(5, 61.0)),
        ({"averageTimeToSit": 20, "averageDeliveryTime": 60}, GatewayStats(None, 60.0)),
        ({"clearedOrders": True, "averageTime": "3:00"}, None),
        ({"clearedOrders": -1}, None),
        ({}, None),
        ([1], None),
        (None, None),
    ],
)
def test_statistics_are_read_by_their_names(figures: object, expected: GatewayStats | None) -> None:
    assert parse_statistics(figures) == expected

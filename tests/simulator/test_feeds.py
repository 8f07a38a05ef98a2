"""Feeds over a real socket, with an independent client."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from appliance.simulator.gateway import SimulatedGateway
from tests.clock import until

from .conftest import dial, open_feed, receive


async def test_the_token_may_come_in_the_handshake(gateway: SimulatedGateway) -> None:
    order = gateway.restaurant.create("102")
    headers = {"Authorization": f"Bearer {gateway.issue_token()}"}
    async with dial(gateway, additional_headers=headers) as feed:
        assert await receive(feed) == {
            "type": "ACTIVE_ORDERS",
            "count": 1,
            "items": [gateway.restaurant.describe(order)],
        }
        assert gateway.feeds == 1


async def test_the_token_may_come_as_the_first_message(gateway: SimulatedGateway) -> None:
    async with dial(gateway) as feed:
        assert gateway.feeds == 0
        await feed.send(json.dumps({"accesstoken": gateway.issue_token()}))
        assert await receive(feed) == {"type": "ACTIVE_ORDERS", "count": 0, "items": []}
        assert gateway.feeds == 1


@pytest.mark.parametrize(("header", "code"), [("Bearer " + "0" * 48, -2), ("Basic abc", -1)])
async def test_a_refused_handshake_token(gateway: SimulatedGateway, header: str, code: int) -> None:
    async with dial(gateway, additional_headers={"Authorization": header}) as feed:
        assert (await receive(feed))["returnCode"] == code
        with pytest.raises(ConnectionClosed):
            await feed.recv()
    assert gateway.feeds == 0


@pytest.mark.parametrize("first", ['{"accesstoken": "0"}', '{"accesstoken": 7}', "{}", "[]", "null"])
async def test_a_refused_first_message(gateway: SimulatedGateway, first: str) -> None:
    async with dial(gateway) as feed:
        await feed.send(first)
        refusal = await receive(feed)
        assert (refusal["status"], refusal["returnCode"]) == (401, -2)
        assert refusal["message"]
        with pytest.raises(ConnectionClosed) as closed:
            await feed.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("first", ["hello", "", b"\xff\xfe"])
async def test_invalid_json_closes_without_a_message(gateway: SimulatedGateway, first: str | bytes) -> None:
    async with dial(gateway) as feed:
        await feed.send(first)
        with pytest.raises(ConnectionClosed):
            await feed.recv()
    async with open_feed(gateway) as feed:
        await feed.send('{"any": "JSON is ignored"}')
        await feed.send(first)
        with pytest.raises(ConnectionClosed):
            await feed.recv()
        assert gateway.feeds == 0


async def test_a_feed_without_a_token_is_closed_in_time(gateway: SimulatedGateway) -> None:
    assert gateway.auth_timeout == 20
    gateway.auth_timeout = 0.05
    async with dial(gateway) as feed:
        await (await feed.ping())
        assert (await receive(feed))["returnCode"] == -32
        with pytest.raises(ConnectionClosed):
            await feed.recv()


async def test_every_feed_gets_every_change(gateway: SimulatedGateway) -> None:
    async with open_feed(gateway) as first, open_feed(gateway) as second:
        gateway.restaurant.create("23")
        gateway.restaurant.locate("23", "8")
        gateway.restaurant.page("23")
        gateway.restaurant.clear("23")
        received = [await receive(first) for _ in range(4)]
        assert received == [await receive(second) for _ in range(4)]
        assert [(message["type"], message["seq"]) for message in received] == [
            ("ORDER_CREATED", 1),
            ("ORDER_MODIFIED", 2),
            ("ORDER_PAGED", 3),
            ("ORDER_MODIFIED", 4),
        ]
        assert received[-1]["state"] == "cleared"


async def test_a_feed_opened_during_changes_misses_none(gateway: SimulatedGateway) -> None:
    gateway.restaurant.create("1")
    async with dial(gateway) as feed:
        await feed.send(json.dumps({"accesstoken": gateway.issue_token()}))
        for number in range(2, 200):
            gateway.restaurant.create(str(number))
            await asyncio.sleep(0)
        whole = await receive(feed)
        later = [await receive(feed) for _ in range(199 - whole["count"])]
        assert [item["name"] for item in whole["items"]] + [message["name"] for message in later] == [
            str(number) for number in range(1, 200)
        ]
        assert [message["seq"] for message in later] == list(range(whole["count"] + 1, 200))


async def test_a_large_house_and_a_burst(gateway: SimulatedGateway) -> None:
    gateway.restaurant.create_many(20_000)
    async with dial(gateway) as feed:
        await feed.send(json.dumps({"accesstoken": gateway.issue_token()}))
        assert (await receive(feed))["count"] == 20_000
        gateway.restaurant.clear_all()
        for seq in range(20_001, 40_000):
            message = await feed.recv(decode=False)
            assert f'"seq": {seq},'.encode() in message[:60]


async def test_a_client_may_leave(gateway: SimulatedGateway) -> None:
    async with open_feed(gateway) as feed:
        await feed.close()
        assert feed.close_code == 1000
    async with open_feed(gateway) as feed:
        feed.transport.abort()
        await feed.wait_closed()
        await until(lambda: gateway.feeds == 0)
    gateway.restaurant.create()

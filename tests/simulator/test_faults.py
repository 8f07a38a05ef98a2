"""The simulated gateway's faults, over real sockets."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from appliance.simulator.gateway import GARBAGE, HUGE, SimulatedGateway

from .conftest import Client, dial, open_feed, receive


async def test_dropped_feeds_end_without_a_close_frame(gateway: SimulatedGateway) -> None:
    async with open_feed(gateway) as feed:
        gateway.drop_lines()
        assert gateway.feeds == 0
        with pytest.raises(ConnectionClosedError) as closed:
            await feed.recv()
        assert closed.value.rcvd is None
    async with open_feed(gateway):
        assert gateway.feeds == 1


async def test_without_power_the_gateway_does_not_answer(gateway: SimulatedGateway, paired: Client) -> None:
    gateway.restaurant.create("1")
    gateway.press_button()
    async with open_feed(gateway) as feed:
        port = gateway.port
        await gateway.stop()
        with pytest.raises(ConnectionClosedError):
            await feed.recv()
    assert (gateway.running, gateway.feeds) == (False, 0)
    with pytest.raises(aiohttp.ClientConnectorError):
        await paired.ask("GET", "/activeorders")
    gateway.press_button()
    gateway.restaurant.create("2")
    await gateway.start()
    assert (gateway.port, gateway.window_open) == (port, False)
    assert (await paired.ask("GET", "/activeorders")).body["count"] == 2


async def test_a_restart_keeps_tokens_and_orders_and_resets_seq(gateway: SimulatedGateway) -> None:
    token = gateway.issue_token()
    async with open_feed(gateway, token) as feed:
        gateway.restaurant.create_many(3)
        assert [(await receive(feed))["seq"] for _ in range(3)] == [1, 2, 3]
        await gateway.restart(0.01)
        with pytest.raises(ConnectionClosedError):
            await feed.recv()
    async with dial(gateway) as feed:
        await feed.send(json.dumps({"accesstoken": token}))
        assert (await receive(feed))["count"] == 3
        gateway.restaurant.create()
        assert (await receive(feed))["seq"] == 1


async def test_a_move_resets_connections_and_keeps_the_port(gateway: SimulatedGateway, paired: Client) -> None:
    before = gateway.address
    async with open_feed(gateway) as feed:
        await gateway.move("127.0.0.2")
        with pytest.raises(ConnectionClosedError):
            await feed.recv()
    assert gateway.address == before.replace("127.0.0.1", "127.0.0.2")
    assert (await paired.ask("GET", "/activeorders")).status == 200
    await gateway.move("127.0.0.3", 0)
    assert (await paired.ask("GET", "/activeorders")).status == 200
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as session:
            await session.get(f"http://{before}/api/v2")


async def test_an_unavailable_address_is_refused(gateway: SimulatedGateway) -> None:
    other = SimulatedGateway(port=gateway.port)
    with pytest.raises(OSError, match="in use"):
        await other.start()
    assert not other.running
    named = SimulatedGateway(host="localhost", advertise_on=("127.0.0.1",))
    with pytest.raises(ValueError, match="localhost"):
        await named.start()
    assert not named.running


async def test_listening_on_all_addresses_reports_one() -> None:
    assert SimulatedGateway(host="0.0.0.0", port=8000, advertise_on=("192.0.2.1",)).address == "192.0.2.1:8000"
    assert SimulatedGateway(host="::", port=8000).address == "127.0.0.1:8000"
    assert SimulatedGateway(host="::1", port=8000).address == "[::1]:8000"


async def test_a_silent_gateway_accepts_and_sends_nothing(gateway: SimulatedGateway, paired: Client) -> None:
    async with open_feed(gateway) as feed:
        gateway.silent = True
        gateway.restaurant.create("1")
        pong = asyncio.ensure_future(await feed.ping())
        call = asyncio.create_task(paired.ask("GET", "/activeorders"))
        handshake = asyncio.create_task(dial(gateway).__aenter__())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(feed.recv(), 0.1)
        assert (pong.done(), call.done(), handshake.done()) == (False, False, False)
        assert feed.state.name == "OPEN"
        gateway.silent = False
        assert (await receive(feed))["name"] == "1"
        await pong
        assert (await call).body["count"] == 1
        await (await handshake).close()


async def test_a_silent_gateway_can_be_switched_off(gateway: SimulatedGateway, paired: Client) -> None:
    async with open_feed(gateway) as feed:
        gateway.silent = True
        call = asyncio.create_task(paired.ask("GET", "/activeorders"))
        await feed.ping()
        await asyncio.sleep(0.02)
        async with asyncio.timeout(2):
            await gateway.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await call
        with pytest.raises(ConnectionClosedError):
            await feed.recv()


async def test_deleted_tokens_close_feeds_and_are_refused(gateway: SimulatedGateway, paired: Client) -> None:
    async with open_feed(gateway) as feed:
        gateway.delete_tokens()
        assert gateway.feeds == 0
        gateway.restaurant.create()
        assert (await receive(feed))["returnCode"] == -2
        with pytest.raises(ConnectionClosed):
            await feed.recv()
    assert (await paired.ask("GET", "/activeorders")).outcome == (401, -2)


async def test_a_half_booted_gateway_closes_without_a_message(gateway: SimulatedGateway) -> None:
    gateway.half_booted = True
    async with dial(gateway) as feed:
        await feed.send(json.dumps({"accesstoken": gateway.issue_token()}))
        with pytest.raises(ConnectionClosed):
            await feed.recv()
    assert (gateway.half_booted, gateway.feeds) == (True, 0)


async def test_a_gateway_may_allow_one_feed_per_token(gateway: SimulatedGateway) -> None:
    gateway.one_feed_per_token = True
    token = gateway.issue_token()
    async with open_feed(gateway, token) as first, open_feed(gateway), open_feed(gateway, token) as second:
        with pytest.raises(ConnectionClosed):
            await first.recv()
        assert gateway.feeds == 2
        gateway.restaurant.create()
        assert (await receive(second))["type"] == "ORDER_CREATED"


async def test_garbage(gateway: SimulatedGateway) -> None:
    async with open_feed(gateway) as feed:
        gateway.send_garbage("not-json")
        with pytest.raises(json.JSONDecodeError):
            await receive(feed)
        gateway.send_garbage("unknown-type")
        unknown = await receive(feed)
        assert unknown["seq"] == 1
        assert not unknown["type"].startswith("ORDER")
        gateway.send_garbage("bad-order")
        bad = await receive(feed)
        assert (bad["type"], bad["seq"], bad["uuid"]) == ("ORDER_MODIFIED", 2, 17)
        gateway.send_garbage("binary")
        assert isinstance(await feed.recv(), bytes)
        gateway.send_garbage("gap")
        gateway.restaurant.create()
        assert (await receive(feed))["seq"] == 4
        assert gateway.feeds == 1
        with pytest.raises(ValueError, match="not-json"):
            gateway.send_garbage("anything")


async def test_a_huge_message_exceeds_the_clients_limit(gateway: SimulatedGateway) -> None:
    assert "huge" in GARBAGE
    assert HUGE > 3 * 24_000_000
    async with open_feed(gateway) as feed:
        feed.protocol.max_message_size = 1 << 20
        gateway.send_garbage("huge")
        with pytest.raises(ConnectionClosed) as closed:
            await feed.recv()
        assert closed.value.sent is not None
        assert closed.value.sent.code == 1009

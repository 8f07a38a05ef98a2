"""A live feed: what it tells, in which order, and how it leaves."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from websockets.asyncio.server import ServerConnection

from appliance import logs
from appliance.core.events import (
    FeedNotified,
    FeedOpened,
    MessageIgnored,
    MessageUnusable,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.limits import LARGEST_MESSAGE
from appliance.core.values import Address, Order, Token, Unreadable
from appliance.gateway import feed as module
from appliance.gateway.api import ask_for_token, check_token
from appliance.gateway.wire import read_message
from appliance.simulator.gateway import SimulatedGateway
from tests.clock import until

from .conftest import SECRET, http, saying, serving
from .scripted_feeds import (
    ATTEMPT,
    CLOSED,
    EMPTY,
    OPENED,
    REFUSED,
    Listener,
    feed_events,
    feeding,
    gateway_that,
    sending,
)


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


def paged(number: int) -> str:
    return json.dumps({"type": "ORDER_PAGED", "seq": number, "uuid": str(number), "state": "located"})


async def test_a_lunch_hour_in_small(gateway: SimulatedGateway) -> None:
    gateway.restaurant.create("102")
    before = gateway.restaurant.seq
    async with feeding(at(gateway), Token(gateway.issue_token())) as (heard, _):
        await heard.opened()
        (opened,) = heard.events
        assert isinstance(opened, FeedOpened)
        assert [order.name for order in opened.orders] == ["102"]
        order = gateway.restaurant.create("23")
        gateway.restaurant.locate(order.uuid, "8")
        gateway.restaurant.page(order.uuid)
        gateway.restaurant.clear(order.uuid)
        await heard.until(lambda heard: len(heard.notifications) == 4)
        created, located, called, cleared = heard.notifications
        assert isinstance(created, OrderChanged)
        assert created.created
        assert isinstance(located, OrderChanged)
        assert (located.created, located.order.state, located.order.location) == (False, "located", "8")
        assert isinstance(called, OrderPaged)
        assert called.order.paged
        assert isinstance(cleared, OrderChanged)
        assert not cleared.order.active
        assert [created.seq, located.seq, called.seq, cleared.seq] == [before + n for n in (1, 2, 3, 4)]
    assert len(heard.events) == 1 + sum(isinstance(event, FeedNotified) for event in heard.events)


async def test_a_burst_is_told_whole_in_order_and_in_batches(gateway: SimulatedGateway) -> None:
    async with feeding(at(gateway), Token(gateway.issue_token())) as (heard, _):
        await heard.opened()
        gateway.restaurant.create_many(20_000)
        await heard.until(lambda heard: len(heard.notifications) >= 20_000, within=20)
    told = heard.notifications
    assert all(isinstance(one, OrderChanged) and one.created for one in told)
    assert [one.seq for one in told if isinstance(one, OrderChanged)] == list(range(1, 20_001))
    assert all(isinstance(event, FeedNotified) and event.attempt == ATTEMPT for event in heard.events[1:])
    assert len(heard.events) < 2000


@pytest.mark.parametrize("count", [20_000, 100_000])
async def test_a_large_site(count: int) -> None:
    items = [
        {
            "name": str(n % 100),
            "uuid": f"f8853c42-3c10-4636-81e3-{n:012}",
            "orderType": "ON_PREMISE",
            "state": "started",
        }
        | {"locationName": "", "created": "2016-09-22T19:08:52", "stateChanged": "2016-09-22T19:08:52", "paged": False}
        | {"elapsedTime": 0}
        for n in range(count)
    ]
    message = json.dumps({"type": "ACTIVE_ORDERS", "count": count, "items": items})
    assert len(message) < LARGEST_MESSAGE
    async with gateway_that(sending(message)) as address:
        opened, closed = await feed_events(address, within=20)
    assert closed == CLOSED
    assert isinstance(opened, FeedOpened)
    assert [order.uuid for order in opened.orders] == [item["uuid"] for item in items]


async def test_whatever_comes_is_told_and_ends_nothing() -> None:
    first = json.dumps({"type": "ACTIVE_ORDERS", "items": [{"uuid": "a", "state": "started"}, 7]})
    messages: list[str | bytes] = [
        "hello",
        "[]",
        b"\x00\xff",
        '{"type": []}',
        '{"type": "NEWER", "seq": 4}',
        '{"returnCode": 5}',
    ]
    bad = '{"type": "ORDER_MODIFIED", "seq": 5, "uuid": 17}'
    async with gateway_that(sending(first, *messages, bad, paged(6), paged(7).encode(), EMPTY)) as address:
        events = await feed_events(address)
    assert events[0] == FeedOpened(ATTEMPT, (Order("a"),), Unreadable(nameless=1))
    assert events[-1] == CLOSED
    unusable = MessageUnusable()
    order = [Order(str(number), state="located") for number in (6, 7)]
    assert [one for event in events[1:-1] if isinstance(event, FeedNotified) for one in event.notifications] == [
        *[unusable] * 4,
        MessageIgnored(4, "NEWER"),
        MessageUnusable(5),
        OrderPaged(order[0], 6),
        OrderPaged(order[1], 7),
        OrdersReplaced(()),
    ]


async def test_what_comes_before_the_whole_set_is_not_told() -> None:
    async with gateway_that(sending("hello", paged(1), '{"returnCode": 7}', EMPTY)) as address:
        assert await feed_events(address) == [OPENED, CLOSED]


async def test_fragments_make_one_message() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY[at : at + 7] for at in range(0, len(EMPTY), 7))
        await connection.send(["", paged(1)[:20], "", paged(1)[20:], ""])
        await connection.close()

    async with gateway_that(script) as address:
        events = await feed_events(address)
    assert events == [OPENED, FeedNotified(ATTEMPT, (OrderPaged(Order("1", state="located"), 1),)), CLOSED]


async def test_cancelling_closes_in_an_orderly_way_and_tells_nothing_more(gateway: SimulatedGateway) -> None:
    async with feeding(at(gateway), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < module.CLOSE_TIMEOUT
        await until(lambda: gateway.feeds == 0)
        gateway.restaurant.create()
        assert len(heard.events) == 1


async def test_cancelling_in_a_burst_tells_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_and_cancel(text: bytes) -> object:
        """Cancel while a burst is being read and none of it has been told."""
        if "50" in str(text):
            task.cancel()
        return read_message(text)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        for number in range(100):
            await connection.send(paged(number))
        await connection.wait_closed()

    monkeypatch.setattr(module, "read_message", read_and_cancel)
    heard = Listener()
    async with gateway_that(script) as address:
        task = asyncio.create_task(module.run_feed(ATTEMPT, address, Token(SECRET), heard))
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)
        told = len(heard.events)
        await asyncio.sleep(0.01)
        assert len(heard.events) == told
        assert OrderPaged(Order("50", state="located"), 50) not in heard.notifications


async def test_cancelling_where_nobody_closes_the_other_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.1)
    async with SimulatedGateway() as gateway, feeding(at(gateway), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        gateway.silent = True
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.4
        assert len(heard.events) == 1
        gateway.silent = False


async def test_cancelling_once_more_while_it_closes_leaves_nothing_open(gateway: SimulatedGateway) -> None:
    async with feeding(at(gateway), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        gateway.silent = True
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.05)
        assert task.cancelled()
        await asyncio.sleep(0.05)
        assert not [one for one in asyncio.all_tasks() if "keepalive" in str(one.get_coro())]
        gateway.silent = False


async def test_a_token_deleted_while_the_feed_is_live(gateway: SimulatedGateway) -> None:
    async with feeding(at(gateway), Token(gateway.issue_token())) as (heard, task):
        await heard.opened()
        gateway.delete_tokens()
        await asyncio.wait_for(task, 2)
        assert heard.events[1:] == [REFUSED]


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Everything that is logged at any level, set up as the appliance does it when it is to say the most."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    libraries = {name: logging.getLogger(name).level for name in logs._LIBRARIES}
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(name)s %(message)s").format(record) + repr(record.args))

    logs.set_up(logging.DEBUG)
    root.handlers[:] = [Keep()]
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in libraries.items():
        logging.getLogger(name).setLevel(before)


async def test_the_token_is_in_no_log(gateway: SimulatedGateway, log_lines: list[str], nobody: Address) -> None:
    gateway.press_button()
    token = await ask_for_token(at(gateway))
    assert isinstance(token, Token)
    secret = token.reveal()
    await check_token(at(gateway), token)
    await check_token(nobody, token)
    async with feeding(at(gateway), token) as (heard, task):
        await heard.opened()
        gateway.restaurant.create_many(3)
        await heard.until(lambda heard: len(heard.notifications) == 3)
        gateway.drop_lines()
        await task
    await feed_events(nobody, token)
    await feed_events(at(gateway), Token("0" * 48))
    async with gateway_that(sending(EMPTY, "hello", f'{{"returnCode": -5, "message": "{SECRET}"}}')) as address:
        await feed_events(address)
    async with serving(saying(http("302 Found", b"", f"Location: ws://x/{secret}"))) as server:
        await feed_events(server.address, token)
    assert any("ended" in line for line in log_lines)
    assert [line for line in log_lines if secret in line or SECRET in line] == []


async def test_nor_where_the_gateway_repeats_it(log_lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a type that is not known the log has the beginning, which must not be a token's."""
    monkeypatch.setattr(module, "_logged", set())
    async with gateway_that(sending(EMPTY, json.dumps({"type": SECRET}))) as address:
        await feed_events(address)
    assert any("unknown type (token)" in line for line in log_lines)
    assert [line for line in log_lines if SECRET[:16] in line] == []


async def test_orders_that_cannot_be_read_are_logged_once(
    log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_logged", set())
    whole = json.dumps({"type": "ACTIVE_ORDERS", "items": [{"uuid": SECRET, "state": "started", "paged": "no"}]})
    for _ in range(2):
        async with gateway_that(sending(whole, whole)) as address:
            await feed_events(address)
    assert sum("unreadable orders" in line for line in log_lines) == 1
    assert [line for line in log_lines if SECRET in line] == []

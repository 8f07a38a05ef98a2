"""A live feed: its events, their order, and how it is closed."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection

from appliance.core.events import (
    FeedNotified,
    FeedOpened,
)
from appliance.core.limits import LARGEST_MESSAGE
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.values import Address, Order, Token, Unreadable
from appliance.gateway import feed as module
from appliance.gateway import feed_connection
from appliance.gateway.wire import read_message
from appliance.simulator.gateway import SimulatedGateway
from tests.clock import until

from .conftest import SECRET
from .scripted_feeds import (
    ATTEMPT,
    CLOSED,
    EMPTY,
    OPENED,
    REFUSED,
    FeedRecorder,
    feed_events,
    running_feed,
    scripted_gateway,
    send_and_close,
)


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    async with SimulatedGateway() as running:
        yield running


def at(gateway: SimulatedGateway) -> Address:
    return Address(gateway.host, gateway.port)


def paged(number: int) -> str:
    return json.dumps({"type": "ORDER_PAGED", "seq": number, "uuid": str(number), "state": "located"})


async def test_a_feed_reports_each_change_in_order(gateway: SimulatedGateway) -> None:
    gateway.restaurant.create("102")
    before = gateway.restaurant.seq
    async with running_feed(at(gateway), Token(gateway.issue_token())) as (recorder, _):
        await recorder.wait_opened()
        (opened,) = recorder.events
        assert isinstance(opened, FeedOpened)
        assert [order.name for order in opened.orders] == ["102"]
        order = gateway.restaurant.create("23")
        gateway.restaurant.locate(order.uuid, "8")
        gateway.restaurant.page(order.uuid)
        gateway.restaurant.clear(order.uuid)
        await recorder.wait_until(lambda recorder: len(recorder.notifications) == 4)
        created, located, called, cleared = recorder.notifications
        assert isinstance(created, OrderChanged)
        assert created.created
        assert isinstance(located, OrderChanged)
        assert (located.created, located.order.state, located.order.location) == (False, "located", "8")
        assert isinstance(called, OrderPaged)
        assert called.order.paged
        assert isinstance(cleared, OrderChanged)
        assert not cleared.order.active
        assert [created.seq, located.seq, called.seq, cleared.seq] == [before + n for n in (1, 2, 3, 4)]
    assert len(recorder.events) == 1 + sum(isinstance(event, FeedNotified) for event in recorder.events)


async def test_a_burst_is_reported_completely_in_order_and_in_batches(gateway: SimulatedGateway) -> None:
    async with running_feed(at(gateway), Token(gateway.issue_token())) as (recorder, _):
        await recorder.wait_opened()
        gateway.restaurant.create_many(20_000)
        await recorder.wait_until(lambda recorder: len(recorder.notifications) >= 20_000, within=20)
    notifications = recorder.notifications
    assert all(isinstance(one, OrderChanged) and one.created for one in notifications)
    assert [one.seq for one in notifications if isinstance(one, OrderChanged)] == list(range(1, 20_001))
    assert all(isinstance(event, FeedNotified) and event.attempt == ATTEMPT for event in recorder.events[1:])
    assert len(recorder.events) < 2000


@pytest.mark.parametrize("count", [20_000, 100_000])
async def test_a_full_set_of_many_orders_is_reported_completely(count: int) -> None:
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
    async with scripted_gateway(send_and_close(message)) as address:
        opened, closed = await feed_events(address, within=20)
    assert closed == CLOSED
    assert isinstance(opened, FeedOpened)
    assert [order.uuid for order in opened.orders] == [item["uuid"] for item in items]


async def test_malformed_messages_are_reported_and_do_not_end_the_feed() -> None:
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
    async with scripted_gateway(send_and_close(first, *messages, bad, paged(6), paged(7).encode(), EMPTY)) as address:
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


async def test_messages_before_the_full_set_are_ignored() -> None:
    async with scripted_gateway(send_and_close("hello", paged(1), '{"returnCode": 7}', EMPTY)) as address:
        assert await feed_events(address) == [OPENED, CLOSED]


async def test_fragmented_messages_are_reassembled() -> None:
    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY[at : at + 7] for at in range(0, len(EMPTY), 7))
        await connection.send(["", paged(1)[:20], "", paged(1)[20:], ""])
        await connection.close()

    async with scripted_gateway(script) as address:
        events = await feed_events(address)
    assert events == [OPENED, FeedNotified(ATTEMPT, (OrderPaged(Order("1", state="located"), 1),)), CLOSED]


async def test_cancelling_closes_the_feed_cleanly_and_reports_nothing_more(gateway: SimulatedGateway) -> None:
    async with running_feed(at(gateway), Token(gateway.issue_token())) as (recorder, task):
        await recorder.wait_opened()
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < feed_connection.CLOSE_TIMEOUT
        await until(lambda: gateway.feeds == 0)
        gateway.restaurant.create()
        assert len(recorder.events) == 1


async def test_cancelling_during_a_burst_reports_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_and_cancel(text: bytes) -> object:
        """Cancel while a burst is read and before any of it is reported."""
        if "50" in str(text):
            task.cancel()
        return read_message(text)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        for number in range(100):
            await connection.send(paged(number))
        await connection.wait_closed()

    monkeypatch.setattr(module, "read_message", read_and_cancel)
    recorder = FeedRecorder()
    async with scripted_gateway(script) as address:
        task = asyncio.create_task(module.run_feed(ATTEMPT, address, Token(SECRET), recorder))
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 2)
        count = len(recorder.events)
        await asyncio.sleep(0.01)
        assert len(recorder.events) == count
        assert OrderPaged(Order("50", state="located"), 50) not in recorder.notifications


async def test_a_long_message_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop has to run before the message can be read; a message after it waits."""
    loop_ran = threading.Event()

    def read(data: bytes) -> object:
        if len(data) > module.LONG_MESSAGE:
            assert loop_ran.wait(10), "the loop waits for the parser"
        return read_message(data)

    long = json.dumps({"type": "ACTIVE_ORDERS", "items": [], "more": " " * module.LONG_MESSAGE})

    async def script(connection: ServerConnection) -> None:
        for message in (EMPTY, long, paged(1)):
            await connection.send(message)
        await connection.wait_closed()

    monkeypatch.setattr(module, "read_message", read)
    recorder = FeedRecorder()
    async with scripted_gateway(script) as address:
        task = asyncio.create_task(module.run_feed(ATTEMPT, address, Token(SECRET), recorder))
        asyncio.get_running_loop().call_later(0.2, loop_ran.set)
        await until(lambda: len(recorder.notifications) == 2)
        assert recorder.notifications[0] == OrdersReplaced(())
        assert isinstance(recorder.notifications[1], OrderPaged)
        assert gc.isenabled()
        task.cancel()


async def test_a_first_message_may_take_longer_to_read_than_to_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_MESSAGE_TIMEOUT", 0.2)
    monkeypatch.setattr(module, "LONG_MESSAGE", 1)
    recorder = FeedRecorder()

    def read(data: bytes) -> object:
        time.sleep(0.5)
        return read_message(data)

    monkeypatch.setattr(module, "read_message", read)

    async def script(connection: ServerConnection) -> None:
        await connection.send(EMPTY)
        await connection.wait_closed()

    async with scripted_gateway(script) as address:
        task = asyncio.create_task(module.run_feed(ATTEMPT, address, Token(SECRET), recorder))
        await until(lambda: recorder.events == [FeedOpened(ATTEMPT, ())])
        task.cancel()


async def test_cancelling_is_bounded_when_the_gateway_does_not_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_connection, "CLOSE_TIMEOUT", 0.1)
    async with (
        SimulatedGateway() as gateway,
        running_feed(at(gateway), Token(gateway.issue_token())) as (recorder, task),
    ):
        await recorder.wait_opened()
        gateway.silent = True
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.4
        assert len(recorder.events) == 1
        gateway.silent = False


async def test_cancelling_twice_leaves_no_task(gateway: SimulatedGateway) -> None:
    async with running_feed(at(gateway), Token(gateway.issue_token())) as (recorder, task):
        await recorder.wait_opened()
        gateway.silent = True
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.05)
        assert task.cancelled()
        await asyncio.sleep(0.05)
        assert not [one for one in asyncio.all_tasks() if "keepalive" in str(one.get_coro())]
        gateway.silent = False


async def test_deleting_the_token_ends_the_feed_as_refused(gateway: SimulatedGateway) -> None:
    async with running_feed(at(gateway), Token(gateway.issue_token())) as (recorder, task):
        await recorder.wait_opened()
        gateway.delete_tokens()
        await asyncio.wait_for(task, 2)
        assert recorder.events[1:] == [REFUSED]

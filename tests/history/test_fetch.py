"""Reading a gateway's history: batches, resumption, second readings, and transient errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from appliance.core.delivery import DAY, Finished
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder
from appliance.history.archive import Progress
from appliance.history.fetch import BATCH, Read, fetch
from appliance.history.paging import Mark
from tests.clock import virtual_time

NOW = 800_000_000.0


class Gateway:
    """Holds orders a minute apart, the newest first. fails: troubles of the next requests."""

    def __init__(self, orders: int) -> None:
        self.orders = [self.order(number) for number in range(orders)]
        self.asked: list[tuple[int, float | None]] = []
        self.fails: list[HistoryFailure | None] = []
        self.before: Callable[[], None] = lambda: None

    @staticmethod
    def order(number: float, *, active: bool = False) -> ListedOrder:
        began = NOW - number * 60.0
        finished = Finished(f"order {number}", created=began, cleared=began + 200.0)
        return ListedOrder(finished.uuid, None if active else finished)

    async def ask(self, offset: int, since: float | None) -> list[ListedOrder]:
        await asyncio.sleep(0.01)
        self.asked.append((offset, since))
        if self.fails and (trouble := self.fails.pop(0)) is not None:
            raise HistoryError(trouble)
        self.before()
        listed = [
            one for one in self.orders if since is None or one.finished is None or (one.finished.created or 0) >= since
        ]
        return listed[offset : offset + 100]


class Shelf:
    """Keeps what is kept, and how."""

    def __init__(self) -> None:
        self.uuids: list[str] = []
        self.progress = Progress()
        self.batches: list[tuple[int, Progress]] = []

    async def keep(self, orders: list[Finished], progress: Progress) -> int:
        new = [order.uuid for order in orders if order.uuid not in self.uuids]
        self.uuids += new
        self.progress = progress
        self.batches.append((len(orders), progress))
        return len(new)


async def read(gateway: Gateway, shelf: Shelf, *, whole: bool = True) -> Read:
    return await fetch(gateway.ask, shelf.keep, shelf.progress, whole=whole)


@virtual_time
async def test_a_fortnight_is_kept_in_a_few_batches_with_marks_in_between() -> None:
    gateway, shelf = Gateway(14_000), Shelf()
    told: list[tuple[int, float]] = []
    await fetch(gateway.ask, shelf.keep, Progress(), on_progress=lambda orders, part: told.append((orders, part)))
    assert len(shelf.uuids) == len(set(shelf.uuids)) == 14_000
    assert len([count for count, _ in shelf.batches if count]) <= 14_000 // BATCH + 1
    assert all(progress.mark is not None for _, progress in shelf.batches[:-1])
    assert shelf.progress.mark is None
    assert shelf.progress.read_to is not None
    assert NOW - DAY < shelf.progress.read_to <= NOW
    parts = [part for _, part in told]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(gateway.asked) < 14_000 / 90 + 25, "the second look is at the last day alone"


@virtual_time
async def test_an_empty_history_is_one_too() -> None:
    gateway, shelf = Gateway(0), Shelf()
    assert (await read(gateway, shelf)).new == 0
    assert gateway.asked == [(0, None)]


@virtual_time
async def test_what_fails_in_passing_is_asked_again_and_what_does_not_breaks_off_with_a_mark() -> None:
    gateway, shelf = Gateway(1000), Shelf()
    gateway.fails = [
        None,
        HistoryFailure.NO_ANSWER,
        HistoryFailure.TRUNCATED,
        HistoryFailure.UNAVAILABLE,
        None,
        HistoryFailure.NO_ANSWER,
    ]
    await read(gateway, shelf)
    assert len(shelf.uuids) == 1000
    shelf = Shelf()
    gateway.fails = [None, None, None, HistoryFailure.REFUSED]
    with pytest.raises(HistoryError) as caught:
        await read(gateway, shelf)
    assert caught.value.failure is HistoryFailure.REFUSED
    assert len(shelf.uuids) == 280
    assert shelf.progress.mark == Mark(270, tuple(f"order {number}" for number in range(270, 280)))
    gateway.asked.clear()
    await read(gateway, shelf)
    assert gateway.asked[0] == (270, None)
    assert len(shelf.uuids) == 1000
    assert shelf.progress.mark is None


@virtual_time
async def test_a_dead_line_is_given_up_after_a_few_tries() -> None:
    gateway, shelf = Gateway(10), Shelf()
    gateway.fails = [HistoryFailure.NO_ANSWER] * 9
    began = asyncio.get_running_loop().time()
    with pytest.raises(HistoryError):
        await read(gateway, shelf)
    assert len(gateway.asked) == 4
    assert asyncio.get_running_loop().time() - began < 10


@virtual_time
async def test_an_order_that_is_finished_behind_the_readers_back_is_found_by_a_second_look() -> None:
    gateway, shelf = Gateway(1000), Shelf()
    waiting = Gateway.order(3.5, active=True)
    gateway.orders.insert(4, waiting)

    def cleared() -> None:
        if len(gateway.asked) == 5:
            gateway.orders[4] = Gateway.order(3.5)

    gateway.before = cleared
    await read(gateway, shelf)
    assert "order 3.5" in shelf.uuids
    assert len(shelf.uuids) == 1001


@virtual_time
async def test_what_is_broken_off_for_long_is_gone_on_with_and_what_came_meanwhile_is_read_too() -> None:
    gateway, shelf = Gateway(1000), Shelf()
    gateway.fails = [None, None, None, HistoryFailure.FORBIDDEN]
    with pytest.raises(HistoryError):
        await read(gateway, shelf)
    gateway.orders[:0] = [Gateway.order(-number) for number in range(400, 0, -1)]
    await read(gateway, shelf)
    assert len(shelf.uuids) == 1400


@virtual_time
async def test_each_hour_only_the_last_day_is_read() -> None:
    gateway, shelf = Gateway(14_000), Shelf()
    await read(gateway, shelf)
    gateway.asked.clear()
    gateway.orders.insert(0, Gateway.order(-1))
    done = await read(gateway, shelf, whole=False)
    assert done.new == 1
    assert all(since is not None and since > NOW - 3 * DAY for _, since in gateway.asked)
    assert len(gateway.asked) < 50


@virtual_time
async def test_a_gateway_that_takes_no_dates_is_read_whole() -> None:
    gateway, shelf = Gateway(500), Shelf()
    shelf.progress = Progress(NOW)
    gateway.fails = [HistoryFailure.DATE]
    await read(gateway, shelf, whole=False)
    assert len(shelf.uuids) == 500


@virtual_time
async def test_clocks_that_ran_ahead_do_not_say_how_far_was_read() -> None:
    gateway, shelf = Gateway(1000), Shelf()
    gateway.orders[:0] = [Gateway.order(-600_000 - number) for number in range(5)]
    await read(gateway, shelf)
    assert shelf.progress.read_to is not None
    assert shelf.progress.read_to <= NOW
    assert len(shelf.uuids) == 1005

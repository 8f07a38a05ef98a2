"""Reading a gateway's history: batches, resumption, second readings, and transient errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from appliance.core.delivery import DAY, Finished
from appliance.gateway.history import HistoryError, HistoryFailure, ListedOrder
from appliance.history.archive import Progress
from appliance.history.chunks import Mark
from appliance.history.fetch import BATCH, Read, fetch
from tests.clock import virtual_time

NOW = 800_000_000.0


class Gateway:
    """Lists orders a minute apart, the newest first. fails: the failures of the next requests."""

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
        if self.fails and (failure := self.fails.pop(0)) is not None:
            raise HistoryError(failure)
        self.before()
        listed = [
            one for one in self.orders if since is None or one.finished is None or (one.finished.created or 0) >= since
        ]
        return listed[offset : offset + 100]


class StoredOrders:
    """Records the stored orders, and each batch."""

    def __init__(self) -> None:
        self.uuids: list[str] = []
        self.progress = Progress()
        self.batches: list[tuple[int, Progress]] = []

    async def store(self, orders: list[Finished], progress: Progress) -> int:
        new = [order.uuid for order in orders if order.uuid not in self.uuids]
        self.uuids += new
        self.progress = progress
        self.batches.append((len(orders), progress))
        return len(new)


async def read(gateway: Gateway, stored: StoredOrders, *, whole: bool = True) -> Read:
    return await fetch(gateway.ask, stored.store, stored.progress, whole=whole)


@virtual_time
async def test_a_fortnight_is_stored_in_few_batches_with_marks() -> None:
    gateway, stored = Gateway(14_000), StoredOrders()
    reported: list[tuple[int, float]] = []
    await fetch(gateway.ask, stored.store, Progress(), on_progress=lambda orders, part: reported.append((orders, part)))
    assert len(stored.uuids) == len(set(stored.uuids)) == 14_000
    assert len([count for count, _ in stored.batches if count]) <= 14_000 // BATCH + 1
    assert all(progress.mark is not None for _, progress in stored.batches[:-1])
    assert stored.progress.mark is None
    assert stored.progress.read_to is not None
    assert NOW - DAY < stored.progress.read_to <= NOW
    parts = [part for _, part in reported]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(gateway.asked) < 14_000 / 90 + 25, "the second reading covers only the last day"


@virtual_time
async def test_an_empty_history_takes_one_request() -> None:
    gateway, stored = Gateway(0), StoredOrders()
    assert (await read(gateway, stored)).new == 0
    assert gateway.asked == [(0, None)]


@virtual_time
async def test_transient_errors_are_retried_and_others_leave_a_mark() -> None:
    gateway, stored = Gateway(1000), StoredOrders()
    gateway.fails = [
        None,
        HistoryFailure.NO_ANSWER,
        HistoryFailure.TRUNCATED,
        HistoryFailure.UNAVAILABLE,
        None,
        HistoryFailure.NO_ANSWER,
    ]
    await read(gateway, stored)
    assert len(stored.uuids) == 1000
    stored = StoredOrders()
    gateway.fails = [None, None, None, HistoryFailure.REFUSED]
    with pytest.raises(HistoryError) as caught:
        await read(gateway, stored)
    assert caught.value.failure is HistoryFailure.REFUSED
    assert len(stored.uuids) == 280
    assert stored.progress.mark == Mark(270, tuple(f"order {number}" for number in range(270, 280)))
    gateway.asked.clear()
    await read(gateway, stored)
    assert gateway.asked[0] == (270, None)
    assert len(stored.uuids) == 1000
    assert stored.progress.mark is None


@virtual_time
async def test_a_silent_gateway_is_retried_three_times() -> None:
    gateway, stored = Gateway(10), StoredOrders()
    gateway.fails = [HistoryFailure.NO_ANSWER] * 9
    began = asyncio.get_running_loop().time()
    with pytest.raises(HistoryError):
        await read(gateway, stored)
    assert len(gateway.asked) == 4
    assert asyncio.get_running_loop().time() - began < 10


@virtual_time
async def test_a_second_reading_finds_an_order_finished_during_the_first() -> None:
    gateway, stored = Gateway(1000), StoredOrders()
    waiting = Gateway.order(3.5, active=True)
    gateway.orders.insert(4, waiting)

    def cleared() -> None:
        if len(gateway.asked) == 5:
            gateway.orders[4] = Gateway.order(3.5)

    gateway.before = cleared
    await read(gateway, stored)
    assert "order 3.5" in stored.uuids
    assert len(stored.uuids) == 1001


@virtual_time
async def test_a_resumed_reading_also_finds_newer_orders() -> None:
    gateway, stored = Gateway(1000), StoredOrders()
    gateway.fails = [None, None, None, HistoryFailure.FORBIDDEN]
    with pytest.raises(HistoryError):
        await read(gateway, stored)
    gateway.orders[:0] = [Gateway.order(-number) for number in range(400, 0, -1)]
    await read(gateway, stored)
    assert len(stored.uuids) == 1400


@virtual_time
async def test_an_hourly_sync_reads_only_the_last_day() -> None:
    gateway, stored = Gateway(14_000), StoredOrders()
    await read(gateway, stored)
    gateway.asked.clear()
    gateway.orders.insert(0, Gateway.order(-1))
    done = await read(gateway, stored, whole=False)
    assert done.new == 1
    assert all(since is not None and since > NOW - 3 * DAY for _, since in gateway.asked)
    assert len(gateway.asked) < 50


@virtual_time
async def test_without_a_date_filter_the_whole_history_is_read() -> None:
    gateway, stored = Gateway(500), StoredOrders()
    stored.progress = Progress(NOW)
    gateway.fails = [HistoryFailure.DATE]
    await read(gateway, stored, whole=False)
    assert len(stored.uuids) == 500


@virtual_time
async def test_times_from_a_fast_clock_do_not_advance_the_progress() -> None:
    gateway, stored = Gateway(1000), StoredOrders()
    gateway.orders[:0] = [Gateway.order(-600_000 - number) for number in range(5)]
    await read(gateway, stored)
    assert stored.progress.read_to is not None
    assert stored.progress.read_to <= NOW
    assert len(stored.uuids) == 1005

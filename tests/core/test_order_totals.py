"""The totals of the active orders."""

from __future__ import annotations

from appliance.core.order_totals import next_late, oldest, summary
from appliance.core.orders import OrderBook, replaced
from appliance.core.values import Benchmarks, Order

TIMES = Benchmarks()
NOON = 12 * 3600.0


def order(uuid: str, created: float = NOON, **others: object) -> Order:
    return Order(uuid, uuid, created=created, changed=created, **others)  # type: ignore[arg-type]


def test_orders_just_at_a_benchmark() -> None:
    ages = (TIMES.late_after - 1, TIMES.late_after, TIMES.forget_after - 1, TIMES.forget_after)
    book = replaced(OrderBook(), [Order(str(age), elapsed=age) for age in ages], 0.0)
    totals = summary(book, TIMES, 0.0)
    assert (totals.late, totals.forgotten, totals.oldest) == (2, 1, TIMES.forget_after - 1)
    found = oldest(book, TIMES, 0.0, 9)
    assert [held.order.elapsed for held in found] == [ages[2], ages[1], ages[0]]
    assert [held.order.elapsed for held in oldest(book, TIMES, 0.0, 2)] == [ages[2], ages[1]]


def test_orders_to_go_are_counted() -> None:
    book = replaced(OrderBook(), [Order("a", order_type="TO_GO"), Order("b", order_type="ON_PREMISE")], 0.0)
    assert summary(book, TIMES, 0.0).to_go == 1


def test_a_forgotten_order_counts_but_does_not_alarm() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=TIMES.forget_after + 1), order("b", elapsed=10)], 0.0)
    totals = summary(book, TIMES, 0.0)
    assert (totals.active, totals.forgotten, totals.late, totals.oldest) == (2, 1, 0, 10)


def test_the_next_late_order_is_found_and_not_found_twice() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=100), order("b", elapsed=250), order("c", elapsed=400)], 0.0)
    assert next_late(book, TIMES, 0.0) == 50.0
    assert next_late(book, TIMES, 50.0) == 200.0
    assert next_late(book, TIMES, 200.0) is None
    assert summary(book, TIMES, 50.0).late == 2

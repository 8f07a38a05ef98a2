"""What was delivered today, against a plain reckoning of the same."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.events import OrderChanged
from appliance.core.orders import OrderBook, fold, replaced
from appliance.core.tally import DAY, STEP, Tally
from appliance.core.values import Order


@given(st.lists(st.none() | st.floats(0, 3600 - STEP), min_size=1, max_size=60))
def test_the_figures_are_those_of_a_plain_list(ages: list[float | None]) -> None:
    tally = Tally().on(0.0, 0.0)
    for start in range(0, len(ages), 7):
        tally = tally.delivered_all(ages[start : start + 7])
    known = [age for age in ages if age is not None]
    assert tally.delivered == len(ages)
    if not known:
        assert (tally.average, tally.median, tally.within(300.0)) == (None, None, None)
        return
    assert tally.average == pytest.approx(statistics.mean(known))
    assert tally.median == pytest.approx(statistics.median_low(known), abs=STEP)
    assert tally.within(300.0) == pytest.approx(sum(age < 300.0 for age in known) / len(known))


def test_another_day_of_the_gateway_begins_anew() -> None:
    tally = Tally().on(DAY * 3 - 100.0, 0.0).delivered_all([60.0])
    assert (tally.day, tally.delivered) == (2, 1)
    assert tally.on(DAY * 3 - 100.0, 99.0) is tally
    fresh = tally.on(DAY * 3 - 100.0, 100.0)
    assert (fresh.day, fresh.delivered, fresh.since) == (3, 0, 100.0)


def test_an_order_that_takes_a_day_is_counted_all_the_same() -> None:
    tally = Tally().on(None, 5.0).delivered_all([DAY])
    assert (tally.delivered, tally.average, tally.since) == (1, DAY, 5.0)
    assert tally.within(300.0) == 0.0


def test_orders_that_are_cleared_and_that_vanish_are_delivered() -> None:
    day = Order("x", created=DAY * 10 + 3600.0)
    book = replaced(OrderBook(), [day, Order("a", elapsed=100.0), Order("b"), Order("c")], 0.0)
    book = fold(book, [OrderChanged(Order("a", state="cleared"))], 20.0).book
    book = fold(book, [OrderChanged(Order("b", state="cleared"))], 20.0).book
    assert (book.today.delivered, book.today.timed, book.today.average) == (2, 1, 120.0)
    book = replaced(book, [day], 30.0)
    assert (book.today.delivered, book.today.timed) == (3, 1), "c went while nobody looked"

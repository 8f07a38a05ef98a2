"""The index of the orders against a simple model, at and around each limit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.order_age import Held
from appliance.core.order_index import IndexCache
from appliance.core.order_totals import ROUNDING, next_late, oldest, summary
from appliance.core.orders import OrderBook
from appliance.core.values import TO_GO, Benchmarks, Order

NOW = 1e5
TIMES = Benchmarks()
_limits = [0.0, TIMES.warn_after, TIMES.late_after, TIMES.forget_after, 17.0, 1e4]
_ages = st.builds(
    lambda limit, more: limit + more, st.sampled_from(_limits), st.sampled_from([0.0, 1e-9, -1e-9, 2e-6, -2e-6, 0.5])
)
_held = st.builds(
    lambda uuid, age, exact, paged, to_go: Held(
        Order(uuid, "1", TO_GO if to_go else "ON_PREMISE", paged=paged), NOW - age, exact
    ),
    st.uuids().map(str),
    _ages,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
_books = st.lists(_held, max_size=9).map(lambda orders: OrderBook({held.order.uuid: held for held in orders}))


@given(_books)
def test_totals_are_those_of_a_simple_count(book: OrderBook) -> None:
    ages = {uuid: NOW - held.since for uuid, held in book.held.items()}
    remembered = [held for uuid, held in book.held.items() if ages[uuid] < TIMES.forget_after]
    totals = summary(book, TIMES, NOW)
    assert totals.active == len(book.held)
    assert totals.paged == sum(held.order.paged for held in book.held.values())
    assert totals.to_go == sum(held.order.order_type == TO_GO for held in book.held.values())
    assert totals.forgotten == len(book.held) - len(remembered)
    assert totals.late == sum(NOW - held.since >= TIMES.late_after - ROUNDING for held in remembered)
    first = min(remembered, key=lambda held: held.since, default=None)
    assert totals.oldest == (None if first is None else max(0.0, NOW - first.since))
    assert totals.at_least == (first is not None and not first.exact)


@given(_books, st.integers(0, 5))
def test_the_oldest_and_the_next_late_are_those_of_a_simple_search(book: OrderBook, most: int) -> None:
    remembered = [held for held in book.held.values() if held.since > NOW - TIMES.forget_after]
    assert oldest(book, TIMES, NOW, most) == sorted(remembered, key=lambda held: held.since)[:most]
    coming = [held.since for held in book.held.values() if held.since > NOW - TIMES.late_after + ROUNDING]
    assert next_late(book, TIMES, NOW) == (min(coming) + TIMES.late_after if coming else None)


@given(_books, _books)
def test_the_cache_never_gives_the_index_of_other_orders(one: OrderBook, other: OrderBook) -> None:
    cache = IndexCache()
    for book in (one, other, one, replace(one, held=other.held), replace(other, today=one.today)):
        index = cache.of(book.held)
        assert sorted(held.order.uuid for held in index.by_age) == sorted(book.held)
        assert book.index == index
    assert replace(one, held=other.held) == OrderBook(other.held)

"""The index of the orders against a simple model, at and around each limit."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.order_age import Held
from appliance.core.order_index import IndexCache
from appliance.core.order_totals import ROUNDING, late_between, next_late, oldest, oldest_of_each_kind, summary
from appliance.core.orders import OrderBook
from appliance.core.values import TO_GO, Benchmarks, Order, ToGoBenchmarks

NOW = 1e5
TIMES = Benchmarks(to_go=ToGoBenchmarks(600.0, 900.0))
_limits = [0.0, TIMES.warn_after, TIMES.late_after, 900.0, TIMES.forget_after, 17.0, 1e4]
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


def late_after(held: Held) -> float:
    return 900.0 if held.order.order_type == TO_GO else 300.0


@given(_books)
def test_totals_are_those_of_a_simple_count(book: OrderBook) -> None:
    ages = {uuid: NOW - held.since for uuid, held in book.held.items()}
    remembered = [held for uuid, held in book.held.items() if ages[uuid] < TIMES.forget_after]
    totals = summary(book, TIMES, NOW)
    assert totals.active == len(book.held)
    assert totals.paged == sum(held.order.paged for held in book.held.values())
    assert totals.to_go == sum(held.order.order_type == TO_GO for held in book.held.values())
    assert totals.forgotten == len(book.held) - len(remembered)
    assert totals.late == sum(NOW - held.since >= late_after(held) - ROUNDING for held in remembered)
    first = min(remembered, key=lambda held: held.since, default=None)
    assert totals.oldest == (None if first is None else max(0.0, NOW - first.since))
    assert totals.at_least == (first is not None and not first.exact)


@given(_books, st.integers(0, 5))
def test_the_oldest_and_the_next_late_are_those_of_a_simple_search(book: OrderBook, most: int) -> None:
    remembered = [held for held in book.held.values() if held.since > NOW - TIMES.forget_after]
    assert oldest(book, TIMES, NOW, most) == sorted(remembered, key=lambda held: held.since)[:most]
    held = list(book.held.values())
    coming = [one.since + late_after(one) for one in held if one.since > NOW - late_after(one) + ROUNDING]
    assert next_late(book, TIMES, NOW) == min(coming, default=None)


@given(_books, st.floats(0, 1000))
def test_the_orders_that_became_late_are_those_of_a_simple_search(book: OrderBook, seconds: float) -> None:
    first = NOW - seconds
    found = [
        held.order.uuid
        for held in book.held.values()
        if first - late_after(held) - ROUNDING < held.since <= NOW - late_after(held) + ROUNDING
    ]
    assert sorted(held.order.uuid for held in late_between(book, TIMES, first, NOW)) == sorted(found)


@given(_books)
def test_the_oldest_order_of_each_kind_is_that_of_a_simple_search(book: OrderBook) -> None:
    remembered = [held for held in book.held.values() if NOW - held.since < TIMES.forget_after]
    kinds = [[held for held in remembered if (held.order.order_type == TO_GO) is to_go] for to_go in (False, True)]
    oldest_of_each = [min(kind, key=lambda held: held.since) for kind in kinds if kind]
    assert [held.since for held in oldest_of_each_kind(book, TIMES, NOW)] == [held.since for held in oldest_of_each]


@given(_books, _books)
def test_the_cache_never_gives_the_index_of_other_orders(one: OrderBook, other: OrderBook) -> None:
    cache = IndexCache()
    for book in (one, other, one, replace(one, held=other.held), replace(other, today=one.today)):
        index = cache.of(book.held)
        assert sorted(held.order.uuid for held in index.by_age) == sorted(book.held)
        assert book.index == index
    assert replace(one, held=other.held) == OrderBook(other.held)

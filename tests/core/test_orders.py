"""The order book against a simple model, and by worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.folding import fold
from appliance.core.notifications import (
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.order_totals import summary
from appliance.core.orders import OrderBook, newly_paged, replaced
from appliance.core.values import Benchmarks, Order, Unreadable
from tests.core.test_machine_properties import notifications

TIMES = Benchmarks()
NOON = 12 * 3600.0


def order(uuid: str, created: float = NOON, **others: object) -> Order:
    return Order(uuid, uuid, created=created, changed=created, **others)  # type: ignore[arg-type]


@given(st.lists(st.lists(notifications, max_size=8), max_size=6))
def test_counts_equal_a_simple_model(batches: list[list[Notification]]) -> None:
    book, model, now = OrderBook(), dict[str, bool](), 0.0
    unread, cleared, nameless, unlisted = set[str](), set[str](), 0, 0
    for batch in batches:
        now += 1.0
        book = fold(book, batch, now).book
        for one in batch:
            match one:
                case OrderChanged(Order(uuid, state="strange"), created=False) if (
                    uuid not in model and uuid not in unread
                ):
                    # An unknown state of an unknown order is rather an end.
                    pass
                case OrderChanged(told) | OrderPaged(told):
                    created = isinstance(one, OrderChanged) and one.created
                    again = told.state == "cleared" and told.uuid in cleared
                    if told.uuid not in model and told.uuid not in unread and not created and not again:
                        unlisted = max(0, unlisted - 1)
                    unread.discard(told.uuid)
                    if told.state == "cleared":
                        model.pop(told.uuid, None)
                        cleared.add(told.uuid)
                    else:
                        model[told.uuid] = told.paged
                        cleared.discard(told.uuid)
                case OrdersReplaced(orders, unreadable):
                    vanished = set(model)
                    model = {o.uuid: o.paged for o in orders if o.state != "cleared"}
                    if unreadable.nameless <= nameless and not unreadable.unlisted:
                        cleared |= vanished - set(model) - unreadable.uuids
                    cleared -= set(model)
                    unread, nameless, unlisted = set(unreadable.uuids), unreadable.nameless, unreadable.unlisted
                case _:
                    pass
        told_now = summary(book, TIMES, now)
        assert told_now.active == len(model) + len(unread) + nameless + unlisted
        assert told_now.unreadable == len(unread) + nameless + unlisted
        assert told_now.paged == sum(model.values())
        assert told_now.oldest is None or told_now.oldest >= 0


@given(st.lists(notifications, max_size=12), st.integers(1, 5))
def test_a_burst_has_the_same_result_as_single_notifications(burst: list[Notification], size: int) -> None:
    at_once = fold(OrderBook(), burst, 5.0).book
    book = OrderBook()
    for start in range(0, len(burst), size):
        book = fold(book, burst[start : start + size], 5.0).book
    assert {uuid: held.order for uuid, held in book.held.items()} == {u: h.order for u, h in at_once.held.items()}
    assert book.unreadable == at_once.unreadable


def test_a_fold_reports_pages_and_doubts() -> None:
    book = replaced(OrderBook(), [order("a")], 0.0)
    assert fold(book, [OrderChanged(order("b"))], 1.0).unknown, "a change to an unknown order"
    assert not fold(book, [OrderChanged(order("b"), created=True)], 1.0).unknown
    assert fold(book, [OrderPaged(order("b", paged=True))], 1.0).unknown
    assert fold(book, [MessageUnusable()], 1.0).unusable
    assert not fold(book, [MessageUnusable(), OrdersReplaced(())], 1.0).unusable, "the whole set resolves the doubt"
    assert fold(book, [OrdersReplaced(())], 1.0).whole


def test_unreadable_orders_count_until_they_are_readable() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=60)], 0.0, Unreadable(frozenset("bc"), 1))
    totals = summary(book, TIMES, 0.0)
    assert (totals.active, totals.unreadable, totals.oldest, totals.at_least) == (4, 3, 60, True), (
        "another may be older"
    )
    read = fold(book, [OrderChanged(order("b"))], 1.0)
    assert not read.unknown, "the whole set had it"
    assert (read.book.active, read.book.unreadable.count) == (4, 2)
    gone = fold(read.book, [OrderPaged(order("c", state="cleared"))], 2.0)
    assert not gone.unknown
    assert (gone.book.active, gone.book.unreadable.count) == (3, 1)
    totals = summary(fold(gone.book, [OrdersReplaced((order("a"),))], 3.0).book, TIMES, 3.0)
    assert (totals.active, totals.unreadable, totals.at_least) == (1, 0, False)


def test_an_order_that_became_unreadable_is_not_delivered() -> None:
    book = replaced(OrderBook(), [order("a"), order("b"), order("c")], 0.0)
    named = fold(book, [OrdersReplaced((order("a"),), Unreadable(frozenset("b")))], 1.0).book
    assert list(named.today.unarchived) == ["c"]
    nameless = replaced(book, [order("a")], 1.0, Unreadable(nameless=1))
    assert not nameless.today.unarchived, "which of the two it is, is unknown"
    assert list(replaced(nameless, [], 2.0, Unreadable(nameless=1)).today.unarchived) == ["a"]


def test_sets_with_different_unreadable_orders_differ() -> None:
    book, more = (replaced(OrderBook(), [order("a")], 0.0, Unreadable(nameless=number)) for number in (1, 2))
    assert book.same_orders(book)
    assert not book.same_orders(more)


def test_every_way_of_becoming_paged_counts_once() -> None:
    book = replaced(OrderBook(), [order("a")], 0.0)
    assert fold(book, [OrderPaged(order("a", paged=True))], 1.0).paged == ("a",)
    assert fold(book, [OrderChanged(order("a", paged=True))], 1.0).paged == ("a",)
    assert fold(book, [OrdersReplaced((order("a", paged=True),))], 1.0).paged == ("a",)
    assert fold(book, [OrderChanged(order("b", paged=True), created=True)], 1.0).paged == ("b",)
    paged = fold(book, [OrderPaged(order("a", paged=True))], 1.0).book
    assert fold(paged, [OrderChanged(order("a", paged=True))], 2.0).paged == (), "it was paged before"
    assert fold(paged, [OrderPaged(order("a", paged=True))], 2.0).paged == ("a",), "it was paged again"
    assert fold(paged, [OrderPaged(order("a", state="cleared"))], 2.0).paged == ()
    assert newly_paged(book, paged) == ("a",)
    assert newly_paged(paged, paged) == ()


@pytest.mark.parametrize("unreadable", [Unreadable(frozenset("a")), Unreadable(nameless=1), Unreadable(unlisted=1)])
def test_an_order_that_becomes_readable_again_is_not_paged_again(unreadable: Unreadable) -> None:
    again = order("a", paged=True)
    paged = fold(OrderBook(), [OrderPaged(again)], 1.0).book
    lost = replaced(replaced(paged, [], 2.0, unreadable), [], 3.0, unreadable)
    assert fold(lost, [OrdersReplaced((again,))], 4.0).paged == ()
    assert fold(lost, [OrderChanged(again)], 4.0).paged == ()
    assert fold(lost, [OrderPaged(again)], 4.0).paged == ("a",), "the gateway says so"
    assert newly_paged(lost, replaced(lost, [again], 4.0)) == ()


def test_a_vanished_order_is_cleared_when_it_is_missed() -> None:
    book = replaced(OrderBook(), [order("a"), order("b")], 100.0)
    assert replaced(book, [order("b")], 160.0).today.unarchived["a"].cleared == NOON + 60


def test_an_order_cleared_without_a_time_is_cleared_now() -> None:
    book = replaced(OrderBook(), [order("a")], 100.0)
    cleared = Order("a", state="cleared", created=NOON)
    assert fold(book, [OrderChanged(cleared)], 160.0).book.today.unarchived["a"].cleared == NOON + 60


def test_a_set_after_an_unreadable_one_in_the_same_burst_counts_no_order_as_delivered() -> None:
    book = replaced(OrderBook(), [order("a")], 0.0, Unreadable(nameless=1))
    burst: list[Notification] = [OrdersReplaced((), Unreadable(nameless=1))]
    assert list(fold(book, burst, 1.0).book.today.unarchived) == ["a"]
    unknown = replaced(OrderBook(), [order("a")], 0.0)
    assert not fold(unknown, burst, 1.0).book.today.unarchived


def test_the_day_is_that_of_the_gateway() -> None:
    day = 24 * 3600.0
    book = fold(OrderBook(), [OrderChanged(order("a", 5 * day + NOON), created=True)], 50.0).book
    assert (book.today.day, book.today.since) == (5, 50.0)
    assert replaced(OrderBook(), [order("a", 5 * day + NOON)], 50.0).today.day == 5


def test_books_with_the_same_orders_are_equal_despite_their_ages() -> None:
    book = replaced(OrderBook(), [Order("a", elapsed=5.0)], 0.0)
    assert book.same_orders(replaced(OrderBook(), [Order("a", elapsed=9.0)], 7.0))
    assert not book.same_orders(replaced(OrderBook(), [Order("a", elapsed=5.0, paged=True)], 0.0))
    assert not book.same_orders(replaced(OrderBook(), [Order("b", elapsed=5.0)], 0.0))
    assert not book.same_orders(replaced(OrderBook(), [Order("a", elapsed=5.0), Order("b")], 0.0))


def test_a_reused_tracker_is_another_order() -> None:
    book = replaced(OrderBook(), [Order("u1", "23"), Order("u2", "24")], 0.0)
    book = fold(book, [OrderChanged(Order("u1", "23", state="cleared"))], 600.0).book
    book = fold(book, [OrderChanged(Order("u3", "23"), created=True)], 660.0).book
    assert set(book.held) == {"u2", "u3"}
    assert book.held["u3"].since == 660.0

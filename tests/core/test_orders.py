"""The order book against a simple model, and the ages by worked examples."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.events import MessageUnusable, Notification, OrderChanged, OrderPaged, OrdersReplaced
from appliance.core.orders import OrderBook, fold, newly_paged, next_late, replaced, summary
from appliance.core.values import Benchmarks, Order, Unreadable
from tests.core.test_machine_properties import notifications

TIMES = Benchmarks()
NOON = 12 * 3600.0


def order(uuid: str, created: float = NOON, **others: object) -> Order:
    return Order(uuid, uuid, created=created, changed=created, **others)  # type: ignore[arg-type]


@given(st.lists(st.lists(notifications, max_size=8), max_size=6))
def test_counts_equal_a_simple_model(batches: list[list[Notification]]) -> None:
    book, model, now = OrderBook(), dict[str, bool](), 0.0
    unread, nameless = set[str](), 0
    for batch in batches:
        now += 1.0
        book = fold(book, batch, now).book
        for one in batch:
            match one:
                case OrderChanged(told) | OrderPaged(told):
                    unread.discard(told.uuid)
                    if told.state == "cleared":
                        model.pop(told.uuid, None)
                    else:
                        model[told.uuid] = told.paged
                case OrdersReplaced(orders, unreadable):
                    model = {o.uuid: o.paged for o in orders if o.state != "cleared"}
                    unread, nameless = set(unreadable.uuids), unreadable.nameless
                case _:
                    pass
        told_now = summary(book, TIMES, now)
        assert told_now.active == len(model) + len(unread) + nameless
        assert told_now.unreadable == len(unread) + nameless
        assert told_now.paged == sum(model.values())
        assert told_now.oldest is None or told_now.oldest >= 0


@given(st.lists(notifications, max_size=12), st.integers(1, 5))
def test_a_burst_told_at_once_is_what_it_is_one_by_one(burst: list[Notification], size: int) -> None:
    at_once = fold(OrderBook(), burst, 5.0).book
    book = OrderBook()
    for start in range(0, len(burst), size):
        book = fold(book, burst[start : start + size], 5.0).book
    assert {uuid: held.order for uuid, held in book.held.items()} == {u: h.order for u, h in at_once.held.items()}
    assert book.unreadable == at_once.unreadable


@given(st.lists(notifications, max_size=12))
def test_no_order_grows_younger_while_it_is_held(burst: list[Notification]) -> None:
    book = OrderBook()
    for now, one in enumerate(burst):
        after = fold(book, [one], float(now)).book
        for uuid, held in after.held.items():
            if uuid in book.held:
                assert held.since <= book.held[uuid].since + 1e-6
        book = after


def test_what_is_told_of_a_run_of_notifications() -> None:
    book = replaced(OrderBook(), [order("a")], 0.0)
    assert fold(book, [OrderChanged(order("b"))], 1.0).unknown, "a change to an order that we do not hold"
    assert not fold(book, [OrderChanged(order("b"), created=True)], 1.0).unknown
    assert fold(book, [OrderPaged(order("b", paged=True))], 1.0).unknown
    assert fold(book, [MessageUnusable()], 1.0).unusable
    assert not fold(book, [MessageUnusable(), OrdersReplaced(())], 1.0).unusable, "the whole set mends it"
    assert fold(book, [OrdersReplaced(())], 1.0).whole


def test_what_cannot_be_read_is_counted_until_it_can() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=60)], 0.0, Unreadable(frozenset("bc"), 1))
    told = summary(book, TIMES, 0.0)
    assert (told.active, told.unreadable, told.oldest, told.at_least) == (4, 3, 60, True), "another may be older"
    read = fold(book, [OrderChanged(order("b"))], 1.0)
    assert not read.unknown, "the whole set had it"
    assert (read.book.active, read.book.unreadable.count) == (4, 2)
    gone = fold(read.book, [OrderPaged(order("c", state="cleared"))], 2.0)
    assert not gone.unknown
    assert (gone.book.active, gone.book.unreadable.count) == (3, 1)
    told = summary(fold(gone.book, [OrdersReplaced((order("a"),))], 3.0).book, TIMES, 3.0)
    assert (told.active, told.unreadable, told.at_least) == (1, 0, False)


def test_an_order_that_cannot_be_read_any_more_is_not_delivered() -> None:
    book = replaced(OrderBook(), [order("a"), order("b"), order("c")], 0.0)
    named = fold(book, [OrdersReplaced((order("a"),), Unreadable(frozenset("b")))], 1.0).book
    assert list(named.today.unarchived) == ["c"]
    nameless = replaced(book, [order("a")], 1.0, Unreadable(nameless=1))
    assert not nameless.today.unarchived, "it is one of the two, and nobody knows which"
    assert list(replaced(nameless, [], 2.0, Unreadable(nameless=1)).today.unarchived) == ["a"]


def test_a_set_differs_from_one_with_more_that_cannot_be_read() -> None:
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


def test_a_set_is_aged_by_the_gateways_own_latest_time() -> None:
    book = replaced(OrderBook(), [order("a", NOON), order("b", NOON + 420)], 100.0)
    told = summary(book, TIMES, 100.0)
    assert told.oldest == 420
    assert told.at_least, "the gateway's clock may have run on since"
    assert summary(book, TIMES, 160.0).oldest == 480


def test_elapsed_time_is_an_exact_age() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=431)], 100.0)
    told = summary(book, TIMES, 100.0)
    assert (told.oldest, told.at_least) == (431, False)


def test_elapsed_time_of_one_order_tells_the_clock_for_the_others() -> None:
    book = replaced(OrderBook(), [order("a", NOON, elapsed=60), order("b", NOON - 600)], 100.0)
    assert summary(book, TIMES, 100.0).oldest == 660


def test_a_new_order_tells_the_clock_and_settles_what_was_at_least() -> None:
    book = replaced(OrderBook(), [order("a", NOON)], 100.0)
    assert summary(book, TIMES, 130.0).at_least
    book = fold(book, [OrderChanged(order("b", NOON + 300), created=True)], 130.0).book
    told = summary(book, TIMES, 130.0)
    assert (told.oldest, told.at_least) == (300, False)


def test_a_clock_that_is_set_makes_no_order_old() -> None:
    book = replaced(OrderBook(), [order("a", NOON)], 100.0)
    book = fold(book, [OrderChanged(order("b", NOON + 30 * 365 * 86400), created=True)], 130.0).book
    assert summary(book, TIMES, 130.0).oldest == 30
    set_back = replaced(book, [order("c", 0.0), order("d", 60.0)], 140.0)
    assert summary(set_back, TIMES, 140.0).oldest == 60


def test_an_order_keeps_its_age_through_a_reconnection() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=100)], 0.0)
    again = replaced(book, [order("a"), order("b", NOON + 10)], 50.0)
    assert summary(again, TIMES, 50.0).oldest == 150


def test_a_tracker_that_comes_back_is_another_order() -> None:
    book = replaced(OrderBook(), [Order("u1", "23"), Order("u2", "24")], 0.0)
    book = fold(book, [OrderChanged(Order("u1", "23", state="cleared"))], 600.0).book
    book = fold(book, [OrderChanged(Order("u3", "23"), created=True)], 660.0).book
    assert set(book.held) == {"u2", "u3"}
    assert book.held["u3"].since == 660.0


def test_what_nobody_clears_counts_but_alarms_no_more() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=TIMES.forget_after + 1), order("b", elapsed=10)], 0.0)
    told = summary(book, TIMES, 0.0)
    assert (told.active, told.forgotten, told.late, told.oldest) == (2, 1, 0, 10)


def test_the_next_late_order_is_found_and_not_found_twice() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=100), order("b", elapsed=250), order("c", elapsed=400)], 0.0)
    assert next_late(book, TIMES, 0.0) == 50.0
    assert next_late(book, TIMES, 50.0) == 200.0
    assert next_late(book, TIMES, 200.0) is None
    assert summary(book, TIMES, 50.0).late == 2

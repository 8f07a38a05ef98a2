"""The order book against a simple model, and the ages by worked examples."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from appliance.core.events import MessageUnusable, Notification, OrderChanged, OrderPaged, OrdersReplaced
from appliance.core.orders import OrderBook, fold, newly_paged, next_late, oldest, replaced, summary
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
                case OrderChanged(changed) | OrderPaged(changed):
                    unread.discard(changed.uuid)
                    if changed.state == "cleared":
                        model.pop(changed.uuid, None)
                    else:
                        model[changed.uuid] = changed.paged
                case OrdersReplaced(orders, unreadable):
                    model = {o.uuid: o.paged for o in orders if o.state != "cleared"}
                    unread, nameless = set(unreadable.uuids), unreadable.nameless
                case _:
                    pass
        totals = summary(book, TIMES, now)
        assert totals.active == len(model) + len(unread) + nameless
        assert totals.unreadable == len(unread) + nameless
        assert totals.paged == sum(model.values())
        assert totals.oldest is None or totals.oldest >= 0


@given(st.lists(notifications, max_size=12), st.integers(1, 5))
def test_a_burst_has_the_same_result_as_single_notifications(burst: list[Notification], size: int) -> None:
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


def test_a_set_is_aged_by_the_gateways_own_latest_time() -> None:
    book = replaced(OrderBook(), [order("a", NOON), order("b", NOON + 420)], 100.0)
    totals = summary(book, TIMES, 100.0)
    assert totals.oldest == 420
    assert totals.at_least, "the gateway's clock may have run on since"
    assert summary(book, TIMES, 160.0).oldest == 480


def test_elapsed_time_is_an_exact_age() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=431)], 100.0)
    totals = summary(book, TIMES, 100.0)
    assert (totals.oldest, totals.at_least) == (431, False)


def test_elapsed_time_of_one_order_reveals_the_clock_for_the_others() -> None:
    book = replaced(OrderBook(), [order("a", NOON, elapsed=60), order("b", NOON - 600)], 100.0)
    assert summary(book, TIMES, 100.0).oldest == 660


def test_a_new_order_reveals_the_clock_and_makes_lower_bounds_exact() -> None:
    book = replaced(OrderBook(), [order("a", NOON)], 100.0)
    assert summary(book, TIMES, 130.0).at_least
    book = fold(book, [OrderChanged(order("b", NOON + 300), created=True)], 130.0).book
    totals = summary(book, TIMES, 130.0)
    assert (totals.oldest, totals.at_least) == (300, False)


def test_a_modified_order_reveals_the_clock() -> None:
    first = order("a", NOON)
    book = fold(OrderBook(), [OrderChanged(replace(first, changed=NOON + 100))], 50.0).book
    assert (book.offset, book.offset_exact) == (NOON + 100 - 50.0, False)
    assert summary(book, TIMES, 50.0).oldest == 100
    assert summary(book, TIMES, 50.0).at_least, "the gateway's clock may have run on since the change"
    later = fold(book, [OrderChanged(replace(first, changed=NOON + 110))], 60.0).book
    assert later.offset == book.offset
    ahead = fold(later, [OrderChanged(replace(first, changed=NOON + 130))], 70.0).book
    assert ahead.offset == NOON + 130 - 70.0, "it was later than was known"
    behind = fold(ahead, [OrderChanged(replace(first, changed=NOON + 131))], 80.0).book
    assert behind.offset == ahead.offset
    fresh = fold(behind, [OrderChanged(order("b", NOON + 80))], 80.0).book
    assert fresh.held["b"].since == 80.0 - 60.0


def test_a_new_located_order_reveals_the_later_of_its_times() -> None:
    located = replace(order("a", NOON), changed=NOON + 30, state="located")
    book = fold(OrderBook(), [OrderChanged(located, created=True)], 100.0).book
    assert (book.offset, book.offset_exact) == (NOON + 30 - 100.0, True)
    totals = summary(book, TIMES, 100.0)
    assert (totals.oldest, totals.at_least) == (30, False)
    without = fold(OrderBook(), [OrderChanged(replace(located, changed=None), created=True)], 100.0).book
    assert (without.offset, without.offset_exact) == (NOON - 100.0, True)


def test_a_new_order_without_times_reveals_no_clock() -> None:
    book = fold(OrderBook(), [OrderChanged(Order("a"), created=True)], 100.0).book
    assert (book.offset, book.offset_exact) == (None, False)
    assert (book.held["a"].since, book.held["a"].exact) == (100.0, True)


def test_a_whole_set_corrects_the_clock() -> None:
    book = replaced(OrderBook(), [order("a")], 100.0)
    assert book.offset == NOON - 100.0
    assert replaced(book, [order("a")], 200.0).offset == book.offset
    assert replaced(book, [order("b", NOON + 130)], 200.0).offset == NOON + 130 - 200.0, "it ran on"
    day = 24 * 3600.0
    exact = replace(book, offset_exact=True)
    just_before = replaced(exact, [order("a")], 100.0 + day - 1)
    assert (just_before.offset, just_before.offset_exact) == (book.offset, True)
    assert replaced(exact, [order("a")], 100.0).offset_exact, "it agrees with the known clock"
    created_only = replace(order("b", NOON + 130), changed=None)
    assert replaced(book, [created_only], 200.0).offset == NOON + 130 - 200.0
    changed_only = replace(order("b", NOON + 130), created=None)
    assert replaced(book, [changed_only], 200.0).offset == NOON + 130 - 200.0
    set_back = replaced(exact, [order("a")], 100.0 + day)
    assert (set_back.offset, set_back.offset_exact) == (NOON - 100.0 - day, False)
    assert replaced(book, [], 900.0).offset == book.offset


def test_a_lower_bound_is_settled_only_within_a_day() -> None:
    day = 24 * 3600.0
    for older, since in ((0.0, 100.0), (300.0, 100.0 - 300.0), (day - 1, 100.0 - day + 1), (day, 100.0)):
        book = replaced(OrderBook(), [order("a")], 100.0)
        assert not book.held["a"].exact
        created = OrderChanged(order("b", NOON + older), created=True)
        held = fold(book, [created], 100.0).book.held["a"]
        assert (held.since, held.exact) == (since, older < day)


def test_the_time_to_sit_of_an_order_located_before_its_first_message() -> None:
    located = replace(order("a", NOON), changed=NOON + 25, state="located")
    assert replaced(OrderBook(), [located], 0.0).held["a"].sat == 25.0
    unknown = replace(located, created=None, changed=None)
    assert replaced(OrderBook(), [unknown], 0.0).held["a"].sat is None, "the time of seating is unknown"
    within = replace(located, changed=NOON + 60, elapsed=1.0)
    assert replaced(OrderBook(), [within], 0.0).held["a"].sat == 60.0
    just = replace(located, changed=NOON + 61, elapsed=1.0)
    assert replaced(OrderBook(), [just], 0.0).held["a"].sat == 61.0
    clock_set = replace(located, changed=NOON + 62, elapsed=1.0)
    assert replaced(OrderBook(), [clock_set], 0.0).held["a"].sat is None
    at_once = replace(located, changed=NOON)
    assert replaced(OrderBook(), [at_once], 0.0).held["a"].sat == 0.0
    backwards = replace(located, changed=NOON - 1)
    assert replaced(OrderBook(), [backwards], 0.0).held["a"].sat is None


def test_the_time_to_sit_as_this_box_saw_it() -> None:
    started = Order("a", elapsed=10.0)
    seen = fold(replaced(OrderBook(), [started], 0.0), [OrderChanged(Order("a", state="located"))], 20.0).book
    assert seen.held["a"].sat == 30.0
    unsure = replaced(OrderBook(), [Order("a")], 0.0)
    assert fold(unsure, [OrderChanged(Order("a", state="located"))], 20.0).book.held["a"].sat is None
    cleared = fold(seen, [OrderChanged(Order("a", order_type="TO_GO", state="cleared"))], 50.0).book
    assert (cleared.today.unarchived["a"].sat, cleared.today.unarchived["a"].took) == (30.0, 60.0)
    gone = replaced(seen, [], 60.0).today.unarchived["a"]
    assert (gone.sat, gone.took, gone.cleared) == (30.0, None, None)


def test_a_vanished_order_is_cleared_when_it_is_missed() -> None:
    book = replaced(OrderBook(), [order("a"), order("b")], 100.0)
    assert replaced(book, [order("b")], 160.0).today.unarchived["a"].cleared == NOON + 60


def test_an_order_cleared_without_a_time_is_cleared_now() -> None:
    book = replaced(OrderBook(), [order("a")], 100.0)
    cleared = Order("a", state="cleared", created=NOON)
    assert fold(book, [OrderChanged(cleared)], 160.0).book.today.unarchived["a"].cleared == NOON + 60


def test_elapsed_time_never_makes_an_order_younger() -> None:
    book = replaced(OrderBook(), [Order("a", elapsed=100.0)], 0.0)
    assert replaced(book, [Order("a", elapsed=50.0)], 10.0).held["a"].since == -100.0
    assert replaced(book, [Order("a", elapsed=110.0)], 10.0).held["a"].since == -100.0
    assert replaced(book, [Order("a", elapsed=200.0)], 10.0).held["a"].since == -190.0


def test_a_whole_set_keeps_a_revealed_clock() -> None:
    burst: list[Notification] = [OrderChanged(order("a"), created=True), OrdersReplaced((order("a"),))]
    book = fold(OrderBook(), burst, 50.0).book
    assert (book.offset, book.offset_exact) == (NOON - 50.0, True)


def test_a_paged_unknown_order_has_an_exact_age_with_a_known_clock() -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 50.0).book
    for change in (OrderPaged(order("b", NOON - 30, paged=True)), OrderChanged(order("b", NOON - 30))):
        held = fold(book, [change], 60.0).book.held["b"]
        assert (held.since, held.exact) == (20.0, True)
    assert not fold(OrderBook(), [OrderPaged(order("b"))], 60.0).book.held["b"].exact


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


def test_books_with_the_same_orders_are_equal_despite_their_ages() -> None:
    book = replaced(OrderBook(), [Order("a", elapsed=5.0)], 0.0)
    assert book.same_orders(replaced(OrderBook(), [Order("a", elapsed=9.0)], 7.0))
    assert not book.same_orders(replaced(OrderBook(), [Order("a", elapsed=5.0, paged=True)], 0.0))
    assert not book.same_orders(replaced(OrderBook(), [Order("b", elapsed=5.0)], 0.0))
    assert not book.same_orders(replaced(OrderBook(), [Order("a", elapsed=5.0), Order("b")], 0.0))


def test_a_clock_change_makes_no_order_old() -> None:
    book = replaced(OrderBook(), [order("a", NOON)], 100.0)
    book = fold(book, [OrderChanged(order("b", NOON + 30 * 365 * 86400), created=True)], 130.0).book
    assert summary(book, TIMES, 130.0).oldest == 30
    set_back = replaced(book, [order("c", 0.0), order("d", 60.0)], 140.0)
    assert summary(set_back, TIMES, 140.0).oldest == 60


def test_an_order_keeps_its_age_through_a_reconnection() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=100)], 0.0)
    again = replaced(book, [order("a"), order("b", NOON + 10)], 50.0)
    assert summary(again, TIMES, 50.0).oldest == 150


def test_a_reused_tracker_is_another_order() -> None:
    book = replaced(OrderBook(), [Order("u1", "23"), Order("u2", "24")], 0.0)
    book = fold(book, [OrderChanged(Order("u1", "23", state="cleared"))], 600.0).book
    book = fold(book, [OrderChanged(Order("u3", "23"), created=True)], 660.0).book
    assert set(book.held) == {"u2", "u3"}
    assert book.held["u3"].since == 660.0


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

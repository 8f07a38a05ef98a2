"""The age of orders, by worked examples."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.folding import fold
from appliance.core.gateway_clock import GatewayClock
from appliance.core.notifications import (
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.order_age import MOST_VANISHED
from appliance.core.order_totals import summary
from appliance.core.orders import OrderBook, replaced
from appliance.core.values import Benchmarks, Order, Unreadable
from tests.core.test_machine_properties import notifications

TIMES = Benchmarks()
NOON = 12 * 3600.0


def order(uuid: str, created: float = NOON, **others: object) -> Order:
    return Order(uuid, uuid, created=created, changed=created, **others)  # type: ignore[arg-type]


@given(st.lists(notifications, max_size=12))
def test_no_order_of_a_known_age_grows_younger_while_it_is_held(burst: list[Notification]) -> None:
    book = OrderBook()
    for now, one in enumerate(burst):
        after = fold(book, [one], float(now)).book
        for uuid, held in after.held.items():
            if uuid in book.held and book.held[uuid].exact:
                assert held.exact
                assert held.since <= book.held[uuid].since
        book = after


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
    book = replaced(OrderBook(), [order("a", NOON, elapsed=60), order("b", NOON - 500)], 100.0)
    assert summary(book, TIMES, 100.0).oldest == 560


def test_two_new_orders_reveal_the_clock_and_make_lower_bounds_exact() -> None:
    book = replaced(OrderBook(), [order("a", NOON)], 100.0)
    assert summary(book, TIMES, 130.0).at_least
    for uuid in "bc":
        book = fold(book, [OrderChanged(order(uuid, NOON + 300), created=True)], 130.0).book
    totals = summary(book, TIMES, 130.0)
    assert (totals.oldest, totals.at_least) == (300, False)


def test_a_modified_order_reveals_the_clock() -> None:
    told = order("a", NOON)
    book = fold(OrderBook(), [OrderChanged(replace(told, changed=NOON + 100))], 50.0).book
    assert book.clock == GatewayClock(NOON + 100 - 50.0)
    assert summary(book, TIMES, 50.0).oldest == 100
    assert summary(book, TIMES, 50.0).at_least, "the gateway's clock may have run on since the change"
    later = fold(book, [OrderChanged(replace(told, changed=NOON + 110))], 60.0).book
    assert later.clock == book.clock
    ahead = fold(later, [OrderChanged(replace(told, changed=NOON + 130))], 70.0).book
    assert ahead.clock.offset == NOON + 130 - 70.0, "it was later than was known"
    behind = fold(ahead, [OrderChanged(replace(told, changed=NOON + 131))], 80.0).book
    assert behind.clock == ahead.clock
    fresh = fold(behind, [OrderChanged(order("b", NOON + 80))], 80.0).book
    assert fresh.held["b"].since == 80.0 - 60.0


def test_a_time_that_was_known_reveals_no_clock() -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 0.0).book
    set_back = book
    for uuid in "bc":
        set_back = fold(set_back, [OrderChanged(order(uuid, NOON - 1200), created=True)], 1.0).book
    assert set_back.clock.offset == NOON - 1201
    # The guests of the first order change their minds: its times are of the clock before.
    paged = fold(set_back, [OrderPaged(order("a", paged=True)), OrderPaged(order("a"))], 2.0).book
    assert paged.clock == set_back.clock


def test_a_new_located_order_reveals_the_later_of_its_times() -> None:
    located = replace(order("a", NOON), changed=NOON + 30, state="located")
    book = fold(OrderBook(), [OrderChanged(located, created=True)], 100.0).book
    assert book.clock == GatewayClock(NOON + 30 - 100.0, exact=True)
    told = summary(book, TIMES, 100.0)
    assert (told.oldest, told.at_least) == (30, False)
    without = fold(OrderBook(), [OrderChanged(replace(located, changed=None), created=True)], 100.0).book
    assert without.clock == GatewayClock(NOON - 100.0, exact=True)
    for changed, age in ((NOON + 120, 120), (NOON + 121, 0), (NOON, 0), (NOON - 1, 0)):
        odd = fold(OrderBook(), [OrderChanged(replace(located, changed=changed), created=True)], 100.0).book
        assert summary(odd, TIMES, 100.0).oldest == age


def test_a_new_order_is_new_whatever_its_time() -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 0.0).book
    for odd in (-86400.0, -1500.0, 1500.0, 86400.0):
        told = fold(book, [OrderChanged(order("b", NOON + odd), created=True)], 5.0).book.held["b"]
        assert (told.since, told.exact) == (5.0, True)
    claimed = fold(book, [OrderChanged(order("b", elapsed=400), created=True)], 5.0).book.held["b"]
    assert (claimed.since, claimed.exact) == (-395.0, True), "the gateway says so itself"


def test_a_new_order_without_times_reveals_no_clock() -> None:
    book = fold(OrderBook(), [OrderChanged(Order("a"), created=True)], 100.0).book
    assert book.clock == GatewayClock()
    assert (book.held["a"].since, book.held["a"].exact) == (100.0, True)
    known = fold(book, [OrderChanged(order("b"), created=True)], 100.0).book
    later = fold(known, [OrderChanged(Order("c", state="located"))], 130.0).book
    assert (later.held["c"].since, later.held["c"].exact) == (130.0, False)


def test_a_whole_set_corrects_a_clock_that_ran_on() -> None:
    book = replaced(OrderBook(), [order("a")], 100.0)
    assert book.clock == GatewayClock(NOON - 100.0)
    assert replaced(book, [order("a")], 200.0).clock == book.clock
    assert replaced(book, [order("b", NOON + 110)], 200.0).clock.offset == NOON + 110 - 200.0, "it ran on"
    created_only = replace(order("b", NOON + 110), changed=None)
    assert replaced(book, [created_only], 200.0).clock.offset == NOON + 110 - 200.0
    changed_only = replace(order("b", NOON + 110), created=None)
    assert replaced(book, [changed_only], 200.0).clock.offset == NOON + 110 - 200.0
    located = replace(order("a"), changed=NOON + 110, state="located")
    assert replaced(book, [located], 200.0).clock.offset == NOON + 110 - 200.0
    assert replaced(book, [order("b", NOON + 400)], 200.0).clock == book.clock, "one alone may be odd"
    two = [order("b", NOON + 400), order("c", NOON + 390)]
    assert replaced(book, two, 200.0).clock.offset == NOON + 390 - 200.0
    assert replaced(book, [], 900.0).clock == book.clock


def test_a_day_without_an_order_is_no_jump_of_the_clock() -> None:
    book = replaced(OrderBook(), [order("a")], 100.0)
    day = 24 * 3600.0
    assert replaced(book, [order("a")], 100.0 + 2 * day).clock == book.clock
    assert replaced(book, [order("a")], 100.0 + 2 * day).today.day == 2


def test_one_odd_order_makes_no_other_old() -> None:
    """Six orders of a minute, one of them stamped 25 minutes ahead."""
    six = [order(str(number), NOON + 10 * number) for number in range(5)] + [order("odd", NOON + 1500)]
    told = summary(replaced(OrderBook(), six, 100.0), TIMES, 100.0)
    assert (told.late, told.oldest, told.at_least) == (0, 40.0, True)


@pytest.mark.parametrize("held", [1, 2, 6])
@pytest.mark.parametrize("ahead", [60.0, 300.0, 540.0, 1500.0])
def test_one_odd_new_order_makes_no_other_old(held: int, ahead: float) -> None:
    """The box has just heard of a few orders for the first time."""
    book = replaced(OrderBook(), [order(str(number), NOON - 10 * number) for number in range(held)], 100.0)
    book = fold(book, [OrderChanged(order("odd", NOON + ahead), created=True)], 100.0).book
    told = summary(book, TIMES, 100.0)
    assert (told.oldest, told.at_least) == (10.0 * (held - 1), True)


def test_a_clock_that_is_set_back_makes_no_order_old() -> None:
    """Six orders of a minute, after an outage of half an hour in which the clock was set back by 20 minutes."""
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 0.0).book
    back = 1800.0 - 60.0 - 1200.0
    six = [order(str(number), NOON + back + 10 * number) for number in range(6)]
    book = replaced(book, six, 1800.0)
    told = summary(book, TIMES, 1800.0)
    assert (told.late, told.oldest, told.at_least) == (0, 50.0, True)
    # Two new orders show the new clock, by which the six can be told.
    for number in (1, 2):
        made = OrderChanged(order(f"new {number}", NOON + back + 60 + number), created=True)
        book = fold(book, [made], 1800.0 + number).book
    assert book.clock.offset == NOON - 1200.0
    assert summary(book, TIMES, 1802.0).oldest == 52.0


def test_the_age_of_an_order_after_a_long_outage_is_a_lower_bound() -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 0.0).book
    book = replaced(book, [order("b", NOON + 600)], 1800.0)
    assert (book.held["b"].since, book.held["b"].exact) == (1800.0, False)
    book = fold(book, [OrderChanged(order("c", NOON + 1830), created=True)], 1830.0).book
    assert (book.held["b"].since, book.held["b"].exact) == (1800.0, False), "it may have jumped there and back"


def test_a_clock_that_goes_forward_makes_no_order_old() -> None:
    """Six orders of a minute in the first whole set, and then daylight saving begins."""
    book = replaced(OrderBook(), [order(str(number), NOON + 10 * number) for number in range(6)], 60.0)
    for number in (1, 2, 3):
        located = replace(order(str(number), NOON + 10 * number), changed=NOON + 3600 + 60 + number, state="located")
        book = fold(book, [OrderChanged(located)], 60.0 + number).book
    for number in (4, 5, 6):
        made = OrderChanged(order(f"new {number}", NOON + 3600 + 60 + number), created=True)
        book = fold(book, [made], 60.0 + number).book
    assert book.clock.exact
    assert book.clock.offset == NOON + 3600
    told = summary(book, TIMES, 66.0)
    assert (told.late, told.oldest, told.at_least) == (0, 56.0, True)
    again = replaced(book, [held.order for held in book.held.values()], 70.0)
    assert summary(again, TIMES, 70.0).oldest == 60.0


def test_an_order_is_not_older_than_the_whole_set_that_lacked_it() -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True), OrdersReplaced((order("a"),))], 0.0).book
    for created, since, exact in ((NOON + 15, 15.0, True), (NOON - 10, 0.0, True), (NOON - 11, 20.0, False)):
        for told in (
            replaced(book, [order("b", created)], 20.0),
            fold(book, [OrderChanged(order("b", created))], 20.0).book,
        ):
            assert (told.held["b"].since, told.held["b"].exact) == (since, exact)
    beyond = replaced(book, [order("b", NOON - 30)], 20.0)
    later = fold(beyond, [OrderChanged(order("c", NOON + 25), created=True)], 25.0).book
    assert not later.held["b"].exact, "its time is odd"


@pytest.mark.parametrize("unreadable", [Unreadable(frozenset("b")), Unreadable(nameless=1), Unreadable(unlisted=1)])
def test_an_order_may_be_older_than_a_whole_set_that_may_have_had_it(unreadable: Unreadable) -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 0.0).book
    had = replaced(book, [order("a")], 0.0, unreadable)
    assert replaced(had, [order("b", NOON - 90)], 20.0).held["b"].since == -90.0
    assert fold(had, [OrderChanged(order("b", NOON - 90))], 20.0).book.held["b"].since == -90.0


@pytest.mark.parametrize("unreadable", [Unreadable(nameless=1), Unreadable(unlisted=1)])
@pytest.mark.parametrize("named", [False, True])
def test_an_order_is_not_older_than_the_last_set_that_was_listed_in_full(unreadable: Unreadable, named: bool) -> None:
    """The gateway's clock is set back by an hour, after two orders have changed that the box did not hear of."""
    first = order("a", NOON), order("c", NOON)
    book = fold(OrderBook(), [OrderChanged(one, created=True) for one in first], 0.0).book
    book = replaced(book, first, 0.0, Unreadable(frozenset("b")) if named else Unreadable())
    for at in (5.0, 10.0):
        book = replaced(book, first[:1], at, unreadable)
    changed = [replace(one, state="located", changed=NOON + 20) for one in first]
    held = replaced(book, [*changed, order("b", NOON - 3600 + 30)], 40.0).held["b"]
    assert (held.since, held.exact) == ((30.0 - 3600.0, True) if named else (40.0, False))


def test_a_lower_bound_is_settled_unless_the_clock_may_have_jumped() -> None:
    for older, since in ((0.0, 100.0), (300.0, 100.0 - 300.0), (600.0, 100.0 - 600.0), (601.0, 100.0)):
        book = replaced(OrderBook(), [order("a")], 100.0)
        assert not book.held["a"].exact
        for uuid in "bc":
            book = fold(book, [OrderChanged(order(uuid, NOON + older), created=True)], 100.0).book
        held = book.held["a"]
        assert (held.since, held.exact) == (since, older <= 600.0)


def test_an_order_over_a_jump_of_the_clock_has_a_lower_bound() -> None:
    """The whole set had it, unreadable, and then the clock went forward by an hour."""
    book = fold(OrderBook(), [OrderChanged(order("a", NOON + 3600), created=True)], 0.0).book
    book = replaced(book, [order("a", NOON + 3600)], 0.0, Unreadable(frozenset("b")))
    for created, since, exact in ((NOON + 3010, -590.0, True), (NOON + 3009, 10.0, False)):
        told = replace(order("b", created), changed=NOON + 3610, state="located")
        held = fold(book, [OrderChanged(told)], 20.0).book.held["b"]
        assert (held.since, held.exact) == (since, exact)


def test_a_lower_bound_that_was_too_high_becomes_younger() -> None:
    book = replaced(OrderBook(), [order("a"), order("odd", NOON + 540)], 100.0)
    assert summary(book, TIMES, 100.0).oldest == 540
    for uuid in "bc":
        book = fold(book, [OrderChanged(order(uuid, NOON + 30), created=True)], 130.0).book
    assert (book.held["a"].since, book.held["a"].exact) == (100.0, True)
    assert (book.held["odd"].since, book.held["odd"].exact) == (100.0, False), "its time is still to come"


def test_elapsed_time_never_makes_an_order_younger() -> None:
    book = replaced(OrderBook(), [Order("a", elapsed=100.0)], 0.0)
    assert replaced(book, [Order("a", elapsed=50.0)], 10.0).held["a"].since == -100.0
    assert replaced(book, [Order("a", elapsed=110.0)], 10.0).held["a"].since == -100.0
    assert replaced(book, [Order("a", elapsed=200.0)], 10.0).held["a"].since == -190.0
    assert replaced(book, [Order("a", elapsed=230.0)], 10.0).held["a"].since == -220.0
    assert replaced(book, [Order("a", elapsed=231.0)], 10.0).held["a"].since == -100.0, "the gateway's clock jumped"
    unsure = replaced(OrderBook(), [Order("a")], 0.0)
    claimed = replaced(unsure, [Order("a", elapsed=900.0)], 10.0).held["a"]
    assert (claimed.since, claimed.exact) == (-890.0, True)


def test_a_whole_set_keeps_a_revealed_clock() -> None:
    burst: list[Notification] = [OrderChanged(order("a"), created=True), OrdersReplaced((order("a"),))]
    book = fold(OrderBook(), burst, 50.0).book
    assert book.clock == GatewayClock(NOON - 50.0, exact=True)


def test_a_paged_unknown_order_has_an_exact_age_with_a_known_clock() -> None:
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 50.0).book
    for change in (OrderPaged(order("b", NOON - 30, paged=True)), OrderChanged(order("b", NOON - 30))):
        held = fold(book, [change], 60.0).book.held["b"]
        assert (held.since, held.exact) == (20.0, True)
    assert not fold(OrderBook(), [OrderPaged(order("b"))], 60.0).book.held["b"].exact


def test_a_clock_that_is_set_by_years_makes_no_order_old() -> None:
    book = replaced(OrderBook(), [order("a", NOON)], 100.0)
    book = fold(book, [OrderChanged(order("b", NOON + 30 * 365 * 86400), created=True)], 130.0).book
    assert summary(book, TIMES, 130.0).oldest == 30
    set_back = replaced(book, [order("c", 0.0), order("d", 20.0)], 140.0)
    assert summary(set_back, TIMES, 140.0).oldest == 20


def test_an_order_keeps_its_age_through_a_reconnection() -> None:
    book = replaced(OrderBook(), [order("a", elapsed=100)], 0.0)
    again = replaced(book, [order("a"), order("b", NOON + 10)], 50.0)
    assert summary(again, TIMES, 50.0).oldest == 150


@pytest.mark.parametrize(
    "unreadable", [Unreadable(frozenset("a")), Unreadable(nameless=1), Unreadable(unlisted=1)], ids=lambda one: str(one)
)
@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize("by_set", [False, True])
def test_an_order_that_was_unreadable_for_a_while_keeps_its_age(
    unreadable: Unreadable, sets: int, by_set: bool
) -> None:
    """Meanwhile the gateway's clock jumps, so that its times no longer tell how old the order is."""
    book = fold(OrderBook(), [OrderChanged(order("a"), created=True)], 0.0).book
    for number in range(sets):
        book = replaced(book, [], 60.0 + number, unreadable)
    new = order("b", NOON + 3600 + 300), order("c", NOON + 3600 + 310)
    for at, one in zip((300.0, 310.0), new, strict=True):
        book = fold(book, [OrderChanged(one, created=True)], at).book
    seen = replace(order("a"), changed=NOON + 3600 + 320)
    book = replaced(book, [seen, *new], 320.0) if by_set else fold(book, [OrderChanged(seen)], 320.0).book
    assert book.held["a"].since == 0.0
    assert not replaced(book, list(new), 330.0).vanished


def test_only_so_many_vanished_orders_are_remembered() -> None:
    many = [order(str(number)) for number in range(MOST_VANISHED + 1)]
    book = replaced(replaced(OrderBook(), many, 0.0), [], 1.0, Unreadable(nameless=1))
    assert len(book.vanished) == MOST_VANISHED

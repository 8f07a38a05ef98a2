"""Doubts of the count: whatever may have ended an order makes the box look at the whole set, until it proves vain."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import texts
from appliance.core.cleared import MOST_CLEARED
from appliance.core.events import (
    FeedFailure,
    FeedLost,
    FeedNotified,
)
from appliance.core.folding import CREATED_AGAIN, fold
from appliance.core.limits import LONGEST_TEXT, MOST_SUSPECTS
from appliance.core.notifications import (
    MessageIgnored,
    MessageUnusable,
    Notification,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import present
from appliance.core.reasons import FEED_REFUSED
from appliance.core.states import Offline
from appliance.core.values import Order, Unreadable
from tests.core.simulated_effects import Surroundings
from tests.core.test_connected import connected, live, look

A, B = Order("a"), Order("b", state="located")
ENDS: dict[str, Notification] = {
    "type, uuid": MessageIgnored(kind="ORDER_REMOVED", mentions=("a",)),
    "type, many uuids": MessageIgnored(kind="CLOSED", mentions=("x", "b", "a")),
    "type alone": MessageIgnored(kind="ORDERS_CLEARED", unspecific=True),
    "state word": OrderChanged(Order("a", state="finished")),
    "state word of a page": OrderPaged(Order("a", state="finished")),
}


def shown(box: Surroundings) -> tuple[int | None, tuple[str, ...]]:
    view = present(box.state, box.now).view
    return view.active, view.screen.words


@pytest.mark.parametrize("end", ENDS)
def test_an_unknown_end_of_an_order_makes_the_box_look_within_ten_seconds(end: str) -> None:
    box = live(A, B)
    box.tell(FeedNotified(7, (ENDS[end],)))
    box.advance(10.0)
    look(box, B)
    assert shown(box)[0] == 1
    assert connected(box).doubted_at is None
    box.advance(60)
    assert not connected(box).looking


@pytest.mark.parametrize("end", ENDS)
def test_what_hid_nothing_three_times_means_nothing(end: str) -> None:
    box = live(A, B)
    for looks in range(5):
        # The word has to be new to the order: a whole set that has it in this state settles that.
        box.tell(FeedNotified(connected(box).feed, (ENDS[end],)))
        box.advance(10.1)
        if looks < 3:
            look(box, A, B)
            box.tell(FeedNotified(connected(box).feed, (OrderChanged(A),)))
        assert not connected(box).looking
    assert connected(box).stale_at > box.now + 200


def test_what_hid_something_is_looked_at_for_ever() -> None:
    box = live(A, B)
    for turn in range(8):
        box.tell(FeedNotified(connected(box).feed, (ENDS["type, uuid"],)))
        box.advance(10.1)
        look(box, *((B,) if turn % 3 == 2 else (A, B)))
        box.tell(FeedNotified(connected(box).feed, (OrdersReplaced((A, B)),)))


def test_a_meaning_that_changes_is_learnt_anew() -> None:
    box = live(A, B)
    for _ in range(3):
        box.tell(FeedNotified(connected(box).feed, (ENDS["type, uuid"],)))
        box.advance(10.1)
        look(box, A, B)
    box.tell(FeedNotified(connected(box).feed, (ENDS["type, uuid"],)))
    box.advance(271)
    # The refresh, which comes anyway, finds that it ended an order this time.
    look(box, B)
    box.tell(FeedNotified(connected(box).feed, (MessageIgnored(kind="order_removed ", mentions=("b",)),)))
    box.advance(10.1)
    look(box)


def test_a_removal_a_second_is_looked_at_every_ten_seconds() -> None:
    orders = [Order(str(number)) for number in range(200)]
    box = live(*orders)
    looks: list[float] = []
    for number in range(150):
        gone = orders.pop(0)
        box.tell(FeedNotified(connected(box).feed, (MessageIgnored(number, "ORDER_REMOVED", (gone.uuid,)),)))
        box.advance(1)
        if connected(box).looking:
            looks.append(connected(box).last_look)
            look(box, *orders)
        active, words = shown(box)
        assert active is not None
        assert 0 <= active - len(orders) <= 10
        assert texts.COUNT_IN_DOUBT not in words
    assert len(looks) >= 13
    assert all(later - earlier >= 10 - 1e-6 for earlier, later in pairwise(looks))


def test_a_message_about_no_order_that_is_held_is_no_doubt() -> None:
    box = live(A, B)
    battery = MessageIgnored(kind="TRACKER_BATTERY_LOW", mentions=("7", "12 %"))
    elsewhere = MessageIgnored(kind="ORDER_REMOVED", mentions=("elsewhere",))
    box.tell(FeedNotified(7, (battery, elsewhere)))
    assert connected(box).doubted_at is None


@pytest.mark.parametrize(("held", "text"), [("ac3e-b2", "AC3E-B2"), ("AC3E-B2", "ac3e-b2")])
def test_a_uuid_in_upper_or_lower_case(held: str, text: str) -> None:
    box = live(Order(held))
    box.tell(FeedNotified(7, (MessageIgnored(kind="FREED", mentions=("elsewhere", text)),)))
    assert connected(box).doubted_at is not None


@pytest.mark.parametrize("unreadable", [Unreadable(nameless=1), Unreadable(unlisted=1)])
def test_an_order_of_which_no_uuid_is_known_may_be_removed_too(unreadable: Unreadable) -> None:
    box = live(A)
    box.tell(FeedNotified(7, (OrdersReplaced((A,), unreadable),)))
    assert connected(box).doubted_at is None
    box.tell(FeedNotified(7, (MessageIgnored(kind="ORDER_REMOVED", mentions=("elsewhere",)),)))
    assert connected(box).doubted_at is not None


def test_an_unreadable_order_may_be_removed_too() -> None:
    box = live(A)
    box.tell(FeedNotified(7, (OrdersReplaced((A,), Unreadable(frozenset("b"))), ENDS["type, many uuids"])))
    assert connected(box).doubted_at == box.now


def test_the_display_says_so_if_a_doubt_lasts() -> None:
    box = live(A, B)
    box.tell(FeedNotified(7, (ENDS["type, uuid"],)))
    doubted = box.now
    while box.now < doubted + 44:
        box.advance(0.5)
        if connected(box).looking:
            box.tell(FeedLost(connected(box).looking, FeedFailure.UNREACHABLE))
        active, words = shown(box)
        assert active == 2
        assert (texts.COUNT_IN_DOUBT in words) == (box.now >= doubted + 12)
    box.advance(1.1)
    assert isinstance(box.state, Offline)
    assert box.state.why == FEED_REFUSED, "its feed is alive"


def test_the_display_says_it_before_a_fault_of_the_box() -> None:
    box = Surroundings(live(A).state)
    box.state = type(connected(box))(
        **{
            **{name: getattr(box.state, name) for name in box.state.__dataclass_fields__},
            "doubted_at": -20.0,
        }
    )
    assert texts.COUNT_IN_DOUBT in shown(box)[1]


def test_a_look_ends_the_doubt() -> None:
    box = live(A, B)
    box.tell(FeedNotified(7, (ENDS["type, uuid"], MessageUnusable())))
    box.advance(13)
    assert texts.COUNT_IN_DOUBT in shown(box)[1]
    look(box, B)
    assert texts.COUNT_IN_DOUBT not in shown(box)[1]


def test_an_order_that_is_created_again_after_it_was_cleared_is_counted_and_doubted() -> None:
    box = live(A, B)
    made = OrderChanged(A, created=True)
    box.tell(FeedNotified(7, (OrderChanged(Order("a", state="cleared")), made)))
    assert shown(box)[0] == 2
    box.advance(10)
    look(box, B)
    assert shown(box)[0] == 1
    for _ in range(3):
        box.tell(FeedNotified(connected(box).feed, (made,)))
        box.advance(10.1)
        # It is active indeed.
        look(box, A, B)
        box.tell(FeedNotified(connected(box).feed, (OrderChanged(Order("a", state="cleared")),)))
    box.tell(FeedNotified(connected(box).feed, (made,)))
    assert connected(box).doubted_at is None
    assert shown(box)[0] == 2


def test_a_tracker_that_is_used_again_is_no_doubt() -> None:
    box = live(Order("a", "23"))
    told = (OrderChanged(Order("a", "23", state="cleared")), OrderChanged(Order("b", "23"), created=True))
    box.tell(FeedNotified(7, told))
    assert connected(box).doubted_at is None


def test_an_order_that_vanished_and_is_created_again_is_a_doubt() -> None:
    book = replaced(replaced(OrderBook(), [A, B], 0.0), [B], 1.0)
    assert fold(book, [OrderChanged(A, created=True)], 2.0).suspects == {CREATED_AGAIN}


def test_the_last_cleared_orders_are_remembered() -> None:
    many: list[Notification] = [OrderChanged(Order(str(number), state="cleared")) for number in range(MOST_CLEARED + 1)]
    book = fold(OrderBook(), many, 0.0).book
    assert len(book.cleared) == MOST_CLEARED
    book = fold(book, [OrderChanged(Order("1", state="cleared")), OrderChanged(Order("x", state="cleared"))], 0.0).book
    for uuid, again in (("0", False), ("1", True), ("2", False), ("3", True), ("x", True)):
        assert bool(fold(book, [OrderChanged(Order(uuid), created=True)], 1.0).suspects) == again


@pytest.mark.parametrize("by_set", [False, True])
def test_an_order_that_is_active_again_is_not_remembered_as_cleared(by_set: bool) -> None:
    """Later it is cut off from a list, and then it is cleared: that is one of the orders that the list lacked."""
    cleared = OrderChanged(Order("a", state="cleared"))
    book = replaced(OrderBook(), [A, B], 0.0)
    again = OrdersReplaced((A, B)) if by_set else OrderChanged(A)
    book = fold(book, [cleared, again], 1.0).book
    assert not book.cleared
    book = replaced(book, [B], 2.0, Unreadable(unlisted=1))
    assert book.active == 2
    assert fold(book, [cleared, cleared], 3.0).book.active == 1
    back = fold(replaced(OrderBook(), [A, B], 0.0), [cleared, OrderChanged(A), cleared], 1.0).book
    assert list(back.cleared) == ["a"]


def test_an_order_that_is_cleared_twice_is_no_doubt() -> None:
    cleared = OrderChanged(Order("a", state="cleared"))
    book = replaced(OrderBook(), [A], 0.0)
    assert not fold(book, [cleared, cleared], 1.0).unknown
    assert fold(book, [OrderChanged(Order("b", state="cleared"))], 1.0).unknown, "nobody said that it began"
    assert fold(book, [cleared, OrderChanged(A)], 1.0).unknown


def test_an_unknown_state_of_an_unknown_order_is_a_doubt_and_no_order() -> None:
    folded = fold(replaced(OrderBook(), [A], 0.0), [OrderChanged(Order("b", state="archived"))], 1.0)
    assert (folded.book.active, folded.suspects, folded.unknown) == (1, frozenset({"state archived"}), False)
    made = fold(folded.book, [OrderChanged(Order("b", state="waiting"), created=True)], 1.0)
    assert (made.book.active, made.suspects) == (2, frozenset({"state waiting"}))
    page = fold(folded.book, [OrderPaged(Order("b", state="waiting", paged=True))], 1.0)
    assert (page.book.active, page.paged, page.unknown) == (2, ("b",), True)
    known = fold(
        folded.book, [OrderChanged(Order("a", state="cleared")), OrderChanged(Order("a", state="archived"))], 1.0
    )
    assert (known.book.active, known.suspects, known.unknown) == (0, frozenset(), False)
    again = fold(made.book, [OrderChanged(Order("b", state="waiting", paged=True))], 1.0)
    assert not again.suspects, "it has been in this state before"


def test_a_whole_set_in_a_burst_ends_the_doubts_before_it() -> None:
    before, after = ENDS["type, uuid"], ENDS["state word"]
    folded = fold(replaced(OrderBook(), [A], 0.0), [before, OrdersReplaced((A,)), after], 1.0)
    assert folded.suspects == {"state finished"}


def test_long_types_are_compared_by_their_beginning() -> None:
    message = MessageIgnored(kind=" order_" + "x" * 1000, unspecific=True)
    (suspect,) = fold(OrderBook(), [message], 0.0).suspects
    assert suspect == "type " + ("ORDER_" + "X" * 1000)[:LONGEST_TEXT]


def test_no_number_of_types_takes_much_memory() -> None:
    box = live(A)
    for turn in range(3):
        kinds = tuple(MessageIgnored(kind=f"TYPE_{turn}_{number}", mentions=("a",)) for number in range(100))
        box.tell(FeedNotified(connected(box).feed, kinds))
        assert len(connected(box).suspects) == MOST_SUSPECTS
        box.advance(10.1)
        look(box, A)
        assert len(connected(box).vain_looks) == MOST_SUSPECTS


uuids = st.sampled_from("abcd")


@given(
    st.sets(uuids), st.integers(0, 3), st.lists(st.tuples(uuids, st.sampled_from(("located", "cleared"))), max_size=6)
)
def test_a_capped_list_stays_true_without_a_look(listed: set[str], more: int, told: list[tuple[str, str]]) -> None:
    """The gateway lists some orders and counts all; then each change of one that it did not list is of those."""
    truth = {**dict.fromkeys(listed, "located"), **{f"hidden {number}": "located" for number in range(more)}}
    book = replaced(OrderBook(), [Order(uuid, state="located") for uuid in listed], 0.0, Unreadable(unlisted=more))
    for uuid, state in told:
        # A hidden order where the gateway has no such order in its list.
        uuid = uuid if uuid in truth else next((hidden for hidden in truth if hidden.startswith("hidden")), "")
        if not uuid:
            continue
        folded = fold(book, [OrderChanged(Order(uuid, state=state))], 1.0)
        book = folded.book
        assert not folded.unknown
        if state == "cleared":
            del truth[uuid]
        assert book.active == len(truth)


def test_an_order_that_is_not_listed_any_more_is_not_delivered() -> None:
    book = replaced(OrderBook(), [A, B], 0.0)
    capped = replaced(book, [B], 1.0, Unreadable(unlisted=1))
    assert not capped.today.unarchived
    assert capped.active == 2
    assert replaced(capped, [], 2.0).today.unarchived.keys() == {"b"}


def test_a_capped_list_with_other_orders_is_the_same_set() -> None:
    first = replaced(OrderBook(), [A], 0.0, Unreadable(unlisted=1))
    changed = fold(first, [OrderChanged(B)], 1.0).book
    assert changed.same_orders(first)
    assert not changed.same_orders(replaced(first, [A], 1.0, Unreadable(unlisted=2)))
    assert not changed.same_orders(replaced(first, [Order("a", state="located")], 1.0, Unreadable(unlisted=1)))
    assert changed.same_orders(replaced(first, [B, Order("c")], 1.0, Unreadable(unlisted=0))) is False

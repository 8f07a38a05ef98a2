"""A live feed: when the whole set is refreshed, when a count is dropped as stale, and when the buzzer sounds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from appliance.core.events import (
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    GatewayLost,
    GatewayResolved,
    GatewayUnresolved,
    NetworkChanged,
    TokenStored,
)
from appliance.core.limits import MOST_ORDERS
from appliance.core.notifications import (
    MessageUnusable,
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.present import present
from appliance.core.states import Connected, Offline, Phase
from appliance.core.timers import Timer
from appliance.core.transitions import GOOD_AFTER, REFRESH_AFTER
from appliance.core.values import Address, Gateway, Order, Unreadable
from appliance.core.view import Sound
from tests.core.cases import CREDENTIAL, NOW, STATES, A
from tests.core.simulated_effects import Surroundings

ORDER = Order("u1", "23", state="located")


def live(*orders: Order) -> Surroundings:
    """A box that is connected, for long enough that its feed counts as good."""
    box = Surroundings(STATES["connecting, opening"])
    box.owner[CREDENTIAL.token] = "A"
    box.known["A"] = set(A.addresses)
    box.feeds = {7}
    box.tell(FeedOpened(7, orders))
    box.state = replace(connected(box), since=box.now - GOOD_AFTER)
    return box


def connected(box: Surroundings) -> Connected:
    assert isinstance(box.state, Connected)
    return box.state


def look(box: Surroundings, *orders: Order) -> None:
    """Answer the pending refresh with a whole set."""
    assert connected(box).looking
    box.tell(FeedOpened(connected(box).looking, orders))


def test_the_whole_set_is_refreshed_before_it_is_stale() -> None:
    box = live(ORDER)
    box.advance(269)
    assert not connected(box).looking
    box.advance(2)
    look(box, ORDER)
    box.advance(269)
    assert not connected(box).looking


def test_a_count_is_dropped_after_five_minutes_without_a_whole_set() -> None:
    box = live(ORDER)
    box.advance(299)
    connected(box)
    box.advance(2)
    assert isinstance(box.state, Offline)


def test_the_five_minutes_start_at_the_whole_set_however_slow_the_disk() -> None:
    state = STATES["connecting, promoting"]
    box = Surroundings(state, now=NOW + 10)
    box.owner[CREDENTIAL.token] = "A"
    box.known["A"] = set(A.addresses)
    box.feeds = {state.link.attempt}  # type: ignore[union-attr]
    box.tell(TokenStored(state.world.saving))
    box.advance(289)
    connected(box)
    box.advance(1.1)
    assert isinstance(box.state, Offline)


def test_a_failed_refresh_is_retried_while_the_count_stays() -> None:
    box = live(ORDER)
    box.advance(271)
    box.tell(FeedLost(connected(box).looking, FeedFailure.UNREACHABLE))
    assert not connected(box).looking
    box.advance(10)
    look(box, ORDER)


def test_refreshes_are_at_least_ten_seconds_apart() -> None:
    box = live(ORDER)
    looks = []
    for _ in range(300):
        box.tell(FeedNotified(connected(box).feed, (MessageUnusable(),)))
        if connected(box).looking:
            looks.append(connected(box).last_look)
            look(box, ORDER)
        box.advance(0.2)
    assert len(looks) >= 5
    assert all(later - earlier >= 10 - 1e-6 for earlier, later in pairwise(looks))


def test_an_unreadable_order_causes_no_refresh() -> None:
    box = live(ORDER)
    unreadable = Unreadable(frozenset("b"), 1)
    looks, looking = 0, 0
    for second in range(3600):
        if connected(box).looking not in (0, looking):
            looks, looking = looks + 1, connected(box).looking
            box.tell(FeedOpened(looking, (ORDER,), unreadable))
        if second % 20 == 0:
            box.tell(FeedNotified(connected(box).feed, (OrdersReplaced((ORDER,), unreadable),)))
            box.tell(FeedNotified(connected(box).feed, (OrderChanged(ORDER),)))
        box.advance(1)
        assert present(box.state, box.now).view.active == 3
    assert looks <= 3600 / REFRESH_AFTER, "as often as without unreadable orders"


def test_unreadable_orders_count_towards_the_limit() -> None:
    box = live(ORDER)
    box.tell(FeedNotified(7, (OrdersReplaced((), Unreadable(nameless=MOST_ORDERS)),)))
    connected(box)
    box.tell(FeedNotified(7, (OrderChanged(ORDER, created=True),)))
    assert isinstance(box.state, Offline)


def test_gaps_in_seq_are_ignored_after_three_needless_refreshes() -> None:
    box = live(ORDER)
    seq = 0
    looks = 0
    for _ in range(6):
        seq += 5
        box.advance(11)
        for number in (seq, seq + 2):
            box.tell(FeedNotified(connected(box).feed, (OrderChanged(ORDER, seq=number),)))
        box.advance(0.1)
        if connected(box).looking:
            looks += 1
            look(box, ORDER)
    assert looks == 3


def test_a_gap_that_hid_an_order_resets_the_needless_refreshes() -> None:
    box = live(ORDER)
    looks = 0
    for turn in range(6):
        box.advance(11)
        for number in (1, 3):
            box.tell(FeedNotified(connected(box).feed, (OrderChanged(ORDER, seq=number),)))
        box.advance(0.1)
        if connected(box).looking:
            looks += 1
            look(box, ORDER, *([Order(f"missed {turn}", state="started")] if turn == 2 else []))
    assert looks == 6


def test_a_feeds_takeover_restarts_the_late_timer() -> None:
    box = live(replace(ORDER, elapsed=100.0))
    assert box.timers[Timer.LATE] == pytest.approx(box.now + 200.0)
    box.advance(150)
    box.tell(FeedNotified(7, (MessageUnusable(),)))
    box.advance(1)
    look(box, replace(ORDER, elapsed=280.0))
    assert box.timers[Timer.LATE] == pytest.approx(box.now + 20.0)
    box.advance(21)
    assert box.sounds == [Sound.LATE]
    assert Timer.LATE not in box.timers
    box.tell(FeedNotified(connected(box).feed, (OrderChanged(Order("u2"), created=True),)))
    assert box.timers[Timer.LATE] == pytest.approx(box.now + 300.0)
    box.tell(FeedNotified(connected(box).feed, (MessageUnusable(),)))
    box.advance(11)
    look(box)
    assert Timer.LATE not in box.timers, "no order is left that could become late"


def test_the_late_sound_waits_for_the_page_sound() -> None:
    box = live(replace(ORDER, elapsed=299.0))
    box.tell(FeedNotified(7, (OrderPaged(replace(ORDER, elapsed=299.0, paged=True)),)))
    box.advance(1.4)
    assert box.sounds == [Sound.PAGE]
    box.advance(0.2)
    assert box.sounds == [Sound.PAGE, Sound.LATE]


def test_orders_that_become_late_share_a_sound_a_minute() -> None:
    box = live(replace(ORDER, elapsed=290.0), Order("u2", elapsed=280.0), Order("u3", elapsed=250.0))
    box.advance(10.1)
    assert box.sounds == [Sound.LATE]
    box.advance(59.8)
    assert box.sounds == [Sound.LATE]
    box.advance(0.2)
    assert box.sounds == [Sound.LATE] * 2, "for u2 and u3"
    box.advance(1000)
    assert box.sounds == [Sound.LATE] * 2


def test_every_notification_of_a_burst_takes_effect() -> None:
    box = live(ORDER)
    box.advance(20)
    paged, unknown = OrderPaged(replace(ORDER, paged=True)), OrderChanged(Order("u9"))
    box.tell(FeedNotified(7, (OrdersReplaced((ORDER,)), paged, unknown)))
    assert box.sounds == [Sound.PAGE]
    assert connected(box).doubted_at == box.now
    assert box.timers[Timer.REFRESH] == box.now, "the last refresh was long ago"
    assert box.timers[Timer.STALE] == box.now + 45


def test_an_unrequested_whole_set_counts_as_a_refresh() -> None:
    box = live(ORDER)
    box.advance(200)
    box.tell(FeedNotified(7, (OrdersReplaced((ORDER,)),)))
    assert connected(box).stale_at == box.now + 300
    assert box.timers[Timer.REFRESH] == pytest.approx(box.now + 270)


def test_a_page_found_by_a_refresh_sounds() -> None:
    box = live(ORDER)
    box.advance(271)
    look(box, replace(ORDER, paged=True))
    assert box.sounds == [Sound.PAGE]


def test_a_count_in_doubt_is_dropped_when_no_refresh_succeeds() -> None:
    box = live(ORDER)
    box.tell(FeedNotified(7, (MessageUnusable(),)))
    for _ in range(10):
        box.advance(5)
        if isinstance(box.state, Connected) and box.state.looking:
            box.tell(FeedLost(box.state.looking, FeedFailure.UNREACHABLE))
    assert isinstance(box.state, Offline)


def test_a_feed_closed_during_a_refresh_keeps_the_count_for_five_seconds() -> None:
    box = live(ORDER)
    box.advance(271)
    box.tell(FeedLost(7, FeedFailure.CLOSED))
    box.advance(4)
    assert isinstance(box.state, Connected)
    look(box, ORDER)
    box.advance(100)
    assert isinstance(box.state, Connected)

    box = live(ORDER)
    box.advance(271)
    box.tell(FeedLost(7, FeedFailure.CLOSED))
    box.advance(5.1)
    assert isinstance(box.state, Offline)


def test_a_silent_feed_drops_the_count_during_a_refresh() -> None:
    box = live(ORDER)
    box.advance(271)
    assert connected(box).looking
    box.tell(FeedLost(7, FeedFailure.UNREACHABLE))
    assert isinstance(box.state, Offline)
    assert not box.feeds


def test_a_refresh_does_not_go_to_an_address_that_another_name_announces() -> None:
    box = live(ORDER)
    box.tell(GatewayFound(Gateway("A #2", A.addresses)))
    box.advance(269)
    connected(box)
    box.advance(2)
    # The live feed is closed; the token goes there again only if its own name resolves to the address.
    assert isinstance(box.state, Offline)
    assert box.state.link.phase is Phase.RESOLVING
    assert not box.feeds
    box.tell(GatewayUnresolved(box.state.link.attempt))
    assert Timer.RETRY in box.timers


def test_a_refresh_does_not_go_to_an_address_that_another_name_announced_and_withdrew() -> None:
    box = live(ORDER)
    box.tell(GatewayFound(Gateway("A #2", A.addresses)))
    box.tell(GatewayLost("A #2"))
    box.advance(271)
    assert isinstance(box.state, Offline)
    box.tell(GatewayUnresolved(box.state.link.attempt))
    box.advance(1.1)
    box.tell(GatewayUnresolved(box.state.link.attempt))
    assert not box.feeds, "the gateway at this address is unknown"
    box.advance(2.1)
    box.tell(GatewayResolved(box.state.link.attempt, A))
    assert len(box.feeds) == 1


def test_a_refresh_does_not_trust_a_stale_announcement_of_its_own_name() -> None:
    """A gateway is renamed just after it moved, and its old name arrives from a cache after the new one."""
    box = live(ORDER)
    elsewhere = (Address("192.0.2.77"),)
    box.tell(GatewayFound(Gateway("A #2", elsewhere)))
    box.tell(GatewayFound(Gateway("A", elsewhere)))
    box.advance(11)
    box.tell(FeedLost(connected(box).looking, FeedFailure.UNREACHABLE))
    assert isinstance(box.state, Offline)
    assert not box.feeds
    box.tell(GatewayUnresolved(box.state.link.attempt))
    assert not box.feeds
    box.advance(1.1)
    box.tell(GatewayResolved(box.state.link.attempt, Gateway("A", elsewhere)))
    assert len(box.feeds) == 1, "a resolve confirmed the name"


def test_a_changed_network_ends_the_trust_in_the_last_address() -> None:
    box = live(ORDER)
    box.tell(NetworkChanged((*(box.state.world.addresses or ()), "198.51.100.7")))
    # An additional address does not end the feed.
    box.advance(10.1)
    look(box, ORDER)
    box.tell(NetworkChanged(("203.0.113.9",)))
    assert isinstance(box.state, Offline)
    box.tell(GatewayUnresolved(box.state.link.attempt))
    assert not box.feeds
    box.advance(2)
    assert isinstance(box.state, Offline)
    box.tell(GatewayResolved(box.state.link.attempt, A))
    assert len(box.feeds) == 1


def test_pages_two_seconds_apart_sound_each_and_a_burst_sounds_once() -> None:
    box = live(ORDER)
    for _ in range(5):
        box.tell(FeedNotified(7, (OrderPaged(ORDER),)))
        box.advance(2.0)
    assert box.sounds == [Sound.PAGE] * 5
    for _ in range(30):
        box.tell(FeedNotified(7, (OrderPaged(ORDER),)))
        box.advance(0.03)
    assert box.sounds == [Sound.PAGE] * 6

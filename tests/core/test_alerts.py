"""Alerts of paged orders: one sound for a burst, repeats until a press answers, and none after it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.effects import MakeSound
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    FeedFailure,
    FeedLost,
    FeedNotified,
    TimerFired,
)
from appliance.core.notifications import (
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
)
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import present
from appliance.core.states import Connected
from appliance.core.timers import Timer
from appliance.core.values import Benchmarks, Order, PanelSettings, ToGoBenchmarks
from appliance.core.view import Count, Sound
from tests.core.cases import NOW, NUMBER, STATES
from tests.core.simulated_effects import Surroundings

A, B = Order("a", "102", location="8", elapsed=60.0), Order("b", "7", "TO_GO", elapsed=30.0)


def box(*, repeat: bool = False) -> Surroundings:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    world = replace(state.world, settings=PanelSettings(repeat_pages=repeat))
    state = replace(state, world=world, book=replaced(OrderBook(), [A, B], NOW), stale_at=NOW + 300)
    surroundings = Surroundings(state, NOW)
    surroundings.feeds = {NUMBER}
    surroundings.timers = {Timer.STALE: NOW + 300, Timer.REFRESH: NOW + 270, Timer.HISTORY: NOW + 3600}
    return surroundings


def page(surroundings: Surroundings, *orders: Order) -> None:
    pages = tuple(OrderPaged(replace(order, paged=True)) for order in orders)
    surroundings.tell(FeedNotified(NUMBER, pages))


def tap(surroundings: Surroundings) -> None:
    surroundings.tell(ButtonDown())
    surroundings.tell(ButtonUp())


def words(surroundings: Surroundings) -> tuple[str, ...]:
    return present(surroundings.state, surroundings.now).view.screen.words


def test_a_page_replaces_the_count_for_some_seconds() -> None:
    one = box()
    page(one, A)
    assert words(one) == ("Tracker 102 paged", "table 8", "2 orders")
    assert one.sounds == [Sound.PAGE]
    one.advance(7.9)
    assert words(one)[0] == "Tracker 102 paged"
    one.advance(0.2)
    assert words(one)[:2] == ("2", "orders  1 paged  1 to go")


def test_the_next_page_replaces_the_last_one() -> None:
    one = box()
    page(one, A)
    one.advance(3)
    page(one, B)
    assert words(one) == ("Tracker 7 paged", "to go", "+1 more", "2 orders")
    assert one.sounds == [Sound.PAGE, Sound.PAGE]


def test_a_burst_of_pages_makes_one_sound() -> None:
    one = box()
    for _ in range(30):
        page(one, A)
        page(one, B)
        one.advance(1 / 30)
    assert one.sounds == [Sound.PAGE]
    assert words(one)[2] == "+1 more", "two orders, paged repeatedly"


def test_a_press_answers_a_page_and_turns_no_screen() -> None:
    one = box()
    page(one, A)
    tap(one)
    assert isinstance(present(one.state, one.now).view.screen, Count)
    tap(one)
    assert words(one)[0] == "Oldest orders"


def test_a_page_after_an_answered_one_sounds_again() -> None:
    one = box()
    page(one, A)
    one.advance(0.3)
    tap(one)
    page(one, B)
    assert one.sounds == [Sound.PAGE, Sound.PAGE], "the press silenced the first"


def test_a_long_press_answers_a_page_and_keeps_the_pairing() -> None:
    one = box(repeat=True)
    page(one, A)
    one.tell(ButtonDown())
    one.advance(1.5)
    one.tell(ButtonUp())
    assert isinstance(present(one.state, one.now).view.screen, Count)
    one.advance(150)
    assert one.sounds == [Sound.PAGE]
    assert isinstance(one.state, Connected)


def test_a_cleared_order_leaves_the_alert_at_once() -> None:
    one = box()
    page(one, A)
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, state="cleared")),)))
    assert words(one)[0] == "1"


def test_pages_repeat_only_if_the_settings_ask_for_it() -> None:
    one = box()
    page(one, A)
    one.advance(200)
    assert one.sounds == [Sound.PAGE]


def test_an_unanswered_page_sounds_again_three_times_at_most() -> None:
    one = box(repeat=True)
    page(one, A)
    one.advance(39.9)
    assert one.sounds == [Sound.PAGE]
    one.advance(0.2)
    assert one.sounds == [Sound.PAGE] * 2
    assert words(one)[0] == "Tracker 102 paged"
    one.advance(160)
    assert one.sounds.count(Sound.PAGE) == 4


def test_a_press_stops_the_repeats() -> None:
    one = box(repeat=True)
    page(one, A)
    one.advance(45)
    tap(one)
    one.advance(150)
    assert one.sounds.count(Sound.PAGE) == 2


def test_a_page_of_a_cleared_order_is_not_repeated() -> None:
    one = box(repeat=True)
    page(one, A)
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, state="cleared")),)))
    one.advance(150)
    assert one.sounds == [Sound.PAGE]


def test_another_page_restarts_the_repeats() -> None:
    one = box(repeat=True)
    page(one, A)
    one.advance(30)
    page(one, B)
    one.advance(30)
    assert one.sounds == [Sound.PAGE] * 2
    one.advance(11)
    assert one.sounds == [Sound.PAGE] * 3


def test_a_lost_feed_stops_the_repeats() -> None:
    one = box(repeat=True)
    page(one, A)
    one.tell(FeedLost(NUMBER, FeedFailure.UNREACHABLE))
    assert Timer.REPEAT not in one.timers
    _, effects = machine.step(one.state, ButtonDown(), one.now)
    assert not [effect for effect in effects if isinstance(effect, MakeSound)]


def test_an_alert_holds_the_latest_hundred_pages() -> None:
    one = box()
    orders = tuple(Order(str(number), str(number)) for number in range(105))
    one.tell(FeedNotified(NUMBER, (OrdersReplaced(orders),)))
    page(one, *orders)
    assert isinstance(one.state, Connected)
    assert one.state.alert is not None
    assert one.state.alert.uuids == tuple(str(number) for number in range(104, 4, -1))


def test_pages_within_a_second_and_a_half_make_one_sound() -> None:
    one = box()
    page(one, A)
    one.advance(1.49)
    page(one, B)
    assert one.sounds == [Sound.PAGE]
    one.advance(0.02)
    page(one, A)
    assert one.sounds == [Sound.PAGE] * 2


def test_only_orders_still_paged_are_repeated() -> None:
    one = box(repeat=True)
    page(one, A, B)
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(B, state="cleared")),)))
    one.advance(40.1)
    assert one.sounds == [Sound.PAGE] * 2
    assert words(one) == ("Tracker 102 paged", "table 8", "1 order")
    one.advance(7.8)
    assert words(one)[0] == "Tracker 102 paged"
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, paged=False)),)))
    one.advance(40)
    assert one.sounds == [Sound.PAGE] * 2, "the order is no longer paged"
    assert isinstance(one.state, Connected)
    assert one.state.repeats == 0


@pytest.mark.parametrize(("early", "sounds"), [(0.06, False), (0.04, True), (0.0, True), (-5.0, True)])
def test_a_late_timer_may_fire_a_moment_before_its_time(early: float, sounds: bool) -> None:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    assert state.late_at == NOW + 240
    after, effects = machine.step(state, TimerFired(Timer.LATE), NOW + 240 - early)
    assert (MakeSound(Sound.LATE) in effects) == sounds
    assert sounds or after == state


def test_a_late_timer_without_a_late_order_is_ignored() -> None:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    state = replace(state, late_at=None)
    assert machine.step(state, TimerFired(Timer.LATE), NOW) == (state, ())


def test_a_page_just_after_the_sound_of_another_sounds() -> None:
    one = box()
    page(one, A)
    one.now += 1.5
    page(one, B)
    assert one.sounds == [Sound.PAGE] * 2


def test_a_long_press_answers_an_unrepeated_page() -> None:
    one = box()
    page(one, A)
    one.tell(ButtonDown())
    one.advance(1.5)
    one.tell(ButtonUp())
    assert isinstance(present(one.state, one.now).view.screen, Count)
    one.advance(10)
    one.tell(ButtonDown())
    one.advance(1.5)
    one.tell(ButtonUp())
    assert isinstance(present(one.state, one.now).view.screen, Count), "without a page it has no effect"


def test_pages_are_shown_in_turn_until_the_count_comes_back() -> None:
    one = box()
    page(one, A, B)
    shown = [words(one)]
    for _ in range(79):
        one.advance(0.1)
        if words(one) != shown[-1]:
            shown.append(words(one))
    assert shown == [
        ("Tracker 7 paged", "to go", "+1 more", "2 orders"),
        ("Tracker 102 paged", "table 8", "+1 more", "2 orders"),
    ]
    one.advance(0.2)
    assert words(one)[:2] == ("2", "orders  2 paged  1 to go")


@pytest.mark.parametrize("count", range(1, 13))
def test_each_number_of_up_to_twelve_pages_is_shown_long_enough_to_be_read(count: int) -> None:
    one = box()
    orders = tuple(Order(str(number), str(number)) for number in range(101, 101 + count))
    one.tell(FeedNotified(NUMBER, (OrdersReplaced(orders),)))
    page(one, *orders)
    now, begun, seen = one.now, one.now, set[str]()
    while now < begun + 8 - 1e-6:
        shown = present(one.state, now)
        until = min(shown.until, begun + 8)
        while present(one.state, until).view.screen.words == shown.view.screen.words:
            until = present(one.state, until).until
        assert until - now >= 8 / 4 - 0.01
        seen |= set(shown.view.screen.words[0].split()[1:-1])
        now = until
    assert seen == {order.name for order in orders}


def watched(benchmarks: Benchmarks | None = None, **settings: object) -> Surroundings:
    """A box that has yet to start its timer of late orders: a message does."""
    one = box()
    assert isinstance(one.state, Connected)
    world = replace(one.state.world, settings=PanelSettings(**settings))  # type: ignore[arg-type]
    one.state = replace(one.state, world=replace(world, benchmarks=benchmarks or world.benchmarks), late_at=None)
    return one


CREATED = (OrderChanged(Order("c", "9"), created=True),)


@pytest.mark.parametrize("off", ["page", "late", "new_order", None])
def test_each_sound_is_switched_on_its_own(off: str | None) -> None:
    one = watched(sounds=frozenset(Sound) - {off})
    one.tell(FeedNotified(NUMBER, CREATED))
    one.advance(2)
    page(one, A)
    one.advance(250)
    assert one.sounds == [sound for sound in (Sound.NEW_ORDER, Sound.PAGE, Sound.LATE) if sound != off]


def test_new_orders_share_a_sound_and_never_cut_into_a_page() -> None:
    one = watched(sounds=frozenset(Sound))
    for number in range(5):
        one.tell(FeedNotified(NUMBER, (OrderChanged(Order(f"n{number}"), created=True),)))
        one.advance(0.2)
    assert one.sounds == [Sound.NEW_ORDER]
    one.advance(2)
    page(one, A)
    one.tell(FeedNotified(NUMBER, CREATED))
    assert one.sounds == [Sound.NEW_ORDER, Sound.PAGE]
    one.advance(2)
    one.tell(FeedNotified(NUMBER, (OrderChanged(Order("c", "9", location="3")), OrderChanged(Order("unknown")))))
    assert one.sounds == [Sound.NEW_ORDER, Sound.PAGE], "only a new order that the gateway announces"


def test_a_late_sound_that_waits_is_for_orders_that_are_still_there() -> None:
    one = watched()
    for uuid, elapsed in (("c", 235.0), ("d", 225.0)):
        one.tell(FeedNotified(NUMBER, (OrderChanged(Order(uuid, uuid, elapsed=elapsed), created=True),)))
    one.advance(80)
    assert one.sounds == [Sound.LATE], "the second waits"
    gone = tuple(OrderChanged(replace(order, state="cleared")) for order in (A, B, Order("d")))
    one.tell(FeedNotified(NUMBER, gone))
    one.advance(100)
    assert one.sounds == [Sound.LATE]


def test_an_order_to_go_becomes_late_at_its_own_time_and_only_once() -> None:
    one = watched(Benchmarks(100.0, 120.0, to_go=ToGoBenchmarks(180.0, 240.0)))
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, location="9")),)))
    one.advance(60.1)
    assert one.sounds == [Sound.LATE]
    leds = present(one.state, one.now).view.leds
    assert (leds.red, leds.amber) == ("on", "off")
    assert "1 late" in words(one)[1]
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, order_type="TO_GO")),)))
    assert present(one.state, one.now).view.leds.green == "on", "both are to go now, and in time"
    one.advance(59)
    assert present(one.state, one.now).view.leds.green == "on"
    one.advance(1)
    assert present(one.state, one.now).view.leds.amber == "on"
    one.advance(85)
    assert one.sounds == [Sound.LATE]
    one.advance(5)
    assert one.sounds == [Sound.LATE] * 2, "the second is for B; A had its own"


def test_an_order_that_is_late_again_has_no_second_sound() -> None:
    one = watched(late_every=1.0)
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(B, state="cleared")), OrderChanged(A))))
    one.advance(241)
    assert one.sounds == [Sound.LATE]
    assert isinstance(one.state, Connected)
    one.state = replace(one.state, book=replaced(OrderBook(), [replace(A, elapsed=290.0)], one.now))
    one.tell(FeedNotified(NUMBER, CREATED))
    one.advance(20)
    assert one.sounds == [Sound.LATE]

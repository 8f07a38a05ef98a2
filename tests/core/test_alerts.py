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
    OrderChanged,
    OrderPaged,
    OrdersReplaced,
    Timer,
    TimerFired,
)
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import present
from appliance.core.states import Connected
from appliance.core.values import Order, PanelSettings
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
    assert words(one) == ("paged 102", "table 8", "2 orders")
    assert one.sounds == [Sound.PAGE]
    one.advance(7.9)
    assert words(one)[0] == "paged 102"
    one.advance(0.2)
    assert words(one)[:2] == ("2", "orders  1 paged  1 to go")


def test_the_next_page_replaces_the_last_one() -> None:
    one = box()
    page(one, A)
    one.advance(3)
    page(one, B)
    assert words(one) == ("paged 7", "to go", "+1 more", "2 orders")
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
    assert words(one)[0] == "paged 102"
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
    assert words(one) == ("paged 102", "table 8", "1 order")
    one.advance(7.8)
    assert words(one)[0] == "paged 102"
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

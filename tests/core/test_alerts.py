"""Pages on display and buzzer: one sound for many, repeats of an unanswered page, none after a press."""

from __future__ import annotations

from dataclasses import replace

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
    Timer,
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
    told = tuple(OrderPaged(replace(order, paged=True)) for order in orders)
    surroundings.tell(FeedNotified(NUMBER, told))


def tap(surroundings: Surroundings) -> None:
    surroundings.tell(ButtonDown())
    surroundings.tell(ButtonUp())


def words(surroundings: Surroundings) -> tuple[str, ...]:
    return present(surroundings.state, surroundings.now).view.screen.words


def test_a_paged_order_takes_the_place_of_the_count_for_some_seconds() -> None:
    one = box()
    page(one, A)
    assert words(one) == ("paged 102", "table 8", "2 orders")
    assert one.sounds == [Sound.PAGE]
    one.advance(7.9)
    assert words(one)[0] == "paged 102"
    one.advance(0.2)
    assert words(one)[:2] == ("2", "orders  1 paged  1 to go")


def test_the_next_page_takes_the_place_of_the_last() -> None:
    one = box()
    page(one, A)
    one.advance(3)
    page(one, B)
    assert words(one) == ("paged 7", "to go", "+1 more", "2 orders")
    assert one.sounds == [Sound.PAGE, Sound.PAGE]


def test_thirty_pages_in_a_second_are_one_alarm() -> None:
    one = box()
    for _ in range(30):
        page(one, A)
        page(one, B)
        one.advance(1 / 30)
    assert one.sounds == [Sound.PAGE]
    assert words(one)[2] == "+1 more", "two orders, however often they were paged"


def test_a_press_answers_a_page_and_turns_no_page_of_the_display() -> None:
    one = box()
    page(one, A)
    tap(one)
    assert isinstance(present(one.state, one.now).view.screen, Count)
    tap(one)
    assert words(one)[0] == "Oldest orders"


def test_a_page_after_an_answered_one_has_a_sound_of_its_own() -> None:
    one = box()
    page(one, A)
    one.advance(0.3)
    tap(one)
    page(one, B)
    assert one.sounds == [Sound.PAGE, Sound.PAGE], "the press silenced the first"


def test_an_elbow_on_the_button_answers_a_page_and_forgets_nothing() -> None:
    one = box(repeat=True)
    page(one, A)
    one.tell(ButtonDown())
    one.advance(1.5)
    one.tell(ButtonUp())
    assert isinstance(present(one.state, one.now).view.screen, Count)
    one.advance(150)
    assert one.sounds == [Sound.PAGE]
    assert isinstance(one.state, Connected)


def test_an_order_that_is_cleared_while_it_is_shown_goes_at_once() -> None:
    one = box()
    page(one, A)
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, state="cleared")),)))
    assert words(one)[0] == "1"


def test_a_page_is_not_repeated_unless_it_is_asked_for() -> None:
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


def test_a_press_ends_the_repeating() -> None:
    one = box(repeat=True)
    page(one, A)
    one.advance(45)
    tap(one)
    one.advance(150)
    assert one.sounds.count(Sound.PAGE) == 2


def test_a_page_of_an_order_that_is_gone_is_not_repeated() -> None:
    one = box(repeat=True)
    page(one, A)
    one.tell(FeedNotified(NUMBER, (OrderChanged(replace(A, state="cleared")),)))
    one.advance(150)
    assert one.sounds == [Sound.PAGE]


def test_another_page_begins_the_repeating_anew() -> None:
    one = box(repeat=True)
    page(one, A)
    one.advance(30)
    page(one, B)
    one.advance(30)
    assert one.sounds == [Sound.PAGE] * 2
    one.advance(11)
    assert one.sounds == [Sound.PAGE] * 3


def test_offline_nothing_is_repeated() -> None:
    one = box(repeat=True)
    page(one, A)
    one.tell(FeedLost(NUMBER, FeedFailure.UNREACHABLE))
    assert Timer.REPEAT not in one.timers
    _, effects = machine.step(one.state, ButtonDown(), one.now)
    assert not [effect for effect in effects if isinstance(effect, MakeSound)]

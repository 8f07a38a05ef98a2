"""Which screen a press selects, what holding the button does, and when the display sleeps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.effects import Effect, ForgetTokens, MakeSound
from appliance.core.events import (
    BoardRead,
    ButtonDown,
    ButtonStuck,
    ButtonUp,
    FeedAnswered,
    FeedNotified,
    TimerFired,
)
from appliance.core.heartbeat import heartbeat
from appliance.core.navigation import available_screens, power
from appliance.core.notifications import OrderChanged
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import PRESS_SHOWS, present
from appliance.core.states import AwaitingPairing, Connected, Pairing, ScreenId, State
from appliance.core.timers import Timer
from appliance.core.values import Board, Mistake, Order, PanelSettings
from appliance.core.view import Asleep, Count, Listing, Mark, Message, Power, Sound
from tests.core.cases import NOW, NUMBER, STATES


def connected(*orders: Order, **settings: float) -> Connected:
    state = STATES["connected"]
    assert isinstance(state, Connected)
    world = replace(state.world, settings=PanelSettings(**settings), last_activity=NOW, version="1.2.3")  # type: ignore[arg-type]
    return replace(state, world=world, book=replaced(OrderBook(), orders, NOW), last_heard=NOW)


def tap(state: State, now: float) -> tuple[State, list[Effect]]:
    state, down = machine.step(state, ButtonDown(), now)
    state, up = machine.step(state, ButtonUp(), now + 0.1)
    return state, [*down, *up]


def titles(state: State, presses: int) -> list[str]:
    found = []
    for number in range(presses):
        state, _ = tap(state, NOW + number)
        screen = present(state, NOW + number + 0.5).view.screen
        found.append(screen.title if isinstance(screen, Listing) else type(screen).__name__)
    return found


def test_presses_turn_the_screens_and_return_to_the_count() -> None:
    assert titles(connected(Order("a")), 7) == [
        "Oldest orders",
        "Today",
        "This box",
        "Gateway",
        "Steady light",
        "Count",
        "Oldest orders",
    ]


def test_the_display_returns_to_the_count_by_itself() -> None:
    state, _ = tap(connected(Order("a")), NOW)
    assert isinstance(present(state, NOW + 14.9).view.screen, Listing)
    assert isinstance(present(state, NOW + 15.2).view.screen, Count)
    again, _ = tap(state, NOW + 20)
    assert present(again, NOW + 20.5).view.screen.words[0] == "Oldest orders", (
        "the next press starts at the first screen"
    )


def test_the_oldest_orders_are_listed_with_table_age_and_mark() -> None:
    state = connected(
        Order("a", "102", location="8", elapsed=431.0),
        Order("b", "7", "TO_GO", elapsed=200.0),
        Order("c", "15", elapsed=10.0),
        Order("d", "16", elapsed=4 * 3600.0),
    )
    state_, _ = tap(state, NOW)
    screen = present(state_, NOW + 0.5).view.screen
    assert isinstance(screen, Listing)
    assert screen.words == ("Oldest orders", "102  table 8  7 min", "7  to go  3 min", "15  <1 min")
    assert [row.mark for row in screen.rows] == [Mark.LATE, Mark.WARN, Mark.FINE], "without the forgotten order"


@pytest.mark.parametrize("name", ["offline, waiting", "offline, opening", "connecting, resolving", "discovering"])
def test_without_a_count_a_press_turns_to_the_installers_screens(name: str) -> None:
    state = STATES[name]
    headline = "OFFLINE" if name.startswith("offline") else "This box"
    state = replace(state, world=replace(state.world, last_activity=NOW))
    turned, _ = tap(state, NOW)
    screen = present(turned, NOW + 0.5).view.screen
    assert isinstance(screen, Listing)
    assert screen.title == headline
    assert screen.rows[0].left == "192.0.2.5", "this box's own address"


def test_the_installers_screens_describe_box_and_gateway() -> None:
    state: State = connected(Order("a"))
    state, _ = machine.step(state, BoardRead(Board(52.3, weak_power=False, was_weak=True)), NOW)
    for number in range(3):
        state, _ = tap(state, NOW + number)
    assert present(state, NOW + 3).view.screen.words == (
        "This box",
        "192.0.2.5",
        "v1.2.3  on for 16 min",
        "box 52 °C  power was weak",
    )
    state, _ = machine.step(state, FeedAnswered(NUMBER), NOW + 3)
    state, _ = tap(state, NOW + 4)
    assert present(state, NOW + 8).view.screen.words == (
        "Gateway",
        "A",
        "192.0.2.10:8000",
        "last heard  5 s ago",
        "orders  1",
    )


def test_the_leds_are_explained_in_three_parts_one_after_the_other() -> None:
    state: State = connected(Order("a"))
    for number in range(5):
        state, _ = tap(state, NOW + number)
    turned = NOW + 4.1
    shown: list[tuple[str, ...]] = []
    now = turned
    while isinstance(screen := present(state, now).view.screen, Listing):
        shown.append(screen.words)
        while present(state, now).view.screen.words == shown[-1]:
            now = present(state, now).until
    assert [words[0] for words in shown] == ["Steady light", "Blinks slowly", "Blinks fast"]
    assert now == pytest.approx(turned + 15, abs=0.2)
    rows = [row for words in shown for row in words[1:]]
    assert len(rows) == len(set(rows)) == 9, "every meaning listed in hardware.md"


def test_only_the_release_of_a_hold_forgets_the_pairing() -> None:
    held, _ = machine.step(connected(), ButtonDown(), NOW)
    assert present(held, NOW + 6).view.screen.words == ("Let go now", "to forget the pairing")
    state, effects = machine.step(held, ButtonUp(), NOW + 6)
    assert isinstance(state, AwaitingPairing)
    assert ForgetTokens() in effects
    stuck, _ = machine.step(held, TimerFired(Timer.STUCK), NOW + 30)
    assert present(stuck, NOW + 31).view.screen.words[-1] == "Button stuck: free it"
    up, effects = machine.step(stuck, ButtonUp(), NOW + 40)
    assert isinstance(up, Connected)
    assert not effects
    assert present(up, NOW + 41).view.screen.words == ("0", "orders")


def test_a_button_down_at_the_start_is_reported_until_its_release() -> None:
    state, _ = machine.step(STATES["offline, waiting"], ButtonStuck(), NOW)
    assert "Button stuck: free it" in present(state, NOW).view.screen.words
    state, effects = machine.step(state, ButtonUp(), NOW + 1)
    assert not effects
    assert "Button stuck: free it" not in present(state, NOW + 1).view.screen.words


def test_every_press_is_visible_at_once() -> None:
    state: State = connected()
    down, _ = machine.step(state, ButtonDown(), NOW)
    assert present(down, NOW).view.pressed
    up, _ = machine.step(down, ButtonUp(), NOW + 0.03)
    shown = present(up, NOW + 0.03)
    assert shown.view.pressed
    assert shown.until == pytest.approx(NOW + 0.15)
    assert not present(up, NOW + 0.16).view.pressed


def test_an_idle_display_dims_and_then_sleeps() -> None:
    state = connected()
    assert present(state, NOW + 599).view.power is Power.BRIGHT
    assert present(state, NOW + 600).view.power is Power.DIM
    asleep = present(state, NOW + 4 * 3600).view
    assert (asleep.power, asleep.screen, asleep.beat) == (Power.DARK, Asleep(), None)


def test_an_order_wakes_the_display_and_keeps_it_awake() -> None:
    state = connected()
    later = NOW + 5 * 3600
    created = FeedNotified(NUMBER, (OrderChanged(Order("a", created=1.0), created=True),))
    busy, _ = machine.step(state, created, later)
    assert present(busy, later).view.power is Power.BRIGHT
    assert present(busy, later + 2 * 3600).view.power is Power.BRIGHT
    assert present(busy, later + 4 * 3600 + 1).view.power is Power.DARK, "a forgotten order does not"
    cleared = FeedNotified(NUMBER, (OrderChanged(Order("a", state="cleared")),))
    empty, _ = machine.step(busy, cleared, later + 7200)
    assert present(empty, later + 7200 + 599).view.power is Power.BRIGHT


def test_a_press_only_wakes_the_display() -> None:
    state, later = connected(), NOW + 5 * 3600
    woke_display, effects = tap(state, later)
    assert isinstance(present(woke_display, later + 1).view.screen, Count)
    assert present(woke_display, later + 1).view.power is Power.BRIGHT
    assert not [effect for effect in effects if isinstance(effect, MakeSound)]
    turned, _ = tap(woke_display, later + 2)
    assert isinstance(present(turned, later + 3).view.screen, Listing)


def test_a_fault_stays_visible_while_the_display_sleeps() -> None:
    state = STATES["offline, waiting"]
    asleep = present(replace(state, world=replace(state.world, last_activity=0.0)), 5 * 3600.0).view
    assert (asleep.power, asleep.screen) == (Power.DIM, Asleep("OFFLINE"))
    weak, _ = machine.step(connected(), BoardRead(Board(weak_power=True)), NOW)
    assert present(weak, NOW).view.screen.words[-1] == "Weak power supply"
    assert present(weak, NOW + 5 * 3600).view.screen == Asleep("Weak power supply")


def test_the_settings_can_keep_the_display_bright() -> None:
    state = connected(dim_after=math.inf, sleep_after=math.inf)
    assert present(state, NOW + 1e7).view.power is Power.BRIGHT
    assert present(connected(dim_after=math.inf, sleep_after=60.0), NOW + 61).view.power is Power.DARK


def test_a_pairing_window_keeps_the_display_bright() -> None:
    state = STATES["pairing, one gateway"]
    assert isinstance(state, Pairing)
    assert present(replace(state, world=replace(state.world, last_activity=0.0)), NOW).view.power is Power.BRIGHT


def test_the_heartbeat_stops_on_a_silent_feed() -> None:
    state = connected()
    beats = {present(state, NOW + second).view.beat for second in range(4)}
    assert beats == {True, False}
    assert present(state, NOW + 24).view.beat is not None
    assert present(state, NOW + 25).view.beat is None
    heard, _ = machine.step(state, FeedAnswered(NUMBER), NOW + 24)
    assert present(heard, NOW + 25).view.beat is not None
    stranger, _ = machine.step(state, FeedAnswered(99), NOW + 24)
    assert present(stranger, NOW + 25).view.beat is None
    assert present(STATES["offline, waiting"], NOW).view.beat is None


def test_the_burn_in_shift_changes_every_minute() -> None:
    state = connected()
    walked = [present(state, NOW + 60.0 * minute).view.walk for minute in range(4)]
    assert walked == list(range(walked[0], walked[0] + 4))


def test_a_long_search_suggests_a_cause() -> None:
    state = STATES["discovering"]
    state = replace(state, world=replace(state.world, last_activity=NOW))
    assert "Is the gateway on, and" not in present(state, NOW + 19).view.screen.words
    screen = present(state, NOW + 20).view.screen
    assert isinstance(screen, Message)
    assert "Is the gateway on, and" in screen.words


@pytest.mark.parametrize(("held", "turns"), [(0.9, True), (1.0, False), (4.9, False)])
def test_an_early_release_forgets_nothing(held: float, turns: bool) -> None:
    down, _ = machine.step(connected(Order("a")), ButtonDown(), NOW)
    state, effects = machine.step(down, ButtonUp(), NOW + held)
    assert isinstance(state, Connected)
    assert ForgetTokens() not in effects
    assert isinstance(present(state, NOW + held + 0.5).view.screen, Listing) == turns


@pytest.mark.parametrize(("held", "forgets"), [(4.9, False), (4.96, True), (29.0, True)])
def test_a_hold_of_five_seconds_forgets(held: float, forgets: bool) -> None:
    down, _ = machine.step(connected(), ButtonDown(), NOW)
    _, effects = machine.step(down, ButtonUp(), NOW + held)
    assert (ForgetTokens() in effects) == forgets


def test_a_long_press_turns_the_screen_where_nothing_can_be_forgotten() -> None:
    down, _ = machine.step(STATES["discovering"], ButtonDown(), NOW)
    state, _ = machine.step(down, ButtonUp(), NOW + 4)
    assert isinstance(present(state, NOW + 4.5).view.screen, Listing)


def test_the_heartbeat_changes_every_two_seconds() -> None:
    state = connected()
    assert [present(state, 1000.0 + second).view.beat for second in (0, 1.9, 2, 3.9, 4)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert [heartbeat(state, 1000.0 + second)[1] for second in (0, 1.9, 2)] == [1002.0, 1002.0, 1004.0]
    assert heartbeat(state, NOW + 24.5) == (True, NOW + 25)
    assert heartbeat(state, NOW + 25) == (None, math.inf)


def test_an_order_keeps_the_display_bright_until_it_is_forgotten() -> None:
    state = connected(Order("a", elapsed=3 * 3600.0), Order("b", elapsed=3600.0))
    idle = replace(state, world=replace(state.world, last_activity=NOW - 9 * 3600))
    assert power(idle, NOW) == (Power.BRIGHT, NOW + 2 * 3600)
    assert power(idle, NOW + 2 * 3600) == (Power.DARK, math.inf)
    quiet = connected()
    assert power(quiet, NOW) == (Power.BRIGHT, NOW + 600)
    assert power(quiet, NOW + 600) == (Power.DIM, NOW + 4 * 3600)
    assert power(quiet, NOW + 4 * 3600) == (Power.DARK, math.inf)


def test_a_waking_press_without_a_gateway_makes_no_sound() -> None:
    state = replace(STATES["discovering"], world=replace(STATES["discovering"].world, last_activity=NOW - 5 * 3600))
    woke_display, effects = tap(state, NOW)
    assert not [effect for effect in effects if isinstance(effect, MakeSound)]
    assert isinstance(present(woke_display, NOW + 1).view.screen, Message)
    _, effects = tap(woke_display, NOW + 2)
    assert MakeSound(Sound.ERROR) in effects


def test_a_mistake_in_the_settings_is_the_first_of_the_installers_screens() -> None:
    mistakes = (Mistake(12, "pins.green", "must be a number"),)
    state = connected(Order("a"))
    state = replace(state, world=replace(state.world, mistakes=mistakes))
    assert available_screens(state)[3:5] == (ScreenId.SETTINGS, ScreenId.BOX)
    assert available_screens(connected())[3] is ScreenId.BOX
    offline = replace(STATES["offline, waiting"], world=replace(state.world, turned_to=ScreenId.SETTINGS))
    turned = replace(offline, world=replace(offline.world, turned_until=NOW + 9))
    assert present(turned, NOW).view.screen.words == ("Mistake in line 12", "pins.green: must be a number")


def test_a_press_is_shown_for_its_time() -> None:
    state = connected()
    state = replace(state, world=replace(state.world, pressed_at=NOW))
    assert present(state, NOW + PRESS_SHOWS - 0.001).view.pressed
    assert not present(state, NOW + PRESS_SHOWS).view.pressed

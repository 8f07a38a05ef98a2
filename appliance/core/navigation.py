"""Navigation: the screens that a short press turns to, and when the display dims and sleeps.

Times are monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core.alerts import page_is_answerable
from appliance.core.orders import OrderBook
from appliance.core.states import NEVER, AwaitingPairing, Connected, Pairing, ScreenId, State, World
from appliance.core.values import Benchmarks
from appliance.core.view import Power

SCREEN_STAYS = 15.0
"""Seconds after which the display returns to the main screen: time to read five rows aloud."""
IN_TURN, MISTAKE_SHOWS = 12.0, 4.0
"""Seconds of a cycle in which the display shows a mistake in the settings by itself, and how long it shows it."""
READ_TIME = 2.0
"""Seconds for which a question has to be on the display before a press can answer it."""


def available_screens(state: State) -> tuple[ScreenId, ...]:
    """The screens of a state, in the order in which presses turn to them."""
    support = _support_screens(state.world)
    match state:
        case Connected():
            return (ScreenId.MAIN, ScreenId.OLDEST, ScreenId.TODAY, *support)
        case AwaitingPairing() | Pairing():
            # Here, a press pairs.
            return (ScreenId.MAIN,)
        case _:
            return (ScreenId.MAIN, *support)


def _support_screens(world: World) -> tuple[ScreenId, ...]:
    """The installer's screens. The question comes last, so that nobody has to press past it."""
    settings = (ScreenId.SETTINGS,) if world.mistakes else ()
    display = () if world.display is None else (ScreenId.DISPLAY,)
    shifted = () if world.display is None or world.display.other_driver is None else (ScreenId.SHIFTED,)
    legend = (ScreenId.LED_LEGEND,) if world.settings.leds else ()
    return (*settings, ScreenId.BOX, ScreenId.GATEWAY, *legend, *display, *shifted)


def current_screen(state: State, now: float) -> tuple[ScreenId, float]:
    """The screen at `now`, and until when it holds if nothing happens."""
    world = state.world
    if isinstance(state, AwaitingPairing) and world.mistakes:
        # No press can turn to it here.
        begins = (now // IN_TURN + 1) * IN_TURN
        shows = begins - MISTAKE_SHOWS
        return (ScreenId.MAIN, shows) if now < shows else (ScreenId.SETTINGS, begins)
    if now < world.turned_until and world.turned_to in available_screens(state):
        return world.turned_to, world.turned_until
    return ScreenId.MAIN, math.inf


def turn(state: State, now: float) -> World:
    """The world after a press turned to the next screen."""
    known = available_screens(state)
    following = known[(known.index(current_screen(state, now)[0]) + 1) % len(known)]
    until = NEVER if following is ScreenId.MAIN else now + SCREEN_STAYS
    return replace(state.world, turned_to=following, turned_until=until)


def asks_if_shifted(state: State, now: float) -> bool:
    """Whether the display asks if its picture is shifted, has asked for READ_TIME, and a press answers nothing else."""
    world = state.world
    since = world.turned_until - SCREEN_STAYS
    if world.down_since is None:
        # A press may have woken the display.
        since = max(since, world.pressed_at)
    if isinstance(state, Connected):
        if page_is_answerable(state, now):
            return False
        if state.alert is not None:
            since = max(since, state.alert.until)
    return current_screen(state, now)[0] is ScreenId.SHIFTED and now - since >= READ_TIME


def swap_driver(world: World, now: float) -> World:
    """The world after a person said that the picture is shifted; the question stays, to be answered again."""
    display = world.display
    assert display is not None, "the question was about a display"
    swapped = replace(display, driver=display.other_driver or display.driver)
    return replace(world, display=swapped, turned_until=now + SCREEN_STAYS)


def power(state: State, now: float) -> tuple[Power, float]:
    """The display's brightness, and until when it holds if nothing happens.

    It dims and sleeps only while there is nothing to do: no order that may raise an alarm, and no open pairing window.
    """
    world = state.world
    if isinstance(state, Pairing) or world.down_since is not None:
        return Power.BRIGHT, math.inf
    if isinstance(state, Connected) and (wakeful := _alarms_until(state.book, world.benchmarks, now)) > now:
        return Power.BRIGHT, wakeful
    dims, sleeps = world.last_activity + world.settings.dim_after, world.last_activity + world.settings.sleep_after
    if now >= sleeps:
        return Power.DARK, math.inf
    return (Power.DIM, sleeps) if now >= dims else (Power.BRIGHT, min(dims, sleeps))


def _alarms_until(book: OrderBook, benchmarks: Benchmarks, now: float) -> float:
    """A time until which at least one order is not forgotten; -inf without one."""
    ends = (held.since + benchmarks.forget_after for held in book.held.values())
    return next((end for end in ends if end > now), -math.inf)

"""Navigation: the screens that a short press turns to, and when the display dims and sleeps.

Times are monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core.orders import OrderBook
from appliance.core.states import NEVER, AwaitingPairing, Connected, Pairing, ScreenId, State, World
from appliance.core.values import Benchmarks
from appliance.core.view import Power

SCREEN_STAYS = 15.0
"""Seconds after which the display returns to the main screen: time to read five rows aloud."""
IN_TURN, MISTAKE_SHOWS = 12.0, 4.0
"""Seconds of a cycle in which the display shows a mistake in the settings by itself, and how long it shows it."""
SUPPORT = (ScreenId.BOX, ScreenId.GATEWAY, ScreenId.LED_LEGEND)
"""The installer's screens."""


def available_screens(state: State) -> tuple[ScreenId, ...]:
    """The screens of a state, in the order in which presses turn to them."""
    support = (ScreenId.SETTINGS, *SUPPORT) if state.world.mistakes else SUPPORT
    match state:
        case Connected():
            return (ScreenId.MAIN, ScreenId.OLDEST, ScreenId.TODAY, *support)
        case AwaitingPairing() | Pairing():
            # Here, a press pairs.
            return (ScreenId.MAIN,)
        case _:
            return (ScreenId.MAIN, *support)


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

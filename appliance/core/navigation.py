"""Navigation: the screens that a short press turns to, and when the display dims and sleeps.

Times are monotonic seconds.
"""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core.alerts import page_is_answerable
from appliance.core.backups import BackupPhase
from appliance.core.orders import OrderBook
from appliance.core.states import NEVER, AwaitingPairing, Connected, Pairing, ScreenId, State, World
from appliance.core.updates import UpdatePhase
from appliance.core.values import Benchmarks
from appliance.core.view import Power

SCREEN_STAYS = 15.0
"""Seconds after which the display returns to the main screen: time to read five rows aloud."""
MAIN_SHOWS, MISTAKE_SHOWS, UPDATE_SHOWS = 8.0, 4.0, 8.0
"""Seconds for which the display shows each screen in turn where no press can turn: the main one, a mistake in the
settings, the box's update, which a press may answer, and what was saved or restored."""
COPY_RESULT_SHOWS = 60.0
"""Seconds for which the display says how saving or restoring a copy ended: time to come back to the box."""
TOLD_IN_TURN = (BackupPhase.RESTORING, BackupPhase.RESTORED, BackupPhase.FAILED)
"""What a person who waits to pair has to know: how the copy on a stick came back, or why it did not."""
READ_TIME = 2.0
"""Seconds for which a question has to be on the display before a press can answer it."""


def available_screens(state: State) -> tuple[ScreenId, ...]:
    """The screens of a state, in the order in which presses turn to them."""
    support = _support_screens(state.world)
    update = () if state.world.update.phase is UpdatePhase.NONE else (ScreenId.UPDATE,)
    match state:
        case Connected():
            return (ScreenId.MAIN, ScreenId.OLDEST, ScreenId.TODAY, *update, *support)
        case AwaitingPairing() | Pairing():
            # Here, a press pairs.
            return (ScreenId.MAIN,)
        case _:
            return (ScreenId.MAIN, *update, *support)


def _support_screens(world: World) -> tuple[ScreenId, ...]:
    """The installer's screens. The question comes last, so that nobody has to press past it."""
    settings = (ScreenId.SETTINGS,) if world.mistakes else ()
    display = () if world.display is None else (ScreenId.DISPLAY,)
    shifted = () if world.display is None or world.display.other_driver is None else (ScreenId.SHIFTED,)
    legend = (ScreenId.LED_LEGEND,) if world.settings.leds else ()
    copies = () if world.backup is None else (ScreenId.COPY, ScreenId.ERASE)
    return (*settings, ScreenId.BOX, ScreenId.GATEWAY, *legend, *display, *copies, *shifted)


def current_screen(state: State, now: float) -> tuple[ScreenId, float]:
    """The screen at `now`, and until when it holds if nothing happens."""
    world = state.world
    if isinstance(state, AwaitingPairing):
        screen, _, until = _in_turn(world, now)
        return screen, until
    if world.turned_to is ScreenId.ERASE and world.down_since is not None and world.down_since < world.turned_until:
        # The hold takes as long as the screen stays.
        return ScreenId.ERASE, math.inf
    if now < world.turned_until and world.turned_to in available_screens(state):
        return world.turned_to, world.turned_until
    return ScreenId.MAIN, math.inf


def turn(state: State, now: float) -> World:
    """The world after a press turned to the next screen."""
    known = available_screens(state)
    following = known[(known.index(current_screen(state, now)[0]) + 1) % len(known)]
    until = NEVER if following is ScreenId.MAIN else now + SCREEN_STAYS
    return replace(state.world, turned_to=following, turned_until=until)


def _in_turn(world: World, now: float) -> tuple[ScreenId, float, float]:
    """The screen at `now` while a gateway waits to be paired, since when, and until when."""
    cycle = [(ScreenId.MAIN, MAIN_SHOWS)]
    if world.mistakes:
        cycle.append((ScreenId.SETTINGS, MISTAKE_SHOWS))
    if world.update.phase is not UpdatePhase.NONE:
        cycle.append((ScreenId.UPDATE, UPDATE_SHOWS))
    if world.backup is not None and world.backup.phase in TOLD_IN_TURN:
        cycle.append((ScreenId.COPY, UPDATE_SHOWS))
    if len(cycle) == 1:
        return ScreenId.MAIN, NEVER, math.inf
    length = sum(seconds for _, seconds in cycle)
    since = now // length * length
    for screen, seconds in cycle[:-1]:
        if now < since + seconds:
            return screen, since, since + seconds
        since += seconds
    screen, seconds = cycle[-1]
    return screen, since, since + seconds


def show_update(world: World, now: float) -> World:
    """The world with the screen of the update on the display, as after a press that turned to it."""
    return replace(world, turned_to=ScreenId.UPDATE, turned_until=now + SCREEN_STAYS)


def answerable_screen(state: State, now: float) -> ScreenId:
    """The screen at `now` if it has been shown for READ_TIME, and a press answers nothing else; else the main one."""
    world = state.world
    screen = current_screen(state, now)[0]
    since = _in_turn(world, now)[1] if isinstance(state, AwaitingPairing) else world.turned_until - SCREEN_STAYS
    if screen is ScreenId.UPDATE:
        since = max(since, world.update_since, world.requested_until)
    if screen is ScreenId.COPY:
        since = max(since, world.backup_since + COPY_RESULT_SHOWS, world.backup_requested_until)
    if screen is ScreenId.ERASE:
        since = max(since, world.erase_requested_until)
    if world.down_since is None:
        # A press may have woken the display.
        since = max(since, world.pressed_at)
    if isinstance(state, Connected):
        if page_is_answerable(state, now):
            return ScreenId.MAIN
        if state.alert is not None:
            since = max(since, state.alert.until)
    return screen if now - since >= READ_TIME else ScreenId.MAIN


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
    if isinstance(state, Connected) and (wakeful := alarms_until(state.book, world.benchmarks, now)) > now:
        return Power.BRIGHT, wakeful
    dims, sleeps = world.last_activity + world.settings.dim_after, world.last_activity + world.settings.sleep_after
    if now >= sleeps:
        return Power.DARK, math.inf
    return (Power.DIM, sleeps) if now >= dims else (Power.BRIGHT, min(dims, sleeps))


def alarms_until(book: OrderBook, benchmarks: Benchmarks, now: float) -> float:
    """A time until which at least one order is not forgotten; -inf without one."""
    ends = (held.since + benchmarks.forget_after for held in book.held.values())
    return next((end for end in ends if end > now), -math.inf)

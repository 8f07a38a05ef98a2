"""State -> View: what is on the display, the lights, and the facts for programs.

Also says until when a view holds if nothing happens, so that the panel is drawn anew just when something changes. What
each screen says is in `messages`, `counting` and `support`; here is what lies over all of them: the hold that is being
counted down, the page that was turned to, what is wrong with the box itself, and the display's rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from appliance.core.machine import HOLD_SHOWS, HOLD_TO_FORGET, hold_countdown
from appliance.core.navigation import current_screen, power
from appliance.core.orders import summary
from appliance.core.screens.count import age_leds, count_screen, heartbeat, oldest_screen
from appliance.core.screens.installer import installer_screen
from appliance.core.screens.status import CONFIRM, StateView, state_view, subject_gateway
from appliance.core.screens.today import today_screen
from appliance.core.states import NAMES, Connected, Pairing, ScreenId, State, World
from appliance.core.values import Card
from appliance.core.view import (
    Asleep,
    Count,
    Icon,
    LedMode,
    Leds,
    Line,
    Message,
    Power,
    Screen,
    Size,
    View,
)

INSTANT = 0.001
"""Seconds; no two views are closer to each other than this."""
PRESS_SHOWS = 0.15
"""Seconds for which a press is shown at the least, or the quickest tap would never be seen."""
WALK_EVERY = 60.0
"""Seconds between two steps of the picture's walk: a pixel's neighbours share its work within the hour."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A view, and the moment (monotonic seconds) at which time alone makes another of it; infinity for never."""

    view: View
    until: float


def present(state: State, now: float) -> Shown:
    """What a state looks like at `now`, and until when. now: monotonic seconds."""
    world = state.world
    told = _connected(state, now) if isinstance(state, Connected) else state_view(state, now)
    shines, until = power(state, now)
    until = min(told.until, until)
    screen = told.screen
    left = hold_countdown(state, now)
    if left is not None:
        screen, until = _countdown(told, left, now), min(until, now + max(left - (math.ceil(left) - 1), INSTANT))
    elif shines is Power.DARK:
        screen = Asleep(told.asleep or fault(world))
        shines = Power.DIM if screen.word else Power.DARK
    else:
        turned, holds = current_screen(state, now)
        until = min(until, holds)
        if turned is not ScreenId.MAIN and not told.urgent:
            screen, holds = _turned(state, turned, told.asleep if told.leds.red is LedMode.SLOW else "", now)
            until = min(until, holds)
        elif (words := fault(world)) and not isinstance(state, Pairing):
            # What a person is asked to do within two minutes comes first.
            screen = _with_fault(screen, words, told.head)
    if world.down_since is not None and left is None:
        until = min(until, _soon(world.down_since + HOLD_SHOWS, now))
    pressed = world.down_since is not None or now < world.pressed_at + PRESS_SHOWS
    beat, next_beat = heartbeat(state, now) if shines is not Power.DARK else (None, math.inf)
    walk = int(now // WALK_EVERY)
    until = min(until, next_beat, _soon(world.pressed_at + PRESS_SHOWS, now), (walk + 1) * WALK_EVERY)
    gateway, address = subject_gateway(state)
    view = View(
        state=NAMES[type(state)],
        reason=told.reason,
        gateway=gateway,
        address=None if address is None else str(address),
        active=told.active,
        paged=told.paged,
        oldest=told.oldest,
        # A part of this box is broken, whatever else is the case; the display's own fault is lit by the panel.
        leds=replace(told.leds, red=LedMode.FAST) if world.stuck else told.leds,
        screen=screen,
        power=shines,
        beat=beat,
        pressed=pressed,
        walk=walk,
    )
    # Rounding may put the next change at this very moment: then it is due at once, and not never.
    return Shown(view, max(until, now + INSTANT))


def farewell(view: View) -> View:
    """The last view, while the program ends; its lights are out."""
    words = Line("Stopping", Size.MEDIUM), Line("The display goes dark")
    screen = Message(words, icon=Icon.STOPPING)
    return replace(view, leds=Leds(), screen=screen, power=Power.BRIGHT, beat=None, pressed=False)


def failing(*, restart: bool) -> View:
    """What is shown while the program itself is not there, because it ended five times in a row.

    restart: the box is restarted next, else the program is tried again.
    """
    words = Line("Keeps failing", Size.MEDIUM), Line("The box restarts" if restart else "Tried again in a minute")
    screen = Message((*words, Line("If it stays: new SD card")), icon=Icon.WARNING)
    return View("offline", None, None, None, None, None, None, Leds(red=LedMode.FAST), screen)


def fault(world: World) -> str:
    """What is wrong with this box itself, the worst first; empty for nothing."""
    if world.stuck:
        return "Button is stuck"
    if world.board.weak_power:
        return "Power supply too weak"
    if world.board.card is Card.BROKEN:
        return "SD card is broken"
    if world.board.card is Card.MADE_ANEW and world.credential is None:
        # Until there is a pairing again: that is what a person has to do about it.
        return "SD card was made anew"
    if world.unsaved:
        return "Pairing is not saved!"
    if world.mistakes:
        line = world.mistakes[0].line
        return "Check the settings file" if line is None else f"Settings wrong: line {line}"
    return ""


def _connected(state: Connected, now: float) -> StateView:
    told = summary(state.book, state.world.benchmarks, now)
    screen, until, urgent = count_screen(state, told, now)
    return StateView(
        screen=screen,
        leds=age_leds(told, state.world.benchmarks),
        until=until,
        active=told.active,
        paged=told.paged,
        oldest=None if told.oldest is None else int(told.oldest),
        urgent=urgent,
    )


def _turned(state: State, turned: ScreenId, headline: str, now: float) -> tuple[Screen, float]:
    """Another page than the first, and until when it holds. headline: what is wrong, and stands over all pages."""
    if isinstance(state, Connected) and turned in (ScreenId.OLDEST, ScreenId.TODAY):
        return oldest_screen(state, now) if turned is ScreenId.OLDEST else today_screen(state, now)
    return installer_screen(state, turned, headline, now)


def _with_fault(screen: Screen, words: str, head: int) -> Screen:
    """head: lines that nothing may come between; those in large never are torn apart."""
    match screen:
        case Count():
            return replace(screen, note=words)
        case Message():
            # As high as can be: what comes last is the first to have no room.
            large = next((n for n, line in enumerate(screen.lines) if line.size is Size.SMALL), len(screen.lines))
            at = max(large, head)
            return replace(screen, lines=(*screen.lines[:at], Line(words), *screen.lines[at:]))
        case _:
            return screen


def _countdown(told: StateView, left: float, now: float) -> Screen:
    """The hold is under way: say what letting go will do, and how to escape."""
    what, escape = "Forget the pairing", "Let go to keep it"
    if told.reason == CONFIRM:
        what, escape = "Not this gateway", "Let go to go back"
    if left <= 0:
        return Message((Line("Let go now", Size.MEDIUM), Line(what)), 0.0, Icon.WARNING)
    return Message((Line(what), Line(f"in {math.ceil(left)}", Size.HUGE), Line(escape)), left / HOLD_TO_FORGET)


def _soon(at: float, now: float) -> float:
    return at if at > now else math.inf

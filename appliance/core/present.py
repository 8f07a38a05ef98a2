"""The presenter: State -> View.

It also says until when a view holds, so that the panel is redrawn only when something changes. Each screen is a module
of `screens`. The presenter chooses one and lays over it the countdown of a hold, the faults of the box and its rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from appliance.core import texts
from appliance.core.heartbeat import heartbeat
from appliance.core.navigation import current_screen, power
from appliance.core.presses import HOLD_SHOWS, erase_countdown, hold_countdown
from appliance.core.reasons import CONFIRM
from appliance.core.screens.box import box_screen
from appliance.core.screens.connecting import connecting_view
from appliance.core.screens.copy import copy_remark, copy_screen
from appliance.core.screens.count import connected_view
from appliance.core.screens.discovering import discovering_view
from appliance.core.screens.display import display_screen, shifted_screen
from appliance.core.screens.erase import erase_hold_screen, erase_screen
from appliance.core.screens.gateway import gateway_screen
from appliance.core.screens.hold import hold_screen
from appliance.core.screens.led_legend import led_legend_screen
from appliance.core.screens.offline import offline_view
from appliance.core.screens.oldest import oldest_screen
from appliance.core.screens.pairing import awaiting_pairing_view, pairing_view
from appliance.core.screens.program import failing_screen, stopping_screen
from appliance.core.screens.settings import settings_screen
from appliance.core.screens.state_view import StateView, subject_gateway
from appliance.core.screens.today import today_screen
from appliance.core.screens.update import update_remark, update_screen
from appliance.core.states import (
    NAMES,
    AwaitingPairing,
    Connected,
    Connecting,
    Discovering,
    Offline,
    Pairing,
    ScreenId,
    State,
    World,
)
from appliance.core.updates import UpdatePhase
from appliance.core.values import Card
from appliance.core.view import (
    Asleep,
    Count,
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
"""The least seconds between two views."""
PRESS_SHOWS = 0.15
"""The least seconds for which a press is shown: the quickest tap must be visible."""
WALK_EVERY = 60.0
"""Seconds between two steps of the picture shift, which spreads burn-in over neighbouring pixels within the hour."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A view, and the monotonic time at which it changes by itself; infinity for never."""

    view: View
    until: float


def present(state: State, now: float) -> Shown:
    """The view of a state at `now`, in monotonic seconds, and until when it holds."""
    world = state.world
    shown = _state_view(state, now)
    shines, until = power(state, now)
    until = min(shown.until, until)
    screen = shown.screen
    left = hold_countdown(state, now)
    if left is not None:
        screen, until = (
            hold_screen(left, declines=shown.reason == CONFIRM),
            min(until, now + max(left - (math.ceil(left) - 1), INSTANT)),
        )
    elif (to_erase := erase_countdown(state, now)) is not None:
        screen = erase_hold_screen(to_erase)
        until = min(until, now + max(to_erase - (math.ceil(to_erase) - 1), INSTANT))
    elif shines is Power.DARK:
        screen = Asleep(shown.asleep or fault(world) or _asleep_update(world))
        shines = Power.DIM if screen.word else Power.DARK
    else:
        turned, holds = current_screen(state, now)
        until = min(until, holds)
        if turned is not ScreenId.MAIN and not shown.urgent:
            screen, holds = _turned_to(state, turned, shown.asleep if shown.leds.red is LedMode.SLOW else "", now)
            until = min(until, holds)
        elif not isinstance(state, Pairing):
            # While pairing, the instruction comes first: the person has two minutes.
            screen, holds = _with_remark(state, screen, shown.head, now)
            until = min(until, holds)
    if world.down_since is not None and left is None:
        until = min(until, _soon(world.down_since + HOLD_SHOWS, now))
    pressed = world.down_since is not None or now < world.pressed_at + PRESS_SHOWS
    beat, next_beat = heartbeat(state, now) if shines is not Power.DARK else (None, math.inf)
    walk = int(now // WALK_EVERY)
    until = min(until, next_beat, _soon(world.pressed_at + PRESS_SHOWS, now), (walk + 1) * WALK_EVERY)
    gateway, address = subject_gateway(state)
    view = View(
        state=NAMES[type(state)],
        reason=shown.reason,
        gateway=gateway,
        address=None if address is None else str(address),
        active=shown.active,
        paged=shown.paged,
        oldest=shown.oldest,
        # Fast red means a broken part, whatever else happens. The panel itself adds the display's own fault.
        leds=replace(shown.leds, red=LedMode.FAST) if world.stuck else shown.leds,
        screen=screen,
        power=shines,
        beat=beat,
        pressed=pressed,
        walk=walk,
        display=world.display,
        late=shown.late,
        update=world.update,
        gateway_offset=_gateway_offset(state),
    )
    # Rounding may put the next change at `now`, which would be missed.
    return Shown(view, max(until, now + INSTANT))


def _gateway_offset(state: State) -> float | None:
    """See `View`. A lower bound may be hours behind, after a time without orders."""
    book = (
        state.book
        if isinstance(state, Connected)
        else state.link.book
        if isinstance(state, Connecting | Offline)
        else None
    )
    return book.clock.offset if book is not None and book.clock.exact else None


def farewell(view: View) -> View:
    """The last view, while the program ends: the LEDs are off."""
    return replace(view, leds=Leds(), screen=stopping_screen(), power=Power.BRIGHT, beat=None, pressed=False)


def failing(*, restart: bool) -> View:
    """The view after the program ended five times in a row. restart: the box restarts next, or else the program."""
    screen = failing_screen(restart=restart)
    return View("offline", None, None, None, None, None, None, Leds(red=LedMode.FAST), screen)


def fault(world: World) -> str:
    """The worst fault of this box itself, or an empty text."""
    if world.stuck:
        return texts.BUTTON_STUCK
    if world.board.weak_power:
        return texts.WEAK_POWER
    if world.board.card is Card.BROKEN:
        return texts.CARD_BROKEN
    if world.board.card is Card.RESET and world.credential is None:
        # Only until the box is paired again, which is what the person has to do.
        return texts.CARD_RESET
    if world.unsaved:
        return texts.PAIRING_NOT_SAVED
    if world.mistakes:
        line = world.mistakes[0].line
        return texts.CHECK_SETTINGS if line is None else texts.SETTINGS_WRONG.format(line=line)
    return ""


def _state_view(state: State, now: float) -> StateView:
    match state:
        case Discovering():
            return discovering_view(state, now)
        case AwaitingPairing():
            return awaiting_pairing_view(state)
        case Pairing():
            return pairing_view(state, now)
        case Connecting():
            return connecting_view(state)
        case Offline():
            return offline_view(state, now)
        case Connected():
            return connected_view(state, now)


def _turned_to(state: State, screen: ScreenId, headline: str, now: float) -> tuple[Screen, float]:
    """The screen that a press turned to, and until when it holds. headline: the fault or outage, which stays on top."""
    match screen:
        case ScreenId.OLDEST if isinstance(state, Connected):
            return oldest_screen(state, now)
        case ScreenId.TODAY if isinstance(state, Connected):
            return today_screen(state, now)
        case ScreenId.UPDATE:
            return update_screen(state.world, now)
        case ScreenId.COPY:
            return copy_screen(state, now)
        case ScreenId.ERASE:
            return erase_screen(state, now)
        case ScreenId.SETTINGS:
            return settings_screen(state.world.mistakes), math.inf
        case ScreenId.GATEWAY:
            return gateway_screen(state, headline, now)
        case ScreenId.LED_LEGEND:
            return led_legend_screen(state, headline, now)
        case ScreenId.DISPLAY if state.world.display is not None:
            return display_screen(state.world.display, headline), math.inf
        case ScreenId.SHIFTED if state.world.display is not None:
            return shifted_screen(state.world.display), math.inf
        case _:
            return box_screen(state, headline, now)


def _with_remark(state: State, screen: Screen, head: int, now: float) -> tuple[Screen, float]:
    """Add a fault, or else what there is to say of a copy or an update, to a screen; and until when it holds.

    head: the lines of a message that must stay together.
    """
    if words := fault(state.world):
        return _with_words(screen, words, head, is_fault=True), math.inf
    words, until = copy_remark(state.world, now)
    if not words:
        words, until = update_remark(state, now)
    return (_with_words(screen, words, head, is_fault=False) if words else screen), until


def _with_words(screen: Screen, words: str, head: int, *, is_fault: bool) -> Screen:
    match screen:
        case Count():
            return screen if screen.note else replace(screen, note=words, fault=is_fault)
        case Message():
            # A fault as high as possible: a small display drops lines from the end.
            large = next((n for n, line in enumerate(screen.lines) if line.size is Size.SMALL), len(screen.lines))
            at = max(large, head) if is_fault else len(screen.lines)
            line = Line(words, spare=0 if is_fault else 2)
            return replace(screen, lines=(*screen.lines[:at], line, *screen.lines[at:]))
        case _:
            return screen


def _asleep_update(world: World) -> str:
    """The word that stays on a display at rest until a person has read why an update failed."""
    return texts.UPDATE_FAILED if world.update.phase is UpdatePhase.FAILED else ""


def _soon(at: float, now: float) -> float:
    return at if at > now else math.inf

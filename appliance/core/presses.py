"""Presses: what a tap and a hold of the button mean, and which question on the display a press answers.

A press means what the display said when the button went down, and still says when it comes up.
"""

from __future__ import annotations

from dataclasses import replace

from appliance.core import backing_up, erasing
from appliance.core.alerts import page_is_answerable
from appliance.core.backing_up import asks_to_save
from appliance.core.connected import connected
from appliance.core.connecting import disconnected
from appliance.core.effects import KeepDisplayDriver, MakeSound, StopTimer
from appliance.core.events import ButtonTapped
from appliance.core.navigation import answerable_screen, current_screen, swap_driver, turn
from appliance.core.pairing import awaiting_pairing, decline_gateway, pairing
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
)
from appliance.core.timers import Timer
from appliance.core.transitions import Step, forget_pairing
from appliance.core.updating import answer_update, update_question
from appliance.core.view import Sound

HOLD_TO_FORGET = 5.0
"""Seconds to hold the button to forget the pairing: longer than anyone leans on it by chance."""
HOLD_SHOWS = 1.0
"""Seconds after which a press counts as a hold, and the screen shows the countdown."""
SHIFTED = "shifted "
"""Prefix of the question whether the picture of a display is shifted."""
UPDATE = "update "
"""Prefix of the question of the update's screen."""
OFFER = "offered "
"""Prefix of the question whether an offered gateway is the right one."""
HOLD_TOLERANCE = 0.05
"""Seconds by which a release may come early and still count: two threads read the clock at different moments."""


def forgettable(state: State) -> bool:
    """Whether a hold has something to forget: a pairing, or an offered gateway."""
    return state.world.credential is not None or (isinstance(state, Pairing) and bool(state.offers))


def hold_countdown(state: State, now: float) -> float | None:
    """Seconds until letting go forgets the pairing, 0 once it does; None without a countdown."""
    down = state.world.down_since
    if down is None or now - down < HOLD_SHOWS or not _means_to_forget(state, now):
        return None
    return max(0.0, down + HOLD_TO_FORGET - now)


def erase_countdown(state: State, now: float) -> float | None:
    """Seconds until letting go begins the confirmation of a factory reset, 0 once it does; None without a countdown."""
    if question(state, now) != erasing.QUESTION:
        return None
    return erasing.hold_left(state.world, now)


def question(state: State, now: float) -> str | None:
    """The question on the display that a press would answer, distinct for each; None if there is none."""
    match state:
        case Pairing() if state.offers:
            return OFFER + state.offers[0].gateway.name
        case Pairing():
            return NAMES[Pairing]
        case AwaitingPairing() if current_screen(state, now)[0] is not ScreenId.UPDATE:
            return NAMES[AwaitingPairing]
        case Connected() if (alert := state.alerted(now)) is not None:
            return f"paged {alert.uuids[0]}"
        case _:
            return _screen_question(state, now)


def _screen_question(state: State, now: float) -> str | None:
    """The question of the screen that a press turned to."""
    world = state.world
    match answerable_screen(state, now):
        case ScreenId.SHIFTED if world.display is not None:
            return SHIFTED + world.display.driver
        case ScreenId.COPY if asks_to_save(world, now):
            return backing_up.QUESTION
        case ScreenId.ERASE if not erasing.is_confirming(state, now):
            return erasing.QUESTION
        case ScreenId.UPDATE if (asks := update_question(world.update)) is not None:
            return UPDATE + asks
        case _:
            return None


def _means_to_forget(state: State, now: float) -> bool:
    """Whether holding the button forgets the pairing, or declines the offered gateway."""
    erases = state.world.asked == erasing.QUESTION or erasing.is_confirming(state, now)
    return forgettable(state) and not erases and not _other_offer(state, now)


def _other_offer(state: State, now: float) -> bool:
    """Whether the offer on the screen changed since the button went down: a hold would decline the wrong gateway."""
    offers = [asks for asks in (state.world.asked, question(state, now)) if asks and asks.startswith(OFFER)]
    return len(offers) == 1 or len(set(offers)) == 2


def released(state: State, now: float) -> Step:
    """Interpret the press when the button comes up, so that a stuck button never means anything."""
    down = state.world.down_since
    up = replace(state, world=replace(state.world, down_since=None, asked=None, stuck=False, woke_display=False))
    if down is None:
        return up, ()
    asks, held = question(state, now), now - down
    if erasing.is_confirming(state, down):
        meant, effects = erasing.pressed(up, down, now)
    elif state.world.asked == erasing.QUESTION and held >= HOLD_SHOWS:
        meant, effects = erasing.hold_ended(up, held + HOLD_TOLERANCE, now) if asks == erasing.QUESTION else (up, ())
    elif held >= HOLD_TO_FORGET - HOLD_TOLERANCE:
        meant, effects = (up, ()) if _other_offer(state, now) else _held(up, now)
    elif held >= HOLD_SHOWS and forgettable(state):
        # Too short to forget the pairing, but long enough to answer a page.
        answers = isinstance(state, Connected) and page_is_answerable(state, now) and asks in (None, state.world.asked)
        meant, effects = _tapped(up, now, woke_display=state.world.woke_display) if answers else (up, ())
    elif asks is not None and asks != state.world.asked:
        # The question appeared during the press: nobody has read it.
        meant, effects = up, ()
    elif asks == backing_up.QUESTION and not state.world.woke_display:
        meant, effects = backing_up.save_copy(up, now)
    elif asks is not None and asks.startswith((SHIFTED, UPDATE)) and not state.world.woke_display:
        meant, effects = _picture_shifted(up, now) if asks.startswith(SHIFTED) else answer_update(up, now)
    else:
        meant, effects = _tapped(up, now, woke_display=state.world.woke_display)
    return meant, (StopTimer(Timer.STUCK), *effects)


def _tapped(state: State, now: float, *, woke_display: bool) -> Step:
    """Handle a tap by the state. woke_display: the display was dark when the button went down."""
    tap = ButtonTapped()
    match state:
        case AwaitingPairing() if current_screen(state, now)[0] is ScreenId.UPDATE:
            # Nobody has read its question yet, and it does not ask whether to pair.
            return state, ()
        case AwaitingPairing():
            return awaiting_pairing(state, tap, now)
        case Pairing():
            return pairing(state, tap, now)
        case Discovering() if not woke_display:
            # The first press asks for a pairing, which is impossible; further ones turn to the screens that say why.
            first = current_screen(state, now)[0] is ScreenId.MAIN
            return replace(state, world=turn(state, now)), (MakeSound(Sound.ERROR),) if first else ()
        case Connecting() | Offline():
            tried, effects = disconnected(state, tap, now)
            return (tried, effects) if woke_display else (replace(tried, world=turn(tried, now)), effects)
        case Connected() if not woke_display:
            return connected(state, tap, now)
        case _:
            return state, ()


def _picture_shifted(state: State, now: float) -> Step:
    world = swap_driver(state.world, now)
    assert world.display is not None
    return replace(state, world=world), (KeepDisplayDriver(world.display),)


def _held(state: State, now: float) -> Step:
    """Handle a hold that was long enough to forget the pairing."""
    if isinstance(state, Pairing) and state.offers:
        return decline_gateway(state, now)
    if forgettable(state):
        return forget_pairing(state, now)
    return state, (MakeSound(Sound.ERROR),)

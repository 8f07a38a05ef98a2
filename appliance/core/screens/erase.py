"""The factory reset: the question, the countdown of the hold, when to press and when to wait, and the restart."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.erasing import HOLD, PAUSE, PRESSES, WINDOW, is_confirming
from appliance.core.screens.state_view import message
from appliance.core.states import State
from appliance.core.view import Icon, Line, Message, Size

STEP = 0.5
"""Seconds between two lengths of the bar."""


def erase_screen(state: State, now: float) -> tuple[Message, float]:
    """The screen at `now`, and until when it holds."""
    world = state.world
    if now < world.erase_requested_until:
        return message(Icon.STOPPING, [texts.ERASING], [texts.ERASING_HINT]), world.erase_requested_until
    if world.erase is None or not is_confirming(state, now):
        lines = (
            Line(texts.ERASE, Size.MEDIUM),
            Line(texts.ERASE_WHAT, spare=1),
            Line(texts.ERASE_YES),
            Line(texts.ERASE_NO, spare=2),
        )
        return Message(lines), math.inf
    left = texts.PRESSES_LEFT.format(number=world.erase.presses + 1, count=PRESSES)
    waits = world.erase.since + PAUSE - now
    what, rest, whole = (texts.ERASE_WAIT, waits, PAUSE) if waits > 0 else (texts.ERASE_PRESS, waits + WINDOW, WINDOW)
    steps = math.ceil(rest / STEP)
    screen = Message((Line(left), Line(what, Size.MEDIUM), Line(texts.ERASE_CANCEL, spare=1)), steps * STEP / whole)
    return screen, now + rest - (steps - 1) * STEP


def erase_hold_screen(left: float) -> Message:
    """left: seconds until letting go counts, 0 once it does."""
    if left <= 0:
        return Message((Line(texts.LET_GO, Size.MEDIUM), Line(texts.ERASE)), 0.0, Icon.WARNING)
    seconds = math.ceil(left)
    countdown = texts.HOLD_LEFT.format(seconds=seconds)
    return Message((Line(texts.ERASE), Line(countdown, Size.HUGE), Line(texts.ERASE_KEEP)), seconds / HOLD)

"""The countdown while the button is held: what letting go will do, and how to escape."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.presses import HOLD_TO_FORGET
from appliance.core.view import Icon, Line, Message, Size


def hold_screen(left: float, *, declines: bool) -> Message:
    """left: seconds until letting go counts, 0 once it does. declines: the hold declines the gateway on the screen."""
    what, escape, due = texts.DECLINE_GATEWAY if declines else texts.FORGET_PAIRING
    if left <= 0:
        return Message((Line(texts.LET_GO, Size.MEDIUM), Line(due)), 0.0, Icon.WARNING)
    seconds = math.ceil(left)
    countdown = texts.HOLD_LEFT.format(seconds=seconds)
    return Message((Line(what), Line(countdown, Size.HUGE), Line(escape)), seconds / HOLD_TO_FORGET)

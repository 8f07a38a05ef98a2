"""The heartbeat on the display, which beats while the gateway answers."""

from __future__ import annotations

import math

from appliance.core.states import Connected, State

BEAT = 2.0
"""Seconds between two changes of the heartbeat: slow enough to be calm, and to let the box sleep in between."""
HEARD_LATELY = 25.0
"""Seconds of silence after which the heart stands still: an idle feed answers a ping within 20 s, or is lost."""


def heartbeat(state: State, now: float) -> tuple[bool | None, float]:
    """The heart's phase, and until when; None while there is no feed that was heard lately."""
    if not isinstance(state, Connected) or now >= state.last_heard + HEARD_LATELY:
        return None, math.inf
    beat = int(now // BEAT)
    return beat % 2 == 0, min((beat + 1) * BEAT, state.last_heard + HEARD_LATELY)

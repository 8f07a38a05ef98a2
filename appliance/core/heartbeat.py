"""The heartbeat on the display, which beats while the gateway answers."""

from __future__ import annotations

import math

from appliance.core.states import Connected, State

BEAT = 2.0
"""Seconds between two beats: calm to look at, and few wake-ups."""
HEARD_LATELY = 25.0
"""Seconds of silence after which the heartbeat stops: an idle feed answers a ping within 20 s, or is lost."""


def heartbeat(state: State, now: float) -> tuple[bool | None, float]:
    """The phase of the heartbeat, and until when it holds; None without a feed that was heard lately."""
    if not isinstance(state, Connected) or now >= state.last_heard + HEARD_LATELY:
        return None, math.inf
    beat = int(now // BEAT)
    return beat % 2 == 0, min((beat + 1) * BEAT, state.last_heard + HEARD_LATELY)

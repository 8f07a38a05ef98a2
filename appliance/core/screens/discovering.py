"""The screen while no gateway is in sight and none is paired."""

from __future__ import annotations

import math

from appliance.core import reasons, texts
from appliance.core.screens.pairing import unpaired_reason
from appliance.core.screens.state_view import StateView, has_no_network, message
from appliance.core.states import Discovering
from appliance.core.view import Icon, LedMode, Leds

HINT_AFTER = 20.0
"""Seconds of looking after which the screen hints at what may be wrong: a gateway usually answers within a few."""


def discovering_view(state: Discovering, now: float) -> StateView:
    """What the state shows at `now`."""
    world = state.world
    if has_no_network(world):
        screen = message(Icon.NO_NETWORK, [texts.NO_NETWORK], texts.NO_NETWORK_HINT)
        return StateView(screen, Leds(red=LedMode.SLOW), reason=reasons.NO_NETWORK, asleep=texts.NO_NETWORK)
    hint_at = world.last_activity + HINT_AFTER
    why = unpaired_reason(state.reason)
    hints = texts.LOOKING_HINT if not why and now >= hint_at else ()
    own = [texts.OWN_ADDRESS.format(address=address) for address in (world.addresses or ())[:1]]
    screen = message(Icon.SEARCH, texts.LOOKING, [*why, *own], hints=hints)
    until = hint_at if now < hint_at else math.inf
    return StateView(screen, Leds(amber=LedMode.SLOW), until, state.reason, asleep=texts.NO_GATEWAY_ASLEEP)

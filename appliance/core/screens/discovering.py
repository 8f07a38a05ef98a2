"""The screen while no gateway is in sight and none is paired."""

from __future__ import annotations

import math
from collections.abc import Sequence

from appliance.core import reasons, texts
from appliance.core.formatting import legible
from appliance.core.screens.network import is_self_assigned, network_fault, network_words
from appliance.core.screens.pairing import unpaired_reason
from appliance.core.screens.state_view import StateView, message
from appliance.core.states import Discovering
from appliance.core.view import Icon, LedMode, Leds

HINT_AFTER = 20.0
"""Seconds of looking after which the screen hints at what may be wrong: a gateway usually answers within a few."""


def discovering_view(state: Discovering, now: float) -> StateView:
    """What the state shows at `now`."""
    world = state.world
    if fault := network_fault(world):
        words = network_words(world, fault)
        screen = message(Icon.NO_NETWORK, words.headline, words.hints)
        return StateView(screen, Leds(red=LedMode.SLOW), reason=reasons.NO_NETWORK, asleep=texts.NO_NETWORK)
    hint_at = world.last_activity + HINT_AFTER
    why, reason = unpaired_reason(state.reason), state.reason
    hints: Sequence[str] = texts.LOOKING_HINT
    if world.unresolved_host:
        reason, hints = reasons.HOST_NOT_FOUND, texts.HOST_NOT_FOUND_HINT
        why = [texts.HOST_NOT_FOUND.format(host=legible(world.unresolved_host))]
    elif is_self_assigned(world):
        hints = texts.SELF_ASSIGNED_HINT
    if (why and not world.unresolved_host) or now < hint_at:
        hints = ()
    own = [texts.OWN_ADDRESS.format(address=address) for address in (world.addresses or ())[:1]]
    screen = message(Icon.SEARCH, texts.LOOKING, [*why, *own], hints=hints)
    until = hint_at if now < hint_at else math.inf
    return StateView(screen, Leds(amber=LedMode.SLOW), until, reason, asleep=texts.NO_GATEWAY_ASLEEP)

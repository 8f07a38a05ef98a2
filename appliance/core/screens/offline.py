"""The screen while a feed should be live and is not: since when, what is wrong, and what to do."""

from __future__ import annotations

from appliance.core import reasons, texts
from appliance.core.formatting import age, legible
from appliance.core.screens.state_view import StateView, has_no_network, message, subject_gateway
from appliance.core.states import Offline
from appliance.core.view import Icon, LedMode, Leds


def offline_view(state: Offline, now: float) -> StateView:
    """What the state shows at `now`."""
    world = state.world
    name, _ = subject_gateway(state)
    others = [other for other in world.gateways if other != name]
    icon, reason, lines = Icon.OFFLINE, state.why, texts.OFFLINE_UNREACHABLE
    if has_no_network(world):
        icon, reason, lines = Icon.NO_NETWORK, reasons.NO_NETWORK, texts.OFFLINE_NO_NETWORK
    elif name not in world.gateways and others:
        here, change = texts.OFFLINE_OTHER_GATEWAY
        reason, lines = reasons.OTHER_GATEWAY, (here.format(name=legible(others[0])), change)
    elif reason == reasons.FEED_REFUSED:
        lines = texts.OFFLINE_NO_ORDERS
    elif reason == reasons.GATEWAY_UNREADABLE:
        lines = texts.OFFLINE_UNREADABLE
    elif reason == reasons.TOKEN_REFUSED:
        lines = texts.OFFLINE_REVOKED
    elif reason == reasons.TOO_MANY_ORDERS:
        lines = texts.OFFLINE_TOO_MANY
    passed = max(0.0, now - state.since)
    since = texts.OFFLINE_FOR.format(age=age(passed))
    screen = message(icon, [texts.OFFLINE], [since, *lines, legible(name or texts.UNKNOWN_NAME)])
    until = state.since + (passed // 60 + 1) * 60
    return StateView(screen, Leds(red=LedMode.SLOW), until, reason, asleep=texts.OFFLINE, head=2)

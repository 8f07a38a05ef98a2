"""The screen while a feed should be live and is not: since when, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core import reasons, texts
from appliance.core.formatting import age, legible
from appliance.core.screens.network import NetworkFault, is_self_assigned, network_fault, network_words
from appliance.core.screens.state_view import StateView, message, subject_gateway
from appliance.core.states import Offline
from appliance.core.values import is_link_local
from appliance.core.view import Icon, LedMode, Leds


def offline_view(state: Offline, now: float) -> StateView:
    """What the state shows at `now`."""
    world = state.world
    name, _ = subject_gateway(state)
    others = [other for other in world.gateways if other != name]
    icon, reason = Icon.OFFLINE, state.why
    lines: Sequence[str] = texts.OFFLINE_UNREACHABLE
    fault = network_fault(world)
    if fault and not (fault is NetworkFault.UNASSIGNED and _is_link_local_site(state)):
        icon, reason, lines = Icon.NO_NETWORK, reasons.NO_NETWORK, network_words(world, fault).offline
    elif name not in world.gateways and others:
        here, change = texts.OFFLINE_OTHER_GATEWAY
        reason, lines = reasons.OTHER_GATEWAY, (here.format(name=legible(others[0])), change)
    elif reason == reasons.FEED_REFUSED:
        lines = texts.OFFLINE_NO_ORDERS
    elif reason == reasons.GATEWAY_UNREADABLE:
        lines = texts.OFFLINE_UNREADABLE
    elif reason == reasons.TOKEN_REFUSED:
        lines = texts.OFFLINE_REFUSED
    elif reason == reasons.TOO_MANY_ORDERS:
        lines = texts.OFFLINE_TOO_MANY
    elif world.unresolved_host:
        not_found, check = texts.OFFLINE_HOST_NOT_FOUND
        reason, lines = reasons.HOST_NOT_FOUND, (not_found.format(host=legible(world.unresolved_host)), check)
    elif is_self_assigned(world) and not _is_link_local_site(state):
        lines = texts.OFFLINE_UNASSIGNED
    passed = max(0.0, now - state.since)
    since = texts.OFFLINE_FOR.format(age=age(passed))
    gateway = texts.GATEWAY_NAME.format(name=legible(name or texts.UNKNOWN_NAME))
    screen = message(icon, [texts.OFFLINE], [since, *lines, gateway])
    until = state.since + (passed // 60 + 1) * 60
    return StateView(screen, Leds(red=LedMode.SLOW), until, reason, asleep=texts.OFFLINE, head=2)


def _is_link_local_site(state: Offline) -> bool:
    """Whether box and gateway did without a router's addresses here."""
    proven = state.world.proven
    return proven is not None and is_link_local(proven.host)

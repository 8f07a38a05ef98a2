"""The screens of pairing: press here, press the gateway's button, confirm the gateway."""

from __future__ import annotations

import math

from appliance.core import reasons, texts
from appliance.core.events import Denial
from appliance.core.formatting import clock, legible
from appliance.core.screens.state_view import StateView, message, subject_gateway
from appliance.core.states import AwaitingPairing, Offer, Pairing
from appliance.core.transitions import PAIRING_WINDOW
from appliance.core.view import Icon, LedMode, Leds, Line, Message, Size

SILENT_AFTER = 5.0
"""Seconds after which a gateway that has not answered a token request is called unreachable."""

_UNPAIRED = {
    reasons.WINDOW_OVER: texts.PAIRING_TIMED_OUT,
    reasons.TOKEN_REFUSED: texts.PAIRING_REVOKED,
    reasons.TOKEN_UNREADABLE: texts.PAIRING_DAMAGED,
}


def unpaired_reason(reason: str | None) -> list[str]:
    """The line that says why this box is no longer paired, or was not paired; empty for no reason."""
    return [_UNPAIRED[reason]] if reason in _UNPAIRED else []


def awaiting_pairing_view(state: AwaitingPairing) -> StateView:
    """What the state shows while it waits for a press of this box's button."""
    name, _ = subject_gateway(state)
    if state.world.fixed_address:
        # The settings name it; nothing has answered yet.
        found = texts.GATEWAY_NAME.format(name=legible(name or texts.UNKNOWN_NAME))
    elif name is None:
        found = texts.FOUND_GATEWAYS.format(count=len(state.world.gateways))
    else:
        found = texts.FOUND_GATEWAY.format(name=legible(name))
    screen = message(Icon.PRESS_HERE, texts.PRESS_HERE, [*unpaired_reason(state.reason), found])
    return StateView(screen, Leds(amber=LedMode.FAST), reason=state.reason, asleep=texts.NOT_PAIRED_ASLEEP)


def pairing_view(state: Pairing, now: float) -> StateView:
    """What the state shows while the pairing window is open."""
    left = max(0, math.ceil(state.ends - now))
    until = state.ends - left + 1 if left else math.inf
    bar = left / PAIRING_WINDOW
    leds = Leds(green=LedMode.SLOW, amber=LedMode.FAST)
    if state.offers:
        return StateView(_confirmation(state.offers[0], left, bar), leds, until, reasons.CONFIRM)
    answers = _answers(state, now)
    reason: str | None = None
    icon, headline = Icon.PRESS_GATEWAY, texts.PRESS_GATEWAY
    if answers == {Denial.UNREACHABLE} or not state.world.gateways:
        icon, reason, headline = Icon.OFFLINE, reasons.GATEWAY_UNREACHABLE, texts.PAIRING_UNREACHABLE
    elif answers and Denial.NOT_PRESSED not in answers and Denial.REFUSED in answers:
        icon, reason, headline = Icon.WARNING, str(Denial.REFUSED), texts.PAIRING_REFUSED
    elif answers and Denial.NOT_PRESSED not in answers and Denial.UNREADABLE in answers:
        icon, reason, headline = Icon.WARNING, str(Denial.UNREADABLE), texts.PAIRING_UNREADABLE
    screen = message(icon, [*headline, texts.TIME_LEFT.format(time=clock(left))], bar=bar)
    return StateView(screen, leds, until, reason)


def _confirmation(offer: Offer, left: float, bar: float) -> Message:
    gateway = offer.gateway
    lines = (
        Line(texts.CONFIRM.format(time=clock(left)), spare=2),
        Line(legible(gateway.name), Size.MEDIUM),
        # Two names may look alike when they are shortened or drawn.
        Line(texts.CONFIRM_ADDRESS.format(address=gateway.addresses[0]), spare=1),
        Line(texts.CONFIRM_YES),
        Line(texts.CONFIRM_NO),
    )
    return Message(lines, bar)


def _answers(state: Pairing, now: float) -> set[Denial]:
    """The last answers of the gateways in sight; one that has been silent for seconds counts as unreachable."""
    asking = state.world.asking
    silent = {name for name, at in state.since.items() if name in asking and now - at >= SILENT_AFTER}
    answers = {denial for name, denial in state.answers.items() if name not in silent}
    return answers | {Denial.UNREACHABLE for name in silent if name in state.world.gateways}

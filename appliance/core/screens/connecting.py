"""The screen while the first feed is being opened."""

from __future__ import annotations

from appliance.core import texts
from appliance.core.formatting import legible
from appliance.core.screens.state_view import StateView, message, subject_gateway
from appliance.core.states import Connecting
from appliance.core.view import Icon, LedMode, Leds


def connecting_view(state: Connecting) -> StateView:
    """What the state shows."""
    name = legible(subject_gateway(state)[0] or texts.UNKNOWN_NAME)
    screen = message(Icon.CONNECTING, [texts.CONNECTING_TO, name])
    return StateView(screen, Leds(green=LedMode.SLOW), asleep=texts.CONNECTING)

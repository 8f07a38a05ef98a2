"""The screen of the search for a gateway."""

from __future__ import annotations

import math
from dataclasses import replace

from appliance.core.reasons import TOKEN_REFUSED
from appliance.core.screens.discovering import discovering_view
from appliance.core.states import Discovering, World
from appliance.core.view import Line, Message, Size
from tests.core.cases import NOW


def test_a_hint_follows_a_long_search() -> None:
    state = Discovering(World(addresses=("192.0.2.5", "192.0.2.6"), last_activity=NOW))
    shown = discovering_view(state, NOW)
    assert (shown.until, shown.asleep) == (NOW + 20, "No gateway found")
    assert shown.screen.words == ("Looking for", "the gateway", "This box: 192.0.2.5")
    hinted = discovering_view(state, NOW + 20)
    assert hinted.until == math.inf
    assert isinstance(hinted.screen, Message)
    assert hinted.screen.lines[-1] == Line("on the same network?", Size.SMALL, 1)
    refused = discovering_view(replace(state, reason=TOKEN_REFUSED), NOW + 20)
    assert refused.screen.words[-2:] == ("Gateway revoked pairing", "This box: 192.0.2.5")
    cut = discovering_view(Discovering(World(addresses=())), NOW)
    assert (cut.reason, cut.asleep) == ("no network", "No network")
    assert cut.screen.words == ("No network", "Check the cable", "or the Wi-Fi settings")

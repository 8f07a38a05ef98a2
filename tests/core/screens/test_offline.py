"""The offline screen: its duration, and the cause of the outage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core.reasons import FEED_REFUSED, GATEWAY_UNREACHABLE, TOKEN_REFUSED, TOO_MANY_ORDERS
from appliance.core.screens.offline import offline_view
from appliance.core.states import Offline
from appliance.core.view import Icon, LedMode, Leds, Message
from tests.core.cases import NOW, STATES


def test_the_offline_screen_is_redrawn_every_minute() -> None:
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    for now, until in ((0.0, 30.0), (29.9, 30.0), (30.0, 90.0), (-91.0, -30.0)):
        assert offline_view(offline, NOW + now).until == pytest.approx(NOW + until)
    shown = offline_view(offline, NOW)
    assert isinstance(shown.screen, Message)
    assert (shown.screen.icon, shown.leds, shown.head, shown.asleep) == (
        Icon.OFFLINE,
        Leds(red=LedMode.SLOW),
        2,
        "OFFLINE",
    )


@pytest.mark.parametrize(
    ("why", "words"),
    [
        (GATEWAY_UNREACHABLE, ("Gateway does not answer", "Check its power and cable")),
        (FEED_REFUSED, ("Gateway sends no orders", "It may be restarting: wait")),
        (TOKEN_REFUSED, ("Gateway revoked pairing", "Looking to pair again")),
        (TOO_MANY_ORDERS, ("Too many orders", "for this box")),
    ],
)
def test_each_cause_of_an_outage_has_its_words(why: str, words: tuple[str, ...]) -> None:
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    shown = offline_view(replace(offline, why=why), NOW)
    assert shown.screen.words == ("OFFLINE", "for 1 min", *words, "Gateway: A")
    assert shown.reason == why

"""The screen of the gateway, with and without a feed."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.screens.gateway import gateway_screen
from appliance.core.states import AwaitingPairing, Connecting, Discovering, Link, Offline, World
from appliance.core.values import Order
from tests.core.cases import NOW, STATES, A
from tests.core.screens.connected_state import connected


def test_the_gateway_screen_is_redrawn_every_second() -> None:
    listing, until = gateway_screen(connected(Order("a")), "", NOW + 4.4)
    assert until == NOW + 5
    assert listing.words == ("Gateway", "A", "192.0.2.10:8000", "last heard  4 s ago", "orders  1")
    assert gateway_screen(replace(connected(), last_heard=NOW + 9), "", NOW)[0].words[3] == "last heard  0 s ago"


def test_the_gateway_screen_without_a_feed() -> None:
    def rows(state: Discovering | AwaitingPairing | Offline | Connecting) -> tuple[str, ...]:
        return gateway_screen(state, "", NOW)[0].words[1:]

    assert rows(Discovering(World())) == ("no gateway in sight",)
    assert rows(AwaitingPairing(World(gateways={"A": A}))) == ("A", "192.0.2.10:8000", "not paired")
    offline = STATES["offline, waiting"]
    assert isinstance(offline, Offline)
    assert rows(offline) == ("A", "192.0.2.10:8000", "paired")
    assert rows(replace(offline, link=Link(None))) == ("A", "no address", "paired")

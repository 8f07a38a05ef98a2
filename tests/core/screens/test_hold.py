"""The countdown while the button is held."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.present import present
from appliance.core.screens.hold import hold_screen
from appliance.core.states import Alert
from appliance.core.values import Order
from appliance.core.view import Icon, Line, Size
from tests.core.cases import NOW, STATES
from tests.core.screens.connected_state import connected


def test_a_hold_counts_down_to_the_action() -> None:
    screen = hold_screen(2.3, declines=False)
    assert screen.lines == (
        Line("Forget the pairing"),
        Line("in 3", Size.HUGE),
        Line("Let go to keep it"),
    )
    assert (screen.bar, screen.icon) == (0.6, None)
    assert hold_screen(2.0, declines=True).words == ("Not this gateway", "in 2", "Let go to go back")
    over = hold_screen(0.0, declines=True)
    assert over.lines == (Line("Let go now", Size.MEDIUM), Line("to decline this gateway"))
    assert (over.bar, over.icon) == (0.0, Icon.WARNING)


def test_a_hold_counts_down_during_a_page() -> None:
    state = connected(Order("a", elapsed=10.0, paged=True), down_since=NOW)
    state = replace(state, alert=Alert(("a",), NOW + 8))
    assert present(state, NOW + 2).view.screen.words[0] == "Forget the pairing"
    assert present(state, NOW + 0.9).view.screen.words[0] == "Tracker ? paged"


def test_a_hold_declines_an_offered_gateway() -> None:
    state = STATES["pairing, to be confirmed"]
    held = replace(state, world=replace(state.world, down_since=NOW, asked="offered A"))
    assert present(held, NOW + 2).view.screen.words[0] == "Not this gateway"

"""The screens before and during the pairing window."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from appliance.core.events import Denial
from appliance.core.reasons import TOKEN_REFUSED, TOKEN_UNREADABLE, WINDOW_OVER
from appliance.core.screens.pairing import awaiting_pairing_view, pairing_view
from appliance.core.states import AwaitingPairing, Pairing, World
from appliance.core.view import LedMode, Leds, Line, Message, Size
from tests.core.cases import NOW, STATES, A, B


def test_the_pairing_window_counts_seconds() -> None:
    state = STATES["pairing, one gateway"]
    assert isinstance(state, Pairing)
    shown = pairing_view(state, NOW + 0.25)
    assert shown.until == pytest.approx(NOW + 1)
    assert isinstance(shown.screen, Message)
    assert shown.screen.bar == 0.5
    assert shown.leds == Leds(green=LedMode.SLOW, amber=LedMode.FAST)
    assert pairing_view(state, NOW + 61).until == math.inf
    assert pairing_view(replace(state, answers={"A": Denial.REFUSED}), NOW).reason == "gateway refused"


def test_a_gateway_to_confirm_is_shown_with_both_answers() -> None:
    state = STATES["pairing, to be confirmed"]
    assert isinstance(state, Pairing)
    screen = pairing_view(state, NOW).screen
    assert isinstance(screen, Message)
    assert screen.lines == (
        Line("Pair with this? 1:00", Size.SMALL, 2),
        Line("A", Size.MEDIUM),
        Line("at 192.0.2.10:8000", Size.SMALL, 1),
        Line("Yes: press here"),
        Line("No: hold 5 s"),
    )
    assert screen.bar == 0.5


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (None, ()),
        (WINDOW_OVER, ("Pairing timed out",)),
        (TOKEN_REFUSED, ("Gateway revoked pairing",)),
        (TOKEN_UNREADABLE, ("Saved pairing damaged",)),
        ("another reason", ()),
    ],
)
def test_an_unpaired_box_shows_the_reason(reason: str | None, words: tuple[str, ...]) -> None:
    shown = awaiting_pairing_view(AwaitingPairing(World(gateways={"A": A}), reason))
    assert shown.screen.words == ("Press button", "here to pair", *words, "Found: A")
    assert (shown.reason, shown.asleep, shown.leds) == (reason, "Not paired", Leds(amber=LedMode.FAST))
    two = awaiting_pairing_view(AwaitingPairing(World(gateways={"A": A, "B": B}), reason))
    assert two.screen.words[-1] == "2 gateways found"
    fixed = awaiting_pairing_view(AwaitingPairing(World(gateways={"A": A}, fixed_address=True)))
    assert fixed.screen.words[-1] == "Gateway: A"

"""A press answers the question that the display showed when the button went down, not a later one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from appliance.core import machine
from appliance.core.effects import ForgetTokens
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    Event,
    FeedNotified,
    GatewayFound,
    TimerFired,
    TokenIssued,
)
from appliance.core.notifications import OrderPaged
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import present
from appliance.core.states import AwaitingPairing, Connected, Connecting, Discovering, Pairing, State, World
from appliance.core.timers import Timer
from appliance.core.values import Address, Credential, Gateway, Mistake, Order, Token
from appliance.core.view import Message
from tests.core.cases import NOW, NUMBER, STATES

A = Gateway("A", (Address("192.0.2.10"),))
B = Gateway("B", (Address("192.0.2.11"),))
BOTH: Mapping[str, Gateway] = MappingProxyType({"A": A, "B": B})
TOKEN = Token("of b")


def between(state: State, event: Event, held: float = 0.2) -> State:
    """The state after a press with an event during it."""
    down, _ = machine.step(state, ButtonDown(), NOW)
    happened, _ = machine.step(down, event, NOW + held / 2)
    up, effects = machine.step(happened, ButtonUp(), NOW + held)
    assert not any(isinstance(effect, ForgetTokens) for effect in effects)
    return up


def window(**world: object) -> Pairing:
    """A pairing window with two gateways in sight."""
    opened, _ = machine.step(AwaitingPairing(World(gateways=BOTH, **world)), ButtonDown(), NOW - 9)  # type: ignore[arg-type]
    opened, _ = machine.step(opened, ButtonUp(), NOW - 8.9)
    assert isinstance(opened, Pairing)
    return opened


def test_a_press_does_not_accept_a_gateway_offered_during_it() -> None:
    state = between(window(), TokenIssued(1, B, TOKEN))
    assert isinstance(state, Pairing)
    assert state.offers, "the question stays"
    answered, _ = machine.step(state, ButtonDown(), NOW + 2)
    answered, _ = machine.step(answered, ButtonUp(), NOW + 2.1)
    assert isinstance(answered, Connecting)


def test_a_hold_does_not_decline_a_gateway_offered_during_it() -> None:
    old = Credential("A", Token("old"))
    state = between(window(current=old), TokenIssued(1, B, TOKEN), held=6.0)
    assert isinstance(state, Pairing)
    assert [offer.gateway.name for offer in state.offers] == ["B"]
    assert not state.declined
    assert state.world.current == old


def test_a_window_ending_during_a_decline_keeps_the_pairing() -> None:
    old = Credential("A", Token("old"))
    offered, _ = machine.step(window(current=old), TokenIssued(1, B, TOKEN), NOW - 1)
    state = between(offered, TimerFired(Timer.WINDOW), held=6.0)
    assert isinstance(state, AwaitingPairing)
    assert state.world.current == old


def test_the_countdown_ends_with_its_question() -> None:
    old = Credential("A", Token("old"))
    held, _ = machine.step(window(current=old), ButtonDown(), NOW)
    assert "Forget the pairing" in present(held, NOW + 2).view.screen.words
    offered, _ = machine.step(held, TokenIssued(1, B, TOKEN), NOW + 3)
    assert "B" in present(offered, NOW + 3).view.screen.words


def test_a_press_does_not_pair_a_gateway_found_during_it() -> None:
    state = between(Discovering(World(last_activity=NOW)), GatewayFound(A))
    assert isinstance(state, AwaitingPairing)


def test_a_page_during_a_press_stays_on_the_display() -> None:
    connected = STATES["connected"]
    assert isinstance(connected, Connected)
    book = replaced(OrderBook(), [Order("a", "31"), Order("b", "32")], NOW)
    state: State = replace(connected, book=book)
    paged = FeedNotified(NUMBER, (OrderPaged(Order("a", "31", paged=True)),))
    state = between(state, paged)
    assert present(state, NOW + 0.3).view.screen.words[0] == "Tracker 31 paged"
    again = between(state, FeedNotified(NUMBER, (OrderPaged(Order("b", "32", paged=True)),)))
    assert present(again, NOW + 0.3).view.screen.words[0] == "Tracker 32 paged", "nor does it hide a newer one"
    answered, _ = machine.step(again, ButtonDown(), NOW + 1)
    answered, _ = machine.step(answered, ButtonUp(), NOW + 1.1)
    assert present(answered, NOW + 1.2).view.screen.words[:2] == ("2", "orders  2 paged")


@pytest.mark.parametrize("lines", [12, None])
def test_the_pairing_screen_alternates_with_a_settings_mistake(lines: int | None) -> None:
    mistake = Mistake(lines, "pins.green", "must be a whole number")
    state = AwaitingPairing(World(gateways=BOTH, mistakes=(mistake,), last_activity=NOW))
    screens: set[tuple[str, ...]] = set()
    now = NOW
    while now < NOW + 30:
        shown = present(state, now)
        assert isinstance(shown.view.screen, Message)
        screens.add(shown.view.screen.words)
        now = shown.until
    assert len(screens) == 2
    assert any("Press button" in words for words in screens)
    assert any("pins.green: must be a whole number" in words for words in screens)


def test_a_hold_declines_only_the_gateway_shown_at_its_start() -> None:
    state, _ = machine.step(window(), TokenIssued(1, B, TOKEN), NOW - 2)
    state, _ = machine.step(state, TokenIssued(1, A, Token("of a")), NOW - 1)
    down, _ = machine.step(state, ButtonDown(), NOW)
    # A newer token of B puts A on the display.
    newer, _ = machine.step(down, TokenIssued(1, B, Token("newer")), NOW + 3)
    assert "A" in present(newer, NOW + 3.5).view.screen.words
    up, _ = machine.step(newer, ButtonUp(), NOW + 6)
    assert isinstance(up, Pairing)
    assert [offer.gateway.name for offer in up.offers] == ["A", "B"]
    assert not up.declined

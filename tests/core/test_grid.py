"""The machine in every state, for every event, and the diagram drawn from it."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from appliance.core import machine
from appliance.core.day_stats import DeliveryStats
from appliance.core.effects import CloseFeed, OpenFeed
from appliance.core.events import (
    Event,
    FeedAnswered,
    FeedFailure,
    FeedLost,
    FeedNotified,
    FeedOpened,
    GatewayFound,
    GatewayResolved,
    GatewayUnresolved,
    HistorySynced,
    HistorySyncFailed,
    TimerFired,
    TokenAccepted,
    TokenNotStored,
    TokenRefused,
    TokenStored,
    TokenUnchecked,
)
from appliance.core.notifications import OrderPaged
from appliance.core.states import Connected, Link, Offline, Phase, State
from appliance.core.timers import Timer
from appliance.core.values import Address, Gateway, Order
from tests.core import grid
from tests.core.cases import EVENTS, NOW, NUMBER, STATES, A, outcome


def test_the_machine_matches_the_grid() -> None:
    assert grid.grid_text() == grid.GRID.read_text(), "run `python -m tests.core.grid`, and review the difference"


def test_the_grid_covers_every_state_and_every_event() -> None:
    assert {type(state) for state in STATES.values()} == set(get_args(State))
    events = [event for events in EVENTS.values() for event in events]
    assert {type(event) for event in events} == set(get_args(Event))
    assert {event.timer for event in events if isinstance(event, TimerFired)} == set(Timer)
    links = [getattr(state, "link", None) for state in STATES.values()]
    assert {link.phase for link in links if link is not None} == set(Phase)


STALE: list[Event] = [
    TokenAccepted(99),
    TokenRefused(99),
    TokenUnchecked(99),
    TokenStored(99),
    TokenNotStored(99),
    GatewayUnresolved(99),
    FeedOpened(99, ()),
    FeedAnswered(99),
    FeedNotified(99, (OrderPaged(Order("u1", paged=True)),)),
    HistorySynced(99, 3, DeliveryStats(), frozenset(), frozenset()),
    HistorySyncFailed(99),
    *(FeedLost(99, why) for why in FeedFailure),
]


@pytest.mark.parametrize("name", STATES)
def test_a_stale_answer_changes_nothing(name: str) -> None:
    for event in STALE:
        assert machine.step(STATES[name], event, NOW) == (STATES[name], ()), event


def test_the_state_diagram_in_the_documents_is_current() -> None:
    text = grid.ARCHITECTURE.read_text()
    assert grid.with_diagram(text) == text, "run `python -m tests.core.grid`"


def test_a_refresh_goes_to_the_address_of_the_live_feed() -> None:
    state, _ = outcome(STATES["connected"], "A found elsewhere")
    assert isinstance(state, Connected)
    state, effects = outcome(state, f"timer: {Timer.REFRESH}")
    (opened,) = [effect for effect in effects if isinstance(effect, OpenFeed)]
    assert opened.address.host == "192.0.2.10"
    assert isinstance(state, Connected)
    assert not [effect for effect in effects if isinstance(effect, CloseFeed)]


def test_every_address_of_a_gateway_has_its_turn() -> None:
    one, two = Address("192.0.2.10"), Address("192.0.2.11")
    waiting = STATES["offline, waiting"]
    assert isinstance(waiting, Offline)
    state: State = replace(waiting, link=Link(Gateway("A", (one, two))))
    tried = []
    for number in range(4):
        state, _ = machine.step(state, TimerFired(Timer.RETRY), NOW)
        # A responder may return the addresses in any order.
        order = (one, two) if number % 2 else (two, one)
        assert isinstance(state, Offline)
        state, effects = machine.step(state, GatewayResolved(state.link.attempt, Gateway("A", order)), NOW)
        tried += [effect.address for effect in effects if isinstance(effect, OpenFeed)]
        assert isinstance(state, Offline)
        state, _ = machine.step(state, FeedLost(state.link.attempt, FeedFailure.UNREACHABLE), NOW)
    assert tried == [one, two, one, two]


def test_the_last_address_is_not_tried_where_another_gateway_is_now() -> None:
    state = STATES["offline, resolving"]
    tried, effects = machine.step(state, GatewayUnresolved(NUMBER), NOW)
    assert [type(effect) for effect in effects if isinstance(effect, OpenFeed)] == [OpenFeed]
    stranger = Gateway("Stranger", A.addresses)
    state, _ = machine.step(state, GatewayFound(stranger), NOW)
    tried, effects = machine.step(state, GatewayUnresolved(NUMBER), NOW)
    assert not [effect for effect in effects if isinstance(effect, OpenFeed)]
    assert isinstance(tried, Offline)
    assert tried.link.phase is Phase.WAITING

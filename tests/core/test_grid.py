"""The machine, state by state and event by event, and what is drawn from that."""

from __future__ import annotations

from typing import get_args

from appliance.core.effects import CloseFeed, OpenFeed
from appliance.core.events import Event, Timer, TimerFired
from appliance.core.states import Connected, Phase, State
from tests.core import grid
from tests.core.cases import EVENTS, STATES, outcome


def test_the_machine_does_what_the_grid_says() -> None:
    assert grid.grid_text() == grid.GRID.read_text(), "run `python -m tests.core.grid`, and read what it changed"


def test_the_grid_covers_every_state_and_every_event() -> None:
    assert {type(state) for state in STATES.values()} == set(get_args(State))
    events = [event for events in EVENTS.values() for event in events]
    assert {type(event) for event in events} == set(get_args(Event))
    assert {event.timer for event in events if isinstance(event, TimerFired)} == set(Timer)
    assert {state.link.phase for state in STATES.values() if hasattr(state, "link")} == set(Phase)


def test_the_readme_shows_the_diagram_that_the_grid_draws() -> None:
    text = grid.README.read_text()
    assert grid.readme_with(text) == text, "run `python -m tests.core.grid`"


def test_a_gateway_that_moved_is_looked_for_where_it_is() -> None:
    state, _ = outcome(STATES["connected"], "A found elsewhere")
    assert isinstance(state, Connected)
    state, effects = outcome(state, f"timer: {Timer.REFRESH}")
    (opened,) = [effect for effect in effects if isinstance(effect, OpenFeed)]
    assert opened.address.host == "192.0.2.99"
    assert isinstance(state, Connected)
    assert state.address.host == "192.0.2.10", "until the other feed is live, this one is"
    assert not [effect for effect in effects if isinstance(effect, CloseFeed)]

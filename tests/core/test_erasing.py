"""The confirmation of a factory reset: who follows the display erases the box, and nobody else does."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.backups import NO_BACKUP
from appliance.core.effects import Effect, RequestAction
from appliance.core.erasing import HOLD, HOLD_MOST, PAUSE, WINDOW
from appliance.core.events import BackupChanged, ButtonDown, ButtonUp, FeedNotified, TimerFired
from appliance.core.navigation import READ_TIME, SCREEN_STAYS
from appliance.core.notifications import OrderPaged
from appliance.core.present import present
from appliance.core.states import ScreenId, State
from appliance.core.timers import Timer
from appliance.core.updates import Action
from tests.core.cases import NOW, NUMBER, ORDER, STATES
from tests.core.test_navigation import tap

QUESTION = ("Erase this box?", "Pairing and past orders", "Erase: hold 10 s", "Keep: wait")


def asking(name: str = "connected") -> State:
    """A state whose display has asked for READ_TIME, at NOW, whether to erase the box."""
    state, _ = machine.step(STATES[name], BackupChanged(NO_BACKUP), NOW - 60)
    world = replace(state.world, turned_to=ScreenId.ERASE, turned_until=NOW - READ_TIME + SCREEN_STAYS)
    return replace(state, world=replace(world, last_activity=NOW))


def words(state: State, now: float) -> tuple[str, ...]:
    return present(state, now).view.screen.words


def held(state: State, seconds: float, at: float = NOW) -> State:
    state, _ = machine.step(state, ButtonDown(), at)
    state, effects = machine.step(state, ButtonUp(), at + seconds)
    assert not erased(effects)
    return state


def erased(effects: Iterable[Effect]) -> bool:
    return RequestAction(Action.RESET) in effects


@pytest.mark.parametrize("name", ["connected", "offline, waiting", "connecting, resolving", "discovering"])
def test_who_follows_the_display_erases_the_box(name: str) -> None:
    state = asking(name)
    assert words(state, NOW) == QUESTION
    state, _ = machine.step(state, ButtonDown(), NOW)
    assert words(state, NOW + 3.5) == ("Erase this box?", "in 7", "Let go to keep it")
    assert words(state, NOW + HOLD + 0.5) == ("Let go now", "Erase this box?")
    state, effects = machine.step(state, ButtonUp(), now := NOW + HOLD + 1)
    for number in (1, 2, 3):
        assert not erased(effects)
        assert words(state, now + 1) == (f"Press {number} of 3", "Wait", "Else nothing is erased")
        assert words(state, now + PAUSE + 0.5)[:2] == (f"Press {number} of 3", "Press now")
        state, effects_of_tap = tap(state, now := now + PAUSE + 1)
        effects, now = tuple(effects_of_tap), now + 0.1
    assert erased(effects)
    assert words(state, now + 1) == ("Erasing", "The box restarts as new")
    assert state.world.credential == STATES[name].world.credential, "until the box restarts, nothing is forgotten"


@pytest.mark.parametrize("seconds", [0.1, 2, HOLD - 0.2, HOLD_MOST + 0.1, 29])
def test_a_hold_of_another_length_erases_nothing_and_forgets_no_pairing(seconds: float) -> None:
    state = held(asking(), seconds)
    assert state.world.erase is None
    assert state.world.credential is not None


def test_a_stuck_button_erases_nothing() -> None:
    state, _ = machine.step(asking(), ButtonDown(), NOW)
    state, effects = machine.step(state, TimerFired(Timer.STUCK), NOW + 30)
    state, more = machine.step(state, ButtonUp(), NOW + 40)
    assert state.world.erase is None
    assert not erased([*effects, *more])


def test_a_hold_of_an_unread_question_erases_nothing() -> None:
    state = asking()
    state = replace(state, world=replace(state.world, turned_until=NOW + SCREEN_STAYS))
    assert held(state, HOLD + 1).world.erase is None


@pytest.mark.parametrize("at", [0.2, PAUSE - 0.2, PAUSE + WINDOW + 0.1])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_press_at_another_time_cancels(at: float, number: int) -> None:
    state, now = held(asking(), HOLD + 1), NOW + HOLD + 1
    for _ in range(number):
        state, _ = tap(state, now + PAUSE + 1)
        now += PAUSE + 1.1
    state, effects = tap(state, now + at)
    assert not erased(effects)
    for step in range(20):
        state, effects = tap(state, now + at + 1 + step)
        assert not erased(effects)


def test_a_press_that_is_held_cancels() -> None:
    state, now = held(asking(), HOLD + 1), NOW + HOLD + 1
    state, _ = machine.step(state, ButtonDown(), now + PAUSE + 0.5)
    state, _ = machine.step(state, ButtonUp(), now + PAUSE + 1.6)
    assert state.world.erase is None


def test_holding_during_the_confirmation_forgets_no_pairing() -> None:
    state, now = held(asking(), HOLD + 1), NOW + HOLD + 1
    state, _ = machine.step(state, ButtonDown(), now + PAUSE + 0.5)
    assert "Forget the pairing" not in words(state, now + PAUSE + 2)
    state, _ = machine.step(state, ButtonUp(), now + PAUSE + 6)
    assert state.world.credential is not None


def test_a_paged_order_comes_first() -> None:
    state, now = held(asking(), HOLD + 1), NOW + HOLD + 1
    paged = FeedNotified(NUMBER, (OrderPaged(replace(ORDER, paged=True), seq=6),))
    state, _ = machine.step(state, paged, now + 1)
    assert words(state, now + 1.5)[0] == "Tracker 23 paged"
    state, effects = tap(state, now + PAUSE + 1)
    assert not erased(effects)
    state, _ = machine.step(asking(), ButtonDown(), NOW)
    state, _ = machine.step(state, paged, NOW + 5)
    state, _ = machine.step(state, ButtonUp(), NOW + HOLD + 1)
    assert state.world.erase is None


def test_without_presses_the_count_returns() -> None:
    state, now = held(asking(), HOLD + 1), NOW + HOLD + 1
    assert words(state, now + PAUSE + WINDOW)[0] == "1"


def test_whoever_presses_without_reading_erases_nothing() -> None:
    """A child, say, who held the button long enough: for five minutes, at random, holds included."""
    for seed in range(20):
        dice, now, state = random.Random(seed), NOW + HOLD + 1, held(asking(), HOLD + 1)
        while now < NOW + 300:
            now += dice.uniform(0.05, 2.0)
            state, _ = machine.step(state, ButtonDown(), now)
            now += dice.choice((0.05, 0.2, 0.6, 3.0, 11.0))
            state, effects = machine.step(state, ButtonUp(), now)
            assert not erased(effects)


def test_off_the_card_nothing_can_be_erased() -> None:
    state = STATES["connected"]
    screens = []
    for number in range(12):
        state, _ = tap(state, NOW + number)
        screens.append(words(state, NOW + number + 0.5)[0])
    assert "Erase this box?" not in screens
    assert "Save a copy" not in screens

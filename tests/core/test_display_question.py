"""The question whether the picture is shifted: when a press answers it, and what becomes of the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.effects import Effect, KeepDisplayDriver
from appliance.core.events import (
    ButtonDown,
    ButtonUp,
    DisplayIdentified,
    FeedNotified,
    TimerFired,
)
from appliance.core.navigation import READ_TIME, SCREEN_STAYS, available_screens
from appliance.core.notifications import OrderPaged
from appliance.core.present import present
from appliance.core.states import Connected, ScreenId, State
from appliance.core.timers import Timer as T
from appliance.core.values import SH1106, SSD1306, DisplayIdentity, PanelSettings
from tests.core.cases import DISPLAY, NOW, NUMBER, ORDER, OTHER_DISPLAY, STATES
from tests.core.test_navigation import tap

SWAPPED = replace(DISPLAY, driver=SH1106)
QUESTION = "Picture is shifted?"
READ = NOW + READ_TIME
"""When a question that a press at NOW turned to has been read."""


def asking(name: str = "connected", display: DisplayIdentity = DISPLAY, *, repeat_pages: bool = False) -> State:
    """A state whose display asks the question since NOW."""
    state = STATES[name]
    world = replace(state.world, settings=PanelSettings(repeat_pages=repeat_pages), last_activity=NOW)
    state, _ = machine.step(replace(state, world=world), DisplayIdentified(display), NOW - 60)
    at = NOW - 1.0
    while words(state, NOW) != QUESTION:
        at += 0.01
        state, effects = tap(state, at)
        assert not kept(effects), "turning to the question answers nothing"
    world = replace(state.world, turned_until=NOW + SCREEN_STAYS, pressed_at=NOW)
    return replace(state, world=world)


def words(state: State, now: float) -> str:
    return present(state, now).view.screen.words[0]


def kept(effects: list[Effect]) -> list[DisplayIdentity]:
    return [effect.display for effect in effects if isinstance(effect, KeepDisplayDriver)]


@pytest.mark.parametrize("name", ["connected", "offline, waiting", "connecting, resolving", "discovering"])
def test_a_press_swaps_the_driver_and_another_one_swaps_it_back(name: str) -> None:
    state, effects = tap(asking(name), READ)
    assert kept(effects) == [SWAPPED]
    shown = present(state, READ + 1).view
    assert shown.display == SWAPPED
    assert shown.screen.words == (QUESTION, "It is drawn for SH1106", "Yes: press here", "No: wait")
    state, effects = tap(state, READ + 0.1 + READ_TIME)
    assert kept(effects) == [DISPLAY]
    assert present(state, READ + 10).view.display == DISPLAY


def test_a_press_before_the_question_was_read_turns_to_the_count() -> None:
    state, effects = tap(asking(), READ - 0.2)
    assert not kept(effects)
    assert words(state, READ) == "1"


def test_a_press_that_began_before_the_question_was_read_means_nothing() -> None:
    state, _ = machine.step(asking(), ButtonDown(), READ - 0.1)
    state, effects = machine.step(state, ButtonUp(), READ + 0.1)
    assert not kept(list(effects))
    assert words(state, READ + 0.2) == QUESTION


def test_without_a_press_the_count_returns() -> None:
    assert words(asking(), NOW + SCREEN_STAYS) == "1"


def test_holding_the_button_forgets_the_pairing_and_swaps_nothing() -> None:
    state, _ = machine.step(asking(), ButtonDown(), READ)
    state, effects = machine.step(state, ButtonUp(), READ + 2)
    assert not kept(list(effects)), "let go before the countdown ends"
    state, _ = machine.step(state, ButtonDown(), READ + 3)
    state, effects = machine.step(state, ButtonUp(), READ + 9)
    assert not kept(list(effects))
    assert state.world.credential is None


@pytest.mark.parametrize("repeats", [False, True])
def test_a_page_is_answered_first(repeats: bool) -> None:
    paged = FeedNotified(NUMBER, (OrderPaged(replace(ORDER, paged=True), seq=6),))
    state, _ = machine.step(asking(repeat_pages=repeats), paged, READ)
    state, effects = tap(state, READ + 3)
    assert isinstance(state, Connected)
    assert state.alert is None, "the press answered the page"
    assert not kept(effects)
    state, effects = tap(state, READ + 3 + READ_TIME + 0.1)
    assert kept(effects) == [SWAPPED], "and the question is still there"


def test_after_a_page_the_question_has_to_be_read_again() -> None:
    paged = FeedNotified(NUMBER, (OrderPaged(replace(ORDER, paged=True), seq=6),))
    state, _ = machine.step(asking(), paged, NOW + 0.5)
    assert words(state, NOW + 9) == QUESTION
    _, effects = tap(state, NOW + 9)
    assert not kept(effects)
    _, effects = tap(state, NOW + 8.5 + READ_TIME)
    assert kept(effects) == [SWAPPED]


def test_a_page_that_repeats_is_answered_first_too() -> None:
    state = STATES["connected, a page unanswered"]
    state, _ = machine.step(state, DisplayIdentified(DISPLAY), NOW - 60)
    world = replace(state.world, turned_to=ScreenId.SHIFTED, turned_until=NOW + 10, last_activity=NOW)
    state = replace(state, world=world)
    _, effects = tap(state, NOW)
    assert not kept(effects)
    state, _ = machine.step(state, TimerFired(T.REPEAT), NOW)
    _, effects = tap(state, NOW + 1)
    assert not kept(effects)


def test_a_press_that_wakes_the_display_does_no_more() -> None:
    state = asking()
    world = replace(state.world, settings=PanelSettings(dim_after=1.0, sleep_after=3.0), last_activity=NOW)
    state = replace(state, world=world)
    assert isinstance(state, Connected)
    state = replace(state, book=replace(state.book, held={}))
    state, effects = tap(state, NOW + 5)
    assert not kept(effects)
    _, effects = tap(state, NOW + 6)
    assert not kept(effects), "it was dark a moment ago"


def test_another_set_up_of_the_same_display_keeps_the_choice() -> None:
    state, _ = tap(asking(), READ)
    state, effects = machine.step(state, DisplayIdentified(replace(DISPLAY, raw="03 43 43 00 00 00")), READ + 1)
    assert not effects
    assert state.world.display is not None
    assert state.world.display.driver == SH1106


@pytest.mark.parametrize("other", [OTHER_DISPLAY, replace(DISPLAY, address=0x3D), DisplayIdentity(0x3C, SSD1306)])
def test_another_display_or_a_set_driver_ends_the_choice(other: DisplayIdentity) -> None:
    state, _ = tap(asking(), READ)
    state, effects = machine.step(state, DisplayIdentified(other), READ + 1)
    assert kept(list(effects)) == [other]
    assert state.world.display == other
    assert words(state, READ + 1.1) == "1", "the question was about the other display"


def test_a_display_with_a_set_driver_is_not_asked_about() -> None:
    state, _ = machine.step(STATES["connected"], DisplayIdentified(DisplayIdentity(0x3C, "ssd1309")), NOW)
    assert available_screens(state)[-1] is ScreenId.DISPLAY
    assert ScreenId.DISPLAY not in available_screens(STATES["connected"]), "as without a display"

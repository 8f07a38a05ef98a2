"""An update of the box: what the display says of it, what a press answers, and when the box restarts into it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import machine, texts
from appliance.core.effects import Effect, RequestAction, StartTimer, StopTimer
from appliance.core.events import ButtonDown, ButtonUp, FeedNotified, TimerFired, UpdateChanged
from appliance.core.navigation import READ_TIME, SCREEN_STAYS, available_screens
from appliance.core.notifications import OrderPaged
from appliance.core.orders import OrderBook, replaced
from appliance.core.present import present
from appliance.core.states import Connected, Offline, ScreenId, State
from appliance.core.timers import Timer
from appliance.core.updates import NO_UPDATE, Action, UpdatePhase, UpdateStatus
from appliance.core.values import Order
from appliance.core.view import Count, Power
from tests.core.cases import FOUND, NOW, NUMBER, ORDER, READY, STATES
from tests.core.test_navigation import tap
from tests.core.test_present import connected, words

FAILED = replace(FOUND, phase=UpdatePhase.FAILED, reason="crashed")
UPDATED = replace(FOUND, phase=UpdatePhase.UPDATED)
INSTALLING = replace(FOUND, phase=UpdatePhase.INSTALLING, percent=45)
TRIAL = replace(FOUND, phase=UpdatePhase.TRIAL)
ASKING = [(FOUND, Action.INSTALL), (READY, Action.RESTART), (UPDATED, Action.ACKNOWLEDGE), (FAILED, Action.ACKNOWLEDGE)]
RESTARTS = TimerFired(Timer.RESTART)


def told(state: State, update: UpdateStatus, at: float = NOW - 30) -> State:
    return machine.step(replace(state, world=replace(state.world, last_activity=NOW)), UpdateChanged(update), at)[0]


def asking(state: State, update: UpdateStatus) -> State:
    """A state that shows the update's screen since NOW - READ_TIME."""
    told_ = told(state, update)
    world = replace(told_.world, turned_to=ScreenId.UPDATE, turned_until=NOW - READ_TIME + SCREEN_STAYS)
    return replace(told_, world=world)


def requested(effects: list[Effect]) -> list[Action]:
    return [effect.action for effect in effects if isinstance(effect, RequestAction)]


@pytest.mark.parametrize("update", [FOUND, INSTALLING, READY, TRIAL, UPDATED, FAILED], ids=lambda update: update.phase)
@pytest.mark.parametrize("name", [name for name in STATES if name.startswith("connected")])
def test_the_count_stays_whatever_the_update_does(name: str, update: UpdateStatus) -> None:
    state = STATES[name]
    before = present(state, NOW).view
    after = present(machine.step(state, UpdateChanged(update), NOW)[0], NOW).view
    if isinstance(before.screen, Count) and before.active:
        assert isinstance(after.screen, Count)
        assert replace(after.screen, note="", fault=False) == replace(before.screen, note="", fault=False)
    assert (after.leds, after.active, after.late) == (before.leds, before.active, before.late)


@pytest.mark.parametrize(
    ("update", "remark"),
    [
        (FOUND, "Update: press 3 times"),
        (INSTALLING, "Installing update 45 %"),
        (READY, "Restarts when quiet"),
        (TRIAL, "Trying the update"),
        (UPDATED, "Updated to 1.2.0"),
        (FAILED, "Update failed"),
    ],
    ids=lambda value: getattr(value, "phase", ""),
)
def test_a_remark_says_how_far_the_update_is(update: UpdateStatus, remark: str) -> None:
    assert words(told(connected(ORDER), update))[-1] == remark
    offline = told(STATES["offline, waiting"], replace(update, version="1.3.0"), NOW - SCREEN_STAYS)
    assert words(offline)[-1] == {"Update: press 3 times": "Update: press button"}.get(
        remark, remark.replace("1.2.0", "1.3.0")
    )


def test_a_fault_and_a_doubt_are_said_before_an_update() -> None:
    state = told(connected(ORDER), FOUND)
    assert words(replace(state, world=replace(state.world, unsaved=True)))[-1] == "Pairing not saved"
    assert isinstance(state, Connected)
    assert words(replace(state, doubted_at=NOW - 60))[-1] == texts.COUNT_IN_DOUBT


def test_as_many_presses_as_the_remark_says_lead_to_the_screen() -> None:
    for name, presses in (("connected", 3), ("offline, waiting", 1), ("discovering", 1)):
        state = told(STATES[name], FOUND)
        state = replace(state, world=replace(state.world, turned_to=ScreenId.MAIN, turned_until=0.0))
        for number in range(presses):
            assert words(state, NOW + number - 0.2)[0] != "Update found"
            state, _ = tap(state, NOW + number)
        assert words(state, NOW + presses)[0] == "Update found"


@pytest.mark.parametrize(
    ("update", "screen"),
    [
        (FOUND, ["Update found", "Version 1.2.0", "Install: press here", "Not now: wait"]),
        (INSTALLING, ["Installing", "1.2.0: 45 %", "Pulling the plug is safe"]),
        (READY, ["Update installed", "Restarts when quiet", "Restart: press here", "Later: wait"]),
        (TRIAL, ["Trying", "the update", "If it fails, the old one", "comes back by itself"]),
        (UPDATED, ["Updated to 1.2.0", "OK: press here"]),
        (FAILED, ["Update failed", "It crashed", "Old version kept", "OK: press here"]),
        (
            replace(FAILED, reason="new-code"),
            ["Update failed", "Reason: new-code", "Old version kept", "OK: press here"],
        ),
    ],
    ids=lambda value: getattr(value, "phase", ""),
)
def test_the_screen_of_each_phase(update: UpdateStatus, screen: list[str]) -> None:
    assert words(asking(connected(), update)) == screen
    assert words(asking(STATES["offline, waiting"], update)) == screen


@pytest.mark.parametrize(("percent", "share"), [(-5, 0.0), (45, 0.45), (100, 1.0), (250, 1.0)])
def test_the_bar_shows_the_progress(percent: int, share: float) -> None:
    screen = present(asking(connected(), replace(INSTALLING, percent=percent)), NOW).view.screen
    assert getattr(screen, "bar", None) == share


@pytest.mark.parametrize(("update", "action"), ASKING)
@pytest.mark.parametrize("name", ["connected", "offline, waiting", "connecting, resolving", "discovering"])
def test_a_press_on_the_screen_answers_it(name: str, update: UpdateStatus, action: Action) -> None:
    state, effects = tap(asking(STATES[name], update), NOW)
    assert requested(effects) == [action]
    assert (state.world.update == NO_UPDATE) == (action is Action.ACKNOWLEDGE)


@pytest.mark.parametrize("update", [INSTALLING, TRIAL])
def test_a_press_while_nothing_is_asked_turns_to_the_next_screen(update: UpdateStatus) -> None:
    state, effects = tap(asking(connected(), update), NOW)
    assert not requested(effects)
    assert words(state, NOW + 1)[0] == "This box"


@pytest.mark.parametrize(("update", "action"), ASKING)
def test_a_press_before_the_question_was_read_means_nothing_or_turns(update: UpdateStatus, action: Action) -> None:
    state = asking(connected(), update)
    _, effects = tap(state, NOW - 0.2)
    assert not requested(effects)
    # It began before the question was read.
    down, _ = machine.step(state, ButtonDown(), NOW - 0.1)
    _, effects_ = machine.step(down, ButtonUp(), NOW + 0.1)
    assert not requested(list(effects_))
    # Something else was asked a moment ago.
    changed, _ = machine.step(state, UpdateChanged(replace(update, version="1.3.0")), NOW - 0.5)
    assert words(changed)[0] == words(state)[0].replace("1.2.0", "1.3.0")
    _, effects = tap(changed, NOW)
    assert not requested(effects)
    _, effects = tap(changed, NOW - 0.5 + READ_TIME)
    assert requested(effects) == [action]


def test_a_status_that_changes_during_the_press_answers_nothing() -> None:
    down, _ = machine.step(asking(connected(), INSTALLING), ButtonDown(), NOW)
    changed, _ = machine.step(down, UpdateChanged(READY), NOW + 0.1)
    _, effects = machine.step(changed, ButtonUp(), NOW + 0.9)
    assert not requested(list(effects))


def test_a_page_is_answered_before_the_update() -> None:
    paged = FeedNotified(NUMBER, (OrderPaged(replace(ORDER, paged=True), seq=6),))
    state, _ = machine.step(asking(STATES["connected"], FOUND), paged, NOW)
    state, effects = tap(state, NOW + 3)
    assert not requested(effects)
    assert isinstance(state, Connected)
    assert state.alert is None
    _, effects = tap(state, NOW + 3 + READ_TIME + 0.2)
    assert requested(effects) == [Action.INSTALL]


def test_a_press_that_wakes_the_display_answers_nothing() -> None:
    state = asking(STATES["offline, waiting"], FOUND)
    state = replace(state, world=replace(state.world, last_activity=NOW - 5 * 3600))
    assert present(state, NOW).view.power is not Power.BRIGHT
    _, effects = tap(state, NOW)
    assert not requested(effects)


def test_holding_the_button_answers_nothing() -> None:
    for seconds in (2.0, 6.0):
        down, _ = machine.step(asking(connected(), FOUND), ButtonDown(), NOW)
        _, effects = machine.step(down, ButtonUp(), NOW + seconds)
        assert not requested(list(effects))


def test_an_answer_is_confirmed_and_not_asked_for_again_at_once() -> None:
    state, _ = tap(asking(connected(), FOUND), NOW)
    assert words(state, NOW + 1) == ["Installing", "1.2.0: 0 %", "Pulling the plug is safe"]
    assert words(state, NOW + 14) == words(state, NOW + 1), "the screen stays for its time"
    _, effects = tap(state, NOW + 5)
    assert not requested(effects)
    state, _ = tap(asking(connected(), READY), NOW)
    assert words(state, NOW + 1) == ["Restarting", "to try version 1.2.0"]


def test_where_nothing_serves_the_request_the_screen_asks_again() -> None:
    state, _ = tap(asking(connected(), FOUND), NOW)
    assert present(state, NOW + 1).until <= NOW + 20.1
    state = asking(state, FOUND)
    later = replace(state, world=replace(state.world, turned_until=NOW + 30, last_activity=NOW))
    assert words(later, NOW + 19)[0] == "Installing"
    assert words(later, NOW + 21)[0] == "Update found"
    _, effects = tap(later, NOW + 21)
    assert not requested(effects), "it has to be read again"
    _, effects = tap(later, NOW + 22.2)
    assert requested(effects) == [Action.INSTALL]


def test_a_new_phase_ends_the_confirmation() -> None:
    state, _ = tap(asking(connected(), FOUND), NOW)
    refused, _ = machine.step(state, UpdateChanged(replace(FAILED, reason="wrong-key")), NOW + 2)
    assert words(refused, NOW + 2)[:2] == ["Update failed", "Not signed by the maker"]


def test_the_screen_comes_up_by_itself_where_it_hides_no_order() -> None:
    for state in (connected(), STATES["discovering"], STATES["offline, waiting"]):
        for update, _ in ASKING:
            after, _ = machine.step(state, UpdateChanged(update), NOW)
            assert words(after)[0] in ("Update found", "Update installed", "Updated to 1.2.0", "Update failed")
            assert words(after, NOW + SCREEN_STAYS)[0] == words(state)[0]
        for update in (INSTALLING, TRIAL, NO_UPDATE):
            after, _ = machine.step(state, UpdateChanged(update), NOW)
            assert words(after)[0] == words(state)[0]
    down, _ = machine.step(connected(), ButtonDown(), NOW)
    after, _ = machine.step(down, UpdateChanged(FOUND), NOW + 0.5)
    assert words(after, NOW + 0.5)[0] == "0", "not under a finger"
    unreadable = connected()
    unreadable = replace(
        unreadable, book=replace(unreadable.book, unreadable=replace(unreadable.book.unreadable, nameless=1))
    )
    assert words(machine.step(unreadable, UpdateChanged(FOUND), NOW)[0])[0] == "1"


def test_a_person_would_look_up_for_what_it_asks() -> None:
    asleep = replace(STATES["offline, waiting"].world, last_activity=NOW - 5 * 3600)
    for update, wakes in (
        (FOUND, True),
        (INSTALLING, False),
        (READY, True),
        (TRIAL, False),
        (UPDATED, True),
        (FAILED, True),
    ):
        state, _ = machine.step(replace(STATES["offline, waiting"], world=asleep), UpdateChanged(update), NOW)
        assert (present(state, NOW).view.power is Power.BRIGHT) == wakes


def test_a_failure_stays_on_a_display_at_rest() -> None:
    state = told(connected(), FAILED)
    asleep = replace(state, world=replace(state.world, last_activity=NOW - 5 * 3600))
    assert words(asleep) == ["Update failed"]
    asleep = replace(asleep, world=replace(asleep.world, update=UPDATED))
    assert words(asleep) == []


def test_a_success_is_mentioned_for_an_hour() -> None:
    state = told(connected(ORDER), UPDATED, NOW)
    assert words(state, NOW + 3599)[-1] == "Updated to 1.2.0"
    assert present(state, NOW + 3590).until <= NOW + 3600
    assert words(state, NOW + 3600)[-1].startswith("oldest")
    assert ScreenId.UPDATE in available_screens(state)
    failed = told(connected(ORDER), FAILED, NOW)
    assert words(failed, NOW + 10 * 3600)[-1] == "Update failed", "until a press"


def test_while_a_gateway_waits_to_be_paired_the_screen_comes_in_turn() -> None:
    state = told(STATES["awaiting_pairing, no token"], FOUND)
    begins = 992.0
    shown = [words(state, begins + second)[0] for second in (0, 7.9, 8, 15.9, 16)]
    assert shown == ["Press button", "Press button", "Update found", "Update found", "Press button"]
    assert "Update" not in " ".join(words(state, begins)), "a press would pair"
    assert present(state, begins + 9).until <= begins + 16
    _, effects = tap(state, begins + 8 + READ_TIME)
    assert requested(effects) == [Action.INSTALL]
    unread, effects = tap(state, begins + 8.5)
    assert not requested(effects)
    assert type(unread) is type(state), "and it does not pair"
    pairing, _ = tap(state, begins + 1)
    assert type(pairing) is not type(state)
    # The display changed under the finger.
    down, _ = machine.step(state, ButtonDown(), begins + 15.9)
    after, effects_ = machine.step(down, ButtonUp(), begins + 16.1)
    assert (type(after), requested(list(effects_))) == (type(state), [])
    down, _ = machine.step(state, ButtonDown(), begins + 7.9)
    after, effects_ = machine.step(down, ButtonUp(), begins + 8.1)
    assert (type(after), requested(list(effects_))) == (type(state), [])


def test_the_restart_waits_until_it_is_quiet() -> None:
    state, effects = machine.step(connected(), UpdateChanged(READY), NOW)
    assert effects == (StartTimer(Timer.RESTART, 300.0),)
    after, effects = machine.step(state, RESTARTS, NOW + 299.5)
    assert (after, effects) == (state, (StartTimer(Timer.RESTART, 1.0),))
    after, effects = machine.step(state, RESTARTS, NOW + 300)
    assert effects == (RequestAction(Action.RESTART), StartTimer(Timer.RESTART, 600.0))
    assert words(after, NOW + 301) == ["Restarting", "to try version 1.2.0"]
    pressed, _ = tap(state, NOW + 200)
    _, effects = machine.step(pressed, RESTARTS, NOW + 300)
    assert [round(effect.delay, 3) for effect in effects if isinstance(effect, StartTimer)] == [200.1]


def test_the_restart_waits_for_every_order() -> None:
    for state in (STATES[name] for name in STATES if "to restart" in name):
        ready, _ = machine.step(state, UpdateChanged(READY), NOW - 900)
        ready = replace(ready, world=replace(ready.world, update_since=NOW - 900))
        _, effects = machine.step(ready, RESTARTS, NOW)
        quiet = bool(effects) and requested(list(effects)) == [Action.RESTART]
        assert quiet == (state is STATES["connected, to restart, without an order"])
        if not quiet:
            assert effects == (StartTimer(Timer.RESTART, 300.0),)


def test_a_lost_tracker_does_not_hold_the_restart_back() -> None:
    state = STATES["connected, to restart"]
    assert isinstance(state, Connected)
    old = replaced(OrderBook(), [Order("old", elapsed=3 * 3600.0 - 10)], NOW)
    _, effects = machine.step(replace(state, book=old), RESTARTS, NOW)
    assert effects == (StartTimer(Timer.RESTART, 10.0),)
    _, effects = machine.step(replace(state, book=old), RESTARTS, NOW + 10)
    assert requested(list(effects)) == [Action.RESTART]
    offline = STATES["offline, to restart"]
    assert isinstance(offline, Offline)
    _, effects = machine.step(replace(offline, link=replace(offline.link, book=old)), RESTARTS, NOW + 10)
    assert requested(list(effects)) == [Action.RESTART]


def test_the_button_and_a_pairing_hold_the_restart_back() -> None:
    state = STATES["connected, to restart, without an order"]
    down = replace(state, world=replace(state.world, down_since=NOW - 20))
    assert machine.step(down, RESTARTS, NOW)[1] == (StartTimer(Timer.RESTART, 300.0),)
    pairing = STATES["pairing, one gateway"]
    pairing = replace(pairing, world=replace(state.world, gateways=pairing.world.gateways))
    assert machine.step(pairing, RESTARTS, NOW)[1] == (StartTimer(Timer.RESTART, 300.0),)


def test_no_restart_without_an_installed_update() -> None:
    state = STATES["connected, to restart, without an order"]
    gone, effects = machine.step(state, UpdateChanged(INSTALLING), NOW)
    assert StopTimer(Timer.RESTART) in effects
    assert machine.step(gone, RESTARTS, NOW) == (gone, ())


@given(st.sampled_from(sorted(STATES)), st.text(max_size=30), st.text(max_size=30), st.integers())
def test_any_status_can_be_shown(name: str, version: str, reason: str, percent: int) -> None:
    for phase in UpdatePhase:
        update = UpdateStatus(phase, version, percent, "usb", reason)
        state, _ = machine.step(STATES[name], UpdateChanged(update), NOW)
        for shown in (state, asking(state, update)):
            screen = present(shown, NOW).view.screen
            assert all(word.isprintable() and word for word in screen.words)
            assert 0 <= (getattr(screen, "bar", None) or 0.0) <= 1

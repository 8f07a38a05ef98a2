"""Saving a copy to a stick by the button: the question, its answer, and what the display says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.core import machine
from appliance.core.backups import NO_BACKUP, BackupPhase, BackupReason, BackupStatus
from appliance.core.effects import Effect, RequestAction
from appliance.core.events import BackupChanged, ButtonDown, ButtonUp
from appliance.core.navigation import COPY_RESULT_SHOWS, READ_TIME, SCREEN_STAYS
from appliance.core.present import present
from appliance.core.states import ScreenId, State
from appliance.core.updates import Action
from tests.core.cases import NOW, STATES
from tests.core.test_navigation import tap

SAVING = BackupStatus(BackupPhase.SAVING, 40)
SAVED = BackupStatus(BackupPhase.SAVED, 100)
NO_STICK = BackupStatus(BackupPhase.FAILED, 0, BackupReason.NO_STICK)


def asking(name: str = "connected") -> State:
    state, _ = machine.step(STATES[name], BackupChanged(NO_BACKUP), NOW - 600)
    world = replace(state.world, turned_to=ScreenId.COPY, turned_until=NOW - READ_TIME + SCREEN_STAYS)
    return replace(state, world=replace(world, last_activity=NOW))


def told(state: State, backup: BackupStatus, at: float) -> State:
    return machine.step(state, BackupChanged(backup), at)[0]


def words(state: State, now: float) -> tuple[str, ...]:
    return present(state, now).view.screen.words


def saves(effects: list[Effect]) -> bool:
    return RequestAction(Action.BACKUP) in effects


@pytest.mark.parametrize("name", ["connected", "offline, waiting", "connecting, resolving", "discovering"])
def test_a_press_saves_a_copy_and_the_screen_tells_how_it_goes(name: str) -> None:
    state = asking(name)
    assert words(state, NOW) == ("Save a copy", "Plug in a USB stick", "Save: press here", "Not now: wait")
    state, effects = tap(state, NOW)
    assert saves(effects)
    assert words(state, NOW + 1) == ("Saving", "0 %", "Leave the stick in")
    state, effects = tap(state, NOW + 1.5)
    assert not saves(effects), "one press saves one copy"
    state = told(
        replace(state, world=replace(state.world, turned_to=ScreenId.COPY, turned_until=NOW + 9)), SAVING, NOW + 2
    )
    assert words(state, NOW + 3) == ("Saving", "40 %", "Leave the stick in")
    state = told(state, SAVED, NOW + 12)
    assert words(state, NOW + 13) == ("Copy saved", "Pull out the stick")


@pytest.mark.parametrize(
    ("backup", "screen"),
    [
        (NO_STICK, ("Copy failed", "No USB stick found")),
        (replace(NO_STICK, reason="no-room"), ("Copy failed", "The stick is full", "Nothing was changed")),
        (replace(NO_STICK, reason="new-code"), ("Copy failed", "Reason: new-code", "Nothing was changed")),
        (replace(SAVED, reason="without-pairing"), ("Copy saved", "It has no pairing", "Pull out the stick")),
        (BackupStatus(BackupPhase.RESTORED, 100), ("Copy restored", "Pull out the stick")),
        (
            BackupStatus(BackupPhase.RESTORED, 100, "without-pairing"),
            ("Copy restored", "Pair again", "Pull out the stick"),
        ),
        (BackupStatus(BackupPhase.ERASING), ("Erasing", "The box restarts as new")),
    ],
)
def test_the_outcome_says_what_to_do(backup: BackupStatus, screen: tuple[str, ...]) -> None:
    assert words(told(asking(), backup, NOW), NOW + 1) == screen


def test_the_outcome_gives_way_to_the_question_which_has_to_be_read() -> None:
    state = told(asking(), NO_STICK, NOW)
    later = NOW + COPY_RESULT_SHOWS
    state = replace(state, world=replace(state.world, turned_until=later + 5))
    assert words(state, later - 1)[0] == "Copy failed"
    assert words(state, later)[0] == "Save a copy"
    assert not saves(tap(state, later + 1)[1])
    assert saves(tap(state, later + READ_TIME)[1])


def test_an_unread_question_is_not_answered() -> None:
    state = asking()
    state = replace(state, world=replace(state.world, turned_until=NOW + SCREEN_STAYS))
    assert not saves(tap(state, NOW + 1)[1])


def test_holding_saves_nothing() -> None:
    state, _ = machine.step(asking(), ButtonDown(), NOW)
    _, effects = machine.step(state, ButtonUp(), NOW + 2)
    assert not saves(list(effects))


def test_other_screens_have_a_remark() -> None:
    state = replace(STATES["connected"], world=replace(STATES["connected"].world, last_activity=NOW))
    assert words(told(state, SAVING, NOW), NOW + 1)[-1] == "Saving a copy 40 %"
    assert words(told(state, NO_STICK, NOW), NOW + 1)[-1] == "Copy failed"
    assert words(told(state, SAVED, NOW), NOW + COPY_RESULT_SHOWS - 1)[-1] == "Copy saved"
    assert words(told(state, SAVED, NOW), NOW + COPY_RESULT_SHOWS)[-1] != "Copy saved"


def test_a_new_box_tells_in_turn_why_its_copy_was_not_restored() -> None:
    damaged = BackupStatus(BackupPhase.FAILED, 0, BackupReason.DAMAGED)
    state = told(STATES["awaiting_pairing, no token"], damaged, NOW)
    seen = {words(state, NOW + second)[:2] for second in range(150)}
    assert seen == {("Press button", "here to pair"), ("Copy failed", "The copy is damaged")}


def test_no_answer_of_the_system_lets_the_question_come_back() -> None:
    state, _ = tap(asking(), NOW)
    assert words(state, NOW + 19)[0] == "Saving"
    state = replace(state, world=replace(state.world, turned_until=NOW + 40))
    assert words(state, NOW + 21)[0] == "Save a copy"

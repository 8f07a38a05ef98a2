"""Backing up: what the box's status of a copy changes, and what a press on the copy's screen requests."""

from __future__ import annotations

from dataclasses import replace

from appliance.core.backups import BackupPhase, BackupStatus
from appliance.core.effects import RequestAction
from appliance.core.navigation import COPY_RESULT_SHOWS, SCREEN_STAYS
from appliance.core.states import NEVER, ScreenId, State, World
from appliance.core.transitions import Step
from appliance.core.updates import Action
from appliance.core.updating import REQUEST_TAKES

QUESTION = "save a copy"
WORKING = (BackupPhase.SAVING, BackupPhase.RESTORING, BackupPhase.ERASING)
ENDED = (BackupPhase.SAVED, BackupPhase.RESTORED, BackupPhase.FAILED)


def asks_to_save(world: World, now: float) -> bool:
    """Whether the screen offers to save a copy, and does not tell of one."""
    backup = world.backup
    if backup is None or now < world.backup_requested_until or backup.phase in WORKING:
        return False
    return backup.phase is BackupPhase.NONE or now >= world.backup_since + COPY_RESULT_SHOWS


def backup_changed(state: State, backup: BackupStatus, now: float) -> Step:
    """Take over a new status. Who looks at the screen of the copy sees the rest of it."""
    world = state.world
    shown = world.turned_to is ScreenId.COPY and now < world.turned_until
    world = replace(world, backup=backup, backup_since=now, backup_requested_until=NEVER)
    if shown:
        world = replace(world, turned_until=now + SCREEN_STAYS)
    return replace(state, world=world), ()


def save_copy(state: State, now: float) -> Step:
    """A press asked for a copy."""
    until = now + REQUEST_TAKES
    world = replace(state.world, backup_requested_until=until, turned_to=ScreenId.COPY, turned_until=until)
    return replace(state, world=world), (RequestAction(Action.BACKUP),)

"""A copy of the box on a USB stick: the question, the progress and the outcome, and a remark on other screens."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.backing_up import ENDED, asks_to_save
from appliance.core.backups import NO_BACKUP, BackupPhase, BackupReason, BackupStatus
from appliance.core.formatting import legible
from appliance.core.navigation import COPY_RESULT_SHOWS
from appliance.core.screens.state_view import message
from appliance.core.states import AwaitingPairing, State, World
from appliance.core.view import Icon, Line, Message, Size

LONGEST_REASON = 20
"""Characters shown of a reason that this version of the box does not know."""


def copy_screen(state: State, now: float) -> tuple[Message, float]:
    """The screen at `now`, and until when it holds. While a gateway waits to be paired, a press would answer that."""
    world = state.world
    backup, asks = world.backup or NO_BACKUP, not isinstance(state, AwaitingPairing)
    if asks and asks_to_save(world, now):
        lines = (
            Line(texts.SAVE_COPY, Size.MEDIUM),
            Line(texts.PLUG_IN_STICK),
            Line(texts.SAVE_YES),
            Line(texts.SAVE_NO, spare=1),
        )
        return Message(lines), math.inf
    if now < world.backup_requested_until:
        return _progress(texts.SAVING, 0), world.backup_requested_until
    match backup.phase:
        case BackupPhase.RESTORING:
            return _progress(texts.RESTORING, backup.percent), math.inf
        case BackupPhase.SAVING:
            return _progress(texts.SAVING, backup.percent), math.inf
        case _:
            return _outcome(backup), world.backup_since + COPY_RESULT_SHOWS if asks else math.inf


def copy_remark(world: World, now: float) -> tuple[str, float]:
    """What the other screens say of a copy at `now`, or nothing; and until when."""
    backup = world.backup or NO_BACKUP
    match backup.phase:
        case BackupPhase.SAVING:
            return texts.SAVING_SHARE.format(percent=backup.percent), math.inf
        case BackupPhase.RESTORING:
            return texts.RESTORING_SHARE.format(percent=backup.percent), math.inf
        case BackupPhase.ERASING:
            return texts.ERASING, math.inf
        case phase if phase in ENDED and now < world.backup_since + COPY_RESULT_SHOWS:
            return _headline(backup), world.backup_since + COPY_RESULT_SHOWS
        case _:
            return "", math.inf


def _progress(headline: str, percent: int) -> Message:
    hints = [texts.COPIED_SHARE.format(percent=percent), texts.LEAVE_STICK]
    return message(None, [headline], hints, percent / 100)


def _outcome(backup: BackupStatus) -> Message:
    if backup.phase is BackupPhase.ERASING:
        return message(Icon.STOPPING, [texts.ERASING], [texts.ERASING_HINT])
    lines = [Line(_headline(backup), Size.MEDIUM)]
    if backup.reason:
        lines.append(Line(_reason(backup)))
    if backup.phase is not BackupPhase.FAILED:
        lines.append(Line(texts.PULL_OUT_STICK))
    elif backup.reason != BackupReason.NO_STICK:
        lines.append(Line(texts.COPY_UNCHANGED, spare=1))
    return Message(tuple(lines), icon=Icon.WARNING if backup.phase is BackupPhase.FAILED else Icon.PAIRED)


def _headline(backup: BackupStatus) -> str:
    headlines = {BackupPhase.SAVED: texts.COPY_SAVED, BackupPhase.RESTORED: texts.COPY_RESTORED}
    return headlines.get(backup.phase, texts.COPY_FAILED)


def _reason(backup: BackupStatus) -> str:
    if backup.reason == BackupReason.WITHOUT_PAIRING:
        return texts.SAVED_WITHOUT_PAIRING if backup.phase is BackupPhase.SAVED else texts.RESTORED_WITHOUT_PAIRING
    known = texts.COPY_REASONS.get(backup.reason)
    return known or texts.UPDATE_UNKNOWN_REASON.format(reason=legible(backup.reason, LONGEST_REASON))

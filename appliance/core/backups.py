"""Copies of a box's state, as the display and other programs see them: phases and reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BackupPhase(StrEnum):
    """What is being done with the state; the values are those of the status file."""

    NONE = "none"
    SAVING = "saving"
    SAVED = "saved"
    RESTORING = "restoring"
    RESTORED = "restored"
    FAILED = "failed"
    """Nothing was saved, or nothing restored; the state and the older copy are as they were."""
    ERASING = "erasing"
    """The box restarts, and erases its state before anything reads it."""


class BackupReason(StrEnum):
    """Why a copy was not saved or restored, or lacks the pairing."""

    NO_STICK = "no-stick"
    READ_ONLY = "read-only"
    NO_ROOM = "no-room"
    STICK_FAILED = "stick-failed"
    """It was pulled out, or can't be read or written."""
    SEVERAL_COPIES = "several-copies"
    """The stick has copies of several boxes, and none of this one."""
    DAMAGED = "damaged"
    NEWER = "newer"
    """A newer version of the appliance wrote the copy."""
    FAILED = "failed"
    """The box's own card failed, or the program did; the log says more."""
    WITHOUT_PAIRING = "without-pairing"
    """Everything else is in the copy, or was restored: the settings have no passphrase, or another one."""


@dataclass(frozen=True, slots=True)
class BackupStatus:
    """The copy under way, or the last one since the start.

    percent: of the work. reason: a `BackupReason`, or empty; another version of the box may have others.
    """

    phase: BackupPhase = BackupPhase.NONE
    percent: int = 0
    reason: str = ""


NO_BACKUP = BackupStatus()
"""Nothing was saved or restored since the start."""

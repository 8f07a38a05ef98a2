"""Updates of the box, as the display and other programs see them: phases, reasons, and what root may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UpdatePhase(StrEnum):
    """How far an update has come; the values are those of the status file."""

    NONE = "none"
    FOUND = "found"
    """A bundle was found, and waits for a press."""
    INSTALLING = "installing"
    READY = "ready"
    """Installed into the other slot; the restart is pending."""
    TRIAL = "trial"
    """The new version runs, and is not committed yet."""
    UPDATED = "updated"
    """The new version was committed."""
    FAILED = "failed"
    """The bundle was refused, or the box went back to the old version."""


class UpdateSource(StrEnum):
    """Where a bundle came from."""

    USB = "usb"
    CARD = "card"
    """A copy on the card's first partition, TT-CONFIG."""
    CHANNEL = "channel"


class UpdateReason(StrEnum):
    """Why an update failed: its bundle was refused, its installation failed, or its trial did."""

    WRONG_KEY = "wrong-key"
    CORRUPT = "corrupt"
    TRUNCATED = "truncated"
    OLDER = "older"
    SAME_VERSION = "same-version"
    WRONG_BOARD = "wrong-board"
    NO_ROOM = "no-room"
    FLAG_UNSUPPORTED = "flag-unsupported"
    """The firmware does not keep the flag for one trial start."""
    EEPROM_TOO_OLD = "eeprom-too-old"
    BOARD_UNKNOWN = "board-unknown"
    NEEDS_VERSION = "needs-version"
    """An earlier update has to be installed first."""
    TRIED_BEFORE = "tried-before"
    STICK_REMOVED = "stick-removed"

    NOT_CONNECTED = "not-connected"
    CRASHED = "crashed"
    NO_PICTURE = "no-picture"
    STATE_NOT_WRITTEN = "state-not-written"
    SETTINGS_UNREAD = "settings-unread"
    ENGINE_FAILED = "engine-failed"
    CUT_THREE_TIMES = "cut-three-times"
    BOOT_FAILED = "boot-failed"
    """The trial ended without a verdict of its gate: it did not start, or its watchdog fired."""


class Action(StrEnum):
    """What the appliance may ask root for: the values of `action` in the request file."""

    INSTALL = "install"
    """Install the bundle that was found."""
    RESTART = "restart"
    """Restart into the version that is installed."""
    ACKNOWLEDGE = "acknowledge"
    """A person has read how the update ended: it need not be shown any more, nor after the next start."""
    BACKUP = "backup"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class UpdateStatus:
    """The update under way, or the last one until a person has read how it ended.

    version: of the bundle, or empty if it is unknown. percent: of the installation. source: an `UpdateSource`, or
    empty. reason: an `UpdateReason`, or empty; another version of the box may have codes that this one lacks.
    """

    phase: UpdatePhase = UpdatePhase.NONE
    version: str = ""
    percent: int = 0
    source: str = ""
    reason: str = ""


NO_UPDATE = UpdateStatus()
"""No update is under way, or the box cannot be updated in place."""

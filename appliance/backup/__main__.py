"""What the card's image runs as root, each in a service of its own: save, restore or erase.

save: a copy to a USB stick. restore: from a stick, at the first start. erase: the whole state, at the next start.
"""

from __future__ import annotations

import errno
import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from appliance import atomic_file, logs, sticks
from appliance.backup.contents import RESET, STATE, read_passphrase
from appliance.backup.copy_file import CopyError
from appliance.backup.restore import choose, end_first_start, is_first_start, stage
from appliance.backup.save import save_to_folder
from appliance.backup.status import Progress, report
from appliance.core.backups import BackupPhase, BackupReason, BackupStatus

WAIT_FOR_STICK = 60.0
"""Seconds after the service's start in which a stick may appear: a hub and a slow stick take some ten."""
LOOK_EVERY = 1.0
"""Seconds."""
APPLIANCE = "tt-appliance.service"

_REASONS = {
    errno.ENOSPC: BackupReason.NO_ROOM,
    errno.EFBIG: BackupReason.NO_ROOM,
    errno.EROFS: BackupReason.READ_ONLY,
}

log = logging.getLogger("appliance.backup")


def save() -> bool:
    """Save a copy to the stick that is plugged in; whether that succeeded."""
    return _reported(BackupPhase.SAVED, _save)


def restore() -> bool:
    """Restore the copy on a stick if this is the first start, and a stick appears in time; whether nothing failed."""
    ends = time.monotonic() + WAIT_FOR_STICK
    while is_first_start(STATE):
        if sticks.devices():
            return _reported(BackupPhase.RESTORED, _restore)
        if time.monotonic() > ends:
            return True
        time.sleep(LOOK_EVERY)
    end_first_start(STATE)
    return True


def erase() -> bool:
    """Restart the box, and have its next start erase the state before anything reads it; whether it restarts."""
    return _reported(BackupPhase.ERASING, _erase)


def _save() -> BackupStatus | None:
    device = next(iter(sticks.devices()), None)
    if device is None:
        raise CopyError(BackupReason.NO_STICK, "no USB stick is plugged in")
    if sticks.is_read_only(device):
        raise CopyError(BackupReason.READ_ONLY, f"{device} is write-protected")
    progress = Progress(BackupPhase.SAVING)
    progress(0)
    try:
        with sticks.mounted(device, writable=True) as folder:
            if not sticks.writable_after_mount(folder):
                raise CopyError(BackupReason.READ_ONLY, f"{device} can be read only")
            complete = save_to_folder(STATE, folder, read_passphrase(), socket.gethostname(), progress)
    except OSError as error:
        raise CopyError(*_failure(error)) from None
    # The stick may stay plugged in, and the pairing be forgotten later.
    end_first_start(STATE)
    return _ended(BackupPhase.SAVED, complete)


def _restore() -> BackupStatus | None:
    for device in sticks.devices():
        try:
            with sticks.mounted(device, writable=False) as folder:
                copy = choose(folder, socket.gethostname())
                if copy is None:
                    continue
                progress = Progress(BackupPhase.RESTORING)
                progress(0)
                complete = stage(STATE, copy, read_passphrase(), progress)
        except OSError as error:
            raise CopyError(*_failure(error)) from None
        log.warning("restoring %s", copy.name)
        # Its start moves the files to their places (restored-state).
        subprocess.run(["systemctl", "restart", APPLIANCE], check=True)
        return _ended(BackupPhase.RESTORED, complete)
    # A stick without a copy, perhaps with an update.
    return None


def _erase() -> BackupStatus | None:
    report(BackupStatus(BackupPhase.ERASING))
    with atomic_file.open_directory(STATE) as folder:
        atomic_file.write(folder, RESET, b"")
    log.warning("a person asked for a factory reset: restarting, to erase the state")
    subprocess.run(["systemctl", "reboot"], check=True)
    return None


def _ended(phase: BackupPhase, complete: bool) -> BackupStatus:
    return BackupStatus(phase, 100, "" if complete else BackupReason.WITHOUT_PAIRING)


def _failure(error: OSError) -> tuple[BackupReason, str]:
    """The reason for an error of the stick or of the card."""
    on_stick = str(error.filename or sticks.MOUNT_POINT).startswith(str(sticks.MOUNT_POINT))
    reason = _REASONS.get(error.errno or 0, BackupReason.STICK_FAILED if on_stick else BackupReason.FAILED)
    return reason, f"{error.strerror or error}"


def _reported(phase: BackupPhase, work: Callable[[], BackupStatus | None]) -> bool:
    """Do the work, and report how it ended. phase: what it leads to, for the log."""
    try:
        status = work()
    except CopyError as error:
        log.warning("not %s: %s", phase, error)
        report(BackupStatus(BackupPhase.FAILED, 0, error.reason))
        return False
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("not %s: %s", phase, error)
        report(BackupStatus(BackupPhase.FAILED, 0, BackupReason.FAILED))
        return False
    if status is not None:
        report(status)
    return True


COMMANDS: dict[str, Callable[[], bool]] = {"save": save, "restore": restore, "erase": erase}


def main() -> int:
    """Run the command; return the exit code."""
    logs.set_up(logging.INFO)
    return 0 if COMMANDS[sys.argv[1]]() else 1


if __name__ == "__main__":
    sys.exit(main())

"""Reports what is being saved, restored or erased, in a file that everybody may read; the appliance shows it.

It is replaced atomically: `{"phase": "saving", "percent": 40, "reason": ""}`, as in `core.backups.BackupStatus`.
"""

from __future__ import annotations

import json
from pathlib import Path

from appliance import atomic_file
from appliance.core.backups import BackupPhase, BackupStatus

FILE = Path("/run/tt-update/keep.json")
"""Beside the status of updates; systemd makes the folder (RuntimeDirectory=tt-update)."""
LARGEST = 4096
"""Bytes of the file that are read."""


def report(status: BackupStatus, path: Path = FILE) -> None:
    """Replace the status. Raises OSError."""
    data = json.dumps({"phase": status.phase, "percent": status.percent, "reason": status.reason}).encode() + b"\n"
    with atomic_file.open_directory(path.parent) as folder:
        atomic_file.write(folder, path.name, data, 0o644)


def read(path: Path = FILE) -> BackupStatus:
    """The last status that was reported; that of no work if there is none, or if it can't be read. Never raises."""
    try:
        with atomic_file.open_directory(path.parent) as folder:
            content = json.loads(atomic_file.read(folder, path.name, LARGEST))
        phase, percent, reason = BackupPhase(content["phase"]), content["percent"], content["reason"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return BackupStatus()
    if not isinstance(percent, int) or not isinstance(reason, str):
        return BackupStatus()
    return BackupStatus(phase, min(max(percent, 0), 100), reason)


class Progress:
    """Reports the progress of one phase, at each step of five percent: each report is a write of a file."""

    def __init__(self, phase: BackupPhase, path: Path = FILE) -> None:
        self._phase, self._path, self._reported = phase, path, -1

    def __call__(self, percent: int) -> None:
        """Report the percentage, if it is a new step. Raises OSError."""
        step = percent // 5 * 5
        if step > self._reported:
            self._reported = step
            report(BackupStatus(self._phase, step), self._path)

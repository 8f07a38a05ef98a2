"""Watches the status of copies, which root's services write, for the core. On the card alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.backup.status import FILE, read
from appliance.core.events import BackupChanged, Event
from appliance.update.watch import RUNNING, watch_file


async def watch_backup(emit: Callable[[Event], None], status: Path = FILE, running: Path = RUNNING) -> None:
    """Emit the status at once and after each change, until cancelled. Off the card, return at once."""
    await watch_file(status, read, lambda backup: emit(BackupChanged(backup)), running)

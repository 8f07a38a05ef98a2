"""Watches the status of the box's update, which root's programs write, for the core.

On the card alone: elsewhere nothing installs updates.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

from appliance.core.events import Event, UpdateChanged
from appliance.core.heartbeat import BEAT
from appliance.core.limits import LONGEST_TEXT
from appliance.core.updates import NO_UPDATE, UpdatePhase, UpdateStatus

STATUS = Path("/run/tt-update/status.json")
RUNNING = Path("/run/tt-slot")
"""Names the slot that runs; the card's initramfs writes it."""
CHECK_EVERY = BEAT
"""Seconds between two looks at the file, which lies in memory: at the moments at which the heartbeat on the display
wakes the program anyway. The answer to a press does not wait for it."""
LARGEST = 4096
"""Bytes of the file, which has about a hundred."""

Stamp = tuple[int, int, int]


async def watch_update(emit: Callable[[Event], None], status: Path = STATUS, running: Path = RUNNING) -> None:
    """Emit the update's status whenever it changes, until cancelled. Off the card, return at once."""
    if not os.access(running, os.F_OK):
        return
    seen: Stamp | None = None
    reported = NO_UPDATE
    while True:
        stamp = _stamp(status)
        if stamp != seen:
            seen, update = stamp, read_update(status)
            if update != reported:
                reported = update
                emit(UpdateChanged(update))
        await asyncio.sleep(CHECK_EVERY - asyncio.get_running_loop().time() % CHECK_EVERY)


def read_update(path: Path = STATUS) -> UpdateStatus:
    """The status in a file; NO_UPDATE if it is missing, or not one. Never raises. Does not block: it is in memory."""
    try:
        with path.open("rb") as file:
            facts = json.loads(file.read(LARGEST + 1))
        phase = UpdatePhase(facts["phase"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return NO_UPDATE
    percent = facts.get("percent")
    return UpdateStatus(
        phase,
        _text(facts.get("version")),
        min(100, max(0, percent)) if type(percent) is int else 0,
        _text(facts.get("source")),
        _text(facts.get("reason")),
    )


def _text(value: object) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _stamp(path: Path) -> Stamp | None:
    """What differs after the file was replaced; None if it is missing."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size

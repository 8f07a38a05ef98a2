"""Watches the status files that root's programs write, for the core: that of the box's update, and others like it.

On the card alone: elsewhere nothing installs updates.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

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
T = TypeVar("T")


async def watch_update(emit: Callable[[Event], None], status: Path = STATUS, running: Path = RUNNING) -> None:
    """Emit the update's status whenever it changes, until cancelled. Off the card, return at once."""
    await watch_file(status, read_update, lambda update: emit(UpdateChanged(update)), running, known=NO_UPDATE)


async def watch_file(
    path: Path,
    read: Callable[[Path], T],
    changed: Callable[[T], None],
    running: Path = RUNNING,
    *,
    known: T | None = None,
) -> None:
    """Call `changed` with what `read` returns, whenever the file has changed it, until cancelled.

    Off the card, return at once. read: must not block. known: what needs no call at first.
    """
    if not os.access(running, os.F_OK):
        return
    seen: Stamp | None = None
    reported = known
    while True:
        stamp = _stamp(path)
        if stamp != seen or reported is None:
            seen, value = stamp, read(path)
            if value != reported:
                reported = value
                changed(value)
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

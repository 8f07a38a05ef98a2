"""The sign by which the appliance tells other programs of its machine that it is opening a feed: a lock on a file.

Whoever reads the history beside it waits meanwhile. A lock goes with its process, so that a sign is never left behind.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import suppress
from pathlib import Path

FILE = "feed.lock"
PATIENCE = 30.0
"""Seconds that a reader waits at the most: a feed is open by then, or its gateway is not there."""
LOOK_AGAIN = 0.1


class Sign:
    """The appliance's own end of it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._descriptor: int | None = None

    def set_up(self) -> None:
        """Make the file. Blocks; a disk that takes no file has no sign, and readers that are a little less polite."""
        if self._descriptor is None:
            with suppress(OSError):
                self._path.parent.mkdir(0o700, parents=True, exist_ok=True)
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def show(self, opening: bool) -> None:
        """A feed is being opened, or none is any more. Never waits: a reader only looks at the lock for a moment."""
        if self._descriptor is not None:
            with suppress(OSError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if opening else fcntl.LOCK_UN)

    def close(self) -> None:
        """Take it away."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def out_of_the_way(directory: Path) -> None:
    """Wait while the appliance beside this program is opening a feed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while _shown(directory):  # noqa: ASYNC110 - a lock of another process has no event
                await asyncio.sleep(LOOK_AGAIN)


def _shown(directory: Path) -> bool:
    try:
        descriptor = os.open(directory / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # No appliance has ever kept anything here.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False

"""Writes a recording to a file, a line at a time, so that a power cut leaves what was recorded.

Writes and flushes run on a daemon thread: a card may take seconds for one.
"""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import suppress
from pathlib import Path

from appliance.aio import in_daemon_thread
from appliance.atomic_file import open_directory
from appliance.recording.entries import Entry, Heading, to_line
from appliance.recording.redaction import Redaction

LARGEST = 32 * 1024 * 1024
"""Bytes of a recording: a busy day has some 10 MB, and a box keeps temporary files in memory."""
RESERVED = 1024
"""Bytes of these for the last line."""
FLUSH_EVERY = 1.0
"""Seconds between two flushes: a power cut takes no more than this, and a card wears little."""


class RecordingFile:
    """A new recording. full: set when it has reached `largest` bytes; entries after that are dropped.

    written: bytes so far. Raises OSError: the file exists, or can't be created.
    """

    def __init__(self, path: Path, redaction: Redaction, largest: int = LARGEST) -> None:
        self._redaction = redaction
        self._largest = largest
        self._lines: list[bytes] = []
        self._waiting = asyncio.Event()
        self.full = asyncio.Event()
        self.written = 0
        # A device or a pipe exists before.
        with_new = os.O_CREAT | os.O_EXCL if _is_new_or_file(path) else 0
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | with_new, 0o600)
        if with_new:
            with suppress(OSError), open_directory(path.parent) as directory:
                os.fsync(directory)

    def add(self, entry: Heading | Entry, *, last: bool = False) -> None:
        """Write an entry soon. last: there is room for it, even if the file is full."""
        line = to_line(self._redaction.entry(entry)).encode() + b"\n"
        room = self._largest - self.written - (0 if last else RESERVED)
        if len(line) > room or (self.full.is_set() and not last):
            self.full.set()
            return
        self.written += len(line)
        self._lines.append(line)
        self._waiting.set()

    async def run(self) -> None:
        """Write until cancelled. Raises OSError."""
        while True:
            await self._waiting.wait()
            await self.flush()
            await asyncio.sleep(FLUSH_EVERY)

    async def flush(self) -> None:
        """Write what is waiting. Raises OSError."""
        self._waiting.clear()
        lines, self._lines = self._lines, []
        await in_daemon_thread(lambda: self._write(b"".join(lines)), "write the recording")

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
        # A pipe or a terminal can't be flushed.
        if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            os.fdatasync(self._descriptor)


def _is_new_or_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True

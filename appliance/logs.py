"""Sets up logging to stderr: the journal's level prefixes under systemd, no tokens, and no bursts of equal lines."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from io import StringIO
from typing import TextIO

_LIBRARIES = ("asyncio", "aiohttp", "gpiozero", "luma", "PIL", "requests", "urllib3", "websockets", "zeroconf")
"""Libraries to log from WARNING up: at DEBUG, websockets logs every frame, including the token."""
MOST_HELD_LINES = 50
"""Held-back lines to print at the end: the last ones."""
MOST_ALIKE, BURST = 3, 10.0
"""Equal lines to print within so many seconds; the others are counted."""
LONGEST_PROBLEM = 300
"""Characters of the last problem."""
MOST_DIFFERENT = 200
"""Lines to remember: their texts may come from the network."""


def set_up(level: int = logging.INFO, *, journal: bool | None = None) -> None:
    """Log to stderr from this level up. journal: whether systemd's journal reads stderr; None to detect it."""
    handler = BurstHandler(sys.stderr)
    handler.setFormatter(JournalFormatter() if (_under_journal() if journal is None else journal) else _plain())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        # zeroconf warns, with a traceback, about each packet that it can't send while the network is down.
        library.setLevel(max(level, logging.ERROR if name == "zeroconf" else logging.WARNING))
        # The libraries' child loggers may have levels of their own.
        for child in list(logging.root.manager.loggerDict):
            if child.startswith(name + "."):
                logging.getLogger(child).setLevel(logging.NOTSET)


class LastProblem(logging.Handler):
    """Remembers the last warning or error of the log, for the status."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text: str | None = None
        self.at = 0.0

    @classmethod
    def of_the_log(cls) -> LastProblem:
        """One that listens to the whole log."""
        handler = cls()
        logging.getLogger().addHandler(handler)
        return handler

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a record, without its traceback. at: monotonic seconds."""
        self.text, self.at = " ".join(record.getMessage().split())[:LONGEST_PROBLEM], time.monotonic()


@contextmanager
def hold_back() -> Iterator[None]:
    """While a program draws on the terminal, buffer the log, and print its last lines afterwards.

    Does nothing if stderr is not a terminal.
    """
    if not sys.stderr.isatty():
        yield
        return
    terminal, buffer = sys.stderr, StringIO()
    handlers = [
        h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler) and h.stream is terminal
    ]
    for handler in handlers:
        handler.setStream(buffer)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(terminal)
        terminal.write("".join(buffer.getvalue().splitlines(keepends=True)[-MOST_HELD_LINES:]))


@dataclass(slots=True)
class _Burst:
    """Equal lines since a moment. began: monotonic seconds. record: the last one."""

    began: float
    record: logging.LogRecord
    printed: int = 0
    held: int = 0


class BurstHandler(logging.StreamHandler[TextIO]):
    """Prints the first lines of a burst of equal ones, and after the burst the number of the others."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._bursts: dict[tuple[str, int, str], _Burst] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless it belongs to a burst."""
        now = time.monotonic()
        self._end_bursts(now - BURST)
        burst = self._bursts.setdefault((record.name, record.levelno, record.getMessage()), _Burst(now, record))
        burst.record = record
        if burst.printed < MOST_ALIKE or record.exc_info:
            burst.printed += 1
            super().emit(record)
        else:
            burst.held += 1

    def close(self) -> None:
        """Print what is held, and close."""
        self._end_bursts(float("inf"))
        super().close()

    def _end_bursts(self, before: float) -> None:
        crowded = len(self._bursts) > MOST_DIFFERENT
        for key, burst in list(self._bursts.items()):
            if burst.began <= before or crowded:
                del self._bursts[key]
                if burst.held:
                    record = copy(burst.record)
                    record.msg, record.args = f"{record.getMessage()} (... {burst.held} more)", ()
                    super().emit(record)


class JournalFormatter(logging.Formatter):
    """Starts every line with its level as in sd-daemon(3); the journal adds the time."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, with the prefix on each line, so that a traceback keeps its level."""
        prefix = f"<{_priority(record.levelno)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def _priority(level: int) -> int:
    if level >= logging.CRITICAL:
        return 2
    if level >= logging.ERROR:
        return 3
    if level >= logging.WARNING:
        return 4
    return 6 if level >= logging.INFO else 7


def _plain() -> logging.Formatter:
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    formatter.converter = time.localtime
    return formatter


def _under_journal() -> bool:
    """Whether stderr goes to the journal (systemd.exec(5), JOURNAL_STREAM) and was not redirected since."""
    try:
        device, inode = os.environ.get("JOURNAL_STREAM", "").split(":")
        stderr = os.fstat(sys.stderr.fileno())
        return (stderr.st_dev, stderr.st_ino) == (int(device), int(inode))
    except (ValueError, OSError):
        # The variable is unset, or stderr has no descriptor (io.UnsupportedOperation is a subclass of both).
        return False

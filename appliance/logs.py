"""Sets up logging to stderr, with the journal's level prefixes under systemd, and no tokens."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

_LIBRARIES = ("asyncio", "aiohttp", "gpiozero", "luma", "PIL", "requests", "urllib3", "websockets", "zeroconf")
"""Libraries to log from WARNING up: at DEBUG, websockets logs every frame, including the token."""
MOST_HELD_LINES = 50
"""Held-back lines to print at the end: the last ones."""


def set_up(level: int = logging.INFO, *, journal: bool | None = None) -> None:
    """Log to stderr from this level up. journal: whether systemd's journal reads stderr; None to detect it."""
    handler = logging.StreamHandler(sys.stderr)
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

"""Sets up the log: lines on stderr, in the journal's form where the journal reads them, and never a token in one."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

_LIBRARIES = ("asyncio", "aiohttp", "gpiozero", "luma", "PIL", "requests", "urllib3", "websockets", "zeroconf")
"""Below WARNING, websockets logs every frame and header, and so the token; the others are merely loud."""
MOST_HELD_LINES = 50
"""Lines of what was held back that are printed in the end."""


def set_up(level: int = logging.INFO, *, journal: bool | None = None) -> None:
    """Log to stderr from this level up. journal: for systemd's journal, or None to find out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JournalFormatter() if (_under_journal() if journal is None else journal) else _plain())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        # zeroconf warns with a traceback of every packet that a network which just went away did not take.
        library.setLevel(max(level, logging.ERROR if name == "zeroconf" else logging.WARNING))
        # A library's children may have been given levels of their own.
        for child in list(logging.root.manager.loggerDict):
            if child.startswith(name + "."):
                logging.getLogger(child).setLevel(logging.NOTSET)


@contextmanager
def hold_back() -> Iterator[None]:
    """While a program draws on the terminal, keep what would be logged there, and print the last of it afterwards.

    Without a terminal on stderr nothing is kept back.
    """
    if not sys.stderr.isatty():
        yield
        return
    terminal, kept = sys.stderr, StringIO()
    handlers = [
        h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler) and h.stream is terminal
    ]
    for handler in handlers:
        handler.setStream(kept)
    try:
        yield
    finally:
        for handler in handlers:
            handler.setStream(terminal)
        terminal.write("".join(kept.getvalue().splitlines(keepends=True)[-MOST_HELD_LINES:]))


class JournalFormatter(logging.Formatter):
    """Every line starts with its level as sd-daemon(3) has it; the journal adds the time."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The record, a prefix before each of its lines, so that a traceback keeps its level."""
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
    """Whether stderr itself is the journal's (systemd.exec(5), JOURNAL_STREAM): a child may have redirected it."""
    try:
        device, inode = os.environ.get("JOURNAL_STREAM", "").split(":")
        stderr = os.fstat(sys.stderr.fileno())
        return (stderr.st_dev, stderr.st_ino) == (int(device), int(inode))
    except (ValueError, OSError):
        # Not set, or stderr is no file: io.UnsupportedOperation is both of these.
        return False

"""Where a person meets the simulator: lines printed on stdout, a status line below them, keys or lines from stdin."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import termios
import threading
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from appliance.standard_streams import OutputError


class Console:
    """Prints lines above one status line, which is there on a terminal alone."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._status = ""
        self._terminal = out.isatty()
        self.failed = asyncio.Event()
        """Set when the output can't be written any more."""

    def say(self, text: str) -> None:
        """Print lines of text."""
        clear = "\r\x1b[K" if self._terminal and self._status else ""
        self._write(f"{clear}{text}\n{self._status}")

    def show_status(self, text: str) -> None:
        """Show the status line, cut to the terminal's width; written again only when it says something else."""
        text = text[: shutil.get_terminal_size().columns - 1]
        if self._terminal and text != self._status:
            self._status = text
            self._write(f"\r\x1b[K{text}")

    def end_status(self) -> None:
        """Leave the status line behind, so that the shell's prompt begins a line."""
        if self._status:
            self._status = ""
            self._write("\n")

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OutputError:
            # Not raised: the caller may be the gateway, which must still stop in an orderly way.
            self.failed.set()


class ConsoleHandler(logging.Handler):
    """Prints each log record's words on a console."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        self._console.say(record.getMessage())


@contextmanager
def single_keys(fd: int) -> Iterator[None]:
    """Let a terminal give each key at once and unechoed, and put it back afterwards. Ctrl-C stays what it is."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def read_into(queue: asyncio.Queue[str], fd: int, *, keys: bool) -> None:
    """Put what comes from a file descriptor into a queue, from now to its end: each key, or each line.

    A daemon thread reads, because neither a regular file nor /dev/null can be polled, and nothing can end a read that
    nobody answers; it holds no lock that could hold up the program's end.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = ""
        while True:
            try:
                data = os.read(fd, 1024)
            except OSError:  # stdin is closed, or belongs to another process: then there are no commands
                return
            parts = list(data.decode(errors="replace")) if keys else (rest + data.decode(errors="replace")).split("\n")
            if not keys:
                # What follows the last line's end waits for its own; at the end of the file it is a line too.
                rest = "" if not data else parts.pop()
            try:
                for part in parts:
                    loop.call_soon_threadsafe(queue.put_nowait, part)
            except RuntimeError:  # the loop is closed: the program ends
                return
            if not data:
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()

"""The simulator's console: lines and a status below them on stdout, keys or lines from stdin."""

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
from appliance.terminal import moves_cursor


class Console:
    """Prints lines, and on a terminal a status of one or more lines below them."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._status: tuple[str, ...] = ()
        self._terminal = moves_cursor(out)
        self.failed = asyncio.Event()
        """Set when a write failed."""

    def say(self, text: str) -> None:
        """Print lines of text."""
        self._write(f"{self._erase()}{text}\n{self._shown()}")

    def show_status(self, *lines: str) -> None:
        """Show the status, cut to the terminal's width; rewritten only when it changes."""
        width = shutil.get_terminal_size().columns - 1
        status = tuple(line[:width] for line in lines)
        if self._terminal and status != self._status:
            erase = self._erase()
            self._status = status
            self._write(f"{erase}{self._shown()}")

    def end_status(self) -> None:
        """Erase the status, so that the shell's prompt starts on a line of its own."""
        if self._status:
            erase = self._erase()
            self._status = ()
            self._write(erase)

    def _shown(self) -> str:
        return "\n".join(self._status)

    def _erase(self) -> str:
        """Move to the begin of the status, and clear the screen from there."""
        if not self._status:
            return ""
        up = len(self._status) - 1
        return (f"\x1b[{up}A" if up else "") + "\r\x1b[J"

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OutputError:
            # Not raised: the caller may be a request handler of the gateway.
            self.failed.set()


class ConsoleHandler(logging.Handler):
    """Prints the message of each log record on a console."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        self._console.say(record.getMessage())


@contextmanager
def single_keys(fd: int) -> Iterator[None]:
    """Read a terminal key by key without echo (cbreak mode); Ctrl-C still interrupts."""
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def read_into(queue: asyncio.Queue[str], fd: int, *, keys: bool) -> None:
    """Put each key or line from a file descriptor into a queue, until end of file.

    Reads on a daemon thread: regular files and /dev/null can't be polled, and a blocked read can't be cancelled. The
    thread holds no lock, so it can't block the exit.
    """
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = ""
        while True:
            try:
                data = os.read(fd, 1024)
            except OSError:  # stdin is closed, or the process is in the background
                return
            parts = list(data.decode(errors="replace")) if keys else (rest + data.decode(errors="replace")).split("\n")
            if not keys:
                # Keep an unfinished line for the next read; at end of file it counts as a line.
                rest = "" if not data else parts.pop()
            try:
                for part in parts:
                    loop.call_soon_threadsafe(queue.put_nowait, part)
            except RuntimeError:  # the loop is closed
                return
            if not data:
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()

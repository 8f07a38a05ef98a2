"""The panel for programs: writes a JSON line to standard output for each change, reads commands from standard input.

Defines the lines and commands of the black-box contract.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import math
from collections import deque
from collections.abc import Callable

from appliance.core.events import ButtonDown, ButtonUp, Event
from appliance.core.view import Asleep, Leds, Sound, View
from appliance.panel.fd_io import Reader, Writer

log = logging.getLogger(__name__)

DRAIN_TIMEOUT = 0.9
"""Seconds that close() waits for a slow reader; a panel has one second to close."""
MOST_QUEUED_LINES = 10_000
"""Lines to queue for a slow reader before dropping the oldest: an hour of a busy kitchen, a few megabytes."""
LONGEST_COMMAND = 1000
"""Bytes of a command line; a longer one is invalid."""
MOST_REJECTIONS_LOGGED = 20
"""Invalid commands to log; a faulty program may send them without end."""


class HeadlessPanel:
    """Writes views as lines, reads commands. stdin, stdout: file descriptors."""

    def __init__(self, stdin: int = 0, stdout: int = 1) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._emit: Callable[[Event], None] = lambda _: None
        self._quit: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reader: Reader | None = None
        self._writer: Writer[str] | None = None
        self._last: View | None = None
        self._ageless = ""
        self._partial = b""
        self._hold_timer: asyncio.TimerHandle | None = None
        self._deferred: deque[str] = deque(maxlen=100)
        self._ended = False
        self._rejections = 0

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Start to read and write, inside a running loop."""
        self._emit, self._quit = emit, quit_
        self._loop = asyncio.get_running_loop()
        self._writer = Writer(self._stdout, str.encode, self._output_failed, MOST_QUEUED_LINES)
        self._reader = Reader(self._stdin, self._received)

    def show(self, view: View, sound: Sound | None) -> None:
        """Print a line, unless nothing but the oldest order's age changed."""
        # Compares the lines, not the views: fields that are not printed, such as the bar, need no line.
        ageless = to_line(dataclasses.replace(view, oldest=None), None)
        same, self._last, self._ageless = ageless == self._ageless, view, ageless
        if self._writer is not None and not (same and sound is None):
            self._writer.put(to_line(view, sound))

    async def close(self) -> None:
        """Print a last line with LEDs and display off, and wait up to DRAIN_TIMEOUT for the reader."""
        if self._hold_timer is not None:
            self._hold_timer.cancel()
        if self._reader is not None:
            self._reader.close()
        if self._last is not None:
            self.show(dataclasses.replace(self._last, leds=Leds(), screen=Asleep()), None)
        if self._writer is not None and not await self._writer.close(DRAIN_TIMEOUT):
            log.warning("the reader of the output is too slow; its last lines are lost")

    def _output_failed(self, error: OSError) -> None:
        log.warning("can't write to standard output (%s); quitting", error.strerror or error)
        self._end()

    def _received(self, chunk: bytes) -> None:
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        if not chunk and self._partial:
            lines, self._partial = [self._partial], b""
        # Keep only enough of an overlong line to see that it is too long.
        self._partial = self._partial[: LONGEST_COMMAND + 1]
        for line in lines:
            if self._ended:
                return
            self._command(line[:LONGEST_COMMAND].decode(errors="replace").strip())
        if not chunk:
            self._end()

    def _command(self, line: str) -> None:
        match line.split():
            case []:
                return
            case ["quit"]:
                self._end()
            case ["press" | "hold", *_] if self._hold_timer is not None:
                # The button is held: defer the next press until it is released.
                self._deferred.append(line)
            case ["press"]:
                self._emit(ButtonDown())
                self._emit(ButtonUp())
            case ["hold", text]:
                seconds = to_seconds(text)
                if seconds is None or self._loop is None:
                    self._log_rejected("ignoring %r: not a number of seconds", line)
                    return
                self._emit(ButtonDown())
                self._hold_timer = self._loop.call_later(seconds, self._release)
            case _:
                self._log_rejected("ignoring unknown command %r; use press, hold SECONDS or quit", line)

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self._quit()

    def _release(self) -> None:
        self._hold_timer = None
        self._emit(ButtonUp())
        while self._deferred and self._hold_timer is None:
            self._command(self._deferred.popleft())

    def _log_rejected(self, message: str, line: str) -> None:
        self._rejections += 1
        if self._rejections <= MOST_REJECTIONS_LOGGED:
            log.warning(message, line[:80])
        if self._rejections == MOST_REJECTIONS_LOGGED:
            log.warning("too many invalid commands; ignoring further ones without logging")


def to_line(view: View, sound: Sound | None) -> str:
    """Format a view as a JSON line of the contract, including its newline."""
    return json.dumps(to_facts(view, sound)) + "\n"


def to_facts(view: View, sound: Sound | None) -> dict[str, object]:
    """The values of the contract's line."""
    gateway = None if view.gateway is None else {"name": view.gateway, "address": view.address}
    leds = {"green": view.leds.green, "amber": view.leds.amber, "red": view.leds.red}
    return {
        "state": view.state,
        "reason": view.reason,
        "gateway": gateway,
        "active": view.active,
        "paged": view.paged,
        "oldest_s": view.oldest,
        "leds": leds,
        "sound": sound,
        "screen": list(view.screen.words),
    }


def to_seconds(text: str) -> float | None:
    """Parse the duration of a hold; None if invalid."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None

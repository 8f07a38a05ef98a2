"""The panel in a terminal of 80x24: the display's picture in braille, LEDs and buzzer beside it, keys for the button.

Switches the terminal to raw mode and the alternate screen, and restores both, also after a crash.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import signal
import termios
import tty
from collections.abc import Callable
from typing import Any

from appliance.aio import Timers
from appliance.core.events import Event
from appliance.core.view import Asleep, Leds, Sound, View
from appliance.panel import Keys, Page, terminal_frame
from appliance.panel.braille import to_braille
from appliance.panel.buzzer import duration
from appliance.panel.drawing import draw, draw_screen
from appliance.panel.fd_io import Reader, Writer
from appliance.panel.keyboard import Keyboard
from appliance.panel.leds import Blinker
from appliance.terminal import wants_colours

log = logging.getLogger(__name__)

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
LEAVE = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
"""Alternate screen, cursor and line wrap (xterm control sequences)."""
NOTE_PERIOD = 0.5
"""Seconds between updates of the note, which has no change event."""
DRAIN_TIMEOUT = 0.5
"""Seconds that close() waits for the terminal to accept the last bytes."""


class TerminalPanel:
    """A panel for people without the hardware.

    keys: additional keys, see Keys. note: returns the text of the bottom line. page: see Page. stdin, stdout: file
    descriptors.
    """

    def __init__(
        self,
        keys: Keys | None = None,
        note: Callable[[], str] | None = None,
        page: Page = dict,
        stdin: int = 0,
        stdout: int = 1,
    ) -> None:
        self._keyboard = Keyboard(keys)
        self._note = note
        self._page = page
        self._colours = wants_colours()
        self._stdin = stdin
        self._stdout = stdout
        self._quit: Callable[[], None] = lambda: None
        self._blinker = Blinker(lambda _: self._draw())
        self._leds = Leds()
        self._picture = to_braille(draw_screen(Asleep()))
        self._sound: Sound | None = None
        self._bells = 0
        self._timers = Timers()
        self._reader: Reader | None = None
        self._writer: Writer[terminal_frame.Frame] | None = None
        self._modes: list[Any] | None = None

    def start(self, emit: Callable[[Event], None], quit_: Callable[[], None]) -> None:
        """Set up the terminal, inside a running loop."""
        self._keyboard.start(emit, quit_)
        self._quit = quit_
        loop = asyncio.get_running_loop()
        with contextlib.suppress(termios.error):  # Not a terminal, so it has no mode.
            self._modes = termios.tcgetattr(self._stdin)
            tty.setraw(self._stdin, termios.TCSANOW)
        atexit.register(self._restore_after_crash)
        # Queue only the latest frame: a slow terminal skips the older ones.
        self._writer = Writer(
            self._stdout, terminal_frame.Differ(ENTER).encode, self._output_failed, capacity=1, loss_level=logging.DEBUG
        )
        self._reader = Reader(self._stdin, self._handle_input)
        with contextlib.suppress(ValueError, RuntimeError):  # Signal handlers need the main thread.
            loop.add_signal_handler(signal.SIGWINCH, self._draw)
        self._draw()
        if self._note is not None:
            self._refresh_note()

    def show(self, view: View, sound: Sound | None) -> None:
        """Show a view. sound: a sound to start; None for no new sound."""
        if sound is not None:
            self._sound = sound
            self._bells += 1
            self._timers.start("sound", duration(sound), self._silence)
        self._picture = to_braille(draw(view))
        self._leds = view.leds
        self._blinker.show(view.leds)
        self._draw()

    async def close(self) -> None:
        """Restore the terminal."""
        self._timers.close()
        self._blinker.close()
        with contextlib.suppress(ValueError, RuntimeError):  # As in start().
            asyncio.get_running_loop().remove_signal_handler(signal.SIGWINCH)
        if self._reader is not None:
            self._reader.close()
        if self._writer is not None:
            self._writer.put(terminal_frame.Frame((), 0, last=LEAVE))
            if not await self._writer.close(DRAIN_TIMEOUT):
                log.warning("the terminal does not accept output; run `reset` if it looks wrong")
            self._writer = None
        self._restore_mode()
        atexit.unregister(self._restore_after_crash)

    def _draw(self) -> None:
        if self._writer is None:
            return
        size = self._size()
        if size.columns < terminal_frame.WIDTH or size.lines < terminal_frame.HEIGHT:
            rows = terminal_frame.too_small(size.columns, size.lines)
        else:
            rows = terminal_frame.compose(
                picture=terminal_frame.page_rows(self._page()) or self._picture,
                leds=self._leds,
                lit=self._blinker.lit,
                sound=self._sound,
                held=self._keyboard.held,
                legend=self._keyboard.legend,
                note=self._note() if self._note is not None else "",
                colours=self._colours,
            )
        self._writer.put(terminal_frame.Frame(tuple(rows), self._bells, size=(size.columns, size.lines)))

    def _size(self) -> os.terminal_size:
        try:
            return os.get_terminal_size(self._stdout)
        except OSError:
            # Not a terminal, or it hung up: any size will do.
            return os.terminal_size((terminal_frame.WIDTH, terminal_frame.HEIGHT))

    def _handle_input(self, chunk: bytes) -> None:
        if not chunk:
            self._quit()
            return
        if chunk.startswith(b"\x1b"):
            # An arrow or function key, or a paste: ignored.
            return
        for key in chunk.decode(errors="replace"):
            self._keyboard.type(key)
        self._draw()

    def _silence(self) -> None:
        self._sound = None
        self._draw()

    def _refresh_note(self) -> None:
        self._draw()
        self._timers.start("note", NOTE_PERIOD, self._refresh_note)

    def _output_failed(self, error: OSError) -> None:
        log.warning("can't write to the terminal (%s); quitting", error.strerror or error)
        self._quit()

    def _restore_mode(self) -> None:
        if self._modes is not None:
            with contextlib.suppress(termios.error):  # The terminal hung up.
                termios.tcsetattr(self._stdin, termios.TCSANOW, self._modes)
            self._modes = None

    def _restore_after_crash(self) -> None:
        with contextlib.suppress(OSError):  # As above.
            os.write(self._stdout, LEAVE)
        self._restore_mode()

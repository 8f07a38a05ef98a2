"""A progress bar on the last line of a terminal; in a log, a line for each step."""

from __future__ import annotations

import shutil
from typing import TextIO

from appliance.terminal import moves_cursor

LONGEST = 30
"""Cells of the bar on a wide terminal."""


class ProgressBar:
    """One progress bar, erased when it is closed."""

    def __init__(self, out: TextIO, label: str) -> None:
        self._out = out
        self._label = label
        self._shown = ""
        self._terminal = moves_cursor(out)

    def show(self, part: float, words: str = "") -> None:
        """Update the bar; nothing without a terminal. part: from 0.0 to 1.0. words: the text behind the bar."""
        if not self._terminal:
            return
        room = shutil.get_terminal_size().columns - len(self._label) - len(words) - 6
        cells = max(3, min(LONGEST, room))
        full = round(min(1.0, max(0.0, part)) * cells)
        line = f"{self._label} [{'#' * full}{'-' * (cells - full)}] {words}"[: shutil.get_terminal_size().columns - 1]
        if line != self._shown:
            self._shown = line
            self._out.write(f"\r\x1b[K{line}")
            self._out.flush()

    def step(self, words: str) -> None:
        """Print a line in a log; nothing on a terminal, where `show` is enough."""
        if not self._terminal:
            self._out.write(f"{self._label}: {words}\n")
            self._out.flush()

    def close(self) -> None:
        """Erase the bar."""
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._shown = ""

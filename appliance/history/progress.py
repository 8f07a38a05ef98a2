"""A bar for a person who waits, on the last line of a terminal; where there is none, nothing."""

from __future__ import annotations

import shutil
from typing import TextIO

LONGEST = 30
"""Cells of the bar; a narrow terminal has fewer."""


class Bar:
    """One bar. It takes its line with it when it is done."""

    def __init__(self, out: TextIO, label: str) -> None:
        self._out = out
        self._label = label
        self._shown = ""
        self._there = out.isatty()

    def show(self, part: float, words: str = "") -> None:
        """part: from 0.0 to 1.0. words: what stands behind the bar."""
        if not self._there:
            return
        room = shutil.get_terminal_size().columns - len(self._label) - len(words) - 6
        cells = max(3, min(LONGEST, room))
        full = round(min(1.0, max(0.0, part)) * cells)
        line = f"{self._label} [{'#' * full}{'-' * (cells - full)}] {words}"[: shutil.get_terminal_size().columns - 1]
        if line != self._shown:
            self._shown = line
            self._out.write(f"\r\x1b[K{line}")
            self._out.flush()

    def close(self) -> None:
        """Take it off the terminal."""
        if self._shown:
            self._out.write("\r\x1b[K")
            self._out.flush()
            self._shown = ""

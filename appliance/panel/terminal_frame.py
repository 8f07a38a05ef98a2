"""Lays out the terminal panel as rows of styled text, and encodes the changes from frame to frame. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.core.view import LedMode, Leds, Sound

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
WIDTH, HEIGHT = 80, 24
"""The size of the terminal panel in characters."""
DISPLAY = (64, 16)
"""The size of the display's picture in braille characters."""
RESET, BOLD, DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
COLOURS = {"green": "\x1b[32m", "amber": "\x1b[33m", "red": "\x1b[31m"}
"""ANSI colours; a terminal without them still shows the LEDs' modes and shapes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows from top to bottom.

    bells: number of bells rung so far. size: of the terminal. last: the bytes that restore the terminal, in the last
    frame; else empty.
    """

    rows: tuple[str, ...]
    bells: int
    size: tuple[int, int] = (WIDTH, HEIGHT)
    last: bytes = b""


def compose(
    *,
    picture: Sequence[str],
    leds: Leds,
    lit: tuple[bool, bool, bool],
    sound: Sound | None,
    held: bool,
    legend: Mapping[str, str],
    note: str,
    colours: bool = True,
) -> list[str]:
    """Lay out all rows of the panel, each at most WIDTH characters wide.

    picture: of the size DISPLAY. lit: the LEDs that are lit at this moment. legend: the action of each key.
    """
    side = {1: f"{BOLD}Appliance{RESET}"}
    modes = (("green", leds.green), ("amber", leds.amber), ("red", leds.red))
    for row, (name, mode), is_lit in zip((4, 6, 8), modes, lit, strict=True):
        side[row] = _led(name, mode, is_lit, colours)
    side[11] = f"{BOLD}♪ {sound}{RESET}" if sound is not None else f"{DIM}♪ silent{RESET}"
    side[14] = f"{BOLD}▼ button down{RESET}" if held else f"{DIM}△ button up{RESET}"
    columns, lines = DISPLAY
    rows = ["┌" + "─" * columns + "┐"]
    rows += [f"│{row}│ {side.get(number, '')}".rstrip() for number, row in enumerate(picture[:lines], 1)]
    rows += ["└" + "─" * columns + "┘"]
    rows += legend_rows(legend)[: HEIGHT - 1 - len(rows)]
    rows += [""] * (HEIGHT - 1 - len(rows))
    rows.append(_printable(note)[:WIDTH])
    return rows


def page_rows(page: Mapping[str, str]) -> list[str]:
    """A page in the size of the picture, a row for each key; none for an empty page."""
    columns, height = DISPLAY
    rows = [f" {_printable(f'{key:<6}{text}')}"[:columns].ljust(columns) for key, text in page.items()][:height]
    return rows + [" " * columns] * (height - len(rows)) if page else []


def legend_rows(legend: Mapping[str, str]) -> list[str]:
    """Format the action of each key, as many in a row as fit."""
    rows: list[str] = []
    used = WIDTH
    for key, label in legend.items():
        entry, shown = f"{BOLD}{key}{RESET} {label}", len(key) + 1 + len(label)
        if used + 3 + shown > WIDTH:
            rows.append(entry)
            used = shown
        else:
            rows[-1] += f"   {entry}"
            used += 3 + shown
    return rows


def too_small(columns: int, lines: int) -> list[str]:
    """The message in a terminal that is too small for the panel."""
    words = [f"This window is {columns} x {lines}.", f"It needs {WIDTH} x {HEIGHT}.", "Make it larger.", "q quits."]
    return [word[:columns] for word in words[:lines]]


class Differ:
    """Encodes each frame as the difference to the previous one. first: bytes to send before the first frame."""

    def __init__(self, first: bytes = b"") -> None:
        self._first = first
        self._before: Frame | None = None

    def encode(self, frame: Frame) -> bytes:
        """Encode a frame: the changed rows, each cleared to its end; all rows after a resize."""
        if frame.last:
            return frame.last
        before, self._before = self._before, frame
        out = ""
        fresh = before is None or before.size != frame.size
        old = () if before is None or fresh else before.rows
        if fresh:
            out += "\x1b[2J"
        for number in range(max(len(frame.rows), len(old))):
            row = frame.rows[number] if number < len(frame.rows) else ""
            if number >= len(old) or old[number] != row:
                # After a row of full width, the cursor is still on its last cell, which must not be cleared.
                rest = "\x1b[K" if len(_COLOURS.sub("", row)) < frame.size[0] else ""
                out += f"\x1b[{number + 1};1H{row}{RESET}{rest}"
        if before is not None and frame.bells != before.bells:
            out += "\a"
        start, self._first = self._first, b""
        return start + out.encode(errors="replace")


def _led(name: str, mode: LedMode, lit: bool, colours: bool) -> str:
    word = f"{name:<6}{mode}"
    colour = COLOURS[name] if colours else ""
    return f"{colour}{BOLD}● {word}{RESET}" if lit else f"{DIM}○ {word}{RESET}"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)

"""Draws the oldest order's age in its block: plain, framed or filled, depending on the benchmarks.

Each digit has a cell of fixed width, and there is room for two: another minute changes a digit, but moves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from appliance.core import texts
from appliance.core.view import Mark
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.text import SMALLEST, Row, sizes, tight_row
from appliance.panel.drawing.visual_order import to_drawable

HEAD_GAP = 3
"""Rows between the caption and the age."""
PROBE = 32
"""The font size of the measurement."""
LOW_DIGITS = 14
"""Maximum height in rows of a plain age's digits on a low display, lower than the number's."""


@dataclass(frozen=True, slots=True)
class Age:
    """An age with large digits. All pieces share their baseline.

    pieces: each with its left edge. digits: the height of the lowest one. height: of all pieces. room: its width in
    columns with two digits for the minutes. headed: whether its caption is above it. padding: pixels to the edge of its
    block. block: the block's height in rows.
    """

    pieces: tuple[tuple[int, Row], ...]
    room: int
    digits: int
    height: int
    headed: bool = False
    padding: int = 0

    @property
    def block(self) -> int:
        """The block's height in rows."""
        return (_caption().height + HEAD_GAP if self.headed else 0) + self.height + 2 * self.padding


def age_within(
    oldest: str, mark: Mark, width: int, height: int, tall: bool, captioned: bool, limits: tuple[int, int]
) -> Age | None:
    """Return the age as large as its block allows; None if its digits would be lower than the first limit, in rows.

    captioned: with its caption, which is above it on a tall display, and before it on a low one.
    """
    least, most = limits
    padding = 0 if mark is Mark.FINE else 2 if tall or mark is Mark.WARN else 1
    if not tall:
        most = min(most, LOW_DIGITS)
    text = to_drawable(oldest)
    # The width is nearly proportional to the font size, so one measurement gives an upper estimate.
    probe = _age(text, PROBE, captioned, tall, padding)
    guess = PROBE * min(most / max(1, probe.digits), 1.3 * width / max(1, probe.room))
    for size in range(min(height * 3 // 2, int(guess) + 3), 8, -1):
        age = _age(text, size, captioned, tall, padding)
        if age.digits < least:
            break
        if age.digits <= most and age.room <= width - 2 * padding and age.block <= height:
            return age
    return None


def draw_block(canvas: Canvas, mark: Mark, age: Age, left: int, width: int) -> None:
    """Draw the age with its mark at the top. left, width: of the block, in columns."""
    right, height, lit = left + width - 1, age.block, mark is not Mark.LATE
    if mark is Mark.WARN:
        canvas.frame(left, 0, right, height - 1)
    elif mark is Mark.LATE:
        canvas.fill(left, 0, right, height - 1)
    x = left + age.padding
    if age.headed:
        _caption().paint(canvas, x, age.padding, lit)
    for at, row in age.pieces:
        # Raise a sign that descends below the digits, which would touch the frame.
        row.paint(canvas, x + at, height - age.padding + row.top - max(0, row.bottom), lit)


@lru_cache(maxsize=256)
def _age(text: str, size: int, captioned: bool, tall: bool, padding: int) -> Age:
    """Lay out an age with digits of this size, and smaller text."""
    gap = 3 if size >= 16 else 2
    cell, lowest, height = _cell(size)
    small = Face.BOLD, sizes(Face.BOLD, min(15, size * 9 // 20))[0]
    if -tight_row("h", *small).top > height:
        small = Face.REGULAR, SMALLEST[Face.REGULAR]
    pieces: list[tuple[int, Row]] = []
    end = 0
    if captioned and not tall:
        pieces.append((0, _caption()))
        end, height = _caption().width + 2, max(height, -_caption().top)
    for piece in re.findall(r"\d|[^\s\d]+", text):
        digit = piece in "0123456789"
        row = tight_row(piece, Face.DIGITS, size) if digit else tight_row(piece, *small)
        after_digit = bool(pieces) and pieces[-1][1].face is Face.DIGITS
        start = end + (0 if not pieces else max(1, size // 20) if digit and after_digit else gap)
        wide = cell if digit else row.width
        pieces.append((start + (wide - row.width) // 2, row))
        end = start + wide
    lonely = re.fullmatch(r"\D?\d min", text) is not None
    room = end + (cell + max(1, size // 20) if lonely else 0)
    if captioned and tall:
        room = max(room, _caption().width)
    return Age(tuple(pieces), room, lowest, height, captioned and tall, padding)


@lru_cache(maxsize=64)
def _cell(size: int) -> tuple[int, int, int]:
    """The width of a cell that fits every digit, and the heights of the lowest and the highest digit."""
    rows = [tight_row(digit, Face.DIGITS, size) for digit in "0123456789"]
    return max(row.width for row in rows), min(row.height for row in rows), max(-row.top for row in rows)


def _caption() -> Row:
    return tight_row(texts.OLDEST, Face.REGULAR, 10)

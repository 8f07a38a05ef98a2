"""Measures, wraps, shrinks, truncates and draws rows of text.

Glyphs are placed at whole pixels, at least one dark column apart: at fractions of a pixel, as the library places them,
small letters touch, and the dots of an address vanish.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face, Glyph, glyph, strike_size
from appliance.panel.drawing.visual_order import to_visual_order

SMALLEST = {Face.REGULAR: 8, Face.BOLD: 10, Face.DIGITS: 9}
"""Font size in pixels below which letters are illegible."""
_BREAKS = re.compile(r"(?= )|(?<=\w-)(?=\w)|(?<=[\u3040-\u9fff\uac00-\ud7a3])(?=[\u3040-\u9fff\uac00-\ud7a3])")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of text and its box; top and bottom are relative to the baseline."""

    text: str
    face: Face
    size: int
    width: int
    top: int
    bottom: int

    @property
    def height(self) -> int:
        """The height of the box in pixels."""
        return self.bottom - self.top

    def paint(self, canvas: Canvas, left: int, top: int, lit: bool = True) -> None:
        """Draw the row with the top left corner of its box at this point."""
        for at, one in _place_glyphs(self.text, self.face, self.size):
            if one.ink is not None:
                canvas.stamp(one.ink, left + at, top - self.top + one.top, lit)


@lru_cache(maxsize=512)
def tight_row(text: str, face: Face, size: int) -> Row:
    """Make a row whose box is the bounding box of its lit pixels."""
    inked = [(at, one) for at, one in _place_glyphs(text, face, size) if one.ink is not None]
    width = max((at + one.width for at, one in inked), default=0)
    top = min((one.top for _, one in inked), default=0)
    return Row(text, face, size, width, top, max((one.bottom for _, one in inked), default=0))


def even_row(text: str, face: Face, size: int) -> Row:
    """Make a row whose box has room for any letter, so that rows of one size are spaced evenly."""
    own, plain = tight_row(text, face, size), tight_row("Hdgp", face, size)
    return Row(text, face, size, own.width, min(own.top, plain.top), max(own.bottom, plain.bottom))


def wrap(text: str, face: Face, size: int, width: int) -> list[Row]:
    """Wrap text into rows. Lines break at spaces, after hyphens, and between East Asian characters."""
    rows: list[str] = [""]
    for word in _BREAKS.split(text):
        if tight_row(f"{rows[-1]}{word}".strip(), face, size).width <= width:
            rows[-1] += word
        else:
            rows.append(word)
    return [fit_row(row.strip(), face, size, width) for row in rows if row.strip()]


@lru_cache(maxsize=256)
def sizes(face: Face, most: int) -> tuple[int, ...]:
    """The distinct sizes of this font, from `most` down; at least the smallest."""
    least = SMALLEST[face]
    most = max(most, least)
    smaller = {strike_size(face, size) or size for size in range(least, most)}
    return (most, *sorted(smaller - {most, strike_size(face, most)}, reverse=True))


def fit_row(text: str, face: Face, size: int, width: int) -> Row:
    """Make one row, at this size or smaller, and truncated with an ellipsis if it is still too wide."""
    smallest = SMALLEST[face]
    for smaller in sizes(face, size):
        row = even_row(text, face, smaller)
        if row.width <= width:
            return row
    kept = bisect_right(
        range(len(text)), 0, key=lambda kept: tight_row(text[:kept] + "…", face, smallest).width > width
    )
    row = even_row(text[: max(0, kept - 1)].rstrip() + "…", face, smallest)
    return row if row.width <= width else Row("", face, smallest, 0, 0, 0)


def is_cut(row: Row, *texts: str) -> bool:
    """Whether fit_row() truncated a row of these texts, i.e. its ellipsis is not their own."""
    own = any(row.text.endswith(text) or text.endswith(row.text) for text in texts)
    return row.text.endswith("…") and not own


def largest_row(text: str, face: Face, width: int, space: int) -> Row | None:
    """Make one row as large as fits both ways, by its lit pixels; None if the smallest size does not fit."""
    # The lit area is nearly proportional to the font size, so one measurement gives a close estimate.
    probe = tight_row(text, face, 32)
    guess = int(32 * min(width / max(1, probe.width), space / max(1, probe.height))) + 2
    for size in sizes(face, guess):
        row = tight_row(text, face, size)
        if row.width <= width and row.height <= space:
            return row
    return None


def stack_height(rows: Sequence[Row], gap: int = 1) -> int:
    """The total height of stacked rows."""
    return sum(row.height for row in rows) + gap * max(0, len(rows) - 1)


@lru_cache(maxsize=256)
def _place_glyphs(text: str, face: Face, size: int) -> tuple[tuple[int, Glyph], ...]:
    """The glyphs of a row, each with its first lit column."""
    row: list[tuple[int, Glyph]] = []
    pen = free = 0
    for character in to_visual_order(text):
        one = glyph(character, face, size)
        if one.ink is None:
            pen = free = max(pen + one.advance, free + size // 4)
            continue
        at = max(pen + one.left, free) if row else 0
        row.append((at, one))
        pen = at - one.left + one.advance
        free = at + one.width + 1
    return tuple(row)

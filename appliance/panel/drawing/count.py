"""Draws the count: the number, as large as possible, with the sidebar beside it and the note below.

Each digit has a cell of fixed width, so that the change from 12 to 13 affects one cell only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from appliance.core.view import Count
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.count_sidebar import draw_sidebar
from appliance.panel.drawing.fonts import Face, glyph
from appliance.panel.drawing.shapes import FAULT, HEART, bitmap
from appliance.panel.drawing.text import Row, fit_row, sizes, tight_row
from appliance.panel.drawing.visual_order import to_drawable

LARGEST_NUMBER = 9999
"""Orders above which the number is shortened."""
SIDEBAR_GAP = 4
"""Columns between the number and the sidebar."""
NOTE_MIN_HEIGHT = 28
"""Height in rows below which a display has no room for a note."""
SIDEBAR_MIN_WIDTH = 47
"""Columns to reserve for the sidebar, at least."""


def draw_count(canvas: Canvas, count: Count) -> None:
    """Draw the screen on a canvas of its size."""
    height = canvas.height
    if count.note and height >= NOTE_MIN_HEIGHT:
        height -= _draw_note(canvas, to_drawable(count.note)) + 2
    text = count.count if not count.count.isdecimal() or int(count.count) <= LARGEST_NUMBER else f"{LARGEST_NUMBER}+"
    taken, named = _draw_number(canvas, text, height, count)
    draw_sidebar(canvas, count, taken + SIDEBAR_GAP, height, named)


@dataclass(frozen=True, slots=True)
class Digits:
    """The cells of the number. pitch: columns from one cell to the next; each digit is centred in its cell."""

    size: int
    cell: int
    pitch: int
    top: int
    height: int


@lru_cache(maxsize=64)
def fit_digits(height: int, width: int, cells: int) -> Digits:
    """Find the largest size at which so many cells fit; it does not depend on which digits are in them."""
    for size in range(int(height * 1.5), 8, -1):
        all_ten = [glyph(digit, Face.DIGITS, size) for digit in "0123456789"]
        top, bottom = min(one.top for one in all_ten), max(one.bottom for one in all_ten)
        cell = max(one.width for one in all_ten)
        pitch = cell + max(1, size // 24)
        if bottom - top <= height and pitch * (cells - 1) + cell <= width:
            return Digits(size, cell, pitch, top, bottom - top)
    return fit_digits(12, 999, 1)


def _draw_number(canvas: Canvas, text: str, height: int, count: Count) -> tuple[int, bool]:
    """Draw the number at the left. Returns its width in columns, and whether the noun is below it."""
    cells = len(text)
    room = max(canvas.width - SIDEBAR_GAP - SIDEBAR_MIN_WIDTH, canvas.width // 2)
    found = fit_digits(height, room, cells)
    noun = _noun_below(count, height - found.height, room) if cells >= 3 else None
    top = 0 if noun else (height - found.height) // 2
    if noun:
        spare = height - found.height - noun.height
        top = max(0, min(spare // 3, spare - 2))
        noun.paint(canvas, 0, top + found.height + max(1, (spare - top) // 2))
    for place, character in enumerate(text):
        one = glyph(character, Face.DIGITS, found.size)
        if one.ink is not None:
            left = place * found.pitch + (found.cell - one.width) // 2
            canvas.stamp(one.ink, left, top + one.top - found.top)
    return (cells - 1) * found.pitch + found.cell, noun is not None


def _noun_below(count: Count, space: int, width: int) -> Row | None:
    """The noun below a number that leaves `space` rows; None if it does not fit."""
    for size in sizes(Face.BOLD, 14):
        row = tight_row(to_drawable(count.noun), Face.BOLD, size)
        if row.height + 2 <= space and row.width <= width:
            return row
    return None


def _draw_note(canvas: Canvas, note: str) -> int:
    """Draw the note at the bottom, with an ellipsis if it is too long. Returns its height in rows."""
    sign = bitmap(FAULT)
    width = canvas.width - HEART
    row = fit_row(note, Face.REGULAR, 11 if canvas.height >= 48 else 10, width - sign.width - 2)
    left = sign.width + 2
    if row.text != note:
        # Drop the sign if the text does not fit beside it.
        row, left = fit_row(note, Face.REGULAR, 10, width), 0
    high = max(sign.height, row.height)
    top = canvas.height - high
    if left:
        canvas.stamp(sign, 0, top + (high - sign.height) // 2)
    row.paint(canvas, left, top + (high - row.height) // 2)
    return high

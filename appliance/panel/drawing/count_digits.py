"""Sets the number of the count: each digit has a cell of fixed width, so that 12 and 13 differ in one cell only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face, glyph


@dataclass(frozen=True, slots=True)
class Digits:
    """The cells of the number. pitch: columns from one cell to the next; each digit is centred in its cell."""

    size: int
    cell: int
    pitch: int
    top: int
    height: int

    def width(self, cells: int) -> int:
        """Columns of so many cells."""
        return (cells - 1) * self.pitch + self.cell

    def paint(self, canvas: Canvas, text: str, top: int) -> None:
        """Draw the number at the left edge, from this row down."""
        for place, character in enumerate(text):
            one = glyph(character, Face.DIGITS, self.size)
            if one.ink is not None:
                left = place * self.pitch + (self.cell - one.width) // 2
                canvas.stamp(one.ink, left, top + one.top - self.top)


@lru_cache(maxsize=64)
def fit_digits(height: int, width: int, cells: int) -> Digits:
    """Find the largest size at which so many cells fit; it does not depend on which digits are in them."""
    for size in range(int(height * 1.5), 8, -1):
        all_ten = [glyph(digit, Face.DIGITS, size) for digit in "0123456789"]
        top, bottom = min(one.top for one in all_ten), max(one.bottom for one in all_ten)
        cell = max(one.width for one in all_ten)
        found = Digits(size, cell, cell + max(1, size // 24), top, bottom - top)
        if bottom - top <= height and found.width(cells) <= width:
            return found
    return fit_digits(12, 999, 1)

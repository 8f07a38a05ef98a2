"""Draws the count: the number, the parts beside and below it, and the note at the bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.core.view import Count, Sign
from appliance.panel.drawing.age import draw_block
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.count_layout import SIDE_GAP, Layout, choose_layout
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.shapes import HEART
from appliance.panel.drawing.signs import small_sign
from appliance.panel.drawing.text import Row, fit_row
from appliance.panel.drawing.visual_order import to_drawable

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_NUMBER = 9999
"""Orders above which the number is shortened."""
NOTE_MIN_HEIGHT = 28
"""Height in rows below which a display has no room for a note."""
NOTE_GAP = 2
"""Rows above the note."""
WIDEST_GAP = 6
"""Rows between two parts, at most."""


def draw_count(canvas: Canvas, count: Count) -> None:
    """Draw the screen on a canvas of its size."""
    text = count.count if not count.count.isdecimal() or int(count.count) <= LARGEST_NUMBER else f"{LARGEST_NUMBER}+"
    height = canvas.height
    layout = choose_layout(count, len(text), canvas.width, height, HEART)
    note = _note(canvas, count) if count.note and height >= NOTE_MIN_HEIGHT else None
    if note is not None:
        noted = choose_layout(count, len(text), canvas.width, height - note.height - NOTE_GAP, 0)
        # A low display has no room for a note beside very large numbers.
        if noted.complete or not layout.complete:
            layout, height = noted, height - note.height - NOTE_GAP
            note.paint(canvas)
    _draw_number(canvas, text, layout)
    _draw_side(canvas, count, layout, layout.digits.width(len(text)) + SIDE_GAP)
    for row in layout.strip:
        row.paint(canvas, 0, height - row.height)


def _draw_number(canvas: Canvas, text: str, layout: Layout) -> None:
    """Draw the number at the left, with the noun below it if it has one."""
    digits, noun = layout.digits, layout.noun
    top = (layout.height - digits.height) // 2
    if noun is not None:
        spare = layout.height - digits.height - noun.height
        top = max(0, min(spare // 3, spare - 2))
        noun.paint(canvas, 0, top + digits.height + max(1, (spare - top) // 2))
    digits.paint(canvas, text, top)


def _draw_side(canvas: Canvas, count: Count, layout: Layout, left: int) -> None:
    """Draw the parts beside the number, the noun at the bottom."""
    side, height = layout.side, layout.height
    bottom, parts = height, len(side.heights)
    if side.noun is not None:
        if parts == 1:
            side.noun.paint(canvas, left, (height - side.noun.height) // 2)
            return
        bottom -= side.noun.height
        side.noun.paint(canvas, left, bottom)
    spare = height - sum(side.heights)
    top = 0
    if side.age is not None:
        draw_block(canvas, count.mark, side.age, left, side.width)
        top, parts = side.age.block, parts - 1
        for row in side.inline:
            row.paint(canvas, left + side.width + SIDE_GAP, (top - row.height) // 2)
    gap = min(WIDEST_GAP, spare // max(1, parts if side.age else parts + 1))
    for row in side.rows:
        top += gap
        row.paint(canvas, left, top)
        top += row.height


@dataclass(frozen=True, slots=True)
class _Note:
    """The note at the bottom, and its sign if there is room for it."""

    sign: Image | None
    row: Row

    @property
    def height(self) -> int:
        return max(self.sign.height if self.sign else 0, self.row.height)

    def paint(self, canvas: Canvas) -> None:
        top, left = canvas.height - self.height, 0
        if self.sign is not None:
            canvas.stamp(self.sign, 0, top + (self.height - self.sign.height) // 2)
            left = self.sign.width + 2
        self.row.paint(canvas, left, top + (self.height - self.row.height) // 2)


def _note(canvas: Canvas, count: Count) -> _Note:
    """Set the note, with an ellipsis if it is too long."""
    text, width = to_drawable(count.note), canvas.width - HEART
    size = 11 if canvas.height >= 48 else 10
    if count.fault:
        sign = small_sign(Sign.WARNING)
        row = fit_row(text, Face.REGULAR, size, width - sign.width - 2)
        if row.text == text:
            return _Note(sign, row)
    return _Note(None, fit_row(text, Face.REGULAR, 10 if count.fault else size, width))

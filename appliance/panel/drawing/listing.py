"""Draws a listing: a title, and rows with a left and a right part, each order with the sign of its age in front."""

from __future__ import annotations

from appliance.core.view import Listing, Row
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.signs import MARK_SIGNS, small_sign
from appliance.panel.drawing.text import Row as Text
from appliance.panel.drawing.text import fit_row
from appliance.panel.drawing.visual_order import to_drawable

TITLE_MIN_HEIGHT = 48
"""Height in pixels below which a display has no room for a title."""
SIGN_COLUMNS = 12
"""Columns for the sign of an order's age; without a sign, they stay empty."""
COLUMN_GAP = 4
"""Columns between the left and the right part of a row."""


def draw_listing(canvas: Canvas, listing: Listing, corner: int) -> None:
    """Draw the screen on a canvas of its size. corner: columns at the right edge to leave for the heartbeat."""
    top = 0
    if canvas.height >= TITLE_MIN_HEIGHT and listing.title:
        title = fit_row(to_drawable(listing.title), Face.BOLD, 11, canvas.width - 4)
        high = title.height + 1
        canvas.fill(0, 0, canvas.width - 1, high - 1)
        title.paint(canvas, 2, 1, lit=False)
        top = high + 1
    width = canvas.width - corner
    size = 11
    set_rows: list[tuple[Row, Text, Text]] = []
    space = canvas.height - top
    for row in listing.rows:
        left, right = _parts(row, size, width)
        high = max(left.height, right.height)
        if high > space:
            break
        space -= high
        set_rows.append((row, left, right))
    gap = min(3, space // max(1, len(set_rows)))
    top += (space - gap * len(set_rows)) // 2 if canvas.height < TITLE_MIN_HEIGHT else (gap + 1) // 2
    for row, left, right in set_rows:
        high = max(left.height, right.height)
        at = 0
        if row.mark is not None:
            at = SIGN_COLUMNS
            if row.mark in MARK_SIGNS:
                sign = small_sign(MARK_SIGNS[row.mark])
                canvas.stamp(sign, 0, top + (high - sign.height) // 2)
        left.paint(canvas, at, top + (high - left.height) // 2)
        right.paint(canvas, width - right.width, top + (high - right.height) // 2)
        top += high + gap


def _parts(row: Row, size: int, width: int) -> tuple[Text, Text]:
    """Fit both parts of a row: shrink the right one if needed, and put the left one in the remaining width."""
    width -= SIGN_COLUMNS if row.mark is not None else 0
    right = fit_row(to_drawable(row.right), Face.BOLD if row.mark is not None else Face.REGULAR, size, width)
    left_width = width - (right.width + COLUMN_GAP if right.width else 0)
    return fit_row(to_drawable(row.left), Face.REGULAR, size, max(0, left_width)), right

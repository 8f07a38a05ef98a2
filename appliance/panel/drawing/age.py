"""Draws the oldest order's age in its block: plain, framed or filled, depending on the benchmarks.

Each digit has a cell of fixed width, and there is room for two: another minute changes a digit, but moves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from appliance.core import texts
from appliance.core.view import Count, Mark
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.shapes import ALERTS, bitmap
from appliance.panel.drawing.text import SMALLEST, Row, sizes, tight_row
from appliance.panel.drawing.visual_order import to_drawable

PADDING = {Mark.FINE: 0, Mark.WARN: 2, Mark.LATE: 2}
"""Pixels between the age and the edge of its block."""
ALERT_SIZE = (11, 9)
LOW_ALERTED = 11
"""Height in rows below which digits have no triangle beside them."""
COLUMN_GAP = 2
"""Columns between the triangle and the text beside it."""
HEAD_GAP = 3
"""Rows between the caption and the age."""
LOW_DIGITS = 14
"""Maximum height in rows of a plain age's digits on a low display."""


@dataclass(frozen=True, slots=True)
class Age:
    """An age with large digits. pieces: each with its left edge. height: of the digits; all pieces share the baseline.

    room: its width in columns with two digits for the minutes. alerted: whether its block has a triangle.
    """

    pieces: tuple[tuple[int, Row], ...]
    room: int
    height: int
    alerted: bool


def age_within(count: Count, width: int, height: int, tall: bool, captioned: bool, least: int) -> Age | None:
    """Return the age as large as its block allows; None if its digits would be lower than `least`.

    captioned: with its caption, which is above it on a tall display, and before it on a low one.
    """
    headed = captioned and tall
    inner = width - 2 * PADDING[count.mark]
    if count.mark is Mark.FINE and not tall:
        # On a low display, keep the age's digits lower than the number's, so that they can't be confused.
        height = min(height, LOW_DIGITS)
    text = to_drawable(count.oldest)
    beside = count.mark is not Mark.FINE and not headed
    bare = beside and (not tall or least < LOW_ALERTED)
    for alerted in (True, False) if bare else (count.mark is not Mark.FINE,):
        # Prefer larger digits without the triangle to small digits beside it; the frame or fill still shows the mark.
        lowest = max(least, LOW_ALERTED) if bare and alerted else least
        room = inner - (ALERT_SIZE[0] + COLUMN_GAP if beside and alerted else 0)
        for size in range(height * 3 // 2, 8, -1):
            age = _age(text, size, captioned and not tall, alerted)
            if age.height < lowest:
                break
            if age.room <= room and block_height(count.mark, age, headed) <= height:
                return age
    return None


def block_height(mark: Mark, age: Age, captioned: bool) -> int:
    """The block's height in rows. captioned: with the caption above the age."""
    own = max(age.height, ALERT_SIZE[1]) if age.alerted and not captioned else age.height
    return (_head_height(mark) + HEAD_GAP if captioned else 0) + own + 2 * PADDING[mark]


def draw_block(canvas: Canvas, mark: Mark, age: Age, place: tuple[int, int, int], captioned: bool) -> None:
    """Draw the age with its mark. place: the block's left edge, width and height; its top edge is 0."""
    left, width, height = place
    right, padding, lit = left + width - 1, PADDING[mark], mark is not Mark.LATE
    if mark is Mark.WARN:
        canvas.frame(left, 0, right, height - 1)
    elif mark is Mark.LATE:
        canvas.fill(left, 0, right, height - 1)
    x = left + padding
    if age.alerted:
        alert = bitmap(ALERTS[mark])
        canvas.stamp(alert, x, padding if captioned else (height - alert.height) // 2, lit)
        x += alert.width + COLUMN_GAP
    if captioned:
        caption = _caption()
        if x + caption.width <= right + 1 - padding:
            caption.paint(canvas, x, padding + (_head_height(mark) - caption.height) // 2, lit)
        x = left + padding
    baseline = height - padding if captioned else (height + age.height) // 2
    for at, row in age.pieces:
        # Raise a sign that descends below the digits, which would touch the frame.
        row.paint(canvas, x + at, baseline + row.top - max(0, row.bottom), lit)


@lru_cache(maxsize=128)
def _age(text: str, size: int, captioned: bool, alerted: bool) -> Age:
    """Lay out an age with digits of this size, and smaller text. captioned: after its caption, on the same row."""
    gap = 3 if size >= 16 else 2
    cell, height = _cell(size)
    small = Face.BOLD, sizes(Face.BOLD, min(15, size * 9 // 20))[0]
    if -tight_row("h", *small).top > height:
        small = Face.REGULAR, SMALLEST[Face.REGULAR]
    pieces: list[tuple[int, Row]] = []
    end = 0
    if captioned:
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
    return Age(tuple(pieces), end + (cell + max(1, size // 20) if lonely else 0), height, alerted)


@lru_cache(maxsize=64)
def _cell(size: int) -> tuple[int, int]:
    """Width and height of a cell that fits every digit."""
    rows = [tight_row(digit, Face.DIGITS, size) for digit in "0123456789"]
    return max(row.width for row in rows), max(-row.top for row in rows)


def _caption() -> Row:
    return tight_row(texts.OLDEST, Face.REGULAR, 10)


def _head_height(mark: Mark) -> int:
    return max(_caption().height, 0 if mark is Mark.FINE else ALERT_SIZE[1])

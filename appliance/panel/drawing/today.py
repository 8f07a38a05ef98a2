"""Draws the statistics of today: a title with the numbers of orders, the delivery times, and a bar for each hour.

The text is never truncated: each row has several wordings, and the first one that fits is used. If there is not enough
room, the note is dropped first, then the bars.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.core import texts
from appliance.core.view import Sign, Today
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.signs import small_sign
from appliance.panel.drawing.text import Row, even_row, sizes
from appliance.panel.drawing.visual_order import to_drawable

TITLE_MIN_HEIGHT = 48
"""Height in pixels below which a display has no room for a title."""
SIZE = 11
COLUMN_GAP = 4
"""Columns between the left and the right part of a row."""
BARS_LEAST, BARS_MOST = 6, 22
"""Limits of the highest bar's height in rows."""
Pair = tuple[Row, Row]


def draw_today(canvas: Canvas, today: Today, corner: int) -> None:
    """Draw the screen on a canvas of its size. corner: columns at the right edge to leave for the heartbeat."""
    top, tall = 0, canvas.height >= TITLE_MIN_HEIGHT
    if tall:
        top = _draw_title(canvas, today)
    mark = small_sign(Sign.DIFFERS) if today.doubt else None
    indent = mark.width + 3 if mark is not None else 0
    # Without room for the note with the gateway's statistics, the mark is in the first row instead.
    first = 0 if tall else indent
    rows = [_pair(wordings, canvas.width - first) for wordings in (_tall_rows(today) if tall else _low_rows(today))]
    note = _note_row(today, canvas.width - corner - indent) if tall else None
    space = canvas.height - top - sum(left.height + 1 for left, _ in rows)
    if note is not None and space >= note.height + 1 + (BARS_LEAST if today.hours else 0):
        space -= note.height + 1
    else:
        note = None
    gap = 1 if space > BARS_LEAST + len(rows) else 0
    for number, (left, right) in enumerate(rows):
        top += gap
        if first and mark is not None and not number:
            canvas.stamp(mark, 0, top + (left.height - mark.height) // 2)
        left.paint(canvas, first if not number else 0, top)
        right.paint(canvas, canvas.width - right.width, top)
        top += left.height + 1
    space -= gap * len(rows)
    if today.hours and space >= BARS_LEAST:
        _draw_bars(canvas, today, top + 1, min(BARS_MOST, space - 1), canvas.width - (corner if note is None else 0))
    if note is not None:
        high = canvas.height - note.height
        if mark is not None:
            canvas.stamp(mark, 0, high + (note.height - mark.height) // 2)
        note.paint(canvas, indent, high)


def _tall_rows(today: Today) -> list[list[tuple[str, str]]]:
    if not today.average:
        return [[(today.open, "")]]
    return [[(today.open, _within(today)), (today.open, today.share)], _times(today)]


def _low_rows(today: Today) -> list[list[tuple[str, str]]]:
    orders = f"{today.finished}, {today.open}"
    if not today.average:
        return [[(orders, ""), (today.finished, "")]]
    return [[(orders, _within(today)), (orders, today.share), (today.finished, today.share)], _times(today)]


def _within(today: Today) -> str:
    return f"{today.share} {texts.WITHIN_TARGET.format(target=today.target)}"


def _times(today: Today) -> list[tuple[str, str]]:
    """The average and the median, as wordings of one row."""
    average, short = texts.AVERAGE.format(time=today.average), texts.AVERAGE_SHORT.format(time=today.average)
    median = texts.MEDIAN.format(time=today.median)
    return [(average, median), (short, median), (today.average, today.median)]


def _draw_title(canvas: Canvas, today: Today) -> int:
    """Draw the title; return the row at which the rest begins."""
    wordings = [(today.title, today.finished), (today.finished, "")]
    left, right = _pair(wordings, canvas.width - 4, Face.BOLD)
    high = max(left.height, right.height) + 1
    canvas.fill(0, 0, canvas.width - 1, high - 1)
    left.paint(canvas, 2, 1, lit=False)
    right.paint(canvas, canvas.width - 2 - right.width, 1, lit=False)
    return high + 1


def _note_row(today: Today, width: int) -> Row | None:
    """Set the note at the bottom, which has the gateway's statistics; None if it does not fit."""
    text = to_drawable(today.note)
    if not text:
        return None
    for size in sizes(Face.REGULAR, SIZE):
        row = even_row(text, Face.REGULAR, size)
        if row.width <= width:
            return row
    return None


def _pair(wordings: Sequence[tuple[str, str]], width: int, face: Face = Face.REGULAR) -> Pair:
    """Set the first wording that fits, at the largest possible size; if none fits, the last one."""
    pair: Pair | None = None
    for size in sizes(face, SIZE):
        for words in wordings:
            left, right = (even_row(to_drawable(part), face, size) for part in words)
            pair = left, right
            if left.width + (COLUMN_GAP + right.width if right.width else 0) <= width:
                return pair
    assert pair is not None, "every row has a wording"
    return pair


def _draw_bars(canvas: Canvas, today: Today, top: int, high: int, width: int) -> None:
    """Draw a bar for each hour, between the labels of the first and the last hour."""
    first = even_row(texts.HOUR.format(hour=today.first), Face.REGULAR, 10)
    last = even_row(texts.HOUR.format(hour=(today.first + len(today.hours) - 1) % 24), Face.REGULAR, 10)
    left = right = 0
    if high >= first.height:
        left, right = first.width + COLUMN_GAP, last.width + COLUMN_GAP
        first.paint(canvas, 0, top + high - first.height)
        last.paint(canvas, width - last.width, top + high - last.height)
    room = width - left - right
    pitch = max(2, room // len(today.hours))
    start = left + (room - pitch * len(today.hours)) // 2
    most = max(today.hours)
    for number, count in enumerate(today.hours):
        at, bar = start + number * pitch, -(-count * high // most) if most else 0
        # At least one pixel high, so that an hour without orders is visible.
        canvas.fill(at, top + high - max(1, bar), at + pitch - 2, top + high - 1)

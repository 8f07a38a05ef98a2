"""Draws a paged order: dark on light over the whole display, and named as a tracker above its number, so that it can't
be confused with the count.

If there is not enough room, it gives up the count first, then the bell's size, the text about other orders, the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from appliance.core.view import Paged, Sign
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.shapes import BELL, HEART, bitmap
from appliance.panel.drawing.signs import small_sign
from appliance.panel.drawing.text import (
    SMALLEST,
    Row,
    fit_row,
    is_cut,
    largest_row,
    sizes,
    stack_height,
    tight_row,
    wrap,
)
from appliance.panel.drawing.visual_order import to_drawable

if TYPE_CHECKING:
    from PIL.Image import Image

HEADING = "PAGED"
EDGE = 3
"""Pixels between the edge of the light area and its content."""
COLUMNS = {True: (54, 68, 82), False: (66, 76, 86, 52)}
"""Columns to reserve for the text, on a tall display (True) and on a low one; tried in order until the text fits."""
COLUMN_GAP = 6
"""Columns between the tracker's number and the text."""
NOUN_SIZES = {True: (15, 12, 10), False: (10,)}
"""Sizes of the word above the number, on a tall display (True) and on a low one: the first that fits, or the last."""
NOUN_GAP = 2
"""Rows between that word and the number."""
LEAST_FOR_NOUN = 20
"""Rows below which there is no room for that word: the heading alone tells the number from the count."""


def draw_paged(canvas: Canvas, paged: Paged) -> None:
    """Draw the screen on a canvas of its size."""
    canvas.fill(0, 0, canvas.width - 1, canvas.height - 1)
    width, height = canvas.width - 2 * EDGE, canvas.height - 2 * EDGE
    tracker, columns = to_drawable(paged.tracker), COLUMNS[height >= 40]
    nouns = [tight_row(paged.noun, Face.BOLD, size) for size in NOUN_SIZES[height >= 40]]
    for number, column in enumerate((*columns, columns[0])):
        room = max(width - COLUMN_GAP - column, width // 3)
        head = [next((row for row in nouns if row.width <= room), nouns[-1])] if height >= LEAST_FOR_NOUN else []
        above = sum(row.height + NOUN_GAP for row in head)
        rows = _tracker_rows(tracker, room, height - above)
        left = EDGE + max((row.width for row in (*head, *rows)), default=0) + COLUMN_GAP
        last = number == len(columns)
        if (last or _is_whole(rows, tracker)) and _draw_words(
            canvas, paged, left, canvas.width - EDGE - left, height, whole=not last
        ):
            break
    for row in head:
        row.paint(canvas, EDGE, EDGE, lit=False)
    top = EDGE + above + (height - above - stack_height(rows)) // 2
    for row in rows:
        row.paint(canvas, EDGE, top, lit=False)
        top += row.height + 1


def _is_whole(rows: list[Row], text: str) -> bool:
    """Whether the rows have all of a text."""
    shown = "".join(row.text for row in rows)
    return shown.replace(" ", "") == text.replace(" ", "") and not any(is_cut(row, text) for row in rows)


def _tracker_rows(text: str, width: int, height: int) -> list[Row]:
    """Set the tracker's number as large as possible; a name may take several rows."""
    if text.isascii() and text.isdecimal():
        row = largest_row(text, Face.DIGITS, width, height)
        return [row or fit_row(text, Face.BOLD, 12, width)]
    for size in sizes(Face.BOLD, 30):
        rows = wrap(text, Face.BOLD, size, width)
        if stack_height(rows) <= height and all(row.size == size and not is_cut(row, text) for row in rows):
            return rows
    rows = wrap(text, Face.BOLD, SMALLEST[Face.BOLD], width)
    while stack_height(rows) > height:
        rows.pop()
    return rows


def _draw_words(canvas: Canvas, paged: Paged, left: int, width: int, height: int, whole: bool) -> bool:
    """Draw the text if it fits, and return whether it did. whole: only if none of it is truncated.

    The bell is above or beside the heading, large or small; the count is dropped if there is no room.
    """
    for bell, above, size, words, rest in _variants(paged, width, height >= 40, whole):
        word = tight_row(HEADING, Face.BOLD, size)
        first_width = word.width if bell is None or above else word.width + bell.width + 4
        first = max(word.height, 0 if bell is None or above else bell.height)
        heights = [*([bell.height] if bell is not None and above else []), first, *(row.height for row in words)]
        heights += [rest.height] if rest else []
        # Keep the lowest row clear of the heartbeat.
        lowest = first_width if not words else words[-1].width
        below = HEART - 2 if rest is None and lowest > width - HEART else 0
        spare = height - below - sum(heights) - (len(heights) - 1)
        if first_width > width or spare < 0:
            continue
        gap = 1 + min(4, spare // len(heights))
        top = EDGE + (0 if rest else max(0, height - below - sum(heights) - gap * (len(heights) - 1)) // 2)
        at = left
        if bell is not None:
            canvas.stamp(bell, at, top + (0 if above else (first - bell.height) // 2), lit=False)
            top += bell.height + gap if above else 0
            at += 0 if above else bell.width + 4
        word.paint(canvas, at, top + (first - word.height) // 2, lit=False)
        top += first + gap
        for row in words:
            row.paint(canvas, left, top, lit=False)
            top += row.height + gap
        if rest:
            rest.paint(canvas, left + width - HEART - rest.width, EDGE + height - rest.height, lit=False)
        return True
    return False


def _variants(
    paged: Paged, width: int, tall: bool, whole: bool
) -> Iterator[tuple[Image | None, bool, int, list[Row], Row | None]]:
    """Yield variants, best first: bell, whether it is above, the heading's size, the rows below it, and the count."""
    large, small = bitmap(BELL), small_sign(Sign.PAGED)
    rest = tight_row(to_drawable(paged.rest), Face.REGULAR, 10)
    place, more = to_drawable(paged.place), to_drawable(paged.more)
    if tall:
        wordings = [[text for text in (place, more) if text]]
    else:
        wordings = [[text] if (text := f"{place}  {words}".strip()) else [] for words in (more, more.split(" ")[0])]
    last = [rest, None] if paged.rest and rest.width <= width - HEART else [None]
    for texts in wordings:
        for shown in last if tall else [None]:
            for size, words_size in ((20, 15), (16, 14), (14, 14), (14, 11), (13, 11), (11, 11), (11, 10), (10, 10)):
                rows = _rows(texts, words_size, width, 3 if tall else 1)
                if rows is None:
                    continue
                for bell, above in ((large, False), (large, True), (small, False)):
                    yield bell, above and tall, size, rows, shown
    for texts in () if whole else (*wordings, []):
        for bare in (small, None):
            for size in (14, 11, 9):
                yield bare, False, size, [fit_row(text, Face.BOLD, 11, width) for text in texts], None


def _rows(texts: list[str], size: int, width: int, most: int) -> list[Row] | None:
    """Set the texts at this size; None if one of them takes more than `most` rows."""
    rows: list[Row] = []
    for text in texts:
        own = wrap(text, Face.BOLD, size, width)
        if len(own) > most or any(row.size != size or is_cut(row, text) for row in own):
            return None
        rows += own
    return rows

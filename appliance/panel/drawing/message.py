"""Draws a message: lines of text, with an icon beside them and a progress bar below.

If the text does not fit, it shrinks, then wraps, then replaces the icon, then shares rows. A line that is still too
wide ends in an ellipsis, and the last lines are dropped if there is no room.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from appliance.core.view import Line, Message, Size
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.icons import SIDE, icon
from appliance.panel.drawing.text import (
    SMALLEST,
    Row,
    even_row,
    fit_row,
    is_cut,
    largest_row,
    stack_height,
    tight_row,
    wrap,
)
from appliance.panel.drawing.visual_order import to_drawable

Sizes = tuple[tuple[int, int], ...]
TALL: Sizes = (
    *((20, 14), (17, 14), (20, 12), (17, 12), (14, 12), (17, 10), (14, 10), (12, 10)),
    *((10, 10), (10, 8)),
)
LOW: Sizes = ((14, 12), (14, 10), (12, 10), (10, 10), (10, 8), (8, 8))
"""Font sizes of MEDIUM and SMALL lines, largest first, for displays of 48 rows and more (TALL), and for lower ones."""
READABLE = {True: 12, False: 10}
"""Font size of MEDIUM lines below which the text wraps or replaces the icon instead, for tall and low displays."""
GAP = 5
"""Maximum pixels between two rows, and the pixels between the icon and the text."""
WRAP_COST = 5
"""The cost of another row, in pixels of font size."""
HUGE_SHARES = (0.5, 0.35, 0.2)
"""Shares of the height to reserve for HUGE lines when the others choose their size; the first that fits is used."""
HUGE_LEAST = 14
"""Height in pixels below which a HUGE line is drawn as MEDIUM, because it is text rather than a number."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows beside the icon, and the rows below both. Without an icon, all rows are in `below`."""

    beside: tuple[Row, ...]
    below: tuple[Row, ...]
    pictured: bool


def draw_message(canvas: Canvas, message: Message, corner: int) -> None:
    """Draw the screen on a canvas of its size. corner: columns at the right edge to leave for the heartbeat."""
    width, height = canvas.width - corner, canvas.height
    if message.bar is not None:
        thick = 7 if height >= 48 else 5
        _draw_bar(canvas, message.bar, width, thick)
        height -= thick + (2 if height >= 48 else 1)
    lines = tuple(replace(line, text=text) for line in message.lines if (text := to_drawable(line.text)))
    pictured = message.icon is not None and height >= SIDE and width >= 3 * SIDE
    setting = choose_layout(lines, width, height, pictured)
    if setting.pictured and message.icon is not None:
        room = height - (stack_height(setting.below) + 1 if setting.below else 0)
        head = max(SIDE, min(room, stack_height(setting.beside)))
        spare = room - head
        gap = min(GAP, max(0, spare) // (2 + len(setting.below)))
        below_height = stack_height(setting.below, 1 + gap) + 1 + gap if setting.below else 0
        top = (height - head - below_height) // 2
        canvas.stamp(icon(message.icon), 0, top + (head - SIDE) // 2)
        _draw_stack(canvas, setting.beside, SIDE + GAP, top, head)
        left = 0
        top += head + 1 + gap
        for row in setting.below:
            row.paint(canvas, left, top)
            top += row.height + 1 + gap
        return
    _draw_stack(canvas, setting.below, None, 0, height, width)


def _draw_stack(canvas: Canvas, rows: Sequence[Row], left: int | None, top: int, height: int, width: int = 0) -> None:
    """Draw rows evenly spaced over a height, at a left edge or centred in a width."""
    spare = height - stack_height(rows, 0)
    gap = min(GAP, max(1 if spare >= len(rows) - 1 else 0, spare // (len(rows) + 1)))
    top += max(0, (spare - gap * (len(rows) - 1)) // 2)
    for row in rows:
        row.paint(canvas, (width - row.width) // 2 if left is None else left, top)
        top += row.height + gap


def _draw_bar(canvas: Canvas, share: float, width: int, thick: int) -> None:
    top, bottom = canvas.height - thick, canvas.height - 1
    canvas.frame(0, top, width - 1, bottom)
    share = min(1.0, max(0.0, share)) if share == share else 0.0
    filled = round((width - 4) * share)
    if filled > 0:
        canvas.fill(2, top + 2, 1 + filled, max(top + 2, bottom - 2))


@lru_cache(maxsize=32)
def choose_layout(lines: tuple[Line, ...], width: int, height: int, pictured: bool) -> Layout:
    """Return the first layout that fits; if none does, drop spare lines, the highest rank first."""
    for rank in sorted({line.spare for line in lines} - {0}, reverse=True):
        setting = _fitting_layout(lines, width, height, pictured)
        if setting is not None:
            return setting
        # Keep a spare line, such as what distinguishes gateways of the same name, even if a name is truncated for it.
        rows = _pack_rows(lines, width, Face.REGULAR)
        if stack_height(rows, 0) <= height:
            return Layout((), tuple(rows), False)
        lines = tuple(line for line in lines if line.spare < rank)
    return _fitting_layout(lines, width, height, pictured) or Layout(
        (), tuple(_truncate_rows(lines, width, height)), False
    )


def _fitting_layout(lines: tuple[Line, ...], width: int, height: int, pictured: bool) -> Layout | None:
    """Return the first layout that fits all lines without truncating any; None if there is none."""
    tall = height >= 40
    levels = TALL if tall else LOW
    readable = tuple(level for level in levels if level[0] >= READABLE[tall])
    joined = _join_sentence(lines)
    attempts = [
        (lines, readable, True, False),
        (lines, readable, True, True),
        (lines, levels, False, False),
        (joined, levels, False, False),
        (lines, levels, False, True),
        (joined, levels, False, True),
    ]
    for some, sizes, with_picture, wraps in attempts[0 if pictured else 2 :]:
        for share in HUGE_SHARES if any(line.size is Size.HUGE for line in some) else (0.0,):
            found = (
                (medium, setting)
                for medium, small in sizes
                for setting in _layouts(some, medium, small, width, height, with_picture, wraps, share)
            )
            best = min(found, key=_cost, default=None) if wraps else next(found, None)
            if best is not None:
                return best[1]
    for rows in (_pack_rows(lines, width, None), _pack_rows(lines, width, Face.REGULAR), _wrap_all(lines, width)):
        if stack_height(rows, 0) <= height and not any(is_cut(row, *(line.text for line in lines)) for row in rows):
            return Layout((), tuple(rows), False)
    return None


def _truncate_rows(lines: Sequence[Line], width: int, height: int) -> list[Row]:
    """Fit as much as possible of these lines: truncate the ones that are too long, and drop the last ones."""
    packed = _pack_rows(lines, width, Face.REGULAR)
    while packed and stack_height(packed, 0) > height:
        packed.pop()
    *head, last = lines
    rows = [*_pack_rows(head, width, Face.REGULAR), *_wrap_all([last], width)]
    if stack_height(rows, 0) <= height or len(packed) < len(head) + 1:
        return rows if stack_height(rows, 0) <= height else packed
    while stack_height(rows, 0) > height:
        rows.pop()
    rows[-1] = fit_row(f"{rows[-1].text} …", rows[-1].face, rows[-1].size, width)
    return rows


def _cost(found: tuple[int, Layout]) -> int:
    """The cost of a layout: more rows and smaller fonts are worse."""
    medium, setting = found
    return WRAP_COST * (len(setting.beside) + len(setting.below)) - medium


def _join_sentence(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Join consecutive MEDIUM lines, which are parts of one sentence."""
    joined: list[Line] = []
    for line in lines:
        if joined and line.size is joined[-1].size is Size.MEDIUM:
            joined[-1] = Line(f"{joined[-1].text} {line.text}", Size.MEDIUM, line.spare)
        else:
            joined.append(line)
    return tuple(joined)


def _wrap_all(lines: Sequence[Line], width: int) -> list[Row]:
    """Wrap all lines at the smallest size."""
    return [row for line in lines for row in wrap(line.text, Face.REGULAR, SMALLEST[Face.REGULAR], width)]


def _pack_rows(lines: Sequence[Line], width: int, only: Face | None) -> list[Row]:
    """Set all lines at the smallest size, two in one row if they fit. only: a font for all of them."""
    rows: list[Row] = []
    for line in lines:
        face = only or _face(line)
        if rows:
            bold = Face.BOLD in (face, rows[-1].face)
            both_face = Face.BOLD if bold else Face.REGULAR
            apart = " " if bold else "  "
            both = even_row(f"{rows[-1].text}{apart}{line.text}", both_face, SMALLEST[both_face])
            if both.width <= width:
                rows[-1] = both
                continue
        row = fit_row(line.text, face, SMALLEST[face], width)
        if row.width:
            rows.append(row)
    return rows


def _layouts(
    lines: Sequence[Line], medium: int, small: int, width: int, height: int, pictured: bool, wraps: bool, share: float
) -> Iterator[Layout]:
    """Yield the layouts of these lines and sizes that fit, the one with most lines beside the icon first."""
    narrow = width - SIDE - GAP
    if not pictured:
        rows = _lay_out(lines, medium, small, width, height, wraps, share)
        if rows is not None:
            yield Layout((), tuple(rows), False)
        return
    head = next((at for at, line in enumerate(lines) if line.size is Size.SMALL), len(lines))
    # Don't split a sentence: put all lines beside the icon, or the large ones, or one more.
    for split in (len(lines), *((head, head + 1) if 0 < head < len(lines) - 1 else (head,) if head else ())):
        below = _lay_out(lines[split:], medium, small, width, height, wraps, share)
        if below is None or any(line.size is Size.HUGE for line in lines[split:]):
            continue
        left = height - (stack_height(below) + 1 if below else 0)
        beside = _lay_out(lines[:split], medium, small, narrow, left, wraps, share)
        if beside is not None and left >= SIDE:
            yield Layout(tuple(beside), tuple(below), True)


def _lay_out(
    lines: Sequence[Line], medium: int, small: int, width: int, space: int, wraps: bool, share: float
) -> list[Row] | None:
    """Set all rows, with HUGE lines in the space that the others leave; None if they don't fit, or must not wrap."""
    parts: list[list[Row] | str] = []
    for line in lines:
        size = small if line.size is Size.SMALL else medium
        # The bold font has no size as small as that.
        face = Face.REGULAR if size < SMALLEST[Face.BOLD] else _face(line)
        if line.size is Size.HUGE and _is_number(line.text, width, space):
            parts.append(line.text)
            continue
        if tight_row(line.text, face, size).width <= width:
            parts.append([even_row(line.text, face, size)])
            continue
        if not wraps:
            return None
        rows = wrap(line.text, face, size, width)
        if any(is_cut(row, line.text) or row.size < size for row in rows):
            return None
        parts.append(rows)
    huge = [part for part in parts if isinstance(part, str)]
    if huge:
        left = (
            space - stack_height([row for part in parts if not isinstance(part, str) for row in part]) - 2 * len(huge)
        )
        if left < max(HUGE_LEAST, share * space):
            return None
    result: list[Row] = []
    for part in parts:
        if isinstance(part, str):
            row = largest_row(part, _huge_face(part), width, left // len(huge))
            if row is None:
                return None
            result.append(row)
        else:
            result += part
    return result if stack_height(result, 1 if space >= 40 else 0) <= space else None


def _is_number(text: str, width: int, space: int) -> bool:
    row = largest_row(text, _huge_face(text), width, space)
    return row is not None and row.height >= HUGE_LEAST


def _face(line: Line) -> Face:
    return Face.REGULAR if line.size is Size.SMALL else Face.BOLD


def _huge_face(text: str) -> Face:
    return Face.DIGITS if text.isascii() and text.isdecimal() else Face.BOLD

"""Draws the sidebar of the count: the oldest order's age with its mark, and the remarks.

If there is not enough room, it drops the noun first, then the caption, the remarks' words, and the last remarks, but
never the age.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.core.view import Count, Mark, Remark, RemarkKind
from appliance.panel.drawing.age import Age, age_within, block_height, draw_block
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.shapes import HEART, SIGN_SIZE, SIGNS, bitmap
from appliance.panel.drawing.text import Row, even_row, sizes, tight_row
from appliance.panel.drawing.visual_order import to_drawable

GAP = 3
"""Pixels between the parts of the sidebar, at least."""
URGENT = (RemarkKind.PAGED, RemarkKind.LATE)
"""Remarks that are kept as long as the age is legible; they come first."""
SIGN_GAP = {Face.REGULAR: 1, Face.BOLD: 2}
ITEM_GAP = 5
"""Columns between two remarks in one row; SIGN_GAP: between a sign and its text."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """The parts of the sidebar: the age, whether it has a caption, the rows of remarks, and the noun.

    block, width: height and width of the age's block, which leaves the heartbeat's corner free.
    """

    age: Age | None
    captioned: bool
    block: int
    width: int
    rows: tuple[tuple[tuple[Remark, Row], ...], ...]
    noun: Row | None


def draw_sidebar(canvas: Canvas, count: Count, left: int, height: int, named: bool) -> None:
    """Draw the sidebar from `left` to the right edge. height: from the top. named: the noun is drawn elsewhere."""
    width = canvas.width - left
    corner = HEART if height == canvas.height else 0
    plan = _plan(count, width, height, corner, named)
    if plan is None:
        return
    bottom = height
    if plan.noun:
        if plan.age is None and not plan.rows:
            plan.noun.paint(canvas, left, (height - plan.noun.height) // 2)
            return
        bottom -= plan.noun.height
        plan.noun.paint(canvas, left, bottom)
    top = 0
    if plan.age:
        draw_block(canvas, count.mark, plan.age, (left, plan.width, plan.block), plan.captioned)
        top = plan.block
    heights = [max(SIGN_SIZE[1], *(row.height for _, row in items)) for items in plan.rows]
    parts = len(heights) + bool(plan.noun)
    spare = bottom - top - sum(heights)
    gap = min(6, spare // max(1, parts)) if plan.age else min(6, spare // (parts + 1))
    top += gap
    for items, high in zip(plan.rows, heights, strict=True):
        at = left
        for remark, row in items:
            sign = bitmap(SIGNS[remark.sign])
            canvas.stamp(sign, at, top + (high - sign.height) // 2)
            at += sign.width + SIGN_GAP[row.face]
            row.paint(canvas, at, top + (high - row.height) // 2)
            at += row.width + ITEM_GAP
        top += high + gap


def _plan(count: Count, width: int, height: int, corner: int, named: bool) -> _Plan | None:
    """Return the first variant that fits; None if none does."""
    tall = height >= 40
    for remarks, worded, captioned, noun, least in _variants(count, tall, named):
        row = _noun(count, width - corner, height, noun, bool(remarks))
        if noun and row is None:
            continue
        rows = _remark_rows(remarks, worded, width, tall)
        if rows is None or (rows and not row and corner and _row_width(rows[-1]) > width - corner):
            continue
        below = sum(max(SIGN_SIZE[1], *(one.height for _, one in items)) for items in rows) + GAP * len(rows)
        below += row.height + GAP if row else 0
        if not count.oldest:
            if below <= height + GAP:
                return _Plan(None, False, 0, width, rows, row)
            continue
        headed = captioned and tall
        shares = height if not (rows or row) else height - below
        shares = min(shares, height * 5 // 8 if tall else height)
        free = width - corner if shares > height - HEART else width
        age = age_within(count, free, shares, tall, captioned, least)
        if age is not None:
            return _Plan(age, headed, block_height(count.mark, age, headed), free, rows, row)
    return None


def _variants(count: Count, tall: bool, named: bool) -> Iterator[tuple[Sequence[Remark], bool, bool, bool, int]]:
    """Yield variants, best first: remarks, whether with words, caption, noun, and the minimum height of the digits."""
    captions = (True, False) if count.oldest and (tall or count.mark is Mark.FINE) else (False,)
    urgent = sum(remark.sign in URGENT for remark in count.remarks)
    for fewest in (urgent, 0) if urgent else (0,):
        for least in (16, 13, 9, 7) if tall else (12, 9, 7):
            for kept in range(len(count.remarks), fewest - 1, -1):
                all_kept = kept == len(count.remarks)
                for worded in (True, False) if kept else (False,):
                    for captioned in captions:
                        for noun in (True, False) if all_kept and not named else (False,):
                            if noun or count.oldest or kept:
                                yield count.remarks[:kept], worded, captioned, noun, least


def _noun(count: Count, width: int, height: int, wanted: bool, remarks: bool) -> Row | None:
    if not wanted:
        return None
    alone = not (count.oldest or remarks)
    face = Face.BOLD if alone else Face.REGULAR
    for size in sizes(face, (18 if height >= 40 else 16) if alone else 10):
        row = tight_row(to_drawable(count.noun), face, size)
        if row.width <= width and row.height <= height:
            return row
    return None


def _remark_rows(
    remarks: Sequence[Remark], worded: bool, width: int, tall: bool
) -> tuple[tuple[tuple[Remark, Row], ...], ...] | None:
    """Arrange the remarks in rows; None if one is wider than the sidebar."""
    rows: list[list[tuple[Remark, Row]]] = []
    for remark in remarks:
        text = to_drawable(remark.text)
        row = _remark(text, worded, width - SIGN_SIZE[0] - SIGN_GAP[Face.REGULAR if worded else Face.BOLD], tall)
        if row is None:
            return None
        item = (remark, row)
        if rows and _row_width([*rows[-1], item]) <= width:
            rows[-1].append(item)
        else:
            rows.append([item])
    return tuple(map(tuple, rows))


def _remark(text: str, worded: bool, width: int, tall: bool) -> Row | None:
    """A remark's text, or its number alone in a larger font; None if it is too wide."""
    face = Face.REGULAR if worded else Face.BOLD
    for size in sizes(face, (11 if tall else 10) if worded else 13):
        row = even_row(text, face, size) if worded else tight_row(text.split(" ")[0], face, size)
        if row.width <= width:
            return row
    return None


def _row_width(items: Sequence[tuple[Remark, Row]]) -> int:
    return sum(SIGN_SIZE[0] + SIGN_GAP[row.face] + row.width for _, row in items) + ITEM_GAP * (len(items) - 1)

"""Chooses the layout of the count: the number, and beside it the oldest order's age and the remarks.

The number is the largest element, and the age is second. Late and paged orders are 16 rows high on a tall display, in a
row below the number if they don't fit beside it; on a low display, they are as large as fits. If there is not enough
room, the noun is dropped first, then the caption, and the other remarks from the last one on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from itertools import product

from appliance.core.view import Count, Sign
from appliance.panel.drawing.age import Age, age_within
from appliance.panel.drawing.count_digits import Digits, fit_digits
from appliance.panel.drawing.count_remarks import (
    SIGNED,
    URGENT,
    WORDED,
    WORDLESS,
    Item,
    ItemRow,
    Style,
    pack,
    small_item,
    urgent_item,
)
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.shapes import HEART
from appliance.panel.drawing.text import Row, sizes, tight_row
from appliance.panel.drawing.visual_order import to_drawable

SIDE_GAP = 4
"""Columns between the number and the parts beside it."""
LEAST_SIDE = 47
"""Columns for these parts, at least."""
SIDE_WIDTHS = {True: ((LEAST_SIDE,), (56,), (72,)), False: ((LEAST_SIDE, 56), (62,), (72,))}
"""Columns to reserve for them, beside a number of three digits and more (True) and a narrower one.

Within a group, larger digits of the age outweigh a larger number.
"""
GAPS = {True: 3, False: 2}
"""Rows between two parts, at least, on a tall display and on a low one."""
TALL = 40
"""Rows from which a display is tall."""
FLOORS = {
    True: (((24, 16), (20, 16), (18, 16)), ((16, 16),), ((13, 16), (9, 16)), ((7, 12), (7, 8))),
    False: (((13, 13),), ((12, 12),), ((11, 11),), ((10, 10),), ((9, 9),), ((8, 8),), ((7, 7),)),
}
"""The least heights of the age's digits and of the urgent remarks', in rows, on a tall display and on a low one.

Within a group, a better place or style of the urgent remarks outweighs a larger age.
"""
WHOLE_AGE = {True: 16, False: 9}
"""The least height of the age's digits if it is in full, such as `12 h 40`, and beside the remarks in KEPT."""
SECOND = 0.85
"""The most that the age's digits may have of the number's height."""
KEPT = (Sign.GETTING_OLD, Sign.UNREADABLE)
"""Remarks that are kept as long as the age is large."""


class Place(Enum):
    """Where the urgent remarks are: under the age, below the number, or to the right of the age."""

    BESIDE = auto()
    BELOW = auto()
    INLINE = auto()


@dataclass(frozen=True, slots=True)
class Side:
    """The parts beside the number, from top to bottom.

    width: of the age's block, which leaves the heartbeat's corner free. rows: the remarks. inline: the urgent remarks
    if they are to the right of the age.
    """

    age: Age | None
    width: int
    rows: tuple[ItemRow, ...]
    noun: Row | None
    inline: tuple[ItemRow, ...] = ()

    @property
    def heights(self) -> list[int]:
        """The rows of each part."""
        parts = [*([self.age.block] if self.age else []), *(row.height for row in self.rows)]
        return [*parts, *([self.noun.height] if self.noun else [])]


@dataclass(frozen=True, slots=True)
class Layout:
    """All parts. height: rows above the strip. strip: the urgent remarks below the number. noun: below its digits.

    complete: whether all urgent remarks are shown.
    """

    digits: Digits
    height: int
    side: Side
    strip: tuple[ItemRow, ...]
    noun: Row | None
    complete: bool


@lru_cache(maxsize=64)
def choose_layout(count: Count, cells: int, width: int, height: int, corner: int) -> Layout:
    """Return the first layout that fits, best first.

    cells: characters of the number. width, height: of the canvas without the note. corner: columns and rows at the
    bottom right that belong to the heartbeat.
    """
    tall = height >= TALL
    urgent = tuple(remark for remark in count.remarks if remark.sign in URGENT)
    others = tuple(small_item(remark, tall) for remark in count.remarks if remark.sign not in URGENT)
    needed = sum(remark.sign in KEPT for remark in count.remarks)
    for some, least in ((urgent, needed), (urgent, 0), ((), 0)):
        for age, floor, high, place, style, reserved in _variants(count.oldest, cells, bool(some), tall):
            if least and floor < WHOLE_AGE[tall]:
                continue
            items = tuple(urgent_item(remark, high, style) for remark in some)
            strip = pack(items, width - corner) if place is Place.BELOW else ()
            if strip is None or len(strip) > 1:
                continue
            room = _Room(count.noun, cells, width, height, corner, reserved, strip)
            for kept in range(len(others), least - 1, -1):
                inline = items if place is Place.INLINE else ()
                beside = items if place is Place.BESIDE else (), others[:kept]
                side = _side(count, age, room, beside, inline, kept == len(others), floor)
                if side is not None:
                    return Layout(room.digits, room.height, side, strip, room.noun, some == urgent)
    room = _Room(count.noun, cells, width, height, corner, LEAST_SIDE, ())
    return Layout(room.digits, room.height, Side(None, 0, (), None), (), None, not urgent)


def _variants(oldest: str, cells: int, urgent: bool, tall: bool) -> Iterator[tuple[str, int, int, Place, Style, int]]:
    """Yield variants, best first: the age's wording, a pair of FLOORS, the place and the style of the urgent remarks,
    and the columns to reserve beside the number."""
    short = " ".join(oldest.split(" ")[:2])
    for age, least in ((oldest, WHOLE_AGE[tall] if short != oldest else 0), (short, 0)):
        for group in FLOORS[tall]:
            for widths in SIDE_WIDTHS[cells >= 3]:
                for place, styles in _places(cells, urgent, tall):
                    for (floor, high), reserved, style in product(group, widths, styles):
                        if floor >= least:
                            yield age, floor, high, place, style, reserved


def _places(cells: int, urgent: bool, tall: bool) -> Iterator[tuple[Place, tuple[Style, ...]]]:
    """Yield the places of the urgent remarks and the styles of equal worth, best first."""
    if not urgent:
        yield Place.BESIDE, WORDLESS
        return
    places = (Place.BESIDE, Place.INLINE)
    if tall:
        # A number of three digits is wide and leaves room below; a narrower one leaves it beside.
        places = (Place.BESIDE, Place.BELOW) if cells < 3 else (Place.BELOW, Place.BESIDE)
    for styles in (SIGNED, WORDED, WORDLESS):
        for place in places:
            yield place, styles


class _Room:
    """The space of a layout. height: above the strip. width: beside the number."""

    def __init__(
        self, noun: str, cells: int, width: int, height: int, corner: int, reserved: int, strip: tuple[ItemRow, ...]
    ) -> None:
        self._noun = noun
        self.cells, self.tall = cells, height >= TALL
        self.gap = GAPS[self.tall]
        self.height = max(9, height - sum(row.height + self.gap for row in strip))
        self.number_width = max(width - SIDE_GAP - reserved, width // 2 if reserved == LEAST_SIDE else 0)
        self.digits = fit_digits(self.height, self.number_width, cells)
        self.width = width - self.digits.width(cells) - SIDE_GAP
        self.corner = 0 if strip else corner

    @cached_property
    def noun(self) -> Row | None:
        """The noun below a wide number; None if it does not fit."""
        if self.cells < 3:
            return None
        for size in sizes(Face.BOLD, 14):
            row = tight_row(to_drawable(self._noun), Face.BOLD, size)
            if row.height + 2 <= self.height - self.digits.height and row.width <= self.number_width:
                return row
        return None


def _side(
    count: Count,
    oldest: str,
    room: _Room,
    remarks: tuple[tuple[Item, ...], tuple[Item, ...]],
    inline: tuple[Item, ...],
    roomy: bool,
    floor: int,
) -> Side | None:
    """Set the parts beside the number; None if they don't fit.

    oldest: the age's wording. remarks: for rows of their own, the urgent ones apart. inline: to the right of the age.
    roomy: no remark was dropped.
    """
    right = (ItemRow(inline),) if inline else ()
    if right and not count.oldest:
        return None
    rows: list[ItemRow] = []
    for items in remarks:
        packed = pack(items, room.width, apart=room.tall and items is remarks[0])
        if packed is None:
            return None
        rows += packed
    # Below a remark such as `2 to go`, the noun would belong to that number.
    alone = roomy and not rows and room.noun is None
    # The caption outweighs the noun: an age without a name could be a time that is left.
    if rows and rows[-1].width > room.width - room.corner:
        return None
    for captioned, noun in product((True, False), (True, False) if alone else (False,)):
        word = _noun(count, room) if noun else None
        if noun and word is None:
            continue
        below = sum(row.height + room.gap for row in rows) + (word.height + room.gap if word else 0)
        if not count.oldest:
            if below - room.gap <= room.height:
                return Side(None, 0, tuple(rows), word)
            continue
        space = room.height - below
        width = room.width - (room.corner if space > room.height - HEART else 0)
        width -= sum(row.width + SIDE_GAP for row in right)
        most = int(room.digits.height * SECOND)
        age = age_within(oldest, count.mark, width, space, room.tall, captioned, (floor, most))
        if age is not None and all(row.height <= age.block for row in right):
            return Side(age, width, tuple(rows), word, right)
    return None


def _noun(count: Count, room: _Room) -> Row | None:
    """The noun beside the number, at the bottom."""
    face = Face.REGULAR if count.oldest else Face.BOLD
    for size in sizes(face, 10 if count.oldest else 18 if room.tall else 16):
        row = tight_row(to_drawable(count.noun), face, size)
        if row.width <= room.width - room.corner and row.height <= room.height:
            return row
    return None

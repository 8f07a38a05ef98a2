"""Sets the remarks of the count: the urgent ones in large digits, the others in small text.

A remark has its sign and its word. If there is not enough room, an urgent one loses its sign first, and its word last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.core.view import Remark, Sign
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.signs import large_sign, small_sign
from appliance.panel.drawing.text import Row, even_row, tight_row
from appliance.panel.drawing.visual_order import to_drawable

if TYPE_CHECKING:
    from PIL.Image import Image

URGENT = (Sign.PAGED, Sign.LATE)
"""Remarks that a cook acts on, in large digits."""
LARGEST_URGENT = 999
"""Orders above which the number of an urgent remark is shortened."""
SIGN_GAP, WORD_GAP = 2, 3
"""Columns after the sign, and before the word of an urgent remark."""
ITEM_GAP = 4
"""Columns between two remarks in one row."""


@dataclass(frozen=True, slots=True)
class Style:
    """How urgent remarks are set. sign: with their signs. word: the font of their words; None for no words."""

    sign: bool
    word: tuple[Face, int] | None


SIGNED = Style(True, (Face.BOLD, 12)), Style(True, (Face.REGULAR, 10))
WORDED = Style(False, (Face.BOLD, 12)), Style(False, (Face.REGULAR, 10))
WORDLESS = (Style(True, None),)


@dataclass(frozen=True, slots=True)
class Item:
    """A remark's parts from left to right, centred on one line: its sign, and rows of text.

    width, height: columns and rows from edge to edge. The search for a layout reads them thousands of times.
    """

    sign: Image | None
    texts: tuple[Row, ...]
    width: int = field(init=False)
    height: int = field(init=False)

    def __post_init__(self) -> None:
        """Measure the remark."""
        sign = self.sign.width + SIGN_GAP if self.sign else 0
        width = sign + sum(row.width for row in self.texts) + WORD_GAP * (len(self.texts) - 1)
        object.__setattr__(self, "width", width)
        height = max(self.sign.height if self.sign else 0, *(row.height for row in self.texts))
        object.__setattr__(self, "height", height)

    def paint(self, canvas: Canvas, left: int, top: int, height: int) -> None:
        """Draw the remark in the middle of a box of this height."""
        if self.sign is not None:
            canvas.stamp(self.sign, left, top + (height - self.sign.height) // 2)
            left += self.sign.width + SIGN_GAP
        for row in self.texts:
            row.paint(canvas, left, top + (height - row.height) // 2)
            left += row.width + WORD_GAP


@dataclass(frozen=True, slots=True)
class ItemRow:
    """Remarks side by side. width, height: columns and rows from edge to edge."""

    items: tuple[Item, ...]
    width: int = field(init=False)
    height: int = field(init=False)

    def __post_init__(self) -> None:
        """Measure the row."""
        width = sum(item.width for item in self.items) + ITEM_GAP * (len(self.items) - 1)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "height", max(item.height for item in self.items))

    def paint(self, canvas: Canvas, left: int, top: int) -> None:
        """Draw the remarks with the top left corner of their box at this point."""
        for item in self.items:
            item.paint(canvas, left, top, self.height)
            left += item.width + ITEM_GAP


@lru_cache(maxsize=64)
def urgent_item(remark: Remark, height: int, style: Style) -> Item:
    """Set an urgent remark with digits of at least this height in rows."""
    count = remark.count or 0
    number = str(count) if count <= LARGEST_URGENT else f"{LARGEST_URGENT}+"
    texts = [tight_row(number, Face.DIGITS, digit_size(height))]
    if style.word is not None:
        texts.append(tight_row(to_drawable(remark.word), *style.word))
    sign = large_sign(remark.sign)
    if sign.height > texts[0].height:
        sign = small_sign(remark.sign)
    return Item(sign if style.sign else None, tuple(texts))


def small_item(remark: Remark, tall: bool) -> Item:
    """Set another remark."""
    return Item(small_sign(remark.sign), (even_row(to_drawable(remark.text), Face.REGULAR, 11 if tall else 10),))


def pack(items: Sequence[Item], width: int, *, apart: bool = False) -> tuple[ItemRow, ...] | None:
    """Arrange remarks in rows; None if one is too wide. apart: each in a row of its own."""
    rows: list[ItemRow] = []
    for item in items:
        if item.width > width:
            return None
        if rows and not apart and rows[-1].width + ITEM_GAP + item.width <= width:
            rows[-1] = ItemRow((*rows[-1].items, item))
        else:
            rows.append(ItemRow((item,)))
    return tuple(rows)


@lru_cache(maxsize=32)
def digit_size(height: int) -> int:
    """The smallest font size at which each digit is at least this high, in rows."""
    size = height
    while min(tight_row(digit, Face.DIGITS, size).height for digit in "0123456789") < height:
        size += 1
    return size

"""The signs of the display: the one table of each sign's shape, meaning and bitmaps.

Every small bitmap with a meaning comes from here, and the table in docs/install.md is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.core.view import Mark, Sign
from appliance.panel.drawing.shapes import bitmap

if TYPE_CHECKING:
    from PIL.Image import Image

Rows = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A sign's shape in words, its meaning, and its rows of pixels: beside small text, and beside large digits."""

    name: str
    meaning: str
    small: Rows
    large: Rows = ()


SIGNS: dict[Sign, Shape] = {
    Sign.PAGED: Shape(
        "bell",
        "orders that are paged: their guests were called",
        (
            "....#....",
            "..#####..",
            ".#######.",
            ".#######.",
            ".#######.",
            ".#######.",
            "#########",
            "...###...",
        ),
        (
            ".....#.....",
            "...#####...",
            "..#######..",
            ".#########.",
            ".#########.",
            ".#########.",
            ".#########.",
            "###########",
            "...........",
            "....###....",
            ".....#.....",
        ),
    ),
    Sign.LATE: Shape(
        "filled clock",
        "late: older than `orders.late_after`",
        (
            "...###...",
            ".###.###.",
            ".###.###.",
            "####.####",
            "####...##",
            "#########",
            ".#######.",
            ".#######.",
            "...###...",
        ),
        (
            "...#####...",
            ".#########.",
            ".####.####.",
            "#####.#####",
            "#####.#####",
            "#####.#####",
            "#####...###",
            "###########",
            ".#########.",
            ".#########.",
            "...#####...",
        ),
    ),
    Sign.GETTING_OLD: Shape(
        "clock in outline",
        "getting old: older than `orders.warn_after`",
        (
            "...###...",
            ".##...##.",
            ".#..#..#.",
            "#...#...#",
            "#...##..#",
            "#.......#",
            ".#.....#.",
            ".##...##.",
            "...###...",
        ),
    ),
    Sign.UNREADABLE: Shape(
        "question mark",
        "orders that the box counts, and about which it knows nothing else",
        (
            "..#####..",
            ".##...##.",
            "......##.",
            ".....##..",
            "....##...",
            "....##...",
            ".........",
            "....##...",
        ),
    ),
    Sign.TO_GO: Shape(
        "bag",
        "orders to go",
        (
            "...###...",
            "..#...#..",
            "#########",
            "#.......#",
            "#.......#",
            "#.......#",
            "#.......#",
            "#########",
        ),
    ),
    Sign.OLD: Shape(
        "hourglass",
        "orders that nobody cleared for hours (`orders.forget_after`): their trackers may be lost",
        (
            ".#######.",
            "..#...#..",
            "..#####..",
            "...###...",
            "....#....",
            "...#.#...",
            "..#.#.#..",
            ".#######.",
        ),
    ),
    Sign.DIFFERS: Shape(
        "`≠`",
        "today: the gateway's figures and the box's can't be of the same orders",
        (
            "......#",
            ".....#.",
            "#######",
            "...#...",
            "#######",
            ".#.....",
            "#......",
        ),
    ),
    Sign.WARNING: Shape(
        "triangle with an exclamation mark",
        "a warning: do as the words beside it say",
        (
            ".....#.....",
            "....#.#....",
            "....#.#....",
            "...#.#.#...",
            "...#.#.#...",
            "..#..#..#..",
            "..#.....#..",
            ".#...#...#.",
            "###########",
        ),
    ),
}
MARK_SIGNS = {Mark.WARN: Sign.GETTING_OLD, Mark.LATE: Sign.LATE}
"""The sign of an order's age; an order in time has none."""


def small_sign(sign: Sign) -> Image:
    """The sign as it is drawn beside small text."""
    return bitmap(SIGNS[sign].small)


def large_sign(sign: Sign) -> Image:
    """The sign as it is drawn beside large digits."""
    return bitmap(SIGNS[sign].large or SIGNS[sign].small)

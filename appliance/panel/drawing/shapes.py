"""The small shapes that say at a glance what a number is about, pixel by pixel."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.core.view import Mark, RemarkKind

if TYPE_CHECKING:
    from PIL.Image import Image

SIGNS = {
    RemarkKind.LATE: (
        "....#....",
        "...###...",
        "...###...",
        "..##.##..",
        "..##.##..",
        ".###.###.",
        ".#######.",
        "####.####",
    ),
    RemarkKind.PAGED: (
        "....#....",
        "..#####..",
        ".#######.",
        ".#######.",
        ".#######.",
        ".#######.",
        "#########",
        "...###...",
    ),
    RemarkKind.TO_GO: (
        "...###...",
        "..#...#..",
        "#########",
        "#.......#",
        "#.......#",
        "#.......#",
        "#.......#",
        "#########",
    ),
    RemarkKind.OLD: (
        ".#######.",
        "..#...#..",
        "..#####..",
        "...###...",
        "....#....",
        "...#.#...",
        "..#.#.#..",
        ".#######.",
    ),
    RemarkKind.UNREADABLE: (
        "..#####..",
        ".##...##.",
        "......##.",
        ".....##..",
        "....##...",
        "....##...",
        ".........",
        "....##...",
    ),
}
SIGN_SIZE = (9, 8)
"""Pixels: a warning triangle, a bell, a bag with its handle, an hourglass that has run out, and a question mark."""
MARKS = {
    Mark.FINE: (".......", "..###..", ".#...#.", ".#...#.", ".#...#.", "..###..", "......."),
    Mark.WARN: ("...#...", "...#...", "..#.#..", "..#.#..", ".#...#.", ".#...#.", "#######"),
    Mark.LATE: ("...#...", "...#...", "..###..", "..###..", ".#####.", ".#####.", "#######"),
}
"""Seven by seven pixels: a ring, a hollow triangle, a filled one."""
ALERTS = {
    Mark.WARN: (
        ".....#.....",
        "....#.#....",
        "....#.#....",
        "...#...#...",
        "...#...#...",
        "..#.....#..",
        "..#.....#..",
        ".#.......#.",
        "###########",
    ),
    Mark.LATE: (
        ".....#.....",
        "....###....",
        "....###....",
        "...##.##...",
        "...##.##...",
        "..###.###..",
        "..#######..",
        ".####.####.",
        "###########",
    ),
}
"""Eleven by nine pixels, beside the oldest order's age."""
FAULT = (
    ".....#.....",
    "....#.#....",
    "....#.#....",
    "...#.#.#...",
    "...#.#.#...",
    "..#..#..#..",
    "..#.....#..",
    ".#...#...#.",
    "###########",
)
BELL = (
    ".......##.......",
    ".......##.......",
    ".....######.....",
    "....########....",
    "...##########...",
    "...##########...",
    "...##########...",
    "...##########...",
    "...##########...",
    "..############..",
    "..############..",
    ".##############.",
    "................",
    "......####......",
    ".......##.......",
)
HEART = 7
"""The corner at the bottom right that every screen leaves to the heart, both ways."""
HEARTS = {
    True: (".#.#.", "#####", "#####", ".###.", "..#.."),
    False: (".#.#.", "#.#.#", "#...#", ".#.#.", "..#.."),
}
"""Five by five pixels: the heart as it beats."""


@lru_cache(maxsize=32)
def bitmap(rows: tuple[str, ...]) -> Image:
    """Rows of `#` and `.` as one-bit ink."""
    from PIL import Image

    ink = Image.new("1", (len(rows[0]), len(rows)))
    ink.putdata([cell == "#" for row in rows for cell in row])
    return ink

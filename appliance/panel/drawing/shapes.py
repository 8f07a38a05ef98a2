"""Bitmaps of the small signs and marks."""

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
"""Width and height of the bottom right corner that every screen leaves for the heartbeat."""
HEARTS = {
    True: (".#.#.", "#####", "#####", ".###.", "..#.."),
    False: (".#.#.", "#.#.#", "#...#", ".#.#.", "..#.."),
}
"""Five by five pixels: the two phases of the heartbeat."""


@lru_cache(maxsize=32)
def bitmap(rows: tuple[str, ...]) -> Image:
    """Convert rows of `#` and `.` to a one-bit picture."""
    from PIL import Image

    ink = Image.new("1", (len(rows[0]), len(rows)))
    ink.putdata([cell == "#" for row in rows for cell in row])
    return ink

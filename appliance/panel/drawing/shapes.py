"""Bitmaps without a meaning of their own: the large bell of a paged order, and the heartbeat."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

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

"""Converts a one-bit picture to braille characters, each two pixels wide and four high. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

BLANK = 0x2800
"""Unicode's braille pattern without dots; each dot adds a bit to it."""
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a cell's dots, by row and column (Unicode, Braille Patterns)."""


def to_braille(picture: Image) -> list[str]:
    """Return the picture's rows of characters from top to bottom; 128x64 pixels give 16 rows of 64 characters.

    picture: of mode "1". Pixels of a character outside the picture are dark.
    """
    width, height = picture.size
    stride = (width + 7) // 8
    packed = picture.tobytes()
    rows = []
    for top in range(0, height, 4):
        cells = [BLANK] * ((width + 1) // 2)
        for y, (left_dot, right_dot) in enumerate(DOTS[: height - top]):
            line = packed[(top + y) * stride : (top + y + 1) * stride]
            for index, byte in enumerate(line):
                if not byte:
                    continue
                for cell in range(4):
                    pair = byte >> (6 - 2 * cell) & 3
                    if pair:
                        cells[index * 4 + cell] |= (left_dot if pair & 2 else 0) | (right_dot if pair & 1 else 0)
        rows.append("".join(map(chr, cells)))
    return rows

"""The fonts that ship with the box, one character at a time, as one-bit ink.

Owns which font draws which character. Licences and how the files were made: fonts/README.md.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

FILES = Path(__file__).parent / "fonts"
WIDE = "unifont-wide-16x16.bin"
"""GNU Unifont's letters of East Asia: 32 bytes each, a row in two, for every character of these ranges in turn."""
RANGES = (
    (0x3000, 0x30FF),
    (0x3130, 0x318F),
    (0x31F0, 0x31FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xFF00, 0xFFEF),
)
CELL = 16
"""Height of those letters in pixels. They are drawn at it or at a multiple of it: in between they are mush."""
BELOW = 2
"""Rows of their cell that are below the baseline."""


class Face(Enum):
    """A font, by the file of its outlines."""

    REGULAR = "DejaVuSansCondensed.ttf"
    BOLD = "DejaVuSansCondensed-Bold.ttf"
    DIGITS = "RobotoCondensed-Bold.ttf"


STRIKES = {
    Face.REGULAR: ("Helvetica", (8, 10, 12, 14, 17, 20, 24)),
    Face.BOLD: ("Helvetica-Bold", (10, 12, 14, 17, 20, 24)),
    Face.DIGITS: ("", ()),
}
"""Fonts drawn by hand, pixel by pixel, and the sizes at which they were: outlines make small letters that look alike,
such as an f and a t. What a strike lacks, and what is larger than the largest, comes from the outlines."""
OUTLINE = {8: 9, 10: 11}
"""Size of the outlines that are as high as a strike, where the two differ."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character's ink, None for a space; its place relative to pen and baseline, and how far the pen moves on."""

    ink: Image | None
    left: int
    top: int
    width: int
    bottom: int
    advance: int


@lru_cache(maxsize=2048)
def glyph(character: str, face: Face, height: int) -> Glyph:
    """A character that `has`. height: the font's size in pixels."""
    if is_wide(character):
        return _wide_glyph(character, height)
    from PIL import Image, ImageDraw

    size = strike_size(face, height)
    if size is not None and _in_strike(character, face, size):
        font = _strike_font(face, size)
    else:
        font = _outline_font(face, height if size is None else OUTLINE.get(size, size))
    advance = round(font.getlength(character))
    canvas = Image.new("1", (advance + 2 * height, 3 * height))
    ImageDraw.Draw(canvas).text((height, 2 * height), character, fill=1, font=font, anchor="ls")
    return _trimmed(canvas, height, 2 * height, advance)


def strike_size(face: Face, height: int) -> int | None:
    """The size of the strike for a height in pixels, the largest that is no higher; None where outlines draw it."""
    sizes = STRIKES[face][1]
    if not sizes or height > sizes[-1]:
        return None
    return max((size for size in sizes if size <= height), default=sizes[0])


@lru_cache(maxsize=1024)
def has_glyph(character: str) -> bool:
    """Whether some font has a glyph of its own for it: they draw a box for what they lack, as for U+FFFF.

    What is no space and has no ink among the letters of East Asia, it has not: it would be a gap.
    """
    if unicodedata.category(character) in ("Cs", "Cn", "Co"):
        return False
    if is_wide(character):
        return character.isspace() or _wide_glyph(character, CELL).ink is not None
    font = _outline_font(Face.REGULAR, CELL)
    return bytes(font.getmask(character, mode="1")) != bytes(font.getmask("\uffff", mode="1"))


def is_wide(character: str) -> bool:
    """Whether it is one of the letters of East Asia."""
    code = ord(character)
    return code >= RANGES[0][0] and any(first <= code <= last for first, last in RANGES)


def _wide_glyph(character: str, height: int) -> Glyph:
    from PIL import Image

    code, before = ord(character), 0
    for first, last in RANGES:
        if first <= code <= last:
            before += code - first
            break
        before += last - first + 1
    cell = Image.frombytes("1", (CELL, CELL), _wide_glyphs()[32 * before : 32 * before + 32])
    times = max(1, height // CELL)
    cell = cell.resize((CELL * times, CELL * times), Image.Resampling.NEAREST)
    advance = CELL if unicodedata.east_asian_width(character) in "WF" else CELL // 2
    return _trimmed(cell, 0, (CELL - BELOW) * times, advance * times)


@lru_cache(maxsize=1)
def _wide_glyphs() -> mmap:
    # Mapped, not read: a name needs a few hundred bytes of the megabyte.
    with (FILES / WIDE).open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _trimmed(canvas: Image, pen: int, baseline: int, advance: int) -> Glyph:
    box = canvas.getbbox()
    if box is None:
        return Glyph(None, 0, 0, 0, 0, advance)
    left, top, right, bottom = box
    return Glyph(canvas.crop(box), left - pen, top - baseline, right - left, bottom - baseline, advance)


def _in_strike(character: str, face: Face, size: int) -> bool:
    """Whether a strike has the character: it draws its first glyph for what it lacks."""
    if character.isascii():
        return True
    font = _strike_font(face, size)
    return bytes(font.getmask(character, mode="1")) != bytes(font.getmask("\uffff", mode="1"))


@lru_cache(maxsize=16)
def _strike_font(face: Face, size: int) -> FreeTypeFont:
    import gzip
    from io import BytesIO

    from PIL import ImageFont

    # Unpacked here, once: FreeType would begin anew with each glyph.
    file = BytesIO(gzip.decompress((FILES / f"{STRIKES[face][0]}-{size}.pcf.gz").read_bytes()))
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _outline_font(face: Face, height: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(str(FILES / face.value), height, layout_engine=ImageFont.Layout.BASIC)

"""Renders single characters of the bundled fonts as one-bit glyphs, and selects the font for each character.

For licences and the origin of the files see fonts/README.md.
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
"""GNU Unifont's East Asian characters: 32 bytes each, two per row, for the characters of RANGES in order."""
RANGES = (
    (0x3000, 0x30FF),
    (0x3130, 0x318F),
    (0x31F0, 0x31FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xFF00, 0xFFEF),
)
CELL = 16
"""Their height in pixels. They are scaled by whole numbers only, because other sizes are illegible."""
BELOW = 2
"""Rows of their cell below the baseline."""


class Face(Enum):
    """A font, by its outline file."""

    REGULAR = "DejaVuSansCondensed.ttf"
    BOLD = "DejaVuSansCondensed-Bold.ttf"
    DIGITS = "RobotoCondensed-Bold.ttf"


STRIKES = {
    Face.REGULAR: ("Helvetica", (8, 10, 12, 14, 17, 20, 24)),
    Face.BOLD: ("Helvetica-Bold", (10, 12, 14, 17, 20, 24)),
    Face.DIGITS: ("", ()),
}
"""Bitmap strikes (hand-drawn fonts of fixed sizes) and their sizes. Small letters from outlines look alike, such as f
and t. The outlines serve larger sizes, and characters that a strike lacks."""
OUTLINE = {8: 9, 10: 11}
"""The outline size that matches the height of a strike, if the sizes differ."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character's bitmap (None for a space), its position relative to pen and baseline, and its advance width."""

    ink: Image | None
    left: int
    top: int
    width: int
    bottom: int
    advance: int


@lru_cache(maxsize=2048)
def glyph(character: str, face: Face, height: int) -> Glyph:
    """Render a character for which has_glyph() is true. height: the font size in pixels."""
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
    """The largest strike that is no higher than this height in pixels; None to use the outlines."""
    sizes = STRIKES[face][1]
    if not sizes or height > sizes[-1]:
        return None
    return max((size for size in sizes if size <= height), default=sizes[0])


@lru_cache(maxsize=1024)
def has_glyph(character: str) -> bool:
    """Whether a font has a glyph for the character, which then differs from the box that it draws for U+FFFF.

    East Asian characters with an empty bitmap count as missing, unless they are spaces.
    """
    if unicodedata.category(character) in ("Cs", "Cn", "Co"):
        return False
    if is_wide(character):
        return character.isspace() or _wide_glyph(character, CELL).ink is not None
    font = _outline_font(Face.REGULAR, CELL)
    return bytes(font.getmask(character, mode="1")) != bytes(font.getmask("\uffff", mode="1"))


def is_wide(character: str) -> bool:
    """Whether the character is in RANGES."""
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
    # Memory-mapped, because a name needs only a few hundred bytes of the megabyte.
    with (FILES / WIDE).open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _trimmed(canvas: Image, pen: int, baseline: int, advance: int) -> Glyph:
    box = canvas.getbbox()
    if box is None:
        return Glyph(None, 0, 0, 0, 0, advance)
    left, top, right, bottom = box
    return Glyph(canvas.crop(box), left - pen, top - baseline, right - left, bottom - baseline, advance)


def _in_strike(character: str, face: Face, size: int) -> bool:
    """Whether a strike has the character; it draws its first glyph for missing ones."""
    if character.isascii():
        return True
    font = _strike_font(face, size)
    return bytes(font.getmask(character, mode="1")) != bytes(font.getmask("\uffff", mode="1"))


@lru_cache(maxsize=16)
def _strike_font(face: Face, size: int) -> FreeTypeFont:
    import gzip
    from io import BytesIO

    from PIL import ImageFont

    # Decompressed once here, because FreeType would decompress the file again for each glyph.
    file = BytesIO(gzip.decompress((FILES / f"{STRIKES[face][0]}-{size}.pcf.gz").read_bytes()))
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=64)
def _outline_font(face: Face, height: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(str(FILES / face.value), height, layout_engine=ImageFont.Layout.BASIC)

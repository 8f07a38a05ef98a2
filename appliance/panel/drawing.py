"""A Screen's words as a one-bit picture, for a display of any size.

Owns where each line goes and how large it is. Nothing is ever cut off: lines wrap at words, then shrink, and what is
still too wide ends in an ellipsis. Pure: the same screen gives the same picture.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.core.view import Line, Screen, Size

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

SMALLEST = 9
"""Height in pixels below which this font's letters lose their strokes."""
LEVELS = ((12, 18), (11, 16), (10, 15), (10, 13), (9, 12), (9, 10), (9, 9), (8, 8))
"""Heights in pixels of SMALL and MEDIUM, the largest first; the last is hard to read, and only better than a gap."""
GAPS = (2, 6)
"""Pixels between two rows, at least where HUGE leaves a choice, and at most."""
HUGE_SHARES = (0.55, 0.4, 0.25)
"""How much of the height is kept for HUGE lines while the others choose their level: as much as still fits."""
HUGE_WRAPS_BELOW = 14
"""A HUGE line that would be smaller than this in one row is words rather than a number, and is wrapped."""
LONGEST = 200
"""Characters of a line that are looked at; far more than fit on any display."""
REPLACED = {"≥": ">=", "≤": "<=", "×": "x", "→": "->", "←": "<-", "–": "-", "—": "-", "ß": "ss", "ø": "o", "Ø": "O"}
REPLACED |= {"ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D"}
"""What stands for a character that the font lacks and that Unicode does not take apart."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of text with its place: where its first glyph starts and its baseline, in pixels from the top left."""

    text: str
    height: int
    left: int
    baseline: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of text and the box it takes: top and bottom are relative to its baseline."""

    text: str
    height: int
    width: int
    top: int
    bottom: int


def draw(screen: Screen, size: tuple[int, int] = (128, 64)) -> Image:
    """Draw a screen. size: width and height in pixels. The picture's mode is "1"; lit pixels are 1."""
    return paint(layout(screen, size), screen.bar, size)


def paint(rows: Iterable[Placed], bar: float | None, size: tuple[int, int], margin: int = 0) -> Image:
    """Put rows and bar on a black picture, with a margin in pixels around it that a layout must leave black."""
    from PIL import Image, ImageDraw

    width, height = size
    picture = Image.new("1", (width + 2 * margin, height + 2 * margin))
    for row in rows:
        for at, glyph in _spaced(row.text, row.height):
            if glyph.ink is not None:
                picture.paste(glyph.ink, (row.left + at + margin, row.baseline + glyph.top + margin))
    pen = ImageDraw.Draw(picture)
    if bar is not None:
        left, top = margin, margin + height - _bar_height(height)
        right, bottom = margin + width - 1, margin + height - 1
        pen.rectangle((left, top, right, bottom), outline=1)
        filled = round((width - 4) * min(1.0, max(0.0, bar)))
        if filled > 0:
            pen.rectangle((left + 2, top + 2, left + 1 + filled, max(top + 2, bottom - 2)), fill=1)
    return picture


@lru_cache(maxsize=32)
def layout(screen: Screen, size: tuple[int, int]) -> tuple[Placed, ...]:
    """Choose height and place of every row. What cannot be placed at all on a tiny display is left out at the end."""
    width, height = size
    space = height - (_bar_height(height) + 2 if screen.bar is not None else 0)
    lines = [Line(text, line.size) for line in screen.lines if (text := clean(line.text))]
    rows = _choose(lines, width, space)
    gaps = max(1, len(rows) - 1)
    spare = space - sum(row.bottom - row.top for row in rows)
    gap = min(GAPS[1], max(spare // (gaps + 2), min(GAPS[0], spare // gaps)))
    top = max(0, (spare - gap * (len(rows) - 1)) // 2)
    placed = []
    for row in rows:
        left = (width - row.width) // 2
        placed.append(Placed(row.text, row.height, left, top - row.top))
        top += row.bottom - row.top + gap
    return tuple(placed)


def clean(text: str) -> str:
    """The text in characters that the font has: letters without their accents, and "?" for all else."""
    drawn = "".join(map(_drawable, unicodedata.normalize("NFC", text[: LONGEST + 1])))
    drawn = " ".join(drawn.split())
    return drawn if len(text) <= LONGEST else drawn[: LONGEST - 1] + "…"


def _choose(lines: Sequence[Line], width: int, space: int) -> list[_Row]:
    """The rows of the first way to set these lines that fits the space; rows want a pixel between them."""
    huge = any(line.size is Size.HUGE for line in lines)
    for share in HUGE_SHARES if huge else (0.0,):
        for small, medium in LEVELS:
            rows = _set_all(lines, small, medium, width, space, share)
            if rows is not None:
                return rows
    rows = [_fit(line.text, LEVELS[-1][0], width) for line in lines]
    while rows and _total(rows) > space:
        rows.pop()
    return rows


def _set_all(lines: Sequence[Line], small: int, medium: int, width: int, space: int, share: float) -> list[_Row] | None:
    """All rows with SMALL and MEDIUM as given and HUGE in what they leave, or None where they do not fit."""
    set_lines: list[list[_Row] | None] = []
    huge_count = 0
    for line in lines:
        if line.size is Size.HUGE and _largest(line.text, width, space).height >= HUGE_WRAPS_BELOW:
            set_lines.append(None)
            huge_count += 1
        else:
            set_lines.append(_wrap(line.text, small if line.size is Size.SMALL else medium, width))
    others = [row for rows in set_lines if rows is not None for row in rows]
    left = space - _total(others)
    if not huge_count:
        return others if left >= 0 else None
    left -= GAPS[0] * (len(others) + huge_count - 1) - max(0, len(others) - 1)
    if left < share * space:
        return None
    each = left // huge_count
    result: list[_Row] = []
    for line, rows in zip(lines, set_lines, strict=True):
        result += rows if rows is not None else [_largest(line.text, width, each)]
    return result if _total(result) <= space else None


def _wrap(text: str, height: int, width: int) -> list[_Row]:
    """Rows of whole words, each as wide as fits."""
    rows: list[str] = []
    for word in text.split(" "):
        if rows and _row(f"{rows[-1]} {word}", height).width <= width:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return [_fit(row, height, width) for row in rows]


def _fit(text: str, height: int, width: int) -> _Row:
    """One row, at this height or smaller, and with an ellipsis where even that is too wide."""
    smallest = min(height, SMALLEST)
    for smaller in range(height, smallest - 1, -1):
        row = _row(text, smaller)
        if row.width <= width:
            return row
    kept = bisect_right(range(len(text)), 0, key=lambda kept: _row(text[:kept] + "…", smallest).width > width)
    return _row(text[: max(0, kept - 1)] + "…", smallest)


def _largest(text: str, width: int, space: int) -> _Row:
    """One row as large as fits both ways, by its ink alone."""

    # Ink grows all but evenly with the height, so the answer is near the one that a single measure gives.
    probe = _ink(text, 32)
    guess = int(32 * min(width / max(1, probe.width), space / max(1, probe.bottom - probe.top))) + 2
    for height in range(guess, SMALLEST - 1, -1):
        row = _ink(text, height)
        if row.width <= width and row.bottom - row.top <= space:
            return row
    return _fit(text, SMALLEST, width)


def _total(rows: Sequence[_Row]) -> int:
    return sum(row.bottom - row.top for row in rows) + max(0, len(rows) - 1)


def _bar_height(height: int) -> int:
    return 7 if height >= 48 else 5


def _row(text: str, height: int) -> _Row:
    """A row with room for any letter, so that rows of one height stand evenly."""
    ink, plain = _ink(text, height), _ink("Hdgp", height)
    return _Row(text, height, ink.width, min(ink.top, plain.top), max(ink.bottom, plain.bottom))


@lru_cache(maxsize=512)
def _ink(text: str, height: int) -> _Row:
    """A row's own ink, from its first lit pixel to its last both ways."""
    inked = [(at, glyph) for at, glyph in _spaced(text, height) if glyph.ink is not None]
    width = max((at + glyph.width for at, glyph in inked), default=0)
    top, bottom = (
        min((glyph.top for _, glyph in inked), default=0),
        max((glyph.bottom for _, glyph in inked), default=0),
    )
    return _Row(text, height, width, top, bottom)


@lru_cache(maxsize=128)
def _spaced(text: str, height: int) -> tuple[tuple[int, _Glyph], ...]:
    """The glyphs of a row and where each one's ink starts.

    Set here at whole pixels and with at least one dark column in between: at fractions of a pixel, as the library sets
    them, small letters touch and the dots of an address vanish.
    """
    row: list[tuple[int, _Glyph]] = []
    pen = free = 0
    for character in text:
        glyph = _glyph(character, height)
        if glyph.ink is None:
            pen = free = max(pen + glyph.advance, free + height // 4)
            continue
        at = max(pen + glyph.left, free) if row else 0
        row.append((at, glyph))
        pen = at - glyph.left + glyph.advance
        free = at + glyph.width + 1
    return tuple(row)


@dataclass(frozen=True, slots=True)
class _Glyph:
    """One character's ink, None for a space; its place relative to pen and baseline, and how far the pen moves on."""

    ink: Image | None
    left: int
    top: int
    width: int
    bottom: int
    advance: int


@lru_cache(maxsize=1024)
def _glyph(character: str, height: int) -> _Glyph:
    from PIL import Image, ImageDraw

    font = _font(height)
    advance = round(font.getlength(character))
    canvas = Image.new("1", (advance + 2 * height, 3 * height))
    ImageDraw.Draw(canvas).text((height, 2 * height), character, fill=1, font=font, anchor="ls")
    box = canvas.getbbox()
    if box is None:
        return _Glyph(None, 0, 0, 0, 0, advance)
    left, top, right, bottom = box
    return _Glyph(canvas.crop(box), left - height, top - 2 * height, right - left, bottom - 2 * height, advance)


@lru_cache(maxsize=64)
def _font(height: int) -> FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size=height)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise TypeError("Pillow was built without FreeType")
    return font


@lru_cache(maxsize=1024)
def _drawable(character: str) -> str:
    """What stands for one character."""
    if " " <= character <= "~":
        return character
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Mn", "Me"):
        return ""
    if category not in ("Cs", "Cn", "Co") and _has(character):
        return character
    if character in REPLACED:
        return REPLACED[character]
    parts = unicodedata.normalize("NFKD", character)
    return "".join(map(_drawable, parts)) if parts != character else "?"


def _has(character: str) -> bool:
    """Whether the font has a glyph of its own for it: it draws a box for what it lacks, as for U+FFFF."""
    font = _font(16)
    return bytes(font.getmask(character, mode="1")) != bytes(font.getmask("\uffff", mode="1"))

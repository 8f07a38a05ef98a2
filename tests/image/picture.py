"""Reads the display's picture from the controller's memory: its words for tests, and a PNG for people.

It finds a word by drawing it as the appliance does and searching for the same pixels, in each size, light on dark or
dark on light.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageOps

from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.text import tight_row

WIDTH, HEIGHT = 128, 64


def from_controller(memory: bytes, *, flipped: bool) -> Image.Image:
    """The picture in an SSD1306's memory: bands of eight rows, a byte per column, the lowest bit on top.

    flipped: the controller maps its columns from right to left, which is how luma turns the panel the right way up.
    """
    picture = Image.new("1", (WIDTH, HEIGHT))
    for at, byte in enumerate(memory):
        page, column = divmod(at, WIDTH)
        for bit in range(8):
            if byte >> bit & 1:
                picture.putpixel((column, page * 8 + bit), 1)
    return picture if flipped else ImageOps.mirror(ImageOps.flip(picture))


def says(picture: Image.Image, words: str) -> bool:
    """Return True if the picture has these words."""
    light = _rows(picture)
    dark = [row.translate(INVERTED) for row in light]
    for face, size in _faces():
        drawn = _drawn(words, face, size)
        if drawn is not None and (_found(light, drawn) or _found(dark, drawn)):
            return True
    return False


def enlarged(picture: Image.Image, times: int = 4) -> Image.Image:
    """The picture, enlarged for people."""
    return picture.convert("L").resize((WIDTH * times, HEIGHT * times), Image.Resampling.NEAREST)


def _faces() -> list[tuple[Face, int]]:
    return [(face, size) for face in Face for size in range(9, 90)]


@lru_cache(maxsize=4096)
def _drawn(words: str, face: Face, size: int) -> tuple[str, ...] | None:
    row = tight_row(words, face, size)
    if not 0 < row.width <= WIDTH or not 0 < row.height <= HEIGHT:
        return None
    canvas = Canvas(row.width, row.height)
    row.paint(canvas, 0, 0)
    return tuple(_rows(canvas.image))


INVERTED = str.maketrans("01", "10")


def _rows(picture: Image.Image) -> list[str]:
    """Each row as zeros and ones."""
    pixels = "".join("1" if pixel else "0" for pixel in picture.convert("L").tobytes())
    return [pixels[at : at + picture.width] for at in range(0, len(pixels), picture.width)]


def _found(rows: list[str], wanted: tuple[str, ...]) -> bool:
    """Return True if the wanted rows are somewhere in these. Starts with the row that is least likely by chance."""
    rare = max(range(len(wanted)), key=lambda y: wanted[y].count("01"))
    for top in range(HEIGHT - len(wanted) + 1):
        at = rows[top + rare].find(wanted[rare])
        while at >= 0:
            if all(rows[top + y].startswith(row, at) for y, row in enumerate(wanted)):
                return True
            at = rows[top + rare].find(wanted[rare], at + 1)
    return False

"""The display's picture as its controller holds it: what is to be read on it, and as a PNG for people.

Words are found by drawing them as the appliance does and looking for those very pixels, in each size, light on dark or
dark on light.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageOps

from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.text import ink

WIDTH, HEIGHT = 128, 64


def from_controller(memory: bytes, *, flipped: bool) -> Image.Image:
    """The picture in an SSD1306's memory: pages of eight rows, a byte a column, its lowest bit on top.

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
    """Whether these words stand on it."""
    for ground in (picture, ImageOps.invert(picture.convert("L")).convert("1")):
        rows = _rows(ground)
        for face, size in _faces():
            drawn = _drawn(words, face, size)
            if drawn is not None and _found(rows, *drawn):
                return True
    return False


def enlarged(picture: Image.Image, times: int = 4) -> Image.Image:
    """For people."""
    return picture.convert("L").resize((WIDTH * times, HEIGHT * times), Image.Resampling.NEAREST)


def _faces() -> list[tuple[Face, int]]:
    return [(face, size) for face in Face for size in range(9, 90)]


@lru_cache(maxsize=4096)
def _drawn(words: str, face: Face, size: int) -> tuple[int, tuple[int, ...]] | None:
    row = ink(words, face, size)
    if not 0 < row.width <= WIDTH or not 0 < row.height <= HEIGHT:
        return None
    canvas = Canvas(row.width, row.height)
    row.paint(canvas, 0, 0)
    return row.width, tuple(_rows(canvas.image))


def _rows(picture: Image.Image) -> list[int]:
    """Each row as a number, its leftmost pixel the highest bit."""
    rows = []
    for y in range(picture.height):
        row = 0
        for x in range(picture.width):
            row = row << 1 | bool(picture.getpixel((x, y)))
        rows.append(row)
    return rows


def _found(rows: list[int], width: int, wanted: tuple[int, ...]) -> bool:
    mask = (1 << width) - 1
    for top in range(HEIGHT - len(wanted) + 1):
        for shift in range(WIDTH - width + 1):
            if all(rows[top + y] >> shift & mask == row for y, row in enumerate(wanted)):
                return True
    return False

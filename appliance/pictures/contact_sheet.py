"""The contact sheet: all example screens as one picture, for README, and each as a picture of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.panel.front_view import font
from appliance.pictures.example_screens import EXAMPLES, STEPS
from appliance.pictures.screen_card import PAPER, card

if TYPE_CHECKING:
    from PIL import Image

    from appliance.pictures.example_screens import Example

SIZES = ((128, 64), (128, 32))
"""The displays in pixels: the usual and the small one."""
SHEET_SCALES = (3, 2)
"""The enlargement of each display on the sheet."""
SINGLE_SCALE = 6
"""The enlargement of a single picture."""
COLUMNS = 3
MARGIN = 14
CAPTION = 27
INK = (40, 40, 40)
FAINT = (130, 130, 126)
COLOURS = 48
"""The size of the palette: enough for a two-coloured display and three LEDs, and small files."""


def sheet(
    examples: Sequence[Example] = EXAMPLES, sizes: Sequence[tuple[int, int]] = SIZES, columns: int = COLUMNS
) -> Image.Image:
    """Every example under its caption, on each display; RGB."""
    from PIL import Image, ImageDraw

    cells = [
        [card(view, size, scale) for size, scale in zip(sizes, SHEET_SCALES, strict=False)] for _, view in examples
    ]
    wide = max((one.width for cell in cells for one in cell), default=0)
    high = CAPTION + max((sum(one.height + MARGIN // 2 for one in cell) for cell in cells), default=0)
    rows = -(-len(cells) // columns)
    whole = (columns * (wide + MARGIN) + MARGIN, rows * (high + MARGIN) + MARGIN)
    picture = Image.new("RGB", whole, PAPER)
    pen = ImageDraw.Draw(picture)
    for number, ((caption, _), cell) in enumerate(zip(examples, cells, strict=True)):
        left = MARGIN + number % columns * (wide + MARGIN)
        top = MARGIN + number // columns * (high + MARGIN)
        pen.text((left + 2, top + CAPTION // 2), caption, INK, font(19), anchor="lm")
        top += CAPTION
        for one, size in zip(cell, sizes, strict=True):
            picture.paste(one, (left, top))
            if one.width < wide:
                words = f"on {size[0]} x {size[1]}"
                pen.text((left + one.width + MARGIN // 2, top + one.height // 2), words, FAINT, font(14), anchor="lm")
            top += one.height + MARGIN // 2
    return picture


def save_sheet(path: Path) -> None:
    """Write the sheet as PNG. Raises OSError."""
    _save(sheet(), path)


def save_steps(path: Path) -> None:
    """Write the steps of an installation, from the first start to the count, as PNG. Raises OSError."""
    _save(sheet(STEPS, SIZES[:1], columns=2), path)


def save_all(folder: Path) -> None:
    """Write the sheet as FOLDER/screens.png, and FOLDER/WIDTHxHEIGHT/NAME.png for every example on every display.

    Missing folders are made. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_sheet(folder / "screens.png")
    for wide, high in SIZES:
        inside = folder / f"{wide}x{high}"
        inside.mkdir(exist_ok=True)
        for caption, view in EXAMPLES:
            _save(card(view, (wide, high), SINGLE_SCALE), inside / f"{name(caption)}.png")


def name(caption: str) -> str:
    """The file name of a caption, without its extension: `Gateway found` becomes `gateway-found`."""
    return "-".join(re.findall(r"[a-z0-9]+", caption.lower().replace("'", "")))


def _save(picture: Image.Image, path: Path) -> None:
    picture.quantize(COLOURS).save(path, "PNG", optimize=True)

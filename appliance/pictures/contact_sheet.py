"""Pictures of all screens: one contact sheet, and a file for each screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.panel.front_view import font
from appliance.pictures.example_screens import EXAMPLES
from appliance.pictures.screen_card import PAPER, card
from appliance.progress import ProgressBar

if TYPE_CHECKING:
    from PIL import Image

    from appliance.pictures.example_screens import Example

SIZES = ((128, 64), (128, 32))
"""The supported displays, in pixels."""
SHEET_SCALES = (3, 2)
"""The scale of each display on the sheet."""
SINGLE_SCALE = 6
"""The scale of the separate pictures."""
COLUMNS = 3
MARGIN = 14
CAPTION = 27
INK = (40, 40, 40)
FAINT = (130, 130, 126)
COLOURS = 32
"""Size of the palette: few colours keep the files small."""


def sheet(
    examples: Sequence[Example] = EXAMPLES, sizes: Sequence[tuple[int, int]] = SIZES, columns: int = COLUMNS
) -> Image.Image:
    """All examples with captions, each on all displays; RGB."""
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


def save_steps(steps: Sequence[Example], path: Path) -> None:
    """Write the pictures of some steps as PNG. Raises OSError."""
    _save(sheet(steps, SIZES[:1], columns=2), path)


def save_all(folder: Path, progress: ProgressBar | None = None) -> None:
    """Write FOLDER/screens.png (the sheet), and FOLDER/WIDTHxHEIGHT/NAME.png for each example on each display.

    Creates missing folders. Raises OSError.
    """
    progress = progress or ProgressBar(StringIO(), "")
    folder.mkdir(parents=True, exist_ok=True)
    progress.step(f"{folder / 'screens.png'}")
    progress.show(0.0, "screens.png")
    save_sheet(folder / "screens.png")
    total, done = len(SIZES) * len(EXAMPLES), 0
    for wide, high in SIZES:
        inside = folder / f"{wide}x{high}"
        inside.mkdir(exist_ok=True)
        progress.step(f"{len(EXAMPLES)} pictures in {inside}")
        for caption, view in EXAMPLES:
            progress.show(done / total, f"{inside.name}/{name(caption)}.png")
            _save(card(view, (wide, high), SINGLE_SCALE), inside / f"{name(caption)}.png")
            done += 1


def name(caption: str) -> str:
    """The file name of a caption without the suffix: `Gateway found` becomes `gateway-found`."""
    return "-".join(re.findall(r"[a-z0-9]+", caption.lower().replace("'", "")))


def _save(picture: Image.Image, path: Path) -> None:
    from PIL.Image import Quantize

    # Several times as fast as Pillow's default, and closer to the smooth edges of text.
    picture.quantize(COLOURS, Quantize.FASTOCTREE).save(path, "PNG", optimize=True)

"""The bytes that change a display from one picture to the next.

luma packs every pixel in a Python loop and sends the whole picture each time, 92 ms of bus at 100 kHz; for the two
kinds of controller that nearly every small display has, this sends only the columns that changed, packed by Pillow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMN_RANGE, PAGE_RANGE = 0x21, 0x22
"""SSD1306: where the bytes that follow go, as first and last column and page (data sheet, horizontal addressing)."""
PAGE, LOW_COLUMN, HIGH_COLUMN = 0xB0, 0x00, 0x10
"""SH1106: page, and the column's low and high four bits, each added to its command (data sheet, page addressing)."""


def send(device: Any, picture: Image, before: Image | None) -> None:
    """Make a luma device that shows `before` (None: unknown) show `picture`, which has its size and mode "1".

    Raises whatever the device raises.
    """
    kinds = {kind.__name__ for kind in type(device).__mro__}
    one_bit = device.mode == "1"
    if one_bit and "ssd1306" in kinds:
        for page, first, columns in _changes(device, picture, before):
            left = device._colstart + first
            device.command(COLUMN_RANGE, left, left + len(columns) - 1, PAGE_RANGE, page, page)
            device.data(list(columns))
    elif one_bit and "sh1106" in kinds:
        for page, first, columns in _changes(device, picture, before):
            left = device._page_address_offset + first
            device.command(PAGE + page, LOW_COLUMN + (left & 0x0F), HIGH_COLUMN + (left >> 4))
            device.data(list(columns))
    else:
        device.display(picture if one_bit else picture.convert(device.mode))


def pack(picture: Image) -> list[bytes]:
    """A picture's pages from top to bottom: eight rows in one byte a column, the topmost in the lowest bit."""
    from PIL import Image

    _, height = picture.size
    # Turned on its side, a column's pixels are a row's, which Pillow packs; "1;R" puts the first in the lowest bit.
    packed = picture.transpose(Image.Transpose.TRANSPOSE).tobytes("raw", "1;R")
    pages = (height + 7) // 8
    return [packed[page::pages] for page in range(pages)]


def _changes(device: Any, picture: Image, before: Image | None) -> list[tuple[int, int, bytes]]:
    """For each page that changed its number, the first column and the bytes from there to the last that changed."""
    after = pack(device.preprocess(picture))
    if before is None:
        return [(page, 0, columns) for page, columns in enumerate(after)]
    changes = []
    for page, (old, new) in enumerate(zip(pack(device.preprocess(before)), after, strict=True)):
        different = [column for column, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
        if different:
            changes.append((page, different[0], new[different[0] : different[-1] + 1]))
    return changes

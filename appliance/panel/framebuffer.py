"""Packs pictures as in a display controller's frame buffer, and finds what changed between two of them. Pure.

The frame buffer has memory pages of eight pixel rows, from top to bottom; each byte is a column of eight pixels, the
top one in the lowest bit (data sheets of SSD1306 and SH1106). Pillow packs a picture in C; luma loops over all pixels.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Run = tuple[int, int, int]
"""Columns of a picture: memory page, left and right column, both inclusive."""


def pack(picture: Image) -> bytes:
    """Pack a one-bit picture into memory pages, from top to bottom; its height is a multiple of eight."""
    from PIL import Image

    page_count = picture.height // 8
    # Transposed, a column becomes a row, which Pillow packs; "1;R" puts the first pixel in the lowest bit.
    columns = picture.transpose(Image.Transpose.TRANSPOSE).tobytes("raw", "1;R")
    return b"".join([columns[page::page_count] for page in range(page_count)])


def changed_runs(before: bytes | None, after: bytes, width: int, overhead: int) -> list[Run]:
    """Return runs that cover every byte that differs between two packed pictures, at a low cost on the bus.

    before: None if unknown. width: in columns. overhead: the cost of a run beside its content, in bytes.
    """
    page_count = len(after) // width
    if before is None:
        return [(page, 0, width - 1) for page in range(page_count)]
    different = (int.from_bytes(before) ^ int.from_bytes(after)).to_bytes(len(after))
    runs: list[Run] = []
    gap = bytes(overhead + 1)
    for page in range(page_count):
        row = different[page * width : (page + 1) * width].rstrip(b"\0")
        if not row:
            continue
        first = len(row) - len(row.lstrip(b"\0"))
        if row.find(gap, first) < 0:
            runs.append((page, first, len(row) - 1))
        else:
            runs += [(page, run.start(), run.end() - 1) for run in _non_zero(overhead).finditer(row)]
    return runs


@cache
def _non_zero(overhead: int) -> re.Pattern[bytes]:
    """Matches runs of non-zero bytes, across gaps of zeros that cost no more than a new run."""
    return re.compile(rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % overhead)

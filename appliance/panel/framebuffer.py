"""Pictures as a display's controller keeps them, and what of one is not yet there. Pure.

A controller keeps page_count of eight rows from top to bottom, one byte a column, the topmost row in the lowest bit (data
sheets of SSD1306 and SH1106). Pillow packs a picture so; luma does it in a loop over every pixel.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Window = tuple[int, int, int, int]
"""Part of a picture: its left and right column and its top and bottom page, the last ones included."""


def pack(picture: Image) -> bytes:
    """A one-bit picture's page_count, from top to bottom; its height is a multiple of eight."""
    from PIL import Image

    page_count = picture.height // 8
    # Turned on its side, a column's pixels are a row's, which Pillow packs; "1;R" puts the first in the lowest bit.
    columns = picture.transpose(Image.Transpose.TRANSPOSE).tobytes("raw", "1;R")
    return b"".join([columns[page::page_count] for page in range(page_count)])


def window_bytes(packed: bytes, width: int, window: Window) -> bytes:
    """What stands in a window, page by page. packed: a whole picture of this width."""
    left, right, top, bottom = window
    if top == bottom:
        return packed[top * width + left : top * width + right + 1]
    starts = range(top * width, (bottom + 1) * width, width)
    return b"".join([packed[start + left : start + right + 1] for start in starts])


def changed_windows(before: bytes | None, after: bytes, width: int, overhead: int, multi_page: bool) -> list[Window]:
    """Windows that together hold every byte that differs between two packed pictures, for few bytes on the bus.

    before: None where nothing is known. width: in columns. overhead: what each window costs beside its content, in
    bytes. multi_page: whether a window may have more than one page.
    """
    page_count = len(after) // width
    if before is None:
        return (
            [(0, width - 1, 0, page_count - 1)]
            if multi_page
            else [(0, width - 1, page, page) for page in range(page_count)]
        )
    different = (int.from_bytes(before) ^ int.from_bytes(after)).to_bytes(len(after))
    runs: list[Window] = []
    gap = bytes(overhead + 1)
    for page in range(page_count):
        row = different[page * width : (page + 1) * width].rstrip(b"\0")
        if not row:
            continue
        first = len(row) - len(row.lstrip(b"\0"))
        if row.find(gap, first) < 0:
            runs.append((first, len(row) - 1, page, page))
        else:
            runs += [(run.start(), run.end() - 1, page, page) for run in _runs(overhead).finditer(row)]
    return _merge(runs, overhead) if multi_page and len(runs) > 1 else runs


@cache
def _runs(overhead: int) -> re.Pattern[bytes]:
    """Finds bytes that are not zero, with gaps between them that cost no more than a new window does."""
    return re.compile(rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % overhead)


def _merge(runs: list[Window], overhead: int) -> list[Window]:
    """Fewer windows around the same runs of columns, which come page by page, for at most as many bytes.

    Each run goes into the window that grows by it for the fewest bytes, or into a new one if that is cheaper.
    """
    whole = _bounding(runs)
    if _area(whole) <= sum(right - left + 1 for left, right, _, _ in runs) + overhead * (len(runs) - 1):
        # So it mostly is, and the search is spared.
        return [whole]
    found: list[Window] = []
    for run in runs:
        least, place, grown = _area(run) + overhead, len(found), run
        for number, window in enumerate(found):
            both = _bounding((window, run))
            growth = _area(both) - _area(window)
            if growth <= least:
                least, place, grown = growth, number, both
        found[place : place + 1] = [grown]
    return found


def _bounding(windows: Collection[Window]) -> Window:
    lefts, rights, tops, bottoms = zip(*windows, strict=True)
    return min(lefts), max(rights), min(tops), max(bottoms)


def _area(window: Window) -> int:
    left, right, top, bottom = window
    return (right - left + 1) * (bottom - top + 1)

"""Packs pictures as in a display controller's frame buffer, and finds what changed between two of them. Pure.

The frame buffer has memory pages of eight pixel rows, from top to bottom; each byte is a column of eight pixels, the
top one in the lowest bit (data sheets of SSD1306 and SH1106). Pillow packs a picture in C; luma loops over all pixels.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

Window = tuple[int, int, int, int]
"""Part of a picture: left and right column, top and bottom memory page, all inclusive."""


def pack(picture: Image) -> bytes:
    """Pack a one-bit picture into memory pages, from top to bottom; its height is a multiple of eight."""
    from PIL import Image

    page_count = picture.height // 8
    # Transposed, a column becomes a row, which Pillow packs; "1;R" puts the first pixel in the lowest bit.
    columns = picture.transpose(Image.Transpose.TRANSPOSE).tobytes("raw", "1;R")
    return b"".join([columns[page::page_count] for page in range(page_count)])


def window_bytes(packed: bytes, width: int, window: Window) -> bytes:
    """Return a window's bytes, memory page by memory page. packed: a full picture of this width."""
    left, right, top, bottom = window
    if top == bottom:
        return packed[top * width + left : top * width + right + 1]
    starts = range(top * width, (bottom + 1) * width, width)
    return b"".join([packed[start + left : start + right + 1] for start in starts])


def changed_windows(before: bytes | None, after: bytes, width: int, overhead: int, multi_page: bool) -> list[Window]:
    """Return windows that cover every byte that differs between two packed pictures, at a low cost on the bus.

    before: None if unknown. width: in columns. overhead: the cost of a window beside its content, in bytes.
    multi_page: whether a window may have more than one memory page.
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
    """Matches runs of non-zero bytes, across gaps of zeros that cost no more than a new window."""
    return re.compile(rb"[^\0]+(?:\0{1,%d}[^\0]+)*" % overhead)


def _merge(runs: list[Window], overhead: int) -> list[Window]:
    """Merge runs of columns of several memory pages into fewer windows, for at most as many bytes.

    Greedy: each run joins the window that grows least by it, or starts a new one if that is cheaper.
    """
    whole = _bounding(runs)
    if _area(whole) <= sum(right - left + 1 for left, right, _, _ in runs) + overhead * (len(runs) - 1):
        # A shortcut for the most common case.
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

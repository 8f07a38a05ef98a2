"""The changes of a picture to send: complete, with few bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from appliance.panel.framebuffer import changed_windows, pack, window_bytes

WIDTH = 128
OVERHEAD = 24
OPENINGS = st.sampled_from([1, 7, 10, OVERHEAD])
boxes = st.lists(
    st.tuples(st.integers(0, 127), st.integers(0, 63), st.integers(0, 127), st.integers(0, 63), st.booleans()),
    max_size=5,
)


def test_a_byte_holds_eight_rows_of_a_column_with_the_top_in_bit_0() -> None:
    picture = Image.new("1", (WIDTH, 32))
    for row in (8, 11):
        picture.putpixel((5, row), 1)
    packed = pack(picture)
    assert len(packed) == WIDTH * 4
    assert {place: byte for place, byte in enumerate(packed) if byte} == {WIDTH + 5: 0b0000_1001}


def packed_boxes(drawn: list[tuple[int, int, int, int, bool]], under: Image.Image | None = None) -> bytes:
    picture = under or Image.new("1", (WIDTH, 64))
    for left, top, right, bottom, lit in drawn:
        box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
        ImageDraw.Draw(picture).rectangle(box, fill=lit)
    return pack(picture)


@given(boxes, boxes, OPENINGS, st.booleans())
@settings(deadline=None, max_examples=200)
@example([], [(0, 0, 127, 63, True)], OVERHEAD, True)
def test_the_windows_cover_each_change(
    before: list[tuple[int, int, int, int, bool]],
    after: list[tuple[int, int, int, int, bool]],
    overhead: int,
    multi_page: bool,
) -> None:
    picture = Image.new("1", (WIDTH, 64))
    old = packed_boxes(before, picture)
    new = packed_boxes(after, picture)
    memory = bytearray(old)
    windows = changed_windows(old, new, WIDTH, overhead, multi_page)
    for window in windows:
        left, right, top, bottom = window
        assert 0 <= left <= right < WIDTH
        assert 0 <= top <= bottom < 8
        assert multi_page or top == bottom
        content = window_bytes(new, WIDTH, window)
        length = right - left + 1
        for page in range(top, bottom + 1):
            start = page * WIDTH + left
            memory[start : start + length], content = content[:length], content[length:]
        assert not content
    assert memory == new
    assert sum(len(window_bytes(new, WIDTH, window)) + overhead for window in windows) <= 1024 + 8 * overhead


@pytest.mark.parametrize("multi_page", [False, True])
def test_an_unknown_frame_is_sent_completely(multi_page: bool) -> None:
    packed = packed_boxes([(3, 3, 9, 9, True)])
    windows = changed_windows(None, packed, WIDTH, OVERHEAD, multi_page)
    assert b"".join(window_bytes(packed, WIDTH, window) for window in windows) == packed
    assert len(windows) == (1 if multi_page else 8)


Box = tuple[int, int, int, int, bool]


@pytest.mark.parametrize(
    ("drawn", "multi_page", "windows"),
    [
        ([], True, []),
        # Dots closer together than the cost of a window are one run, and otherwise two.
        ([(10, 0, 10, 0, True), (34, 0, 34, 0, True)], False, [(10, 34, 0, 0)]),
        ([(10, 0, 10, 0, True), (36, 0, 36, 0, True)], False, [(10, 10, 0, 0), (36, 36, 0, 0)]),
        ([(10, 0, 10, 0, True), (36, 0, 36, 0, True)], True, [(10, 10, 0, 0), (36, 36, 0, 0)]),
        # A digit is one window over several pages; in page addressing it is one run per page.
        ([(40, 8, 60, 31, True)], True, [(40, 60, 1, 3)]),
        ([(40, 8, 60, 31, True)], False, [(40, 60, 1, 1), (40, 60, 2, 2), (40, 60, 3, 3)]),
        # A digit and a much wider line far below are two windows.
        ([(40, 0, 60, 31, True), (0, 56, 127, 56, True)], True, [(40, 60, 0, 3), (0, 127, 7, 7)]),
        # Two digits side by side, with space between them.
        (
            [(0, 0, 20, 31, True), (100, 0, 120, 31, True)],
            True,
            [(0, 20, 0, 3), (100, 120, 0, 3)],
        ),
    ],
)
def test_the_windows_minimise_the_bytes_sent(
    drawn: list[Box], multi_page: bool, windows: list[tuple[int, int, int, int]]
) -> None:
    assert changed_windows(bytes(1024), packed_boxes(drawn), WIDTH, OVERHEAD, multi_page) == windows

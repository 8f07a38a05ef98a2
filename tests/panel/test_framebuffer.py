"""The changes of a picture to send: complete, with few bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from appliance.panel.framebuffer import changed_runs, pack

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


@given(boxes, boxes, OPENINGS)
@example([], [(0, 0, 127, 63, True)], OVERHEAD)
def test_the_runs_cover_each_change(
    before: list[tuple[int, int, int, int, bool]], after: list[tuple[int, int, int, int, bool]], overhead: int
) -> None:
    picture = Image.new("1", (WIDTH, 64))
    old = packed_boxes(before, picture)
    new = packed_boxes(after, picture)
    memory = bytearray(old)
    runs = changed_runs(old, new, WIDTH, overhead)
    for page, left, right in runs:
        assert 0 <= left <= right < WIDTH
        assert 0 <= page < 8
        columns = slice(page * WIDTH + left, page * WIDTH + right + 1)
        memory[columns] = new[columns]
    assert memory == new
    assert sum(right - left + 1 + overhead for _, left, right in runs) <= 1024 + 8 * overhead


def test_an_unknown_frame_is_sent_completely() -> None:
    packed = packed_boxes([(3, 3, 9, 9, True)])
    assert changed_runs(None, packed, WIDTH, OVERHEAD) == [(page, 0, 127) for page in range(8)]


@pytest.mark.parametrize(
    ("drawn", "runs"),
    [
        ([], []),
        # Dots closer together than the cost of a run are one run, and otherwise two.
        ([(10, 0, 10, 0, True), (34, 0, 34, 0, True)], [(0, 10, 34)]),
        ([(10, 0, 10, 0, True), (36, 0, 36, 0, True)], [(0, 10, 10), (0, 36, 36)]),
        ([(40, 8, 60, 31, True)], [(1, 40, 60), (2, 40, 60), (3, 40, 60)]),
    ],
)
def test_the_runs_minimise_the_bytes_sent(
    drawn: list[tuple[int, int, int, int, bool]], runs: list[tuple[int, int, int]]
) -> None:
    assert changed_runs(bytes(1024), packed_boxes(drawn), WIDTH, OVERHEAD) == runs

"""The picture of the count: a large number, digits in fixed cells, and marks with distinct shapes."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from PIL import Image, ImageChops

from appliance.core.view import Count, Mark, Remark, Sign
from appliance.panel.drawing import draw_screen
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.text import tight_row

DISPLAYS = [(128, 64), (128, 32)]
PAGED, LATE = Remark(Sign.PAGED, "paged", 1), Remark(Sign.LATE, "late", 3)
TO_GO, OLD = Remark(Sign.TO_GO, "to go", 3), Remark(Sign.OLD, "old", 2)
UNREADABLE = Remark(Sign.UNREADABLE, "unreadable", 4)


def different(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int]:
    box = ImageChops.difference(one.convert("L"), other.convert("L")).getbbox()
    assert box is not None
    return box


def lit(picture: Image.Image) -> int:
    return picture.convert("L").histogram()[255]


def number_of(picture: Image.Image, columns: int) -> tuple[int, int, int, int]:
    """The bounding box of the ink in the left columns."""
    box = picture.crop((0, 0, columns, picture.height)).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize(("size", "least"), [((128, 64), 51), ((128, 32), 28)])
@pytest.mark.parametrize("count", ["0", "7", "10", "38", "99"])
def test_one_or_two_digits_are_as_high_as_the_display(size: tuple[int, int], least: int, count: str) -> None:
    for mark in Mark:
        picture = draw_screen(Count(count, "orders", "12 min", mark, (LATE, PAGED, TO_GO)), size)
        _, top, _, bottom = number_of(picture, 30 if size[1] == 64 else 15)
        assert bottom - top >= least


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize(("count", "least"), [("128", 0.55), ("9999", 0.35), ("123456", 0.3)])
def test_more_digits_fill_the_space_beside_the_age(size: tuple[int, int], count: str, least: float) -> None:
    picture = draw_screen(Count(count, "", "12 h 40", Mark.LATE, (LATE, PAGED)), size)
    _, top, right, bottom = number_of(picture, size[0] // 8)
    assert right > size[0] // 8 - 3
    assert bottom - top >= least * size[1]


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize(
    ("count", "after", "cells"), [("12", "13", 2), ("38", "39", 2), ("111", "118", 3), ("1204", "1200", 4)]
)
def test_a_changed_digit_changes_only_its_own_cell(size: tuple[int, int], count: str, after: str, cells: int) -> None:
    before, now = (draw_screen(Count(number, "orders", "2 min"), size) for number in (count, after))
    left, _, right, _ = different(before, now)
    eights = draw_screen(Count("8" * cells, "orders", "2 min"), size)
    last_but_one = draw_screen(Count("8" * (cells - 1) + "1", "orders", "2 min"), size)
    cell = different(eights, last_but_one)
    assert left >= cell[0] - 4
    assert right <= cell[2] + 4
    assert right - left < 0.4 * size[0]


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize(("count", "shown"), [("10000", "9999+"), ("23456", "9999+"), ("999999", "9999+")])
def test_a_very_large_count_is_shortened(size: tuple[int, int], count: str, shown: str) -> None:
    pictures = [draw_screen(Count(number, "orders", "2 min"), size) for number in (count, shown, "9999")]
    assert pictures[0].tobytes() == pictures[1].tobytes() != pictures[2].tobytes()


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize("remarks", [(), (LATE,), (PAGED, LATE, TO_GO)])
def test_marks_have_distinct_shapes(size: tuple[int, int], remarks: tuple[Remark, ...]) -> None:
    """The mark is plain, framed or filled, which the brightness of the age's corner shows."""
    fine, warn, late = (draw_screen(Count("38", "orders", "7 min", mark, remarks), size) for mark in Mark)
    corner = (size[0] * 3 // 4, 0, size[0], size[1] // 3)
    assert lit(late.crop(corner)) > 2 * lit(warn.crop(corner))
    for one, other in combinations((fine, warn, late), 2):
        assert lit(ImageChops.logical_xor(one, other)) > 100


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize("remark", [PAGED, LATE, TO_GO, OLD, UNREADABLE])
def test_each_remark_is_drawn(remark: Remark, size: tuple[int, int]) -> None:
    without = Count("38", "orders", "7 min")
    assert different(draw_screen(replace(without, remarks=(remark,)), size), draw_screen(without, size))


def test_unreadable_orders_are_drawn_beside_late_and_paged_ones() -> None:
    whole = Count("38", "orders", "7 min", remarks=(PAGED, LATE, UNREADABLE, TO_GO, OLD))
    for sign in (Sign.PAGED, Sign.LATE, Sign.UNREADABLE):
        others = tuple(remark for remark in whole.remarks if remark.sign is not sign)
        assert different(draw_screen(whole), draw_screen(replace(whole, remarks=others)))


@pytest.mark.parametrize("size", DISPLAYS)
def test_zero_orders_are_shown_as_text(size: tuple[int, int]) -> None:
    with_noun, without = (draw_screen(Count("0", noun), size) for noun in ("orders", "x"))
    left, top, right, bottom = different(with_noun, without)
    assert right - left > 40
    assert bottom - top >= 10


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize("note", ["Pairing not saved", "Weak power supply", "Button stuck: free it"])
def test_a_note_is_drawn_below_the_count(size: tuple[int, int], note: str) -> None:
    count = Count("38", "orders", "12 min", Mark.LATE, (LATE,))
    noted = draw_screen(replace(count, note=note, fault=True), size)
    assert different(noted, draw_screen(count, size))
    strip = noted.crop((0, size[1] - 11, *size)).getbbox()
    assert strip is not None
    assert strip[2] - strip[0] > tight_row(note, Face.REGULAR, 10).width, "the whole text, and a mark before it"
    # A changed age must not change the note.
    later = draw_screen(replace(count, oldest="13 min", note=note, fault=True), size)
    assert different(noted, later)[3] < size[1] - 9


def test_a_changed_age_does_not_change_the_count() -> None:
    before, after = (draw_screen(Count("38", "orders", age, Mark.LATE, (LATE, PAGED))) for age in ("12 min", "13 min"))
    left, _, _, bottom = different(before, after)
    assert left > 78
    assert bottom < 40


@pytest.mark.parametrize("size", DISPLAYS)
@pytest.mark.parametrize("mark", Mark)
def test_another_minute_changes_one_digit_and_moves_nothing(size: tuple[int, int], mark: Mark) -> None:
    for before, after in (("1 min", "2 min"), ("7 min", "8 min"), ("10 min", "11 min"), ("≥7 min", "≥8 min")):
        pictures = [draw_screen(Count("38", "orders", age, mark, (LATE, PAGED)), size) for age in (before, after)]
        left, _, right, _ = different(*pictures)
        assert right - left <= 20


@pytest.mark.parametrize(("count", "late"), [("12", 2), ("348", 38), ("9999", 998)])
@pytest.mark.parametrize("size", DISPLAYS)
def test_urgent_remarks_are_drawn_beside_a_fault(count: str, late: int, size: tuple[int, int]) -> None:
    urgent = Remark(Sign.PAGED, "paged", 12), Remark(Sign.LATE, "late", late)
    full = Count(count, "orders", "11 min", Mark.LATE, urgent, "Weak power supply", fault=True)
    pictures = [draw_screen(replace(full, remarks=some), size) for some in (urgent, urgent[:1], urgent[1:], ())]
    assert all(different(pictures[0], other) for other in pictures[1:])
    assert different(pictures[0], draw_screen(replace(full, oldest="12 min"), size)), "the age must be drawn too"

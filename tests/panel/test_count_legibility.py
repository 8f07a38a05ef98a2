"""The count from a distance: what a cook acts on is large, in the right order, and said in words."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core import texts
from appliance.core.formatting import age
from appliance.core.screens.count import order_age
from appliance.core.view import Count, Mark, Remark, Sign
from appliance.panel.drawing import draw_screen
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.count_digits import Digits
from appliance.panel.drawing.count_remarks import LARGEST_URGENT
from appliance.panel.drawing.fonts import Face
from appliance.panel.drawing.text import Row

TALL, LOW = (128, 64), (128, 32)
NOTES = st.sampled_from(
    [("", False), (texts.COUNT_IN_DOUBT, False), (texts.WEAK_POWER, True), ("Settings wrong: line 120", True)]
)


@dataclass(frozen=True)
class Painted:
    """What was drawn: the number's height, and each row of text."""

    number: int
    rows: tuple[Row, ...]

    def heights(self, digits: str) -> list[int]:
        """The heights of the rows that are exactly these digits."""
        return [row.height for row in self.rows if row.face is Face.DIGITS and row.text == digits]

    @property
    def words(self) -> list[str]:
        return [row.text for row in self.rows]


def painted(count: Count, size: tuple[int, int], beat: bool | None = True) -> Painted:
    number: list[int] = []
    rows: list[Row] = []
    paint_row, paint_digits = Row.paint, Digits.paint

    def noted_row(row: Row, canvas: Canvas, left: int, top: int, lit: bool = True) -> None:
        rows.append(row)
        paint_row(row, canvas, left, top, lit)

    def noted_digits(digits: Digits, canvas: Canvas, text: str, top: int) -> None:
        number.append(digits.height)
        paint_digits(digits, canvas, text, top)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Row, "paint", noted_row)
        patch.setattr(Digits, "paint", noted_digits)
        draw_screen(count, size, beat=beat)
    return Painted(number[0], tuple(rows))


def shortened(count: int) -> str:
    return str(count) if count <= LARGEST_URGENT else f"{LARGEST_URGENT}+"


@st.composite
def kitchens(draw: st.DrawFn) -> Count:
    """Any count that a kitchen may have: up to 100,000 orders, ages up to three weeks."""
    active = draw(st.integers(1, 12) | st.integers(13, 120) | st.integers(121, 100_000))
    kinds = [draw(st.just(0) | st.integers(0, active)) for _ in range(5)]
    paged, late, unreadable, to_go, old = kinds
    mark = Mark.LATE if late else draw(st.sampled_from([Mark.FINE, Mark.WARN]))
    seconds = draw(st.floats(0, 3600) | st.floats(0, 86_400) | st.floats(0, 21 * 86_400))
    remarks = [
        Remark(Sign.PAGED, texts.PAGED, paged),
        Remark(Sign.LATE, texts.LATE, late),
        Remark(Sign.GETTING_OLD, texts.GETTING_OLD, None if mark is Mark.WARN else 0),
        Remark(Sign.UNREADABLE, texts.UNREADABLE, unreadable),
        Remark(Sign.TO_GO, texts.TO_GO, to_go),
        Remark(Sign.OLD, texts.OLD, old),
    ]
    note, fault = draw(NOTES)
    oldest = order_age(seconds, exact=draw(st.booleans()))
    shown = tuple(remark for remark in remarks if remark.count != 0)
    return Count(str(active), texts.orders(active), oldest, mark, shown, note, fault)


@given(kitchens(), st.sampled_from([None, True]))
def test_late_and_paged_are_sixteen_rows_high(count: Count, beat: bool | None) -> None:
    """4 mm on a 1.3 inch display: what good eyes can read at 2.5 m."""
    seen = painted(count, TALL, beat)
    for remark in count.remarks:
        if remark.sign in (Sign.PAGED, Sign.LATE) and remark.count:
            heights = seen.heights(shortened(remark.count))
            # A single digit may be one of the age's too, which is larger.
            assert min(heights, default=0) >= 16, (remark, seen.words)


@given(kitchens())
def test_the_count_is_the_largest_element_and_the_age_is_second(count: Count) -> None:
    for size in (TALL, LOW):
        seen = painted(count, size)
        digits = [row.height for row in seen.rows if row.face is Face.DIGITS]
        assert digits, "the age is always shown"
        assert seen.number > max(digits)
        urgent = [remark.count for remark in count.remarks if remark.sign in (Sign.PAGED, Sign.LATE) and remark.count]
        ages = [row.height for row in seen.rows if row.face is Face.DIGITS and len(row.text) == 1]
        for number in urgent:
            # A digit of the font may be a row lower than its cell.
            assert max(ages) >= max(seen.heights(shortened(number))) - 1


@given(kitchens())
def test_late_and_paged_are_on_a_low_display_too(count: Count) -> None:
    seen = painted(count, LOW)
    for remark in count.remarks:
        if remark.sign in (Sign.PAGED, Sign.LATE) and remark.count:
            assert min(seen.heights(shortened(remark.count)), default=0) >= 7, (remark, seen.words)


@pytest.mark.parametrize("active", [3, 12, 99, 348])
@pytest.mark.parametrize("urgent", [(1, 0), (0, 2), (1, 2), (12, 38)])
@pytest.mark.parametrize("note", ["", texts.COUNT_IN_DOUBT, texts.WEAK_POWER])
def test_late_and_paged_have_their_words(active: int, urgent: tuple[int, int], note: str) -> None:
    paged, late = urgent
    remarks = Remark(Sign.PAGED, texts.PAGED, paged), Remark(Sign.LATE, texts.LATE, late)
    shown = tuple(remark for remark in remarks if remark.count)
    seen = painted(Count(str(active), "orders", age(720), Mark.LATE, shown, note, bool(note)), TALL)
    assert {remark.word for remark in shown} <= {*seen.words}


@pytest.mark.parametrize("active", ["7", "12", "348"])
@pytest.mark.parametrize("size", [TALL, LOW])
def test_an_age_of_some_minutes_is_large(active: str, size: tuple[int, int]) -> None:
    seen = painted(Count(active, "orders", "7 min", Mark.LATE, (Remark(Sign.LATE, texts.LATE, 2),)), size)
    assert max(seen.heights("7")) >= (18 if size == TALL else 13)


def test_an_order_getting_old_is_said_in_words() -> None:
    count = Count("7", "orders", "3 min", Mark.WARN, (Remark(Sign.GETTING_OLD, texts.GETTING_OLD),))
    for size in (TALL, LOW):
        assert texts.GETTING_OLD in painted(count, size).words

"""Pictures of screens: whole, legible and the same every time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from appliance.core.view import Line, Screen, Size
from appliance.panel.drawing import Placed, clean, draw, layout, paint

SIZES = [(128, 64), (128, 32), (64, 128), (128, 128), (96, 16), (256, 64)]
MARGIN = 40

texts = st.text(max_size=60) | st.sampled_from(
    ["12", "9,999+", "100,000", "Offline", "≥ 12 min", "Table Tracker Gateway 2f1f4339", "W" * 300, "Ä̈ø中\udc80\x00\t"]
)
lines = st.builds(Line, texts, st.sampled_from(Size))
screens = st.builds(
    Screen, st.lists(lines, max_size=6).map(tuple), st.none() | st.floats() | st.floats(min_value=0, max_value=1)
)


def ink(picture: Image.Image) -> int:
    return picture.convert("L").histogram()[255]


@given(screens, st.sampled_from(SIZES))
@settings(deadline=None, max_examples=300)
def test_nothing_is_cut_off(screen: Screen, size: tuple[int, int]) -> None:
    """Drawn with room on all sides, the picture has no ink there, and the same within."""
    width, height = size
    roomy = paint(layout(screen, size), screen.bar, size, MARGIN)
    inner = roomy.crop((MARGIN, MARGIN, MARGIN + width, MARGIN + height))
    assert ink(roomy) == ink(inner)
    picture = draw(screen, size)
    assert picture.mode == "1"
    assert picture.size == size
    assert ImageChops.difference(picture.convert("L"), inner.convert("L")).getbbox() is None


@given(screens, st.sampled_from(SIZES[:2]))
@settings(deadline=None)
def test_rows_never_touch(screen: Screen, size: tuple[int, int]) -> None:
    """Each row of text has its own lit pixels: drawn together there is as much ink as drawn one by one."""
    rows = layout(screen, size)
    assert ink(paint(rows, None, size)) == sum(ink(paint([row], None, size)) for row in rows)


@pytest.mark.parametrize("size", SIZES[:2])
@pytest.mark.parametrize("number", ["0", "12", "125", "9,999+"])
def test_the_count_is_the_largest_thing(number: str, size: tuple[int, int]) -> None:
    screen = Screen((Line(number, Size.HUGE), Line("orders"), Line("1 paged · oldest 7 min")))
    rows = layout(screen, size)
    assert [row.text for row in rows] == [number, "orders", "1 paged · oldest 7 min"]
    assert rows[0].height >= 1.9 * max(row.height for row in rows[1:])


def test_words_wrap_whole() -> None:
    words = "Press the button on the gateway to pair this box"
    rows = layout(Screen((Line(words, Size.MEDIUM),)), (128, 64))
    assert len(rows) > 1
    assert " ".join(row.text for row in rows) == words


def test_a_long_name_ends_in_an_ellipsis() -> None:
    rows = layout(Screen((Line("connecting to"), Line("x" * 80, Size.MEDIUM))), (128, 64))
    assert rows[0].text == "connecting to"
    assert rows[1].text.endswith("…")
    assert rows[1].text.count("x") > 10


def test_a_name_that_nearly_fits_shrinks() -> None:
    (row,) = layout(Screen((Line("Kitchen-Gateway-42", Size.MEDIUM),)), (128, 64))
    assert row.text == "Kitchen-Gateway-42"


def test_the_dots_of_an_address_are_seen() -> None:
    """Each dot is drawn and apart from its neighbours, in every size that a screen may choose."""
    for height in range(8, 30):
        for text in ("192.168.100.120", "10.1.1.1", "1:43"):
            whole = paint(layout_of(text, height), None, (400, 60))
            columns = [whole.crop((x, 0, x + 1, 60)).getbbox() is not None for x in range(400)]
            glyphs = sum(lit and not before for before, lit in zip([False, *columns], columns, strict=False))
            assert glyphs == len(text), (text, height)


def layout_of(text: str, height: int) -> list[Placed]:
    return [Placed(text, height, 5, 40)]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("≥ 5 min", ">= 5 min"),
        ("Küche Größe", "Kuche Grosse"),
        ("Łódź", "Lodz"),
        ("a\tb\n c\u200bd", "a b cd"),
        ("中文", "??"),
        ("\ud800", "?"),
        ("  ", ""),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_what_the_font_lacks_becomes_something_clean(text: str, drawn: str) -> None:
    assert clean(text) == drawn


def test_the_bar_shows_how_much_is_left() -> None:
    def lit(bar: float) -> int:
        return ink(draw(Screen((), bar)))

    amounts = [lit(bar) for bar in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert amounts == sorted(set(amounts))
    assert lit(-1.0) == lit(math.nan) == lit(-math.inf) == lit(0.0)
    assert lit(2.0) == lit(1.0)
    assert ink(draw(Screen(()))) == 0


def test_too_many_lines_leave_the_first() -> None:
    rows = layout(Screen(tuple(Line(f"line {number}") for number in range(30))), (128, 32))
    assert [row.text for row in rows] == [f"line {number}" for number in range(len(rows))]
    assert len(rows) >= 3

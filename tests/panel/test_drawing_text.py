"""Text on the display: any script, wrapped or with an ellipsis, and legible dots."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.core.view import Line, Message, Size
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.fonts import FILES, RANGES, WIDE, Face, glyph, has_glyph
from appliance.panel.drawing.message import Layout, choose_layout
from appliance.panel.drawing.text import SMALLEST, even_row, fit_row, sizes, tight_row, wrap
from appliance.panel.drawing.visual_order import REPLACEMENT, to_drawable, to_visual_order
from appliance.pictures.example_screens import EXAMPLES


def words_of(setting: Layout) -> list[str]:
    return [row.text for row in (*setting.beside, *setting.below)]


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("≥ 5 min", "≥ 5 min"),
        ("Küche Größe Łódź", "Küche Größe Łódź"),
        ("Ku\u0308che", "Küche"),
        ("Ταβέρνα Кухня მზე Բար", "Ταβέρνα Кухня მზე Բար"),
        ("寿司バー 한국", "寿司バー 한국"),
        ("a\tb\n c\u200bd", "a b cd"),
        ("①", "1"),
        ("\ud800", REPLACEMENT),
        ("🍕 Pizza 🍕👨‍👩‍👧", f"{REPLACEMENT} Pizza {REPLACEMENT}"),
        ("مطعم بيروت", REPLACEMENT),
        ("रसोई 2", f"{REPLACEMENT} 2"),
        ("Bar\ufffd", f"Bar{REPLACEMENT}"),
        ("Bar\uffa0", f"Bar{REPLACEMENT}"),
        ("Bar\u302e", f"Bar{REPLACEMENT}"),
        ("  ", ""),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_characters_missing_from_the_fonts_become_a_replacement_sign(text: str, drawn: str) -> None:
    assert to_drawable(text) == drawn


@given(st.text(max_size=60))
@settings(deadline=None)
def test_clean_text_can_be_drawn(text: str) -> None:
    drawn = to_drawable(text)
    assert to_drawable(drawn) == drawn
    assert all(character == " " or has_glyph(character) for character in drawn)


@pytest.mark.parametrize(
    ("logical", "drawn"),
    [
        ("Bar 12", "Bar 12"),
        ("בר", "רב"),
        ("בר 12", "12 רב"),
        ("מטבח (בר)", "(רב) חבטמ"),
        ("Found: בר אב 2 ok", "Found: בא רב 2 ok"),
    ],
)
def test_hebrew_is_drawn_right_to_left(logical: str, drawn: str) -> None:
    assert to_visual_order(logical) == drawn


@pytest.mark.parametrize("face", [Face.REGULAR, Face.BOLD])
def test_dots_are_separate_in_each_font_size(face: Face) -> None:
    """In each size that a screen may choose, glyphs are separate, and so is the dot of an i."""
    for size in sizes(face, 30):
        for text in ("192.168.100.120", "10.1.1.1", "1:43", "mmwwWM"):
            row = tight_row(text, face, size)
            canvas = Canvas(row.width, row.height)
            row.paint(canvas, 0, 0)
            columns = [canvas.image.crop((x, 0, x + 1, row.height)).getbbox() is not None for x in range(row.width)]
            glyphs = sum(lit and not before for before, lit in zip([False, *columns], columns, strict=False))
            assert glyphs == len(text), (text, size)
        dotted = glyph("i", face, size).ink
        assert dotted is not None
        rows = [dotted.crop((0, y, dotted.width, y + 1)).getbbox() is not None for y in range(dotted.height)]
        assert not all(rows), size


def test_east_asian_text_is_drawn_at_multiples_of_16_pixels() -> None:
    """East Asian glyphs are distinct, at 16 pixels or a multiple."""
    letters = "寿司バー中文한국어、"
    inks = {one.ink.tobytes() for letter in letters if (one := glyph(letter, Face.REGULAR, 11)).ink is not None}
    assert len(inks) == len(letters)
    for size, height in ((9, 16), (16, 16), (31, 16), (32, 32), (50, 48)):
        assert glyph("中", Face.BOLD, size).advance == height
    assert (FILES / WIDE).stat().st_size == 32 * sum(last - first + 1 for first, last in RANGES)


def test_text_wraps_between_words() -> None:
    text = "Press the button on the gateway to pair this box"
    rows = wrap(text, Face.BOLD, 14, 126)
    assert len(rows) > 1
    assert " ".join(row.text for row in rows) == text


def test_long_names_break_after_hyphens_and_between_east_asian_characters() -> None:
    name = "Kitchen-Gateway-on-the-second-floor"
    assert "".join(row.text for row in wrap(name, Face.BOLD, 14, 97)) == name
    assert [row.text for row in wrap("寿司バーこんにちは", Face.BOLD, 14, 97)] == ["寿司バーこん", "にちは"]


@pytest.mark.parametrize("face", [Face.REGULAR, Face.BOLD])
def test_text_that_is_too_wide_ends_in_an_ellipsis(face: Face) -> None:
    row = fit_row("x" * 80, face, 14, 126)
    assert re.fullmatch("x{10,}…", row.text)
    assert row.width <= 126
    assert row.size == SMALLEST[face]
    assert even_row(row.text.replace("…", "xx…"), face, row.size).width > 126


def test_a_name_that_almost_fits_is_drawn_smaller() -> None:
    assert fit_row("Kitchen-Gateway-42", Face.BOLD, 18, 126).text == "Kitchen-Gateway-42"


@pytest.mark.parametrize(("height", "pictured"), [(62, True), (31, True), (62, False), (31, False)])
@pytest.mark.parametrize(
    "texts",
    [
        ["Looking for", "the gateway", "This box: 192.168.1.42"],
        ["Press button", "here to pair", "Found: Bar"],
        ["No network", "Check the cable", "or the Wi-Fi settings"],
    ],
)
def test_a_message_shows_all_its_lines(texts: list[str], height: int, pictured: bool) -> None:
    lines = tuple(Line(text, Size.SMALL if number == 2 else Size.MEDIUM) for number, text in enumerate(texts))
    assert " ".join(words_of(choose_layout(lines, 126, height, pictured))) == " ".join(texts)


def test_text_takes_precedence_over_an_icon() -> None:
    """An icon never displaces text."""
    name = Line("The Gateway of the Kitchen on the Second Floor", Size.MEDIUM)
    many = (name, *(Line(f"Line number {number}") for number in range(3)))
    assert choose_layout((name,), 126, 62, True).pictured
    assert not choose_layout(many, 126, 62, True).pictured
    assert len(" ".join(words_of(choose_layout(many, 126, 62, True)))) == len(" ".join(line.text for line in many))


def test_of_too_many_lines_the_first_are_kept() -> None:
    shown = " ".join(words_of(choose_layout(tuple(Line(f"line {number}") for number in range(60)), 126, 31, False)))
    numbers = [int(number) for number in re.findall(r"\d+", shown)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 6


def test_optional_lines_are_omitted_first() -> None:
    needed = (Line("Looking for", Size.MEDIUM), Line("the gateway", Size.MEDIUM), Line("This box: 192.168.1.42"))
    hints = (Line("Is the gateway on, and", spare=1), Line("on the same network?", spare=1))
    everything = " ".join(line.text for line in (*needed, *hints))
    assert " ".join(words_of(choose_layout((*needed, *hints), 126, 62, True))) == everything
    assert (
        " ".join(words_of(choose_layout((*needed, *hints), 126, 30, True)))
        == "Looking for the gateway This box: 192.168.1.42"
    )


@pytest.mark.parametrize("height", [62, 30])
@pytest.mark.parametrize("caption", [caption for caption, view in EXAMPLES if isinstance(view.screen, Message)])
def test_each_message_of_the_product_fits_the_display(caption: str, height: int) -> None:
    """Required lines fit each display, and optional lines a 128x64 one. Only an error's text may be cut."""
    screen = dict(EXAMPLES)[caption].screen
    assert isinstance(screen, Message)
    room = height - (0 if screen.bar is None else 9 if height > 48 else 6)
    shown = " ".join(words_of(choose_layout(screen.lines, 126, room, screen.icon is not None and room >= 26)))
    wanted = [line.text for line in screen.lines if height > 48 or not line.spare]
    if height < 48:
        few = {"One press later: the mistake": 1} | dict.fromkeys(
            [each for each in dict(EXAMPLES) if "Offline" in each], 4
        )
        wanted = wanted[: few.get(caption, len(wanted))]
    assert [words for words in wanted if words not in shown] == []

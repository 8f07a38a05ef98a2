"""The terminal panel's rows and their incremental encoding, read by a terminal emulator."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.view import LedMode, Leds, Sound
from appliance.panel.terminal_frame import (
    COLOURS,
    DISPLAY,
    HEIGHT,
    WIDTH,
    Differ,
    Frame,
    compose,
    legend_rows,
    page_rows,
    too_small,
)

PICTURE = ["⣿" * 64] * 16
KEYS = {"space": "press", "h": "hold", "q": "quit"}


def shown(*frames: Frame) -> pyte.Screen:
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.ByteStream(screen)
    differ = Differ()
    for frame in frames:
        stream.feed(differ.encode(frame))
    return screen


def rows(**changes: object) -> list[str]:
    usual: dict[str, object] = {"leds": Leds(), "lit": (False, False, False), "sound": None, "held": False}
    return compose(**{"picture": PICTURE, "legend": KEYS, "note": ""} | usual | changes)  # type: ignore[arg-type]


def test_a_row_as_wide_as_the_terminal_is_complete() -> None:
    wide = "x" * WIDTH
    assert shown(Frame(("short",), 0), Frame((wide,), 0), Frame((wide[1:] + "y",), 0)).display[0] == wide[1:] + "y"
    assert shown(Frame((wide,), 0), Frame(("short",), 0)).display[0].rstrip() == "short"


@given(
    st.builds(Leds, *[st.sampled_from(LedMode)] * 3),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    st.none() | st.sampled_from(Sound),
    st.booleans(),
    st.text(max_size=200),
)
def test_the_panel_fits_an_80_by_24_terminal(
    leds: Leds, lit: tuple[bool, bool, bool], sound: Sound | None, held: bool, note: str
) -> None:
    composed = rows(leds=leds, lit=lit, sound=sound, held=held, note=note)
    assert len(composed) == HEIGHT
    # Drawn on a wider terminal, nothing lies beyond the 80th column.
    wide = pyte.Screen(3 * WIDTH, HEIGHT + 1)
    pyte.ByteStream(wide).feed(Differ().encode(Frame(tuple(composed[:-1]), 0)))
    assert all(not line[WIDTH:].strip() for line in wide.display)
    assert wide.display[1][1:65] == PICTURE[0]


def test_leds_and_sound_are_shown_as_words_and_shapes() -> None:
    composed = rows(
        leds=Leds(LedMode.ON, LedMode.SLOW, LedMode.FAST), lit=(True, False, True), sound=Sound.PAGE, held=True
    )
    display = "\n".join(shown(Frame(tuple(composed), 0)).display)
    for words in ("● green on", "○ amber slow", "● red   fast", "♪ page", "▼ button down"):
        assert words in display
    assert "♪ silent" in "\n".join(rows())
    assert "△ button up" in "\n".join(rows())


def test_without_colours_shapes_and_words_tell_the_leds_apart() -> None:
    lit = {"leds": Leds(LedMode.ON, LedMode.ON, LedMode.ON), "lit": (True, True, True)}
    assert all(colour in "".join(rows(**lit)) for colour in COLOURS.values())
    plain = "".join(rows(**lit, colours=False))
    assert not any(colour in plain for colour in COLOURS.values())
    assert "● green on" in plain


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=100), max_size=20))
def test_a_page_has_the_size_of_the_picture(page: dict[str, str]) -> None:
    rows = page_rows(page)
    assert len(rows) == (DISPLAY[1] if page else 0)
    assert all(len(row) == DISPLAY[0] for row in rows)


def test_a_long_legend_takes_more_rows() -> None:
    legend = KEYS | {str(number): "does something long here" for number in range(8)}
    display = "\n".join(shown(Frame(tuple(legend_rows(legend)), 0)).display)
    assert display.count("does something long here") == 8


@given(st.lists(st.lists(st.sampled_from(["", "a", "abc", "\x1b[1mbold\x1b[0m"]), max_size=5), min_size=1, max_size=6))
def test_incremental_output_gives_the_same_screen(frames: list[list[str]]) -> None:
    step_by_step = shown(*(Frame(tuple(frame), 0) for frame in frames))
    at_once = shown(Frame(tuple(frames[-1]), 0))
    assert step_by_step.display == at_once.display


def test_only_rows_that_changed_are_written() -> None:
    differ = Differ(b"first")
    one = Frame(("same", "old"), 0)
    assert differ.encode(one).startswith(b"first\x1b[2J")
    assert differ.encode(one) == b""
    changed = differ.encode(Frame(("same", "new"), 1))
    assert b"new" in changed
    assert b"same" not in changed
    assert b"\x1b[2J" not in changed
    assert changed.endswith(b"\a")
    assert b"same" in differ.encode(Frame(("same", "new"), 1, size=(100, 30)))


@pytest.mark.parametrize(("columns", "lines"), [(79, 24), (80, 23), (20, 5), (3, 1), (1, 1)])
def test_the_hint_for_a_small_terminal_fits_it(columns: int, lines: int) -> None:
    said = too_small(columns, lines)
    assert 0 < len(said) <= lines
    assert all(len(row) <= columns for row in said)

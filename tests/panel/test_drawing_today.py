"""The screen of the day's statistics: none of its fixed text is cut off, and bars and marks are in place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.view import BARS, Today, sparkline
from appliance.panel.drawing import draw_screen
from appliance.panel.drawing import today as module
from appliance.panel.drawing.text import Row

SIZES = [(128, 64), (128, 32)]
DAY = Today("Today", "151 done", "9 open", "3:36", "3:12", "92%", "5:00", 11, (4, 12, 30, 18, 3, 0, 8, 25, 31, 14))
NOTED = replace(DAY, note="gateway: 143 done, 3:30")

counts = st.integers(0, 99_999).map(str)
clocks = st.tuples(st.integers(0, 999), st.integers(0, 59)).map(lambda time: f"{time[0]}:{time[1]:02}")
days = st.builds(
    Today,
    st.sampled_from(("Today", "Latest day")),
    counts.map("{} done".format),
    counts.map("{} open".format),
    clocks,
    clocks,
    st.integers(0, 100).map("{}%".format),
    st.tuples(st.integers(0, 99), st.integers(0, 59)).map(lambda time: f"{time[0]}:{time[1]:02}"),
    st.just(0),
    st.lists(st.integers(0, 999), min_size=6, max_size=24).map(tuple),
    st.one_of(st.just(""), st.just("counted for 23 h 59"), st.builds("gateway: {} done, {}".format, counts, clocks)),
    st.booleans(),
)


@given(days, st.sampled_from(SIZES), st.booleans())
def test_no_text_of_the_day_is_cut_off(today: Today, size: tuple[int, int], beat: bool) -> None:
    painted: list[tuple[Row, int]] = []
    paint = Row.paint

    def noted(row: Row, canvas: object, left: int, top: int, lit: bool = True) -> None:
        painted.append((row, left))
        paint(row, canvas, left, top, lit)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Row, "paint", noted)
        draw_screen(today, size, beat=beat)
    words = [row.text for row, _ in painted]
    assert not any("…" in text for text in words)
    assert all(left >= 0 and left + row.width <= size[0] - 2 for row, left in painted), words
    assert any(today.finished in text for text in words)
    assert size[1] < 64 or any(today.open in text for text in words)


def test_the_bars_show_empty_and_busiest_hours() -> None:
    picture = draw_screen(DAY, (128, 64))
    heights = []
    for x in range(20, 110):
        column = [picture.getpixel((x, y)) for y in range(36, 62)]
        heights.append(sum(bool(pixel) for pixel in column))
    assert max(heights) >= module.BARS_MOST - 2
    assert 1 in heights


@pytest.mark.parametrize("size", SIZES)
def test_incomplete_statistics_are_marked_on_each_display(size: tuple[int, int]) -> None:
    assert draw_screen(NOTED, size).tobytes() != draw_screen(replace(NOTED, doubt=True), size).tobytes()


def test_the_text_form_has_bars_too() -> None:
    assert DAY.words[:3] == ("Today", "151 done, 9 open", "average 3:36, median 3:12")
    assert DAY.words[3:] == ("92% under 5:00", "11:00 ▂▄█▅▁ ▃▇█▄ 20:00")
    assert Today("Today", "0 done", "9 open").words == ("Today", "0 done, 9 open")
    assert sparkline((0, 1, 1000)) == f" {BARS[1]}{BARS[-1]}", "a small value must be visible"
    assert sparkline((0, 0)) == "  "

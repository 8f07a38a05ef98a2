"""Pictures of screens: complete at each burn-in shift, legible and deterministic."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from appliance.core.view import (
    Asleep,
    Count,
    Icon,
    Leds,
    Line,
    Listing,
    Mark,
    Message,
    Paged,
    Remark,
    Row,
    Screen,
    Sign,
    Size,
    View,
)
from appliance.panel.drawing import LOW_PIXEL_SHIFTS, PIXEL_SHIFTS, compose, draw, draw_screen
from appliance.panel.drawing.canvas import Canvas

SIZES = [(128, 64), (128, 32), (64, 32), (96, 16), (256, 64), (64, 128)]
DISPLAYS = SIZES[:2]
MARGIN = 40

texts = st.text(max_size=45) | st.sampled_from(
    [
        *("12", "9,999+", "Offline", "≥ 12 min", "Table Tracker Gateway 2f1f4339", "W" * 80, "Ä̈ø中\udc80\x00\t"),
        *(
            "寿司バーこんにちは",
            "Ταβέρνα",
            "מטבח (בר) 12",
            "🍕🍕",
            "مطعم بيروت",
            "ครัว",
            "Kitchen-Gateway-on-the-second-floor-4",
        ),
    ]
)
lines = st.builds(Line, texts, st.sampled_from(Size))
digits = st.integers(0, 10**6 - 1).map(str)
ages = st.sampled_from(["", "<1 min", "≥7 min", "59 min", "1 h 05", "12 h 40", "23 d 12 h", "W" * 40])
remarks = st.builds(
    Remark,
    st.sampled_from(Sign),
    texts | st.sampled_from(["paged", "late", "to go", "old", "unreadable", "getting old"]),
    st.none() | st.integers(1, 10**6),
)
rows = st.builds(Row, texts, texts, st.none() | st.sampled_from(Mark))
messages = st.builds(
    Message,
    st.lists(lines, max_size=6).map(tuple),
    st.none() | st.floats() | st.floats(min_value=0, max_value=1),
    st.none() | st.sampled_from(Icon),
)
counts = st.builds(
    Count,
    digits,
    st.sampled_from(["order", "orders"]),
    ages,
    st.sampled_from(Mark),
    st.lists(remarks, max_size=4).map(tuple),
    st.just("") | texts,
    st.booleans(),
)
pageds = st.builds(
    Paged,
    digits | texts,
    texts,
    st.sampled_from(["", "+2 more", "+123 more"]),
    st.sampled_from(["1 order", "9999 orders"]),
    st.sampled_from(["Tracker", "Trackers"]),
)
listings = st.builds(Listing, texts, st.lists(rows, max_size=6).map(tuple))
screens: st.SearchStrategy[Message | Count | Paged | Listing] = st.one_of(messages, counts, pageds, listings)

LUNCH = Count("38", "orders", "12 min", Mark.LATE, (Remark(Sign.PAGED, "paged", 1), Remark(Sign.LATE, "late", 3)))
OLDEST = Listing("Oldest orders", (Row("102  table 8", "12 min", Mark.LATE), Row("7  to go", "4 min", Mark.WARN)))
ALL_KINDS: list[Screen] = [
    LUNCH,
    OLDEST,
    Paged("42", "table 8", "+2 more", "12 orders"),
    Message((Line("Paired"),), 0.5),
]


def ink(picture: Image.Image) -> int:
    return picture.convert("L").histogram()[255]


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and ImageChops.difference(one.convert("L"), other.convert("L")).getbbox() is None


def change(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int]:
    box = ImageChops.difference(one.convert("L"), other.convert("L")).getbbox()
    assert box is not None
    return box


@given(screens, st.sampled_from(SIZES), st.sampled_from([None, True, False]))
def test_no_screen_is_cut_off_at_any_shift(
    screen: Message | Count | Paged | Listing, size: tuple[int, int], beat: bool | None
) -> None:
    """On a larger canvas the margin stays empty and the picture equal, at each burn-in shift."""
    offsets = PIXEL_SHIFTS if size[1] > 32 else LOW_PIXEL_SHIFTS
    width, height = size[0] - max(x for x, _ in offsets), size[1] - max(y for _, y in offsets)
    roomy = compose(screen, (width, height), beat, MARGIN).image
    inner = roomy.crop((MARGIN, MARGIN, MARGIN + width, MARGIN + height))
    assert ink(roomy) == ink(inner)
    for shift, (x, y) in enumerate(offsets):
        picture = draw_screen(screen, size, beat=beat, shift=shift)
        assert (picture.mode, picture.size) == ("1", size)
        assert ink(picture) == ink(inner)
        assert same(picture.crop((x, y, x + width, y + height)), inner)


@given(texts, st.sampled_from(SIZES), st.integers(0, 10**9))
@settings(deadline=None)
def test_the_standby_word_is_complete_at_each_position(word: str, size: tuple[int, int], shift: int) -> None:
    assert ink(draw_screen(Asleep(word), size, shift=shift)) == ink(draw_screen(Asleep(word), size))


@pytest.mark.parametrize("size", DISPLAYS)
def test_the_standby_word_moves_over_the_whole_display(size: tuple[int, int]) -> None:
    lit = Image.new("1", size)
    for shift in range(600):
        lit.paste(1, (0, 0), draw_screen(Asleep("OFFLINE"), size, shift=shift))
    assert lit.getbbox() == (0, 0, *size)
    assert ink(lit) > 0.9 * size[0] * size[1]
    assert ink(draw_screen(Asleep(), size, beat=True)) == 0


@pytest.mark.parametrize("offsets", [PIXEL_SHIFTS, LOW_PIXEL_SHIFTS])
def test_the_burn_in_shift_moves_by_single_pixels(offsets: tuple[tuple[int, int], ...]) -> None:
    steps = [abs(x - left) + abs(y - top) for (x, y), (left, top) in pairwise([*offsets, offsets[0]])]
    assert set(steps) == {1}
    assert len(set(offsets)) == 3 * (1 + max(y for _, y in offsets))


@pytest.mark.parametrize("screen", ALL_KINDS)
@pytest.mark.parametrize("size", DISPLAYS)
def test_heartbeat_and_press_change_only_their_corners(screen: Screen, size: tuple[int, int]) -> None:
    width, height = size
    beating, resting = (draw_screen(screen, size, beat=beat) for beat in (True, False))
    left, top, _, _ = change(beating, resting)
    assert left >= width - 10
    assert top >= height - 10
    left, _, _, bottom = change(beating, draw_screen(screen, size, beat=True, pressed=True))
    assert left >= width - 16
    assert bottom <= 16


@pytest.mark.parametrize("screen", ALL_KINDS)
@pytest.mark.parametrize("size", DISPLAYS)
def test_the_heartbeat_has_a_clear_margin(screen: Screen, size: tuple[int, int]) -> None:
    """The pixels around the heartbeat have the background's colour."""
    beating, resting = (draw_screen(screen, size, beat=beat).convert("L") for beat in (True, False))
    left, top, right, bottom = change(beating, resting)
    corner = beating.crop((left - 2, top - 3, right + 1, top - 1)), beating.crop((left - 3, top - 2, left - 1, bottom))
    assert all(len(set(part.tobytes())) == 1 for part in corner)


def test_a_view_is_drawn_with_all_its_fields() -> None:
    view = View("connected", None, "Bar", None, 38, 1, 720, Leds(), LUNCH, beat=True, pressed=True, walk=3)
    assert same(draw(view), draw_screen(LUNCH, beat=True, pressed=True, shift=3))
    assert not same(draw(view), draw_screen(LUNCH))


@pytest.mark.parametrize("size", DISPLAYS)
def test_each_icon_is_drawn_and_distinct(size: tuple[int, int]) -> None:
    pictures = [draw_screen(Message((Line("Hm", Size.MEDIUM),), icon=icon), size) for icon in Icon]
    assert all(ink(picture) > ink(draw_screen(Message((Line("Hm", Size.MEDIUM),)), size)) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(Icon)


def test_the_bar_shows_the_remaining_time() -> None:
    def lit(bar: float) -> int:
        return ink(draw_screen(Message((), bar)))

    amounts = [lit(bar) for bar in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert amounts == sorted(set(amounts))
    assert lit(-1.0) == lit(float("nan")) == lit(float("-inf")) == lit(0.0)
    assert lit(2.0) == lit(1.0)
    assert ink(draw_screen(Message(()))) == 0


@pytest.mark.parametrize("size", DISPLAYS)
def test_a_page_screen_is_inverted(size: tuple[int, int]) -> None:
    area = size[0] * size[1]
    assert ink(draw_screen(Paged("42", "table 8", "+2 more", "12 orders"), size)) > 0.6 * area
    assert ink(draw_screen(LUNCH, size)) < 0.55 * area


def test_a_32_pixel_display_omits_the_title() -> None:
    titled, bare = Listing("Today", OLDEST.rows), Listing("", OLDEST.rows)
    assert same(draw_screen(titled, (128, 32)), draw_screen(bare, (128, 32)))
    assert not same(draw_screen(titled), draw_screen(bare))


@pytest.mark.parametrize("size", DISPLAYS)
def test_the_right_part_of_a_row_is_never_cut(size: tuple[int, int]) -> None:
    """However long the left part is, the right part's columns are unchanged."""
    short, long = (draw_screen(Listing("", (Row(left, "12 h 40"),)), size) for left in ("A", "A" * 90))
    right = (size[0] - 40, 0, *size)
    assert same(short.crop(right), long.crop(right))
    assert not same(short, long)


@given(screens, st.sampled_from(SIZES), st.sampled_from([None, True]))
def test_nothing_is_drawn_twice_in_one_place(
    screen: Message | Count | Paged | Listing, size: tuple[int, int], beat: bool | None
) -> None:
    """Each glyph, sign and icon is drawn on a clear background."""
    stamp = Canvas.stamp

    def checked(canvas: Canvas, mask: Image.Image, left: int, top: int, lit: bool = True) -> None:
        before = ink(canvas.image)
        stamp(canvas, mask, left, top, lit)
        assert abs(ink(canvas.image) - before) == ink(mask)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Canvas, "stamp", checked)
        compose(screen, size, beat)


def ink_left_of_the_bell(screen: Screen) -> tuple[int, int]:
    """Columns and rows of the dark ink left of the bell, on a 128x64 display."""
    picture = draw_screen(screen).crop((4, 4, 56, 58))
    box = ImageChops.invert(picture.convert("L")).getbbox()
    assert box is not None
    return box[2] - box[0], box[3] - box[1]


@pytest.mark.parametrize("name", ["Tracker 12345", "Restaurant pager number 12"])
def test_a_long_tracker_name_wraps_before_it_is_cut(name: str) -> None:
    assert ink_left_of_the_bell(Paged(name, "table 8", "", "12 orders"))[1] > 20


def test_tracker_digits_shrink_before_the_tables_name_is_cut() -> None:
    short = draw_screen(Paged("12", "table 8", "+2 more", "12 orders"))
    for place in ("table Terrasse Süd", "table Wintergarten hinten links"):
        whole = draw_screen(Paged("12", place, "+2 more", "12 orders"))
        assert ImageChops.difference(whole.convert("L"), short.convert("L")).getbbox()
        cut = draw_screen(Paged("12", place[:-1] + "…", "+2 more", "12 orders"))
        box = ImageChops.difference(whole.convert("L"), cut.convert("L")).getbbox()
        assert box is not None, "the last letter must be drawn"

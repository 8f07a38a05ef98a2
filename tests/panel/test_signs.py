"""One sign has one meaning: all signs are distinct, and each is in the one table and in the guide."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from appliance.core.view import Count, Listing, Mark, Remark, Row, Screen, Sign, Today
from appliance.panel.drawing import draw_screen, shapes
from appliance.panel.drawing.canvas import Canvas
from appliance.panel.drawing.signs import MARK_SIGNS, SIGNS, large_sign, small_sign
from appliance.pictures.markdown_tables import sign_table

INSTALL = Path(__file__).parents[2] / "docs" / "install.md"


def test_each_sign_has_its_own_shape_and_meaning() -> None:
    assert set(SIGNS) == set(Sign)
    shapes_of = list(SIGNS.values())
    for field in ("name", "meaning"):
        assert len({getattr(shape, field) for shape in shapes_of}) == len(SIGNS)
    for one, other in combinations(shapes_of, 2):
        assert {one.small, one.large or one.small}.isdisjoint({other.small, other.large or other.small})


def test_signs_differ_in_many_pixels() -> None:
    """Signs that differ in a few pixels look alike from 2.5 m."""
    for make in (small_sign, large_sign):
        for one, other in combinations(Sign, 2):
            canvases = Canvas(13, 13), Canvas(13, 13)
            for canvas, sign in zip(canvases, (one, other), strict=True):
                canvas.stamp(make(sign), 0, 0)
            changed = ImageChops.logical_xor(canvases[0].image, canvases[1].image)
            assert changed.convert("L").histogram()[255] >= 16, (one, other)


def test_the_only_bitmaps_beside_the_table_are_the_large_bell_and_the_heartbeat() -> None:
    assert {name for name in vars(shapes) if name.isupper()} == {"BELL", "HEART", "HEARTS", "TYPE_CHECKING"}


def stamped_on(screen: Screen, size: tuple[int, int]) -> set[bytes]:
    """Everything that is stamped on a screen."""
    stamped: set[bytes] = set()
    stamp = Canvas.stamp

    def noted(canvas: Canvas, ink: Image.Image, left: int, top: int, lit: bool = True) -> None:
        stamped.add(ink.tobytes())
        stamp(canvas, ink, left, top, lit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Canvas, "stamp", noted)
        draw_screen(screen, size)
    return stamped


@pytest.mark.parametrize("size", [(128, 64), (128, 32)])
def test_a_screen_has_only_the_signs_of_what_it_says(size: tuple[int, int]) -> None:
    late = Count("7", "orders", "6 min", Mark.LATE, (Remark(Sign.LATE, "late", 1), Remark(Sign.TO_GO, "to go", 2)))
    day = Today(
        "Today", "151 done", "9 open", "3:36", "3:12", "92%", "5:00", 11, (4, 12), "gateway: 143 done, 3:30", doubt=True
    )
    for screen, signs in (
        (Count("7", "orders", "6 min", Mark.LATE), set()),
        (late, {Sign.LATE, Sign.TO_GO}),
        (Count("7", "orders", "3 min", Mark.WARN, (Remark(Sign.GETTING_OLD, "getting old"),)), {Sign.GETTING_OLD}),
        (Count("7", "orders", "2 min", note="Count may be wrong"), set()),
        (Count("7", "orders", "2 min", note="Button stuck: free it", fault=True), {Sign.WARNING}),
        (Listing("", (Row("1", "2 min", Mark.FINE),)), set()),
        (Listing("", (Row("1", "3 min", Mark.WARN),)), {Sign.GETTING_OLD}),
        (Listing("", (Row("1", "6 min", Mark.LATE),)), {Sign.LATE}),
        (day, {Sign.DIFFERS}),
    ):
        stamped = stamped_on(screen, size)
        seen = {s for s in Sign if {small_sign(s).tobytes(), large_sign(s).tobytes()} & stamped}
        assert seen <= signs
        assert signs - seen <= {Sign.TO_GO}, "a low display has no room for all"


def test_an_order_in_time_has_no_sign() -> None:
    assert MARK_SIGNS == {Mark.WARN: Sign.GETTING_OLD, Mark.LATE: Sign.LATE}


def test_the_guide_explains_each_sign() -> None:
    assert sign_table() in INSTALL.read_text(encoding="utf-8")

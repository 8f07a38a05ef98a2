"""What the bench's table says of goals."""

from __future__ import annotations

import pytest

from tests.bench.table import DISPLAY, Row, render


@pytest.mark.parametrize(
    ("row", "reached"),
    [
        (Row("start", "s", 1.2, 1.0, at_most=1.2), True),
        (Row("start", "s", 1.21, 1.0, at_most=1.2), False),
        (Row("start", "s", 1.0, 0.0, at_most=1.2), False),
        (Row("burst", "/s", 10.0, 10.0, at_least=1.0), True),
        (Row("burst", "/s", 9.9, 10.0, at_least=1.0), False),
        (Row("idle", "/s", 2.0, 0.0, limit=2.0), True),
        (Row("idle", "/s", 2.1, 4.0, limit=2.0), False),
        (Row("idle", "s", 2.1, 4.0), None),
        (Row("bus", "bytes", 0.0, 1034.0, limit=0.0), True),
        (Row("bus", "bytes", 0.1, 1034.0, limit=0.0), False),
        (Row("drawing", "ms", 0.4), None),
    ],
)
def test_a_goal_is_reached_or_missed(row: Row, reached: bool | None) -> None:
    assert row.reached is reached


def test_a_missed_goal_is_plain_to_see() -> None:
    head, start, idle = render([Row("start", "s", 0.5, 0.25, at_most=1.2), Row("idle", "s", 0.5, 0.0)]).splitlines()
    assert "ratio" in head
    assert start.split() == ["start", "0.50", "s", "0.25", "s", "2.00", "x", "<=", "1.2", "x", "MISSED"]
    assert idle.split() == ["idle", "0.50", "s", "0.00", "s"]


def test_the_display_path_has_names_of_its_own() -> None:
    rows = [Row("drawing", "ms", 0.4), Row("bus", "bytes", 0.0, 1034.0, limit=0.0)]
    head, drawing, bus = render(rows, DISPLAY).splitlines()
    assert head.split() == ["display", "path", "ours", "luma's", "stock", "ratio", "goal"]
    assert drawing.split() == ["drawing", "0.40", "ms"]
    assert bus.split() == ["bus", "0.00", "bytes", "1,034", "bytes", "0.00", "x", "<=", "0", "bytes", "ok"]

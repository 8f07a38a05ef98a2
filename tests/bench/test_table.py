"""The benchmark's tables: goals, column heads and their place in the README."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.bench.table import DISPLAY, README, Row, into_readme, render


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


def test_a_missed_goal_is_marked() -> None:
    head, start, idle = render([Row("start", "s", 0.5, 0.25, at_most=1.2), Row("idle", "s", 0.5, 0.0)]).splitlines()
    assert "ratio" in head
    assert start.split() == ["start", "0.50", "s", "0.25", "s", "2.00", "x", "<=", "1.2", "x", "MISSED"]
    assert idle.split() == ["idle", "0.50", "s", "0.00", "s"]


def test_the_display_table_has_its_own_column_heads() -> None:
    rows = [Row("drawing", "ms", 0.4), Row("bus", "bytes", 0.0, 1034.0, limit=0.0)]
    head, drawing, bus = render(rows, DISPLAY).splitlines()
    assert head.split() == ["display", "path", "appliance", "stock", "luma", "ratio", "goal"]
    assert drawing.split() == ["drawing", "0.40", "ms"]
    assert bus.split() == ["bus", "0.00", "bytes", "1,034", "bytes", "0.00", "x", "<=", "0", "bytes", "ok"]


def test_a_table_goes_into_the_readme_where_the_last_one_is(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- bench x: begin -->\n```\nold\n```\n<!-- bench x: end -->\nb\n")
    for _ in range(2):
        into_readme("x", "new", readme)
    assert readme.read_text() == "a\n<!-- bench x: begin -->\n```\nnew\n```\n<!-- bench x: end -->\nb\n"
    with pytest.raises(ValueError, match="no place for the table y"):
        into_readme("y", "new", readme)


@pytest.mark.parametrize("what", ["programs", "recovery", "display", "history", "soak"])
def test_the_readme_has_a_place_for_each_table(what: str) -> None:
    text = README.read_text()
    assert f"<!-- bench {what}: begin -->\n```\n" in text
    assert f"\n```\n<!-- bench {what}: end -->" in text


def test_an_infinite_time_is_printed_as_never() -> None:
    row = Row("moved", "s", 1.0, math.inf, limit=60.0)
    assert row.ratio is None
    assert row.reached
    assert row.cells()[2] == "never"
    assert Row("moved", "s", math.inf, 1.0, limit=60.0).reached is False

"""The benchmark's tables: goals, column heads and their place in the documents."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.bench.table import DISPLAY, DOCS, DOCUMENTS, Row, render, write_to_docs


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


def test_a_table_replaces_the_last_one_in_its_document(tmp_path: Path) -> None:
    document = tmp_path / "robustness.md"
    document.write_text("a\n<!-- bench soak: begin -->\n```\nold\n```\n<!-- bench soak: end -->\nb\n")
    for _ in range(2):
        write_to_docs("soak", "new", tmp_path)
    assert document.read_text() == "a\n<!-- bench soak: begin -->\n```\nnew\n```\n<!-- bench soak: end -->\nb\n"
    with pytest.raises(ValueError, match="no markers for the table recovery"):
        write_to_docs("recovery", "new", tmp_path)


@pytest.mark.parametrize(("name", "document"), DOCUMENTS.items())
def test_each_table_has_its_markers_in_its_document(name: str, document: str) -> None:
    text = (DOCS / document).read_text()
    assert text.count(f"<!-- bench {name}: begin -->\n```\n") == 1
    assert text.count(f"\n```\n<!-- bench {name}: end -->") == 1


def test_an_infinite_time_is_printed_as_never() -> None:
    row = Row("moved", "s", 1.0, math.inf, limit=60.0)
    assert row.ratio is None
    assert row.reached
    assert row.cells()[2] == "never"
    assert Row("moved", "s", math.inf, 1.0, limit=60.0).reached is False

"""Statistics, tables and exported files, on worked examples."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from argparse import Namespace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.delivery import DAY, Finished, LeftOut
from appliance.gateway.wire import EPOCH
from appliance.history.chart import save_chart
from appliance.history.cli import time_range
from appliance.history.export import COLUMNS, csv_lines, json_lines
from appliance.history.report import FEW, WIDTH, Row, order_lines, quantile, report, report_lines

FORGET, TARGET = 3 * 3600.0, 300.0
MONDAY = (datetime(2026, 11, 23) - EPOCH).total_seconds()
NOON = MONDAY + 12 * 3600


def row(seconds: float | None, *, at: float = NOON, table: str = "8", kind: str = "ON_PREMISE") -> Row:
    return kind, table, at, None if seconds is None else at + seconds, 0.0, None


ROWS = [
    *(row(seconds) for seconds in (100, 200, 300, 400, 500)),
    *(row(600, at=NOON + DAY + 3600, table="9") for _ in range(FEW)),
    row(9999, table="few"),
    row(50, table=""),
    row(50, table="", kind="TO_GO"),
    row(4 * 3600),
    row(-5),
    row(None),
]


def test_the_figures_of_a_report() -> None:
    figures = report(ROWS, FORGET)
    assert figures.all.orders == 16
    assert figures.left_out == {
        LeftOut.NEVER_LOCATED: 1,
        LeftOut.AFTER_HOURS: 1,
        LeftOut.CLOCK: 1,
        LeftOut.UNTIMED: 1,
    }
    assert sorted(figures.all.times) == [50, 100, 200, 300, 400, 500, *[600] * FEW, 9999]
    monday, tuesday = figures.days.values()
    assert (monday.orders, tuesday.orders) == (11, 5)
    assert (monday.median, monday.slow, tuesday.average) == (300, 9999, 600)
    assert figures.all.within(TARGET) == 3 / 12, "300 s are not below 300 s"
    assert (figures.hours[0][12], figures.hours[1][13]) == (11, 5)
    assert sum(map(sum, figures.hours)) == 16
    assert [name for name, _ in figures.slowest] == ["9", "8"], "one slow order does not make a table slow"


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=50))
def test_medians_are_those_of_the_library(times: list[float]) -> None:
    assert quantile(times, 0.5) == statistics.median_low(times)
    slow = quantile(times, 0.9)
    assert slow is not None
    assert sum(time <= slow for time in times) >= 0.9 * len(times)
    assert sum(time < slow for time in times) < 0.9 * len(times) + 1e-9


def test_a_report_without_orders() -> None:
    figures = report([], FORGET)
    assert (figures.all.average, figures.all.median, figures.all.within(TARGET)) == (None, None, None)
    assert list(report_lines(figures, "Bar", TARGET))[-1].split() == ["all", "0", "-", "-", "-", "-"]


def test_the_table_fits_eighty_columns_whatever_the_names() -> None:
    name = "An exceedingly long name of a table, \x1b[31m with colours"
    rows = [*ROWS, *(row(1000, table=name) for _ in range(9000)), *(row(-5) for _ in range(12_345))]
    lines = list(report_lines(report(rows, FORGET), "G" * 60, TARGET))
    assert max(map(len, lines)) <= WIDTH
    assert not any("\x1b" in line for line in lines)
    assert lines[3].split()[:3] == ["Mon", "2026-11-23", "21,356"]
    assert "12,346 clock was changed" in " ".join(lines)
    orders = [Finished("u", name, name, name, created=NOON, cleared=NOON - 5)]
    assert max(map(len, order_lines(orders, FORGET))) <= WIDTH


ORDER = Finished("u-1", "23", "ON_PREMISE", "8", True, NOON, NOON + 240.0, 0.0, None, 25.4)


def read(*orders: Finished) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("\n".join(csv_lines(orders, FORGET)))))


def test_csv_has_a_header_and_an_order_a_line() -> None:
    header, line = csv_lines([ORDER], FORGET)
    assert header == ",".join(COLUMNS)
    assert line == "u-1,23,ON_PREMISE,8,2026-11-23T12:00:00,2026-11-23T12:04:00,240,25.4,,yes"
    (left,) = read(Finished("u", order_type="ON_PREMISE"))
    assert (left["left_out"], left["delivery_s"], left["created"]) == ("never located", "", "")


@given(st.lists(st.text(max_size=20), min_size=3, max_size=3))
def test_names_add_no_line_formula_or_control_sequence(names: list[str]) -> None:
    uuid, name, table = names
    lines = list(csv_lines([Finished(uuid, name, "TO_GO", table)], FORGET))
    assert len(lines) == 2
    assert len(lines[1].splitlines()) <= 1 or not lines[1]
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in lines[1])
    (cells,) = csv.reader([lines[1]])
    assert len(cells) == len(COLUMNS)
    assert not any(cell.startswith(("=", "@")) for cell in cells)
    assert all(re.fullmatch(r"[+-]?[0-9]+([.,][0-9]+)?", cell) for cell in cells if cell.startswith(("+", "-")))
    (line,) = json_lines([Finished(uuid, name, "TO_GO", table)], FORGET)
    parsed = json.loads(line)
    assert (parsed["uuid"], parsed["tracker"], parsed["table"]) == (uuid, name, table), "JSON keeps the text unchanged"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-5", "-5"),
        ("+49", "+49"),
        ("-5+cmd|'/C calc'!A0", "'-5+cmd|'/C calc'!A0"),
        ("\t=1", "\\t=1"),
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[2J", "\\x1b[2J"),
        ('say "8", please', 'say "8", please'),
        ("Tisch ä", "Tisch ä"),
    ],
)
def test_formulas_and_control_characters_are_escaped(text: str, cell: str) -> None:
    (order,) = read(Finished("u", text))
    assert order["tracker"] == cell


def test_json_lines_are_objects() -> None:
    (line,) = json_lines([ORDER], FORGET)
    parsed = json.loads(line)
    assert list(parsed) == list(COLUMNS)
    assert (parsed["delivery_s"], parsed["paged"], parsed["left_out"]) == (240, True, None)


def span(latest: float | None = None, **asked: str | None) -> tuple[float | None, float | None]:
    return time_range(Namespace(**{"since": None, "begin": None, "end": None, **asked}), latest)


def test_ages_count_back_from_now_and_dates_are_whole_days() -> None:
    now = (datetime.now() - EPOCH).total_seconds()
    begin, end = span(since="14d")
    assert begin == pytest.approx(now - 14 * DAY, abs=5)
    assert end is None
    assert span(now - 40 * DAY, since="12h")[0] == pytest.approx(now - DAY / 2, abs=5), "closed for weeks"
    assert span(begin="2026-11-23", end="2026-11-23") == (MONDAY, MONDAY + DAY)
    assert span(begin="2026-11-23T12:00", end="2026-11-23T12:30:00") == (NOON, NOON + 1800)
    assert span(since="2026-11-23") == (MONDAY, None)
    assert span(begin="0001-01-01", end="9999-12-31")[1] == (datetime(9999, 12, 31) - EPOCH).total_seconds() + DAY
    assert span() == (None, None)


def test_ages_count_back_from_the_gateways_clock_if_it_is_far_off() -> None:
    other = (datetime(2016, 9, 22, 19, 0) - EPOCH).total_seconds()
    assert span(other, since="1w") == (other - 7 * DAY, None)
    ahead = (datetime.now() + timedelta(days=400) - EPOCH).total_seconds()
    assert span(ahead, since="1d") == (ahead - DAY, None)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": "a fortnight"}, "--since must be like 14d"),
        ({"since": "-3d"}, "--since must be like"),
        ({"begin": "yesterday"}, "--from must be like 2026-11-01"),
        ({"end": "2026-13-01"}, "--to must be like"),
        ({"end": "2026-W47"}, "--to must be like"),
        ({"begin": "2026-11-01T18:00Z"}, "--from must be like"),
        ({"since": "3d", "begin": "2026-11-01"}, "use only one of them"),
        ({"begin": "2026-11-02", "end": "2026-11-01"}, "must be after the start"),
    ],
)
def test_invalid_times_are_reported(asked: dict[str, str | None], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        span(None, **asked)


def test_the_axis_of_a_short_chart_has_days_without_hours(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    save_chart(report(ROWS, FORGET), chart, "Bar", TARGET)
    drawn = chart.read_text()
    assert "<!-- Mon 23 Nov -->" in drawn
    assert "<!-- Tue 24 Nov -->" in drawn
    assert ":00 -->" not in drawn.replace("target, 5:00", "")

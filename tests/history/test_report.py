"""Statistics, tables and exported files, on worked examples."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.delivery import DAY, Finished, LeftOut, first_hour
from appliance.core.values import Benchmarks
from appliance.gateway.order_json import EPOCH
from appliance.history.chart import save_chart
from appliance.history.export import COLUMNS, csv_lines, json_lines
from appliance.history.periods import Period
from appliance.history.report import FEW, WIDTH, Row, open_days, order_lines, quantile, report, report_lines

FORGET, TARGET = 3 * 3600.0, 300.0
TIMES = Benchmarks(late_after=TARGET, forget_after=FORGET)
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
    assert list(report_lines(figures, "Bar", TIMES, Period()))[-1].split() == ["all", "0", "-", "-", "-", "-"]


def test_the_table_fits_eighty_columns_whatever_the_names() -> None:
    name = "An exceedingly long name of a table, \x1b[31m with colours"
    rows = [*ROWS, *(row(1000, table=name) for _ in range(9000)), *(row(-5) for _ in range(12_345))]
    lines = list(report_lines(report(rows, FORGET), "G" * 60, TIMES, Period()))
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


def test_the_axis_of_a_short_chart_has_days_without_hours(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    save_chart(report(ROWS, FORGET), open_days(ROWS), chart, "Bar", TIMES)
    drawn = chart.read_text()
    assert "<!-- Mon 23 Nov -->" in drawn
    assert "<!-- Tue 24 Nov -->" in drawn
    assert ":00 -->" not in drawn.replace("target, 5:00", "")


def test_the_heat_map_has_orders_per_day_of_that_weekday(tmp_path: Path) -> None:
    """Two Mondays of eleven orders each are a Monday of eleven orders."""
    chart = tmp_path / "chart.svg"
    mondays = [row(240, at=NOON + week * 7 * DAY) for week in range(2) for _ in range(11)]
    tuesday = [row(240, at=NOON + DAY) for _ in range(3)]
    rows = [*mondays, *tuesday, row(240, at=NOON + 2 * DAY), row(240, at=NOON + 9 * DAY), row(240, at=NOON + 16 * DAY)]
    save_chart(
        report([*rows[:-1], *rows[-1:]], FORGET), open_days([*rows, row(9, at=NOON + 8 * DAY)]), chart, "Bar", TIMES
    )
    drawn = set(re.findall(r"<!-- (.*?) -->", chart.read_text()))
    assert {"Mon (2 days)", "Tue (2 days)", "Wed (3 days)", "Sun (0 days)"} <= drawn
    assert {"11", "1.5", "1"} <= drawn
    assert "22" not in drawn
    assert "Orders per day, by hour and weekday" in drawn


def test_the_heat_map_begins_with_the_first_hour_of_the_business_day(tmp_path: Path) -> None:
    chart = tmp_path / "chart.svg"
    times = Benchmarks(day_ends=4 * 3600.0)
    evening = [row(240, at=MONDAY + 23 * 3600), row(240, at=MONDAY + 25 * 3600)]
    figures = report(evening, FORGET, times.day_ends)
    assert [len(figures.days), figures.hours[0][19], figures.hours[0][21]] == [1, 1, 1]
    save_chart(figures, open_days(evening, times.day_ends), chart, "Bar", times)
    drawn = re.findall(r"<!-- (.*?) -->", chart.read_text())
    at = drawn.index("23")
    assert drawn[at : at + 3] == ["23", "0", "1"]
    assert "Mon (1 day)" in drawn
    lines = list(report_lines(figures, "Bar", times, Period(MONDAY + 4 * 3600, MONDAY + DAY + 4 * 3600)))
    assert lines[1:3] == ["each day ends at 04:00", "on Mon 2026-11-23"]
    assert "Mon 2026-11-23" in lines[5]


@pytest.mark.parametrize(
    ("sunday", "hours", "doubled", "missing"),
    [(datetime(2026, 3, 29), 23, None, 2), (datetime(2026, 10, 25), 25, 2, None)],
    ids=["clocks go forward", "clocks go back"],
)
@pytest.mark.parametrize("day_ends", [0.0, 4 * 3600.0])
def test_a_day_in_which_clocks_change_is_one_day(
    sunday: datetime, hours: int, doubled: int | None, missing: int | None, day_ends: float
) -> None:
    """Six orders begin in each real hour of three days; the gateway dates them by its own clock."""
    zone = ZoneInfo("Europe/Berlin")
    begin = (sunday - timedelta(days=1) + timedelta(seconds=day_ends)).replace(tzinfo=zone).astimezone(UTC)
    instants = (begin + timedelta(minutes=10 * number) for number in range(6 * (48 + hours - 24)))
    dated = [(at.astimezone(zone).replace(tzinfo=None) - EPOCH).total_seconds() for at in instants]
    figures = report([row(200, at=at) for at in dated], FORGET, day_ends)
    saturday, its_sunday = (day.orders for day in figures.days.values())
    assert (its_sunday, saturday) == ((hours * 6, 144) if not day_ends else (144, hours * 6))
    changed = figures.hours[6 if not day_ends else 5]
    by_clock = {(first_hour(day_ends) + index) % 24: count for index, count in enumerate(changed) if count}
    assert by_clock == {hour: 12 if hour == doubled else 6 for hour in range(24) if hour != missing}
    assert open_days([row(200, at=at) for at in dated], day_ends) == [0, 0, 0, 0, 0, 1, 1]

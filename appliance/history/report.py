"""The report: totals by day, hour, weekday and table, as values and as text. Pure; core.delivery defines the times."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from appliance.core.delivery import CLOCK_HOURS, Finished, LeftOut, day_at, delivery_time, hour_at, reckon
from appliance.core.formatting import clock, legible, percent
from appliance.core.values import Benchmarks
from appliance.gateway.order_json import EPOCH
from appliance.history.periods import Period

FIRST_WEEKDAY = 5
"""The weekday of day 0 of the archive's time, a Saturday; Monday is 0."""
FEW = 5
"""Minimum number of deliveries for the list of slowest tables."""

WIDTH = 80
SLOWEST = 5
"""Length of the list of slowest tables."""
NAME = 16
"""Columns for a name; longer names are truncated with an ellipsis."""

Row = tuple[str, str, float | None, float | None, float | None, float | None]
"""An order's type, table, created, cleared, elapsed, took."""


@dataclass(slots=True)
class Totals:
    """Totals of some orders. orders: their number. times: their known delivery times in seconds."""

    orders: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def average(self) -> float | None:
        """Seconds; None without times."""
        return math.fsum(self.times) / len(self.times) if self.times else None

    @property
    def median(self) -> float | None:
        """Seconds."""
        return quantile(self.times, 0.5)

    @property
    def slow(self) -> float | None:
        """The 90th percentile in seconds."""
        return quantile(self.times, 0.9)

    def within(self, target: float) -> float | None:
        """The share of times below `target` seconds, from 0.0 to 1.0."""
        return sum(time < target for time in self.times) / len(self.times) if self.times else None


@dataclass(slots=True)
class Report:
    """All totals of a report.

    days: by number of the day, sorted. hours: orders by weekday (from Monday) and hour, as in `hour_at`. tables: by
    name. left_out: orders without a delivery time, by reason.
    """

    all: Totals = field(default_factory=Totals)
    days: dict[int, Totals] = field(default_factory=dict)
    hours: list[list[int]] = field(default_factory=lambda: [[0] * CLOCK_HOURS for _ in range(7)])
    tables: dict[str, Totals] = field(default_factory=dict)
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    @property
    def slowest(self) -> list[tuple[str, Totals]]:
        """Tables with at least FEW deliveries, slowest median first."""
        known = [(name, some) for name, some in self.tables.items() if len(some.times) >= FEW]
        return sorted(known, key=lambda table: -(table[1].median or 0.0))


def report(rows: Iterable[Row], forget_after: float, day_ends: float = 0.0) -> Report:
    """The report on some orders. forget_after, day_ends: as in `Benchmarks`."""
    result = Report()
    days, tables, hours, every = result.days, result.tables, result.hours, result.all
    for type_, table, created, cleared, elapsed, took in rows:
        every.orders += 1
        began = cleared if created is None else created
        day: Totals | None = None
        if began is not None:
            number = day_at(began, day_ends)
            day = days.get(number)
            if day is None:
                day = days[number] = Totals()
            day.orders += 1
            hours[weekday(number)][hour_at(began, day_ends)] += 1
        seconds = reckon(type_, table, created, cleared, elapsed, took, forget_after)
        if isinstance(seconds, LeftOut):
            result.left_out[seconds] += 1
            continue
        every.times.append(seconds)
        if day is not None:
            day.times.append(seconds)
        if table:
            at = tables.get(table)
            if at is None:
                at = tables[table] = Totals()
            at.orders += 1
            at.times.append(seconds)
    result.days = dict(sorted(days.items()))
    return result


def weekday(day: int) -> int:
    """The weekday of a day; Monday is 0."""
    return (day + FIRST_WEEKDAY) % 7


def open_days(rows: Iterable[Row], day_ends: float = 0.0) -> list[int]:
    """The number of days with orders, for each weekday from Monday."""
    days = {
        day_at(began, day_ends)
        for _, _, created, cleared, _, _ in rows
        if (began := cleared if created is None else created) is not None
    }
    counts = [0] * 7
    for day in days:
        counts[weekday(day)] += 1
    return counts


def quantile(times: Sequence[float], part: float) -> float | None:
    """A quantile by the nearest-rank method; None without times."""
    if not times:
        return None
    return sorted(times)[max(0, math.ceil(part * len(times)) - 1)]


def report_lines(report: Report, gateway: str, benchmarks: Benchmarks, period: Period) -> Iterator[str]:
    """The report as lines of text."""
    target, day_ends = benchmarks.late_after, benchmarks.day_ends
    within = f"in {clock(target)}"
    yield f"Orders of {legible(gateway)}, in the gateway's local time"
    if day_ends:
        yield f"each day ends at {int(day_ends // 3600):02}:{int(day_ends // 60) % 60:02}"
    if words := period.words(day_ends):
        yield words
    yield ""
    yield f"{_head('day', within)}{'excluded':>11}"
    for number, day in report.days.items():
        yield _row((EPOCH + timedelta(days=number)).strftime("%a %Y-%m-%d"), day, target)
    yield _row("all", report.all, target)
    if report.left_out:
        yield ""
        parts = (f"{count:,} {why}" for why, count in report.left_out.most_common())
        yield from _wrapped(f"excluded from the times: {', '.join(parts)}")
    slowest = report.slowest[:SLOWEST]
    if slowest:
        yield ""
        yield _head("slowest tables", within)
        for name, table in slowest:
            yield _row(legible(name, NAME), table, target)
        yield f"by median, with {FEW} or more deliveries"


def order_lines(orders: Iterable[Finished], forget_after: float) -> Iterator[str]:
    """A line for each order."""
    yield f"{'started':<19} {'tracker':<9} {'kind':<10} {'table':<10} {'time':>7}  not counted"
    for order in orders:
        began = "?" if order.created is None else moment(order.created)
        seconds = delivery_time(order, forget_after)
        time, why = ("", str(seconds)) if isinstance(seconds, LeftOut) else (clock(seconds), "")
        kind = order.order_type.lower().replace("_", " ")
        place = legible(order.location, 10) if order.location else ""
        name = legible(order.name, 9)
        yield f"{began:<19} {name:<9} {legible(kind, 10):<10} {place:<10} {time:>7}  {why}".rstrip()


def moment(local: float) -> str:
    """A local time of the gateway as text."""
    return (EPOCH + timedelta(seconds=local)).strftime("%Y-%m-%d %H:%M:%S")


def _head(first: str, within: str) -> str:
    return f"{first:<{NAME}}{'orders':>8}{'average':>10}{'median':>9}{'9 in 10':>10}{within:>12}"


def _row(name: str, some: Totals, target: float) -> str:
    within = some.within(target)
    share = "-" if within is None else percent(within)
    left = some.orders - len(some.times)
    times = f"{_time(some.average):>10}{_time(some.median):>9}{_time(some.slow):>10}"
    return f"{name:<{NAME}}{some.orders:>8,}{times}{share:>12}{left or '':>11}".rstrip()


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else clock(round(seconds))


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = " "
        line = f"{line} {word}" if line else word
    yield line

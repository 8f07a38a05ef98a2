"""What a report tells of many orders: by day, by hour and weekday, by table. Pure; the definitions are the core's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from appliance.core.delivery import DAY, HOUR, LeftOut, reckon

FIRST_WEEKDAY = 5
"""The weekday of the arbitrary day from which times are counted, a Saturday; Monday is 0."""
FEW = 5
"""Deliveries below which a table's times are chance, and not told as slow."""

Row = tuple[str, str, float | None, float | None, float | None, float | None]
"""Of an order: type, table, created, cleared, elapsed, took."""


@dataclass(slots=True)
class Sum:
    """Some orders. orders: all of them; times: the delivery times of those that count, in seconds."""

    orders: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def average(self) -> float | None:
        """Seconds; None where no time is known."""
        return math.fsum(self.times) / len(self.times) if self.times else None

    @property
    def median(self) -> float | None:
        """Seconds."""
        return quantile(self.times, 0.5)

    @property
    def slow(self) -> float | None:
        """Seconds within which nine of ten were delivered."""
        return quantile(self.times, 0.9)

    def within(self, target: float) -> float | None:
        """The part, from 0.0 to 1.0, of the times below `target` seconds."""
        return sum(time < target for time in self.times) / len(self.times) if self.times else None


@dataclass(slots=True)
class Report:
    """Every figure of a report.

    days: by the day's number, in order. hours: by weekday from Monday, the orders that began in each hour. tables: by
    name. left_out: how many have no part in the times, and why.
    """

    all: Sum = field(default_factory=Sum)
    days: dict[int, Sum] = field(default_factory=dict)
    hours: list[list[int]] = field(default_factory=lambda: [[0] * 24 for _ in range(7)])
    tables: dict[str, Sum] = field(default_factory=dict)
    left_out: Counter[LeftOut] = field(default_factory=Counter)

    @property
    def slowest(self) -> list[tuple[str, Sum]]:
        """Tables and their deliveries, the slowest median first; those with few are not among them."""
        known = [(name, some) for name, some in self.tables.items() if len(some.times) >= FEW]
        return sorted(known, key=lambda table: -(table[1].median or 0.0))


def report(rows: Iterable[Row], forget_after: float) -> Report:
    """The figures of some orders. forget_after: as in `Benchmarks`."""
    told = Report()
    days, tables, hours, every = told.days, told.tables, told.hours, told.all
    for type_, table, created, cleared, elapsed, took in rows:
        every.orders += 1
        began = cleared if created is None else created
        day: Sum | None = None
        if began is not None:
            number = int(began // DAY)
            day = days.get(number)
            if day is None:
                day = days[number] = Sum()
            day.orders += 1
            hours[(number + FIRST_WEEKDAY) % 7][int(began % DAY // HOUR)] += 1
        seconds = reckon(type_, table, created, cleared, elapsed, took, forget_after)
        if isinstance(seconds, LeftOut):
            told.left_out[seconds] += 1
            continue
        every.times.append(seconds)
        if day is not None:
            day.times.append(seconds)
        if table:
            at = tables.get(table)
            if at is None:
                at = tables[table] = Sum()
            at.orders += 1
            at.times.append(seconds)
    told.days = dict(sorted(days.items()))
    return told


def quantile(times: Sequence[float], part: float) -> float | None:
    """The time that this part of them does not exceed: one of them, by the nearest rank; None without any."""
    if not times:
        return None
    return sorted(times)[max(0, math.ceil(part * len(times)) - 1)]

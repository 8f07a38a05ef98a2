"""What was delivered on one day of the gateway's, as far as this box has seen it go.

A figure of what the box saw itself, from its first feed of that day on; never more than that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

DAY = 24 * 3600.0
STEP = 5.0
"""Seconds of one bin of delivery times: finer than anyone reads a median."""
BINS = 720
"""Bins of STEP seconds, an hour in all; the last also holds whatever took longer."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Deliveries of a day.

    day: of the gateway's local time, counted from an arbitrary one; None while that is not known. since: when counting
    began, in monotonic seconds. delivered: all that went; timed: those of them whose age was known. total: their ages'
    sum in seconds. bins: how many of them were delivered in each STEP of time; empty for none.
    """

    day: int | None = None
    since: float | None = None
    delivered: int = 0
    timed: int = 0
    total: float = 0.0
    bins: tuple[int, ...] = ()

    def on(self, offset: float | None, now: float) -> Tally:
        """The tally to count on with: a new one where another day has begun. offset: gateway time minus `now`."""
        if offset is None:
            return self if self.since is not None else replace(self, since=now)
        day = math.floor((offset + now) / DAY)
        if self.day is None:
            return replace(self, day=day, since=now if self.since is None else self.since)
        return self if day == self.day else Tally(day, now)

    def vanished(self, orders: int) -> Tally:
        """So many orders went while nobody told how: delivered, but nobody knows when."""
        return replace(self, delivered=self.delivered + orders) if orders else self

    def delivered_all(self, ages: Iterable[float | None]) -> Tally:
        """Orders were cleared at these ages in seconds; None where an age was only a lower bound."""
        went = list(ages)
        if not went:
            return self
        bins = list(self.bins or (0,) * BINS)
        timed = [max(0.0, age) for age in went if age is not None]
        for age in timed:
            bins[min(BINS - 1, int(age / STEP))] += 1
        return replace(
            self,
            delivered=self.delivered + len(went),
            timed=self.timed + len(timed),
            total=self.total + sum(timed),
            bins=tuple(bins),
        )

    @property
    def average(self) -> float | None:
        """Seconds; None where no time is known."""
        return self.total / self.timed if self.timed else None

    @property
    def median(self) -> float | None:
        """Seconds, to the middle of a STEP; None where no time is known."""
        if not self.timed:
            return None
        left = (self.timed + 1) // 2
        for number, count in enumerate(self.bins):
            left -= count
            if left <= 0:
                return (number + 0.5) * STEP
        raise AssertionError("every time is in a bin")

    def within(self, target: float) -> float | None:
        """The share, from 0.0 to 1.0, of the times below `target` seconds; None where no time is known."""
        return sum(self.bins[: min(BINS - 1, int(target / STEP))]) / self.timed if self.timed else None

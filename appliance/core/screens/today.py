"""The day so far: finished and open orders, delivery times, and the figures of the gateway."""

from __future__ import annotations

import math

from appliance.core import texts
from appliance.core.day_stats import DayStats
from appliance.core.delivery import first_hour
from appliance.core.formatting import age, clock, percent
from appliance.core.states import Connected
from appliance.core.view import Today

LEAST_HOURS = 6
"""The least hours on the chart, so that the first bar of a day does not fill it."""


def today_screen(state: Connected, now: float) -> tuple[Today, float]:
    """The screen at `now`, and until when it holds."""
    benchmarks, offset = state.world.benchmarks, state.book.clock.offset
    day_stats = state.book.today.for_day(offset, now)
    total = day_stats.total(benchmarks.forget_after)
    average, median = total.average, total.median
    within = total.within(benchmarks.late_after)
    first, hours = _hours(total.hours)
    # Before the first order after a start, the gateway's date is unknown, and the archive's latest day is shown.
    dated = offset is not None or not total.delivered or day_stats.archived_stats is None
    note, until = _note(day_stats, now)
    screen = Today(
        title=texts.TODAY if dated else texts.LATEST_DAY,
        finished=texts.DAY_FINISHED.format(count=total.delivered),
        open=texts.DAY_OPEN.format(count=state.book.active),
        average="" if average is None else clock(average),
        median="" if median is None else clock(median),
        share="" if within is None else percent(within),
        target=clock(benchmarks.late_after),
        first=(first_hour(benchmarks.day_ends) + first) % 24,
        hours=hours,
        note=note,
        doubt=day_stats.differs,
    )
    return screen, until


def _hours(counts: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The hours from the first order to the last, extended to LEAST_HOURS, and the index of the first one."""
    busy = [hour for hour, count in enumerate(counts) if count]
    if not busy:
        return 0, ()
    first, last = busy[0], busy[-1]
    last = max(last, min(23, first + LEAST_HOURS - 1))
    first = min(first, last - LEAST_HOURS + 1)
    return first, counts[first : last + 1]


def _note(day_stats: DayStats, now: float) -> tuple[str, float]:
    """A note on the source of the figures, and until when it holds."""
    if day_stats.archived_stats is None:
        since = now if day_stats.since is None else day_stats.since
        return texts.COUNTED_FOR.format(age=age(now - since)), since + ((now - since) // 60 + 1) * 60
    own = day_stats.gateway
    if own is None or (own.finished is None and own.average is None):
        return "", math.inf
    count = "" if own.finished is None else texts.GATEWAY_FINISHED.format(count=own.finished)
    average = "" if own.average is None else clock(own.average)
    return texts.GATEWAY_FIGURES.format(figures=", ".join(filter(None, (count, average)))), math.inf

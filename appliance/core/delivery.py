"""Finished orders and delivery times: the one place that defines them, in the vendor's terms.

An order is *finished* once it is cleared: by its tracker at the clearing unit, by a manager at the gateway or through
its API, or automatically by the gateway. All of them count as delivered, because no field tells them apart. The
*delivery time* runs from the start of the order to its clearing; the *time to sit* from the start to the tracker's
first touch of a tagged table, 0 if the order began there. `LeftOut` lists the reasons for excluding an order from
averages, medians and shares. Excluded orders are still counted.

Times are the gateway's local ones in seconds since 2000-01-01, a Saturday; durations are in seconds. A *day* is the
restaurant's business day: it ends at `orders.day_ends`, in seconds after midnight. It has the date that most of it
belongs to, so an hour after midnight belongs to the evening before if the day ends at four. As the gateway's local time
says, a day in which the clocks change for summer time has 23 or 25 hours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from appliance.core.values import ON_PREMISE, Order

DAY = 24 * 3600.0
HOUR = 3600.0
CLOCK_HOURS = 25
"""Hours of the clock that a day touches: one more than 24 if it ends within an hour."""
SHIFTS = (3600.0, 1800.0)
"""Daylight-saving shifts in seconds: an hour, and half an hour on Lord Howe Island."""
SHIFT_TOLERANCE = 2.0
"""Seconds by which `elapsedTime` and the two timestamps may disagree: each is truncated to a second."""
OWN_CLOCK_WINS = 60.0
"""Seconds of difference from which the gateway's clock must have been set, and this box's own measurement wins."""
FIRST_SUNDAY = 1
"""The first Sunday after 2000-01-01, in days from it."""
CHANGE_ENDS = 4 * HOUR
"""Almost everywhere, daylight saving begins and ends before four on a Sunday morning."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A cleared order.

    created, cleared: None if the gateway's value is unusable. elapsed: the gateway's `elapsedTime`, often 0. took, sat:
    delivery time and time to sit as this box measured them on the feed by its monotonic clock; None unless it saw both
    ends.
    """

    uuid: str
    name: str = ""
    order_type: str = ""
    location: str = ""
    paged: bool = False
    created: float | None = None
    cleared: float | None = None
    elapsed: float | None = None
    took: float | None = None
    sat: float | None = None

    @property
    def is_measured(self) -> bool:
        """Whether this box measured a time of it."""
        return self.took is not None or self.sat is not None


class LeftOut(StrEnum):
    """Why an order is excluded from averages, medians and shares."""

    NEVER_LOCATED = "never located"
    """On the premises, but at no table when it was cleared: a guest who left, or a tracker started by mistake. Nothing
    was delivered; the time only says when somebody put the tracker away."""
    AFTER_HOURS = "cleared after hours"
    """Open for longer than `orders.forget_after`: a lost tracker, cleared by a manager or by the gateway long after the
    food arrived. One of these would outweigh a hundred deliveries."""
    CLOCK = "clock was changed"
    """The gateway's clock was set, or changed to or from daylight saving, between start and clearing."""
    UNTIMED = "no time known"
    """The gateway gave no usable times."""


def delivery_time(order: Finished, forget_after: float) -> float | LeftOut:
    """The delivery time in seconds, or why the order is excluded. forget_after: as in `Benchmarks`."""
    return reckon(
        order.order_type, order.location, order.created, order.cleared, order.elapsed, order.took, forget_after
    )


def reckon(
    order_type: str,
    location: str,
    created: float | None,
    cleared: float | None,
    elapsed: float | None,
    took: float | None,
    forget_after: float,
) -> float | LeftOut:
    """`delivery_time` from the bare fields, for callers with hundreds of thousands of orders."""
    if not location and order_type == ON_PREMISE:
        return LeftOut.NEVER_LOCATED
    seconds = _told(created, cleared, elapsed, forget_after)
    if took is not None and (isinstance(seconds, LeftOut) or abs(seconds - took) > OWN_CLOCK_WINS):
        seconds = took
    if not isinstance(seconds, LeftOut) and seconds > forget_after:
        return LeftOut.AFTER_HOURS
    return seconds


def day_at(local: float, day_ends: float = 0.0) -> int:
    """The day at a local time, in days since 2000-01-01."""
    return math.floor((local - _shift(day_ends)) / DAY)


def start_of(day: int, day_ends: float = 0.0) -> float:
    """The local time at which a day begins."""
    return day * DAY + _shift(day_ends)


def first_hour(day_ends: float = 0.0) -> int:
    """The hour of the clock, 0 to 23, in which each day begins."""
    return int(day_ends // HOUR)


def hour_at(local: float, day_ends: float = 0.0) -> int:
    """How many hours of the clock after `first_hour` a local time is within its day: 0 to 24."""
    start = start_of(day_at(local, day_ends), day_ends)
    return int((local - start + day_ends % HOUR) // HOUR)


def _shift(day_ends: float) -> float:
    """Seconds from midnight to the start of the day with that date. A day that ends after noon has that date."""
    return day_ends if day_ends < DAY / 2 else day_ends - DAY


def day_of(order: Finished, day_ends: float = 0.0) -> int | None:
    """The day on which the order began; None if unknown."""
    at = began(order)
    return None if at is None else day_at(at, day_ends)


def hour_of(order: Finished, day_ends: float = 0.0) -> int | None:
    """The hour in which the order began, as in `hour_at`; None if unknown."""
    at = began(order)
    return None if at is None else hour_at(at, day_ends)


def began(order: Finished) -> float | None:
    """When the order began, or else was cleared; None if neither is known."""
    return order.cleared if order.created is None else order.created


def finished(order: Order, *, at: float | None = None, took: float | None = None, sat: float | None = None) -> Finished:
    """A cleared order. at: when it was cleared, if the order itself does not say."""
    return Finished(
        uuid=order.uuid,
        name=order.name,
        order_type=order.order_type,
        location=order.location,
        paged=order.paged,
        created=order.created,
        cleared=order.changed if not order.active and order.changed is not None else at,
        elapsed=order.elapsed,
        took=took,
        sat=sat,
    )


def _told(created: float | None, cleared: float | None, elapsed: float | None, forget_after: float) -> float | LeftOut:
    """The delivery time by the gateway's own times."""
    if created is None or cleared is None:
        return float(elapsed) if elapsed else LeftOut.UNTIMED
    span = cleared - created
    if elapsed and elapsed != span and any(abs(abs(span - elapsed) - shift) <= SHIFT_TOLERANCE for shift in SHIFTS):
        return float(elapsed)
    if span < 0 or (HOUR <= span <= forget_after and _over_a_change(created, cleared)):
        return LeftOut.CLOCK
    return float(span)


def _over_a_change(created: float, cleared: float) -> bool:
    """Whether daylight saving may have begun or ended between two moments less than a week apart.

    An order that was open for an hour in the night to a Sunday is hardly ever a delivery of an hour; it may be one of
    five minutes during which the clock skipped an hour, so it is excluded.
    """
    week = 7 * DAY
    since_sunday = (created - FIRST_SUNDAY * DAY) % week
    return since_sunday < CHANGE_ENDS or since_sunday + (cleared - created) > week

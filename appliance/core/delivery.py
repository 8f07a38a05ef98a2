"""What a finished order is, and how long its delivery took: the definitions, in the vendor's terms, and nowhere else.

An order is *finished* once it is cleared: by its tracker at the clearing unit, by a manager at the gateway or through
its API, or automatically by the gateway. Each of these counts as delivered, for the gateway tells in no field which of
them it was. The *delivery time* runs from the start of the order to its clearing; the *time to sit* from the start to
the tracker's first touch of a tagged table, 0 where the order began there. What is left out of every average, median
and share is a `LeftOut`, with its reason. Such orders are still counted.

Times are the gateway's local ones in seconds since an arbitrary day, which was a Saturday; lengths are in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from appliance.core.values import ON_PREMISE, Order

DAY = 24 * 3600.0
HOUR = 3600.0
SHIFTS = (3600.0, 1800.0)
"""By how much clocks are changed for summer time: an hour, and half of one on Lord Howe Island."""
SHIFT_TOLERANCE = 2.0
"""Seconds by which a gateway's own two ways to say one length may differ: each of three times is cut to the second."""
OWN_CLOCK_WINS = 60.0
"""Seconds between the gateway's reckoning and this box's own, from which its clock must have been changed meanwhile."""
FIRST_SUNDAY = 1
"""The arbitrary day's first Sunday, counted from it."""
CHANGE_ENDS = 4 * HOUR
"""Clocks are changed in the first hours of a Sunday almost everywhere; by four it is done."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An order that is cleared.

    created, cleared: None where the gateway told nothing usable. elapsed: the gateway's `elapsedTime`, often 0.
    took, sat: delivery time and time to sit as this box saw them on the feed, by a clock that nobody sets; None where
    it did not see both ends.
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
        """Whether this box knows anything of it that the gateway does not tell."""
        return self.took is not None or self.sat is not None


class LeftOut(StrEnum):
    """Why an order has no part in averages, medians and shares."""

    NEVER_LOCATED = "never located"
    """On the premises, and yet at no table when it was cleared: a guest who left, a tracker that was started by
    mistake. Nothing was brought to anybody, and the time says when the tracker was tidied away."""
    AFTER_HOURS = "cleared after hours"
    """Open for longer than `orders.forget_after`: a tracker that was lost or forgotten, and cleared by a manager or by
    the gateway long after the food was there. One of these would outweigh a hundred deliveries."""
    CLOCK = "clock was changed"
    """The gateway's clock was set, or went over to or from summer time, between start and clearing."""
    UNTIMED = "no time known"
    """The gateway told no usable times."""


def delivery_time(order: Finished, forget_after: float) -> float | LeftOut:
    """Seconds from start to clearing, or why it counts for nothing. forget_after: as in `Benchmarks`."""
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
    """The same of an order's own fields, for who has hundreds of thousands of them."""
    if not location and order_type == ON_PREMISE:
        return LeftOut.NEVER_LOCATED
    seconds = _told(created, cleared, elapsed, forget_after)
    if took is not None and (isinstance(seconds, LeftOut) or abs(seconds - took) > OWN_CLOCK_WINS):
        seconds = took
    if not isinstance(seconds, LeftOut) and seconds > forget_after:
        return LeftOut.AFTER_HOURS
    return seconds


def day_of(order: Finished) -> int | None:
    """The gateway's day on which the order began, counted from the arbitrary one; None where that is not known."""
    at = began(order)
    return None if at is None else math.floor(at / DAY)


def hour_of(order: Finished) -> int | None:
    """The gateway's hour, 0 to 23, in which it began."""
    at = began(order)
    return None if at is None else int(at % DAY // HOUR)


def began(order: Finished) -> float | None:
    """When it began, or was cleared where only that is known."""
    return order.cleared if order.created is None else order.created


def finished(order: Order, *, at: float | None = None, took: float | None = None, sat: float | None = None) -> Finished:
    """An order as it was when it was cleared. at: when, where the order itself does not say."""
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
    """What the gateway's own times make of it."""
    if created is None or cleared is None:
        return float(elapsed) if elapsed else LeftOut.UNTIMED
    span = cleared - created
    if elapsed and elapsed != span and any(abs(abs(span - elapsed) - shift) <= SHIFT_TOLERANCE for shift in SHIFTS):
        return float(elapsed)
    if span < 0 or (HOUR <= span <= forget_after and _over_a_change(created, cleared)):
        return LeftOut.CLOCK
    return float(span)


def _over_a_change(created: float, cleared: float) -> bool:
    """Whether clocks may have been changed between two moments less than a week apart.

    An order that was open for an hour in the middle of a Sunday's night is next to never a delivery; that it may be one
    of five minutes over which an hour was skipped is reason enough not to count it.
    """
    week = 7 * DAY
    since_sunday = (created - FIRST_SUNDAY * DAY) % week
    return since_sunday < CHANGE_ENDS or since_sunday + (cleared - created) > week

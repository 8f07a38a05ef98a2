"""The age of each order, by the gateway's clock when the box learns of it and by the box's monotonic clock since then.

`now` is the monotonic clock in seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from appliance.core.gateway_clock import ANOTHER_ERA, LONGEST_QUIET, SAME_TIME, SHORTEST_QUIET, GatewayClock
from appliance.core.values import LOCATED, Order

SAT_LATER = 60.0
"""Seconds by which a table may seem known before the order, because the gateway delays its messages."""
MOST_VANISHED = 1_000
"""Orders to remember that a whole set no longer shows: those of a busy day, whatever the gateway sends."""


@dataclass(frozen=True, slots=True)
class Held:
    """An active order and its age: it was 0 s old at `since`. exact: False if it may have begun earlier.

    sat: seconds from its start until its tracker lay on a table; None before that, or if unknown. era: of the
    gateway's clock that showed its age. heard: when the box first heard of it.
    """

    order: Order
    since: float
    exact: bool
    sat: float | None = None
    era: int = 0
    heard: float = math.inf


def latest_of(order: Order) -> float | None:
    """The latest time that the gateway's clock had reached when it sent the order; None if the order has none."""
    created, changed = order.created, order.changed
    if created is None:
        return changed
    latest = created + order.elapsed if order.elapsed else created
    return latest if changed is None or changed < latest else changed


def cautious_times(order: Order) -> list[float]:
    """The latest time of an order that stands alone, in a list; no time in an empty one.

    A table long after the start is a jump of the clock rather than such a long wait.
    """
    latest = latest_of(order)
    if latest is None:
        return []
    if order.created is not None and not order.elapsed and latest - order.created > LONGEST_QUIET:
        return [order.created]
    return [latest]


def began_now(order: Order, now: float, clock: GatewayClock) -> Held:
    """An order that the gateway calls new: it began now, whatever the clock shows, unless it says how old it is."""
    age = order.elapsed or 0.0
    if not age and order.created is not None and order.changed is not None:
        # The message was delayed until the tracker lay on a table.
        span = order.changed - order.created
        age = span if 0.0 <= span <= SHORTEST_QUIET else 0.0
    return Held(order, now - age, True, _sat(order, None, now - age, True, now), clock.era, now)


def learnt(order: Order, before: Held | None, clock: GatewayClock, now: float, not_before: float = -math.inf) -> Held:
    """An order that the gateway sent, with its best known age.

    not_before: an earlier beginning is impossible, because the whole set of that time lacked the order.
    """
    if before is not None:
        since, exact, era = before.since, before.exact, before.era
        if order.elapsed:
            claimed = now - order.elapsed
            # An exact age grows with the monotonic clock alone; a larger claim comes from a clock that jumped.
            if claimed < since and (not exact or since - claimed <= SHORTEST_QUIET):
                since, exact = claimed, True
    elif order.elapsed:
        since, exact, era = now - order.elapsed, True, clock.era
    else:
        since, exact, era = now, clock.exact and order.created is not None, clock.era
        if clock.offset is not None and order.created is not None:
            began = order.created
            if clock.exact and order.changed is not None and order.changed - began > LONGEST_QUIET:
                # The clock may have jumped between the two, and shows the later one.
                began, exact, era = order.changed, False, ANOTHER_ERA
            since = min(now, began - clock.offset)
        if since < not_before - SAME_TIME:
            since, exact, era = now, False, ANOTHER_ERA
        since = max(since, not_before)
    heard = now if before is None else before.heard
    return Held(order, since, exact, _sat(order, before, since, exact, now), era, heard)


def vanished(before: Mapping[str, Held], held: Mapping[str, Held]) -> Mapping[str, Held]:
    """The orders of `before` that a whole set with unreadable orders lacks, the latest ones."""
    missing = [uuid for uuid in before if uuid not in held]
    return {uuid: before[uuid] for uuid in missing[-MOST_VANISHED:]}


def settled(held: Held, clock: GatewayClock) -> Held:
    """The order with an exact age, now that the gateway's clock is known.

    If its time says that it began after the box heard of it, the time is wrong.
    """
    if held.exact or held.era != clock.era or held.order.created is None or clock.offset is None:
        return held
    since = held.order.created - clock.offset
    return replace(held, since=min(since, held.heard), exact=True) if since <= held.heard + SAME_TIME else held


def _sat(order: Order, before: Held | None, since: float, exact: bool, now: float) -> float | None:
    """The time to sit, by the gateway's own times unless its clock was set meanwhile."""
    if before is not None and before.sat is not None:
        return before.sat
    if order.state != LOCATED:
        return None
    if order.created is not None and order.changed is not None:
        span = order.changed - order.created
        if 0 <= span <= now - since + SAT_LATER:
            return span
    return now - since if exact and before is not None else None

"""Finished orders of past days, generated like the live traffic.

The opening hours, the number of guests, and the shares of those who leave early or are forgotten are inventions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from appliance.simulator.restaurant import Order
from appliance.simulator.traffic import Change, Step, visits

OPENS, OPEN_FOR = 11 * 3600.0, 11.5 * 3600.0
"""Opening time in seconds after midnight, and length of the opening hours in seconds."""
LEAVES_EARLY, IS_FORGOTTEN = 0.02, 0.002
"""Shares of guests who never sit down, and of those whose tracker is cleared hours later by a manager."""
WEEKEND, WEEKDAY = 1.5, 0.8
"""Traffic on Friday and Saturday, and on other days, as factors; 1 on average over a week."""


def past_orders(random: Random, now: datetime, *, days: int = 14, per_day: int = 1000) -> list[Order]:
    """All orders finished in the days before `now`, oldest first. per_day: orders on an average day."""
    found: list[Order] = []
    for back in range(days, -1, -1):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        busy = WEEKEND if midnight.weekday() in (4, 5) else WEEKDAY
        found += _day(random, midnight, per_day * busy)
    return sorted((order for order in found if order.changed <= now), key=lambda order: order.created)


def _day(random: Random, midnight: datetime, orders: float) -> Iterator[Order]:
    # `visits` admits half of the arrivals at an intensity of 1.
    mean = sum(_meals(at * 60.0) for at in range(int(OPEN_FOR // 60))) / (OPEN_FOR // 60)
    per_minute = orders / (OPEN_FOR / 60) / mean
    begun: dict[int, list[Change]] = {}
    for change in visits(random, trackers=400, per_minute=per_minute, intensity=_meals):
        if change.at > OPEN_FOR:
            break
        begun.setdefault(change.visit, []).append(change)
        if change.step is Step.CLEAR:
            yield _order(random, midnight + timedelta(seconds=OPENS), begun.pop(change.visit))


def _meals(at: float) -> float:
    """The factor on arrivals, at most 2, with peaks at lunch and dinner. at: seconds after opening."""
    lunch, dinner = (math.exp(-(((at - peak) / width) ** 2)) for peak, width in ((5400.0, 3600.0), (30_600.0, 5400.0)))
    return 0.25 + 1.4 * lunch + 1.6 * dinner


def _order(random: Random, opened: datetime, changes: list[Change]) -> Order:
    first, last = changes[0], changes[-1]
    location = next((change.location for change in reversed(changes) if change.location), "")
    created, cleared = (opened + timedelta(seconds=change.at) for change in (first, last))
    chance = random.random()
    if chance < LEAVES_EARLY:
        location = ""
    elif chance < LEAVES_EARLY + IS_FORGOTTEN:
        cleared += timedelta(hours=random.uniform(4, 8))
    kind = next((change.order_type for change in changes if change.step is Step.CHANGE_TYPE), first.order_type)
    paged = any(change.step is Step.PAGE for change in changes)
    uuid = str(UUID(int=random.getrandbits(128), version=4))
    return Order(first.tracker, uuid, created, cleared, kind, location, "cleared", paged)

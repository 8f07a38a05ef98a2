"""What a restaurant did before anybody looked: finished orders of days past, made from the same guests as its traffic.

When a place is open, how busy it is then, and how many guests leave early or are forgotten, are inventions.
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
"""Seconds after midnight, and from then on."""
LEAVES_EARLY, IS_FORGOTTEN = 0.02, 0.002
"""Parts of the guests: those who never sit down, and those whose tracker is cleared hours later by a manager."""
WEEKEND, WEEKDAY = 1.5, 0.8
"""How busy Friday and Saturday are, and the other days; 1 on average over a week."""


def past_orders(random: Random, now: datetime, *, days: int = 14, per_day: int = 1000) -> list[Order]:
    """Every order that was finished in the days before `now`, oldest first. per_day: on a day of average busyness."""
    found: list[Order] = []
    for back in range(days, -1, -1):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
        busy = WEEKEND if midnight.weekday() in (4, 5) else WEEKDAY
        found += _day(random, midnight, per_day * busy)
    return sorted((order for order in found if order.changed <= now), key=lambda order: order.created)


def _day(random: Random, midnight: datetime, orders: float) -> Iterator[Order]:
    # Half of those who come are let in at an intensity of 1, on average over the day (see `visits`).
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
    """A factor on arrivals, at most 2: lunch an hour and a half after opening, dinner at eight."""
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

"""What was delivered on one day of the gateway's: from the archive, and from the feed what is not in it yet.

Nothing is counted twice: what the feed told is dropped by its uuid once the archive holds it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from appliance.core.delivery import DAY, Finished, LeftOut, day_of, delivery_time, hour_of

STEP = 5.0
"""Seconds of one bin of delivery times: finer than anyone reads a median."""
BINS = 720
"""Bins of STEP seconds, an hour in all; the last also holds whatever took longer."""
MOST_FRESH = 20_000
"""Orders of the feed that are remembered until the archive has them; the oldest go first where it never does."""
COUNT_DIFFERS = 0.02
"""The part by which the gateway's number of orders may differ from ours: some may finish between two requests."""
TIME_DIFFERS, TIME_DIFFERS_PART = 15.0, 0.1
"""Seconds, and part, by which its average may: it need not leave out what we leave out."""


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """Deliveries of a day.

    delivered: all that were finished. timed: those with a delivery time; total: its sum in seconds; bins: how many took
    each STEP of time, empty for none. hours: how many began in each hour of the day.
    """

    delivered: int = 0
    timed: int = 0
    total: float = 0.0
    bins: tuple[int, ...] = ()
    hours: tuple[int, ...] = (0,) * 24

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

    def and_also(self, orders: Iterable[Finished], forget_after: float) -> DeliveryStats:
        """These figures with some more orders in them."""
        bins, hours = list(self.bins or (0,) * BINS), list(self.hours)
        delivered, timed, total = self.delivered, self.timed, self.total
        for order in orders:
            delivered += 1
            hour = hour_of(order)
            if hour is not None:
                hours[hour] += 1
            seconds = delivery_time(order, forget_after)
            if not isinstance(seconds, LeftOut):
                timed += 1
                total += seconds
                bins[min(BINS - 1, int(seconds / STEP))] += 1
        return DeliveryStats(delivered, timed, total, tuple(bins) if timed else (), tuple(hours))


@dataclass(frozen=True, slots=True)
class GatewayStats:
    """Today as the gateway itself tells it. finished: its orders; average: seconds. None where it does not say."""

    finished: int | None = None
    average: float | None = None


@dataclass(frozen=True, slots=True)
class DayStats:
    """A day so far.

    day: of the gateway's local time, counted from an arbitrary one; None while that is not known. since: when counting
    began, in monotonic seconds. kept: what the archive holds of that day, or None before it told. fresh: by uuid, what
    the feed told and the archive does not hold yet, of any day. owed: likewise, what the archive holds already, but not
    yet with the times that this box measured. gateway: its own figures, as it told them last.
    differs: whether they and ours did not fit together at that moment.
    """

    day: int | None = None
    since: float | None = None
    kept: DeliveryStats | None = None
    fresh: Mapping[str, Finished] = field(default_factory=lambda: MappingProxyType({}))
    owed: Mapping[str, Finished] = field(default_factory=lambda: MappingProxyType({}))
    gateway: GatewayStats | None = None
    differs: bool = False

    def on(self, offset: float | None, now: float) -> DayStats:
        """The tally to count on with: a new one where another day has begun. offset: gateway time minus `now`."""
        if offset is None:
            return self if self.since is not None else replace(self, since=now)
        day = math.floor((offset + now) / DAY)
        if self.day == day:
            return self
        since = now if self.since is None or self.day is not None else self.since
        return DayStats(day, since, fresh=self.fresh, owed=self.owed)

    def told(self, orders: Iterable[Finished]) -> DayStats:
        """The feed told that these were cleared, or they vanished while nobody looked."""
        more = {order.uuid: order for order in orders}
        if not more:
            return self
        fresh = {**self.fresh, **more}
        for uuid in list(fresh)[: max(0, len(fresh) - MOST_FRESH)]:
            del fresh[uuid]
        return replace(self, fresh=fresh)

    def archived(
        self,
        day: int | None,
        kept: DeliveryStats,
        uuids: frozenset[str],
        measured: frozenset[str],
        gateway: GatewayStats | None,
        forget_after: float,
    ) -> DayStats:
        """The archive holds these orders, and makes these figures of that day. measured: with the box's own times."""
        fresh = {uuid: order for uuid, order in self.fresh.items() if uuid not in uuids | measured}
        # What was told while the archive was being filled is in it without them.
        late = {uuid: order for uuid, order in self.fresh.items() if uuid in uuids - measured and order.is_measured}
        owed = {uuid: order for uuid, order in {**self.owed, **late}.items() if uuid not in measured}
        if self.day not in (None, day):
            # Another day has begun since the archive was asked.
            return replace(self, fresh=fresh, owed=owed)
        tally = replace(self, day=day, kept=kept, fresh=fresh, owed=owed, gateway=gateway)
        return replace(tally, differs=gateway is not None and differ(tally.figures(forget_after), gateway))

    @property
    def seen(self) -> tuple[Finished, ...]:
        """What the archive is to be told of what this box saw."""
        return (*self.owed.values(), *self.fresh.values())

    def figures(self, forget_after: float) -> DeliveryStats:
        """The day so far. forget_after: as in `Benchmarks`."""
        today = (order for order in self.fresh.values() if day_of(order) in (self.day, None))
        return (self.kept or DeliveryStats()).and_also(today, forget_after)


def differ(ours: DeliveryStats, gateway: GatewayStats) -> bool:
    """Whether the gateway's own figures of a day can't be of the same orders as ours."""
    finished, average = gateway.finished, gateway.average
    if finished is not None and abs(finished - ours.delivered) > max(1.0, COUNT_DIFFERS * finished):
        return True
    if average is None or ours.average is None:
        return False
    return abs(average - ours.average) > max(TIME_DIFFERS, TIME_DIFFERS_PART * average)

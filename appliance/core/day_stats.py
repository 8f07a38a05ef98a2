"""Delivery figures of one business day: from the archive, plus the orders of the feed that it lacks.

Nothing is counted twice: an order of the feed is dropped by its uuid once the archive holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from appliance.core.delivery import CLOCK_HOURS, Finished, LeftOut, day_at, day_of, delivery_time, hour_of

STEP = 5.0
"""Seconds of one bin of the histogram of delivery times: finer than anyone reads a median."""
BINS = 720
"""Bins of STEP seconds, an hour in all; the last is the overflow bin."""
SET_BACK = 2 * 3600.0
"""Seconds: daylight saving sets a clock back by an hour, and a time server a wrong one by minutes."""
MOST_UNARCHIVED = 20_000
"""Orders of the feed to remember until the archive has them; if it never does, the oldest are dropped."""
COUNT_DIFFERS = 0.02
"""The share by which the gateway's number of orders may differ from ours: orders finish between two requests."""
TIME_DIFFERS, TIME_DIFFERS_PART = 15.0, 0.1
"""Seconds, and share, by which its average may differ: it need not exclude the orders that we exclude."""


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """Delivery figures.

    delivered: finished orders. timed: those with a delivery time. total: the sum of these times in seconds. bins: their
    histogram, empty for none. hours: orders that began in each hour of the clock, from that in which the day begins.
    """

    delivered: int = 0
    timed: int = 0
    total: float = 0.0
    bins: tuple[int, ...] = ()
    hours: tuple[int, ...] = (0,) * CLOCK_HOURS

    @property
    def average(self) -> float | None:
        """Seconds; None without a delivery time."""
        return self.total / self.timed if self.timed else None

    @property
    def median(self) -> float | None:
        """Seconds, to the middle of a bin; None without a delivery time."""
        if not self.timed:
            return None
        left = (self.timed + 1) // 2
        for number, count in enumerate(self.bins):
            left -= count
            if left <= 0:
                return (number + 0.5) * STEP
        raise AssertionError("every time is in a bin")

    def within(self, target: float) -> float | None:
        """The share, from 0.0 to 1.0, of times below `target` seconds; None without a delivery time."""
        return sum(self.bins[: min(BINS - 1, int(target / STEP))]) / self.timed if self.timed else None

    def plus(self, orders: Iterable[Finished], forget_after: float, day_ends: float = 0.0) -> DeliveryStats:
        """These figures plus some orders. forget_after, day_ends: as in `Benchmarks`."""
        bins, hours = list(self.bins or (0,) * BINS), list(self.hours)
        delivered, timed, total = self.delivered, self.timed, self.total
        for order in orders:
            delivered += 1
            hour = hour_of(order, day_ends)
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
    """The gateway's own figures of today. finished: orders. average: seconds. None if it does not say."""

    finished: int | None = None
    average: float | None = None


@dataclass(frozen=True, slots=True)
class DayStats:
    """The orders that were delivered on one business day, so far.

    day: in days since 2000-01-01; None until it is known. since: when counting began, in monotonic seconds.
    archived_stats: the archive's share; None before the first history sync. unarchived: orders that the feed reported
    and the archive does not hold yet, by uuid, of any day. unmeasured: likewise, orders that the archive holds without
    the times that this box measured. gateway: the gateway's own figures, unless its day is another one. differs:
    whether they contradicted ours when they came. day_ends: as in `Benchmarks`.
    """

    day: int | None = None
    since: float | None = None
    archived_stats: DeliveryStats | None = None
    unarchived: Mapping[str, Finished] = field(default_factory=lambda: MappingProxyType({}))
    unmeasured: Mapping[str, Finished] = field(default_factory=lambda: MappingProxyType({}))
    gateway: GatewayStats | None = None
    differs: bool = False
    day_ends: float = 0.0

    def ending_at(self, day_ends: float) -> DayStats:
        """These stats for days that end at this time; the day becomes known again with the next `for_day`."""
        return self if day_ends == self.day_ends else replace(self, day=None, day_ends=day_ends)

    def for_day(self, offset: float | None, now: float) -> DayStats:
        """These stats, or new ones if another day has begun. offset: gateway time minus `now`.

        A clock that was set back by less than SET_BACK begins no day again.
        """
        if offset is None:
            return self if self.since is not None else replace(self, since=now)
        local = offset + now
        day = day_at(local, self.day_ends)
        if self.day == day or (self.day == day + 1 == day_at(local + SET_BACK, self.day_ends)):
            return self
        since = now if self.since is None or self.day is not None else self.since
        return DayStats(day, since, unarchived=self.unarchived, unmeasured=self.unmeasured, day_ends=self.day_ends)

    def with_finished(self, orders: Iterable[Finished]) -> DayStats:
        """Add orders that the feed reported as cleared, or that vanished between two whole sets."""
        more = {order.uuid: order for order in orders}
        if not more:
            return self
        unarchived = {**self.unarchived, **more}
        for uuid in list(unarchived)[: max(0, len(unarchived) - MOST_UNARCHIVED)]:
            del unarchived[uuid]
        return replace(self, unarchived=unarchived)

    def with_archive(
        self,
        day: int | None,
        archived_stats: DeliveryStats,
        uuids: frozenset[str],
        measured: frozenset[str],
        gateway: GatewayStats | None,
        forget_after: float,
    ) -> DayStats:
        """Take over the archive's figures of a day. uuids: its orders. measured: those with this box's own times."""
        unarchived = {uuid: order for uuid, order in self.unarchived.items() if uuid not in uuids | measured}
        # Orders that the feed reported during the sync are in the archive without them.
        late = {
            uuid: order for uuid, order in self.unarchived.items() if uuid in uuids - measured and order.is_measured
        }
        unmeasured = {uuid: order for uuid, order in {**self.unmeasured, **late}.items() if uuid not in measured}
        if self.day not in (None, day):
            # Another day has begun since the archive was asked.
            return replace(self, unarchived=unarchived, unmeasured=unmeasured)
        stats = replace(
            self, day=day, archived_stats=archived_stats, unarchived=unarchived, unmeasured=unmeasured, gateway=gateway
        )
        return replace(stats, differs=gateway is not None and differ(stats.total(forget_after), gateway))

    @property
    def seen(self) -> tuple[Finished, ...]:
        """The orders that the archive should take from this box."""
        return (*self.unmeasured.values(), *self.unarchived.values())

    def total(self, forget_after: float) -> DeliveryStats:
        """The figures of the day so far. forget_after: as in `Benchmarks`."""
        today = (order for order in self.unarchived.values() if day_of(order, self.day_ends) in (self.day, None))
        return (self.archived_stats or DeliveryStats()).plus(today, forget_after, self.day_ends)


def differ(ours: DeliveryStats, gateway: GatewayStats) -> bool:
    """Whether the gateway's figures of a day contradict ours."""
    finished, average = gateway.finished, gateway.average
    if finished is not None and abs(finished - ours.delivered) > max(1.0, COUNT_DIFFERS * finished):
        return True
    if average is None or ours.average is None:
        return False
    return abs(average - ours.average) > max(TIME_DIFFERS, TIME_DIFFERS_PART * average)

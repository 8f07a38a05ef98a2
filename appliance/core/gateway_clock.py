"""The gateway's clock, estimated from the times in its messages. It may be wrong, and it may jump.

A time that an order carries shows how late it is at the gateway at least, and that of a new order shows how late it is.
But a single order may carry a wrong time, so none moves the clock by more than SAME_TIME: a larger step needs two
orders. Times are seconds: `time` and `latest` of the gateway's local clock, `now` of the box's monotonic clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

LONGEST_QUIET = 600.0
"""Seconds by which the latest time of all may be ahead of the next, if that is usual: a restaurant may go for so long
without an order. A larger step of the clock is a jump."""
SHORTEST_QUIET = 120.0
"""The same where orders come thick and fast, and the error of an age that hardly matters."""
USUAL_QUIETS = 2.0
"""The latest time may be ahead of the next by so many times the usual distance of two times."""
SAME_TIME = 10.0
"""Seconds by which two readings of one clock may differ: times are whole seconds, and messages may be delayed."""
STEADY = 1.0
"""Seconds by which a reading may differ without being recorded: times are whole seconds."""
ANOTHER_ERA = -1
"""The era of an order whose times contradict the clock, which never tells its age."""
MOST_COMPARED = 16
"""The latest times of a set that are compared: enough for their usual distance."""


@dataclass(frozen=True, slots=True)
class Dissent:
    """One order's reading of the clock that differs from the estimate. uuid: of the order."""

    offset: float
    uuid: str


@dataclass(frozen=True, slots=True)
class GatewayClock:
    """An estimate of the gateway's clock.

    offset: its time minus `now`; None before the first time. exact: False if offset is a lower bound. reach: the
    largest step of a lower bound, in seconds, that shows a time without orders; a larger one is a jump. era: the number
    of jumps; times of two eras can't be compared. dissent: the last reading that one order alone could not prove.
    """

    offset: float | None = None
    exact: bool = False
    reach: float = LONGEST_QUIET
    era: int = 0
    dissent: Dissent | None = None

    def local(self, now: float) -> float | None:
        """The gateway's time; None if unknown."""
        return None if self.offset is None else self.offset + now

    def shows(self, time: float, now: float) -> bool:
        """Whether the clock shows about this time."""
        return self.offset is not None and abs(self.offset + now - time) <= SHORTEST_QUIET

    def after_order(self, time: float, now: float, uuid: str, *, new: bool) -> GatewayClock:
        """The clock after a message about one order, whose latest time is `time`.

        new: the order began just now, so the time is what the clock shows; otherwise it is a lower bound.
        """
        offset = time - now
        if self.offset is None:
            return GatewayClock(offset, exact=new)
        step = offset - self.offset
        if not new and step <= (SAME_TIME if self.exact else 0.0):
            return self
        if self.exact and abs(step) <= STEADY and self.dissent is None:
            return self
        if abs(step) <= SAME_TIME:
            return GatewayClock(offset, self.exact or new, self.reach, self.era)
        dissent = self.dissent
        if dissent is None or dissent.uuid == uuid or abs(dissent.offset - offset) > SAME_TIME:
            return replace(self, dissent=Dissent(offset, uuid))
        return GatewayClock(offset, new, self.reach, self._era_after(step))

    def after_set(self, times: list[float], now: float) -> tuple[GatewayClock, GatewayClock]:
        """The clock after a whole set, and the one that tells the age of the orders that are new in it.

        times: the latest time of each order that says something new.
        """
        if not times:
            return self, self
        latest, reach = latest_time(times)
        offset = latest - now
        known = self
        if self.offset is None:
            known = GatewayClock(offset, reach=reach)
        elif not self.exact and 0.0 < offset - self.offset <= SAME_TIME:
            known = replace(self, offset=offset)
        else:
            ahead = [time for time in times if self.offset + SAME_TIME < time - now <= offset]
            if len(ahead) > 1:
                # The latest may be odd, but not both.
                offset = heapq.nlargest(2, ahead)[1] - now
                era = self._era_after(offset - self.offset)
                known = GatewayClock(offset, reach=self.reach if era == self.era else 0.0, era=era)
        return known, known.for_unknown(latest, now)

    def _era_after(self, step: float) -> int:
        """The era after a step that two orders proved: a lower bound also steps after a time without orders."""
        return self.era if not self.exact and abs(step) <= self.reach else self.era + 1

    def for_unknown(self, latest: float, now: float) -> GatewayClock:
        """The clock that tells the age of orders that are new to the box. latest: the latest time that they carry.

        If the clock is far from it, either no order changed for a while or the clock jumped, perhaps there and back. An
        age that is too low is still a lower bound; one that is too high would be a false alarm.
        """
        return self if self.shows(latest, now) else GatewayClock(latest - now, era=ANOTHER_ERA)


def latest_time(times: Iterable[float]) -> tuple[float, float]:
    """The latest of some times without outliers, and how far one order may be ahead of it. times: at least one.

    A time is an outlier if it is further ahead of the next than orders usually are apart. Beside one, a single order
    proves nothing: either may be wrong.
    """
    latest = heapq.nlargest(MOST_COMPARED, times)
    for number, (later, earlier) in enumerate(pairwise(latest)):
        rest = sorted(one - next_ for one, next_ in pairwise(latest[number + 1 :]))
        usual = rest[len(rest) // 2] if rest else LONGEST_QUIET
        reach = min(LONGEST_QUIET, max(SHORTEST_QUIET, USUAL_QUIETS * usual))
        if later - earlier <= reach:
            return later, 0.0 if number else reach
    return latest[-1], 0.0 if len(latest) > 1 else LONGEST_QUIET

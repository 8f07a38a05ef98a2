"""A restaurant's traffic: guests arrive, sit down, are paged and get their food, at a chosen pace.

`visits` generates an endless sequence of changes from random numbers; Traffic applies them to a restaurant in time.
The durations are inventions that resemble a lunch with the vendor's default target of 300 s.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from random import Random

from appliance.simulator.restaurant import Restaurant, TrackerInUseError, UnknownOrderError


class Step(StrEnum):
    """What happens to an order."""

    START = "start"
    LOCATE = "locate"
    CHANGE_TYPE = "change type"
    PAGE = "page"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of one visit. at: seconds since opening. visit: the number of the visit."""

    at: float
    visit: int
    step: Step
    tracker: str
    order_type: str = "ON_PREMISE"
    location: str = ""


def steady(at: float) -> float:
    """The factor on arrivals for constant traffic."""
    return 1.0


def lunch_rush(at: float) -> float:
    """The factor on arrivals for a lunch: rises from 1/3 to 2 after an hour, and falls again."""
    return 1 / 3 + 5 / 3 * math.exp(-(((at - 3600.0) / 1800.0) ** 2))


def visits(
    random: Random,
    *,
    trackers: int = 60,
    tables: int = 40,
    per_minute: float = 2.0,
    already: int = 0,
    intensity: Callable[[float], float] = steady,
) -> Iterator[Change]:
    """Yield the changes of endless opening hours, in order of time.

    trackers: numbered from 1; a guest who arrives while all are in use is not tracked. already: guests at opening.
    intensity: a factor on arrivals by time, at most 2.
    """
    free = deque(str(number) for number in range(1, trackers + 1))
    upcoming: list[tuple[float, int, Change]] = []
    order = count()
    visit_numbers = count(1)

    def come(at: float) -> None:
        # The tracker that has been free longest is next, so that numbers are reused only after minutes.
        steps = _visit(random, at, next(visit_numbers), free.popleft(), tables)
        for change in steps:
            heapq.heappush(upcoming, (change.at, next(order), change))

    for _ in range(min(already, trackers)):
        come(0.0)
    arrival = 0.0
    while True:
        # A Poisson process with varying rate, by thinning: generate twice the rate, then drop arrivals.
        arrival += random.expovariate(2 * per_minute / 60.0)
        while upcoming and upcoming[0][0] <= arrival:
            change = heapq.heappop(upcoming)[2]
            if change.step is Step.CLEAR:
                free.append(change.tracker)
            yield change
        if free and random.random() < intensity(arrival) / 2:
            come(arrival)


def _visit(random: Random, at: float, visit: int, tracker: str, tables: int) -> list[Change]:
    to_go = random.random() < 0.2
    order_type = "TO_GO" if to_go else "ON_PREMISE"
    table = str(random.randint(1, tables))
    cleared = at + min(max(random.lognormvariate(math.log(270.0), 0.45), 45.0), 1500.0)
    begins_located = not to_go and random.random() < 0.15
    changes = [Change(at, visit, Step.START, tracker, order_type, table if begins_located else "")]
    if not to_go and not begins_located:
        sits = at + random.uniform(10.0, 40.0)
        changes.append(Change(sits, visit, Step.LOCATE, tracker, order_type, table))
        if random.random() < 0.1:
            moved = str(random.randint(1, tables))
            changes.append(Change(random.uniform(sits, cleared), visit, Step.LOCATE, tracker, order_type, moved))
    if random.random() < 0.05 and not to_go:
        changes.append(Change(random.uniform(at, cleared), visit, Step.CHANGE_TYPE, tracker, "TO_GO"))
    if random.random() < (0.8 if to_go else 0.15):
        changes.append(Change(cleared - random.uniform(5.0, 40.0), visit, Step.PAGE, tracker, order_type))
    changes.append(Change(cleared, visit, Step.CLEAR, tracker, order_type))
    return changes


class Traffic:
    """Applies changes to a restaurant in time, while commands may change it too.

    pace: factor on speed. paused: no changes; resuming does not catch up.
    """

    def __init__(self, restaurant: Restaurant, changes: Iterator[Change], *, pace: float = 1.0) -> None:
        self.pace = pace
        self._restaurant = restaurant
        self._changes = changes
        self._uuids: dict[int, str] = {}
        self._going = asyncio.Event()
        self._going.set()

    @property
    def paused(self) -> bool:
        """Whether the traffic is paused."""
        return not self._going.is_set()

    @paused.setter
    def paused(self, paused: bool) -> None:
        if paused:
            self._going.clear()
        else:
            self._going.set()

    @property
    def progress(self) -> str:
        """For the status: it never ends."""
        return ""

    async def run(self) -> None:
        """Apply changes until cancelled."""
        loop = asyncio.get_running_loop()
        then, due = 0.0, loop.time()
        for change in self._changes:
            due += (change.at - then) / self.pace
            then = change.at
            # Adding up due times keeps the event loop's delays from slowing down a fast pace. An overdue change still
            # yields to the loop, so that many orders at the start do not block it.
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self.paused:
                await self._going.wait()
                due = loop.time()
            self.play(change)

    def play(self, change: Change) -> None:
        """Apply one change. Visits whose order or tracker a command took away are ignored."""
        if change.step is Step.START:
            try:
                order = self._restaurant.create(change.tracker, order_type=change.order_type, location=change.location)
            except TrackerInUseError:
                return  # a command used this tracker
            self._uuids[change.visit] = order.uuid
            return
        uuid = self._uuids.get(change.visit)
        if uuid is None:
            return
        try:
            self._step(uuid, change)
        except UnknownOrderError:
            del self._uuids[change.visit]  # a command cleared it

    def _step(self, uuid: str, change: Change) -> None:
        match change.step:
            case Step.LOCATE:
                self._restaurant.locate(uuid, change.location)
            case Step.CHANGE_TYPE:
                self._restaurant.modify(uuid, order_type=change.order_type)
            case Step.PAGE:
                self._restaurant.page(uuid)
            case Step.CLEAR:
                self._restaurant.clear(uuid)
                del self._uuids[change.visit]
            case Step.START:
                raise AssertionError("handled by play")

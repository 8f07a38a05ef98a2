"""A life: so many days of a restaurant, with its busy hours, its faults and the calm after them.

Owns when what happens. The hours in which nothing happens are lived as well, but nothing has to be waited for.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.button_presses import people
from tests.simulation.faults import CATALOGUE
from tests.simulation.invariants import BrokenPromiseError
from tests.simulation.loop import START
from tests.simulation.site import World

DAY = 24 * 3600.0
BUSY = ((12.0, 13.25), (18.5, 20.75))
"""The busy hours of a day."""
OFF_BETWEEN, OFF_AT_NIGHT = 0.6, 0.9
"""The share of afternoons, and of nights, for which the box is switched off, as restaurants do with all that has a
plug. Hours in which it only answers pings prove little, and cost as much as busy ones."""
PACES = ((2.0, 2.0), *[(10.0, 2.0)] * 5)
"""Seconds between two beats of the heart on the screen, and between two looks at the own addresses, while it is busy:
the product's own, and more often a slower heart, for drawing it is half of all work."""
QUIET = (300.0, 30.0)
"""The same for hours in which nothing happens."""
SETTLED_AFTER = 60.0
"""Seconds after the last fault's end at which the box must be well."""
SURE_AFTER = 320.0
"""Seconds after which what was lost without a sign is known again: a whole set is never older than 5 minutes."""


@dataclass
class Record:
    """What came of some lives."""

    lives: int = 0
    days: int = 0
    checks: int = 0
    counts: int = 0
    pages: int = 0
    excused: int = 0
    boots: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Record) -> Record:
        for name in ("lives", "days", "checks", "counts", "pages", "excused", "boots", "steps"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        return self

    def report(self, seconds: float) -> str:
        """In words, and each kind of fault with how often it came."""
        kinds = "\n".join(f"  {number:7d}  {kind}" for kind, number in self.faults.most_common())
        faults = sum(self.faults.values())
        return (
            f"{kinds}\n{self.days} days in {self.lives} lives with {faults} faults, in {seconds:.0f} s: "
            f"{self.counts} counts and {self.pages} pages held against the truth, {self.checks} looks, "
            f"{self.boots} starts of the box, {self.steps} steps; {self.excused} times a token went to the "
            "address at which the box had last heard its gateway, and another was there whose name it had not heard"
        )

    def add(self, world: World, days: int) -> None:
        self.lives += 1
        self.days += days
        self.checks += world.judge.checks
        self.counts += world.judge.shown_counts
        self.pages += world.judge.sounds.pages
        self.excused += world.judge.excused
        self.boots += world.boots
        self.steps += world.loop.steps
        self.faults += world.faults


class Life:
    """The story of one world. days: how long. only: the kinds of fault that there are; all without. busy: the hours."""

    def __init__(self, days: int, only: tuple[str, ...] = (), busy: tuple[tuple[float, float], ...] = BUSY) -> None:
        self.days, self.busy = days, busy
        self.kinds = only or tuple(CATALOGUE)
        self._under_way = 0
        self._last_end = 0.0
        self._calm_until = 0.0

    async def __call__(self, world: World) -> None:
        world.own(people(world))
        world.pace(QUIET)
        # It is put up on the first morning, shortly before it is needed.
        await asyncio.sleep(self.busy[0][0] * 3600 - world.random.uniform(60, 600))
        world.switch_on()
        for day in range(self.days):
            world.note("day", day)
            began = START + day * DAY
            for start, end in self.busy:
                await asyncio.sleep(max(0.0, began + start * 3600 - world.loop.time()))
                world.switch_on()
                world.pace(world.random.choice(PACES))
                await self._service(world, began + end * 3600)
                world.pace(QUIET)
                if world.random.random() < (OFF_BETWEEN if end == BUSY[0][1] else OFF_AT_NIGHT):
                    await world.switch_off()
            await asyncio.sleep(max(0.0, began + DAY - world.loop.time()))
        await world.switch_off()

    async def _service(self, world: World, end: float) -> None:
        guests = world.own(self._guests(world))
        while world.loop.time() < end:
            for _ in range(world.random.choice((1, 1, 1, 2, 2, 3, 5))):
                world.own(self._fault(world, world.random.choice(self.kinds)))
                await asyncio.sleep(world.random.choice((0.0, 1.0, world.random.uniform(0, 60))))
            await asyncio.sleep(world.random.uniform(5, 700))
        while self._under_way:  # noqa: ASYNC110 - the faults know nothing of this
            await asyncio.sleep(10)
        await asyncio.sleep(2 * SETTLED_AFTER)
        guests.cancel()
        for gateway in world.gateways:
            while gateway.floor.orders:
                gateway.floor.clear()

    async def _fault(self, world: World, kind: str) -> None:
        self._under_way += 1
        world.calm_since = float("inf")
        world.faults[kind] += 1
        world.note("fault", kind)
        try:
            await CATALOGUE[kind](world)
        finally:
            self._under_way -= 1
            self._last_end = world.loop.time()
        world.note("over", kind)
        if not self._under_way:
            world.calm_since = world.loop.time()
            world.loop.call_later(SETTLED_AFTER, self._settled, world, self._last_end)
            world.loop.call_later(SURE_AFTER, self._sure, world, self._last_end)

    def _settled(self, world: World, since: float) -> None:
        if not self._under_way and self._last_end == since:
            world.judge.settled(lambda: not self._under_way)

    def _sure(self, world: World, since: float) -> None:
        if not self._under_way and self._last_end == since:
            world.sure_of_count = True

    async def _guests(self, world: World) -> None:
        """Orders come, change and go."""
        pace = world.random.choice((5.0, 20.0, 60.0))
        while True:
            await asyncio.sleep(world.random.expovariate(1 / pace))
            for gateway in list(world.gateways):
                floor = gateway.floor
                wanted = world.random.choice((3, 8, 15))
                if world.random.random() < (0.5 if len(floor.orders) < wanted else 0.1):
                    floor.create()
                else:
                    floor.change()


def live(
    seed: int, days: int, only: tuple[str, ...] = (), busy: tuple[tuple[float, float], ...] = BUSY, trace: int = 400
) -> World:
    """One life, to its end. Raises BrokenPromiseError, with the world as its `world`."""
    world = World(seed, trace=trace)
    try:
        world.live(Life(days, only, busy))
    except BrokenPromiseError as broken:
        broken.world = world
        raise
    return world


def fresh_seed() -> int:
    """A seed that nobody has lived yet."""
    return random.SystemRandom().getrandbits(48)

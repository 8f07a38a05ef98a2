"""A scenario: some days of a restaurant, with its busy hours, faults, and recovery after them.

Owns the timetable. Idle hours are simulated as well; in virtual time they cost almost nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.button_presses import operate_button
from tests.simulation.faults import CATALOGUE
from tests.simulation.invariants import InvariantViolationError
from tests.simulation.loop import START
from tests.simulation.site import SimulatedSite

DAY = 24 * 3600.0
BUSY_HOURS = ((12.0, 13.25), (18.5, 20.75))
"""Hours of the day with orders and faults."""
OFF_IN_AFTERNOON, OFF_AT_NIGHT = 0.6, 0.9
"""The share of afternoons, and of nights, for which the restaurant switches the box off. An idle box that only answers
pings tests little and costs as much as a busy one."""
BUSY_POLLING = ((2.0, 2.0), *[(10.0, 2.0)] * 5)
"""Seconds between heartbeats on the screen, and between reads of the own addresses, in busy hours: the product's own
values, and more often a slower heartbeat, because drawing it takes half of the CPU time."""
IDLE_POLLING = (300.0, 30.0)
"""The same for idle hours."""
RECOVERED_AFTER = 60.0
"""Seconds after the last fault in which the box must recover."""
COUNT_MATCHES_AFTER = 320.0
"""Seconds after which the count matches again even if notifications were lost: a full set is at most 5 minutes old."""


@dataclass
class Statistics:
    """Totals over several runs."""

    runs: int = 0
    days: int = 0
    checks: int = 0
    counts: int = 0
    pages: int = 0
    tolerated_sends: int = 0
    boots: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: Statistics) -> Statistics:
        for name in ("runs", "days", "checks", "counts", "pages", "tolerated_sends", "boots", "steps"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        return self

    def report(self, seconds: float) -> str:
        """A summary, with the number of faults of each kind."""
        kinds = "\n".join(f"  {number:7d}  {kind}" for kind, number in self.faults.most_common())
        faults = sum(self.faults.values())
        return (
            f"{kinds}\n{self.days} days in {self.runs} runs with {faults} faults, in {seconds:.0f} s: "
            f"{self.counts} counts and {self.pages} pages verified, {self.checks} checks, "
            f"{self.boots} boots, {self.steps} event loop steps; {self.tolerated_sends} tolerated token sends "
            "(another gateway was at the last known address, and the box had not heard its name)"
        )

    def add(self, site: SimulatedSite, days: int) -> None:
        self.runs += 1
        self.days += days
        self.checks += site.checker.checks
        self.counts += site.checker.counts_checked
        self.pages += site.checker.sounds.pages
        self.tolerated_sends += site.checker.tolerated_sends
        self.boots += site.boots
        self.steps += site.loop.steps
        self.faults += site.faults


class Scenario:
    """The course of one simulation. days: its length. only: kinds of fault; default: all. busy: the busy hours."""

    def __init__(
        self, days: int, only: tuple[str, ...] = (), busy: tuple[tuple[float, float], ...] = BUSY_HOURS
    ) -> None:
        self.days, self.busy = days, busy
        self.kinds = only or tuple(CATALOGUE)
        self._active_faults = 0
        self._last_end = 0.0

    async def __call__(self, site: SimulatedSite) -> None:
        site.start_task(operate_button(site))
        site.set_polling(IDLE_POLLING)
        # The box is installed on the first morning, shortly before the first busy hours.
        await asyncio.sleep(self.busy[0][0] * 3600 - site.random.uniform(60, 600))
        site.switch_on()
        for day in range(self.days):
            site.note("day", day)
            began = START + day * DAY
            for start, end in self.busy:
                await asyncio.sleep(max(0.0, began + start * 3600 - site.loop.time()))
                site.switch_on()
                site.set_polling(site.random.choice(BUSY_POLLING))
                await self._busy_period(site, began + end * 3600)
                site.set_polling(IDLE_POLLING)
                if site.random.random() < (OFF_IN_AFTERNOON if end == BUSY_HOURS[0][1] else OFF_AT_NIGHT):
                    await site.switch_off()
            await asyncio.sleep(max(0.0, began + DAY - site.loop.time()))
        await site.switch_off()

    async def _busy_period(self, site: SimulatedSite, end: float) -> None:
        orders = site.start_task(self._change_orders(site))
        while site.loop.time() < end:
            for _ in range(site.random.choice((1, 1, 1, 2, 2, 3, 5))):
                site.start_task(self._fault(site, site.random.choice(self.kinds)))
                await asyncio.sleep(site.random.choice((0.0, 1.0, site.random.uniform(0, 60))))
            await asyncio.sleep(site.random.uniform(5, 700))
        while self._active_faults:  # noqa: ASYNC110 - faults don't signal their end
            await asyncio.sleep(10)
        await asyncio.sleep(2 * RECOVERED_AFTER)
        orders.cancel()
        for gateway in site.gateways:
            while gateway.restaurant.orders:
                gateway.restaurant.clear()

    async def _fault(self, site: SimulatedSite, kind: str) -> None:
        self._active_faults += 1
        site.fault_free_since = float("inf")
        site.faults[kind] += 1
        site.note("fault", kind)
        try:
            await CATALOGUE[kind](site)
        finally:
            self._active_faults -= 1
            self._last_end = site.loop.time()
        site.note("fault over", kind)
        if not self._active_faults:
            site.fault_free_since = site.loop.time()
            site.loop.call_later(RECOVERED_AFTER, self._check_recovery, site, self._last_end)
            site.loop.call_later(COUNT_MATCHES_AFTER, self._require_matching_count, site, self._last_end)

    def _check_recovery(self, site: SimulatedSite, since: float) -> None:
        if not self._active_faults and self._last_end == since:
            site.checker.check_recovery(lambda: not self._active_faults)

    def _require_matching_count(self, site: SimulatedSite, since: float) -> None:
        if not self._active_faults and self._last_end == since:
            site.count_must_match = True

    async def _change_orders(self, site: SimulatedSite) -> None:
        """Create and change orders at random times."""
        pace = site.random.choice((5.0, 20.0, 60.0))
        while True:
            await asyncio.sleep(site.random.expovariate(1 / pace))
            for gateway in list(site.gateways):
                restaurant = gateway.restaurant
                wanted = site.random.choice((3, 8, 15))
                if site.random.random() < (0.5 if len(restaurant.orders) < wanted else 0.1):
                    restaurant.create()
                else:
                    restaurant.change()


def run_scenario(
    seed: int,
    days: int,
    only: tuple[str, ...] = (),
    busy: tuple[tuple[float, float], ...] = BUSY_HOURS,
    trace: int = 400,
) -> SimulatedSite:
    """Run one scenario to its end. Raises InvariantViolationError, which has the site as its `site`."""
    site = SimulatedSite(seed, trace=trace)
    try:
        site.run(Scenario(days, only, busy))
    except InvariantViolationError as violation:
        violation.site = site
        raise
    return site


def new_seed() -> int:
    """A seed from the system's random source."""
    return random.SystemRandom().getrandbits(48)

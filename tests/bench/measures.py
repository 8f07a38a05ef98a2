"""The measurements, one function each. Programs are given in pairs of appliance and plain client.

Each function measures both programs in the same period, so that other load on the machine affects both.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.core.history_sync import SYNC_EVERY, SYNC_SOON
from tests.bench.program import BenchError, Program, Usage

PERIOD = 1.6
"""Seconds between two pages of one program: the appliance merges pages within 1.5 s into one sound."""
ACTIVE_ORDERS = 50
"""Active orders during a burst: a full restaurant."""

STEADY_SECONDS = 5
"""Seconds with an order and a page each, while a gateway's many orders are held."""
SYNCED_AFTER = SYNC_SOON + 5.0
"""Seconds after a start by which the appliance has synced its archive once."""
AT_ONCE = 0.003
"""Maximum seconds between two bytes of one picture, if the next picture may follow immediately."""


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process to the last byte of the first picture and of the first count."""

    picture: float
    count: float
    memory: float


@dataclass(frozen=True, slots=True)
class Page:
    """Seconds from the gateway's ORDER_PAGED to the buzzer's pin and to the last byte on the display."""

    buzzer: float
    display: float


@dataclass(frozen=True, slots=True)
class Idle:
    """Resources used while idle: CPU seconds per minute and wake-ups per second.

    wakeups_per_sync: wake-ups of the first archive sync. The hourly sync is not part of the other values.
    """

    cpu: float
    wakeups: float
    wakeups_per_sync: float

    @property
    def hourly_wakeups(self) -> float:
        """Wake-ups per second over an hour, with its one archive sync."""
        return self.wakeups + self.wakeups_per_sync / SYNC_EVERY


async def start(program: Program) -> Start:
    """Start a program and leave it running. Memory is in megabytes, once the count is shown."""
    began = await program.start()
    await program.wait_connected()
    await program.wait_display_settled()
    first = program.picture_after(began, AT_ONCE)
    count = program.display[-1][0]
    return Start(first - began, count - began, program.memory())


async def pages(programs: Sequence[Program], rounds: int) -> dict[str, list[Page]]:
    """Page the orders of each program in turn."""
    waiting: dict[Program, deque[str]] = {}
    for program in programs:
        waiting[program] = deque(order.uuid for order in program.gateway.restaurant.create_many(rounds))
    for program in programs:
        await program.wait_display_settled()
        program.discard_events()
    sent: list[tuple[Program, float]] = []
    turn = asyncio.get_running_loop().time()
    for _ in range(rounds):
        for program in programs:
            turn += PERIOD / len(programs)
            await asyncio.sleep(turn - asyncio.get_running_loop().time())
            sent.append((program, time.monotonic()))
            program.gateway.restaurant.page(waiting[program].popleft())
    for program in programs:
        await program.wait_display_settled()
    found: dict[str, list[Page]] = {program.kind: [] for program in programs}
    for program, moment in sent:
        sounded, drawn = program.sound_after(moment), program.picture_after(moment)
        if max(sounded, drawn) > moment + PERIOD:
            raise BenchError(f"the {program.kind} missed a page")
        found[program.kind].append(Page(sounded - moment, drawn - moment))
    return found


async def idle(programs: Sequence[Program], seconds: float) -> dict[str, Idle]:
    """Leave newly started programs idle, first until their archives are synced and then for so many seconds.

    Returns the mean of each kind. Raises BenchError.
    """
    started, filled_at = await _usage(programs), time.monotonic()
    await asyncio.sleep(SYNCED_AFTER)
    filled, began = await _usage(programs), time.monotonic()
    for program in programs:
        program.check_archive()
    await asyncio.sleep(seconds)
    after, ended = await _usage(programs), time.monotonic()
    found: dict[str, Idle] = {}
    for kind in {program.kind for program in programs}:
        first, wakeups, cpu = (
            statistics.mean(
                getattr(now, what) - getattr(then, what)
                for program, then, now in zip(programs, before, later, strict=True)
                if program.kind == kind
            )
            for before, later, what in (
                (started, filled, "wakeups"),
                (filled, after, "wakeups"),
                (filled, after, "cpu"),
            )
        )
        # Each usage request costs one wake-up.
        each = max(0.0, wakeups - 1) / (ended - began)
        wakeups_per_sync = max(0.0, first - 1 - each * (began - filled_at))
        found[kind] = Idle(cpu * 60 / (ended - began), each, wakeups_per_sync if kind == "appliance" else 0.0)
    return found


async def _usage(programs: Sequence[Program]) -> list[Usage]:
    return [await program.usage() for program in programs]


async def burst(program: Program, notifications: int) -> float:
    """Notifications per second, from the first one sent to the picture after the last one.

    Only the last notification is a page: the buzzer shows when a program has processed them all.
    """
    restaurant = program.gateway.restaurant
    restaurant.clear_all()
    await program.wait_display_settled()
    program.discard_events()
    here: deque[str] = deque()
    said = 0
    # Nothing is sent until this coroutine yields.
    while said < notifications - 1:
        if len(here) >= ACTIVE_ORDERS:
            restaurant.clear(here.popleft())
        else:
            here.append(restaurant.create().uuid)
            if said + 1 < notifications - 1:
                restaurant.locate(here[-1], str(said % 40 + 1))
                said += 1
        said += 1
    restaurant.page(here[-1])
    began = time.monotonic()
    await _sounded(program, 600.0)
    await program.wait_display_settled()
    return notifications / (program.display[-1][0] - began)


async def memory_with_orders(programs: Sequence[Program], orders: int) -> dict[str, float]:
    """Megabytes of each program with so many active orders, received as one full set."""
    for program in programs:
        await program.gateway.stop()
        program.gateway.restaurant.clear_all()
        program.gateway.restaurant.create_many(orders)
    found: dict[str, float] = {}
    for program in programs:
        program.discard_events()
        await program.gateway.start()
        await program.wait_display_settled(await program.wait_connected(60.0), 60.0)
        found[program.kind] = program.memory()
    return found


async def longest_stop(programs: Sequence[Program], orders: int) -> dict[str, float]:
    """Milliseconds for which each program could not react: during a start with so many active orders, an order a second
    for a while, and the whole set again, which the gateway sends after its restart.
    """
    found: dict[str, float] = {}
    for program in programs:
        await program.stop()
        program.gateway.restaurant.clear_all()
        program.gateway.restaurant.create_many(orders)
        await program.start(records_stops=True)
        await program.wait_display_settled(await program.wait_connected(60.0), 60.0)
        for _ in range(STEADY_SECONDS):
            program.gateway.restaurant.page(program.gateway.restaurant.create().uuid)
            await asyncio.sleep(1)
        await program.gateway.stop()
        program.discard_events()
        await program.gateway.start()
        await program.wait_display_settled(await program.wait_connected(60.0), 60.0)
        found[program.kind] = await program.longest_stop() * 1000
        await program.stop()
    return found


async def _sounded(program: Program, within: float) -> None:
    until = time.monotonic() + within
    while time.monotonic() < until:
        await asyncio.sleep(0.2)
        await program.collect_events()
        if program.buzzer:
            return
    raise BenchError(f"the {program.kind} did not process the whole burst")

"""What is measured, one function each. Programs are given in turns, appliance and plain client alike.

Every measure takes both programs within the same stretch of time, so that whatever else the machine does hits both.
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
"""Seconds between two pages of one program: the appliance makes pages within 1.5 s one sound."""
AT_TABLES = 50
"""Orders that are active at a time while a burst passes: a full restaurant."""

FILLED_AFTER = SYNC_SOON + 5.0
"""Seconds after a start by which the appliance has filled its archive for the first time."""
AT_ONCE = 0.003
"""Seconds between two bytes of one picture at the most, where the next picture may follow at once."""


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
    """What a program uses when nothing happens: CPU seconds a minute and wake-ups a second.

    filling: wake-ups of its first filling of the archive, which comes once an hour and is not in the others.
    """

    cpu: float
    wakeups: float
    filling: float

    @property
    def an_hour(self) -> float:
        """Wake-ups a second over an hour, with its one filling."""
        return self.wakeups + self.filling / SYNC_EVERY


async def start(program: Program) -> Start:
    """Start a program, which then runs on. Memory is in megabytes, once the count is shown."""
    began = await program.start()
    await program.live()
    await program.settled()
    first = program.picture_after(began, AT_ONCE)
    count = program.display[-1][0]
    return Start(first - began, count - began, program.memory())


async def pages(programs: Sequence[Program], rounds: int) -> dict[str, list[Page]]:
    """Page each program's orders, one program after the other, so often."""
    waiting: dict[Program, deque[str]] = {}
    for program in programs:
        waiting[program] = deque(order.uuid for order in program.gateway.restaurant.create_many(rounds))
    for program in programs:
        await program.settled()
        program.forget()
    sent: list[tuple[Program, float]] = []
    turn = asyncio.get_running_loop().time()
    for _ in range(rounds):
        for program in programs:
            turn += PERIOD / len(programs)
            await asyncio.sleep(turn - asyncio.get_running_loop().time())
            sent.append((program, time.monotonic()))
            program.gateway.restaurant.page(waiting[program].popleft())
    for program in programs:
        await program.settled()
    found: dict[str, list[Page]] = {program.kind: [] for program in programs}
    for program, moment in sent:
        sounded, drawn = program.sound_after(moment), program.picture_after(moment)
        if max(sounded, drawn) > moment + PERIOD:
            raise BenchError(f"the {program.kind} missed a page")
        found[program.kind].append(Page(sounded - moment, drawn - moment))
    return found


async def idle(programs: Sequence[Program], seconds: float) -> dict[str, Idle]:
    """Leave programs that were just started alone, until their archives are filled and then for so many seconds.

    Gives the mean of each kind. Raises BenchError.
    """
    started, filled_at = await _usage(programs), time.monotonic()
    await asyncio.sleep(FILLED_AFTER)
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
        # The answer to each question is a wake-up of ours.
        each = max(0.0, wakeups - 1) / (ended - began)
        filling = max(0.0, first - 1 - each * (began - filled_at))
        found[kind] = Idle(cpu * 60 / (ended - began), each, filling if kind == "appliance" else 0.0)
    return found


async def _usage(programs: Sequence[Program]) -> list[Usage]:
    return [await program.usage() for program in programs]


async def burst(program: Program, notifications: int) -> float:
    """Notifications a second, from the first that is sent until the picture after the last one.

    The last notification is the only page among them: the buzzer tells when a program has got that far.
    """
    restaurant = program.gateway.restaurant
    restaurant.clear_all()
    await program.settled()
    program.forget()
    here: deque[str] = deque()
    said = 0
    # Nothing is sent until this coroutine gives way.
    while said < notifications - 1:
        if len(here) >= AT_TABLES:
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
    await program.settled()
    return notifications / (program.display[-1][0] - began)


async def memory_of(programs: Sequence[Program], orders: int) -> dict[str, float]:
    """Megabytes of each program once it holds so many active orders, that came as one whole set."""
    for program in programs:
        await program.gateway.stop()
        program.gateway.restaurant.clear_all()
        program.gateway.restaurant.create_many(orders)
    found: dict[str, float] = {}
    for program in programs:
        program.forget()
        await program.gateway.start()
        await program.settled(await program.live(60.0), 60.0)
        found[program.kind] = program.memory()
    return found


async def _sounded(program: Program, within: float) -> None:
    until = time.monotonic() + within
    while time.monotonic() < until:
        await asyncio.sleep(0.2)
        await program.look()
        if program.buzzer:
            return
    raise BenchError(f"the {program.kind} did not come to the end of a burst")

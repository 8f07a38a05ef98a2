"""Named timers: each runs out once, and restarting moves it."""

from __future__ import annotations

import asyncio

from appliance.aio import Timers
from tests.clock import virtual_time


@virtual_time
async def test_restarting_moves_a_timer_and_stopping_cancels_it() -> None:
    loop, timers = asyncio.get_running_loop(), Timers()
    began = loop.time()
    ran: list[tuple[str, float]] = []

    def start(name: str, seconds: float) -> None:
        timers.start(name, seconds, lambda: ran.append((name, loop.time() - began)))

    start("moved", 1.0)
    start("stopped", 2.0)
    start("again", 3.0)
    await asyncio.sleep(0.5)
    start("moved", 4.0)
    timers.stop("stopped")
    timers.stop("never started")
    await asyncio.sleep(3.0)
    start("again", 2.0)
    await asyncio.sleep(5.0)
    assert ran == [("again", 3.0), ("moved", 4.5), ("again", 5.5)]


@virtual_time
async def test_close_cancels_all_timers() -> None:
    timers = Timers()
    ran: list[str] = []
    timers.start("one", 1.0, lambda: ran.append("one"))
    timers.start("two", 2.0, lambda: ran.append("two"))
    await asyncio.sleep(1.5)
    timers.close()
    await asyncio.sleep(1.0)
    assert ran == ["one"]

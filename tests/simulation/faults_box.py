"""What goes wrong with the box itself: its power, its disk, display and button, and its clock."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.simulation.site import Fault, World


async def box_crashes(world: World) -> None:
    await _die(world, power=False)


async def box_loses_power(world: World) -> None:
    await _die(world, power=True)


async def _die(world: World, *, power: bool) -> None:
    """At a callback that no timer names: between any two awaits of the program."""
    dead = asyncio.Event()

    def now() -> None:
        world.crash(power=power)
        dead.set()

    world.loop.at_step(world.random.randrange(1, 400), now)
    try:
        async with asyncio.timeout(60):
            await dead.wait()
    except TimeoutError:
        pass
    await world.lasts(6, 40)
    world.switch_on()


async def power_goes_in_a_write(world: World) -> None:
    """Armed for a while: the next call to the disk but a few is the last one."""
    world.disk.cut_after = world.random.randrange(0, 14)
    await world.lasts(30, 200)
    world.disk.cut_after = None
    if not world.box_runs:
        await asyncio.sleep(6)
        world.switch_on()


async def box_is_restarted(world: World) -> None:
    await world.switch_off()
    await world.lasts(6, 20)
    world.switch_on()


def disk(**values: Any) -> Fault:
    async def fault(world: World) -> None:
        for name, value in values.items():
            setattr(world.disk, name, value)
        await world.lasts(10, 300)
        for name in values:
            setattr(world.disk, name, type(values[name])())

    return fault


async def disk_is_slow(world: World) -> None:
    world.threads.slow_disk = world.random.choice((1.0, 5.0, 15.0, 40.0))
    await world.lasts(30, 200)
    world.threads.slow_disk = 0.05


async def display_is_pulled(world: World) -> None:
    world.glass.gone = True
    await world.lasts(1, 200)
    world.glass.gone = False


async def display_hangs(world: World) -> None:
    world.glass.stuck_until = world.loop.time() + world.random.uniform(1, 100)
    await asyncio.sleep(world.glass.stuck_until - world.loop.time())


async def button_is_noisy(world: World) -> None:
    for _ in range(world.random.randrange(3, 60)):
        if world.panel is not None and world.box_runs:
            world.panel.press(True)
            await asyncio.sleep(world.random.uniform(0.0001, 0.02))
            world.panel.press(False)
        await world.lasts(0.001, 2)


async def button_sticks(world: World) -> None:
    """Longer than any hand would hold it, so that it means nothing."""
    boot = world.boots
    if world.panel is None or not world.box_runs:
        return
    world.panel.press(True)
    await asyncio.sleep(world.random.uniform(32, 120))
    if world.boots == boot and world.panel is not None:
        world.panel.press(False)


async def wall_clock_jumps(world: World) -> None:
    world.wall_offset += world.random.choice((-1e9, -3600, -7, 3600, 86400, 2e8))
    await asyncio.sleep(0.1)


async def board_is_out_of_breath(world: World) -> None:
    for _ in range(world.random.randrange(1, 5)):
        seconds = world.random.uniform(0.1, 4.0)
        world.loop.stall(seconds)
        world.judge.stalled(seconds)
        await world.lasts(0.1, 10)


async def power_is_weak(world: World) -> None:
    world.weak_power = True
    await world.lasts(30, 200)
    world.weak_power = False

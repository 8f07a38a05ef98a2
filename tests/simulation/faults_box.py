"""Faults of the box itself: its power, disk, display, button and clock."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.simulation.site import Fault, SimulatedSite


async def box_crashes(site: SimulatedSite) -> None:
    await _die(site, power=False)


async def box_loses_power(site: SimulatedSite) -> None:
    await _die(site, power=True)


async def _die(site: SimulatedSite, *, power: bool) -> None:
    """End the process at a random callback, so between any two awaits of the program."""
    dead = asyncio.Event()

    def now() -> None:
        site.crash(power=power)
        dead.set()

    site.loop.at_step(site.random.randrange(1, 400), now)
    try:
        async with asyncio.timeout(60):
            await dead.wait()
    except TimeoutError:
        pass
    await site.wait_between(6, 40)
    site.switch_on()


async def power_cut_during_write(site: SimulatedSite) -> None:
    """For a while, one of the next calls to the disk is interrupted by a power cut."""
    site.disk.power_cut_after = site.random.randrange(0, 14)
    await site.wait_between(30, 200)
    site.disk.power_cut_after = None
    if not site.box_running:
        await asyncio.sleep(6)
        site.switch_on()


async def box_is_restarted(site: SimulatedSite) -> None:
    await site.switch_off()
    await site.wait_between(6, 20)
    site.switch_on()


def disk(**values: Any) -> Fault:
    async def fault(site: SimulatedSite) -> None:
        for name, value in values.items():
            setattr(site.disk, name, value)
        await site.wait_between(10, 300)
        for name in values:
            setattr(site.disk, name, type(values[name])())

    return fault


async def disk_is_slow(site: SimulatedSite) -> None:
    site.threads.slow_disk = site.random.choice((1.0, 5.0, 15.0, 40.0))
    await site.wait_between(30, 200)
    site.threads.slow_disk = 0.05


async def display_is_pulled(site: SimulatedSite) -> None:
    site.display.gone = True
    await site.wait_between(1, 200)
    site.display.gone = False


async def display_hangs(site: SimulatedSite) -> None:
    site.display.stuck_until = site.loop.time() + site.random.uniform(1, 100)
    await asyncio.sleep(site.display.stuck_until - site.loop.time())


async def button_bounces(site: SimulatedSite) -> None:
    for _ in range(site.random.randrange(3, 60)):
        if site.panel is not None and site.box_running:
            site.panel.press(True)
            await asyncio.sleep(site.random.uniform(0.0001, 0.02))
            site.panel.press(False)
        await site.wait_between(0.001, 2)


async def button_is_stuck(site: SimulatedSite) -> None:
    """Hold the button longer than any gesture lasts."""
    boot = site.boots
    if site.panel is None or not site.box_running:
        return
    site.panel.press(True)
    await asyncio.sleep(site.random.uniform(32, 120))
    if site.boots == boot and site.panel is not None:
        site.panel.press(False)


async def wall_clock_jumps(site: SimulatedSite) -> None:
    site.wall_offset += site.random.choice((-1e9, -3600, -7, 3600, 86400, 2e8))
    await asyncio.sleep(0.1)


async def board_stalls(site: SimulatedSite) -> None:
    for _ in range(site.random.randrange(1, 5)):
        seconds = site.random.uniform(0.1, 4.0)
        site.loop.stall(seconds)
        site.checker.on_stall(seconds)
        await site.wait_between(0.1, 10)


async def supply_voltage_is_low(site: SimulatedSite) -> None:
    site.undervoltage = True
    await site.wait_between(30, 200)
    site.undervoltage = False

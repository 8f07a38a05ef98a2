"""A display that hangs the bus: detected from the loop, without blocking anything, even at exit."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import time
import weakref
from dataclasses import replace

import pytest

from appliance.panel.oled import Oled, make_i2c_device
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay
from tests.panel.test_oled import QUICK, painted, shows


async def test_a_stuck_bus_is_detected_and_blocks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    display = I2cDisplay()
    changes: list[str | None] = []
    make = lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=display)  # noqa: E731
    # Long enough that a busy machine is not taken for a stuck bus.
    oled = Oled(
        contrast=200, make_device=make, timing=replace(QUICK, stuck=0.5), changed=lambda: changes.append(oled.fault)
    )
    oled.start()
    oled.show(painted(4))
    await until(lambda: shows(display, 4))
    with caplog.at_level(logging.INFO):
        display.hang()
        await until(lambda: oled.fault is not None)
        oled.show(painted(5))
        display.stop_hanging()
        await until(lambda: shows(display, 5) and oled.fault is None)
        assert changes == ["the bus is stuck", None]
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]

        display.hanging.clear()
        display.hang()
        await asyncio.to_thread(display.hanging.wait, 5)
        before = time.monotonic()
        await oled.close()
        assert time.monotonic() - before < 1.0
    display.stop_hanging()


async def test_only_the_latest_pictures_are_kept_for_a_stuck_bus() -> None:
    display = I2cDisplay()
    oled = Oled(
        contrast=200, make_device=lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=display), timing=QUICK
    )
    oled.start()
    oled.show(painted(4))
    await until(lambda: shows(display, 4))
    display.hang()
    oled.show(painted(5))
    await until(display.hanging.is_set)
    held = [painted(column % 100) for column in range(1000)]
    alive = [weakref.ref(paint) for paint in held]
    while held:
        oled.show(held.pop(0))
        await asyncio.sleep(0)
    assert sum(paint() is not None for paint in alive) < 10
    display.stop_hanging()
    await until(lambda: shows(display, 99))
    await oled.close()


async def test_new_pictures_postpone_the_stuck_bus_check() -> None:
    """Otherwise the check would wake the loop between heartbeats."""
    looks = 0

    class Counted(Oled):
        def _check_stuck(self) -> None:
            nonlocal looks
            looks += 1
            super()._check_stuck()

    display = I2cDisplay()
    oled = Counted(
        contrast=200,
        make_device=lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=display),
        timing=replace(QUICK, stuck=0.5),
    )
    oled.start()
    for number in range(10):
        oled.show(painted(number))
        await asyncio.sleep(0.03)
    assert looks == 1 + 10
    await until(lambda: looks > 11)
    await oled.close()


def test_no_device_stays_registered_for_exit() -> None:
    """luma registers each device for clean-up at exit, which would block on a stuck bus."""
    device = weakref.ref(make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=I2cDisplay()))
    gc.collect()
    assert device() is None


STUCK_AT_EXIT = """
import asyncio
from appliance.panel.oled import Oled, make_i2c_device
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay
async def main():
    display = I2cDisplay()
    oled = Oled(contrast=200, make_device=lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=display))
    oled.start()
    while not display.on:
        await asyncio.sleep(0.01)
    display.hang()
    oled.show(lambda size: __import__("PIL.Image").Image.new("1", size, 1))
    await oled.close()
asyncio.run(main())
"""


def test_a_process_with_a_stuck_bus_exits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STUCK_AT_EXIT], timeout=15, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr

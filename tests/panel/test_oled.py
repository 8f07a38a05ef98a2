"""The display's thread: only the latest picture is drawn; missing, unplugged, replaced, dim and dark displays."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from appliance.core.view import Power
from appliance.panel.display import DIM_CONTRAST
from appliance.panel.oled import Oled, Timing, make_i2c_device
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay, same_pixels

QUICK = Timing(probe=0.01, retry=0.01, retry_most=0.02, stuck=0.05)
HEALING = replace(QUICK, refresh=0.05)


def painted(column: int) -> Callable[[tuple[int, int]], Image.Image]:
    def paint(size: tuple[int, int]) -> Image.Image:
        picture = Image.new("1", size)
        ImageDraw.Draw(picture).rectangle((column, 3, column + 5, 40), fill=1)
        return picture

    return paint


def shows(display: I2cDisplay, column: int) -> bool:
    return same_pixels(display.picture(), painted(column)((128, 64)))


def level(display: I2cDisplay) -> int:
    """The contrast; 0 if the display is not lit."""
    return display.chip.contrast if display.on else 0


@asynccontextmanager
async def running(display: I2cDisplay, timing: Timing = QUICK) -> AsyncIterator[Oled]:
    make = lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=display)  # noqa: E731
    oled = Oled(contrast=200, make_device=make, timing=timing)
    oled.start()
    yield oled
    display.stop_hanging()
    await oled.close()


async def test_the_thread_shows_the_picture_and_blanks_at_the_end() -> None:
    display = I2cDisplay()
    async with running(display) as oled:
        oled.show(painted(7))
        await until(lambda: shows(display, 7))
        assert oled.fault is None
    assert not display.on
    assert display.picture().getbbox() is None


async def test_the_last_picture_is_visible_before_the_display_goes_dark() -> None:
    display = I2cDisplay()
    seen: list[bool] = []

    def watch() -> None:
        while not ended.is_set():
            seen.append(shows(display, 9) and display.on)
            ended.wait(0.01)

    ended = threading.Event()
    async with running(display) as oled:
        oled.show(painted(7))
        await until(lambda: shows(display, 7))
        watcher = threading.Thread(target=watch)
        watcher.start()
        oled.show(painted(9))
    ended.set()
    await asyncio.to_thread(watcher.join)
    assert sum(seen) >= 10, "visible for at least 100 ms"
    assert not display.on


async def test_the_thread_wakes_after_the_loops_due_callbacks() -> None:
    """Otherwise the thread would wait for the interpreter lock and need a second wake-up."""
    display = I2cDisplay()
    async with running(display, Timing()) as oled:
        oled.show(painted(0))
        await until(lambda: shows(display, 0))
        oled.show(painted(1))
        ends = time.monotonic() + 0.1
        while time.monotonic() < ends:
            pass  # a slow due callback
        assert shows(display, 0)
        await until(lambda: shows(display, 1))


async def test_show_returns_at_once_and_skips_older_pictures() -> None:
    display = I2cDisplay()
    drawn: list[int] = []

    def noted(number: int) -> Callable[[tuple[int, int]], Image.Image]:
        def paint(size: tuple[int, int]) -> Image.Image:
            drawn.append(number)
            return painted(number)(size)

        return paint

    async with running(display, Timing()) as oled:
        oled.show(painted(0))
        await until(lambda: shows(display, 0))
        display.hang()
        oled.show(painted(1))
        await asyncio.to_thread(display.hanging.wait, 5)
        before = time.monotonic()
        for number in range(2, 100):
            oled.show(noted(number))
        assert time.monotonic() - before < 0.1
        display.stop_hanging()
        await until(lambda: shows(display, 99))
    assert drawn == [99]


async def test_a_display_plugged_in_later_shows_the_latest(caplog: pytest.LogCaptureFixture) -> None:
    display = I2cDisplay()
    display.present = False
    with caplog.at_level(logging.INFO):
        async with running(display) as oled:
            oled.show(painted(1))
            await until(lambda: oled.fault is not None)
            oled.show(painted(2))
            await asyncio.sleep(0.1)
            assert "0x3C" in str(oled.fault)
            display.present = True
            await until(lambda: shows(display, 2))
            await until(lambda: oled.fault is None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_display_pulled_while_idle_is_detected_and_redrawn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    display = I2cDisplay()
    with caplog.at_level(logging.INFO):
        async with running(display) as oled:
            oled.show(painted(3))
            set_up = display.probes
            await until(lambda: shows(display, 3) and display.probes > set_up + 1)
            for _ in range(2):
                display.present = False
                await until(lambda: oled.fault is not None)
                display.present = True
                await until(lambda: shows(display, 3) and oled.fault is None)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"] * 2


async def test_a_quickly_replaced_display_is_refreshed(caplog: pytest.LogCaptureFixture) -> None:
    """The bus shows no error: every transfer succeeds."""
    display = I2cDisplay()
    async with running(display, HEALING) as oled:
        oled.show(painted(6), Power.DIM)
        await until(lambda: shows(display, 6) and level(display) == DIM_CONTRAST)
        display.lose_power()
        await until(lambda: shows(display, 6) and level(display) == DIM_CONTRAST)
        assert oled.fault is None
    assert caplog.records == []


async def test_the_display_dims_goes_dark_and_wakes() -> None:
    display = I2cDisplay()
    async with running(display) as oled:
        oled.show(painted(1))
        await until(lambda: shows(display, 1) and level(display) == 200)
        oled.show(painted(1), Power.DIM)
        await until(lambda: shows(display, 1) and level(display) == DIM_CONTRAST)
        oled.show(painted(2), Power.DARK)
        await until(lambda: level(display) == 0)
        oled.show(painted(3))
        await until(lambda: shows(display, 3) and level(display) == 200)


async def test_a_dark_display_stays_dark_during_a_restart() -> None:
    display = I2cDisplay()
    async with running(display) as oled:
        oled.show(painted(1), Power.DARK)
        await until(lambda: display.probes > 8 and not display.on)
        display.present = False
        await until(lambda: oled.fault is not None)
        display.present = True
        await until(lambda: oled.fault is None)
        await until(lambda: display.probes > 16)
        assert not display.on


async def test_the_display_recovers_from_an_interrupted_transfer() -> None:
    display = I2cDisplay()
    changes: list[bool] = []
    make = lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 200, bus=display)  # noqa: E731
    oled = Oled(contrast=200, make_device=make, timing=QUICK, changed=lambda: changes.append(oled.fault is None))
    oled.start()
    oled.show(painted(1))
    await until(lambda: shows(display, 1))
    for column, after in ((20, 3), (40, 20), (60, 70)):
        display.break_after(after)
        oled.show(painted(column))
        await until(lambda: len(changes) == 2)
        assert changes == [False, True]
        assert shows(display, column)
        changes.clear()
    await oled.close()


async def test_any_error_of_the_display_library_is_a_fault() -> None:
    class Odd(Exception):
        pass

    def make() -> None:
        raise Odd("no such thing")

    oled = Oled(contrast=200, make_device=make, timing=QUICK)
    oled.start()
    await until(lambda: oled.fault == "no such thing")
    await oled.close()


async def test_a_missing_i2c_bus_is_reported() -> None:
    oled = Oled("sh1106", port=99, contrast=200, timing=QUICK)
    oled.start()
    await until(lambda: oled.fault is not None)
    assert "/dev/i2c-99" in str(oled.fault)
    await oled.close()


async def test_the_back_off_grows_to_its_limit() -> None:
    times: list[float] = []

    def make() -> None:
        times.append(time.monotonic())
        raise OSError("gone")

    oled = Oled(contrast=200, make_device=make, timing=Timing(retry=0.02, retry_most=0.06))
    oled.start()
    for number in range(5):
        oled.show(painted(number))  # A new picture must not shorten the wait.
    # Without the limit the twelfth attempt would come after forty seconds.
    await until(lambda: len(times) >= 12)
    await oled.close()
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(wait >= least for wait, least in zip(waits, (0.02, 0.04, *[0.06] * 9), strict=False))


def test_there_is_one_daemon_thread() -> None:
    async def main() -> None:
        async with running(I2cDisplay()):
            threads = [thread for thread in threading.enumerate() if thread.name == "display"]
            assert [thread.daemon for thread in threads] == [True]

    asyncio.run(main())

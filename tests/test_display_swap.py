"""The whole appliance with the hardware panel: a person corrects a wrongly detected display with the button."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from appliance import display_file
from appliance.core import navigation
from appliance.core.events import ButtonDown, ButtonUp
from appliance.core.machine import begin
from appliance.core.navigation import available_screens
from appliance.core.present import present
from appliance.core.states import ScreenId
from appliance.core.values import SH1106, SSD1306, Benchmarks
from appliance.effect_handlers import EffectHandlers
from appliance.gateway.discovery import Discovery
from appliance.panel.drawing import draw
from appliance.panel.hardware import HardwarePanel
from appliance.runner import Runner
from appliance.store import TokenStore
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay, same_pixels
from tests.running_appliance import NAME

READ_TIME = 0.3
"""Seconds for which the question has to be on the display."""


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> I2cDisplay:
    """An SSD1306 that answers like an SH1106."""
    model = I2cDisplay()
    model.chip.status_bits = 0x08
    monkeypatch.setattr("smbus2.SMBus", lambda port: model)
    monkeypatch.setattr(navigation, "READ_TIME", READ_TIME)
    return model


@asynccontextmanager
async def appliance(state_dir: Path, **settings: Any) -> AsyncIterator[Runner]:
    """A running appliance without pins, in whose sight there is no gateway."""
    chosen = await asyncio.to_thread(display_file.load, state_dir)
    panel = await asyncio.to_thread(lambda: HardwarePanel(contrast=127, chosen=chosen, **settings))
    handlers = EffectHandlers(
        lambda emit: Discovery(emit, NAME, ["lo"]),
        TokenStore(state_dir),
        keep_display=partial(display_file.keep, state_dir),
    )
    runner = Runner(begin(Benchmarks()), handlers, panel)
    running = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.quit()
        async with asyncio.timeout(2):
            await running


def press(runner: Runner) -> None:
    runner.post(ButtonDown())
    runner.post(ButtonUp())


def words(runner: Runner) -> str:
    return present(runner.state, asyncio.get_running_loop().time()).view.screen.words[0]


def drawn(runner: Runner) -> Image.Image:
    return draw(present(runner.state, asyncio.get_running_loop().time()).view, (128, 64))


async def turn_to_the_question(runner: Runner) -> None:
    async with asyncio.timeout(10):
        while words(runner) != "Picture is shifted?":
            press(runner)
            await asyncio.sleep(READ_TIME / 3)


async def test_a_press_corrects_the_picture_and_the_next_start_knows(bus: I2cDisplay, tmp_path: Path) -> None:
    async with appliance(tmp_path) as runner:
        await until(lambda: runner.state.world.display is not None)
        await turn_to_the_question(runner)
        await asyncio.sleep(READ_TIME + 0.1)
        assert not same_pixels(bus.picture(), drawn(runner))
        press(runner)
        await until(lambda: same_pixels(bus.picture(), drawn(runner)))
        await until(lambda: display_file.load(tmp_path) is not None)
    async with appliance(tmp_path) as runner:
        await until(lambda: same_pixels(bus.picture(), drawn(runner)))
        assert runner.state.world.display is not None
        assert (runner.state.world.display.found, runner.state.world.display.driver) == (SH1106, SSD1306)


async def test_a_set_driver_ends_the_choice(bus: I2cDisplay, tmp_path: Path) -> None:
    (tmp_path / display_file.NAME).write_text("0x3C sh1106 ssd1306\n")
    async with appliance(tmp_path, driver="sh1106") as runner:
        await until(lambda: runner.state.world.display is not None)
        await until(lambda: not (tmp_path / display_file.NAME).exists())
        assert not same_pixels(bus.picture(), drawn(runner))
        assert available_screens(runner.state)[-1] is ScreenId.DISPLAY, "the question is not asked"

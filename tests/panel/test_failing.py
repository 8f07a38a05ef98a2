"""The screen of an appliance that keeps failing, on the panel's parts."""

from __future__ import annotations

import asyncio

from gpiozero.pins.mock import MockFactory

from appliance.box.failing import show_failing
from appliance.core.present import failing
from appliance.panel.drawing import draw
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay, same_pixels
from tests.panel.test_hardware import PINS, make_panel, output_states


async def test_the_failure_screen_shows_and_red_blinks_until_the_end(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel = await make_panel(pins, display, **PINS)
    wanted = await asyncio.to_thread(draw, failing(restart=True), (128, 64))
    telling = asyncio.create_task(show_failing(panel, restart=True, seconds=2))
    await until(lambda: same_pixels(display.picture(), wanted))
    for _ in range(2):
        await until(lambda: output_states(pins)["red"], within=1)
        await until(lambda: not output_states(pins)["red"], within=0.3)
    await telling
    assert not any(output_states(pins).values())
    assert not display.on

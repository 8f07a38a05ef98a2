"""What tells of an appliance that keeps failing, on the parts themselves."""

from __future__ import annotations

import asyncio

from gpiozero.pins.mock import MockFactory

from appliance.box.failing import show_failing
from appliance.core.present import failing
from appliance.panel.drawing import draw
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay, same
from tests.panel.test_hardware import PINS, lit, made


async def test_it_is_read_and_red_blinks_and_then_all_is_dark(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel = await made(pins, display, **PINS)
    wanted = await asyncio.to_thread(draw, failing(restart=True), (128, 64))
    telling = asyncio.create_task(show_failing(panel, restart=True, seconds=2))
    await until(lambda: same(display.picture(), wanted))
    for _ in range(2):
        await until(lambda: lit(pins)["red"], within=1)
        await until(lambda: not lit(pins)["red"], within=0.3)
    await telling
    assert not any(lit(pins).values())
    assert not display.on

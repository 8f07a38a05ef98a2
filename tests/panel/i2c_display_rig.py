"""A Display object driven as its thread does, on a model of a controller and with a simulated clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from luma.core.error import DeviceNotFoundError
from PIL import Image

from appliance.core.view import Power
from appliance.panel.display import DIM_CONTRAST, Display, Timing
from appliance.panel.incremental_display import make_i2c_device
from tests.panel.i2c_display import ADDRESS, I2cDisplay, same_pixels

CONTRAST = 200
TIMING = Timing()
CONTROLLERS = [(is_sh1106, height) for is_sh1106 in (False, True) for height in (64, 32)]


class Rig:
    """now: the simulated time. picture, power: the wanted state. made: number of set-ups."""

    def __init__(self, is_sh1106: bool = False, height: int = 64, rotate: int = 0) -> None:
        self.model = I2cDisplay(is_sh1106, height)
        self.now = 1000.0
        self.rotate = rotate
        self.picture = Image.new("1", (128, height))
        self.power = Power.BRIGHT
        self.made = 0
        driver = "sh1106" if is_sh1106 else "ssd1306"

        def make() -> Any:
            device = make_i2c_device(driver, 1, ADDRESS, rotate, CONTRAST, height, bus=self.model)
            self.made += 1
            return device

        self.display = Display(make, CONTRAST, TIMING, clock=lambda: self.now)

    def show(self, power: Power | None = None) -> bool:
        """Show a copy of the picture; returns whether that succeeded."""
        self.power = power or self.power
        picture = self.picture.copy()
        return self._update(lambda _: picture)

    def shows_picture(self) -> bool:
        """Whether the display shows exactly the picture, at the wanted brightness."""
        if self.power is Power.DARK:
            return not self.model.on and self.model.picture().getbbox() is None
        level = CONTRAST if self.power is Power.BRIGHT else DIM_CONTRAST
        return self.model.chip.contrast == level and same_pixels(
            self.model.picture(), self.picture.rotate(90 * self.rotate)
        )

    def _update(self, paint: Callable[[tuple[int, int]], Image.Image]) -> bool:
        try:
            self.display.update(paint, self.power)
        except (OSError, DeviceNotFoundError):
            self.display.release()
            return False
        return True


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    return Image.frombytes("1", size, random.Random(seed).randbytes(size[0] * size[1] // 8))


def opcodes(model: I2cDisplay) -> list[int]:
    """The opcodes received from now on."""
    heard: list[int] = []
    model.chip.on_command = heard.append
    return heard

"""The real panel on mock pins and a display double: together, and each part without the others."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from gpiozero import DigitalOutputDevice
from gpiozero.pins.mock import MockFactory

from appliance.core.events import ButtonPressed, Event
from appliance.core.view import Leds, Light, Line, Screen, Sound, View
from appliance.panel import Panel
from appliance.panel.hardware import HardwarePanel
from appliance.panel.oled import make_i2c_device
from tests.clock import until
from tests.panel.i2c_display import I2cDisplay

PINS = {"button": 4, "green": 17, "amber": 27, "red": 22, "buzzer": 18}
VIEW = View("connected", None, "kitchen", "10.0.0.2:8000", 12, 1, 60, Leds(green=Light.ON), Screen((Line("12"),)))


async def made(pins: MockFactory | None, display: I2cDisplay, **mounted: Any) -> HardwarePanel:
    """A panel, made as the program makes it: not in the loop, for it waits until it has greeted."""
    make = lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 127, bus=display)  # noqa: E731
    return await asyncio.to_thread(lambda: HardwarePanel(**mounted, pin_factory=pins, make_device=make))


def lit(pins: MockFactory) -> dict[str, bool]:
    return {name: bool(pins.pin(number).state) for name, number in PINS.items() if name != "button"}


async def test_all_parts_together(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel: Panel = await made(pins, display, **PINS)
    events: list[Event] = []
    panel.start(events.append, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    assert lit(pins) == {"green": True, "amber": False, "red": False, "buzzer": True}
    await until(lambda: display.picture().getbbox() is not None)
    pins.pin(PINS["button"]).drive_low()
    await until(lambda: events == [ButtonPressed()])
    await panel.close()
    assert lit(pins) == {"green": False, "amber": False, "red": False, "buzzer": False}
    assert not display.on


async def test_amber_blinks_fast_while_the_display_is_out(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await made(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    await until(lambda: lit(pins)["amber"])
    assert lit(pins)["green"]
    panel.show(VIEW, Sound.LATE)
    assert lit(pins)["buzzer"]
    await panel.close()


async def test_a_display_that_comes_back_during_the_end_lights_nothing(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await made(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    await until(lambda: panel._oled.fault is not None)
    ending = asyncio.create_task(panel.close())
    await asyncio.sleep(0)
    panel._oled._tell(None)
    await ending
    assert not any(lit(pins).values())


async def test_it_greets_before_it_is_started(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel = await made(pins, display, **PINS)
    assert display.picture().getbbox() is not None
    greeting = display.picture().tobytes()
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    await until(lambda: display.picture().tobytes() != greeting)
    await panel.close()


async def test_a_machine_without_pins_still_has_its_display(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nosuch")
    display = I2cDisplay()
    with caplog.at_level(logging.INFO):
        panel = await made(None, display, **PINS)
        panel.start(lambda _: None, lambda: None)
        panel.show(VIEW, Sound.PAGE)
        await until(lambda: display.picture().getbbox() is not None)
        await panel.close()
    assert len(caplog.records) == 1
    assert "no pins can be used here" in caplog.text


async def test_a_busy_pin_costs_one_part(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    taken = DigitalOutputDevice(PINS["red"], pin_factory=pins)
    with caplog.at_level(logging.INFO):
        panel = await made(pins, I2cDisplay(), **PINS)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "the red LED on pin 22 can't be used" in caplog.text
    panel.show(VIEW, Sound.PAGE)
    assert lit(pins) == {"green": True, "amber": False, "red": False, "buzzer": True}
    await panel.close()
    taken.close()


async def test_parts_that_are_not_mounted_are_no_trouble(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    panel = await made(pins, I2cDisplay())
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    await asyncio.sleep(0.02)
    await panel.close()
    assert caplog.records == []

"""The doctor on boxes from boards that are plugged together, and with absent parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from appliance.config import parse
from appliance.config.presets import PRESETS
from appliance.config.values import LIGHTS
from appliance.doctor.buzzer import check_buzzer
from appliance.doctor.display import check_display
from appliance.doctor.examination import checks_for
from appliance.doctor.finding import Finding, State
from appliance.doctor.pins import check_button, check_light, check_pins
from tests.doctor.fakes import Box, tried


def build(box: Box, text: str) -> None:
    config = parse(text, "tt.yaml")
    box.config = replace(box.config, hardware=config.hardware, pins=config.pins)


@pytest.mark.parametrize("name", PRESETS)
async def test_only_the_pins_of_the_hardware_are_tested(box: Box, name: str) -> None:
    build(box, f"hardware: {name}")
    present = PRESETS[name].pins.present
    names = [check.name for check in checks_for(box.config)]
    assert [light for light in LIGHTS if f"{light} light" in names] == [light for light in LIGHTS if light in present]
    assert ("buzzer" in names) is ("buzzer" in present)
    assert "button" in names
    context, _ = box.context()
    assert await tried(context, check_pins) == Finding(State.OK, f"all {len(present)} can be used")
    assert {pin.info.name for pin in box.pins.pins.values()} == {f"GPIO{number}" for number in present.values()}


async def test_advice_names_the_socket(box: Box) -> None:
    build(box, "hardware: grove")
    context, _ = box.context({"RED": "n\n"})
    finding = await tried(context, check_pins, partial(check_light, colour="red"))
    assert finding.words.startswith("not visible; it should be the red LED, socket D16 (GPIO16, ")
    assert "socket D16" in finding.advice[1]
    assert "solder" not in " ".join(finding.advice)
    context, _ = box.context({"Did you hear": "n\n"})
    finding = await tried(context, check_pins, check_buzzer)
    assert finding.words == "not audible; it should be the Buzzer, socket PWM"
    box.limits = replace(box.limits, press=0.1)
    context, person = box.context({})
    finding = await tried(context, check_pins, check_button)
    assert "at the yellow LED Button, socket D22 (GPIO23, " in finding.words
    assert "Press the button of the box, the yellow LED Button, socket D22, now." in person.said


async def test_a_board_without_cables(box: Box) -> None:
    build(box, "hardware: adafruit-oled-bonnet")
    box.limits = replace(box.limits, press=0.1)
    context, _ = box.context({})
    finding = await tried(context, check_pins, check_button)
    assert "at the button #5" in finding.words
    assert finding.advice == ("Unplug the box, and push its board onto all 40 pins of the header.",)
    box.display.present = False
    context, _ = box.context()
    finding = await tried(context, check_display)
    assert "40 pins" in finding.advice[0]


async def test_a_pin_that_is_set_is_a_part_on_wires(box: Box) -> None:
    build(box, "hardware: grove\npins: {red: 18}")
    context, _ = box.context({"RED": "n\n"})
    finding = await tried(context, check_pins, partial(check_light, colour="red"))
    assert "GPIO18, position 12" in finding.words
    assert "long leg" in finding.advice[0]


@pytest.mark.parametrize("active_high", [True, False])
async def test_a_button_of_either_level(box: Box, active_high: bool) -> None:
    build(box, f"pins: {{button: 19, button_active_high: {str(active_high).lower()}}}")
    box.limits = replace(box.limits, release=2.0)

    def press() -> str:
        pin, loop = box.pins.pin(19), asyncio.get_running_loop()
        levels: tuple[Callable[[], None], Callable[[], None]] = (pin.drive_high, pin.drive_low)
        down, up = levels if active_high else levels[::-1]
        loop.call_later(0.02, down)
        loop.call_later(0.12, up)
        return ""

    context, _ = box.context({"Press the button of the box now": press})
    assert await tried(context, check_pins, check_button) == Finding(State.OK, "press and release detected")


async def test_an_absent_button_is_wrong(box: Box) -> None:
    build(box, "pins: {button: null}")
    context, _ = box.context()
    finding = await tried(context, check_pins, check_button)
    assert finding.state is State.WRONG
    assert "can't be paired" in finding.words

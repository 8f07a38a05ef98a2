"""The doctor's checks of LEDs, buzzer and button, each intact and broken."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from gpiozero import DigitalOutputDevice
from gpiozero.pins.local import LocalPiFactory
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from appliance.config import BuzzerConfig
from appliance.doctor.buzzer import check_buzzer
from appliance.doctor.context import CheckContext
from appliance.doctor.finding import Finding, State
from appliance.doctor.pins import check_button, check_light, check_pins
from appliance.panel.buzzer import GROWL, duty_cycle
from tests.doctor.fakes import PINS, Box, tried
from tests.panel.gpio_header import FakeChip

LIGHTS = ["green", "amber", "red"]


async def light(context: CheckContext, colour: str) -> Finding:
    return await tried(context, check_pins, partial(check_light, colour=colour))


@pytest.mark.parametrize("colour", LIGHTS)
async def test_a_visible_light(box: Box, colour: str) -> None:
    seen: list[set[str]] = []

    def look() -> str:
        seen.append(box.lit())
        return "\n"

    context, person = box.context({colour.upper(): look})
    assert await light(context, colour) == Finding(State.OK, "confirmed")
    assert seen == [{colour}]
    assert box.lit() == set()
    assert person.said == f"Do you see the {colour.upper()} light, and no other? [Y/n] "


@pytest.mark.parametrize("colour", LIGHTS)
async def test_an_invisible_light(box: Box, colour: str) -> None:
    context, _ = box.context({colour.upper(): "n\n"})
    finding = await light(context, colour)
    assert finding.state is State.WRONG
    assert f"GPIO{getattr(PINS, colour)}, position" in finding.words
    assert "long leg" in finding.advice[0]
    assert f"pins.{colour}" in finding.advice[-1]
    assert box.lit() == set()


async def test_header_positions_equal_those_of_the_wiring_diagram(box: Box) -> None:
    context, _ = box.context({"GREEN": "n\n"})
    assert "GPIO22, position 15 of the pin header" in (await light(context, "green")).words


async def test_a_light_without_a_user(box: Box) -> None:
    context, person = box.context()
    finding = await light(context, "red")
    assert finding == Finding(State.OK, "lit; no answer whether it was visible")
    assert [state.state for state in box.pins.pin(PINS.red).states][-2:] == [True, False]
    assert person.said == ""


async def test_a_pin_shorted_to_ground(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    context, person = box.context({"GREEN": "\n"})
    monkeypatch.setattr(MockPin, "_change_state", lambda self, value: False)
    finding = await light(context, "green")
    assert finding.state is State.WRONG
    assert "stays low" in finding.words
    assert person.said == ""


async def test_pins_in_use_by_the_appliance(box: Box) -> None:
    with DigitalOutputDevice(PINS.red, pin_factory=box.pins), DigitalOutputDevice(PINS.green, pin_factory=box.pins):
        context, _ = box.context()
        finding = await tried(context, check_pins)
    assert finding.state is State.WRONG
    assert "another program uses GPIO 22 (green), 23 (red)" in finding.words
    assert "sudo tt-appliance doctor" in finding.advice[0]


class LgpioError(Exception):
    """Stands for lgpio.error, which also derives from Exception only."""


@pytest.mark.parametrize(
    ("words", "said", "advice"),
    [
        ("'GPIO busy'", "another program uses GPIO 22", "run as root"),
        ("'can not open gpiochip'", "can not open gpiochip", "sudo tt-appliance doctor"),
    ],
)
async def test_errors_of_lgpio_are_explained(box: Box, words: str, said: str, advice: str) -> None:
    class Factory(MockFactory):  # type: ignore[misc]
        def pin(self, name: Any) -> Any:
            if name == PINS.green:
                raise LgpioError(words)
            return super().pin(name)

    box.pins = Factory()
    context, _ = box.context()
    finding = await light(context, "green")
    assert finding == Finding(State.NOT_TRIED, "not tried: its pin can't be used")
    # A new factory each time, because gpiozero remembers a pin that it failed to create.
    box.pins = Factory()
    context, _ = box.context()
    finding = await tried(context, check_pins)
    assert said in finding.words
    assert advice in finding.advice[0]
    box.pins = Factory()
    context, _ = box.context()
    assert (await light(context, "red")).state is State.OK


async def test_the_library_for_tones_is_missing(box: Box) -> None:
    class Factory(MockFactory):  # type: ignore[misc]
        def pin(self, name: Any) -> Any:
            if name == PINS.buzzer:
                raise ModuleNotFoundError("No module named 'lgpio'")
            return super().pin(name)

    box.pins = Factory()
    context, _ = box.context()
    finding = await tried(context, check_pins)
    assert finding.words == "GPIO 18 (buzzer) can't be used: No module named 'lgpio'"
    assert finding.advice == ("A passive buzzer needs the library lgpio: sudo apt install python3-lgpio",)


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> FakeChip:
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: 0xA02082)
    monkeypatch.setattr(LocalPiFactory, "pins", {})
    return FakeChip()


async def test_led_and_button_on_the_kernels_gpio_chip(box: Box, chip: FakeChip) -> None:
    def press() -> str:
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, chip.drive, PINS.button, 0)
        loop.call_later(0.12, chip.drive, PINS.button, 1)
        return ""

    def look() -> str:
        return "\n" if chip.level(PINS.green) else "no\n"

    box.limits = replace(box.limits, release=2.0)
    context, _ = box.context({"GREEN": look, "Press the button": press})
    context.pin_factory = chip.factory()
    assert await tried(context, check_pins, partial(check_light, colour="green")) == Finding(State.OK, "confirmed")
    context, _ = box.context({"Press the button": press})
    context.pin_factory = chip.factory()
    assert await tried(context, check_pins, check_button) == Finding(State.OK, "press and release detected")
    assert chip.requested() == set()


async def test_a_pin_in_use_by_another_program(box: Box, chip: FakeChip) -> None:
    other = chip.factory()
    other.pin(PINS.button).function = "input"
    LocalPiFactory.pins.clear()
    context, _ = box.context()
    context.pin_factory = chip.factory()
    finding = await tried(context, check_pins)
    assert finding.words == "another program uses GPIO 17 (button)"


async def test_a_machine_without_pins(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nosuch")
    context, _ = box.context()
    context.pin_factory = None
    finding = await tried(context, check_pins)
    assert finding.state is State.WRONG
    assert finding.words.startswith("this machine has no GPIO pins")
    for check in (partial(check_light, colour="red"), check_buzzer, check_button):
        assert (await tried(context, check)).state is State.NOT_TRIED


async def test_pins_without_permission(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nosuch")
    await asyncio.to_thread(box.put, "dev/gpiochip0", "")
    context, _ = box.context()
    context.pin_factory = None
    finding = await tried(context, check_pins)
    assert finding.words.startswith("the pins can't be used")
    assert "sudo tt-appliance doctor" in finding.advice[0]


async def test_pins_of_another_machine(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "nosuch")
    await asyncio.to_thread(box.put, "dev/gpiochip0", "")
    await asyncio.to_thread(box.put, "proc/device-tree/model", "")
    context, _ = box.context()
    context.pin_factory = None
    finding = await tried(context, check_pins)
    assert finding.words.startswith("the pins of this machine can't be used")
    assert finding.advice == ("Run the doctor on the box's Raspberry Pi.",)


@pytest.mark.parametrize(
    ("answer", "state", "words"), [("y\n", State.OK, "confirmed"), ("no\n", State.WRONG, "not audible")]
)
async def test_the_buzzer(box: Box, answer: str, state: State, words: str) -> None:
    context, person = box.context({"hear": answer})
    finding = await tried(context, check_pins, check_buzzer)
    assert finding.state is state
    assert finding.words.startswith(words)
    assert "the sound for: error" in person.said
    assert [one.state for one in box.pins.pin(PINS.buzzer).states].count(True) >= 2
    assert box.lit() == set()


async def test_a_passive_buzzer_gets_tones_at_the_set_volume(box: Box) -> None:
    tones: set[tuple[float | None, float]] = set()

    class Pin(MockPWMPin):  # type: ignore[misc]
        def _set_state(self, value: float) -> None:
            super()._set_state(value)
            tones.add((self._frequency, value))

    box.pins = MockFactory(pin_class=Pin)
    box.change(buzzer=BuzzerConfig(kind="passive", volume=40))
    context, _ = box.context({"hear": "n\n"})
    finding = await tried(context, check_pins, check_buzzer)
    assert (GROWL, duty_cycle(40)) in tones
    assert finding.state is State.WRONG
    assert "buzzer.volume" in finding.advice[-1]
    assert box.lit() == set()


async def test_an_inaudible_active_buzzer_may_be_a_passive_one(box: Box) -> None:
    context, _ = box.context({"hear": "n\n"})
    context.sounds = ()
    finding = await tried(context, check_pins, check_buzzer)
    assert finding.advice[-1] == "It only clicks: set buzzer.kind to passive."


async def test_a_muted_buzzer_is_not_tested(box: Box) -> None:
    box.change(buzzer=BuzzerConfig(enabled=False))
    context, _ = box.context({})
    finding = await tried(context, check_pins, check_buzzer)
    assert finding.state is State.NOT_TRIED
    assert "buzzer.enabled" in finding.words
    assert not any(one.state for one in box.pins.pin(PINS.buzzer).states)


async def test_a_pressed_button(box: Box) -> None:
    box.limits = replace(box.limits, release=2.0)

    def press() -> str:
        button = box.pins.pin(PINS.button)
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, button.drive_low)
        loop.call_later(0.12, button.drive_high)
        return ""

    context, _ = box.context({"Press the button of the box now": press})
    assert await tried(context, check_pins, check_button) == Finding(State.OK, "press and release detected")


async def test_a_missing_press_times_out(box: Box) -> None:
    box.limits = replace(box.limits, press=0.1)
    context, person = box.context({})
    finding = await tried(context, check_pins, check_button)
    assert finding.state is State.WRONG
    assert "no press detected" in finding.words
    assert "GPIO17, position 11 of the pin header" in finding.advice[0]
    assert "Press the button of the box now" in person.said


async def test_a_missing_release_is_reported(box: Box) -> None:
    context, _ = box.context({"Press the button": box.press})
    finding = await tried(context, check_pins, check_button)
    assert finding.state is State.WRONG
    assert "no release detected" in finding.words


@pytest.mark.parametrize("answers", [None, {}])
async def test_a_stuck_button(box: Box, answers: dict[str, str] | None) -> None:
    context, person = box.context(answers)

    async def jam(_: CheckContext) -> Finding:
        box.pins.pin(PINS.button).drive_low()
        return Finding(State.OK, "")

    finding = await tried(context, check_pins, jam, check_button)
    assert finding.state is State.WRONG
    assert "it is pressed all the time" in finding.words
    assert person.said == ""


async def test_a_button_without_a_user(box: Box) -> None:
    context, _ = box.context()
    finding = await tried(context, check_pins, check_button)
    assert finding == Finding(State.OK, "not stuck; not tested further without a user")

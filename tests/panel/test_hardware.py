"""The real panel on mock pins and a display double: together, and each part without the others."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from gpiozero import DigitalOutputDevice
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from appliance.core.events import ButtonDown, ButtonStuck, ButtonUp, Event
from appliance.core.view import LedMode, Leds, Line, Message, Power, Sound, View
from appliance.panel import Panel
from appliance.panel.button import DEBOUNCE
from appliance.panel.buzzer import PASSIVE, PATTERNS, duty_cycle
from appliance.panel.hardware import HardwarePanel
from appliance.panel.incremental_display import make_i2c_device
from appliance.panel.leds import FLASH
from appliance.panel.oled import Oled
from tests.clock import until, virtual_time
from tests.panel.i2c_display import I2cDisplay

PINS = {"button": 4, "green": 17, "amber": 27, "red": 22, "buzzer": 18}
VIEW = View("connected", None, "kitchen", "10.0.0.2:8000", 12, 1, 60, Leds(green=LedMode.ON), Message((Line("12"),)))


async def made(pins: MockFactory | None, display: I2cDisplay, **mounted: Any) -> HardwarePanel:
    """A panel, made as the program makes it: not in the loop, because it waits for the first picture."""
    make = lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 127, bus=display)  # noqa: E731
    mounted.setdefault("contrast", 127)
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
    await until(lambda: events == [ButtonDown()])
    await panel.close()
    assert lit(pins) == {"green": False, "amber": False, "red": False, "buzzer": False}
    assert not display.on


async def test_red_blinks_fast_while_the_display_is_out(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await made(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    for _ in range(2):
        await until(lambda: lit(pins)["red"], within=1)
        await until(lambda: not lit(pins)["red"], within=0.3)
    assert lit(pins) == {"green": True, "amber": False, "red": False, "buzzer": False}
    panel.show(VIEW, Sound.LATE)
    assert lit(pins)["buzzer"]
    await panel.close()


async def test_a_press_silences_the_buzzer_before_anybody_is_told(pins: MockFactory) -> None:
    panel = await made(pins, I2cDisplay(), **PINS)
    told: list[tuple[Event, bool]] = []
    panel.start(lambda event: told.append((event, lit(pins)["buzzer"])), lambda: None)
    panel.show(VIEW, Sound.PAGE)
    assert lit(pins)["buzzer"]
    pins.pin(PINS["button"]).drive_low()
    await until(lambda: bool(told))
    assert told == [(ButtonDown(), False)]
    panel.show(VIEW, Sound.PAGE)
    pins.pin(PINS["button"]).drive_high()
    await until(lambda: len(told) == 2)
    assert told[1] == (ButtonUp(), True), "only a press silences"
    await panel.close()


@virtual_time
async def test_a_press_is_answered_within_a_tenth_of_a_second_although_there_is_no_display(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await made(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    pins.pin(PINS["button"]).drive_low()
    await asyncio.sleep(DEBOUNCE - 0.001)
    assert not lit(pins)["amber"], "it may still be noise"
    await asyncio.sleep(0.002)
    assert all(lit(pins)[name] for name in ("green", "amber", "red"))
    await asyncio.sleep(FLASH)
    assert not lit(pins)["amber"]
    await panel.close()


async def test_a_stuck_button_is_passed_on(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.panel.button.STUCK_AFTER", 0.02)
    panel = await made(pins, I2cDisplay(), **PINS)
    pins.pin(PINS["button"]).drive_low()
    events: list[Event] = []
    panel.start(events.append, lambda: None)
    await until(lambda: events == [ButtonStuck()])
    await panel.close()


async def test_only_what_is_drawn_reaches_the_display(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Power] = []
    show = Oled.show

    def note(self: Oled, paint: Any, power: Power = Power.BRIGHT) -> None:
        handed.append(power)
        show(self, paint, power)

    panel = await made(pins, I2cDisplay(), **PINS)
    panel.start(lambda _: None, lambda: None)
    monkeypatch.setattr(Oled, "show", note)
    panel.show(VIEW, None)
    panel.show(VIEW, Sound.LATE)
    panel.show(replace(VIEW, oldest=61, active=13, state="offline", leds=Leds(red=LedMode.ON)), None)
    assert handed == [Power.BRIGHT]
    view = VIEW
    drawn: list[dict[str, Any]] = [
        {"screen": Message((Line("13"),))},
        {"power": Power.DIM},
        {"beat": True},
        {"pressed": True},
        {"walk": 1},
        {"power": Power.DARK},
    ]
    for changed, changes in enumerate(drawn, start=2):
        view = replace(view, **changes)
        panel.show(view, None)
        panel.show(view, None)
        assert (len(handed), handed[-1]) == (changed, view.power)
    await panel.close()


async def test_the_display_is_made_as_it_was_described(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    class Described(Oled):
        def __init__(self, *values: Any, **seams: Any) -> None:
            asked.append((*values, seams["contrast"]))
            super().__init__(*values, **seams)

    monkeypatch.setattr("appliance.panel.hardware.Oled", Described)
    described = {"driver": "sh1106", "port": 3, "address": 0x3D, "rotate": 2, "height": 32, "contrast": 9}
    panel = await made(pins, I2cDisplay(), **described)
    assert asked == [tuple(described.values())]
    await panel.close()


async def test_a_passive_buzzer_gets_tones() -> None:
    pins = MockFactory(pin_class=MockPWMPin)
    panel = await made(pins, I2cDisplay(), **PINS, buzzer_kind=PASSIVE, buzzer_volume=50)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    pin = pins.pin(PINS["buzzer"])
    assert (pin.frequency, pin.state) == (PATTERNS[Sound.PAGE][0].pitch, duty_cycle(50))
    await panel.close()
    assert not pin.state


async def test_a_muted_buzzer_is_silent(pins: MockFactory) -> None:
    panel = await made(pins, I2cDisplay(), **PINS, buzzer_enabled=False)
    panel.show(VIEW, Sound.PAGE)
    assert not lit(pins)["buzzer"]
    await panel.close()


async def test_pins_that_make_no_tones_cost_the_passive_buzzer(
    pins: MockFactory, caplog: pytest.LogCaptureFixture
) -> None:
    panel = await made(pins, I2cDisplay(), **PINS, buzzer_kind=PASSIVE)
    assert [record.getMessage() for record in caplog.records] == [
        "can't use pin 18, so the buzzer is off: the pin library can't play tones, which a passive buzzer needs"
    ]
    panel.show(VIEW, Sound.PAGE)
    assert lit(pins) == {"green": True, "amber": False, "red": False, "buzzer": False}
    await panel.close()


class HeldPin(MockPin):  # type: ignore[misc]
    """A pin that another program holds, in the words of lgpio."""

    held = frozenset(PINS.values())

    def __init__(self, factory: MockFactory, info: Any) -> None:
        if any(info.name == f"GPIO{number}" for number in self.held):
            raise RuntimeError("'GPIO busy'")
        super().__init__(factory, info)


@pytest.mark.parametrize(
    ("held", "parts"),
    [
        ({17, 27, 22, 18, 4}, "green LED (17), amber LED (27), red LED (22), buzzer (18), button (4)"),
        ({27, 4}, "amber LED (27), button (4)"),
    ],
)
async def test_pins_that_another_program_holds_are_told_plainly_and_once(
    held: set[int], parts: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldPin, "held", frozenset(held))
    display = I2cDisplay()
    panel = await made(MockFactory(pin_class=HeldPin), display, **PINS)
    assert [record.getMessage() for record in caplog.records] == [
        f"another program holds the pins of these parts, so they are off: {parts}; "
        "check whether the appliance or its doctor is already running"
    ]
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    await until(lambda: display.picture().getbbox() is not None)
    await panel.close()


async def test_at_the_end_lights_and_sound_go_off_before_the_display_does(
    pins: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = await made(pins, I2cDisplay(), **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(replace(VIEW, leds=Leds(LedMode.ON, LedMode.ON, LedMode.ON)), Sound.PAGE)
    seen: list[dict[str, bool]] = []
    close = Oled.close

    async def note(self: Oled) -> None:
        seen.append(lit(pins))
        await close(self)

    monkeypatch.setattr(Oled, "close", note)
    await panel.close()
    assert seen == [dict.fromkeys(seen[0], False)]


async def test_a_display_that_comes_back_during_the_end_lights_nothing(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await made(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    await until(lambda: panel._oled.fault is not None)
    ending = asyncio.create_task(panel.close())
    await asyncio.sleep(0)
    panel._oled._set_fault(None)
    await ending
    assert not any(lit(pins).values())


async def test_it_greets_before_it_is_started(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel = await made(pins, display, **PINS)
    assert display.picture().getbbox() is not None
    first_picture = display.picture().tobytes()
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    await until(lambda: display.picture().tobytes() != first_picture)
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
    assert "can't use the GPIO pins" in caplog.text


async def test_a_busy_pin_costs_one_part(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    taken = DigitalOutputDevice(PINS["red"], pin_factory=pins)
    with caplog.at_level(logging.INFO):
        panel = await made(pins, I2cDisplay(), **PINS)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "can't use pin 22, so the red LED is off" in caplog.text
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

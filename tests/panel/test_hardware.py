"""The real panel on mock pins and a simulated display: all parts together, and with parts missing."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from gpiozero import Device, DigitalOutputDevice
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from appliance.config import parse
from appliance.config.presets import PRESETS
from appliance.core.events import ButtonDown, ButtonStuck, ButtonUp, DisplayIdentified, Event
from appliance.core.values import DisplayIdentity
from appliance.core.view import LedMode, Leds, Line, Message, Power, Sound, View
from appliance.panel import HasDisplay, Panel
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
IDENTIFIED = DisplayIdentified(DisplayIdentity(0x3C, "ssd1306"))


async def make_panel(pins: MockFactory | None, display: I2cDisplay, **mounted: Any) -> HardwarePanel:
    """Make a panel in a thread, as the program does, because the constructor blocks until its greeting is shown."""
    make = lambda: make_i2c_device("ssd1306", 1, 0x3C, 0, 127, bus=display)  # noqa: E731
    mounted.setdefault("contrast", 127)
    return await asyncio.to_thread(lambda: HardwarePanel(**mounted, pin_factory=pins, make_device=make))


def output_states(pins: MockFactory) -> dict[str, bool]:
    return {name: bool(pins.pin(number).state) for name, number in PINS.items() if name != "button"}


async def test_the_panel_drives_all_parts(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel: Panel = await make_panel(pins, display, **PINS)
    events: list[Event] = []
    panel.start(events.append, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    assert output_states(pins) == {"green": True, "amber": False, "red": False, "buzzer": True}
    await until(lambda: display.picture().getbbox() is not None)
    assert isinstance(panel, HasDisplay)
    assert panel.display_works
    pins.pin(PINS["button"]).drive_low()
    await until(lambda: events == [IDENTIFIED, ButtonDown()])
    await panel.close()
    assert output_states(pins) == {"green": False, "amber": False, "red": False, "buzzer": False}
    assert not display.on


async def test_red_blinks_fast_while_the_display_fails(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await make_panel(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    for _ in range(2):
        await until(lambda: output_states(pins)["red"], within=1)
        await until(lambda: not output_states(pins)["red"], within=0.3)
    assert output_states(pins) == {"green": True, "amber": False, "red": False, "buzzer": False}
    assert panel.display_works is False
    panel.show(VIEW, Sound.LATE)
    assert output_states(pins)["buzzer"]
    await panel.close()


async def test_a_press_silences_the_buzzer_before_it_is_reported(pins: MockFactory) -> None:
    panel = await make_panel(pins, I2cDisplay(), **PINS)
    events: list[tuple[Event, bool]] = []

    def note(event: Event) -> None:
        if event != IDENTIFIED:
            events.append((event, output_states(pins)["buzzer"]))

    panel.start(note, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    assert output_states(pins)["buzzer"]
    pins.pin(PINS["button"]).drive_low()
    await until(lambda: bool(events))
    assert events == [(ButtonDown(), False)]
    panel.show(VIEW, Sound.PAGE)
    pins.pin(PINS["button"]).drive_high()
    await until(lambda: len(events) == 2)
    assert events[1] == (ButtonUp(), True), "only a press may silence the buzzer"
    await panel.close()


@virtual_time
async def test_without_a_display_the_leds_confirm_a_press_within_100_ms(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await make_panel(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    pins.pin(PINS["button"]).drive_low()
    await asyncio.sleep(DEBOUNCE - 0.001)
    assert not output_states(pins)["amber"], "a short level may still be noise"
    await asyncio.sleep(0.002)
    assert all(output_states(pins)[name] for name in ("green", "amber", "red"))
    await asyncio.sleep(FLASH)
    assert not output_states(pins)["amber"]
    await panel.close()


async def test_a_stuck_button_is_reported(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.panel.button.STUCK_AFTER", 0.02)
    panel = await make_panel(pins, I2cDisplay(), **PINS)
    pins.pin(PINS["button"]).drive_low()
    events: list[Event] = []
    panel.start(events.append, lambda: None)
    await until(lambda: events == [IDENTIFIED, ButtonStuck()])
    await panel.close()


async def test_only_visible_changes_reach_the_display(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Power] = []
    show = Oled.show

    def note(self: Oled, paint: Any, power: Power = Power.BRIGHT) -> None:
        handed.append(power)
        show(self, paint, power)

    panel = await make_panel(pins, I2cDisplay(), **PINS)
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


async def test_the_display_is_created_with_its_settings(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []

    class Described(Oled):
        def __init__(self, *values: Any, **seams: Any) -> None:
            asked.append((*values, seams["contrast"]))
            super().__init__(*values, **seams)

    monkeypatch.setattr("appliance.panel.hardware.Oled", Described)
    described = {"driver": "sh1106", "port": 3, "address": 0x3D, "rotate": 2, "height": 32, "contrast": 9}
    panel = await make_panel(pins, I2cDisplay(), **described)
    assert asked == [tuple(described.values())]
    await panel.close()


async def test_a_passive_buzzer_gets_tones() -> None:
    pins = MockFactory(pin_class=MockPWMPin)
    panel = await make_panel(pins, I2cDisplay(), **PINS, buzzer_kind=PASSIVE, buzzer_volume=50)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    pin = pins.pin(PINS["buzzer"])
    assert (pin.frequency, pin.state) == (PATTERNS[Sound.PAGE][0].pitch, duty_cycle(50))
    await panel.close()
    assert not pin.state


async def test_without_pwm_the_passive_buzzer_is_left_out(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    panel = await make_panel(pins, I2cDisplay(), **PINS, buzzer_kind=PASSIVE)
    assert [record.getMessage() for record in caplog.records] == [
        "can't use pin 18, so the buzzer is off: the pin library can't play tones, which a passive buzzer needs"
    ]
    panel.show(VIEW, Sound.PAGE)
    assert output_states(pins) == {"green": True, "amber": False, "red": False, "buzzer": False}
    await panel.close()


class BusyLgpioPin(MockPin):  # type: ignore[misc]
    """A pin that another program holds, with lgpio's error message."""

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
async def test_busy_lgpio_pins_are_logged_in_one_message(
    held: set[int], parts: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BusyLgpioPin, "held", frozenset(held))
    display = I2cDisplay()
    panel = await make_panel(MockFactory(pin_class=BusyLgpioPin), display, **PINS)
    assert [record.getMessage() for record in caplog.records] == [
        f"another program holds the pins of these parts, so they are off: {parts}; "
        "check whether the appliance or its doctor is already running"
    ]
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    await until(lambda: display.picture().getbbox() is not None)
    await panel.close()


async def test_leds_and_buzzer_go_off_before_the_display(pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    panel = await make_panel(pins, I2cDisplay(), **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(replace(VIEW, leds=Leds(LedMode.ON, LedMode.ON, LedMode.ON)), Sound.PAGE)
    seen: list[dict[str, bool]] = []
    close = Oled.close

    async def note(self: Oled) -> None:
        seen.append(output_states(pins))
        await close(self)

    monkeypatch.setattr(Oled, "close", note)
    await panel.close()
    assert seen == [dict.fromkeys(seen[0], False)]


async def test_a_display_that_recovers_during_close_turns_on_no_led(pins: MockFactory) -> None:
    display = I2cDisplay()
    display.present = False
    panel = await make_panel(pins, display, **PINS)
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, None)
    await until(lambda: panel._oled.fault is not None)
    ending = asyncio.create_task(panel.close())
    await asyncio.sleep(0)
    panel._oled._set_fault(None)
    await ending
    assert not any(output_states(pins).values())


async def test_the_panel_greets_before_its_start(pins: MockFactory) -> None:
    display = I2cDisplay()
    panel = await make_panel(pins, display, **PINS)
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
        panel = await make_panel(None, display, **PINS)
        panel.start(lambda _: None, lambda: None)
        panel.show(VIEW, Sound.PAGE)
        await until(lambda: display.picture().getbbox() is not None)
        await panel.close()
    assert len(caplog.records) == 1
    assert "can't use the GPIO pins" in caplog.text


async def test_a_busy_pin_disables_only_its_part(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    taken = DigitalOutputDevice(PINS["red"], pin_factory=pins)
    with caplog.at_level(logging.INFO):
        panel = await make_panel(pins, I2cDisplay(), **PINS)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "can't use pin 22, so the red LED is off" in caplog.text
    panel.show(VIEW, Sound.PAGE)
    assert output_states(pins) == {"green": True, "amber": False, "red": False, "buzzer": True}
    await panel.close()
    taken.close()


async def test_parts_that_are_absent_are_not_logged(pins: MockFactory, caplog: pytest.LogCaptureFixture) -> None:
    panel = await make_panel(pins, I2cDisplay())
    panel.start(lambda _: None, lambda: None)
    panel.show(VIEW, Sound.PAGE)
    await asyncio.sleep(0.02)
    await panel.close()
    assert caplog.records == []


@pytest.mark.parametrize("name", PRESETS)
async def test_only_the_presets_pins_are_touched(name: str, pins: MockFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first moment: the bonnet's stick would short an LED's pin to ground."""
    monkeypatch.setattr(Device, "pin_factory", pins)
    preset = PRESETS[name]
    panel = await asyncio.to_thread(HardwarePanel.from_config, parse(f"hardware: {name}", "tt.yaml"))
    events: list[Event] = []
    panel.start(events.append, lambda: None)
    panel.show(replace(VIEW, leds=Leds(LedMode.ON, LedMode.ON, LedMode.ON)), Sound.PAGE)
    present = preset.pins.present
    outputs = {number for part, number in present.items() if part != "button"}
    assert {pin.info.name for pin in pins.pins.values()} == {f"GPIO{number}" for number in present.values()}
    assert {number for number in present.values() if pins.pin(number).function == "output"} == outputs
    assert all(pins.pin(number).state for number in outputs)
    pins.pin(present["button"]).drive_low()
    await until(lambda: ButtonDown() in events)
    await panel.close()
    assert not any(pins.pin(number).state for number in outputs)

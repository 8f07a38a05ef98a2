"""The doctor's checks of settings, board and power supply, on files like the kernel's."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from appliance.config import Config, DisplayConfig, Pins, parse
from appliance.doctor.box import check_board, check_settings, check_supply
from appliance.doctor.finding import Finding, State
from tests.doctor.fakes import Box, tried

MODEL = "proc/device-tree/model"
TEMPERATURE = "sys/class/thermal/thermal_zone0/temp"
THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
SENSOR = "sys/class/hwmon/hwmon1"


async def put(box: Box, name: str, content: str) -> None:
    await asyncio.to_thread(box.put, name, content)


async def take(box: Box, *names: str) -> None:
    for name in names:
        await asyncio.to_thread((box.root / name).unlink)


async def test_the_tested_settings_are_reported(box: Box) -> None:
    display = DisplayConfig(driver="sh1106", i2c_address=0x3D)
    box.config = replace(Config(), display=display, pins=Pins(button=5, green=6, amber=12, red=13, buzzer=16))
    context, _ = box.context()
    finding = await tried(context, check_settings)
    assert finding.state is State.OK
    assert "sh1106 at 0x3D" in finding.words
    assert finding.words.startswith("valid: hardware soldered; ")
    pins = "5 for the button, 6 for the green LED, 12 for the amber LED, 13 for the red LED, 16 for the buzzer"
    assert finding.words.endswith(f"; pins {pins}")
    box.config = parse("hardware: adafruit-oled-bonnet", "tt.yaml")
    context, _ = box.context()
    words = (await tried(context, check_settings)).words
    assert words.startswith(
        "valid: hardware adafruit-oled-bonnet; display auto at auto; pins 5 for the button; absent: "
    )


async def test_a_board_in_good_order(box: Box) -> None:
    context, _ = box.context()
    assert await tried(context, check_board) == Finding(State.OK, "Raspberry Pi 4 Model B Rev 1.4, 48 °C")


@pytest.mark.parametrize(("millidegrees", "state"), [(79_900, State.OK), (80_000, State.WRONG), (85_000, State.WRONG)])
async def test_a_board_is_too_hot_when_it_throttles(box: Box, millidegrees: int, state: State) -> None:
    await put(box, TEMPERATURE, f"{millidegrees}\n")
    context, _ = box.context()
    finding = await tried(context, check_board)
    assert finding.state is state
    if state is State.WRONG:
        assert finding.words == f"Raspberry Pi 4 Model B Rev 1.4, {millidegrees / 1000:.0f} °C: too hot"
        assert "air" in finding.advice[0]


async def test_a_board_without_a_temperature(box: Box) -> None:
    await take(box, TEMPERATURE)
    context, _ = box.context()
    finding = await tried(context, check_board)
    assert finding == Finding(State.OK, "Raspberry Pi 4 Model B Rev 1.4; no temperature reported")


async def test_a_machine_without_a_model(box: Box) -> None:
    await take(box, MODEL)
    context, _ = box.context()
    finding = await tried(context, check_board)
    assert finding == Finding(State.OK, "unknown model, 48 °C")


async def test_a_machine_without_model_temperature_and_voltage(box: Box) -> None:
    await take(box, MODEL, TEMPERATURE, THROTTLED)
    context, _ = box.context()
    board = await tried(context, check_board)
    assert board == Finding(State.NOT_TRIED, "this machine reports neither its model nor its temperature")
    context, _ = box.context()
    supply = await tried(context, check_supply)
    assert supply == Finding(State.NOT_TRIED, "this machine does not report its supply voltage")


async def test_a_strong_supply(box: Box) -> None:
    context, _ = box.context()
    finding = await tried(context, check_supply)
    assert finding == Finding(State.OK, "enough voltage now, and since the box was switched on")


@pytest.mark.parametrize(
    ("throttled", "words"),
    [
        ("50005", "undervoltage now"),
        ("1", "undervoltage now"),
        ("50000", "enough voltage now, but undervoltage since the box was switched on"),
    ],
)
async def test_a_weak_supply(box: Box, throttled: str, words: str) -> None:
    await put(box, THROTTLED, f"{throttled}\n")
    context, _ = box.context()
    finding = await tried(context, check_supply)
    assert finding.state is State.WRONG
    assert finding.words == words
    assert "power supply" in finding.advice[0]
    assert "cable" in finding.advice[1]


@pytest.mark.parametrize(
    ("alarm", "state", "words"),
    [("1", State.WRONG, "undervoltage now"), ("0", State.OK, "enough voltage now")],
)
async def test_a_kernel_without_a_record_reports_only_the_present_voltage(
    box: Box, alarm: str, state: State, words: str
) -> None:
    await put(box, f"{SENSOR}/name", "rpi_volt\n")
    await put(box, f"{SENSOR}/in0_lcrit_alarm", f"{alarm}\n")
    context, _ = box.context()
    finding = await tried(context, check_supply)
    assert (finding.state, finding.words) == (state, words)


async def test_a_throttled_board_does_not_blame_the_supply(box: Box) -> None:
    # Bits 3 and 19: the soft temperature limit is reached, and was since the start.
    await put(box, THROTTLED, "80008\n")
    context, _ = box.context()
    assert (await tried(context, check_supply)).state is State.OK

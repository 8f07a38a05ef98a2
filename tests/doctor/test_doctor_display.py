"""The doctor's display check, on a model of the controller and on faulty buses."""

from __future__ import annotations

import asyncio
import errno
import threading
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from appliance import display_file
from appliance.config import DisplayConfig
from appliance.core.values import DisplayIdentity
from appliance.doctor.context import CheckContext
from appliance.doctor.display import check_display, draw_test
from appliance.doctor.finding import Finding, State
from tests.clock import until
from tests.doctor.fakes import Box, Bus, tried
from tests.panel.i2c_display import I2cDisplay, same_pixels
from tests.panel.i2c_display_chips import Sh1107

QUESTION = "Do you see a frame around the whole display, and upright words?"
WIRES = "Check the display's four wires"
SHINE = 0xAF
"""The command that turns the display on (data sheets of SSD1306 and SH1106)."""
WITHIN = 2.0
"""Seconds until a thread of the doctor has done its work."""


def opens(box: Box, context: CheckContext, error: OSError) -> None:
    """Make the opening of the bus fail with this error."""

    def refuse(_: int) -> Any:
        raise error

    context.open_bus = refuse


def is_dark(display: I2cDisplay) -> bool:
    return not display.on and display.picture().getbbox() is None


@pytest.mark.parametrize(
    ("driver", "is_sh1106", "height", "where"),
    [
        ("ssd1306", False, 64, "at 0x3C"),
        ("ssd1306", False, 32, "at 0x3C"),
        ("sh1106", True, 64, "at 0x3C"),
        ("auto", False, 64, "at 0x3C with 43 43 43 43 43 43 (detected as ssd1306)"),
        ("auto", False, 32, "at 0x3C with 43 43 43 43 43 43 (detected as ssd1306)"),
        ("auto", True, 64, "at 0x3C with 48 48 48 A5 3C 5A (detected as sh1106)"),
    ],
)
async def test_the_display_shows_a_picture_during_the_question(
    box: Box, driver: str, is_sh1106: bool, height: int, where: str
) -> None:
    box.display = I2cDisplay(is_sh1106, height)
    box.bus = Bus(box.display)
    box.change(display=DisplayConfig(driver=driver, height=height))
    shown: list[Image.Image] = []

    def look() -> str:
        shown.append(box.display.picture())
        return "\n"

    context, person = box.context({QUESTION: look})
    assert await tried(context, check_display) == Finding(State.OK, f"responds {where}; test picture confirmed")
    assert same_pixels(shown[0], draw_test((128, height)))
    assert is_dark(box.display)
    assert box.bus.closed
    assert person.said == f"{QUESTION} [Y/n] "


@pytest.mark.parametrize("height", [64, 32])
def test_the_test_picture_has_a_frame_at_the_edge_and_words_inside(height: int) -> None:
    picture = draw_test((128, height))
    edge = [(x, y) for x in range(128) for y in (0, height - 1)] + [(x, y) for x in (0, 127) for y in range(height)]
    assert all(picture.getpixel(at) for at in edge)
    inside = picture.crop((1, 1, 127, height - 1))
    assert inside.getbbox() is not None
    assert not same_pixels(inside, inside.rotate(180)), "it shows which way is up"


@pytest.mark.parametrize(("driver", "other"), [("ssd1306", "sh1106"), ("sh1106", "ssd1306")])
async def test_an_invisible_picture_suggests_the_other_driver(box: Box, driver: str, other: str) -> None:
    box.display = I2cDisplay(driver == "sh1106")
    box.bus = Bus(box.display)
    box.change(display=DisplayConfig(driver=driver))
    context, _ = box.context({QUESTION: "n\n"})
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words == "responds at 0x3C, but the test picture is not correct"
    assert "display.rotate" in finding.advice[0]
    assert finding.advice[1].endswith(f"set display.driver to {other}.")
    assert is_dark(box.display)
    assert box.bus.closed


async def test_a_detected_display_that_is_shifted_is_swapped_at_the_box(box: Box) -> None:
    context, _ = box.context({QUESTION: "n\n"})
    finding = await tried(context, check_display)
    assert "`Picture is shifted?`" in finding.advice[1]
    assert finding.advice[1].endswith("or set display.driver to sh1106.")


async def test_the_driver_that_a_person_chose_is_used(box: Box) -> None:
    box.display.chip.status_bits = 0x08
    detected = DisplayIdentity(0x3C, "sh1106", "sh1106")
    await asyncio.to_thread(box.state.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(display_file.keep, box.state, replace(detected, driver="ssd1306"))
    shown: list[Image.Image] = []
    context, _ = box.context({QUESTION: lambda: shown.append(box.display.picture()) or "\n"})  # type: ignore[func-returns-value]
    finding = await tried(context, check_display)
    assert finding.words.endswith("(detected as sh1106, and drawn for ssd1306 by choice); test picture confirmed")
    assert same_pixels(shown[0], draw_test((128, 64)))


async def test_a_display_that_needs_a_setting(box: Box) -> None:
    box.display.plug_in(Sh1107)
    context, _ = box.context({})
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert "set display.driver to sh1107" in finding.words


async def test_a_display_at_the_second_address_is_found(box: Box) -> None:
    box.bus = Bus(box.display, address=0x3D, strangers=[0x3C])
    context, _ = box.context({QUESTION: "\n"})
    finding = await tried(context, check_display)
    assert finding.state is State.OK
    assert finding.words.startswith("responds at 0x3D with")


async def test_a_display_without_a_user(box: Box) -> None:
    context, person = box.context()
    heard: list[int] = []
    box.display.chip.on_command = heard.append
    finding = await tried(context, check_display)
    assert finding.state is State.OK
    assert finding.words.startswith("responds at 0x3C with 43")
    assert finding.words.endswith(" and accepted a picture; no answer whether it was visible")
    assert SHINE in heard
    assert is_dark(box.display)
    assert person.said == ""


async def test_the_display_is_not_tested_while_the_appliance_runs(box: Box) -> None:
    context, _ = box.context({})
    context.pins_busy = True
    assert (await tried(context, check_display)).state is State.NOT_TRIED
    assert box.display.sent == 0


async def test_a_display_at_the_other_address(box: Box) -> None:
    box.bus = Bus(box.display, address=0x3D)
    box.change(display=DisplayConfig(i2c_address=0x3C))
    context, person = box.context({})
    assert await tried(context, check_display) == Finding(
        State.WRONG,
        "no display responds at 0x3C on bus 1, but one may be at 0x3D, where a device responds",
        ("Set display.i2c_address to auto, or to 0x3D, in the settings.",),
    )
    assert box.bus.closed
    assert person.said == ""


async def test_an_empty_bus(box: Box) -> None:
    box.display.present = False
    context, _ = box.context({})
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words == "no display responds at 0x3C or 0x3D on bus 1, and no device at any other address"
    assert finding.advice[0].startswith(WIRES)
    assert "3.3 V" in finding.advice[0]
    assert box.bus.closed


async def test_a_bus_with_only_other_devices(box: Box) -> None:
    box.display.present = False
    box.bus.strangers = {0x48, 0x76}
    box.bus.held = {0x68}
    context, _ = box.context({})
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert "devices respond at 0x48, 0x68, 0x76, which are not addresses of a display" in finding.words
    assert finding.advice[0].startswith(WIRES)


async def test_other_devices_beside_a_display_are_ignored(box: Box) -> None:
    box.bus.strangers = {0x3D, 0x48, 0x76}
    context, _ = box.context({QUESTION: "\n"})
    assert (await tried(context, check_display)).state is State.OK


async def test_a_display_that_rejects_its_set_up(box: Box) -> None:
    box.display.break_after(3)
    context, _ = box.context({})
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words.startswith("a device responds at 0x3C on bus 1, but can't be set up as a display:")
    assert finding.advice[0].startswith(WIRES)
    assert box.bus.closed


async def test_a_display_in_use_by_a_kernel_driver(box: Box) -> None:
    box.bus.held = {0x3C}
    context, _ = box.context({})
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words == "a kernel driver uses the device at 0x3C or 0x3D on bus 1"
    assert "dtoverlay" in finding.advice[0]
    assert box.bus.closed


async def test_a_stuck_bus_times_out_and_is_dark_after_it_recovers(box: Box) -> None:
    box.limits = replace(box.limits, bus=0.2)
    box.display.hang()
    context, _ = box.context({})
    async with asyncio.timeout(0.2 + WITHIN / 2):
        finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words == "the I2C bus 1 is stuck: a transfer timed out"
    assert "Unplug the box" in finding.advice[0]
    heard: list[int] = []
    box.display.chip.on_command = heard.append
    box.display.stop_hanging()
    await until(lambda: box.bus.closed)
    assert SHINE in heard
    assert is_dark(box.display)


async def test_a_timeout_in_the_kernel_counts_as_a_stuck_bus(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(*_: object) -> None:
        raise OSError(errno.ETIMEDOUT, "Connection timed out")

    monkeypatch.setattr(box.bus, "write_i2c_block_data", give_up)
    context, _ = box.context({})
    finding = await tried(context, check_display)
    assert finding.words.startswith("the I2C bus 1 is stuck")
    await until(lambda: box.bus.closed)


async def test_a_bus_that_gets_stuck_during_the_scan(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.display.present = False
    box.limits = replace(box.limits, bus=0.2)

    free = threading.Event()

    def hang(_: int) -> int:
        free.wait()
        raise OSError(errno.EREMOTEIO, "Remote I/O error")

    monkeypatch.setattr(box.bus, "read_byte", hang)
    context, _ = box.context({})
    try:
        assert (await tried(context, check_display)).words.startswith("the I2C bus 1 is stuck")
        assert not box.bus.closed
    finally:
        free.set()
    await until(lambda: box.bus.closed)


async def test_a_board_with_its_bus_disabled(box: Box) -> None:
    context, _ = box.context({})
    opens(box, context, FileNotFoundError(errno.ENOENT, "No such file or directory"))
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words == "this machine has no I2C bus 1 (no /dev/i2c-1)"
    assert "sudo raspi-config" in finding.advice[0]


async def test_another_machine_is_not_told_to_enable_its_bus(box: Box) -> None:
    await asyncio.to_thread(box.put, "proc/device-tree/model", "")
    context, _ = box.context({})
    opens(box, context, FileNotFoundError(errno.ENOENT, "No such file or directory"))
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.advice == ("Run the doctor on the box's Raspberry Pi.",)


async def test_a_bus_without_permission(box: Box) -> None:
    context, _ = box.context({})
    opens(box, context, PermissionError(errno.EACCES, "Permission denied"))
    finding = await tried(context, check_display)
    assert finding == Finding(
        State.WRONG, "no permission to use the I2C bus 1", ("Run as root: sudo tt-appliance doctor",)
    )


async def test_a_bus_error_is_reported_in_the_systems_words(box: Box) -> None:
    context, _ = box.context({})
    opens(box, context, OSError(errno.ENXIO, "No such device or address"))
    finding = await tried(context, check_display)
    assert finding.state is State.WRONG
    assert finding.words == "the I2C bus 1 can't be used: No such device or address"
    assert finding.advice


async def test_a_display_cancelled_during_its_set_up_ends_dark(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    context, _ = box.context({})
    box.display.hang()
    examining = asyncio.create_task(tried(context, check_display))
    await until(box.display.hanging.is_set)
    examining.cancel()
    await asyncio.sleep(0.01)
    box.display.stop_hanging()
    with pytest.raises(asyncio.CancelledError):
        await examining
    assert is_dark(box.display)
    assert box.bus.closed

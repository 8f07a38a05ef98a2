"""Finding the display and its controller: every chip of hardware.md's table, and devices that are no display."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.core.values import SH1106, SSD1306, DisplayIdentity
from appliance.panel.identification import (
    DisplayNotFoundError,
    SettingNeededError,
    find_address,
    identify,
)
from tests.panel.i2c_display import Expander, I2cDisplay, OtherDevice
from tests.panel.i2c_display_chips import Chip, Sh1106, Sh1107, Ssd1306

MAGNETOMETER = [0x80, *range(0x01, 0x10)]
"""A QMC6310N's registers: the chip ID, and data."""
PIN_LEVELS = [[0xFF], [0xC3], [0x80]]
"""An I/O expander's answers; its highest pin is high."""


def bus_with(kind: type[Chip], status_bits: int | None = None, *, echoes: bool = True) -> I2cDisplay:
    bus = I2cDisplay(kind=kind)
    if status_bits is not None:
        bus.chip.status_bits = status_bits
    if isinstance(bus.chip, Sh1106):
        bus.chip.echoes = echoes
    return bus


@pytest.mark.parametrize(
    ("kind", "status_bits", "echoes", "driver"),
    [
        # As the data sheets have it. SSD1309 and SSD1315 answer like the SSD1306.
        (Ssd1306, 0x00, False, SSD1306),
        (Sh1106, 0x00, True, SH1106),
        (Sh1106, 0x38, True, SH1106),
        # Values from the field, with their number for an SSD1306.
        (Ssd1306, 0x03, False, SSD1306),
        (Ssd1306, 0x04, False, SSD1306),
        (Ssd1306, 0x05, False, SSD1306),
        (Ssd1306, 0x06, False, SSD1306),
        (Ssd1306, 0x07, False, SSD1306),
        (Sh1106, 0x08, True, SH1106),
        (Sh1106, 0x28, True, SH1106),
        # The low bits lie: the echo is the proof.
        (Sh1106, 0x06, True, SH1106),
        (Sh1106, 0x03, True, SH1106),
        # Without an echo they are all there is, and may be wrong.
        (Sh1106, 0x08, False, SH1106),
        (Sh1106, 0x06, False, SSD1306),
        (Ssd1306, 0x08, False, SH1106),
    ],
)
def test_each_controller(kind: type[Chip], status_bits: int, echoes: bool, driver: str) -> None:
    bus = bus_with(kind, status_bits, echoes=echoes)
    found = identify(bus, None, 64)
    assert (found.address, found.driver, found.found) == (0x3C, driver, driver)
    assert not bus.chip.on, "the echo's bytes must not be visible"


@pytest.mark.parametrize(("kind", "raw"), [(Ssd1306, "43 43 43 43 43 43"), (Sh1106, "48 48 48 A5 3C 5A")])
def test_the_raw_bytes_are_kept(kind: type[Chip], raw: str) -> None:
    assert identify(bus_with(kind), None, 64).raw == raw


def test_an_sh1107_needs_a_setting() -> None:
    with pytest.raises(SettingNeededError, match=r"0x3C has an SH1107.*set display\.driver to sh1107"):
        identify(bus_with(Sh1107), None, 64)


def test_an_ssd1306_with_the_number_of_an_sh1107_is_none() -> None:
    assert identify(bus_with(Ssd1306, 0x07), None, 64).driver == SSD1306


@pytest.mark.parametrize("noise", [itertools.repeat(0x00), itertools.cycle((0x43, 0x46, 0x48)), itertools.repeat(0x08)])
@pytest.mark.parametrize(("kind", "driver"), [(Ssd1306, SSD1306), (Sh1106, SH1106)])
def test_without_a_readable_status_the_echo_decides(noise: Iterator[int], kind: type[Chip], driver: str) -> None:
    bus = bus_with(kind)
    bus.chip.noise = noise
    assert identify(bus, None, 64).driver == driver


@pytest.mark.parametrize("height", [64, 32])
def test_at_32_rows_only_the_echo_proves_an_sh1106(height: int) -> None:
    lying = I2cDisplay(height=height)
    lying.chip.status_bits = 0x08
    assert identify(lying, None, height).driver == (SH1106 if height == 64 else SSD1306)
    assert identify(I2cDisplay(sh1106=True, height=height), None, height).driver == SH1106


@pytest.mark.parametrize("kind", [Ssd1306, Sh1106])
@pytest.mark.parametrize("registers", [MAGNETOMETER, *PIN_LEVELS])
def test_nothing_is_written_to_another_device_at_the_first_address(kind: type[Chip], registers: list[int]) -> None:
    bus = bus_with(kind)
    bus.address = 0x3D
    bus.others[0x3C] = other = OtherDevice(registers)
    assert identify(bus, None, 64).address == 0x3D
    assert other.received == []


@pytest.mark.parametrize("kind", [Ssd1306, Sh1106])
@pytest.mark.parametrize("places", [(0x3C, 0x3D), (0x3D, 0x3C)])
@pytest.mark.parametrize("level", [0x7F, 0x5A, 0x10])
def test_nothing_is_written_to_an_expander_that_looks_less_like_a_display(
    kind: type[Chip], places: tuple[int, int], level: int
) -> None:
    """Its highest pin is low, so that its first byte excludes nothing."""
    bus = bus_with(kind)
    bus.address = places[0]
    bus.others[places[1]] = other = Expander(level)
    assert identify(bus, None, 64).address == places[0]
    assert other.received == []


def test_an_expander_whose_pins_look_like_a_display_is_recognised_and_left() -> None:
    bus = I2cDisplay()
    bus.address = 0x3D
    bus.others[0x3C] = other = Expander(0xFF)
    other.registers = [0x03]
    assert identify(bus, None, 64).address == 0x3D
    assert other.received[-1] == [0x00, 0xAE], "and no more"


def test_a_magnetometer_that_was_read_before_gets_no_more_than_a_registers_number() -> None:
    """A read without a register gets the one after the last, so that the chip ID has to be asked for."""
    bus = I2cDisplay()
    bus.address = 0x3D
    bus.others[0x3C] = other = OtherDevice(MAGNETOMETER)
    other.write([0x05])
    other.received.clear()
    assert identify(bus, None, 64).address == 0x3D
    assert other.received == [[0x00]]


@pytest.mark.parametrize("address", [None, 0x3C, 0x3D])
def test_no_display(address: int | None) -> None:
    bus = I2cDisplay()
    bus.present = False
    bus.others[0x3C] = other = OtherDevice([0xFF])
    where = "0x3C or 0x3D" if address is None else f"0x{address:02X}"
    with pytest.raises(DisplayNotFoundError, match=f"no display answers at {where}"):
        identify(bus, address, 64)
    assert other.received == []


def test_a_set_address_is_the_only_one_to_be_tried() -> None:
    bus = I2cDisplay()
    bus.address = 0x3D
    with pytest.raises(DisplayNotFoundError):
        identify(bus, 0x3C, 64)
    assert identify(bus, 0x3D, 64) == DisplayIdentity(0x3D, SSD1306, SSD1306, "43 43 43 43 43 43")


def test_a_busy_controller_is_read_again() -> None:
    bus = I2cDisplay()
    bus.chip.noise = itertools.chain([0xC3], itertools.repeat(0x43))
    assert find_address(bus, None) == 0x3C


def test_an_interrupted_command_does_not_swallow_the_detection() -> None:
    bus = I2cDisplay(sh1106=True)
    bus.write_i2c_block_data(0x3C, 0x00, [0x81])
    assert identify(bus, None, 64).driver == SH1106


def refusing(bus: I2cDisplay, address: int, number: int) -> I2cDisplay:
    """Let every read of an address fail."""
    read = bus.read_byte

    def refuse(at: int) -> Any:
        if at == address:
            raise OSError(number, "refused")
        return read(at)

    bus.read_byte = refuse  # type: ignore[assignment, method-assign]
    return bus


@pytest.mark.parametrize("number", [errno.EREMOTEIO, errno.EIO, errno.ENXIO, errno.EBUSY])
def test_a_display_at_the_second_address_is_found_whatever_the_first_says(number: int) -> None:
    bus = I2cDisplay()
    bus.address = 0x3D
    assert identify(refusing(bus, 0x3C, number), None, 64).address == 0x3D


@pytest.mark.parametrize("number", [errno.EBUSY, errno.ETIMEDOUT])
def test_a_stuck_bus_or_a_kernels_driver_is_no_missing_display(number: int) -> None:
    bus = I2cDisplay()
    bus.address = 0x3D
    bus.present = False
    with pytest.raises(OSError, match="refused") as raised:
        identify(refusing(bus, 0x3C, number), None, 64)
    assert raised.value.errno == number

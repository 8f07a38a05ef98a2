"""Finds the display on the I2C bus, and identifies its controller.

Another device may have one of a display's addresses: a magnetometer (QMC6310N), or an I/O expander (PCF8574A,
PCA9554A), whose outputs a write would switch. So a byte is read first, which is harmless, and a device that can't be a
display is never written to. hardware.md has the controllers' answers, with sources.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from appliance.core.values import SH1106, SSD1306, DisplayIdentity

ADDRESSES = (0x3C, 0x3D)
"""Addresses of small OLEDs (data sheets of SSD1306 and SH1106)."""
NOP = 0xE3
"""A command without effect, which the controller acknowledges (data sheets of SSD1306 and SH1106)."""
FLUSH = (NOP,) * 6
"""Completes a command whose transfer was interrupted, because the controller may still wait for its arguments.

The SSD1306's longest command, a scroll (0x26), has six; the SH1106's have one (command tables of their data sheets).
"""
COMMANDS = 0x00
"""Control byte: commands follow to the end of the transfer."""
DISPLAY_OFF = 0xAE
BUSY, OFF = 0x80, 0x40
"""Bits of the status byte: never set for long, and set while the display is off (data sheets)."""
SELDOM_SET = 0x30
"""Bits of the status byte that displays seldom have, and that the pins of an expander often have."""
READ_AGAIN = 0.01
"""Seconds between two reads, if the first says that the controller is busy."""
MAGNETOMETER = 0x80
"""The QMC6310N's register 0, its chip ID."""
ID_MASK, SH1107_ID = 0x3F, 0x07
"""The part of the status byte that identifies an SH1107 (data sheet)."""
HINT_MASK, SH1106_HINT = 0x0F, 0x08
"""Many an SH1106 has this in its status byte, and so has one or the other SSD1306: a hint, and no proof."""
TEST_BYTES = (0xA5, 0x3C, 0x5A)
"""Bytes to write to the display's memory, and to read again; no constant answer equals all of them."""
FIRST_COLUMN = bytes((0x80, 0xB0, 0x80, 0x00, 0x80, 0x10, 0xC0))
"""Memory page 0, column 0; then one byte of its memory follows, or is read (data sheet of the SH1106)."""


class DisplayNotFoundError(Exception):
    """No display answers; the message says where it was looked for."""


class SettingNeededError(Exception):
    """There is a display that needs `display.driver`; the message says so."""


def find_address(bus: Any, address: int | None) -> int:
    """Find a display by reading alone. address: the only one to try; None for all of ADDRESSES.

    Raises:
        DisplayNotFoundError: No device that can be a display answers.
        OSError: The bus is stuck, or a kernel driver holds the device.
    """
    return next(_candidates(bus, address))[0]


def identify(bus: Any, address: int | None, height: int) -> DisplayIdentity:
    """Find a display, and identify its controller; leaves the display off, and a byte of its memory changed.

    address: as in find_address. height: of the glass in pixels.

    Raises:
        SettingNeededError: The controller has several sizes of glass, which no read tells apart.
        DisplayNotFoundError, OSError: As in find_address.
    """
    for place, first in _candidates(bus, address):
        answers = _ask(bus, place, first)
        if answers is None:
            continue
        if answers.is_sh1107:
            raise SettingNeededError(
                f"the display at 0x{place:02X} has an SH1107, whose size can't be detected: set display.driver to "
                f"sh1107 (it answered {answers.raw})"
            )
        driver = answers.driver(height)
        return DisplayIdentity(place, driver, driver, answers.raw)
    raise AssertionError("_candidates() raises at its end")


@dataclass(frozen=True, slots=True)
class _Answers:
    """What a display answered: to the first read, for its status while off, and for each of TEST_BYTES."""

    first: int
    status: tuple[int, int]
    echo: tuple[int, ...]

    @property
    def echoes(self) -> bool:
        """Whether the display gave its memory back: the SH1106 and the SH1107 do, the SSD1306 does not."""
        return self.echo == TEST_BYTES

    @property
    def readable_status(self) -> bool:
        """Whether the status bytes are plausible, rather than noise or the bus's own level."""
        one, other = self.status
        return one == other and one & (BUSY | OFF) == OFF

    @property
    def is_sh1107(self) -> bool:
        return self.echoes and self.readable_status and self.status[0] & ID_MASK == SH1107_ID

    def driver(self, height: int) -> str:
        """The driver for the display.

        At 32 rows an SH1106 has another set-up, so that a wrong guess would tear the picture: only the echo counts.
        """
        hint = self.readable_status and self.status[0] & HINT_MASK == SH1106_HINT
        return SH1106 if self.echoes or (hint and height == 64) else SSD1306

    @property
    def raw(self) -> str:
        """The bytes, for people: first read, status twice, memory three times."""
        return f"{self.first:02X} {bytes(self.status).hex(' ').upper()} {bytes(self.echo).hex(' ').upper()}"


def _ask(bus: Any, address: int, first: int) -> _Answers | None:
    """Ask a display, and switch it off; None if it is no display after all. Raises OSError."""
    bus.write_i2c_block_data(address, COMMANDS, list(FLUSH))
    bus.write_i2c_block_data(address, COMMANDS, [DISPLAY_OFF])
    status = bus.read_byte(address), bus.read_byte(address)
    if status[0] & status[1] & BUSY:
        # An expander gives the command back.
        return None
    return _Answers(first, status, tuple(_echo(bus, address)))


def _candidates(bus: Any, address: int | None) -> Iterator[tuple[int, int]]:
    """The addresses of devices that can be a display, and the byte that each answered, the most plausible first.

    Raises as find_address does, instead of an end.
    """
    places = ADDRESSES if address is None else (address,)
    held: OSError | None = None
    answers: list[tuple[int, int]] = []
    for place in places:
        try:
            first = _first_byte(bus, place)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            held = error
        else:
            if first is not None:
                answers.append((place, first))
    for place, first in sorted(answers, key=lambda answer: answer[1] & SELDOM_SET):
        # This writes 0x00: a register's number to a magnetometer, and to a display a control byte without commands.
        if _read(lambda place=place: bus.read_byte_data(place, 0)) not in (None, MAGNETOMETER):  # type: ignore[misc]
            yield place, first
    if held is not None:
        raise held
    raise DisplayNotFoundError(f"no display answers at {' or '.join(f'0x{place:02X}' for place in places)}")


def _first_byte(bus: Any, address: int) -> int | None:
    """The first byte read from a device; None if there is none, or it can't be a display. Raises OSError."""
    first = _read(lambda: bus.read_byte(address))
    if first is not None and first & BUSY:
        time.sleep(READ_AGAIN)
        first = _read(lambda: bus.read_byte(address))
    return None if first is None or first & BUSY else first


def _read(read: Callable[[], int]) -> int | None:
    """A byte; None if no device answers. Raises OSError."""
    try:
        return read()
    except OSError as error:
        if error.errno in (errno.EREMOTEIO, errno.EIO, errno.ENXIO):
            return None
        raise


def _echo(bus: Any, address: int) -> list[int]:
    """Write each of TEST_BYTES to the display's memory; return what is read from there. Raises OSError."""
    from smbus2 import i2c_msg

    echo = []
    for byte in TEST_BYTES:
        bus.i2c_rdwr(i2c_msg.write(address, FIRST_COLUMN + bytes((byte,))))
        bus.i2c_rdwr(i2c_msg.write(address, FIRST_COLUMN))
        # In a transfer of its own, as other projects do; the first byte after setting the column is a dummy.
        answer = i2c_msg.read(address, 2)
        bus.i2c_rdwr(answer)
        echo.append(bytes(answer)[1])
    return echo

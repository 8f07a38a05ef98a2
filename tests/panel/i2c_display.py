"""A simulated display on an I2C bus, used by luma: it interprets the bytes, and can be unplugged or hang the bus."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageChops
from smbus2.smbus2 import I2C_M_RD

from tests.panel.i2c_display_chips import Chip, Sh1106, Ssd1306

ADDRESS = 0x3C
_seeds = itertools.count()


class OtherDevice:
    """A device at one of a display's addresses. received: all that was written to it. registers: by number."""

    def __init__(self, registers: Sequence[int]) -> None:
        self.received: list[list[int]] = []
        self.registers = registers
        self._register = 0

    def write(self, content: list[int]) -> None:
        """Receive a transfer, whose first byte is the number of a register."""
        self.received.append(content)
        self._register = content[0]

    def read(self) -> int:
        """The register's content; an I/O expander has a single one."""
        return self.registers[self._register % len(self.registers)]


class Expander(OtherDevice):
    """An I/O expander: a write sets its pins, which others may pull low. level: of the pins that nobody pulls low."""

    def __init__(self, level: int) -> None:
        super().__init__([level])
        self.level = level

    def write(self, content: list[int]) -> None:
        """Receive a transfer, of which each byte sets the pins."""
        self.received.append(content)
        self.registers = [self.level & content[-1]]


class I2cDisplay:
    """A bus object for luma's i2c, with an SSD1306 or SH1106 of 128x64 or 128x32 on it.

    address: the display's address. others: the other devices, by address. sent: bytes on the bus, including the
    address's. probes: NOPs received. hanging: set while a call hangs.
    """

    def __init__(self, sh1106: bool = False, height: int = 64, kind: type[Chip] | None = None) -> None:
        self.address = ADDRESS
        self.others: dict[int, OtherDevice] = {}
        self.sent = 0
        self.probes = 0
        self.hanging = threading.Event()
        self.plug_in(kind or (Sh1106 if sh1106 else Ssd1306), height)
        self._present = True
        self._not_hanging = threading.Event()
        self._not_hanging.set()
        self._bytes_until_break: int | None = None

    @property
    def present(self) -> bool:
        """Whether the display is plugged in; plugging it in again resets it."""
        return self._present

    @present.setter
    def present(self, present: bool) -> None:
        if present and not self._present:
            self.lose_power()
        self._present = present

    @property
    def on(self) -> bool:
        """Whether the display is lit."""
        return self._present and self.chip.on and self.chip.charge_pump_on

    def plug_in(self, kind: type[Chip], height: int = 64) -> None:
        """Replace the display by one with this controller."""
        self.chip: Chip = kind(height, next(_seeds))
        self.chip.on_command = self._count_probe

    def lose_power(self) -> None:
        """Lose the picture and all settings, as after a power loss; transfers still succeed."""
        self.chip.power_on()

    def hang(self) -> None:
        """Block every call until stop_hanging()."""
        self._not_hanging.clear()

    def stop_hanging(self) -> None:
        self._not_hanging.set()

    def break_after(self, count: int) -> None:
        """Interrupt a transfer once, after so many more bytes, including control bytes."""
        self._bytes_until_break = count

    def cancel_break(self) -> None:
        """Cancel break_after()."""
        self._bytes_until_break = None

    def write_i2c_block_data(self, address: int, register: int, block: Sequence[int]) -> None:
        """Called by luma with at most 32 bytes (SMBus)."""
        assert len(block) <= 32
        self._transfer(address, [register, *block])

    def i2c_rdwr(self, *messages: Any) -> None:
        """Called for pixels and reads (smbus2)."""
        for message in messages:
            if message.flags & I2C_M_RD:
                for at in range(message.len):
                    message.buf[at] = bytes((self._read(message.addr),))
            else:
                self._transfer(message.addr, list(message))

    def read_byte(self, address: int) -> int:
        """A read without a register."""
        return self._read(address)

    def read_byte_data(self, address: int, register: int) -> int:
        """A write of the register's number, and a read after a repeated start."""
        self._transfer(address, [register])
        return self._read(address)

    def close(self) -> None:
        """Called by luma, if luma opened the bus."""

    def picture(self) -> Image.Image:
        """The visible picture: black if the display is not lit."""
        picture = self.chip.picture()
        return picture if self._present else Image.new("1", picture.size)

    def _read(self, address: int) -> int:
        self._wait_while_hanging()
        if address in self.others:
            return self.others[address].read()
        self._check_present(address)
        self.sent += 2
        return self.chip.read()

    def _wait_while_hanging(self) -> None:
        if not self._not_hanging.is_set():
            self.hanging.set()
            self._not_hanging.wait()

    def _check_present(self, address: int) -> None:
        if not self._present or address != self.address:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")

    def _transfer(self, address: int, content: list[int]) -> None:
        self._wait_while_hanging()
        if address in self.others:
            self.others[address].write(content)
            return
        self._check_present(address)
        whole = len(content)
        if self._bytes_until_break is not None:
            content = content[: self._bytes_until_break]
            self._bytes_until_break -= len(content)
        self.sent += 1 + len(content)
        self._split_by_control_bytes(content)
        if len(content) < whole:
            self._bytes_until_break = None
            raise OSError(errno.EREMOTEIO, "Remote I/O error")

    def _split_by_control_bytes(self, content: list[int]) -> None:
        """A control byte with its highest bit set applies to one byte; another follows (SSD1306, 8.1.5.2)."""
        at = 0
        while at < len(content):
            control = content[at]
            end = at + 2 if control & 0x80 else len(content)
            self.chip.receive(control & 0x7F, content[at + 1 : end])
            at = end

    def _count_probe(self, opcode: int) -> None:
        if opcode == 0xE3:
            self.probes += 1


def same_pixels(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures have equal pixels."""
    return one.size == other.size and ImageChops.difference(one.convert("L"), other.convert("L")).getbbox() is None

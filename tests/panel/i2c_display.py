"""A display on a bus, at luma's own seam: it understands the bytes, can be pulled out, break off, or hang the bus."""

from __future__ import annotations

import errno
import itertools
import threading
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageChops

from tests.panel.i2c_display_chips import Chip, Sh1106, Ssd1306

ADDRESS = 0x3C
_seeds = itertools.count()


class I2cDisplay:
    """The bus object that luma's i2c takes, with an SSD1306 or SH1106 of 128x64 or 128x32 on it.

    address: where it is on the bus. sent: bytes on the bus, the address's with them. probes: NOPs that it heard.
    hanging: set while a call hangs.
    """

    def __init__(self, sh1106: bool = False, height: int = 64) -> None:
        self.sh1106 = sh1106
        self.address = ADDRESS
        self.sent = 0
        self.probes = 0
        self.hanging = threading.Event()
        self.chip: Chip = (Sh1106 if sh1106 else Ssd1306)(height, next(_seeds))
        self.chip.heard = self._heard
        self._present = True
        self._open = threading.Event()
        self._open.set()
        self._breaks_after: int | None = None

    @property
    def present(self) -> bool:
        """Whether it is plugged in; one that was pulled out comes back as it is without power."""
        return self._present

    @present.setter
    def present(self, present: bool) -> None:
        if present and not self._present:
            self.forget()
        self._present = present

    @property
    def on(self) -> bool:
        """Whether its pixels are lit."""
        return self._present and self.chip.on and self.chip.pumping

    def forget(self) -> None:
        """Lose the picture and all settings, as without power; nobody on the bus is told."""
        self.chip.power_on()

    def hang(self) -> None:
        """Let every call wait until let_go()."""
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    def break_after(self, count: int) -> None:
        """Break a transfer off once, when so many bytes more, control bytes among them, have come."""
        self._breaks_after = count

    def mend(self) -> None:
        """Break nothing off after all."""
        self._breaks_after = None

    def write_i2c_block_data(self, address: int, register: int, block: Sequence[int]) -> None:
        """What luma calls, with at most 32 bytes (SMBus)."""
        assert len(block) <= 32
        self._transfer(address, [register, *block])

    def i2c_rdwr(self, *messages: Any) -> None:
        """What luma calls on a bus of its own for pixels (smbus2)."""
        for message in messages:
            self._transfer(message.addr, list(message))

    def close(self) -> None:
        """What luma calls on a bus of its own."""

    def picture(self) -> Image.Image:
        """What is to be seen: black where it does not shine."""
        picture = self.chip.picture()
        return picture if self._present else Image.new("1", picture.size)

    def _transfer(self, address: int, content: list[int]) -> None:
        if not self._open.is_set():
            self.hanging.set()
            self._open.wait()
        if not self._present or address != self.address:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        whole = len(content)
        if self._breaks_after is not None:
            content = content[: self._breaks_after]
            self._breaks_after -= len(content)
        self.sent += 1 + len(content)
        self._take(content)
        if len(content) < whole:
            self._breaks_after = None
            raise OSError(errno.EREMOTEIO, "Remote I/O error")

    def _take(self, content: list[int]) -> None:
        """A control byte with its highest bit set is for one byte, and another one follows (SSD1306, 8.1.5.2)."""
        at = 0
        while at < len(content):
            control = content[at]
            end = at + 2 if control & 0x80 else len(content)
            self.chip.take(control & 0x7F, content[at + 1 : end])
            at = end

    def _heard(self, opcode: int) -> None:
        if opcode == 0xE3:
            self.probes += 1


def same(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures are equal, pixel for pixel."""
    return one.size == other.size and ImageChops.difference(one.convert("L"), other.convert("L")).getbbox() is None

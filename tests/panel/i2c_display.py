"""A display on a bus, at luma's own seam: it understands the bytes and can be pulled out, or hang the bus."""

from __future__ import annotations

import errno
import threading
from collections.abc import Sequence

from PIL import Image

ADDRESS = 0x3C


class I2cDisplay:
    """The bus object that luma's i2c takes, with an SSD1306 or SH1106 of 128x64 on it.

    present: False pulls it out, which also loses its picture. hang(): every call waits until let_go(). sent: bytes.
    """

    def __init__(self, sh1106: bool = False) -> None:
        self.sh1106 = sh1106
        self.present = True
        self.on = False
        self.sent = 0
        self.probes = 0
        self._open = threading.Event()
        self._open.set()
        self.hanging = threading.Event()
        self.forget()

    def forget(self) -> None:
        """Lose the picture, as without power."""
        self.memory = [bytearray(132) for _ in range(8)]
        self._columns, self._pages = (0, 127), (0, 7)
        self._column = self._page = 0

    def hang(self) -> None:
        self._open.clear()

    def let_go(self) -> None:
        self._open.set()

    def write_i2c_block_data(self, address: int, register: int, block: Sequence[int]) -> None:
        """What luma calls, with at most 32 bytes (SMBus)."""
        if not self._open.is_set():
            self.hanging.set()
            self._open.wait()
        if not self.present or address != ADDRESS:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        assert len(block) <= 32
        self.sent += 1 + len(block)
        if register == 0x40:
            for byte in block:
                self._put(byte)
        else:
            self._command(list(block))

    def picture(self) -> Image.Image:
        """What is to be seen."""
        left = 2 if self.sh1106 else 0
        picture = Image.new("1", (128, 64))
        for page, row in enumerate(self.memory):
            for column in range(128):
                for bit in range(8):
                    if row[left + column] >> bit & 1:
                        picture.putpixel((column, page * 8 + bit), 1)
        return picture

    def _command(self, command: list[int]) -> None:
        match command:
            case [0x21, first, last, 0x22, top, bottom]:
                self._columns, self._pages = (first, last), (top, bottom)
                self._column, self._page = first, top
            case [page, low, high] if page & 0xF8 == 0xB0:
                self._page, self._column = page & 7, (high & 0x0F) << 4 | low
            case [0xE3]:
                self.probes += 1
            case [0xAF]:
                self.on = True
            case [0xAE]:
                self.on = False

    def _put(self, byte: int) -> None:
        self.memory[self._page][self._column] = byte
        self._column += 1
        if not self.sh1106 and self._column > self._columns[1]:
            self._column = self._columns[0]
            self._page = self._page + 1 if self._page < self._pages[1] else self._pages[0]

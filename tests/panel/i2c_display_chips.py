"""Models of display controllers with the glass of their usual modules, byte by byte.

Written from the data sheets: Solomon Systech SSD1306, rev. 1.1 (command tables 9 and 10, 8.7 GDDRAM, appendix on the
charge pump), and Sino Wealth SH1106, V2.3 (command table; reading over I2C). Nothing here is taken from the code that
is tested with it. The low bits of the status are as in hardware.md, which says where they were seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from PIL import Image

LIT = [bytes(255 * (byte >> bit & 1) for byte in range(256)) for bit in range(8)]
"""For each bit of a byte, a table for bytes.translate that gives the bit's pixel."""
NEGATIVE = bytes(range(255, -1, -1))


class Chip:
    """The commands that both controllers share.

    A command waits for its arguments without a timeout, even beyond the end of a transfer, because no data sheet
    excludes that. unknown: undocumented opcodes. on_command: called after each command with its opcode.
    """

    columns: ClassVar[int]
    arguments: ClassVar[dict[int, int]]
    """Number of argument bytes for each opcode."""
    ignored: ClassVar[frozenset[int]] = frozenset()
    status_bits: int
    """The status byte without the bit of a display that is off."""
    noise: Iterator[int] | None = None
    """The bytes that a module without a readable status answers; None if its status can be read."""

    def __init__(self, height: int, seed: int) -> None:
        self.height = height
        self.unknown: list[int] = []
        self.on_command: Callable[[int], None] = lambda _: None
        self._chance = random.Random(seed)
        self.power_on()

    def power_on(self) -> None:
        """Reset the controller; the memory contains noise."""
        self.memory = [bytearray(self._chance.randbytes(self.columns)) for _ in range(8)]
        self.on = False
        self.charge_pump_on = False
        self.contrast = 0x7F
        self.com_pins = 0x12
        self._mirrored = self._upside_down = self._all_on = self._inverse = self._scrolling = False
        self._start = self._offset = 0
        self._rows = 64
        self._page = self._column = 0
        self._waiting: list[int] = []
        self._last_control = 0x00

    def receive(self, register: int, content: Iterable[int]) -> None:
        """Receive a transfer after its control byte: 0x00 for commands, 0x40 for data."""
        assert register in (0x00, 0x40), f"control byte {register:#x}"
        self._last_control = register
        for byte in content:
            assert 0 <= byte <= 0xFF
            if register == 0x40:
                self.write_data(byte)
            else:
                self._receive_command_byte(byte)

    def read(self) -> int:
        """The next byte that a read gets: the status."""
        if self.noise is not None:
            return next(self.noise)
        return self.status_bits | (0 if self.on else 0x40)

    def picture(self) -> Image.Image:
        """The visible picture on the glass."""
        assert not self.unknown, f"not in the data sheet: {[hex(opcode) for opcode in self.unknown]}"
        assert not self._scrolling, "the picture scrolls"
        if not (self.on and self.charge_pump_on):
            return Image.new("1", (128, self.height))
        rows = b"".join(self._row(self._com(row)) for row in range(self.height))
        return Image.frombytes("L", (128, self.height), rows).point(lambda value: value, "1")

    def write_data(self, byte: int) -> None:
        """Write a byte of data."""
        raise NotImplementedError

    def page_pixels(self, page: int) -> bytes:
        """The pixels of a page on the glass, from left to right."""
        raise NotImplementedError

    def com_of_row(self, row: int) -> int:
        """The COM that drives a row of the glass, counted from the top."""
        raise NotImplementedError

    def execute(self, opcode: int, values: Sequence[int]) -> bool:
        """Execute a command of this controller only; False if it has no such command."""
        raise NotImplementedError

    def _com(self, row: int) -> int:
        com = self.com_of_row(row)
        sequential = self.height == 32 and self.columns == 128
        if (self.com_pins == 0x02) == sequential:
            return com
        # The COM pins are configured differently from the glass's wiring.
        return com // 2 + 32 * (com % 2)

    def _row(self, com: int) -> bytes:
        if self._all_on:
            return b"\xff" * 128
        # Tables 10-1 and 10-2 of the SSD1306; the SH1106's D3 and C8 have the same meaning.
        row = (self._rows - 1 + self._offset - com if self._upside_down else com + self._offset) % 64
        if row >= self._rows:
            return bytes(128)
        place = (row + self._start) % 64
        pixels = self.page_pixels(place // 8).translate(LIT[place % 8])
        return pixels.translate(NEGATIVE) if self._inverse else pixels

    def _receive_command_byte(self, byte: int) -> None:
        self._waiting.append(byte)
        opcode, *values = self._waiting
        if len(values) < self.arguments.get(opcode, 0):
            return
        self._waiting = []
        if not (self._execute_common(opcode, values) or self.execute(opcode, values) or opcode in self.ignored):
            self.unknown.append(opcode)
        self.on_command(opcode)

    def _execute_common(self, opcode: int, values: Sequence[int]) -> bool:
        match opcode, values:
            case 0x81, [level]:
                self.contrast = level
            case ((0xA0 | 0xA1), []):
                self._mirrored = opcode == 0xA1
            case ((0xA4 | 0xA5), []):
                self._all_on = opcode == 0xA5
            case ((0xA6 | 0xA7), []):
                self._inverse = opcode == 0xA7
            case 0xA8, [value]:
                self._rows = (value & 0x3F) + 1
            case ((0xAE | 0xAF), []):
                self.on = opcode == 0xAF
            case ((0xC0 | 0xC8), []):
                self._upside_down = opcode == 0xC8
            case 0xD3, [value]:
                self._offset = value & 0x3F
            case 0xDA, [value]:
                self.com_pins = value
            case ((0xD5 | 0xD9 | 0xDB), [_]):
                pass  # Timing and voltages do not affect pixels.
            case 0xE3, []:
                pass
            case _ if 0x40 <= opcode <= 0x7F:
                self._start = opcode & 0x3F
            case _:
                return False
        return True


class Ssd1306(Chip):
    """128 columns; page addressing, or windows of columns and pages. Its memory can't be read over I2C."""

    columns = 128
    status_bits = 0x03
    arguments: ClassVar = {
        **dict.fromkeys((0x20, 0x81, 0x8D, 0xA8, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB), 1),
        **dict.fromkeys((0x21, 0x22, 0xA3), 2),
        **dict.fromkeys((0x29, 0x2A), 5),
        **dict.fromkeys((0x26, 0x27), 6),
    }

    def power_on(self) -> None:
        super().power_on()
        self._mode = 2
        self._across, self._down = (0, 127), (0, 7)

    def com_of_row(self, row: int) -> int:
        return self.height - 1 - row

    def page_pixels(self, page: int) -> bytes:
        # SEG127 is at the left of the glass.
        return bytes(self.memory[page][::-1])

    def write_data(self, byte: int) -> None:
        # The remap affects only data written afterwards (10.1.8).
        self.memory[self._page][127 - self._column if self._mirrored else self._column] = byte
        if self._mode == 2:
            self._column = (self._column + 1) % 128
        elif self._mode == 0:
            if self._next("_column", self._across):
                self._next("_page", self._down)
        elif self._next("_page", self._down):
            self._next("_column", self._across)

    def execute(self, opcode: int, values: Sequence[int]) -> bool:
        match opcode, values:
            case 0x20, [value]:
                self._mode = value & 3
            case 0x21, [first, last]:
                self._across = first & 0x7F, last & 0x7F
                if self._mode != 2:
                    self._column = self._across[0]
            case 0x22, [first, last]:
                self._down = first & 7, last & 7
                if self._mode != 2:
                    self._page = self._down[0]
            case 0x8D, [value]:
                self.charge_pump_on = bool(value & 4)
            case ((0x26 | 0x27 | 0x29 | 0x2A | 0xA3), _):
                pass  # Parameters of scrolling.
            case ((0x2E | 0x2F), []):
                self._scrolling = opcode == 0x2F
            case _ if self._mode == 2 and opcode <= 0x0F:
                self._column = self._column & 0x70 | opcode
            case _ if self._mode == 2 and opcode <= 0x1F:
                self._column = (opcode & 7) << 4 | self._column & 0x0F
            case _ if self._mode == 2 and 0xB0 <= opcode <= 0xB7:
                self._page = opcode & 7
            case _:
                # These three commands work only in page addressing mode.
                return opcode <= 0x1F or 0xB0 <= opcode <= 0xB7
        return True

    def _next(self, pointer: str, window: tuple[int, int]) -> bool:
        """Advance a pointer; returns whether it wrapped to the start of its window."""
        at: int = getattr(self, pointer)
        limit = 127 if pointer == "_column" else 7
        wraps = at == window[1]
        setattr(self, pointer, window[0] if wraps else (at + 1) & limit)
        return wraps


class Sh1106(Chip):
    """132 columns, of which the glass shows 2 to 129; page addressing only.

    A read gets the memory if the last control byte announced data, and else the status. echoes: False for a module that
    answers every read with its status.
    """

    columns = 132
    status_bits = 0x08
    echoes = True
    arguments: ClassVar = dict.fromkeys((0x81, 0xA8, 0xAD, 0xD3, 0xD5, 0xD9, 0xDA, 0xDB), 1)
    # luma also sends these commands of the SSD1306; a real SH1106 ignores them.
    ignored = frozenset({0x20, 0x8D})

    def power_on(self) -> None:
        super().power_on()
        self.charge_pump_on = True
        self._dummy = True

    def read(self) -> int:
        if not (self.echoes and self._last_control == 0x40):
            return super().read()
        if self._dummy:
            self._dummy = False
            return self._chance.randrange(0x100)
        byte = self.memory[self._page][min(self._column, self.columns - 1)]
        self._column = min(self._column + 1, self.columns)
        return byte

    def com_of_row(self, row: int) -> int:
        # A module with 32 rows uses the middle ones, as in luma's settings for it.
        return (63 if self.height == 64 else 47) - row

    def page_pixels(self, page: int) -> bytes:
        row = self.memory[page]
        # SEG129 is at the left of the glass; mirrored, it shows column 131 - 129.
        return bytes(row[2:130] if self._mirrored else row[129:1:-1])

    def write_data(self, byte: int) -> None:
        # The column address stops after the last column.
        if self._column < self.columns:
            self.memory[self._page][self._column] = byte
            self._column += 1

    def execute(self, opcode: int, values: Sequence[int]) -> bool:
        match opcode, values:
            case 0xAD, [value]:
                self.charge_pump_on = bool(value & 1)
            case _ if opcode <= 0x0F:
                self._column = self._column & 0xF0 | opcode
                self._dummy = True
            case _ if opcode <= 0x1F:
                self._column = (opcode & 0x0F) << 4 | self._column & 0x0F
                self._dummy = True
            case _ if 0x30 <= opcode <= 0x33:
                pass  # The charge pump's voltage.
            case _ if 0xB0 <= opcode <= 0xB7:
                self._page = opcode & 7
            case _:
                return False
        return True


class Sh1107(Sh1106):
    """An SH1107 as far as the detection asks it: its status has an ID, and its memory can be read."""

    status_bits = 0x07

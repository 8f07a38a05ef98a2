"""luma devices with an incremental display(), which sends only the changes, and with a refresh of the settings.

Makes the devices on the I2C bus. luma's own display() packs every pixel in a Python loop and sends the full picture
each time, which takes 92 ms of a bus at 100 kHz. luma is imported only when a device is made, because it loads slowly.
"""

from __future__ import annotations

import atexit
from ctypes import memmove
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from appliance.core.values import SH1106, DisplayIdentity
from appliance.panel.framebuffer import changed_runs, pack
from appliance.panel.identification import FLUSH, find_address, identify

if TYPE_CHECKING:
    from luma.core.device import device as LumaDevice
    from PIL.Image import Image
else:
    LumaDevice = object

AUTO = "auto"
"""The setting of a driver that is to be detected."""
MEMORY_PAGE, LOW_COLUMN, HIGH_COLUMN = 0xB0, 0x00, 0x10
"""Memory page, and low and high four bits of the column, added to the command (data sheets, page addressing)."""
MEMORY_MODE, PAGE_ADDRESSING = 0x20, 0x02
"""SSD1306: the addressing mode. The SH1106 has page addressing only, and ignores the command."""
COMMAND, PIXELS = 0x80, 0x40
"""Control bytes: one command and another control byte follow; pixels follow to the end of the transfer.

So one transfer holds both address and pixels (data sheets of SSD1306, 8.1.5.2, and SH1106, I2C-bus write data).
"""
NO_COMMANDS = b"\0"
"""The control byte before commands, without any.

It ends each picture, so that an SH1106 answers the next read with its status: after pixels it would answer with its
memory, which the detection can't tell from the answer of an I/O expander (data sheet, I2C-bus read data).
"""
COLUMNS = 132
"""Columns of the SH1106's memory; the SSD1306 has 128, and goes on at its first column."""
SH1106_FIRST_COLUMN = 2
"""The SH1106's first column on the glass: usual modules show the middle 128 of its 132 columns."""
RUN_OVERHEAD = 2 * 3 + 2
"""Bytes of a transfer beside its pixels: three commands, a control byte for each and the pixels, the I2C address."""
CALL_COST = 12
"""The processor time of one transfer's system call, expressed as bytes on the bus."""


class IncrementalDisplay(LumaDevice):  # type: ignore[misc]
    """Mixin for any luma device: does not send a picture that is already shown."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self._shown: bytes | None = None
        super().__init__(*values, **named)

    def display(self, image: Image) -> bool:
        """Show a picture of the display's size; return whether anything was sent.

        Raises any error of the bus; the shown picture counts as unknown then.
        """
        assert image.size == self.size
        picture = image if image.mode == self.mode else image.convert(self.mode)
        after = self._content(picture)
        before, self._shown = self._shown, None
        sent = before != after
        if sent:
            self._send(picture, before, after)
        self._shown = after
        return sent

    def forget(self) -> None:
        """Treat the shown picture as unknown, so that the next one is sent in full."""
        self._shown = None

    def refresh(self) -> None:
        """Repair a controller that may have lost its frame buffer or settings; complete with the next picture.

        Restores only the picture if this class does not know the controller.
        """
        self.forget()

    def _content(self, picture: Image) -> bytes:
        return picture.tobytes()

    def _send(self, picture: Image, before: bytes | None, after: bytes) -> None:
        super().display(picture)


class PageAddressed(IncrementalDisplay):
    """Mixin for controllers with memory pages: refresh() also restores settings, contrast and power without flicker.

    It uses page addressing, which SSD1306 and SH1106 understand alike, so that a picture for the wrong one of them is
    shifted by two columns, and not torn. first_column: the first visible column in the controller's memory.
    """

    def __init__(self, *values: Any, first_column: int = 0, **named: Any) -> None:
        self._message: Any = None
        self._end: Any = None
        self._settings: list[tuple[int, ...]] = []
        self._recording = True
        self._contrast_level: int | None = None
        self._on = False
        self._refreshing = False
        self._first_column = first_column
        super().__init__(*values, **named)

    def command(self, *command: int) -> None:
        """Like luma's, but records the constructor's commands up to the contrast, with page addressing."""
        if self._recording:
            if MEMORY_MODE in command:
                # luma's settings have the mode before any argument of this value.
                at = command.index(MEMORY_MODE) + 1
                command = (*command[:at], PAGE_ADDRESSING, *command[at + 1 :])
            self._settings.append(command)
        super().command(*command)

    def clear(self) -> None:
        """Like luma's, but also clear the columns beside the glass, which a picture for the wrong controller shows."""
        self.forget()
        for page in range(self._h // 8):
            self._transfer(_header(page, 0) + bytes(COLUMNS))
        self._end_pixels()
        self._shown = bytes(self._w * self._h // 8)

    def contrast(self, level: int) -> None:
        """Like luma's, but remembers the level for refresh()."""
        self._recording = False
        super().contrast(level)
        self._contrast_level = level

    def show(self) -> None:
        """Like luma's, but remembers the power state."""
        super().show()
        self._on = True

    def hide(self) -> None:
        """Like luma's, but remembers the power state."""
        super().hide()
        self._on = False

    def display(self, image: Image) -> bool:
        """As above; after a refresh, it restores the power state last, so that no noise is visible."""
        sent = super().display(image)
        if self._refreshing:
            if self._on:
                self.show()
            else:
                self.hide()
            self._refreshing = False
        return sent

    def refresh(self) -> None:
        """Send settings and contrast again; the next display() sends the full picture, and then the power state.

        Skips the first command of the settings, which switches the display off.
        """
        self.forget()
        super().command(*FLUSH)
        for settings in self._settings:
            first, *others = settings
            super().command(*(others if first == self._const.DISPLAYOFF else settings))
        if self._contrast_level is not None:
            self.contrast(self._contrast_level)
        self._refreshing = True

    def _content(self, picture: Image) -> bytes:
        return pack(self.preprocess(picture))

    def _send(self, picture: Image, before: bytes | None, after: bytes) -> None:
        # An SSD1305 with 32 rows has an offset of its own.
        width, first = self._w, self._first_column + getattr(self, "_colstart", 0)
        for page, left, right in changed_runs(before, after, width, RUN_OVERHEAD + CALL_COST):
            start = page * width
            self._transfer(_header(page, first + left) + after[start + left : start + right + 1])
        self._end_pixels()

    def _transfer(self, content: bytes) -> None:
        serial, message = self._serial_interface, self._message
        if message is None:
            from smbus2 import i2c_msg

            # One buffer of the maximum size for all transfers, because creating one is slower than filling it.
            message = self._message = i2c_msg.write(serial._addr, bytes(len(_header(0, 0)) + COLUMNS))
            self._end = i2c_msg.write(serial._addr, NO_COMMANDS)
        message.len = length = len(content)
        memmove(message.buf, content, length)
        serial._bus.i2c_rdwr(message)

    def _end_pixels(self) -> None:
        self._serial_interface._bus.i2c_rdwr(self._end)


@lru_cache(maxsize=1024)
def _header(page: int, column: int) -> bytes:
    """The start of a transfer of pixels to this place in the controller's memory."""
    commands = MEMORY_PAGE + page, LOW_COLUMN + (column & 0x0F), HIGH_COLUMN + (column >> 4)
    return bytes((*(byte for command in commands for byte in (COMMAND, command)), PIXELS))


@cache
def incremental(kind: Any) -> Any:
    """Derive a class from this luma class, with the methods of IncrementalDisplay."""
    from luma.oled.device import sh1106, ssd1306

    mixin = PageAddressed if issubclass(kind, ssd1306 | sh1106) else IncrementalDisplay
    return type(f"incremental_{kind.__name__}", (mixin, kind), {})


def make_i2c_device(
    driver: str,
    port: int,
    address: int | None,
    rotate: int,
    contrast: int,
    height: int = 64,
    *,
    chosen: DisplayIdentity | None = None,
    bus: Any = None,
) -> Any:
    """Set up an incremental device on the I2C bus, with its DisplayIdentity as `identity`.

    driver: a class of luma.oled.device, or AUTO to detect it. address: None to find it. height: 32 or 64, for drivers
    that support both; ignored for others. chosen: the display for which a person chose the driver. bus: a replacement
    for the bus, for tests.

    Raises any error of luma, the bus and identification.
    """
    from luma.core.interface.serial import i2c

    serial = i2c(bus=bus, port=port, address=0 if address is None else address)
    try:
        if driver == AUTO:
            identity = identify(serial._bus, address, height)
            if identity.is_same(chosen):
                assert chosen is not None
                identity = DisplayIdentity(identity.address, chosen.driver, identity.found, identity.raw)
        else:
            place = find_address(serial._bus, None) if address is None else address
            identity = DisplayIdentity(place, driver)
        serial._addr = identity.address
        # Probe first, to skip the long set-up if no display answers; this also completes an interrupted command.
        serial.command(*FLUSH)
        device = _set_up(serial, identity.driver, rotate, height)
        device.identity = identity
        device.contrast(contrast)
    except BaseException:
        serial.cleanup()
        raise
    finally:
        forget_exit_hooks()
    return device


def _set_up(serial: Any, driver: str, rotate: int, height: int) -> Any:
    import luma.oled.device

    if driver == SH1106 and height == 64:
        # The SSD1306's settings suit both, so that a wrong guess costs no more than the columns.
        kind = incremental(luma.oled.device.ssd1306)
    else:
        kind = incremental(getattr(luma.oled.device, driver))
    if not issubclass(kind, PageAddressed):
        return kind(serial, rotate=rotate)
    first_column = SH1106_FIRST_COLUMN if driver == SH1106 else 0
    return kind(serial, rotate=rotate, width=128, height=height, first_column=first_column)


class _LumaExitHook:
    """Compares equal to every function of luma.core.device, including its exit hooks."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return getattr(other, "__module__", None) == "luma.core.device"

    def __call__(self) -> None:
        """Required by atexit.unregister, but never called."""


def forget_exit_hooks() -> None:
    """Unregister the exit hooks that luma registers for each device.

    A hook would wait for a stuck bus at exit, and keeps its device, with an open file, for the life of the process.
    atexit.unregister compares by ==, as its documentation says.
    """
    atexit.unregister(_LumaExitHook())

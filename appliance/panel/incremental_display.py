"""luma's devices, made frugal: only what changed travels, and what a controller forgot can be said again.

Owns the making of a device on the I2C bus. luma's own packs every pixel in a Python loop and sends the whole picture
each time, 92 ms of bus at 100 kHz. luma is imported only when a device is made: it takes long to load.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from ctypes import memmove
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from appliance.panel.framebuffer import Window, changed_windows, pack, window_bytes

if TYPE_CHECKING:
    from luma.core.device import device as LumaDevice
    from PIL.Image import Image
else:
    LumaDevice = object

NOP = 0xE3
"""The command that does nothing, but is acknowledged (data sheets of SSD1306 and SH1106)."""
FLUSH = (NOP,) * 6
"""Ends a command whose transfer was broken off: the controller may go on waiting for its arguments.

The SSD1306's longest, a scroll (0x26), has six; the SH1106's have one (command tables of their data sheets).
"""
COLUMN_RANGE, MEMORY_PAGE_RANGE = 0x21, 0x22
"""SSD1306: where the bytes that follow go, as first and last column and page (data sheet, horizontal addressing)."""
MEMORY_PAGE, LOW_COLUMN, HIGH_COLUMN = 0xB0, 0x00, 0x10
"""SH1106: page, and the column's low and high four bits, each added to its command (data sheet, page addressing)."""
COMMAND, PIXELS = 0x80, 0x40
"""Control bytes: one command follows, and then another control byte; pixels follow to the end of the transfer.

So the place and its pixels are one transfer (data sheets of SSD1306, 8.1.5.2, and SH1106, I2C-bus write data).
"""
TRANSFER_OVERHEAD = 2
"""Bytes of a transfer beside commands and pixels: the address and the last control byte."""
CALL_COST = 12
"""What the call for a transfer costs the processor, in the bytes that may be sent instead.

Measured with a walking count: with it there is one window, and not four, for one part in sixty more bytes.
"""


class IncrementalDisplay(LumaDevice):  # type: ignore[misc]
    """Any device of luma's: a picture that is shown already is not sent again."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self._shown: bytes | None = None
        super().__init__(*values, **named)

    def display(self, image: Image) -> bool:
        """Show a picture of the display's size; gives whether anything was sent.

        What is shown counts as unknown if this raises, with whatever the bus raises.
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
        """Take what is shown as unknown: the next picture is sent as a whole."""
        self._shown = None

    def refresh(self) -> None:
        """Heal a controller that may have lost its memory or its settings, together with the picture that follows.

        Where this class does not know the controller, with the picture alone.
        """
        self.forget()

    def _content(self, picture: Image) -> bytes:
        return picture.tobytes()

    def _send(self, picture: Image, before: bytes | None, after: bytes) -> None:
        super().display(picture)


class PageAddressed(IncrementalDisplay):
    """A device whose controller keeps pages: settings, contrast and power can be said again without a flicker."""

    window_overhead: int
    """What a window costs beside its content, in bytes."""
    multi_page: bool
    """Whether a window may have more than one page."""
    window_header: Callable[[Window, int], bytes]
    """How the transfer of a window begins, given the controller's column at which the glass does."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self._message: Any = None
        self._settings: list[tuple[int, ...]] = []
        self._recording = True
        self._contrast_level: int | None = None
        self._on = False
        self._refreshing = False
        super().__init__(*values, **named)

    def command(self, *command: int) -> None:
        """As luma's. What the constructor sends first, up to the contrast, are the settings."""
        if self._recording:
            self._settings.append(command)
        super().command(*command)

    def contrast(self, level: int) -> None:
        """As luma's."""
        self._recording = False
        super().contrast(level)
        self._contrast_level = level

    def show(self) -> None:
        """As luma's."""
        super().show()
        self._on = True

    def hide(self) -> None:
        """As luma's."""
        super().hide()
        self._on = False

    def display(self, image: Image) -> bool:
        """As above; the first picture after a refresh is followed by the power state, so that no noise is seen."""
        sent = super().display(image)
        if self._refreshing:
            if self._on:
                self.show()
            else:
                self.hide()
            self._refreshing = False
        return sent

    def refresh(self) -> None:
        """Say the settings and the contrast again; the next picture is sent as a whole, and the power state after it.

        The settings window_header with the display's switching off, which is left out.
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
        bus, message = self._serial_interface._bus, self._message
        if message is None:
            from smbus2 import i2c_msg

            # One for all transfers, as long as the longest: making one costs more than filling it.
            longest = bytes(len(self.window_header((0, 0, 0, 0), 0)) + len(after))
            message = self._message = i2c_msg.write(self._serial_interface._addr, longest)
        width, window_header, first, buffer, send = (
            self._w,
            self.window_header,
            self._first_column,
            message.buf,
            bus.i2c_rdwr,
        )
        for window in changed_windows(before, after, width, self.window_overhead, self.multi_page):
            content = window_header(window, first) + window_bytes(after, width, window)
            message.len = length = len(content)
            memmove(buffer, content, length)
            send(message)

    @property
    def _first_column(self) -> int:
        """Where the glass begins in the controller's memory."""
        raise NotImplementedError


@lru_cache(maxsize=1024)
def _ssd1306_header(window: Window, first_column: int) -> bytes:
    left, right, top, bottom = window
    return _header(COLUMN_RANGE, first_column + left, first_column + right, MEMORY_PAGE_RANGE, top, bottom)


@lru_cache(maxsize=1024)
def _sh1106_header(window: Window, first_column: int) -> bytes:
    left, _, page, _ = window
    left += first_column
    return _header(MEMORY_PAGE + page, LOW_COLUMN + (left & 0x0F), HIGH_COLUMN + (left >> 4))


def _header(*commands: int) -> bytes:
    return bytes((*(byte for command in commands for byte in (COMMAND, command)), PIXELS))


class Ssd1306Windows(PageAddressed):
    """Writes windows of columns and pages."""

    window_overhead = 2 * 6 + TRANSFER_OVERHEAD + CALL_COST
    multi_page = True
    window_header = staticmethod(_ssd1306_header)

    @property
    def _first_column(self) -> int:
        return int(self._colstart)


class Sh1106Windows(PageAddressed):
    """Writes from one column on within one page."""

    window_overhead = 2 * 3 + TRANSFER_OVERHEAD + CALL_COST
    multi_page = False
    window_header = staticmethod(_sh1106_header)

    @property
    def _first_column(self) -> int:
        return int(self._page_address_offset)


@cache
def incremental(kind: Any) -> Any:
    """A class like this one of luma's, whose display() sends only what changed. See Frugal for what it has beside."""
    from luma.oled.device import sh1106, ssd1306

    mixin = (
        Ssd1306Windows
        if issubclass(kind, ssd1306)
        else Sh1106Windows
        if issubclass(kind, sh1106)
        else IncrementalDisplay
    )
    return type(f"frugal_{kind.__name__}", (mixin, kind), {})


def make_i2c_device(
    driver: str, port: int, address: int, rotate: int, contrast: int, height: int = 64, bus: Any = None
) -> Any:
    """Set up a frugal device on the I2C bus. Raises what luma and the bus raise.

    height: 32 or 64, for those that come in both; others have one of their own. bus: luma's seam for another one.
    """
    import luma.oled.device
    from luma.core.interface.serial import i2c

    kind = incremental(getattr(luma.oled.device, driver))
    size = {"width": 128, "height": height} if issubclass(kind, PageAddressed) else {}
    serial = i2c(bus=bus, port=port, address=address)
    try:
        # Asked first, so that where nothing answers the long set-up is not even begun; and what is sent to ask ends
        # the command at which a transfer was broken off.
        serial.command(*FLUSH)
        device = kind(serial, rotate=rotate, **size)
        device.contrast(contrast)
    except BaseException:
        serial.cleanup()
        raise
    finally:
        forget_exit_hooks()
    return device


class _LumaExitHook:
    """Equal to every function that luma.core.device registered to run at exit."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return getattr(other, "__module__", None) == "luma.core.device"

    def __call__(self) -> None:
        """Never called: it is only compared."""


def forget_exit_hooks() -> None:
    """Take back what luma registers at exit for every device it makes.

    The hook would wait for a stuck bus at the end, and keeps every device that was ever made, with its open file, as
    long as the process lives. atexit.unregister compares by ==, as its documentation says.
    """
    atexit.unregister(_LumaExitHook())

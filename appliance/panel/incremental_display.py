"""luma devices with an incremental display(), which sends only the changes, and with a refresh of the settings.

Makes the devices on the I2C bus. luma's own display() packs every pixel in a Python loop and sends the full picture
each time, which takes 92 ms of a bus at 100 kHz. luma is imported only when a device is made, because it loads slowly.
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
"""A command without effect, which the controller acknowledges (data sheets of SSD1306 and SH1106)."""
FLUSH = (NOP,) * 6
"""Completes a command whose transfer was interrupted, because the controller may still wait for its arguments.

The SSD1306's longest command, a scroll (0x26), has six; the SH1106's have one (command tables of their data sheets).
"""
COLUMN_RANGE, MEMORY_PAGE_RANGE = 0x21, 0x22
"""SSD1306: first and last column, and memory page, of the data to follow (data sheet, horizontal addressing)."""
MEMORY_PAGE, LOW_COLUMN, HIGH_COLUMN = 0xB0, 0x00, 0x10
"""SH1106: memory page, and low and high four bits of the column, added to the command (data sheet, page addressing)."""
COMMAND, PIXELS = 0x80, 0x40
"""Control bytes: one command and another control byte follow; pixels follow to the end of the transfer.

So one transfer holds both address and pixels (data sheets of SSD1306, 8.1.5.2, and SH1106, I2C-bus write data).
"""
TRANSFER_OVERHEAD = 2
"""Bytes of a transfer beside its commands and pixels: the I2C address and the last control byte."""
CALL_COST = 12
"""The processor time of one transfer's system call, expressed as bytes on the bus.

Measured with a changing count: it leads to one window instead of four, for 1/60 more bytes.
"""


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
    """Mixin for controllers with memory pages: refresh() also restores settings, contrast and power without flicker."""

    window_overhead: int
    """The cost of a window beside its content, in bytes."""
    multi_page: bool
    """Whether a window may have more than one memory page."""
    window_header: Callable[[Window, int], bytes]
    """Makes the start of a window's transfer. Its second argument is the controller's first visible column."""

    def __init__(self, *values: Any, **named: Any) -> None:
        self._message: Any = None
        self._settings: list[tuple[int, ...]] = []
        self._recording = True
        self._contrast_level: int | None = None
        self._on = False
        self._refreshing = False
        super().__init__(*values, **named)

    def command(self, *command: int) -> None:
        """Like luma's, but records the constructor's commands up to the contrast as the settings."""
        if self._recording:
            self._settings.append(command)
        super().command(*command)

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
        bus, message = self._serial_interface._bus, self._message
        if message is None:
            from smbus2 import i2c_msg

            # One buffer of the maximum size for all transfers, because creating one is slower than filling it.
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
        """The first visible column in the controller's memory."""
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
    """Writes windows of several columns and memory pages."""

    window_overhead = 2 * 6 + TRANSFER_OVERHEAD + CALL_COST
    multi_page = True
    window_header = staticmethod(_ssd1306_header)

    @property
    def _first_column(self) -> int:
        return int(self._colstart)


class Sh1106Windows(PageAddressed):
    """Writes from one column on within one memory page."""

    window_overhead = 2 * 3 + TRANSFER_OVERHEAD + CALL_COST
    multi_page = False
    window_header = staticmethod(_sh1106_header)

    @property
    def _first_column(self) -> int:
        return int(self._page_address_offset)


@cache
def incremental(kind: Any) -> Any:
    """Derive a class from this luma class, with the methods of IncrementalDisplay."""
    from luma.oled.device import sh1106, ssd1306

    mixin = (
        Ssd1306Windows
        if issubclass(kind, ssd1306)
        else Sh1106Windows
        if issubclass(kind, sh1106)
        else IncrementalDisplay
    )
    return type(f"incremental_{kind.__name__}", (mixin, kind), {})


def make_i2c_device(
    driver: str, port: int, address: int, rotate: int, contrast: int, height: int = 64, bus: Any = None
) -> Any:
    """Set up an incremental device on the I2C bus. Raises any error of luma and the bus.

    height: 32 or 64, for drivers that support both; ignored for others. bus: a replacement for the bus, for tests.
    """
    import luma.oled.device
    from luma.core.interface.serial import i2c

    kind = incremental(getattr(luma.oled.device, driver))
    size = {"width": 128, "height": height} if issubclass(kind, PageAddressed) else {}
    serial = i2c(bus=bus, port=port, address=address)
    try:
        # Probe first, to skip the long set-up if no display answers; this also completes an interrupted command.
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

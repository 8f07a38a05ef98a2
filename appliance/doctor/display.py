"""The check of the display: bus, address, and a test picture.

Every bus access runs on a daemon thread with a timeout: on a bus that a broken part holds low, it never returns.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from appliance import display_file
from appliance.config.values import SOLDERED
from appliance.core.values import SH1106, SSD1306, DisplayIdentity
from appliance.core.view import Line, Message, Size
from appliance.doctor.context import ELSEWHERE, CheckContext
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.panel.identification import ADDRESSES as DISPLAY_ADDRESSES
from appliance.panel.identification import SettingNeededError
from appliance.panel.oled import make_i2c_device

if TYPE_CHECKING:
    from PIL.Image import Image

ADDRESSES = range(0x08, 0x78)
"""Unreserved 7-bit addresses (I2C specification, reserved addresses)."""
MOVED_BY = 2
"""Columns by which the picture is shifted if an SH1106 is driven as an SSD1306, or the reverse."""
TEST_PICTURE = Message((Line("test", Size.MEDIUM), Line("this way up")))
WIRES = (
    "Check the display's four wires at the pin header: VCC to position 1 (3.3 V), GND to 6, SDA to 3, SCL to 5.",
    "Are SDA and SCL swapped? Is every joint soldered?",
)
BOARDS = (
    "Unplug the box, and push its board onto all 40 pins of the header.",
    "A display on a cable belongs into a socket named I2C.",
)


async def check_display(context: CheckContext) -> Finding:
    """Set up the display, show a framed test picture, and ask whether it is visible."""
    if context.pins_busy:
        return not_tried("not tried: another program may be drawing on it")
    bus = _Bus(context)
    patience = context.limits.bus
    try:
        return await _try(context, bus)
    except TimeoutError:
        # Do not wait for blanking a stuck display.
        patience = 0.0
        return _stuck(context.config.display.i2c_port)
    finally:
        # The finding already says what is wrong.
        with suppress(Exception):
            await context.blocking(bus.close, "blank the display", patience)


async def _try(context: CheckContext, bus: _Bus) -> Finding:
    """As check_display, without blanking. Raises TimeoutError if the bus is stuck."""
    display = context.config.display
    try:
        identity = await context.blocking(bus.show, "show the test picture", context.limits.bus)
    except TimeoutError:
        raise
    except FileNotFoundError:
        return await _no_bus(context)
    except PermissionError:
        return wrong(f"no permission to use the I2C bus {display.i2c_port}", "Run as root: sudo tt-appliance doctor")
    except SettingNeededError as error:
        return wrong(str(error), "Set display.driver to what is printed on the display's back or its order.")
    except Exception as error:  # noqa: BLE001 - luma raises errors of its own kind, bare OSErrors and assertions
        return await _silent(context, bus, error)
    where = _described(identity)
    seen = await context.console.ask(
        "Do you see a frame around the whole display, and upright words?", context.limits.answer
    )
    if seen is None:
        await asyncio.sleep(context.limits.lit)
        return ok(f"responds {where} and accepted a picture; no answer whether it was visible")
    if seen:
        return ok(f"responds {where}; test picture confirmed")
    return _not_seen(identity, where)


def _described(identity: DisplayIdentity) -> str:
    """Where the display is; if it was detected, also what it answered, and the verdict."""
    where = f"at {_hexadecimal(identity.address)}"
    if identity.found is None:
        return where
    chosen = "" if identity.driver == identity.found else f", and drawn for {identity.driver} by choice"
    return f"{where} with {identity.raw} (detected as {identity.found}{chosen})"


def _not_seen(identity: DisplayIdentity, where: str) -> Finding:
    other = identity.other_driver
    if other is None:
        swap = f"set display.driver to {SSD1306 if identity.driver == SH1106 else SH1106}."
    else:
        swap = f"turn to the box's screen `Picture is shifted?` and press there, or set display.driver to {other}."
    return wrong(
        f"responds {where}, but the test picture is not correct",
        "Upside down: set display.rotate to 2 (or back to 0).",
        f"Shifted by {MOVED_BY} columns: {swap}",
        "Squeezed, or every second row dark: set display.height to what the display has, 64 or 32.",
        "Very dark: set display.contrast higher.",
        "Nothing at all: the display is broken; try another one.",
    )


async def _no_bus(context: CheckContext) -> Finding:
    port = context.config.display.i2c_port
    return wrong(
        f"this machine has no I2C bus {port} (no /dev/i2c-{port})",
        "Switch it on: sudo raspi-config, then Interface Options, I2C, Yes; then restart the box."
        if await context.is_on_a_pi()
        else ELSEWHERE,
    )


async def _silent(context: CheckContext, bus: _Bus, error: Exception) -> Finding:
    """The finding for a display that can't be set up, from a scan of its bus. Raises TimeoutError."""
    display = context.config.display
    tried = DISPLAY_ADDRESSES if display.i2c_address is None else (display.i2c_address,)
    where = f"at {' or '.join(map(_hexadecimal, tried))} on bus {display.i2c_port}"
    if not bus.opened:
        return wrong(
            f"the I2C bus {display.i2c_port} can't be used: {_words(error)}",
            "Unplug the box for ten seconds, and try again.",
        )
    if isinstance(error, OSError) and error.errno == errno.EBUSY:
        return wrong(
            f"a kernel driver uses the device {where}",
            "Remove the display's dtoverlay line from /boot/firmware/config.txt; then restart the box.",
        )
    try:
        there = await context.blocking(bus.scan, "look for other addresses", context.limits.bus)
    except TimeoutError:
        raise
    except Exception as scanning:  # noqa: BLE001 - as above; the first error is the one that counts
        return wrong(f"no display {where}: {_words(error)} ({_words(scanning)})", *_wiring(context))
    others = [one for one in there if one not in tried]
    likely = [one for one in others if one in DISPLAY_ADDRESSES]
    answering = [one for one in tried if one in there]
    if answering:
        where = f"at {_hexadecimal(answering[0])} on bus {display.i2c_port}"
        return wrong(f"a device responds {where}, but can't be set up as a display: {_words(error)}", *_wiring(context))
    if likely:
        return wrong(
            f"no display responds {where}, but one may be at {_hexadecimal(likely[0])}, where a device responds",
            f"Set display.i2c_address to auto, or to {_hexadecimal(likely[0])}, in the settings.",
        )
    if others:
        named = ", ".join(map(_hexadecimal, others))
        return wrong(
            f"no display responds {where}; devices respond at {named}, which are not addresses of a display",
            *_wiring(context),
        )
    return wrong(f"no display responds {where}, and no device at any other address", *_wiring(context))


def _wiring(context: CheckContext) -> tuple[str, ...]:
    """What to check of the display's connection."""
    return WIRES if context.config.hardware == SOLDERED else BOARDS


def _stuck(port: int) -> Finding:
    return wrong(
        f"the I2C bus {port} is stuck: a transfer timed out",
        "Unplug the box for ten seconds, and try again.",
        "If that does not help: SDA or SCL touches ground or each other, or the display is broken; try another one.",
    )


def _hexadecimal(address: int) -> str:
    return f"0x{address:02X}"


def _words(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return said or type(error).__name__


class _Bus:
    """The bus and the display on it. Every method may block for ever; a lock serialises threads."""

    def __init__(self, context: CheckContext) -> None:
        self._bench = context
        self._bus: Any = None
        self._device: Any = None
        self._turn = threading.Lock()

    @property
    def opened(self) -> bool:
        """Whether the bus is open."""
        return self._bus is not None

    def show(self) -> DisplayIdentity:
        """Set up the display and show the test picture. Raises errors of luma, the bus and identification."""
        display = self._bench.config.display
        with self._turn:
            self._bus = self._bench.open_bus(display.i2c_port)
            self._device = make_i2c_device(
                display.driver,
                display.i2c_port,
                display.i2c_address,
                display.rotate,
                display.contrast,
                display.height,
                chosen=display_file.load(self._bench.config.state_dir),
                bus=self._bus,
            )
            self._device.display(draw_test(self._device.size).convert(self._device.mode))
            identity: DisplayIdentity = self._device.identity
            return identity

    def scan(self) -> list[int]:
        """The addresses that respond to a read; a write could change the state of another device."""
        with self._turn:
            return [address for address in ADDRESSES if self._answers(address)]

    def close(self) -> None:
        """Blank the display and close the bus. Raises errors of luma and the bus."""
        with self._turn:
            try:
                if self._device is not None:
                    self._device.cleanup()
            finally:
                if self._bus is not None:
                    self._bus.close()

    def _answers(self, address: int) -> bool:
        try:
            self._bus.read_byte(address)
        except OSError as error:
            # A kernel driver uses the device.
            return error.errno == errno.EBUSY
        return True


def draw_test(size: tuple[int, int]) -> Image:
    """A frame along the edge, and words in the middle."""
    from PIL import ImageDraw

    from appliance.panel.drawing import draw_screen

    picture: Image = draw_screen(TEST_PICTURE, size, beat=None, pressed=False, shift=0)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=1)
    return picture

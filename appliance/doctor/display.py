"""The check of the display: its bus, its address, and a picture on it.

Every call of the bus is made on a daemon thread with a deadline: a bus that is held low by a broken part never returns.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from appliance.core.view import Line, Message, Size
from appliance.doctor.context import ELSEWHERE, Bench
from appliance.doctor.finding import Finding, not_tried, ok, wrong
from appliance.panel.oled import make_i2c_device

if TYPE_CHECKING:
    from PIL.Image import Image

ADDRESSES = range(0x08, 0x78)
"""Where a device may be on the bus; those below and above are reserved (I2C specification, reserved addresses)."""
DISPLAY_ADDRESSES = (0x3C, 0x3D)
"""Where small OLEDs are, by a resistor on their back (data sheets of SSD1306 and SH1106)."""
MOVED_BY = 2
"""Columns by which a picture is shifted, with noise at an edge, when an SH1106 is taken for an SSD1306."""
TEST_PICTURE = Message((Line("test", Size.MEDIUM), Line("this way up")))
WIRES = (
    "Check the display's four wires at the pin header: VCC to position 1 (3.3 V), GND to 6, SDA to 3, SCL to 5.",
    "Are SDA and SCL swapped? Is every joint soldered?",
)


async def check_display(bench: Bench) -> Finding:
    """Set the display up, show a test picture with a frame around it, and ask whether it is seen."""
    if bench.held:
        return not_tried("not tried: another program may be drawing on it")
    bus = _Bus(bench)
    patience = bench.limits.bus
    try:
        return await _try(bench, bus)
    except TimeoutError:
        # Should it come back after all, it is blanked then; nobody waits for that.
        patience = 0.0
        return _stuck(bench.config.display.i2c_port)
    finally:
        # What is wrong with this display was found already, and there is nothing more to do about it.
        with suppress(Exception):
            await bench.blocking(bus.close, "blank the display", patience)


async def _try(bench: Bench, bus: _Bus) -> Finding:
    """As above, and leaves the picture there. Raises TimeoutError where the bus is stuck."""
    display = bench.config.display
    try:
        await bench.blocking(bus.show, "show the test picture", bench.limits.bus)
    except TimeoutError:
        raise
    except FileNotFoundError:
        return await _no_bus(bench)
    except PermissionError:
        return wrong(
            f"the I2C bus {display.i2c_port} may not be used", "Run it with all rights: sudo tt-appliance doctor"
        )
    except Exception as error:  # noqa: BLE001 - luma raises errors of its own kind, bare OSErrors and assertions
        return await _silent(bench, bus, error)
    where = f"at 0x{display.i2c_address:02X}"
    seen = await bench.console.ask(
        "Do you see a frame around the whole display, and words the right way up?", bench.limits.answer
    )
    if seen is None:
        await asyncio.sleep(bench.limits.lit)
        return ok(f"answers {where} and took a picture; nobody was asked whether it was seen")
    if seen:
        return ok(f"answers {where}; its picture was seen")
    return _not_seen(display.driver, where)


def _not_seen(driver: str, where: str) -> Finding:
    other = "ssd1306" if driver == "sh1106" else "sh1106"
    return wrong(
        f"answers {where}, but its picture was not seen as it is meant to be",
        "Upside down: set display.rotate to 2 (or back to 0).",
        f"Shifted by {MOVED_BY} columns, or with noise at an edge: set display.driver to {other}.",
        "Squeezed, or every second row dark: set display.height to what the display has, 64 or 32.",
        "Very dark: set display.contrast higher.",
        "Nothing at all: the display is broken, or its glass is; try another one.",
    )


async def _no_bus(bench: Bench) -> Finding:
    port = bench.config.display.i2c_port
    return wrong(
        f"this machine has no I2C bus {port} (there is no /dev/i2c-{port})",
        "Switch it on: sudo raspi-config, then Interface Options, I2C, Yes; then restart the box."
        if await bench.is_on_a_pi()
        else ELSEWHERE,
    )


async def _silent(bench: Bench, bus: _Bus, error: Exception) -> Finding:
    """What to say of a display that can't be set up; the others on its bus tell most about why. Raises as above."""
    display = bench.config.display
    where = f"at 0x{display.i2c_address:02X} on bus {display.i2c_port}"
    if not bus.opened:
        return wrong(
            f"the I2C bus {display.i2c_port} can't be used: {_words(error)}",
            "Take the box off its supply for ten seconds, and try again.",
        )
    if isinstance(error, OSError) and error.errno == errno.EBUSY:
        return wrong(
            f"what is {where} is held by a driver of the system itself",
            "Take the line with dtoverlay that names the display out of /boot/firmware/config.txt; then restart the "
            "box.",
        )
    try:
        there = await bench.blocking(bus.scan, "look for other addresses", bench.limits.bus)
    except TimeoutError:
        raise
    except Exception as scanning:  # noqa: BLE001 - as above; the first error is the one that counts
        return wrong(f"no display {where}: {_words(error)} ({_words(scanning)})", *WIRES)
    others = [one for one in there if one != display.i2c_address]
    likely = [one for one in others if one in DISPLAY_ADDRESSES]
    if display.i2c_address in there:
        return wrong(f"something answers {where}, but can't be set up: {_words(error)}", *WIRES)
    if likely:
        return wrong(
            f"no display answers {where}, but one may be at 0x{likely[0]:02X}, where something answers",
            f"Set display.i2c_address to 0x{likely[0]:02X} in the settings.",
        )
    if others:
        named = ", ".join(f"0x{one:02X}" for one in others)
        return wrong(f"no display answers {where}; what answers is at {named}, where no display is known to be", *WIRES)
    return wrong(f"no display answers {where}, nor does anything at another address", *WIRES)


def _stuck(port: int) -> Finding:
    return wrong(
        f"the I2C bus {port} is stuck: it does not come back from a call",
        "Take the box off its supply for ten seconds, and try again.",
        "If it stays so: SDA or SCL touches ground or each other, or the display is broken; try another one.",
    )


def _words(error: Exception) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return said or type(error).__name__


class _Bus:
    """The bus with the display on it. Every method blocks, perhaps for ever; calls from several threads take turns."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._bus: Any = None
        self._device: Any = None
        self._turn = threading.Lock()

    @property
    def opened(self) -> bool:
        """Whether the bus could be opened."""
        return self._bus is not None

    def show(self) -> None:
        """Set the display up and show the test picture. Raises what luma and the bus raise."""
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
                bus=self._bus,
            )
            self._device.display(draw_test(self._device.size).convert(self._device.mode))

    def scan(self) -> list[int]:
        """The addresses that answer. They are only read from: a write might change what a stranger keeps."""
        with self._turn:
            return [address for address in ADDRESSES if self._answers(address)]

    def close(self) -> None:
        """Blank the display and close the bus. Raises what luma and the bus raise."""
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
            # A driver of the kernel's has it: something is there, but no display of ours.
            return error.errno == errno.EBUSY
        return True


def draw_test(size: tuple[int, int]) -> Image:
    """A frame along the very edge, and words in the middle."""
    from PIL import ImageDraw

    from appliance.panel.drawing import draw_screen

    picture: Image = draw_screen(TEST_PICTURE, size, beat=None, pressed=False, shift=0)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=1)
    return picture

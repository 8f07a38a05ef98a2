"""The display: pictures to a luma device, in a thread of its own, whatever the bus does.

Owns the one thread that touches the bus, and everything about a display that is missing, pulled out or stuck. The loop
only leaves the latest picture for it and looks from outside whether it still moves.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from appliance.panel.pages import send

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

Paint = Callable[[tuple[int, int]], "Image"]
"""Makes the picture for a display of this width and height."""

CLOSE = 0.5
"""Seconds that the end waits for the display to be blanked."""
GREETING = 0.3
"""Seconds that the program waits for its first picture before it loads the rest of itself."""
NOP = 0xE3
"""The command that does nothing, but is acknowledged (data sheets of SSD1306 and SH1106)."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When the display is looked at, in seconds.

    probe: between probes while the picture stays; so long may a pulled display go unnoticed. retry, retry_most: before
    a display that failed is set up again, at first and at most. stuck: after which a call counts as stuck; the slowest
    good one, a set-up at 100 kHz, takes 0.3.
    """

    probe: float = 2.0
    retry: float = 1.0
    retry_most: float = 10.0
    stuck: float = 3.0


class Oled:
    """A display on the I2C bus.

    driver: a class of luma.oled.device. port, address: the bus and where the display is on it. rotate: quarter turns as
    luma counts them. contrast: 0 to 255. make_device: what makes the luma device, for tests.
    changed: called in the loop's thread when `fault` changes.
    """

    def __init__(
        self,
        driver: str = "ssd1306",
        port: int = 1,
        address: int = 0x3C,
        rotate: int = 0,
        contrast: int = 127,
        *,
        make_device: Callable[[], Any] | None = None,
        changed: Callable[[], None] = lambda: None,
        timing: Timing | None = None,
    ) -> None:
        self._make = make_device or (lambda: make_i2c_device(driver, port, address, rotate, contrast))
        self._changed = changed
        self._timing = timing or Timing()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._drawn = threading.Event()
        self._mail: SimpleQueue[Paint | None] = SimpleQueue()
        self._busy_since: float | None = None
        self._fault: str | None = None
        self._early: str | None = None
        self._begun = False

    @property
    def fault(self) -> str | None:
        """What is wrong with the display, in words; None while it works."""
        return self._fault

    def greet(self, paint: Paint) -> None:
        """Show a first picture before there is a loop, and wait for it, but not for long."""
        self.show(paint)
        self._begin()
        self._drawn.wait(GREETING)

    def start(self) -> None:
        """Start the thread if there was no greeting, and watch it, inside a running loop."""
        self._loop = asyncio.get_running_loop()
        if not self._begun:
            self._begin()
        elif self._early is not None:
            self._tell(self._early)
        self._look()

    def show(self, paint: Paint) -> None:
        """Show this picture next, in place of any that was not drawn yet. Returns at once."""
        self._mail.put(paint)

    async def close(self) -> None:
        """Blank the display; a stuck one is left behind after half a second."""
        if self._watch is not None:
            self._watch.cancel()
        if not self._begun:
            return
        self._loop = asyncio.get_running_loop()
        self._mail.put(None)
        try:
            await asyncio.wait_for(self._ended.wait(), CLOSE)
        except TimeoutError:
            log.warning("the display did not answer in time and was not blanked")

    def _begin(self) -> None:
        self._begun = True
        threading.Thread(target=self._run, name="display", daemon=True).start()

    def _look(self) -> None:
        """Look from outside whether the thread still moves: a stuck call can't tell so itself."""
        assert self._loop is not None
        since = self._busy_since
        if since is not None and time.monotonic() - since > self._timing.stuck:
            self._tell("the bus is stuck")
        self._watch = self._loop.call_later(self._timing.stuck, self._look)

    def _tell(self, fault: str | None) -> None:
        if (fault is None) == (self._fault is None):
            return
        self._fault = fault
        if fault is not None:
            log.warning("the display does not work: %s; all else goes on, and it is tried again", fault)
        else:
            log.info("the display works")
        self._changed()

    # From here on: in the display's own thread.

    def _run(self) -> None:
        device: Any = None
        paint: Paint | None = None
        shown: tuple[Paint, Image] | None = None
        delay = self._timing.retry
        wait = 0.0
        while True:
            closing, newest = self._collect(wait, only_the_end=device is None)
            paint = newest or paint
            if closing:
                break
            self._busy_since = time.monotonic()
            try:
                if device is None:
                    device, shown = self._make(), None
                if paint is not None and (shown is None or shown[0] is not paint):
                    picture = paint(device.size)
                    send(device, picture, shown[1] if shown else None)
                    shown = paint, picture
                else:
                    device.command(NOP)
            except Exception as error:  # noqa: BLE001
                # luma raises errors of its own kind, bare OSErrors and assertions; to the box they are all one:
                # no display for now.
                self._post(str(error) or type(error).__name__)
                self._drawn.set()
                _release(device)
                device = None
                wait, delay = delay, min(2 * delay, self._timing.retry_most)
            else:
                self._post(None)
                self._drawn.set()
                wait, delay = self._timing.probe, self._timing.retry
            finally:
                self._busy_since = None
        self._end(device)

    def _collect(self, wait: float, only_the_end: bool) -> tuple[bool, Paint | None]:
        """The latest of what came, after at most `wait` seconds; whether it is the end, and the picture.

        only_the_end: while there is no display, a picture does not cut the wait short.
        """
        until = time.monotonic() + wait
        newest: Paint | None = None
        while True:
            left = until - time.monotonic()
            try:
                mail = (
                    self._mail.get(timeout=left)
                    if left > 0 and (newest is None or only_the_end)
                    else self._mail.get_nowait()
                )
            except Empty:
                return False, newest
            if mail is None:
                return True, newest
            newest = mail

    def _post(self, fault: str | None) -> None:
        if self._loop is None:
            self._early = fault
        elif (fault is None) != (self._fault is None):
            self._call(self._tell, fault)

    def _end(self, device: Any) -> None:
        if device is not None:
            try:
                device.cleanup()
            except Exception as error:  # noqa: BLE001
                # As above; and at the end there is nothing left to do about it.
                log.debug("the display could not be blanked: %s", error)
        self._call(self._ended.set)

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            # The loop ended without waiting for a stuck bus.
            log.debug("the display's thread outlived the loop")


def make_i2c_device(driver: str, port: int, address: int, rotate: int, contrast: int, bus: Any = None) -> Any:
    """Set up a luma device on the I2C bus. bus: luma's seam for another one. Raises what luma and the bus raise."""
    import luma.oled.device
    from luma.core.interface.serial import i2c

    kind = getattr(luma.oled.device, driver)
    serial = i2c(bus=bus, port=port, address=address)
    try:
        # Asked first, so that where nothing answers the long set-up is not even begun.
        serial.command(NOP)
        device = kind(serial, rotate=rotate)
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


def _release(device: Any) -> None:
    """Close the bus of a device that failed."""
    if device is None:
        return
    try:
        device._serial_interface.cleanup()
    except Exception as error:  # noqa: BLE001
        # Its bus is given up anyway, for whatever reason it can't be closed.
        log.debug("the display's bus could not be closed: %s", error)

"""The display: pictures to a luma device, in a thread of its own, whatever the bus does.

Owns the one thread that touches the bus, and everything about a display that is missing, pulled out or stuck. The loop
only leaves the latest picture for it and looks from outside whether it still moves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from appliance.core.view import Power
from appliance.panel.display import Display, Paint, Timing
from appliance.panel.incremental_display import make_i2c_device

if TYPE_CHECKING:
    # Loaded where it is used: the first picture does not wait for it.
    import asyncio

__all__ = ["Oled", "Paint", "Timing", "make_i2c_device"]

log = logging.getLogger(__name__)

CLOSE = 0.8
"""Seconds that the end waits for the display to be blanked; a panel has a second."""
LAST_WORDS = 0.4
"""Seconds for which a picture that is the last one stays: time to see that something is said."""
KEEP = 4
"""Pictures that wait for the thread: on a stuck bus they would become more and more, and only the last is wanted."""
GREETING = 0.3
"""Seconds that the program waits for its first picture before it loads the rest of itself."""


class Oled:
    """A display on the I2C bus.

    driver: a class of luma.oled.device. port, address: the bus and where the display is on it. rotate: quarter turns as
    luma counts them. contrast: 0 to 255. height: 32 or 64. make_device: what makes the frugal luma device, for tests.
    changed: called in the loop's thread when `fault` changes.
    """

    def __init__(
        self,
        driver: str = "ssd1306",
        port: int = 1,
        address: int = 0x3C,
        rotate: int = 0,
        contrast: int = 127,
        height: int = 64,
        *,
        make_device: Callable[[], Any] | None = None,
        changed: Callable[[], None] = lambda: None,
        timing: Timing | None = None,
    ) -> None:
        make = make_device or (lambda: make_i2c_device(driver, port, address, rotate, contrast, height))
        self._changed = changed
        self._timing = timing or Timing()
        self._display = Display(make, contrast, self._timing)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._ended: asyncio.Event | None = None
        self._drawn = threading.Event()
        self._mail: SimpleQueue[tuple[Paint, Power] | None] = SimpleQueue()
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
        import asyncio

        self._loop = asyncio.get_running_loop()
        if not self._begun:
            self._begin()
        elif self._early is not None:
            self._tell(self._early)
        self._look()

    def show(self, paint: Paint, power: Power = Power.BRIGHT) -> None:
        """Show this picture next, in place of any that was not drawn yet, so brightly. Returns at once."""
        self._send((paint, power))
        if self._watch is not None:
            self._look()

    async def close(self) -> None:
        """Blank the display, a moment after its last picture; a stuck one is left behind within a second."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if not self._begun:
            return
        import asyncio

        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._send(None)
        try:
            await asyncio.wait_for(self._ended.wait(), CLOSE)
        except TimeoutError:
            log.warning("the display did not answer in time and was not blanked")

    def _send(self, mail: tuple[Paint, Power] | None) -> None:
        if self._loop is None:
            self._put(mail)
        else:
            # Last of all that is due: the thread finds the interpreter free, and is woken once a picture and not twice.
            self._loop.call_soon(self._put, mail)

    def _put(self, mail: tuple[Paint, Power] | None) -> None:
        while self._mail.qsize() >= KEEP:
            with suppress(Empty):
                self._mail.get_nowait()
        self._mail.put(mail)

    def _begin(self) -> None:
        self._begun = True
        threading.Thread(target=self._run, name="display", daemon=True).start()

    def _look(self) -> None:
        """Look from outside whether the thread still moves: a stuck call can't tell so itself.

        The next look is put off by every picture: while those come often enough, the loop is not woken for it.
        """
        assert self._loop is not None
        if self._watch is not None:
            self._watch.cancel()
        stuck, since = self._timing.stuck, self._busy_since
        left = stuck if since is None or self._fault is not None else since + stuck - time.monotonic()
        self._watch = self._loop.call_later(left if left > 0 else stuck, self._look)
        if left <= 0:
            self._tell("the bus is stuck")

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
        display = self._display
        paint: Paint | None = None
        power = Power.BRIGHT
        delay = self._timing.retry
        wait = 0.0
        while True:
            closing, newest = self._collect(wait, only_the_end=not display.works)
            if newest is not None:
                paint, power = newest
            if closing:
                if newest is not None and display.works:
                    self._last_words(*newest)
                break
            self._busy_since = time.monotonic()
            try:
                display.update(paint, power)
            except Exception as error:  # noqa: BLE001
                # luma raises errors of its own kind, bare OSErrors and assertions; to the box they are all one:
                # no display for now.
                self._post(str(error) or type(error).__name__)
                self._drawn.set()
                display.release()
                wait, delay = delay, min(2 * delay, self._timing.retry_most)
            else:
                self._post(None)
                self._drawn.set()
                wait, delay = display.wait, self._timing.retry
            finally:
                self._busy_since = None
        self._end()

    def _collect(self, wait: float, only_the_end: bool) -> tuple[bool, tuple[Paint, Power] | None]:
        """The latest of what came, after at most `wait` seconds; whether it is the end, and the picture with its power.

        only_the_end: while there is no display, a picture does not cut the wait short.
        """
        until = time.monotonic() + wait
        newest: tuple[Paint, Power] | None = None
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

    def _last_words(self, paint: Paint, power: Power) -> None:
        try:
            self._display.update(paint, power)
        except Exception as error:  # noqa: BLE001
            # As above; it is blanked next, or fails again.
            log.debug("the last picture could not be shown: %s", error)
        else:
            time.sleep(LAST_WORDS)

    def _end(self) -> None:
        try:
            self._display.blank()
        except Exception as error:  # noqa: BLE001
            # As above; and at the end there is nothing left to do about it.
            log.debug("the display could not be blanked: %s", error)
        assert self._ended is not None, "it ends only when it is closed"
        self._call(self._ended.set)

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            # The loop ended without waiting for a stuck bus.
            log.debug("the display's thread outlived the loop")

"""Shows pictures on a luma device, in a thread of its own, so that the I2C bus can't block the loop.

Only this thread uses the bus; it retries a display that is missing or unplugged. The loop queues the latest picture for
it, and checks from outside whether the thread is stuck.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from appliance.core.values import DisplayIdentity
from appliance.core.view import Power
from appliance.panel.display import Display, Paint, Timing
from appliance.panel.incremental_display import AUTO, make_i2c_device

if TYPE_CHECKING:
    # Imported where it is used, because the first picture must not wait for it.
    import asyncio

__all__ = ["Oled", "Paint", "Timing", "make_i2c_device"]

log = logging.getLogger(__name__)

CLOSE_TIMEOUT = 0.8
"""Seconds that close() waits for the display to be blanked; a panel has one second to close."""
LAST_PICTURE_TIME = 0.4
"""Seconds for which the last picture stays before the display is blanked, long enough to notice it."""
QUEUE_SIZE = 4
"""Pictures to queue for the thread: a bound for a stuck bus, because only the last one is needed."""
FIRST_PICTURE_TIMEOUT = 0.3
"""Seconds that the program waits for its first picture before it imports its other modules."""


class Oled:
    """A display on the I2C bus.

    driver: a class of luma.oled.device, or AUTO. port, address: the number of the bus and the display's address, None
    to find it. rotate: in quarter turns, as in luma. height: 32 or 64. contrast: 0 to 255. chosen: as in
    make_i2c_device. make_device: replaces make_i2c_device, for tests. changed: called in the loop's thread when `fault`
    changes. identified: called there when a display was set up that is not the last one, or with another driver.
    """

    def __init__(
        self,
        driver: str = AUTO,
        port: int = 1,
        address: int | None = None,
        rotate: int = 0,
        height: int = 64,
        *,
        contrast: int,
        chosen: DisplayIdentity | None = None,
        make_device: Callable[[], Any] | None = None,
        changed: Callable[[], None] = lambda: None,
        identified: Callable[[DisplayIdentity], None] = lambda _: None,
        timing: Timing | None = None,
    ) -> None:
        make = make_device or (
            lambda: make_i2c_device(driver, port, address, rotate, contrast, height, chosen=self._chosen)
        )
        self._changed = changed
        self._identified = identified
        self._chosen = chosen
        self._identity: DisplayIdentity | None = None
        self._told_identity: DisplayIdentity | None = None
        self._last: tuple[Paint, Power] | None = None
        self._timing = timing or Timing()
        self._display = Display(make, contrast, self._timing)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stuck_timer: asyncio.TimerHandle | None = None
        self._ended: asyncio.Event | None = None
        self._first_done = threading.Event()
        self._queue: SimpleQueue[tuple[Paint, Power] | None] = SimpleQueue()
        self._busy_since: float | None = None
        self._fault: str | None = None
        self._early_fault: str | None = None
        self._started = False

    @property
    def fault(self) -> str | None:
        """The error that keeps the display from working; None while it works."""
        return self._fault

    @property
    def works(self) -> bool | None:
        """Whether the display took the last picture; None before the first one."""
        return self._fault is None if self._first_done.is_set() else None

    def show_first(self, paint: Paint) -> None:
        """Show a first picture before the loop runs, and wait for it up to FIRST_PICTURE_TIMEOUT."""
        self.show(paint)
        self._start_thread()
        self._first_done.wait(FIRST_PICTURE_TIMEOUT)

    def start(self) -> None:
        """Start the thread unless show_first() did, and monitor it, inside a running loop."""
        import asyncio

        self._loop = asyncio.get_running_loop()
        if not self._started:
            self._start_thread()
        elif self._early_fault is not None:
            self._set_fault(self._early_fault)
        if self._identity is not None:
            self._tell_identity(self._identity)
        self._check_stuck()

    def choose(self, display: DisplayIdentity) -> None:
        """Draw with this display's driver, if it is connected. Returns at once."""
        if display != self._chosen:
            self._chosen = display
            if self._last is not None:
                self._send(self._last)

    def show(self, paint: Paint, power: Power = Power.BRIGHT) -> None:
        """Queue a picture in place of any that was not drawn yet. Returns at once."""
        self._last = paint, power
        self._send(self._last)
        if self._stuck_timer is not None:
            self._check_stuck()

    async def close(self) -> None:
        """Blank the display after LAST_PICTURE_TIME; gives up on a stuck one after CLOSE_TIMEOUT."""
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None
        if not self._started:
            return
        import asyncio

        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._send(None)
        try:
            await asyncio.wait_for(self._ended.wait(), CLOSE_TIMEOUT)
        except TimeoutError:
            log.warning("the display did not respond in time, so it was not blanked")

    def _send(self, item: tuple[Paint, Power] | None) -> None:
        if self._loop is None:
            self._put(item)
        else:
            # After everything else that is due: the thread then finds the GIL free, and wakes only once a picture.
            self._loop.call_soon(self._put, item)

    def _put(self, item: tuple[Paint, Power] | None) -> None:
        while self._queue.qsize() >= QUEUE_SIZE:
            with suppress(Empty):
                self._queue.get_nowait()
        self._queue.put(item)

    def _start_thread(self) -> None:
        self._started = True
        threading.Thread(target=self._run, name="display", daemon=True).start()

    def _check_stuck(self) -> None:
        """Check from the loop whether the thread is stuck in a call.

        Every picture postpones the next check, so that a frequently updated display needs no extra wake-ups.
        """
        assert self._loop is not None
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
        stuck, since = self._timing.stuck, self._busy_since
        left = stuck if since is None or self._fault is not None else since + stuck - time.monotonic()
        self._stuck_timer = self._loop.call_later(left if left > 0 else stuck, self._check_stuck)
        if left <= 0:
            self._set_fault("the bus is stuck")

    def _set_fault(self, fault: str | None) -> None:
        if (fault is None) == (self._fault is None):
            return
        self._fault = fault
        if fault is not None:
            log.warning("the display failed: %s; retrying, the other parts still work", fault)
        else:
            log.info("the display works")
        self._changed()

    def _tell_identity(self, identity: DisplayIdentity) -> None:
        # Both start() and the thread may report the first one.
        if identity is not self._told_identity:
            self._told_identity = identity
            self._identified(identity)

    # The methods below run in the display's thread.

    def _run(self) -> None:
        display = self._display
        paint: Paint | None = None
        power = Power.BRIGHT
        delay = self._timing.retry
        wait = 0.0
        while True:
            closing, newest = self._collect(wait, only_close=not display.works)
            if newest is not None:
                paint, power = newest
            if closing:
                if newest is not None and display.works:
                    self._show_last(*newest)
                break
            self._busy_since = time.monotonic()
            if display.identity is not None and display.identity.is_to_be_redrawn(self._chosen):
                # update() sets it up anew.
                display.release()
            try:
                display.update(paint, power)
            except Exception as error:  # noqa: BLE001
                # luma raises its own errors, OSErrors and assertions; each means that the display failed.
                self._report(str(error) or type(error).__name__)
                self._first_done.set()
                display.release()
                wait, delay = delay, min(2 * delay, self._timing.retry_most)
            else:
                self._report_identity(display.identity)
                self._report(None)
                self._first_done.set()
                wait, delay = display.wait, self._timing.retry
            finally:
                self._busy_since = None
        self._end()

    def _collect(self, wait: float, only_close: bool) -> tuple[bool, tuple[Paint, Power] | None]:
        """Wait up to `wait` seconds; return whether to close, and the latest picture and power, if there is one.

        only_close: don't return early for a picture, because the display is not set up.
        """
        until = time.monotonic() + wait
        newest: tuple[Paint, Power] | None = None
        while True:
            left = until - time.monotonic()
            try:
                item = (
                    self._queue.get(timeout=left)
                    if left > 0 and (newest is None or only_close)
                    else self._queue.get_nowait()
                )
            except Empty:
                return False, newest
            if item is None:
                return True, newest
            newest = item

    def _report(self, fault: str | None) -> None:
        if self._loop is None:
            self._early_fault = fault
        elif (fault is None) != (self._fault is None):
            self._call(self._set_fault, fault)

    def _report_identity(self, identity: DisplayIdentity | None) -> None:
        known = self._identity
        if identity is None or (identity.is_same(known) and not identity.is_to_be_redrawn(known)):
            return
        if not identity.is_same(self._chosen):
            # The choice was for another display.
            self._chosen = None
        self._identity = identity
        if identity.found is not None:
            log.info("display at 0x%02X: %s; it answered %s", identity.address, _driver(identity), identity.raw)
        if self._loop is not None:
            self._call(self._tell_identity, identity)

    def _show_last(self, paint: Paint, power: Power) -> None:
        try:
            self._display.update(paint, power)
        except Exception as error:  # noqa: BLE001
            # As above; blanking the display comes next, and reports its own error.
            log.debug("can't show the last picture: %s", error)
        else:
            time.sleep(LAST_PICTURE_TIME)

    def _end(self) -> None:
        try:
            self._display.blank()
        except Exception as error:  # noqa: BLE001
            # As above; the thread ends anyway.
            log.debug("can't blank the display: %s", error)
        assert self._ended is not None, "the thread ends only after close()"
        self._call(self._ended.set)

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(callback, *args)
        except RuntimeError:
            # The loop was closed without waiting for a stuck bus.
            log.debug("the loop was closed before the display's thread ended")


def _driver(display: DisplayIdentity) -> str:
    """The driver in use, and whether it was detected."""
    return display.driver if display.driver == display.found else f"{display.driver}, chosen instead of {display.found}"

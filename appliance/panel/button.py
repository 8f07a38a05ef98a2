"""The button: from edges on a noisy wire to ButtonDown and ButtonUp, and ButtonStuck.

gpiozero calls back on threads of its own; everything here but that one hop runs in the loop's thread. gpiozero's own
debouncing is not used: it drops presses shorter than its window, and takes the first edge of noise for a press.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.core.events import ButtonDown, ButtonStuck, ButtonUp, Event

if TYPE_CHECKING:
    from gpiozero import DigitalInputDevice

log = logging.getLogger(__name__)

DEBOUNCE = 0.03
"""Seconds without an edge before a level counts: switches bounce for 1 to 20 ms, a quick tap lasts 50 ms."""
STUCK_AFTER = 10.0
"""Seconds from the start after which a button that was never up is stuck: whoever plugs the box in has let go of it."""


class ButtonPart:
    """A button between a pin and ground, the pin pulled up: low is pressed.

    A button that is down at the start counts only after it came up once, so that a stuck one presses nothing. It is
    told as stuck after a while, and then its coming up as a release.
    """

    def __init__(self, pin: DigitalInputDevice) -> None:
        self._pin = pin
        self._emit: Callable[[Event], None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._debounce_timer: asyncio.TimerHandle | None = None
        self._stuck_timer: asyncio.TimerHandle | None = None
        self._down = False
        self._armed = True

    def start(self, emit: Callable[[Event], None]) -> None:
        """Begin to watch, inside a running loop. emit is called in the loop's thread."""
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._pin.when_activated = self._on_edge
        self._pin.when_deactivated = self._on_edge
        self._down = bool(self._pin.value)
        self._armed = not self._down
        if self._down:
            log.warning("the button is down at the start; it counts once it came up")
            self._stuck_timer = self._loop.call_later(STUCK_AFTER, self._report_stuck)

    def close(self) -> None:
        """Watch no more, and give the pin back."""
        if self._emit is not None:
            self._pin.when_activated = None
            self._pin.when_deactivated = None
            self._emit = None
        for timer in (self._debounce_timer, self._stuck_timer):
            if timer is not None:
                timer.cancel()
        self._debounce_timer = self._stuck_timer = None
        self._pin.close()

    def _on_edge(self) -> None:
        """An edge, on one of gpiozero's threads."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._restart_debounce)
        except RuntimeError:
            # The loop was closed while this edge was on its way; there is nobody left to tell.
            log.debug("an edge came after the end")

    def _restart_debounce(self) -> None:
        if self._emit is None or self._loop is None:
            return
        if self._debounce_timer is not None:
            self._debounce_timer.cancel()
        self._debounce_timer = self._loop.call_later(DEBOUNCE, self._read_level)

    def _read_level(self) -> None:
        self._debounce_timer = None
        down = bool(self._pin.value)
        if self._emit is None or down == self._down:
            return
        self._down = down
        if self._stuck_timer is not None:
            self._stuck_timer.cancel()
            self._stuck_timer = None
        if self._armed:
            self._emit(ButtonDown() if down else ButtonUp())
        self._armed = True

    def _report_stuck(self) -> None:
        self._stuck_timer = None
        if self._emit is not None:
            log.warning("the button has been down since the start: it is stuck, or its wire touches ground")
            # Whoever is told that it is stuck is to be told when it no longer is.
            self._armed = True
            self._emit(ButtonStuck())

"""Debounces the button's GPIO edges into ButtonDown, ButtonUp and ButtonStuck events.

gpiozero calls back on its own threads; all else here runs in the loop's thread. gpiozero's debouncing is not used,
because it drops presses shorter than its window, and reports the first edge of noise as a press.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from appliance.core.events import ButtonDown, ButtonStuck, ButtonUp, Event

if TYPE_CHECKING:
    from gpiozero import DigitalInputDevice

log = logging.getLogger(__name__)

DEBOUNCE = 0.03
"""Seconds without an edge after which a level is stable: switches bounce for 1 to 20 ms, a quick tap lasts 50 ms."""
STUCK_AFTER = 10.0
"""Seconds after which a button that has been down since the start is stuck: nobody holds it that long by chance."""


def open_pin(number: int, active_high: bool, factory: Any = None) -> DigitalInputDevice:
    """Open a button's pin, with the pull resistor that its contact works against.

    number: BCM. active_high: a press makes the pin high, instead of connecting it to ground. factory: of gpiozero.
    Raises any error of gpiozero and the factory.
    """
    from gpiozero import DigitalInputDevice

    return DigitalInputDevice(number, pull_up=not active_high, pin_factory=factory)


class ButtonPart:
    """A button on a pin from open_pin.

    A button that is down at the start is ignored until it comes up, so that a stuck button presses nothing. After
    STUCK_AFTER seconds it is reported as stuck, and its coming up as a release.
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
        """Start to monitor the button, inside a running loop. emit is called in the loop's thread."""
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._pin.when_activated = self._on_edge
        self._pin.when_deactivated = self._on_edge
        self._down = bool(self._pin.value)
        self._armed = not self._down
        if self._down:
            log.warning("the button is pressed at startup; ignoring it until it is released")
            self._stuck_timer = self._loop.call_later(STUCK_AFTER, self._report_stuck)

    def close(self) -> None:
        """Stop monitoring, and release the pin."""
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
        """Handle an edge, on one of gpiozero's threads."""
        if self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._restart_debounce)
        except RuntimeError:
            # The loop was closed in the meantime.
            log.debug("ignoring a button edge after the loop was closed")

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
            log.warning(
                "the button has been pressed since startup: check if it is stuck, or its wire touches another one"
            )
            # The release of a button that was reported as stuck must be reported too.
            self._armed = True
            self._emit(ButtonStuck())

"""One display on the bus, from its set-up to its first fault and from there to the next set-up.

Owns what it shows, how brightly, and when it is asked whether it is still there. Every method may block as long as the
bus does, and raises whatever luma and the bus raise.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.core.view import Power
from appliance.panel.incremental_display import NOP

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

Paint = Callable[[tuple[int, int]], "Image"]
"""Makes the picture for a display of this width and height."""

DIM_CONTRAST = 1
"""The contrast of a dim display. It is not 0, with which some displays go dark."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When the display is looked at, in seconds.

    probe: from the last transfer to a probe; so long may a pulled display go unnoticed. It is longer than a heartbeat,
    so that one takes the other's place. refresh: between refreshes, each at the first look or picture after it is due;
    so long may a display stay wrong that lost its memory without a failed transfer. retry, retry_most: before a display
    that failed is set up again, at first and at most. stuck: after which a call counts as stuck; the slowest good one,
    a set-up at 100 kHz, takes 0.3.
    """

    probe: float = 2.5
    refresh: float = 60.0
    retry: float = 1.0
    retry_most: float = 10.0
    stuck: float = 3.0


class Display:
    """make: sets up a frugal device of luma's (see frugal). contrast: of a bright display, 0 to 255. clock: seconds."""

    def __init__(
        self, make: Callable[[], Any], contrast: int, timing: Timing, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._contrast = contrast
        self._timing = timing
        self._clock = clock
        self._device: Any = None
        self._shown: tuple[Paint, Image] | None = None
        self._power = Power.BRIGHT
        self._reached = self._refreshed = 0.0

    @property
    def works(self) -> bool:
        """Whether it is set up, and nothing has failed since."""
        return self._device is not None

    @property
    def wait(self) -> float:
        """Seconds until it wants to be updated although nothing is new; 0 or less if it does so now."""
        return self._reached + self._timing.probe - self._clock()

    def update(self, paint: Paint | None, power: Power) -> None:
        """Bring it to show this, so brightly; set it up, refresh or probe it where that is due.

        paint: None while there is nothing to show yet. After an exception: release it, and update it again.
        """
        if self._device is None:
            self._set_up()
        elif paint is not None and self._clock() - self._refreshed >= self._timing.refresh:
            self._device.refresh()
            self._refreshed = self._clock()
            self._show(paint, power, full=True)
        if paint is not None and (power is not self._power or self._shown is None or self._shown[0] is not paint):
            self._show(paint, power)
        if self.wait <= 0:
            self._device.command(NOP)
            self._reached = self._clock()

    def blank(self) -> None:
        """Switch it off, empty, and close its bus."""
        if self._device is not None:
            self._device.cleanup()

    def release(self) -> None:
        """Give up a device that failed, and close its bus. Raises nothing."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            device._serial_interface.cleanup()
        except Exception as error:  # noqa: BLE001
            # Its bus is given up anyway, for whatever reason it can't be closed.
            log.debug("the display's bus could not be closed: %s", error)

    def _set_up(self) -> None:
        self._device = self._make()
        self._shown = None
        self._power = Power.BRIGHT
        self._reached = self._refreshed = self._clock()

    def _show(self, paint: Paint, power: Power, full: bool = False) -> None:
        """Draw, send, and set the power; what is not to be seen any more goes first, what is to be seen comes last."""
        device, before = self._device, self._power
        sent = full
        if self._shown is None or self._shown[0] is not paint:
            self._shown = paint, paint(device.size)
        if power is not before:
            sent = True
            if power is Power.DARK:
                device.hide()
            else:
                device.contrast(self._contrast if power is Power.BRIGHT else min(DIM_CONTRAST, self._contrast))
        sent |= device.display(self._shown[1])
        if before is Power.DARK and power is not Power.DARK:
            device.show()
        self._power = power
        if sent:
            self._reached = self._clock()

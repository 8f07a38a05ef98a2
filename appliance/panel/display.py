"""One display on the I2C bus: sets it up, shows pictures, and probes it; sets it up again after a fault.

Every method may block as long as the bus does, and raises any error of luma and the bus.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.core.values import DisplayIdentity
from appliance.core.view import Power
from appliance.panel.identification import NOP

if TYPE_CHECKING:
    from PIL.Image import Image

log = logging.getLogger(__name__)

Paint = Callable[[tuple[int, int]], "Image"]
"""Draws the picture for a display of this width and height."""

DIM_CONTRAST = 1
"""The contrast of a dim display. Not 0, because that switches some displays off."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Timeouts and intervals in seconds.

    probe: from the last transfer to a probe, which detects an unplugged display; longer than the interval of the
    heartbeat, so that its transfers replace the probes. refresh: between refreshes, which repair a display that lost
    its memory or settings without a failed transfer; each comes with the next probe or picture. retry, retry_most:
    back-off before setting up a failed display again, first and longest. stuck: after which a call counts as stuck; the
    slowest normal call, a set-up at 100 kHz, takes 0.3.
    """

    probe: float = 2.5
    refresh: float = 60.0
    retry: float = 1.0
    retry_most: float = 10.0
    stuck: float = 3.0


class Display:
    """make: sets up a luma device with an incremental display() and an identity (see make_i2c_device).

    contrast: of a bright display, 0 to 255. clock: in seconds.
    """

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
        """Whether the display is set up, and nothing has failed since."""
        return self._device is not None

    @property
    def identity(self) -> DisplayIdentity | None:
        """What is known of the display; None unless it works."""
        return None if self._device is None else self._device.identity

    @property
    def wait(self) -> float:
        """Seconds until update() is due without a new picture; 0 or less if it is due now."""
        return self._reached + self._timing.probe - self._clock()

    def update(self, paint: Paint | None, power: Power) -> None:
        """Show a picture at this power; first set the display up, refresh or probe it if that is due.

        paint: None while there is no picture yet. After an exception, call release(), and then update() again.
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
        """Clear the display, switch it off, and close its bus."""
        if self._device is not None:
            self._device.cleanup()

    def release(self) -> None:
        """Discard a device that failed, and close its bus. Never raises."""
        device, self._device = self._device, None
        if device is None:
            return
        try:
            # An SH1106 that was interrupted in a picture would answer the next read with its memory, not its status.
            device.command(NOP)
        except Exception as error:  # noqa: BLE001
            # It failed anyway, whatever error luma raises.
            log.debug("the display takes no command: %s", error)
        try:
            device._serial_interface.cleanup()
        except Exception as error:  # noqa: BLE001
            # The device is discarded anyway, whatever error luma raises.
            log.debug("can't close the display's bus: %s", error)

    def _set_up(self) -> None:
        self._device = self._make()
        self._shown = None
        self._power = Power.BRIGHT
        self._reached = self._refreshed = self._clock()

    def _show(self, paint: Paint, power: Power, full: bool = False) -> None:
        """Send the picture and the power: switch off before, and on after, so that no wrong picture is visible."""
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

"""Blinks the three LEDs, and sets their pins.

Blinker serves every kind of panel. gpiozero's blinking is not used: it runs a thread for each LED, and stopping it
joins the thread, which would block the loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from appliance.core.view import LedMode, Leds

if TYPE_CHECKING:
    from gpiozero import DigitalOutputDevice

log = logging.getLogger(__name__)

TICK = 0.125
"""Seconds that a fast LED stays on, and off: four blinks a second."""
SLOW_TICKS = 4
"""Ticks that a slow LED stays on, and off: one blink a second."""

FLASH = 0.1
"""Seconds for which all LEDs are lit as feedback on a press."""

Lit = tuple[bool, bool, bool]
"""Whether green, amber and red are lit at this moment."""


class Blinker:
    """Computes which LEDs are lit now; uses a single timer, and only while an LED blinks.

    changed: called in the loop's thread after each change. All LEDs blink in phase, starting lit.
    """

    def __init__(self, changed: Callable[[Lit], None]) -> None:
        self._changed = changed
        self._leds = Leds()
        self._lit: Lit = (False, False, False)
        self._epoch: float | None = None
        self._ticks = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lit(self) -> Lit:
        """The LEDs that are lit now."""
        return self._lit

    def show(self, leds: Leds) -> None:
        """Set the LEDs' modes. Call it inside a running loop."""
        if leds == self._leds:
            return
        self._leds = leds
        self._stop_timer()
        if self._step:
            now = asyncio.get_running_loop().time()
            if self._epoch is None:
                self._epoch = now
            self._ticks = int((now - self._epoch) / TICK + 1e-6)
            self._schedule(self._epoch)
        else:
            self._epoch = None
        self._update()

    def close(self) -> None:
        """Switch all LEDs off, and stop the timer."""
        self._stop_timer()
        self._leds = Leds()
        self._epoch = None
        self._update()

    @property
    def _step(self) -> int:
        """Ticks between two changes; 0 if no LED blinks."""
        modes = (self._leds.green, self._leds.amber, self._leds.red)
        return 1 if LedMode.FAST in modes else SLOW_TICKS if LedMode.SLOW in modes else 0

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, epoch: float) -> None:
        loop = asyncio.get_running_loop()
        following = (self._ticks // self._step + 1) * self._step
        self._timer = loop.call_at(epoch + following * TICK, self._tick, epoch, following)

    def _tick(self, epoch: float, ticks: int) -> None:
        self._ticks = ticks
        self._update()
        self._schedule(epoch)

    def _update(self) -> None:
        lit = (self._is_lit(self._leds.green), self._is_lit(self._leds.amber), self._is_lit(self._leds.red))
        if lit != self._lit:
            self._lit = lit
            self._changed(lit)

    def _is_lit(self, mode: LedMode) -> bool:
        match mode:
            case LedMode.OFF:
                return False
            case LedMode.ON:
                return True
            case LedMode.FAST:
                return self._ticks % 2 == 0
            case LedMode.SLOW:
                return self._ticks // SLOW_TICKS % 2 == 0


class LedPart:
    """The LEDs on their pins: green, amber and red; None for an absent LED."""

    def __init__(self, pins: Sequence[DigitalOutputDevice | None]) -> None:
        self._pins = tuple(pins)
        self._blinker = Blinker(self._changed)
        self._flash_timer: asyncio.TimerHandle | None = None

    def show(self, leds: Leds) -> None:
        """Set the LEDs' modes. Call it inside a running loop."""
        self._blinker.show(leds)

    def flash(self) -> None:
        """Light all LEDs for FLASH seconds. Call it inside a running loop."""
        if self._flash_timer is not None:
            self._flash_timer.cancel()
        self._flash_timer = asyncio.get_running_loop().call_later(FLASH, self._end_flash)
        self._write((True, True, True))

    def close(self) -> None:
        """Switch all LEDs off, and release the pins."""
        if self._flash_timer is not None:
            self._flash_timer.cancel()
        self._blinker.close()
        for pin in self._pins:
            if pin is not None:
                pin.off()
                pin.close()

    def _changed(self, lit: Lit) -> None:
        if self._flash_timer is None:
            self._write(lit)

    def _end_flash(self) -> None:
        self._flash_timer = None
        self._write(self._blinker.lit)

    def _write(self, lit: Lit) -> None:
        for pin, level in zip(self._pins, lit, strict=True):
            if pin is not None and bool(pin.value) != level:
                pin.value = level

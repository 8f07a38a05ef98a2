"""The buzzer: what each sound is, and the pin that plays it.

The buzzer is an active one, which has a single tone: sounds differ in rhythm alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from appliance.core.view import Sound

if TYPE_CHECKING:
    from gpiozero import DigitalOutputDevice

PATTERNS: dict[Sound, tuple[float, ...]] = {
    # Long enough to be heard across a kitchen, and over before the next page may sound, 2 s later.
    Sound.PAGE: (0.3, 0.1, 0.3, 0.1, 0.5),
    # Each beep longer than the one before: the nearest that one tone comes to rising.
    Sound.PAIRED: (0.05, 0.07, 0.1, 0.07, 0.2),
    Sound.ERROR: (0.12, 0.12, 0.12),
    Sound.LATE: (0.8,),
}
"""Seconds on, off, on and so on."""


def length(sound: Sound) -> float:
    """How long a sound lasts, in seconds."""
    return sum(PATTERNS[sound])


class BuzzerPart:
    """Plays sounds on a pin, one at a time, by timers of the loop.

    pin: None where there is no buzzer. enabled: False mutes it.
    """

    def __init__(self, pin: DigitalOutputDevice | None, enabled: bool = True) -> None:
        self._pin = pin
        self._enabled = enabled
        self._timer: asyncio.TimerHandle | None = None

    def play(self, sound: Sound) -> None:
        """Start a sound in place of the one that still plays. Inside a running loop."""
        if self._pin is None or not self._enabled:
            return
        self._stop()
        loop = asyncio.get_running_loop()
        self._step(self._pin, PATTERNS[sound], 0, loop.time())

    def close(self) -> None:
        """Silent, and the pin given back."""
        self._stop()
        if self._pin is not None:
            self._pin.off()
            self._pin.close()
            self._pin = None

    def _step(self, pin: DigitalOutputDevice, pattern: tuple[float, ...], index: int, due: float) -> None:
        # Each step is due a pattern's length after the last was due, not after it ran, so that delays don't add up.
        pin.value = index < len(pattern) and index % 2 == 0
        if index < len(pattern):
            due += pattern[index]
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(due, self._step, pin, pattern, index + 1, due)
        else:
            self._timer = None

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

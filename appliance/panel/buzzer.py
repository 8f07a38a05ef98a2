"""Plays the sounds on a buzzer, and decides which of two sounds has priority.

An active buzzer has a fixed tone that is switched on and off; a passive one is driven by a square wave of any pitch.
Sounds differ by the number and length of their beeps, so that both kinds can play them, and by pitch on a passive one.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from appliance.core.view import Sound

if TYPE_CHECKING:
    from gpiozero import DigitalOutputDevice, PWMOutputDevice

ACTIVE, PASSIVE = "active", "passive"
"""The kinds of buzzers."""

# Small buzzers resonate at 2 to 4 kHz, where hearing is most sensitive; older people hear less above that. These three
# are a major chord (4:5:6), which is easy to distinguish, and pleasant enough for a sound that repeats all day.
LOW, MIDDLE, HIGH = 2100, 2625, 3150
# Far below the resonance: a small buzzer plays mainly the overtones of such a low square wave, which sounds harsh.
GROWL = 500
SILENT = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a sound. seconds: its duration. pitch: in Hz, for a passive buzzer; 0 is silence."""

    seconds: float
    pitch: int = SILENT


PATTERNS: dict[Sound, tuple[Step, ...]] = {
    # Three beeps, which end before the next page may sound, 1.5 s later.
    Sound.PAGE: (Step(0.35, LOW), Step(0.15), Step(0.35, MIDDLE), Step(0.15), Step(0.35, HIGH)),
    # Five quick beeps, up to a pitch that no other sound has.
    Sound.PAIRED: (
        Step(0.06, LOW),
        Step(0.06),
        Step(0.06, MIDDLE),
        Step(0.06),
        Step(0.06, HIGH),
        Step(0.06),
        Step(0.06, MIDDLE * 3 // 2),
        Step(0.06),
        Step(0.15, 2 * LOW),
    ),
    # Two beeps, short and long.
    Sound.ERROR: (Step(0.15, GROWL), Step(0.1), Step(0.5, GROWL)),
    # A single long beep.
    Sound.LATE: (Step(1.0, LOW),),
    # A single short beep.
    Sound.NEW_ORDER: (Step(0.12, MIDDLE),),
}
"""Each sound begins and ends with a tone."""

PRIORITY = {Sound.PAGE: 3, Sound.ERROR: 2, Sound.PAIRED: 2, Sound.LATE: 1, Sound.NEW_ORDER: 0}
"""A sound cuts off one of the same or a lower priority.

A page calls a person who may not be looking at the display. Paired and error respond to a press, and must come at once.
A late order can wait: the red LED shows it until it is served. The count shows a new order anyway.
"""
CUT_OFF_GAP = 0.08
"""Seconds of silence before a sound that cuts off another: an active buzzer would join their beeps otherwise."""


def duration(sound: Sound) -> float:
    """The duration of a sound in seconds."""
    return sum(step.seconds for step in PATTERNS[sound])


def duty_cycle(volume: int) -> float:
    """Convert a volume to the duty cycle of a passive buzzer's pin. volume: 1 to 100 percent of the loudness.

    A duty cycle of 0.5 is loudest. The sound pressure is proportional to sin(pi * duty), the first term of a pulse
    wave's Fourier series, and the loudness to the 0.6th power of the pressure (Stevens). lgpio needs whole percents.
    """
    pressure = (volume / 100) ** (1 / 0.6)
    return math.ceil(100 * math.asin(pressure) / math.pi - 1e-9) / 100


def open_pin(number: int, kind: str, factory: Any = None) -> DigitalOutputDevice | PWMOutputDevice:
    """Open a buzzer's pin, silent. number: BCM. factory: of gpiozero. Raises any error of gpiozero and the factory."""
    import gpiozero

    if kind == PASSIVE:
        if factory is None:
            # Like the pin library itself, imported only on machines with pins.
            from appliance.panel.pins import tone_factory

            factory = tone_factory()
        return gpiozero.PWMOutputDevice(number, frequency=MIDDLE, initial_value=0, pin_factory=factory)
    return gpiozero.DigitalOutputDevice(number, initial_value=False, pin_factory=factory)


class BuzzerPart:
    """Plays one sound at a time on a pin, by timers of the loop; sounds are never queued.

    pin: from open_pin for this kind; None if there is no buzzer. volume: of a passive buzzer,
    1 to 100 percent; ignored for an active one.
    """

    def __init__(
        self,
        pin: DigitalOutputDevice | PWMOutputDevice | None,
        *,
        kind: str = ACTIVE,
        volume: int = 100,
    ) -> None:
        self._pin = pin
        self._duty = duty_cycle(volume) if kind == PASSIVE else None
        self._timer: asyncio.TimerHandle | None = None
        self._playing: Sound | None = None
        self._ends = 0.0
        self._pitch = SILENT
        if pin is not None:
            self._set(pin, SILENT)

    def play(self, sound: Sound) -> None:
        """Start a sound, inside a running loop, unless it is playing already, or a sound of a higher priority is."""
        if self._pin is None:
            return
        now = asyncio.get_running_loop().time()
        # Check the clock too: in a delayed loop, the timer that ends the last sound may be overdue.
        playing = self._playing if now < self._ends else None
        if playing is not None and (sound is playing or PRIORITY[sound] < PRIORITY[playing]):
            return
        pattern = PATTERNS[sound] if self._pitch == SILENT else (Step(CUT_OFF_GAP), *PATTERNS[sound])
        self.silence()
        self._playing = sound
        self._ends = now + sum(step.seconds for step in pattern)
        self._step(self._pin, pattern, 0, now)

    def silence(self) -> None:
        """Stop the current sound, if there is one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._playing = None
        if self._pin is not None and self._pitch != SILENT:
            self._set(self._pin, SILENT)

    def close(self) -> None:
        """Stop the sound, and release the pin."""
        self.silence()
        if self._pin is not None:
            self._pin.close()
            self._pin = None

    def _step(self, pin: DigitalOutputDevice | PWMOutputDevice, pattern: tuple[Step, ...], at: int, due: float) -> None:
        # Due times are absolute, so that delays of the loop don't add up.
        if at == len(pattern):
            self.silence()
            return
        self._set(pin, pattern[at].pitch)
        due += pattern[at].seconds
        self._timer = asyncio.get_running_loop().call_at(due, self._step, pin, pattern, at + 1, due)

    def _set(self, pin: DigitalOutputDevice | PWMOutputDevice, pitch: int) -> None:
        self._pitch = pitch
        if self._duty is None:
            pin.value = pitch != SILENT
        elif pitch != SILENT:
            pin.frequency = pitch
            pin.value = self._duty
        else:
            # A duty cycle of 0 is not enough: lgpio's thread would still wake for every period, some 3,000 times a
            # second. The level comes last, because stopping the wave may leave the pin high.
            pin.frequency = None
            pin.value = 0
